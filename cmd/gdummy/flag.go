// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/gdummy/gdummy/internal/config/option"
	"github.com/gdummy/gdummy/internal/config/units"
)

// flagRow is a flag of a subcommand. Its help, its errors, its completion and
// docs/reference/commands.md are generated from it; a test runs the example.
type flagRow struct {
	name    string                       // a single letter has a single dash
	arg     string                       // the name of its value, or "" if it has none
	help    string                       // lines, without the default
	without string                       // the default in words, or ""
	example string                       // the arguments of the command
	section string                       // the heading of this row and the following ones
	option  string                       // the option that it sets, or ""; also a name of the flag
	words   func(prefix string) []string // completions of its value; nil means files if arg is FILE, otherwise none

	set func(text string) error // text is true or false for a flag without a value
}

func (r *flagRow) dashed() string {
	if len(r.name) == 1 {
		return "-" + r.name
	}
	return "--" + r.name
}

// head returns the flag with its dashes and the name of its value.
func (r *flagRow) head() string { return strings.TrimSpace(r.dashed() + " " + r.arg) }

// text returns the help with the default.
func (r *flagRow) text() string {
	if r.without == "" {
		return r.help
	}
	return r.help + " (default: " + r.without + ")"
}

// flagSet holds the flags of a subcommand.
type flagSet struct {
	*flag.FlagSet
	rows  []flagRow
	words []string // the arguments without flags
	wrong *flagRow // the flag with an invalid value, for the reason why
	why   error
}

// Parse parses flags and arguments in any order. Everything after "--" is an argument.
func (fs *flagSet) Parse(args []string) error {
	args = fs.joined(args)
	for len(args) > 0 {
		if err := fs.FlagSet.Parse(args); err != nil {
			return err
		}
		rest := fs.FlagSet.Args()
		if n := len(args) - len(rest); n > 0 && args[n-1] == "--" || len(rest) == 0 {
			fs.words = append(fs.words, rest...)
			return nil
		}
		fs.words = append(fs.words, rest[0])
		args = rest[1:]
	}
	return nil
}

// flags returns the flag set of a subcommand from its table.
func flags(name string, rows []flagRow) *flagSet {
	fs := &flagSet{FlagSet: flag.NewFlagSet(name, flag.ContinueOnError), rows: rows}
	fs.SetOutput(io.Discard) // parse reports errors
	fs.Usage = func() {}
	for i := range rows {
		r := &rows[i]
		set := func(text string) error {
			var err error
			if text == "" && r.arg != "" && r.option == "" { // options have errors of their own
				err = fmt.Errorf("empty value: expected %s", r.arg)
			} else {
				err = r.set(text)
			}
			if err != nil {
				fs.wrong, fs.why = r, err
			}
			return err
		}
		names := []string{r.name}
		if r.option != "" && r.option != r.name {
			names = append(names, r.option)
		}
		for _, name := range names {
			if r.arg == "" {
				fs.BoolFunc(name, "", set)
			} else {
				fs.Func(name, "", set)
			}
		}
	}
	return fs
}

// joined replaces --audit off by --audit=off for the flag of a boolean option, which may
// have a value like the property.
func (fs *flagSet) joined(args []string) []string {
	var out []string
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if arg == "--" {
			return append(out, args[i:]...)
		}
		if r := fs.find(strings.TrimLeft(arg, "-")); r != nil && strings.HasPrefix(arg, "-") && r.option != "" && r.arg == "" && i+1 < len(args) {
			if _, err := option.ParseBoolean(args[i+1]); err == nil {
				i++
				arg += "=" + args[i]
			}
		}
		out = append(out, arg)
	}
	return out
}

// usage prints the help of a subcommand.
func (fs *flagSet) usage(w io.Writer) {
	c, _ := find(fs.Name())
	fmt.Fprintf(w, "gdummy %s: %s\n\nUsage: %s\n", c.name, c.help, c.usage())
	for i := range fs.rows {
		r := &fs.rows[i]
		switch {
		case r.section != "":
			fmt.Fprintf(w, "\n%s:\n", r.section)
		case i == 0:
			fmt.Fprintln(w)
		}
		const indent = "                         "
		lines := strings.Split(r.text(), "\n")
		if head := r.head(); len(head) > 22 {
			fmt.Fprintf(w, "  %s\n", head)
		} else {
			fmt.Fprintf(w, "  %-22s %s\n", head, lines[0])
			lines = lines[1:]
		}
		for _, line := range lines {
			fmt.Fprintln(w, indent+line)
		}
		if r.option == "" {
			fmt.Fprintf(w, "%s$ gdummy %s %s\n", indent, c.name, r.example)
		}
	}
	if c.more != nil {
		c.more(w)
	}
}

