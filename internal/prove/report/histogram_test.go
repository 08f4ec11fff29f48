// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gdummy/gdummy/internal/chart"
	"github.com/gdummy/gdummy/internal/prove/audit"
	"github.com/gdummy/gdummy/internal/prove/ledger"
	"github.com/gdummy/gdummy/internal/prove/recordscan"
	"github.com/gdummy/gdummy/internal/recordid"
)

// Predicates for the records that are lost.
func all(int) bool    { return true }
func none(int) bool   { return false }
func head(k int) bool { return k < 4000 }
func tail(k int) bool { return k >= 4000 }
func some(k int) bool { return k%40 == 7 }
func but1(k int) bool { return k != 4000 }

// made returns the verdict on streams of n records, one per millisecond.
func made(n, streams int, lost func(int) bool) *audit.Verdict {
	when := func(k int) time.Time { return start.Add(time.Duration(k) * time.Millisecond) }
	var l ledger.Ledger
	for s := range streams {
		st := &ledger.Stream{
			Run: recordid.Run(s + 1), Name: fmt.Sprintf("gdummy.%d", s), Opened: when(0), First: when(0), Last: when(n), Closed: when(n),
			Events: []ledger.Event{{Time: when(0), Word: "open"}, {Time: when(n), Word: "close"}},
			End:    ledger.Totals{Accepted: uint64(n)},
		}
		for k := 0; k < n; k += 1000 {
			st.Accepted = append(st.Accepted, ledger.Entry{Range: ledger.Range{From: uint64(k), To: uint64(k + 999)}, Since: when(k), Until: when(k + 1000)})
		}
		l.Streams = append(l.Streams, st)
	}
	a := audit.New(audit.Options{Ledgers: []*ledger.Ledger{&l}})
	for k := range n {
		for s := range streams {
			if !lost(k) {
				a.Take(recordid.ID{Run: recordid.Run(s + 1), Seq: uint64(k), Time: when(k).UnixNano()}, recordscan.Intact, 0)
			}
		}
	}
	return a.Verdict()
}

// Losses are counted at the time they were sent, including before the first arrival,
// after the last, and where nothing arrived.
func TestHistogram(t *testing.T) {
	for _, c := range []struct {
		name          string
		lost          func(int) bool
		arrived, gone []int // in each second; the last one has the line close
	}{
		{"none", none, []int{1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 0}, []int{0, 0, 0, 0, 0, 0, 0, 0, 0}},
		{"all", all, []int{0, 0, 0, 0, 0, 0, 0, 0, 0}, []int{1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 0}},
		{"head", head, []int{0, 0, 0, 0, 1000, 1000, 1000, 1000, 0}, []int{1000, 1000, 1000, 1000, 0, 0, 0, 0, 0}},
		{"tail", tail, []int{1000, 1000, 1000, 1000, 0, 0, 0, 0, 0}, []int{0, 0, 0, 0, 1000, 1000, 1000, 1000, 0}},
		{"but one", but1, []int{0, 0, 0, 0, 1, 0, 0, 0, 0}, []int{1000, 1000, 1000, 1000, 999, 1000, 1000, 1000, 0}},
		{"here and there", some, []int{975, 975, 975, 975, 975, 975, 975, 975, 0}, []int{25, 25, 25, 25, 25, 25, 25, 25, 0}},
	} {
		v := made(8000, 1, c.lost)
		got := newHistogram(v.Timeline, v.Streams)
		var arrived []int
		lost := 0.0
		for i, b := range got.bins {
			arrived = append(arrived, int(b.arrived))
			lost += b.lost
			// The last record of a second may count in the next.
			if math.Abs(b.lost-float64(c.gone[i])) > 1.5 {
				t.Errorf("%s: second %d: %g lost, want %d", c.name, i, b.lost, c.gone[i])
			}
		}
		if d := cmp.Diff(c.arrived, arrived); d != "" || !got.start.Equal(start) || got.width != time.Second {
			t.Errorf("%s: %s", c.name, d)
		}
		if uint64(lost+0.5) != v.Lost {
			t.Errorf("%s: total lost %g, want %d", c.name, lost, v.Lost)
		}
		chart := string(arrivals(v.Timeline, v.Streams))
		if has := strings.Contains(chart, `class="lost"`); has != (v.Lost > 0) {
			t.Errorf("%s: %d lost, drawn: %v", c.name, v.Lost, has)
		}
		if has := strings.Contains(chart, `class="bars"`); has != (v.Arrived > 0) {
			t.Errorf("%s: %d arrived, drawn: %v", c.name, v.Arrived, has)
		}
	}
}

