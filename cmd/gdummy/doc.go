package main

import (
	"fmt"
	"io"

	"github.com/gdummy/gdummy/internal/option"
	"github.com/gdummy/gdummy/internal/pace"
)

// topic is something that doc prints.
type topic struct {
	name  string
	help  string // one line
	print func(w io.Writer) error
}

// topics is the table of topics.
var topics = []topic{
	{"options", "all that an input may be told", func(w io.Writer) error {
		_, err := w.Write(option.Markdown())
		return err
	}},
	{"load-profiles", "how to say that a rate moves", func(w io.Writer) error {
		_, err := w.Write(pace.Markdown())
		return err
	}},
}

func doc(s stream, args []string) int {
	fs := flags("doc", listTopics)
	if code, ok := parse(s, fs, args); !ok {
		return code
	}
	switch fs.NArg() {
	case 0:
		listTopics(s.out)
		return exitFine
	case 1:
	default:
		return misused(s, "doc", "one topic at a time")
	}
	var names []string
	for _, t := range topics {
		if t.name != fs.Arg(0) {
			names = append(names, t.name)
			continue
		}
		if err := t.print(s.out); err != nil {
			fmt.Fprintf(s.err, "gdummy doc: %v\n", err)
			return exitFound
		}
		return exitFine
	}
	return unknown(s, "gdummy doc", "topic", fs.Arg(0), names)
}

func listTopics(w io.Writer) {
	fmt.Fprintln(w, "\nTopics:")
	fmt.Fprintln(w)
	for _, t := range topics {
		fmt.Fprintf(w, "  %-14s %s\n", t.name, t.help)
	}
}
