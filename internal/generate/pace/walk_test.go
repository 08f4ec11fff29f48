// SPDX-License-Identifier: Apache-2.0

package pace

import (
	"testing"

	"pgregory.net/rapid"
)

// A Walker returns the same times as At, from any start and over any distance.
func TestWalk(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := FixedRate{
			Num: rapid.Uint64Range(1, 1e18).Draw(t, "num"),
			Den: rapid.Uint64Range(1, 1e9).Draw(t, "den"),
		}
		n := rapid.Uint64Range(0, 1e12).Draw(t, "n")
		w := e.Walk(n)
		for i := range uint64(300) {
			if got, want := w.Next(), e.At(n+1+i); got != want {
				t.Fatalf("tick %d: %d, want At = %d", n+1+i, got, want)
			}
		}
	})
}
