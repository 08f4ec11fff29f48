// SPDX-License-Identifier: Apache-2.0

package recordid

import (
	"encoding/binary"
	"errors"
	"math"
)

// ErrBody says that bytes are not the MessagePack of one map.
var ErrBody = errors.New("not the MessagePack of one map")

// maxDepth is how deep values may nest before reading them is refused.
const maxDepth = 64

// SumBody returns the sum of a body, a MessagePack map that is all of body.
func SumBody(body []byte) (Sum, error) {
	r := reader{b: body}
	s, ok := r.body()
	if ok && r.sawCoarse {
		r = reader{b: body, coarse: true}
		s, ok = r.body()
	}
	if !ok || len(r.b) != 0 {
		return Sum{}, ErrBody
	}
	return s, nil
}

// reader takes values off the front of b. Its methods return false when b is
// not what it should be.
type reader struct {
	b         []byte
	coarse    bool // integers that doubles could have been are rounded
	sawCoarse bool // a double was seen that Fluent Bit writes as an integer
}

func (r *reader) body() (Sum, bool) {
	n, ok := r.mapHeader()
	if !ok {
		return Sum{}, false
	}
	total, ok := r.members(n, 0)
	return Close(total, n, r.coarse), ok
}

// mapHeader reads the header of a map.
func (r *reader) mapHeader() (n int, ok bool) {
	if len(r.b) == 0 {
		return 0, false
	}
	c := r.b[0]
	switch {
	case c&0xf0 == 0x80:
		r.b = r.b[1:]
		return int(c & 0x0f), true
	case c == 0xde && len(r.b) >= 3:
		n = int(binary.BigEndian.Uint16(r.b[1:]))
		r.b = r.b[3:]
		return n, true
	case c == 0xdf && len(r.b) >= 5:
		n = int(binary.BigEndian.Uint32(r.b[1:]))
		r.b = r.b[5:]
		return n, true
	}
	return 0, false
}

func (r *reader) members(n, depth int) (total uint64, ok bool) {
	if depth > maxDepth {
		return 0, false
	}
	for range n {
		name, ok := r.name()
		if !ok {
			return 0, false
		}
		v, ok := r.value(depth + 1)
		if !ok {
			return 0, false
		}
		total += Member(name, v)
	}
	return total, true
}

// name reads a member's name.
func (r *reader) name() ([]byte, bool) {
	if len(r.b) == 0 {
		return nil, false
	}
	c := r.b[0]
	switch {
	case c&0xe0 == 0xa0:
		return r.take(1, int(c&0x1f))
	case c == 0xd9 || c == 0xc4:
		return r.sized(1)
	case c == 0xda || c == 0xc5:
		return r.sized(2)
	case c == 0xdb || c == 0xc6:
		return r.sized(4)
	}
	return nil, false
}

// take skips head bytes and returns the n after them.
func (r *reader) take(head, n int) ([]byte, bool) {
	if n < 0 || len(r.b)-head < n {
		return nil, false
	}
	s := r.b[head : head+n]
	r.b = r.b[head+n:]
	return s, true
}

// sized returns the bytes behind a type byte and a length of width bytes.
func (r *reader) sized(width int) ([]byte, bool) {
	if len(r.b) < 1+width {
		return nil, false
	}
	var n uint32
	switch width {
	case 1:
		n = uint32(r.b[1])
	case 2:
		n = uint32(binary.BigEndian.Uint16(r.b[1:]))
	default:
		n = binary.BigEndian.Uint32(r.b[1:])
	}
	if uint64(n) > uint64(len(r.b)) {
		return nil, false
	}
	return r.take(1+width, int(n))
}

