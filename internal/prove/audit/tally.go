// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"cmp"
	"slices"
	"time"

	"github.com/gdummy/gdummy/internal/prove/ledger"
)

// tally compares the arrivals of a stream with its ledger; ls is nil if there is none.
// It adds the refusals of our receiver to r.
func (a *Auditor) tally(s *stream, ls *ledger.Stream, r *Receiver) Stream {
	if ls != nil {
		s = s.settled(ls)
	}
	st := Stream{
		Run: s.id.run.String(), Instance: s.id.instance,
		Counts: Counts{
			Arrived: s.arrived.count, Repeated: s.repeated, Duplicates: s.duplicates, Unknown: s.undecided,
			Reordered: s.reordered, Distance: s.distance,
			Damaged: s.damaged, Enriched: s.enriched, Unchecked: s.unchecked,
		},
	}
	st.inexact = s.undecided > 0
	if ls != nil && s.unplanned(ls) {
		st.inexact, st.unplanned = true, true
	}
	if s.due.any {
		st.First, st.Last = time.Unix(0, s.due.first).UTC(), time.Unix(0, s.due.last).UTC()
	}
	st.Sent = s.end()
	t := tallying{s: s, st: &st, receiver: r, reasons: a.reasons(s, r), partial: len(a.missing) > 0}
	if t.partial {
		t.reasons = nil // refused records may have arrived, too
	}
	switch {
	case ls != nil:
		t.ledger(ls)
	case st.Sent > 0:
		t.missing(0, st.Sent-1, true)
	}
	return st
}

// reasons adds the refused records of a stream to r. It returns the indices of their
// reasons in r, acknowledged ones first.
func (a *Auditor) reasons(s *stream, r *Receiver) (all []int) {
	for len(r.Refused) < len(a.refusals) {
		r.Refused = append(r.Refused, a.refusals[len(r.Refused)])
	}
	for _, acknowledged := range []bool{true, false} {
		for i, set := range s.refused {
			if set != nil && r.Refused[i].Acknowledged == acknowledged {
				all = append(all, i)
				r.Refused[i].Records += set.count
			}
		}
	}
	return all
}

// ledger adds what the ledger has of the stream, and the missing records.
func (t *tallying) ledger(ls *ledger.Stream) {
	st := t.st
	st.Ledger, st.Closed, st.Name = true, !ls.Closed.IsZero(), ls.Name
	st.Accepted, st.Refused, st.Shortfall = Known(0), Known(0), Known(ls.Shortfall)
	if ls.Counted {
		st.Ingested = Known(ls.Ingested)
	}
	for _, e := range ls.Events {
		st.Events = append(st.Events, Event{e.Time, e.Word, ls.Name, e.Change})
	}
	for _, r := range ls.Refused {
		st.Refused.N += r.Len()
	}
	t.accepted = ls.Accepted
	if t.s.changes != nil {
		t.broken = newBrokenTally(ls, t.s.plan)
	}
	next, refused := uint64(0), ls.Refused // the first record that is not tallied yet
	for i := 0; i < len(ls.Accepted); i++ {
		r := ls.Accepted[i].Range
		for i+1 < len(ls.Accepted) && ls.Accepted[i+1].From <= r.To+1 {
			i++
			r.To = max(r.To, ls.Accepted[i].To)
		}
		refused = t.neither(next, r.From, refused)
		st.Accepted.N += r.Len()
		t.missing(r.From, r.To, true)
		next = r.To + 1
	}
	end := ls.Given() // records that only the line close counts are unknown
	t.neither(next, end, refused)
	if st.Sent > end {
		t.missing(end, st.Sent-1, false)
	}
	st.Sent = max(st.Sent, end)
	if t.broken != nil {
		st.Damaged -= t.broken.arrive(t.s, st.Sent)
		t.broken.neighbours(t.s, st.Sent)
		st.BrokenRecords = t.broken.export()
		st.inexact = st.inexact || t.broken.more
	}
}

// neither adds those of the records from..to-1, which were not accepted, that were not
// refused either. It returns the refused ranges from there on.
func (t *tallying) neither(from, to uint64, refused []ledger.Range) []ledger.Range {
	for from < to {
		switch {
		case len(refused) == 0 || refused[0].From >= to:
			t.missing(from, to-1, false)
			return refused
		case refused[0].From > from:
			t.missing(from, refused[0].From-1, false)
		}
		if from = max(from, refused[0].To+1); from < to {
			refused = refused[1:]
		}
	}
	return refused
}

// tallying counts the missing records of a stream.
type tallying struct {
	s        *stream
	st       *Stream
	accepted []ledger.Entry

	broken  *brokenTally // nil if no record was sent broken
	partial bool         // missing records may have arrived in a part that is missing

	receiver *Receiver
	reasons  []int // indices of receiver.Refused for this stream, acknowledged ones first
}

// missing adds the records of from..to that did not arrive. If sent is set, because
// they were accepted or have no ledger, they are lost; otherwise they are unknown.
func (t *tallying) missing(from, to uint64, sent bool) {
	sent = sent && !t.partial
	t.s.arrived.missing(from, to, func(g gap) {
		if g.missing < g.to-g.from+1 || g.late > 0 || g.vague {
			t.blurred(g, sent)
		} else {
			t.absent(g.from, g.to, sent, t.reasons)
		}
	})
}

