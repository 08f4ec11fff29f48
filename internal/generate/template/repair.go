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

// A text that the standard parser refuses is repaired: what is broken in it is
// told, and something harmless takes its place, so that the compiler can check
// the rest. What takes an action's place is a placeholder: a value of which nothing is
// known. Where blocks do not fit one another, the text is astray, and only
// expressions are still checked in it.

// placeholder is the name of a function that stands in the place of what was broken. It
// is none that anybody would write.
const placeholder = "ʘ"

// move says where a part of a repaired text comes from, up to the next one.
type move struct {
	at   int  // in the repaired text
	from int  // in the text as it was given; -1 is nowhere
	new  bool // the part was added
}

// origin returns where in the text as it was given a part of the repaired one
// comes from: -1 for what was added.
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

// isPlaceholder says whether an action is one that was broken.
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
	word       string // it begins with
	before     string // what is put before it
	insert     string // and behind it
	with       string // what takes its place, if it is broken
	broken     bool
}

var (
	wordAt   = regexp.MustCompile(`^[\pL_][\pL\p{Nd}_]*`)
	declares = regexp.MustCompile(`^\$[\pL\p{Nd}_]+(?:\s*,\s*\$[\pL\p{Nd}_]+)?\s*:?=`)
	quoted   = regexp.MustCompile("^\"[^\"\\\\]*\"|^`[^`]*`")
)

// words are those that actions begin with that are no values.
var words = []string{"if", "with", "range", "define", "block", "end", "else", "template", "break", "continue"}

// openers are the words that something may be misspelt for.
var openers = []string{"if", "with", "range"}

