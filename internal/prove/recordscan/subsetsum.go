// SPDX-License-Identifier: Apache-2.0

package recordscan

import (
	"math/bits"
	"slices"

	"github.com/gdummy/gdummy/internal/recordid"
)

// subsetSum finds out which members were added to a body: those whose hashes sum
// to what is too much.
//
// The likely ones are tried first: the first of the list, then those that stand
// together anywhere. Then all choices are, by meeting in the middle: the sums of
// all choices among one half are sorted, and for each choice among the other half
// the one that it lacks is looked up. Any choice is right by accident once in
// 2^35 times, so that there must not be too many of them: a damaged body would
// pass for one with additions.
type subsetSum struct {
	right []chosen // choices among the second half, sorted
	left  []chosen // among the first half
	found []int
	few   bool // no more than fewChoices are looked at
}

const (
	// maxChoices bounds how many choices may be looked at. A damaged body passes
	// for an enriched one with a probability of at most 2^-15 then.
	maxChoices = 1 << 20
	maxAddends = 32 // candidates that are split in halves

	// fewChoices is the bound where a body is looked at in many ways, each of which
	// has its own chance of an accident.
	fewChoices = 1 << 10
)

// find returns the indices, ascending, of k of the hashes that sum to want modulo
// 2^35; nil if there are none, or none that could be told from an accident. What
// it returns is valid until the next call.
func (f *subsetSum) find(hashes []uint64, k int, want uint64) []int {
	n := len(hashes)
	if k < 1 || k > n {
		return nil
	}
	// A window of k hashes: the first one is what is most likely.
	sum := uint64(0)
	for _, h := range hashes[:k] {
		sum += h
	}
	for at := 0; ; at++ {
		if sum&recordid.SumMask == want {
			f.found = f.found[:0]
			for i := range k {
				f.found = append(f.found, at+i)
			}
			return f.found
		}
		if at+k == n {
			break
		}
		sum += hashes[at+k] - hashes[at]
	}
	most := maxChoices
	if f.few {
		most = fewChoices
	}
	if n > maxAddends || choices(n, k) > most {
		return nil
	}

	// Fewer are looked for among those that were added than among the others, or
	// the other way round.
	few, target := k, want
	if k > n-k {
		for _, h := range hashes {
			target -= h
		}
		few, target = n-k, -target
	}
	first := n / 2
	f.left = choose(f.left[:0], hashes[:first], few)
	f.right = choose(f.right[:0], hashes[first:], few)
	slices.Sort(f.right)
	for _, c := range f.left {
		rest := choice(few-c.count(), target-c.sum(), 0)
		at, _ := slices.BinarySearch(f.right, rest)
		if at == len(f.right) || f.right[at]>>16 != rest>>16 {
			continue
		}
		set := c.set() | f.right[at].set()<<first
		if few != k {
			set ^= 1<<n - 1
		}
		f.found = f.found[:0]
		for ; set != 0; set &= set - 1 {
			f.found = append(f.found, bits.TrailingZeros64(set))
		}
		return f.found
	}
	return nil
}

// chosen is a choice among up to 16 hashes, in the order of how many there are and
// of their sum: 13 bits, 35 bits and which they are.
type chosen uint64

func choice(count int, sum, set uint64) chosen {
	return chosen(uint64(count)<<51 | sum&recordid.SumMask<<16 | set)
}

func (c chosen) count() int  { return int(c >> 51) }
func (c chosen) sum() uint64 { return uint64(c) >> 16 & recordid.SumMask }
func (c chosen) set() uint64 { return uint64(c) & 0xffff }

// choose appends all choices of at most k among hashes.
func choose(dst []chosen, hashes []uint64, k int) []chosen {
	dst = append(dst, 0)
	for i, h := range hashes {
		for _, c := range dst[:len(dst):len(dst)] {
			if n := c.count(); n < k {
				dst = append(dst, choice(n+1, c.sum()+h, c.set()|1<<i))
			}
		}
	}
	return dst
}

// choices returns how many choices of k among n there are, or a number above
// maxChoices.
func choices(n, k int) int {
	c := 1
	for i := range min(k, n-k) {
		if c = c * (n - i) / (i + 1); c > maxChoices {
			break
		}
	}
	return c
}
