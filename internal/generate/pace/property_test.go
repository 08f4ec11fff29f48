// SPDX-License-Identifier: Apache-2.0

package pace

import (
	"fmt"
	"math"
	"math/big"
	"sort"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Profiles are drawn as text so that the parser is tested as well. Some rates and
// times are round numbers, others have as many digits as possible.
var (
	drawRate = rapid.Custom(func(t *rapid.T) string {
		switch rapid.IntRange(0, 4).Draw(t, "rate kind") {
		case 0:
			return fmt.Sprint(rapid.IntRange(0, 20).Draw(t, "small"))
		case 1:
			return fmt.Sprintf("%d.%02d%s", rapid.IntRange(0, 999).Draw(t, "whole"), rapid.IntRange(0, 99).Draw(t, "hundredths"),
				rapid.SampledFrom([]string{"", "/s", "/m", "/h", "k", "k/m", "k/h"}).Draw(t, "unit"))
		case 2:
			return fmt.Sprintf("%d.%06d/h", rapid.IntRange(0, 1e9).Draw(t, "whole"), rapid.IntRange(0, 999999).Draw(t, "millionths"))
		case 3:
			return fmt.Sprintf("%dM", rapid.IntRange(0, 1000).Draw(t, "millions"))
		}
		return "1G"
	})
	drawTime = rapid.Custom(func(t *rapid.T) string {
		switch rapid.IntRange(0, 3).Draw(t, "time kind") {
		case 0:
			return fmt.Sprintf("%dns", rapid.Int64Range(1, 1e12).Draw(t, "ns"))
		case 1:
			return fmt.Sprintf("%dns", rapid.IntRange(1, 50).Draw(t, "few ns"))
		case 2:
			return fmt.Sprintf("%dh%dm", rapid.IntRange(0, 50).Draw(t, "h"), rapid.IntRange(1, 90).Draw(t, "m"))
		}
		return rapid.SampledFrom([]string{"1s", "10s", "500ms", "1d", "3", "0.25h"}).Draw(t, "round")
	})
)

func drawSegment(t *rapid.T, endless bool, kinds []string) string {
	rate := func(name string) string { return drawRate.Draw(t, name) }
	span := func(name string) string { return drawTime.Draw(t, name) }
	text := ""
	switch kind := rapid.SampledFrom(kinds).Draw(t, "kind"); kind {
	case "constant":
		text = rate("rate")
	case "ramp":
		return fmt.Sprintf("ramp %s to %s for %s", rate("from"), rate("to"), span("for"))
	case "steps":
		// Random steps could be too small for the distance.
		a, n := rapid.IntRange(0, 1000).Draw(t, "first"), rapid.IntRange(1, 400).Draw(t, "by")
		return fmt.Sprintf("steps %d to %d by %d.5 every %s", a, rapid.IntRange(0, 1000).Draw(t, "last"), n, span("every"))
	case "sine":
		a, b := rate("low"), rate("high")
		if quantaOf(a) > quantaOf(b) {
			a, b = b, a
		}
		text = fmt.Sprintf("sine %s to %s every %s", a, b, span("every"))
		if rapid.Bool().Draw(t, "peak") {
			text += " from peak"
		}
	case "bursts":
		text = fmt.Sprintf("bursts %s on %s off %s base %s", rate("rate"), span("on"), span("off"), rate("base"))
	case "poisson":
		text = fmt.Sprintf("poisson %s seed %d", rate("rate"), rapid.Uint64().Draw(t, "seed"))
	default:
		text = kind
	}
	if !endless || rapid.Bool().Draw(t, "ends") {
		text += " for " + span("for")
	}
	return text
}

func quantaOf(rate string) uint64 {
	r := reader{text: rate}
	n, err := r.rate(token{text: rate})
	if err != nil {
		panic(err)
	}
	return n
}

var (
	exactKinds = []string{"constant", "idle", "ramp", "steps", "bursts"}
	plainKinds = append([]string{"sine"}, exactKinds...)
	allKinds   = append([]string{"poisson"}, plainKinds...)
)

// drawProfile draws the text of a profile with segments of the given kinds.
func drawProfile(t *rapid.T, kinds []string) string {
	repeat := rapid.SampledFrom([]string{"", "", "; repeat", "; repeat 3"}).Draw(t, "repeat")
	var parts []string
	n := rapid.IntRange(1, 5).Draw(t, "segments")
	for i := range n {
		parts = append(parts, drawSegment(t, i == n-1 && repeat == "", kinds))
	}
	return strings.Join(parts, rapid.SampledFrom([]string{"; ", ", ", "\n"}).Draw(t, "separator")) + repeat
}

// drawMoment draws a time that is interesting for p.
func drawMoment(t *rapid.T, p *Profile) int64 {
	span := uint64(1e14)
	if p.period > 0 && p.period < math.MaxInt64/100 {
		span = 3 * p.period
	}
	switch rapid.IntRange(0, 3).Draw(t, "moment kind") {
	case 0: // around the end of a segment
		s := p.segments[rapid.IntRange(0, len(p.segments)-1).Draw(t, "segment")]
		cycle := rapid.Uint64Range(0, 3).Draw(t, "cycle")
		at := s.start + cycle*p.period
		return int64(at) + rapid.Int64Range(-2, 2).Draw(t, "around")
	case 1: // in a year or a century
		return rapid.Int64Range(0, MaxTime).Draw(t, "far")
	case 2:
		return rapid.Int64Range(0, 1000).Draw(t, "near")
	}
	return int64(rapid.Uint64Range(0, span).Draw(t, "moment"))
}

func drawSchedule(t *rapid.T) (Schedule, func() int64) {
	if rapid.IntRange(0, 4).Draw(t, "fraction") == 0 {
		e := FixedRate{Num: rapid.Uint64Range(1, 1e15).Draw(t, "num"), Den: rapid.Uint64Range(1, 1e9).Draw(t, "den")}
		return e, func() int64 { return rapid.Int64Range(0, 1e15).Draw(t, "moment") }
	}
	text := drawProfile(t, allKinds)
	p, err := ParseProfile(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	t.Log(text)
	return p, func() int64 { return drawMoment(t, p) }
}

// The count is the same whatever was queried before, and never decreases.
func TestPartition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, moment := drawSchedule(t)
		times := make([]int64, rapid.IntRange(1, 20).Draw(t, "cuts"))
		for i := range times {
			times[i] = max(moment(), 0)
		}
		due := make(map[int64]uint64)
		for _, at := range times { // in any order
			due[at] = s.Due(at)
		}
		if p, ok := s.(*Profile); ok {
			s = mustParse(t, p.String()) // without a cached position
		}
		sort.Slice(times, func(i, j int) bool { return times[i] < times[j] })
		sum, last := uint64(0), uint64(0)
		for _, at := range times {
			n := s.Due(at)
			if n < last {
				t.Fatalf("Due(%d) = %d is below the earlier %d", at, n, last)
			}
			sum += n - last
			last = n
			if n != due[at] {
				t.Fatalf("Due(%d) = %d in order, %d out of order", at, n, due[at])
			}
		}
		if end := times[len(times)-1]; sum != s.Due(end) {
			t.Fatalf("the intervals up to %d have %d records in total, Due returns %d", end, sum, s.Due(end))
		}
	})
}

