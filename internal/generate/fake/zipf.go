// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"math"

	"github.com/gdummy/gdummy/internal/generate/seed"
)

// ofZipf returns the weights 1/i^s of n numbers.
func ofZipf(n int, s float64) []float64 {
	weights := make([]float64, n)
	for i := range weights {
		weights[i] = math.Pow(float64(i+1), -s)
	}
	return weights
}

// zipf draws integers from 1 to n in proportion to 1/x^s, for n that are too large for
// a table, by rejection-inversion (W. Hörmann, G. Derflinger 1996). It draws x under the
// curve 1/x^s by inverting its integral, and rounds x to k. It rejects x if it is
// outside of the bar of k, which is rare.
type zipf struct {
	n, s      float64
	low, high float64 // of the integral, from the bar of 1 to the bar of n
	sure      float64 // if k - x is at most this, x is in the bar of k
}

func newZipf(n, s float64) zipf {
	z := zipf{n: n, s: s}
	z.low, z.high = z.integral(1.5)-1, z.integral(n+0.5)
	z.sure = 2 - z.inverse(z.integral(2.5)-z.height(2))
	return z
}

// tries is the maximum number of draws. Less than a third of them are rejected.
const tries = 64

func (z *zipf) draw(rnd *seed.Rand) int64 {
	k := 1.0
	for range tries {
		u := z.high + float64(rnd.Float()*(z.low-z.high))
		x := z.inverse(u)
		k = min(max(math.Floor(x+0.5), 1), z.n)
		if k-x <= z.sure || u >= z.integral(k+0.5)-z.height(k) {
			break
		}
	}
	return int64(k)
}

// height returns 1/x^s.
func (z *zipf) height(x float64) float64 { return math.Exp(-z.s * math.Log(x)) }

// integral returns the integral of height from 1 to x: (x^(1-s) - 1) / (1-s), or log(x)
// if s is 1. This form is also exact near 1.
func (z *zipf) integral(x float64) float64 {
	l := math.Log(x)
	return grow((1-z.s)*l) * l
}

// inverse is the inverse of integral.
func (z *zipf) inverse(y float64) float64 {
	t := max(y*(1-z.s), -1)
	return math.Exp(shrink(t) * y)
}

// grow returns (e^x - 1) / x, and shrink log(1+x) / x.
func grow(x float64) float64 {
	if math.Abs(x) < 1e-8 {
		return 1 + x/2
	}
	return math.Expm1(x) / x
}

func shrink(x float64) float64 {
	if math.Abs(x) < 1e-8 {
		return 1 - x/2
	}
	return math.Log1p(x) / x
}
