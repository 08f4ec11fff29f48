// SPDX-License-Identifier: Apache-2.0

package template

import (
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"text/template/parse"
	"unicode"

	"github.com/gdummy/gdummy/internal/config/units"
	"github.com/gdummy/gdummy/internal/generate/fake"
)

// A text that the standard parser rejects is repaired: errors are reported and
// replaced, so that the compiler can check the rest. A broken action is replaced by a
// placeholder, a value of unknown type. If blocks and ends do not match, the text is
// unbalanced, and only its expressions are checked.

// placeholder is the name of the function in the place of a broken expression. It is
// unlikely to occur in a template.
const placeholder = "ʘ"

// move is a part of a repaired text. It ends where the next move starts.
type move struct {
	at   int  // offset in the repaired text
	from int  // offset in the original text, or -1 if there is none
	new  bool // the part was inserted
}

// origin returns the offset in the original text for an offset in the repaired text,
// or -1 if it was inserted.
func (t Text) origin(at int) int {
	if len(t.moves) == 0 || at < 0 {
		return at
	}
	m := t.moves[sort.Search(len(t.moves), func(i int) bool { return t.moves[i].at > at })-1]
	if m.new || m.from < 0 {
		return m.from
	}
	return m.from + at - m.at
}

// isPlaceholder reports whether an action is a placeholder.
func isPlaceholder(p *parse.PipeNode) bool {
	if len(p.Decl) > 0 || len(p.Cmds) != 1 {
		return false
	}
	id, ok := p.Cmds[0].Args[0].(*parse.IdentifierNode)
	return ok && id.Ident == placeholder
}

// mayName reports whether an action here could be a name.
func (s *state) mayName() bool { return s.place == atMember && s.comma != after }

// action is one action of a text, without its delimiters.
type action struct {
	start, end int
	at         int    // of its first word
	word       string // its first word
	rest       string // the text after it
	before     string // text to insert before it
	insert     string // text to insert after it
	with       string // replacement if it is broken
	broken     bool
}

var (
	wordAt   = regexp.MustCompile(`^[\pL_][\pL\p{Nd}_]*`)
	declares = regexp.MustCompile(`^\$[\pL\p{Nd}_]+(?:\s*,\s*\$[\pL\p{Nd}_]+)?\s*:?=`)
	quoted   = regexp.MustCompile("^\"[^\"\\\\]*\"|^`[^`]*`")
)

// words are the first words of actions that are not values.
var words = []string{"if", "with", "range", "define", "block", "end", "else", "template", "break", "continue"}

// openers are the words whose misspellings are recognized.
var openers = []string{"if", "with", "range"}

// repair reports all errors and returns the repaired text.
func (p *parser) repair() string {
	text := p.Text.Text
	acts, loose := p.actions()
	p.probe(acts)
	p.balance(acts)
	var b strings.Builder
	at := 0
	moves := []move{{}}
	copyTo := func(end int) {
		if end > at {
			moves = append(moves, move{at: b.Len(), from: at})
			b.WriteString(text[at:end])
			at = end
		}
	}
	added := func(s string, from int) {
		if s != "" {
			moves = append(moves, move{at: b.Len(), from: from, new: true})
			b.WriteString(s)
		}
	}
	for i := range acts {
		a := &acts[i]
		for len(loose) > 0 && loose[0] < a.start {
			copyTo(loose[0])
			at += len(p.left)
			loose = loose[1:]
		}
		copyTo(a.start - len(p.left))
		added(a.before, -1)
		copyTo(a.start)
		if a.broken {
			added(a.with, a.at)
			at = a.end
		}
		copyTo(min(a.end+len(p.right), len(text)))
		added(a.insert, -1)
	}
	for _, l := range loose {
		copyTo(l)
		at += len(p.left)
	}
	copyTo(len(text))
	added(p.ends, -1)
	p.Text.moves = moves[1:]
	return b.String()
}

// indent returns the length of the trim marker and white space before the first word
// of an action.
func indent(inner string) int {
	rest := inner
	if strings.HasPrefix(rest, "-") && len(rest) > 1 && unicode.IsSpace(rune(rest[1])) {
		rest = rest[1:]
	}
	return len(inner) - len(strings.TrimLeftFunc(rest, unicode.IsSpace))
}

// actions finds the actions of the text. It reports actions that are not closed, and
// returns the offsets of their delimiters as loose.
func (p *parser) actions() (found []action, loose []int) {
	text := p.Text.Text
	for at := 0; ; {
		i := strings.Index(text[at:], p.left)
		if i < 0 {
			return found, loose
		}
		start := at + i + len(p.left)
		end := p.endOf(start)
		if end < 0 {
			// A quotation mark may be missing.
			end = strings.Index(text[start:], p.right)
			if next := strings.Index(text[start:], p.left); end < 0 || next >= 0 && next < end {
				p.errorAt(start-len(p.left), "this action is not closed: expected "+p.right)
				p.unbalanced = true
				loose = append(loose, start-len(p.left))
				at = start
				continue
			}
			end += start
		}
		found = append(found, action{start: start, end: end})
		at = end + len(p.right)
	}
}

