// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"math"
	"testing"

	"github.com/gdummy/gdummy/internal/generate/seed"
	"github.com/gdummy/gdummy/internal/testenv"
)

// sumPowers returns the sum of 1/x^s for x from a to b: of the first terms by addition,
// of the rest by the Euler-Maclaurin formula.
func sumPowers(a, b, s float64) float64 {
	sum := 0.0
	for ; a <= b && a < 1000; a++ {
		sum += math.Pow(a, -s)
	}
	if a > b {
		return sum
	}
	integral := math.Log(b / a)
	if s != 1 {
		integral = (math.Pow(b, 1-s) - math.Pow(a, 1-s)) / (1 - s)
	}
	sum += integral + (math.Pow(a, -s)+math.Pow(b, -s))/2
	return sum + s/12*(math.Pow(a, -s-1)-math.Pow(b, -s-1))
}

// Frequencies follow Zipf's law, by a chi-squared test over the first numbers and then
// decades. The test detects an S that is off by 0.02.
func TestZipfLarge(t *testing.T) {
	testenv.SkipRace(t)
	const n = 400_000
	for _, N := range []float64{100_001, 1e7, 1 << 40} {
		for _, s := range []float64{0, 0.5, 0.99, 1, 1.01, 1.5, 3} {
			chi := func(wrong float64) (float64, int) {
				z := newZipf(N, s+wrong)
				var bounds, counts []float64
				for b := 1.0; b < N; {
					bounds = append(bounds, b)
					if b < 10 {
						b++
					} else {
						b = math.Floor(b * 1.7)
					}
				}
				bounds = append(bounds, N)
				counts = make([]float64, len(bounds))
				for k := range uint64(n) {
					r := seed.At(seed.Record(5, k), 1)
					x := float64(z.draw(&r))
					if x < 1 || x > N {
						t.Fatalf("N %v, S %v: %v", N, s, x)
					}
					i := 0
					for x > bounds[i] {
						i++
					}
					counts[i]++
				}
				total := sumPowers(1, N, s)
				sum, cells := 0.0, 0
				count, expected := 0.0, 0.0
				for i, b := range bounds {
					from := 1.0
					if i > 0 {
						from = bounds[i-1] + 1
					}
					count += counts[i]
					expected += n * sumPowers(from, b, s) / total
					if expected < 20 && i < len(bounds)-1 {
						continue
					}
					sum += (count - expected) * (count - expected) / max(expected, 1)
					cells++
					count, expected = 0, 0
				}
				return sum, cells - 1
			}
			sum, freedom := chi(0)
			// About 3.1 standard deviations above the mean (Wilson and Hilferty).
			bound := float64(freedom) * math.Pow(1-2/(9*float64(freedom))+3.1*math.Sqrt(2/(9*float64(freedom))), 3)
			if freedom > 0 && sum > bound {
				t.Errorf("N %v, S %v: chi squared is %.1f of %d, expected at most %.1f", N, s, sum, freedom, bound)
			}
			if off, _ := chi(0.02); off < bound {
				t.Errorf("N %v, S %v: chi squared is %.1f if S is off by 0.02, which is not detected", N, s, off)
			}
		}
	}
}

func BenchmarkZipf(b *testing.B) {
	z := newZipf(1<<40, 1.1)
	r := seed.At(1, 1)
	for b.Loop() {
		z.draw(&r)
	}
}
