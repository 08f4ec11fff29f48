// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/gdummy/gdummy/docs"
	"github.com/gdummy/gdummy/internal/config/option"
	"github.com/gdummy/gdummy/internal/config/units"
	"github.com/gdummy/gdummy/internal/generate/damage"
	"github.com/gdummy/gdummy/internal/generate/fake"
	"github.com/gdummy/gdummy/internal/generate/format"
	"github.com/gdummy/gdummy/internal/generate/pace"
	"github.com/gdummy/gdummy/internal/generate/template"
)

// topic is something that doc prints.
type topic struct {
	name string
	help string // one line
	page bool   // docs/reference/NAME.md has the output

	print func() ([]byte, error)
	of    *entries // instead of print, for a topic with a second argument
}

// entries are the possible second arguments of a topic.
type entries struct {
	list  string // the topic that lists them
	names func() []string
	print func(name string) ([]byte, error)
	hint  func(name string) string // returns the end of the error for an unknown name, or "" for that of units.Hint
}

// page returns the print function of a hand-written page.
func page(text string) func() ([]byte, error) {
	return func() ([]byte, error) { return []byte(text), nil }
}

// generated returns the print function of a page that cannot fail.
func generated(text func() []byte) func() ([]byte, error) {
	return func() ([]byte, error) { return text(), nil }
}

// topics is the table of topics.
func topics() []topic {
	return []topic{
		{name: "options", help: "the options of an input", page: true, print: generated(option.Markdown)},
		{name: "option", help: "the option NAME", of: &entries{"options", option.Names, func(name string) ([]byte, error) {
			o, _ := option.Find(name)
			return o.Markdown(), nil
		}, func(name string) string {
			if option.IsCore(name) {
				return ": it is a property of Fluent Bit; see its manual"
			}
			return ""
		}}},
		{name: "load-profiles", help: "how a rate changes over time", page: true, print: generated(pace.Markdown)},
		{name: "functions", help: "the functions of templates", page: true, print: template.Functions},
		{name: "function", help: "the function NAME, with an example", of: &entries{"functions", fake.Names, template.Function, fake.HintFunc}},
		{name: "broken", help: "damage to records on purpose, by kind", page: true, print: generated(damage.Markdown)},
		{name: "formats", help: "the built-in formats", page: true, print: formatsPage},
		{name: "commands", help: "the flags of gdummy, with examples", page: true, print: generated(commandsPage)},
		{name: "json", help: "the members of --json", print: page(docs.JSON)},
		{name: "install", help: "how to install from a package, an image, a chart or an operator", print: page(docs.Install())},
		{name: "templates", help: "how to write templates", print: page(docs.Templates)},
		{name: "audit", help: "how to prove what arrived", print: page(docs.Audit)},
		{name: "format", help: "the template of the format NAME, to copy and change", of: &entries{"formats", format.Names, func(name string) ([]byte, error) {
			f, _ := format.Find(name)
			return []byte(f.Text), nil
		}, nil}},
		{name: "man-pages", help: "the names of the manual pages", print: func() ([]byte, error) {
			return []byte(strings.Join(manualPages(), "\n") + "\n"), nil
		}},
		{name: "man-page", help: "the manual page NAME, such as gdummy-run.1", of: &entries{"man-pages", manualPages, manualPage, nil}},
	}
}

func findTopic(name string) (topic, bool) {
	for _, t := range topics() {
		if t.name == name {
			return t, true
		}
	}
	return topic{}, false
}

func topicNames() []string { return namesOf(topics(), func(t topic) string { return t.name }) }

// formatsPage returns the page on formats. It shows the first record of each with seed 1,
// in JSON.
func formatsPage() ([]byte, error) {
	w := new(bytes.Buffer)
	fmt.Fprint(w, `# Formats

<!-- `+"`make docs`"+` renews this page. -->

Templates that are built in. `+"`format apache_combined`"+` makes records as Apache writes its access log. Formats of lines of text put the
line into the field `+"`log`"+`, as Fluent Bit's tail input does; those of JSON documents make the document the record.

`+"`gdummy doc format NAME`"+` prints the template of one, to copy and change. Its variables are the fields of a record, with the
names that Fluent Bit's parser or the document uses: `+"[`gdummy test`](expectations.md)"+` compares with them. Below each format is its first record with `+"`seed 1`"+`.
`)
	for _, f := range format.All() {
		var record, log bytes.Buffer
		args := []string{"run", "--format", "json", "--records", "1", "-p", "format=" + f.Name, "-p", "seed=1", "-p", "start_time_sec=1700000000", "-p", "fixed_timestamp=on"}
		if code := dispatch(stream{out: &record, err: &log}, args); code != exitFine {
			return nil, fmt.Errorf("format %s: %s", f.Name, log.Bytes())
		}
		fmt.Fprintf(w, "\n## %s\n\n%s\n\n```json\n%s```\n", f.Name, f.Doc, record.Bytes())
	}
	return w.Bytes(), nil
}

func doc(s stream, args []string) int {
	if len(args) == 0 {
		listTopics(s.out)
		return exitFine
	}
	t, ok := findTopic(args[0])
	most := 1
	if t.of != nil {
		most = 2
	}
	switch {
	case !ok:
		return unknown(s, "gdummy doc", "topic", args[0], topicNames())
	case len(args) > most:
		return s.usageError("unexpected argument %q", args[most])
	case len(args) < most:
		return s.usageError("expected a name after %s; `gdummy doc %s` lists them", t.name, t.of.list)
	}
	text, err := t.text(args[1:])
	if err == nil {
		_, err = s.out.Write(text)
	}
	if err != nil {
		return s.fail(err)
	}
	return exitFine
}

// text returns the output of a topic, or of the entry args[0] if it has entries.
func (t *topic) text(args []string) ([]byte, error) {
	if t.of == nil {
		return t.print()
	}
	name := args[0]
	if slices.Contains(t.of.names(), name) {
		return t.of.print(name)
	}
	hint := units.Hint(name, t.of.names(), "")
	if t.of.hint != nil {
		hint = cmp.Or(t.of.hint(name), hint)
	}
	if hint != "" {
		return nil, fmt.Errorf("unknown %s %q%s", t.name, name, hint)
	}
	return nil, fmt.Errorf("unknown %s %q: `gdummy doc %s` lists them", t.name, name, t.of.list)
}

func listTopics(w io.Writer) {
	fmt.Fprintln(w, "\nTopics:")
	fmt.Fprintln(w)
	for _, t := range topics() {
		name := t.name
		if t.of != nil {
			name += " NAME"
		}
		fmt.Fprintf(w, "  %-15s %s\n", name, t.help)
	}
}
