// SPDX-License-Identifier: Apache-2.0

package pace

import (
	"math"
	"math/bits"
)

// shape is how the rate moves within a span or a segment.
type shape uint8

const (
	flat    shape = iota // one rate
	slope                // a straight line between two
	stairs               // flat, then another flat
	wave                 // periods of a sine
	pulse                // two flats in turn
	random               // a Poisson process
	clocked              // flats at times of day
)

// span is an interval in which one formula, which can be inverted, defines the
// count. Its times are relative to the start of the profile.
type span struct {
	t0, t1 uint64 // from and to, inclusive: the next span starts at t1
	n0, n1 uint64 // records due at t0 and t1
	f0     uint64 // grains of record n0+1 at t0

	shape shape
	r     uint64 // flat: grains per ns; wave: grains per ns at the trough

	a, b  uint64  // slope: quanta at both ends
	whole uint64  // slope: the length of the line, in ns; wave: the period
	bend  float64 // slope: change of the rate per ns, in grains per ns

	curve *[1 << swingBits]piece // wave
	swing uint128                // wave: grains of one period above the trough
	peak  bool                   // wave: starts at its peak

	count int             // random: arrivals in the span
	times [leafMax]uint64 // random: when each is due, ns after t0
	seen  int             // random: how many were due at the last query

	// The last result of the solver: the next record is close to it.
	last struct {
		t    uint64
		g    uint128
		rate float64
	}
}

// grains returns the integral over the first x ns of the span and, for a slope
// or a wave, the rate at x in grains per ns.
func (s *span) grains(x uint64) (g uint128, rate float64) {
	switch s.shape {
	case flat:
		return mul(s.r, x), float64(s.r)
	case slope:
		return s.line(x), 2*float64(s.a) + s.bend*float64(x)
	case wave:
		return s.sine(x)
	}
	n, end := s.seen, min(s.count, leafMax)
	for n > 0 && s.times[n-1] > x {
		n--
	}
	for n < end && s.times[n] <= x {
		n++
	}
	if s.seen = n; n == leafMax {
		n = s.count // more than leafMax only if all are in one nanosecond
	}
	return mul(uint64(n), grainsPerRecord), 0
}

// line is the exact integral of a straight line, rounded down:
//
//	2a*x + (b-a) * x²/whole
//
// The division is done in two steps to stay within 128 bits.
func (s *span) line(x uint64) uint128 {
	d := s.b - s.a
	if s.b < s.a {
		d = s.a - s.b
	}
	hi, lo := bits.Mul64(d, x)
	q, r := bits.Div64(hi, lo, s.whole)
	hi, lo = bits.Mul64(r, x)
	q2, r2 := bits.Div64(hi, lo, s.whole)
	g := mul(q, x).add(uint128{0, q2})
	if s.b >= s.a {
		return mul(2*s.a, x).add(g)
	}
	if r2 > 0 {
		g = g.add(uint128{0, 1})
	}
	return mul(2*s.a, x).sub(g)
}

// sine is the integral of a sine and its rate, see halfSwing.
func (s *span) sine(x uint64) (uint128, float64) {
	g := mul(s.r, x)
	if x >= s.whole {
		return g.add(s.swing), float64(s.r)
	}
	phase, _ := bits.Div64(x, 0, s.whole)
	mid := uint128{s.swing.hi >> 1, s.swing.hi<<63 | s.swing.lo>>1}
	var y uint64
	var slope float64
	switch {
	case !s.peak && phase < half:
		y, slope = swing(s.curve, phase)
		g = g.add(s.swing.part(y))
	case !s.peak:
		y, slope = swing(s.curve, -phase)
		g = g.add(s.swing).sub(s.swing.part(y))
	case phase < half:
		y, slope = swing(s.curve, half-phase)
		g = g.add(mid).sub(s.swing.part(y))
	default:
		y, slope = swing(s.curve, phase-half)
		g = g.add(mid).add(s.swing.part(y))
	}
	return g, float64(s.r) + slope*s.bend
}

