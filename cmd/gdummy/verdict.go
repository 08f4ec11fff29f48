// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/gdummy/gdummy/internal/chart"
	"github.com/gdummy/gdummy/internal/prove/audit"
)

// printJSON prints a verdict for programs.
func printJSON(w *bytes.Buffer, v *audit.Verdict, faults []string) {
	out := auditReport{len(faults) == 0, v.Known(), faults, v}
	if out.Faults == nil {
		out.Faults = []string{}
	}
	_ = encodeJSON(w, out) // to memory, and all of it can be encoded
}

// encodeJSON writes v as indented JSON.
func encodeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// headline returns the verdict and its caveats in one line.
func headline(v *audit.Verdict, faults []string, colours bool) string {
	var parts []string
	head, c := "clean", green
	switch {
	case len(faults) > 0:
		head, c, parts = "FAULTS", red, []string{strings.Join(faults, ", ")}
	case !v.Known():
		head, c = "clean, as far as is known", yellow
	}
	if v.Sent > 0 || v.Arrived > 0 || len(faults) == 0 {
		parts = append(parts, fmt.Sprintf("%s of %s records arrived", audit.Grouped(v.Arrived), audit.Grouped(v.Sent)))
	}
	parts = append(parts, v.Caveats(faults)...)
	return c.paint(head+":", colours) + " " + strings.Join(parts, "; ")
}

// shownRanges is the maximum number of ranges shown for a stream.
const shownRanges = 10

// printVerdict prints a verdict for people.
func printVerdict(w *bytes.Buffer, v *audit.Verdict, faults []string, colours bool) {
	fmt.Fprintln(w, headline(v, faults, colours))
	fmt.Fprintln(w)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	columns := audit.Columns()
	row := func(head string, c *audit.Counts) {
		fmt.Fprintf(t, "%s\t", head)
		for _, col := range columns {
			switch {
			case !col.Always && col.Get(&v.Counts).N == 0:
			case c == nil:
				fmt.Fprintf(t, "%s\t", col.Name)
			default:
				fmt.Fprintf(t, "%s\t", col.Get(c))
			}
		}
		fmt.Fprintln(t)
	}
	row("run and instance", nil)
	for i := range v.Streams {
		row(streamName(&v.Streams[i]), &v.Streams[i].Counts)
	}
	if len(v.Streams) != 1 {
		row("total", &v.Counts)
	}
	t.Flush()
	for i := range v.Streams {
		printRanges(w, &v.Streams[i])
	}
	if v.Distance > 0 {
		fmt.Fprintf(w, "\nreordered: at most %s numbers behind\n", audit.Grouped(v.Distance))
	}
	if v.Foreign > 0 || v.Broken > 0 {
		fmt.Fprintf(w, "\nforeign: %s records without an identity; %s pieces could not be read\n", audit.Grouped(v.Foreign), audit.Grouped(v.Broken))
	}
	printBroken(w, v.BrokenRecords)
	printRefusals(w, v.Receiver)
	printLatency(w, v)
	printRates(w, v)
	for i, n := range v.Notes {
		if i == 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "note: %s\n", n)
	}
}

// printBroken prints what happened to the records that were sent broken, by kind.
func printBroken(w *bytes.Buffer, r *audit.BrokenRecords) {
	if r == nil {
		return
	}
	fmt.Fprintln(w)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "sent broken\trecords\tas sent\trepaired\tunchecked\tlost\twithheld\tunknown\ttook neighbours\tneighbours\t\n")
	row := func(name string, c *audit.BrokenCounts) {
		fmt.Fprintf(t, "%s\t", name)
		for _, n := range []uint64{c.Sent, c.AsSent, c.Repaired, c.Unchecked, c.Lost, c.Withheld, c.Unknown, c.TookNeighbours, c.Neighbours} {
			fmt.Fprintf(t, "%s\t", audit.Grouped(n))
		}
		fmt.Fprintln(t)
	}
	for i := range r.Kinds {
		row(r.Kinds[i].Kind, &r.Kinds[i].BrokenCounts)
	}
	if len(r.Kinds) != 1 {
		row("total", &r.BrokenCounts)
	}
	t.Flush()
}

// printRefusals prints the faults of our receiver, and what it refused.
func printRefusals(w *bytes.Buffer, r *audit.Receiver) {
	if r == nil {
		return
	}
	if r.Faults != "" {
		fmt.Fprintf(w, "\ninjected faults: %s; seed %s\n", r.Faults, r.Seed)
	}
	fmt.Fprintln(w)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "refused by the receiver\trequests\tnot all read\trecords\tlost\twithheld\t\n")
	for _, x := range r.Refused {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t\n", x.Why, audit.Grouped(x.Requests), audit.Grouped(x.Partly),
			audit.Grouped(x.Records), audit.Grouped(x.Lost), audit.Grouped(x.Withheld))
	}
	t.Flush()
}

