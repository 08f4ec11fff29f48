// SPDX-License-Identifier: Apache-2.0

// Package report writes the verdict of an audit as a self-contained HTML page: no
// network, scripts or fonts.
//
// The normal path is [Write]. The page has a summary, the arrivals over time with
// losses, pauses and reloads, the latency over time and its percentiles, a table of
// runs, and the lost ranges. It follows the reader's choice of a light or a dark
// colour scheme, and prints on white.
package report

import (
	"bytes"
	"cmp"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gdummy/gdummy/internal/chart"
	"github.com/gdummy/gdummy/internal/prove/audit"
)

// Page holds the contents of a report.
type Page struct {
	Verdict *audit.Verdict
	Faults  []string  // empty if the verdict is clean
	Made    time.Time // when the report was written
	Version string    // of gdummy
}

// Write writes the page.
func Write(w io.Writer, p Page) error {
	return page.Execute(w, p)
}

// Is reports whether text is the beginning of an HTML page, such as a report.
func Is(text []byte) bool { return bytes.HasPrefix(text, []byte("<!doctype html>")) }

var page = template.Must(template.New("report").Funcs(template.FuncMap{
	"grouped": audit.Grouped, "short": short, "clock": clock, "cards": cards,
	"arrivals": arrivals, "latencies": latencies, "bars": bars, "shares": shares,
	"columns": columns, "cells": cells, "part": part, "hidden": hidden, "noted": noted, "moreRanges": moreRanges,
	"join": strings.Join, "ranges": ranges, "name": name, "alone": alone, "rate": rate, "brief": brief, "only": only,
	"nth":   func(i int) int { return i + 3 }, // the CSS index of a column after run and instance
	"deref": func(tl *audit.Timeline) audit.Timeline { return *tl },
}).Parse(text))

// shownAlone is the maximum number of streams with their own charts.
const shownAlone = 12

// alone returns the streams that get their own charts. A single stream does not.
func alone(v *audit.Verdict) []audit.Stream {
	if len(v.Streams) < 2 {
		return nil
	}
	var all []audit.Stream
	for _, st := range v.Streams {
		if st.Timeline != nil && len(all) < shownAlone {
			all = append(all, st)
		}
	}
	return all
}

// hidden returns the number of streams whose own charts are omitted.
func hidden(v *audit.Verdict) int {
	n := 0
	for _, st := range v.Streams {
		if st.Timeline != nil {
			n++
		}
	}
	return max(n-shownAlone, 0)
}

// noted reports whether a ledger has an event with one of the words.
func noted(v *audit.Verdict, words ...string) bool {
	return slices.ContainsFunc(v.Streams, func(st audit.Stream) bool {
		return slices.ContainsFunc(st.Events, func(e audit.Event) bool { return slices.Contains(words, e.Word) })
	})
}

// moreRanges reports whether the verdict omits ranges.
func moreRanges(v *audit.Verdict) bool {
	return slices.ContainsFunc(v.Streams, func(st audit.Stream) bool { return st.MoreRanges > 0 })
}

// only returns a slice of one stream.
func only(st audit.Stream) []audit.Stream { return []audit.Stream{st} }

// rate describes the rate at which records arrived.
func rate(tl audit.Timeline) string {
	if len(tl.Points) == 0 {
		return ""
	}
	if n, took, brief := tl.Brief(); brief {
		return fmt.Sprintf("%s records in %s, too short for a rate", audit.Grouped(n), short(int64(took)))
	}
	mean, peak := tl.Rate()
	return fmt.Sprintf("%s per second on average, %s at peak", chart.FormatRate(mean), chart.FormatRate(peak))
}

// card is one number of the summary.
type card struct {
	Name  string
	Value uint64
	Bad   bool
	Help  string
}

func cards(v *audit.Verdict) []card {
	behind := "after a later one"
	if v.Distance > 0 {
		behind += ", by at most " + audit.Grouped(v.Distance)
	}
	lost := "accepted, but did not arrive"
	if v.ByReceiver > 0 {
		lost += "; the receiver refused " + audit.Grouped(v.ByReceiver)
	}
	all := []card{
		{"sent", v.Sent, false, "records that were numbered"},
		{"arrived", v.Arrived, false, "each counted once"},
		{"lost", v.Lost, v.Lost > 0, lost},
		{"duplicates", v.Duplicates, v.Duplicates > 0, "arrived again"},
		{"damaged", v.Damaged, v.Damaged > 0, "the body was changed"},
		{"reordered", v.Reordered, false, behind},
		{"unknown", v.Unknown, false, "cannot be determined"},
	}
	if v.Accepted.Known {
		all = slices.Insert(all, 1, card{"accepted", v.Accepted.N, false, "accepted by Fluent Bit, according to the ledger"})
	}
	for _, c := range []card{
		{"enriched", v.Enriched, false, "members were added, or the record was moved"},
		{"unchecked", v.Unchecked, false, "the format does not preserve the body"},
		{"withheld", v.Withheld, true, "acknowledged and discarded by the receiver"},
		{"refused", v.Refused.N, false, "not accepted by Fluent Bit"},
		{"shortfall", v.Shortfall.N, true, "never generated: the rate was missed"},
		{"unsent", v.Unsent.N, false, "not sent yet when a run was stopped"},
		{"foreign", v.Foreign, false, "without an identity"},
		{"broken", v.Broken, false, "pieces that could not be read"},
	} {
		if c.Value > 0 {
			all = append(all, c)
		}
	}
	return all
}

