package template

import (
	"regexp"
	"sort"
	"strconv"
	"strings"
	"text/template/parse"
	"unicode"

	"github.com/gdummy/gdummy/internal/body"
)

// parser turns a text into the trees of text/template/parse.
type parser struct {
	Text
	left, right string
	prefix      string // declares all variables, see below
	errs        []*Error
}

// The standard parser stops at the first mistake, and knows only the line of
// it. So it is kept from judging what can be judged later (functions, and
// variables, which a prefix declares), and if it fails, each action is parsed
// alone.

var variable = regexp.MustCompile(`\$[\pL\p{Nd}_]+`)

// goMessage is what precedes the parser's messages.
var goMessage = regexp.MustCompile(`^template: [^:]*:(\d+):(?:\d+:)? ?`)

// parse returns the tree of a text and its fragments by name, or notes all
// mistakes. Positions in the trees are p.prefix too high.
func (p *parser) parse() (*parse.Tree, map[string]*parse.Tree) {
	seen := map[string]bool{}
	var b strings.Builder
	for _, v := range variable.FindAllString(p.Text.Text, -1) {
		if !seen[v] {
			seen[v] = true
			b.WriteString(p.left + v + ":=0" + p.right)
		}
	}
	p.prefix = b.String()
	tree, set, err := p.try(p.prefix + p.Text.Text)
	if err == nil {
		return tree, set
	}
	p.alone()
	if len(p.errs) == 0 {
		p.whole(err)
	}
	return nil, nil
}

func (p *parser) try(text string) (*parse.Tree, map[string]*parse.Tree, error) {
	t := parse.New("template")
	t.Mode = parse.SkipFuncCheck
	set := map[string]*parse.Tree{}
	tree, err := t.Parse(text, p.left, p.right, set)
	return tree, set, err
}

// action is one action of a text.
type action struct {
	start, end int // of what is between the delimiters
}

// actions finds the actions of the text. An action that does not end is noted
// as a mistake.
func (p *parser) actions() []action {
	text := p.Text.Text
	var found []action
	for at := 0; ; {
		i := strings.Index(text[at:], p.left)
		if i < 0 {
			return found
		}
		start := at + i + len(p.left)
		end := p.endOf(start)
		if end < 0 {
			p.errorAt(start-len(p.left), "this action is not closed: "+p.right+" is missing")
			return found
		}
		found = append(found, action{start, end})
		at = end + len(p.right)
	}
}

// endOf returns where the right delimiter of an action stands, or -1.
func (p *parser) endOf(at int) int {
	text := p.Text.Text
	rest := strings.TrimPrefix(strings.TrimPrefix(text[at:], "-"), " ")
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
		case ch == '"' || ch == '\'' || ch == '`':
			quote = ch
		}
	}
	return -1
}

// alone parses each action alone and notes its mistakes.
func (p *parser) alone() {
	text := p.Text.Text
	type block struct{ at int }
	var open []block
	for _, a := range p.actions() {
		inner := text[a.start:a.end]
		trimmed := strings.TrimPrefix(inner, "- ")
		trimmed = strings.TrimSpace(strings.TrimSuffix(trimmed, " -"))
		word := trimmed
		if i := strings.IndexFunc(trimmed, func(r rune) bool { return !unicode.IsLetter(r) }); i >= 0 {
			word = trimmed[:i]
		}
		probe := p.left + trimmed + p.right
		end := p.left + "end" + p.right
		at := a.start + strings.Index(inner, trimmed)
		switch word {
		case "if", "with", "range", "block":
			open = append(open, block{at})
			probe += end
		case "define":
			open = append(open, block{at})
			probe += end
		case "end":
			if len(open) == 0 {
				p.errorAt(at, "this end has no if, with, range or define before it")
			} else {
				open = open[:len(open)-1]
			}
			continue
		case "else":
			if len(open) == 0 {
				p.errorAt(at, "this else has no if, with or range before it")
				continue
			}
			rest := strings.TrimSpace(strings.TrimPrefix(trimmed, "else"))
			if rest == "" {
				continue
			}
			probe = p.left + rest + p.right + end
		case "break", "continue":
			continue
		}
		if trimmed == "" {
			p.errorAt(at, "this action is empty")
			continue
		}
		if _, _, err := p.try(p.prefix + probe); err != nil {
			p.errorAt(at, clean(err.Error()))
		}
	}
	for _, b := range open {
		p.errorAt(b.at, "this is not closed: "+p.left+" end "+p.right+" is missing")
	}
}

// whole notes a mistake that shows only in the text as a whole.
func (p *parser) whole(err error) {
	line := 1
	if m := goMessage.FindStringSubmatch(err.Error()); m != nil {
		line, _ = strconv.Atoi(m[1])
	}
	text := p.Text.Text
	at := 0
	for range line - 1 {
		i := strings.IndexByte(text[at:], '\n')
		if i < 0 {
			break
		}
		at += i + 1
	}
	msg := clean(err.Error())
	rest := text[at:]
	if i := strings.IndexByte(rest, '\n'); i >= 0 {
		rest = rest[:i]
	}
	if v := variable.FindString(msg); v != "" && strings.Contains(rest, v) {
		at += strings.LastIndex(rest, v)
		msg = "the variable " + v + " is not known here: a fragment sees only the dot that it is given"
	} else if i := strings.Index(rest, p.left); i >= 0 {
		at += i + len(p.left)
	}
	p.errorAt(at, msg)
}

// clean makes a message of the standard parser ours.
func clean(msg string) string {
	msg = goMessage.ReplaceAllString(msg, "")
	msg = strings.ReplaceAll(msg, "\\n", " ")
	return strings.Split(msg, "\n")[0]
}

func (p *parser) errorAt(offset int, problem string) {
	p.errs = append(p.errs, &Error{p.Name, body.ErrorAt(p.Text.Text, offset, problem)})
}

// sorted returns the mistakes in the order of the texts.
func (c *compiler) sorted() Errors {
	order := map[string]int{c.conf.Body.Name: 1, c.conf.Metadata.Name: 2, c.conf.Tag.Name: 3}
	sort.SliceStable(c.errs, func(i, j int) bool {
		a, b := c.errs[i], c.errs[j]
		if a.In != b.In {
			return order[a.In] < order[b.In]
		}
		return a.Offset < b.Offset
	})
	var es Errors
	for i, e := range c.errs {
		// A fragment that is used twice has its mistakes twice.
		if i > 0 && e.In == c.errs[i-1].In && e.Offset == c.errs[i-1].Offset && e.Problem == c.errs[i-1].Problem {
			continue
		}
		es = append(es, e)
	}
	return es
}
