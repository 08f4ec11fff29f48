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

// stamper computes the moments at which records are due, in nanoseconds since 1970.
// Those of an input are strictly increasing:
//
//	moment(k) = max(due(k), moment(k-1) + 1 ns)
//
// Backends that use the time of a record as a key would overwrite one of two records
// with the same time. The moment of a record is in its identity, and [Timing] makes
// the time of the record of it.
type stamper struct {
	kind   clockKind
	base   int64     // the start of the engine, in nanoseconds since 1970
	latest int64     // no record is due later than this
	next   int64     // the earliest moment of the next record
	began  time.Time // when a clock with a start time was at its start time
	zero   int64     // the moment of that
}

// Timing makes the time that a record bears of the moment at which it was due.
type Timing struct {
	Fixed  bool  // all records bear the time Offset
	Offset int64 // otherwise what the time is after the moment, in nanoseconds
}

// Time returns the time of a record that was due at a moment.
func (t Timing) Time(due int64) int64 {
	if t.Fixed {
		return t.Offset
	}
	at := max(due+t.Offset, 0)
	if at > lastMoment {
		return event.MaxTime
	}
	return at
}

// span returns the time of a record that was due at a moment, and the step to those
// that follow it by step each.
func (t Timing) span(due, step int64) (first, after int64) {
	first = t.Time(due)
	if t.Fixed || first == event.MaxTime {
		return first, 0
	}
	return first, step
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
	zero  int64
}

// lastMoment is the time from which times no longer increase, so that no record of
// a slice exceeds event.MaxTime.
const lastMoment = event.MaxTime - MaxSlice

// newStamper returns the clock of a configuration and the timing of its records. It
// continues from before: with the time of the records, if that is of the same kind.
func newStamper(c *Config, start time.Time, before Clock) (stamper, Timing) {
	s := stamper{base: start.UnixNano(), latest: event.MaxTime, began: start, zero: start.UnixNano(), next: before.next}
	s.kind.fixed = c.FixedTimestamp
	if c.StartTimeSec >= 0 || c.StartTimeNsec >= 0 {
		s.kind.relative = true
		s.kind.start = max(c.StartTimeSec, 0)*int64(time.Second) + max(c.StartTimeNsec, 0)
	}
	if s.kind == before.kind && !before.began.IsZero() && !s.kind.fixed {
		s.began, s.zero = before.began, before.zero
		if s.kind.relative {
			s.base = s.zero + int64(start.Sub(s.began))
		}
	}
	switch {
	case s.kind.fixed && s.kind.relative:
		return s, Timing{Fixed: true, Offset: s.kind.start}
	case s.kind.fixed:
		return s, Timing{Fixed: true, Offset: s.base}
	case s.kind.relative:
		return s, Timing{Offset: s.kind.start - s.zero}
	}
	return s, Timing{}
}

// clock returns the state for the engine that replaces this one.
func (s *stamper) clock() Clock { return Clock{s.kind, s.next, s.began, s.zero} }

// set adjusts the moments to the wall-clock time now, elapsed nanoseconds after the
// start. A clock with a start time does not follow: its records keep their distance.
func (s *stamper) set(now time.Time, elapsed int64) {
	if s.kind.relative && !s.kind.fixed {
		return
	}
	wall := now.UnixNano()
	if slip := wall - elapsed - s.base; slip > maxSlip || slip < -maxSlip {
		s.base += slip
	}
	s.latest = min(wall, event.MaxTime)
}

// due returns the moment t nanoseconds after the start.
func (s *stamper) due(t int64) int64 { return min(max(s.base+t, 0), s.latest) }

// at returns the moment of the first record due t nanoseconds after the start. Each
// one after it is 1 ns later. The caller passes the last moment that it uses to used.
func (s *stamper) at(t int64) (first int64) { return max(s.due(t), s.next) }

// stamp replaces times after the start, in nanoseconds, with the moments of the records
// that are due then. The caller passes the last moment that it uses to used.
func (s *stamper) stamp(moments []int64) {
	next := s.next
	for i, m := range moments {
		t := max(min(max(s.base+m, 0), s.latest), next)
		moments[i] = t
		next = t + 1
	}
}

// used records the moment of the last record.
func (s *stamper) used(last int64) { s.next = last + 1 }
