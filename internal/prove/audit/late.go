// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"cmp"
	"slices"
)

// late holds the records of a stream that were reordered. A part needs them: with other
// arrivals before it, more of them may be, and some may be duplicates.
type late struct {
	numbers *set
	lags    []lag
	below   uint64 // records with this distance or less may be missing from lags
}

// lag is a range of reordered records, and the highest number before them.
type lag struct{ from, to, max uint64 }

func (l lag) distance() uint64 { return l.max - l.from }

// maxLags is the number of the largest lags that are kept at least.
const maxLags = 4096

// add adds a reordered record. single reports that it has a distance.
func (l *late) add(seq, highest uint64, single bool) {
	l.numbers.add(seq)
	if !single || l.below > 0 && highest-seq <= l.below {
		return
	}
	if n := len(l.lags); n > 0 && l.lags[n-1].max == highest {
		switch last := &l.lags[n-1]; seq {
		case last.to + 1:
			last.to = seq
			return
		case last.from - 1:
			last.from = seq
			return
		}
	}
	l.lags = append(l.lags, lag{seq, seq, highest})
	if len(l.lags) >= 2*maxLags {
		l.trim()
	}
}

// trim keeps the largest lags, in their order.
func (l *late) trim() {
	sorted := slices.Clone(l.lags)
	slices.SortFunc(sorted, func(a, b lag) int { return cmp.Compare(b.distance(), a.distance()) })
	l.below = max(l.below, sorted[maxLags].distance())
	l.lags = slices.DeleteFunc(l.lags, func(g lag) bool { return g.distance() <= l.below })
}