// value reads any value and returns its hash.
func (r *reader) value(depth int) (uint64, bool) {
	if len(r.b) == 0 || depth > maxDepth {
		return 0, false
	}
	c := r.b[0]
	switch {
	case c < 0x80:
		r.b = r.b[1:]
		return r.integer(uint64(c), false), true
	case c < 0x90, c == 0xde, c == 0xdf:
		n, ok := r.mapHeader()
		if !ok {
			return 0, false
		}
		total, ok := r.members(n, depth)
		return Map(total, n), ok
	case c < 0xa0:
		r.b = r.b[1:]
		return r.array(int(c&0x0f), depth)
	case c < 0xc0:
		s, ok := r.take(1, int(c&0x1f))
		return String(s), ok
	case c >= 0xe0:
		r.b = r.b[1:]
		return r.integer(uint64(-int64(int8(c))), true), true
	}
	switch c {
	case 0xc0:
		r.b = r.b[1:]
		return Null, true
	case 0xc2:
		r.b = r.b[1:]
		return False, true
	case 0xc3:
		r.b = r.b[1:]
		return True, true
	case 0xd9, 0xda, 0xdb:
		s, ok := r.sized(1 << (c - 0xd9))
		return String(s), ok
	case 0xc4, 0xc5, 0xc6:
		s, ok := r.sized(1 << (c - 0xc4))
		return Other(s), ok
	case 0xc7, 0xc8, 0xc9:
		width := 1 << (c - 0xc7)
		if len(r.b) < 2+width {
			return 0, false
		}
		n := uint64(0)
		for _, b := range r.b[1 : 1+width] {
			n = n<<8 | uint64(b)
		}
		typ := r.b[1+width]
		if n > uint64(len(r.b)) {
			return 0, false
		}
		s, ok := r.take(2+width, int(n))
		return Extension(typ, s), ok
	case 0xd4, 0xd5, 0xd6, 0xd7, 0xd8:
		n := 1 << (c - 0xd4)
		if len(r.b) < 2+n {
			return 0, false
		}
		typ := r.b[1]
		s, ok := r.take(2, n)
		return Extension(typ, s), ok
	case 0xdc:
		if len(r.b) < 3 {
			return 0, false
		}
		n := int(binary.BigEndian.Uint16(r.b[1:]))
		r.b = r.b[3:]
		return r.array(n, depth)
	case 0xdd:
		if len(r.b) < 5 {
			return 0, false
		}
		n := int(binary.BigEndian.Uint32(r.b[1:]))
		r.b = r.b[5:]
		return r.array(n, depth)
	}
	s, ok := r.scalar(c)
	if !ok {
		return 0, false
	}
	switch c {
	case 0xca:
		return r.float(float64(math.Float32frombits(uint32(s)))), true
	case 0xcb:
		return r.float(math.Float64frombits(s)), true
	case 0xd0:
		return r.signed(int64(int8(s))), true
	case 0xd1:
		return r.signed(int64(int16(s))), true
	case 0xd2:
		return r.signed(int64(int32(s))), true
	case 0xd3:
		return r.signed(int64(s)), true
	}
	return r.integer(s, false), true
}

// scalar reads the number behind the type byte of a float or an integer.
func (r *reader) scalar(c byte) (uint64, bool) {
	width := 0
	switch c {
	case 0xcc, 0xd0:
		width = 1
	case 0xcd, 0xd1:
		width = 2
	case 0xca, 0xce, 0xd2:
		width = 4
	case 0xcb, 0xcf, 0xd3:
		width = 8
	default:
		return 0, false
	}
	s, ok := r.take(1, width)
	if !ok {
		return 0, false
	}
	var v uint64
	for _, b := range s {
		v = v<<8 | uint64(b)
	}
	return v, true
}

func (r *reader) array(n, depth int) (uint64, bool) {
	h := ArrayStart
	for range n {
		v, ok := r.value(depth + 1)
		if !ok {
			return 0, false
		}
		h = Element(h, v)
	}
	return h, true
}

func (r *reader) signed(i int64) uint64 {
	if i < 0 {
		return r.integer(uint64(-i), true)
	}
	return r.integer(uint64(i), false)
}

func (r *reader) integer(size uint64, negative bool) uint64 {
	h, _ := Integer(size, negative, r.coarse)
	return h
}

func (r *reader) float(f float64) uint64 {
	h, coarse := Float(f)
	r.sawCoarse = r.sawCoarse || coarse
	return h
}
