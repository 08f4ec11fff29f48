// SPDX-License-Identifier: Apache-2.0

package main

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

// plugin is the name of our inputs.
const plugin = "gdummy"

// checkFlags holds the flags of `gdummy check`.
type checkFlags struct{ json bool }

func (f *checkFlags) table() []flagRow {
	return []flagRow{
		{name: "json", help: "print the findings as one JSON object", example: "fluent-bit.conf --json", set: setBool(&f.json)},
	}
}

func check(s stream, args []string) int {
	var f checkFlags
	fs := flags("check", f.table())
	if code, ok := parse(s, fs, args); !ok {
		return code
	}
	if fs.NArg() == 0 {
		return usageError(s, "check", "expected a FILE")
	}
	code := exitFine
	report := checkReport{Files: []checkedFile{}, Findings: []checkFinding{}}
	for _, path := range fs.Args() {
		c, err := checkFile(s, path)
		if err != nil {
			code = exitUsage
			if !f.json {
				fmt.Fprintf(s.err, "gdummy check: %s: %v\n", path, err)
			}
			c.add(finding{pos: conf.Pos{File: path}, severity: severityError, message: err.Error()})
		} else if c.errors+c.warnings > 0 {
			code = max(code, exitFound)
		}
		report.Files = append(report.Files, checkedFile{path, c.inputs, c.errors, c.warnings})
		for _, f := range c.found {
			report.Findings = append(report.Findings, checkFinding{
				f.pos.File, f.pos.Line, f.pos.Column, f.severity, f.option, f.message, f.hint,
			})
		}
		if err == nil && !f.json {
			c.print(s.out, path)
		}
	}
	if f.json {
		if err := encodeJSON(s.out, report); err != nil {
			fmt.Fprintf(s.err, "gdummy check: %v\n", err)
			return exitUsage
		}
	}
	return code
}

func checkHelp(w io.Writer) {
	fmt.Fprint(w, `
Reads Fluent Bit configurations, classic or YAML (.yaml, .yml), with all files that they
include, and reports every error in their gdummy inputs. A FILE of - is standard input.
Variables have their values in this process. One that is not set is empty, as in Fluent
Bit; an error in a value with such a variable names it. ${NAME:-default} always has a
value.

Files in options and templates are looked up as the plugin does: in the working
directory, then beside FILE, also for options of included files. With - as FILE, they
are looked up in the working directory only.

Exit codes: 0 no errors; 1 errors; 2 wrong usage, or a FILE that cannot be read.

The object of --json has

`)
	for _, m := range checkMembers {
		fmt.Fprintf(w, "  %-21s %s\n", m[0], m[1])
	}
}

// checkReport is the output of --json.
type checkReport struct {
	Files    []checkedFile  `json:"files"`
	Findings []checkFinding `json:"findings"`
}

type checkedFile struct {
	File     string `json:"file"`
	Inputs   int    `json:"inputs"`
	Errors   int    `json:"errors"`
	Warnings int    `json:"warnings"`
}

type checkFinding struct {
	File     string `json:"file"`
	Line     int    `json:"line"`
	Column   int    `json:"column"`
	Severity string `json:"severity"`
	Option   string `json:"option,omitempty"`
	Message  string `json:"message"`
	Hint     string `json:"hint,omitempty"`
}

// checkMembers documents the members of a checkReport.
var checkMembers = [][2]string{
	{"files[].file", "a FILE, as given"},
	{"files[].inputs", "the number of its gdummy inputs, including those of included files"},
	{"files[].errors", "the number of findings that are errors"},
	{"files[].warnings", "the number of findings that are warnings; the exit code is 0 without errors and warnings"},
	{"findings[].file", "the file of the finding: a FILE, or one that it names"},
	{"findings[].line", "the line, from 1; 0 if the file cannot be read"},
	{"findings[].column", "the column, in characters from 1; 0 with line 0"},
	{"findings[].severity", "error, warning (an error that strict off accepts) or note"},
	{"findings[].option", "the option; absent if the finding is of none"},
	{"findings[].message", "what is wrong"},
	{"findings[].hint", "advice: an example, or what was probably meant; absent without a proposal"},
}

