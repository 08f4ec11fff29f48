// SPDX-License-Identifier: Apache-2.0

package capacity

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"
)

// The defaults of CompareOptions.
const (
	DefaultCompareHold   = 8 * time.Second
	DefaultCompareBudget = 10 * time.Minute
	DefaultShare         = 0.5
)

// LeastCompareBudget returns the budget below which a comparison cannot be expected to have
// an interval: that of two ramps and of MinPairs pairs. The throughput needs four, which are
// the first ones; the fifth is for a machine that takes longer than expected.
func LeastCompareBudget(hold time.Duration) time.Duration {
	return 2*rampCost + 2*MinPairs*(hold+firstOverhead)
}

// aboveCapacity is the factor from the end of the higher bracket to the rate of trials
// above capacity. It exceeds the error of a ramp.
const aboveCapacity = 1.25

// CompareOptions are the options of Compare. The zero value has the defaults.
type CompareOptions struct {
	Hold   time.Duration // of a trial
	Budget time.Duration // of the comparison; the trial in which it ends is completed
	From   float64       // first rate of the ramps

	// Headroom is the highest rate that the runners can produce; 0 if unlimited.
	Headroom float64

	// Shares are the fixed rates at which CPU and latency are compared, as shares of
	// the lower capacity. A nil slice is DefaultShare.
	Shares []float64

	// Margin ends the comparison when no interval is wider, as half its width and a
	// share. 0 is to use the budget.
	Margin float64

	// Pairs ends the comparison after so many pairs at each rate, whatever their
	// intervals. 0 is to look at the intervals.
	Pairs int

	Now      func() time.Time // defaults to time.Now
	Progress func(Progress)   // called before each step, if not nil
}

// Comparison is what a comparison found.
type Comparison struct {
	Ratios     []Ratio `json:"ratios"`
	Confidence float64 `json:"confidence"` // that no interval misses its ratio

	// AtLeast reports whether gdummy, and not the pipelines, may have limited the
	// throughput: two equal results are then not evidence for equal pipelines.
	AtLeast bool `json:"at_least"`

	Partial bool          `json:"partial"` // ctx ended, or there are too few pairs for intervals
	Stopped Stop          `json:"stopped,omitempty"`
	Elapsed time.Duration `json:"elapsed"`

	A []Trial `json:"a"` // by pair: A[i] and B[i] had the same rate, one after the other
	B []Trial `json:"b"`
}

// comparing is a comparison under way.
type comparing struct {
	CompareOptions
	runners [2]Runner
	result  Comparison
	rates   []float64 // above capacity, then the fixed ones
	clock
}

// Compare compares pipeline b with pipeline a. Trials take turns, A B B A, so that what
// changes on the machine affects both alike; and every trial lasts for the whole hold.
//
// Throughput is what arrives when more is sent than either sustains. CPU and latency are
// compared at fixed rates that both sustain. Like Search.Run, Compare returns a partial
// result and a nil error if ctx ends.
func Compare(ctx context.Context, a, b Runner, options CompareOptions) (Comparison, error) {
	o := options.withDefaults()
	c := &comparing{CompareOptions: o, runners: [2]Runner{a, b}, clock: clock{now: o.Now, start: o.Now(), budget: o.Budget}}
	c.result = Comparison{A: []Trial{}, B: []Trial{}}
	err := c.run(ctx)
	c.finish(ctx, err)
	return c.result, interrupted(ctx, err)
}

