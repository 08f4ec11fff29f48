// SPDX-License-Identifier: Apache-2.0

package template

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	gotemplate "text/template"

	"pgregory.net/rapid"

	"github.com/gdummy/gdummy/internal/generate/value"
)

// grammar draws the text of a template that is also valid for text/template. It keeps
// the variables in scope by type.
type grammar struct {
	t      *rapid.T
	vars   map[byte][]string // 'i', 's', 'b' and 'l' (of integers)
	next   int
	loops  int
	inside bool // a fragment, whose dot is an integer
	frags  int
}

func (g *grammar) n(most int, what string) int { return rapid.IntRange(0, most).Draw(g.t, what) }

func (g *grammar) pick(what string, of ...string) string {
	return rapid.SampledFrom(of).Draw(g.t, what)
}

// expr draws an expression of a type.
func (g *grammar) expr(typ byte, depth int) string {
	if vs := g.vars[typ]; len(vs) > 0 && g.n(2, "variable") == 0 {
		return g.pick("which", vs...)
	}
	simple := depth > 2
	sub := func(t byte) string { return g.expr(t, depth+1) }
	switch typ {
	case 'i':
		switch k := g.n(6, "int"); {
		case simple || k < 3:
			return g.pick("literal", "0", "1", "-3", "7", "42", "0x1f", "'a'", "1000000")
		case k == 3:
			return "(len " + sub('s') + ")"
		case k == 4:
			return "(len " + sub('l') + ")"
		case k == 5:
			return "(index " + sub('l') + " 0)"
		default:
			return "(" + g.pick("logic", "and", "or") + " " + sub('i') + " " + sub('i') + ")"
		}
	case 's':
		switch k := g.n(5, "string"); {
		case simple || k < 3:
			return g.pick("literal", `"x"`, `""`, `"héllo wörld"`, "`raw \\ text`", `"a\tb"`, `"\"quoted\" }} {{"`)
		case k == 3:
			return g.format(depth)
		case k == 4:
			return "(print " + sub('s') + " " + sub('i') + " " + sub('i') + " " + sub('b') + ")"
		default:
			return "(" + sub('i') + " | printf " + g.pick("verb", `"%d"`, `"%05d"`, `"%-4d|"`, `"%x"`, `"%+d"`, `"%b"`) + ")"
		}
	case 'b':
		switch k := g.n(7, "bool"); {
		case simple || k < 2:
			return g.pick("literal", "true", "false")
		case k == 2:
			return "(not " + g.expr("isbl"[g.n(3, "of")], depth+1) + ")"
		case k == 3:
			t := "isb"[g.n(2, "of")]
			others := g.expr(t, depth+1)
			for range g.n(2, "others") {
				others += " " + g.expr(t, depth+1)
			}
			return "(eq " + g.expr(t, depth+1) + " " + others + ")"
		case k == 4:
			t := "isb"[g.n(2, "of")]
			return "(ne " + g.expr(t, depth+1) + " " + g.expr(t, depth+1) + ")"
		case k < 7:
			t := "is"[g.n(1, "of")]
			return "(" + g.pick("order", "lt", "le", "gt", "ge") + " " + g.expr(t, depth+1) + " " + g.expr(t, depth+1) + ")"
		default:
			return "(" + g.pick("logic", "and", "or") + " " + sub('b') + " " + sub('b') + ")"
		}
	}
	items := "(list"
	for range g.n(3, "items") + 1 {
		items += " " + sub('i')
	}
	return items + ")"
}

// format draws a call of printf.
func (g *grammar) format(depth int) string {
	format, args := "", ""
	for range g.n(3, "verbs") {
		t, verbs := byte('i'), []string{"%d", "%5d", "%-5d", "%05d", "%x", "%X", "%o", "%c", "%v", "%+d", "% d", "%6.3d"}
		switch g.n(2, "of") {
		case 1:
			t, verbs = 's', []string{"%s", "%8s", "%-8s", "%.2s", "%q", "%v", "%x"}
		case 2:
			t, verbs = 'b', []string{"%t", "%v", "%6t"}
		}
		format += g.pick("verb", verbs...) + g.pick("between", "", "-", " %% ", "é")
		args += " " + g.expr(t, depth+1)
	}
	return fmt.Sprintf("(printf %q%s)", format, args)
}

// act draws the delimiters around an action.
func (g *grammar) act(inner string) string {
	return g.pick("left", "{{ ", "{{ ", "{{", "{{- ") + inner + g.pick("right", " }}", " }}", "}}", " -}}")
}

// scoped draws a piece with additional variables in scope.
func (g *grammar) scoped(depth int, typ byte, names ...string) string {
	names = append(names, "")[:max(len(names), 1)]
	was := map[byte][]string{}
	for t, vs := range g.vars {
		was[t] = vs
		g.vars[t] = slices.Clone(vs)
		if names[0] == "." {
			g.vars[t] = slices.DeleteFunc(g.vars[t], func(v string) bool { return v == "." })
		}
	}
	if names[0] != "" {
		g.vars[typ] = append(g.vars[typ], names...)
	}
	text := g.text(depth + 1)
	g.vars = was
	return text
}

