// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"math"

	"github.com/gdummy/gdummy/internal/generate/seed"
	"github.com/gdummy/gdummy/internal/generate/value"
)

// Keys with a memory occur in blocks. Every block has each key equally often, in an
// order of its own, so the number of earlier records with the same key is known for any
// record. A value that grows or drifts is a function of the key and that number.

var keyedNames = []string{"key", "nth"}

// maxBlock is the maximum number of records in a block with weights: the order of the
// whole block is computed for any record of it.
const maxBlock = 1 << 16

var memory = []Func{
	{
		Name: "keyed", Section: secState, Follows: TheNumber, Result: "row", Example: `(keyed 3).nth`,
		Doc: "One of KEYS things with a memory, such as sensors, hosts or accounts. The row has `key`, from 1 to KEYS, and `nth`, the number of earlier records with this key " +
			"(0, 1, 2, …), for grow, drift and wander. All keys are equally frequent: each block of KEYS records has every key once, in random order. " +
			"With S, key n occurs roughly in proportion to 1/n^S, as in zipf, and at least once in each block of about 16*KEYS records; KEYS is then at most 4096.",
		Args: []Arg{{Name: "KEYS", Type: Integer, Range: countable}, {Name: "S", Type: Number, Optional: true, Default: "0", Range: Range{High: 10}}},
		build: func(c *Call) (Gen, error) {
			n, s := c.int(0), c.num(1)
			if s > 0 && n > maxBlock/16 {
				return nil, argErr(0, "keyed: KEYS is %d, expected at most %d with S", n, maxBlock/16)
			}
			c.Names = &keyedNames
			if s > 0 {
				values := make([]value.Value, n)
				for i := range values {
					values[i] = value.OfInt(int64(i + 1))
				}
				return c.inBlocks(values, zipfCounts(int(n), s)), nil
			}
			place, keys := c.Place, uint64(n)
			return func(r *Record) value.Value {
				block := r.K / keys
				i := seed.Permute(seed.Combine(r.Stream+place, block), r.K%keys, keys)
				return keyedRow(r, value.OfInt(int64(i+1)), block)
			}, nil
		},
	},
	{
		Name: "keyed_weighted", Section: secState, Follows: TheNumber, Result: "row", Example: `(keyed_weighted "web-1" 5 "web-2" 1).key`,
		Doc: "Like keyed, for VALUEs in proportion to the WEIGHT after each: each block of records, as long as the sum of the weights, has every value exactly WEIGHT times, in random order. " +
			"Weights are integers; their sum is at most 65536.",
		Args: []Arg{{Name: "VALUE WEIGHT", Rest: true}},
		build: func(c *Call) (Gen, error) {
			if len(c.Args)%2 != 0 {
				return nil, argErr(len(c.Args)-1, "keyed_weighted: expected a weight after the last value")
			}
			var values []value.Value
			var counts []int
			sum := 0
			for i := 0; i < len(c.Args); i += 2 {
				w := c.Args[i+1].Value
				if w.K != value.Int || w.Int() < 1 || w.Int() > maxBlock {
					return nil, argErr(i+1, "keyed_weighted: expected a value and its weight, an integer from 1 to %d, in turn", maxBlock)
				}
				if sum += int(w.Int()); sum > maxBlock {
					return nil, argErr(i+1, "keyed_weighted: the sum of the weights is above %d", maxBlock)
				}
				values = append(values, c.Args[i].Value)
				counts = append(counts, int(w.Int()))
			}
			c.Names = &keyedNames
			return c.inBlocks(values, counts), nil
		},
	},
	{
		Name: "grow", Section: secState, Result: "integer or number", Example: `{{ $h := keyed 2 }}{"host": {{ $h.key }}, "requests": {{ grow 100 $h.key $h.nth }}}`, Form: true,
		Doc: "A counter that grows with each record of its KEY, by MEAN on average. NTH is the number of earlier records with KEY: the `nth` of keyed or the `step` of a life. " +
			"Steps are above 0 and below 2*MEAN, and integers if MEAN is one. A step after one longer than MEAN tends to be shorter. A negative NTH has no value.",
		Args: []Arg{{Name: "MEAN", Type: Number, Range: Range{High: 1 << 40, Above: true}}, {Name: "KEY", Dynamic: true}, {Name: "NTH", Type: Integer, Dynamic: true}},
		build: func(c *Call) (Gen, error) {
			mean, key, nth, place := c.num(0), c.Args[1].Gen, c.Args[2].Gen, c.Place
			whole := c.Args[0].Value.K == value.Int
			if c.Kinds = kinds(value.Float); whole {
				c.Kinds = kinds(value.Int)
			}
			return func(r *Record) value.Value {
				n := nth(r).Int()
				rnd := seed.At(seed.Combine(r.Stream+place, hash(key(r))), uint64(n))
				switch {
				case n < 0 || whole && n >= math.MaxInt64/int64(mean):
					return value.Null
				case whole:
					return value.OfInt(int64(mean)*n + int64(rnd.Below(uint64(mean))))
				}
				return value.OfFloat(mean * (float64(n) + rnd.Float()))
			}, nil
		},
	},
	{
		Name: "drift", Section: secState, Result: "number", Example: `{{ $s := keyed 2 }}{"sensor": {{ $s.key }}, "celsius": {{ drift 18 30 0.02 $s.key $s.nth | round 1 }}}`, Form: true,
		Doc: "The previous value of KEY, changed by at most SHARE of it (0.02 is 2 %). It stays between LOW and HIGH, which are above 0. " + ofWander +
			"Steps are independent, and those of the logarithm are uniformly distributed.",
		Args: append([]Arg{
			{Name: "LOW", Type: Number, Range: positive}, {Name: "HIGH", Type: Number, NotBelow: true},
			{Name: "SHARE", Type: Number, Range: Range{Low: 1e-6, High: 1}},
		}, wanderArgs...),
		build: func(c *Call) (Gen, error) {
			lo, hi, share := c.num(0), c.num(1), c.num(2)
			least := math.Log(lo)
			return c.wander(0, math.Log(hi)-least, math.Log1p(share)*(1-1e-9), func(start float64) float64 {
				return math.Log(max(start, lo)) - least
			}, func(y float64) float64 {
				return min(max(lo*math.Exp(y), lo), hi)
			}), nil
		},
	},
	{
		Name: "wander", Section: secState, Result: "number", Example: `{{ $s := keyed 2 }}{"sensor": {{ $s.key }}, "celsius": {{ wander -10 30 0.5 $s.key $s.nth | round 1 }}}`, Form: true,
		Doc: "The previous value of KEY plus or minus at most STEP. It stays between LOW and HIGH: a step beyond one of them is mirrored. " + ofWander +
			"Steps are independent and uniformly distributed. `wander -1e6 1e6 1 $s.key $s.nth (per $s.key (normal 50 5))` starts near 50 and stays far from its limits.",
		Args: bounds(append([]Arg{{Name: "STEP", Type: Number}}, wanderArgs...)...),
		build: func(c *Call) (Gen, error) {
			lo, hi, step := c.num(0), c.num(1), c.num(2)
			if least := max(math.Abs(lo), math.Abs(hi)) * 1e-9; !(step >= least && step <= hi-lo) {
				return nil, argErr(2, "wander: STEP is %v, expected %v to %v", step, least, hi-lo)
			}
			same := func(y float64) float64 { return y }
			return c.wander(lo, hi, step, same, same), nil
		},
	},
}

