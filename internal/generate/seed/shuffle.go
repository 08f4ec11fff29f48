// SPDX-License-Identifier: Apache-2.0

package seed

// MaxShuffle is how many things [Shuffle] takes at most: as many as are worth the
// time whenever a new order begins.
const MaxShuffle = 64

// Shuffle puts the numbers from 0 on into order, of which there are at most
// [MaxShuffle], as belongs to key. All orders are as likely, which those of
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
