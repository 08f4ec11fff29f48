// SPDX-License-Identifier: Apache-2.0

package seed

import (
	"math"
	"testing"

	"github.com/gdummy/gdummy/internal/testenv"
)

// All orders of a few items are equally likely, and each number occurs once.
func TestShuffle(t *testing.T) {
	for n, orders := range map[int]int{1: 1, 2: 2, 3: 6, 4: 24, 5: 120, 6: 720} {
		counts := map[[6]uint8]float64{}
		const draws = 200_000
		for b := range uint64(draws) {
			var order [6]uint8
			Shuffle(Combine(1, b), order[:n])
			counts[order]++
		}
		if len(counts) != orders {
			t.Errorf("got %d orders of %d items, want %d", len(counts), n, orders)
		}
		chi, want := 0.0, float64(draws)/float64(orders)
		for _, c := range counts {
			chi += (c - want) * (c - want) / want
		}
		// Once in a thousand times, by chance (Wilson and Hilferty).
		f := float64(orders - 1)
		if bound := f * math.Pow(1-2/(9*f)+3.1*math.Sqrt(2/(9*f)), 3); orders > 1 && chi > bound {
			t.Errorf("chi squared of the orders of %d items = %.1f, want at most %.1f", n, chi, bound)
		}
	}
	for n := 1; n <= MaxShuffle; n++ {
		for key := range uint64(200) {
			order := make([]uint8, n)
			Shuffle(Mix(key), order)
			seen := uint64(0)
			for _, i := range order {
				seen |= 1 << i
			}
			if seen != 1<<n-1 { // of 64, too
				t.Fatalf("order %d of %d items contains a number twice", key, n)
			}
		}
	}
}

// With more items, any two items are in any two positions equally often, and half
// of the orders are even.
func TestShufflePairs(t *testing.T) {
	testenv.SkipRace(t)
	for _, n := range []int{7, 21, MaxShuffle} {
		const draws = 400_000
		pairs := make([]float64, n*n)
		even := 0
		order := make([]uint8, n)
		for b := range uint64(draws) {
			Shuffle(Combine(2, b), order)
			pairs[int(order[0])*n+int(order[1])]++
			swaps := 0
			seen := uint64(0)
			for i := range order {
				for seen>>i&1 == 0 {
					seen |= 1 << i
					if i = int(order[i]); seen>>i&1 == 0 {
						swaps++
					}
				}
			}
			if swaps%2 == 0 {
				even++
			}
		}
		chi, want := 0.0, draws/float64(n*(n-1))
		for i, c := range pairs {
			if i/n != i%n {
				chi += (c - want) * (c - want) / want
			}
		}
		f := float64(n*(n-1) - 1)
		if bound := f * math.Pow(1-2/(9*f)+3.1*math.Sqrt(2/(9*f)), 3); chi > bound {
			t.Errorf("chi squared of the first two of %d = %.1f, want at most %.1f", n, chi, bound)
		}
		if d := math.Abs(float64(even) - draws/2); d > 3.3*math.Sqrt(draws)/2 {
			t.Errorf("%d of %d orders of %d are even", even, draws, n)
		}
	}
}

func BenchmarkShuffle(b *testing.B) {
	order := make([]uint8, 8)
	for k := range uint64(b.N) {
		Shuffle(k, order)
	}
}
