// SPDX-License-Identifier: Apache-2.0

package clock

import "github.com/gdummy/gdummy/internal/generate/pace"

// Walker steps through the times of positions at equal distances, without a division
// for each.
type Walker struct {
	clock *Clock // nil if the steps below are exact

	position, stride uint64

	at, over   uint64 // time after the start of the tick: at + over/den
	part       uint64 // of the tick
	ticks      step   // of a stride
	tick       step   // of one more tick
	parts      uint64 // of a stride, beyond its ticks
	perTick    uint64
	den        uint64
	start, end uint64
}

// step is a time in nanoseconds, whole + rest/den.
type step struct{ whole, rest uint64 }

// Walk returns a Walker that starts with the time of a position, and continues with
// those of the positions at multiples of stride after it.
func (c *Clock) Walk(position, stride uint64) Walker {
	w := Walker{clock: c, position: position, stride: stride}
	i := stride / c.lanes
	if c.profile != nil || c.follows || c.speed.Num != c.speed.Den || stride%c.lanes != 0 || position < c.origin || c.even.Den > 1<<62 {
		return w
	}
	tick, part := c.place(position)
	ticks, parts := i/c.perTick, i%c.perTick
	var whole, rest uint64
	for _, d := range []struct {
		n           uint64
		whole, rest *uint64
	}{{tick + c.lead, &whole, &rest}, {ticks, &w.ticks.whole, &w.ticks.rest}, {1, &w.tick.whole, &w.tick.rest}} {
		var ok bool
		if *d.whole, *d.rest, ok = divide(c.even, d.n); !ok {
			return w
		}
	}
	w.clock = nil
	w.at, w.over, w.part = whole, rest, part
	w.parts, w.perTick, w.den = parts, c.perTick, c.even.Den
	w.start, w.end = uint64(c.start), uint64(Last-c.start)
	return w
}

// divide returns n*Num/Den as a whole number and a rest, and whether it is less than
// [pace.Never].
func divide(r pace.FixedRate, n uint64) (whole, rest uint64, ok bool) {
	at := r.At(n)
	if at == pace.Never {
		return 0, 0, false
	}
	// The products wrap around, but their difference is less than Den.
	return uint64(at), n*r.Num - uint64(at)*r.Den, true
}

// Fill fills times with the times of the next positions, in nanoseconds since 1970.
func (w *Walker) Fill(times []int64) {
	if w.clock != nil {
		for i := range times {
			times[i] = w.clock.At(w.position)
			w.position += w.stride
		}
		return
	}
	at, over, part := w.at, w.over, w.part
	for i := range times {
		if at >= w.end || part >= w.end-at {
			at = w.end // later ones would wrap around
			times[i] = Last
			continue
		}
		times[i] = int64(w.start + at + part)
		at += w.ticks.whole
		if over += w.ticks.rest; over >= w.den {
			over -= w.den
			at++
		}
		if part += w.parts; part < w.perTick {
			continue
		}
		part -= w.perTick
		at += w.tick.whole
		if over += w.tick.rest; over >= w.den {
			over -= w.den
			at++
		}
	}
	w.at, w.over, w.part = at, over, part
}