// At(n) is the first time at which n records are due.
func TestAtIsFirst(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, moment := drawSchedule(t)
		start := max(moment(), 0)
		n := s.Due(start)
		if p, ok := s.(*Profile); ok && rapid.Bool().Draw(t, "fresh") {
			s = mustParse(t, p.String())
		}
		last := int64(0)
		for k := n - min(n, 3); k < n+40; k++ {
			at := s.At(k)
			if at < last {
				t.Fatalf("At(%d) = %d is before At(%d) = %d", k, at, k-1, last)
			}
			last = at
			if at == Never {
				if due := s.Due(Never - 1); due >= k {
					t.Fatalf("At(%d) = Never, but %d are due at the end", k, due)
				}
				break
			}
			if due := s.Due(at); due < k {
				t.Fatalf("At(%d) = %d, but Due is %d there", k, at, due)
			}
			if at > 0 {
				if due := s.Due(at - 1); due >= k {
					t.Fatalf("At(%d) = %d, but Due is %d 1 ns earlier", k, at, due)
				}
			}
			if k <= n && at > start || k > n && at <= start {
				t.Fatalf("At(%d) = %d, but Due(%d) = %d", k, at, start, n)
			}
		}
	})
}

// formula returns the integral over the first x ns of a segment, in records, as
// an exact fraction.
func (s *segment) formula(x uint64) *big.Rat {
	num := func(n uint64) *big.Rat { return new(big.Rat).SetInt(new(big.Int).SetUint64(n)) }
	perNs := func(rate uint64) *big.Rat { return new(big.Rat).Quo(num(rate), num(quantaPerNanosecond)) }
	sum := new(big.Rat)
	part := func(rate *big.Rat, ns uint64) { sum.Add(sum, new(big.Rat).Mul(rate, num(ns))) }
	switch s.kind.shape {
	case flat:
		part(perNs(s.a), x)
	case slope:
		// The mean of the rates at both ends, times the length.
		way := new(big.Rat).Sub(perNs(s.b), perNs(s.a))
		way.Mul(way, new(big.Rat).Quo(num(x), num(2*s.dur)))
		part(way.Add(way, perNs(s.a)), x)
	case stairs:
		rate := s.a
		for at := uint64(0); at < x; at += s.every {
			part(perNs(rate), min(s.every, x-at))
			if s.b >= s.a {
				rate = min(rate+s.by, s.b)
			} else {
				rate = max(rate, s.b+s.by) - s.by
			}
		}
	case pulse:
		n, rest := x/(s.every+s.off), x%(s.every+s.off)
		part(perNs(s.a), n*s.every+min(rest, s.every))
		part(perNs(s.b), n*s.off+rest-min(rest, s.every))
	default:
		panic("no formula for " + s.kind.Name)
	}
	return sum
}

