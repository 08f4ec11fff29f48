// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/gdummy/gdummy/internal/prove/ledger"
	"github.com/gdummy/gdummy/internal/prove/recordscan"
	"github.com/gdummy/gdummy/internal/recordid"
	"github.com/gdummy/gdummy/internal/testenv"
)

// In ten thousand runs with planted faults, every count is exact.
func TestPlantedFaults(t *testing.T) {
	for seed := range uint64(testenv.Rounds(10000)) {
		p := newPlan(rand.New(rand.NewPCG(seed, 1)), true)
		v := p.verdict(0)
		if d := cmp.Diff(p.want, v.Counts); d != "" || !v.Exact {
			t.Fatalf("seed %d, exact %v:\n%s", seed, v.Exact, d)
		}
		for _, s := range v.Streams {
			checkRanges(t, s)
		}
	}
}

// A thousand runs without faults have a clean verdict.
func TestNoFalseAlarm(t *testing.T) {
	for seed := range uint64(testenv.Rounds(1000)) {
		p := newPlan(rand.New(rand.NewPCG(seed, 2)), false)
		v := p.verdict(0)
		if d := cmp.Diff(p.want, v.Counts); d != "" {
			t.Fatalf("seed %d:\n%s", seed, d)
		}
		// Streams without a ledger have an unknown end.
		if f := (Limits{Unknown: -1}).Faults(v); len(f) > 0 || v.Unknown > 0 {
			t.Fatalf("seed %d: %v, %d unknown", seed, f, v.Unknown)
		}
	}
}

// checkRanges checks that the lost ranges add up to the count, and that their times enclose
// those of the records.
func checkRanges(t *testing.T, s Stream) {
	t.Helper()
	if s.MoreRanges > 0 {
		return
	}
	total := uint64(0)
	for i, l := range s.LostRanges {
		total += l.Count
		if i > 0 && s.LostRanges[i-1].To+1 >= l.From {
			t.Errorf("ranges %+v and %+v are adjacent", s.LostRanges[i-1], l)
		}
		if !l.Since.IsZero() && (l.Since.After(when(l.From)) || l.Until.Before(when(l.To).Add(-2*time.Millisecond))) {
			t.Fatalf("range %+v does not enclose the times of its records, %v to %v", l, when(l.From), when(l.To))
		}
	}
	if total != s.Lost {
		t.Errorf("lost ranges have %d records, want %d", total, s.Lost)
	}
}

// With very little memory, counts may be unknown but not wrong: records reported as lost
// or duplicate are.
func TestLittleMemory(t *testing.T) {
	testenv.SkipRace(t)
	vague := 0
	for seed := range uint64(10) {
		r := rand.New(rand.NewPCG(seed, 3))
		p := new(plan)
		const n = 12 << blockBits
		lost, dups := uint64(0), uint64(0)
		for k := range uint64(n) {
			id := recordid.ID{Run: 1, Seq: k, Time: int64(k)}
			switch x := r.IntN(200); {
			case x <= 2:
				lost++
			case x == 3:
				p.arrivals = append(p.arrivals, arrival{id, recordscan.Intact}, arrival{id, recordscan.Intact})
				dups++
			default:
				p.arrivals = append(p.arrivals, arrival{id, recordscan.Intact})
			}
		}
		for last := p.arrivals[len(p.arrivals)-1].id.Seq; last < n-1; last++ {
			lost-- // at the end, which is unknown without a ledger
		}
		// Some arrive very late, each twice.
		for range r.IntN(2000) * int(seed%2) {
			i := r.IntN(len(p.arrivals) - 1)
			a := p.arrivals[i]
			p.arrivals = append(p.arrivals, a)
			dups++
		}
		v := p.verdict(40 << 10)
		if v.Lost > lost || v.Lost+v.Unknown < lost || v.Duplicates > dups || v.Duplicates+v.Unknown < dups {
			t.Errorf("seed %d: %+v; want %d lost, %d duplicates", seed, v.Counts, lost, dups)
		}
		if v.Exact && (v.Lost != lost || v.Duplicates != dups) {
			t.Errorf("seed %d: exact, but %+v; want %d lost, %d duplicates", seed, v.Counts, lost, dups)
		}
		if !v.Exact {
			vague++
			if len(v.Notes) == 0 {
				t.Error("a verdict that is not exact has no note")
			}
		}
	}
	if vague == 0 {
		t.Error("every verdict was exact: the limit is too high for this test")
	}
}

