// SPDX-License-Identifier: Apache-2.0

package event

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/tinylib/msgp/msgp"
)

// maxPrintDepth is the maximum depth of maps and arrays that the printers accept.
const maxPrintDepth = 256

// AppendText appends an event as the stdout output of Fluent Bit 5.1 prints it,
// with a newline:
//
//	[0] dummy.0: [[1700000000.123456789, {}], {"message"=>"dummy"}]
//
// Strings are written without escapes, and doubles have six decimals.
func AppendText(dst []byte, index uint64, tag string, ev Event) ([]byte, error) {
	dst = append(dst, '[')
	dst = strconv.AppendUint(dst, index, 10)
	dst = append(dst, "] "...)
	dst = append(dst, tag...)
	dst = append(dst, ": [["...)
	dst = strconv.AppendInt(dst, ev.Time/int64(time.Second), 10)
	dst = append(dst, '.')
	dst = appendNine(dst, uint64(ev.Time%int64(time.Second)))
	dst = append(dst, ", "...)
	dst, _, err := appendTextValue(dst, ev.Metadata, 0)
	if err != nil {
		return dst, err
	}
	dst = append(dst, "], "...)
	dst, _, err = appendTextValue(dst, ev.Body, 0)
	return append(dst, "]\n"...), err
}

// appendNine appends v in nine digits.
func appendNine(dst []byte, v uint64) []byte {
	for unit := uint64(1e8); unit > 0; unit /= 10 {
		dst = append(dst, byte('0'+v/unit%10))
	}
	return dst
}

// appendTextValue follows msgpack_object_print of msgpack-c.
func appendTextValue(dst, b []byte, depth int) (out, rest []byte, err error) {
	if len(b) == 0 {
		return dst, b, errShort
	}
	if depth > maxPrintDepth {
		return dst, b, fmt.Errorf("event: nested deeper than %d levels", maxPrintDepth)
	}
	switch msgp.NextType(b) {
	case msgp.MapType:
		n, b, err := msgp.ReadMapHeaderBytes(b)
		dst = append(dst, '{')
		for i := uint32(0); i < n && err == nil; i++ {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			if dst, b, err = appendTextValue(dst, b, depth+1); err != nil {
				break
			}
			dst = append(dst, "=>"...)
			dst, b, err = appendTextValue(dst, b, depth+1)
		}
		return append(dst, '}'), b, err
	case msgp.ArrayType:
		n, b, err := msgp.ReadArrayHeaderBytes(b)
		dst = append(dst, '[')
		for i := uint32(0); i < n && err == nil; i++ {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst, b, err = appendTextValue(dst, b, depth+1)
		}
		return append(dst, ']'), b, err
	case msgp.StrType:
		s, b, err := msgp.ReadStringZC(b)
		dst = append(dst, '"')
		dst = append(dst, s...)
		return append(dst, '"'), b, err
	case msgp.BinType:
		s, b, err := msgp.ReadBytesZC(b)
		return appendTextBytes(dst, s), b, err
	case msgp.NilType:
		b, err := msgp.ReadNilBytes(b)
		return append(dst, "nil"...), b, err
	case msgp.Float64Type, msgp.Float32Type:
		f, b, err := readFloat(b)
		return appendDecimals(dst, f, 6), b, err
	case msgp.BoolType, msgp.IntType, msgp.UintType:
		return appendPlain(dst, b)
	}
	raw, rest, err := readExtension(b)
	if err != nil {
		return dst, b, err
	}
	dst = append(dst, "(ext: "...)
	dst = strconv.AppendInt(dst, int64(raw.Type), 10)
	dst = append(dst, ')')
	return appendTextBytes(dst, raw.Data), rest, nil
}

