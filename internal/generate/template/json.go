// SPDX-License-Identifier: Apache-2.0

package template

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/tinylib/msgp/msgp"

	"github.com/gdummy/gdummy/internal/generate/jsonbody"
	"github.com/gdummy/gdummy/internal/generate/value"
)

// place is a place in the grammar of JSON.
type place uint8

const (
	atTop    place = iota // between top-level objects
	atMember              // in an object, before a name or its end
	atColon               // after a name
	atValue               // after a colon
	atElem                // in an array, before an element or its end
	inName                // in the string of a name
	inString              // in the string of a value
	inText                // in text that is not JSON: the tag
)

func (p place) String() string {
	return [...]string{
		"outside of all objects", "between the members of an object", "before a colon", "before a value",
		"between the elements of an array", "within a name", "within a string", "within text",
	}[p]
}

// comma is what precedes the next member, element or object.
type comma uint8

const (
	none  comma = iota // the opening bracket
	after              // a member
	sep                // a comma
	maybe              // depends on actions: a comma is optional
)

// container is an open object or array.
type container struct {
	brackets
	isMap   bool
	open    int   // index of its opOpen
	count   int   // of members in the text
	counted bool  // members depend on the record and are counted at run time
	loops   bool  // a loop adds members
	depth   int   // number of enclosing ifs and loops
	marks   []int // indexes of its opMarks
	offset  int   // of the bracket in the text
}

// brackets are those of a container.
type brackets struct {
	opening, closing byte
	content          string
}

var (
	ofObject = brackets{'{', '}', "a member"}
	ofArray  = brackets{'[', ']', "an element"}
)

// state is the state of the JSON parser. Branches must end in states that can be
// joined.
type state struct {
	place place
	comma comma
	str   str // the open string
	stack []*container
	dead  bool // not reachable: a break or continue precedes it

	padded bool // the record has a pad
}

func (s state) clone() state {
	s.stack = slices.Clone(s.stack)
	return s
}

func (s *state) inString() bool { return s.place == inName || s.place == inString }

func (s *state) top() *container {
	if len(s.stack) == 0 {
		return nil
	}
	return s.stack[len(s.stack)-1]
}

// meet joins the states at the end of two branches, and reports whether that is
// possible.
func meet(a, b state) (state, bool) {
	switch {
	case a.dead:
		return b, true
	case b.dead:
		return a, true
	case a.place != b.place || !slices.Equal(a.stack, b.stack):
		return a, false
	case a.inString() && a.str != b.str:
		return a, false
	case a.place == atTop && (a.comma == after) != (b.comma == after):
		return a, false
	}
	if a.comma != b.comma {
		a.comma = maybe
	}
	a.padded = a.padded || b.padded
	return a, true
}

// str is an open string of the JSON.
type str struct {
	open   int // index of its opStrOpen
	offset int
	depth  int // number of enclosing ifs and loops
}

// json parses the text between two actions, which begins at the offset off.
func (c *compiler) json(text string, off int) {
	for i := 0; i < len(text); {
		switch {
		case c.lost:
			i += c.resume(text[i:])
		case c.st.place == inText:
			c.emit(instr{op: opText, lit: text[i:]})
			return
		case c.st.inString():
			i = c.inString(text, i, off)
		case strings.IndexByte(" \t\n\r", text[i]) >= 0:
			i++
		case c.st.place == atTop:
			i = c.object(text, i, off)
		case c.st.place == atColon:
			i = c.colon(text, i, off)
		case c.st.place == atValue:
			i = c.value(text, i, off)
		default:
			i = c.element(text, i, off)
		}
	}
}

// object parses the start of a top-level object at text[i]. Like the functions below,
// it returns the index of the next byte to parse.
func (c *compiler) object(text string, i, off int) int {
	switch ch := text[i]; {
	case ch == ',' && c.sawObject:
		c.fail(off+i, "expected another JSON object, found ',': objects are not separated by commas, or an extra bracket closed the object before it")
	case ch != '{':
		c.fail(off+i, "expected a JSON object, found %s", char(text[i:]))
	case c.st.comma == after:
		c.fail(off+i, "expected one object in this branch, found another")
	default:
		c.endPrologue()
		return c.value(text, i, off)
	}
	return i
}

// colon parses the colon between a name and its value.
func (c *compiler) colon(text string, i, off int) int {
	if text[i] != ':' {
		c.fail(off+i, "expected a colon after the name, found %s", char(text[i:]))
		return i
	}
	c.st.place = atValue
	return i + 1
}