// absent adds records that did not arrive, by the reasons for which our receiver may
// have refused them.
func (t *tallying) absent(from, to uint64, sent bool, reasons []int) {
	if len(reasons) == 0 {
		g := gap{from: from, to: to, missing: to - from + 1}
		if sent {
			t.lost(g)
		} else {
			t.unknown(g)
		}
		return
	}
	r := &t.receiver.Refused[reasons[0]]
	// count adds n records of from..to that were refused for this reason.
	count := func(from, to, n uint64) {
		if r.Acknowledged {
			t.st.Withheld += n
			r.Withheld += n
			if t.broken != nil && n == to-from+1 {
				t.broken.split(from, to, func(c *BrokenCounts) { c.Withheld++ }, func(uint64, uint64) {})
			}
			return
		}
		before := t.st.Lost
		t.lost(gap{from: from, to: to, missing: n})
		t.st.ByReceiver += t.st.Lost - before
		r.Lost += t.st.Lost - before
	}
	t.s.refused[reasons[0]].split(from, to,
		func(from, to uint64) { count(from, to, to-from+1) },
		func(from, to uint64) { t.absent(from, to, sent, reasons[1:]) },
		func(from, to, in, out uint64) { // certainly refused: in; certainly not: out
			t.receiver.AtLeast = true
			all := gap{from: from, to: to, missing: to - from + 1}
			switch {
			case sent && !r.Acknowledged:
				t.lost(all)
				t.st.ByReceiver += in
				r.Lost += in
				return
			case sent:
				t.lost(gap{from: from, to: to, missing: out})
				all.missing -= out
				all.vague = all.missing > in
			}
			count(from, to, in)
			all.missing -= in
			t.unknown(all)
		})
}

// blurred adds a gap whose records arrived in part; which ones is unknown.
func (t *tallying) blurred(g gap, sent bool) {
	held, refused := uint64(0), uint64(0)
	for _, i := range t.reasons {
		n := t.s.refused[i].within(g.from, g.to)
		refused += n
		if t.receiver.Refused[i].Acknowledged {
			held += n
		}
	}
	t.receiver.AtLeast = t.receiver.AtLeast || refused > held
	if !sent || g.vague {
		t.unknown(g)
		return
	}
	if held = min(held, g.missing-g.late); held > 0 {
		// These are lost or withheld.
		t.unknown(gap{from: g.from, to: g.to, missing: held, vague: true})
		g.missing -= held
	}
	t.lost(g)
}

// lost counts the records of a gap that are certainly lost. Those that may have arrived
// late are already counted as unknown.
func (t *tallying) lost(g gap) {
	if t.broken == nil || g.late > 0 || g.missing < g.to-g.from+1 {
		t.lose(g)
		return
	}
	t.broken.lose(g.from, g.to)
	t.broken.split(g.from, g.to, func(c *BrokenCounts) { c.Lost++ }, func(from, to uint64) {
		t.lose(gap{from: from, to: to, missing: to - from + 1})
	})
}

// lose is lost for records that were not sent broken.
func (t *tallying) lose(g gap) {
	t.st.Lost += g.missing - g.late
	if g.missing > g.late {
		t.list(&t.st.LostRanges, g, g.missing-g.late)
	}
}

func (t *tallying) unknown(g gap) {
	t.st.inexact = t.st.inexact || g.vague
	t.st.Unknown += g.missing - g.late
	if t.broken != nil && g.late == 0 && g.missing == g.to-g.from+1 {
		t.broken.split(g.from, g.to, func(c *BrokenCounts) { c.Unknown++ }, func(uint64, uint64) {})
	}
	if g.missing > g.late {
		t.list(&t.st.UnknownRanges, g, g.missing-g.late)
	}
}

// list appends a range to a list. It extends the previous range if the two are adjacent.
func (t *tallying) list(to *[]Loss, g gap, count uint64) {
	since, until := t.when(g.from, g.to)
	if n := len(*to); n > 0 && (*to)[n-1].To+1 == g.from {
		l := &(*to)[n-1]
		l.To, l.Count = g.to, l.Count+count
		if !until.IsZero() {
			l.Until = until
		}
		return
	}
	if len(*to) >= maxRanges {
		t.st.MoreRanges++
		return
	}
	*to = append(*to, Loss{From: g.from, To: g.to, Count: count, Since: since, Until: until})
}

// when returns the period in which records were sent. It derives it from the ledger,
// whose lines have the times of their records, or from the records around the gap,
// whichever is shorter.
func (t *tallying) when(from, to uint64) (since, until time.Time) {
	i, _ := slices.BinarySearchFunc(t.s.jumps, from, func(j jump, v uint64) int { return cmp.Compare(j.to, v) })
	if i < len(t.s.jumps) {
		if j := t.s.jumps[i]; j.from <= from && to <= j.to {
			until = time.Unix(0, j.until).UTC()
			if j.since != 0 {
				since = time.Unix(0, j.since).UTC()
			}
		}
	}
	i, _ = slices.BinarySearchFunc(t.accepted, from, func(e ledger.Entry, v uint64) int { return cmp.Compare(e.To, v) })
	if i == len(t.accepted) || t.accepted[i].From > from {
		return since, until
	}
	bySince, byUntil := at(t.accepted[i], from), at(t.accepted[i], min(to, t.accepted[i].To))
	for i < len(t.accepted) && t.accepted[i].From <= to {
		byUntil = at(t.accepted[i], min(to, t.accepted[i].To))
		i++
	}
	if since.IsZero() || until.Sub(since) > byUntil.Sub(bySince)+2*time.Second {
		return bySince, byUntil
	}
	return since, until
}

// at returns when a record of an entry was sent, assuming a constant rate.
func at(e ledger.Entry, seq uint64) time.Time {
	span := e.Until.Sub(e.Since)
	return e.Since.Add(time.Duration(float64(span) * float64(seq-e.From) / float64(e.Len())))
}
