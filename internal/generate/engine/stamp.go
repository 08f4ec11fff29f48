// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"time"

	"github.com/gdummy/gdummy/internal/config/option"
	"github.com/gdummy/gdummy/internal/config/units"
	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/generate/clock"
)

// maxSlip is how far the wall clock may deviate from the monotonic clock before the
// records follow it. Below that, the intervals between records are exactly those of
// their ticks.
const maxSlip = int64(500 * time.Microsecond)

// stamper computes the moments at which records are due, in nanoseconds since 1970.
// Those of an input are strictly increasing:
//
//	moment(k) = max(due(k), moment(k-1) + gap)
//
// The gap is 1 ns or, for records whose clock is slower than the wall clock, the time in
// which theirs advances by 1 ns.
//
// Backends that use the time of a record as a key would overwrite one of two records
// with the same time. The moment of a record is in its identity, and [Timing] computes
// the time of the record from it or, if the times have a schedule, from its position.
type stamper struct {
	Clock
	base   int64 // the start of the engine, in nanoseconds since 1970
	latest int64 // no record is due later than this
	gap    int64 // the least distance of two moments
}

// clockKind is the configuration of the records' clock.
type clockKind struct {
	fixed     bool
	relative  bool // the clock starts at start instead of the wall-clock time
	scheduled bool // the times depend on positions
	ends      bool
	start     units.Moment
	end       units.Moment
	step      time.Duration
	speed     option.Ratio
	replay    string // the files of a replay and what is replayed of them
}

// kindOf returns the kind of clock of a configuration.
func kindOf(c *Config) clockKind {
	kind := clockKind{fixed: c.FixedTimestamp, scheduled: c.scheduled(), step: c.TimeStep, speed: c.TimeSpeed, replay: c.replayKey()}
	switch {
	case c.StartTime != nil:
		kind.relative, kind.start = true, *c.StartTime
	case c.startsAt():
		kind.relative = true
		kind.start.Nanoseconds = max(c.StartTimeSec, 0)*int64(time.Second) + max(c.StartTimeNsec, 0)
	case kind.scheduled || !c.TimeSpeed.One():
		kind.relative, kind.start.Relative = true, true // now
	}
	if c.EndTime != nil {
		kind.ends, kind.end = true, *c.EndTime
	}
	return kind
}

// Clock is the state of the clock of an engine's records. The engine that replaces
// it in a hot reload continues from it, see [Options].
type Clock struct {
	kind  clockKind
	next  int64     // the earliest moment of the next record
	began time.Time // when a clock with a start time was at its start time
	zero  int64     // the moment of that

	start, end int64  // of the records' clock, in nanoseconds since 1970; 0 without one
	origin     uint64 // the position of the first record, before reloads
	shift      *int64 // what replay_stamp shift adds to the times in the files, or nil
}

// lastMoment is the time from which times no longer increase, so that no record of
// a slice exceeds event.MaxTime.
const lastMoment = event.MaxTime - MaxSlice

// newStamper returns the clock of a configuration and the timing of its records, for an
// engine whose schedule starts after delay nanoseconds. It continues from before: with
// the time of the records, if that is of the same kind.
func newStamper(c *Config, start time.Time, delay int64, before Clock) (stamper, Timing) {
	s := stamper{Clock: before, base: start.UnixNano(), latest: event.MaxTime, gap: 1}
	kind := kindOf(c)
	if speed := c.TimeSpeed; speed.Num < speed.Den {
		s.gap = int64((speed.Den-1)/speed.Num + 1)
	}
	if kind == before.kind && !before.began.IsZero() && !kind.fixed {
		if kind.relative && !kind.scheduled {
			s.base = s.zero + int64(start.Sub(s.began))
		}
	} else {
		s.Clock = Clock{kind: kind, next: before.next, began: start, zero: s.base, origin: uint64(c.Template.First)}
		if kind.relative && c.StartTimeSec < 0 && c.StartTimeNsec < 0 {
			s.began = start.Add(time.Duration(delay))
			s.zero += delay
		}
		s.start, s.end = kind.start.From(start), kind.end.From(start)
		if !c.startsAt() {
			s.start = max(s.start-int64(c.ShuffleWithin), 0) // no record is from the future
		}
	}
	switch {
	case kind.fixed && kind.relative:
		return s, Timing{Fixed: true, Offset: s.start}
	case kind.fixed:
		return s, Timing{Fixed: true, Offset: s.base}
	case kind.scheduled:
		return s, Timing{Schedule: newSchedule(c, &s)}
	case kind.relative && !c.TimeSpeed.One():
		return s, Timing{Offset: s.start - s.zero, Zero: s.zero, Speed: clock.Speed(c.TimeSpeed)}
	case kind.relative:
		return s, Timing{Offset: s.start - s.zero}
	}
	return s, Timing{}
}

// replayTiming sets the timing of a replay whose records bear the times of their files.
func (s *stamper) replayTiming(r *replayed, c *Config) {
	r.Timing = Timing{}
	start := s.base
	if s.kind.relative {
		start = s.start
	}
	switch {
	case c.Replay.Stamp == option.StampKeep:
	case s.shift != nil:
		r.Timing.Offset = *s.shift
	default:
		r.shiftTo(start, uint64(c.Template.First))
		s.shift = &r.Timing.Offset
	}
}

// set adjusts the moments to the wall-clock time now, elapsed nanoseconds after the
// start. A clock with a start time does not follow: its records keep their distance.
func (s *stamper) set(now time.Time, elapsed int64) {
	if s.kind.relative && !s.kind.fixed && !s.kind.scheduled {
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
// one after it is a gap later. The caller passes the last moment that it uses to used.
func (s *stamper) at(t int64) (first int64) { return max(s.due(t), s.next) }

// stamp replaces times after the start, in nanoseconds, with the moments of the records
// that are due then. The caller passes the last moment that it uses to used.
func (s *stamper) stamp(moments []int64) {
	base, latest, gap, next := s.base, s.latest, s.gap, s.next
	for i, m := range moments {
		t := max(min(max(base+m, 0), latest), next)
		moments[i] = t
		next = t + gap
	}
}

// used records the moment of the last record.
func (s *stamper) used(last int64) { s.next = last + s.gap }
