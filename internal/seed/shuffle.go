package seed

// MaxShuffle is how many things [Shuffle] takes at most: their orders can still be
// counted in 64 bits.
const MaxShuffle = 20

// Shuffle puts the numbers from 0 on into order, of which there are at most
// [MaxShuffle], as belongs to key. All orders are as likely, which those of
// [Permute] are not: four rounds over a handful of numbers have too few outcomes.
func Shuffle(key uint64, order []uint8) {
	orders := uint64(1)
	for i := range order {
		order[i] = uint8(i)
		orders *= uint64(i + 1)
	}
	r := At(key, uint64(len(order)))
	// One number says it all: its digits, to the bases n, n-1 and so on, are the
	// draws of a shuffle.
	rank := r.Below(orders)
	for i := len(order) - 1; i > 0; i-- {
		j := rank % uint64(i+1)
		rank /= uint64(i + 1)
		order[i], order[j] = order[j], order[i]
	}
}
