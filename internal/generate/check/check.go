// SPDX-License-Identifier: Apache-2.0

// Package check finds the errors in the gdummy inputs of a Fluent Bit configuration: errors
// that prevent a start, errors that strict off accepts, and settings that are probably
// mistakes.
//
// The normal path is [Read].
package check

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/gdummy/gdummy/internal/config/conf"
	"github.com/gdummy/gdummy/internal/config/option"
	"github.com/gdummy/gdummy/internal/config/units"
	"github.com/gdummy/gdummy/internal/files"
	"github.com/gdummy/gdummy/internal/generate/engine"
)

// Result has the findings in one configuration.
type Result struct {
	Inputs   int // gdummy inputs, including those of included files
	Errors   int // findings that are errors
	Warnings int
	Findings []Finding // by position
}

// The severities of Findings.
const (
	Error   = "error"
	Warning = "warning" // an error that strict off accepts
	Note    = "note"
)

// Finding is a message about a position.
type Finding struct {
	Pos      conf.Pos
	Severity string
	Option   string // or ""
	Message  string
	Excerpt  []string // lines of the text around it
	Hint     string   // or ""
}

// Read finds the errors in the configuration at path, or in that of stdin if path is "-".
// It returns an error if a file cannot be read; the result has this error, too.
func Read(path string, stdin io.Reader) (*Result, error) {
	c := new(checker)
	err := c.read(path, stdin)
	if err != nil {
		c.add(Finding{Pos: conf.Pos{File: path}, Severity: Error, Message: err.Error()})
	}
	return &c.Result, err
}

func (c *checker) read(path string, stdin io.Reader) error {
	var config *conf.Config
	if path == "-" {
		text, err := io.ReadAll(stdin)
		if err != nil {
			return err
		}
		config = conf.Parse("-", text, conf.Guess(text), conf.Disk)
	} else {
		var err error
		if config, err = conf.Read(path, conf.Disk); err != nil {
			return err
		}
	}
	c.env = config.Lookup(conf.Process)
	if path != "-" {
		c.files = files.Beside(path)
	}
	for _, m := range config.Errors {
		c.add(Finding{Pos: m.Pos, Severity: Error, Message: m.Problem, Hint: m.Hint})
	}
	for _, m := range config.Notes {
		c.add(Finding{Pos: m.Pos, Severity: Note, Message: m.Problem, Hint: m.Hint})
	}
	for _, in := range config.Inputs {
		name, ok := in.Property("name")
		if !ok {
			continue
		}
		if given := name.Value.Expand(c.env).Text; !strings.EqualFold(given, option.Plugin) {
			c.misspelled(name.Value.Pos(0), given)
			continue
		}
		c.Inputs++
		c.input(in)
		c.routes(in)
	}
	c.sort()
	return nil
}

// misspelled notes the name of an input that resembles ours and is not Fluent Bit's
// dummy.
func (c *checker) misspelled(pos conf.Pos, name string) {
	if near := units.Nearest(name, []string{option.Plugin, "dummy"}); near == option.Plugin {
		c.add(Finding{Pos: pos, Severity: Note, Message: fmt.Sprintf("input %q is not checked", name), Hint: "did you mean " + option.Plugin + "?"})
	}
}

// checker collects the findings in one configuration.
type checker struct {
	Result
	env   conf.Environment
	files files.Path // where to search for the files of options
}

func (c *checker) add(f Finding) {
	switch f.Severity {
	case Error:
		c.Errors++
	case Warning:
		c.Warnings++
	}
	c.Findings = append(c.Findings, f)
}

// sort sorts the findings by position.
func (c *checker) sort() {
	files := map[string]int{}
	for _, f := range c.Findings {
		if _, ok := files[f.Pos.File]; !ok {
			files[f.Pos.File] = len(files)
		}
	}
	slices.SortStableFunc(c.Findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(files[a.Pos.File], files[b.Pos.File]),
			cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Column, b.Pos.Column))
	})
}

