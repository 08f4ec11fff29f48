// SPDX-License-Identifier: Apache-2.0

package capacity

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
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

	// firstOverhead is the expected cost of starting, warming up and ending a process,
	// before any trial has shown it.
	firstOverhead = 5 * time.Second

	// maxTrials bounds a search whose trials cost no time.
	maxTrials = 200
)

// rampCost is about what a ramp takes, with the start of its process.
const rampCost = 20 * time.Second

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

// Stop is why a result is partial.
type Stop string

// What ends a search.
const (
	Interrupted Stop = "interrupted" // ctx ended
	OutOfBudget Stop = "budget"      // the budget ended before the precision was reached
	Failed      Stop = "failed"      // the runner returned an error
)

// Result is what a search found.
type Result struct {
	Rate       float64 `json:"rate"` // 0 if unknown, or if no rate holds
	Low        float64 `json:"low"`
	High       float64 `json:"high"`
	Bytes      float64 `json:"bytes,omitempty"` // per second at Rate; 0 if unknown
	Confidence float64 `json:"confidence"`      // probability that the rate is from Low to High

	AtLeast bool `json:"at_least"`          // the limit may be gdummy's: the rate is at least Rate
	Noisy   bool `json:"noisy"`             // trials contradict each other more than the precision allows
	Partial bool `json:"partial"`           // ctx ended, the runner failed, or the rate is not confirmed
	Stopped Stop `json:"stopped,omitempty"` // what ended the search before the precision was reached

	Noise     float64       `json:"noise"`     // estimated deviation between trials, as a share of the rate
	Precision float64       `json:"precision"` // asked for
	Elapsed   time.Duration `json:"elapsed"`

	RampLow   float64 `json:"ramp_low"`
	RampHigh  float64 `json:"ramp_high"`
	Confirmed int     `json:"confirmed"` // index of the trial that confirmed 95 % of the rate, or -1
	Culprit   string  `json:"culprit,omitempty"`
	Trials    []Trial `json:"trials"`
}

// Margin returns half the width of the interval, as a share of the rate.
func (r *Result) Margin() float64 {
	if r.Rate <= 0 {
		return 0
	}
	return max(r.High-r.Rate, r.Rate-r.Low) / r.Rate
}

// LastGood returns the held trial with the highest rate within the interval or below
// it, or nil.
func (r *Result) LastGood() *Trial {
	var best *Trial
	for i := range r.Trials {
		t := &r.Trials[i]
		if t.Held && t.Purpose != Part && (r.High == 0 || t.Rate <= r.High) && (best == nil || t.Rate > best.Rate) {
			best = t
		}
	}
	return best
}

// FirstBad returns the failed trial with the lowest rate above the last good one, or
// nil.
func (r *Result) FirstBad() *Trial {
	if bad := r.bad(); len(bad) > 0 {
		return bad[0]
	}
	return nil
}

// bad returns the failed trials above the last good one, by rate.
func (r *Result) bad() (bad []*Trial) {
	good := r.LastGood()
	for i := range r.Trials {
		t := &r.Trials[i]
		if !t.Held && t.Purpose != Part && (good == nil || t.Rate > good.Rate) {
			bad = append(bad, t)
		}
	}
	slices.SortStableFunc(bad, func(a, b *Trial) int { return cmp.Compare(a.Rate, b.Rate) })
	return bad
}

// judged returns the first failed trial that has evidence of what limited it, or else the
// first, or nil. Just above the capacity, no part need be at its limit for the whole time.
func (r *Result) judged() *Trial {
	bad := r.bad()
	for _, t := range bad {
		if t.Rate <= farAbove*bad[0].Rate && !strings.HasPrefix(t.Evidence.Culprit(t.Rate), unknown) {
			return t
		}
	}
	return r.FirstBad()
}

// farAbove is the factor of the rate of the first failed trial from which another part may
// limit a trial.
const farAbove = 1.5

// searching is a search under way.
type searching struct {
	Search
	runner Runner
	start  time.Time
	result Result
	belief *belief

	overhead time.Duration // largest of all trials
}

// Run searches. It returns a partial result and a nil error if ctx ends or the budget
// is used up, and a partial result with the error if the runner fails.
//
// Run never starts a trial after the budget ended, so that it overruns it by less than
// one trial.
func (s *Search) Run(ctx context.Context, r Runner) (Result, error) {
	run := &searching{Search: s.withDefaults(), runner: r}
	run.start = run.Now()
	run.result = Result{Trials: []Trial{}, Confirmed: -1, Precision: run.Precision, Confidence: confidence}
	err := run.run(ctx)
	run.finish(ctx, err)
	if ctx.Err() != nil && (err == nil || errors.Is(err, ctx.Err()) || errors.Is(err, context.Cause(ctx))) {
		err = nil
	}
	return run.result, err
}