// formula returns the integral of a profile from 0 to t.
func formula(p *Profile, t uint64) *big.Rat {
	sum := new(big.Rat)
	cycle, rest := uint64(0), min(t, p.end)
	if p.repeat != 1 {
		cycle, rest = rest/p.period, rest%p.period
	}
	for i := range p.segments {
		s := &p.segments[i]
		if cycle > 0 {
			all := s.formula(s.dur)
			sum.Add(sum, all.Mul(all, new(big.Rat).SetInt(new(big.Int).SetUint64(cycle))))
		}
		x := rest
		if s.dur > 0 {
			x = min(x, s.dur)
		}
		sum.Add(sum, s.formula(x))
		rest -= x
	}
	return sum
}

// The count is the floor of the formula, to the last record, at any time.
func TestExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := drawProfile(t, exactKinds)
		p := mustParse(t, text)
		for range 10 {
			at := max(drawMoment(t, p), 0)
			f := formula(p, uint64(at))
			want := new(big.Int).Div(f.Num(), f.Denom()).Uint64()
			if got := p.Due(at); got != want {
				t.Fatalf("%s: Due(%d) = %d, want floor of %s", text, at, got, f.FloatString(6))
			}
			if got := p.At(want); got > at || p.At(want+1) <= at {
				t.Fatalf("%s: At(%d) = %d and At(%d) = %d, but the formula at %d is %s", text, want, got, want+1, p.At(want+1), at, f.FloatString(6))
			}
		}
	})
}

