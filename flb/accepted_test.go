// SPDX-License-Identifier: Apache-2.0

package flb

import "testing"

// Each sum is that of the slices before the last ones, as long as it is kept.
func TestAcceptedBefore(t *testing.T) {
	var accepted accepted
	for i := range 300 {
		for _, c := range []struct {
			last int
			want int
		}{{0, i * (i + 1) / 2}, {1, i * (i - 1) / 2}, {127, (i - 126) * (i - 127) / 2}, {128, 0}, {i, 0}, {i + 1, 0}} {
			if c.last >= i {
				c.want = 0
			}
			if got := accepted.before(c.last); got != uint64(c.want) {
				t.Fatalf("%d slices, %d before the last %d, expected %d", i, got, c.last, c.want)
			}
		}
		accepted.add(i + 1) // 1, 2, 3, …
	}
}
