// SPDX-License-Identifier: Apache-2.0

package pace

import "math/bits"

// uint128 is an unsigned 128-bit integer.
type uint128 struct{ hi, lo uint64 }

func mul(a, b uint64) uint128 {
	hi, lo := bits.Mul64(a, b)
	return uint128{hi, lo}
}

func (a uint128) add(b uint128) uint128 {
	lo, carry := bits.Add64(a.lo, b.lo, 0)
	hi, _ := bits.Add64(a.hi, b.hi, carry)
	return uint128{hi, lo}
}

func (a uint128) sub(b uint128) uint128 {
	lo, borrow := bits.Sub64(a.lo, b.lo, 0)
	hi, _ := bits.Sub64(a.hi, b.hi, borrow)
	return uint128{hi, lo}
}

// times returns a*n, which must fit.
func (a uint128) times(n uint64) uint128 {
	hi, lo := bits.Mul64(a.lo, n)
	return uint128{hi + a.hi*n, lo}
}

// part returns floor(a * n / 2^64).
func (a uint128) part(n uint64) uint128 {
	carry, _ := bits.Mul64(a.lo, n)
	hi, lo := bits.Mul64(a.hi, n)
	lo, c := bits.Add64(lo, carry, 0)
	return uint128{hi + c, lo}
}

func (a uint128) less(b uint128) bool { return a.hi < b.hi || a.hi == b.hi && a.lo < b.lo }

func (a uint128) float() float64 { return float64(a.hi)*(1<<64) + float64(a.lo) }
