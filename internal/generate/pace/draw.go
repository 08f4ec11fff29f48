// SPDX-License-Identifier: Apache-2.0

package pace

import "math"

// Records returns the integral of the rate between from and to, in ns since the
// start: a number of records, with its fraction.
func (p *Profile) Records(from, to int64) float64 {
	if from >= to {
		return 0
	}
	return p.integral(to).sub(p.integral(from)).float() / grainsPerRecord
}

// integral returns the integral of the rate from 0 to t, in grains.
func (p *Profile) integral(t int64) uint128 {
	at := min(uint64(max(t, 0)), p.end)
	sp := p.locate(at)
	g, _ := sp.grains(at - sp.t0)
	return g.add(uint128{0, sp.f0}).add(mul(sp.n0, grainsPerRecord))
}

// Extent returns how much of the profile to draw, in ns: all of it if it ends,
// or else enough cycles or periods to show the pattern.
func (p *Profile) Extent() int64 {
	switch last := &p.segments[len(p.segments)-1]; {
	case p.end != horizon:
		return int64(p.end)
	case p.period > 0:
		return int64(min(3*p.period, horizon))
	default:
		more := max(uint64(60e9), last.start/3)
		switch last.kind.shape {
		case clocked:
			more = last.daily.cycle()
		case wave:
			more = 2 * last.every
		case pulse:
			more = 5 * (last.every + last.off)
		}
		return int64(min(last.start+more, horizon))
	}
}

// Cycle returns the length of a cycle, in ns, of a profile that repeats forever,
// or else 0.
func (p *Profile) Cycle() int64 {
	if p.repeat == 0 {
		return int64(p.period)
	}
	return 0
}

// Period returns the time, in ns, after which the rate repeats itself forever, or 0 if it
// does not, or only at the same time of day.
func (p *Profile) Period() int64 {
	s := &p.segments[0]
	switch {
	case p.Irregular() || p.Daily():
		return 0
	case len(p.segments) > 1 || s.dur > 0:
		return p.Cycle()
	case s.kind.shape == wave:
		return int64(s.every)
	case s.kind.shape == pulse:
		return int64(s.every + s.off)
	}
	return 0
}

// Bounds returns the lowest and the highest rate between from and to, in records
// per second. It includes rates that last only a nanosecond.
func (p *Profile) Bounds(from, to int64) (low, high float64) {
	b := bounds{math.Inf(1), math.Inf(-1)}
	from = max(from, 0)
	if uint64(max(to, 0)) > p.end || from >= to {
		b.add(p.RateAt(to) * quantaPerSecond)
	}
	if x, y := uint64(from), min(uint64(max(to, 0)), p.end); x < y {
		p.bounds(x, y, &b)
	}
	return b.low / quantaPerSecond, b.high / quantaPerSecond
}

// bounds are rates in quanta.
type bounds struct{ low, high float64 }

func (b *bounds) add(rate float64) {
	b.low, b.high = min(b.low, rate), max(b.high, rate)
}

func (p *Profile) bounds(from, to uint64, b *bounds) {
	if p.repeat != 1 {
		first, last := from/p.period, (to-1)/p.period
		if last-first > 1 {
			first, last = 0, 0
			from, to = 0, p.period
		}
		if first != last {
			p.within(from%p.period, p.period, b)
			from = last * p.period
		}
		from, to = from-last*p.period, to-last*p.period
	}
	p.within(from, to, b)
}

// within adds the rates of a part of one cycle.
func (p *Profile) within(from, to uint64, b *bounds) {
	for i := range p.segments {
		s := &p.segments[i]
		end := p.end
		if s.dur > 0 {
			end = s.start + s.dur
		}
		if x, y := max(from, s.start), min(to, end); x < y {
			s.bounds(x-s.start, y-s.start, b)
		}
	}
}

// bounds adds the rates of a part of the segment. A rate is monotonic between its
// turning points.
func (s *segment) bounds(from, to uint64, b *bounds) {
	b.add(s.rateAt(from))
	switch s.kind.shape {
	case slope:
		b.add(s.rateAt(to))
	case stairs:
		b.add(s.rateAt(to - 1))
	case clocked:
		s.daily.bounds(from, to, b)
	case pulse:
		cycle := s.every + s.off
		if k := from / cycle * cycle; from < k+s.every && to > k+s.every {
			b.add(float64(s.b))
		}
		if next := (from/cycle + 1) * cycle; to > next {
			b.add(float64(s.a))
		}
	case wave:
		b.add(s.rateAt(to))
		// The turning points are at the half periods.
		trough, peak := uint64(0), s.every/2
		if s.peak == 1 {
			trough, peak = peak, trough
		}
		if turns(from, to, trough, s.every) {
			b.add(float64(s.a))
		}
		if turns(from, to, peak, s.every) {
			b.add(float64(s.b))
		}
	}
}

// turns reports whether one of the times at, at+every, … is between from and to.
func turns(from, to, at, every uint64) bool {
	if from > at {
		at += (from - at + every - 1) / every * every
	}
	return at <= to
}
