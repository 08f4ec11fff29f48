// SPDX-License-Identifier: Apache-2.0

package capacity

import (
	"context"
	"time"
)

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
		if t.keptUp() { // filters is that of the result: appending to the trials does not copy it
			filters[i].Time = max(1-t.Evidence.loadOf(limit)/all, 0) * limit.load()
		}
	}
	return nil
}

// keptUp reports whether what was sent arrived, to a tenth: a trial that did not hold for a
// small growth of the backlog still has the cost of its records.
func (t *Trial) keptUp() bool {
	return t.Held || t.Reason == Backlog && t.Achieved >= 0.9*t.Rate
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
		if t := &s.result.Trials[i]; t.Purpose == Cost && t.keptUp() {
			return t
		}
	}
	return nil
}
