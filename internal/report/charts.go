package report

import (
	"fmt"
	"html/template"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/gdummy/gdummy/internal/audit"
)

// The size of charts, in their own units.
const (
	chartWidth  = 960
	chartHeight = 220
	left, right = 64, 12
	top, bottom = 12, 28
)

// axis maps values to places in a chart.
type axis struct {
	max      float64
	from, to float64
}

func (a axis) at(v float64) float64 {
	if a.max == 0 {
		return a.from
	}
	return a.from + (a.to-a.from)*min(v/a.max, 1)
}

// steps are round values for the lines of an axis up to top.
func steps(top float64) []float64 {
	if top <= 0 {
		return []float64{0}
	}
	step := math.Pow(10, math.Floor(math.Log10(top)))
	switch {
	case top/step < 2:
		step /= 5
	case top/step < 5:
		step /= 2
	}
	var s []float64
	for v := 0.0; v <= top*1.0001; v += step {
		s = append(s, v)
	}
	return s
}

// chart begins a chart with its axes. label prints a value of the y axis.
func chart(title string, tl audit.Timeline, y axis, label func(float64) string) *strings.Builder {
	b := new(strings.Builder)
	fmt.Fprintf(b, `<svg viewBox="0 0 %d %d" role="img" aria-label="%s">`, chartWidth, chartHeight, template.HTMLEscapeString(title))
	for _, v := range steps(y.max) {
		at := y.at(v)
		fmt.Fprintf(b, `<line class="grid" x1="%d" x2="%d" y1="%.1f" y2="%.1f"/><text x="%d" y="%.1f" text-anchor="end">%s</text>`,
			left, chartWidth-right, at, at, left-8, at+4, label(v))
	}
	span := time.Duration(tl.Width) * time.Duration(len(tl.Points))
	format := "15:04:05"
	if span > 48*time.Hour {
		format = "01-02 15:04"
	}
	const labels = 6
	for i := range labels + 1 {
		t := tl.Start.Add(span * time.Duration(i) / labels)
		anchor := "middle"
		if i == labels {
			anchor = "end"
		}
		fmt.Fprintf(b, `<text x="%.1f" y="%d" text-anchor="%s">%s</text>`,
			left+float64(chartWidth-left-right)*float64(i)/labels, chartHeight-8, anchor, t.UTC().Format(format))
	}
	return b
}

func yAxis(top float64) axis {
	return axis{max: top, from: chartHeight - bottom, to: 12}
}

func place(i int, tl audit.Timeline) float64 {
	return left + float64(chartWidth-left-right)*float64(i)/float64(len(tl.Points))
}

// placeOf is where a time stands, or below 0 if it is not on the chart.
func placeOf(t time.Time, tl audit.Timeline) float64 {
	span := time.Duration(tl.Width) * time.Duration(len(tl.Points))
	d := t.Sub(tl.Start)
	if d < 0 || d > span || span == 0 {
		return -1
	}
	return left + float64(chartWidth-left-right)*float64(d)/float64(span)
}

// arrivals draws records per second, and over it what was lost and noted.
func arrivals(tl audit.Timeline, streams []audit.Stream) template.HTML {
	if len(tl.Points) == 0 {
		return ""
	}
	perSecond := float64(time.Second) / float64(tl.Width)
	most := 0.0
	for _, p := range tl.Points {
		most = max(most, float64(p.Arrived)*perSecond)
	}
	y := yAxis(most)
	b := chart("records per second over time", tl, y, number)
	fmt.Fprintf(b, `<path class="bars" d="M%.1f %d`, place(0, tl), chartHeight-bottom)
	for i, p := range tl.Points {
		at := y.at(float64(p.Arrived) * perSecond)
		fmt.Fprintf(b, "L%.1f %.1fL%.1f %.1f", place(i, tl), at, place(i+1, tl), at)
	}
	fmt.Fprintf(b, `L%.1f %dZ"/>`, place(len(tl.Points), tl), chartHeight-bottom)
	for _, st := range streams {
		for _, l := range st.LostRanges {
			if l.Since.IsZero() {
				continue
			}
			a, z := placeOf(l.Since, tl), placeOf(l.Until, tl)
			if a < 0 {
				continue
			}
			if z < a {
				z = a
			}
			fmt.Fprintf(b, `<rect class="loss" x="%.1f" y="%d" width="%.1f" height="%d"><title>%s lost, %d to %d</title></rect>`,
				a, top, max(z-a, 2), chartHeight-bottom-top, audit.Grouped(l.Count), l.From, l.To)
		}
	}
	for _, st := range streams {
		for _, e := range st.Events {
			x := placeOf(e.Time, tl)
			if x < 0 || e.Word == "open" || e.Word == "close" {
				continue
			}
			class := "event"
			if e.Word == "reload" {
				class = "event reload"
			}
			fmt.Fprintf(b, `<line class="%s" x1="%.1f" x2="%.1f" y1="%d" y2="%d"><title>%s of %s at %s</title></line>`,
				class, x, x, top, chartHeight-bottom, template.HTMLEscapeString(e.Word), template.HTMLEscapeString(e.Name), clock(e.Time))
		}
	}
	b.WriteString("</svg>")
	return template.HTML(b.String()) // of numbers and escaped text only
}

