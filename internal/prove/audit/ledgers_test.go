// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gdummy/gdummy/internal/prove/ledger"
	"github.com/gdummy/gdummy/internal/prove/recordscan"
	"github.com/gdummy/gdummy/internal/recordid"
)

// twoParts returns the lines of a ledger of 3000 records. The last line before the
// close has 1000 of them.
func twoParts(t *testing.T) []string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ledger")
	at := time.Unix(1700000000, 0).UTC()
	w, _, err := ledger.Open(path, nil, ledger.Options{Run: 7, Name: "gdummy.0", Key: "gdummy", Place: "body", Now: func() time.Time { return at }})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		at = at.Add(2 * time.Second)
		w.Accepted(uint64(i)*1000, 1000)
		if err := w.Tick(); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(ledger.Unsent{}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.SplitAfter(strings.TrimSuffix(string(text), "\n"), "\n")
}

func read(t *testing.T, lines ...string) *ledger.Ledger {
	t.Helper()
	l, err := ledger.Read(bytes.NewReader([]byte(strings.Join(lines, ""))))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func arrived(n uint64, ls ...*ledger.Ledger) *Verdict {
	a := New(Options{Ledgers: ls})
	for k := range n {
		a.Take(recordid.ID{Run: 7, Seq: k, Time: 1700000000e9}, recordscan.Intact, 0)
	}
	return a.Verdict()
}

// Records that only the line close counts are unknown.
func TestLastLineMissing(t *testing.T) {
	lines := twoParts(t)
	last := len(lines) - 2
	for name, l := range map[string]*ledger.Ledger{
		"missing": read(t, append(lines[:last:last], lines[last+1])...),
		"damaged": read(t, append(append(lines[:last:last], strings.Replace(lines[last], "to=", "tO=", 1)), lines[last+1])...),
	} {
		v := arrived(1500, l)
		if v.Sent != 3000 || v.Arrived != 1500 || v.Lost != 500 || v.Unknown != 1000 {
			t.Errorf("%s: sent %d, arrived %d, lost %d, unknown %d; want 3000, 1500, 500, 1000", name, v.Sent, v.Arrived, v.Lost, v.Unknown)
		}
	}
}

// A verdict is not clean without reserve if a ledger was cut off between two lines, even
// if all records in the ledger arrived and no others.
func TestCutOff(t *testing.T) {
	lines := twoParts(t)
	for _, c := range []struct {
		why    string
		v      *Verdict
		known  bool
		caveat string // also the fault, if unknown records are one
	}{
		{"whole", arrived(3000, read(t, lines...)), true, ""},
		{"the end is gone", arrived(3000, read(t, lines[:4]...)), false, "a ledger has no close line, so records sent after its last line are unknown"},
		{"the last records, too", arrived(2000, read(t, lines[:3]...)), false, "a ledger has no close line, so records sent after its last line are unknown"},
		{"no ledger", arrived(2000), false, "a run has no ledger, so losses at its end are unknown"},
	} {
		var want []string
		if c.caveat != "" {
			want = []string{c.caveat}
		}
		if d := cmp.Diff(want, c.v.Caveats(nil)); d != "" || c.v.Known() != c.known || c.v.Unknown != 0 {
			t.Errorf("%s: known %v, %s", c.why, c.v.Known(), d)
		}
		if f := (Limits{Unknown: -1, Unsent: -1}).Faults(c.v); len(f) > 0 {
			t.Errorf("%s: %q", c.why, f)
		}
		f := Limits{}.Faults(c.v)
		if d := cmp.Diff(want, f); d != "" {
			t.Errorf("%s, unknown records are faults: %s", c.why, d)
		}
		if rest := c.v.Caveats(f); len(rest) > 0 {
			t.Errorf("%s: caveats repeat faults: %q", c.why, rest)
		}
	}
}

// A caveat counts several streams in one line.
func TestCaveats(t *testing.T) {
	v := &Verdict{Counts: Counts{Lost: 3, Duplicates: 1, Damaged: 12, Unknown: 2, Withheld: 1, Refused: Known(1200)}, Unclosed: 2, WithoutLedger: 3}
	if v.Known() {
		t.Error("Known() = true for streams without a closed ledger")
	}
	if v := (&Verdict{}); v.Known() {
		t.Error("Known() = true for an inexact verdict")
	}
	want := []string{
		"3 lost, within the limit", "1 duplicate, within the limit",
		"1 withheld, within the limit", "1,200 refused by Fluent Bit", "2 records are unknown",
		"not enough memory, a larger --memory helps",
		"the ledgers of 2 runs have no close line, so records sent after their last lines are unknown",
		"3 runs have no ledger, so losses at their ends are unknown",
	}
	if d := cmp.Diff(want, v.Caveats([]string{"12 damaged, more than 3", "the latency is unknown: these sources carry no arrival times"})); d != "" {
		t.Error(d)
	}
}

// A ledger in two files, in either order, has the same verdict as in one.
func TestLedgerInTwoFiles(t *testing.T) {
	lines := twoParts(t)
	a, b := read(t, lines[:2]...), read(t, lines[2:]...)
	for _, ls := range [][]*ledger.Ledger{{read(t, lines...)}, {a, b}, {b, a}, {a, b, a}} {
		v := arrived(2500, ls...)
		if v.Sent != 3000 || v.Lost != 500 || v.Unknown != 0 || len(v.Streams) != 1 || !v.Streams[0].Closed {
			t.Errorf("%d files: sent %d, lost %d, unknown %d, %d streams", len(ls), v.Sent, v.Lost, v.Unknown, len(v.Streams))
		}
	}
}

// If nothing could be audited, the verdict is not clean.
func TestNothingAudited(t *testing.T) {
	a := New(Options{})
	if f := (Limits{Foreign: -1, Reordered: -1, Unknown: -1}).Faults(a.Verdict()); len(f) != 1 || f[0] != "nothing was audited: the input has no records" {
		t.Errorf("%q", f)
	}
	a.Take(recordid.ID{}, recordscan.Foreign, 0)
	if f := (Limits{Foreign: -1, Reordered: -1, Unknown: -1}).Faults(a.Verdict()); len(f) != 1 || f[0] != "nothing was audited: no record has an identity; the input options audit and ledger add one" {
		t.Errorf("%q", f)
	}
}

// A run that ended before the audit began, and that has no arrivals, is not lost.
func TestEarlierRun(t *testing.T) {
	l := read(t, twoParts(t)...)
	a := New(Options{Ledgers: []*ledger.Ledger{l}, Since: time.Now()})
	if v := a.Verdict(); v.Lost != 0 || v.Sent != 0 || len(v.Notes) != 1 || a.Complete(time.Now()) {
		t.Errorf("lost %d of %d, notes %q", v.Lost, v.Sent, v.Notes)
	}
	a.Take(recordid.ID{Run: 7, Seq: 0, Time: 1700000000e9}, recordscan.Intact, 0)
	if v := a.Verdict(); v.Lost != 2999 {
		t.Errorf("lost %d, want 2999", v.Lost)
	}
}

// A run that was stopped before its end is distinguished from one that reached it, and is a
// fault if there is a limit, unless another run sent all of it.
func TestStoppedEarly(t *testing.T) {
	// run returns a run of which so many thousands of records were sent and arrived.
	run := func(id recordid.Run, thousands int, unsent ledger.Unsent, change ...func(*ledger.Stream)) *ledger.Stream {
		s := read(t, twoParts(t)...).Streams[0]
		s.Run, s.Accepted, s.End.Accepted, s.Unsent = id, s.Accepted[:thousands], uint64(1000*thousands), unsent
		for _, f := range change {
			f(s)
		}
		return s
	}
	verdict := func(runs []*ledger.Stream) *Verdict {
		a := New(Options{Ledgers: []*ledger.Ledger{{Streams: runs}}})
		for _, s := range runs {
			for k := range s.End.Accepted {
				a.Take(recordid.ID{Run: s.Run, Seq: k, Time: 1700000000e9}, recordscan.Intact, 0)
			}
		}
		return a.Verdict()
	}
	open := func(name, value string) func(*ledger.Stream) {
		return func(s *ledger.Stream) { s.Open[name] = value }
	}
	renamed := func(s *ledger.Stream) { s.Name = "gdummy.1" }
	reloaded := func(s *ledger.Stream) { s.Events = append(s.Events, ledger.Event{Word: ledger.Reload}) }
	later := func(s *ledger.Stream) { s.Opened = s.Last }
	number := func(n uint64) ledger.Unsent { return ledger.Unsent{Ends: true, Known: true, N: n} }
	end, unknown := number(0), ledger.Unsent{Ends: true}
	const one = "a run was stopped before its end"
	for _, c := range []struct {
		why    string
		runs   []*ledger.Stream
		caveat string           // "" for none
		unsent Booked           // in total
		faults map[int64]string // by limit: "no" for no fault, "" for the caveat
	}{
		{"without an end", []*ledger.Stream{run(7, 3, ledger.Unsent{})}, "", Booked{}, map[int64]string{0: "no"}},
		{"at its end", []*ledger.Stream{run(7, 3, end)}, "", Known(0), map[int64]string{0: "no"}},
		{"before it", []*ledger.Stream{run(7, 1, number(1200))}, "1,200 unsent (" + one + ")", Known(1200), map[int64]string{-1: "no", 0: "", 1199: "1,200 unsent, more than 1,199 (" + one + ")", 1200: "no"}},
		{"unknown number", []*ledger.Stream{run(7, 1, unknown)}, one, Booked{}, map[int64]string{-1: "no", 0: "", 1e9: ""}},
		{"two", []*ledger.Stream{run(7, 1, number(2000)), run(8, 2, number(1000))}, "3,000 unsent (2 runs were stopped before their ends)", Known(3000), map[int64]string{0: ""}},
		{"one of two numbers", []*ledger.Stream{run(7, 1, unknown), run(8, 2, number(5), open("shard", "1/2"))}, "at least 5 unsent (2 runs were stopped before their ends)", Known(5), map[int64]string{1e9: ""}},

		{"completed", []*ledger.Stream{run(7, 1, number(2000)), run(8, 3, end)}, "", Known(0), map[int64]string{0: "no"}},
		{"completed before", []*ledger.Stream{run(8, 3, end), run(7, 1, number(2000))}, "", Known(0), map[int64]string{0: "no"}},
		{"completed, unknown number", []*ledger.Stream{run(7, 1, unknown), run(8, 3, end)}, "", Known(0), map[int64]string{0: "no"}},
		{"by less", []*ledger.Stream{run(7, 1, number(2000)), run(8, 2, end)}, "2,000 unsent (" + one + ")", Known(2000), map[int64]string{0: ""}},
		{"by a run without an end", []*ledger.Stream{run(7, 1, number(2000)), run(8, 3, ledger.Unsent{})}, "2,000 unsent (" + one + ")", Known(2000), map[int64]string{0: ""}},
		{"by another shard", []*ledger.Stream{run(7, 1, number(2000)), run(8, 3, end, open("shard", "1/2"))}, "2,000 unsent (" + one + ")", Known(2000), map[int64]string{0: ""}},
		{"by another seed", []*ledger.Stream{run(7, 1, number(2000)), run(8, 3, end, open("seed", "8"))}, "2,000 unsent (" + one + ")", Known(2000), map[int64]string{0: ""}},
		{"by another template", []*ledger.Stream{run(7, 1, number(2000)), run(8, 3, end, open("template", "8"))}, "2,000 unsent (" + one + ")", Known(2000), map[int64]string{0: ""}},
		{"by another input", []*ledger.Stream{run(7, 1, number(2000)), run(8, 3, end, renamed)}, "2,000 unsent (" + one + ")", Known(2000), map[int64]string{0: ""}},

		{"reloaded", []*ledger.Stream{run(7, 1, number(2000), reloaded), run(8, 1, end, open("seed", "8"), later)}, "", Known(0), map[int64]string{0: "no"}},
		{"reloaded without it", []*ledger.Stream{run(7, 1, number(2000), reloaded), run(8, 1, end, renamed, later)}, "2,000 unsent (" + one + ")", Known(2000), map[int64]string{0: ""}},
	} {
		v := verdict(c.runs)
		if !v.Known() || v.Lost != 0 || v.Unsent != c.unsent {
			t.Errorf("%s: known %v, lost %d, unsent %v, want %v", c.why, v.Known(), v.Lost, v.Unsent, c.unsent)
		}
		if got := strings.Join(v.Caveats(nil), ";"); got != c.caveat {
			t.Errorf("%s: caveat %q, want %q", c.why, got, c.caveat)
		}
		for limit, more := range c.faults {
			want := more
			switch more {
			case "no":
				want = ""
			case "":
				want = c.caveat
			}
			f := Limits{Unknown: -1, Unsent: limit}.Faults(v)
			if got := strings.Join(f, ";"); got != want {
				t.Errorf("%s, limit %d: %q, want %q", c.why, limit, got, want)
			}
			if rest := v.Caveats(f); want != "" && len(rest) > 0 {
				t.Errorf("%s, limit %d: caveats repeat the fault: %q", c.why, limit, rest)
			}
		}
	}
	// A run that was killed may have had more to send, unless it was completed.
	killed := func(s *ledger.Stream) { s.Closed = time.Time{} }
	for _, c := range []struct {
		runs []*ledger.Stream
		want string
	}{
		{[]*ledger.Stream{run(7, 1, ledger.Unsent{}, killed)}, "a ledger has no close line, so records sent after its last line are unknown"},
		{[]*ledger.Stream{run(7, 1, ledger.Unsent{}, killed), run(8, 3, end)}, ""},
		{[]*ledger.Stream{run(7, 1, ledger.Unsent{}, killed), run(8, 3, end, open("shard", "1/2"))}, "a ledger has no close line, so records sent after its last line are unknown"},
	} {
		v := verdict(c.runs)
		if f := strings.Join(Limits{Unknown: -1}.Faults(v), ";"); f != c.want {
			t.Errorf("faults %q, want %q", f, c.want)
		}
		if f := (Limits{Unknown: -1, Unsent: -1}).Faults(v); len(f) > 0 || v.Known() {
			t.Errorf("without a limit: faults %q, known %v", f, v.Known())
		}
	}
	// A run that is not selected completes none.
	a := New(Options{Ledgers: []*ledger.Ledger{{Streams: []*ledger.Stream{run(7, 1, number(2000)), run(8, 3, end)}}}, Runs: []recordid.Run{7}})
	if v := a.Verdict(); v.Unsent != Known(2000) {
		t.Errorf("unsent %v of the selected run, want 2000", v.Unsent)
	}
}

// A shortfall is a fault, whatever arrived. Within its limit it is a caveat.
func TestShortfall(t *testing.T) {
	l := read(t, twoParts(t)...)
	l.Streams[0].Shortfall = 7
	v := arrived(3000, l)
	if v.Lost != 0 || v.Shortfall != Known(7) {
		t.Fatalf("%+v", v.Counts)
	}
	for limit, want := range map[uint64]string{0: "7 short of the rate", 6: "7 short of the rate, more than 6", 7: ""} {
		f := Limits{Unknown: -1, Shortfall: limit}.Faults(v)
		if got := strings.Join(f, ";"); got != want {
			t.Errorf("limit %d: %q, want %q", limit, got, want)
		}
		caveats := v.Caveats(f)
		if want == "" && (len(caveats) != 1 || caveats[0] != "7 short of the rate, within the limit") || want != "" && len(caveats) != 0 {
			t.Errorf("limit %d: %q", limit, caveats)
		}
	}
}
