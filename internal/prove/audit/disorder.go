// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"slices"

	"github.com/gdummy/gdummy/internal/generate/engine"
	"github.com/gdummy/gdummy/internal/prove/ledger"
	"github.com/gdummy/gdummy/internal/prove/recordscan"
	"github.com/gdummy/gdummy/internal/recordid"
)

// The records of a stream may be sent out of order and repeated on purpose. Their
// identities then name originals, and the ledger has the plan: which original each
// record delivered. The audit counts deliveries. An arrival counts as the first
// delivery of its original behind all that have arrived or, without one, as the first
// that has not arrived. What arrives more often than it was delivered is a duplicate.

// MaxWaiting is the maximum number of arrivals that wait for the ledger of their run.
const MaxWaiting = 1 << 16

// waiting is the arguments of a call of Take.
type waiting struct {
	id    recordid.ID
	state recordscan.State
	at    int64
}

// moved returns the origin of a stream that is sent out of order on purpose, or nil.
func moved(ls *ledger.Stream) *engine.Origin {
	if ls.Open["disorder"] == "" {
		return nil
	}
	origin, err := engine.ParseOrigin(ls.Open)
	if err != nil || !origin.Moves() || origin.Step == 0 {
		return nil
	}
	return &origin
}

// wait keeps an arrival until the ledger of its run is there, and reports whether it
// has to. Only a live audit gets ledgers later.
func (a *Auditor) wait(id recordid.ID, state recordscan.State, at int64) bool {
	if !a.o.Follows || len(a.waiting) >= MaxWaiting || a.known[streamID{id.Run, id.Instance}] {
		return false
	}
	a.waiting = append(a.waiting, waiting{id, state, at})
	return true
}

// Waiting returns the number of arrivals that wait for the ledger of their run. Beyond
// MaxWaiting, records are counted without it: read the ledgers before.
func (a *Auditor) Waiting() int { return len(a.waiting) }

// unplanned reports whether arrivals of a stream were counted before its ledger showed that
// it is out of order on purpose. Its numbers then mean something else.
func (s *stream) unplanned(ls *ledger.Stream) bool {
	return s.plan == nil && s.arrived.count > 0 && moved(ls) != nil
}

// release takes the arrivals that wait, if the ledgers of their runs are there or all
// is true.
func (a *Auditor) release(all bool) {
	held := a.waiting
	a.waiting = nil
	for _, w := range held {
		if key := (streamID{w.id.Run, w.id.Instance}); all && !a.known[key] {
			a.known[key] = true // later ones do not wait either
		}
		a.Take(w.id, w.state, w.at)
	}
}

// learn notes which streams have a ledger, and which are out of order on purpose.
func (a *Auditor) learn() {
	for _, ls := range a.merged {
		id := streamID{ls.Run, ls.Instance}
		if ls.Opened.IsZero() || a.plans[id] != nil {
			continue
		}
		a.known[id] = true
		if a.streams[id] == nil { // else it was counted without a plan
			a.plans[id] = moved(ls)
		}
	}
}

// takeMoved is Take for a stream that is out of order on purpose.
func (s *stream) takeMoved(id recordid.ID, state recordscan.State, arrival int64) {
	records, n := s.plan.Deliveries(id.Seq)
	if n == 0 {
		s.undecided++
		return
	}
	s.stats.addUntimed(id.Time, arrival)
	if s.changes != nil {
		s.changes.add(records[:n], state)
	}
	id.Seq = s.delivery(records[:n])
	switch s.arrived.add(id.Seq) {
	case present:
		s.duplicates++
	case undecided:
		s.undecided++
	default:
		if s.plan.Repeats(id.Seq) {
			s.repeated++ // it has no place in the order
		} else {
			s.order(id, n == 1)
		}
	}
}

