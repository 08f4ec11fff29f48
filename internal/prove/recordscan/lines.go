// SPDX-License-Identifier: Apache-2.0

package recordscan

import (
	"bytes"

	"github.com/gdummy/gdummy/internal/recordid"
)

// Text reads complete text: lines, of which the last may lack its end.
func (s *Scanner) Text(text []byte) {
	for c := (cutter{}); len(text) > 0; {
		n := c.next(text)
		if n == 0 {
			n = len(text)
		}
		s.line(text[:n])
		text = text[n:]
	}
	s.end()
}

// nulEnd is the end of a message of GELF over TCP: a NUL behind its last brace.
var nulEnd = []byte("}\x00")

// cutter finds the ends of lines in a text that is read from its front.
type cutter struct {
	line int // bytes before the next newline, or before the end of the text
	ok   bool
	end  bool // there is no newline
}

// next returns the size, in bytes, of the line at the front of text with its end,
// or 0 if it has none. The text of the next call begins behind that line.
func (c *cutter) next(text []byte) int {
	if !c.ok {
		c.ok, c.line = true, bytes.IndexByte(text, '\n')
		if c.end = c.line < 0; c.end {
			c.line = len(text)
		}
	}
	if i := bytes.Index(text[:c.line], nulEnd); i >= 0 {
		c.line -= i + len(nulEnd)
		return i + len(nulEnd)
	}
	if c.end {
		return 0
	}
	c.ok = false
	return c.line + 1
}

// end reports what never ended: an object over several lines, lines in pieces.
func (s *Scanner) end() {
	s.flush()
	for i := range s.pieces {
		s.cut(i)
	}
}

// longLine is the length, in bytes, from which on a line of JSON is read in
// pieces.
const longLine = 1 << 20

// lines reads the complete lines at the front of b, and what can be read of one
// that is long, and returns the rest.
func (s *Scanner) lines(b []byte) []byte {
	s.wanted = min(longLine, s.maxRecord)
	for c := (cutter{}); ; {
		n := c.next(b)
		if n == 0 {
			if len(b) >= s.wanted {
				b = s.long(b)
				s.wanted = max(s.wanted, 2*len(b))
			}
			return b
		}
		s.line(b[:n])
		b = b[n:]
	}
}

// newlines reports whether a line has come to its end in the last bytes of b, or is
// long enough to be read without that.
func (s *Scanner) newlines(b []byte, last int) bool {
	return len(b) >= s.maxRecord || len(b) >= s.wanted || bytes.IndexByte(b[len(b)-last:], '\n') >= 0 ||
		bytes.Contains(b[max(len(b)-last-1, 0):], nulEnd)
}

// long reads what is complete in a line that goes on, and returns the rest.
func (s *Scanner) long(b []byte) []byte {
	if !s.row.open {
		t := bytes.TrimLeft(b, " \t\r")
		switch {
		case s.pretty.started() || len(t) == 0:
		case t[0] == '{':
			s.row.open = true
		case isArrayFront(t):
			j := jsonReader{doc: &s.doc, b: t}
			s.row.open = j.isList(&s.peek)
		}
	}
	rest := b
	if s.row.open {
		rest = s.values(b, false)
		if len(rest) >= s.maxRecord && !s.row.salvaging {
			// Too large to be read as one: what it consists of is not.
			s.row.salvaging, s.row.object, s.row.large = true, true, true
			rest = s.values(rest, false)
		}
	}
	if len(rest) >= s.maxRecord {
		s.spoil(rest)
		return nil
	}
	return rest
}

// line reads one line, or the end of one.
func (s *Scanner) line(raw []byte) {
	line := bytes.TrimSpace(raw)
	if n := len(line); n > 0 && (line[0] == 0 || line[n-1] == 0) {
		line = bytes.Trim(line, "\x00 \t\r\n")
	}
	if s.row.open {
		s.values(line, true)
		s.row = row{}
		return
	}
	if len(line) == 0 {
		return
	}
	if s.pretty.started() && s.pretty.takes(raw, line[0]) {
		switch {
		case !s.grows(s.pretty.text, len(line)):
			s.flush()
		case s.pretty.add(line):
			s.flush()
		case len(s.pretty.text) > s.maxRecord:
			s.shorten()
		}
		return
	}
	if s.pretty.started() {
		s.flush()
	}
	switch c := line[0]; {
	case len(line) == 1 && c == '{':
		s.pretty.begin(raw)
	case c == '{':
		if !s.docker(line) {
			s.text(line)
		}
	case c == ']' || c == ',' || c == '}' && len(line) > 1:
		s.text(line)
	case isArrayFront(line):
		s.text(line)
	case c == '[' && printed(line):
		s.print(line)
	default:
		// Fluent Bit's file output writes a tag before its JSON.
		if i := bytes.Index(line, []byte(": [")); i > 0 && bytes.IndexByte(line[:i], '"') < 0 {
			if e := line[i+2:]; isFront(e) {
				s.text(e)
				return
			}
		}
		if text, stream, whole, ok := containerLine(bytes.TrimSuffix(raw, []byte{'\n'})); ok {
			s.piece(stream, text, whole)
			return
		}
		s.plain(line)
	}
}

// isFront reports whether text begins as an event does in JSON, [time, or [[time, or
// was cut there.
func isFront(text []byte) bool {
	text = bytes.TrimPrefix(text[1:], []byte{'['})
	behind := bytes.TrimLeft(text, "0123456789.")
	return len(behind) < len(text) && (len(behind) == 0 || behind[0] == ',')
}

// isArrayFront reports whether a line begins as an array of records, or as an event,
// does. Lines of text begin with brackets, too: [2026/11/26 12:00:00] [ info].
func isArrayFront(line []byte) bool {
	if line[0] != '[' {
		return false
	}
	t := bytes.TrimLeft(line[1:], " \t\r\n")
	return len(t) == 0 || t[0] == '{' || t[0] == '[' || t[0] == ']' || t[0] == '"' || isFront(line)
}

// text reads a line of JSON.
func (s *Scanner) text(line []byte) {
	s.values(line, true)
	s.row = row{}
}

// plain reads a line of an unknown form: what JSON it has in it can be checked,
// but need not be the record.
func (s *Scanner) plain(line []byte) {
	if !bytes.Contains(line, []byte(recordid.Prefix)) {
		s.take(recordid.ID{}, Foreign, 0)
		return
	}
	s.row = row{salvaging: true, plain: true}
	s.lenient = true
	s.values(line, true)
	s.lenient = false
	if !s.row.found {
		s.take(recordid.ID{}, Foreign, 0)
	}
	s.row = row{}
}

func isDigit(c byte) bool { return c-'0' <= 9 }
