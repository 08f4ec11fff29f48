package template

import (
	"strings"
	"text/template/parse"
)

// After a mistake in the JSON the compiler goes on where it is plain how: as if
// the comma were there, behind a word that is no value, at the next member. So
// that nothing is told that merely follows from a mistake, it asks what would make
// the rest of the text fit, and if nothing does, it gives the JSON up.

// skip is what the compiler passes over after a mistake.
type skip uint8

const (
	nothing  skip = iota
	toNext        // the rest of a member or an element
	toQuote       // up to a quotation mark that ends a string: they are out of step
	toObject      // up to the next object
)

// quotes are where a string in the text starts, behind its quotation mark or
// behind its last action, and where its other quotation mark stands.
type quotes struct {
	start, end int
	depth      int // of ifs and loops where it was opened
}

// mistake notes a mistake in the JSON.
func (c *compiler) mistake(at int, format string, args ...any) {
	c.mistakes++
	c.errorAt(at, format, args...)
}

// adjoins says whether a string was closed right before a place of the text.
func (c *compiler) adjoins(at int) bool { return c.closed.end > 0 && c.closed.end+1 == at }

// behind is where in the text the action ends of which something stands at at.
func (c *compiler) behind(at int) int {
	_, right := c.delims()
	if end := strings.Index(c.in.Text[at:], right); end >= 0 {
		return at + end + len(right)
	}
	return len(c.in.Text)
}

// leads says whether the action at a place of the text could be a name: a colon
// or more of a name follows it.
func (c *compiler) leads(at int) bool {
	behind := c.in.Text[c.behind(at):]
	behind = strings.TrimLeft(behind, " \t\r\n")
	return behind != "" && strings.IndexByte(",}]", behind[0]) < 0
}

// adjoinsAction says the same of an action, of which something stands at at.
func (c *compiler) adjoinsAction(at int) bool {
	left, _ := c.delims()
	before := strings.TrimRight(c.in.Text[:at], " \t\r\n-")
	return strings.HasSuffix(before, left) && c.adjoins(len(before)-len(left))
}

// branchAtColon sees to a colon that is missing before an if, with or range, once
// for all of its branches.
func (c *compiler) branchAtColon(l *parse.ListNode, at int) {
	if c.st.place != atColon || c.halted || c.st.skip != nothing {
		return
	}
	for _, n := range l.Nodes {
		switch n := n.(type) {
		case *parse.TextNode:
			text := strings.TrimSpace(string(n.Text))
			if text == "" {
				continue
			}
			if text[0] == ':' {
				return
			}
		case *parse.ActionNode:
			if len(n.Pipe.Decl) > 0 {
				continue
			}
		default:
			return
		}
		break
	}
	c.mistake(at, "expected a colon after the name, found an action")
	c.st.place = atValue
}

// noObject goes on where an object should begin but does not.
func (c *compiler) noObject(text string, i, off int) int {
	ch := text[i]
	if c.array && (ch == ',' || ch == ']') {
		return i + 1
	}
	if ch == ',' && (c.sawObject || c.st.comma != none) {
		c.mistake(off+i, "top-level objects stand behind one another without a comma")
	} else {
		c.mistake(off+i, "expected a JSON object, found %s", char(text[i:]))
	}
	switch {
	case c.comment(text, i) > i:
		return c.comment(text, i)
	case ch == '[':
		c.array = true
	case ch == '"' && c.fragments == 0 && c.unmatched(off+i) == 1:
		c.share()
		c.openContainer(true, off+i)
		return i
	}
	c.st.skip = toObject
	return i + 1
}

// noColon goes on where a colon should stand but does not.
func (c *compiler) noColon(text string, i, off int) int {
	ch := text[i]
	c.mistake(off+i, "expected a colon after the name, found %s", char(text[i:]))
	switch rest := strings.TrimLeft(text[i+1:], " \t"); {
	case ch == ',' || ch == '}' || ch == ']':
		c.st.top().wrong = true // perhaps it was a value
		c.closeValue()
		return i
	case ch == '"' && strings.HasPrefix(rest, ":"):
		return i + 1
	case ch == '=' || ch == '-' && strings.HasPrefix(rest, ">"):
		c.st.place = atValue
		return i + len(text[i:]) - len(strings.TrimLeft(text[i:], "=->"))
	case c.adjoins(off+i) && c.closed.depth != c.depth:
		c.stop()
		return i
	case c.adjoins(off+i) && ch != '{' && ch != '[':
		// The name is not closed: {"a: "x"}.
		if colon := strings.IndexByte(c.in.Text[c.closed.start:c.closed.end], ':'); colon >= 0 && c.closed.start >= off {
			return c.closed.start + colon - off
		}
		c.st.skip = toQuote
		return i
	}
	c.st.place = atValue
	return i
}

