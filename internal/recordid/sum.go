// SPDX-License-Identifier: Apache-2.0

package recordid

import (
	"math"
	"math/bits"
	"strconv"

	"github.com/cespare/xxhash/v2"
)

// Sum is the checksum of a body. It does not depend on how a pipeline writes the
// values:
//
//   - The order of members does not matter. A name that occurs twice counts twice.
//   - A string is its text without escapes.
//   - A number is its decimal value: 1000, 1000.0 and 1e3 are the same. Integers are
//     exact. Doubles are rounded to 16 significant digits, as Fluent Bit writes them,
//     and then to 15, half away from zero: a double that is read from 16 digits and
//     written again can differ in the last one.
//   - Fluent Bit writes doubles d with 1e15 <= d < 1e16 as integers. A body that has
//     such a double is Coarse, and all its numbers of that size are rounded.
//
// Binary and extension values, NaN, infinities and invalid UTF-8 have no JSON form. Their
// sum is that of their bytes, which a pipeline may not preserve.
//
// Hash is the sum of one hash per member, modulo 2^35. In a body with members that
// were added later, the hashes of these add up to the difference: see [Sum.Excess].
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

// NewSum returns the Sum of a body from the wrapping sum of the hashes of its
// members.
func NewSum(total uint64, members int, coarse bool) Sum {
	return Sum{
		Hash:    (total + seedBody*uint64(members)) & SumMask,
		Members: members & 15,
		Coarse:  coarse,
	}
}

// Excess returns the sum, modulo 2^35, of the hashes of the members that were added
// to a body: total is the sum of the hashes of all members, and members is how many
// the body had before.
func (s Sum) Excess(total uint64, members int) uint64 {
	return (total + seedBody*uint64(members) - s.Hash) & SumMask
}

// The seeds of the hashes of the kinds of values.
const (
	seedBody   = 0x9e3779b97f4a7c15
	seedString = 0xc2b2ae3d27d4eb4f
	seedNumber = 0x165667b19e3779f9
	seedArray  = 0x27d4eb2f165667c5
	seedMap    = 0x85ebca77c2b2ae63
	seedOther  = 0xff51afd7ed558ccd

	// HashNull, HashTrue and HashFalse are the hashes of these values.
	HashNull  = 0x2545f4914f6cdd1d
	HashTrue  = 0xd6e8feb86659fd93
	HashFalse = 0xa0761d6478bd642f
)

// mix is the finalizer of SplitMix64: a bijection in which every bit of the result
// depends on every bit of the argument.
func mix(h uint64) uint64 {
	h ^= h >> 30
	h *= 0xbf58476d1ce4e5b9
	h ^= h >> 27
	h *= 0x94d049bb133111eb
	return h ^ h>>31
}

// HashString returns the hash of a string.
func HashString(text []byte) uint64 { return mix(xxhash.Sum64(text) ^ seedString) }

// HashBytes returns the hash of a binary value.
func HashBytes(data []byte) uint64 { return mix(xxhash.Sum64(data) ^ seedOther) }

// HashExtension returns the hash of an extension value.
func HashExtension(typ byte, data []byte) uint64 { return mix(HashBytes(data) + uint64(typ)) }

// HashMember returns the hash of a member from its name and the hash of its value.
func HashMember(name []byte, value uint64) uint64 { return HashNamed(HashName(name), value) }

// HashName returns the hash of a name, for [HashNamed].
func HashName(name []byte) uint64 { return xxhash.Sum64(name) }

// HashNamed returns the hash of a member from the hashes of its name and its value. It is
// [HashMember] for a name that occurs often.
func HashNamed(name, value uint64) uint64 { return mix(name + bits.RotateLeft64(value, 23)) }

// HashMap returns the hash of a map as a value, from the wrapping sum of the hashes of
// its members.
func HashMap(total uint64, members int) uint64 { return mix(total ^ seedMap + uint64(members)) }

// HashArray is the hash of an array without elements; see [HashElement].
const HashArray = uint64(seedArray)

// HashElement returns the hash of an array with one more element.
func HashElement(array, value uint64) uint64 { return mix(array+value) + seedArray }

// coarseFrom and coarseTo enclose the numbers that Fluent Bit writes in the same way
// as integers and as doubles.
const coarseFrom, coarseTo = 1e15, 1e16

// HashInteger returns the hash of an integer with the given absolute value and sign,
// in a body that is Coarse or not. ambiguous reports whether that makes a difference.
func HashInteger(size uint64, negative, coarse bool) (hash uint64, ambiguous bool) {
	exp := 0
	if size >= coarseFrom && size < coarseTo {
		ambiguous = true
		if coarse {
			size, exp = (size+5)/10, 1
		}
	}
	return decimal(size, exp, negative), ambiguous
}

// HashFloat returns the hash of a double. coarse reports whether it makes a body
// Coarse.
func HashFloat(f float64) (hash uint64, coarse bool) {
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

// HashDecimal returns the hash that [HashFloat] returns for the double nearest to
// ±mantissa / 10^places, of at most 19 digits and less than 1e14. It is faster.
func HashDecimal(mantissa uint64, places int, negative bool) uint64 {
	switch {
	case mantissa < 1e15:
		return decimal(mantissa, -places, negative)
	case mantissa < 1<<52: // 16 digits, which the nearest double preserves
		return decimal((mantissa+5)/10, 1-places, negative)
	}
	// The nearest double is f × 2^-shift.
	zeros, unit := bits.LeadingZeros64(mantissa), tens[places]
	above := bits.LeadingZeros64(unit)
	m := mantissa << zeros
	f, rest := bits.Div64(m>>1, m<<63, unit<<above)
	extra := bits.Len64(f) - 53
	shift := 63 - above + zeros - extra
	f = halfEven(0, f, extra, rest != 0)
	// Its first 16 digits.
	for unit = 1e16; mantissa >= unit; unit *= 10 {
		places--
	}
	high, low := bits.Mul64(f, tens[places])
	return decimal((halfEven(high, low, shift, false)+5)/10, 1-places, negative)
}

// halfEven returns a number of 128 bits divided by 2^shift, from 1 to 63, and rounded half to
// even. more reports that the number is larger by less than 1.
func halfEven(high, low uint64, shift int, more bool) uint64 {
	n, rest, half := high<<(64-shift)|low>>shift, low&(1<<shift-1), uint64(1)<<(shift-1)
	if rest > half || rest == half && (more || n&1 != 0) {
		n++
	}
	return n
}

// tens are the powers of ten.
var tens = func() (t [20]uint64) {
	t[0] = 1
	for i := range 19 {
		t[i+1] = t[i] * 10
	}
	return t
}()

// decimal returns the hash of ±mantissa × 10^exp.
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
