// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"math"
	"math/bits"
	"strings"

	"github.com/gdummy/gdummy/internal/generate/seed"
	"github.com/gdummy/gdummy/internal/generate/value"
)

const (
	secNumbers  = "Numbers"
	secChoice   = "Choice"
	secState    = "State"
	secIdentity = "Identity"
	secTime     = "Time"
	secText     = "Text"
	secPeople   = "People, places and things"
	secTests    = "Numbers for tests of redaction"
	secLogic    = "Logic and values"
	secStrings  = "Working on text"
	secSpecial  = "Templates"
)

var numbers = []Func{
	{
		Name: "int", Section: secNumbers, Result: "integer", Example: `int 1 6`,
		Doc:  "An integer from LOW to HIGH, inclusive, uniformly distributed.",
		Args: []Arg{{Name: "LOW", Type: Integer, Dynamic: true}, {Name: "HIGH", Type: Integer, Dynamic: true, NotBelow: true}},
		build: func(c *Call) (Gen, error) {
			place := c.Place
			if c.Args[0].Const && c.Args[1].Const {
				lo, hi := c.int(0), c.int(1)
				n := uint64(hi-lo) + 1
				return func(r *Record) value.Value {
					rnd := r.rand(place)
					if n == 0 { // all of int64
						return value.OfInt(int64(rnd.Uint64()))
					}
					return value.OfInt(lo + int64(rnd.Below(n)))
				}, nil
			}
			low, high := c.Args[0].Gen, c.Args[1].Gen
			return func(r *Record) value.Value {
				lo, hi := low(r).Int(), high(r).Int()
				rnd := r.rand(place)
				n := uint64(hi-lo) + 1
				if lo > hi || n == 0 {
					return value.OfInt(lo)
				}
				return value.OfInt(lo + int64(rnd.Below(n)))
			}, nil
		},
	},
	{
		Name: "float", Section: secNumbers, Result: "number", Example: `float 0 100 2`,
		Doc:  "A number from LOW to HIGH, uniformly distributed and rounded to DIGITS decimals, or not rounded if DIGITS is negative.",
		Args: bounds(Arg{Name: "DIGITS", Type: Integer, Optional: true, Default: "-1", Range: Range{Low: math.Inf(-1), High: 15}}),
		build: func(c *Call) (Gen, error) {
			lo, hi, digits := c.num(0), c.num(1), c.int(2)
			return c.random(func(rnd seed.Rand) value.Value {
				f := lo + float64(rnd.Float()*(hi-lo))
				if digits >= 0 {
					f = round(f, digits)
				}
				return value.OfFloat(f)
			}), nil
		},
	},
	{
		Name: "uniform", Section: secNumbers, Result: "number", Example: `uniform 0 1`,
		Doc:  "A number from LOW to HIGH, uniformly distributed.",
		Args: bounds(),
		build: func(c *Call) (Gen, error) {
			lo, hi := c.num(0), c.num(1)
			return c.random(func(rnd seed.Rand) value.Value {
				return value.OfFloat(lo + float64(rnd.Float()*(hi-lo)))
			}), nil
		},
	},
	{
		Name: "normal", Section: secNumbers, Result: "number", Example: `normal 100 15 | round 1`,
		Doc:  "A normally distributed number with mean MEAN and standard deviation SD.",
		Args: []Arg{{Name: "MEAN", Type: Number}, {Name: "SD", Type: Number, Range: notNegative}},
		build: func(c *Call) (Gen, error) {
			mean, sd := c.num(0), c.num(1)
			return c.drawn(mean, sd, seed.Normal(mean, sd)), nil
		},
	},
	{
		Name: "lognormal", Section: secNumbers, Result: "number", Example: `lognormal 8.5 1.2 | round`,
		Doc: "A number whose logarithm is normally distributed with mean MU and standard deviation SIGMA, " +
			"as sizes and durations often are. Half of the numbers are below e^MU.",
		Args: []Arg{{Name: "MU", Type: Number}, {Name: "SIGMA", Type: Number, Range: notNegative}},
		build: func(c *Call) (Gen, error) {
			mu, sigma := c.num(0), c.num(1)
			if most := mu + 9*sigma; most > math.Log(math.MaxFloat64) {
				return nil, argErr(0, "lognormal: numbers up to e^%.4g do not fit in a double; half of them are below e^MU", most)
			}
			return c.drawn(mu, sigma, seed.Lognormal(mu, sigma)), nil
		},
	},
	{
		Name: "exponential", Section: secNumbers, Result: "number", Example: `exponential 250 | round`,
		Doc:  "An exponentially distributed number with mean MEAN, such as the time until the next of random events.",
		Args: []Arg{{Name: "MEAN", Type: Number, Range: positive}},
		build: func(c *Call) (Gen, error) {
			mean := c.num(0)
			return c.drawn(mean, 0, seed.Exponential(mean)), nil
		},
	},
	{
		Name: "zipf", Section: secNumbers, Result: "integer", Example: `zipf 1000 1.1`,
		Doc: "An integer from 1 to N, where n occurs in proportion to 1/n^S, as ranks of users, pages and words do. " +
			"N is at most 2^40.",
		Args: []Arg{{Name: "N", Type: Integer, Range: countable}, {Name: "S", Type: Number, Optional: true, Default: "1", Range: Range{High: 50}}},
		build: func(c *Call) (Gen, error) {
			n, s := c.int(0), c.num(1)
			if n > 100_000 {
				z := newZipf(float64(n), s)
				return c.random(func(rnd seed.Rand) value.Value { return value.OfInt(z.draw(&rnd)) }), nil
			}
			alias, err := c.Env.zipf(int(n), s)
			if err != nil {
				return nil, err
			}
			return c.random(func(rnd seed.Rand) value.Value { return value.OfInt(int64(alias.Draw(&rnd)) + 1) }), nil
		},
	},
	{
		Name: "bool", Section: secNumbers, Result: "boolean", Example: `bool 0.25`,
		Doc:  "true with probability P, otherwise false.",
		Args: []Arg{{Name: "P", Type: Number, Optional: true, Default: "0.5", Range: Range{High: 1}}},
		build: func(c *Call) (Gen, error) {
			chance := seed.Chance(c.num(0))
			return c.random(func(rnd seed.Rand) value.Value { return value.OfBool(rnd.Hit(chance)) }), nil
		},
	},
	{
		Name: "walk", Section: secNumbers, Follows: TheNumber, Result: "number", Example: `walk 20 80 100 | round 1`,
		Doc: "A number that changes smoothly between LOW and HIGH from record to record, mostly within the middle two thirds. " +
			"In PERIOD records it moves by about a quarter of the range. Each KEY has its own walk.",
		Args: bounds(
			Arg{Name: "PERIOD", Type: Number, Optional: true, Default: "100", Range: Range{Low: 1, High: 1e12}},
			Arg{Name: "KEY", Optional: true, Dynamic: true},
		),
		build: func(c *Call) (Gen, error) {
			lo, hi, period, key, place := c.num(0), c.num(1), c.num(2), c.Args[3].Gen, c.Place
			return func(r *Record) value.Value {
				k := seed.Combine(r.Stream+place, hash(key(r)))
				n := r.K
				if n >= stretch {
					// Beyond the precision of a float64: start another walk.
					k = seed.Combine(k, n/stretch)
					n %= stretch
				}
				return value.OfFloat(lo + float64((hi-lo)*noise(k, float64(n)/period)))
			}, nil
		},
	},
	{
		Name: "seq", Section: secNumbers, Follows: TheNumber, Result: "integer", Example: `seq`,
		Doc: "The record's number in its stream, starting at 0 or first_seq, without gaps.",
		build: func(*Call) (Gen, error) {
			return func(r *Record) value.Value { return value.OfInt(int64(r.K)) }, nil
		},
	},
	{
		Name: "replay_file", Section: secNumbers, Result: "string", Example: `replay_file`,
		Doc: "The name of the file that the record is replayed from, without its directory, in tag_template and metadata_template of a replay. It is empty elsewhere.",
		build: func(c *Call) (Gen, error) {
			return c.texts(func(dst []byte, r *Record) []byte {
				return append(dst, r.File[strings.LastIndexByte(r.File, '/')+1:]...)
			}), nil
		},
	},
	{
		Name: "counter", Section: secNumbers, Follows: TheNumber, Result: "integer", Example: `counter 100 10 30`,
		Doc: "START + k*STEP for record k; with WRAP, START + (k*STEP mod WRAP).",
		Args: []Arg{
			{Name: "START", Type: Integer, Optional: true, Default: "0"}, {Name: "STEP", Type: Integer, Optional: true, Default: "1"},
			{Name: "WRAP", Type: Integer, Optional: true, Default: "0", Range: notNegative},
		},
		build: func(c *Call) (Gen, error) {
			start, step, wrap := c.int(0), c.int(1), c.int(2)
			if wrap == 0 {
				return func(r *Record) value.Value { return value.OfInt(start + int64(r.K)*step) }, nil
			}
			w := uint64(wrap)
			each := uint64((step%wrap + wrap) % wrap)
			return func(r *Record) value.Value {
				hi, lo := bits.Mul64(r.K%w, each)
				_, n := bits.Div64(hi, lo, w)
				return value.OfInt(start + int64(n))
			}, nil
		},
	},
	{
		Name: "unique", Section: secNumbers, Follows: TheNumber, Result: "integer", Example: `unique 1000 9999`,
		Doc: "An integer from LOW to HIGH that does not repeat before all have occurred: one shuffle of the " +
			"numbers after another.",
		Args: []Arg{{Name: "LOW", Type: Integer}, {Name: "HIGH", Type: Integer}},
		build: func(c *Call) (Gen, error) {
			lo, hi := c.int(0), c.int(1)
			n := uint64(hi-lo) + 1
			if lo > hi || n == 0 || n > 1<<62 {
				return nil, argErr(0, "unique: expected LOW below HIGH and at most 2^62 numbers, found %d and %d", lo, hi)
			}
			at := shuffled(c, n)
			return func(r *Record) value.Value { return value.OfInt(lo + int64(at(r))) }, nil
		},
	},
}

