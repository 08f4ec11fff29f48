// Package value holds the values that templates compute, and writes them as
// MessagePack, as text and as JSON.
//
// A [Value] is small and is passed by value. Its text and its parts lie in
// memory that belongs to somebody else, for as long as one record is being made.
// Numbers are int64 or double, as everywhere in Fluent Bit.
package value

import (
	"encoding/binary"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/tinylib/msgp/msgp"
)

// Kind is the type of a value.
type Kind uint8

// The kinds of values.
const (
	Nil    Kind = iota // null
	Bool               // N is 0 or 1
	Int                // N has the bits of an int64
	Float              // N has the bits of a float64
	String             // S is the text
	Raw                // S is the MessagePack of an array or a map
	Row                // S is MessagePack values behind one another, which have names
	Omit               // no value: the member around it is left out
)

// String names the kind in messages.
func (k Kind) String() string {
	return [...]string{"null", "boolean", "integer", "number", "string", "array or object", "row", "nothing"}[k]
}

// Value is one value of a template. It has four words: what has more is not kept in
// registers, but goes through memory at every call.
type Value struct {
	K     Kind
	N     uint64         // see Kind; of what has text, its length and whether it is wide
	p     unsafe.Pointer // the start of the text; nil if there is none
	names *[]string
}

// wide marks, in N, a text from whose start on Reach bytes can be read.
const wide = 1 << 63

// The values that need no argument.
var (
	Null    = Value{}
	Omitted = Value{K: Omit}
)

// OfBool returns a boolean.
func OfBool(b bool) Value {
	if b {
		return Value{K: Bool, N: 1}
	}
	return Value{K: Bool}
}

// OfInt returns an integer.
func OfInt(i int64) Value { return Value{K: Int, N: uint64(i)} }

// OfFloat returns a number.
func OfFloat(f float64) Value { return Value{K: Float, N: math.Float64bits(f)} }

// OfString returns a string.
func OfString(s string) Value {
	return Value{K: String, N: uint64(len(s)), p: unsafe.Pointer(unsafe.StringData(s))}
}

// OfBytes returns a string whose text is b, without copying it.
func OfBytes(b []byte) Value {
	n := uint64(len(b))
	if cap(b) >= Reach {
		n |= wide
	}
	return Value{K: String, N: n, p: unsafe.Pointer(unsafe.SliceData(b))}
}

// OfRaw returns the array or map that b is the MessagePack of, without copying it.
func OfRaw(b []byte) Value {
	return Value{K: Raw, N: uint64(len(b)), p: unsafe.Pointer(unsafe.SliceData(b))}
}

// OfRow returns the row that b has the values of, as MessagePack behind one
// another, without copying it.
func OfRow(b []byte, names *[]string) Value {
	return Value{K: Row, N: uint64(len(b)), p: unsafe.Pointer(unsafe.SliceData(b)), names: names}
}

// S returns the text of a string, or the MessagePack of what has parts; nothing
// else has text.
func (v Value) S() string {
	if v.p == nil {
		return ""
	}
	return unsafe.String((*byte)(v.p), int(v.N&^wide))
}

// Clone returns a copy of v that keeps nothing of the memory that v lies in.
func (v Value) Clone() Value {
	if v.p != nil {
		s := strings.Clone(v.S())
		v.N, v.p = uint64(len(s)), unsafe.Pointer(unsafe.StringData(s))
	}
	return v
}

