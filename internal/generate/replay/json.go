// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/tinylib/msgp/msgp"

	"github.com/gdummy/gdummy/internal/generate/jsonbody"
)

// scanner converts lines of NDJSON to MessagePack, four times as fast as package
// jsonbody and with the same result. It leaves rare cases to that package:
// errors, control characters in strings, halves of surrogate pairs, integers of more
// than 19 digits.
//
// Its methods read from offset i of a line that ends in LF, which ends every token,
// so that they need not compare i with the length. They return the offset of what
// follows, or -1 for what jsonbody parses.
type scanner struct {
	text []byte // a string without its escapes
}

// object appends the MessagePack of a line that is one JSON object, and reports
// whether it did. The last byte of the line is LF, and the only one.
func (s *scanner) object(dst, line []byte) ([]byte, bool) {
	i := space(line, 0)
	if line[i] != '{' {
		return dst, false
	}
	dst, i = s.members(dst, line, i+1, 1)
	return dst, i >= 0 && space(line, i) == len(line)-1
}

// space returns the offset of the next byte that is not white space, or of LF.
func space(b []byte, i int) int {
	for b[i] == ' ' || b[i] == '\t' || b[i] == '\r' {
		i++
	}
	return i
}

// members appends a map. i is behind the opening brace.
func (s *scanner) members(dst, b []byte, i, depth int) ([]byte, int) {
	if depth > jsonbody.MaxDepth {
		return dst, -1
	}
	head, n := len(dst), uint32(0)
	dst = append(dst, 0)
	if i = space(b, i); b[i] == '}' {
		dst[head] = 0x80
		return dst, i + 1
	}
	for {
		if b[i] != '"' {
			return dst, -1
		}
		if dst, i = s.string(dst, b, i+1); i < 0 {
			return dst, -1
		}
		if i = space(b, i); b[i] != ':' {
			return dst, -1
		}
		if dst, i = s.value(dst, b, space(b, i+1), depth); i < 0 {
			return dst, -1
		}
		n++
		i = space(b, i)
		switch b[i] {
		case ',':
			i = space(b, i+1)
		case '}':
			return closeContainer(dst, head, n, 0x80, msgp.AppendMapHeader), i + 1
		default:
			return dst, -1
		}
	}
}

// elements appends an array. i is behind the opening bracket.
func (s *scanner) elements(dst, b []byte, i, depth int) ([]byte, int) {
	if depth > jsonbody.MaxDepth {
		return dst, -1
	}
	head, n := len(dst), uint32(0)
	dst = append(dst, 0)
	if i = space(b, i); b[i] == ']' {
		dst[head] = 0x90
		return dst, i + 1
	}
	for {
		if dst, i = s.value(dst, b, i, depth); i < 0 {
			return dst, -1
		}
		n++
		i = space(b, i)
		switch b[i] {
		case ',':
			i = space(b, i+1)
		case ']':
			return closeContainer(dst, head, n, 0x90, msgp.AppendArrayHeader), i + 1
		default:
			return dst, -1
		}
	}
}

// closeContainer writes the header of a map or an array of n members, for which there is one
// byte: fix with n or, for more than 15, what header appends.
func closeContainer(dst []byte, head int, n uint32, fix byte, header func([]byte, uint32) []byte) []byte {
	if n < 16 {
		dst[head] = fix | byte(n)
		return dst
	}
	var buf [5]byte
	return slices.Replace(dst, head, head+1, header(buf[:0], n)...)
}

// value appends the value at i.
func (s *scanner) value(dst, b []byte, i, depth int) ([]byte, int) {
	switch b[i] {
	case '"':
		return s.string(dst, b, i+1)
	case '{':
		return s.members(dst, b, i+1, depth+1)
	case '[':
		return s.elements(dst, b, i+1, depth+1)
	case 't':
		if len(b)-i > 4 && string(b[i:i+4]) == "true" {
			return append(dst, 0xc3), i + 4
		}
	case 'f':
		if len(b)-i > 5 && string(b[i:i+5]) == "false" {
			return append(dst, 0xc2), i + 5
		}
	case 'n':
		if len(b)-i > 4 && string(b[i:i+4]) == "null" {
			return append(dst, 0xc0), i + 4
		}
	default:
		return number(dst, b, i)
	}
	return dst, -1
}

// string appends the string that begins at i, behind its quotation mark.
func (s *scanner) string(dst, b []byte, i int) ([]byte, int) {
	end := plain(b, i)
	if b[end] == '"' {
		return appendString(dst, b[i:end]), end + 1
	}
	s.text = s.text[:0]
	for b[end] == '\\' {
		s.text = append(s.text, b[i:end]...)
		if i = s.escape(b, end+1); i < 0 {
			return dst, -1
		}
		end = plain(b, i)
	}
	if b[end] != '"' {
		return dst, -1 // a control character, or the end of the line
	}
	s.text = append(s.text, b[i:end]...)
	return appendString(dst, s.text), end + 1
}

