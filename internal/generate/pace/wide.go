// SPDX-License-Identifier: Apache-2.0

package pace

import "math/bits"

// wide is an unsigned number of 128 bits.
type wide struct{ hi, lo uint64 }

func mul(a, b uint64) wide {
	hi, lo := bits.Mul64(a, b)
	return wide{hi, lo}
}

func (a wide) add(b wide) wide {
	lo, carry := bits.Add64(a.lo, b.lo, 0)
	hi, _ := bits.Add64(a.hi, b.hi, carry)
	return wide{hi, lo}
}

func (a wide) sub(b wide) wide {
	lo, borrow := bits.Sub64(a.lo, b.lo, 0)
	hi, _ := bits.Sub64(a.hi, b.hi, borrow)
	return wide{hi, lo}
}

// times returns a*n, which must fit.
func (a wide) times(n uint64) wide {
	hi, lo := bits.Mul64(a.lo, n)
	return wide{hi + a.hi*n, lo}
}

// part returns floor(a * n / 2^64).
func (a wide) part(n uint64) wide {
	carry, _ := bits.Mul64(a.lo, n)
	hi, lo := bits.Mul64(a.hi, n)
	lo, c := bits.Add64(lo, carry, 0)
	return wide{hi + c, lo}
}

func (a wide) less(b wide) bool { return a.hi < b.hi || a.hi == b.hi && a.lo < b.lo }

func (a wide) float() float64 { return float64(a.hi)*(1<<64) + float64(a.lo) }
