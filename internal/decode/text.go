package decode

import (
	"bytes"

	"github.com/gdummy/gdummy/internal/ident"
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
		case s.reserve != nil && len(s.pending.text)+len(line) >= cap(s.pending.text) && !s.reserve(len(s.pending.text)+len(line)):
			s.end()
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
		s.take(ident.ID{}, Foreign, 0)
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
	vain := vainAllowed(len(text))
	for {
		j := jsonReader{doc: &s.doc, b: text}
		switch c := j.space(); {
		case c == 0 && j.pos == len(text):
			return
		case c == ',' || c == ']' || c == '[' && j.isList(&s.peek):
			text = text[j.pos+1:]
			continue
		}
		text = text[j.pos:]
		n, ok := s.jsonValue(text, false)
		if ok {
			s.report(func() { s.jsonValue(text, true) })
		} else {
			if vain -= n; vain > 0 {
				n = nextObject(text)
			} else {
				n = len(text)
			}
			s.spoil(text[:n])
		}
		text = text[n:]
	}
}

// vainAllowed is how many bytes may be read in vain in a text of n bytes, which
// is broken again and again: what is left then is broken as a whole.
func vainAllowed(n int) int { return 1<<20 + 8*n }

// isList says whether the bracket at which the reader stands begins a list of
// records. It may use peek.
func (j *jsonReader) isList(peek *doc) bool {
	l := jsonReader{b: j.b, pos: j.pos + 1}
	switch c := l.space(); c {
	case 0, '{', ']':
		return true
	case '[':
		// [[time, body], ... is a list, [[time, metadata], body] an event.
		if l.pos+1 >= len(l.b) || !isDigit(l.b[l.pos+1]) {
			return false
		}
		peek.reset(false)
		l.doc = peek
		if _, ok := l.array(-1, nil, 1); !ok {
			return false
		}
		switch c := l.space(); c {
		case ']':
			return true
		case ',':
			l.pos++
			return l.space() == '['
		}
	}
	return false
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
	for at := 1; at < len(text); at++ {
		i := bytes.IndexByte(text[at:], '{')
		if i < 0 {
			break
		}
		at += i
		before := text[:at]
		if n := len(before); before[n-1] == '}' || before[n-1] == '\n' ||
			bytes.HasSuffix(before, []byte("},")) || bytes.HasSuffix(before, []byte("}, ")) {
			return at
		}
	}
	return len(text)
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