// appendString appends a string in MessagePack. It is faster than that of msgp.
func appendString(dst, text []byte) []byte {
	switch n := len(text); {
	case n < 32:
		dst = append(dst, 0xa0|byte(n))
	case n < 1<<8:
		dst = append(dst, 0xd9, byte(n))
	case n < 1<<16:
		dst = append(dst, 0xda, byte(n>>8), byte(n))
	default:
		dst = append(dst, 0xdb, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	}
	return append(dst, text...)
}

// plain returns the offset of the first quotation mark, backslash or control
// character from i on. It looks at eight bytes at a time: a subtraction borrows into
// the highest bit of the bytes that are below the subtrahend, and at most of some
// behind those, so that the first one found is right.
func plain(b []byte, i int) int {
	const low, high = 0x0101010101010101, 0x8080808080808080
	for ; i+8 <= len(b); i += 8 {
		v := binary.LittleEndian.Uint64(b[i:])
		quote, slash := v^'"'*low, v^'\\'*low
		if found := ((quote-low)&^quote | (slash-low)&^slash | (v-' '*low)&^v) & high; found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	for b[i] != '"' && b[i] != '\\' && b[i] >= ' ' {
		i++
	}
	return i
}

// escape adds the character of an escape sequence to the text. i is behind its
// backslash.
func (s *scanner) escape(b []byte, i int) int {
	c := b[i]
	switch c {
	case '"', '\\', '/':
	case 'b':
		c = '\b'
	case 'f':
		c = '\f'
	case 'n':
		c = '\n'
	case 'r':
		c = '\r'
	case 't':
		c = '\t'
	case 'u':
		r := hex4(b, i+1)
		i += 5
		if utf16.IsSurrogate(r) {
			if len(b)-i < 6 || b[i] != '\\' || b[i+1] != 'u' {
				return -1
			}
			if r = utf16.DecodeRune(r, hex4(b, i+2)); r == utf8.RuneError {
				return -1
			}
			i += 6
		}
		if r < 0 {
			return -1
		}
		s.text = utf8.AppendRune(s.text, r)
		return i
	default:
		return -1
	}
	s.text = append(s.text, c)
	return i + 1
}

// hex4 returns the number of four hexadecimal digits, or -1.
func hex4(b []byte, i int) (r rune) {
	if len(b)-i < 4 {
		return -1
	}
	for _, c := range b[i : i+4] {
		switch {
		case c-'0' < 10:
			c -= '0'
		case c|0x20-'a' < 6:
			c = c | 0x20 - 'a' + 10
		default:
			return -1
		}
		r = r<<4 | rune(c)
	}
	return r
}

// exact are the powers of ten that a double has exactly. A mantissa below 2^53 times
// or divided by one of them is rounded once, as strconv.ParseFloat rounds.
var exact = [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// number appends a number, in the type that package jsonbody uses.
func number(dst, b []byte, start int) ([]byte, int) {
	i := start
	negative := b[i] == '-'
	if negative {
		i++
	}
	first := i
	mantissa, i := digits(b, i, 0)
	n := i - first
	if n == 0 || n > 1 && b[first] == '0' {
		return dst, -1
	}
	if b[i] != '.' && b[i]|0x20 != 'e' {
		switch {
		case n > 19, negative && mantissa > 1<<63:
			return dst, -1
		case negative:
			return msgp.AppendInt64(dst, -int64(mantissa)), i
		}
		return msgp.AppendUint64(dst, mantissa), i
	}
	exponent := 0
	if b[i] == '.' {
		point := i
		if mantissa, i = digits(b, i+1, mantissa); i == point+1 {
			return dst, -1
		}
		exponent = point + 1 - i
		n -= exponent
	}
	if b[i]|0x20 == 'e' {
		i++
		minus := b[i] == '-'
		if minus || b[i] == '+' {
			i++
		}
		at := i
		e, end := digits(b, i, 0)
		if end == at || end-at > 5 {
			return dst, -1
		}
		if i = end; minus {
			exponent -= int(e)
		} else {
			exponent += int(e)
		}
	}
	if n <= 19 && mantissa < 1<<53 && -len(exact) < exponent && exponent < len(exact) {
		f := float64(mantissa)
		if exponent < 0 {
			f /= exact[-exponent]
		} else {
			f *= exact[exponent]
		}
		if negative {
			f = -f
		}
		return msgp.AppendFloat64(dst, f), i
	}
	f, err := strconv.ParseFloat(string(b[start:i]), 64)
	if err != nil {
		return dst, -1
	}
	return msgp.AppendFloat64(dst, f), i
}

// digits adds the decimal digits at i to v. Of more than 19 digits v is worthless.
func digits(b []byte, i int, v uint64) (uint64, int) {
	for {
		d := b[i] - '0'
		if d > 9 {
			return v, i
		}
		v = v*10 + uint64(d)
		i++
	}
}
