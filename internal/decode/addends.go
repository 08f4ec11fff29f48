package decode

import (
	"math/bits"
	"slices"

	"github.com/gdummy/gdummy/internal/ident"
)

// addends finds out which members were added to a body: those whose hashes sum
// to what is too much.
//
// The likely ones are tried first: the first of the list, then those that stand
// together anywhere. Then all choices are, by meeting in the middle: the sums of
// all choices among one half are sorted, and for each choice among the other half
// the one that it lacks is looked up. Any choice is right by accident once in
// 2^35 times, so that there must not be too many of them: a damaged body would
// pass for one with additions.
type addends struct {
	right []uint64 // of choices among the second half: how many, sum, which
	left  []uint64 // sums of choices among the first half
	found []int
}

const (
	// maxChoices bounds how many choices may be looked at. A damaged body passes
	// for an enriched one with a probability of at most 2^-15 then.
	maxChoices = 1 << 20
	maxAddends = 32 // candidates that are split in halves
)

// find returns the indices, ascending, of k of the hashes that sum to want modulo
// 2^35; nil if there are none, or none that could be told from an accident. What
// it returns is valid until the next call.
func (f *addends) find(hashes []uint64, k int, want uint64) []int {
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
		if sum&ident.SumMask == want {
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
	if n > maxAddends || choices(n, k) > maxChoices {
		return nil
	}

	first := n / 2
	f.left = sums(f.left[:0], hashes[:first])
	f.right = sums(f.right[:0], hashes[first:])
	// key orders the choices of the second half.
	key := func(count int, sum uint64) uint64 { return (uint64(count)<<35 | sum&ident.SumMask) << 16 }
	for i, sum := range f.right {
		f.right[i] = key(bits.OnesCount(uint(i)), sum) | uint64(i)
	}
	slices.Sort(f.right)
	for i, sum := range f.left {
		rest := k - bits.OnesCount(uint(i))
		if rest < 0 || rest > n-first {
			continue
		}
		target := key(rest, want-sum)
		at, _ := slices.BinarySearch(f.right, target)
		if at == len(f.right) || f.right[at]>>16 != target>>16 {
			continue
		}
		f.found = f.found[:0]
		for set := uint64(i) | f.right[at]&0xffff<<first; set != 0; set &= set - 1 {
			f.found = append(f.found, bits.TrailingZeros64(set))
		}
		return f.found
	}
	return nil
}

// sums appends the sum of each choice among hashes; a choice is the bits of its
// index.
func sums(dst, hashes []uint64) []uint64 {
	dst = append(dst, 0)
	for _, h := range hashes {
		for _, sum := range dst[:len(dst):len(dst)] {
			dst = append(dst, sum+h)
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
