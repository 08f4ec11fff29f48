// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"fmt"

	"github.com/gdummy/gdummy/internal/prove/ledger"
	"github.com/gdummy/gdummy/internal/recordid"
)

// fold adds the arrivals of another audit, which follow all those of a. It returns an
// error if o was made without a ledger that changes how arrivals are counted.
func (a *Auditor) fold(o *Auditor) error {
	a.foreign += o.foreign
	a.broken += o.broken
	reasons := make([]int, len(o.refusals))
	for i, r := range o.refusals {
		reasons[i] = a.refusals.reason(r.Why, r.Acknowledged)
		a.refusals[reasons[i]].Requests += r.Requests
		a.refusals[reasons[i]].Partly += r.Partly
	}
	if o.shared != nil {
		if a.shared == nil {
			a.shared = new(latencyStats)
		}
		a.shared.merge(o.shared)
	}
	for _, p := range o.order {
		s := a.stream(recordid.ID{Run: p.id.run, Instance: p.id.instance})
		if s == nil {
			a.surplus += p.arrived.count + p.duplicates + p.undecided
			continue
		}
		if err := s.sameTerms(p); err != nil {
			return err
		}
		if p.stats != o.shared {
			s.stats.merge(p.stats)
		}
		s.fold(p, reasons)
	}
	return nil
}

// sameTerms returns an error unless the records of both were counted in the same way.
func (s *stream) sameTerms(p *stream) error {
	switch mine, its := s.terms(), p.terms(); {
	case its != mine && its == 0:
		return fmt.Errorf("run %s, instance %d was sent out of order on purpose, and the part was made without its ledger: make it again with --ledger", s.id.run, s.id.instance)
	case its != mine:
		return fmt.Errorf("run %s, instance %d is counted by the plan in its ledger: give the same --ledger as when the part was made", s.id.run, s.id.instance)
	case s.changes != nil && p.changes == nil:
		return fmt.Errorf("run %s, instance %d has records that were sent broken, and the part was made without its ledger: make it again with --ledger", s.id.run, s.id.instance)
	}
	return nil
}

// fold adds the arrivals of the same stream in another audit. reasons are the indices of
// its refusals in s.
func (s *stream) fold(p *stream, reasons []int) {
	s.damaged += p.damaged
	s.enriched += p.enriched
	s.unchecked += p.unchecked
	s.undecided += p.undecided
	s.duplicates += p.duplicates
	s.due.merge(p.due)
	s.refusedDue.merge(p.refusedDue)
	s.given, s.top = s.given || p.given, max(s.top, p.top)
	for i, refused := range p.refused {
		if refused == nil {
			continue
		}
		for len(s.refused) <= reasons[i] {
			s.refused = append(s.refused, nil)
		}
		if s.refused[reasons[i]] == nil {
			s.refused[reasons[i]] = newSet(s.arrived.m)
		}
		s.foldCounted(s.refused[reasons[i]], refused, func(uint64) {})
	}
	if s.changes != nil && p.changes != nil {
		s.changes.fold(s, p.changes)
	}
	s.foldLags(p)
	if s.plan != nil && s.plan.Timing.Disorder.Repeat.Share > 0 {
		s.foldMoved(p)
	} else {
		s.foldNumbers(p, 0)
	}
	s.foldOrder(p)
}

// fold adds the changes in another audit.
func (c *changes) fold(s *stream, p *changes) {
	s.foldCounted(c.damaged, p.damaged, func(k uint64) { c.again[k]++ })
	s.foldCounted(c.unchecked, p.unchecked, func(uint64) {})
	for k, n := range p.again {
		c.again[k] += n
	}
}

// foldCounted adds another set to one that has counts of originals, see addFirst. It calls
// over with the first record of an original for each count that is too high.
func (s *stream) foldCounted(to, from *set, over func(uint64)) {
	if s.plan == nil {
		to.union(from, 0, func(u united) { u.eachAgain(over) })
		return
	}
	from.present(0, endOfNumbers, func(first, last uint64) {
		for k := first; k <= last; k++ {
			records, n := s.plan.Deliveries(s.plan.Original(k))
			if !addFirst(to, records[:n]) {
				over(records[0])
			}
		}
	})
}

// foldLags updates the distance and, for a part, adds the lags whose highest number is above
// that of s. It precedes the union of the numbers: a record that had arrived before is a
// duplicate, and has no distance.
func (s *stream) foldLags(p *stream) {
	s.below = max(s.below, p.late.below)
	if s.late != nil {
		s.late.below = max(s.late.below, p.late.below)
	}
	for _, g := range p.late.lags {
		s.distance = max(s.distance, s.lagging(g, func(from, to uint64) {
			if s.late != nil && g.max > s.max {
				s.late.addLag(lag{from, to, g.max})
			}
		}))
	}
}

// lagging returns the distance of a lag that follows all arrivals of s, or 0. It calls fresh
// for the ranges of its numbers that had not arrived.
func (s *stream) lagging(g lag, fresh func(from, to uint64)) (distance uint64) {
	first := true
	s.arrived.missing(g.from, g.to, func(x gap) {
		if !x.vague && x.missing == x.to-x.from+1 {
			if first {
				distance = max(g.max, s.max) - x.from
			}
			fresh(x.from, x.to)
		}
		first = false
	})
	return distance
}

