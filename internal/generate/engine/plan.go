// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"time"

	"github.com/gdummy/gdummy/internal/config/option"
	"github.com/gdummy/gdummy/internal/generate/pace"
)

// plan is the schedule and the limits of an engine.
//
// The schedule counts units: ticks, or bytes of MessagePack if the rate is in
// bytes. A tick is due when more units are due than have been spent. It spends one
// unit, or its size in bytes.
type plan struct {
	sched      pace.Schedule // nil for an unlimited rate
	bytes      bool          // units are bytes
	delay      int64         // nanoseconds before the schedule starts
	start      int64         // the moment that a load profile takes for its start, in nanoseconds since 1970
	end        int64         // nanoseconds after its start at which it ends, or pace.Never
	samples    uint64        // maximum number of ticks, or pace.Unbounded
	records    uint64        // maximum number of records, or pace.Unbounded
	maxBacklog int64         // longest delay, in nanoseconds, made up after a stall; pace.Never for no limit
	perSecond  float64       // configured mean rate, in units; 0 if it is not constant
	words      string        // the rate as text, if it is not constant
	stepwise   bool          // sched.Due counts at most one tick more than were spent
	bounded    bool          // the run has an end, apart from the end of time

	shard, shards uint64 // the part of the schedule of the whole stream: see pace.Part
}

// Part returns how many of a number of ticks or records, above 0, are those of this input:
// with split, the number is that of all shards together.
func (c *Config) Part(total int64) uint64 {
	if t := &c.Template; t.Split {
		return pace.PartOf(uint64(total), t.Shard, t.Shards)
	}
	return uint64(total)
}

// split takes the part of the schedule that the options shard and split ask for, unless
// its ticks are those of this input anyway.
func (p *plan) split(c *Config) {
	if t := &c.Template; t.Split && c.lives() == nil && !c.timeline {
		p.shard, p.shards = t.Shard, max(t.Shards, 1)
		p.sched = pace.Part(p.sched, p.shard, p.shards)
	}
}

// lateness describes what happens to the ticks of a run that starts after start_at.
func (p *plan) lateness(c *Config) string {
	what := "sends the ticks since then at once"
	switch {
	case p.maxBacklog == pace.Never:
	case c.CatchUp == option.CatchUpNone:
		what = "skips the ticks since then"
	default:
		what = "skips the ticks since then, but for those of the last second"
	}
	return fmt.Sprintf("option start_at: it was %v ago; catch_up %s %s", time.Duration(-p.delay).Round(time.Millisecond), c.CatchUp, what)
}

// backlogNone is the delay from which `catch_up none` drops a tick. It is above 0
// because a running engine emits ticks slightly late.
const backlogNone = 100 * time.Millisecond

// newPlan returns the plan of a configuration, for a host that calls Run at the given
// interval.
func newPlan(c *Config, callInterval time.Duration) plan {
	p := plan{
		delay:   int64(c.StartDelay),
		end:     pace.Never,
		samples: pace.Unbounded,
		records: pace.Unbounded,
		bounded: c.Bounded(),
		shards:  1,
	}
	if c.Duration > 0 {
		p.end = int64(c.Duration)
	}
	if c.Samples > 0 {
		p.samples = c.Part(c.Samples)
	}
	if c.MaxRecords > 0 {
		p.records = c.Part(c.MaxRecords)
	}
	switch c.CatchUp {
	case option.CatchUpFull:
		p.maxBacklog = pace.Never
	case option.CatchUpNone:
		p.maxBacklog = int64(callInterval + backlogNone)
	default:
		p.maxBacklog = int64(callInterval + time.Second)
	}

	// As in the dummy input, intervals override the rate, unless one is negative.
	sec, nsec := c.IntervalSec, c.IntervalNsec
	if sec < 0 || nsec < 0 {
		sec, nsec = 0, 0
	}
	interval := uint64(sec)*uint64(time.Second) + uint64(nsec)
	switch {
	case c.profile != nil && c.Rate.Unlimited: // the times of records follow it
		_, ends := c.profile.End()
		p.bounded = p.bounded || ends
	case c.profile != nil:
		p.sched = c.profile
		if end, ok := c.profile.End(); ok && c.Control == "" { // see steering
			p.end = min(p.end, end)
		}
		p.words = c.profile.String()
	case c.BytesRate > 0:
		p.bytes = true
		p.sched = pace.FixedRate{Num: uint64(time.Second), Den: uint64(c.BytesRate)}
		p.perSecond = float64(c.BytesRate)
	case interval > 0:
		p.sched = pace.FixedRate{Num: interval, Den: 1}
		p.perSecond = float64(time.Second) / float64(interval)
	case c.Rate.Unlimited:
	default:
		p.sched = pace.FixedRate{Num: uint64(time.Second) * c.Rate.Den, Den: c.Rate.Num}
		p.perSecond = float64(c.Rate.Num) / float64(c.Rate.Den)
	}
	return p
}

// follow makes the schedule one whose ticks are records of their own. It drops none.
func (p *plan) follow(l interface {
	pace.Schedule
	fmt.Stringer
}) {
	p.sched, p.bytes = l, false
	p.maxBacklog = pace.Never
	p.words = l.String()
}

// due returns how many units are due t nanoseconds after the start of the schedule.
func (p *plan) due(t int64) uint64 {
	if t < 0 {
		return 0
	}
	if p.sched == nil {
		if t >= p.end {
			return 0
		}
		return pace.Unbounded
	}
	return p.sched.Due(min(t, p.end))
}
