// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/gdummy/gdummy/internal/prove/ledger"
	"github.com/gdummy/gdummy/internal/prove/recordscan"
	"github.com/gdummy/gdummy/internal/recordid"
)

// arrival is a record that leaves the pipeline.
type arrival struct {
	id    recordid.ID
	state recordscan.State
}

// plan is a simulated run of a pipeline, with the expected verdict.
type plan struct {
	arrivals []arrival
	ledgers  []*ledger.Ledger
	want     Counts
}

var epoch = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)

// when returns the time at which record k was sent.
func when(k uint64) time.Time { return epoch.Add(time.Duration(k) * time.Millisecond) }

// newPlan plants random faults in several runs and counts them.
func newPlan(r *rand.Rand, faults bool) *plan {
	p := new(plan)
	runs := 1 + r.IntN(3)
	for run := range runs {
		n := uint64(1 + r.IntN(300))
		if r.IntN(200) == 0 {
			n += 1<<16 - 20 // crosses the boundary of a block
		}
		s := &planStream{
			plan: p, r: r, faults: faults, run: recordid.Run(run/2 + 1), instance: uint16(run % 2),
			n: n, refused: make([]bool, n), hidden: make([]bool, n),
		}
		s.loss, s.dup, s.swap, s.flip = r.IntN(30), r.IntN(30), r.IntN(30), r.IntN(30)
		if s.withLedger = r.IntN(4) > 0; s.withLedger {
			s.book()
		}
		out := s.send()
		s.count(out)
		p.arrivals = merge(r, p.arrivals, out)
	}
	for range r.IntN(5) {
		if faults && r.IntN(2) == 0 {
			p.arrivals = slices.Insert(p.arrivals, r.IntN(len(p.arrivals)+1), arrival{state: recordscan.Foreign})
			p.want.Foreign++
		}
	}
	return p
}

// planStream is a run in a plan.
type planStream struct {
	*plan
	r        *rand.Rand
	faults   bool
	run      recordid.Run
	instance uint16
	n        uint64 // records that were handed to the host

	loss, dup, swap, flip int // percent

	withLedger bool
	known      uint64 // records that the ledger has
	refused    []bool
	hidden     []bool // in a damaged line of the ledger
	missing    []uint64
}

func (s *planStream) chance(percent int) bool { return s.faults && s.r.IntN(100) < percent }

func (s *planStream) id(k uint64) recordid.ID {
	return recordid.ID{Run: s.run, Instance: s.instance, Seq: k, Time: when(k).UnixNano()}
}

// book writes the ledger, which may be cut off, lack lines, or be in two files.
func (s *planStream) book() {
	s.want.Accepted.Known, s.want.Refused.Known, s.want.Shortfall.Known = true, true, true
	cut, written := s.chance(30), s.n
	if cut {
		written = uint64(s.r.IntN(int(s.n + 1)))
	}
	book := s.lines(written, cut)
	book.First, book.Last = when(0), when(s.n)
	other := book
	if cut {
		book.End = ledger.Totals{}
	} else {
		book.Closed = when(s.n)
		for _, r := range book.Refused {
			book.End.Refused += r.Len()
		}
		for _, e := range book.Accepted {
			book.End.Accepted += e.Len()
		}
	}
	if whole := book.Accepted; s.r.IntN(3) == 0 { // in two files
		i := s.r.IntN(len(whole) + 1)
		book.Accepted, other.Accepted = whole[:i], whole[i:]
		other.End, other.Refused = ledger.Totals{}, nil
		s.ledgers = append(s.ledgers, &ledger.Ledger{Streams: []*ledger.Stream{&other}, Lines: 1})
	}
	s.ledgers = slices.Insert(s.ledgers, s.r.IntN(len(s.ledgers)+1), &ledger.Ledger{Streams: []*ledger.Stream{&book}, Lines: 1})
	for _, m := range ledger.Merge(s.ledgers) {
		if m.Run == s.run && m.Instance == s.instance {
			s.known = m.Given()
		}
	}
}

