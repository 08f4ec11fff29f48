// Package report writes the verdict of an audit as one HTML page that needs
// nothing else: no network, no script, no font.
//
// The normal path is [Write]. The page has a summary, what arrived over time
// with the moments of loss, pauses and reloads, the latency over time and its
// percentiles, and a table of runs with the ranges that were lost. Its colours
// follow the reader's choice of light or dark, and it prints on white.
package report

import (
	"fmt"
	"html/template"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/gdummy/gdummy/internal/audit"
)

// Page is what a report is made of.
type Page struct {
	Verdict *audit.Verdict
	Faults  []string // none is clean
	Made    time.Time
	Version string // of gdummy
}

// The size of charts, in their own units.
const (
	chartWidth  = 960
	chartHeight = 220
	left, right = 64, 12
	top, bottom = 12, 28
)

// Write writes the page.
func Write(w io.Writer, p Page) error {
	return page.Execute(w, p)
}

var page = template.Must(template.New("report").Funcs(template.FuncMap{
	"grouped": grouped, "short": short, "clock": clock, "cards": cards,
	"arrivals": arrivals, "latencies": latencies, "percentiles": percentiles,
	"join": strings.Join, "ranges": ranges, "name": name,
}).Parse(text))

// card is one number of the summary.
type card struct {
	Name  string
	Value uint64
	Bad   bool
	Help  string
}

func cards(v *audit.Verdict) []card {
	all := []card{
		{"sent", v.Sent, false, "numbers that were given out"},
		{"accepted", v.Accepted, false, "taken by Fluent Bit, by the ledger"},
		{"arrived", v.Arrived, false, "each counted once"},
		{"lost", v.Lost, v.Lost > 0, "accepted, but did not arrive"},
		{"duplicates", v.Duplicates, v.Duplicates > 0, "arrived once more"},
		{"damaged", v.Damaged, v.Damaged > 0, "their body was changed"},
		{"reordered", v.Reordered, false, "behind a later one, by at most " + grouped(v.Distance)},
		{"unknown", v.Unknown, false, "nobody can say"},
	}
	for _, c := range []card{
		{"enriched", v.Enriched, false, "members were added, or all was moved"},
		{"unchecked", v.Unchecked, false, "the format keeps no body to check"},
		{"withheld", v.Withheld, false, "refused by the receiver, on purpose"},
		{"refused", v.Refused, false, "not taken by Fluent Bit"},
		{"shortfall", v.Shortfall, false, "given up: the rate was not held"},
		{"foreign", v.Foreign, false, "without an identity"},
		{"broken", v.Broken, false, "pieces that could not be read"},
	} {
		if c.Value > 0 {
			all = append(all, c)
		}
	}
	return all
}

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
func arrivals(v *audit.Verdict) template.HTML {
	tl := v.Timeline
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
	for _, st := range v.Streams {
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
				a, top, max(z-a, 2), chartHeight-bottom-top, grouped(l.Count), l.From, l.To)
		}
	}
	for _, st := range v.Streams {
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
func latencies(v *audit.Verdict) template.HTML {
	tl := v.Timeline
	if len(tl.Points) == 0 || v.Latency == nil {
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
func percentiles(v *audit.Verdict) template.HTML {
	l := v.Latency
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

// shownRanges is how many ranges the page lists for a run.
const shownRanges = 100

// rangeList is a list of ranges that may be cut.
type rangeList struct {
	Name string
	List []audit.Loss
	More uint64
}

func ranges(st audit.Stream) []rangeList {
	var all []rangeList
	for _, l := range []rangeList{{"lost", st.LostRanges, 0}, {"unknown", st.UnknownRanges, 0}} {
		if len(l.List) == 0 {
			continue
		}
		if len(l.List) > shownRanges {
			l.More = uint64(len(l.List)-shownRanges) + st.MoreRanges
			l.List = l.List[:shownRanges]
		}
		all = append(all, l)
	}
	return all
}

func name(st audit.Stream) string {
	if st.Name != "" {
		return st.Name
	}
	return strconv.Itoa(int(st.Instance))
}

func clock(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05.000")
}

// number prints a value of an axis.
func number(v float64) string {
	switch {
	case v >= 1e6:
		return strconv.FormatFloat(v/1e6, 'g', 3, 64) + "M"
	case v >= 1e3:
		return strconv.FormatFloat(v/1e3, 'g', 3, 64) + "k"
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

func short(ns int64) string {
	d := time.Duration(ns)
	for _, unit := range []time.Duration{time.Second, time.Millisecond, time.Microsecond} {
		if d >= unit {
			return d.Round(unit / 100).String()
		}
	}
	return d.String()
}

func grouped(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