func (g *grammar) variable() string {
	g.next++
	return fmt.Sprintf("$v%d", g.next)
}

// text draws text with actions in it.
func (g *grammar) text(depth int) string {
	var b strings.Builder
	for range g.n(4, "pieces") {
		b.WriteString(g.pick("text", "", " ", "a b", "  .", "  | ", "é ", "{ }", "]"))
		kind := g.n(12, "kind")
		if depth > 3 {
			kind = min(kind, 4)
		}
		switch typ := "isbl"[g.n(3, "type")]; kind {
		case 0, 1:
			b.WriteString(g.act(g.expr("isb"[g.n(2, "of")], 0)))
		case 2:
			b.WriteString(g.pick("comment", "{{/* so }} */}}", "{{- /* a \" */ -}}"))
		case 3:
			// The variable is not in scope in its own expression.
			e, v := g.expr(typ, 0), g.variable()
			b.WriteString(g.act(v + " := " + e))
			g.vars[typ] = append(g.vars[typ], v)
		case 4:
			var vs []string
			for _, v := range g.vars[typ] {
				if strings.HasPrefix(v, "$v") {
					vs = append(vs, v)
				}
			}
			if len(vs) > 0 {
				b.WriteString(g.act(g.pick("which", vs...) + " = " + g.expr(typ, 0)))
			}
		case 5, 6:
			b.WriteString(g.act("if "+g.expr("isbl"[g.n(3, "of")], 0)) + g.scoped(depth, 'i'))
			for range g.n(1, "else ifs") {
				b.WriteString(g.act("else if "+g.expr('b', 0)) + g.scoped(depth, 'i'))
			}
			if g.n(1, "else") == 0 {
				b.WriteString(g.act("else") + g.scoped(depth, 'i'))
			}
			b.WriteString(g.act("end"))
		case 7:
			if v, e := g.variable(), g.expr(typ, 0); g.n(1, "named") == 0 {
				b.WriteString(g.act("with "+v+" := "+e) + g.scoped(depth, typ, ".", v))
			} else {
				b.WriteString(g.act("with "+e) + g.scoped(depth, typ, "."))
			}
			if g.n(1, "else") == 0 {
				b.WriteString(g.act("else") + "none")
			}
			b.WriteString(g.act("end"))
		case 8, 9, 10:
			v, i := g.variable(), g.variable()
			over := g.expr('l', 0)
			g.loops++
			switch g.n(3, "range") {
			case 0:
				b.WriteString(g.act("range "+over) + g.scoped(depth, 'i', "."))
			case 1:
				b.WriteString(g.act("range "+v+" := "+over) + g.scoped(depth, 'i', ".", v))
			case 2:
				b.WriteString(g.act("range "+i+", "+v+" := "+over) + g.scoped(depth, 'i', ".", i, v))
			default:
				b.WriteString(g.act("range "+v+" := "+g.pick("count", "0", "1", "3")) + g.scoped(depth, 'i', ".", v))
			}
			if g.n(2, "leave") == 0 {
				b.WriteString(g.act("if "+g.expr('b', 0)) + g.act(g.pick("leave", "break", "continue")) + g.act("end") + "-")
			}
			g.loops--
			if g.n(1, "else") == 0 {
				b.WriteString(g.act("else") + "none")
			}
			b.WriteString(g.act("end"))
		case 11:
			if g.frags > 0 && !g.inside {
				b.WriteString(g.act(fmt.Sprintf("template \"f%d\" %s", g.n(g.frags-1, "which"), g.expr('i', 0))))
			}
		case 12:
			b.WriteString(g.act(g.expr('i', 0) + " | " + g.pick("pipe", "eq 7", "printf \"%03d\"", "print", "lt 3", "print \"n\"")))
		}
	}
	return b.String()
}

// A template that text/template accepts produces the same text there.
func TestLikeGo(t *testing.T) {
	functions := gotemplate.FuncMap{"list": func(items ...any) []any { return items }}
	rapid.Check(t, func(t *rapid.T) {
		var defines strings.Builder
		frags := rapid.IntRange(0, 2).Draw(t, "fragments")
		for i := range frags {
			g := &grammar{t: t, vars: map[byte][]string{'i': {".", "$"}}, inside: true}
			fmt.Fprintf(&defines, `{{ define "f%d" }}%s{{ end }}`, i, g.text(2))
		}
		g := &grammar{t: t, vars: map[byte][]string{}, frags: frags}
		text := g.text(0)
		theirs, err := gotemplate.New("t").Funcs(functions).Parse(defines.String() + text)
		if err != nil {
			t.Fatalf("%s\n%v", text, err)
		}
		var want strings.Builder
		if err := theirs.Execute(&want, nil); err != nil {
			t.Skipf("text/template stops: %v", err)
		}
		p, err := compile(defines.String() + `{"v": "` + text + `"}`)
		if err != nil {
			t.Fatalf("%s%s\ngot error: %v\nwant %q", defines.String(), text, err, want.String())
		}
		got := value.OfRaw(p.AppendBody(nil, exampleTime, 0)).Field("v").S()
		if got != want.String() {
			t.Fatalf("%s%s\ngot  %q\nwant %q", defines.String(), text, got, want.String())
		}
	})
}
