// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/gdummy/gdummy/internal/chart"
	"github.com/gdummy/gdummy/internal/config/diag"
	"github.com/gdummy/gdummy/internal/generate/pace"
)

const (
	defaultWidth = 80
	maxWidth     = 1000
	maxRows      = 100000 // rows of the table
)

// profileFlags holds the flags of `gdummy profile`.
type profileFlags struct {
	length, step time.Duration
	svg          string
	width        int
	plain        bool
}

func (f *profileFlags) table() []flagRow {
	return []flagRow{
		{name: "for", arg: "TIME", help: "draw this part of the profile", without: "up to its end, or a few cycles",
			example: "--for 1m '100 for 10s; idle for 5s; repeat'", set: setSpan(&f.length)},
		{name: "step", arg: "TIME", help: "one row of the table for each TIME", without: "about a dozen rows",
			example: "--step 6h 'sine 100 to 1000 every 24h'", set: setSpan(&f.step)},
		{name: "svg", arg: "FILE", help: "also write a picture to FILE; with -, write only the picture, to standard output",
			example: "--svg day.svg 'sine 100 to 1000 every 24h'", set: setString(&f.svg)},
		{name: "width", arg: "N", help: "draw in N columns", without: "the width of the terminal, or 80",
			example: "--width 50 'ramp 0 to 1k for 2m'", set: setCount(&f.width, math.MinInt64)},
		{name: "ascii", help: "draw in plain ASCII",
			example: "--ascii 'bursts 5k on 200ms off 1.8s base 100' --for 10s", set: setBool(&f.plain)},
	}
}

func profileCommand() ([]flagRow, runner) {
	f := profileFlags{width: terminalWidth()}
	return f.table(), f.draw
}

// draw draws a load profile.
func (f *profileFlags) draw(s stream, words []string) int {
	switch {
	case len(words) == 0:
		return s.usageError("expected a profile, such as gdummy profile '%s'", pace.Kinds[0].Example)
	case len(words) > 1:
		return s.usageError("expected one profile, in quotes: gdummy profile '%s'", strings.Join(words, " "))
	case f.width < chart.MinWidth || f.width > maxWidth:
		return s.usageError("flag --width: invalid value \"%d\": expected %d to %d", f.width, chart.MinWidth, maxWidth)
	}

	p, err := pace.ParseProfile(words[0])
	if err != nil {
		s.logf("%v", err)
		if syn, ok := errors.AsType[*diag.Error](err); ok {
			fmt.Fprintf(s.err, "  %s\n", strings.ReplaceAll(syn.Excerpt(), "\n", "\n  "))
			if syn.Near != "" {
				fmt.Fprintf(s.err, "  did you mean %s?\n", syn.Near)
			}
		}
		return exitUsage
	}
	to := p.Extent()
	if f.length > 0 {
		to = int64(f.length)
	}
	c := chart.New(p, to)
	step := f.step
	if step == 0 {
		step = time.Duration(c.Step())
	}
	if rows := to / int64(step); rows > maxRows {
		return s.usageError("flag --step: a table of %d rows: expected at most %d", rows, maxRows)
	}

	if f.svg != "" {
		if f.svg == "-" {
			_, err = s.out.Write(c.SVG())
		} else {
			err = os.WriteFile(f.svg, c.SVG(), 0o644)
		}
		if err != nil {
			return s.fail(err)
		}
		if f.svg == "-" {
			return exitFine
		}
	}
	for _, part := range [][]byte{[]byte(p.String() + "\n"), c.Text(f.width, f.plain), c.Summary(), c.Table(int64(step))} {
		fmt.Fprintf(s.out, "%s\n", part)
	}
	return exitFine
}

// terminalWidth returns the width of the terminal as the shell exports it, or 80.
func terminalWidth() int {
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n >= chart.MinWidth && n <= maxWidth {
		return n
	}
	return defaultWidth
}

func listKinds(w io.Writer) {
	fmt.Fprintln(w, "\nA profile is a sequence of these, separated by semicolons:")
	fmt.Fprintln(w)
	modifiers := false
	for i := range pace.Kinds {
		k := &pace.Kinds[i]
		if k.Modifier() && !modifiers {
			fmt.Fprintln(w, "\noptionally followed by:")
			fmt.Fprintln(w)
			modifiers = true
		}
		fmt.Fprintf(w, "  %s\n", k.Syntax())
	}
	fmt.Fprintf(w, "\nfor example:\n\n  gdummy profile 'ramp 0 to 1k for 2m; 1k for 10m; ramp 1k to 0 for 30s'\n")
	fmt.Fprintln(w, "\nRun `gdummy doc load-profiles` for details.")
}