func appendTextBytes(dst, s []byte) []byte {
	dst = append(dst, '"')
	for _, c := range s {
		switch {
		case c == '"':
			dst = append(dst, `\"`...)
		case c >= 0x20 && c < 0x7f:
			dst = append(dst, c)
		default:
			dst = append(dst, '\\', 'x', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return append(dst, '"')
}

const hexDigits = "0123456789abcdef"

// appendPlain appends booleans and integers, for which both printers have the same
// format.
func appendPlain(dst, b []byte) (out, rest []byte, err error) {
	switch msgp.NextType(b) {
	case msgp.BoolType:
		v, b, err := msgp.ReadBoolBytes(b)
		return strconv.AppendBool(dst, v), b, err
	case msgp.UintType:
		v, b, err := msgp.ReadUint64Bytes(b)
		return strconv.AppendUint(dst, v, 10), b, err
	default:
		v, b, err := msgp.ReadInt64Bytes(b)
		return strconv.AppendInt(dst, v, 10), b, err
	}
}

func readFloat(b []byte) (float64, []byte, error) {
	if msgp.NextType(b) == msgp.Float32Type {
		f, b, err := msgp.ReadFloat32Bytes(b)
		return float64(f), b, err
	}
	return msgp.ReadFloat64Bytes(b)
}

func readExtension(b []byte) (msgp.RawExtension, []byte, error) {
	// The reader checks that the type is the one asked for, which is the
	// byte after the size.
	var raw msgp.RawExtension
	at := 1
	switch b[0] {
	case 0xc7:
		at = 2
	case 0xc8:
		at = 3
	case 0xc9:
		at = 5
	case 0xd4, 0xd5, 0xd6, 0xd7, 0xd8:
	default:
		return raw, b, fmt.Errorf("event: the byte %#02x does not begin a value", b[0])
	}
	if len(b) <= at {
		return raw, b, errShort
	}
	raw.Type = int8(b[at])
	rest, err := msgp.ReadExtensionBytes(b, &raw)
	return raw, rest, wrap("extension", err)
}

// appendDecimals appends f as printf's %.*f does.
func appendDecimals(dst []byte, f float64, n int) []byte {
	switch {
	case math.IsNaN(f):
		if math.Signbit(f) {
			dst = append(dst, '-')
		}
		return append(dst, "nan"...)
	case math.IsInf(f, 1):
		return append(dst, "inf"...)
	case math.IsInf(f, -1):
		return append(dst, "-inf"...)
	}
	return strconv.AppendFloat(dst, f, 'f', n, 64)
}

// AppendJSON appends an event as the outputs of Fluent Bit 5.1 write it in the
// format json_lines, with a newline:
//
//	{"date":1700000000.123457,"message":"dummy"}
//
// Metadata, unless empty, comes first, under "__internal__". Of several members
// with the same name in an object, only the last is kept. A member "date" of the
// body therefore replaces the time. Characters outside ASCII are escaped.
func AppendJSON(dst []byte, ev Event) ([]byte, error) {
	fields, body, err := msgp.ReadMapHeaderBytes(ev.Body)
	if err != nil {
		return dst, wrap("body", err)
	}
	hasDate, hasInternal, err := reserved(body, fields)
	if err != nil {
		return dst, err
	}
	dst = append(dst, '{')
	start := len(dst)
	if !hasDate {
		dst = append(dst, `"date":`...)
		sec, nsec := ev.Time/int64(time.Second), ev.Time%int64(time.Second)
		dst = appendJSONFloat(dst, float64(sec)+float64(nsec)/float64(time.Second))
	}
	if len(ev.Metadata) > 0 && ev.Metadata[0] != EmptyMap[0] && !hasInternal {
		dst = comma(dst, start)
		dst = append(dst, `"__internal__":{"log_metadata":`...)
		if dst, _, err = appendJSONValue(dst, ev.Metadata, 0); err != nil {
			return dst, err
		}
		dst = append(dst, '}')
	}
	dst, _, err = appendJSONMembers(dst, start, body, fields, 0)
	return append(dst, "}\n"...), err
}

// reserved reports whether a body has members with the names that AppendJSON sets.
func reserved(b []byte, n uint32) (date, internal bool, err error) {
	for range n {
		if msgp.NextType(b) == msgp.StrType {
			var key []byte
			if key, b, err = msgp.ReadStringZC(b); err != nil {
				return date, internal, wrap("body", err)
			}
			date = date || string(key) == "date"
			internal = internal || string(key) == "__internal__"
		} else if b, err = skip(b); err != nil {
			return date, internal, wrap("body", err)
		}
		if b, err = skip(b); err != nil {
			return date, internal, wrap("body", err)
		}
	}
	return date, internal, nil
}

func comma(dst []byte, start int) []byte {
	if len(dst) > start {
		dst = append(dst, ',')
	}
	return dst
}

// appendJSONMembers appends n members; those before start in dst belong to the
// same object.
func appendJSONMembers(dst []byte, start int, b []byte, n uint32, depth int) (out, rest []byte, err error) {
	var last map[string]uint32 // of large maps: the last member of each name
	if n > manyMembers {
		if last, err = lastNames(b, n); err != nil {
			return dst, b, wrap("map", err)
		}
	}
	for i := range n {
		var again bool
		if last != nil {
			name, isText := peekName(b)
			again = isText && last[string(name)] != i
		} else if again, err = repeated(b, n-i); err != nil {
			return dst, b, wrap("map", err)
		}
		if again {
			if b, err = skip(b); err == nil {
				b, err = skip(b)
			}
			if err != nil {
				return dst, b, wrap("map", err)
			}
			continue
		}
		dst = comma(dst, start)
		if dst, b, err = appendJSONValue(dst, b, depth+1); err != nil {
			return dst, b, err
		}
		dst = append(dst, ':')
		if dst, b, err = appendJSONValue(dst, b, depth+1); err != nil {
			return dst, b, err
		}
	}
	return dst, b, nil
}

// manyMembers is the number of members from which a table of names costs less than
// comparing all pairs.
const manyMembers = 64

// lastNames returns the number of the last member of each name.
func lastNames(b []byte, n uint32) (map[string]uint32, error) {
	last := make(map[string]uint32)
	for i := range n {
		if name, isText := peekName(b); isText {
			last[string(name)] = i
		}
		var err error
		if b, err = skip(b); err == nil {
			b, err = skip(b)
		}
		if err != nil {
			return nil, err
		}
	}
	return last, nil
}

// peekName returns the string at the start of b, if there is one.
func peekName(b []byte) ([]byte, bool) {
	if msgp.NextType(b) != msgp.StrType {
		return nil, false
	}
	name, _, err := msgp.ReadStringZC(b)
	return name, err == nil
}

// repeated reports whether the first of n members has the name of a later one.
func repeated(b []byte, n uint32) (bool, error) {
	if msgp.NextType(b) != msgp.StrType {
		return false, nil
	}
	name, b, err := msgp.ReadStringZC(b)
	if err != nil {
		return false, err
	}
	for range n - 1 {
		if b, err = skip(b); err != nil {
			return false, err
		}
		if msgp.NextType(b) != msgp.StrType {
			if b, err = skip(b); err != nil {
				return false, err
			}
			continue
		}
		var other []byte
		if other, b, err = msgp.ReadStringZC(b); err != nil {
			return false, err
		}
		if bytes.Equal(name, other) {
			return true, nil
		}
	}
	return false, nil
}

// appendJSONValue follows msgpack2json of Fluent Bit.
func appendJSONValue(dst, b []byte, depth int) (out, rest []byte, err error) {
	if len(b) == 0 {
		return dst, b, errShort
	}
	if depth > maxPrintDepth {
		return dst, b, fmt.Errorf("event: nested deeper than %d levels", maxPrintDepth)
	}
	switch msgp.NextType(b) {
	case msgp.MapType:
		n, b, err := msgp.ReadMapHeaderBytes(b)
		if err != nil {
			return dst, b, wrap("map", err)
		}
		dst = append(dst, '{')
		dst, b, err = appendJSONMembers(dst, len(dst), b, n, depth)
		return append(dst, '}'), b, err
	case msgp.ArrayType:
		n, b, err := msgp.ReadArrayHeaderBytes(b)
		dst = append(dst, '[')
		for i := uint32(0); i < n && err == nil; i++ {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst, b, err = appendJSONValue(dst, b, depth+1)
		}
		return append(dst, ']'), b, err
	case msgp.StrType:
		s, b, err := msgp.ReadStringZC(b)
		return appendJSONString(dst, s), b, err
	case msgp.BinType:
		s, b, err := msgp.ReadBytesZC(b)
		return appendJSONString(dst, s), b, err
	case msgp.NilType:
		b, err := msgp.ReadNilBytes(b)
		return append(dst, "null"...), b, err
	case msgp.Float64Type, msgp.Float32Type:
		f, b, err := readFloat(b)
		return appendJSONFloat(dst, f), b, err
	case msgp.BoolType, msgp.IntType, msgp.UintType:
		return appendPlain(dst, b)
	}
	raw, rest, err := readExtension(b)
	if err != nil {
		return dst, b, err
	}
	// Fluent Bit writes \xNN here, which is not JSON. The closest valid form is a
	// string of the same bytes with JSON escapes.
	dst = append(dst, '"')
	for _, c := range raw.Data {
		dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
	}
	return append(dst, '"'), rest, nil
}

// appendJSONFloat writes whole numbers that fit an int64 as %.1f and others as
// %.16g.
func appendJSONFloat(dst []byte, f float64) []byte {
	switch {
	case f == math.Trunc(f) && f >= -1<<63 && f < 1<<63:
		return strconv.AppendFloat(dst, f, 'f', 1, 64)
	case math.IsNaN(f) || math.IsInf(f, 0):
		return appendDecimals(dst, f, 1)
	}
	return strconv.AppendFloat(dst, f, 'g', 16, 64)
}

func appendJSONString(dst, s []byte) []byte {
	dst = append(dst, '"')
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c < 0x7f && c != '"' && c != '\\' {
			dst = append(dst, c)
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRune(s[i:])
			i += n
			if r > 0xffff {
				r -= 0x10000
				dst = appendEscape(dst, uint16(0xd800+r>>10))
				dst = appendEscape(dst, uint16(0xdc00+r&0x3ff))
				continue
			}
			dst = appendEscape(dst, uint16(r))
			continue
		}
		i++
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, `\n`...)
		case '\r':
			dst = append(dst, `\r`...)
		case '\t':
			dst = append(dst, `\t`...)
		case '\b':
			dst = append(dst, `\b`...)
		case '\f':
			dst = append(dst, `\f`...)
		default:
			dst = appendEscape(dst, uint16(c))
		}
	}
	return append(dst, '"')
}

func appendEscape(dst []byte, u uint16) []byte {
	return append(dst, '\\', 'u', hexDigits[u>>12], hexDigits[u>>8&15], hexDigits[u>>4&15], hexDigits[u&15])
}
