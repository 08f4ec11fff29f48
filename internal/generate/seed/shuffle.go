// SPDX-License-Identifier: Apache-2.0

package seed

// MaxShuffle is the maximum number of items for [Shuffle]: with more, each new order
// would take too long.
const MaxShuffle = 64

// Shuffle fills order, of at most [MaxShuffle] elements, with the numbers from 0 in
// the random order that depends on key. All orders are equally likely. Those of
// [Permute] are not: four rounds over few numbers have too few outcomes.
func Shuffle(key uint64, order []uint8) {
	for i := range order {
		order[i] = uint8(i)
	}
	r := At(key, uint64(len(order)))
	for i := len(order) - 1; i > 0; i-- {
		j := r.Below(uint64(i + 1))
		order[i], order[j] = order[j], order[i]
	}
}
