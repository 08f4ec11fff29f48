// SPDX-License-Identifier: Apache-2.0

package recordscan

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"math"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"

	"github.com/gdummy/gdummy/internal/recordid"
)

// jsonReader parses JSON values. It accepts control characters and invalid UTF-8 in
// strings, and leading zeros of numbers.
type jsonReader struct {
	doc *doc
	b   []byte
	pos int
	cut bool // the value is incomplete

	// list and elem are the positions of the outermost array in an invalid value and
	// of the invalid element, if the array has only maps.
	list, elem int
}

// ended reports whether an invalid value is incomplete.
func (j *jsonReader) ended() bool { return j.cut || j.pos == len(j.b) }

// space skips white space and returns the next byte, or 0 at the end.
func (j *jsonReader) space() byte {
	for j.pos < len(j.b) {
		c := j.b[j.pos]
		if c > ' ' {
			return c
		}
		if c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			return c
		}
		j.pos++
	}
	return 0
}

// value parses a value and returns its hash. The value belongs to the member name of map
// n, or to an array in that member.
func (j *jsonReader) value(n int32, name []byte, depth int) (uint64, bool) {
	if depth > maxDepth {
		return 0, false
	}
	switch c := j.space(); c {
	case '{':
		return j.object(n, name, depth)
	case '[':
		return j.array(n, name, depth)
	case '"':
		s, ok := j.string()
		if !ok {
			return 0, false
		}
		j.doc.string(s, n, name)
		return j.doc.hashString(s), true
	case 't':
		return recordid.HashTrue, j.literal("true")
	case 'f':
		return recordid.HashFalse, j.literal("false")
	case 'n':
		return recordid.HashNull, j.literal("null")
	default:
		return j.number()
	}
}

func (j *jsonReader) literal(s string) bool {
	if b := j.b[j.pos:]; len(b) < len(s) || string(b[:len(s)]) != s {
		j.cut = len(b) < len(s) && string(b) == s[:len(b)]
		return false
	}
	j.pos += len(s)
	return true
}

func (j *jsonReader) object(parent int32, name []byte, depth int) (uint64, bool) {
	d := j.doc
	if !d.room() {
		return 0, false
	}
	if d.how&pairs != 0 && isKind(j.front()) {
		h, _, ok := j.kind(parent, name, depth)
		return h, ok
	}
	n, base := d.open(parent, name)
	parts := len(d.parts)
	j.pos++
	if j.space() == '}' {
		j.pos++
		return d.close(n, base, parts), true
	}
	for {
		if j.space() != '"' {
			return 0, false
		}
		k, at := d.inJSON.next(), j.pos
		var key []byte
		var named uint64
		if k.begins(j.b[at:]) {
			j.pos += len(k.front)
			key, named = j.b[at+1:j.pos-2:j.pos-2], k.name
		} else {
			var ok bool
			if key, ok = j.string(); !ok || j.space() != ':' {
				return 0, false
			}
			j.pos++
			named = recordid.HashName(key)
			if len(key) == j.pos-at-len(`"":`) { // without escapes or white space
				k.learn(j.b[at:j.pos], len(key), named)
			}
		}
		if !d.room() {
			return 0, false
		}
		m := member{name: key, lo: int32(len(d.nodes))}
		found, c, start := len(d.found), j.space(), j.pos
		var s []byte // the value, if it is a string
		simple := k != nil && k.name == named && d.how.simple() && depth < maxDepth
		switch {
		case simple && k.hasWhole(j.b[start:]):
			j.pos += len(k.value)
			m.value, m.hash = k.hash, k.both
		case c == '"':
			var ok bool
			if s, ok = j.string(); !ok {
				return 0, false
			}
			if len(s) >= recordid.Size || d.how&unfolded != 0 {
				m.id = d.string(s, n, key)
			}
			if !m.id || parent >= 0 { // else it is in no sum
				m.value = d.hashString(s)
				m.hash = recordid.HashNamed(named, m.value)
			}
			if simple && !m.id && len(s) == j.pos-start-len(`""`) {
				k.learnValue(j.b[start:j.pos], m.value, m.hash)
			}
		default:
			var ok bool
			if m.value, ok = j.value(n, key, depth+1); !ok {
				return 0, false
			}
			m.hash = recordid.HashNamed(named, m.value)
			if number := c <= '9'; simple && number && !d.ambiguous {
				k.learnValue(j.b[start:j.pos], m.value, m.hash)
			}
		}
		if d.stamp != "" && d.at(d.stamp, n, key) {
			if s == nil {
				s = bytes.Trim(j.b[start:j.pos], `"`)
			}
			d.arrival = Time(s)
		}
		m.hi = int32(len(d.nodes))
		d.stack = append(d.stack, m)
		d.part(found)
		switch j.space() {
		case ',':
			j.pos++
		case '}':
			j.pos++
			return d.close(n, base, parts), true
		default:
			return 0, false
		}
	}
}

