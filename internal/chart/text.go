// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"github.com/gdummy/gdummy/internal/config/units"
)

// MinWidth is the smallest width, in columns, that Text supports.
const MinWidth = 30

// rowsPerMark is the number of lines from one mark of the rate to the next.
const rowsPerMark = 2

// glyphs are the characters that Text draws with.
type glyphs struct {
	levels  []string // a cell's fill, from the lowest to full
	between string   // above the mean, up to the highest rate
	mark    string   // at a mark of the rate
	side    string   // between two marks
	corner  string
	line    string
	tick    string // at a mark of the time
}

var (
	blocks = glyphs{[]string{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"}, "░", "┤", "│", "└", "─", "┬"}
	ascii  = glyphs{[]string{"#"}, ":", "+", "|", "+", "-", "+"}
)

// Text returns the chart for a terminal of the given width, in block characters or,
// if plain is set, in ASCII.
func (c *Chart) Text(width int, plain bool) []byte {
	g := blocks
	if plain {
		g = ascii
	}
	margin := 7 // a label of the rate, and a space
	columns := c.columns(max(width, MinWidth) - margin - 1)
	axis := NewAxis(highest(columns), 6)
	for i := range axis.Count + 1 { // labels such as 2.5e-10
		margin = max(margin, len(FormatRate(axis.Step*float64(i)))+1)
	}
	if margin > 7 {
		columns = c.columns(max(width, MinWidth) - margin - 1)
	}
	rows := axis.Count * rowsPerMark

	var b bytes.Buffer
	b.WriteString("records/s\n")
	shaded := false
	for row := rows - 1; row >= 0; row-- {
		label, side := "", g.side
		if (row+1)%rowsPerMark == 0 {
			label, side = FormatRate(axis.Step*float64((row+1)/rowsPerMark)), g.mark
		}
		line := fmt.Sprintf("%*s%s", margin, label+" ", side)
		for _, col := range columns {
			filled := col.mean/axis.Top()*float64(rows) - float64(row)
			// A rate above 0 is visible, however low.
			cell := int(math.Round(filled * float64(len(g.levels))))
			if cell <= 0 && row == 0 && col.mean > 0 {
				cell = 1
			}
			switch {
			case cell > 0:
				line += g.levels[min(cell, len(g.levels))-1]
			case col.high > col.low && (col.high-col.mean)/axis.Top()*float64(rows) > 1.5 && col.high/axis.Top()*float64(rows)-float64(row) > 0.5:
				line += g.between
				shaded = true
			default:
				line += " "
			}
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}

	// The axis of time.
	step := int64(TimeStep(time.Duration(c.To), max(len(columns)/12, 2)))
	line := make([]string, len(columns))
	for i := range line {
		line[i] = g.line
	}
	labels := strings.Repeat(" ", margin)
	for at := int64(0); at <= c.To-c.To/int64(4*len(columns)) || at == 0; at += step {
		i := int(float64(at) / float64(c.To) * float64(len(columns)))
		if i >= len(columns) {
			break
		}
		line[i] = g.tick
		text := units.FormatDuration(time.Duration(at))
		if gap := margin + 1 + i - utf8.RuneCountInString(labels); gap >= 0 && i+len(text) < len(columns)+1 {
			labels += strings.Repeat(" ", gap) + text
		}
		if at > math.MaxInt64-step {
			break
		}
	}
	fmt.Fprintf(&b, "%*s%s%s\n%s\n", margin, "0 ", g.corner, strings.Join(line, ""), labels)
	if shaded {
		full := g.levels[len(g.levels)-1]
		fmt.Fprintf(&b, "\n%s mean rate of a column, %s up to its highest rate\n", full, g.between)
	}
	return b.Bytes()
}

// Table returns the records due in each step of the given length, in nanoseconds,
// and in total at its end.
func (c *Chart) Table(step int64) []byte {
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "until\tdue\ttotal\tmean/s\t\n")
	before, from := uint64(0), int64(0)
	for from < c.To {
		to := c.To
		if step < c.To-from {
			to = from + step
		}
		sum := c.Series.Due(to)
		mean := c.Series.Records(from, to) / (float64(to-from) / 1e9)
		fmt.Fprintf(w, "%s\t%d\t%d\t%s\t\n", units.FormatDuration(time.Duration(to)), sum-before, sum, FormatRate(mean))
		before, from = sum, to
	}
	w.Flush()
	return b.Bytes()
}

// Step returns a step, in nanoseconds, with which Table has about a dozen rows.
func (c *Chart) Step() int64 { return int64(TimeStep(time.Duration(c.To), 15)) }

// Summary returns the profile's totals, one per line.
func (c *Chart) Summary() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "time   %s, ", units.FormatDuration(time.Duration(c.To)))
	end, ends := c.Series.End()
	switch {
	case ends && end == c.To:
		b.WriteString("the whole profile\n")
	case ends:
		fmt.Fprintf(&b, "the profile ends at %s\n", units.FormatDuration(time.Duration(end)))
	case c.Series.Cycle() > 0:
		fmt.Fprintf(&b, "the profile repeats every %s\n", units.FormatDuration(time.Duration(c.Series.Cycle())))
	default:
		b.WriteString("the profile has no end\n")
	}
	fmt.Fprintf(&b, "total  %d records\n", c.Total)
	fmt.Fprintf(&b, "mean   %s/s\n", FormatRate(c.Mean))
	fmt.Fprintf(&b, "peak   %s/s\n", FormatRate(c.Peak))
	return b.Bytes()
}
