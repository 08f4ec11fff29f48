// SPDX-License-Identifier: Apache-2.0

package capacity

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"time"
)

// The defaults of a Search.
const (
	DefaultHold      = 30 * time.Second
	DefaultBudget    = 6 * time.Minute
	DefaultPrecision = 0.05
	DefaultFrom      = 1000.0
)

const (
	// confidence is the probability that the interval of a result contains the rate.
	confidence = 0.95

	// confirmAt is the share of the rate at which it is confirmed, in a trial of
	// confirmHolds holds.
	confirmAt    = 0.95
	confirmHolds = 2

	// maxTrials bounds a search whose trials cost no time.
	maxTrials = 200
)

// LeastBudget returns the budget below which a search cannot be expected to have an answer:
// that of a ramp and of a trial.
func LeastBudget(hold time.Duration) time.Duration { return rampCost + hold + firstOverhead }

// Search is a search for the highest rate that a pipeline sustains. The zero value has
// the defaults.
type Search struct {
	Hold      time.Duration // of a trial
	Budget    time.Duration // of the search; the trial in which it ends is completed
	Precision float64       // half the width of the interval, as a share of the rate
	From      float64       // first rate of the ramp
	Headroom  float64       // highest rate that the runner can produce; 0 if unlimited

	// Costs are the shares of the rate at which the cost of a record is measured at
	// the end, if the budget allows it.
	Costs []float64

	Now      func() time.Time // defaults to time.Now
	Progress func(Progress)   // called before each step, if not nil
}

// Progress is the state of a search or a comparison before its next step.
type Progress struct {
	Step      string        // such as "ramp", "trial 4" or "confirm"
	Rate      float64       // of the trial, or 0
	Low, High float64       // the interval until now, or 0
	Elapsed   time.Duration // since the start
	Left      time.Duration // until the end, an estimate, and not more than the budget
	Last      *Trial        // the trial that ended, or nil
}

// searching is a search under way.
type searching struct {
	Search
	runner Runner
	result Result
	belief *belief
	clock
}

// Run searches. It returns a partial result and a nil error if ctx ends or the budget
// is used up, and a partial result with the error if the runner fails.
//
// Run never starts a trial after the budget ended, so that it overruns it by less than
// one trial.
func (s *Search) Run(ctx context.Context, r Runner) (Result, error) {
	d := s.withDefaults()
	run := &searching{Search: d, runner: r, clock: clock{now: d.Now, start: d.Now(), budget: d.Budget}}
	run.result = Result{Trials: []Trial{}, Confirmed: -1, Precision: run.Precision, Confidence: confidence}
	err := run.run(ctx)
	run.finish(ctx, err)
	return run.result, interrupted(ctx, err)
}

func (s *Search) withDefaults() Search {
	d := *s
	d.Hold = cmp.Or(d.Hold, DefaultHold)
	d.Budget = cmp.Or(d.Budget, DefaultBudget)
	d.Precision = cmp.Or(d.Precision, DefaultPrecision)
	if d.From = cmp.Or(d.From, DefaultFrom); d.Headroom > 0 {
		d.From = min(d.From, d.Headroom)
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	return d
}

func (s *searching) run(ctx context.Context) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	s.progress(Progress{Step: "ramp"})
	low, high, err := s.runner.Ramp(ctx, s.From)
	if err != nil {
		return fmt.Errorf("ramp: %w", err)
	}
	s.result.RampLow, s.result.RampHigh = low, high
	s.belief = newBelief(low, high, s.From, s.Headroom, s.Precision)
	for len(s.result.Trials) < maxTrials {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if s.confirmed() >= 0 && (s.precise() || s.free() < s.cost(s.Hold)) {
			break
		}
		ask, purpose := s.next()
		if s.free() <= 0 {
			break
		}
		t, err := s.trial(ctx, ask, purpose)
		if err != nil {
			return err
		}
		s.belief.observe(t.Rate, t.Held)
	}
	// The highest first: parts compares with it.
	highest := max(len(s.Costs)-1, 0)
	if err := s.costs(ctx, s.Costs[highest:]); err != nil {
		return err
	}
	if err := s.parts(ctx); err != nil {
		return err
	}
	return s.costs(ctx, s.Costs[:highest])
}

// free returns the budget that is left without the time that parts needs, which gets at
// most a quarter of the budget.
func (s *searching) free() time.Duration {
	limit, filters := s.shared()
	if limit == nil || len(s.Costs) == 0 {
		return s.left()
	}
	return s.left() - min(time.Duration(1+min(len(filters), maxParts))*s.cost(s.costHold()), s.Budget/4)
}

// precise reports whether the interval is as narrow as asked for.
func (s *searching) precise() bool {
	low, rate, high := s.belief.interval(confidence)
	return max(high-rate, rate-low) <= s.Precision*rate
}

// confirmed returns the index of the last trial that confirmed the rate, or -1. Trials
// since then may have moved the rate by the precision.
func (s *searching) confirmed() int {
	_, rate, _ := s.belief.interval(confidence)
	for i := len(s.result.Trials) - 1; i >= 0; i-- {
		if t := &s.result.Trials[i]; t.Purpose == Confirm && t.Held && t.Rate >= confirmAt*(1-s.Precision)*rate {
			return i
		}
	}
	return -1
}