// endOf returns the offset of the right delimiter of the action at at. It returns -1
// if another action begins before it, or a string is not closed.
func (p *parser) endOf(at int) int {
	text := p.Text.Text
	rest := strings.TrimLeft(strings.TrimPrefix(text[at:], "-"), " \t\r\n")
	if strings.HasPrefix(rest, "/*") {
		if i := strings.Index(text[at:], "*/"); i >= 0 {
			if j := strings.Index(text[at+i:], p.right); j >= 0 {
				return at + i + j
			}
		}
		return -1
	}
	var quote byte
	for i := at; i < len(text); i++ {
		switch ch := text[i]; {
		case quote != 0:
			if ch == '\\' && quote != '`' {
				i++
			} else if ch == quote {
				quote = 0
			} else if ch == '\n' && quote != '`' {
				return -1
			}
		case strings.HasPrefix(text[i:], p.right):
			return i
		case strings.HasPrefix(text[i:], p.left):
			return -1
		case ch == '"' || ch == '\'' || ch == '`':
			quote = ch
		}
	}
	return -1
}

// probe parses each action alone, and reports its errors.
func (p *parser) probe(acts []action) {
	for i := range acts {
		a := &acts[i]
		inner := p.Text.Text[a.start:a.end]
		a.at = a.start + indent(inner)
		trimmed := strings.TrimSpace(strings.TrimSuffix(p.Text.Text[a.at:a.end], " -"))
		a.word = wordAt.FindString(trimmed)
		a.rest = strings.TrimSpace(trimmed[len(a.word):])
		a.with = substitute(a.word, a.rest, trimmed)
		at, problem := a.at, ""
		switch {
		case trimmed == "":
			at, problem = a.start, "this action is empty"
		case strings.HasPrefix(trimmed, "/*") && at != a.start && !strings.HasPrefix(inner, "- /*"):
			problem = "a comment must begin right after the delimiter: " + p.left + "/* ... */" + p.right
			a.with = "/**/"
		default:
			problem = p.problem(a.word, a.rest, inner)
		}
		if problem != "" {
			p.errorAt(at, problem)
			a.broken = true
		}
	}
}

// problem returns the error in an action that begins with word, or "".
func (p *parser) problem(word, rest, inner string) string {
	end := p.left + "end" + p.right
	probe := p.left + inner + p.right
	switch word {
	case "if", "with", "range", "block", "define":
		probe += end
	case "else":
		if rest == "" {
			return ""
		}
		if w := wordAt.FindString(rest); w != "if" && w != "with" {
			return "expected nothing, if or with after else"
		}
		probe = p.left + rest + p.right + end
	case "end", "break", "continue":
		if rest != "" {
			return "expected nothing after " + word
		}
		return ""
	}
	if _, _, err := p.try(p.declare(inner) + probe); err != nil {
		return clean(err.Error())
	}
	return ""
}

// substitute returns a replacement for a broken action. The action is whole: word,
// then rest.
func substitute(word, rest, whole string) string {
	switch word {
	case "if", "with", "range":
		return word + " " + declares.FindString(rest) + " " + placeholder
	case "block":
		if name := quoted.FindString(rest); name != "" {
			return "block " + name + " " + placeholder
		}
		return "with " + placeholder
	case "define":
		if name := quoted.FindString(rest); name != "" {
			return "define " + name
		}
		return `define "` + wordAt.FindString(rest) + `"`
	case "else":
		w := wordAt.FindString(rest)
		if w != "if" && w != "with" {
			return "else"
		}
		return "else " + w + " " + declares.FindString(strings.TrimSpace(rest[len(w):])) + " " + placeholder
	case "end", "break", "continue":
		return word
	}
	if d := declares.FindString(whole); d != "" && !strings.Contains(d, ",") {
		return d + " " + placeholder
	}
	return placeholder
}

// block is an open if, with, range, block or define.
type block struct {
	word    string
	action  int
	hasElse bool
}

// balancer matches blocks with their ends.
type balancer struct {
	*parser
	acts    []action
	open    []block
	defined map[string]bool // names of fragments
	missing int             // number of missing ends in the rest of the text
}

