// SPDX-License-Identifier: Apache-2.0

package clock

import (
	"math"
	"math/big"
)

// spacing moves ticks that random moments bring too close together, so that no two
// records of an input have the same time. A tick is as late as the records before it
// require:
//
//	due(i) = max over j of moment(i-j) + j*perTick
//	       = max(moment(i), due(i-1) + perTick)
//
// The times are still a function of the position. For a tick that does not follow the
// last one, window ticks before it are enough: with [MaxDensity], a longer crowd is less
// likely than 1 in 10^40.
type spacing struct {
	last uint64 // the last tick, or none
	at   int64  // when it is due

	// The moments of recent ticks: that of tick i is in place i mod window.
	ticks   [window]uint64 // i+1; 0 if there is none
	moments [window]int64
}

const (
	window = 1 << 12 // a power of two
	none   = math.MaxUint64
)

func newSpacing() *spacing { return &spacing{last: none} }

// MaxDensity is the largest mean number of records in a nanosecond for which the times
// of a clock with random moments differ.
var MaxDensity = big.NewRat(4, 5)

// due returns the time of a tick, in nanoseconds after the start.
func (s *spacing) due(c *Clock, tick uint64) int64 {
	at := s.moment(c, tick)
	switch {
	case at >= Last-c.start:
		return at
	case s.last == tick-1 && tick > 0:
		at = max(at, s.at+int64(c.perTick))
	case s.last == tick:
		return s.at
	default:
		at = s.search(c, tick, at)
	}
	s.last, s.at = tick, at
	return at
}

// search returns the time of a tick with a moment, from the moments before it.
func (s *spacing) search(c *Clock, tick uint64, moment int64) int64 {
	due := moment
	// None of the ticks from i-from down to i-to+1 is later than the first of them, which often
	// proves that none of them moves this one.
	for from := uint64(1); from < window && from <= tick; from *= 2 {
		first := s.moment(c, tick-from)
		if first <= moment-window*int64(c.perTick) {
			break
		}
		to := min(2*from, window, tick+1)
		if first+int64((to-1)*c.perTick) <= due {
			continue
		}
		for j := from; j < to; j++ {
			due = max(due, s.moment(c, tick-j)+int64(j*c.perTick))
		}
	}
	return due
}

// moment returns the time of a tick by the schedule of the clock.
func (s *spacing) moment(c *Clock, tick uint64) int64 {
	i := tick % window
	if s.ticks[i] != tick+1 {
		s.ticks[i], s.moments[i] = tick+1, c.moment(tick)
	}
	return s.moments[i]
}
