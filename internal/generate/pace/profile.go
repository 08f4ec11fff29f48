// SPDX-License-Identifier: Apache-2.0

package pace

import (
	"math"
	"math/bits"
	"sort"

	"github.com/gdummy/gdummy/internal/config/units"
	"github.com/gdummy/gdummy/internal/generate/seed"
)

// A profile uses integers only, so that nothing is lost to rounding at the end
// of a segment or a cycle. A rate is a number of quanta, each a millionth of a
// record per hour. A count is a number of grains. A rate of one quantum adds 2
// grains per nanosecond, so that the integral of a straight line between two
// rates is an integer too.
const (
	quantaPerSecond     = units.Quanta
	quantaPerNanosecond = 1e9 * quantaPerSecond

	grainsPerRecord = 2 * quantaPerNanosecond
)

// The limits of a profile.
const (
	MaxTime     = 36500 * 86400e9   // length of a profile that ends, in ns: units.MaxDuration
	MaxSegments = 1000              // in one profile
	MaxText     = 64 << 10          // bytes
	horizon     = math.MaxInt64 - 1 // the latest time, in ns
)

// Profile is a schedule whose rate changes over time. [ParseProfile] returns one.
//
//	Due(t) = floor of the integral of the rate from 0 to t
//	At(n)  = the first t with Due(t) >= n
//
// The integral is exact, however long the profile runs and however often it
// repeats, with two exceptions. Random arrivals are whole records, each at its
// own time. A sine is exact at every half period; in between, its error is below
// 2^-59 of the records of one period.
//
// The results of Due and At depend on their arguments only. Both cache their last
// position, so a Profile must not be used by several goroutines at the same time.
// Calls in chronological order are the fastest.
type Profile struct {
	segments []segment
	period   uint64  // ns of all segments together; 0 if the last has no end
	repeat   uint64  // number of cycles; 0 for no limit
	end      uint64  // ns; horizon without an end
	total    uint128 // grains of a cycle, without random arrivals
	random   bool    // at least one segment is random
	zone     string  // of daily segments
	from     *int64  // the start of daily segments, in ns since 1970; nil if unknown
	phase    uint64  // grains at the start, below grainsPerRecord: see Steered
	jitter   jitter

	// The spans of the last two results: a caller that queried the time of the
	// next record then queries the present again.
	now, last *span
	spans     [2]span
}

// Irregular reports whether two records may be due at the same moment although there
// are fewer records than nanoseconds.
func (p *Profile) Irregular() bool { return p.random || p.jitter.share > 0 }

// segment is a part of a profile. Rates are in quanta, times in ns.
type segment struct {
	kind       *Kind
	a, b, by   uint64
	dur        uint64 // 0: no end
	every, off uint64
	peak       uint64 // 1: starts at the peak
	seed       uint64

	start    uint64  // within the cycle
	g0       uint128 // grains of the cycle before it, without random arrivals
	arrivals *arrivals
	daily    *daily // nil for other kinds
}

// last returns the index of the last step of a stair.
func (s *segment) last() uint64 {
	way := max(s.a, s.b) - min(s.a, s.b)
	n := way / s.by
	if way%s.by > 0 {
		n++
	}
	return n
}

// step returns the rate of step k of a stair.
func (s *segment) step(k uint64) uint64 {
	switch {
	case k >= s.last():
		return s.b
	case s.b >= s.a:
		return s.a + k*s.by
	}
	return s.a - k*s.by
}

// find sets sp to the formula at x ns of the segment, with times relative to the
// segment, and returns the grains of the segment before sp. The segment must not
// be random.
func (s *segment) find(x uint64, sp *span) uint128 {
	limit := uint64(horizon)
	if s.dur != 0 {
		limit = s.dur
	}
	*sp = span{t1: limit}
	var before uint128
	switch s.kind.shape {
	case flat:
		sp.r = 2 * s.a
	case slope:
		sp.shape = slope
		sp.a, sp.b, sp.whole = s.a, s.b, s.dur
		sp.bend = 2 * (float64(s.b) - float64(s.a)) / float64(s.dur)
	case stairs:
		k := x / s.every
		sp.t0, sp.t1 = k*s.every, (k+1)*s.every
		sp.r = 2 * s.step(k)
		//	2 every * (k*a ± by * k(k-1)/2)
		before = mul(k*s.every, 2*s.a)
		if k > 0 {
			rest := mul(k*s.every, s.by*(k-1))
			if s.b >= s.a {
				before = before.add(rest)
			} else {
				before = before.sub(rest)
			}
		}
	case pulse:
		k := x / (s.every + s.off)
		sp.t0 = k * (s.every + s.off)
		before = mul(2*s.a, s.every).add(mul(2*s.b, s.off)).times(k)
		if on := sp.t0 + s.every; x < on {
			sp.t1, sp.r = min(on, limit), 2*s.a
		} else {
			before = before.add(mul(2*s.a, s.every))
			sp.t1, sp.r = min(on+s.off, limit), 2*s.b
			sp.t0 = on
		}
	case clocked:
		before = s.daily.find(x, limit, sp)
	case wave:
		k := x / s.every
		sp.shape = wave
		sp.t0, sp.t1 = k*s.every, min((k+1)*s.every, limit)
		sp.r, sp.whole, sp.peak = 2*s.a, s.every, s.peak == 1
		sp.swing = mul(s.b-s.a, s.every)
		sp.bend = float64(s.b - s.a)
		sp.curve = halfSwing()
		before = mul(k*s.every, s.a+s.b)
	}
	return before
}

