// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gdummy/gdummy/internal/prove/ledger"
	"github.com/gdummy/gdummy/internal/prove/recordscan"
	"github.com/gdummy/gdummy/internal/recordid"
)

// book returns the ledger of a run in which the host accepted records from..to, a
// second after start.
func book(run recordid.Run, start time.Time, from, to uint64, words ...string) *ledger.Stream {
	s := &ledger.Stream{Run: run, Name: "gdummy.0", Opened: start, First: start, Last: start.Add(time.Second)}
	s.Accepted = []ledger.Entry{{Range: ledger.Range{From: from, To: to}, Since: start, Until: s.Last}}
	for _, w := range words {
		s.Events = append(s.Events, ledger.Event{Time: s.Last, Word: w})
		if w == "close" {
			s.Closed, s.End.Accepted = s.Last, to+1
		}
	}
	return s
}

func books(all ...*ledger.Stream) []*ledger.Ledger {
	return []*ledger.Ledger{{Streams: all, Lines: len(all)}}
}

func (a *Auditor) takeAll(run recordid.Run, from, to uint64) {
	for k := from; k <= to; k++ {
		a.Take(recordid.ID{Run: run, Seq: k, Time: when(k).UnixNano()}, recordscan.Intact, 0)
	}
}

// A ledger that lacks its last range is not complete: the totals of the line close count
// more records.
func TestLastLineGone(t *testing.T) {
	b := book(1, epoch, 0, 59, "close")
	b.End = ledger.Totals{Accepted: 70, Refused: 10}
	a := New(Options{Ledgers: books(b)})
	a.takeAll(1, 0, 59)
	v := a.Verdict()
	if v.Sent != 80 || v.Accepted != Known(60) || v.Arrived != 60 || v.Lost != 0 || v.Unknown != 20 {
		t.Errorf("%+v", v.Counts)
	}
	if a.Complete(epoch) {
		t.Error("complete, although 20 records are unknown")
	}
	if u := v.Streams[0].UnknownRanges; len(u) != 1 || u[0].From != 60 || u[0].To != 79 || u[0].Count != 20 {
		t.Errorf("unknown: %+v", u)
	}
	if len(v.Notes) != 1 || !strings.Contains(v.Notes[0], "the close line counts 70 accepted records, the other lines 60") {
		t.Errorf("%q", v.Notes)
	}
	if f := (Limits{}).Faults(v); len(f) != 1 || f[0] != "20 unknown" {
		t.Errorf("%q", f)
	}
}

// The files of a rotated ledger count as one ledger, in any order.
func TestRotated(t *testing.T) {
	first, second := book(1, epoch, 0, 49), book(1, epoch.Add(time.Minute), 50, 99, "close")
	for _, l := range [][]*ledger.Ledger{{books(first)[0], books(second)[0]}, {books(second)[0], books(first)[0]}} {
		a := New(Options{Ledgers: l})
		a.takeAll(1, 0, 89)
		if v := a.Verdict(); v.Accepted != Known(100) || v.Arrived != 90 || v.Lost != 10 || !v.Streams[0].Closed || a.Complete(epoch) {
			t.Errorf("%+v", v.Counts)
		}
		a.takeAll(1, 90, 99)
		if !a.Complete(epoch) {
			t.Error("incomplete, want complete")
		}
	}
}

// A run that a reload ended is complete once the next run begins, or after a grace
// period.
func TestReloadAwaitsNextRun(t *testing.T) {
	b := book(1, epoch, 0, 9, "reload", "close")
	a := New(Options{Ledgers: books(b)})
	a.takeAll(1, 0, 9)
	now := epoch.Add(time.Hour)
	if a.Complete(now) || a.Complete(now.Add(ReloadGrace-1)) {
		t.Error("complete at the reload")
	}
	if !a.Complete(now.Add(ReloadGrace)) {
		t.Error("incomplete after a reload that removed the input")
	}
	next := book(2, b.Closed.Add(44*time.Millisecond), 0, 9)
	a.SetLedgers(books(b, next))
	if a.Complete(now.Add(2 * ReloadGrace)) {
		t.Error("complete while the next run continues")
	}
	next.Closed, next.End.Accepted = next.Last, 10
	a.SetLedgers(books(b, next))
	a.takeAll(2, 0, 9)
	if !a.Complete(now) {
		t.Error("incomplete, want complete")
	}
}

