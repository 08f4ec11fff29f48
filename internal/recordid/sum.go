// SPDX-License-Identifier: Apache-2.0

package recordid

import (
	"math"
	"math/bits"
	"strconv"

	"github.com/cespare/xxhash/v2"
)

// Sum is the sum of a body in a canonical form, which is the same for all the
// ways in which pipelines write one value:
//
//   - The order of members does not matter; a name that occurs twice counts twice.
//   - Strings are their text, whatever was escaped.
//   - Numbers are their decimal value: 1000, 1000.0 and 1e3 are the same.
//     Integers are exact. Doubles are rounded to 16 significant digits, as
//     Fluent Bit writes them, and then to 15, halves away from zero: what is
//     read from 16 digits and written again can differ in the last one.
//   - Fluent Bit writes doubles from 1e15 on and below 1e16 as if they were
//     integers. A body that has one is marked Coarse, and all its numbers of
//     that size are rounded.
//
// The value of a member that is a string, a number, a boolean, null, an array or
// a map counts. Binary and extension values, NaN, infinities and invalid UTF-8
// have no form in JSON and are outside the promise; two of them with the same
// bytes are the same.
//
// A body's sum is a sum indeed, of one hash per member, modulo 2^35. Whoever
// knows a body with members that were added later can find out which they are:
// their hashes add up to what is too much, see [Sum.Excess].
type Sum struct {
	Hash    uint64 // 35 bits
	Members int    // modulo 16
	Coarse  bool
}

func (s Sum) tail() uint64 {
	t := uint64(s.Members&15) << 1
	if s.Coarse {
		t |= 1
	}
	return t
}

// Close makes the Sum of a body out of the wrapping sum of the hashes of its
// members.
func Close(total uint64, members int, coarse bool) Sum {
	return Sum{
		Hash:    (total + seedBody*uint64(members)) & SumMask,
		Members: members & 15,
		Coarse:  coarse,
	}
}

// Excess returns what the hashes of the members that were added to a body add up
// to, modulo 2^35, if the hashes of all that there are add up to total, and those
// that were there are so many.
func (s Sum) Excess(total uint64, members int) uint64 {
	return (total + seedBody*uint64(members) - s.Hash) & SumMask
}

// The kinds of values hash from different seeds.
const (
	seedBody   = 0x9e3779b97f4a7c15
	seedString = 0xc2b2ae3d27d4eb4f
	seedNumber = 0x165667b19e3779f9
	seedArray  = 0x27d4eb2f165667c5
	seedMap    = 0x85ebca77c2b2ae63
	seedOther  = 0xff51afd7ed558ccd

	// Null, True and False are the hashes of these values.
	Null  = 0x2545f4914f6cdd1d
	True  = 0xd6e8feb86659fd93
	False = 0xa0761d6478bd642f
)

// mix is the finalizer of SplitMix64: a bijection in which every bit of the
// argument reaches every bit of the result.
func mix(h uint64) uint64 {
	h ^= h >> 30
	h *= 0xbf58476d1ce4e5b9
	h ^= h >> 27
	h *= 0x94d049bb133111eb
	return h ^ h>>31
}

// String is the hash of a string's text.
func String(text []byte) uint64 { return mix(xxhash.Sum64(text) ^ seedString) }

// Other is the hash of the bytes of a binary value.
func Other(data []byte) uint64 { return mix(xxhash.Sum64(data) ^ seedOther) }

// Extension is the hash of an extension value.
func Extension(typ byte, data []byte) uint64 { return mix(Other(data) + uint64(typ)) }

// Member is the hash of a member.
func Member(name []byte, value uint64) uint64 {
	return mix(xxhash.Sum64(name) + bits.RotateLeft64(value, 23))
}

// Map is the hash of a map as a value, from the wrapping sum of its members.
func Map(total uint64, members int) uint64 { return mix(total ^ seedMap + uint64(members)) }

// ArrayStart is the hash of an array without elements, for [Element].
const ArrayStart = uint64(seedArray)

// Element is the hash of an array to which one element is added.
func Element(array, value uint64) uint64 { return mix(array+value) + seedArray }

// coarseFrom and coarseTo enclose the numbers that Fluent Bit writes alike as
// integers and as doubles.
const coarseFrom, coarseTo = 1e15, 1e16

// Integer is the hash of the integer of the given size and sign. coarse says
// how it counts in a body that is Coarse; ambiguous, that this matters.
func Integer(size uint64, negative, coarse bool) (hash uint64, ambiguous bool) {
	exp := 0
	if size >= coarseFrom && size < coarseTo {
		ambiguous = true
		if coarse {
			size, exp = (size+5)/10, 1
		}
	}
	return decimal(size, exp, negative), ambiguous
}

// Float is the hash of a double. coarse says that it is one of those that make
// a body Coarse.
func Float(f float64) (hash uint64, coarse bool) {
	negative := math.Signbit(f)
	size := math.Abs(f)
	switch {
	case size < coarseFrom && size == math.Trunc(size):
		return decimal(uint64(size), 0, negative), false
	case math.IsNaN(f) || math.IsInf(f, 0):
		return mix(math.Float64bits(f) ^ seedOther), false
	}
	var buf [32]byte
	// d.ddddddddddddddde±dd: 16 digits.
	s := strconv.AppendFloat(buf[:0], size, 'e', 15, 64)
	mantissa := uint64(s[0] - '0')
	for _, c := range s[2:17] {
		mantissa = mantissa*10 + uint64(c-'0')
	}
	exp := 0
	for _, c := range s[19:] {
		exp = exp*10 + int(c-'0')
	}
	if s[18] == '-' {
		exp = -exp
	}
	return decimal((mantissa+5)/10, exp-14, negative), size >= coarseFrom && size < coarseTo
}

// decimal is the hash of ±mantissa × 10^exp.
func decimal(mantissa uint64, exp int, negative bool) uint64 {
	if mantissa == 0 {
		return mix(seedNumber)
	}
	for mantissa%10 == 0 {
		mantissa /= 10
		exp++
	}
	h := uint64(exp) << 1
	if negative {
		h |= 1
	}
	return mix(mix(mantissa^seedNumber) + h)
}
