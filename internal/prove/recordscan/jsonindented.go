// SPDX-License-Identifier: Apache-2.0

package recordscan

// pretty is a JSON object over several lines of which some were read.
//
// It follows the grammar, so as to see where the object was cut and another one
// begins, and where something is broken: from there on only the indentation
// tells where it ends.
type pretty struct {
	text  []byte
	open  []byte // the brackets that are open
	next  token  // what may come
	quote bool   // in a string

	broken bool
	lines  int
	indent int  // of the first line
	inner  bool // all others are indented more, but for the last
	at     int  // the indentation of the line that takes saw
}

// token is what the grammar allows next.
type token uint8

const (
	tokenValue token = iota // a value
	tokenFirst              // a value, or the end of an array
	tokenName               // the name of a member
	tokenNamed              // a name, or the end of a map
	tokenColon
	tokenNext // a comma, or an end
)

// maxPretty is how deep the brackets may nest.
const maxPretty = 2 * maxDepth

// begin begins with a line that has nothing but a brace.
func (p *pretty) begin(raw []byte) {
	*p = pretty{text: p.text[:0], open: p.open[:0], indent: indentOf(raw)}
	p.add([]byte{'{'})
}

// started reports whether there is an object that has not come to its end.
func (p *pretty) started() bool { return p.lines > 0 }

// indentOf is how far a line is indented.
func indentOf(raw []byte) int {
	n := 0
	for n < len(raw) && (raw[n] == ' ' || raw[n] == '\t') {
		n++
	}
	return n
}

// takes reports whether a line, which begins with c, goes on with the object.
func (p *pretty) takes(raw []byte, c byte) bool {
	p.at = indentOf(raw)
	if p.lines == 1 {
		p.inner = p.at > p.indent
	}
	switch {
	case p.at > p.indent:
		return true
	case c == '{':
		return !p.inner && !p.broken && !p.quote && p.next <= tokenFirst
	case p.broken && p.inner:
		return c == '}'
	}
	return true
}

// add adds a line and reports whether the object has come to its end.
func (p *pretty) add(line []byte) bool {
	p.text = append(append(p.text, line...), '\n')
	p.lines++
	for i := 0; i < len(line) && !p.broken; i++ {
		i = p.token(line, i)
	}
	if p.broken {
		return p.inner && p.at <= p.indent && line[0] == '}'
	}
	return len(p.open) == 0
}

// token follows the grammar over the token at i, and returns its last byte.
func (p *pretty) token(line []byte, i int) int {
	c := line[i]
	if p.quote {
		if c == '\\' {
			return i + 1
		}
		p.quote = c != '"'
		return i
	}
	value := p.next <= tokenFirst
	switch c {
	case ' ', '\t', '\r':
	case '"':
		p.quote = true
		switch {
		case value:
			p.next = tokenNext
		case p.next <= tokenNamed:
			p.next = tokenColon
		default:
			p.broken = true
		}
	case ':':
		p.broken = p.next != tokenColon
		p.next = tokenValue
	case ',':
		switch {
		case len(p.open) == 0:
		case p.next != tokenNext:
			p.broken = true
		case p.open[len(p.open)-1] == '{':
			p.next = tokenName
		default:
			p.next = tokenValue
		}
	case '{', '[':
		p.broken = !value || len(p.open) == maxPretty
		p.open = append(p.open, c)
		p.next = tokenFirst
		if c == '{' {
			p.next = tokenNamed
		}
	case '}', ']':
		n := len(p.open) - 1
		switch {
		case n < 0, p.open[n] != c-2:
			p.broken = true
		case p.next == tokenNext, p.next == tokenFirst && c == ']', p.next == tokenNamed && c == '}':
			p.open = p.open[:n]
			p.next = tokenNext
			if n == 0 {
				p.next = tokenValue
			}
		default:
			p.broken = true
		}
	default:
		p.broken = !value
		p.next = tokenNext
		for i+1 < len(line) && (isDigit(line[i+1]) || line[i+1]|0x20 >= 'a' && line[i+1]|0x20 <= 'z' || line[i+1] == '.' || line[i+1] == '-' || line[i+1] == '+') {
			i++
		}
	}
	return i
}

// flush reads the lines of an object over several lines, whether it has come to
// its end or not.
func (s *Scanner) flush() {
	if s.pretty.started() {
		s.values(s.pretty.text, true)
		s.pretty.lines, s.pretty.text = 0, s.pretty.text[:0]
		s.row = row{}
	}
}

// shorten reads what can be read of an object that is too large to be read as
// one.
func (s *Scanner) shorten() {
	p := &s.pretty
	if !s.row.salvaging {
		s.row = row{salvaging: true, object: true, large: true}
	}
	rest := s.values(p.text, false)
	if len(rest) > s.maxRecord/2 {
		s.spoil(rest)
		rest = nil
	}
	p.text = p.text[:copy(p.text, rest)]
}