// setup computes the start of each segment and the grains before it. The caller
// has checked the limits.
func (p *Profile) setup() {
	for i := range p.segments {
		s := &p.segments[i]
		if s.kind.shape == stairs {
			s.dur = (s.last() + 1) * s.every
		}
		s.start, s.g0 = p.period, p.total
		p.period += s.dur
		if s.daily != nil {
			length := s.dur
			if length == 0 {
				length = horizon - s.start
			}
			s.daily.place(p.start()+s.start, length, p.location())
		}
		switch {
		case s.kind.shape == random:
			p.random = true
			s.arrivals = newArrivals(s.a, seed.Mix(s.seed)+uint64(i))
		case s.dur > 0:
			var sp span
			before := s.find(s.dur-1, &sp)
			g, _ := sp.grains(s.dur - sp.t0)
			p.total = p.total.add(before).add(g)
		}
	}
	if p.segments[len(p.segments)-1].dur == 0 {
		p.period, p.repeat = 0, 1
	}
	p.end = horizon
	if p.period > 0 && p.repeat > 0 {
		p.end = p.period * p.repeat
	}
	p.reset()
}

// reset empties the cache of the last results.
func (p *Profile) reset() {
	p.now, p.last = &p.spans[0], &p.spans[1]
	*p.now = p.locate(0)
	*p.last = *p.now
	if p.jitter.share > 0 {
		sp := p.locate(p.end)
		p.jitter.last = sp.due(p.end)
	}
}

// place returns the cycle and the segment at t, and the offset of t in the
// segment. t must be before the end.
func (p *Profile) place(t uint64) (cycle uint64, index int, x uint64) {
	if p.repeat != 1 {
		cycle, t = t/p.period, t%p.period
	}
	index = sort.Search(len(p.segments), func(i int) bool { return p.segments[i].start > t }) - 1
	return cycle, index, t - p.segments[index].start
}

// locate returns the span that starts at or before t and ends after it.
func (p *Profile) locate(t uint64) span {
	var sp span
	t = min(t, p.end-1)
	cycle, index, x := p.place(t)
	g := p.find(&sp, cycle, index, x)
	if p.random {
		g = g.add(mul(p.arrived(cycle, index, sp.t0-p.segments[index].start-cycle*p.period), grainsPerRecord))
	}
	p.anchor(&sp, g)
	return sp
}

// next returns the span after sp.
func (p *Profile) next(sp *span) span {
	var n span
	cycle, index, x := p.place(sp.t1)
	if !p.random {
		p.anchor(&n, p.find(&n, cycle, index, x))
		return n
	}
	// sp.n1 already counts the arrivals so far: no lookup is needed.
	p.find(&n, cycle, index, x)
	g, _ := sp.grains(sp.t1 - sp.t0)
	p.anchor(&n, g.add(uint128{0, sp.f0}).add(mul(sp.n0, grainsPerRecord)))
	return n
}

// find sets sp to the formula at x ns of a segment in a cycle, with times relative
// to the profile, and returns the grains before sp, without random arrivals.
func (p *Profile) find(sp *span, cycle uint64, index int, x uint64) uint128 {
	s := &p.segments[index]
	g := p.total.times(cycle).add(s.g0).add(uint128{0, p.phase})
	if s.kind.shape == random {
		s.leaf(cycle, x, sp)
	} else {
		g = g.add(s.find(x, sp))
	}
	shift := cycle*p.period + s.start
	sp.t0 += shift
	sp.t1 = min(sp.t1+shift, p.end)
	return g
}

// leaf sets sp to the part of a random segment at x ns, with times relative to the
// segment. The time of the random process advances only during the segment.
func (s *segment) leaf(cycle, x uint64, sp *span) {
	*sp = span{shape: random}
	from := cycle * s.dur // in time of the process
	to := uint64(horizon)
	if s.dur != 0 {
		to = from + s.dur
	}
	n := s.arrivals.seek(from + x)
	t0, t1 := max(n.start, from), min(n.start+1<<n.level, to)
	sp.t0, sp.t1 = t0-from, t1-from
	for _, t := range s.arrivals.times[:min(n.n, leafMax)] {
		if t += n.start; t > t0 && t <= t1 {
			sp.times[sp.count] = t - t0
			sp.count++
		}
	}
	if n.n > leafMax { // only if all are in one nanosecond
		sp.count = int(n.n)
	}
}

