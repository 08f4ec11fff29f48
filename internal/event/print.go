// SPDX-License-Identifier: Apache-2.0

package event

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/gdummy/gdummy/internal/msgpack"
)

// maxPrintDepth is the maximum depth of maps and arrays that can be printed.
const maxPrintDepth = 256

// AppendText appends an event in the format of the stdout output of Fluent Bit 5.1,
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
	point := len(dst)
	dst = strconv.AppendInt(dst, int64(time.Second)+ev.Time%int64(time.Second), 10) // 1 and nine digits
	dst[point] = '.'
	dst = append(dst, ", "...)
	dst, _, err := text.value(dst, ev.Metadata, 0)
	if err != nil {
		return dst, err
	}
	dst = append(dst, "], "...)
	dst, _, err = text.value(dst, ev.Body, 0)
	return append(dst, "]\n"...), err
}

// AppendJSON appends an event in the format json_lines of the outputs of Fluent Bit 5.1,
// with a newline:
//
//	{"date":1700000000.123457,"message":"dummy"}
//
// Metadata, unless empty, comes first, under "__internal__". Of several members with the
// same name in an object, only the last is kept. A member "date" of the body therefore
// replaces the time. Characters outside ASCII are escaped.
func AppendJSON(dst []byte, ev Event) ([]byte, error) {
	h := msgpack.Read(ev.Body)
	if h.Kind != msgpack.Map {
		return dst, errors.New("event: the body is not a map")
	}
	var buf [fewMembers]printed
	body, _, err := members(buf[:0], ev.Body[h.Size:], h.N)
	if err != nil {
		return dst, wrap("body", err)
	}
	has := func(name string) bool {
		return slices.ContainsFunc(body, func(m printed) bool { return m.name != nil && string(m.name) == name })
	}
	dst = append(dst, '{')
	start := len(dst)
	if !has("date") {
		dst = append(dst, `"date":`...)
		sec, nsec := ev.Time/int64(time.Second), ev.Time%int64(time.Second)
		dst = appendJSONFloat(dst, float64(sec)+float64(nsec)/float64(time.Second))
	}
	if len(ev.Metadata) > 0 && ev.Metadata[0] != EmptyMap[0] && !has("__internal__") {
		dst = comma(dst, start)
		dst = append(dst, `"__internal__":{"log_metadata":`...)
		if dst, _, err = json.value(dst, ev.Metadata, 0); err != nil {
			return dst, err
		}
		dst = append(dst, '}')
	}
	dst, err = json.object(dst, start, body, 0)
	return append(dst, "}\n"...), err
}

// printer appends values in one of two formats.
type printer struct {
	null, comma, arrow string

	text      func(dst, s []byte) []byte
	binary    func(dst, s []byte) []byte
	float     func(dst []byte, f float64) []byte
	extension func(dst []byte, kind int8, s []byte) []byte
	unique    bool // of several members with the same name, print only the last
}

// text follows msgpack_object_print of msgpack-c.
var text = &printer{
	null: "nil", comma: ", ", arrow: "=>",
	text:   func(dst, s []byte) []byte { return append(append(append(dst, '"'), s...), '"') },
	binary: appendTextBytes,
	float:  func(dst []byte, f float64) []byte { return appendDecimals(dst, f, 6) },
	extension: func(dst []byte, kind int8, s []byte) []byte {
		return appendTextBytes(fmt.Appendf(dst, "(ext: %d)", kind), s)
	},
}

// json follows msgpack2json of Fluent Bit. For an extension Fluent Bit writes \xNN, which
// is not JSON. The closest valid form is a string of the same bytes with JSON escapes.
var json = &printer{
	null: "null", comma: ",", arrow: ":",
	text: appendJSONString, binary: appendJSONString, float: appendJSONFloat,
	extension: func(dst []byte, _ int8, s []byte) []byte {
		dst = append(dst, '"')
		for _, c := range s {
			dst = appendEscape(dst, uint16(c))
		}
		return append(dst, '"')
	},
	unique: true,
}

// value appends the first value in b and returns the rest of b.
func (p *printer) value(dst, b []byte, depth int) (out, rest []byte, err error) {
	if depth > maxPrintDepth {
		return dst, b, fmt.Errorf("event: nested deeper than %d levels", maxPrintDepth)
	}
	h := msgpack.Read(b)
	kind := h.Kind
	if kind == msgpack.Incomplete || h.Payload() > uint64(len(b)-h.Size) {
		return dst, b, errShort
	}
	payload := b[h.Size:][:h.Payload()]
	rest = b[h.Size+len(payload):]
	switch kind {
	case msgpack.Nil:
		dst = append(dst, p.null...)
	case msgpack.False, msgpack.True:
		dst = strconv.AppendBool(dst, kind == msgpack.True)
	case msgpack.Integer:
		if h.Negative {
			dst = append(dst, '-')
		}
		dst = strconv.AppendUint(dst, h.N, 10)
	case msgpack.Float:
		dst = p.float(dst, math.Float64frombits(h.N))
	case msgpack.String:
		dst = p.text(dst, payload)
	case msgpack.Binary:
		dst = p.binary(dst, payload)
	case msgpack.Extension:
		dst = p.extension(dst, int8(b[h.Size-1]), payload)
	case msgpack.Array:
		return p.array(dst, rest, h.N, depth)
	case msgpack.Map:
		return p.mapping(dst, rest, h.N, depth)
	default:
		return dst, b, fmt.Errorf("event: the byte %#02x does not begin a value", b[0])
	}
	return dst, rest, nil
}

