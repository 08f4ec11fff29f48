// SPDX-License-Identifier: Apache-2.0

package pace

import (
	"math"
	"math/bits"

	"github.com/gdummy/gdummy/internal/generate/seed"
)

// arrivals is a Poisson process: independent random arrivals with a given mean
// rate. It can be queried at any time in any order. The results depend on the seed
// and the rate only.
//
// A sum of random gaps would have to be computed from the start. Instead, time is
// a binary tree. The number of arrivals in the block from 2^j to 2^(j+1) ns is
// drawn from a Poisson distribution. Each of the n arrivals in a block is in its
// first half with probability 1/2, so the number in that half is drawn from a
// binomial distribution. Blocks are split until they have at most leafMax
// arrivals, and each of these gets a random nanosecond. Every node draws its
// random numbers from a hash of its position.
type arrivals struct {
	key   uint64     // of the random numbers
	first int        // log2 of the size of the first block, in ns
	until [65]uint64 // until[j]: arrivals before 2^j ns, for j >= first

	path  [65]node // from the root of a block to the leaf
	depth int
	times [leafMax]uint64 // the leaf's arrivals, sorted, in ns after its start, at least 1
}

// node is a block of 2^level ns with n arrivals, after before arrivals.
type node struct {
	start     uint64
	level     int
	n, before uint64
}

const leafMax = 32

// newArrivals returns the process of a rate, in quanta, of at most one arrival per
// nanosecond.
func newArrivals(rate, key uint64) *arrivals {
	a := &arrivals{key: seed.Mix(key ^ 0x67_64_75_6d_6d_79)}
	mean := float64(rate) / quantaPerNanosecond
	for a.first < 62 && mean*math.Exp2(float64(a.first)) < leafMax/2 {
		a.first++
	}
	r := rng{seed.At(a.key, 0)}
	sum := uint64(0)
	for j := a.first; j <= 63; j++ {
		// The first block is [0, 2^first), the others are [2^(j-1), 2^j).
		size := math.Exp2(float64(max(a.first, j-1)))
		sum += r.poisson(mean * size)
		a.until[j] = sum
	}
	return a
}

// seek returns the leaf that contains nanosecond x.
func (a *arrivals) seek(x uint64) *node {
	for a.depth > 0 {
		n := &a.path[a.depth-1]
		if x >= n.start && x-n.start < 1<<n.level {
			break
		}
		a.depth--
	}
	if a.depth > 0 && a.path[a.depth-1].leaf() {
		return &a.path[a.depth-1]
	}
	if a.depth == 0 {
		j := max(bits.Len64(x), a.first)
		n := node{level: j, n: a.until[j]}
		if j > a.first {
			n = node{start: 1 << (j - 1), level: j - 1, n: a.until[j] - a.until[j-1], before: a.until[j-1]}
		}
		a.path[0] = n
		a.depth = 1
	}
	for {
		n := &a.path[a.depth-1]
		r := rng{seed.At(seed.Mix(seed.Mix(a.key^n.start)+uint64(n.level)), 0)}
		if n.leaf() {
			a.scatter(n, &r)
			return n
		}
		left := r.halves(n.n)
		child := node{start: n.start, level: n.level - 1, n: left, before: n.before}
		if mid := n.start + 1<<child.level; x >= mid {
			child = node{start: mid, level: child.level, n: n.n - left, before: n.before + left}
		}
		a.path[a.depth] = child
		a.depth++
	}
}

func (n *node) leaf() bool { return n.n <= leafMax || n.level == 0 }

// scatter draws the nanosecond of each arrival of a leaf. An arrival within a
// nanosecond is due at the end of it.
func (a *arrivals) scatter(n *node, r *rng) {
	for i := range int(min(n.n, leafMax)) {
		t := uint64(1)
		if n.level > 0 {
			t += r.Uint64() >> (64 - n.level)
		}
		j := i
		for ; j > 0 && a.times[j-1] > t; j-- {
			a.times[j] = a.times[j-1]
		}
		a.times[j] = t
	}
}

// count returns how many arrivals are due at x ns.
func (a *arrivals) count(x uint64) uint64 {
	n := a.seek(x)
	return n.before + a.within(n, x)
}

// within returns how many arrivals of a leaf are due at x, which it contains.
func (a *arrivals) within(n *node, x uint64) uint64 {
	due := uint64(0)
	for due < min(n.n, leafMax) && n.start+a.times[due] <= x {
		due++
	}
	return due
}

// rng draws from the distributions of a Poisson process.
type rng struct{ seed.Rand }

// uniform returns a number between 0 and 1, exclusive.
func (r *rng) uniform() float64 { return (float64(r.Uint64()>>12) + 0.5) / (1 << 52) }

func (r *rng) normal() float64 { return math.Sqrt2 * math.Erfinv(2*r.uniform()-1) }

// manyDraws is the number of draws from which the normal distribution replaces
// the exact ones. They differ by less than 1 in 10,000 there.
const manyDraws = 1 << 12

// halves returns the number of heads in n tosses of a fair coin.
func (r *rng) halves(n uint64) uint64 {
	if n > manyDraws {
		x := math.Round(r.normal() * math.Sqrt(float64(n)) / 2)
		x = max(min(x, float64(n/2)), -float64(n/2))
		// n/2 and x are added as integers: float64 is not precise enough.
		return uint64(int64(n/2+n&1&r.Uint64()) + int64(x))
	}
	heads := 0
	for ; n >= 64; n -= 64 {
		heads += bits.OnesCount64(r.Uint64())
	}
	return uint64(heads + bits.OnesCount64(r.Uint64()<<(64-n)))
}

// poisson returns a number from a Poisson distribution.
func (r *rng) poisson(mean float64) uint64 {
	if mean > manyDraws {
		z := r.normal()
		return uint64(math.Round(mean + math.Sqrt(mean)*z + (z*z-1)/6))
	}
	n := uint64(0)
	for t := -math.Log(r.uniform()); t < mean; t -= math.Log(r.uniform()) {
		n++
	}
	return n
}
