// SPDX-License-Identifier: Apache-2.0

package capacity

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/gdummy/gdummy/internal/chart"
)

// Line returns the result in one line, such as "holds 182k records/s (61 MB/s) ± 4 %;
// engine thread at 99 %".
func (r *Result) Line() string {
	if r.High == 0 {
		return fmt.Sprintf("unknown: the search ended before the first trial (%s)", r.Stopped)
	}
	var text string
	switch {
	case r.Rate == 0:
		text = fmt.Sprintf("holds no rate, not even %s records/s", chart.FormatRate(r.lowest()))
	case len(r.Trials) == 0:
		text = fmt.Sprintf("holds probably %s to %s records/s", chart.FormatRate(r.Low), chart.FormatRate(r.High))
	default:
		text = "holds "
		if r.AtLeast {
			text += "at least "
		}
		text += chart.FormatRate(r.Rate) + " records/s"
		if r.Bytes > 0 {
			text += " (" + FormatBytes(r.Bytes) + "/s)"
		}
		if !r.AtLeast {
			text += " ± " + percentUp(r.Margin())
		}
	}
	if r.Culprit != "" {
		text += "; " + r.Culprit
	}
	return text
}

// Notes returns what limits the meaning of the result, a sentence each.
func (r *Result) Notes() []string {
	var notes []string
	note := func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)) }
	switch r.Stopped {
	case OutOfBudget:
		note("The budget ended before ± %s was reached: a longer --budget narrows the interval.", percentUp(r.Precision))
	case Interrupted, Failed:
		note("The search ended early (%s): the result is partial.", r.Stopped)
	}
	if r.Rate > 0 && r.Confirmed < 0 && len(r.Trials) > 0 {
		note("No longer trial at %s of the rate has held.", percent(confirmAt))
	}
	if r.Noisy {
		note("This machine is too noisy: trials contradict each other. The interval, from %s to %s records/s, spans them.", chart.FormatRate(r.Low), chart.FormatRate(r.High))
	}
	if r.AtLeast {
		note("The rate is within 20 %% of what gdummy can produce here: the pipeline may hold more.")
	}
	return notes
}

// lowest returns the lowest rate of a trial that failed.
func (r *Result) lowest() float64 {
	lowest := r.High
	for i := range r.Trials {
		lowest = min(lowest, r.Trials[i].Rate)
	}
	return lowest
}

// Table returns a line for each trial.
func (r *Result) Table() []byte {
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "trial\trate/s\theld\ttime\tp50\tp99\tCPU ns/record\tmemory\tbacklog\t\n")
	for i := range r.Trials {
		t := &r.Trials[i]
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", i+1, chart.FormatRate(t.Rate), t.Verdict(), t.Duration.Round(time.Second),
			latency(t.P50), latency(t.P99), decimal(t.CPUPerRecord()), size(t.Memory), chart.FormatRate(float64(t.Backlog)))
	}
	w.Flush()
	return b.Bytes()
}

// CostTable returns the cost of a million records at fractions of the rate, or nothing
// if it was not measured.
func (r *Result) CostTable() []byte {
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	for i, t := range r.CostTrials() {
		if i == 0 {
			fmt.Fprint(w, "of the rate\trate/s\tCPU s/million\tmemory\tp99\t\n")
		}
		fmt.Fprintf(w, "%s\t%s\t%.3f\t%s\t%s\t\n", percent(t.Rate/r.Rate), chart.FormatRate(t.Rate), t.CPUPerRecord()/1e3, size(t.Memory), latency(t.P99))
	}
	w.Flush()
	return b.Bytes()
}

// Text returns the line, the notes and the tables.
func (r *Result) Text() []byte {
	parts := []string{r.Line() + "\n"}
	if notes := r.Notes(); len(notes) > 0 {
		parts = append(parts, strings.Join(notes, "\n")+"\n")
	}
	if len(r.Trials) > 0 {
		parts = append(parts, string(r.Table()))
	}
	if costs := r.CostTable(); len(costs) > 0 {
		parts = append(parts, string(costs))
	}
	return []byte(strings.Join(parts, "\n"))
}