// parse parses the flags of a subcommand. If it returns false, the subcommand must exit
// with code: help was printed, or an error.
func parse(s stream, fs *flagSet, args []string) (code int, ok bool) {
	err := fs.Parse(args)
	switch {
	case err == nil:
		return exitFine, true
	case errors.Is(err, flag.ErrHelp):
		fs.usage(s.out)
		return exitFine, false
	}
	right := ""
	if fs.wrong != nil {
		err = fmt.Errorf("flag %s: %w", fs.wrong.dashed(), fs.why)
		right = fs.wrong.example
	} else if name, ok := strings.CutPrefix(err.Error(), "flag provided but not defined: "); ok {
		wrong := flagRow{name: strings.Trim(name, "-")}
		err = fmt.Errorf("unknown flag %s", wrong.dashed())
		names := namesOf(fs.rows, func(r flagRow) string { return r.name })
		if fs.Name() == "run" && option.IsCore(wrong.name) {
			err = fmt.Errorf("%w: %s is a property of Fluent Bit, without effect here", err, wrong.name)
		} else if near := units.Nearest(wrong.name, names); near != "" {
			r := fs.find(near)
			err, right = fmt.Errorf("%w; did you mean %s?", err, r.dashed()), r.example
		} else if strings.ContainsAny(wrong.name[:1], ".0123456789") {
			err = fmt.Errorf("%w: an argument that begins with a dash must follow --", err)
		}
	} else if name, ok := strings.CutPrefix(err.Error(), "flag needs an argument: -"); ok {
		r := fs.find(name)
		err, right = fmt.Errorf("flag %s: missing value: expected %s", r.dashed(), r.arg), r.example
	}
	if right != "" {
		err = fmt.Errorf("%w\n  example: gdummy %s %s", err, s.name, right)
	}
	return s.usageError("%v", err), false
}

// find returns the row of a flag.
func (fs *flagSet) find(name string) *flagRow {
	for i := range fs.rows {
		if fs.rows[i].name == name || fs.rows[i].option == name && name != "" {
			return &fs.rows[i]
		}
	}
	return nil
}

// commandsPage returns the page docs/reference/commands.md.
func commandsPage() []byte {
	w := new(bytes.Buffer)
	fmt.Fprint(w, "# The command\n\n<!-- `make docs` renews this page. -->\n\nAll flags of `gdummy`, as in `gdummy help COMMAND`. A test runs every example.\n"+
		"Flags and arguments may be in any order; everything after `--` is an argument.\n")
	fmt.Fprint(w, "\n## Exit codes\n\nAll commands use the same ones, as grep and diff do.\n\n| code | |\n|---|---|\n")
	for code, meaning := range exitCodes {
		fmt.Fprintf(w, "| %d | %s |\n", code, meaning)
	}
	for _, c := range commands() {
		fmt.Fprintf(w, "\n## gdummy %s\n\n%s.\n\n```\n%s\n```\n", c.name, strings.ToUpper(c.help[:1])+c.help[1:], c.usage())
		if c.name == "control" {
			controlTable(w)
		}
		for i, r := range c.flags() {
			switch {
			case r.section != "":
				fmt.Fprintf(w, "\n### %s\n\n", r.section)
			case i == 0:
				fmt.Fprintln(w)
			}
			if r.section != "" || i == 0 {
				fmt.Fprint(w, "| flag | | example |\n|---|---|---|\n")
			}
			cell := strings.NewReplacer("|", `\|`, "\n  ", "<br>", "\n", " ")
			fmt.Fprintf(w, "| `%s` | %s | `gdummy %s %s` |\n", r.head(), cell.Replace(r.text()), c.name, cell.Replace(r.example))
		}
		if c.name == "run" {
			fmt.Fprint(w, "\nEvery option is also a flag, with dashes or underscores: `--rate 50k` is `-p rate=50k`.\n[options.md](options.md) explains them:\n\n")
			var names []string
			rows, _ := c.begin()
			for _, r := range rows {
				if r.option != "" {
					names = append(names, "`"+r.dashed()+"`")
				}
			}
			fmt.Fprintln(w, strings.Join(wrap(strings.Join(names, ", "), 110), "\n"))
			fmt.Fprintf(w, "\n%s", runHelp)
		}
		if c.name == "check" {
			fmt.Fprint(w, "\nThe object of `--json`:\n\n| member | |\n|---|---|\n")
			for _, m := range checkMembers() {
				fmt.Fprintf(w, "| `%s` | %s |\n", m[0], m[1])
			}
		}
	}
	return w.Bytes()
}

// Functions that set values of flags.

func setString(to *string) func(string) error {
	return func(text string) error {
		*to = text
		return nil
	}
}

// setOnce accepts a flag once.
func setOnce(to *string) func(string) error {
	return func(text string) error {
		if *to != "" {
			return fmt.Errorf("%q is given already: expected one", *to)
		}
		*to = text
		return nil
	}
}

func setBool(to *bool) func(string) (err error) {
	return func(text string) (err error) {
		*to, err = option.ParseBoolean(text)
		return err
	}
}

func appendTo(to *[]string) func(string) error {
	return func(text string) error {
		*to = append(*to, text)
		return nil
	}
}

// setSpan accepts durations above 0.
func setSpan(to *time.Duration) func(string) error {
	return func(text string) (err error) {
		if *to, err = units.ParseDuration(text); err == nil && *to == 0 {
			err = errors.New("expected a time above 0")
		}
		return err
	}
}

// setCount accepts whole numbers from least on.
func setCount[T int | int64 | uint64](to *T, least int64) func(string) error {
	return func(text string) error {
		n, err := units.ParseCount(text, least, math.MaxInt64)
		*to = T(n)
		return err
	}
}