// noValue goes on where a value should stand, but only a sign does.
func (c *compiler) noValue(text string, i, off int) int {
	c.mistake(off+i, "expected a value, found %s", char(text[i:]))
	if text[i] == ':' {
		return i + 1
	}
	c.closeValue()
	if text[i] != ',' && c.fragments == 0 && c.unmatched(off+i) == len(c.st.stack)+1 {
		return i + 1 // it closes what was to be opened
	}
	return i
}

// strayComma goes on where nothing stands before a comma.
func (c *compiler) strayComma(i, off int) {
	c.mistake(off+i, "nothing stands before this comma")
	top := c.st.top()
	if c.st.comma == none && len(c.st.stack) > 1 && c.fragments == 0 && c.depth == top.depth && c.unmatched(off+i) == len(c.st.stack)-1 {
		c.close() // something before it should have been closed
		c.st.comma = sep
		return
	}
	c.st.comma = maybe
}

// noLiteral goes on behind a word that is no value.
func (c *compiler) noLiteral(text string, i, off int, problem string) int {
	c.mistake(off+i, "%s", problem)
	if end := c.comment(text, i); end > i {
		return end
	}
	c.closeValue()
	c.st.skip = toNext
	if text[i] == '\'' {
		if n := strings.IndexAny(text[i+1:], "'\n"); n >= 0 {
			return i + 1 + n + 1
		}
	}
	return i
}

// wrongBracket goes on where something is closed that is not open.
func (c *compiler) wrongBracket(text string, i, off int) int {
	top := c.st.top()
	if !top.wrong {
		c.mistake(off+i, "%q does not close the %q of %s", text[i], bracket(top), c.where(top.offset))
	}
	rest, open := c.unmatched(off+i+1), len(c.st.stack)
	switch {
	case c.fragments > 0 || c.depth != top.depth:
		c.stop()
	case rest == open:
		// One too many.
	case rest == open-1:
		c.close()
	case rest == open-2 && c.depth == c.st.stack[open-2].depth:
		c.close()
		c.close()
	default:
		c.stop()
	}
	return i + 1
}

// goesOn says whether the outermost object goes on behind the bracket at text[i],
// which would close it: there is one too many.
func (c *compiler) goesOn(text string, i, off int) bool {
	return len(c.st.stack) == 1 && c.depth == 0 && c.fragments == 0 && !c.array &&
		strings.HasPrefix(strings.TrimLeft(text[i+1:], " \t\r\n"), ",") && c.unmatched(off+i+1) == 1
}

// noComma goes on behind a member or element that no comma follows.
func (c *compiler) noComma(text string, i, off int) int {
	ch, top := text[i], c.st.top()
	if !top.wrong || ch != ':' {
		c.mistake(off+i, "expected a comma or %q, found %s", top.closing(), char(text[i:]))
	}
	isLiteral := false
	if w := word(text[i:]); w != "" {
		_, wrong := literal(w)
		isLiteral = wrong == ""
	}
	switch {
	case ch == ':' && !top.isMap:
		// Perhaps it should be an object.
		top.wrong = true
		c.st.comma = sep
		return i + 1
	case ch == ':':
		if c.fragments == 0 && c.unmatched(off+i) == len(c.st.stack)+1 {
			c.st.place = atValue
			c.openContainer(true, c.closed.end)
			c.member()
		}
		c.st.place = atValue
		return i + 1
	case ch == ';':
		c.st.comma = sep
		return i + 1
	case c.comment(text, i) > i:
		return c.comment(text, i)
	case ch == '"' && c.endsString(text, i, off):
		return i + 1 // one quotation mark too many
	case c.adjoins(off+i) && ch != '"' && ch != '{' && ch != '[':
		return c.outOfStep(text, i, off)
	case (ch == '{' || ch == '[') && top.isMap:
		return c.noOwner(i, off, ch)
	case ch == '"' || ch == '{' || ch == '[' || !top.isMap && isLiteral:
		c.st.comma = sep
		return i
	}
	c.st.skip = toNext
	return i
}

