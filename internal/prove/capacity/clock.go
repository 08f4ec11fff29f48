// SPDX-License-Identifier: Apache-2.0

package capacity

import (
	"context"
	"errors"
	"time"
)

// clock is the time of a search or of a comparison, and what its trials cost.
type clock struct {
	now      func() time.Time
	start    time.Time
	budget   time.Duration
	overhead time.Duration // largest of all trials
	trials   int
}

const (
	// rampCost is about what a ramp takes, with the start of its process: 38 to 41 s were
	// measured on two busy cores.
	rampCost = 40 * time.Second

	// firstOverhead is the expected cost of starting, warming up and ending a process,
	// before any trial has shown it.
	firstOverhead = 5 * time.Second
)

func (c *clock) elapsed() time.Duration { return c.now().Sub(c.start) }

// left returns the budget that is left.
func (c *clock) left() time.Duration { return c.budget - c.elapsed() }

// cost returns the expected cost of a trial that holds.
func (c *clock) cost(hold time.Duration) time.Duration {
	if c.overhead == 0 {
		return hold + firstOverhead
	}
	return hold + c.overhead
}

// measure runs a trial.
func (c *clock) measure(ctx context.Context, r Runner, ask Ask, purpose Purpose) (Trial, error) {
	c.trials++
	before := c.now()
	t, err := r.Trial(ctx, ask)
	if err != nil {
		return t, err
	}
	t.Rate, t.Hold, t.Whole, t.Without, t.Purpose = ask.Rate, ask.Hold, ask.Whole, ask.Without, purpose
	t.Took = c.now().Sub(before)
	c.overhead = max(c.overhead, t.Took-t.Duration)
	return t, nil
}

// interrupted returns nil for an error that ctx caused: its end makes a result partial.
func interrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil && (errors.Is(err, ctx.Err()) || errors.Is(err, context.Cause(ctx))) {
		return nil
	}
	return err
}

// show calls a function, if it is not nil, with the progress after some trials. What is left
// is the budget, or less if p has an estimate.
func (c *clock) show(to func(Progress), p Progress, trials []Trial) {
	if to == nil {
		return
	}
	p.Elapsed = c.elapsed()
	left := max(c.left(), 0)
	if p.Left == 0 || p.Left > left {
		p.Left = left
	}
	if n := len(trials); n > 0 {
		p.Last = &trials[n-1]
	}
	to(p)
}
