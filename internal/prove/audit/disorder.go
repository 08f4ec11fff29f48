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

// maxWaiting is the maximum number of arrivals that wait for the ledger of their run.
const maxWaiting = 1 << 16

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
	if a.o.Since.IsZero() || len(a.ledgers) == 0 || len(a.waiting) >= maxWaiting || a.known[streamID{id.Run, id.Instance}] {
		return false
	}
	a.waiting = append(a.waiting, waiting{id, state, at})
	return true
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

// learn notes what the ledgers say of the order of their streams.
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

// delivery returns which record an arrival with the number of an original is; none is
// true if none delivers it.
func (s *stream) delivery(number uint64) (k uint64, none bool) {
	records, n := s.plan.Deliveries(number)
	if n == 0 {
		return 0, true
	}
	open := -1
	for i := n - 1; i >= 0; i-- {
		if s.arrived.contains(records[i]) == present {
			continue
		}
		if open < 0 || !s.any || records[i] > s.max || records[open] <= s.max {
			open = i
		}
	}
	return records[max(open, 0)], false
}

// maxAhead is how many repeats ahead of the others are kept at least.
const maxAhead = 4096

// repeat counts the arrival of an intended repeat. It has no place in the order: a
// duplicate of the original counts as the repeat until that arrives.
func (s *stream) repeat(k uint64) {
	s.repeated++
	if len(s.ahead) >= maxAhead {
		s.ahead = slices.DeleteFunc(s.ahead, func(k uint64) bool { return k <= s.max })
	}
	s.ahead = append(s.ahead, k)
}

// settle finds arrivals that count as deliveries that never were, by the ledger, and
// counts them as others of the same original, or as duplicates.
func (s *stream) settle(ls *ledger.Stream) {
	if s.plan == nil {
		return
	}
	for _, r := range ls.Refused {
		for k := r.From; k <= r.To; k++ {
			s.settleOne(k, ls)
		}
	}
	if !ls.Whole() {
		return // more may have been sent
	}
	end := ls.Given()
	for _, k := range s.ahead {
		if k >= end {
			s.settleOne(k, ls)
		}
	}
}

func (s *stream) settleOne(k uint64, ls *ledger.Stream) {
	if s.settled[k] || s.arrived.contains(k) != present {
		return
	}
	other, ok := s.other(k)
	if !ok || within(ls.Refused, other) {
		return
	}
	if s.settled == nil {
		s.settled = map[uint64]bool{}
	}
	s.settled[k] = true
	s.uncounted++ // the set counts both, or one too many
	if s.plan.Repeats(k) {
		s.repeated--
	}
	switch s.arrived.add(other) {
	case present:
		s.duplicates++
	case added:
		if s.plan.Repeats(other) {
			s.repeated++
		}
	}
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
