// SPDX-License-Identifier: Apache-2.0

package report

import (
	"cmp"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/gdummy/gdummy/internal/chart"
	"github.com/gdummy/gdummy/internal/config/units"
	"github.com/gdummy/gdummy/internal/prove/capacity"
)

// CapacityPage holds the contents of a page about a pipeline's capacity.
type CapacityPage struct {
	Result  *capacity.Result
	Subject string    // what was measured, such as the name of a configuration
	Facts   []string  // about the measurement, a sentence each
	Made    time.Time // when the page was written
	Version string    // of gdummy
}

// WriteCapacity writes the page of a search for a capacity: the rate against latency,
// CPU and memory, the last trial that held and the first that did not over time, and a
// table of trials.
func WriteCapacity(w io.Writer, p CapacityPage) error {
	return capacityPage.Execute(w, p)
}

var capacityPage = template.Must(template.New("capacity").Funcs(template.FuncMap{
	"clock": clock, "against": against, "over": over, "sides": sides,
	"duration": func(d time.Duration) string { return units.FormatDuration(d.Round(time.Second)) },
	"rate":     chart.FormatRate, "bytes": func(n int64) string { return capacity.FormatBytes(float64(n)) },
	"latency": func(d time.Duration) string { return unknownIf(d == 0, short(int64(d))) },
	"cpu":     func(t capacity.Trial) string { return unknownIf(t.CPUPerRecord() == 0, perRecord(t.CPUPerRecord())) },
	"add":     func(i, n int) int { return i + n },
	"part":    func(a, b float64) string { return fmt.Sprintf("%.0f %%", 100*a/b) },
	"million": func(t *capacity.Trial) string { return fmt.Sprintf("%.3f", t.CPUPerRecord()/1e3) },
}).Parse(capacityText))

func unknownIf(unknown bool, text string) string {
	if unknown {
		return "unknown"
	}
	return text
}

// measure is a quantity on a y axis.
type measure struct {
	title string
	label func(float64) string
	trial func(*capacity.Trial) float64 // 0 if unknown
	lines []line                        // over time
}

// line is a curve of a measure over time.
type line struct {
	class string // of its path
	get   func(*capacity.Sample) float64
}

func seconds(v float64) string { return short(int64(v * 1e9)) }

// measures are the quantities of the page, by name.
var measures = map[string]measure{
	"latency": {"latency, p99", seconds, func(t *capacity.Trial) float64 { return t.P99.Seconds() },
		[]line{{"max", func(s *capacity.Sample) float64 { return s.P99.Seconds() }}}},
	"cpu": {"CPU time a record", perRecord, (*capacity.Trial).CPUPerRecord, nil},
	"memory": {"memory", capacity.FormatBytes, func(t *capacity.Trial) float64 { return float64(t.Memory) },
		[]line{{"mean", func(s *capacity.Sample) float64 { return float64(s.Memory) }}}},
	"rate": {"records per second", chart.FormatRate, nil, []line{
		{"max", func(s *capacity.Sample) float64 { return s.Rate }},
		{"mean", func(s *capacity.Sample) float64 { return s.Achieved }}}},
	"backlog": {"backlog, in records", chart.FormatRate, nil,
		[]line{{"max", func(s *capacity.Sample) float64 { return float64(s.Backlog) }}}},
	"cores": {"CPU, in cores", chart.FormatRate, nil, []line{{"mean", func(s *capacity.Sample) float64 { return s.CPU }}}},
}

func perRecord(ns float64) string { return fmt.Sprintf("%.0f ns", ns) }