func (j *jsonReader) array(n int32, name []byte, depth int) (uint64, bool) {
	d := j.doc
	list := j.pos
	j.pos++
	h := recordid.HashArray
	if j.space() == ']' {
		j.pos++
		return h, true
	}
	if d.how&pairs != 0 && string(j.front()) == "key" {
		j.pos = list
		return j.pairs(n, name, depth)
	}
	e := d.elements()
	for i := 0; ; i++ {
		c := j.space()
		first, found, start := int32(len(d.nodes)), len(d.found), j.pos
		v, ok := j.value(n, name, depth+1)
		if !ok {
			j.list, j.elem = 0, 0
			if c == '{' && e.kinds&^(1<<kindMap) == 0 {
				j.list, j.elem = list, start
			}
			return 0, false
		}
		if n >= 0 {
			h = recordid.HashElement(h, v)
		}
		e.add(d, i, depth, kindOf(c), first, found)
		switch j.space() {
		case ',':
			j.pos++
		case ']':
			j.pos++
			if e.kinds == 1<<kindOther && (i >= recordid.Size || d.how&(probe|rewritten) != 0) {
				h = j.numbers(h, list, n, name)
			}
			e.end(d, n, name, i+1)
			return h, true
		default:
			return 0, false
		}
	}
}

// kindOf returns the kind of a JSON value from its first byte.
func kindOf(c byte) byte {
	switch c {
	case '{':
		return kindMap
	case '[':
		return kindArray
	case '"':
		return kindString
	}
	return kindOther
}

// string parses the string that begins at the current position.
func (j *jsonReader) string() ([]byte, bool) {
	b := j.b[j.pos+1:]
	i, ok := quoteOrEscape(b)
	if ok && b[i] == '"' {
		j.pos += i + 2
		return b[:i:i], true
	}
	i = bytes.IndexByte(b, '"')
	if i < 0 {
		j.cut = true
		return nil, false
	}
	if bytes.IndexByte(b[:i], '\\') < 0 {
		j.pos += i + 2
		return b[:i:i], true
	}
	return j.escaped()
}

// escaped parses a string with escapes.
func (j *jsonReader) escaped() ([]byte, bool) {
	t := j.doc.text
	start := len(t)
	b := j.b
	for i := j.pos + 1; i < len(b); i++ {
		c := b[i]
		switch {
		case c == '"':
			j.pos = i + 1
			j.doc.text = t
			return t[start:len(t):len(t)], true
		case c != '\\':
			t = append(t, c)
			continue
		}
		if i++; i >= len(b) {
			break
		}
		switch b[i] {
		case '"', '\\', '/':
			t = append(t, b[i])
		case 'b':
			t = append(t, '\b')
		case 'f':
			t = append(t, '\f')
		case 'n':
			t = append(t, '\n')
		case 'r':
			t = append(t, '\r')
		case 't':
			t = append(t, '\t')
		case 'u':
			r, ok := hex4(b[i+1:])
			if !ok {
				j.cut = len(b)-i-1 < 4
				return nil, false
			}
			i += 4
			if utf16.IsSurrogate(r) {
				low := rune(0)
				if len(b) > i+2 && b[i+1] == '\\' && b[i+2] == 'u' {
					low, _ = hex4(b[i+3:])
				}
				if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
					i += 6
				}
			}
			t = utf8.AppendRune(t, r)
		default:
			return nil, false
		}
	}
	j.cut = true
	return nil, false
}

