// SPDX-License-Identifier: Apache-2.0

package recordscan

import (
	"bytes"

	"github.com/gdummy/gdummy/internal/recordid"
)

// Text scans complete text. Its last line need not end in a newline.
func (s *Scanner) Text(text []byte) {
	if rest := eachLine(text, s.line); len(rest) > 0 {
		s.line(rest)
	}
	s.end()
}

// nulEnd ends a GELF message over TCP: its last brace, and a NUL.
var nulEnd = []byte("}\x00")

// eachLine calls f with each complete line of text, which ends in a newline or nulEnd, and
// returns the rest.
func eachLine(text []byte, f func(line []byte)) (rest []byte) {
	messages := bytes.Contains(text, nulEnd)
	for {
		n := bytes.IndexByte(text, '\n') + 1
		line := text[:n]
		if n == 0 {
			line = text
		}
		for messages {
			i := bytes.Index(line, nulEnd)
			if i < 0 {
				break
			}
			f(line[:i+len(nulEnd)])
			line = line[i+len(nulEnd):]
		}
		if n == 0 {
			return line
		}
		f(line)
		text = text[n:]
	}
}

// end reports what is incomplete: an object over several lines, and pieces of lines.
func (s *Scanner) end() {
	s.flush()
	for i := range s.pieces {
		s.cut(i)
	}
}

// longLine is the size, in bytes, from which a line of JSON is parsed incrementally.
const longLine = 1 << 20

// lines scans the complete lines of b, and as much as possible of a long line, and
// returns the rest.
func (s *Scanner) lines(b []byte) []byte {
	s.wanted = min(longLine, s.maxRecord)
	b = eachLine(b, s.line)
	if len(b) >= s.wanted {
		b = s.long(b)
		s.wanted = max(s.wanted, 2*len(b))
	}
	return b
}

// newlines reports whether the last bytes of b complete a line, or make it long enough
// to be parsed incrementally.
func (s *Scanner) newlines(b []byte, last int) bool {
	return len(b) >= s.maxRecord || len(b) >= s.wanted || bytes.IndexByte(b[len(b)-last:], '\n') >= 0 ||
		bytes.Contains(b[max(len(b)-last-1, 0):], nulEnd)
}

// long scans the complete values of a line without an end, and returns the rest.
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
			// The value is too large, but its parts may not be.
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

// line scans one line, or the end of a long line.
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

// isFront reports whether text is the beginning of an event in JSON, [time, or [[time,.
func isFront(text []byte) bool {
	text = bytes.TrimPrefix(text[1:], []byte{'['})
	behind := bytes.TrimLeft(text, "0123456789.")
	return len(behind) < len(text) && (len(behind) == 0 || behind[0] == ',')
}

// isArrayFront reports whether a line begins like an array of records or an event. Lines
// of text may begin with a bracket, too: [2026/11/26 12:00:00] [ info].
func isArrayFront(line []byte) bool {
	if line[0] != '[' {
		return false
	}
	t := bytes.TrimLeft(line[1:], " \t\r\n")
	return len(t) == 0 || t[0] == '{' || t[0] == '[' || t[0] == ']' || t[0] == '"' || isFront(line)
}

// text scans a line of JSON.
func (s *Scanner) text(line []byte) {
	s.values(line, true)
	s.row = row{}
}

// plain scans a line in an unknown format. JSON in it is checked, but need not be the
// whole record.
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
