// SPDX-License-Identifier: Apache-2.0

package recordscan

import (
	"bytes"
	"math"

	"github.com/gdummy/gdummy/internal/msgpack"
	"github.com/gdummy/gdummy/internal/recordid"
)

// packReader parses MessagePack values.
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

// noHeader records the error of a header that is invalid or incomplete.
func (p *packReader) noHeader(kind msgpack.Kind) bool {
	if kind == msgpack.Invalid {
		return p.fail(msgpack.ErrInvalid)
	}
	return p.fail(msgpack.ErrShort)
}

func (p *packReader) bytes(n uint64) ([]byte, bool) {
	if uint64(len(p.b)-p.pos) < n {
		return nil, p.fail(msgpack.ErrShort)
	}
	s := p.b[p.pos : p.pos+int(n) : p.pos+int(n)]
	p.pos += int(n)
	return s, true
}

// value parses a value and returns its hash and kind, and whether it is an identity. The
// value belongs to the member name of map n, or to an array in that member.
func (p *packReader) value(n int32, name []byte, depth int) (hash uint64, kind byte, id, ok bool) {
	if depth > maxDepth {
		return 0, 0, false, p.fail(msgpack.ErrInvalid)
	}
	h := msgpack.Read(p.b[p.pos:])
	p.pos += h.Size
	switch h.Kind {
	case msgpack.Nil:
		return recordid.HashNull, kindOther, false, true
	case msgpack.False:
		return recordid.HashFalse, kindOther, false, true
	case msgpack.True:
		return recordid.HashTrue, kindOther, false, true
	case msgpack.Integer:
		return p.doc.integer(h.N, h.Negative), kindOther, false, true
	case msgpack.Float:
		return p.doc.double(math.Float64frombits(h.N), nil), kindOther, false, true
	case msgpack.Map:
		hash, ok = p.mapping(n, name, h.N, depth)
		return hash, kindMap, false, ok
	case msgpack.Array:
		hash, ok = p.array(n, name, h.N, depth)
		return hash, kindArray, false, ok
	case msgpack.Invalid, msgpack.Incomplete:
		return 0, 0, false, p.noHeader(h.Kind)
	}
	s, ok := p.bytes(h.N)
	if !ok {
		return 0, 0, false, false
	}
	if h.Kind == msgpack.String {
		return p.doc.hashString(s), kindString, p.doc.string(s, n, name), true
	}
	if len(s) >= recordid.Size {
		p.doc.blob(s, n, name)
	}
	if h.Kind == msgpack.Binary {
		return recordid.HashBytes(s), kindOther, false, true
	}
	if n < 0 {
		return 0, kindOther, false, true // the time of an event
	}
	return recordid.HashExtension(p.b[p.pos-len(s)-1], s), kindOther, false, true
}

func (p *packReader) mapping(parent int32, name []byte, count uint64, depth int) (uint64, bool) {
	d := p.doc
	if !d.room() {
		return 0, p.fail(msgpack.ErrInvalid)
	}
	n, base := d.open(parent, name)
	parts := len(d.parts)
	for range count {
		k, at := d.inMsgpack.next(), p.pos
		var key []byte
		var named uint64
		if k.begins(p.b[at:]) {
			p.pos += len(k.front)
			key, named = p.b[p.pos-k.size:p.pos:p.pos], k.name
		} else {
			var ok bool
			if key, ok = p.name(); !ok {
				return 0, false
			}
			named = recordid.HashName(key)
			k.learn(p.b[at:p.pos], len(key), named)
		}
		if !d.room() {
			return 0, p.fail(msgpack.ErrInvalid)
		}
		m := member{name: key, lo: int32(len(d.nodes))}
		start, found := p.pos, len(d.found)
		simple := k != nil && k.name == named && d.how.simple() && depth < maxDepth
		if simple && k.has(p.b[start:]) {
			p.pos += len(k.value)
			m.value, m.hash = k.hash, k.both
		} else if s := p.identity(); s != nil && parent < 0 && depth < maxDepth && d.string(s, n, key) { // it is in no sum
			p.pos += identHead + recordid.Size
			m.id = true
		} else {
			var kind byte
			var ok bool
			if m.value, kind, m.id, ok = p.value(n, key, depth+1); !ok {
				return 0, false
			}
			m.hash = recordid.HashNamed(named, m.value)
			if simple && !d.ambiguous && !m.id && (kind == kindString || kind == kindOther) {
				k.learnValue(p.b[start:p.pos], m.value, m.hash)
			}
		}
		if d.stamp != "" && d.at(d.stamp, n, key) {
			d.arrival = PackedTime(p.b[start:p.pos])
		}
		m.hi = int32(len(d.nodes))
		d.stack = append(d.stack, m)
		d.part(found)
	}
	return d.close(n, base, parts), true
}

// identHead is the size of the header of an identity.
const identHead = 2

// identity returns the value at the current position if it is a string that may be an
// identity, or nil. The position stays.
func (p *packReader) identity() []byte {
	b := p.b[p.pos:]
	if len(b) < identHead+recordid.Size || !bytes.HasPrefix(b, identSign) {
		return nil
	}
	return b[identHead : identHead+recordid.Size : identHead+recordid.Size]
}

// name parses the name of a member. The name of a scalar other than a string is its
// encoding.
func (p *packReader) name() ([]byte, bool) {
	if s, size := msgpack.ShortString(p.b[p.pos:]); size > 0 {
		p.pos += size
		return s, true
	}
	start := p.pos
	h := msgpack.Read(p.b[p.pos:])
	p.pos += h.Size
	switch h.Kind {
	case msgpack.Invalid, msgpack.Incomplete:
		return nil, p.noHeader(h.Kind)
	case msgpack.String, msgpack.Binary:
		return p.bytes(h.N)
	case msgpack.Extension, msgpack.Array, msgpack.Map:
		return nil, p.fail(msgpack.ErrInvalid)
	}
	return p.b[start:p.pos], true
}

func (p *packReader) array(n int32, name []byte, count uint64, depth int) (uint64, bool) {
	d := p.doc
	h := recordid.HashArray
	e := d.elements()
	for i := range count {
		first, found := int32(len(d.nodes)), len(d.found)
		v, kind, _, ok := p.value(n, name, depth+1)
		if !ok {
			return 0, false
		}
		if n >= 0 { // the hash of a list of records or an event is not used
			h = recordid.HashElement(h, v)
		}
		e.add(d, int(i), depth, kind, first, found)
	}
	e.end(d, n, name, int(count))
	return h, true
}
