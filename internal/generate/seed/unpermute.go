// SPDX-License-Identifier: Apache-2.0

package seed

import "math/bits"

// Unpermute returns the i with [Permute](key, i, n) = at: the rounds of the network in
// reverse.
func Unpermute(key, at, n uint64) uint64 {
	if n <= 1 {
		return 0
	}
	half := uint(bits.Len64(n-1)+1) / 2
	mask := uint64(1)<<half - 1
	for {
		l, r := at>>half, at&mask
		for round := range uint64(4) {
			l, r = r^Mix(key+l*golden+3-round)&mask, l
		}
		at = l<<half | r
		if at < n {
			return at
		}
	}
}
