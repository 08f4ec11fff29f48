// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"cmp"
	"slices"

	"github.com/gdummy/gdummy/internal/recordid"
)

// Merge joins the streams of the same instance and run, which the files of a rotated
// ledger share. The order of the ledgers does not matter. The result is in the order
// of the streams' first lines.
func Merge(ledgers []*Ledger) []*Stream {
	type id struct {
		run      recordid.Run
		instance uint16
	}
	byID := map[id]*Stream{}
	var all []*Stream
	for _, l := range ledgers {
		for _, s := range l.Streams {
			key := id{s.Run, s.Instance}
			m := byID[key]
			if m == nil {
				m = new(Stream)
				*m = *s
				m.Accepted, m.Refused, m.Events = slices.Clone(s.Accepted), slices.Clone(s.Refused), slices.Clone(s.Events)
				byID[key] = m
				all = append(all, m)
				continue
			}
			m.join(s)
		}
	}
	for _, m := range all {
		m.tidy()
	}
	slices.SortStableFunc(all, func(a, b *Stream) int { return a.First.Compare(b.First) })
	return all
}

// join adds the part of the stream that another ledger has.
func (s *Stream) join(o *Stream) {
	if s.Opened.IsZero() {
		s.Name, s.Key, s.Place, s.Opened, s.Open = o.Name, o.Key, o.Place, o.Opened, o.Open
	}
	if s.Closed.IsZero() {
		s.Closed, s.End, s.Unsent = o.Closed, o.End, o.Unsent
	}
	if o.First.Before(s.First) {
		s.First = o.First
	}
	if o.Last.After(s.Last) {
		s.Last = o.Last
	}
	s.Accepted = append(s.Accepted, o.Accepted...)
	s.Refused = append(s.Refused, o.Refused...)
	s.Events = append(s.Events, o.Events...)
	// Both never decrease.
	s.Ingested, s.Shortfall = max(s.Ingested, o.Ingested), max(s.Shortfall, o.Shortfall)
	s.Counted = s.Counted || o.Counted
}

// tidy sorts ranges and events, and removes duplicates.
func (s *Stream) tidy() {
	slices.SortStableFunc(s.Accepted, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
	s.Accepted = slices.CompactFunc(s.Accepted, func(a, b Entry) bool { return a.Range == b.Range })
	slices.SortFunc(s.Refused, func(a, b Range) int { return cmp.Compare(a.From, b.From) })
	apart := s.Refused[:0]
	for _, r := range s.Refused {
		if n := len(apart); n > 0 && r.From <= apart[n-1].To+1 {
			apart[n-1].To = max(apart[n-1].To, r.To)
			continue
		}
		apart = append(apart, r)
	}
	s.Refused = apart
	slices.SortStableFunc(s.Events, func(a, b Event) int { return a.Time.Compare(b.Time) })
	s.Events = slices.CompactFunc(s.Events, func(a, b Event) bool {
		return a.Time.Equal(b.Time) && a.Word == b.Word && (a.Change == b.Change || a.Change != nil && b.Change != nil && *a.Change == *b.Change)
	})
}
