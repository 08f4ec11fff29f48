// SPDX-License-Identifier: Apache-2.0

package pace

import (
	"math/big"
	"math/bits"
	"sync"
)

// The swing of a sine is its integral above the lowest rate. Over one period it
// increases from 0 to an integer W along
//
//	W * (x - sin(2πx)/2π),  x from 0 to 1
//
// which integers can only approximate. The approximation must never decrease, or
// a record that was due would no longer be due. The curve is therefore divided
// into polynomial pieces in Bernstein form with control points that do not
// decrease. De Casteljau's algorithm rounds every step down, which preserves this
// property to the last bit. The result is within a few 2^-64 of the curve, and
// exact at every half period.

const (
	// swingBits is the log2 of the number of pieces in half a period.
	swingBits = 9

	half = 1 << 63
)

// piece is the control points of a piece of the curve, in units of 2^-64.
type piece [6]uint64

// halfSwing returns the first half of the curve. The second half is symmetric to
// it.
var halfSwing = sync.OnceValue(func() *[1 << swingBits]piece {
	// A quintic with the value, slope and curvature of the curve at both ends is
	// within h^6/(6! * 2^6) of it: 2^-64 for h = 2π/1024.
	const prec = 200
	num := func(f float64) *big.Float { return new(big.Float).SetPrec(prec).SetFloat64(f) }
	op := func() *big.Float { return new(big.Float).SetPrec(prec) }

	const steps = 1 << swingBits
	pi, _, err := big.ParseFloat("3.14159265358979323846264338327950288419716939937510582097494459230781640628620899", 10, prec, big.ToNearestEven)
	if err != nil {
		panic(err)
	}
	h := op().Quo(pi, num(steps))
	sinH, cosH := sinCos(h)
	whole := op().SetMantExp(num(1), 64)
	tau := op().Mul(pi, num(2))

	// at holds the value, slope and curvature of (θ - sin θ)/2π at the ends of the
	// pieces, the latter two multiplied by h and h².
	type at struct{ v, s, b *big.Float }
	ends := make([]at, steps+1)
	sin, cos := num(0), num(1)
	for k := range ends {
		theta := op().Mul(h, num(float64(k)))
		unit := func(x *big.Float) *big.Float { return op().Quo(op().Mul(x, whole), tau) }
		ends[k] = at{
			v: unit(op().Sub(theta, sin)),
			s: unit(op().Mul(h, op().Sub(num(1), cos))),
			b: unit(op().Mul(op().Mul(h, h), sin)),
		}
		sin, cos = op().Add(op().Mul(sin, cosH), op().Mul(cos, sinH)),
			op().Sub(op().Mul(cos, cosH), op().Mul(sin, sinH))
	}

	var curve [steps]piece
	for k := range curve {
		from, to := ends[k], ends[k+1]
		sum := func(v, s *big.Float, fs float64, b *big.Float, fb float64) uint64 {
			x := op().Add(v, op().Add(op().Quo(s, num(fs)), op().Quo(b, num(fb))))
			n, _ := x.Add(x, num(0.5)).Uint64()
			return min(n, half)
		}
		curve[k] = piece{
			sum(from.v, num(0), 1, num(0), 1),
			sum(from.v, from.s, 5, num(0), 1),
			sum(from.v, from.s, 2.5, from.b, 20),
			sum(to.v, to.s, -2.5, to.b, 20),
			sum(to.v, to.s, -5, num(0), 1),
			sum(to.v, num(0), 1, num(0), 1),
		}
	}
	curve[0][0], curve[steps-1][5] = 0, half
	last := uint64(0)
	for k := range curve {
		for i := range curve[k] {
			last = max(last, curve[k][i])
			curve[k][i] = last
		}
	}
	return &curve
})

// sinCos computes both by their power series, for small x.
func sinCos(x *big.Float) (sin, cos *big.Float) {
	op := func() *big.Float { return new(big.Float).SetPrec(x.Prec()) }
	sum := [2]*big.Float{op(), op().SetInt64(1)}
	term := op().SetInt64(1)
	for n := int64(1); n < 40; n++ {
		term = op().Quo(op().Mul(term, x), op().SetInt64(n))
		signed := op().Set(term)
		if n%4 >= 2 {
			signed.Neg(signed)
		}
		sum[(n+1)%2] = op().Add(sum[(n+1)%2], signed)
	}
	return sum[0], sum[1]
}

// swing returns x - sin(2πx)/2π and its slope, for x from 0 to 2^63. x and y are
// in units of 2^-64.
func swing(curve *[1 << swingBits]piece, x uint64) (y uint64, slope float64) {
	if x >= half {
		return half, 2
	}
	p := &curve[x>>(63-swingBits)]
	u := x << (swingBits + 1)
	to := func(a, b uint64) uint64 {
		d, _ := bits.Mul64(b-a, u)
		return a + d
	}
	a0, a1, a2, a3, a4 := to(p[0], p[1]), to(p[1], p[2]), to(p[2], p[3]), to(p[3], p[4]), to(p[4], p[5])
	a0, a1, a2, a3 = to(a0, a1), to(a1, a2), to(a2, a3), to(a3, a4)
	a0, a1, a2 = to(a0, a1), to(a1, a2), to(a2, a3)
	a0, a1 = to(a0, a1), to(a1, a2)
	return to(a0, a1), float64(a1-a0) * (5.0 / (1 << (63 - swingBits)))
}
