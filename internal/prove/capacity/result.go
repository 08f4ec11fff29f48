// SPDX-License-Identifier: Apache-2.0

package capacity

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

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

// CostTrials returns the trials at shares of the rate, from the lowest, or none if no rate
// holds.
func (r *Result) CostTrials() (costs []*Trial) {
	for i := range r.Trials {
		if t := &r.Trials[i]; t.Purpose == Cost && r.Rate > 0 {
			costs = append(costs, t)
		}
	}
	slices.SortStableFunc(costs, func(a, b *Trial) int { return cmp.Compare(a.Rate, b.Rate) })
	return costs
}
