// SPDX-License-Identifier: Apache-2.0

// Package clock computes the times of the records of a stream.
//
// A [Clock] is a pure function of a record's position in its stream: it reads no
// wall clock, and earlier calls do not change its results. The time of any record is
// therefore the same alone and in sequence, in every shard, and after a reload.
//
// The normal path is [Even], [Along] or [Follow], then [Clock.At] for any record, or
// [Clock.Walk] for many.
//
// # Terms
//
// A position is the number of a record in its stream, from 0. A tick is perTick
// consecutive positions, whose times are 1 ns apart. Lanes are inputs that share a
// stream and have a schedule each: the positions of one tick of all lanes alternate
// between them.
package clock

import (
	"fmt"
	"math/big"
	"math/bits"
	"strings"

	"github.com/gdummy/gdummy/internal/config/units"
	"github.com/gdummy/gdummy/internal/generate/pace"
)

// Last is the latest time of a record, in nanoseconds since 1970.
const Last = units.MaxMoment - 1

// Clock is the clock of one stream. The zero value is not valid.
type Clock struct {
	start   int64  // nanoseconds since 1970
	origin  uint64 // the position of tick 0, or of the first tick due after the start
	perTick uint64
	lanes   uint64

	even    pace.FixedRate
	profile *pace.Profile // nil if the ticks are evenly spaced
	follows bool          // the times are those of moments
	moments Moments
	base    int64 // what moments have at the start
	speed   Speed
	lead    uint64 // tick i has the time of tick i+lead of the schedule

	spacing *spacing // nil if ticks have at least perTick nanoseconds anyway
}

// Moments are the times of the records of a stream, as package lives computes them.
type Moments interface {
	// At returns the time of the record at a position, in nanoseconds, or
	// [pace.Never].
	At(position uint64) int64

	// Due returns how many records have times of at most t.
	Due(t int64) uint64
}

// Follow returns a clock whose records have the times of m: the record at the origin
// follows the start as it follows the record before it.
func Follow(start int64, m Moments, origin uint64) *Clock {
	c := &Clock{start: start, origin: origin, perTick: 1, lanes: 1, speed: Speed{1, 1}, lead: 1, follows: true}
	c.Bind(m)
	return c
}

// Bind sets the moments of a clock that [Parse] has made, if it follows any.
func (c *Clock) Bind(m Moments) {
	if c.follows && m != nil {
		c.moments, c.base, c.spacing = m, Before(m, c.origin), newSpacing()
	}
}

// Before returns the time of the record before a position, or 0 for position 0.
func Before(m Moments, position uint64) int64 {
	if position == 0 {
		return 0
	}
	return m.At(position - 1)
}

// Speed is how fast the clock of the records is, as a fraction of the speed of its
// schedule.
type Speed struct{ Num, Den uint64 }

// Layout is how the records of a stream become ticks.
type Layout struct {
	Origin  uint64 // the position at the start
	PerTick uint64 // records in a tick
	Lanes   uint64 // inputs that have a schedule each
}

// Even returns a clock whose tick i is at start + i*step, rounded down to a
// nanosecond. start is in nanoseconds since 1970.
func Even(start int64, step pace.FixedRate, l Layout) *Clock {
	return &Clock{start: start, origin: l.Origin, perTick: max(l.PerTick, 1), lanes: max(l.Lanes, 1), even: step, speed: Speed{1, 1}}
}

// Along returns a clock whose ticks have the times at which a schedule makes them
// due, at a multiple of its speed: tick i is at start + speed*At(i+1), rounded down
// to a nanosecond. The schedule is a [pace.FixedRate] or a [*pace.Profile].
func Along(start int64, s pace.Schedule, speed Speed, l Layout) *Clock {
	c := Even(start, pace.FixedRate{Num: 1, Den: 1}, l)
	c.lead, c.speed = 1, speed
	switch s := s.(type) {
	case pace.FixedRate:
		c.even = s
		if faster, ok := Faster(s, speed); ok {
			c.even, c.speed = faster, Speed{1, 1}
		}
	case *pace.Profile:
		c.setProfile(s)
	}
	return c
}