// word is the word that a text begins with.
func word(text string) string {
	if end := strings.IndexAny(text, " \t\r\n,:]}[{\""); end >= 0 {
		return text[:end]
	}
	return text
}

// endsString says whether a quotation mark at text[i] could end a string: something
// follows it that separates.
func (c *compiler) endsString(text string, i, off int) bool {
	if i+1 == len(text) {
		left, _ := c.delims()
		action := strings.TrimLeft(strings.TrimPrefix(c.in.Text[off+i+1:], left), "- \t\r\n")
		return action == "" || strings.HasPrefix(action, "end") || strings.HasPrefix(action, "else")
	}
	return separates(text[i+1:])
}

// separates says whether a text begins with what may follow a string.
func separates(text string) bool {
	rest := strings.TrimLeft(text, " \t\r")
	return rest == "" || strings.IndexByte(",:}]\n", rest[0]) >= 0
}

// outOfStep goes on where something stands right behind the string of a value: a
// quotation mark is missing, or one is too many.
func (c *compiler) outOfStep(text string, i, off int) int {
	if c.closed.depth != c.depth {
		c.stop()
		return i
	}
	if c.closed.start >= off {
		inside := text[c.closed.start-off : c.closed.end-off]
		before := strings.TrimRight(inside, "]}, \t")
		name := strings.TrimLeft(strings.TrimLeft(text[i:], wordLetters), "\"")
		if strings.Contains(inside[len(before):], ",") && strings.HasPrefix(strings.TrimLeft(name, " \t"), ":") {
			return c.closed.start - off + len(before)
		}
	}
	c.st.skip = toQuote
	return i
}

const wordLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.@ "

// noOwner goes on where an object or array stands in the place of a name.
func (c *compiler) noOwner(i, off int, ch byte) int {
	switch rest := c.unmatched(off + i); {
	case c.fragments > 0:
		c.stop()
	case rest == len(c.st.stack):
		c.member()
		c.openContainer(ch == '{', off+i)
		return i + 1
	case rest == 0 && ch == '{' && c.depth == 0:
		c.newShape()
		return i
	default:
		c.stop()
	}
	return i
}

// newShape leaves all that is open.
func (c *compiler) newShape() {
	c.st.stack, c.st.place, c.st.skip = nil, atTop, nothing
	c.endShape()
}

// noName goes on where a name should stand but does not.
func (c *compiler) noName(text string, i, off int) int {
	ch, top := text[i], c.st.top()
	if !top.wrong {
		c.mistake(off+i, "expected a name in quotes or '}', found %s", char(text[i:]))
	}
	switch {
	case ch == '{' || ch == '[':
		return c.noOwner(i, off, ch)
	case c.comment(text, i) > i:
		return c.comment(text, i)
	case ch == ';':
		return i + 1
	}
	c.member()
	end := strings.IndexAny(text[i:], ":,}]\n\"")
	if end < 0 {
		end = len(text) - i
	}
	i += end
	if i < len(text) && text[i] == '"' {
		i++
	}
	if next := strings.TrimLeft(text[i:], " \t\r\n"); next == "" || strings.IndexByte(",}]", next[0]) < 0 {
		c.st.place = atColon
		return i
	}
	// A value without a name: perhaps the brackets should be others.
	top.wrong = true
	c.closeValue()
	return i
}

// openLine goes on where a line ends within a string.
func (c *compiler) openLine(text string, i, off int) int {
	c.mistake(c.st.str.offset, "this string is not closed on its line: a '\"' is missing, or a line feed in it is to be written \\n")
	next, _, _ := strings.Cut(strings.TrimLeft(text[i:], " \t\r\n"), "\n")
	if strings.Contains(next, "\"") && strings.IndexByte("\"{}[]", next[0]) < 0 {
		return i + 1 // it goes on there
	}
	start := max(c.st.str.offset+1-off, 0)
	inside := text[start:i]
	before := strings.TrimRight(inside, "]}, \t\r")
	name := c.st.place == inName
	if c.closeString(); !name {
		return start + len(before)
	}
	if colon := strings.IndexByte(inside, ':'); colon >= 0 {
		return start + colon
	}
	return start + len(before)
}

