// SPDX-License-Identifier: Apache-2.0

package pace

import (
	"testing"

	"pgregory.net/rapid"
)

// Parts have each tick of a schedule once, at its time, also if their number does not
// divide the rate.
func TestPart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// At most 10^19 ticks are due below: Due stops at 2^64.
		var whole Schedule = FixedRate{Num: rapid.Uint64Range(1, 1e15).Draw(t, "num"), Den: rapid.Uint64Range(1, 1e7).Draw(t, "den")}
		if rapid.Bool().Draw(t, "profile") {
			p, err := ParseProfile(rapid.SampledFrom([]string{"7", "ramp 0 to 500 for 10s; 500", "5 for 1s; idle for 3s; repeat", "poisson 20", "5 for 2s", "100; jitter 80% seed 3"}).Draw(t, "text"))
			if err != nil {
				t.Fatal(err)
			}
			whole = p
		}
		n := rapid.Uint64Range(1, 9).Draw(t, "n")
		at := rapid.Int64Range(0, 1e12).Draw(t, "t")
		sum := uint64(0)
		for i := range n {
			p := Part(whole, i, n)
			due := p.Due(at)
			if want := PartOf(whole.Due(at), i, n); due != want {
				t.Fatalf("part %d of %d: %d due at %d, want %d", i, n, due, at, want)
			}
			sum += due
			k := rapid.Uint64Range(0, due+3).Draw(t, "k")
			var walk *Walker
			if r, even := p.(FixedRate); even {
				w := r.Walk(k)
				walk = &w
			}
			for k := k + 1; k < due+20 && k < 1000; k++ {
				got, want := p.At(k), whole.At((k-1)*n+i+1)
				if got != want {
					t.Fatalf("part %d of %d: tick %d at %d, want %d", i, n, k, got, want)
				}
				if walk != nil {
					if next := walk.Next(); next != want {
						t.Fatalf("part %d of %d: a walk has tick %d at %d, want %d", i, n, k, next, want)
					}
				}
				if d := p.Due(got); got < Never && d < k {
					t.Fatalf("part %d of %d: %d due at the time of tick %d", i, n, d, k)
				}
			}
		}
		if sum != whole.Due(at) {
			t.Fatalf("%d due in %d parts, want %d", sum, n, whole.Due(at))
		}
	})
}

// A fraction that does not fit is still exact.
func TestPartWide(t *testing.T) {
	whole := FixedRate{Num: 1 << 62, Den: 1 << 61}
	for i := range uint64(8) {
		if got, want := Part(whole, i, 8).At(3), whole.At(16+i+1); got != want {
			t.Errorf("part %d: tick 3 at %d, want %d", i, got, want)
		}
	}
}