// latencies draws the mean and the largest latency over time.
func latencies(tl audit.Timeline, l *audit.Latency) template.HTML {
	if len(tl.Points) == 0 || l == nil {
		return ""
	}
	most := 0.0
	for _, p := range tl.Points {
		most = max(most, float64(p.MaxLatency))
	}
	y := yAxis(most)
	b := chart("latency over time", tl, y, func(ns float64) string { return short(int64(ns)) })
	for _, curve := range []struct {
		class string
		get   func(audit.Point) int64
	}{{"max", func(p audit.Point) int64 { return p.MaxLatency }}, {"mean", func(p audit.Point) int64 { return p.Mean }}} {
		fmt.Fprintf(b, `<path class="%s" d="`, curve.class)
		pen := "M"
		for i, p := range tl.Points {
			if p.Arrived == 0 {
				pen = "M"
				continue
			}
			at := y.at(float64(curve.get(p)))
			fmt.Fprintf(b, "%s%.1f %.1fL%.1f %.1f", pen, place(i, tl), at, place(i+1, tl), at)
			pen = "L"
		}
		b.WriteString(`"/>`)
	}
	b.WriteString("</svg>")
	return template.HTML(b.String()) // of numbers only
}

// percentiles draws the distribution of latencies, on a scale that stretches
// its upper end: one more nine each step.
func percentiles(l *audit.Latency) template.HTML {
	if l == nil || len(l.At) == 0 {
		return ""
	}
	y := yAxis(float64(l.Max))
	b := new(strings.Builder)
	fmt.Fprintf(b, `<svg viewBox="0 0 %d %d" role="img" aria-label="percentiles of the latency">`, chartWidth, chartHeight)
	for _, s := range steps(y.max) {
		at := y.at(s)
		fmt.Fprintf(b, `<line class="grid" x1="%d" x2="%d" y1="%.1f" y2="%.1f"/><text x="%d" y="%.1f" text-anchor="end">%s</text>`,
			left, chartWidth-right, at, at, left-8, at+4, short(int64(s)))
	}
	n := len(l.At)
	slot := float64(chartWidth-left-right) / float64(n+1)
	bar := func(i int, label string, value int64) {
		x := left + slot*(float64(i)+0.15)
		at := y.at(float64(value))
		fmt.Fprintf(b, `<rect class="bars" x="%.1f" y="%.1f" width="%.1f" height="%.1f"/>`, x, at, slot*0.7, math.Max(chartHeight-bottom-at, 0))
		fmt.Fprintf(b, `<text x="%.1f" y="%d" text-anchor="middle">%s</text>`, x+slot*0.35, chartHeight-8, label)
		// Above its bar, or inside it where there is no room.
		class, ty := "", at-5
		if ty < 14 {
			class, ty = ` class="inside"`, at+15
		}
		fmt.Fprintf(b, `<text%s x="%.1f" y="%.1f" text-anchor="middle">%s</text>`, class, x+slot*0.35, ty, short(value))
	}
	for i, p := range l.At {
		bar(i, "p"+strconv.FormatFloat(p.Percent, 'g', -1, 64), p.Value)
	}
	bar(n, "max", l.Max)
	b.WriteString("</svg>")
	return template.HTML(b.String()) // of numbers only
}
