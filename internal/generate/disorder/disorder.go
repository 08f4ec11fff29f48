// SPDX-License-Identifier: Apache-2.0

// Package disorder puts records out of order on purpose.
//
// A [Plan] is a pure function of positions in a stream. The normal path is [New], then
// [Plan.Original] for the record that is delivered at a position. An audit reads the
// plan from the ledger with [Parse], and asks [Plan.Carriers] which positions deliver
// a record.
//
// # Terms
//
// An original is a record of the stream, named by its position in the order of times.
// It is delivered at one position, at two if it is repeated, or at none: a repeat takes
// the place of the original that would be delivered there.
//
//	shuffle  the originals of each block of time are delivered in a random order
//	repeat   some positions deliver again what was delivered earlier, byte for byte
//	late     some originals bear an earlier time than they should; nothing moves
//	skew     the clock of each host is off by a constant; nothing moves
package disorder

import (
	"math"
	"time"

	"github.com/gdummy/gdummy/internal/generate/clock"
	"github.com/gdummy/gdummy/internal/generate/seed"
)

// Plan is the disorder of one stream.
type Plan struct {
	Rules
	key   uint64
	clock *clock.Clock // nil if nothing moves
	limit uint64       // a block of the shuffle that reaches this position ends there
}

// Rules are what a user asks for.
type Rules struct {
	Shuffle time.Duration // the length of a block of time; 0 means no shuffle
	Repeat  Repeat
	Late    Late
	Skew    Skew
}

// Repeat is how many positions repeat an earlier one.
type Repeat struct {
	Share  float64 // of all positions, at most MaxRepeat
	Within uint64  // the largest distance, in positions, is below it
}

// MaxRepeat is the largest share of repeats.
const MaxRepeat = 0.2

// Late is how many records bear an earlier time, and how much.
type Late struct {
	Share    float64
	From, To time.Duration // evenly distributed, or
	Mean     time.Duration // exponentially distributed
}

// Moves reports whether records are delivered at other positions than their own.
func (r *Rules) Moves() bool { return r.Shuffle > 0 || r.Repeat.Share > 0 }

// Any reports whether there is any disorder.
func (r *Rules) Any() bool { return r.Moves() || r.Late.Share > 0 || r.Skew.Within > 0 }

// New returns the plan of a stream with the given key. c is the clock of its records,
// which may be nil if nothing moves. limit is the position at which the stream ends,
// or [pace.Unbounded].
func New(r Rules, key uint64, c *clock.Clock, limit uint64) *Plan {
	return &Plan{Rules: r, key: key, clock: c, limit: limit}
}

// The purposes of random numbers.
const (
	ofShuffle = iota + 1
	ofRepeat
	ofSource
	ofLate
	ofSkew
)

func (p *Plan) draw(purpose, position uint64) seed.Rand {
	return seed.At(seed.Record(p.key, position), purpose)
}

// Original returns the original that is delivered at a position.
func (p *Plan) Original(position uint64) uint64 {
	if source, ok := p.source(position); ok {
		position = source
	}
	return p.shuffled(position)
}

// Carriers returns the positions at which an original is delivered: the first n of
// them are valid.
func (p *Plan) Carriers(original uint64) (positions [2]uint64, n int) {
	at := p.unshuffled(original)
	if _, ok := p.source(at); !ok {
		positions[n] = at
		n++
	}
	if again, ok := p.repeater(at); ok {
		positions[n] = again
		n++
	}
	return positions, n
}

// block returns the positions that are shuffled together with one, and the key of
// their order.
func (p *Plan) block(position uint64) (from, to, key uint64) {
	from, to = p.clock.Block(position, int64(p.Shuffle))
	if position < p.limit {
		to = min(to, p.limit)
	} else {
		from = max(from, p.limit)
	}
	return from, to, seed.Combine(p.key+ofShuffle, from)
}

func (p *Plan) shuffled(position uint64) uint64 {
	if p.Shuffle == 0 || position < p.clock.Origin() {
		return position
	}
	from, to, key := p.block(position)
	return from + seed.Permute(key, position-from, to-from)
}

func (p *Plan) unshuffled(original uint64) uint64 {
	if p.Shuffle == 0 || original < p.clock.Origin() {
		return original
	}
	from, to, key := p.block(original)
	return from + seed.Unpermute(key, original-from, to-from)
}

// chance is the share of positions that are chosen as repeats. Those whose source is
// chosen as well are not repeats: share = chance * (1 - chance).
func (p *Plan) chance() uint64 {
	return seed.Chance((1 - math.Sqrt(1-4*p.Repeat.Share)) / 2)
}

func (p *Plan) wants(position uint64) bool {
	r := p.draw(ofRepeat, position)
	return r.Hit(p.chance())
}

// A position in one block of half the distance has its source in the block before, in a
// random order. Each source therefore has one position at most that repeats it.

// source returns the position that one repeats, if it does.
func (p *Plan) source(position uint64) (source uint64, ok bool) {
	if p.Repeat.Share == 0 {
		return 0, false
	}
	size := max(p.Repeat.Within/2, 1)
	block := position / size
	if block == 0 || !p.wants(position) {
		return 0, false
	}
	source = (block-1)*size + seed.Permute(seed.Combine(p.key+ofSource, block), position%size, size)
	return source, source >= p.clock.Origin() && !p.wants(source)
}

// repeater returns the position that repeats another one, if any.
func (p *Plan) repeater(source uint64) (position uint64, ok bool) {
	if p.Repeat.Share == 0 {
		return 0, false
	}
	size := max(p.Repeat.Within/2, 1)
	block := source/size + 1
	position = block*size + seed.Unpermute(seed.Combine(p.key+ofSource, block), source%size, size)
	again, ok := p.source(position)
	return position, ok && again == source
}

// Repeats reports whether a position repeats an earlier one.
func (p *Plan) Repeats(position uint64) bool {
	_, ok := p.source(position)
	return ok
}

// Delay returns how much earlier than it should an original's time is, in nanoseconds.
func (p *Plan) Delay(original uint64) int64 {
	l := &p.Late
	if l.Share == 0 {
		return 0
	}
	r := p.draw(ofLate, original)
	switch {
	case !r.Hit(seed.Chance(l.Share)):
		return 0
	case l.Mean > 0:
		return int64(min(-float64(l.Mean)*math.Log1p(-r.Float()), 1<<62))
	}
	return int64(l.From) + int64(r.Below(uint64(l.To-l.From)+1))
}