// printLatency prints the latency in total, and of each stream if there are several.
func printLatency(w *bytes.Buffer, v *audit.Verdict) {
	if v.Latency == nil {
		if v.Arrived > 0 {
			fmt.Fprint(w, "\nlatency unknown: these sources carry no arrival times (--listen measures them, --arrived-at reads them)\n")
		}
		return
	}
	fmt.Fprintln(w)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	row := func(name string, l *audit.Latency) {
		fmt.Fprintf(t, "%s\t", name)
		for _, p := range l.At {
			fmt.Fprintf(t, "%s\t", short(p.Value))
		}
		fmt.Fprintf(t, "%s\t\n", short(l.Max))
	}
	fmt.Fprint(t, "latency\t")
	for _, p := range v.Latency.At {
		fmt.Fprintf(t, "p%s\t", strconv.FormatFloat(p.Percent, 'g', -1, 64))
	}
	fmt.Fprint(t, "max\t\n")
	for i := range v.Streams {
		if l := v.Streams[i].Latency; l != nil {
			row(streamName(&v.Streams[i]), l)
		}
	}
	if len(v.Streams) != 1 || v.Streams[0].Latency == nil { // a single stream without its own latency
		row("total", v.Latency)
	}
	t.Flush()
}

// sparkWidth is the maximum width of a spark line.
const sparkWidth = 48

// printRates prints the throughput.
func printRates(w *bytes.Buffer, v *audit.Verdict) {
	if len(v.Timeline.Points) == 0 {
		return
	}
	by := "records/s, by when they were sent"
	if v.Latency != nil {
		by = "records/s, by when they arrived"
	}
	fmt.Fprintln(w)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "%s\tmean\tpeak\tfrom\tfor\t\t\n", by)
	columns := sparkColumns(&v.Timeline)
	for i := range v.Streams {
		if tl := v.Streams[i].Timeline; tl != nil {
			columns = max(columns, sparkColumns(tl))
		}
	}
	row := func(name string, tl *audit.Timeline) {
		if n, took, brief := tl.Brief(); brief {
			fmt.Fprintf(t, "%s\t-\t-\t%s\t%s in %s\t\t\n", name, clockTime(tl.First), plural(n, "record"), short(int64(took)))
			return
		}
		mean, peak := tl.Rate()
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%-*s\t\n", name, audit.Grouped(uint64(mean+0.5)), audit.Grouped(uint64(peak+0.5)), clockTime(tl.First), tl.Last.Sub(tl.First).Round(100*time.Millisecond), columns, spark(tl))
	}
	for i := range v.Streams {
		if tl := v.Streams[i].Timeline; tl != nil {
			row(streamName(&v.Streams[i]), tl)
		}
	}
	if len(v.Streams) != 1 || v.Streams[0].Timeline == nil {
		row("total", &v.Timeline)
	}
	t.Flush()
}

// sparkColumns returns the width of the spark line of a timeline.
func sparkColumns(tl *audit.Timeline) int { return min(len(tl.Points), sparkWidth) }

// spark returns a timeline as a spark line, with a bar for one or more points.
func spark(tl *audit.Timeline) string {
	const bars = "▁▂▃▄▅▆▇█"
	n := len(tl.Points)
	columns := sparkColumns(tl)
	means := make([]float64, columns)
	top := 0.0
	for i := range means {
		from, to := i*n/columns, (i+1)*n/columns
		for _, p := range tl.Points[from:to] {
			means[i] += float64(p.Arrived) / float64(to-from)
		}
		top = max(top, means[i])
	}
	var b strings.Builder
	for _, m := range means {
		if m == 0 {
			b.WriteRune('·')
			continue
		}
		b.WriteRune([]rune(bars)[min(int(m/top*8), 7)])
	}
	return b.String()
}

// streamName returns the name of a stream in tables. The name in a ledger may be any text:
// it is quoted if it has control characters, which a terminal would execute.
func streamName(st *audit.Stream) string {
	switch {
	case st.Name == "":
		return fmt.Sprintf("%s %d", st.Run, st.Instance)
	case strings.ContainsFunc(st.Name, func(r rune) bool { return !unicode.IsPrint(r) }):
		return fmt.Sprintf("%s %q", st.Run, st.Name)
	}
	return st.Run + " " + st.Name
}

func printRanges(w *bytes.Buffer, st *audit.Stream) {
	for _, list := range []struct {
		name   string
		ranges []audit.Loss
		count  uint64
	}{{"lost", st.LostRanges, st.Lost}, {"unknown", st.UnknownRanges, st.Unknown}} {
		if len(list.ranges) == 0 {
			continue
		}
		fmt.Fprintf(w, "\n%s of %s:\n", list.name, streamName(st))
		for i, r := range list.ranges {
			if i == shownRanges {
				more := uint64(len(list.ranges)-i) + st.MoreRanges
				fmt.Fprintf(w, "  and %s more ranges (--json lists up to a thousand)\n", audit.Grouped(more))
				break
			}
			what := fmt.Sprintf("%d-%d", r.From, r.To)
			if r.From == r.To {
				what = fmt.Sprint(r.From)
			}
			fmt.Fprintf(w, "  %s (%s)", what, plural(r.Count, "record"))
			if !r.Since.IsZero() {
				fmt.Fprintf(w, ", sent %s to %s", clockTime(r.Since), clockTime(r.Until))
			}
			fmt.Fprintln(w)
		}
	}
}

func clockTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func plural[T int | uint64](n T, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return audit.Grouped(uint64(n)) + " " + what + "s"
}

func short(ns int64) string { return chart.FormatLatency(time.Duration(ns)) }