// A line rounds down to whole grains. The difference is too small to show in
// records, but a count that was rounded up could decrease later.
func TestLine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.OneOf(rapid.Uint64Range(0, quantaPerNanosecond), rapid.Uint64Range(0, 1000))
		s := span{
			shape: slope, a: rate.Draw(t, "a"), b: rate.Draw(t, "b"),
			whole: rapid.OneOf(rapid.Uint64Range(1, MaxTime), rapid.Uint64Range(1, 100)).Draw(t, "whole"),
		}
		x := rapid.Uint64Range(0, s.whole).Draw(t, "x")
		num := func(n uint64) *big.Int { return new(big.Int).SetUint64(n) }
		// (2a*x*whole + (b-a)*x²) / whole
		want := new(big.Int).Sub(num(s.b), num(s.a))
		want.Mul(want, new(big.Int).Mul(num(x), num(x)))
		first := new(big.Int).Mul(num(2*s.a), num(x))
		want.Add(want, first.Mul(first, num(s.whole)))
		want.Div(want, num(s.whole))
		g := s.line(x)
		got := new(big.Int).Or(new(big.Int).Lsh(num(g.hi), 64), num(g.lo))
		if got.Cmp(want) != 0 {
			t.Fatalf("from %d to %d in %d: %s at %d, want %s", s.a, s.b, s.whole, got, x, want)
		}
	})
}

// Fractions of records carry over random segments, whether they are queried in
// small steps or in one jump.
func TestFractionsPassRandom(t *testing.T) {
	const text = "0.3 for 1s; poisson 3 for 1s; ramp 0.5 to 0 for 1s; poisson 5 for 2s; repeat"
	walk := mustParse(t, text)
	for at := int64(0); at < 1000e9; at += 250e6 {
		if got, want := walk.Due(at), mustParse(t, text).Due(at); got != want {
			t.Fatalf("Due(%d) = %d in small steps, %d in one jump", at, got, want)
		}
	}
	fresh := mustParse(t, text)
	for n := uint64(1); n < 1000; n++ {
		if got, want := walk.At(n), fresh.At(n); got != want {
			t.Fatalf("At(%d) = %d in one jump, %d in small steps", n, got, want)
		}
	}
}

// A sine is exact at every half period, and close to the formula elsewhere.
func TestSineFormula(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := drawSegment(t, true, []string{"sine"})
		p := mustParse(t, text)
		s := &p.segments[0]
		low, high, every := float64(s.a)/quantaPerNanosecond, float64(s.b)/quantaPerNanosecond, float64(s.every)
		k := rapid.Uint64Range(0, 20).Draw(t, "half periods")
		if at := k * s.every / 2; at <= p.end && (k%2 == 0 || s.every%2 == 0) {
			sum := mul(at, s.a+s.b)
			want, _ := divide(sum)
			if got := p.Due(int64(at)); got != want {
				t.Fatalf("%s: Due(%d) = %d after %d half periods, want %d", text, at, got, k, want)
			}
		}
		x := float64(min(rapid.Uint64Range(0, 2*s.every).Draw(t, "moment"), p.end))
		swing := every / (2 * math.Pi) * math.Sin(2*math.Pi*math.Mod(x, every)/every)
		if s.peak == 0 {
			swing = -swing
		}
		want := (low+high)/2*x + (high-low)/2*swing
		if got := float64(p.Due(int64(x))); got > want+1e-9*want+1e-6 || got < want-1-1e-9*want-1e-6 {
			t.Fatalf("%s: Due(%g) = %g, the formula is %g", text, x, got, want)
		}
	})
}

func divide(g uint128) (n, rest uint64) {
	q, r := new(big.Int).DivMod(
		new(big.Int).Or(new(big.Int).Lsh(new(big.Int).SetUint64(g.hi), 64), new(big.Int).SetUint64(g.lo)),
		new(big.Int).SetUint64(grainsPerRecord), new(big.Int))
	return q.Uint64(), r.Uint64()
}