// shuffled picks each of n once in n records, in a different order for each n records.
func shuffled(c *Call, n uint64) picker {
	place := c.Place
	if n > seed.MaxShuffle {
		return func(r *Record) uint64 { return seed.Permute(seed.Combine(r.Stream+place, r.K/n), r.K%n, n) }
	}
	// Cache the order of the last n records.
	order := make([]uint8, n)
	known := uint64(0)
	seed.Shuffle(known, order)
	return func(r *Record) uint64 {
		if key := seed.Combine(r.Stream+place, r.K/n); key != known {
			known = key
			seed.Shuffle(key, order)
		}
		return uint64(order[r.K%n])
	}
}

// stretch is the maximum length of a walk, in records: 36 years at a million records
// per second.
const stretch = 1 << 50

// maxRanks is the maximum number of entries in all tables of zipf, of 16 bytes each.
const maxRanks = 8 << 20

// zipf returns the table of a zipf with a small n.
func (e *Env) zipf(n int, s float64) (*seed.Alias, error) {
	key := call{"zipf", float64(n), s}
	if known := e.zipfs[key]; known != nil {
		return known, nil
	}
	if e.ranks += n; e.ranks > maxRanks {
		return nil, argErr(0, "zipf: the tables of this template have more than %d entries in total; N above 100000 needs no table", maxRanks)
	}
	alias := seed.NewAlias(ofZipf(n, s))
	put(&e.zipfs, key, &alias)
	return &alias, nil
}