func (c *Clock) setProfile(p *pace.Profile) {
	c.profile = p
	if p.Irregular() {
		c.spacing = newSpacing()
	}
}

// Faster returns the schedule with the times of another multiplied by a speed, unless
// its fraction has more than 64 bits.
func Faster(r pace.FixedRate, s Speed) (faster pace.FixedRate, ok bool) {
	product := func(a, b uint64) *big.Int {
		return new(big.Int).Mul(new(big.Int).SetUint64(a), new(big.Int).SetUint64(b))
	}
	f := new(big.Rat).SetFrac(product(r.Num, s.Num), product(r.Den, s.Den))
	return pace.FixedRate{Num: f.Num().Uint64(), Den: f.Denom().Uint64()}, f.Num().IsUint64() && f.Denom().IsUint64()
}

// Origin returns the first position.
func (c *Clock) Origin() uint64 { return c.origin }

// At returns the time of the record at a position, in nanoseconds since 1970. All
// records after the [Last] time have that time; those before the origin have the
// time of the start.
func (c *Clock) At(position uint64) int64 {
	if c.follows && position < c.origin {
		return max(c.time(c.follow(position), 0), 0)
	}
	tick, part := c.place(position)
	return c.time(c.due(tick), part)
}

// follow returns the time of a position, in nanoseconds after the start.
func (c *Clock) follow(position uint64) int64 {
	at := c.moments.At(position)
	if at == pace.Never {
		return at
	}
	return at - c.base
}

// place returns the tick of a position, and which of its records it is.
func (c *Clock) place(position uint64) (tick, part uint64) {
	i := position - min(position, c.origin)
	if c.lanes > 1 {
		i /= c.lanes
	}
	if c.perTick == 1 {
		return i, 0
	}
	return i / c.perTick, i % c.perTick
}

// due returns the time of a tick, in nanoseconds after the start.
func (c *Clock) due(tick uint64) int64 {
	if c.spacing != nil {
		return c.spacing.due(c, tick)
	}
	return c.moment(tick)
}

// moment returns the time of a tick by the schedule, in nanoseconds after the start.
func (c *Clock) moment(tick uint64) int64 {
	if c.follows {
		return c.follow(c.origin + tick)
	}
	if tick > pace.Unbounded-c.lead {
		return pace.Never
	}
	if c.profile != nil {
		return c.speed.Scale(c.profile.At(tick + c.lead))
	}
	return c.speed.Scale(c.even.At(tick + c.lead))
}

// time returns the time of a part of a tick.
func (c *Clock) time(due int64, part uint64) int64 {
	if due >= Last-c.start || part >= uint64(Last-c.start-due) {
		return Last
	}
	return c.start + due + int64(part)
}

// Scale returns speed*t, rounded down, or [pace.Never].
func (s Speed) Scale(t int64) int64 {
	if s.Num == s.Den || t == pace.Never {
		return t
	}
	hi, lo := bits.Mul64(uint64(t), s.Num)
	if hi >= s.Den {
		return pace.Never
	}
	q, _ := bits.Div64(hi, lo, s.Den)
	return int64(min(q, pace.Never))
}

// Latest returns the largest t with Scale(t) <= scaled, or [pace.Never].
func (s Speed) Latest(scaled int64) int64 {
	if s.Num == s.Den || scaled == pace.Never {
		return scaled
	}
	//	t*num < (scaled+1)*den
	hi, lo := bits.Mul64(uint64(scaled)+1, s.Den)
	lo, borrow := bits.Sub64(lo, 1, 0)
	if hi -= borrow; hi >= s.Num {
		return pace.Never
	}
	q, _ := bits.Div64(hi, lo, s.Num)
	return int64(min(q, pace.Never))
}

