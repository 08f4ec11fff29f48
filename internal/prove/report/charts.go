// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"html/template"
	"strings"
	"time"

	"github.com/gdummy/gdummy/internal/chart"
	"github.com/gdummy/gdummy/internal/prove/audit"
)

// Charts are SVG without text, in these units, and stretch to the width of the page.
// Labels are HTML elements beside them, whose font size does not depend on the width.
const (
	chartWidth  = 1000
	chartHeight = 1000
)

// maxMarks is the maximum number of grid lines above 0.
const maxMarks = 5

// axis is the axis of a chart.
type axis struct{ chart.Axis }

func newAxis(top float64) axis { return axis{chart.NewAxis(top, maxMarks)} }

// at returns the y coordinate of a value.
func (a axis) at(v float64) float64 { return chartHeight * (1 - min(v/a.Top(), 1)) }

// ticks returns the grid lines of the axis.
func (a axis) ticks(label func(float64) string) []tick {
	all := make([]tick, a.Count+1)
	for i := range all {
		all[i] = tick{float64(i) / float64(a.Count), label(float64(i) * a.Step)}
	}
	return all
}

// x returns the x coordinate at which bin i begins.
func (c *histogram) x(i int) float64 { return chartWidth * float64(i) / float64(len(c.bins)) }

// plot returns a chart: axes, the SVG elements drawn, and the HTML below them.
func plot(title string, x, y []tick, drawn, below string) template.HTML {
	b := new(strings.Builder)
	fmt.Fprintf(b, `<div class="plot"><svg viewBox="0 0 %d %d" preserveAspectRatio="none" role="img" aria-label="%s">`,
		chartWidth, chartHeight, template.HTMLEscapeString(title))
	for _, t := range y {
		at := chartHeight * (1 - t.At)
		fmt.Fprintf(b, `<line class="grid" x1="0" x2="%d" y1="%.1f" y2="%.1f"/>`, chartWidth, at, at)
	}
	b.WriteString(drawn + "</svg>" + below)
	for _, t := range y {
		fmt.Fprintf(b, `<span class="y" style="bottom:%.2f%%">%s</span>`, 100*t.At, template.HTMLEscapeString(t.Text))
	}
	for i, t := range x {
		class := "x"
		switch {
		case t.At > 0.95:
			class = "x end"
		case i%2 == 1:
			class = "x odd"
		}
		fmt.Fprintf(b, `<span class="%s" style="left:%.2f%%">%s</span>`, class, 100*t.At, template.HTMLEscapeString(t.Text))
	}
	b.WriteString("</div>")
	return template.HTML(b.String()) // numbers and escaped text only
}

// arrivals draws the records that arrived and, above them, those that were lost, by
// the time at which they were sent: records per second, or plain counts if all fall
// within a second. A strip below marks every loss, including those too small for the
// chart. Vertical lines are events of the ledger.
func arrivals(tl audit.Timeline, streams []audit.Stream) template.HTML {
	c := newHistogram(tl, streams)
	if len(c.bins) == 0 {
		return ""
	}
	title, perSecond := "records per second over time", 1/c.width.Seconds()
	if brief(tl, streams) {
		title, perSecond = "records over time", 1
	}
	most := 0.0
	for _, b := range c.bins {
		most = max(most, (float64(b.arrived)+b.lost)*perSecond)
	}
	y := newAxis(most)
	d := new(strings.Builder)
	area := func(class string, from, to func(bin) float64) {
		// One closed path for each sequence of bins that are not empty.
		for i := 0; i < len(c.bins); i++ {
			if to(c.bins[i]) <= from(c.bins[i]) {
				continue
			}
			first := i
			fmt.Fprintf(d, `<path class="%s" d="M%.1f %.1f`, class, c.x(i), y.at(from(c.bins[i])*perSecond))
			for ; i < len(c.bins) && to(c.bins[i]) > from(c.bins[i]); i++ {
				at := y.at(to(c.bins[i]) * perSecond)
				fmt.Fprintf(d, "L%.1f %.1fL%.1f %.1f", c.x(i), at, c.x(i+1), at)
			}
			for j := i - 1; j >= first; j-- {
				at := y.at(from(c.bins[j]) * perSecond)
				fmt.Fprintf(d, "L%.1f %.1fL%.1f %.1f", c.x(j+1), at, c.x(j), at)
			}
			d.WriteString(`Z"/>`)
		}
	}
	arrived := func(b bin) float64 { return float64(b.arrived) }
	area("bars", func(bin) float64 { return 0 }, arrived)
	area("lost", arrived, func(b bin) float64 { return float64(b.arrived) + b.lost })
	c.events(d, streams)
	return plot(title, c.ticks(), y.ticks(chart.FormatRate), d.String(), c.marks())
}

