// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"time"

	"github.com/gdummy/gdummy/internal/config/option"
	"github.com/gdummy/gdummy/internal/generate/pace"
)

// plan says how fast records come, and for how long.
//
// Its schedule counts units: ticks, or bytes of MessagePack where the rate is one
// of bytes. A tick is due as soon as one unit more is due than was spent; it spends
// 1, or the bytes that it has turned out to have.
type plan struct {
	sched      pace.Schedule // nil is unlimited
	bytes      bool          // units are bytes
	delay      int64         // nanoseconds before the schedule starts
	end        int64         // nanoseconds after its start at which it ends, or pace.Never
	samples    uint64        // ticks in all, or pace.Unbounded
	records    uint64        // records in all, or pace.Unbounded
	maxBacklog int64         // nanoseconds of units that are made up after a stall; pace.Never is all
	perSecond  float64       // units asked for, on average; 0 if it can't be said
	words      string        // the same in words, where a number can't say it
}

// backlogNone is what may be late before `catch_up none` gives it up: a tick that
// waits for its turn in a running engine is not in maxBacklog.
const backlogNone = 100 * time.Millisecond

// newPlan reads the plan of a configuration, for a host that may leave ticks alone
// for the length of a turn.
func newPlan(c *Config, turn time.Duration) plan {
	p := plan{
		delay:   int64(c.StartDelay),
		end:     pace.Never,
		samples: pace.Unbounded,
		records: pace.Unbounded,
	}
	if c.Duration > 0 {
		p.end = int64(c.Duration)
	}
	if c.Samples > 0 {
		p.samples = uint64(c.Samples)
	}
	if c.MaxRecords > 0 {
		p.records = uint64(c.MaxRecords)
	}
	switch c.CatchUp {
	case option.CatchUpFull:
		p.maxBacklog = pace.Never
	case option.CatchUpNone:
		p.maxBacklog = int64(turn + backlogNone)
	default:
		p.maxBacklog = int64(turn + time.Second)
	}

	// The dummy input's intervals beat its rate, unless one of them is negative.
	sec, nsec := c.IntervalSec, c.IntervalNsec
	if sec < 0 || nsec < 0 {
		sec, nsec = 0, 0
	}
	interval := uint64(sec)*uint64(time.Second) + uint64(nsec)
	switch {
	case c.profile != nil:
		p.sched = c.profile
		if end, ok := c.profile.End(); ok {
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

// due returns how many units are due, t nanoseconds after the schedule's start.
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
