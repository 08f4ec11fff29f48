// SPDX-License-Identifier: Apache-2.0

// Package seed computes the random numbers of records.
//
// No generator has a state: every number is a hash of its position.
// [Stream] computes a stream's key from the seed and the stream's name. [Record]
// computes a record's key from the stream's key and the record's number. Each call
// in a template draws from a [Rand] derived from the record's key and the position
// of the call. Record k is therefore the same whether or not the records before it
// were generated.
//
// The numbers are not suitable for cryptography.
package seed

import (
	"math"
	"math/bits"
	"strconv"
	"strings"
)

// golden is 2^64 divided by the golden ratio, as an odd number. Its multiples visit
// all 64-bit numbers and are spread as evenly as possible.
const golden = 0x9e3779b97f4a7c15

// Mix hashes x so that each bit of the result depends on all bits of x. It is the
// finalizer of SplitMix64 (Steele, Lea, Flood 2014, Stafford's variant 13).
func Mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// Combine returns a key derived from two keys. Their order matters.
func Combine(a, b uint64) uint64 {
	return Mix(a + Mix(b+golden))
}

// Text returns a hash of a text: FNV-1a followed by Mix.
func Text[T ~string | ~[]byte](s T) uint64 {
	h := uint64(0xcbf29ce484222325)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 0x100000001b3
	}
	return Mix(h + uint64(len(s)))
}

// Parse parses a seed. A whole number, decimal or hexadecimal with 0x, is the seed
// itself. Any other text is hashed.
func Parse(text string) uint64 {
	digits, base := text, 10
	if hex, ok := strings.CutPrefix(text, "0x"); ok {
		digits, base = hex, 16
	}
	if v, err := strconv.ParseUint(digits, base, 64); err == nil {
		return v
	}
	if v, err := strconv.ParseInt(text, 10, 64); err == nil {
		return uint64(v)
	}
	return Text(text)
}

// Stream returns the key of a stream.
func Stream(seed uint64, id string) uint64 {
	return Combine(Mix(seed+golden), Text(id))
}

// Record returns the key of record k of a stream.
func Record(stream, k uint64) uint64 {
	return Mix(stream + k*golden)
}

// Rand is a sequence of random numbers that starts at a key, by SplitMix64. The
// zero value is a valid sequence.
type Rand struct{ state uint64 }

// At returns the sequence at a position under a key.
func At(key, place uint64) Rand {
	return Rand{key ^ place*0xd1342543de82ef95}
}

// Uint64 returns the next number.
func (r *Rand) Uint64() uint64 {
	r.state += golden
	return Mix(r.state)
}

// Below returns a number from 0 to n-1; n must not be 0. It uses the high bits of a
// product (Lemire): a number is at most n/2^64 more likely than another, which no
// test can detect.
func (r *Rand) Below(n uint64) uint64 {
	hi, _ := bits.Mul64(r.Uint64(), n)
	return hi
}

// Float returns a number in [0, 1), a multiple of 2^-53.
func (r *Rand) Float() float64 {
	return float64(r.Uint64()>>11) * 0x1p-53
}

// Curve draws from a distribution with a table of 1024 steps of its quantile
// function. Numbers within a step are equally likely. In the first and the last
// step, the tails, Draw calls the function itself.
type Curve struct {
	at    []float64
	exact func(p float64) float64
}

const steps = 1024

// NewCurve returns the Curve of a quantile function. It calls quantile only with
// 0 < p < 1.
func NewCurve(quantile func(p float64) float64) Curve {
	c := Curve{make([]float64, steps+1), quantile}
	for i := 1; i < steps; i++ {
		c.at[i] = quantile(float64(i) / steps)
	}
	return c
}

// Draw returns a random number from the distribution.
func (c *Curve) Draw(r *Rand) float64 {
	x := r.Uint64()
	i := x >> 54
	if i == 0 || i == steps-1 {
		return c.exact((float64(x>>12) + 0.5) * 0x1p-52)
	}
	lo, hi := c.at[i], c.at[i+1]
	return lo + float64(float64(x<<10>>11)*0x1p-53*(hi-lo))
}

// Normal returns the quantile function of the normal distribution.
func Normal(mean, sd float64) func(p float64) float64 {
	return func(p float64) float64 { return mean + float64(sd*quantile(p)) }
}

// Lognormal returns the quantile function of the log-normal distribution.
func Lognormal(mu, sigma float64) func(p float64) float64 {
	return func(p float64) float64 { return math.Exp(mu + float64(sigma*quantile(p))) }
}

// Exponential returns the quantile function of the exponential distribution.
func Exponential(mean float64) func(p float64) float64 {
	return func(p float64) float64 { return -mean * math.Log1p(-p) }
}

