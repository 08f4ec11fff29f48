// SPDX-License-Identifier: Apache-2.0

package value

import (
	"math"

	"github.com/tinylib/msgp/msgp"
)

// open reads the first value of b. It reads only the header of an array or a map:
// then v has the kind Raw and no text, and n elements or members follow in rest.
func open(b []byte) (v Value, n int, isMap bool, rest []byte) {
	switch msgp.NextType(b) {
	case msgp.StrType, msgp.BinType:
		s, rest, err := msgp.ReadStringZC(b)
		if err != nil {
			s, rest, _ = msgp.ReadBytesZC(b)
		}
		return OfBytes(s), 0, false, rest
	case msgp.IntType:
		i, rest, _ := msgp.ReadInt64Bytes(b)
		return OfInt(i), 0, false, rest
	case msgp.UintType:
		u, rest, _ := msgp.ReadUint64Bytes(b)
		if u > math.MaxInt64 {
			return OfFloat(float64(u)), 0, false, rest
		}
		return OfInt(int64(u)), 0, false, rest
	case msgp.Float64Type, msgp.Float32Type:
		f, rest, _ := msgp.ReadFloat64Bytes(b)
		return OfFloat(f), 0, false, rest
	case msgp.BoolType:
		t, rest, _ := msgp.ReadBoolBytes(b)
		return OfBool(t), 0, false, rest
	case msgp.ArrayType:
		n, rest, _ := msgp.ReadArrayHeaderBytes(b)
		return Value{K: Raw}, int(n), false, rest
	case msgp.MapType:
		n, rest, _ := msgp.ReadMapHeaderBytes(b)
		return Value{K: Raw}, int(n), true, rest
	case msgp.NilType:
		return Null, 0, false, b[1:]
	}
	rest, err := msgp.Skip(b)
	if err != nil {
		rest = nil
	}
	return Null, 0, false, rest
}

// First returns the first value of MessagePack b, and the rest of b.
func First(b string) (Value, string) {
	all := Bytes(b)
	v, _, _, rest := open(all)
	if v.K == Raw {
		n := size(all)
		return OfRaw(all[:n]), b[n:]
	}
	return v, b[len(b)-len(rest):]
}

// size returns the size of the first value of b, in bytes.
func size(b []byte) int {
	rest, err := msgp.Skip(b)
	if err != nil {
		return len(b)
	}
	return len(b) - len(rest)
}

// Len returns the number of elements of an array, of members of an object or a row,
// or of bytes of a string. It returns 0 for other kinds.
func (v Value) Len() int {
	switch v.K {
	case String:
		return len(v.S())
	case Raw:
		_, n, _, _ := open(Bytes(v.S()))
		return n
	case Row:
		return len(*v.names)
	}
	return 0
}

// Within returns v if it has at most depth nested levels, and null otherwise: a
// deeper record could not be decoded.
func (v Value) Within(depth int) Value {
	switch v.K {
	case Raw:
		if _, ok := within(Bytes(v.S()), depth); !ok {
			return Null
		}
	case Row:
		rest := Bytes(v.S())
		ok := true
		for range *v.names {
			if rest, ok = within(rest, depth-1); !ok {
				return Null
			}
		}
	}
	return v
}

func within(b []byte, depth int) (rest []byte, ok bool) {
	v, n, isMap, rest := open(b)
	if v.K != Raw {
		return rest, true
	}
	if depth == 0 {
		return nil, false
	}
	if isMap {
		n *= 2
	}
	for range n {
		if rest, ok = within(rest, depth-1); !ok {
			return nil, false
		}
	}
	return rest, true
}

// Items returns the number of elements of an array or of members of an object,
// whether v is an object, and the MessagePack of the contents, for First.
func (v Value) Items() (n int, isMap bool, inner string) {
	if v.K != Raw {
		return 0, false, ""
	}
	_, n, isMap, rest := open(Bytes(v.S()))
	return n, isMap, v.S()[len(v.S())-len(rest):]
}

// Field returns a member of an object or a row, or null if it does not exist.
func (v Value) Field(name string) Value {
	switch v.K {
	case Row:
		rest := v.S()
		for _, n := range *v.names {
			if n == name {
				f, _ := First(rest)
				return f
			}
			rest = rest[size(Bytes(rest)):]
		}
	case Raw:
		n, isMap, rest := v.Items()
		if !isMap {
			return Null
		}
		for range n {
			var key, member Value
			key, rest = First(rest)
			if key.S() == name {
				member, _ = First(rest)
				return member
			}
			rest = rest[size(Bytes(rest)):]
		}
	}
	return Null
}

// Index returns an element of an array, counted from 0, or a member of an object or a
// row. It returns null if that does not exist.
func (v Value) Index(i Value) Value {
	if i.K == String {
		return v.Field(i.S())
	}
	n, isMap, rest := v.Items()
	at := i.Int()
	if isMap || at < 0 || at >= int64(n) {
		return Null
	}
	for range at {
		rest = rest[size(Bytes(rest)):]
	}
	e, _ := First(rest)
	return e
}