// checkFile finds the errors in one configuration. It returns an error if the file
// cannot be read.
func checkFile(s stream, path string) (*checker, error) {
	c := new(checker)
	var config *conf.Config
	if path == "-" {
		text, err := io.ReadAll(s.in)
		if err != nil {
			return c, err
		}
		config = conf.Parse("-", text, conf.Guess(text), conf.Disk)
	} else {
		var err error
		if config, err = conf.Read(path, conf.Disk); err != nil {
			return c, err
		}
	}
	c.env = config.Lookup(conf.Process)
	if path != "-" {
		c.files = files.Beside(path)
	}
	for _, m := range config.Errors {
		c.add(finding{pos: m.Pos, severity: severityError, message: m.Problem, hint: m.Hint})
	}
	for _, m := range config.Notes {
		c.add(finding{pos: m.Pos, severity: severityNote, message: m.Problem, hint: m.Hint})
	}
	for _, in := range config.Inputs {
		name, ok := in.Property("name")
		if !ok {
			continue
		}
		if given := name.Value.Expand(c.env).Text; !strings.EqualFold(given, plugin) {
			c.misspelled(name.Value.Pos(0), given)
			continue
		}
		c.inputs++
		c.input(in)
		c.routes(in)
	}
	c.sort()
	return c, nil
}

// misspelled notes the name of an input that resembles ours and is not Fluent Bit's
// dummy.
func (c *checker) misspelled(pos conf.Pos, name string) {
	if near := units.Nearest(name, []string{plugin, "dummy"}); near == plugin {
		c.add(finding{pos: pos, severity: severityNote, message: fmt.Sprintf("input %q is not checked", name), hint: "did you mean " + plugin + "?"})
	}
}

// checker collects the findings in one configuration.
type checker struct {
	env      conf.Environment
	files    files.Path // where to search for the files of options
	found    []finding
	inputs   int
	errors   int
	warnings int
}

// The severities of findings.
const (
	severityError   = "error"
	severityWarning = "warning"
	severityNote    = "note"
)

// finding is a message about a position.
type finding struct {
	pos      conf.Pos
	severity string
	option   string // or ""
	message  string
	excerpt  []string
	hint     string // or ""
}

// text formats the finding for people.
func (f *finding) text(colours bool) string {
	var b strings.Builder
	switch f.severity {
	case severityError:
		b.WriteString(red.paint(f.pos.String()+":", colours) + " ")
	case severityWarning:
		b.WriteString(yellow.paint(f.pos.String()+": "+f.severity+":", colours) + " ")
	default:
		fmt.Fprintf(&b, "%v: %s: ", f.pos, f.severity)
	}
	if f.option != "" {
		fmt.Fprintf(&b, "option %s: ", f.option)
	}
	b.WriteString(f.message)
	for _, line := range f.excerpt {
		b.WriteString("\n" + line)
	}
	if f.hint != "" {
		b.WriteString("\n  " + f.hint)
	}
	return b.String()
}

func (c *checker) add(f finding) {
	switch f.severity {
	case severityError:
		c.errors++
	case severityWarning:
		c.warnings++
	}
	c.found = append(c.found, f)
}

// errorf adds an error of an option, or of none.
func (c *checker) errorf(pos conf.Pos, option, format string, args ...any) {
	c.add(finding{pos: pos, severity: severityError, option: option, message: fmt.Sprintf(format, args...)})
}

// sort sorts the findings by position.
func (c *checker) sort() {
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
}

// print prints the findings in a file.
func (c *checker) print(w io.Writer, path string) {
	for _, f := range c.found {
		fmt.Fprintln(w, f.text(coloured(w)))
	}
	switch {
	case c.errors > 0 && c.warnings > 0:
		fmt.Fprintf(w, "%s: %s, %s\n", path, plural(c.errors, "error"), plural(c.warnings, "warning"))
	case c.errors > 0:
		fmt.Fprintf(w, "%s: %s\n", path, plural(c.errors, "error"))
	case c.warnings > 0:
		fmt.Fprintf(w, "%s: %s\n", path, plural(c.warnings, "warning"))
	case c.inputs == 0:
		fmt.Fprintf(w, "%s: note: no %s input\n", path, plugin)
	default:
		fmt.Fprintf(w, "%s: no errors in %s\n", path, plural(c.inputs, plugin+" input"))
	}
}

