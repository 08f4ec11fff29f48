package seed

import (
	"math"
	"testing"
)

// All orders of few things are as likely, and each number comes out once.
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
			t.Errorf("%d orders of %d things, expected %d", len(counts), n, orders)
		}
		chi, want := 0.0, float64(draws)/float64(orders)
		for _, c := range counts {
			chi += (c - want) * (c - want) / want
		}
		// Once in a thousand times, by chance (Wilson and Hilferty).
		f := float64(orders - 1)
		if bound := f * math.Pow(1-2/(9*f)+3.1*math.Sqrt(2/(9*f)), 3); orders > 1 && chi > bound {
			t.Errorf("chi squared of the orders of %d things is %.1f, expected at most %.1f", n, chi, bound)
		}
	}
	for n := 1; n <= MaxShuffle; n++ {
		for key := range uint64(200) {
			order := make([]uint8, n)
			Shuffle(Mix(key), order)
			seen := uint32(0)
			for _, i := range order {
				seen |= 1 << i
			}
			if seen != 1<<n-1 {
				t.Fatalf("the order %d of %d things has a number twice", key, n)
			}
		}
	}
}

func BenchmarkShuffle(b *testing.B) {
	order := make([]uint8, 8)
	for k := range uint64(b.N) {
		Shuffle(k, order)
	}
}