// delivery returns which of the records that deliver an original an arrival counts as.
func (s *stream) delivery(records []uint64) uint64 {
	open := -1
	for i, k := range slices.Backward(records) {
		if s.arrived.has(k) {
			continue
		}
		if open < 0 || !s.any || k > s.max || records[open] <= s.max {
			open = i
		}
	}
	return records[max(open, 0)]
}

// Other counts of an original, such as how often it was refused, do not depend on the
// order of arrival. A set has them as the first records that deliver it.

// addFirst adds the first of the records that a set does not have, and reports whether
// there was one.
func addFirst(s *set, records []uint64) bool {
	for _, k := range records {
		if s.add(k) != present {
			return true
		}
	}
	return false
}

// fit returns such a set for a verdict: what it has of a record that is unsuitable counts
// for the other record of the same original if that is suitable. A record is suitable if
// whether it arrived is arrived.
func (s *stream) fit(counted *set, arrived bool) *set {
	if counted == nil {
		return nil
	}
	suits := func(k uint64) bool { return s.arrived.has(k) == arrived }
	fitted := counted
	counted.present(0, endOfNumbers, func(from, to uint64) {
		for k := from; k <= to; k++ {
			if suits(k) {
				continue
			}
			if other, ok := s.other(k); ok && suits(other) && !counted.has(other) {
				if fitted == counted {
					fitted = counted.clone()
				}
				fitted.add(other)
			}
		}
	})
	return fitted
}

// settled returns the stream as its ledger shows it. An arrival that counts as a delivery
// that never was counts as the other one of the same original, or as a duplicate.
func (s *stream) settled(ls *ledger.Stream) *stream {
	if s.plan == nil {
		return s
	}
	c := *s
	move := func(k uint64) {
		other, ok := s.other(k)
		if !ok || within(ls.Refused, other) {
			return
		}
		if c.arrived == s.arrived {
			c.arrived = s.arrived.clone()
		}
		c.arrived.remove(k)
		if s.plan.Repeats(k) {
			c.repeated--
		}
		switch c.arrived.add(other) {
		case present:
			c.duplicates++
		case added:
			if s.plan.Repeats(other) {
				c.repeated++
			}
		}
	}
	for _, r := range ls.Refused {
		for k := r.From; k <= r.To; k++ {
			if s.arrived.has(k) {
				move(k)
			}
		}
	}
	if ls.Whole() { // else more may have been sent
		s.arrived.present(ls.Given(), endOfNumbers, func(from, to uint64) {
			for k := from; k <= to; k++ {
				if s.plan.Repeats(k) {
					move(k)
				}
			}
		})
	}
	c.refused = slices.Clone(s.refused)
	for i, refused := range c.refused {
		c.refused[i] = c.fit(refused, false)
	}
	if s.changes != nil {
		c.changes = &changes{c.fit(s.changes.damaged, true), c.fit(s.changes.unchecked, true), s.changes.again}
	}
	return &c
}

// other returns the other record that delivers the original of record k.
func (s *stream) other(k uint64) (other uint64, ok bool) {
	records, n := s.plan.Deliveries(s.plan.Original(k))
	for _, r := range records[:n] {
		if r != k {
			return r, true
		}
	}
	return 0, false
}

func within(ranges []ledger.Range, k uint64) bool {
	for _, r := range ranges {
		if k >= r.From && k <= r.To {
			return true
		}
	}
	return false
}

// noteDisorder notes disorder on purpose, so that nobody takes it for that of the
// pipeline.
func (v *Verdict) noteDisorder(st *Stream, ls *ledger.Stream) {
	if ls == nil || ls.Open["disorder"] == "" {
		return
	}
	origin, err := engine.ParseOrigin(ls.Open)
	if err != nil {
		v.note("the ledger of run %s, instance %d has a plan of disorder that cannot be read: intended disorder counts as that of the pipeline", st.Run, st.Instance)
		return
	}
	v.note("run %s, instance %d was sent with %s: intended disorder and repeats are not counted as faults", st.Run, st.Instance, origin.Disorder())
}
