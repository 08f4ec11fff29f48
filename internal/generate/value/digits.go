// SPDX-License-Identifier: Apache-2.0

package value

import (
	"encoding/binary"
	"math/bits"
	"strconv"
)

// AppendUint appends a number in decimal. It computes all eight digits of a number
// below 10^8, the most frequent kind in logs, in one word: it splits the digits in
// halves three times, then shifts out the leading zeros.
func AppendUint(dst []byte, n uint64) []byte {
	if n >= 1e8 {
		return strconv.AppendUint(dst, n, 10)
	}
	const ascii = 0x3030303030303030
	// Pairs of four digits, two digits, one digit: the first in the lower half.
	x := n/10000 | n%10000<<32
	q := x * 10486 >> 20 & 0x7f0000007f // x/100 of each
	x = q | (x-q*100)<<16
	q = x * 103 >> 10 & 0xf000f000f000f // x/10 of each
	x = q | (x-q*10)<<8
	zeros := bits.TrailingZeros64(x|1<<56) / 8
	at := len(dst)
	dst = append(dst, "00000000"...)
	binary.LittleEndian.PutUint64(dst[at:], (x+ascii)>>(8*zeros))
	return dst[:at+8-zeros]
}

// AppendDecimal appends an integer in decimal.
func AppendDecimal(dst []byte, i int64) []byte {
	if i < 0 {
		return strconv.AppendInt(dst, i, 10)
	}
	return AppendUint(dst, uint64(i))
}
