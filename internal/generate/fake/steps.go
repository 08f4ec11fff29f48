// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"math"

	"github.com/gdummy/gdummy/internal/generate/seed"
)

// steps is a random walk: a sum of independent steps, each uniformly distributed from
// -longest to longest. Any sum is known without those before it.
//
// Steps are the leaves of binary trees, whose heights grow by treeGrowth. The sum of all
// steps of a tree is random, and so is, given the sum of the leaves below a node, the
// share of its left half. So n steps are the sum of the whole trees before, and of left
// halves on the way down to leaf n. Sums are integers, so that two ways to the same sum
// are equal to the last bit.
type steps struct {
	longest float64
	normal  *seed.Curve // with mean 0 and deviation 1
	recent  []stem      // by key; they affect the speed only
}

// node is a node of a tree.
type node struct {
	index  uint64 // of the root 1, of the children of i 2*i and 2*i+1
	leaves uint64
	before int64 // the sum of all steps before those below the node
	all    int64 // the sum of those below it
}

// stem is the node above the last steps of a key.
type stem struct {
	key, number uint64
	node
}

const (
	longestStep = 1 << 30 // as an integer
	treeGrowth  = 10
	stemLeaves  = 16
	recentStems = 1024 // keys with a stem of their own, unless others displace them
	exactHalf   = 4    // up to this number of steps, their distribution is computed exactly
	normalHalf  = 128  // from this number on, they are normally distributed
	maxTries    = 100  // to find the share of a left half; nearly all need fewer than 10
)

// after returns the sum of the first n steps, but mirrored at -down and up, so that it
// stays between them. A mirrored step is not longer than the step.
func (s *steps) after(key, n uint64, down, up float64) float64 {
	unit := s.longest / longestStep
	low, high := int64(-down/unit), int64(up/unit)
	if low >= high {
		return 0
	}
	width := high - low
	x := (s.sum(key, n) - low) % (2 * width)
	if x < 0 {
		x += 2 * width
	}
	if x > width {
		x = 2*width - x
	}
	return min(max(float64(x+low)*unit, -down), up)
}

// sum returns the sum of the first n steps.
func (s *steps) sum(key, n uint64) int64 {
	height, leaf := uint64(treeGrowth), n
	for ; leaf >= 1<<height; height += treeGrowth {
		leaf -= 1 << height
	}
	near := &s.recent[key%recentStems]
	if near.key != key || near.number != n/stemLeaves || near.leaves == 0 {
		root := node{index: 1, leaves: 1 << height, all: s.tree(key, height)}
		for h := uint64(treeGrowth); h < height; h += treeGrowth {
			root.before += s.tree(key, h)
		}
		*near = stem{key, n / stemLeaves, s.down(root, key, height, leaf|1, stemLeaves)}
	}
	return s.down(near.node, key, height, leaf, 1).before
}

// down returns the node with so many leaves on the way to a leaf of a tree, or an earlier
// one that has the leaf as its first.
func (s *steps) down(at node, key, height, leaf, leaves uint64) node {
	for at.leaves > leaves && leaf&(at.leaves-1) != 0 {
		rnd := seed.At(key, height<<56|at.index)
		at.index, at.leaves = at.index*2, at.leaves/2
		left := s.left(&rnd, int64(at.leaves), at.all)
		if leaf&at.leaves == 0 {
			at.all = left
			continue
		}
		at.index++
		at.before += left
		at.all -= left
	}
	return at
}

// tree returns the sum of all steps of a tree.
func (s *steps) tree(key, height uint64) int64 {
	rnd := seed.At(key, height<<56)
	return int64(s.normal.Draw(&rnd) * longestStep * math.Sqrt(float64(uint64(1)<<height)/3))
}

// left returns the sum of the first half of steps, if that of both halves is all.
func (s *steps) left(rnd *seed.Rand, half, all int64) int64 {
	if half > exactHalf {
		return s.leftOfMany(rnd, half, all)
	}
	low, high := max(-half*longestStep, all-half*longestStep), min(half*longestStep, all+half*longestStep)
	middle := density(half, all/2)
	for range maxTries {
		x := low + int64(rnd.Below(uint64(high-low+1)))
		if half == 1 || float64(rnd.Float()*float64(middle*middle)) < float64(density(half, x)*density(half, all-x)) {
			return x
		}
	}
	return all / 2
}

// leftOfMany is left for sums that are nearly normally distributed.
func (s *steps) leftOfMany(rnd *seed.Rand, half, all int64) int64 {
	deviation := longestStep * math.Sqrt(float64(half)/6)
	most := 1 + 0.3/float64(half)
	for range maxTries {
		x := all/2 + int64(s.normal.Draw(rnd)*deviation)
		if half >= normalHalf || float64(rnd.Float()*float64(most*most)) < float64(correction(half, x)*correction(half, all-x)) {
			return x
		}
	}
	return all / 2
}

// density returns how likely x is as the sum of 1, 2 or 4 steps, in any unit.
func density(steps, x int64) float64 {
	switch y := math.Abs(float64(x) / longestStep); {
	case steps == 1:
		return 1
	case steps == 2:
		return 2 - y
	case y < 2:
		y /= 2
		return 4 - float64(float64(y*y)*(6-float64(3*y)))
	default:
		y = 2 - y/2
		return float64(float64(y*y) * y)
	}
}

// correction returns how likely x is as the sum of steps, relative to the normal
// distribution: Edgeworth's series up to the fourth cumulant. The largest is
// 1 + 0.3/steps.
func correction(steps, x int64) float64 {
	if x < -steps*longestStep || x > steps*longestStep {
		return 0
	}
	y, share := float64(x)/longestStep, 1/float64(steps)
	z := float64(y*y) * 3 * share
	return max(0, 1-float64(0.05*share*(float64(z*(z-6))+3)))
}