// End returns the first position whose time is not before end or, on a clock along a
// schedule, after end. It is [pace.Unbounded] if there is none. The nanoseconds
// within a tick do not count.
func (c *Clock) End(end int64) uint64 {
	if end < c.start {
		return c.origin
	}
	return c.before(end - c.start + int64(c.lead))
}

// Block returns the positions, from one to before another, whose times are in the same
// multiple of a width, in nanoseconds after the start, as that of a position.
func (c *Clock) Block(position uint64, width int64) (from, to uint64) {
	tick, _ := c.place(position)
	due := c.due(tick)
	begin := due - due%width
	from, to = c.before(begin), pace.Unbounded
	if begin <= pace.Never-width {
		to = c.before(begin + width)
	}
	return from, to
}

// before returns how many positions, counted from 0, have times of less than t
// nanoseconds after the start.
func (c *Clock) before(t int64) uint64 {
	if t <= 0 {
		return c.origin
	}
	positions := c.scheduled(t)
	if c.spacing == nil || positions == pace.Unbounded {
		return positions
	}
	for positions > c.origin { // some of the last ones are later than scheduled
		if tick, _ := c.place(positions - 1); c.due(tick) < t {
			break
		}
		positions -= c.perTick * c.lanes
	}
	return positions
}

// scheduled returns how many positions, counted from 0, have times of less than t > 0
// nanoseconds after the start by the schedule.
func (c *Clock) scheduled(t int64) uint64 {
	if c.follows {
		return max(c.moments.Due(min(t-1, pace.Never-c.base)+c.base), c.origin)
	}
	t = c.speed.Latest(t - 1)
	ticks := uint64(0)
	if c.profile != nil {
		ticks = c.profile.Due(t)
	} else if ticks = c.even.Due(t); c.lead == 0 && ticks < pace.Unbounded {
		ticks++ // the one at the start
	}
	hi, positions := bits.Mul64(ticks, c.perTick)
	over, positions := bits.Mul64(positions, c.lanes)
	if sum := positions + c.origin; hi == 0 && over == 0 && sum >= positions {
		return sum
	}
	return pace.Unbounded
}

// String returns the clock in the form that [Parse] reads.
func (c *Clock) String() string {
	kind, rest := "even", fmt.Sprintf("%d/%d:%d", c.even.Num, c.even.Den, c.lead)
	switch {
	case c.follows:
		kind, rest = "lives", ""
	case c.profile != nil:
		kind, rest = "profile", c.profile.String()
	}
	return fmt.Sprintf("%s:"+numbers+"%s", kind, c.start, c.origin, c.perTick, c.lanes, c.speed.Num, c.speed.Den, rest)
}

// numbers is the format of what all kinds of clocks have.
const numbers = "%d:%d:%d:%d:%d/%d:"

// Parse reads the result of [Clock.String]. A clock made by [Follow] must then be bound
// to its moments.
func Parse(text string) (*Clock, error) {
	c := &Clock{lead: 1}
	kind, rest, _ := strings.Cut(text, ":")
	r := strings.NewReader(rest)
	_, err := fmt.Fscanf(r, numbers, &c.start, &c.origin, &c.perTick, &c.lanes, &c.speed.Num, &c.speed.Den)
	valid := err == nil && c.perTick > 0 && c.lanes > 0 && c.start >= 0 && c.start <= Last && c.speed.Num > 0 && c.speed.Den > 0
	rest = rest[len(rest)-r.Len():] // what the kind has
	switch {
	case !valid:
	case kind == "profile":
		profile, err := pace.ParseProfile(rest)
		if err != nil {
			return nil, fmt.Errorf("invalid clock %q: %w", text, err)
		}
		c.setProfile(profile)
		return c, nil
	case kind == "even":
		_, err = fmt.Sscanf(rest, "%d/%d:%d", &c.even.Num, &c.even.Den, &c.lead)
		valid = err == nil && c.even.Num > 0 && c.even.Den > 0 && c.lead <= 1
	case kind == "lives":
		c.follows = true
	}
	if !valid || c.String() != text {
		return nil, fmt.Errorf("invalid clock %q", text)
	}
	return c, nil
}