// A verdict on nothing is not clean.
func TestNothingToAudit(t *testing.T) {
	for _, c := range []struct {
		why  string
		do   func(a *Auditor)
		book *ledger.Stream
		o    Options
		want string
	}{
		{"an empty file", func(*Auditor) {}, nil, Options{}, "nothing was audited: the input has no records"},
		{"records of others", func(a *Auditor) { a.Foreign(1200) }, nil, Options{}, "nothing was audited: no record has an identity; the input options audit and ledger add one"},
		{"an open line only", func(*Auditor) {}, &ledger.Stream{Run: 1}, Options{}, "nothing was audited: no record arrived, and the ledger lists none as accepted"},
		{"a run that was not asked for", func(a *Auditor) { a.takeAll(1, 0, 9) }, nil, Options{Runs: []recordid.Run{2}}, "nothing was audited: no record belongs to a requested run"},
		{"garbage", func(a *Auditor) { a.Broken(1) }, nil, Options{}, "nothing was audited: no part of the input could be read"},
	} {
		if c.book != nil {
			c.o.Ledgers = books(c.book)
		}
		a := New(c.o)
		c.do(a)
		v := a.Verdict()
		f := Limits{Foreign: -1, Unknown: -1, Reordered: -1, Unchecked: -1, Broken: -1}.Faults(v)
		if len(f) == 0 || f[0] != c.want {
			t.Errorf("%s: %q", c.why, f)
		}
		if v.Streams == nil {
			t.Errorf("%s: streams are null, want an empty list", c.why)
		}
	}
}

// Unreadable parts are a fault, unless a ledger proves that no record is missing.
func TestBroken(t *testing.T) {
	take := func(o Options, upTo uint64) *Verdict {
		a := New(o)
		a.takeAll(1, 0, upTo)
		a.Broken(2)
		return a.Verdict()
	}
	whole := Options{Ledgers: books(book(1, epoch, 0, 9, "close"))}
	cut := Options{Ledgers: books(book(1, epoch, 0, 9))}
	for _, c := range []struct {
		o      Options
		limits Limits
		want   string
	}{
		{Options{}, Limits{Unknown: -1, Unsent: -1, Broken: -1}, "[2 pieces could not be read]"},
		{cut, Limits{Unknown: -1, Unsent: -1, Broken: -1}, "[2 pieces could not be read]"},
		{whole, Limits{Unknown: -1, Unsent: -1, Broken: -1}, "[]"},
		{whole, Limits{Unknown: -1, Unsent: -1, Broken: 1}, "[2 pieces could not be read, more than 1]"},
		{Options{}, Limits{Unknown: -1, Unsent: -1, Broken: 2}, "[]"},
	} {
		if f := fmt.Sprint(c.limits.Faults(take(c.o, 9))); f != c.want {
			t.Errorf("%+v: %s, want %s", c.limits, f, c.want)
		}
	}
	if f := fmt.Sprint(Limits{Unknown: -1, Unsent: -1, Broken: -1}.Faults(take(whole, 8))); f != "[1 lost 2 pieces could not be read]" {
		t.Error(f)
	}
}