// arrived returns how many random arrivals are due at x ns of a segment in a
// cycle, in all segments together.
func (p *Profile) arrived(cycle uint64, index int, x uint64) uint64 {
	n := uint64(0)
	for i := range p.segments {
		s := &p.segments[i]
		if s.kind.shape != random {
			continue
		}
		t := cycle * s.dur
		switch {
		case i < index:
			t += s.dur
		case i == index:
			t += x
		}
		n += s.arrivals.count(t)
	}
	return n
}

// anchor sets the counts of a span that follows g grains.
func (p *Profile) anchor(sp *span, g uint128) {
	sp.n0, sp.f0 = bits.Div64(g.hi, g.lo, grainsPerRecord)
	sp.n1 = sp.due(sp.t1)
}

// advance moves to the next span.
func (p *Profile) advance() {
	p.now, p.last = p.last, p.now
	*p.now = p.next(p.last)
}

// Due returns how many records are due at t, in ns since the start.
func (p *Profile) Due(t int64) uint64 {
	if t < 0 {
		return 0
	}
	at := min(uint64(t), p.end)
	n, rest := p.cached(at).progress(at)
	if p.jitter.share > 0 {
		return p.jitter.due(n, rest)
	}
	return n
}

// cached returns a span that contains a time.
func (p *Profile) cached(at uint64) *span {
	if at >= p.now.t0 && at <= p.now.t1 {
		return p.now
	}
	if at >= p.last.t0 && at <= p.last.t1 {
		return p.last
	}
	if at > p.now.t1 {
		if p.advance(); at <= p.now.t1 {
			return p.now
		}
	}
	*p.now = p.locate(at)
	return p.now
}

// At returns the time at which record n is due, in ns since the start, or Never.
func (p *Profile) At(n uint64) int64 {
	if n == 0 {
		return 0
	}
	at := p.holding(n)
	switch {
	case at == nil:
		return Never
	case p.jitter.share > 0:
		return p.earlier(n, at)
	}
	return int64(at.at(n))
}

// holding returns the span in which record n is due without jitter, or nil.
func (p *Profile) holding(n uint64) *span {
	switch {
	case n > p.now.n0 && n <= p.now.n1:
		return p.now
	case n > p.last.n0 && n <= p.last.n1:
		return p.last
	}
	// The record is usually in one of the next few spans.
	for range 4 {
		if n <= p.now.n1 || p.now.t1 >= p.end {
			break
		}
		if p.advance(); n <= p.now.n1 {
			return p.now
		}
	}
	at, ok := p.search(n)
	if !ok {
		return nil
	}
	*p.now = at
	return p.now
}

// search finds the span in which record n is due, by bisection of the time.
func (p *Profile) search(n uint64) (at span, ok bool) {
	lo, hi := uint64(0), p.end // fewer than n are due at lo, n or more at hi
	if n > p.now.n1 {
		lo = p.now.t1
		for step := max(p.now.t1-p.now.t0, 1); step < p.end-lo; step *= 2 {
			if at = p.locate(lo + step); at.due(lo+step) >= n {
				hi = lo + step
				break
			}
			lo += step
		}
	} else {
		hi = p.now.t0
	}
	if hi == p.end {
		if at = p.locate(hi); at.due(hi) < n {
			return at, false
		}
	}
	for {
		at = p.locate(lo + (hi-lo)/2)
		switch {
		case n <= at.n0:
			hi = at.t0
		case n > at.n1:
			lo = at.t1
		default:
			return at, true
		}
	}
}

// End returns the end of the profile, in ns since the start, and reports whether
// it ends at all.
func (p *Profile) End() (t int64, ok bool) {
	if p.end == horizon {
		return 0, false
	}
	return int64(p.end), true
}

// RateAt returns the rate at t, in records per second. At a jump it returns the
// new rate. The rate of random arrivals is their mean.
func (p *Profile) RateAt(t int64) float64 {
	if t < 0 || uint64(t) >= p.end {
		return 0
	}
	_, index, x := p.place(uint64(t))
	return p.segments[index].rateAt(x) / quantaPerSecond
}

// rateAt returns the rate in quanta.
func (s *segment) rateAt(x uint64) float64 {
	a, b := float64(s.a), float64(s.b)
	switch s.kind.shape {
	case slope:
		return a + (b-a)*float64(x)/float64(s.dur)
	case stairs:
		return float64(s.step(x / s.every))
	case clocked:
		return float64(s.daily.rateAt(x))
	case pulse:
		if x%(s.every+s.off) >= s.every {
			return b
		}
	case wave:
		angle := 2 * math.Pi * float64(x%s.every) / float64(s.every)
		if s.peak == 1 {
			return a + (b-a)*(1+math.Cos(angle))/2
		}
		return a + (b-a)*(1-math.Cos(angle))/2
	}
	return a
}
