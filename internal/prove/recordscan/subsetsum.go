// SPDX-License-Identifier: Apache-2.0

package recordscan

import (
	"math/bits"
	"slices"

	"github.com/gdummy/gdummy/internal/recordid"
)

// subsetSum finds the members that were added to a body: those whose hashes sum to the
// excess.
//
// It tries the first hashes of the list, which are the most likely, then every sequence
// of consecutive ones, and then all subsets by meeting in the middle: it sorts the sums
// of all subsets of one half, and looks up the missing sum for each subset of the other.
// Any subset matches by chance with a probability of 2^-35. The number of subsets is
// limited, or a damaged body would pass as an enriched one.
type subsetSum struct {
	right []chosen // subsets of the second half, sorted
	left  []chosen // subsets of the first half
	found []int
	few   bool // the limit is fewChoices
}

const (
	// maxChoices is the maximum number of subsets. A damaged body then passes as an
	// enriched one with a probability of at most 2^-15.
	maxChoices = 1 << 20
	maxAddends = 32 // maximum number of hashes for meeting in the middle

	// fewChoices is the limit for a body that is verified with many readings, each of
	// which may match by chance.
	fewChoices = 1 << 10
)

// find returns the indices, ascending, of k hashes that sum to want modulo 2^35. It
// returns nil if there are none, or too many subsets to exclude chance. The result is
// valid until the next call.
func (f *subsetSum) find(hashes []uint64, k int, want uint64) []int {
	n := len(hashes)
	if k < 1 || k > n {
		return nil
	}
	// Windows of k consecutive hashes; the first one is the most likely.
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

	// Search for the smaller set: the added members or the others.
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

// chosen is a subset of up to 16 hashes: 13 bits for their number, 35 bits for their sum
// and 16 bits for the set. It sorts by number and sum.
type chosen uint64

func choice(count int, sum, set uint64) chosen {
	return chosen(uint64(count)<<51 | sum&recordid.SumMask<<16 | set)
}

func (c chosen) count() int  { return int(c >> 51) }
func (c chosen) sum() uint64 { return uint64(c) >> 16 & recordid.SumMask }
func (c chosen) set() uint64 { return uint64(c) & 0xffff }

// choose appends all subsets with at most k hashes.
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

// choices returns the number of subsets with k of n elements, or a number above
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