// comment returns where a comment ends that starts at text[i], or i if there is
// none. JSON has no comments.
func (c *compiler) comment(text string, i int) int {
	rest := text[i:]
	end := -1
	switch {
	case strings.HasPrefix(rest, "//") || rest[0] == '#':
		end = strings.IndexByte(rest, '\n')
	case strings.HasPrefix(rest, "/*"):
		if end = strings.Index(rest, "*/"); end >= 0 {
			end += 2
		}
	default:
		return i
	}
	if end < 0 {
		return len(text)
	}
	return i + end
}

// pass passes over what does not count.
func (c *compiler) pass(text string, i, off int) int {
	depth := 0
	for ; i < len(text); i++ {
		ch := text[i]
		ends := ch == '"' && c.endsString(text, i, off)
		switch c.st.skip {
		case toObject:
			if ch == '{' {
				c.st.skip = nothing
				return i
			}
		case toQuote:
			switch {
			case ch == '\n':
			case !ends:
				continue
			case strings.HasPrefix(strings.TrimLeft(text[i+1:], " \t"), ":") && c.st.top().isMap:
				c.st.place, c.st.skip = atColon, nothing
				return i + 1
			}
			if c.st.skip = nothing; c.st.place == atColon {
				c.closeValue()
			}
			if ch == '\n' {
				c.st.comma = maybe
			}
			return i + 1
		case toNext:
			switch {
			case ch == '{' || ch == '[':
				depth++
			case depth > 0 && (ch == '}' || ch == ']'):
				depth--
			case depth > 0:
			case ch == '\n':
				c.st.skip, c.st.comma = nothing, maybe
				return i
			case strings.IndexByte(",}]", ch) >= 0, ch == '"' && !ends && named(text[i:]):
				c.st.skip = nothing
				return i
			}
		}
	}
	return i
}

// named says whether a text begins with a name and a colon.
func named(text string) bool {
	end := strings.IndexByte(text[1:], '"')
	return end >= 0 && strings.HasPrefix(strings.TrimLeft(text[end+2:], " \t"), ":")
}

// settle ends what is passed over where a branch ends.
func (c *compiler) settle() {
	switch c.st.skip {
	case toNext:
		c.st.comma = maybe
	case toQuote:
		c.stop()
	}
	c.st.skip = nothing
}

// forks notes that what follows an action stands in one state or in another: the
// text that follows tells which.
func (c *compiler) forks(st *state, other state) {
	if st.inString() || other.inString() || c.fragments > 0 {
		c.stop()
		return
	}
	for _, s := range []*state{st, &other} {
		for _, ct := range s.stack {
			ct.depth = min(ct.depth, max(c.depth, 0))
		}
		if len(s.stack) > 0 {
			s.comma = maybe
		}
	}
	if len(st.stack) != len(other.stack) {
		c.fork = &other
	}
}

// choose takes the state that fits the text from an offset on.
func (c *compiler) choose(from int) {
	other := c.fork
	if c.fork = nil; other == nil || c.halted {
		return
	}
	switch c.unmatched(from) {
	case len(c.st.stack):
	case len(other.stack):
		c.st = *other
	default:
		c.stop()
	}
}

// unmatched is how many brackets the text closes, from an offset on, that it does
// not open there.
func (c *compiler) unmatched(from int) int {
	left, right := c.delims()
	text := c.in.Text[from:]
	open, closed := 0, 0
	inside := false
	last := byte(',') // but white space
	for i := 0; i < len(text); i++ {
		if strings.HasPrefix(text[i:], left) {
			if end := strings.Index(text[i:], right); end >= 0 {
				i += end + len(right) - 1
				last = ','
				continue
			}
		}
		ch := text[i]
		switch {
		case ch == '\\' && inside:
			i++
		case ch == '"' && inside:
			// One that ends nothing was forgotten or is one too many.
			rest := text[i+1:]
			next := strings.TrimLeft(rest, " \t")
			inside = !separates(rest) && !strings.HasPrefix(rest, left) && strings.IndexByte("=;-{[", next[0]) < 0 && (rest[0] != ' ' || next[0] != '"')
		case ch == '"':
			inside = strings.IndexByte("{[,:", last) >= 0
		case ch == '\n':
			inside = false
		case inside:
		case ch == '{' || ch == '[':
			open++
		case ch == '}' || ch == ']':
			if open > 0 {
				open--
			} else {
				closed++
			}
		}
		if strings.IndexByte(" \t\r\n", ch) < 0 {
			last = ch
		}
	}
	return closed
}