// lines returns a ledger with the first records. Its end has only what hidden lines had.
func (s *planStream) lines(written uint64, cut bool) (book ledger.Stream) {
	book.Run, book.Instance = s.run, s.instance
	for from := uint64(0); from < written; {
		size := min(uint64(1+s.r.IntN(100)), written-from)
		if s.n > 1000 {
			size = min(size*500, written-from)
		}
		kind := s.r.IntN(20)
		rg := ledger.Range{From: from, To: from + size - 1}
		switch {
		case s.faults && kind == 0:
			book.Refused = append(book.Refused, rg)
			setAll(s.refused, rg)
			s.want.Refused.N += size
		case s.faults && kind == 1 && (from+size < written || !cut):
			setAll(s.hidden, rg)
			book.End.Accepted += size
		default:
			book.Accepted = append(book.Accepted, ledger.Entry{Range: rg, Since: when(rg.From), Until: when(rg.To + 1)})
			s.want.Accepted.N += size
		}
		from += size
	}
	return book
}

// setAll sets the elements of a range.
func setAll(set []bool, r ledger.Range) {
	for k := r.From; k <= r.To; k++ {
		set[k] = true
	}
}

// send returns what leaves the pipeline.
func (s *planStream) send() (out []arrival) {
	for k := range s.n {
		if s.refused[k] {
			continue
		}
		if s.chance(s.loss) {
			s.missing = append(s.missing, k)
			continue
		}
		st := recordscan.Intact
		switch {
		case s.chance(s.flip):
			st = recordscan.Damaged
		case s.chance(s.flip):
			st = recordscan.Enriched
		case s.chance(5):
			st = recordscan.Unchecked
		}
		out = append(out, arrival{s.id(k), st})
	}
	for i := range out {
		if s.chance(s.swap) {
			j := min(len(out)-1, i+s.r.IntN(20))
			out[i], out[j] = out[j], out[i]
		}
	}
	for i := 0; i < len(out); i++ {
		if s.chance(s.dup) && (s.n < 1000 || s.r.IntN(1000) == 0) {
			at := i + 1 + s.r.IntN(len(out)-i)
			out = slices.Insert(out, at, out[i])
			i++
		}
	}
	return out
}

// count adds the expected counts.
func (s *planStream) count(out []arrival) {
	seen := map[uint64]bool{}
	top := uint64(0)
	for _, a := range out {
		switch a.state {
		case recordscan.Damaged:
			s.want.Damaged++
		case recordscan.Enriched:
			s.want.Enriched++
		case recordscan.Unchecked:
			s.want.Unchecked++
		}
		if seen[a.id.Seq] {
			s.want.Duplicates++
			continue
		}
		if len(seen) > 0 && a.id.Seq < top {
			s.want.Reordered++
			s.want.Distance = max(s.want.Distance, top-a.id.Seq)
		}
		seen[a.id.Seq] = true
		top = max(top, a.id.Seq)
	}
	s.want.Arrived += uint64(len(seen))
	sent := s.known
	if len(seen) > 0 {
		sent = max(sent, top+1)
	}
	s.want.Sent += sent
	s.countMissing(sent)
}

// countMissing adds the expected counts of the records that do not arrive, of as many as
// were sent.
func (s *planStream) countMissing(sent uint64) {
	for _, k := range s.missing {
		switch {
		case k >= sent:
		case s.withLedger && (k >= s.known || s.hidden[k]):
			s.want.Unknown++
		default:
			s.want.Lost++
		}
	}
}

// merge interleaves two runs at random.
func merge(r *rand.Rand, a, b []arrival) []arrival {
	var out []arrival
	for len(a) > 0 && len(b) > 0 {
		if r.IntN(2) == 0 {
			out, a = append(out, a[0]), a[1:]
		} else {
			out, b = append(out, b[0]), b[1:]
		}
	}
	return append(append(out, a...), b...)
}

func (p *plan) verdict(memory int64) *Verdict {
	a := New(Options{Ledgers: p.ledgers, Memory: memory})
	for _, x := range p.arrivals {
		a.Take(x.id, x.state, 0)
	}
	return a.Verdict()
}