// next returns the next trial: at the rate that halves the probability, or the
// confirmation, once the interval is narrow or the budget has time for just the confirmation.
func (s *searching) next() (Ask, Purpose) {
	_, rate, _ := s.belief.interval(confidence)
	hold := confirmHolds * s.Hold
	left := s.free()
	if s.confirmed() < 0 && (s.precise() || left < s.cost(s.Hold)+s.cost(hold)) {
		// A shorter confirmation is better than none.
		hold = min(hold, max(s.Hold, left-s.cost(0)))
		return Ask{Rate: confirmAt * rate, Hold: hold}, Confirm
	}
	return Ask{Rate: s.belief.next(), Hold: s.Hold}, Bisect
}

// trial runs a trial and appends it to the result.
func (s *searching) trial(ctx context.Context, ask Ask, purpose Purpose) (*Trial, error) {
	p := Progress{Step: fmt.Sprintf("trial %d", len(s.result.Trials)+1), Rate: ask.Rate}
	if purpose != Bisect {
		p.Step = string(purpose)
	}
	s.progress(p)
	t, err := s.measure(ctx, s.runner, ask, purpose)
	if err != nil {
		return nil, fmt.Errorf("trial at %.0f records/s: %w", ask.Rate, err)
	}
	for _, u := range s.result.Trials {
		if purpose == Part {
			break // it is another pipeline
		}
		if t.Held && !u.Held && t.Rate >= u.Rate || !t.Held && u.Held && t.Rate <= u.Rate {
			t.Contradicts = true
		}
	}
	s.result.Trials = append(s.result.Trials, t)
	return &s.result.Trials[len(s.result.Trials)-1], nil
}

// finish computes the result from the belief.
func (s *searching) finish(ctx context.Context, err error) {
	r := &s.result
	r.Elapsed = s.elapsed()
	if s.belief != nil {
		r.Low, r.Rate, r.High = s.belief.interval(confidence)
		r.Noise = s.belief.noise()
		r.Confirmed = s.confirmed()
		if s.belief.none() {
			r.Low, r.Rate = 0, 0
		}
	}
	precise := s.belief != nil && s.precise()
	switch {
	case ctx.Err() != nil:
		r.Stopped = Interrupted
	case err != nil:
		r.Stopped = Failed
	case !precise || r.Confirmed < 0:
		r.Stopped = OutOfBudget
	}
	r.Partial = r.Stopped != "" && (r.Stopped != OutOfBudget || r.Confirmed < 0)
	r.Noisy = s.noisy()
	var sizes []float64
	for i := range r.Trials {
		if t := &r.Trials[i]; t.Held && t.Bytes > 0 && t.Achieved > 0 {
			sizes = append(sizes, t.Bytes/t.Achieved)
		}
	}
	r.Bytes = r.Rate * median(sizes)
	r.AtLeast = s.Headroom > 0 && r.Rate >= nearHeadroom*s.Headroom
	if bad := r.judged(); bad != nil {
		headroom := bad.Evidence.Headroom
		if headroom == 0 {
			bad.Evidence.Headroom = s.Headroom
		}
		r.Culprit = bad.Evidence.Culprit(bad.Rate)
	} else if r.AtLeast {
		r.Culprit = (&Evidence{Headroom: s.Headroom}).Culprit(r.Rate)
	}
}

// A trial is a surprise if it was off by surprising, as a share of the rate, and a
// machine is noisy from a share of surprises, and two of them.
const (
	surprising = 0.1
	tooMany    = 0.15
)

// noisy reports whether noise, and not only the budget, kept the interval wide: the
// precision was not reached, and too many trials were surprises. The interval then
// spans those trials.
func (s *searching) noisy() bool {
	if s.belief == nil || s.precise() {
		return false
	}
	r := &s.result
	off := max(2*s.Precision, surprising)
	low, high, surprises, trials := r.Low, r.High, 0, 0
	for i := range r.Trials {
		t := &r.Trials[i]
		if t.Purpose != Bisect && t.Purpose != Confirm {
			continue
		}
		trials++
		switch {
		case t.Held && t.Rate > (1+off)*r.Rate:
			high = max(high, t.Rate)
		case !t.Held && t.Achieved < (1-off)*r.Rate:
			low = min(low, t.Achieved)
		default:
			continue
		}
		surprises++
	}
	if surprises < 2 || float64(surprises) < tooMany*float64(trials) {
		return false
	}
	r.Low, r.High = low, high
	return true
}

// trialsPerHalf is about the number of trials that halve the interval, as the simulator
// has it.
const trialsPerHalf = 2

// expected returns about the time that a search with an interval of the given margin
// still takes without a budget.
func (s *searching) expected(margin float64) time.Duration {
	var expected time.Duration
	if s.confirmed() < 0 {
		expected = s.cost(confirmHolds * s.Hold)
	}
	if margin > s.Precision {
		n := math.Ceil(trialsPerHalf * math.Log2(margin/s.Precision))
		expected += time.Duration(n) * s.cost(s.Hold)
	}
	if limit, filters := s.shared(); limit != nil {
		expected += time.Duration(min(len(filters), maxParts)) * s.cost(s.costHold())
	}
	return expected + time.Duration(len(s.Costs))*s.cost(s.costHold())
}

func (s *searching) progress(p Progress) {
	if s.belief != nil {
		var rate float64
		p.Low, rate, p.High = s.belief.interval(confidence)
		p.Left = s.expected(max(p.High-rate, rate-p.Low) / rate)
	}
	s.show(s.Progress, p, s.result.Trials)
}