// hex4 parses the four digits of an escape.
func hex4(b []byte) (rune, bool) {
	if len(b) < 4 {
		return 0, false
	}
	var code [2]byte
	_, err := hex.Decode(code[:], b[:4])
	return rune(binary.BigEndian.Uint16(code[:])), err == nil
}

func (j *jsonReader) number() (uint64, bool) {
	b := j.b
	i := j.pos
	negative := i < len(b) && b[i] == '-'
	if negative {
		i++
	}
	first := i
	size := uint64(0)
	for {
		v, ok := eightDigits(b[i:])
		if !ok {
			break
		}
		size = size*1e8 + v
		i += 8
	}
	for i < len(b) && b[i]-'0' <= 9 {
		size = size*10 + uint64(b[i]-'0')
		i++
	}
	n := i - first
	if n == 0 {
		j.cut = i == len(b)
		return 0, false
	}
	if i == len(b) || b[i] != '.' && b[i] != 'e' && b[i] != 'E' {
		fits := n < 20
		if n >= 20 {
			_, err := strconv.ParseUint(string(b[first:i]), 10, 64)
			fits = err == nil
		}
		if fits {
			j.pos = i
			return j.doc.integer(size, negative), true
		}
	}
	if n <= 14 && b[i] == '.' {
		if h, ok := j.decimal(i+1, n, size, negative); ok {
			return h, true
		}
	}
	for i < len(b) && (b[i]-'0' <= 9 || b[i] == '.' || b[i] == 'e' || b[i] == 'E' || b[i] == '-' || b[i] == '+') {
		i++
	}
	if i-first > 400 {
		return 0, false
	}
	f, err := strconv.ParseFloat(unsafe.String(&b[j.pos], i-j.pos), 64) // only err refers to the string
	if err != nil && f == 0 {
		j.cut = i == len(b)
		return 0, false
	}
	text := b[j.pos:i]
	j.pos = i
	if fraction := i > first+n; fraction && math.Abs(f) >= large {
		return j.doc.double(f, text), true
	}
	return j.doc.float(f), true
}

// decimal parses the fraction at i of a number whose integer part has n digits. It reports
// false for a number that it cannot hash.
func (j *jsonReader) decimal(i, n int, size uint64, negative bool) (uint64, bool) {
	b, first := j.b, i
	if v, ok := eightDigits(b[i:]); ok && n <= 11 {
		size, n, i = size*1e8+v, n+8, i+8
	}
	for i < len(b) && b[i]-'0' <= 9 {
		if n++; n > 19 {
			return 0, false
		}
		size = size*10 + uint64(b[i]-'0')
		i++
	}
	if i == first || i == len(b) || b[i] == '.' || b[i] == 'e' || b[i] == 'E' || b[i] == '-' || b[i] == '+' {
		return 0, false
	}
	j.pos = i
	return recordid.HashDecimal(size, i-first, negative), true
}

// eightDigits parses the first eight bytes of b, if they are digits.
func eightDigits(b []byte) (v uint64, ok bool) {
	if len(b) < 8 {
		return 0, false
	}
	v = binary.LittleEndian.Uint64(b)
	const each = 0x0101010101010101
	if (v&(each*0xf0))|(v+each*6)&(each*0xf0)>>4 != each*0x33 {
		return 0, false
	}
	// Pairs, fours, eight.
	v = (v & (each * 0x0f)) * (10<<8 + 1) >> 8
	v = (v & 0x00ff00ff00ff00ff) * (100<<16 + 1) >> 16
	return (v & 0x0000ffff0000ffff) * (10000<<32 + 1) >> 32, true
}