// given has the options that an input sets.
type given struct {
	first  map[string]*conf.Property // by the name of the option
	values map[string]*conf.Expanded // of options that are text
}

// input checks a gdummy input.
func (c *checker) input(in *conf.Input) {
	g := given{map[string]*conf.Property{}, map[string]*conf.Expanded{}}
	for _, p := range in.Properties {
		o, known := option.Find(p.Name)
		switch {
		case known:
			c.property(g, o, p)
		case option.IsCore(p.Name):
			c.pauses(in, p)
		default:
			unknown := option.Unknown(p.Name, p.Value.Text, slices.Concat(option.Names(), option.Core), func(name string) bool {
				_, ok := in.Property(name)
				return ok
			})
			c.add(Finding{Pos: p.Pos, Severity: Error, Option: p.Name, Message: unknown.Problem, Hint: unknown.Advice()})
		}
	}
	_, warnings, err := engine.Configure(func(name string) (string, bool) {
		v, ok := g.values[name]
		if !ok {
			return "", false
		}
		return v.Text, true
	}, c.files)
	var errs option.Errors
	errors.As(err, &errs)
	c.unset(g, errs)
	for _, e := range errs {
		c.option(in, g.values, Error, e)
	}
	for _, e := range warnings {
		c.option(in, g.values, Warning, e)
	}
}

// property checks a property that is an option, and adds it to what is given.
func (c *checker) property(g given, o *option.Option, p *conf.Property) {
	again, set := g.first[o.Name]
	brackets := p.List != nil && p.Quoted != "" && slices.Contains(bracketed, o.Name)
	if set {
		switch {
		case p.List == nil || again.List == nil || *again.List != *p.List:
			c.add(Finding{Pos: p.Pos, Severity: Warning, Option: o.Name, Message: fmt.Sprintf("already set in line %d; %s", again.Pos.Line, FirstCounts)})
		case !brackets:
			c.add(Finding{Pos: p.Value.Pos(0), Severity: Warning, Option: o.Name, Message: "each element of the list sets the option; " + FirstCounts})
		}
		return
	}
	g.first[o.Name] = p
	switch {
	case brackets:
		c.notText(*p.List, o.Name, "a list", p)
		return
	case p.NotText != "":
		c.notText(p.Value.Pos(0), o.Name, p.NotText, p)
		return
	}
	env := c.env
	if slices.Contains(templates, o.Name) {
		env = keepActions(env)
	}
	v := p.Value.Expand(env)
	c.variables(o, &p.Value, v)
	g.values[o.Name] = v
}

// threaded reports whether an input has its own thread, which is the default of Go
// inputs.
func (c *checker) threaded(in *conf.Input) bool {
	p, ok := in.Property("threaded")
	if !ok {
		return true
	}
	on, err := option.ParseBoolean(p.Value.Expand(c.env).Text)
	return on || err != nil
}

// pauses notes that a mem_buf_limit loses records on old hosts.
func (c *checker) pauses(in *conf.Input, p *conf.Property) {
	if !strings.EqualFold(p.Name, "mem_buf_limit") || !c.threaded(in) {
		return
	}
	c.add(Finding{Pos: p.Pos, Severity: Note, Option: p.Name,
		Message: "Fluent Bit before 2.1.9 drops the records in its queue at each pause, and may not resume the input; threaded off avoids both"})
}

// routes notes conditional routes, which lose all records in some versions.
func (c *checker) routes(in *conf.Input) {
	if in.ConditionalRoute == nil || !c.threaded(in) {
		return
	}
	c.add(Finding{
		Pos: *in.ConditionalRoute, Severity: Note,
		Message: "Fluent Bit 4.2.0 to 5.0.4 does not support conditional routes of threaded inputs, which Go inputs are by default: these outputs receive no records",
		Hint:    "set threaded: off, or use Fluent Bit 5.0.5 or later",
	})
}

// bracketed lists the options whose text may begin with a bracket, which YAML parses as a
// map or a list.
var bracketed = []string{"dummy", "metadata", "template", "metadata_template", "tag_template"}