// keyedRow returns the row of a key that n earlier records have.
func keyedRow(r *Record, key value.Value, n uint64) value.Value {
	start := len(r.Scratch)
	r.Scratch = value.AppendInt(key.Append(r.Scratch), int64(n))
	return r.row(start, &keyedNames)
}

// zipfCounts returns how often each of n keys occurs in a block, in proportion to 1/i^s.
func zipfCounts(n int, s float64) []int {
	weights, sum := ofZipf(n, s), 0.0
	for _, w := range weights {
		sum += w
	}
	counts := make([]int, n)
	for i, w := range weights {
		counts[i] = max(1, int(math.Round(16*float64(n)*w/sum)))
	}
	return counts
}

// block is the order of the keys in one block.
type block struct {
	key    uint64 // of its order
	known  bool
	counts []int
	item   []uint16 // by position
	nth    []uint32 // by position: the number of earlier positions with the same item
	seen   []uint32
}

// newBlock returns a block with counts[i] positions of item i.
func newBlock(counts []int) *block {
	sum := 0
	for _, n := range counts {
		sum += n
	}
	return &block{counts: counts, item: make([]uint16, sum), nth: make([]uint32, sum), seen: make([]uint32, len(counts))}
}

// order shuffles the items; their order depends on key.
func (b *block) order(key uint64) {
	if b.known && b.key == key {
		return
	}
	b.key, b.known = key, true
	at := 0
	for i, n := range b.counts {
		for range n {
			b.item[at] = uint16(i)
			at++
		}
	}
	rnd := seed.At(key, uint64(len(b.item)))
	for i := len(b.item) - 1; i > 0; i-- {
		j := rnd.Below(uint64(i + 1))
		b.item[i], b.item[j] = b.item[j], b.item[i]
	}
	clear(b.seen)
	for i, item := range b.item {
		b.nth[i] = b.seen[item]
		b.seen[item]++
	}
}

