// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/gdummy/gdummy/internal/config/option"
	"github.com/gdummy/gdummy/internal/generate/check"
)

// checkFlags holds the flags of `gdummy check`.
type checkFlags struct{ json bool }

func (f *checkFlags) table() []flagRow {
	return []flagRow{
		{name: "json", help: "print the findings as one JSON object", example: "fluent-bit.conf --json", set: setBool(&f.json)},
	}
}

func checkCommand() ([]flagRow, runner) {
	f := new(checkFlags)
	return f.table(), f.run
}

func (f *checkFlags) run(s stream, args []string) int {
	if len(args) == 0 {
		return s.usageError("expected a FILE")
	}
	code := exitFine
	report := checkReport{Files: []checkedFile{}, Findings: []checkFinding{}}
	for _, path := range args {
		r, err := check.Read(path, s.in)
		switch {
		case err != nil:
			code = exitUsage
		case r.Errors+r.Warnings > 0:
			code = max(code, exitFound)
		}
		report.add(path, r)
		switch {
		case f.json:
		case err != nil:
			s.logf("%s: %v", path, err)
		default:
			printFindings(s.out, path, r)
		}
	}
	if f.json {
		if err := encodeJSON(s.out, report); err != nil {
			return s.fail(err)
		}
	}
	return code
}

// add adds the findings in a file.
func (report *checkReport) add(path string, r *check.Result) {
	report.Files = append(report.Files, checkedFile{path, r.Inputs, r.Errors, r.Warnings})
	for _, f := range r.Findings {
		report.Findings = append(report.Findings, checkFinding{
			f.Pos.File, f.Pos.Line, f.Pos.Column, f.Severity, f.Option, f.Message, f.Hint,
		})
	}
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
	for _, m := range checkMembers() {
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

// findingText formats a finding for people.
func findingText(f *check.Finding, colours bool) string {
	var b strings.Builder
	switch f.Severity {
	case check.Error:
		b.WriteString(red.paint(f.Pos.String()+":", colours) + " ")
	case check.Warning:
		b.WriteString(yellow.paint(f.Pos.String()+": "+f.Severity+":", colours) + " ")
	default:
		fmt.Fprintf(&b, "%v: %s: ", f.Pos, f.Severity)
	}
	if f.Option != "" {
		fmt.Fprintf(&b, "option %s: ", f.Option)
	}
	b.WriteString(f.Message)
	for _, line := range f.Excerpt {
		b.WriteString("\n" + line)
	}
	if f.Hint != "" {
		b.WriteString("\n  " + f.Hint)
	}
	return b.String()
}

// printFindings prints the findings in a file.
func printFindings(w io.Writer, path string, r *check.Result) {
	for i := range r.Findings {
		fmt.Fprintln(w, findingText(&r.Findings[i], coloured(w)))
	}
	switch {
	case r.Errors > 0 && r.Warnings > 0:
		fmt.Fprintf(w, "%s: %s, %s\n", path, plural(r.Errors, "error"), plural(r.Warnings, "warning"))
	case r.Errors > 0:
		fmt.Fprintf(w, "%s: %s\n", path, plural(r.Errors, "error"))
	case r.Warnings > 0:
		fmt.Fprintf(w, "%s: %s\n", path, plural(r.Warnings, "warning"))
	case r.Inputs == 0:
		fmt.Fprintf(w, "%s: note: no %s input\n", path, option.Plugin)
	default:
		fmt.Fprintf(w, "%s: no errors in %s\n", path, plural(r.Inputs, option.Plugin+" input"))
	}
}