// isExact reports whether a fork of the same stream, which is nil if s has none, has all that
// counts if its arrivals follow those of s: a fork keeps only some of its lags and jumps.
func (p *stream) isExact(s *stream) bool {
	if s == nil {
		return !p.moreJumps || len(p.jumps) == maxJumps
	}
	if p.moreJumps && len(s.jumps) < maxJumps {
		return false
	}
	distance := s.distance
	for i := 0; i < len(p.late.lags) && distance < p.late.below; i++ {
		distance = max(distance, s.lagging(p.late.lags[i], func(uint64, uint64) {}))
	}
	return distance >= p.late.below
}

// above returns the lowest number above all that determine the order.
func (s *stream) above() uint64 {
	if !s.any {
		return 0
	}
	return s.max + 1
}

// foldNumbers adds the numbers of p from one on. Those below the highest of s are
// reordered, and the others if they were in p.
func (s *stream) foldNumbers(p *stream, from uint64) {
	above := s.above()
	var known []lag // those that foldLags has added
	if s.late != nil {
		known = p.late.after(s.max)
		s.late.numbers.union(p.late.numbers, above, func(united) {})
	}
	s.arrived.union(p.arrived, from, func(u united) {
		s.duplicates += u.again
		s.undecided += u.undecided
		if above == 0 {
			return
		}
		n := u.count(0, above-1)
		if n == 0 {
			return
		}
		s.reordered += n
		s.distance = max(s.distance, s.max-u.lowest())
		if s.late != nil {
			u.runs(above-1, func(from, to uint64) { s.late.addRun(known, from, to, s.max) })
		}
	})
	p.late.numbers.present(above, endOfNumbers, func(first, last uint64) {
		s.reordered += last - first + 1
	})
}

// foldMoved adds the numbers of p for a stream with repeats on purpose. An arrival in p
// may count for the other record of its original if that original, or later ones, had
// arrived before. All numbers of s above its order are repeats.
func (s *stream) foldMoved(p *stream) {
	above := s.above()
	var judged []ledger.Range
	p.arrived.present(0, above, func(from, to uint64) { judged = append(judged, ledger.Range{From: from, To: to}) })
	s.arrived.present(above, endOfNumbers, func(from, to uint64) {
		p.arrived.present(from, to+1, func(from, to uint64) { judged = append(judged, ledger.Range{From: from, To: to}) })
	})
	var known []lag
	if s.late != nil {
		known = p.late.after(s.max)
	}
	for _, r := range judged {
		for k := r.From; k <= r.To; k++ {
			if p.arrived.has(k) {
				s.foldOriginal(p, k, known)
			}
		}
	}
	s.repeated += p.repeated
	s.foldNumbers(p, above)
}

// foldOriginal moves the arrivals of the original of record k from p to s. known are the lags
// that foldLags has added.
func (s *stream) foldOriginal(p *stream, k uint64, known []lag) {
	records, n := s.plan.Deliveries(s.plan.Original(k))
	var before, has [2]bool
	for i, r := range records[:n] {
		before[i], has[i] = s.arrived.has(r), p.arrived.has(r)
		if has[i] {
			p.arrived.remove(r)
			if s.plan.Repeats(r) {
				p.repeated--
			}
		}
	}
	if n == 1 {
		s.addJudged(records[0], true, known)
		return
	}
	switch inOrder := !p.late.numbers.has(records[0]); {
	case has[0] && has[1]: // at least one is new, unless both had arrived
		s.addJudged(records[0], false, nil)
		s.addJudged(records[1], false, nil)
	case before[0], !before[1] && has[0] && inOrder && records[1] >= s.above():
		s.addJudged(records[1], false, nil)
	default:
		s.addJudged(records[0], false, nil)
	}
}

// addJudged adds an arrival that is not in the order: it is a duplicate, a repeat on
// purpose, or reordered.
func (s *stream) addJudged(k uint64, single bool, known []lag) {
	switch s.arrived.add(k) {
	case present:
		s.duplicates++
	case undecided:
		s.undecided++
	default:
		if s.plan.Repeats(k) {
			s.repeated++
			return
		}
		s.reordered++
		if single {
			s.distance = max(s.distance, s.max-k)
		}
		switch {
		case s.late == nil:
		case single:
			s.late.addRun(known, k, k, s.max)
		default:
			s.late.numbers.add(k)
		}
	}
}

// foldOrder adds the highest number of p, and the gaps before it.
func (s *stream) foldOrder(p *stream) {
	if !p.any {
		return
	}
	for _, j := range p.jumps {
		if s.any && j.to <= s.max {
			continue
		}
		if s.any && j.from <= s.max+1 {
			j.from, j.since = s.max+1, s.maxTime
		}
		s.jump(j)
	}
	if !s.any || p.max > s.max {
		s.any, s.max, s.maxTime = true, p.max, p.maxTime
	}
}