// element parses what is between the members or elements of a container, and the
// start of the next one.
func (c *compiler) element(text string, i, off int) int {
	ch, at, top := text[i], off+i, c.st.top()
	switch closing := top.closing; {
	case ch == ',' && (c.st.comma == after || c.st.comma == maybe):
		c.st.comma = sep
		return i + 1
	case ch == ',':
		c.fail(at, "expected %s before this comma", top.content)
	case ch == closing && c.depth != top.depth:
		c.fail(at, "this %q closes the %q of %s, which is outside of the enclosing action: close it there", closing, top.opening, c.where(top.offset))
	case ch == closing && c.st.comma == sep:
		c.fail(at, "expected %s after the comma, found %q", top.content, closing)
	case ch == closing:
		c.close()
		return i + 1
	case ch == '}' || ch == ']':
		c.fail(at, "%q does not close the %q of %s", ch, top.opening, c.where(top.offset))
	case c.st.comma == after:
		c.fail(at, "expected a comma or %q, found %s", closing, char(text[i:]))
	case top.isMap && ch != '"':
		c.fail(at, "expected a name in quotes or '}', found %s", char(text[i:]))
	default:
		return c.value(text, i, off)
	}
	return i
}

// value parses a literal at text[i], or the start of a string, object or array.
func (c *compiler) value(text string, i, off int) int {
	ch := text[i]
	c.member()
	switch {
	case ch == '"':
		c.openString(off + i)
		return i + 1
	case ch == '{' || ch == '[':
		c.openContainer(ch == '{', off+i)
		return i + 1
	}
	word := text[i:]
	if end := strings.IndexAny(word, " \t\r\n,;:]}[{\""); end >= 0 {
		word = word[:end]
	}
	if word == "" {
		c.fail(off+i, "expected a value, found %s", char(text[i:]))
		return i
	}
	b, problem := literal(word)
	if problem != "" {
		c.fail(off+i, "%s", problem)
		return i
	}
	c.emit(instr{op: opLit, lit: string(b)})
	c.closeValue()
	return i + len(word)
}

// literal returns the MessagePack of a number, true, false or null.
func literal(word string) (b []byte, problem string) {
	switch word {
	case "true", "false":
		return msgp.AppendBool(nil, word == "true"), ""
	case "null":
		return msgp.AppendNil(nil), ""
	}
	if bodies, err := jsonbody.Parse(`{"":` + word + `}`); err == nil {
		return bodies[0][2:], "" // without the map's header and the empty name
	}
	if f, err := strconv.ParseFloat(word, 64); err != nil && math.IsInf(f, 0) {
		return nil, fmt.Sprintf("the number %s does not fit in a double", word)
	}
	switch lower := strings.ToLower(word); {
	case lower == "true" || lower == "false" || lower == "null":
		return nil, fmt.Sprintf("invalid value %s: JSON has %s", word, lower)
	case lower == "none" || lower == "nil" || lower == "undefined":
		return nil, fmt.Sprintf("invalid value %s: JSON has null", word)
	case word[0] == '\'':
		return nil, fmt.Sprintf("invalid value %s: text needs double quotes", short(word))
	case strings.Trim(word, "0123456789+-.eE") == "":
		return nil, fmt.Sprintf("invalid number %s: JSON numbers have no leading plus or zeros, and digits on both sides of the point", short(word))
	}
	return nil, fmt.Sprintf("invalid value %s: text needs quotes", short(word))
}

// member starts a member or an element, unless a member's value begins.
func (c *compiler) member() {
	if c.st.place != atMember && c.st.place != atElem {
		return
	}
	top := c.st.top()
	top.marks = append(top.marks, len(c.prog.code))
	c.emit(instr{op: opMark})
	top.count++
	if c.depth > top.depth {
		top.counted = true
	}
	if c.loopDepth > 0 && c.depth > top.depth {
		top.loops = true
	}
}

// openContainer opens an object or array.
func (c *compiler) openContainer(isMap bool, offset int) {
	if len(c.st.stack) == jsonbody.MaxDepth {
		c.fail(offset, "nested deeper than %d levels, the most that Fluent Bit can read", jsonbody.MaxDepth)
		return
	}
	ct := &container{brackets: ofArray, isMap: isMap, open: len(c.prog.code), depth: c.depth, offset: offset}
	c.st.place = atElem
	if isMap {
		ct.brackets, c.st.place = ofObject, atMember
	}
	c.st.stack = append(slices.Clip(c.st.stack), ct)
	c.emit(instr{op: opOpen})
	c.st.comma = none
}