// repair notes all mistakes and returns the repaired text.
func (p *parser) repair() string {
	text := p.Text.Text
	acts, loose := p.actions()
	p.probe(acts)
	acts = p.blocks(acts)
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

// indent is how much space, and trim markers, an action begins with.
func indent(inner string) int {
	rest := inner
	if strings.HasPrefix(rest, "-") && len(rest) > 1 && unicode.IsSpace(rune(rest[1])) {
		rest = rest[1:]
	}
	return len(inner) - len(strings.TrimLeftFunc(rest, unicode.IsSpace))
}

// actions finds the actions of the text. Those that do not end are noted as
// mistakes; where their delimiters stand is returned, too.
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
			// Perhaps it is a quotation mark that is missing.
			end = strings.Index(text[start:], p.right)
			if next := strings.Index(text[start:], p.left); end < 0 || next >= 0 && next < end {
				p.errorAt(start-len(p.left), "this action is not closed: "+p.right+" is missing")
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

// endOf returns where the right delimiter of an action stands, or -1 if another
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

// probe parses each action alone, and notes its mistakes.
func (p *parser) probe(acts []action) {
	text := p.Text.Text
	end := p.left + "end" + p.right
	for i := range acts {
		a := &acts[i]
		inner := text[a.start:a.end]
		at := a.start + indent(inner)
		trimmed := strings.TrimSpace(strings.TrimSuffix(text[at:a.end], " -"))
		a.word = wordAt.FindString(trimmed)
		rest := strings.TrimSpace(trimmed[len(a.word):])
		fail := func(problem, with string) {
			p.errorAt(at, problem)
			a.broken, a.with = true, with
		}
		probe := p.left + inner + p.right
		with := placeholder
		switch a.word {
		case "if", "with", "range", "block":
			probe += end
			with = a.word + " " + declares.FindString(rest) + " " + placeholder
			if name := quoted.FindString(rest); a.word == "block" && name != "" {
				with = "block " + name + " " + placeholder
			} else if a.word == "block" {
				with = "with " + placeholder
			}
		case "define":
			probe += end
			name := quoted.FindString(rest)
			if name == "" {
				name = `"` + wordAt.FindString(rest) + `"`
			}
			with = "define " + name
		case "else":
			if rest == "" {
				continue
			}
			probe = p.left + rest + p.right + end
			with = a.word
			switch w := wordAt.FindString(rest); w {
			case "if", "with":
				with += " " + w + " " + declares.FindString(strings.TrimSpace(rest[len(w):])) + " " + placeholder
			default:
				fail("nothing but if or with stands behind an else", with)
				continue
			}
		case "end":
			if rest != "" {
				fail("nothing stands behind an end", "end")
			}
			continue
		case "break", "continue":
			if rest != "" {
				fail("nothing stands behind a "+a.word, a.word)
			}
			continue
		default:
			if d := declares.FindString(trimmed); d != "" && !strings.Contains(d, ",") {
				with = d + " " + placeholder
			}
		}
		switch {
		case strings.HasPrefix(trimmed, "/*") && at != a.start && !strings.HasPrefix(inner, "- /*"):
			fail("a comment begins right behind the delimiter: "+p.left+"/* ... */"+p.right, "/**/")
		case trimmed == "":
			at = a.start
			fail("this action is empty", with)
		default:
			if _, _, err := p.try(p.declare(inner) + probe); err != nil {
				fail(clean(err.Error()), with)
			}
		}
	}
}

// block is an if, with, range or define that is open.
type block struct {
	word   string
	action int
	at     int  // its place in the text
	other  bool // its else has come
}

// blocks fits blocks and their ends together, notes what does not fit, and
// returns the actions without what is too much.
func (p *parser) blocks(acts []action) []action {
	text := p.Text.Text
	var open []block
	defined := map[string]bool{}
	missing := 0 // ends
	for i := range acts {
		switch acts[i].word {
		case "if", "with", "range", "block", "define":
			missing++
		case "end":
			missing--
		}
	}
	place := func(a *action) int { return a.start + indent(text[a.start:a.end]) }
	blank := func(a *action, problem string) {
		p.errorAt(place(a), problem)
		a.broken, a.with = true, "/**/"
	}
	unbalanced := func(a *action, problem string) {
		blank(a, problem)
		p.unbalanced = true
	}
	// misspelt finds an action since the innermost open block that was perhaps
	// meant to be a block: fi, rnage.
	misspelt := func(end int) bool {
		from := 0
		if len(open) > 0 {
			from = open[len(open)-1].action + 1
		}
		for i := end - 1; i >= from; i-- {
			a := &acts[i]
			if a.word == "" || a.broken || fake.Find(a.word) != nil {
				continue
			}
			near := units.Nearest(a.word, openers)
			if near == "" || slices.Contains(words, a.word) {
				continue
			}
			p.errorAt(place(a), "unknown function "+a.word+"; did you mean "+near+"?")
			rest := strings.TrimSpace(text[place(a)+len(a.word) : a.end])
			a.broken, a.with = true, near+" "+declares.FindString(rest)+" "+placeholder
			open = append(open, block{word: near, action: i, at: place(a)})
			return true
		}
		return false
	}
	// within declares the variables in a fragment, up to end: it knows none of
	// them, but that is for the compiler to say.
	within := func(b block, end int) {
		a := &acts[b.action]
		a.insert = p.declare(text[a.end:end])
	}
	unclosed := func(end int) string {
		for _, o := range open {
			if o.word == "define" {
				within(o, end)
			}
			p.errorAt(o.at, "this is not closed: "+p.left+" end "+p.right+" is missing")
			p.unbalanced = true
		}
		ends := strings.Repeat(p.left+"end"+p.right, len(open))
		missing -= len(open)
		open = nil
		return ends
	}
	for i := range acts {
		a := &acts[i]
		switch a.word {
		case "if", "with", "range", "block", "define":
			if a.word == "define" && len(open) > 0 && missing > 0 {
				// So there the ends are missing.
				a.before = unclosed(a.start)
			}
			if a.word == "define" && len(open) > 0 {
				unbalanced(a, "a define stands outside of everything else")
				a.with = "with " + placeholder
				open = append(open, block{word: "with", action: i, at: place(a)})
				continue
			}
			if a.word == "define" {
				name := quoted.FindString(strings.TrimSpace(strings.TrimPrefix(text[place(a):a.end], "define")))
				if name != "" && defined[name] {
					p.errorAt(place(a), "there is a fragment "+name+" already")
					a.broken, a.with = true, "define \""+placeholder+strconv.Itoa(i)+"\""
				}
				defined[name] = true
			}
			open = append(open, block{word: a.word, action: i, at: place(a)})
		case "end":
			if len(open) == 0 && !misspelt(i) {
				unbalanced(a, "this end has no if, with, range or define before it")
				continue
			}
			last := open[len(open)-1]
			if open = open[:len(open)-1]; last.word == "define" {
				within(last, a.start)
			}
		case "else":
			if len(open) == 0 && !misspelt(i) {
				unbalanced(a, "this else has no if, with or range before it")
				continue
			}
			o := &open[len(open)-1]
			word := wordAt.FindString(strings.TrimSpace(strings.TrimPrefix(text[place(a):a.end], "else")))
			switch {
			case o.word == "define" || o.word == "block":
				unbalanced(a, "this else has no if, with or range before it")
			case o.other:
				unbalanced(a, "this "+o.word+" has an else already")
			case word == "":
				o.other = true
			case !a.broken && word != o.word:
				unbalanced(a, "an else "+word+" goes with "+article(word)+", not with "+article(o.word))
			}
		case "break", "continue":
			inLoop := false
			for _, o := range open {
				inLoop = inLoop || o.word == "range" && !o.other
			}
			if !inLoop {
				blank(a, a.word+" stands in a range only")
			}
		}
	}
	p.ends = unclosed(len(text))
	return acts
}

func article(word string) string {
	if word == "if" {
		return "an if"
	}
	return "a " + word
}
