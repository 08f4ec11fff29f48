package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/gdummy/gdummy/internal/body"
	"github.com/gdummy/gdummy/internal/chart"
	"github.com/gdummy/gdummy/internal/option"
	"github.com/gdummy/gdummy/internal/pace"
)

const (
	defaultWidth = 80
	maxWidth     = 1000
	maxRows      = 100000 // of the table
)

// profile draws a load profile.
func profile(s stream, args []string) int {
	var length, step time.Duration
	fs := flags("profile", listKinds)
	span := func(d *time.Duration) func(string) error {
		return func(text string) (err error) {
			if *d, err = option.ParseDuration(text); err == nil && *d == 0 {
				err = errors.New("it must be above 0")
			}
			return err
		}
	}
	fs.Func("for", "draw so much `TIME`, as 10m (default: up to its end, or a few cycles)", span(&length))
	fs.Func("step", "a row of the table for each `TIME`, as 1s (default: about a dozen rows)", span(&step))
	svg := fs.String("svg", "", "write a picture to `FILE` as well, - for standard output and nothing else")
	width := fs.Int("width", terminalWidth(), "draw in `N` columns")
	plain := fs.Bool("ascii", false, "draw in plain ASCII")

	// Flags may stand before the profile and behind it.
	var words []string
	for rest := args; ; {
		if code, ok := parse(s, fs, rest); !ok {
			return code
		}
		if fs.NArg() == 0 {
			break
		}
		words = append(words, fs.Arg(0))
		rest = fs.Args()[1:]
	}
	switch {
	case len(words) == 0:
		return misused(s, "profile", "which profile? for example: gdummy profile '%s'", pace.Kinds[0].Example)
	case len(words) > 1:
		return misused(s, "profile", "one profile at a time, in quotes: gdummy profile '%s'", strings.Join(words, " "))
	case *width < chart.MinWidth || *width > maxWidth:
		return misused(s, "profile", "a width of %d columns, expected %d to %d", *width, chart.MinWidth, maxWidth)
	}

	p, err := pace.ParseProfile(words[0])
	if err != nil {
		fmt.Fprintf(s.err, "gdummy profile: %v\n", err)
		var syn *body.SyntaxError
		if errors.As(err, &syn) {
			fmt.Fprintf(s.err, "  %s\n", strings.ReplaceAll(syn.Excerpt(), "\n", "\n  "))
		}
		return exitFound
	}
	to := p.Extent()
	if length > 0 {
		to = int64(length)
	}
	c := chart.New(p, to)
	if step == 0 {
		step = time.Duration(c.Step())
	}
	if rows := to / int64(step); rows > maxRows {
		return misused(s, "profile", "a table of %d rows, expected a step that gives at most %d", rows, maxRows)
	}

	if *svg != "" {
		if *svg == "-" {
			_, err = s.out.Write(c.SVG())
		} else {
			err = os.WriteFile(*svg, c.SVG(), 0o644)
		}
		if err != nil {
			fmt.Fprintf(s.err, "gdummy profile: %v\n", err)
			return exitFound
		}
		if *svg == "-" {
			return exitFine
		}
	}
	for _, part := range [][]byte{[]byte(p.String() + "\n"), c.Text(*width, *plain), c.Summary(), c.Table(int64(step))} {
		if _, err := fmt.Fprintf(s.out, "%s\n", part); err != nil {
			return exitFound
		}
	}
	return exitFine
}

// terminalWidth is what a shell says of its terminal, if it does.
func terminalWidth() int {
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n >= chart.MinWidth && n <= maxWidth {
		return n
	}
	return defaultWidth
}

func listKinds(w io.Writer) {
	fmt.Fprintln(w, "\nA profile is one or more of these, with semicolons between them:")
	fmt.Fprintln(w)
	modifiers := false
	for i := range pace.Kinds {
		k := &pace.Kinds[i]
		if k.Modifier() && !modifiers {
			fmt.Fprintln(w, "\nand after them, if you like:")
			fmt.Fprintln(w)
			modifiers = true
		}
		fmt.Fprintf(w, "  %s\n", k.Syntax())
	}
	fmt.Fprintf(w, "\nfor example:\n\n  gdummy profile 'ramp 0 to 1k for 2m; 1k for 10m; ramp 1k to 0 for 30s'\n")
	fmt.Fprintln(w, "\n`gdummy doc load-profiles` tells more.")
}
