// SPDX-License-Identifier: Apache-2.0

package value

import (
	"encoding/binary"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/tinylib/msgp/msgp"
)

// Append appends v as MessagePack. Integers have the shortest form, and are unsigned
// unless negative, as in Fluent Bit. Values without a JSON form (infinity, or no
// value at all) become null.
func (v Value) Append(dst []byte) []byte {
	switch v.K {
	case String:
		return AppendString(dst, v.S())
	case Int:
		return AppendInt(dst, int64(v.N))
	case Float:
		return AppendFloat(dst, math.Float64frombits(v.N))
	case Bool:
		return append(dst, 0xc2+byte(v.N))
	case Raw:
		return append(dst, v.S()...)
	case Row:
		dst = msgp.AppendMapHeader(dst, uint32(len(*v.names)))
		rest := Bytes(v.S())
		for _, name := range *v.names {
			dst = AppendString(dst, name)
			n := size(rest)
			dst = append(dst, rest[:n]...)
			rest = rest[n:]
		}
		return dst
	}
	return append(dst, 0xc0)
}

// AppendString appends a string as MessagePack, in the shortest form.
func AppendString(dst []byte, s string) []byte {
	if len(s) < 32 {
		dst = append(dst, 0xa0|byte(len(s)))
		return append(dst, s...)
	}
	return msgp.AppendString(dst, s)
}

// AppendFloat appends a number as MessagePack, or null if JSON cannot represent it.
func AppendFloat(dst []byte, f float64) []byte {
	if math.IsInf(f, 0) || f != f {
		return append(dst, 0xc0)
	}
	at := len(dst)
	dst = append(dst, "\xcb........"...)
	binary.BigEndian.PutUint64(dst[at+1:], math.Float64bits(f))
	return dst
}

// AppendInt appends an integer as MessagePack, in the shortest form.
func AppendInt(dst []byte, i int64) []byte {
	if i >= 0 {
		switch {
		case i < 128:
			return append(dst, byte(i))
		case i <= math.MaxUint8:
			return append(dst, 0xcc, byte(i))
		case i <= math.MaxUint16:
			return append(dst, 0xcd, byte(i>>8), byte(i))
		}
		return msgp.AppendUint64(dst, uint64(i))
	}
	return msgp.AppendInt64(dst, i)
}

// AppendText appends v as a part of a string: strings unchanged, numbers, booleans,
// arrays and objects as JSON, and nothing for an omitted value.
func (v Value) AppendText(dst []byte) []byte {
	switch v.K {
	case String:
		return append(dst, v.S()...)
	case Int:
		return AppendDecimal(dst, int64(v.N))
	case Omit:
		return dst
	}
	return v.AppendJSON(dst)
}

// AppendJSON appends v as JSON.
func (v Value) AppendJSON(dst []byte) []byte {
	switch v.K {
	case Bool:
		return strconv.AppendBool(dst, v.N != 0)
	case Int:
		return AppendDecimal(dst, int64(v.N))
	case Float:
		return appendFloat(dst, math.Float64frombits(v.N))
	case String:
		return AppendQuoted(dst, v.S())
	case Raw:
		dst, _ = appendRawJSON(dst, Bytes(v.S()))
		return dst
	case Row:
		dst = append(dst, '{')
		rest := Bytes(v.S())
		for i, name := range *v.names {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = AppendQuoted(dst, name)
			dst = append(dst, ':')
			dst, rest = appendRawJSON(dst, rest)
		}
		return append(dst, '}')
	}
	return append(dst, "null"...)
}

// appendFloat appends the shortest text that parses as f.
func appendFloat(dst []byte, f float64) []byte {
	if math.IsInf(f, 0) || f != f {
		return append(dst, "null"...)
	}
	format := byte('f')
	if a := math.Abs(f); a != 0 && (a < 1e-6 || a >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(dst, f, format, -1, 64)
}

const hex = "0123456789abcdef"

// AppendQuoted appends s as a JSON string. Bytes that are not UTF-8 become
// U+FFFD.
func AppendQuoted(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		b := s[i]
		if b >= ' ' && b != '"' && b != '\\' && b < utf8.RuneSelf {
			i++
			continue
		}
		if b >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				dst = append(dst, s[start:i]...)
				dst = append(dst, "\ufffd"...)
				start = i + 1
			}
			i += n
			continue
		}
		dst = append(dst, s[start:i]...)
		switch b {
		case '"', '\\':
			dst = append(dst, '\\', b)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[b>>4], hex[b&15])
		}
		i++
		start = i
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}

// appendRawJSON appends the first value of b and returns the rest of b.
func appendRawJSON(dst, b []byte) ([]byte, []byte) {
	v, n, isMap, rest := open(b)
	if v.K != Raw {
		if b[0] == 0xcf && v.K == Float { // above the range of int64
			return strconv.AppendUint(dst, binary.BigEndian.Uint64(b[1:]), 10), rest
		}
		return v.AppendJSON(dst), rest
	}
	brackets := "[]"
	if isMap {
		brackets = "{}"
	}
	dst = append(dst, brackets[0])
	for i := range n {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst, rest = appendRawJSON(dst, rest)
		if isMap {
			dst = append(dst, ':')
			dst, rest = appendRawJSON(dst, rest)
		}
	}
	return append(dst, brackets[1]), rest
}
