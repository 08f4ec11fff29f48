// SPDX-License-Identifier: Apache-2.0

// Package value defines the values that templates compute, and appends them as
// MessagePack, as text and as JSON.
//
// A [Value] is small and is passed by value. It does not own its text and its
// elements: they are valid while one record is being generated.
// Numbers are int64 or double, as everywhere in Fluent Bit.
package value

import (
	"math"
	"strconv"
	"strings"
	"unsafe"
)

// Kind is the type of a value.
type Kind uint8

// The kinds of values.
const (
	Nil    Kind = iota // null
	Bool               // N is 0 or 1
	Int                // N has the bits of an int64
	Float              // N has the bits of a float64
	String             // S is the text
	Raw                // S is the MessagePack of an array or a map
	Row                // S is a sequence of MessagePack values, which have names
	Omit               // no value: the member around it is left out
)

// String returns the name of the kind for messages.
func (k Kind) String() string {
	return [...]string{"null", "boolean", "integer", "number", "string", "array or object", "row", "nothing"}[k]
}

// Value is one value of a template. It has four words: the compiler passes a larger
// struct in memory instead of registers.
type Value struct {
	K     Kind
	N     uint64         // see Kind; of what has text, its length and whether it is wide
	p     unsafe.Pointer // the start of the text; nil if there is none
	names *[]string
}

// wide marks, in N, a text of which Reach bytes can be read from its start.
const wide = 1 << 63

// The values that need no argument.
var (
	Null    = Value{}
	Omitted = Value{K: Omit}
)

// OfBool returns a boolean.
func OfBool(b bool) Value {
	if b {
		return Value{K: Bool, N: 1}
	}
	return Value{K: Bool}
}

// OfInt returns an integer.
func OfInt(i int64) Value { return Value{K: Int, N: uint64(i)} }

// OfFloat returns a number.
func OfFloat(f float64) Value { return Value{K: Float, N: math.Float64bits(f)} }

// OfString returns a string.
func OfString(s string) Value {
	return Value{K: String, N: uint64(len(s)), p: unsafe.Pointer(unsafe.StringData(s))}
}

// OfBytes returns a string whose text is b, without copying it.
func OfBytes(b []byte) Value {
	n := uint64(len(b))
	if cap(b) >= Reach {
		n |= wide
	}
	return Value{K: String, N: n, p: unsafe.Pointer(unsafe.SliceData(b))}
}

// OfRaw returns the array or map with the MessagePack b, without copying b.
func OfRaw(b []byte) Value {
	return Value{K: Raw, N: uint64(len(b)), p: unsafe.Pointer(unsafe.SliceData(b))}
}

// OfRow returns the row whose values are the MessagePack sequence b, without copying
// b.
func OfRow(b []byte, names *[]string) Value {
	return Value{K: Row, N: uint64(len(b)), p: unsafe.Pointer(unsafe.SliceData(b)), names: names}
}

// S returns the text of a string, or the MessagePack of an array, object or row. For
// other kinds it returns "".
func (v Value) S() string {
	if v.p == nil {
		return ""
	}
	return unsafe.String((*byte)(v.p), int(v.N&^wide))
}

// Clone returns a copy of v that shares no memory with v.
func (v Value) Clone() Value {
	if v.p != nil {
		s := strings.Clone(v.S())
		v.N, v.p = uint64(len(s)), unsafe.Pointer(unsafe.StringData(s))
	}
	return v
}

// Bytes returns the bytes of a string, which must not be changed.
func Bytes(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// Truth reports whether v is true in the sense of Go's templates: not zero and not
// empty.
func (v Value) Truth() bool {
	switch v.K {
	case Bool, Int:
		return v.N != 0
	case Float:
		return v.Float() != 0
	case String:
		return v.S() != ""
	case Raw:
		return v.Len() > 0
	case Row:
		return true
	}
	return false
}

// Float returns v as a float64, and 0 if it is not a number.
func (v Value) Float() float64 {
	f, _ := v.Number()
	return f
}

// Number returns v as a float64, and reports whether v is a number or the text of one.
func (v Value) Number() (float64, bool) {
	switch v.K {
	case Int:
		return float64(int64(v.N)), true
	case Float:
		return math.Float64frombits(v.N), true
	case Bool:
		return float64(v.N), true
	case String:
		f, err := strconv.ParseFloat(v.S(), 64)
		return f, err == nil && !math.IsInf(f, 0) && !math.IsNaN(f)
	}
	return 0, false
}

// Int returns v as an int64, truncated toward zero and clamped to the range of int64.
// It returns 0 if v is not a number.
func (v Value) Int() int64 {
	switch v.K {
	case Int, Bool:
		return int64(v.N)
	case String:
		if i, err := strconv.ParseInt(v.S(), 10, 64); err == nil {
			return i
		}
	}
	return ToInt(v.Float())
}

// ToInt truncates f toward zero and clamps it to the range of int64.
func ToInt(f float64) int64 {
	switch {
	case f != f:
		return 0
	case f >= math.MaxInt64:
		return math.MaxInt64
	case f <= math.MinInt64:
		return math.MinInt64
	}
	return int64(f)
}