// inBlocks builds a function whose keys occur counts times in each block. It caches the
// order of the last block.
func (c *Call) inBlocks(keys []value.Value, counts []int) Gen {
	b := newBlock(counts)
	place, size := c.Place, uint64(len(b.item))
	return func(r *Record) value.Value {
		b.order(seed.Combine(r.Stream+place, r.K/size))
		i := r.K % size
		item := b.item[i]
		return keyedRow(r, keys[item], r.K/size*uint64(counts[item])+uint64(b.nth[i]))
	}
}

// ofWander is the common part of the documentation of drift and wander.
const ofWander = "NTH is the number of earlier records with KEY: the `nth` of keyed. START is the first value, the same in all records of a KEY; " +
	"by default, it is anywhere in the range. Rounding may make a step larger. "

var wanderArgs = []Arg{
	{Name: "KEY", Dynamic: true}, {Name: "NTH", Type: Integer, Dynamic: true}, {Name: "START", Type: Number, Optional: true, Dynamic: true},
}

// wander builds a random walk from lo to hi, whose arguments from the fourth on are KEY,
// NTH and START. from converts START to a number of the walk, and to converts a number of
// the walk to the result.
func (c *Call) wander(lo, hi, step float64, from, to func(float64) float64) Gen {
	// Rounding must not make a step too long.
	s := &steps{step - max(math.Abs(lo), math.Abs(hi))*0x1p-49, c.Env.curve(call{"normal", 0, 1}, seed.Normal(0, 1)), make([]stem, recentStems)}
	key, nth, start, place := c.Args[3].Gen, c.Args[4].Gen, c.Args[5].Gen, c.Place
	return func(r *Record) value.Value {
		k := seed.Combine(r.Stream+place, hash(key(r)))
		n := nth(r).Int()
		if n < 0 || n >= stretch {
			return value.Null
		}
		rnd := seed.At(k, 0)
		at := lo + float64(rnd.Float()*(hi-lo))
		if given, ok := start(r).Number(); ok {
			at = min(max(from(given), lo), hi)
		}
		return value.OfFloat(to(min(max(at+s.after(k, uint64(n), at-lo, hi-at), lo), hi)))
	}
}
