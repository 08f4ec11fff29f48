// SPDX-License-Identifier: Apache-2.0

package recordscan

import "bytes"

// Container runtimes write each line of a container behind its time and stream,
// or into JSON of its own, and a long one in pieces: of 16 KB, wherever that is.
// A record, or an identity, that was cut so is whole once the pieces are joined.

// cutAt is how many bytes the pieces of a long line have, or some more, where the
// cut made characters invalid.
const cutAt = 16 << 10

// piece takes a line of a container, or a piece of one; whole says that it ends
// with it. Lines of stdout and stderr (stream 0 and 1) come as they were written,
// between pieces of one another.
func (s *Scanner) piece(stream int, text []byte, whole bool) {
	have := &s.pieces[stream]
	if whole && len(*have) == 0 {
		s.joined(text)
		return
	}
	if len(*have)+len(text) > s.maxRecord || !s.grows(*have, len(text)) {
		s.cut(stream)
		s.plain(text)
		return
	}
	if *have = append(*have, text...); whole {
		s.joined(*have)
		*have = (*have)[:0]
	}
}

// cut reads the pieces of a line whose others do not come. What is broken there
// may be right with them.
func (s *Scanner) cut(stream int) {
	if have := bytes.TrimSpace(s.pieces[stream]); len(have) > 0 {
		s.plain(have)
	}
	s.pieces[stream] = s.pieces[stream][:0]
}

// joined reads a whole line of a container.
func (s *Scanner) joined(text []byte) {
	text = bytes.TrimSpace(text)
	if len(text) > 0 && (text[0] == '{' || isArrayFront(text)) {
		s.text(text)
		return
	}
	s.plain(text)
}

// grows reports whether there may be n more bytes behind those of have.
func (s *Scanner) grows(have []byte, n int) bool {
	return s.reserve == nil || len(have)+n < cap(have) || s.reserve(len(have)+n)
}

// containerLine takes apart a line as container runtimes log it
// (2026-11-26T12:00:00.5Z stdout F text).
func containerLine(line []byte) (text []byte, stream int, whole, ok bool) {
	i := bytes.IndexByte(line, ' ')
	if i < len("2026-11-26T12:00:00Z") || i > len("2026-11-26T12:00:00.000000000+00:00") || line[10] != 'T' {
		return nil, 0, false, false
	}
	tags, ok := bytes.CutPrefix(line[i:], []byte(" stdout "))
	if !ok {
		stream = 1
		if tags, ok = bytes.CutPrefix(line[i:], []byte(" stderr ")); !ok {
			return nil, 0, false, false
		}
	}
	n := bytes.IndexByte(tags, ' ')
	if n < 1 || tags[0] != 'F' && tags[0] != 'P' {
		return nil, 0, false, false
	}
	return tags[n+1:], stream, tags[0] == 'F', true
}

// docker takes a line that is a piece of a longer one, as Docker logs it:
//
//	{"log":"text","stream":"stdout","time":"2026-11-26T12:00:00.5Z"}
//
// All others are records like any other.
func (s *Scanner) docker(line []byte) bool {
	const head = `{"log":`
	if len(line) < cutAt && len(s.pieces[0])+len(s.pieces[1]) == 0 || !bytes.HasPrefix(line, []byte(head+`"`)) {
		return false
	}
	s.peek.reset(0)
	j := jsonReader{doc: &s.peek, b: line, pos: len(head)}
	text, ok := j.string()
	if !ok {
		return false
	}
	stream := 0
	rest, ok := bytes.CutPrefix(line[j.pos:], []byte(`,"stream":"stdout"`))
	if !ok {
		stream = 1
		if rest, ok = bytes.CutPrefix(line[j.pos:], []byte(`,"stream":"stderr"`)); !ok {
			return false
		}
	}
	// Between them there may be labels; nothing is behind the time.
	const name = `,"time":"`
	i := bytes.LastIndex(rest, []byte(name))
	if i < 0 || bytes.IndexByte(rest[i+len(name):], '"') != len(rest)-i-len(name)-len(`"}`) {
		return false
	}
	whole := bytes.HasSuffix(text, []byte{'\n'})
	if len(s.pieces[stream]) == 0 && (whole || len(text) < cutAt) {
		return false
	}
	s.within = true // as in a line that is there as a whole
	s.piece(stream, text, whole || len(text) < cutAt)
	s.within = false
	return true
}
