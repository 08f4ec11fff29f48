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

// A text that the standard parser rejects is repaired: what is broken in it is
// reported and replaced, so that the compiler can check the rest. An action is
// replaced by a placeholder: a value of which nothing is known. If blocks and ends
// do not match, the text is unbalanced, and only its expressions are checked.

// placeholder is the name of a function that replaces what is broken. Nobody would
// write it.
const placeholder = "ʘ"

// move is a part of a repaired text, up to the next move.
type move struct {
	at   int  // in the repaired text
	from int  // in the text as it was given; -1 is nowhere
	new  bool // the part was added
}

// origin returns the offset in the original text of an offset in the repaired one:
// -1 for what was added.
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

// isPlaceholder reports whether an action replaces one that was broken.
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
	word       string // its first word
	before     string // inserted before it
	insert     string // inserted after it
	with       string // what replaces it if it is broken
	broken     bool
}

var (
	wordAt   = regexp.MustCompile(`^[\pL_][\pL\p{Nd}_]*`)
	declares = regexp.MustCompile(`^\$[\pL\p{Nd}_]+(?:\s*,\s*\$[\pL\p{Nd}_]+)?\s*:?=`)
	quoted   = regexp.MustCompile("^\"[^\"\\\\]*\"|^`[^`]*`")
)

// words are the first words of actions that are not values.
var words = []string{"if", "with", "range", "define", "block", "end", "else", "template", "break", "continue"}

// openers are the words that may be misspelt.
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
			added(a.with, a.start+indent(text[a.start:a.end]))
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

// indent returns how much of an action is white space and a trim marker before its
// first word.
func indent(inner string) int {
	rest := inner
	if strings.HasPrefix(rest, "-") && len(rest) > 1 && unicode.IsSpace(rune(rest[1])) {
		rest = rest[1:]
	}
	return len(inner) - len(strings.TrimLeftFunc(rest, unicode.IsSpace))
}

// actions finds the actions of the text. It reports those that do not end, and
// returns the places of their delimiters.
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
			// Perhaps a quotation mark is missing.
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

// endOf returns where the right delimiter of an action is, or -1 if another
// action begins before, or a string does not end.
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
		at := a.start + indent(inner)
		trimmed := strings.TrimSpace(strings.TrimSuffix(p.Text.Text[at:a.end], " -"))
		a.word = wordAt.FindString(trimmed)
		rest := strings.TrimSpace(trimmed[len(a.word):])
		a.with = substitute(a.word, rest, trimmed)
		problem := ""
		switch {
		case trimmed == "":
			at, problem = a.start, "this action is empty"
		case strings.HasPrefix(trimmed, "/*") && at != a.start && !strings.HasPrefix(inner, "- /*"):
			problem = "a comment must begin right after the delimiter: " + p.left + "/* ... */" + p.right
			a.with = "/**/"
		default:
			problem = p.problem(a.word, rest, inner)
		}
		if problem != "" {
			p.errorAt(at, problem)
			a.broken = true
		}
	}
}

// problem returns what is wrong with an action that begins with word, or "".
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

// substitute returns what replaces an action that is broken: it begins with word,
// which rest follows in the whole text of the action.
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

// block is an if, with, range, block or define that is open.
type block struct {
	word    string
	action  int
	at      int  // its place in the text
	hasElse bool // its else precedes
}

// balancer matches blocks with their ends.
type balancer struct {
	*parser
	acts    []action
	open    []block
	defined map[string]bool // names of fragments
	missing int             // number of ends that the rest of the text lacks
}

// balance reports blocks and ends that do not match, and marks the actions to
// replace and what to add so that they do.
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

func (b *balancer) place(a *action) int { return a.start + indent(b.Text.Text[a.start:a.end]) }

// rest is the text of an action after its first word.
func (b *balancer) rest(a *action) string {
	return strings.TrimSpace(b.Text.Text[b.place(a)+len(a.word) : a.end])
}

func (b *balancer) push(i int, word string) {
	b.open = append(b.open, block{word: word, action: i, at: b.place(&b.acts[i])})
}

// blank reports an error in an action and replaces it by a comment.
func (b *balancer) blank(a *action, problem string) {
	b.errorAt(b.place(a), problem)
	a.broken, a.with = true, "/**/"
}

// mismatch is blank for an action because of which the JSON cannot be followed.
func (b *balancer) mismatch(a *action, problem string) {
	b.blank(a, problem)
	b.unbalanced = true
}

func (b *balancer) define(i int) {
	a := &b.acts[i]
	if len(b.open) > 0 && b.missing > 0 {
		a.before = b.closeAll(a.start) // here the ends are missing
	}
	if len(b.open) > 0 {
		b.mismatch(a, "define must be outside of everything else")
		a.with = "with " + placeholder
		b.push(i, "with")
		return
	}
	name := quoted.FindString(b.rest(a))
	if name != "" && b.defined[name] {
		b.errorAt(b.place(a), "fragment "+name+" is already defined")
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
	word := wordAt.FindString(b.rest(a))
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

// misspelt finds an action before action end, in the innermost open block, that
// was perhaps meant to begin a block: fi, rnage.
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
			b.errorAt(b.place(a), "unknown function "+a.word+"; did you mean "+near+"?")
			a.broken, a.with = true, substitute(near, b.rest(a), "")
			b.push(i, near)
			return true
		}
	}
	return false
}

// declareIn declares the variables in a fragment, up to end, for the standard
// parser. The compiler reports those that are not declared.
func (b *balancer) declareIn(o block, end int) {
	a := &b.acts[o.action]
	a.insert = b.declare(b.Text.Text[a.end:end])
}

// closeAll reports the blocks that are open at a place, and returns their ends.
func (b *balancer) closeAll(at int) (ends string) {
	for _, o := range b.open {
		if o.word == "define" {
			b.declareIn(o, at)
		}
		b.errorAt(o.at, "this "+o.word+" is not closed: expected "+b.left+" end "+b.right)
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