// marks returns the strip of losses: the larger the lost share, the darker.
func (c *histogram) marks() string {
	shade := func(b bin) int { // from 0, nothing lost, to 4
		if b.lost == 0 {
			return 0
		}
		return 1 + int(3*b.lost/(b.lost+float64(b.arrived)))
	}
	b := new(strings.Builder)
	for i := 0; i < len(c.bins); {
		first, dark, total := i, shade(c.bins[i]), 0.0
		for ; i < len(c.bins) && shade(c.bins[i]) == dark; i++ {
			total += c.bins[i].lost
		}
		if dark == 0 {
			continue
		}
		begin := c.start.Add(c.width * time.Duration(first))
		fmt.Fprintf(b, `<rect class="m%d" x="%d" y="0" width="%d" height="1"><title>%s lost, sent %s to %s</title></rect>`,
			dark, first, i-first, audit.Grouped(uint64(total+0.5)), clock(begin), clock(c.start.Add(c.width*time.Duration(i))))
	}
	if b.Len() == 0 {
		return ""
	}
	return fmt.Sprintf(`<svg class="marks" viewBox="0 0 %d 1" preserveAspectRatio="none" role="img" aria-label="when lost records were sent">%s</svg>`, len(c.bins), b)
}

// maxEvents is the maximum number of events in a chart; more would be
// indistinguishable.
const maxEvents = 300

// events draws the events of the ledgers.
func (c *histogram) events(d *strings.Builder, streams []audit.Stream) {
	n := 0
	for i := range streams {
		for _, e := range streams[i].Events {
			if e.Word == "open" || e.Word == "close" || n == maxEvents {
				continue
			}
			n++
			class := "event"
			if e.Word == "reload" {
				class = "event reload"
			}
			x := chartWidth * c.place(e.Time)
			fmt.Fprintf(d, `<line class="%s" x1="%.1f" x2="%.1f" y1="0" y2="%d"><title>%s of %s at %s</title></line>`,
				class, x, x, chartHeight, template.HTMLEscapeString(e.Word), template.HTMLEscapeString(e.Name), clock(e.Time))
		}
	}
}

// latencies draws the mean and the largest latency over time.
func latencies(tl audit.Timeline, l *audit.Latency, streams []audit.Stream) template.HTML {
	c := newHistogram(tl, streams)
	if len(c.bins) == 0 || l == nil {
		return ""
	}
	most := 0.0
	for _, b := range c.bins {
		most = max(most, b.max)
	}
	y := newAxis(most)
	d := new(strings.Builder)
	for _, curve := range []struct {
		class string
		get   func(bin) float64
	}{{"max", func(b bin) float64 { return b.max }}, {"mean", func(b bin) float64 { return b.sum / float64(b.arrived) }}} {
		fmt.Fprintf(d, `<path class="%s" d="`, curve.class)
		pen := "M"
		for i, b := range c.bins {
			if b.arrived == 0 {
				pen = "M"
				continue
			}
			at := y.at(curve.get(b))
			fmt.Fprintf(d, "%s%.1f %.1fL%.1f %.1f", pen, c.x(i), at, c.x(i+1), at)
			pen = "L"
		}
		d.WriteString(`"/>`)
	}
	c.events(d, streams)
	return plot("latency over time", c.ticks(), y.ticks(func(ns float64) string { return short(int64(ns)) }), d.String(), "")
}
