// SPDX-License-Identifier: Apache-2.0

package recordscan

import (
	"encoding/binary"
	"errors"
	"math"

	"github.com/gdummy/gdummy/internal/recordid"
)

// Errors of MessagePack.
var (
	ErrShort = errors.New("the MessagePack ends too early")
	ErrBad   = errors.New("this is no MessagePack")
)

// packReader takes MessagePack values apart.
type packReader struct {
	doc *doc
	b   []byte
	pos int
	err error
}

func (p *packReader) fail(err error) bool {
	if p.err == nil {
		p.err = err
	}
	return false
}

// uint reads a big-endian number of width bytes.
func (p *packReader) uint(width int) (uint64, bool) {
	if len(p.b)-p.pos < width {
		return 0, p.fail(ErrShort)
	}
	b := p.b[p.pos:]
	p.pos += width
	switch width {
	case 1:
		return uint64(b[0]), true
	case 2:
		return uint64(binary.BigEndian.Uint16(b)), true
	case 4:
		return uint64(binary.BigEndian.Uint32(b)), true
	}
	return binary.BigEndian.Uint64(b), true
}

func (p *packReader) bytes(n uint64) ([]byte, bool) {
	if uint64(len(p.b)-p.pos) < n {
		return nil, p.fail(ErrShort)
	}
	s := p.b[p.pos : p.pos+int(n) : p.pos+int(n)]
	p.pos += int(n)
	return s, true
}

// value reads one value that belongs to the member name of map n, or to an
// array or event in it. It returns its hash and kind, and whether it is an
// identity.
func (p *packReader) value(n int32, name []byte, depth int) (h uint64, kind byte, id, ok bool) {
	if depth > maxDepth {
		return 0, 0, false, p.fail(ErrBad)
	}
	c64, ok := p.uint(1)
	if !ok {
		return 0, 0, false, false
	}
	c := byte(c64)
	var size uint64
	switch {
	case c < 0x80:
		return p.integer(uint64(c), false), kindOther, false, true
	case c < 0x90:
		h, ok = p.mapping(n, name, uint64(c&0x0f), depth)
		return h, kindMap, false, ok
	case c < 0xa0:
		h, ok = p.array(n, name, uint64(c&0x0f), depth)
		return h, kindArray, false, ok
	case c < 0xc0:
		return p.string(n, name, uint64(c&0x1f))
	case c >= 0xe0:
		return p.integer(uint64(-int64(int8(c))), true), kindOther, false, true
	}
	switch c {
	case 0xc0:
		return recordid.Null, kindOther, false, true
	case 0xc2:
		return recordid.False, kindOther, false, true
	case 0xc3:
		return recordid.True, kindOther, false, true
	case 0xd9, 0xda, 0xdb:
		if size, ok = p.uint(1 << (c - 0xd9)); ok {
			return p.string(n, name, size)
		}
	case 0xc4, 0xc5, 0xc6:
		if size, ok = p.uint(1 << (c - 0xc4)); ok {
			var s []byte
			s, ok = p.bytes(size)
			if len(s) >= recordid.Size {
				p.doc.blob(s, n, name)
			}
			return recordid.Other(s), kindOther, false, ok
		}
	case 0xc7, 0xc8, 0xc9:
		if size, ok = p.uint(1 << (c - 0xc7)); ok {
			return p.extension(n, name, size)
		}
	case 0xd4, 0xd5, 0xd6, 0xd7, 0xd8:
		return p.extension(n, name, 1<<(c-0xd4))
	case 0xdc, 0xdd:
		if size, ok = p.uint(2 << (c - 0xdc)); ok {
			h, ok = p.array(n, name, size, depth)
			return h, kindArray, false, ok
		}
	case 0xde, 0xdf:
		if size, ok = p.uint(2 << (c - 0xde)); ok {
			h, ok = p.mapping(n, name, size, depth)
			return h, kindMap, false, ok
		}
	case 0xca, 0xcb:
		if size, ok = p.uint(4 << (c - 0xca)); ok {
			f := math.Float64frombits(size)
			if c == 0xca {
				f = float64(math.Float32frombits(uint32(size)))
			}
			return p.doc.double(f, nil), kindOther, false, true
		}
	case 0xcc, 0xcd, 0xce, 0xcf:
		if size, ok = p.uint(1 << (c - 0xcc)); ok {
			return p.integer(size, false), kindOther, false, true
		}
	case 0xd0, 0xd1, 0xd2, 0xd3:
		if size, ok = p.uint(1 << (c - 0xd0)); ok {
			shift := 64 - 8<<(c-0xd0)
			i := int64(size<<shift) >> shift
			if i < 0 {
				return p.integer(uint64(-i), true), kindOther, false, true
			}
			return p.integer(uint64(i), false), kindOther, false, true
		}
	default:
		return 0, 0, false, p.fail(ErrBad)
	}
	return 0, 0, false, false
}