func (s *Search) withDefaults() Search {
	d := *s
	if d.Hold <= 0 {
		d.Hold = DefaultHold
	}
	if d.Budget <= 0 {
		d.Budget = DefaultBudget
	}
	if d.Precision <= 0 {
		d.Precision = DefaultPrecision
	}
	if d.From <= 0 {
		d.From = DefaultFrom
	}
	if d.Headroom > 0 {
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
		if s.left() <= 0 {
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

// left returns the budget that is left.
func (s *searching) left() time.Duration { return s.Budget - s.Now().Sub(s.start) }

// free returns the budget that is left without the time that parts needs.
func (s *searching) free() time.Duration {
	limit, filters := s.shared()
	if limit == nil || len(s.Costs) == 0 {
		return s.left()
	}
	return s.left() - time.Duration(1+min(len(filters), maxParts))*s.cost(s.costHold())
}

// cost returns the expected cost of a trial that holds.
func (s *searching) cost(hold time.Duration) time.Duration {
	if s.overhead == 0 {
		return hold + firstOverhead
	}
	return hold + s.overhead
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
	before := s.Now()
	t, err := s.runner.Trial(ctx, ask)
	if err != nil {
		return nil, fmt.Errorf("trial at %.0f records/s: %w", ask.Rate, err)
	}
	t.Rate, t.Hold, t.Whole, t.Without, t.Purpose = ask.Rate, ask.Hold, ask.Whole, ask.Without, purpose
	t.Took = s.Now().Sub(before)
	s.overhead = max(s.overhead, t.Took-t.Duration)
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

// costHold returns the length of a trial of costs.
func (s *searching) costHold() time.Duration { return max(s.Hold/3, time.Second) }

// costs measures the cost of a record at fractions of the rate, as far as the budget
// allows it.
func (s *searching) costs(ctx context.Context, shares []float64) error {
	_, rate, _ := s.belief.interval(confidence)
	hold := s.costHold()
	for _, share := range shares {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if s.left() < s.cost(hold) {
			return nil
		}
		if _, err := s.trial(ctx, Ask{Rate: share * rate, Hold: hold, Whole: true}, Cost); err != nil {
			return err
		}
	}
	return nil
}

// maxParts is the number of filters whose part of the cost is measured.
const maxParts = 4

// parts measures which part of the time of the thread at its limit each filter has, as
// far as the budget allows it: by trials without it, at the highest rate of costs. Fluent
// Bit does not measure that time.
func (s *searching) parts(ctx context.Context) error {
	whole := s.lastCost()
	limit, filters := s.shared()
	if limit == nil || whole == nil {
		return nil
	}
	all, rate, hold := whole.Evidence.loadOf(limit), whole.Rate, whole.Hold
	for i := range min(len(filters), maxParts) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if all == 0 || s.left() < s.cost(hold) {
			return nil
		}
		t, err := s.trial(ctx, Ask{Rate: rate, Hold: hold, Whole: true, Without: filters[i].Name}, Part)
		if err != nil {
			return err
		}
		if t.Held { // filters is that of the result: appending to the trials does not copy it
			filters[i].Time = max(1-t.Evidence.loadOf(limit)/all, 0) * limit.load()
		}
	}
	return nil
}

// shared returns the thread that limited the pipeline, if it serves filters too, and these.
func (s *searching) shared() (limit *Thread, filters []Filter) {
	bad := s.result.judged()
	if bad == nil || len(bad.Evidence.Filters) == 0 {
		return nil, nil
	}
	limit = bad.Evidence.limit()
	if limit == nil || limit.Role != EngineThread && limit.Role != InputThread {
		return nil, nil
	}
	return limit, bad.Evidence.Filters
}

// lastCost returns the last trial of costs, or nil.
func (s *searching) lastCost() *Trial {
	for i := len(s.result.Trials) - 1; i >= 0; i-- {
		if t := &s.result.Trials[i]; t.Purpose == Cost && t.Held {
			return t
		}
	}
	return nil
}

// finish computes the result from the belief.
func (s *searching) finish(ctx context.Context, err error) {
	r := &s.result
	r.Elapsed = s.Now().Sub(s.start)
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
	if s.Progress == nil {
		return
	}
	p.Elapsed = s.Now().Sub(s.start)
	p.Left = max(s.left(), 0)
	if s.belief != nil {
		var rate float64
		p.Low, rate, p.High = s.belief.interval(confidence)
		p.Left = min(p.Left, s.expected(max(p.High-rate, rate-p.Low)/rate))
	}
	if n := len(s.result.Trials); n > 0 {
		p.Last = &s.result.Trials[n-1]
	}
	s.Progress(p)
}