// curve returns the curve of a distribution, which equal calls share.
func (e *Env) curve(key call, quantile func(p float64) float64) *seed.Curve {
	if known := e.curves[key]; known != nil {
		return known
	}
	curve := seed.NewCurve(quantile)
	put(&e.curves, key, &curve)
	return &curve
}

// drawnNumber returns the row of a function without arguments of the random numbers of a
// record.
func drawnNumber(name, section, result, doc string, draw func(rnd seed.Rand) value.Value) Func {
	return Func{
		Name: name, Section: section, Result: result, Example: name, Doc: doc,
		build: func(c *Call) (Gen, error) { return c.random(draw), nil },
	}
}

// random builds a function of the random numbers of a record.
func (c *Call) random(draw func(rnd seed.Rand) value.Value) Gen {
	place := c.Place
	return func(r *Record) value.Value { return draw(r.rand(place)) }
}

// drawn builds a distribution with the parameters a and b.
func (c *Call) drawn(a, b float64, quantile func(p float64) float64) Gen {
	curve, place := c.Env.curve(call{c.Func.Name, a, b}, quantile), c.Place
	c.Pack = func(dst []byte, r *Record) []byte {
		rnd := r.rand(place)
		return value.AppendFloat(dst, curve.Draw(&rnd))
	}
	return func(r *Record) value.Value {
		rnd := r.rand(place)
		return value.OfFloat(curve.Draw(&rnd))
	}
}

// round rounds f to a number of decimals, half away from zero.
func round(f float64, digits int64) float64 {
	if digits < 0 {
		p := math.Pow10(int(-max(digits, -300)))
		return math.Round(f/p) * p
	}
	p := math.Pow10(int(min(digits, 300)))
	if s := f * p; !math.IsInf(s, 0) {
		return math.Round(s) / p
	}
	return f
}

// hash returns a key for a value.
func hash(v value.Value) uint64 {
	switch v.K {
	case value.Int, value.Float, value.Bool:
		return seed.Mix(v.N + uint64(v.K))
	}
	return seed.Text(v.S())
}

// noise returns value noise at x: the sum of four octaves of a curve through random
// heights, from 0 to 1. Each octave has twice the frequency and half the amplitude of
// the one before.
func noise(key uint64, x float64) float64 {
	sum := 0.0
	height := 8.0 / 15
	for octave := range uint64(4) {
		floor := math.Floor(x)
		u := x - floor
		i := uint64(int64(floor))
		a := float64(seed.Mix(key+octave+i*0x9e3779b97f4a7c15)>>11) * 0x1p-53
		b := float64(seed.Mix(key+octave+(i+1)*0x9e3779b97f4a7c15)>>11) * 0x1p-53
		u = float64(u*u) * (3 - float64(2*u))
		sum += float64(height * (a + float64((b-a)*u)))
		height /= 2
		x *= 2
	}
	return sum
}
