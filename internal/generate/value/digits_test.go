// SPDX-License-Identifier: Apache-2.0

package value

import (
	"math"
	"strconv"
	"testing"
)

// TestAppendUint: all numbers of up to six digits, and those around each power
// of ten, as strconv writes them.
func TestAppendUint(t *testing.T) {
	check := func(n uint64) {
		if got, want := string(AppendUint([]byte("x"), n)), "x"+strconv.FormatUint(n, 10); got != want {
			t.Fatalf("%d was written as %s", n, got)
		}
	}
	for n := range uint64(1_000_000) {
		check(n)
	}
	for p := uint64(1); ; p *= 10 {
		for d := range uint64(2001) {
			check(p + d)
			check(p*2 - min(d, p))
			check(p*9 + d)
		}
		if p > math.MaxUint64/100 {
			break
		}
	}
	for n := uint64(0); n < 1e8; n += 9973 {
		check(n)
	}
	check(math.MaxUint64)
	for _, i := range []int64{0, -1, 7, -100, math.MinInt64, math.MaxInt64} {
		if got, want := string(AppendDecimal(nil, i)), strconv.FormatInt(i, 10); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