// A set agrees with a map, for numbers in any order, with sufficient memory or not.
func TestSet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newSet(&memoryBudget{limit: rapid.SampledFrom([]int64{100, 20 << 10, 1 << 30}).Draw(t, "limit")})
		const top = 3 << blockBits
		ref, maybe := make([]bool, top), make([]bool, top)
		for range rapid.IntRange(1, 12).Draw(t, "runs") {
			from := rapid.Uint64Range(0, top-1).Draw(t, "from")
			n := rapid.Uint64Range(1, 70000).Draw(t, "n") // more than a block
			for v := from; v < min(from+n, top); v++ {
				got := s.add(v)
				if got == undecided {
					maybe[v] = true
				}
				if maybe[v] {
					continue
				}
				if (got == present) != ref[v] {
					t.Fatalf("add(%d) = %v; present before: %v", v, got, ref[v])
				}
				ref[v] = true
			}
		}
		if s.m.frozen {
			return
		}
		got := make([]bool, top)
		last := int64(-1)
		s.missing(0, top-1, func(g gap) {
			if int64(g.from) <= last {
				t.Fatalf("gap %+v after %d", g, last)
			}
			last = int64(g.to)
			for v := g.from; v <= g.to; v++ {
				got[v] = true
			}
		})
		for v := range uint64(top) {
			if got[v] == ref[v] {
				t.Fatalf("%d: missing %v, present %v", v, got[v], ref[v])
			}
		}
	})
}

// Records that our receiver acknowledged and discarded are withheld, refused ones are
// lost for the first of their reasons, and those that were sent again arrived.
func TestRefused(t *testing.T) {
	a := New(Options{Faults: "drop=1%, status=503@5%"})
	for _, why := range []string{"status", "reset", "slow"} {
		a.Expect(why, false)
	}
	for k := range uint64(100) {
		id := recordid.ID{Seq: k, Time: 1}
		if k%10 == 0 {
			a.Refuse(a.Refused("drop", true, false, k != 0), id)
		}
		if k%20 == 0 || k%50 == 5 {
			a.Refuse(a.Refused("reset", false, k == 5, k > 20), id)
		}
		if k == 55 {
			a.Refuse(a.Refused("status", false, false, false), id)
		}
		if k%10 != 0 && k%50 != 5 && k != 77 || k == 50 {
			a.Take(id, recordscan.Intact, 0)
		}
	}
	want := Counts{Sent: 100, Arrived: 88, Lost: 3, ByReceiver: 2, Withheld: 9}
	v := a.Verdict()
	if d := cmp.Diff(want, v.Counts); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(&Receiver{Faults: "drop=1%, status=503@5%", Refused: []Refusal{
		{Why: "status", Requests: 1, Records: 1, Lost: 1},
		{Why: "reset", Requests: 3, Partly: 1, Records: 7, Lost: 1},
		{Why: "slow"},
		{Why: "drop", Acknowledged: true, Requests: 1, Records: 10, Withheld: 9},
	}}, v.Receiver); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"3 lost", "9 withheld"}, Limits{Unknown: -1}.Faults(v)); d != "" {
		t.Error(d)
	}
	forgiven := Limits{Unknown: -1, Lost: 3, Withheld: 9}.Faults(v)
	if d := cmp.Diff([]string{"3 lost, within the limit", "9 withheld, within the limit", "the receiver refused 2 of the lost, 1 for status, 1 for reset",
		"a run has no ledger, so losses at its end are unknown"}, v.Caveats(forgiven)); d != "" || len(forgiven) > 0 {
		t.Error(forgiven, d)
	}
	if d := cmp.Diff([]string{"run 000000000000, instance 0 has no ledger: losses at its end cannot be detected",
		"the receiver refused a request or a connection before reading all of it: records in the rest are not counted as refused"}, v.Notes); d != "" {
		t.Error(d)
	}
}

// A refused record was sent, whether or not a ledger has it: it is lost, not unknown.
func TestRefusedWithoutLedger(t *testing.T) {
	for _, booked := range []bool{false, true} {
		o := Options{}
		want := Counts{Sent: 20, Lost: 20, ByReceiver: 5}
		if booked { // up to 9
			l := &ledger.Stream{Run: 5, First: when(0), Last: when(10), Accepted: []ledger.Entry{{Range: ledger.Range{From: 0, To: 9}, Since: when(0), Until: when(10)}}}
			o.Ledgers = []*ledger.Ledger{{Streams: []*ledger.Stream{l}}}
			want = Counts{Sent: 20, Accepted: Known(10), Refused: Known(0), Shortfall: Known(0), Lost: 15, Unknown: 5, ByReceiver: 5}
		}
		a := New(o)
		for k := uint64(15); k < 20; k++ {
			a.Refuse(a.Refused("status", false, false, false), recordid.ID{Run: 5, Seq: k, Time: when(k).UnixNano()})
		}
		v := a.Verdict()
		if d := cmp.Diff(want, v.Counts); d != "" {
			t.Errorf("with a ledger: %v: %s", booked, d)
		}
	}
}