// The normal form parses as the same profile and is its own normal form.
func TestNormalForm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := drawProfile(t, allKinds)
		for _, m := range []string{"; scale 0.5", "; stretch 3", "; stretch 2, scale 0.25"} {
			if rapid.Bool().Draw(t, "modifier") {
				if _, err := ParseProfile(text + m); err == nil {
					text += m
					break
				}
			}
		}
		p := mustParse(t, text)
		q := mustParse(t, p.String())
		if p.String() != q.String() {
			t.Fatalf("%s has the normal form %s, which has the normal form %s", text, p, q)
		}
		for range 5 {
			at := drawMoment(t, p)
			if p.Due(at) != q.Due(at) {
				t.Fatalf("%s: Due(%d) = %d, as %s it is %d", text, at, p.Due(at), q, q.Due(at))
			}
			if p.RateAt(at) != q.RateAt(at) {
				t.Fatalf("%s: RateAt(%d) = %g, as %s it is %g", text, at, p.RateAt(at), q, q.RateAt(at))
			}
		}
	})
}

// k times the rate has k times the count. A profile stretched k times has k times
// the count at k times the time. Each cycle has the same count. The fractions of
// records in a count add up too.
func TestModifierLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := drawProfile(t, exactKinds)
		p := mustParse(t, text)
		at := min(max(drawMoment(t, p), 0), 1e18)
		k := rapid.Uint64Range(2, 9).Draw(t, "factor")
		law := func(name string, got, want, more uint64) {
			t.Helper()
			if got < want || got-want > more {
				t.Fatalf("%s, at %d by %d: got %[5]d for %[4]s, want %[6]d to %[7]d", text, at, k, name, got, want, want+more)
			}
		}
		if q, err := ParseProfile(fmt.Sprintf("%s; scale %d", text, k)); err == nil {
			law("scale", q.Due(at), p.Due(at)*k, k-1)
		}
		if q, err := ParseProfile(fmt.Sprintf("%s; stretch %d", text, k)); err == nil {
			law("stretch", q.Due(at*int64(k)), p.Due(at)*k, k-1)
		}
		if p.period > 0 && p.repeat == 0 {
			law("repeat", p.Due(at+int64(p.period))-p.Due(at), p.Due(int64(p.period)), 1)
		}
		if q, err := ParseProfile(text + "; scale 0.5; stretch 2"); err == nil {
			law("half the rate for twice as long", q.Due(2*at), p.Due(at), 0)
		}
	})
}

// A constant rate equals a FixedRate, except that one rounds up to a nanosecond and
// the other rounds down.
func TestConstantIsFixedRate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.Uint64Range(1, 1e9).Draw(t, "rate")
		e, p := perSecond(rate), mustParse(t, fmt.Sprint(rate))
		n := rapid.Uint64Range(0, 1e9*rate).Draw(t, "n")
		if a, b := e.At(n), p.At(n); b != a && b != a+1 {
			t.Fatalf("%d/s: At(%d) = %d as a FixedRate, %d as a profile", rate, n, a, b)
		}
	})
}

// The curve of the sine never decreases, to the last bit, and its error is within
// the documented bound.
func TestSwing(t *testing.T) {
	curve := halfSwing()
	last := uint64(0)
	for k := range curve {
		for i, c := range curve[k] {
			if c < last {
				t.Fatalf("control point %d of piece %d decreases from %d to %d", i, k, last, c)
			}
			last = c
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.Uint64Range(0, half-1).Draw(t, "x")
		a, _ := swing(curve, x)
		b, _ := swing(curve, x+1)
		if b < a {
			t.Fatalf("swing(%d) = %d is followed by %d", x, a, b)
		}
		// θ - sin θ by its power series, in 200 bits.
		theta := new(big.Float).SetPrec(200).SetUint64(x)
		theta.SetMantExp(theta, -63)
		pi, _, _ := big.ParseFloat("3.14159265358979323846264338327950288419716939937510582097494459", 10, 200, big.ToNearestEven)
		theta.Mul(theta, pi)
		sin, _ := sinCos(theta)
		y := new(big.Float).Sub(theta, sin)
		y.Quo(y, pi)
		y.SetMantExp(y, 63)
		y.Sub(y, new(big.Float).SetUint64(a))
		if d, _ := y.Float64(); math.Abs(d) > 16 {
			t.Fatalf("swing(%d) = %d is off by %g", x, a, d)
		}
	})
}
