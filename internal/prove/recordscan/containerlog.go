// SPDX-License-Identifier: Apache-2.0

package recordscan

import "bytes"

// Container runtimes prefix each line of a container with its time and stream, or wrap it
// in JSON, and split a long line into pieces of 16 KB. A record or an identity that was
// split is complete again once the pieces are joined.

// cutAt is the minimum size, in bytes, of the pieces of a long line, other than the last.
// A piece is longer if the split made characters invalid.
const cutAt = 16 << 10

// piece scans a line of a container, or a piece of one; whole reports that the line ends.
// Pieces of stdout and stderr (stream 0 and 1) may be interleaved.
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

// cut scans an incomplete line. What is broken in it need not be damaged.
func (s *Scanner) cut(stream int) {
	if have := bytes.TrimSpace(s.pieces[stream]); len(have) > 0 {
		s.plain(have)
	}
	s.pieces[stream] = s.pieces[stream][:0]
}

// joined scans a complete line of a container.
func (s *Scanner) joined(text []byte) {
	text = bytes.TrimSpace(text)
	if len(text) > 0 && (text[0] == '{' || isArrayFront(text)) {
		s.text(text)
		return
	}
	s.plain(text)
}

// grows reports whether have may grow by n bytes.
func (s *Scanner) grows(have []byte, n int) bool {
	return s.reserve == nil || len(have)+n < cap(have) || s.reserve(len(have)+n)
}

// containerLine parses a line in the format of container runtimes:
// 2026-11-26T12:00:00.5Z stdout F text
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

// docker scans a piece of a long line in the format of Docker, and reports whether it is
// one:
//
//	{"log":"text","stream":"stdout","time":"2026-11-26T12:00:00.5Z"}
//
// A line that is not split is an ordinary record.
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
	// Labels may precede the time; nothing follows it.
	const name = `,"time":"`
	i := bytes.LastIndex(rest, []byte(name))
	if i < 0 || bytes.IndexByte(rest[i+len(name):], '"') != len(rest)-i-len(name)-len(`"}`) {
		return false
	}
	whole := bytes.HasSuffix(text, []byte{'\n'})
	if len(s.pieces[stream]) == 0 && (whole || len(text) < cutAt) {
		return false
	}
	s.within = true // like a line that is not split
	s.piece(stream, text, whole || len(text) < cutAt)
	s.within = false
	return true
}
