// SPDX-License-Identifier: Apache-2.0

package recordscan

import (
	"bytes"
	"strconv"

	"github.com/gdummy/gdummy/internal/recordid"
)

// printed reports whether a line is an event in the format of Fluent Bit's stdout output:
// [0] tag: [...
func printed(line []byte) bool {
	i := 1
	for i < len(line) && isDigit(line[i]) {
		i++
	}
	return i > 1 && i+1 < len(line) && line[i] == ']' && line[i+1] == ' '
}

// print scans a line of Fluent Bit's stdout output:
//
//	[0] tag: [[1732300000.500000000, {}], {"message"=>"dummy", "n"=>1}]
//
// The format is ambiguous: strings have no escapes, and doubles have six decimals. If the
// sum of a body matches, it was parsed as intended. Otherwise it is unchecked.
func (s *Scanner) print(line []byte) {
	if i := bytes.Index(line, []byte(": [")); i > 0 && s.value == nil && bytes.Contains(line[i:], []byte(recordid.Prefix)) {
		event := line[i+2:]
		if s.unprint(event, 0) && s.judge(func(how reading) { s.unprint(event, how) }) <= Enriched {
			s.deliver(event)
			return
		}
	}
	s.plain(line)
}

// unprint parses a printed event.
func (s *Scanner) unprint(text []byte, how reading) bool {
	s.doc.reset(how)
	p := printReader{doc: &s.doc, b: text}
	_, ok := p.value(-1, nil, 0)
	return ok && len(p.b) == 0
}

// printReader parses values in the format of msgpack-c's print function.
type printReader struct {
	doc *doc
	b   []byte
}

// skip skips the given text.
func (p *printReader) skip(text string) bool {
	if len(p.b) < len(text) || string(p.b[:len(text)]) != text {
		return false
	}
	p.b = p.b[len(text):]
	return true
}

// value parses a value and returns its hash. The value belongs to the member name of map
// n, or to an array in that member.
func (p *printReader) value(n int32, name []byte, depth int) (uint64, bool) {
	if depth > maxDepth || len(p.b) == 0 {
		return 0, false
	}
	switch p.b[0] {
	case '{':
		return p.mapping(n, name, depth)
	case '[':
		return p.array(n, name, depth)
	case '"':
		s, ok := p.string(isElementEnd)
		p.doc.string(s, n, name)
		return recordid.HashString(s), ok
	case 't':
		return recordid.HashTrue, p.skip("true")
	case 'f':
		return recordid.HashFalse, p.skip("false")
	case 'n':
		return recordid.HashNull, p.skip("nil")
	}
	return p.number()
}

func (p *printReader) mapping(parent int32, name []byte, depth int) (uint64, bool) {
	d := p.doc
	n, base := d.open(parent, name)
	parts := len(d.parts)
	p.skip("{")
	for first := true; !p.skip("}"); first = false {
		if !first && !p.skip(", ") || !d.room() {
			return 0, false
		}
		key, ok := p.string(isName)
		if !ok || !p.skip("=>") || len(p.b) == 0 {
			return 0, false
		}
		m := member{name: key, lo: int32(len(d.nodes))}
		start, found := p.b, len(d.found)
		if p.b[0] == '"' {
			var s []byte
			s, ok = p.string(isMemberEnd)
			m.value, m.id = recordid.HashString(s), d.string(s, n, key)
		} else {
			m.value, ok = p.value(n, key, depth+1)
		}
		if !ok {
			return 0, false
		}
		if d.stamp != "" && d.at(d.stamp, n, key) {
			d.arrival = Time(bytes.Trim(start[:len(start)-len(p.b)], `"`))
		}
		m.hi = int32(len(d.nodes))
		m.hash = recordid.HashMember(key, m.value)
		d.stack = append(d.stack, m)
		d.part(found)
	}
	return d.close(n, base, parts), true
}

func (p *printReader) array(n int32, name []byte, depth int) (uint64, bool) {
	d := p.doc
	p.skip("[")
	h := recordid.HashArray
	e := d.elements()
	for i := 0; ; i++ {
		if p.skip("]") {
			e.end(d, n, name, i)
			return h, true
		}
		if i > 0 && !p.skip(", ") || !d.room() || len(p.b) == 0 {
			return 0, false
		}
		c, first, found := p.b[0], int32(len(d.nodes)), len(d.found)
		v, ok := p.value(n, name, depth+1)
		if !ok {
			return 0, false
		}
		h = recordid.HashElement(h, v)
		e.add(d, i, depth, kindOf(c), first, found)
	}
}

// string parses a string up to the first quote for which ended reports true.
func (p *printReader) string(ended func(behind []byte) bool) ([]byte, bool) {
	if !p.skip(`"`) {
		return nil, false
	}
	for i := 0; ; i++ {
		n := bytes.IndexByte(p.b[i:], '"')
		if n < 0 {
			return nil, false
		}
		if i += n; ended(p.b[i+1:]) {
			s := p.b[:i:i]
			p.b = p.b[i+1:]
			return s, true
		}
	}
}

func isName(behind []byte) bool { return bytes.HasPrefix(behind, []byte("=>")) }

// isMemberEnd reports whether the text after a quote continues or ends a map.
func isMemberEnd(behind []byte) bool {
	if next, ok := bytes.CutPrefix(behind, []byte(`, "`)); ok {
		i := bytes.IndexByte(next, '"')
		return i >= 0 && isName(next[i+1:])
	}
	return len(behind) > 0 && behind[0] == '}' && isClosed(behind[1:])
}

// isElementEnd reports whether the text after a quote continues or ends an array.
func isElementEnd(behind []byte) bool {
	return bytes.HasPrefix(behind, []byte(", ")) || len(behind) > 0 && behind[0] == ']' && isClosed(behind[1:])
}

// isClosed reports whether text may follow a map or an array.
func isClosed(behind []byte) bool {
	return len(behind) == 0 || behind[0] == '}' || behind[0] == ']' || bytes.HasPrefix(behind, []byte(", "))
}

func (p *printReader) number() (uint64, bool) {
	i := 0
	for i < len(p.b) && (isDigit(p.b[i]) || p.b[i] == '-' || p.b[i] == '.') {
		i++
	}
	text := string(p.b[:min(i, 400)])
	p.b = p.b[i:]
	size, negative := text, false
	if i > 0 && text[0] == '-' {
		size, negative = text[1:], true
	}
	if n, err := strconv.ParseUint(size, 10, 64); err == nil {
		return p.doc.integer(n, negative), true
	}
	f, err := strconv.ParseFloat(text, 64)
	h, _ := recordid.HashFloat(f)
	return h, err == nil
}
