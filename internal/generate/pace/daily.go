// SPDX-License-Identifier: Apache-2.0

package pace

import (
	"fmt"
	"math/bits"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/gdummy/gdummy/internal/config/units"
)

// A daily segment has the rate of the latest of its entries, in the local time of a
// zone. The rate depends on the local time alone: an hour that the zone skips has no
// records, and an hour that comes twice has its records twice.
//
//	W(l)     = integral of the rate over the local time, from a Monday before 1970
//	zone     = stretches of time in which local time = time + offset
//	integral = sum over the stretches of W(local end) - W(local start)

const (
	dayLength  = uint64(24 * time.Hour)
	weekLength = 7 * dayLength
	allDays    = 1<<7 - 1

	// sinceMonday is from the Monday before 1970 to 1970. No zone is farther behind.
	sinceMonday = 3 * dayLength
)

// defaultStart is the start of a profile that is not started: a Monday.
var defaultStart = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)

var dayNames = []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}

// daily is what a daily segment has beyond other segments.
type daily struct {
	entries []entry
	week    []mark
	perWeek uint128 // grains
	zone    []stretch
}

// entry is the rate from a time of day on.
type entry struct {
	days uint8  // bit 0 is Monday
	at   uint64 // ns after midnight
	rate uint64 // quanta
}

// mark is the rate from a time of the week on.
type mark struct {
	at     uint64 // ns after Monday, 00:00
	rate   uint64
	before uint128 // grains of the week before it
}

// stretch is a part of a segment in which the offset of the zone is the same.
type stretch struct {
	start  uint64 // ns after the start of the segment
	local  uint64 // its local time, in ns after a Monday
	before uint128
}

// place computes the marks, and the stretches of a segment that starts at a time and
// has a length, in ns.
func (d *daily) place(start, length uint64, loc *time.Location) {
	d.week, d.zone, d.perWeek = nil, nil, uint128{}
	for _, e := range d.entries {
		for i := range uint64(7) {
			if e.days>>i&1 > 0 {
				d.week = append(d.week, mark{at: i*dayLength + e.at, rate: e.rate})
			}
		}
	}
	slices.SortFunc(d.week, func(a, b mark) int { return int(int64(a.at) - int64(b.at)) })
	if d.week[0].at > 0 {
		d.week = slices.Insert(d.week, 0, mark{rate: d.week[len(d.week)-1].rate})
	}
	for i := range d.week {
		m, end := &d.week[i], weekLength
		if m.before = d.perWeek; i+1 < len(d.week) {
			end = d.week[i+1].at
		}
		d.perWeek = d.perWeek.add(mul(2*m.rate, end-m.at))
	}

	before := uint128{}
	for x := uint64(0); x < length; {
		t := time.Unix(int64((start+x)/1e9), int64((start+x)%1e9)).In(loc)
		_, offset := t.Zone()
		_, next := t.ZoneBounds()
		end := length
		switch {
		case next.After(t):
			end = min(length, uint64(next.Unix())*1e9-start)
		case !next.IsZero(): // Go returns the start of some years as their end
			end = min(length, x+uint64(time.Hour))
		}
		local := start + x + sinceMonday + uint64(offset)*1e9 // wraps around if the offset is negative
		if n := len(d.zone); n == 0 || local-x != d.zone[n-1].local-d.zone[n-1].start {
			d.zone = append(d.zone, stretch{x, local, before})
		}
		before = before.add(d.until(local + end - x)).sub(d.until(local))
		x = end
	}
}

// until returns the grains of the local time until l.
func (d *daily) until(l uint64) uint128 {
	m := d.mark(l % weekLength)
	g := d.perWeek.times(l / weekLength).add(d.week[m].before)
	return g.add(mul(2*d.week[m].rate, l%weekLength-d.week[m].at))
}

// mark returns the index of the mark in force at a time of the week.
func (d *daily) mark(at uint64) int {
	return sort.Search(len(d.week), func(i int) bool { return d.week[i].at > at }) - 1
}

