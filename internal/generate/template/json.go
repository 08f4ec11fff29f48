package template

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gdummy/gdummy/internal/generate/jsonbody"
	"github.com/gdummy/gdummy/internal/generate/value"
	"github.com/tinylib/msgp/msgp"
)

// place is where in the JSON the compiler stands.
type place uint8

const (
	atTop    place = iota // between top-level objects
	atMember              // in an object, before a name or its end
	atColon               // after a name
	atValue               // after a colon
	atElem                // in an array, before an element or its end
	inName                // in the string of a name
	inString              // in the string of a value
	inText                // in text that is no JSON: the tag
)

func (p place) String() string {
	return [...]string{
		"outside of all objects", "between the members of an object", "before a colon", "before a value",
		"between the elements of an array", "within a name", "within a string", "within text",
	}[p]
}

// comma says what stands before the next member, element or object.
type comma uint8

const (
	none  comma = iota // the opening bracket
	after              // a member
	sep                // a comma
	maybe              // one thing or another: actions make the commas' work
)

// container is an object or array that is open.
type container struct {
	isMap   bool
	open    int   // its opOpen
	count   int   // of members, if each is always there
	counted bool  // members have to be counted while the record is made
	loops   bool  // there may be any number of them
	depth   int   // of ifs and loops around it
	marks   []int // its opMarks
	offset  int   // of the bracket in the text
	wrong   bool  // it is perhaps not what its bracket says: told already
}

// closing is the bracket that closes it.
func (ct *container) closing() byte {
	if ct.isMap {
		return '}'
	}
	return ']'
}

// state is where the compiler stands in the JSON. It is compared where branches
// meet.
type state struct {
	place place
	comma comma
	str   str // if it is within one
	stack []*container
	dead  bool // nothing gets here
	skip  skip // what is passed over after a mistake

	padded bool // there is a pad in the record
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

// meet returns the state where two branches come together, and whether they can.
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

// str is a string of the JSON that is open.
type str struct {
	open   int // its opStrOpen
	offset int
	depth  int // of ifs and loops around it
}

// json follows a piece of the text between actions. off is its offset.
func (c *compiler) json(text string, off int) {
	c.choose(off)
	for i := 0; i < len(text) && !c.halted; {
		switch {
		case c.st.place == inText:
			c.emit(instr{op: opText, lit: text[i:]})
			return
		case c.st.skip != nothing:
			i = c.pass(text, i, off)
			continue
		case c.st.inString():
			i = c.inString(text, i, off)
			continue
		}
		ch := text[i]
		switch ch {
		case ' ', '\t', '\n', '\r':
			i++
			continue
		}
		switch c.st.place {
		case atTop:
			i = c.object(text, i, off)
		case atColon:
			if ch == ':' {
				c.st.place = atValue
				i++
				continue
			}
			i = c.noColon(text, i, off)
		case atMember, atElem:
			i = c.element(text, i, off)
		case atValue:
			i = c.value(text, i, off)
		}
	}
}

// object follows the start of an object at text[i], outside of all others.
func (c *compiler) object(text string, i, off int) int {
	switch ch := text[i]; {
	case ch != '{':
		return c.noObject(text, i, off)
	case c.st.comma == after:
		c.errorAt(off+i, "a branch can have one object only")
		c.stop()
		return len(text)
	}
	c.share()
	return c.value(text, i, off)
}

// element follows what stands between the members or elements of a container, up
// to the start of the next one.
func (c *compiler) element(text string, i, off int) int {
	ch, at := text[i], off+i
	top := c.st.top()
	closing := top.closing()
	switch {
	case ch == ',':
		if c.st.comma == none || c.st.comma == sep {
			c.strayComma(i, off)
			return i + 1
		}
		c.st.comma = sep
		return i + 1
	case ch == closing:
		if c.depth != top.depth {
			c.mistake(at, "this %q closes what was opened outside of the action around it, in %s: it must be closed there", closing, c.where(top.offset))
			c.stop()
			return len(text)
		}
		if c.st.comma == sep {
			c.mistake(at, "nothing stands between the comma and this %q", closing)
		}
		if c.goesOn(text, i, off) {
			c.mistake(at, "this %q closes the object of %s, but more of it follows", closing, c.where(top.offset))
			return i + 1
		}
		c.close()
		return i + 1
	case ch == '}' || ch == ']':
		return c.wrongBracket(text, i, off)
	case c.st.comma == after:
		return c.noComma(text, i, off)
	case top.isMap && ch != '"':
		return c.noName(text, i, off)
	}
	return c.value(text, i, off)
}

// value follows the start of a value or a name at text[i].
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
	end := i
	for end < len(text) && !strings.ContainsRune(" \t\r\n,;:]}[{\"", rune(text[end])) {
		end++
	}
	word := text[i:end]
	if word == "" {
		return c.noValue(text, i, off)
	}
	b, err := literal(word)
	if err != "" {
		return c.noLiteral(text, i, off, err)
	}
	c.emit(instr{op: opLit, lit: string(b)})
	c.closeValue()
	return end
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
		return nil, fmt.Sprintf("the number %s does not fit a double", word)
	}
	switch lower := strings.ToLower(word); {
	case lower == "true" || lower == "false" || lower == "null":
		return nil, fmt.Sprintf("%s is no JSON value, but %s is", word, lower)
	case lower == "none" || lower == "nil" || lower == "undefined":
		return nil, fmt.Sprintf("%s is no JSON value, but null is", word)
	case word[0] == '\'':
		return nil, fmt.Sprintf("%s is no JSON value: text stands in double quotes", short(word))
	case strings.Trim(word, "0123456789+-.eE") == "":
		return nil, fmt.Sprintf("%s is no JSON number: it has digits before and behind the point, and no plus or zeros before them", short(word))
	}
	return nil, fmt.Sprintf("%s is no JSON value: text needs quotes", short(word))
}

