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

// maxLags is how many of the largest lags are kept at least.
const maxLags = 4096

// add adds a reordered record. single reports that it has a distance.
func (l *late) add(seq, highest uint64, single bool) {
	l.numbers.add(seq)
	if single {
		l.addLag(lag{seq, seq, highest})
	}
}

// addRun adds the reordered records from..to, which have lags unless they are in known.
func (l *late) addRun(known []lag, from, to, highest uint64) {
	for k := from; k <= to; k++ {
		l.numbers.add(k)
	}
	without(known, from, to, func(from, to uint64) { l.addLag(lag{from, to, highest}) })
}

// addLag adds a lag of numbers that no other lag has.
func (l *late) addLag(g lag) {
	if l.below > 0 && g.distance() <= l.below {
		return
	}
	if n := len(l.lags); n > 0 && l.lags[n-1].max == g.max {
		switch last := &l.lags[n-1]; {
		case g.from == last.to+1:
			last.to = g.to
			return
		case g.to+1 == last.from:
			last.from = g.from
			return
		}
	}
	if l.lags = append(l.lags, g); len(l.lags) >= 2*maxLags {
		l.trim()
	}
}

// trim keeps the largest lags.
func (l *late) trim() {
	if l.normalize(); len(l.lags) <= maxLags {
		return
	}
	sorted := slices.Clone(l.lags)
	slices.SortFunc(sorted, func(a, b lag) int { return cmp.Compare(b.distance(), a.distance()) })
	l.below = max(l.below, sorted[maxLags].distance())
	l.lags = slices.DeleteFunc(l.lags, func(g lag) bool { return g.distance() <= l.below })
}

// normalize sorts the lags and joins adjacent ones, so that they do not depend on the order
// in which they were added.
func (l *late) normalize() {
	slices.SortFunc(l.lags, func(a, b lag) int { return cmp.Or(cmp.Compare(a.max, b.max), cmp.Compare(a.from, b.from)) })
	joined := l.lags[:0]
	for _, g := range l.lags {
		if n := len(joined); n > 0 && joined[n-1].max == g.max && joined[n-1].to+1 == g.from {
			joined[n-1].to = g.to
		} else {
			joined = append(joined, g)
		}
	}
	l.lags = joined
}

// after returns the lags whose highest number is above a given one, in the order of their
// numbers.
func (l *late) after(highest uint64) (after []lag) {
	for _, g := range l.lags {
		if g.max > highest {
			after = append(after, g)
		}
	}
	slices.SortFunc(after, func(a, b lag) int { return cmp.Compare(a.from, b.from) })
	return after
}

// without calls f for the ranges of from..to that are not in lags, which are in the order of
// their numbers.
func without(lags []lag, from, to uint64, f func(from, to uint64)) {
	i, _ := slices.BinarySearchFunc(lags, from, func(g lag, from uint64) int { return cmp.Compare(g.to, from) })
	for ; i < len(lags) && lags[i].from <= to; i++ {
		if g := lags[i]; g.from > from {
			f(from, g.from-1)
		}
		from = lags[i].to + 1
	}
	if from <= to {
		f(from, to)
	}
}