// Verdict returns whether the trial held, and why not.
func (t *Trial) Verdict() string {
	switch {
	case t.Held && t.Without != "":
		return "yes, without filter " + t.Without
	case t.Held:
		return "yes"
	case t.Detail != "":
		return fmt.Sprintf("no: %s, %s", t.Reason, t.Detail)
	}
	return "no: " + string(t.Reason)
}

// Line returns the comparison of throughput in one line.
func (c *Comparison) Line() string {
	if len(c.Ratios) == 0 {
		return "unknown: the comparison ended before the first pair"
	}
	r := &c.Ratios[0]
	switch {
	case !r.Known():
		return fmt.Sprintf("unknown: %s too few for an interval", pairsAre(r.Pairs))
	case !r.Significant && c.AtLeast:
		return fmt.Sprintf("no difference found, but gdummy may have limited both: throughput of B is %s of A's", r.text())
	case !r.Significant:
		return fmt.Sprintf("no difference found: throughput of B is %s of A's", r.text())
	}
	word := "slower"
	if r.Ratio > 1 {
		word = "faster"
	}
	return fmt.Sprintf("B is %s than A: its throughput is %s of A's", word, r.text())
}

// Table returns a line for each ratio.
func (c *Comparison) Table() []byte {
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "metric\tasked/s\tpairs\tmedian A\tmedian B\tmedian B/A\tinterval\tdifferent\t\n")
	for i := range c.Ratios {
		r := &c.Ratios[i]
		ratio, interval, different := "", "unknown", "unknown"
		if r.Pairs > 0 {
			ratio = fmt.Sprintf("%.3f", r.Ratio)
		}
		if r.Known() {
			interval = fmt.Sprintf("%.3f to %.3f", r.Low, r.High)
			different = "no"
			if r.Significant {
				different = "yes"
			}
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%s\t%s\t%s\t%s\t\n", r.Metric, chart.FormatRate(r.Rate), r.Pairs, r.Metric.format(r.A), r.Metric.format(r.B), ratio, interval, different)
	}
	w.Flush()
	return b.Bytes()
}

// Text returns the line and the table.
func (c *Comparison) Text() []byte {
	return []byte(c.Line() + "\n\n" + string(c.Table()))
}

// text returns the ratio and its interval in percent.
func (r *Ratio) text() string {
	return fmt.Sprintf("%.1f %% (%.1f to %.1f %%)", 100*r.Ratio, 100*r.Low, 100*r.High)
}

func pairsAre(n int) string {
	if n == 1 {
		return "1 pair is"
	}
	return fmt.Sprintf("%d pairs are", n)
}

// format formats a value of the metric.
func (m Metric) format(v float64) string {
	switch m {
	case CPU:
		return decimal(v) + " ns"
	case Latency:
		return latency(time.Duration(v))
	}
	return chart.FormatRate(v) + "/s"
}

// latency formats a latency, or "-" if it is unknown.
func latency(d time.Duration) string {
	if d == 0 {
		return "-"
	}
	return chart.FormatLatency(d)
}

// decimal formats a number without decimals, or "-" if it is 0: unknown.
func decimal(v float64) string {
	if v == 0 {
		return "-"
	}
	return fmt.Sprintf("%.0f", v)
}

// size formats a number of bytes.
func size(n int64) string { return FormatBytes(float64(n)) }

// FormatBytes formats a number of bytes with about three digits: 61.2 MB.
func FormatBytes(n float64) string {
	text := chart.FormatRate(math.Round(n))
	digits := strings.TrimRight(text, "kMG")
	return digits + " " + text[len(digits):] + "B"
}

// percentUp formats a share in percent, rounded up, since it limits an error.
func percentUp(share float64) string { return fmt.Sprintf("%.0f %%", math.Ceil(100*share-1e-9)) }