// Bytes returns the bytes of a string, which must not be changed.
func Bytes(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// Truth says whether v counts as true, as Go's templates have it: what is zero
// or empty does not.
func (v Value) Truth() bool {
	switch v.K {
	case Bool, Int:
		return v.N != 0
	case Float:
		return v.Float() != 0
	case String:
		return v.S() != ""
	case Raw:
		return v.Len() > 0
	case Row:
		return true
	}
	return false
}

// Float returns v as a float64, and 0 for what is no number.
func (v Value) Float() float64 {
	f, _ := v.Number()
	return f
}

// Number returns v as a float64, and whether it is a number or the text of one.
func (v Value) Number() (float64, bool) {
	switch v.K {
	case Int:
		return float64(int64(v.N)), true
	case Float:
		return math.Float64frombits(v.N), true
	case Bool:
		return float64(v.N), true
	case String:
		f, err := strconv.ParseFloat(v.S(), 64)
		return f, err == nil && !math.IsInf(f, 0) && !math.IsNaN(f)
	}
	return 0, false
}

// Int returns v as an int64, cut towards zero and kept within the range; 0 for
// what is no number.
func (v Value) Int() int64 {
	switch v.K {
	case Int, Bool:
		return int64(v.N)
	case String:
		if i, err := strconv.ParseInt(v.S(), 10, 64); err == nil {
			return i
		}
	}
	return ToInt(v.Float())
}

// ToInt cuts f towards zero and keeps it within the range of an int64.
func ToInt(f float64) int64 {
	switch {
	case f != f:
		return 0
	case f >= math.MaxInt64:
		return math.MaxInt64
	case f <= math.MinInt64:
		return math.MinInt64
	}
	return int64(f)
}

// Append appends v as MessagePack. Whole numbers take the shortest form, and
// those from 0 on are unsigned, as Fluent Bit packs them. What JSON can't say
// (infinity, or no value at all) is null.
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

// AppendFloat appends a number as MessagePack, null if JSON can't say it.
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

// AppendText appends v as it stands within a string: strings as they are,
// numbers and booleans as in JSON, arrays and objects as JSON, nothing for what
// is omitted.
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

// appendFloat writes the shortest text that reads back as f.
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

// appendRawJSON appends the first value of b and returns what follows it.
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

// open reads the first value of b. Of an array or a map it reads only the head:
// the value has the kind Raw and no text, and n is how many elements or members
// follow in rest.
func open(b []byte) (v Value, n int, isMap bool, rest []byte) {
	switch msgp.NextType(b) {
	case msgp.StrType, msgp.BinType:
		s, rest, err := msgp.ReadStringZC(b)
		if err != nil {
			s, rest, _ = msgp.ReadBytesZC(b)
		}
		return OfBytes(s), 0, false, rest
	case msgp.IntType:
		i, rest, _ := msgp.ReadInt64Bytes(b)
		return OfInt(i), 0, false, rest
	case msgp.UintType:
		u, rest, _ := msgp.ReadUint64Bytes(b)
		if u > math.MaxInt64 {
			return OfFloat(float64(u)), 0, false, rest
		}
		return OfInt(int64(u)), 0, false, rest
	case msgp.Float64Type, msgp.Float32Type:
		f, rest, _ := msgp.ReadFloat64Bytes(b)
		return OfFloat(f), 0, false, rest
	case msgp.BoolType:
		t, rest, _ := msgp.ReadBoolBytes(b)
		return OfBool(t), 0, false, rest
	case msgp.ArrayType:
		n, rest, _ := msgp.ReadArrayHeaderBytes(b)
		return Value{K: Raw}, int(n), false, rest
	case msgp.MapType:
		n, rest, _ := msgp.ReadMapHeaderBytes(b)
		return Value{K: Raw}, int(n), true, rest
	case msgp.NilType:
		return Null, 0, false, b[1:]
	}
	rest, err := msgp.Skip(b)
	if err != nil {
		rest = nil
	}
	return Null, 0, false, rest
}

// First returns the first value of MessagePack b, and what follows it.
func First(b string) (Value, string) {
	all := Bytes(b)
	v, _, _, rest := open(all)
	if v.K == Raw {
		n := size(all)
		return OfRaw(all[:n]), b[n:]
	}
	return v, b[len(b)-len(rest):]
}

// size returns how many bytes the first value of b has.
func size(b []byte) int {
	rest, err := msgp.Skip(b)
	if err != nil {
		return len(b)
	}
	return len(b) - len(rest)
}

// Len returns how many elements an array has, members an object or a row, bytes
// a string; 0 for everything else.
func (v Value) Len() int {
	switch v.K {
	case String:
		return len(v.S())
	case Raw:
		_, n, _, _ := open(Bytes(v.S()))
		return n
	case Row:
		return len(*v.names)
	}
	return 0
}

// Within returns v if it is nested at most depth levels deep, otherwise null: a
// record that is nested deeper could not be read.
func (v Value) Within(depth int) Value {
	switch v.K {
	case Raw:
		if _, ok := within(Bytes(v.S()), depth); !ok {
			return Null
		}
	case Row:
		rest := Bytes(v.S())
		ok := true
		for range *v.names {
			if rest, ok = within(rest, depth-1); !ok {
				return Null
			}
		}
	}
	return v
}

func within(b []byte, depth int) (rest []byte, ok bool) {
	v, n, isMap, rest := open(b)
	if v.K != Raw {
		return rest, true
	}
	if depth == 0 {
		return nil, false
	}
	if isMap {
		n *= 2
	}
	for range n {
		if rest, ok = within(rest, depth-1); !ok {
			return nil, false
		}
	}
	return rest, true
}

// Items returns how many elements an array or members an object has, whether it
// is an object, and the MessagePack of what is in it, for First.
func (v Value) Items() (n int, isMap bool, inner string) {
	if v.K != Raw {
		return 0, false, ""
	}
	_, n, isMap, rest := open(Bytes(v.S()))
	return n, isMap, v.S()[len(v.S())-len(rest):]
}

// Field returns the member of an object or a row, null if there is none.
func (v Value) Field(name string) Value {
	switch v.K {
	case Row:
		rest := v.S()
		for _, n := range *v.names {
			if n == name {
				f, _ := First(rest)
				return f
			}
			rest = rest[size(Bytes(rest)):]
		}
	case Raw:
		n, isMap, rest := v.Items()
		if !isMap {
			return Null
		}
		for range n {
			var key, member Value
			key, rest = First(rest)
			if key.S() == name {
				member, _ = First(rest)
				return member
			}
			rest = rest[size(Bytes(rest)):]
		}
	}
	return Null
}

// Index returns an element of an array, from 0 on, or the member of an object
// or a row; null if there is none.
func (v Value) Index(i Value) Value {
	if i.K == String {
		return v.Field(i.S())
	}
	n, isMap, rest := v.Items()
	at := i.Int()
	if isMap || at < 0 || at >= int64(n) {
		return Null
	}
	for range at {
		rest = rest[size(Bytes(rest)):]
	}
	e, _ := First(rest)
	return e
}

// Compare compares two values: numbers with numbers, texts with texts, booleans
// with booleans. Others can't be told apart by order; ok is false for them.
func Compare(a, b Value) (order int, ok bool) {
	switch {
	case a.K == String && b.K == String:
		return strings.Compare(a.S(), b.S()), true
	case a.K == Int && b.K == Int:
		x, y := int64(a.N), int64(b.N)
		switch {
		case x < y:
			return -1, true
		case x > y:
			return 1, true
		}
		return 0, true
	case (a.K == Int || a.K == Float) && (b.K == Int || b.K == Float):
		x, y := a.Float(), b.Float()
		switch {
		case x < y:
			return -1, true
		case x > y:
			return 1, true
		}
		return 0, x == y
	case a.K == Bool && b.K == Bool:
		return int(a.N) - int(b.N), true
	case a.K == Nil && b.K == Nil:
		return 0, true
	}
	return 0, false
}

// Equal says whether two values are the same. A number equals no text. Arrays,
// objects and rows are equal if what is in them is, in the same order.
func Equal(a, b Value) bool {
	if order, ok := Compare(a, b); ok {
		return order == 0
	}
	switch {
	case a.K == Raw && b.K == Raw:
		same, _, _ := equal(a.S(), b.S())
		return same
	case a.K == Row && b.K == Raw:
		return a.equals(b)
	case a.K == Raw && b.K == Row:
		return b.equals(a)
	case a.K == Row && b.K == Row:
		same := slices.Equal(*a.names, *b.names)
		for i, x, y := 0, a.S(), b.S(); same && i < len(*a.names); i++ {
			same, x, y = equal(x, y)
		}
		return same
	}
	return false
}

// equals says whether a row equals an array or object.
func (v Value) equals(object Value) bool {
	n, isMap, inner := object.Items()
	if !isMap || n != len(*v.names) {
		return false
	}
	same, rest := true, v.S()
	for _, name := range *v.names {
		var key Value
		if key, inner = First(inner); key.S() != name {
			return false
		}
		if same, rest, inner = equal(rest, inner); !same {
			return false
		}
	}
	return true
}

// equal compares the first values of two pieces of MessagePack, and returns what
// follows them if they are the same.
func equal(a, b string) (same bool, restA, restB string) {
	v, n, isMap, after := open(Bytes(a))
	w, m, isMap2, after2 := open(Bytes(b))
	restA, restB = a[len(a)-len(after):], b[len(b)-len(after2):]
	if v.K != Raw || w.K != Raw {
		order, ok := Compare(v, w)
		return ok && order == 0, restA, restB
	}
	if n != m || isMap != isMap2 {
		return false, "", ""
	}
	if isMap {
		n *= 2
	}
	for range n {
		if same, restA, restB = equal(restA, restB); !same {
			return false, "", ""
		}
	}
	return true, restA, restB
}
