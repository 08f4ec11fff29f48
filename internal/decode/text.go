package decode

import (
	"bytes"
	"errors"
	"io"

	"github.com/gdummy/gdummy/internal/ident"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// pending is an indented JSON object of which some lines were read.
type pending struct {
	text     []byte
	depth    int
	inString bool
}

// add adds a line and says whether the object is complete.
func (p *pending) add(line []byte) bool {
	p.text = append(append(p.text, line...), '\n')
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case p.inString && c == '\\':
			i++
		case c == '"':
			p.inString = !p.inString
		case p.inString:
		case c == '{' || c == '[':
			p.depth++
		case c == '}' || c == ']':
			p.depth--
		}
	}
	return p.depth <= 0
}

// Text reads complete text: lines, of which the last may lack its end.
func (s *Scanner) Text(text []byte) {
	for len(text) > 0 {
		i := bytes.IndexByte(text, '\n')
		if i < 0 {
			i = len(text) - 1
		}
		s.line(text[:i+1])
		text = text[i+1:]
	}
	s.end()
}

// end reports an object that never ended.
func (s *Scanner) end() {
	if len(s.pending.text) > 0 {
		s.spoil(s.pending.text)
	}
	s.pending = pending{text: s.pending.text[:0]}
}

// line reads one line.
func (s *Scanner) line(line []byte) {
	line = bytes.TrimSpace(line)
	if len(line) == 0 {
		return
	}
	if len(s.pending.text) > 0 {
		switch {
		case s.pending.add(line):
			text := s.pending.text
			s.pending = pending{}
			s.values(text)
			s.pending.text = text[:0]
		case len(s.pending.text) > s.maxRecord:
			s.end()
		}
		return
	}
	switch c := line[0]; {
	case len(line) == 1 && c == '{':
		s.pending.add(line)
	case c == '{' || c == ']' || c == ',' || c == '}' && len(line) > 1:
		s.values(line)
	case c == '[' && !printed(line):
		s.values(line)
	case c == '[':
		s.plain(line)
	default:
		// Fluent Bit's file output writes a tag before its JSON.
		if i := bytes.Index(line, []byte(": [")); i > 0 && bytes.IndexByte(line[:i], '"') < 0 {
			if e := line[i+2:]; len(e) > 1 && (isDigit(e[1]) || e[1] == '[') {
				s.values(e)
				return
			}
		}
		s.plain(line)
	}
}

// plain reads a line of which nothing but the identity can be understood.
func (s *Scanner) plain(line []byte) {
	if s.raw(line, Unchecked) == 0 {
		s.take(ident.ID{}, Foreign)
	}
}

// printed says whether a line is an event as Fluent Bit's stdout output prints
// it: [0] tag: [...
func printed(line []byte) bool {
	i := 1
	for i < len(line) && isDigit(line[i]) {
		i++
	}
	return i > 1 && i+1 < len(line) && line[i] == ']' && line[i+1] == ' '
}

func isDigit(c byte) bool { return c-'0' <= 9 }

// values reads the JSON values in text. Between them, commas and the brackets
// of lists of records are skipped.
func (s *Scanner) values(text []byte) {
	for {
		j := jsonReader{doc: &s.doc, b: text}
		switch c := j.space(); {
		case c == 0 && j.pos == len(text):
			return
		case c == ',' || c == ']' || c == '[' && j.isList():
			text = text[j.pos+1:]
			continue
		}
		text = text[j.pos:]
		n, ok := s.jsonValue(text, false)
		if ok {
			s.report(func() { s.jsonValue(text, true) })
		} else {
			n = nextObject(text)
			s.spoil(text[:n])
		}
		text = text[n:]
	}
}

// isList says whether the bracket at which the reader stands begins a list of
// records.
func (j *jsonReader) isList() bool {
	l := jsonReader{b: j.b, pos: j.pos + 1}
	c := l.space()
	return c == 0 || c == '{' || c == ']'
}