// quantile is the inverse of the normal distribution function: Wichura's
// algorithm AS 241 (1988), accurate to 16 digits. Products are rounded before they
// are added, so that processors with fused multiply-add return the same bits.
func quantile(p float64) float64 {
	q := p - 0.5
	if math.Abs(q) <= 0.425 {
		r := 0.180625 - float64(q*q)
		return q * poly(r, 3.3871328727963666080e0, 1.3314166789178437745e+2, 1.9715909503065514427e+3,
			1.3731693765509461125e+4, 4.5921953931549871457e+4, 6.7265770927008700853e+4,
			3.3430575583588128105e+4, 2.5090809287301226727e+3) /
			poly(r, 1, 4.2313330701600911252e+1, 6.8718700749205790830e+2, 5.3941960214247511077e+3,
				2.1213794301586595867e+4, 3.9307895800092710610e+4, 2.8729085735721942674e+4,
				5.2264952788528545610e+3)
	}
	r := p
	if q > 0 {
		r = 1 - p
	}
	r = math.Sqrt(-math.Log(r))
	var v float64
	if r <= 5 {
		r -= 1.6
		v = poly(r, 1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0,
			3.64784832476320460504e0, 1.27045825245236838258e0, 2.41780725177450611770e-1,
			2.27238449892691845833e-2, 7.74545014278341407640e-4) /
			poly(r, 1, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
				1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4,
				1.05075007164441684324e-9)
	} else {
		r -= 5
		v = poly(r, 6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0,
			2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
			2.71155556874348757815e-5, 2.01033439929228813265e-7) /
			poly(r, 1, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
				7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7,
				2.04426310338993978564e-15)
	}
	if q < 0 {
		return -v
	}
	return v
}

// poly evaluates a polynomial of degree 7, with the lowest coefficient first.
func poly(x, c0, c1, c2, c3, c4, c5, c6, c7 float64) float64 {
	v := c7
	v = float64(v*x) + c6
	v = float64(v*x) + c5
	v = float64(v*x) + c4
	v = float64(v*x) + c3
	v = float64(v*x) + c2
	v = float64(v*x) + c1
	return float64(v*x) + c0
}

// Permute returns the position of i in a permutation of the numbers from 0 to n-1
// that depends on key. It is a Feistel network of four rounds over the next power of
// four, iterated until the result is below n.
func Permute(key, i, n uint64) uint64 {
	if n <= 1 {
		return 0
	}
	half := uint(bits.Len64(n-1)+1) / 2
	mask := uint64(1)<<half - 1
	for {
		l, r := i>>half, i&mask
		for round := range uint64(4) {
			l, r = r, l^Mix(key+r*golden+round)&mask
		}
		i = l<<half | r
		if i < n {
			return i
		}
	}
}

// Alias draws from a list of weighted items in constant time (Walker, Vose).
type Alias struct{ at []alias }

type alias struct {
	keep  uint64 // probability of the item itself, in units of 2^-64
	other int    // the item drawn otherwise
}

// NewAlias returns an Alias for weights. At least one must be positive, and none may
// be negative.
func NewAlias(weights []float64) Alias {
	n := len(weights)
	a := Alias{make([]alias, n)}
	sum := 0.0
	for _, w := range weights {
		sum += w
	}
	scaled := make([]float64, n)
	var small, large []int
	for i, w := range weights {
		scaled[i] = w / sum * float64(n)
		if scaled[i] < 1 {
			small = append(small, i)
		} else {
			large = append(large, i)
		}
	}
	for len(small) > 0 && len(large) > 0 {
		s, l := small[len(small)-1], large[len(large)-1]
		small = small[:len(small)-1]
		a.at[s] = alias{fraction(scaled[s]), l}
		if scaled[l] -= 1 - scaled[s]; scaled[l] < 1 {
			large = large[:len(large)-1]
			small = append(small, l)
		}
	}
	// Items left over by rounding keep themselves, except those of weight 0.
	heaviest := 0
	for i, w := range weights {
		if w > weights[heaviest] {
			heaviest = i
		}
	}
	for _, i := range append(small, large...) {
		a.at[i] = alias{math.MaxUint64, i}
		if weights[i] == 0 {
			a.at[i] = alias{0, heaviest}
		}
	}
	return a
}

// fraction returns f, from 0 to 1, in units of 2^-64.
func fraction(f float64) uint64 {
	switch {
	case f >= 1:
		return math.MaxUint64
	case f <= 0:
		return 0
	}
	return uint64(f * 0x1p64)
}

// Draw returns the index of a random item.
func (a *Alias) Draw(r *Rand) int {
	// One number is enough for both draws: the index is the integer part of u*n,
	// and the fraction is uniform again. The code avoids a branch, which would be
	// unpredictable.
	hi, lo := bits.Mul64(r.Uint64(), uint64(len(a.at)))
	e := a.at[hi]
	i := int(hi)
	if lo >= e.keep {
		i = e.other
	}
	return i
}

// Chance converts a probability to the threshold for [Rand.Hit].
func Chance(p float64) uint64 { return fraction(p) }

// Hit reports whether an event with the given [Chance] occurs.
func (r *Rand) Hit(chance uint64) bool {
	return chance == math.MaxUint64 || r.Uint64() < chance
}