// input checks a gdummy input.
func (c *checker) input(in *conf.Input) {
	values := map[string]*conf.Expanded{} // by the name of the option
	first := map[string]*conf.Property{}
	for _, p := range in.Properties {
		o, known := option.Find(p.Name)
		switch {
		case !known && option.IsCore(p.Name):
			c.pauses(in, p)
			continue
		case !known:
			unknown := option.Unknown(p.Name, p.Value.Text, slices.Concat(option.Names(), option.Core), func(name string) bool {
				_, ok := in.Property(name)
				return ok
			})
			c.add(finding{pos: p.Pos, severity: severityError, option: p.Name, message: unknown.Problem, hint: unknown.Advice()})
			continue
		}
		again, set := first[o.Name]
		switch brackets := p.List != nil && p.Quoted != "" && slices.Contains(bracketed, o.Name); {
		case set && p.List != nil && again.List != nil && *again.List == *p.List:
			if !brackets {
				c.add(finding{pos: p.Value.Pos(0), severity: severityWarning, option: o.Name, message: "each element of the list sets the option; " + firstCounts})
			}
			continue
		case set:
			c.add(finding{pos: p.Pos, severity: severityWarning, option: o.Name, message: fmt.Sprintf("already set in line %d; %s", again.Pos.Line, firstCounts)})
			continue
		case brackets:
			first[o.Name] = p
			c.notText(*p.List, o.Name, "a list", p)
			continue
		}
		first[o.Name] = p
		if p.NotText != "" {
			c.notText(p.Value.Pos(0), o.Name, p.NotText, p)
			continue
		}
		env := c.env
		if slices.Contains(templates, o.Name) {
			env = keepActions(env)
		}
		v := p.Value.Expand(env)
		c.variables(o, &p.Value, v)
		values[o.Name] = v
	}
	_, warnings, err := engine.Configure(func(name string) (string, bool) {
		v, ok := values[name]
		if !ok {
			return "", false
		}
		return v.Text, true
	}, c.files)
	var errs option.Errors
	errors.As(err, &errs)
	c.unset(first, values, errs)
	for _, e := range errs {
		c.option(in, values, severityError, e)
	}
	for _, e := range warnings {
		c.option(in, values, severityWarning, e)
	}
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
	c.add(finding{pos: p.Pos, severity: severityNote, option: p.Name,
		message: "Fluent Bit before 2.1.9 drops the records in its queue at each pause, and may not resume the input; threaded off avoids both"})
}

// routes notes conditional routes, which lose all records in some versions.
func (c *checker) routes(in *conf.Input) {
	if in.ConditionalRoute == nil || !c.threaded(in) {
		return
	}
	c.add(finding{
		pos: *in.ConditionalRoute, severity: severityNote,
		message: "Fluent Bit 4.2.0 to 5.0.4 does not support conditional routes of threaded inputs, which Go inputs are by default: these outputs receive no records",
		hint:    "set threaded: off, or use Fluent Bit 5.0.5 or later",
	})
}

// bracketed lists the options whose text may begin with a bracket, which YAML parses as a
// map or a list.
var bracketed = []string{"dummy", "metadata", "template", "metadata_template", "tag_template"}

// notText reports a map or a list where text is expected.
func (c *checker) notText(pos conf.Pos, name, what string, p *conf.Property) {
	f := finding{pos: pos, severity: severityError, option: name, message: "expected text, found " + what + " of YAML"}
	if p.Quoted != "" && slices.Contains(bracketed, name) {
		f.message += ": text that begins with a bracket needs quotes"
		f.hint = "use " + name + ": " + p.Quoted
	}
	c.add(f)
}

// templates lists the options in which "${{" is a dollar sign and an action, not
// as a variable.
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
			c.add(finding{
				pos: raw.Pos(x.Offset), severity: severityError, option: o.Name,
				message: fmt.Sprintf("Fluent Bit reads ${ as the start of an environment variable and removes ${%s}", x.Name),
				hint:    `use {{ "$" }} before the action, or a template_file`,
			})
		case x.Missed:
			c.errorf(raw.Pos(x.Offset), o.Name, "Fluent Bit does not expand ${%s}, because of a '}' before it", x.Name)
		}
	}
}

// unset notes the unset variables of options without an error: an error names them.
func (c *checker) unset(properties map[string]*conf.Property, values map[string]*conf.Expanded, errs option.Errors) {
	for name, v := range values {
		if slices.ContainsFunc(errs, func(e *option.Error) bool { return e.Option == name }) {
			continue
		}
		for _, x := range v.Vars {
			if !x.Set && !x.Missed {
				c.add(finding{
					pos: properties[name].Value.Pos(x.Offset), severity: severityNote, option: name,
					message: fmt.Sprintf("${%s} is not set here: it is empty", x.Name),
				})
			}
		}
	}
}

// option reports an error in the value of an option.
func (c *checker) option(in *conf.Input, values map[string]*conf.Expanded, severity string, e *option.Error) {
	pos := in.Pos
	if v, ok := values[e.Option]; ok {
		unset(e, v.Vars)
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
	f := finding{pos: pos, severity: severity, option: e.Option, message: problem, hint: e.Advice()}
	for _, line := range e.Lines()[1:] {
		if strings.HasPrefix(line, "  | ") {
			f.excerpt = append(f.excerpt, line)
		}
	}
	c.add(f)
}
