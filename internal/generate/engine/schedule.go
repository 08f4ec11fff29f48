// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"github.com/gdummy/gdummy/internal/config/option"
	"github.com/gdummy/gdummy/internal/config/units"
	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/generate/clock"
	"github.com/gdummy/gdummy/internal/generate/pace"
)

// scheduled reports whether the time of a record depends on its position in the
// stream alone, instead of the moment at which it is due.
func (c *Config) scheduled() bool {
	return c.lives() != nil || c.TimeStep > 0 || c.spread() || c.Rate.Unlimited && c.profile != nil || c.disorder.Moves()
}

// spread reports whether the records are evenly spread between two times.
func (c *Config) spread() bool {
	return c.lives() == nil && c.startsAt() && c.EndTime != nil && c.MaxRecords > 0 && c.TimeSpeed.One() && c.TimeStep == 0 &&
		!(c.Rate.Unlimited && c.profile != nil)
}

// maxOfStream returns max_records of all shards together.
func (c *Config) maxOfStream() uint64 {
	if c.Template.Split {
		return uint64(c.MaxRecords)
	}
	return uint64(c.MaxRecords) * max(c.Template.Shards, 1)
}

// checkSplit reports ticks of several records whose times would follow from the position
// of each in the whole stream: the records of a tick are not consecutive there.
func (c *Config) checkSplit() (errs option.Errors) {
	if c.Template.Split && c.Template.Shards > 1 && c.lives() == nil && c.TimeStep == 0 && c.scheduled() && c.perTick() > 1 {
		errs = append(errs, option.Errorf("split", "split and times that follow from the position require ticks of one record: expected no copies and one object"))
	}
	return errs
}

// startsAt reports whether the clock of the records has a start time of its own.
func (c *Config) startsAt() bool {
	return c.StartTime != nil || c.StartTimeSec >= 0 || c.StartTimeNsec >= 0
}

// perTick returns the number of records in a tick.
func (c *Config) perTick() uint64 {
	n := uint64(c.Copies)
	switch {
	case c.replay != nil:
	case c.Program != nil:
		n *= c.Program.RecordsPerTick()
	default:
		n *= uint64(len(c.bodies))
	}
	return n
}

// newSchedule returns the schedule of a configuration's times.
func newSchedule(c *Config, s *stamper) *clock.Clock {
	l := clock.Layout{PerTick: c.perTick()}
	if c.TimeStep > 0 {
		return clock.Even(s.start, pace.FixedRate{Num: uint64(c.TimeStep), Den: 1}, l)
	}
	l.Origin = s.origin
	if stream := c.lives(); stream != nil {
		return clock.Follow(s.start, stream, s.origin)
	}
	if c.spread() {
		ticks := (c.maxOfStream()-1)/l.PerTick + 1
		return clock.Even(s.start, pace.FixedRate{Num: uint64(max(s.end-s.start, 1)), Den: ticks}, l)
	}
	if !c.Template.Split {
		l.Lanes = max(c.Template.Shards, 1)
	}
	schedule := c.schedule()
	if p, ok := schedule.(*pace.Profile); ok {
		start := s.start
		if !c.startsAt() {
			start += int64(c.ShuffleWithin)
		}
		schedule = p.From(start)
	}
	return clock.Along(s.start, schedule, clock.Speed(c.TimeSpeed), l)
}

// profileStart returns the moment that a load profile takes for its start, in an engine
// whose schedule starts after delay nanoseconds: the time of the records at the start.
func (s *stamper) profileStart(c *Config, timing Timing, delay int64) int64 {
	switch {
	case timing.Schedule != nil && c.startsAt():
		return s.start
	case timing.Schedule != nil || timing.Fixed:
		return s.base + delay
	}
	return timing.Time(s.base + delay)
}

// setClock sets the clock of the records and the end of the run that follows from it,
// and returns their timing.
func (e *Engine) setClock(c *Config, o Options) Timing {
	s, timing := newStamper(c, e.start, e.plan.delay, o.Clock)
	e.clock = s
	e.plan.start = s.profileStart(c, timing, e.plan.delay)
	if p, ok := e.plan.sched.(*pace.Profile); ok {
		e.plan.sched = p.From(e.plan.start)
	}
	first := s.start
	if !s.kind.relative {
		first = s.base
	}
	if s.kind.ends && s.end <= first && o.Log != nil {
		o.Log("option end_time: " + formatTime(s.end) + " is not after the start time " + formatTime(first) + ": there are no records")
	}
	stream := c.lives()
	if stream != nil && e.plan.sched != nil {
		e.plan.follow(newLivesSchedule(c, stream, &s, int64(e.start.Sub(s.began))+e.plan.delay))
	}
	limit := uint64(pace.Unbounded)
	switch {
	case timing.Schedule != nil && s.kind.ends:
		limit = timing.Schedule.End(s.end)
	case timing.Schedule != nil && c.profile != nil && c.TimeStep == 0, stream != nil:
		limit = timing.Schedule.End(event.MaxTime)
	case timing.Schedule == nil && s.kind.ends:
		e.plan.end = min(e.plan.end, s.left(clock.Speed(c.TimeSpeed), e.plan.delay))
	}
	if limit < pace.Unbounded {
		n := newNumbering(c)
		e.plan.records = min(e.plan.records, pace.PartOf(limit, n.first, n.step))
	}
	timing.Disorder = newDisorder(c, timing.Schedule, limit)
	return timing
}

// left returns how long the clock of the records goes from the start of the schedule,
// delay nanoseconds after that of the engine, to its end time.
func (s *stamper) left(speed clock.Speed, delay int64) int64 {
	moment := s.end // on the wall clock
	if s.kind.relative {
		if s.end < s.start {
			return -1
		}
		span := speed.Latest(s.end - s.start)
		if span > pace.Never-s.zero {
			return pace.Never
		}
		moment = s.zero + span
	}
	return moment - s.base - delay
}

func formatTime(t int64) string { return units.FormatMoment(units.Moment{Nanoseconds: t}) }