// against draws a measure of all trials by their rate, and the interval in which the knee
// is. Trials that held are joined by a line.
func against(name string, r *capacity.Result) template.HTML {
	m := measures[name]
	var known []*capacity.Trial
	highest, most := r.High, 0.0
	for i := range r.Trials {
		t := &r.Trials[i]
		if v := m.trial(t); v > 0 && t.Purpose != capacity.Part {
			known = append(known, t)
			highest, most = max(highest, t.Rate), max(most, v)
		}
	}
	if len(known) == 0 {
		return ""
	}
	slices.SortStableFunc(known, func(a, b *capacity.Trial) int { return cmp.Compare(a.Rate, b.Rate) })
	x, y := newAxis(highest), newAxis(most)
	at := func(rate float64) float64 { return chartWidth * min(rate/x.Top(), 1) }
	d := new(strings.Builder)
	if r.Rate > 0 {
		fmt.Fprintf(d, `<rect class="band" x="%.1f" width="%.1f" y="0" height="%d"/>`, at(r.Low), max(at(r.High)-at(r.Low), 1), chartHeight)
		fmt.Fprintf(d, `<line class="event" x1="%.1f" x2="%.1f" y1="0" y2="%d"/>`, at(r.Rate), at(r.Rate), chartHeight)
	}
	pen := "M"
	var path strings.Builder
	for _, t := range known {
		if t.Held {
			fmt.Fprintf(&path, "%s%.1f %.1f", pen, at(t.Rate), y.at(m.trial(t)))
			pen = "L"
		}
	}
	if path.Len() > 0 {
		fmt.Fprintf(d, `<path class="mean" d="%s"/>`, path.String())
	}
	for _, t := range known {
		class := "good"
		if !t.Held {
			class = "bad"
		}
		fmt.Fprintf(d, `<path class="dot %s" d="M%.1f %.1fh0"><title>%s records/s: %s; held: %s</title></path>`,
			class, at(t.Rate), y.at(m.trial(t)), chart.FormatRate(t.Rate), m.label(m.trial(t)), template.HTMLEscapeString(t.Verdict()))
	}
	return plot(m.title+" by rate", x.ticks(chart.FormatRate), y.ticks(m.label), d.String(), "")
}

// over draws the lines of a measure over a trial.
func over(name string, t *capacity.Trial) template.HTML {
	m := measures[name]
	most := 0.0
	for i := range t.Samples {
		for _, l := range m.lines {
			most = max(most, l.get(&t.Samples[i]))
		}
	}
	if most == 0 || len(t.Samples) < 2 {
		return ""
	}
	y := newAxis(most)
	first, last := t.Samples[0].At, t.Samples[len(t.Samples)-1].At
	span := float64(max(last-first, 1))
	d := new(strings.Builder)
	for _, l := range m.lines {
		fmt.Fprintf(d, `<path class="%s" d="`, l.class)
		pen := "M"
		for i := range t.Samples {
			s := &t.Samples[i]
			fmt.Fprintf(d, "%s%.1f %.1f", pen, chartWidth*float64(s.At-first)/span, y.at(l.get(s)))
			pen = "L"
		}
		d.WriteString(`"/>`)
	}
	var x []tick
	step := max(chart.TimeStep(last-first, maxTicks-1), time.Second)
	for at := time.Duration(0); at <= last-first; at += step {
		x = append(x, tick{float64(at) / span, units.FormatDuration(at)})
	}
	return plot(m.title+" over time", x, y.ticks(m.label), d.String(), "")
}

// side is one side of the knee.
type side struct {
	Title string
	Trial *capacity.Trial
}

// sides returns the trials on both sides of the knee.
func sides(r *capacity.Result) []side {
	var all []side
	for _, s := range []side{{"Last trial that held", r.LastGood()}, {"First trial that did not hold", r.FirstBad()}} {
		if s.Trial != nil {
			all = append(all, s)
		}
	}
	return all
}

