package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/gdummy/gdummy/internal/conf"
	"github.com/gdummy/gdummy/internal/option"
)

// plugin is the name under which an input is ours.
const plugin = "gdummy"

func check(s stream, args []string) int {
	fs := flags("check", nil, func(w io.Writer) {
		fmt.Fprintln(w, `
Reads Fluent Bit configurations, classic or YAML (.yaml, .yml), with all that they
include, and tells every mistake in the gdummy inputs. A FILE of - is standard input.
Variables have the values that they have in this process; what depends on one that is
not set is not checked; ${NAME:-default} always has a value.`)
	})
	if code, ok := parse(s, fs, args); !ok {
		return code
	}
	if fs.NArg() == 0 {
		return misused(s, "check", "it needs a file to read")
	}
	code := exitFine
	for _, path := range fs.Args() {
		if !checkFile(s, path) {
			code = exitFound
		}
	}
	return code
}

// checkFile tells the mistakes in one configuration, and returns whether there
// are none.
func checkFile(s stream, path string) bool {
	var config *conf.Config
	if path == "-" {
		text, err := io.ReadAll(s.in)
		if err != nil {
			fmt.Fprintf(s.out, "-: %v\n", err)
			return false
		}
		config = conf.Parse("-", text, conf.Guess(text), conf.Disk)
	} else {
		var err error
		if config, err = conf.Read(path, conf.Disk); err != nil {
			fmt.Fprintf(s.out, "%s: %v\n", path, err)
			return false
		}
	}
	c := &checker{env: config.Lookup(conf.Process)}
	for _, m := range config.Mistakes {
		c.mistake(m.Pos, m.Problem)
	}
	ours := 0
	for _, in := range config.Inputs {
		name, ok := in.Property("name")
		if !ok || !strings.EqualFold(name.Value.Expand(c.env).Text, plugin) {
			continue
		}
		ours++
		c.input(in)
	}
	c.print(s.out)
	switch {
	case c.mistakes > 0:
		fmt.Fprintf(s.out, "%s: %s\n", path, count(c.mistakes, "mistake"))
	case ours == 0:
		fmt.Fprintf(s.out, "%s: note: there is no %s input in it\n", path, plugin)
	default:
		fmt.Fprintf(s.out, "%s: fine, %s\n", path, count(ours, plugin+" input"))
	}
	return c.mistakes == 0
}

func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// checker gathers the mistakes of one configuration.
type checker struct {
	env      conf.Environment
	found    []finding
	mistakes int
}

// finding is something to tell of a place.
type finding struct {
	pos   conf.Pos
	lines []string
}

func (c *checker) mistake(pos conf.Pos, lines ...string) {
	c.mistakes++
	c.found = append(c.found, finding{pos, lines})
}

func (c *checker) note(pos conf.Pos, line string) {
	c.found = append(c.found, finding{pos, []string{"note: " + line}})
}

// print tells what was found, in the order of the text.
func (c *checker) print(w io.Writer) {
	files := map[string]int{}
	for _, f := range c.found {
		if _, ok := files[f.pos.File]; !ok {
			files[f.pos.File] = len(files)
		}
	}
	slices.SortStableFunc(c.found, func(a, b finding) int {
		return cmp.Or(cmp.Compare(files[a.pos.File], files[b.pos.File]),
			cmp.Compare(a.pos.Line, b.pos.Line), cmp.Compare(a.pos.Column, b.pos.Column))
	})
	for _, f := range c.found {
		fmt.Fprintf(w, "%v: %s\n", f.pos, strings.Join(f.lines, "\n"))
	}
}

// input checks one input of ours.
func (c *checker) input(in *conf.Input) {
	values := map[string]*conf.Expanded{} // by the option's name, those to be parsed
	first := map[string]*conf.Property{}
	for _, p := range in.Properties {
		o, known := option.Find(p.Name)
		switch {
		case !known && option.IsCore(p.Name):
			continue
		case !known:
			c.mistake(p.Pos, option.Unknown(p.Name, p.Value.Text).Lines()...)
			continue
		}
		if again, ok := first[o.Name]; ok {
			c.mistake(p.Pos, fmt.Sprintf("option %s: it is set already in line %d; Fluent Bit takes the first one, or refuses to start", o.Name, again.Pos.Line))
			continue
		}
		first[o.Name] = p
		if p.NotText != "" {
			c.mistake(p.Value.Pos(0), fmt.Sprintf("option %s: expected text, and this is %s", o.Name, p.NotText))
			continue
		}
		env := c.env
		if slices.Contains(templates, o.Name) {
			env = keepActions(env)
		}
		if v := p.Value.Expand(env); c.variables(o, &p.Value, v) {
			values[o.Name] = v
		}
	}
	_, warnings, err := option.Parse(func(name string) (string, bool) {
		v, ok := values[name]
		if !ok || v.Text == "" {
			return "", false
		}
		return v.Text, true
	})
	var errs option.Errors
	errors.As(err, &errs)
	for _, e := range errs {
		c.option(in, values, "", e)
	}
	for _, e := range warnings {
		c.option(in, values, "warning: ", e)
	}
}

// templates are the options in which "${{" is no variable but a dollar sign and an
// action, or so their writers think.
var templates = []string{"template", "metadata_template", "tag_template"}

// keepActions makes an environment that leaves "${{ ... }" as it stands, so that
// the rest of a template can be checked.
func keepActions(env conf.Environment) conf.Environment {
	return func(name string) (string, bool) {
		if strings.HasPrefix(name, "{") {
			return "${" + name + "}", true
		}
		return env(name)
	}
}

// variables tells what is to be said of the variables in a value, and returns
// whether the value can be checked.
func (c *checker) variables(o *option.Option, raw *conf.Value, v *conf.Expanded) bool {
	checkable := true
	for _, x := range v.Vars {
		switch {
		case strings.HasPrefix(x.Name, "{") && slices.Contains(templates, o.Name):
			c.mistake(raw.Pos(x.Offset), fmt.Sprintf("option %s: Fluent Bit takes ${ for the start of an environment variable, and ${%s} away", o.Name, x.Name),
				`  right would be: {{ "$" }} before the action, or a template_file`)
		case x.Missed:
			c.mistake(raw.Pos(x.Offset), fmt.Sprintf("option %s: Fluent Bit does not see ${%s}, because a '}' stands between it and what was replaced before", o.Name, x.Name))
		case !x.Set:
			c.note(raw.Pos(x.Offset), fmt.Sprintf("option %s: ${%s} is not set here, so the value is not checked", o.Name, x.Name))
			checkable = false
		}
	}
	return checkable
}

// option tells a mistake in the value of an option.
func (c *checker) option(in *conf.Input, values map[string]*conf.Expanded, kind string, e *option.Error) {
	pos := in.Pos
	if v, ok := values[e.Option]; ok {
		pos = v.Pos(0)
		if e.Where != nil {
			pos = v.Pos(e.Offset)
		}
	}
	if e.File != "" && e.Where != nil {
		pos = conf.Pos{File: e.File, Line: e.Where.Line, Column: e.Where.Column}
	}
	problem := e.Problem
	if e.Kept != "" {
		problem += "; " + e.Kept
	}
	c.mistake(pos, append([]string{fmt.Sprintf("%soption %s: %s", kind, e.Option, problem)}, e.Lines()[1:]...)...)
}
