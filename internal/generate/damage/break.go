// SPDX-License-Identifier: Apache-2.0

package damage

import (
	"bytes"
	"math"
	"slices"
	"unicode/utf8"

	"github.com/tinylib/msgp/msgp"

	"github.com/gdummy/gdummy/internal/generate/seed"
	"github.com/gdummy/gdummy/internal/generate/value"
	"github.com/gdummy/gdummy/internal/msgpack"
)

// Breaker breaks bodies. It keeps buffers and is not for concurrent use.
type Breaker struct {
	body    []byte // as it was
	members []member
	text    []byte
	rnd     seed.Rand
}

// member is one field of a body.
type member struct {
	name, value []byte // MessagePack
	kind        msgpack.Kind
}

// added is the name of the field of kinds that need one more.
const added = "broken"

// Break replaces the body dst[at:], a MessagePack map, by the same with damage of a kind
// that is not 0. It draws what it needs for record number n from d. A body that is not
// a map is left unchanged.
func (b *Breaker) Break(dst []byte, at int, kind Kind, d *Draw, n uint64) []byte {
	b.body, b.text = append(b.body[:0], dst[at:]...), b.text[:0]
	if !b.read() {
		return dst
	}
	b.rnd = d.rand(n)
	b.rnd.Uint64() // it has decided that the record is broken
	b.rnd.Uint64() // and how
	b.rnd.Uint64()
	dst = dst[:at]
	switch kind {
	case otherType:
		return b.retype(dst)
	case bigNumber:
		return b.replace(dst, b.numbers(), b.bigNumber)
	case duplicate:
		return b.duplicate(dst)
	case noName:
		return b.add(dst, "", "a field without a name")
	case empty:
		return append(dst, 0x80)
	case deep:
		return b.deep(dst)
	case wide:
		return b.wide(dst)
	}
	return b.replace(dst, b.strings(), func(dst, was []byte) []byte { return b.breakText(dst, was, kind) })
}

// read takes the body apart.
func (b *Breaker) read() bool {
	h := msgpack.Read(b.body)
	if h.Kind != msgpack.Map {
		return false
	}
	b.members = b.members[:0]
	rest := b.body[h.Size:]
	for range h.N {
		name, value, after, err := msgpack.Pair(rest)
		if err != nil {
			return false
		}
		b.members = append(b.members, member{name, value, msgpack.Read(value).Kind})
		rest = after
	}
	return true
}

// strings returns one of the fields that are strings, at random, or -1.
func (b *Breaker) strings() int {
	return b.one(func(k msgpack.Kind) bool { return k == msgpack.String })
}

// numbers returns one of the fields that are numbers, at random, or -1.
func (b *Breaker) numbers() int {
	return b.one(func(k msgpack.Kind) bool { return k == msgpack.Integer || k == msgpack.Float })
}

// one returns the index of one of the fields of some types, at random, or -1.
func (b *Breaker) one(of func(msgpack.Kind) bool) int {
	n := uint64(0)
	for _, m := range b.members {
		if of(m.kind) {
			n++
		}
	}
	if n == 0 {
		return -1
	}
	n = b.rnd.Below(n)
	for i, m := range b.members {
		if !of(m.kind) {
			continue
		}
		if n == 0 {
			return i
		}
		n--
	}
	return -1
}

// replace appends the body with the value of field i as by appends it. If i is -1, it
// has one field more.
func (b *Breaker) replace(dst []byte, i int, by func(dst, was []byte) []byte) []byte {
	if i >= 0 {
		dst = msgp.AppendMapHeader(dst, uint32(len(b.members)))
	} else {
		dst = msgp.AppendMapHeader(dst, uint32(len(b.members)+1))
	}
	for j, m := range b.members {
		dst = append(dst, m.name...)
		if i == j {
			dst = by(dst, m.value)
		} else {
			dst = append(dst, m.value...)
		}
	}
	if i < 0 {
		b.text = msgp.AppendString(b.text[:0], "this record is broken on purpose")
		dst = by(msgp.AppendString(dst, added), b.text)
	}
	return dst
}

// all appends the fields of the body after a header for that many more.
func (b *Breaker) all(dst []byte, more int) []byte {
	dst = msgp.AppendMapHeader(dst, uint32(len(b.members)+more))
	for _, m := range b.members {
		dst = append(append(dst, m.name...), m.value...)
	}
	return dst
}

// add appends the body with one more field.
func (b *Breaker) add(dst []byte, name, text string) []byte {
	return msgp.AppendString(msgp.AppendString(b.all(dst, 1), name), text)
}

// duplicate appends the body with a second field of the name of another.
func (b *Breaker) duplicate(dst []byte) []byte {
	if len(b.members) == 0 {
		dst = msgp.AppendMapHeader(dst, 2)
		for _, text := range []string{"the first field of this name", "the second field of this name"} {
			dst = msgp.AppendString(msgp.AppendString(dst, added), text)
		}
		return dst
	}
	name := b.members[b.rnd.Below(uint64(len(b.members)))].name
	return msgp.AppendString(append(b.all(dst, 1), name...), "the second field of this name")
}

