// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"cmp"
	"slices"
	"time"

	"github.com/gdummy/gdummy/internal/prove/ledger"
)

// selection are the streams that a verdict is on.
type selection struct {
	order []streamID // those of ledgers, in the order of their first lines, then the others
	book  map[streamID]*ledger.Stream
	old   []*ledger.Stream // closed before the audit began, and nothing came
	other uint64           // records that arrived of runs that were not asked for
}

// selection says which streams count.
func (a *Auditor) selection() selection {
	sel := selection{book: map[streamID]*ledger.Stream{}}
	var all []streamID
	for _, ls := range a.books {
		id := streamID{ls.Run, ls.Instance}
		sel.book[id] = ls
		all = append(all, id)
	}
	var others []streamID
	for id := range a.streams {
		if sel.book[id] == nil {
			others = append(others, id)
		}
	}
	slices.SortFunc(others, func(x, y streamID) int {
		return cmp.Or(
			cmp.Compare(a.streams[x].firstTime, a.streams[y].firstTime),
			cmp.Compare(x.run, y.run),
			cmp.Compare(x.instance, y.instance))
	})
	all = append(all, others...)
	last := a.lastBegin(all, sel.book)
	for _, id := range all {
		s, ls := a.streams[id], sel.book[id]
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
		// Of one that was killed, what it sent may be waiting somewhere.
		if s == nil && !named && !ls.Closed.IsZero() && ls.Closed.Before(a.o.Since) {
			sel.old = append(sel.old, ls)
			continue
		}
		sel.order = append(sel.order, id)
	}
	return sel
}

// span is from when to when a stream was sent: by its ledger, or by what arrived.
func (a *Auditor) span(id streamID, ls *ledger.Stream) (begin, end time.Time) {
	if ls != nil {
		return ls.First, ls.Last
	}
	s := a.streams[id]
	return time.Unix(0, s.firstTime), time.Unix(0, s.lastTime)
}

// lastBegin is when the last of the streams began.
func (a *Auditor) lastBegin(all []streamID, book map[streamID]*ledger.Stream) (last time.Time) {
	for _, id := range all {
		if begin, _ := a.span(id, book[id]); begin.After(last) {
			last = begin
		}
	}
	return last
}