// close closes the innermost container. If the number of its members is the same in
// every record, its header is a literal.
func (c *compiler) close() {
	ct := c.st.top()
	c.st.stack = c.st.stack[:len(c.st.stack)-1]
	code := c.prog.code
	b := 0
	if ct.isMap {
		b = 1
	}
	if ct.counted {
		room := 1
		if !ct.loops && ct.count > 15 {
			room = 3
		}
		code[ct.open] = instr{op: opOpen, a: room, b: b}
		c.emit(instr{op: opClose, a: room, b: b})
	} else {
		h := msgp.AppendArrayHeader(nil, uint32(ct.count))
		if ct.isMap {
			h = msgp.AppendMapHeader(nil, uint32(ct.count))
		}
		code[ct.open] = instr{op: opLit, lit: string(h)}
		for _, m := range ct.marks {
			code[m].op = opNop
		}
	}
	c.closeValue()
}

// closeValue ends a value.
func (c *compiler) closeValue() {
	c.st.comma = after
	switch top := c.st.top(); {
	case top == nil:
		c.st.place = atTop
		if c.depth == 0 && c.fragments == 0 {
			c.endShape()
		}
	case top.isMap:
		c.st.place = atMember
	default:
		c.st.place = atElem
	}
}

// openString opens the string of a name or a value.
func (c *compiler) openString(offset int) {
	c.st.str = str{open: len(c.prog.code), offset: offset, depth: c.depth}
	c.emit(instr{op: opStrOpen})
	if c.st.place == atMember {
		c.st.place = inName
	} else {
		c.st.place = inString
	}
}

// inString parses the inside of a string at text[i].
func (c *compiler) inString(text string, i, off int) int {
	var lit []byte
	for ; i < len(text) && !c.lost; i++ {
		switch ch := text[i]; {
		case ch == '"':
			c.literalText(lit)
			c.closeString()
			return i + 1
		case ch == '\n':
			c.fail(c.st.str.offset, "this string is not closed on its line: expected '\"', or \\n for a line feed in it")
			return max(c.st.str.offset-off, 0) // the end of the object may be in the string
		case ch == '\t':
			c.fail(off+i, "a tab in a string must be written \\t")
		case ch < ' ':
			c.fail(off+i, "a control character in a string must be written \\u%04x", ch)
		case ch == '\\':
			b, n := unescape(text[i:])
			if n == 0 {
				c.fail(off+i, "invalid escape %s: a backslash is written \\\\", noEscape(text[i:]))
				continue
			}
			lit = append(lit, b...)
			i += n - 1
		default:
			lit = append(lit, ch)
		}
	}
	c.literalText(lit)
	return i
}

func (c *compiler) literalText(lit []byte) {
	if len(lit) > 0 && !c.lost {
		c.emit(instr{op: opText, lit: string(lit)})
	}
}

// closeString closes a string. A string without actions is a literal.
func (c *compiler) closeString() {
	code := c.prog.code
	var text strings.Builder
	static := true
	for _, in := range code[c.st.str.open+1:] {
		static = static && in.op == opText
		text.WriteString(in.lit)
	}
	// No jump leads into the removed code: a string that contains a jump is not
	// static.
	if static {
		c.prog.code = append(code[:c.st.str.open], instr{op: opLit, lit: string(value.AppendString(nil, text.String()))})
	} else {
		c.emit(instr{op: opStrClose})
	}
	if c.st.place == inName {
		if static && len(c.st.stack) == 1 && c.env.Nested == 0 {
			c.names[text.String()] = true
		}
		c.st.place = atColon
		return
	}
	c.closeValue()
}

// escape matches a JSON escape: of one character, or of two halves of one.
var escape = regexp.MustCompile(`^\\(?:["\\/bfnrt]|u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4})`)

// unescape parses the JSON escape at the start of s. It returns its text, and its
// length or 0 if it is invalid.
func unescape(s string) ([]byte, int) {
	e := escape.FindString(s)
	if e == "" {
		return nil, 0
	}
	b, _ := jsontext.AppendUnquote(nil, `"`+e+`"`) // half of a character is replaced
	return b, len(e)
}

// noEscape returns the invalid escape at the start of s.
func noEscape(s string) string {
	if rest, ok := strings.CutPrefix(s, `\u`); ok {
		return s[:2+len(rest)-len(strings.TrimLeft(rest[:min(4, len(rest))], "0123456789abcdefABCDEF")+rest[min(4, len(rest)):])]
	}
	_, n := utf8.DecodeRuneInString(s[1:])
	return s[:1+n]
}

// char returns the first character of s in quotes.
func char(s string) string {
	r, _ := utf8.DecodeRuneInString(s)
	return strconv.QuoteRune(r)
}

func short(s string) string {
	if len(s) > 30 {
		s = s[:30] + "..."
	}
	return strconv.Quote(s)
}
