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
	chance := func(percent int) bool { return faults && r.IntN(100) < percent }
	runs := 1 + r.IntN(3)
	for run := range runs {
		n := uint64(1 + r.IntN(300))
		if r.IntN(200) == 0 {
			n += 1<<16 - 20 // crosses the boundary of a block
		}
		id := func(k uint64) recordid.ID {
			return recordid.ID{Run: recordid.Run(run/2 + 1), Instance: uint16(run % 2), Seq: k, Time: when(k).UnixNano()}
		}
		loss, dup, swap, flip := r.IntN(30), r.IntN(30), r.IntN(30), r.IntN(30)

		// The records that the host accepted, and those of them in the ledger.
		withLedger := r.IntN(4) > 0
		cut := withLedger && chance(30)
		known := n
		if cut {
			known = uint64(r.IntN(int(n + 1)))
		}
		var book ledger.Stream
		book.Run, book.Instance = id(0).Run, id(0).Instance
		refused := make([]bool, n)
		hidden := make([]bool, n) // in a damaged line of the ledger
		if withLedger {
			p.want.Accepted.Known, p.want.Refused.Known, p.want.Shortfall.Known = true, true, true
			for from := uint64(0); from < known; {
				size := min(uint64(1+r.IntN(100)), known-from)
				if n > 1000 {
					size = min(size*500, known-from)
				}
				kind := r.IntN(20)
				rg := ledger.Range{From: from, To: from + size - 1}
				switch {
				case faults && kind == 0:
					book.Refused = append(book.Refused, rg)
					for k := range size {
						refused[from+k] = true
					}
					p.want.Refused.N += size
				case faults && kind == 1 && (from+size < known || !cut):
					for k := range size {
						hidden[from+k] = true
					}
					book.End.Accepted += size
				default:
					book.Accepted = append(book.Accepted, ledger.Entry{Range: rg, Since: when(rg.From), Until: when(rg.To + 1)})
					p.want.Accepted.N += size
				}
				from += size
			}
			book.First, book.Last = when(0), when(n)
			other := book
			if cut {
				book.End = ledger.Totals{}
			} else {
				book.Closed = when(n)
				for _, r := range book.Refused {
					book.End.Refused += r.Len()
				}
				for _, e := range book.Accepted {
					book.End.Accepted += e.Len()
				}
			}
			if whole := book.Accepted; r.IntN(3) == 0 { // in two files
				i := r.IntN(len(whole) + 1)
				book.Accepted, other.Accepted = whole[:i], whole[i:]
				other.End, other.Refused = ledger.Totals{}, nil
				p.ledgers = append(p.ledgers, &ledger.Ledger{Streams: []*ledger.Stream{&other}, Lines: 1})
			}
			p.ledgers = slices.Insert(p.ledgers, r.IntN(len(p.ledgers)+1), &ledger.Ledger{Streams: []*ledger.Stream{&book}, Lines: 1})
		}
		known = 0
		for _, m := range ledger.Merge(p.ledgers) {
			if m.Run == book.Run && m.Instance == book.Instance {
				known = m.Given()
			}
		}

		// The output of the pipeline.
		var out []arrival
		var missing []uint64
		for k := range n {
			if refused[k] {
				continue
			}
			if chance(loss) {
				missing = append(missing, k)
				continue
			}
			st := recordscan.Intact
			switch {
			case chance(flip):
				st = recordscan.Damaged
			case chance(flip):
				st = recordscan.Enriched
			case chance(5):
				st = recordscan.Unchecked
			}
			out = append(out, arrival{id(k), st})
		}
		for i := range out {
			if chance(swap) {
				j := min(len(out)-1, i+r.IntN(20))
				out[i], out[j] = out[j], out[i]
			}
		}
		for i := 0; i < len(out); i++ {
			if chance(dup) && (n < 1000 || r.IntN(1000) == 0) {
				at := i + 1 + r.IntN(len(out)-i)
				out = slices.Insert(out, at, out[i])
				i++
			}
		}

		// The expected counts.
		seen := map[uint64]bool{}
		top := uint64(0)
		for _, a := range out {
			switch a.state {
			case recordscan.Damaged:
				p.want.Damaged++
			case recordscan.Enriched:
				p.want.Enriched++
			case recordscan.Unchecked:
				p.want.Unchecked++
			}
			if seen[a.id.Seq] {
				p.want.Duplicates++
				continue
			}
			if len(seen) > 0 && a.id.Seq < top {
				p.want.Reordered++
				p.want.Distance = max(p.want.Distance, top-a.id.Seq)
			}
			seen[a.id.Seq] = true
			top = max(top, a.id.Seq)
		}
		p.want.Arrived += uint64(len(seen))
		sent := uint64(0)
		if len(seen) > 0 {
			sent = top + 1
		}
		if withLedger {
			sent = max(sent, known)
		}
		p.want.Sent += sent
		for _, k := range missing {
			switch {
			case k >= sent:
			case !withLedger:
				p.want.Lost++
			case k >= known || hidden[k]:
				p.want.Unknown++
			default:
				p.want.Lost++
			}
		}
		if !withLedger {
			for k := range sent {
				if refused[k] {
					p.want.Lost++
				}
			}
		}
		p.arrivals = merge(r, p.arrivals, out)
	}
	for range r.IntN(5) {
		if chance(50) {
			p.arrivals = slices.Insert(p.arrivals, r.IntN(len(p.arrivals)+1), arrival{state: recordscan.Foreign})
			p.want.Foreign++
		}
	}
	return p
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