func (o CompareOptions) withDefaults() CompareOptions {
	o.Hold = cmp.Or(o.Hold, DefaultCompareHold)
	o.Budget = cmp.Or(o.Budget, DefaultCompareBudget)
	if o.From = cmp.Or(o.From, DefaultFrom); o.Headroom > 0 {
		o.From = min(o.From, o.Headroom)
	}
	if o.Shares == nil {
		o.Shares = []float64{DefaultShare}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

func (c *comparing) run(ctx context.Context) error {
	if err := c.ramps(ctx); err != nil {
		return err
	}
	// A fixed rate needs half as many trials: CPU and latency vary less.
	for !c.done() {
		for _, rate := range append([]float64{c.rates[0]}, c.rates...) {
			for _, order := range [][2]int{{0, 1}, {1, 0}} {
				if c.Pairs > 0 && c.pairs(rate) >= c.Pairs {
					continue
				}
				if c.left() < 2*c.cost(c.Hold) {
					return nil
				}
				if err := c.pair(ctx, rate, order); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// ramps sets the rates.
func (c *comparing) ramps(ctx context.Context) error {
	lowest, highest := 0.0, 0.0
	for i, r := range c.runners {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		c.progress(Progress{Step: fmt.Sprintf("ramp %c", 'A'+i)})
		low, high, err := r.Ramp(ctx, c.From)
		if err != nil {
			return fmt.Errorf("ramp of %c: %w", 'A'+i, err)
		}
		if high == 0 {
			high = max(c.Headroom, low)
		}
		if low == 0 {
			low = high / 2
		}
		if i == 0 || low < lowest {
			lowest = low
		}
		highest = max(highest, high)
	}
	above := aboveCapacity * highest
	if c.Headroom > 0 {
		c.result.AtLeast = above > c.Headroom
		above = min(above, c.Headroom)
	}
	c.rates = []float64{above}
	for _, share := range c.Shares {
		c.rates = append(c.rates, share*lowest)
	}
	return nil
}

// pair runs a trial of each pipeline, in the given order.
func (c *comparing) pair(ctx context.Context, rate float64, order [2]int) error {
	var pair [2]Trial
	for _, who := range order {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if c.left() <= 0 {
			return nil
		}
		c.progress(Progress{Step: fmt.Sprintf("trial %d, of %c", c.trials+1, 'A'+who), Rate: rate})
		t, err := c.measure(ctx, c.runners[who], Ask{Rate: rate, Hold: c.Hold, Whole: true}, Pair)
		if err != nil {
			return fmt.Errorf("trial of %c at %.0f records/s: %w", 'A'+who, rate, err)
		}
		pair[who] = t
	}
	c.result.A = append(c.result.A, pair[0])
	c.result.B = append(c.result.B, pair[1])
	return nil
}

// MinPairs is the number of pairs from which all ratios of a comparison at one fixed rate
// have intervals.
const MinPairs = 5

// pairs returns how many pairs there are at a rate.
func (c *comparing) pairs(rate float64) (n int) {
	for i := range c.result.A {
		if c.result.A[i].Rate == rate {
			n++
		}
	}
	return n
}

// done reports whether there are as many pairs as asked for, or all intervals are as
// narrow.
func (c *comparing) done() bool {
	if c.Pairs > 0 {
		return !slices.ContainsFunc(c.rates, func(rate float64) bool { return c.pairs(rate) < c.Pairs })
	}
	if c.Margin <= 0 {
		return false
	}
	for _, r := range c.ratios() {
		if r.Margin() > c.Margin {
			return false
		}
	}
	return true
}

// throughputPart is the part of the probability of error that the throughput gets. The
// other ratios share the rest, so that all of them together have the confidence of the
// comparison.
const throughputPart = 0.6

// ratios computes the ratios of all metrics.
func (c *comparing) ratios() []Ratio {
	all := []Ratio{}
	for i, rate := range c.rates {
		if i == 0 {
			all = append(all, Ratio{Metric: Throughput, Rate: rate})
			continue
		}
		all = append(all, Ratio{Metric: CPU, Rate: rate}, Ratio{Metric: Latency, Rate: rate})
	}
	for i := range all {
		var a, b []float64
		for k := range c.result.A {
			if c.result.A[k].Rate == all[i].Rate {
				a = append(a, all[i].Metric.of(&c.result.A[k]))
				b = append(b, all[i].Metric.of(&c.result.B[k]))
			}
		}
		part := throughputPart
		switch {
		case len(all) == 1:
			part = 1
		case i > 0:
			part = (1 - throughputPart) / float64(len(all)-1)
		}
		all[i].estimate(a, b, 1-(1-confidence)*part)
	}
	return all
}

// of returns the value of a metric in a trial.
func (m Metric) of(t *Trial) float64 {
	switch m {
	case CPU:
		return t.CPUPerRecord()
	case Latency:
		return float64(t.P99)
	}
	return t.Achieved
}

func (c *comparing) finish(ctx context.Context, err error) {
	r := &c.result
	r.Confidence = confidence
	r.Elapsed = c.elapsed()
	r.Ratios = c.ratios()
	switch {
	case ctx.Err() != nil:
		r.Stopped = Interrupted
	case err != nil:
		r.Stopped = Failed
	case !r.Ratios[0].Known(), (c.Margin > 0 || c.Pairs > 0) && !c.done():
		r.Stopped = OutOfBudget
	}
	r.Partial = r.Stopped != ""
}

func (c *comparing) progress(p Progress) {
	missing := 0 // pairs; how many it takes for a margin is unknown
	for _, rate := range c.rates {
		missing += max(c.Pairs-c.pairs(rate), 0)
	}
	p.Left = time.Duration(2*missing) * c.cost(c.Hold)
	c.show(c.Progress, p, c.result.B)
}