// A reused ledger has earlier runs. A live audit excludes them; an audit of files
// includes all, unless runs are selected.
func TestRuns(t *testing.T) {
	old, killed := book(1, epoch, 0, 9, "close"), book(2, epoch.Add(time.Minute), 0, 4)
	side := book(4, epoch.Add(time.Hour), 0, 9, "close") // at the same time as the last one
	side.Name = "gdummy.1"
	last := book(3, epoch.Add(time.Hour+time.Millisecond), 0, 9, "close")
	// A killed run is included: its records may still arrive.
	begun := epoch.Add(30 * time.Minute)
	all := books(old, killed, side, last)
	for _, c := range []struct {
		why      string
		o        Options
		take     []recordid.Run
		want     Counts
		complete bool
		notes    int
	}{
		{"files", Options{}, []recordid.Run{3, 4}, Counts{Sent: 35, Accepted: Known(35), Refused: Known(0), Shortfall: Known(0), Arrived: 20, Lost: 15}, false, 2},
		{"listening", Options{Since: begun}, []recordid.Run{3, 4}, Counts{Sent: 25, Accepted: Known(25), Refused: Known(0), Shortfall: Known(0), Arrived: 20, Lost: 5}, false, 3},
		{"listening, of the last nothing came", Options{Since: begun}, []recordid.Run{4}, Counts{Sent: 25, Accepted: Known(25), Refused: Known(0), Shortfall: Known(0), Arrived: 10, Lost: 15}, false, 3},
		{"listening, the old one comes", Options{Since: begun}, []recordid.Run{1, 3, 4}, Counts{Sent: 35, Accepted: Known(35), Refused: Known(0), Shortfall: Known(0), Arrived: 30, Lost: 5}, false, 2},
		{"listening, the old one is asked for", Options{Since: begun, Runs: []recordid.Run{1, 3}}, []recordid.Run{3, 4}, Counts{Sent: 20, Accepted: Known(20), Refused: Known(0), Shortfall: Known(0), Arrived: 10, Lost: 10}, false, 1},
		{"the last ones", Options{Last: true}, []recordid.Run{1, 3, 4}, Counts{Sent: 20, Accepted: Known(20), Refused: Known(0), Shortfall: Known(0), Arrived: 20}, true, 1},
		{"one", Options{Runs: []recordid.Run{1}}, []recordid.Run{1, 3, 4}, Counts{Sent: 10, Accepted: Known(10), Refused: Known(0), Shortfall: Known(0), Arrived: 10}, true, 1},
		{"none that exists", Options{Runs: []recordid.Run{9}}, []recordid.Run{1}, Counts{}, false, 1},
	} {
		c.o.Ledgers = all
		a := New(c.o)
		for _, run := range c.take {
			a.takeAll(run, 0, 9)
		}
		v := a.Verdict()
		if v.Counts != c.want || a.Complete(epoch) != c.complete || len(v.Notes) != c.notes {
			t.Errorf("%s: %+v, complete %v, %q", c.why, v.Counts, a.Complete(epoch), v.Notes)
		}
	}

	// A later run without a ledger does not take the place of the last one with a ledger.
	late := New(Options{Last: true, Ledgers: all})
	for k := range uint64(10) {
		late.Take(recordid.ID{Run: 7, Seq: k, Time: epoch.Add(2 * time.Hour).UnixNano()}, recordscan.Intact, 0)
	}
	if v := late.Verdict(); v.Lost != 20 || v.Arrived != 10 {
		t.Errorf("with a later run without a ledger: %+v", v.Counts)
	}

	// Without ledgers, the times of arrivals decide.
	a := New(Options{Last: true})
	a.takeAll(1, 0, 9)
	for k := range uint64(5) {
		a.Take(recordid.ID{Run: 2, Seq: k, Time: when(1000 + k).UnixNano()}, recordscan.Intact, 0)
	}
	if v := a.Verdict(); v.Arrived != 5 || v.Other != 10 {
		t.Errorf("%+v, %d of other runs", v.Counts, v.Other)
	}
}

// A verdict has the changes of the pace, and a note on them.
func TestControlNote(t *testing.T) {
	change := func(record uint64, state string) ledger.Event {
		return ledger.Event{Time: epoch, Word: "control", Change: &ledger.Change{Record: record, Scheduled: record + 2, State: state}}
	}
	for _, tt := range []struct {
		events []ledger.Event
		want   string
	}{
		{nil, ""},
		{[]ledger.Event{change(5, "pause")}, "control changed the pace once in run 000000000001, instance 0: pause, from record 5 on"},
		{[]ledger.Event{change(5, "pause"), change(1200, "rate 5k")}, "control changed the pace 2 times in run 000000000001, instance 0; at last: rate 5k, from record 1,200 on"},
	} {
		b := book(1, epoch, 0, 9, "close")
		b.Events = append(b.Events, tt.events...)
		a := New(Options{Ledgers: books(b)})
		a.takeAll(1, 0, 9)
		v := a.Verdict()
		if got := strings.Join(v.Notes, "\n"); got != tt.want || len((Limits{}).Faults(v)) > 0 {
			t.Errorf("notes %q, want %q and no fault", got, tt.want)
		}
		n := 0
		for _, e := range v.Streams[0].Events {
			if e.Change != nil {
				if *e.Change != *tt.events[n].Change {
					t.Errorf("change %d: %+v, want %+v", n, *e.Change, *tt.events[n].Change)
				}
				n++
			}
		}
		if n != len(tt.events) {
			t.Errorf("%d changes in the verdict, want %d", n, len(tt.events))
		}
	}
}
