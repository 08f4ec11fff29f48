// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"cmp"
	"slices"
	"time"

	"github.com/gdummy/gdummy/internal/prove/ledger"
)

// selection holds the streams that a verdict covers.
type selection struct {
	order  []streamID // first the streams in ledgers, by their first lines
	ledger map[streamID]*ledger.Stream
	old    []*ledger.Stream // closed before the audit began, without arrivals
	other  uint64           // arrivals of runs that were not requested
}

// selection selects the streams to audit.
func (a *Auditor) selection() selection {
	sel := selection{ledger: map[streamID]*ledger.Stream{}}
	var all []streamID
	for _, ls := range a.merged {
		id := streamID{ls.Run, ls.Instance}
		sel.ledger[id] = ls
		all = append(all, id)
	}
	var others []streamID
	for id := range a.streams {
		if sel.ledger[id] == nil {
			others = append(others, id)
		}
	}
	slices.SortFunc(others, func(x, y streamID) int {
		return cmp.Or(cmp.Compare(a.streams[x].period().first, a.streams[y].period().first), x.compare(y))
	})
	all = append(all, others...)
	last := a.lastBegin(all, sel.ledger)
	for _, id := range all {
		s, ls := a.streams[id], sel.ledger[id]
		named := slices.Contains(a.o.Runs, id.run)
		_, end := a.span(id, ls)
		switch {
		case len(a.o.Runs) == 0 && !a.o.Last, named, a.o.Last && !end.Before(last):
		default:
			if s != nil {
				sel.other += s.arrived.count + s.duplicates
			}
			continue
		}
		// Records of a killed run, whose ledger is not closed, may still arrive.
		if s == nil && !named && !ls.Closed.IsZero() && ls.Closed.Before(a.o.Since) {
			sel.old = append(sel.old, ls)
			continue
		}
		sel.order = append(sel.order, id)
	}
	return sel
}

// completed reports whether a selected run completed one that was stopped early.
func (sel *selection) completed(ls *ledger.Stream) bool {
	return slices.ContainsFunc(sel.order, func(id streamID) bool {
		other := sel.ledger[id]
		return other != nil && ls.CompletedBy(other)
	})
}

// span returns the period in which a stream was sent, from its ledger or else from its
// arrivals.
func (a *Auditor) span(id streamID, ls *ledger.Stream) (begin, end time.Time) {
	if ls != nil {
		return ls.First, ls.Last
	}
	p := a.streams[id].period()
	return time.Unix(0, p.first), time.Unix(0, p.last)
}

// period returns when the records that arrived were due or, without any, the refused
// ones.
func (s *stream) period() period {
	if s.due.any {
		return s.due
	}
	return s.refusedDue
}

// lastBegin returns the time at which the latest stream began: that of the ledgers, if there
// are any. Records of another run do not show that those in a ledger are not expected.
func (a *Auditor) lastBegin(all []streamID, ledgers map[streamID]*ledger.Stream) (last time.Time) {
	for _, id := range all {
		if len(ledgers) > 0 && ledgers[id] == nil {
			continue
		}
		if begin, _ := a.span(id, ledgers[id]); begin.After(last) {
			last = begin
		}
	}
	return last
}
