package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/gdummy/gdummy/docs"
	"github.com/gdummy/gdummy/internal/config/option"
	"github.com/gdummy/gdummy/internal/config/units"
	"github.com/gdummy/gdummy/internal/generate/format"
	"github.com/gdummy/gdummy/internal/generate/pace"
	"github.com/gdummy/gdummy/internal/generate/template"
)

// topic is something that doc prints.
type topic struct {
	name  string
	help  string // one line
	page  bool   // docs/NAME.md has what it prints
	print func(w io.Writer, args []string) error
}

// topics is the table of topics.
func topics() []topic {
	return []topic{
		{"options", "all that an input may be told", true, func(w io.Writer, _ []string) error {
			_, err := w.Write(option.Markdown())
			return err
		}},
		{"load-profiles", "how to say that a rate moves", true, func(w io.Writer, _ []string) error {
			_, err := w.Write(pace.Markdown())
			return err
		}},
		{"functions", "the functions of templates", true, func(w io.Writer, _ []string) error {
			text, err := template.Functions()
			if err == nil {
				_, err = w.Write(text)
			}
			return err
		}},
		{"formats", "the formats that come with gdummy", true, printFormats},
		{"commands", "the flags of gdummy, with examples", true, func(w io.Writer, _ []string) error {
			printCommands(w)
			return nil
		}},
		{"json", "the members of --json", true, func(w io.Writer, _ []string) error {
			printMembers(w)
			return nil
		}},
		{"templates", "how to write templates", false, func(w io.Writer, _ []string) error {
			_, err := io.WriteString(w, docs.Templates)
			return err
		}},
		{"audit", "how to prove what arrived", false, func(w io.Writer, _ []string) error {
			_, err := io.WriteString(w, docs.Audit)
			return err
		}},
		{"format", "the template of the format NAME, to copy and change", false, func(w io.Writer, args []string) error {
			if len(args) != 1 {
				return errors.New("format takes the name of one; `gdummy doc formats` lists them")
			}
			f, ok := format.Find(args[0])
			if !ok {
				if near := units.Nearest(args[0], format.Names()); near != "" {
					return fmt.Errorf("there is no format %q; the nearest one is %s", args[0], near)
				}
				return fmt.Errorf("there is no format %q; `gdummy doc formats` lists them", args[0])
			}
			_, err := io.WriteString(w, f.Text)
			return err
		}},
	}
}

// printFormats prints the page on formats: each with its first record of seed 1, as
// JSON.
func printFormats(w io.Writer, _ []string) error {
	fmt.Fprint(w, `# Formats

<!-- `+"`make docs`"+` renews this page. -->

Templates that are built in. `+"`format apache_combined`"+` makes records as Apache writes its access log. Formats of lines of text put the
line into the field `+"`log`"+`, as Fluent Bit's tail input does; those of JSON documents make the document the record.

`+"`gdummy doc format NAME`"+` prints the template of one, to copy and change. Below each is its first record with `+"`seed 1`"+`.
`)
	for _, f := range format.All() {
		var record, log bytes.Buffer
		args := []string{"--format", "json", "--records", "1", "-p", "format=" + f.Name, "-p", "seed=1", "-p", "start_time_sec=1700000000", "-p", "fixed_timestamp=on"}
		if code := run(stream{out: &record, err: &log}, args); code != exitFine {
			return fmt.Errorf("format %s: %s", f.Name, log.Bytes())
		}
		if _, err := fmt.Fprintf(w, "\n## %s\n\n%s\n\n```json\n%s```\n", f.Name, f.Doc, record.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

func doc(s stream, args []string) int {
	fs := flags("doc", nil, listTopics)
	if code, ok := parse(s, fs, args); !ok {
		return code
	}
	switch n := fs.NArg(); {
	case n == 0:
		listTopics(s.out)
		return exitFine
	case n > 1 && fs.Arg(0) != "format":
		return misused(s, "doc", "one topic at a time")
	}
	var names []string
	for _, t := range topics() {
		if t.name != fs.Arg(0) {
			names = append(names, t.name)
			continue
		}
		if err := t.print(s.out, fs.Args()[1:]); err != nil {
			fmt.Fprintf(s.err, "gdummy doc: %v\n", err)
			return exitUsage
		}
		return exitFine
	}
	return unknown(s, "gdummy doc", "topic", fs.Arg(0), names)
}

func listTopics(w io.Writer) {
	fmt.Fprintln(w, "\nTopics:")
	fmt.Fprintln(w)
	for _, t := range topics() {
		fmt.Fprintf(w, "  %-14s %s\n", t.name, t.help)
	}
}