// find is [segment.find].
func (d *daily) find(x, limit uint64, sp *span) uint128 {
	i := sort.Search(len(d.zone), func(i int) bool { return d.zone[i].start > x }) - 1
	s, end := &d.zone[i], limit
	if i+1 < len(d.zone) {
		end = d.zone[i+1].start
	}
	local := s.local + x - s.start
	m := d.mark(local % weekLength)
	next := weekLength
	if m+1 < len(d.week) {
		next = d.week[m+1].at
	}
	since, left := local%weekLength-d.week[m].at, next-local%weekLength
	sp.t0 = x - min(since, x-s.start)
	sp.t1 = min(x+left, end)
	sp.r = 2 * d.week[m].rate
	return s.before.add(d.until(s.local + sp.t0 - s.start)).sub(d.until(s.local))
}

// bounds adds the rates from one time of the segment to another.
func (d *daily) bounds(from, to uint64, b *bounds) {
	if to-from > weekLength+dayLength {
		for _, m := range d.week {
			b.add(float64(m.rate))
		}
		return
	}
	for x := from; x < to; {
		var sp span
		d.find(x, to, &sp)
		b.add(float64(sp.r / 2))
		x = sp.t1
	}
}

// rateAt returns the rate at a time of the segment, in quanta.
func (d *daily) rateAt(x uint64) uint64 {
	var sp span
	d.find(x, horizon, &sp)
	return sp.r / 2
}

// cycle returns how long the pattern is.
func (d *daily) cycle() uint64 {
	for _, e := range d.entries {
		if e.days != allDays {
			return weekLength
		}
	}
	return dayLength
}

// String returns the entries in their normal form.
func (d *daily) String() string {
	var b strings.Builder
	days := uint8(allDays)
	for i, e := range d.entries {
		if i > 0 {
			b.WriteString(", ")
		}
		if e.days != days {
			days = e.days
			for _, w := range dayWords(days) {
				b.WriteString(w + " ")
			}
		}
		fmt.Fprintf(&b, "%02d:%02d", e.at/uint64(time.Hour), e.at/uint64(time.Minute)%60)
		if s := e.at / 1e9 % 60; s > 0 {
			fmt.Fprintf(&b, ":%02d", s)
		}
		b.WriteString(" " + formatRate(e.rate))
	}
	return b.String()
}

// dayWords returns days as words: single ones, and the first and the last of several.
func dayWords(days uint8) (words []string) {
	for i := 0; days>>i > 0; {
		n := bits.TrailingZeros8(^(days >> i))
		switch n {
		case 0:
			n = 1
		case 1:
			words = append(words, dayNames[i])
		default:
			words = append(words, dayNames[i]+"-"+dayNames[i+n-1])
		}
		i += n
	}
	return words
}

// Daily reports whether the rate of the profile depends on the time of day.
func (p *Profile) Daily() bool {
	return slices.ContainsFunc(p.segments, func(s segment) bool { return s.daily != nil })
}

// From returns the profile for a start at a moment, in nanoseconds since 1970. A profile
// that has a start of its own, or needs none, is returned as it is.
func (p *Profile) From(start int64) *Profile {
	if p.from != nil || !p.Daily() {
		return p
	}
	own := Profile{repeat: p.repeat, zone: p.zone, from: &start, jitter: p.jitter}
	for _, s := range p.segments {
		if s.daily != nil {
			s.daily = &daily{entries: s.daily.entries}
		}
		own.segments = append(own.segments, s)
	}
	own.setup()
	return &own
}

// start returns the start of a profile with daily segments, in nanoseconds since 1970.
func (p *Profile) start() uint64 {
	if p.from != nil {
		return uint64(*p.from)
	}
	_, offset := defaultStart.In(p.location()).Zone()
	return uint64(defaultStart.Unix()-int64(offset)) * 1e9
}

// location returns the zone of the daily segments.
func (p *Profile) location() *time.Location {
	loc, err := units.ParseZone(p.zone)
	if err != nil { // ParseProfile has read it
		panic(err)
	}
	return loc
}