func (p *printer) array(dst, b []byte, n uint64, depth int) (out, rest []byte, err error) {
	dst = append(dst, '[')
	for i := range n {
		if i > 0 {
			dst = append(dst, p.comma...)
		}
		if dst, b, err = p.value(dst, b, depth+1); err != nil {
			return dst, b, err
		}
	}
	return append(dst, ']'), b, nil
}

func (p *printer) mapping(dst, b []byte, n uint64, depth int) (out, rest []byte, err error) {
	dst = append(dst, '{')
	if p.unique {
		var buf [fewMembers]printed
		all, rest, err := members(buf[:0], b, n)
		if err != nil {
			return dst, b, wrap("map", err)
		}
		dst, err = p.object(dst, len(dst), all, depth)
		return append(dst, '}'), rest, err
	}
	for i := range n {
		if i > 0 {
			dst = append(dst, p.comma...)
		}
		if dst, b, err = p.value(dst, b, depth+1); err != nil {
			return dst, b, err
		}
		dst = append(dst, p.arrow...)
		if dst, b, err = p.value(dst, b, depth+1); err != nil {
			return dst, b, err
		}
	}
	return append(dst, '}'), b, nil
}

// fewMembers is the number of members up to which comparing all pairs of names is cheaper
// than a table.
const fewMembers = 16

// printed is a member of a map in MessagePack.
type printed struct {
	key   []byte
	name  []byte // the text of key, or nil if it is not a string
	value []byte
}

// members appends the n members at the start of b, and returns the rest of b.
func members(dst []printed, b []byte, n uint64) (all []printed, rest []byte, err error) {
	for range n {
		var m printed
		if m.key, m.value, b, err = msgpack.Pair(b); err != nil {
			return dst, b, err
		}
		if h := msgpack.Read(m.key); h.Kind == msgpack.String {
			m.name = m.key[h.Size:]
		}
		dst = append(dst, m)
	}
	return dst, b, nil
}

// object appends members, without those whose name a later one has. Members after start
// in dst belong to the same object.
func (p *printer) object(dst []byte, start int, all []printed, depth int) ([]byte, error) {
	var last map[string]int // of large maps: the last member of each name
	if len(all) > fewMembers {
		last = make(map[string]int, len(all))
		for i, m := range all {
			if m.name != nil {
				last[string(m.name)] = i
			}
		}
	}
	for i, m := range all {
		again := false
		switch {
		case m.name == nil:
		case last != nil:
			again = last[string(m.name)] != i
		default:
			again = slices.ContainsFunc(all[i+1:], func(o printed) bool { return o.name != nil && bytes.Equal(o.name, m.name) })
		}
		if again {
			continue
		}
		dst = comma(dst, start)
		var err error
		if dst, _, err = p.value(dst, m.key, depth+1); err != nil {
			return dst, err
		}
		dst = append(dst, p.arrow...)
		if dst, _, err = p.value(dst, m.value, depth+1); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

func comma(dst []byte, start int) []byte {
	if len(dst) > start {
		dst = append(dst, ',')
	}
	return dst
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

// appendDecimals appends f like %.*f of printf.
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

// appendJSONFloat appends whole numbers that fit an int64 like %.1f, and others like
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
		r, n := utf8.DecodeRune(s[i:])
		i += n
		if short := shortEscape(r); short != 0 {
			dst = append(dst, '\\', short)
			continue
		}
		if r > 0xffff {
			r -= 0x10000
			dst = appendEscape(dst, uint16(0xd800+r>>10))
			r = 0xdc00 + r&0x3ff
		}
		dst = appendEscape(dst, uint16(r))
	}
	return append(dst, '"')
}

// shortEscape returns the letter of the two-character escape of r in JSON, or 0.
func shortEscape(r rune) byte {
	switch r {
	case '"', '\\':
		return byte(r)
	case '\n':
		return 'n'
	case '\r':
		return 'r'
	case '\t':
		return 't'
	case '\b':
		return 'b'
	case '\f':
		return 'f'
	}
	return 0
}

func appendEscape(dst []byte, u uint16) []byte {
	return append(dst, '\\', 'u', hexDigits[u>>12], hexDigits[u>>8&15], hexDigits[u>>4&15], hexDigits[u&15])
}
