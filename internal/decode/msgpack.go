package decode

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"

	"github.com/gdummy/gdummy/internal/ident"
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

// kinds of values
const (
	kindOther byte = iota
	kindString
	kindMap
	kindArray
)

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
		return ident.Null, kindOther, false, true
	case 0xc2:
		return ident.False, kindOther, false, true
	case 0xc3:
		return ident.True, kindOther, false, true
	case 0xd9, 0xda, 0xdb:
		if size, ok = p.uint(1 << (c - 0xd9)); ok {
			return p.string(n, name, size)
		}
	case 0xc4, 0xc5, 0xc6:
		if size, ok = p.uint(1 << (c - 0xc4)); ok {
			var s []byte
			s, ok = p.bytes(size)
			return ident.Other(s), kindOther, false, ok
		}
	case 0xc7, 0xc8, 0xc9:
		if size, ok = p.uint(1 << (c - 0xc7)); ok {
			return p.extension(size)
		}
	case 0xd4, 0xd5, 0xd6, 0xd7, 0xd8:
		return p.extension(1 << (c - 0xd4))
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
			h, ambiguous := ident.Float(f)
			p.doc.ambiguous = p.doc.ambiguous || ambiguous
			return h, kindOther, false, true
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

func (p *packReader) integer(size uint64, negative bool) uint64 {
	h, ambiguous := ident.Integer(size, negative, p.doc.coarse)
	p.doc.ambiguous = p.doc.ambiguous || ambiguous
	return h
}

func (p *packReader) string(n int32, name []byte, size uint64) (uint64, byte, bool, bool) {
	s, ok := p.bytes(size)
	if !ok {
		return 0, 0, false, false
	}
	return ident.String(s), kindString, p.doc.string(s, n, name), true
}

func (p *packReader) extension(size uint64) (uint64, byte, bool, bool) {
	typ, ok := p.uint(1)
	if !ok {
		return 0, 0, false, false
	}
	s, ok := p.bytes(size)
	return ident.Extension(byte(typ), s), kindOther, false, ok
}

func (p *packReader) mapping(parent int32, name []byte, count uint64, depth int) (uint64, bool) {
	d := p.doc
	if !d.room() {
		return 0, p.fail(ErrBad)
	}
	n, base := d.open(parent, name)
	for range count {
		key, ok := p.name()
		if !ok {
			return 0, false
		}
		if !d.room() {
			return 0, p.fail(ErrBad)
		}
		m := member{name: key, lo: int32(len(d.nodes))}
		start := p.pos
		if m.value, _, m.id, ok = p.value(n, key, depth+1); !ok {
			return 0, false
		}
		if d.stamp != nil && d.path(n, key, d.stamp) {
			d.arrival = packedTime(p.b[start:p.pos])
		}
		m.hi = int32(len(d.nodes))
		m.hash = ident.Member(key, m.value)
		d.stack = append(d.stack, m)
	}
	return d.close(n, base), true
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
	h := ident.ArrayStart
	for i := range count {
		first := int32(len(d.nodes))
		v, kind, _, ok := p.value(n, name, depth+1)
		if !ok {
			return 0, false
		}
		h = ident.Element(h, v)
		if depth == 0 {
			d.event = i == 1 && kind == kindMap
			d.body = first
		}
	}
	return h, true
}

// Msgpack reads the records at the front of b and returns what is left: nothing,
// or the beginning of a record that ends after b. Bytes that are no MessagePack
// are skipped up to the next event, which may come with a later call.
func (s *Scanner) Msgpack(b []byte) (rest []byte) {
	if s.lost {
		if b = s.findEvent(b); s.lost {
			return b
		}
	}
	vain := vainAllowed(len(b))
	for len(b) > 0 {
		if skip := listHeader(b); skip > 0 {
			b = b[skip:]
			continue
		}
		n, err := s.packed(b, false)
		switch {
		case err == ErrShort && len(b) < s.maxRecord && s.mayEnd(b):
			return b
		case err != nil:
			if vain -= n; vain > 0 {
				n = nextEvent(b)
			} else {
				n = len(b)
			}
			if n == len(b) {
				s.lost = true
				s.broken++
				return s.partIdentity(b)
			}
			s.spoil(b[:n])
		default:
			s.report(func() { s.packed(b, true) })
		}
		b = b[n:]
	}
	return nil
}

// findEvent looks for the next event behind something broken. Without one,
// s.lost stays and it returns what may be the beginning of an identity.
func (s *Scanner) findEvent(b []byte) []byte {
	i := bytes.Index(b, eventSign)
	if i < 0 {
		return s.partIdentity(b)
	}
	if i > 0 && b[i-1] == 0x92 {
		i-- // with metadata
	}
	s.lost = false
	s.raw(b[:i], s.spoiled())
	return b[i:]
}

// partIdentity reports the identities in broken bytes and returns the end of
// those, in which another one may begin.
func (s *Scanner) partIdentity(b []byte) []byte {
	_, end := s.rawEnd(b, s.spoiled())
	return b[max(end, len(b)-(ident.Size-1)):]
}

// finish reads what Msgpack has left at the end of a source.
func (s *Scanner) finish(rest []byte) {
	switch {
	case s.lost:
		s.lost = false
		s.raw(rest, Damaged)
	case len(rest) > 0:
		s.spoil(rest)
	}
}

// mayEnd says whether the value at the front of b can be short enough.
func (s *Scanner) mayEnd(b []byte) bool {
	f := NewFrame()
	return f.Next(b, s.maxRecord) != ErrTooLarge
}

// packed takes one record apart and returns its length.
func (s *Scanner) packed(b []byte, coarse bool) (int, error) {
	s.doc.reset(coarse)
	p := packReader{doc: &s.doc, b: b}
	c := b[0]
	if !(c >= 0x80 && c < 0xa0 || c >= 0xdc && c <= 0xdf) {
		return 0, ErrBad // records are maps or arrays
	}
	if _, _, _, ok := p.value(-1, nil, 0); !ok {
		return p.pos, p.err
	}
	return p.pos, nil
}

// listHeader returns the length of the header of an array whose first element
// is a map: a list of records; 0 if b begins otherwise.
func listHeader(b []byte) int {
	n := 0
	switch c := b[0]; {
	case c >= 0x90 && c < 0xa0:
		n = 1
	case c == 0xdc:
		n = 3
	case c == 0xdd:
		n = 5
	}
	if n == 0 || len(b) <= n {
		return 0
	}
	if c := b[n]; c >= 0x80 && c < 0x90 || c == 0xde || c == 0xdf {
		return n
	}
	return 0
}

// eventSign is how an event begins, or, where it has metadata, goes on.
var eventSign = []byte("\x92\xd7\x00")

// nextEvent returns where, behind the head of the event at the front of b, the
// next event seems to begin, or the length of b.
func nextEvent(b []byte) int {
	if len(b) < 2 {
		return len(b)
	}
	i := bytes.Index(b[2:], eventSign)
	switch {
	case i < 0:
		return len(b)
	case i > 0 && b[i+1] == 0x92:
		return i + 1 // with metadata
	}
	return i + 2
}
