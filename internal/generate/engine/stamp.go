// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"time"

	"github.com/gdummy/gdummy/internal/event"
)

// maxSlip is how far the wall clock may deviate from the monotonic clock before the
// records follow it. Below that, the intervals between records are exactly those of
// their ticks.
const maxSlip = int64(500 * time.Microsecond)

// stamper computes the times of records. The times of an input are strictly
// increasing:
//
//	time(k) = max(due(k), time(k-1) + 1 ns)
//
// Backends that use the time as a key would overwrite one of two records with the
// same time. The exceptions are a fixed time and the latest time that an event can
// represent.
type stamper struct {
	kind   clockKind
	base   int64     // the record time at the start of the engine, in nanoseconds since 1970
	latest int64     // no record is due later than this
	next   int64     // the earliest time of the next record
	began  time.Time // when a clock with a start time was at its start time
}

// clockKind is the configuration of the records' clock.
type clockKind struct {
	fixed    bool
	relative bool  // the clock starts at start instead of the wall-clock time
	start    int64 // in nanoseconds since 1970
}

// Clock is the state of the clock of an engine's records. The engine that replaces
// it in a hot reload continues from it, see [Options].
type Clock struct {
	kind  clockKind
	next  int64
	began time.Time
}

// lastMoment is the time from which times no longer increase, so that no record of
// a slice exceeds event.MaxTime.
const lastMoment = event.MaxTime - MaxSlice

// newStamper returns the clock of a configuration. It continues from before if that
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

// clock returns the state for the engine that replaces this one.
func (s *stamper) clock() Clock { return Clock{s.kind, s.next, s.began} }

// set adjusts the records' clock to the wall-clock time now, elapsed nanoseconds
// after the start.
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

// due returns the time on the records' clock at t nanoseconds after the start.
func (s *stamper) due(t int64) int64 {
	if s.kind.fixed {
		return s.base
	}
	return min(max(s.base+t, 0), s.latest)
}

// at returns the time of the first record due at t, and the step to each following
// one. The caller passes the last time that it uses to used.
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

// stamp replaces the moments at which records are due, in nanoseconds after the
// start, with the times of these records. The caller passes the last time that it
// uses to used.
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

// used records the time of the last record.
func (s *stamper) used(last int64) { s.next = min(last, event.MaxTime-1) + 1 }