// jsonValue takes one value apart and returns its length.
func (s *Scanner) jsonValue(text []byte, coarse bool) (int, bool) {
	s.doc.reset(coarse)
	j := jsonReader{doc: &s.doc, b: text}
	_, ok := j.value(-1, nil, 0)
	return j.pos, ok
}

// nextObject returns where, behind the first byte, the next record of a list
// seems to begin, or the length of text.
func nextObject(text []byte) int {
	next := len(text)
	for _, sign := range []string{"},{", "}{", "}, {", "\n{"} {
		if i := bytes.Index(text[:next], []byte(sign)); i >= 0 {
			next = i + len(sign) - 1
		}
	}
	return next
}

// Read reads a source to its end. The error is the source's; what stands before
// it was read.
func (s *Scanner) Read(r io.Reader) error {
	head := make([]byte, 4)
	n, err := io.ReadFull(r, head)
	head = head[:n]
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return err
	}
	r = io.MultiReader(bytes.NewReader(head), r)
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(r)
		if err != nil {
			return err
		}
		defer z.Close()
		return s.inner(z)
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(64<<20))
		if err != nil {
			return err
		}
		defer z.Close()
		return s.inner(z)
	case IsMsgpack(head):
		return s.fill(r, s.Msgpack, 1<<16)
	case bytes.HasPrefix(head, []byte{0xef, 0xbb, 0xbf}):
		if _, err := io.CopyN(io.Discard, r, 3); err != nil {
			return err
		}
	}
	err = s.fill(r, s.lines, s.maxRecord)
	s.end()
	return err
}

// maxCompressed is how often data may be compressed.
const maxCompressed = 2

// inner reads what was compressed.
func (s *Scanner) inner(r io.Reader) error {
	if s.depth == maxCompressed {
		return errors.New("compressed more than twice")
	}
	s.depth++
	defer func() { s.depth-- }()
	return s.Read(r)
}

// IsMsgpack says whether data begins as MessagePack of records does.
func IsMsgpack(data []byte) bool {
	if len(data) == 0 {
		return false
	}
	c := data[0]
	return c >= 0x80 && c < 0xa0 || c >= 0xdc && c <= 0xdf
}

// lines reads the complete lines at the front of b and returns the rest.
func (s *Scanner) lines(b []byte) []byte {
	for {
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			if len(b) >= s.maxRecord {
				s.spoil(b)
				return nil
			}
			return b
		}
		s.line(b[:i+1])
		b = b[i+1:]
	}
}

// fill gives what it reads to parse, together with what parse left the last
// time. If that was more than eager bytes, it waits for as many again: a long
// record is not tried for each piece of it. What is left at the end is given to
// the parsers of cut input.
func (s *Scanner) fill(r io.Reader, parse func([]byte) []byte, eager int) error {
	const step = 1 << 18
	if s.buf == nil {
		s.buf = make([]byte, step)
	}
	n, tried := 0, 0
	total := int64(0)
	for {
		if n == len(s.buf) {
			s.buf = append(s.buf, make([]byte, len(s.buf))...)
		}
		got, err := r.Read(s.buf[n:])
		n += got
		if total += int64(got); s.maxBytes > 0 && total > s.maxBytes {
			return ErrTooLarge
		}
		if got > 0 && (tried <= eager || n >= 2*tried || n == len(s.buf)) {
			rest := parse(s.buf[:n])
			n = copy(s.buf, rest)
			tried = n
		}
		if err != nil {
			rest := parse(s.buf[:n])
			s.cut(rest, err)
			if err == io.EOF {
				return nil
			}
			return err
		}
	}
}

// cut reads what is left at the end of a source.
func (s *Scanner) cut(rest []byte, _ error) {
	switch {
	case len(rest) == 0:
	case IsMsgpack(rest):
		s.spoil(rest)
	default:
		s.line(rest)
	}
}
