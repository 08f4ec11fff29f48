// SPDX-License-Identifier: Apache-2.0

// Package pace computes how many ticks are due at a given time.
//
// A [Schedule] is a pure function of the time since the start: it reads no
// clock, and earlier calls do not change its results. The number of ticks due
// is a count over the whole time, never a sum of sleeps, so it does not drift
// however often it is queried.
package pace

import (
	"math"
	"math/bits"
)

// Schedule defines when ticks are due. All times are nanoseconds since the start.
type Schedule interface {
	// Due returns how many ticks are due from 0 to t, inclusive: the largest
	// n with At(n) <= t.
	Due(t int64) uint64

	// At returns the time at which tick n is due, or Never. The first tick
	// is tick 1.
	At(n uint64) int64
}

// Never is the time of a tick that is never due. Unbounded is the count of an
// unlimited number of ticks.
const (
	Never            = math.MaxInt64
	Unbounded uint64 = math.MaxUint64
)

// FixedRate is a schedule of one tick every Num/Den nanoseconds:
//
//	At(n) = floor((n*Num - Lead) / Den)
//
// It is a fraction because the interval of 3 per second, for example, is not a
// whole number of nanoseconds. Lead is less than Num; it is 0 but for a [Part].
type FixedRate struct {
	Num, Den uint64
	Lead     uint64
}

// At returns the time at which tick n is due, or Never.
func (e FixedRate) At(n uint64) int64 {
	hi, lo := e.product(n)
	if hi >= e.Den {
		return Never
	}
	q, _ := bits.Div64(hi, lo, e.Den)
	if q > math.MaxInt64 {
		return Never
	}
	return int64(q)
}

// product returns n*Num - Lead, or 0 for tick 0.
func (e FixedRate) product(n uint64) (hi, lo uint64) {
	hi, lo = bits.Mul64(n, e.Num)
	if n == 0 {
		return 0, 0
	}
	lo, borrow := bits.Sub64(lo, e.Lead, 0)
	return hi - borrow, lo
}

// Due returns how many ticks are due at t. The formula follows from that of At:
//
//	floor((n*Num-Lead)/Den) <= t  <=>  n*Num-Lead < (t+1)*Den  <=>  n <= ((t+1)*Den - 1 + Lead) / Num
func (e FixedRate) Due(t int64) uint64 {
	if t < 0 {
		return 0
	}
	hi, lo := bits.Mul64(uint64(t)+1, e.Den)
	lo, borrow := bits.Sub64(lo, 1, 0)
	lo, carry := bits.Add64(lo, e.Lead, 0)
	hi += carry - borrow
	if hi >= e.Num {
		return math.MaxUint64
	}
	q, _ := bits.Div64(hi, lo, e.Num)
	return q
}

// Walk returns a Walker whose first Next is At(n+1).
func (e FixedRate) Walk(n uint64) Walker {
	w := Walker{step: e.Num / e.Den, rest: e.Num % e.Den, den: e.Den}
	if n == 0 && e.Lead > 0 { // before the start
		back := (e.Lead-1)/e.Den + 1
		w.at, w.over = -back, back*e.Den-e.Lead
		return w
	}
	hi, lo := e.product(n)
	if hi >= e.Den {
		return Walker{at: Never, den: 1}
	}
	w.at, w.over = bits.Div64(hi, lo, e.Den)
	return w
}

// Walker steps through the ticks of a [FixedRate] without a division.
type Walker struct {
	at, over   uint64 // time of the last tick: at + over/den; may be negative before the first
	step, rest uint64 // from one tick to the next: step + rest/den
	den        uint64
}

// Next returns the time at which the next tick is due, or Never.
func (w *Walker) Next() int64 {
	w.at += w.step
	if w.over += w.rest; w.over >= w.den {
		w.over -= w.den
		w.at++
	}
	if w.at >= Never {
		w.at = Never
		return Never
	}
	return int64(w.at)
}
