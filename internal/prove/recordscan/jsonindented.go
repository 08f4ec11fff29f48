// SPDX-License-Identifier: Apache-2.0

package recordscan

// pretty is an incomplete JSON object over several lines.
//
// It follows the grammar to detect where the object is truncated and another begins, and
// where it is broken. After a syntax error, the indentation determines its end.
type pretty struct {
	text  []byte
	open  []byte // the open brackets
	next  token  // the tokens that may follow
	quote bool   // in a string

	broken bool
	lines  int
	indent int  // of the first line
	inner  bool // the lines between the first and the last are indented further
	at     int  // of the last line passed to takes
}

// token is a set of tokens that the grammar allows.
type token uint8

const (
	tokenValue token = iota // a value
	tokenFirst              // a value, or the end of an array
	tokenName               // the name of a member
	tokenNamed              // a name, or the end of a map
	tokenColon
	tokenNext // a comma, or an end
)

// maxPretty is the maximum depth of brackets.
const maxPretty = 2 * maxDepth

// begin starts an object with a line that is only a brace.
func (p *pretty) begin(raw []byte) {
	*p = pretty{text: p.text[:0], open: p.open[:0], indent: indentOf(raw)}
	p.add([]byte{'{'})
}

// started reports whether there is an incomplete object.
func (p *pretty) started() bool { return p.lines > 0 }

// indentOf returns the indentation of a line.
func indentOf(raw []byte) int {
	n := 0
	for n < len(raw) && (raw[n] == ' ' || raw[n] == '\t') {
		n++
	}
	return n
}

// takes reports whether a line, whose first byte is c, continues the object.
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

// add adds a line and reports whether the object is complete.
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

// token advances over the token at i, and returns the index of its last byte.
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

// flush scans the object over several lines, whether or not it is complete.
func (s *Scanner) flush() {
	if s.pretty.started() {
		s.values(s.pretty.text, true)
		s.pretty.lines, s.pretty.text = 0, s.pretty.text[:0]
		s.row = row{}
	}
}

// shorten scans the records in an object that is too large to be parsed as a whole.
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