// notText reports a map or a list where text is expected.
func (c *checker) notText(pos conf.Pos, name, what string, p *conf.Property) {
	f := Finding{Pos: pos, Severity: Error, Option: name, Message: "expected text, found " + what + " of YAML"}
	if p.Quoted != "" && slices.Contains(bracketed, name) {
		f.Message += ": text that begins with a bracket needs quotes"
		f.Hint = "use " + name + ": " + p.Quoted
	}
	c.add(f)
}

// templates lists the options in which "${{" is a dollar sign and an action, not the
// start of a variable.
var templates = []string{"template", "metadata_template", "tag_template"}

// keepActions returns an environment that leaves "${{ ... }" unchanged, so that the rest of
// a template can be checked.
func keepActions(env conf.Environment) conf.Environment {
	return func(name string) (string, bool) {
		if strings.HasPrefix(name, "{") {
			return "${" + name + "}", true
		}
		return env(name)
	}
}

// variables reports errors in the variables of a value.
func (c *checker) variables(o *option.Option, raw *conf.Value, v *conf.Expanded) {
	for _, x := range v.Vars {
		switch {
		case strings.HasPrefix(x.Name, "{") && slices.Contains(templates, o.Name):
			c.add(Finding{
				Pos: raw.Pos(x.Offset), Severity: Error, Option: o.Name,
				Message: fmt.Sprintf("Fluent Bit reads ${ as the start of an environment variable and removes ${%s}", x.Name),
				Hint:    `use {{ "$" }} before the action, or a template_file`,
			})
		case x.Missed:
			c.add(Finding{
				Pos: raw.Pos(x.Offset), Severity: Error, Option: o.Name,
				Message: fmt.Sprintf("Fluent Bit does not expand ${%s}, because of a '}' before it", x.Name),
			})
		}
	}
}

// unset notes the unset variables of options without an error: an error names them.
func (c *checker) unset(g given, errs option.Errors) {
	for name, v := range g.values {
		if slices.ContainsFunc(errs, func(e *option.Error) bool { return e.Option == name }) {
			continue
		}
		for _, x := range v.Vars {
			if !x.Set && !x.Missed {
				c.add(Finding{
					Pos: g.first[name].Value.Pos(x.Offset), Severity: Note, Option: name,
					Message: fmt.Sprintf("${%s} is not set here: it is empty", x.Name),
				})
			}
		}
	}
}

// option reports an error in the value of an option.
func (c *checker) option(in *conf.Input, values map[string]*conf.Expanded, severity string, e *option.Error) {
	pos := in.Pos
	if v, ok := values[e.Option]; ok {
		Unset(e, v.Vars)
		pos = v.Pos(0)
		if e.Where != nil {
			pos = v.Pos(e.Offset)
		}
	}
	if e.File != "" && e.Where != nil {
		pos = conf.Pos{File: e.File, Line: e.Where.Line, Column: e.Where.Column}
	}
	problem := e.Problem
	if e.Fallback != "" {
		problem += "; " + e.Fallback
	}
	f := Finding{Pos: pos, Severity: severity, Option: e.Option, Message: problem, Hint: e.Advice()}
	for _, line := range e.Lines()[1:] {
		if strings.HasPrefix(line, "  | ") {
			f.Excerpt = append(f.Excerpt, line)
		}
	}
	c.add(f)
}

// FirstCounts describes what happens to the second value of an option.
const FirstCounts = "the first value is used; Fluent Bit 5.1.1 and later refuse to start"

// Unset adds the unset variables of an option's value to its error.
func Unset(e *option.Error, vars []conf.Variable) {
	var names []string
	for _, v := range vars {
		if name := "${" + v.Name + "}"; !v.Set && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	switch len(names) {
	case 0:
	case 1:
		e.Problem = names[0] + " is not set: " + e.Problem
	default:
		e.Problem = strings.Join(names, ", ") + " are not set: " + e.Problem
	}
}