// due returns how many records are due at t, with t0 <= t <= t1.
func (s *span) due(t uint64) uint64 {
	n, _ := s.progress(t)
	return n
}

// progress returns how many records are due at t, and the grains of the next one.
func (s *span) progress(t uint64) (n, rest uint64) {
	g, _ := s.grains(t - s.t0)
	lo, carry := bits.Add64(g.lo, s.f0, 0)
	n, rest = bits.Div64(g.hi+carry, lo, grainsPerRecord)
	return s.n0 + n, rest
}

// at returns the time at which record n is due, with n0 < n <= n1.
func (s *span) at(n uint64) uint64 { return s.reach(n, 0) }

// reach is at for a record that is due some grains earlier, but in the span.
func (s *span) reach(n, early uint64) uint64 {
	if s.shape == random {
		return s.t0 + s.times[min(n-s.n0, leafMax)-1]
	}
	g := mul(n-s.n0, grainsPerRecord).sub(uint128{0, s.f0}).sub(uint128{0, early})
	if s.shape == flat {
		q, r := bits.Div64(g.hi, g.lo, s.r)
		if r > 0 {
			q++
		}
		return s.t0 + q
	}
	return s.t0 + s.solve(g)
}

// solve returns the smallest x with grains(x) >= g > 0, on a slope or a wave. It
// starts with a floating-point estimate and stops when the exact count confirms
// the result.
func (s *span) solve(g uint128) uint64 {
	lo, hi := uint64(0), s.t1-s.t0 // grains(lo) < g <= grains(hi)
	x := s.guess(g)
	for round := 0; ; round++ {
		x = max(min(x, hi), lo+1)
		at, rate := s.grains(x)
		s.last.t, s.last.g, s.last.rate = x, at, rate
		if at.less(g) {
			lo = x
			step := (g.sub(at).float() - 1) / rate
			x = lo + 1 + whole(step, hi-lo)
		} else {
			hi = x
			over := at.sub(g).float()
			// The count was below g a nanosecond earlier if that nanosecond added more
			// than the excess over g. The margins cover the rounding of the rate and
			// of the counts.
			if gave := (rate-math.Abs(s.margin()))*(1-1e-9) - s.slack(); over < gave {
				return hi
			}
			x = hi - max(1, whole(over/rate, hi-lo))
		}
		if hi-lo == 1 {
			return hi
		}
		if round >= 4 && round%2 == 0 {
			x = lo + (hi-lo)/2
		}
	}
}

// margin returns how much lower the rate may have been a nanosecond earlier, in
// grains per ns.
func (s *span) margin() float64 {
	if s.shape == slope {
		return s.bend
	}
	return s.bend * 20 / float64(s.whole) // slope of the curve: at most 2π
}

// slack bounds the rounding error of the difference of two counts, in grains.
func (s *span) slack() float64 {
	if s.shape == slope {
		return 2
	}
	return 2 + s.swing.float()*0x1p-59
}

// whole converts f to an integer, at most limit.
func whole(f float64, limit uint64) uint64 {
	if !(f < float64(limit)) { // NaN too: 0 divided by a rate of 0
		return limit
	}
	return uint64(max(f, 0))
}

// guess estimates the x at which grains(x) reaches g.
func (s *span) guess(g uint128) uint64 {
	length := s.t1 - s.t0
	y := g.float()
	if s.shape == slope {
		//	bend/2 * x² + rate*x = y, solved without cancellation
		rate := 2 * float64(s.a)
		root := math.Sqrt(max(rate*rate+2*s.bend*y, 0))
		return whole(math.Ceil(2*y/(rate+root)), length)
	}
	// Extrapolate from the last result, or from the start.
	if s.last.g.less(g) {
		step := g.sub(s.last.g).float() / s.last.rate
		return s.last.t + 1 + whole(step, length-s.last.t)
	}
	total, _ := s.grains(length)
	return whole(y/total.float()*float64(length), length)
}
