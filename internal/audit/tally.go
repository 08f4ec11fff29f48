package audit

import (
	"slices"
	"time"

	"github.com/gdummy/gdummy/internal/ledger"
)

// tally compares what arrived of a stream with what the ledger says; ls is nil
// if there is none.
func (a *Auditor) tally(s *stream, ls *ledger.Stream) Stream {
	st := Stream{
		Run: s.id.run.String(), Instance: s.id.instance,
		Counts: Counts{
			Arrived: s.arrived.count, Duplicates: s.duplicates, Unknown: s.undecided,
			Reordered: s.reordered, Distance: s.distance,
			Damaged: s.damaged, Enriched: s.enriched, Unchecked: s.unchecked,
		},
	}
	st.inexact = s.undecided > 0
	if s.any {
		st.First, st.Last = time.Unix(0, s.firstTime).UTC(), time.Unix(0, s.lastTime).UTC()
		st.Sent = s.max + 1
	}
	t := tallying{s: s, st: &st}
	if ls == nil {
		if s.any {
			t.missing(0, s.max, t.lost)
		}
		return st
	}
	st.Ledger, st.Closed, st.Name = true, !ls.Closed.IsZero(), ls.Name
	st.Ingested, st.Shortfall = ls.Ingested, ls.Shortfall
	for _, e := range ls.Events {
		st.Events = append(st.Events, Event{e.Time, e.Word, ls.Name})
	}
	for _, r := range ls.Refused {
		st.Refused += r.Len()
	}
	t.book = ls.Accepted
	next := uint64(0) // what the ledger has been looked at up to
	refused := ls.Refused
	between := func(to uint64) { // next..to-1 were not accepted
		for next < to {
			if len(refused) > 0 && refused[0].To < next {
				refused = refused[1:]
				continue
			}
			end := to
			if len(refused) > 0 && refused[0].From < to {
				if refused[0].From <= next {
					next = min(refused[0].To+1, to)
					continue
				}
				end = refused[0].From
			}
			t.missing(next, end-1, t.unknown)
			next = end
		}
	}
	for i := 0; i < len(ls.Accepted); i++ {
		r := ls.Accepted[i].Range
		for i+1 < len(ls.Accepted) && ls.Accepted[i+1].From <= r.To+1 {
			i++
			r.To = max(r.To, ls.Accepted[i].To)
		}
		between(r.From)
		st.Accepted += r.Len()
		t.missing(r.From, r.To, t.lost)
		next = r.To + 1
	}
	end := ls.Given() // what the last line has and no other is unknown
	between(end)
	st.Sent = max(st.Sent, end)
	if s.any && s.max >= end {
		t.missing(end, s.max, t.unknown)
	}
	return st
}

// tallying adds up what is missing.
type tallying struct {
	s    *stream
	st   *Stream
	book []ledger.Entry
}

// missing gives f what did not arrive of from..to, without what was withheld.
func (t *tallying) missing(from, to uint64, f func(gap)) {
	t.s.arrived.missing(from, to, func(g gap) {
		if t.s.withheld == nil || t.s.withheld.count == 0 {
			f(g)
			return
		}
		rest := uint64(0)
		t.s.withheld.missing(g.from, g.to, func(h gap) {
			if g.missing == g.to-g.from+1 {
				f(h)
				rest += h.missing
			}
		})
		if g.missing == g.to-g.from+1 {
			t.st.Withheld += g.missing - rest
			return
		}
		f(g)
	})
}

// lost counts a gap as lost, as far as that is certain; what may have arrived
// late is counted as unknown already.
func (t *tallying) lost(g gap) {
	if g.vague {
		t.unknown(g)
		return
	}
	t.st.Lost += g.missing - g.late
	if g.missing > g.late {
		t.list(&t.st.LostRanges, g, g.missing-g.late)
	}
}

func (t *tallying) unknown(g gap) {
	t.st.inexact = t.st.inexact || g.vague
	t.st.Unknown += g.missing - g.late
	if g.missing > g.late {
		t.list(&t.st.UnknownRanges, g, g.missing-g.late)
	}
}

// list adds a range to a list, or to the range before if they touch.
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

// when says when records were sent: by the ledger, whose lines hold the times of
// their first and last record, or by the records around the gap.
func (t *tallying) when(from, to uint64) (since, until time.Time) {
	for _, j := range t.jumpsAt(from) {
		if j.from <= from && to <= j.to {
			until = time.Unix(0, j.until).UTC()
			if j.since != 0 {
				since = time.Unix(0, j.since).UTC()
			}
		}
	}
	i, found := slices.BinarySearchFunc(t.book, from, func(e ledger.Entry, v uint64) int {
		switch {
		case e.To < v:
			return -1
		case e.From > v:
			return 1
		}
		return 0
	})
	if !found {
		return since, until
	}
	bySince, byUntil := at(t.book[i], from), at(t.book[i], min(to, t.book[i].To))
	for i < len(t.book) && t.book[i].From <= to {
		byUntil = at(t.book[i], min(to, t.book[i].To))
		i++
	}
	if since.IsZero() || until.Sub(since) > byUntil.Sub(bySince)+2*time.Second {
		return bySince, byUntil
	}
	return since, until
}

// jumpsAt returns the jump that has from in it, if it is known.
func (t *tallying) jumpsAt(from uint64) []jump {
	i, found := slices.BinarySearchFunc(t.s.jumps, from, func(j jump, v uint64) int {
		switch {
		case j.to < v:
			return -1
		case j.from > v:
			return 1
		}
		return 0
	})
	if !found {
		return nil
	}
	return t.s.jumps[i : i+1]
}

// at is when a record of an entry was sent, if they were sent evenly.
func at(e ledger.Entry, seq uint64) time.Time {
	span := e.Until.Sub(e.Since)
	return e.Since.Add(time.Duration(float64(span) * float64(seq-e.From) / float64(e.Len())))
}
