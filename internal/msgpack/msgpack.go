// SPDX-License-Identifier: Apache-2.0

// Package msgpack reads the headers of MessagePack values. The checksum of a record,
// the scanner of audits and the receivers use it to walk over MessagePack.
//
// The normal path is [Read], which returns the [Header] of the value at the front of
// a buffer. The next header begins after its Size and [Header.Payload]. [Frame] finds
// the end of a value that arrives in pieces, [Skip] the end of a complete value.
// [Pair] splits the first member of a map, and [Member] finds one by its name.
package msgpack

import (
	"encoding/binary"
	"errors"
	"math"
)

// Errors of MessagePack.
var (
	ErrShort    = errors.New("the MessagePack ends within a value")
	ErrInvalid  = errors.New("invalid MessagePack")
	ErrTooLarge = errors.New("the MessagePack value is too large")
)

// Kind is the kind of a value.
type Kind uint8

// The kinds of values, and of headers that are not valid.
const (
	Invalid    Kind = iota // the byte 0xc1, which MessagePack does not use
	Incomplete             // the buffer ends within the header
	Nil
	False
	True
	Integer
	Float
	String
	Binary
	Extension
	Array
	Map
)

// Header is the part of a value before its payload. Integers, floats, booleans and nil
// consist of their header only.
type Header struct {
	Kind     Kind
	Negative bool // of an Integer

	// Size is the size of the header, in bytes. For an Extension it includes the type,
	// which is the last byte.
	Size int

	// N is the absolute value of an Integer; of a Float, the bits of the float64; of
	// a String, Binary or Extension, the size of the payload in bytes; of an Array,
	// its elements; of a Map, its members.
	N uint64
}

// Payload returns the number of bytes of the value after its header, without the
// elements of an Array or the members of a Map.
func (h Header) Payload() uint64 {
	switch h.Kind {
	case String, Binary, Extension:
		return h.N
	}
	return 0
}

// Values returns the number of values that follow as parts of this one.
func (h Header) Values() uint64 {
	switch h.Kind {
	case Array:
		return h.N
	case Map:
		return 2 * h.N
	}
	return 0
}

// layout is the form of a header whose first byte does not contain the size.
type layout struct {
	kind   Kind
	width  uint8 // of the number after the first byte, in bytes
	fixed  uint8 // size of the payload, if the type has no number
	signed bool  // the number is signed
}

// layouts are the layouts of the first bytes from 0xc0 to 0xdf.
var layouts = [32]layout{
	{kind: Nil}, {kind: Invalid}, {kind: False}, {kind: True},
	{kind: Binary, width: 1}, {kind: Binary, width: 2}, {kind: Binary, width: 4},
	{kind: Extension, width: 1}, {kind: Extension, width: 2}, {kind: Extension, width: 4},
	{kind: Float, width: 4}, {kind: Float, width: 8},
	{kind: Integer, width: 1}, {kind: Integer, width: 2}, {kind: Integer, width: 4}, {kind: Integer, width: 8},
	{kind: Integer, width: 1, signed: true}, {kind: Integer, width: 2, signed: true},
	{kind: Integer, width: 4, signed: true}, {kind: Integer, width: 8, signed: true},
	{kind: Extension, fixed: 1}, {kind: Extension, fixed: 2}, {kind: Extension, fixed: 4},
	{kind: Extension, fixed: 8}, {kind: Extension, fixed: 16},
	{kind: String, width: 1}, {kind: String, width: 2}, {kind: String, width: 4},
	{kind: Array, width: 2}, {kind: Array, width: 4},
	{kind: Map, width: 2}, {kind: Map, width: 4},
}

// short are the headers of one byte, by that byte.
var short = func() (t [256]Header) {
	for c := range 256 {
		switch h := &t[c]; {
		case c < 0x80:
			*h = Header{Kind: Integer, Size: 1, N: uint64(c)}
		case c < 0x90:
			*h = Header{Kind: Map, Size: 1, N: uint64(c & 0x0f)}
		case c < 0xa0:
			*h = Header{Kind: Array, Size: 1, N: uint64(c & 0x0f)}
		case c < 0xc0:
			*h = Header{Kind: String, Size: 1, N: uint64(c & 0x1f)}
		case c >= 0xe0:
			*h = Header{Kind: Integer, Negative: true, Size: 1, N: uint64(0x100 - c)}
		}
	}
	return t
}()

// Read returns the header at the front of b. It is small enough to be inlined.
func Read(b []byte) Header {
	if len(b) == 0 || b[0]>>5 == 0xc0>>5 {
		return readLong(b)
	}
	return short[b[0]]
}

// ShortString returns the String of up to 31 bytes at the front of b, and its size with
// the header, or 0 if there is another value. It is faster than Read, and applies to
// most names and many values.
func ShortString(b []byte) (s []byte, size int) {
	if len(b) > 0 && b[0]>>5 == 0xa0>>5 {
		if size = 1 + int(b[0]&0x1f); size <= len(b) {
			return b[1:size:size], size
		}
	}
	return nil, 0
}

// readLong reads a header with a first byte from 0xc0 to 0xdf.
func readLong(b []byte) Header {
	if len(b) == 0 {
		return Header{Kind: Incomplete}
	}
	l := layouts[b[0]&31]
	h := Header{Kind: l.kind, Size: 1 + int(l.width), N: uint64(l.fixed)}
	if l.kind == Extension {
		h.Size++
	}
	if len(b) < h.Size {
		return Header{Kind: Incomplete}
	}
	switch l.width {
	case 1:
		h.N = uint64(b[1])
	case 2:
		h.N = uint64(binary.BigEndian.Uint16(b[1:]))
	case 4:
		h.N = uint64(binary.BigEndian.Uint32(b[1:]))
	case 8:
		h.N = binary.BigEndian.Uint64(b[1:])
	}
	switch {
	case l.signed:
		shift := 64 - 8*l.width
		if n := int64(h.N<<shift) >> shift; n < 0 {
			h.Negative, h.N = true, -uint64(n)
		}
	case l.kind == Float && l.width == 4:
		h.N = math.Float64bits(float64(math.Float32frombits(uint32(h.N))))
	}
	return h
}
