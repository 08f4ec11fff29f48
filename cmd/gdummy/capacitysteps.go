// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"time"

	"github.com/gdummy/gdummy/internal/chart"
	"github.com/gdummy/gdummy/internal/config/units"
	"github.com/gdummy/gdummy/internal/prove/capacity"
)

// steps shows the steps of a search: as lines, or as one line that changes on a terminal.
type steps struct {
	out  io.Writer
	over bool      // the last line is replaced
	end  time.Time // of the budget
}

func newSteps(out io.Writer, budget time.Duration) *steps {
	return &steps{out: out, over: isTerminal(out), end: time.Now().Add(budget)}
}

// step shows the next step.
func (s *steps) step(p capacity.Progress) {
	line := "gdummy capacity: " + p.Step
	if p.Rate > 0 {
		line += fmt.Sprintf(" at %s records/s", chart.FormatRate(p.Rate))
	}
	if p.Low > 0 {
		line += fmt.Sprintf("; it holds %s to %s", chart.FormatRate(p.Low), chart.FormatRate(p.High))
	}
	line += fmt.Sprintf("; about %s left, and a budget until %s", units.FormatDuration(p.Left.Round(time.Second)), s.end.Format(time.TimeOnly))
	if s.over {
		fmt.Fprintf(s.out, "\r%s\x1b[K", line)
		return
	}
	fmt.Fprintln(s.out, line)
}

// hide removes the line.
func (s *steps) hide() {
	if s.over {
		fmt.Fprint(s.out, "\r\x1b[K")
	}
}