// shownRanges is the maximum number of ranges that the page lists for a run.
const shownRanges = 100

// rangeList is a possibly truncated list of ranges.
type rangeList struct {
	Name    string
	List    []audit.Loss
	More    uint64 // number of ranges that List omits
	Records uint64
	Count   string // number of all ranges, with a noun
	Short   bool   // the list is initially open
}

// fewRanges is the maximum length of a list that is initially open.
const fewRanges = 10

func ranges(st audit.Stream) []rangeList {
	var all []rangeList
	for _, l := range []rangeList{{Name: "lost", List: st.LostRanges, Records: st.Lost}, {Name: "unknown", List: st.UnknownRanges, Records: st.Unknown}} {
		if len(l.List) == 0 {
			continue
		}
		l.Short = len(l.List) <= fewRanges
		switch n := uint64(len(l.List)); {
		case n == 1:
			l.Count = "1 range"
		case st.MoreRanges > 0:
			l.Count = "more than " + audit.Grouped(n) + " ranges"
		default:
			l.Count = audit.Grouped(n) + " ranges"
		}
		if len(l.List) > shownRanges {
			l.More = uint64(len(l.List)-shownRanges) + st.MoreRanges
			l.List = l.List[:shownRanges]
		}
		all = append(all, l)
	}
	return all
}

func name(st audit.Stream) string { return cmp.Or(st.Name, strconv.Itoa(int(st.Instance))) }

func clock(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05.000")
}

// cell is a number in a table.
type cell struct{ Text, Class string }

// cells returns one row of the table of runs.
func cells(v *audit.Verdict, c audit.Counts) []cell {
	var all []cell
	for _, col := range columns(v) {
		n := col.Get(&c)
		class := ""
		switch {
		case n.N == 0:
			class = "nil"
		case col.Fault:
			class = "bad"
		}
		all = append(all, cell{n.String(), class})
	}
	return all
}

// bar is one row of the chart of percentiles.
type bar struct {
	Name, Text string
	Width      float64 // relative to the largest, from 0 to 1
}

// bars returns the percentiles of a latency and its maximum.
func bars(l *audit.Latency) []bar {
	var all []bar
	add := func(name string, ns int64) {
		all = append(all, bar{name, short(ns), float64(ns) / float64(max(l.Max, 1))})
	}
	for _, p := range l.At {
		add("p"+strconv.FormatFloat(p.Percent, 'g', -1, 64), p.Value)
	}
	add("max", l.Max)
	return all
}

// share is the part of the sent records with the same outcome.
type share struct {
	Name, Class string
	Count       uint64
	Width       float64 // in percent
}

// shares divides the sent records by outcome.
func shares(v *audit.Verdict) []share {
	var all []share
	for _, s := range []share{
		{Name: "arrived", Class: "arrived", Count: v.Arrived},
		{Name: "lost", Class: "gone", Count: v.Lost},
		{Name: "withheld", Class: "held", Count: v.Withheld},
		{Name: "refused", Class: "held", Count: v.Refused.N},
		{Name: "unknown", Class: "open", Count: v.Unknown},
	} {
		if s.Count > 0 && v.Sent > 0 {
			s.Width = 100 * float64(s.Count) / float64(v.Sent)
			all = append(all, s)
		}
	}
	return all
}

// part formats n as a percentage of total. The result is 100 % only if n is total, and
// 0 % only if n is 0.
func part(n, total uint64) string {
	if total == 0 {
		return ""
	}
	p := 100 * float64(n) / float64(total)
	switch {
	case n == 0 || n >= total:
		return strconv.FormatFloat(p, 'f', 0, 64) + " %"
	case p > 99.99:
		return "over 99.99 %"
	case p < 0.01:
		return "under 0.01 %"
	}
	return strconv.FormatFloat(p, 'f', 2, 64) + " %"
}

// columns returns the columns of the table of runs, the same as on a terminal.
func columns(v *audit.Verdict) []audit.Column {
	return slices.DeleteFunc(audit.Columns(), func(c audit.Column) bool { return !c.Always && c.Get(&v.Counts).N == 0 })
}

func short(ns int64) string { return chart.FormatLatency(time.Duration(ns)) }