func (p *packReader) integer(size uint64, negative bool) uint64 { return p.doc.integer(size, negative) }

func (p *packReader) string(n int32, name []byte, size uint64) (uint64, byte, bool, bool) {
	s, ok := p.bytes(size)
	if !ok {
		return 0, 0, false, false
	}
	return p.doc.hashString(s), kindString, p.doc.string(s, n, name), true
}

func (p *packReader) extension(n int32, name []byte, size uint64) (uint64, byte, bool, bool) {
	typ, ok := p.uint(1)
	if !ok {
		return 0, 0, false, false
	}
	s, ok := p.bytes(size)
	if len(s) >= recordid.Size {
		p.doc.blob(s, n, name)
	}
	if n < 0 {
		return 0, kindOther, false, ok // the time of an event
	}
	return recordid.Extension(byte(typ), s), kindOther, false, ok
}

func (p *packReader) mapping(parent int32, name []byte, count uint64, depth int) (uint64, bool) {
	d := p.doc
	if !d.room() {
		return 0, p.fail(ErrBad)
	}
	n, base := d.open(parent, name)
	parts := len(d.parts)
	for range count {
		key, ok := p.name()
		if !ok {
			return 0, false
		}
		if !d.room() {
			return 0, p.fail(ErrBad)
		}
		m := member{name: key, lo: int32(len(d.nodes))}
		start, found := p.pos, len(d.found)
		if m.value, _, m.id, ok = p.value(n, key, depth+1); !ok {
			return 0, false
		}
		if d.stamp != "" && d.at(d.stamp, n, key) {
			d.arrival = packedTime(p.b[start:p.pos])
		}
		m.hi = int32(len(d.nodes))
		m.hash = recordid.Member(key, m.value)
		d.stack = append(d.stack, m)
		d.part(found)
	}
	return d.close(n, base, parts), true
}

// name reads the name of a member. One that is no string stands for its bytes.
func (p *packReader) name() ([]byte, bool) {
	if p.pos >= len(p.b) {
		return nil, p.fail(ErrShort)
	}
	start := p.pos
	c := p.b[p.pos]
	switch {
	case c&0xe0 == 0xa0:
		p.pos++
		return p.bytes(uint64(c & 0x1f))
	case c >= 0xd9 && c <= 0xdb || c >= 0xc4 && c <= 0xc6:
		p.pos++
		width := 1 << (c - 0xd9)
		if c < 0xd9 {
			width = 1 << (c - 0xc4)
		}
		size, ok := p.uint(width)
		if !ok {
			return nil, false
		}
		return p.bytes(size)
	case c < 0x80 || c >= 0xe0 || c >= 0xca && c <= 0xd3 || c >= 0xc0 && c <= 0xc3 && c != 0xc1:
		if _, _, _, ok := p.value(-1, nil, maxDepth); !ok {
			return nil, false
		}
		return p.b[start:p.pos], true
	}
	return nil, p.fail(ErrBad)
}

func (p *packReader) array(n int32, name []byte, count uint64, depth int) (uint64, bool) {
	d := p.doc
	h := recordid.ArrayStart
	e := d.elements()
	for i := range count {
		first, found := int32(len(d.nodes)), len(d.found)
		v, kind, _, ok := p.value(n, name, depth+1)
		if !ok {
			return 0, false
		}
		if n >= 0 { // a list of records, or an event, has no hash that counts
			h = recordid.Element(h, v)
		}
		e.shape = e.shape<<2 | kind
		if e.kinds |= 1 << kind; len(d.found) > found {
			e.add(d, kind, first, found)
		}
		if depth == 0 {
			d.event = i == 1 && kind == kindMap
			d.body = first
		}
	}
	if e.with > 0 {
		e.end(d, n, name, int(count))
	}
	return h, true
}
