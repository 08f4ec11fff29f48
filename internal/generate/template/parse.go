// SPDX-License-Identifier: Apache-2.0

package template

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template/parse"

	"github.com/gdummy/gdummy/internal/config/diag"
)

// parser parses a text with text/template/parse.
//
// The standard parser stops at the first error and reports only its line. Therefore
// functions are checked later, as are variables, which a prefix declares. If parsing
// still fails, each action is parsed alone, and the text is repaired so that the rest
// is checked, too.
type parser struct {
	Text
	left, right string
	prefix      string // declares all variables
	ends        string // missing ends of blocks
	reports
}

var variable = regexp.MustCompile(`\$[\pL\p{Nd}_]+`)

// goMessage matches the prefix of the standard parser's messages.
var goMessage = regexp.MustCompile(`^template: [^:]*:(\d+):(?:\d+:)? ?`)

// parse returns the tree of a text and its fragments by name. If the standard parser
// rejects the text, it stores errors, and returns the tree of the repaired text, or
// nil. Positions in the trees are those of the parsed text, with the prefix.
func (p *parser) parse() (*parse.Tree, map[string]*parse.Tree) {
	p.prefix = p.declare(p.Text.Text)
	tree, set, err := p.try(p.prefix + p.Text.Text)
	if err == nil {
		return tree, set
	}
	tree, set, again := p.try(p.prefix + p.repair())
	if len(p.errs) == 0 {
		p.whole(err)
		p.fallback, p.errs = p.errs, nil
	}
	if again == nil {
		return tree, set
	}
	p.moves = nil
	return nil, nil
}

// declare returns actions that declare all variables of a text.
func (p *parser) declare(text string) string {
	seen := map[string]bool{}
	var b strings.Builder
	for _, v := range variable.FindAllString(text, -1) {
		if !seen[v] {
			seen[v] = true
			b.WriteString(p.left + v + ":=0" + p.right)
		}
	}
	return b.String()
}

func (p *parser) try(text string) (*parse.Tree, map[string]*parse.Tree, error) {
	t := parse.New("template")
	t.Mode = parse.SkipFuncCheck
	set := map[string]*parse.Tree{}
	tree, err := t.Parse(text, p.left, p.right, set)
	return tree, set, err
}

// whole reports an error that occurs only when the text is parsed as a whole.
func (p *parser) whole(err error) {
	line := 1
	if m := goMessage.FindStringSubmatch(err.Error()); m != nil {
		line, _ = strconv.Atoi(m[1])
	}
	msg := clean(err.Error())
	at, rest := 0, ""
	for text := range strings.SplitSeq(p.Text.Text, "\n") {
		if rest = text; line <= 1 {
			break
		}
		at += len(text) + 1
		line--
	}
	if v := variable.FindString(msg); v != "" && strings.Contains(rest, v) {
		at += strings.LastIndex(rest, v)
		msg = "unknown variable " + v + ": a fragment has no variables but the dot that is passed to it"
	} else if i := strings.Index(rest, p.left); i >= 0 {
		at += i + len(p.left)
	}
	p.errorAt(at, msg)
}

// clean removes the prefix and all lines but the first from a message of the standard
// parser.
func clean(msg string) string {
	msg = goMessage.ReplaceAllString(msg, "")
	msg = strings.ReplaceAll(msg, "\\n", " ")
	return strings.Split(msg, "\n")[0]
}

func (p *parser) errorAt(offset int, problem string) { p.report(&p.Text, offset, "%s", problem) }

// sorted returns the errors in the order of the texts.
func (c *compiler) sorted() Errors {
	order := map[string]int{c.conf.Body.Name: 1, c.conf.Metadata.Name: 2, c.conf.Tag.Name: 3}
	slices.SortStableFunc(c.errs, func(a, b *diag.Error) int {
		if a.In != b.In {
			return cmp.Compare(order[a.In], order[b.In])
		}
		return cmp.Compare(a.Offset, b.Offset)
	})
	// The errors of a fragment are reported for each use.
	return slices.CompactFunc(c.errs, func(a, b *diag.Error) bool {
		return a.In == b.In && a.Offset == b.Offset && a.Problem == b.Problem
	})
}
