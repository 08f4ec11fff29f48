// SPDX-License-Identifier: Apache-2.0

package pace

import "math/bits"

// Part returns every n-th tick of a schedule, starting with tick i+1: one of n parts,
// 0 <= i < n, which together have each tick once, at its time:
//
//	At(k) = s.At((k-1)*n + i + 1)
//	sum of Due(t) over all i = s.Due(t), for every t
//
// A part of a [FixedRate] is a FixedRate, unless its fraction has more than 64 bits. A part
// of nil, which is an unlimited rate, is nil.
func Part(s Schedule, i, n uint64) Schedule {
	if n <= 1 || s == nil {
		return s
	}
	if r, ok := s.(FixedRate); ok && r.Lead == 0 {
		if hi, num := bits.Mul64(r.Num, n); hi == 0 {
			return FixedRate{Num: num, Den: r.Den, Lead: r.Num * (n - 1 - i)}
		}
	}
	return part{s, i, n}
}

// PartOf returns how many of the first total ticks are in part i of n.
func PartOf(total, i, n uint64) uint64 {
	if total <= i {
		return 0
	}
	return (total-i-1)/n + 1
}

// part is a part of any schedule.
type part struct {
	s    Schedule
	i, n uint64
}

// Due implements [Schedule].
func (p part) Due(t int64) uint64 {
	due := p.s.Due(t)
	if due == Unbounded {
		return due
	}
	return PartOf(due, p.i, p.n)
}

// At implements [Schedule].
func (p part) At(k uint64) int64 {
	if k == 0 {
		return p.s.At(0)
	}
	hi, before := bits.Mul64(k-1, p.n)
	tick, carry := bits.Add64(before, p.i+1, 0)
	if hi > 0 || carry > 0 {
		return Never
	}
	return p.s.At(tick)
}