const capacityText = pageHead + `<title>{{.Result.Line}}: gdummy capacity</title>
<style>
` + style + `.band { fill: var(--amber); opacity: .18 } .dot { fill: none; stroke-width: 9; stroke-linecap: round } .dot.good { stroke: var(--blue) } .dot.bad { stroke: var(--red) }
.key i.gone { background: var(--red) } .key i.band { background: var(--amber) } .trials th:nth-child(3), .trials td:nth-child(3) { text-align: left } .trials td:nth-child(3) { white-space: normal; min-width: 130px }
</style>
</head>
<body>
{{with .Result}}<h1 class="{{if or .Stopped .Noisy}}open{{else if .Rate}}good{{else}}bad{{end}}">{{.Line}}</h1>
<p>{{$.Subject}}{{if .High}}; with a probability of {{part .Confidence 1.0}}, from {{rate .Low}} to {{rate .High}} records/s{{end}}.</p>
<p class="soft small">gdummy capacity{{with $.Version}} {{.}}{{end}}, {{clock $.Made}} UTC; {{len .Trials}} trials in {{duration .Elapsed}}</p>
{{if or .Notes $.Facts}}<section><h2>Notes</h2><ul>{{range .Notes}}<li>{{.}}</li>{{end}}{{range $.Facts}}<li>{{.}}</li>{{end}}</ul></section>{{end}}
{{$r := .}}{{with against "latency" .}}<section><h2>Latency by rate</h2><p class="soft small">p99 of each trial</p><div class="chart">{{.}}</div>{{template "key" $r}}</section>
{{end}}{{with against "cpu" .}}<section><h2>CPU time by rate</h2><p class="soft small">of the process, for each record that arrived</p><div class="chart">{{.}}</div>{{template "key" $r}}</section>
{{end}}{{with against "memory" .}}<section><h2>Memory by rate</h2><p class="soft small">largest resident set of each trial</p><div class="chart">{{.}}</div>{{template "key" $r}}</section>
{{end}}{{range sides .}}{{$t := .Trial}}<section class="alone long"><h2>{{.Title}}: {{rate $t.Rate}} records/s{{if not $t.Held}} ({{$t.Verdict}}){{end}}</h2>
{{with over "rate" $t}}<h3>Records per second</h3><div class="chart">{{.}}</div><p class="key"><span><i class="line"></i>generated</span><span><i class="line mean"></i>arrived</span></p>
{{end}}{{with over "latency" $t}}<h3>Latency, p99</h3><div class="chart">{{.}}</div>
{{end}}{{with over "backlog" $t}}<h3>Backlog, in records</h3><div class="chart">{{.}}</div>
{{end}}{{with over "cores" $t}}<h3>CPU, in cores</h3><div class="chart">{{.}}</div>
{{end}}{{with over "memory" $t}}<h3>Memory</h3><div class="chart">{{.}}</div>
{{end}}</section>
{{end}}{{if .Trials}}<section class="long"><h2>Trials</h2><div class="wide"><table class="trials">
<tr><th>trial</th><th>records/s</th><th>held</th><th>time</th><th>p50</th><th>p99</th><th>CPU/record</th><th>memory</th><th>backlog</th></tr>
{{range $i, $t := .Trials}}<tr><td>{{add $i 1}}</td><td>{{rate $t.Rate}}</td><td{{if not $t.Held}} class="bad"{{end}}>{{$t.Verdict}}</td><td>{{duration $t.Duration}}</td><td>{{latency $t.P50}}</td><td>{{latency $t.P99}}</td><td>{{cpu $t}}</td><td>{{bytes $t.Memory}}</td><td>{{$t.Backlog}}</td></tr>
{{end}}</table></div></section>{{end}}
{{with .CostTrials}}<section><h2>Cost</h2><div class="wide"><table>
<tr><th>of the rate</th><th>records/s</th><th>CPU seconds per million records</th><th>memory</th></tr>
{{range .}}<tr><td>{{part .Rate $r.Rate}}</td><td>{{rate .Rate}}</td><td>{{million .}}</td><td>{{bytes .Memory}}</td></tr>
{{end}}</table></div></section>{{end}}
{{end}}
</body>
</html>
{{define "key"}}<p class="key"><span><i class="c-arrived"></i>held</span><span><i class="gone"></i>did not hold</span>{{if .Rate}}<span><i class="dash"></i>the rate</span><span><i class="band"></i>its interval</span>{{end}}</p>{{end}}
`
