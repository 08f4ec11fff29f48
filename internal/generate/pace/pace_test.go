// SPDX-License-Identifier: Apache-2.0

package pace

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// perSecond returns a schedule of n ticks per second.
func perSecond(n uint64) FixedRate { return FixedRate{Num: 1e9, Den: n} }

func TestFixedRate(t *testing.T) {
	for _, tt := range []struct {
		every FixedRate
		n     uint64
		at    int64
		why   string
	}{
		{perSecond(1), 0, 0, "nothing is due from the start on"},
		{perSecond(1), 1, 1e9, "the first tick comes after the first interval"},
		{perSecond(3), 1, 333333333, "a third of a second, rounded down"},
		{perSecond(3), 2, 666666666, "two thirds, not twice the first"},
		{perSecond(3), 3, 1e9, "a whole second again"},
		{perSecond(3), 3 * 86400 * 365, 86400 * 365 * 1e9, "no drift in a year"},
		{perSecond(7), 7*1e9 + 1, 1e18 + 142857142, "no drift in 31 years"},
		{perSecond(1e9), math.MaxInt64, math.MaxInt64, "one a nanosecond up to the end of time"},
		{perSecond(2e9), 3, 1, "two ticks in a nanosecond"},
		{FixedRate{Num: 3600e9, Den: 1}, 24, int64(day), "one an hour"},
		{FixedRate{Num: 10e9, Den: 1}, 1e9, Never, "after the end of time"},
		{FixedRate{Num: 1, Den: 1}, math.MaxUint64, Never, "beyond what a time can be"},
		{FixedRate{Num: math.MaxUint64, Den: 1}, math.MaxUint64, Never, "beyond 64 bits of quotient"},
	} {
		if got := tt.every.At(tt.n); got != tt.at {
			t.Errorf("%v: At(%d) = %d, want %d: %s", tt.every, tt.n, got, tt.at, tt.why)
		}
	}
	for _, tt := range []struct {
		every FixedRate
		at    time.Duration
		want  uint64
		why   string
	}{
		{perSecond(10), 0, 0, "nothing is due at the start"},
		{perSecond(10), -1, 0, "nor before it"},
		{perSecond(10), 100*time.Millisecond - 1, 0, "a ns early"},
		{perSecond(10), 100 * time.Millisecond, 1, "due at its moment"},
		{perSecond(3), 333333333, 1, "the same rounding as that of the moment"},
		{perSecond(3), 333333332, 0, "the same rounding as that of the moment"},
		{perSecond(1000000), 365 * day, 365 * 86400 * 1e6, "no drift in a year"},
		{perSecond(1e18), math.MaxInt64, math.MaxUint64, "more than can be counted"},
	} {
		if got := tt.every.Due(int64(tt.at)); got != tt.want {
			t.Errorf("%v: Due(%v) = %d, want %d: %s", tt.every, tt.at, got, tt.want, tt.why)
		}
	}
}

// Due and At are consistent for any fraction.
func TestFixedRateFraction(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := FixedRate{
			Num: rapid.OneOf(rapid.Uint64Range(1, 1e15), rapid.Uint64Range(1, 100)).Draw(t, "num"),
			Den: rapid.OneOf(rapid.Uint64Range(1, 1e12), rapid.Uint64Range(1, 100)).Draw(t, "den"),
		}
		n := rapid.Uint64Range(1, 1e15).Draw(t, "n")
		at := e.At(n)
		if at == Never {
			return
		}
		if due := e.Due(at); due < n {
			t.Fatalf("%v: At(%d) = %d, but Due is %d there", e, n, at, due)
		}
		if due := e.Due(at - 1); due >= n {
			t.Fatalf("%v: At(%d) = %d, but Due is %d 1 ns earlier", e, n, at, due)
		}
		if next := e.At(n + 1); next < at {
			t.Fatalf("%v: At(%d) = %d is before At(%d) = %d", e, n+1, next, n, at)
		}
	})
}