// Clock steps do no harm. The verdict notes records that arrived before they were sent.
func TestClockSteps(t *testing.T) {
	a := New(Options{})
	for k := range uint64(1000) {
		sent := epoch.Add(time.Duration(k) * time.Millisecond)
		if k >= 500 {
			sent = sent.Add(-time.Hour)
		}
		arrived := sent.Add(5 * time.Millisecond)
		if k%100 == 7 {
			arrived = sent.Add(-time.Second)
		}
		if k == 999 {
			sent = time.Unix(0, 0)
		}
		a.Take(recordid.ID{Seq: k, Time: sent.UnixNano()}, recordscan.Intact, arrived.UnixNano())
	}
	v := a.Verdict()
	if v.Arrived != 1000 || v.Lost != 0 || v.Latency.Early != 10 || v.Latency.Max < int64(23*time.Hour) {
		t.Errorf("%+v, %+v", v.Counts, v.Latency)
	}
	if p := v.Latency.P(50); p < 4900000 || p > 5100000 {
		t.Errorf("wrong p50: %d", p)
	}
	total := uint64(0)
	for _, p := range v.Timeline.Points {
		total += p.Arrived
	}
	if total != 1000 || len(v.Timeline.Points) > maxPoints {
		t.Errorf("the timeline has %d records in %d points", total, len(v.Timeline.Points))
	}
}

// An audit supports all times that an identity can have.
func TestTimesFarApart(t *testing.T) {
	for _, times := range [][]int64{
		{1e18, math.MaxInt64, 0, 5, math.MaxInt64 - 1, 1e18 + 1}, {0, math.MaxInt64}, {math.MaxInt64, 0}, {math.MaxInt64, math.MaxInt64},
	} {
		a := New(Options{})
		for i, x := range times {
			a.Take(recordid.ID{Run: recordid.Run(i % 2), Seq: uint64(i / 2), Time: x}, recordscan.Intact, 0)
			a.Take(recordid.ID{Run: 5, Seq: uint64(i), Time: x}, recordscan.Intact, times[len(times)-1-i])
		}
		v := a.Verdict()
		total := uint64(0)
		for _, p := range v.Timeline.Points {
			total += p.Arrived
		}
		if n := uint64(2 * len(times)); v.Arrived != n || total != n || len(v.Timeline.Points) > maxPoints {
			t.Errorf("%d: %d arrived, %d in %d points", times, v.Arrived, total, len(v.Timeline.Points))
		}
	}
}

// A run with an unclosed ledger, without any arrival.
func TestNothingArrived(t *testing.T) {
	l := &ledger.Ledger{Streams: []*ledger.Stream{{Run: 5, Accepted: []ledger.Entry{{Range: ledger.Range{From: 0, To: 99}, Since: when(0), Until: when(100)}}}}}
	a := New(Options{Ledgers: []*ledger.Ledger{l}})
	v := a.Verdict()
	if d := cmp.Diff(Counts{Sent: 100, Accepted: Known(100), Refused: Known(0), Shortfall: Known(0), Lost: 100}, v.Counts); d != "" || len(v.Notes) != 1 {
		t.Errorf("%s %v", d, v.Notes)
	}
	if a.Complete(when(0)) {
		t.Error("complete, want incomplete")
	}
	l.Streams[0].Closed, l.Streams[0].End.Accepted = when(100), 100
	a.SetLedgers([]*ledger.Ledger{l})
	for k := range uint64(100) {
		if a.Complete(when(0)) {
			t.Fatalf("complete after %d records, want incomplete", k)
		}
		a.Take(recordid.ID{Run: 5, Seq: k}, recordscan.Intact, 0)
	}
	if !a.Complete(when(0)) {
		t.Error("incomplete, want complete")
	}
}

func BenchmarkTake(b *testing.B) {
	a := New(Options{})
	b.ReportAllocs()
	for k := range uint64(b.N) {
		a.Take(recordid.ID{Run: 1, Seq: k, Time: int64(k) * 100}, recordscan.Intact, int64(k)*100+5000)
	}
}

// The mean latency of a point does not overflow, whatever the clocks are.
func TestMeanLatencyOfAbsurdClocks(t *testing.T) {
	const year2262 = int64(1<<63 - 1)
	a := New(Options{})
	for k := range uint64(4) {
		a.Take(recordid.ID{Run: 1, Seq: k, Time: int64(k)}, recordscan.Intact, year2262)
	}
	points := a.Verdict().Timeline.Points
	// The latencies are year2262 less 0, 1, 2 and 3: their mean is less by 1.5.
	if len(points) != 1 || points[0].Mean != year2262-2 || points[0].MaxLatency != year2262 {
		t.Errorf("got %+v, want a mean of %d", points, year2262-2)
	}
}
