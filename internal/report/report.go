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

// Write writes the page.
func Write(w io.Writer, p Page) error {
	return page.Execute(w, p)
}

var page = template.Must(template.New("report").Funcs(template.FuncMap{
	"grouped": audit.Grouped, "short": short, "clock": clock, "cards": cards,
	"arrivals": arrivals, "latencies": latencies, "percentiles": percentiles,
	"join": strings.Join, "ranges": ranges, "name": name, "alone": alone, "rate": rate, "only": only,
	"deref": func(tl *audit.Timeline) audit.Timeline { return *tl },
}).Parse(text))

// shownAlone is how many streams have charts of their own on the page.
const shownAlone = 12

// alone are the streams that have charts of their own: those of several.
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

// only is a list of one stream.
func only(st audit.Stream) []audit.Stream { return []audit.Stream{st} }

// rate says how many records arrived in a second.
func rate(tl audit.Timeline) string {
	if len(tl.Points) == 0 {
		return ""
	}
	mean, peak := tl.Rate()
	return fmt.Sprintf("%s a second on the average, %s at most", number(mean), number(peak))
}

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
		{"reordered", v.Reordered, false, "behind a later one, by at most " + audit.Grouped(v.Distance)},
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