// The bins of a long run hold several points each, and no count is lost.
func TestHistogramIsBounded(t *testing.T) {
	tl := audit.Timeline{Start: start, Width: int64(4 * time.Second), Points: make([]audit.Point, 600)}
	total := uint64(0)
	for i := range tl.Points {
		tl.Points[i].Arrived = uint64(i)
		total += uint64(i)
	}
	day := audit.Loss{From: 0, To: 9, Count: 10, Since: start.Add(-24 * time.Hour), Until: start.Add(-24 * time.Hour)}
	c := newHistogram(tl, []audit.Stream{{LostRanges: []audit.Loss{day}}})
	got, lost := uint64(0), 0.0
	for _, b := range c.bins {
		got += b.arrived
		lost += b.lost
	}
	if len(c.bins) != 348 || c.width != 256*time.Second || got != total || lost != 10 {
		t.Errorf("%d bins of %v, %d of %d arrived, %g lost", len(c.bins), c.width, got, total, lost)
	}
}

// An axis has distinct labels, and not too many.
func TestTicks(t *testing.T) {
	for span := time.Second; span < 150*365*day; span += span/4 + time.Second {
		c := histogram{start: start, width: span, bins: make([]bin, 1)}
		seen := map[string]bool{}
		for _, x := range c.ticks() {
			if seen[x.Text] || x.At < 0 || x.At > 1 {
				t.Fatalf("%v: %+v", span, c.ticks())
			}
			seen[x.Text] = true
		}
		if len(seen) < 1 || len(seen) > maxTicks {
			t.Fatalf("%v: %d ticks", span, len(seen))
		}
	}
	for top := 1.0; top < 1e13; top *= 1.1 {
		for name, label := range map[string]func(float64) string{"rate": chart.FormatRate, "short": func(ns float64) string { return short(int64(ns)) }} {
			a := newAxis(top)
			seen := map[string]bool{}
			for _, x := range a.ticks(label) {
				if seen[x.Text] && top > 1000 {
					t.Fatalf("%s up to %g: %+v", name, top, a.ticks(label))
				}
				seen[x.Text] = true
			}
			if a.Top() < top || a.Top() > 1.67*top || len(a.ticks(label)) > 6 {
				t.Fatalf("%s up to %g: %+v", name, top, a)
			}
		}
	}
}

func TestPart(t *testing.T) {
	for _, c := range []struct {
		n, total uint64
		want     string
	}{{0, 0, ""}, {0, 5, "0 %"}, {5, 5, "100 %"}, {1, 3, "33.33 %"}, {999_999_999, 1e9, "over 99.99 %"}, {1, 1e9, "under 0.01 %"}} {
		if got := part(c.n, c.total); got != c.want {
			t.Errorf("%d of %d: %q, want %q", c.n, c.total, got, c.want)
		}
	}
}

// Counts other than 0 have a column, as on a terminal.
func TestColumns(t *testing.T) {
	v := &audit.Verdict{Counts: audit.Counts{Sent: 9, Enriched: 1, Unchecked: 2, Withheld: 3, Refused: audit.Known(4)}}
	var names []string
	for _, c := range columns(v) {
		names = append(names, c.Name)
	}
	want := []string{"sent", "accepted", "arrived", "lost", "duplicates", "reordered", "damaged", "enriched", "unchecked", "withheld", "refused", "unknown"}
	if d := cmp.Diff(want, names); d != "" {
		t.Error(d)
	}
}
