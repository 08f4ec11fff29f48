// SPDX-License-Identifier: Apache-2.0

package seed

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/gdummy/gdummy/internal/testenv"
)

// A permutation contains every number once.
func TestPermute(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Uint64Range(1, 3000).Draw(t, "n")
		key := rapid.Uint64().Draw(t, "key")
		seen := make([]bool, n)
		for i := range n {
			p := Permute(key, i, n)
			if p >= n || seen[p] {
				t.Fatalf("%d maps to %d, which is out of range or already taken", i, p)
			}
			seen[p] = true
		}
	})
}

// Items are drawn in proportion to their weights. Items of weight 0 never are.
func TestAlias(t *testing.T) {
	weights := []float64{0, 1, 2.5, 0, 96, 0.5}
	a := NewAlias(weights)
	const n = 1_000_000
	counts := make([]float64, len(weights))
	for k := range uint64(n) {
		r := At(Record(7, k), 3)
		counts[a.Draw(&r)]++
	}
	for i, w := range weights {
		want := w / 100 * n
		// Five standard deviations.
		if d := math.Abs(counts[i] - want); d > 5*math.Sqrt(want)+0.1 {
			t.Errorf("item %d with weight %v: drawn %v times, want about %v", i, w, counts[i], want)
		}
	}
}

// Draws have the documented distribution. With 200,000 draws, the distance is above
// 0.0044 by chance once in a thousand runs; the seed is fixed.
func TestCurves(t *testing.T) {
	phi := func(x float64) float64 { return math.Erfc(-x/math.Sqrt2) / 2 }
	for _, tt := range []struct {
		name     string
		quantile func(float64) float64
		cdf      func(float64) float64
	}{
		{"normal", Normal(5, 2), func(x float64) float64 { return phi((x - 5) / 2) }},
		{"lognormal", Lognormal(8.5, 1.2), func(x float64) float64 { return phi((math.Log(x) - 8.5) / 1.2) }},
		{"exponential", Exponential(3), func(x float64) float64 { return 1 - math.Exp(-x/3) }},
	} {
		c := NewCurve(tt.quantile)
		draws := make([]float64, 200_000)
		for k := range draws {
			r := At(Record(1, uint64(k)), 1)
			draws[k] = c.Draw(&r)
		}
		if d := testenv.Kolmogorov(draws, tt.cdf); d > 0.0044 {
			t.Errorf("%s: the distance is %v", tt.name, d)
		}
		// Both tails occur.
		if lo, hi := tt.cdf(draws[0]), tt.cdf(draws[len(draws)-1]); lo > 1e-4 || hi < 1-1e-4 {
			t.Errorf("%s: the draws lie between the quantiles %v and %v", tt.name, lo, hi)
		}
	}
}

// The numbers of neighbouring records or positions are independent.
func TestIndependence(t *testing.T) {
	const n = 200_000
	for name, pair := range map[string]func(k uint64) (Rand, Rand){
		"records": func(k uint64) (Rand, Rand) { return At(Record(9, k), 1), At(Record(9, k+1), 1) },
		"places":  func(k uint64) (Rand, Rand) { return At(Record(9, k), 1), At(Record(9, k), 2) },
		"streams": func(k uint64) (Rand, Rand) { return At(Record(Stream(1, "0"), k), 1), At(Record(Stream(1, "1"), k), 1) },
		"seeds":   func(k uint64) (Rand, Rand) { return At(Record(Stream(1, ""), k), 1), At(Record(Stream(2, ""), k), 1) },
	} {
		sum, bits := 0.0, 0
		for k := range uint64(n) {
			a, b := pair(k)
			sum += (a.Float() - 0.5) * (b.Float() - 0.5)
			x, y := a.Uint64(), b.Uint64()
			if x>>63 == y>>63 {
				bits++
			}
		}
		// The correlation of n pairs has a standard deviation of 1/sqrt(n).
		if r := sum / n * 12; math.Abs(r) > 4.5/math.Sqrt(n) {
			t.Errorf("%s: the correlation is %v", name, r)
		}
		if d := math.Abs(float64(bits) - n/2); d > 4.5*math.Sqrt(n)/2 {
			t.Errorf("%s: the highest bits are equal %d times of %d", name, bits, n)
		}
	}
}

// All values of a byte of a number are equally likely: chi squared with 255 degrees
// of freedom is above 341 by chance once in five thousand runs.
func TestBytes(t *testing.T) {
	const n = 100_000
	for shift := 0; shift < 64; shift += 8 {
		var counts [256]float64
		for k := range uint64(n) {
			r := At(Record(3, k), 5)
			counts[r.Uint64()>>shift&255]++
		}
		chi := 0.0
		for _, c := range counts {
			chi += (c - n/256.0) * (c - n/256.0) / (n / 256.0)
		}
		if chi > 341 {
			t.Errorf("byte %d: chi squared is %v", shift/8, chi)
		}
	}
}

// Seeds are numbers or texts.
func TestParse(t *testing.T) {
	for text, want := range map[string]uint64{
		"0": 0, "42": 42, "010": 10, "-007": math.MaxUint64 - 6, "0x10": 16, "-1": math.MaxUint64, "18446744073709551615": math.MaxUint64,
	} {
		if got := Parse(text); got != want {
			t.Errorf("Parse(%q) = %d, want %d", text, got, want)
		}
	}
	for _, text := range []string{"0b1", "0o17", "1_000", "0x", "-0x10", "+", " 1", "1e3", "18446744073709551616"} {
		if got, want := Parse(text), Text(text); got != want {
			t.Errorf("Parse(%q) = %d, want the hash %d", text, got, want)
		}
	}
	if Parse("october") == Parse("november") || Parse("") == Parse("a") {
		t.Error("different texts have the same seed")
	}
}

// Unpermute is the inverse of Permute.
func TestUnpermute(t *testing.T) {
	for n := uint64(1); n < 200; n++ {
		for i := range n {
			if got := Unpermute(n, Permute(n, i, n), n); got != i {
				t.Fatalf("%d of %d is at %d, from which %d comes back", i, n, Permute(n, i, n), got)
			}
		}
	}
	for _, n := range []uint64{1e6, 1 << 32, 1e12 + 1, 1 << 50} {
		for k := range uint64(500) {
			i := Mix(k) % n
			if got := Unpermute(k, Permute(k, i, n), n); got != i {
				t.Fatalf("%d of %d comes back as %d", i, n, got)
			}
		}
	}
}