// balance reports blocks and ends that do not match. It replaces actions and inserts
// ends so that they do.
func (p *parser) balance(acts []action) {
	b := &balancer{parser: p, acts: acts, defined: map[string]bool{}}
	for i := range acts {
		switch acts[i].word {
		case "if", "with", "range", "block", "define":
			b.missing++
		case "end":
			b.missing--
		}
	}
	for i := range acts {
		switch acts[i].word {
		case "define":
			b.define(i)
		case "if", "with", "range", "block":
			b.push(i, acts[i].word)
		case "end":
			b.end(i)
		case "else":
			b.otherwise(i)
		case "break", "continue":
			b.leave(i)
		}
	}
	p.ends = b.closeAll(len(p.Text.Text))
}

func (b *balancer) push(i int, word string) {
	b.open = append(b.open, block{word: word, action: i})
}

// blank reports an error in an action and replaces the action by a comment.
func (b *balancer) blank(a *action, problem string) {
	b.errorAt(a.at, problem)
	a.broken, a.with = true, "/**/"
}

// mismatch is like blank, and marks the text as unbalanced.
func (b *balancer) mismatch(a *action, problem string) {
	b.blank(a, problem)
	b.unbalanced = true
}

func (b *balancer) define(i int) {
	a := &b.acts[i]
	if len(b.open) > 0 && b.missing > 0 {
		a.before = b.closeAll(a.start) // the missing ends belong here
	}
	if len(b.open) > 0 {
		b.mismatch(a, "define must be outside of all blocks")
		a.with = "with " + placeholder
		b.push(i, "with")
		return
	}
	name := quoted.FindString(a.rest)
	if name != "" && b.defined[name] {
		b.errorAt(a.at, "fragment "+name+" is already defined")
		a.broken, a.with = true, "define \""+placeholder+strconv.Itoa(i)+"\""
	}
	b.defined[name] = true
	b.push(i, "define")
}

func (b *balancer) end(i int) {
	if len(b.open) == 0 && !b.misspelt(i) {
		b.mismatch(&b.acts[i], "this end has no if, with, range or define before it")
		return
	}
	last := b.open[len(b.open)-1]
	b.open = b.open[:len(b.open)-1]
	if last.word == "define" {
		b.declareIn(last, b.acts[i].start)
	}
}

func (b *balancer) otherwise(i int) {
	a := &b.acts[i]
	if len(b.open) == 0 && !b.misspelt(i) {
		b.mismatch(a, "this else has no if, with or range before it")
		return
	}
	o := &b.open[len(b.open)-1]
	word := wordAt.FindString(a.rest)
	switch {
	case o.word == "define" || o.word == "block":
		b.mismatch(a, "this else has no if, with or range before it")
	case o.hasElse:
		b.mismatch(a, "this "+o.word+" already has an else")
	case word == "":
		o.hasElse = true
	case !a.broken && word != o.word:
		b.mismatch(a, "else "+word+" must follow "+article(word)+", found "+article(o.word))
	}
}

func (b *balancer) leave(i int) {
	for _, o := range b.open {
		if o.word == "range" && !o.hasElse {
			return
		}
	}
	b.blank(&b.acts[i], b.acts[i].word+" must be in a range")
}

// misspelt looks for a misspelt start of a block, such as fi or rnage, between the
// innermost open block and the action end, and reports whether there is one.
func (b *balancer) misspelt(end int) bool {
	from := 0
	if len(b.open) > 0 {
		from = b.open[len(b.open)-1].action + 1
	}
	for i := end - 1; i >= from; i-- {
		a := &b.acts[i]
		if a.word == "" || a.broken || slices.Contains(words, a.word) || fake.Find(a.word) != nil {
			continue
		}
		if near := units.Nearest(a.word, openers); near != "" {
			b.errorAt(a.at, "unknown function "+a.word+"; did you mean "+near+"?")
			a.broken, a.with = true, substitute(near, a.rest, "")
			b.push(i, near)
			return true
		}
	}
	return false
}

// declareIn declares all variables of a fragment, which ends at end, for the standard
// parser. The compiler reports undeclared variables.
func (b *balancer) declareIn(o block, end int) {
	a := &b.acts[o.action]
	a.insert = b.declare(b.Text.Text[a.end:end])
}

// closeAll reports the open blocks, whose ends are missing at an offset, and returns
// these ends.
func (b *balancer) closeAll(at int) (ends string) {
	for _, o := range b.open {
		if o.word == "define" {
			b.declareIn(o, at)
		}
		b.errorAt(b.acts[o.action].at, "this "+o.word+" is not closed: expected "+b.left+" end "+b.right)
		b.unbalanced = true
	}
	ends = strings.Repeat(b.left+"end"+b.right, len(b.open))
	b.missing -= len(b.open)
	b.open = nil
	return ends
}

func article(word string) string {
	if word == "if" {
		return "an if"
	}
	return "a " + word
}
