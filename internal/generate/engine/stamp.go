// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"time"

	"github.com/gdummy/gdummy/internal/event"
)

// maxSlip is how far the wall clock may move against the monotonic one before
// records follow it. Within that, the times of records are as far apart as
// their ticks, to the nanosecond.
const maxSlip = int64(500 * time.Microsecond)

// stamper gives records their times. Those of one input increase strictly:
//
//	time(k) = max(due(k), time(k-1) + 1 ns)
//
// Backends that key records by time would overwrite one of two with the same
// time. A fixed time is the exception, and the end of what an event can carry.
type stamper struct {
	kind   clockKind
	base   int64     // the time of moment 0, in nanoseconds since 1970
	latest int64     // no record is due later than this
	next   int64     // the earliest time of the next record
	began  time.Time // when a clock with a start time showed that
}

// clockKind is what a configuration says about the records' clock.
type clockKind struct {
	fixed    bool
	relative bool  // the clock starts at start, not at the wall's time
	start    int64 // in nanoseconds since 1970
}

// Clock is the state of an engine's record clock. An engine that follows in a hot
// reload continues from it: see Options.
type Clock struct {
	kind  clockKind
	next  int64
	began time.Time
}

// lastMoment is when times stop increasing, so that the records of a slice never
// exceed what an event can carry.
const lastMoment = event.MaxTime - MaxSlice

// newStamper makes the clock of a configuration. It continues from before, if that
// is of the same kind.
func newStamper(c *Config, start time.Time, before Clock) stamper {
	s := stamper{base: start.UnixNano(), latest: event.MaxTime, began: start}
	s.kind.fixed = c.FixedTimestamp
	if c.StartTimeSec >= 0 || c.StartTimeNsec >= 0 {
		s.kind.relative = true
		s.kind.start = max(c.StartTimeSec, 0)*int64(time.Second) + max(c.StartTimeNsec, 0)
		s.base = s.kind.start
	}
	if s.kind == before.kind && !before.began.IsZero() && !s.kind.fixed {
		s.next = before.next
		s.began = before.began
		if s.kind.relative {
			s.base += int64(start.Sub(before.began))
		}
	}
	return s
}

// clock returns the state for the engine that follows.
func (s *stamper) clock() Clock { return Clock{s.kind, s.next, s.began} }

// set takes the wall clock into account, elapsed nanoseconds after the start.
func (s *stamper) set(now time.Time, elapsed int64) {
	if s.kind.fixed || s.kind.relative {
		return
	}
	wall := now.UnixNano()
	if slip := wall - elapsed - s.base; slip > maxSlip || slip < -maxSlip {
		s.base += slip
	}
	s.latest = min(wall, event.MaxTime)
}

// due returns the time, by the records' clock, of moment t: nanoseconds since the
// start.
func (s *stamper) due(t int64) int64 {
	if s.kind.fixed {
		return s.base
	}
	return min(max(s.base+t, 0), s.latest)
}

// at returns the time of the first of some records that are due at moment t, and
// the step from each to the next. The last time that is given is noted with used.
func (s *stamper) at(t int64) (first, step int64) {
	first = s.due(t)
	if s.kind.fixed {
		return first, 0
	}
	if first = max(first, s.next); first > lastMoment {
		return event.MaxTime, 0
	}
	return first, 1
}

// stamp replaces moments, each of one record, with the times of these records. The
// last one that is given is noted with used.
func (s *stamper) stamp(moments []int64) {
	next := s.next
	for i, m := range moments {
		if s.kind.fixed {
			moments[i] = s.base
			continue
		}
		t := min(max(s.base+m, 0), s.latest)
		t = min(max(t, next), event.MaxTime)
		moments[i] = t
		next = t + 1
	}
}

// used notes the time of the last record.
func (s *stamper) used(last int64) { s.next = min(last, event.MaxTime-1) + 1 }