// retype appends the body with a field of another type.
func (b *Breaker) retype(dst []byte) []byte {
	i := -1
	if n := uint64(len(b.members)); n > 0 {
		i = int(b.rnd.Below(n))
	}
	return b.replace(dst, i, func(dst, was []byte) []byte {
		switch msgpack.Read(was).Kind {
		case msgpack.String:
			return append(msgp.AppendString(msgp.AppendMapHeader(dst, 1), "value"), was...)
		case msgpack.Map, msgpack.Array:
			return append(msgp.AppendArrayHeader(dst, 1), was...)
		}
		n := len(b.text)
		b.text = value.OfRaw(was).AppendJSON(b.text)
		return msgp.AppendStringFromBytes(dst, b.text[n:])
	})
}

// bigNumber appends a number beyond 2^53, positive or negative.
func (b *Breaker) bigNumber(dst, _ []byte) []byte {
	switch b.rnd.Below(6) {
	case 0:
		return msgp.AppendInt64(dst, 1<<53+1)
	case 1:
		return msgp.AppendInt64(dst, -(1<<53 + 1))
	case 2:
		return msgp.AppendUint64(dst, math.MaxUint64)
	case 3:
		return msgp.AppendInt64(dst, math.MinInt64)
	case 4:
		return msgp.AppendInt64(dst, 1<<53+int64(b.rnd.Below(1<<62)))
	}
	return msgp.AppendFloat64(dst, 1.7e308)
}

// deep appends the body with a field that is nested: the body has Levels levels.
func (b *Breaker) deep(dst []byte) []byte {
	dst = b.all(dst, 1)
	for range Levels - 1 {
		dst = msgp.AppendMapHeader(msgp.AppendString(dst, added), 1)
	}
	return msgp.AppendInt(msgp.AppendString(dst, added), Levels)
}

// wide appends the body with Members more fields.
func (b *Breaker) wide(dst []byte) []byte {
	dst = b.all(dst, Members)
	name := []byte("field_0000")
	for i := range Members {
		for j, v := len(name)-1, i; j >= len(name)-4; j, v = j-1, v/10 {
			name[j] = byte('0' + v%10)
		}
		dst = msgp.AppendInt(msgp.AppendStringFromBytes(dst, name), i)
	}
	return dst
}

// breakText appends a string with damage of a kind of strings. was is its MessagePack.
func (b *Breaker) breakText(dst, was []byte, kind Kind) []byte {
	text := was[msgpack.Read(was).Size:]
	if kind == long {
		return appendLong(dst, text)
	}
	n := len(b.text) // was may be in it
	b.text = b.appendText(b.text, text, kind)
	return msgp.AppendStringFromBytes(dst, b.text[n:])
}

func (b *Breaker) appendText(dst, text []byte, kind Kind) []byte {
	head, tail := b.cut(text)
	switch kind {
	case utf8Start:
		return append(append(dst, "\x80\xc0\xe9\xff"[b.rnd.Below(4)]), text...)
	case utf8Inside:
		return append(append(append(dst, head...), "\xe2\x82"...), tail...)
	case utf8Cut:
		return append(append(dst, text...), "\xf0\x9f\x98"[:1+b.rnd.Below(3)]...)
	case nul:
		return append(append(append(dst, head...), 0), tail...)
	case control:
		return append(append(append(dst, head...), "\a\b\b\x1b[31m\x7f\x01"...), tail...)
	case crlf:
		for line := range bytes.SplitSeq(text, []byte("\n")) {
			dst = append(append(dst, line...), "\r\n"...)
		}
		return dst
	case cr:
		return append(append(append(dst, head...), '\r'), tail...)
	case cutJSON:
		n := len(dst)
		dst = value.OfRaw(b.body).AppendJSON(dst)
		size := uint64(len(dst) - n)
		return dst[:n+int(size/2+b.rnd.Below(size/2))]
	}
	return append(dst, text...)
}

// cut returns the two parts of a text around a character boundary in its middle.
func (b *Breaker) cut(text []byte) (head, tail []byte) {
	if len(text) == 0 {
		return nil, nil
	}
	i := int(b.rnd.Below(uint64(len(text))))
	for i > 0 && !utf8.RuneStart(text[i]) {
		i--
	}
	return text[:i], text[i:]
}

// appendLong appends a string of LongSize bytes that repeats a text.
func appendLong(dst, text []byte) []byte {
	const header = 5
	dst = slices.Grow(dst, LongSize+header)
	dst = append(dst, 0xdb, byte(LongSize>>24), LongSize>>16&0xff, LongSize>>8&0xff, LongSize&0xff)
	at, end := len(dst), len(dst)+LongSize
	dst = append(append(dst, text[:min(len(text), LongSize-1)]...), ' ')
	for len(dst) < end {
		dst = append(dst, dst[at:at+min(len(dst)-at, end-len(dst))]...)
	}
	return dst
}
