// SPDX-License-Identifier: Apache-2.0

package recordid

import (
	"errors"
	"math"

	"github.com/gdummy/gdummy/internal/msgpack"
)

// ErrBody reports that bytes are not the MessagePack of one map.
var ErrBody = errors.New("not the MessagePack of one map")

// maxDepth is the maximum nesting depth of values in a body.
const maxDepth = 256

// SumBody returns the sum of a body, which is one MessagePack map and nothing else.
func SumBody(body []byte) (Sum, error) {
	r := bodyReader{b: body}
	s, ok := r.body()
	if ok && r.sawCoarse {
		r = bodyReader{b: body, coarse: true}
		s, ok = r.body()
	}
	if !ok || len(r.b) != 0 {
		return Sum{}, ErrBody
	}
	return s, nil
}

// HashValue returns the hash of a value, which is the MessagePack of one value and
// nothing else. Values that bodies with the same sum may have in one place have the
// same hash. coarse is that of the sum.
func HashValue(b []byte, coarse bool) (hash uint64, ok bool) {
	r := bodyReader{b: b, coarse: coarse}
	hash, ok = r.value(0)
	return hash, ok && len(r.b) == 0
}

// bodyReader hashes the values at the front of b. Its methods return false if b is
// not the MessagePack of a body.
type bodyReader struct {
	b         []byte
	coarse    bool // integers that may have been doubles are rounded
	sawCoarse bool // a double was found that Fluent Bit writes as an integer
}

func (r *bodyReader) body() (Sum, bool) {
	h := r.header()
	if h.Kind != msgpack.Map {
		return Sum{}, false
	}
	total, ok := r.members(h.N, 0)
	return NewSum(total, int(h.N), r.coarse), ok
}

// header removes a header from the front of b.
func (r *bodyReader) header() msgpack.Header {
	h := msgpack.Read(r.b)
	r.b = r.b[h.Size:]
	return h
}

// bytes removes n bytes from the front of b.
func (r *bodyReader) bytes(n uint64) ([]byte, bool) {
	if uint64(len(r.b)) < n {
		return nil, false
	}
	s := r.b[:n]
	r.b = r.b[n:]
	return s, true
}

// members returns the wrapping sum of the hashes of n members.
func (r *bodyReader) members(n uint64, depth int) (total uint64, ok bool) {
	if depth > maxDepth {
		return 0, false
	}
	for range n {
		name, size := msgpack.ShortString(r.b)
		if r.b = r.b[size:]; size == 0 {
			h := r.header()
			if h.Kind != msgpack.String && h.Kind != msgpack.Binary {
				return 0, false
			}
			if name, ok = r.bytes(h.N); !ok {
				return 0, false
			}
		}
		v, ok := r.value(depth + 1)
		if !ok {
			return 0, false
		}
		total += HashMember(name, v)
	}
	return total, true
}

// value returns the hash of a value of any kind.
func (r *bodyReader) value(depth int) (uint64, bool) {
	if depth > maxDepth {
		return 0, false
	}
	before := r.b
	switch h := r.header(); h.Kind {
	case msgpack.Nil:
		return HashNull, true
	case msgpack.False:
		return HashFalse, true
	case msgpack.True:
		return HashTrue, true
	case msgpack.Integer:
		hash, _ := HashInteger(h.N, h.Negative, r.coarse)
		return hash, true
	case msgpack.Float:
		hash, coarse := HashFloat(math.Float64frombits(h.N))
		r.sawCoarse = r.sawCoarse || coarse
		return hash, true
	case msgpack.String:
		s, ok := r.bytes(h.N)
		return HashString(s), ok
	case msgpack.Binary:
		s, ok := r.bytes(h.N)
		return HashBytes(s), ok
	case msgpack.Extension:
		s, ok := r.bytes(h.N)
		return HashExtension(before[h.Size-1], s), ok
	case msgpack.Array:
		return r.array(h.N, depth)
	case msgpack.Map:
		total, ok := r.members(h.N, depth)
		return HashMap(total, int(h.N)), ok
	}
	return 0, false
}

func (r *bodyReader) array(n uint64, depth int) (uint64, bool) {
	hash := HashArray
	for range n {
		v, ok := r.value(depth + 1)
		if !ok {
			return 0, false
		}
		hash = HashElement(hash, v)
	}
	return hash, true
}