// member notes that a member or an element begins, unless it is a member's
// value.
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
		c.mistake(offset, "nested deeper than the %d levels that Fluent Bit can read", jsonbody.MaxDepth)
		c.stop()
		return
	}
	ct := &container{isMap: isMap, open: len(c.prog.code), depth: c.depth, offset: offset}
	c.st.stack = append(slices.Clip(c.st.stack), ct)
	c.emit(instr{op: opOpen})
	c.st.comma = none
	c.st.place = atElem
	if isMap {
		c.st.place = atMember
	}
}

// close closes the innermost container. If its members are always all there,
// its header is a literal.
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

// closeValue goes on behind a value.
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

// inString follows the inside of a string from text[i] on.
func (c *compiler) inString(text string, i, off int) int {
	var lit []byte
	start := off + i
	for i < len(text) {
		ch := text[i]
		switch {
		case ch == '"':
			c.literalText(lit)
			c.closeString()
			c.closed = quotes{max(start, c.st.str.offset+1), off + i, c.st.str.depth}
			return i + 1
		case ch == '\n':
			c.literalText(lit)
			return c.openLine(text, i, off)
		case ch < ' ':
			c.mistake(off+i, "a string must not have %s in it: it is written %s", control(ch), escaped(ch))
			i++
		case ch == '\\':
			b, n := unescape(text[i:])
			if n == 0 {
				c.mistake(off+i, "%s is no escape of JSON: a backslash is written \\\\", noEscape(text[i:]))
				n = 1
			}
			lit = append(lit, b...)
			i += n
		default:
			lit = append(lit, ch)
			i++
		}
	}
	c.literalText(lit)
	return i
}

func (c *compiler) literalText(lit []byte) {
	if len(lit) > 0 {
		c.emit(instr{op: opText, lit: string(lit)})
	}
}

// closeString closes a string. One without actions is a literal.
func (c *compiler) closeString() {
	code := c.prog.code
	var text strings.Builder
	static := true
	for _, in := range code[c.st.str.open+1:] {
		static = static && in.op == opText
		text.WriteString(in.lit)
	}
	// Jumps into a string that is open would miss it, but a string that was
	// opened before a jump has the jump inside.
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

// unescape reads an escape of JSON and returns what it stands for and its length,
// 0 if it is none.
func unescape(s string) ([]byte, int) {
	if len(s) < 2 {
		return nil, 0
	}
	if i := strings.IndexByte(`"\/bfnrt`, s[1]); i >= 0 {
		return []byte{"\"\\/\b\f\n\r\t"[i]}, 2
	}
	hex4 := func(s string) rune {
		if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
			return -1
		}
		v, err := strconv.ParseUint(s[2:6], 16, 16)
		if err != nil {
			return -1
		}
		return rune(v)
	}
	r := hex4(s)
	switch {
	case r < 0:
		return nil, 0
	case r >= 0xd800 && r < 0xdc00:
		if low := hex4(s[6:]); low >= 0xdc00 && low < 0xe000 {
			return utf8.AppendRune(nil, (r-0xd800)<<10|(low-0xdc00)+0x10000), 12
		}
	}
	return utf8.AppendRune(nil, r), 6
}

// noEscape shows what s begins with, which is no escape.
func noEscape(s string) string {
	if rest, ok := strings.CutPrefix(s, `\u`); ok {
		return s[:2+len(rest)-len(strings.TrimLeft(rest[:min(4, len(rest))], "0123456789abcdefABCDEF")+rest[min(4, len(rest)):])]
	}
	_, n := utf8.DecodeRuneInString(s[1:])
	return s[:1+n]
}

// char shows the character that s begins with.
func char(s string) string {
	r, _ := utf8.DecodeRuneInString(s)
	return strconv.QuoteRune(r)
}

func control(ch byte) string {
	switch ch {
	case '\t':
		return "a tab"
	}
	return "a control character"
}

func escaped(ch byte) string {
	switch ch {
	case '\t':
		return `\t`
	}
	return fmt.Sprintf(`\u%04x`, ch)
}

func bracket(ct *container) byte {
	if ct.isMap {
		return '{'
	}
	return '['
}

func short(s string) string {
	if len(s) > 30 {
		s = s[:30] + "..."
	}
	return strconv.Quote(s)
}
