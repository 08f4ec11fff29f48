// SPDX-License-Identifier: Apache-2.0

package recordscan

import (
	"bytes"
	"encoding/binary"
	"math/bits"

	"github.com/gdummy/gdummy/internal/recordid"
)

// Most records of a source have the same names in the same order, and some of their values
// are the same. What a record has at the place where the last one had it is compared, which
// is faster than to find its end and to hash it.

// memo has the members that are known in one format.
type memo struct {
	known []known // by the number of their name in the document
	named int     // number of names in this document
}

// known is a member at one place in the document.
type known struct {
	front []byte // the name, as it is encoded, up to the value
	size  int    // of the name, in bytes
	name  uint64 // hash of the name
	tries uint8  // number of names that differed since

	value []byte // a scalar, as it is encoded; empty if none is known
	hash  uint64 // of the value
	both  uint64 // hash of the member
	other uint8  // number of values that differed since
}

const (
	maxKnown      = 64  // number of places
	maxKnownFront = 64  // in bytes
	maxKnownValue = 256 // likewise

	// patience is the number of names or values that differ before they replace the known
	// one.
	patience = 8
)

// next returns the place of the next name, or nil.
func (m *memo) next() *known {
	n := m.named
	if m.named++; n < len(m.known) {
		return &m.known[n]
	}
	if n >= maxKnown {
		return nil
	}
	m.known = append(m.known, known{})
	return &m.known[n]
}

// begins reports whether b begins with the name.
func (k *known) begins(b []byte) bool {
	return k != nil && len(k.front) > 0 && bytes.HasPrefix(b, k.front)
}

// learn notes the name of a member, of size bytes, which is encoded as front.
func (k *known) learn(front []byte, size int, name uint64) {
	if k == nil || len(front) > maxKnownFront {
		return
	}
	if k.tries++; len(k.front) > 0 && k.tries < patience {
		return
	}
	k.front, k.size, k.name, k.tries = append(k.front[:0], front...), size, name, 0
	k.value, k.other = k.value[:0], 0
}

// has reports whether b begins with the known value.
func (k *known) has(b []byte) bool { return len(k.value) > 0 && bytes.HasPrefix(b, k.value) }

// hasWhole reports whether b, in a map of JSON, begins with the known value, which does not
// continue as a longer number.
func (k *known) hasWhole(b []byte) bool {
	n := len(k.value)
	return n > 0 && n < len(b) && (b[n] == ',' || b[n] == '}') && bytes.HasPrefix(b, k.value)
}

// learnValue notes a string without an identity, or another scalar, which is encoded as value.
func (k *known) learnValue(value []byte, hash, both uint64) {
	if k.other++; len(k.value) > 0 && k.other%patience != 0 {
		return
	}
	if len(value) > maxKnownValue || bytes.Contains(value, []byte(recordid.Prefix)) {
		k.value = k.value[:0]
		return
	}
	k.value, k.hash, k.both = append(k.value[:0], value...), hash, both
}

// simple reports whether strings have the hash of their text in a reading.
func (how reading) simple() bool { return how&^(coarse|pairs) == 0 }

// quoteOrEscape returns the index of the first quote or backslash in the first bytes of b.
// If there is none, ok is false.
func quoteOrEscape(b []byte) (i int, ok bool) {
	const each, top = 0x0101010101010101, 0x8080808080808080
	for ; i < 32 && len(b)-i >= 8; i += 8 {
		x := binary.LittleEndian.Uint64(b[i:])
		quote, escape := x^(each*0x22), x^(each*0x5c)
		if zero := ((quote-each)&^quote | (escape-each)&^escape) & top; zero != 0 {
			return i + bits.TrailingZeros64(zero)>>3, true
		}
	}
	return 0, false
}
