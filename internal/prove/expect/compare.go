// SPDX-License-Identifier: Apache-2.0

package expect

import (
	"bytes"
	"math"
	"strings"
	"time"

	"github.com/gdummy/gdummy/internal/generate/value"
	"github.com/gdummy/gdummy/internal/msgpack"
	"github.com/gdummy/gdummy/internal/recordid"
)

// member returns the MessagePack of the member at a path: names from the outermost,
// joined by dots. Names may contain dots: the longest one that exists is used.
func member(m []byte, path string) (v []byte, ok bool) {
	return appendMembers(make(members, 0, 16), m).member(path)
}

// field returns the value of a member of a map, in MessagePack.
func field(m []byte, name string) (v []byte, ok bool) {
	return appendMembers(make(members, 0, 16), m).field(name)
}

// members are the members of one map.
type members []struct{ name, value []byte }

// appendMembers appends the members of a map. A value that is not a map, or not
// MessagePack, has none. A dst of constant capacity is on the stack.
func appendMembers(dst members, b []byte) members {
	h := msgpack.Read(b)
	if h.Kind != msgpack.Map {
		return dst
	}
	b = b[h.Size:]
	for range h.N {
		name, size := msgpack.ShortString(b)
		if size == 0 {
			k := msgpack.Read(b)
			if k.Kind != msgpack.String && k.Kind != msgpack.Binary || uint64(len(b)-k.Size) < k.N {
				return dst
			}
			size = k.Size + int(k.N)
			name = b[k.Size:size]
		}
		b = b[size:]
		rest, err := msgpack.Skip(b)
		if err != nil {
			return dst
		}
		dst = append(dst, struct{ name, value []byte }{name, b[:len(b)-len(rest)]})
		b = rest
	}
	return dst
}

// appendElements appends the elements of an array. A value that is not an array has none.
func appendElements(dst [][]byte, v []byte) [][]byte {
	h := msgpack.Read(v)
	if h.Kind != msgpack.Array {
		return dst
	}
	b := v[h.Size:]
	for range h.N {
		rest, err := msgpack.Skip(b)
		if err != nil {
			return dst
		}
		dst = append(dst, b[:len(b)-len(rest)])
		b = rest
	}
	return dst
}

// field returns the first member with a name.
func (m members) field(name string) (v []byte, ok bool) {
	for i := range m {
		if string(m[i].name) == name {
			return m[i].value, true
		}
	}
	return nil, false
}

// member returns the MessagePack of the member at a path, as the function of this name
// does.
func (m members) member(path string) (v []byte, ok bool) {
	for end := len(path); end > 0; end = strings.LastIndexByte(path[:end], '.') {
		v, ok := m.field(path[:end])
		switch {
		case !ok:
		case end == len(path):
			return v, true
		default:
			return member(v, path[end+1:])
		}
	}
	return nil, false
}

// outcome is how a value that arrived compares with the one that was expected.
type outcome uint8

const (
	same outcome = iota
	wrongValue
	wrongType
)

// matcher compares values. It keeps a buffer.
type matcher struct{ buf []byte }

// compare compares the MessagePack of a value that arrived with what a field expects.
func (m *matcher) compare(f *Field, want value.Value, got []byte) outcome {
	if f.Tolerance > 0 {
		return within(want, got, f.Tolerance)
	}
	if m.buf = want.Append(m.buf[:0]); bytes.Equal(m.buf, got) {
		return same
	}
	h := msgpack.Read(got)
	if f.As == "text" {
		if text, ok := scalar(got, h); ok && equalText(want, text) {
			return same
		}
		return wrongValue
	}
	expected := msgpack.Read(m.buf)
	alike := expected.Kind == h.Kind || isBool(expected.Kind) && isBool(h.Kind)
	isNumber := (expected.Kind == msgpack.Integer || expected.Kind == msgpack.Float) && (h.Kind == msgpack.Integer || h.Kind == msgpack.Float)
	// Both sides are rounded if a double of the size is written like an integer.
	coarse := isNumber && (expected.Kind == msgpack.Float || h.Kind == msgpack.Float)
	a, ok1 := recordid.HashValue(m.buf, coarse)
	b, ok2 := recordid.HashValue(got, coarse)
	equal := ok1 && ok2 && a == b
	switch {
	case equal && f.As != "number" && expected.Kind == msgpack.Integer && h.Kind == msgpack.Float:
		return wrongType
	case equal:
		return same
	case alike, isNumber:
		return wrongValue
	}
	if text, ok := scalar(got, h); ok && !equalText(want, text) {
		return wrongValue
	}
	return wrongType
}

func isBool(k msgpack.Kind) bool { return k == msgpack.True || k == msgpack.False }

// equalText reports whether a text is that of a value.
func equalText(want value.Value, text []byte) bool {
	var buf [64]byte
	return bytes.Equal(want.AppendText(buf[:0]), text)
}

// scalar returns a value that is neither a map nor an array as text.
func scalar(b []byte, h msgpack.Header) ([]byte, bool) {
	switch h.Kind {
	case msgpack.String, msgpack.Binary:
		return b[h.Size:], true
	case msgpack.Integer, msgpack.Float, msgpack.True, msgpack.False, msgpack.Nil:
		v, _ := value.First(value.OfBytes(b).S())
		return v.AppendText(nil), true
	}
	return nil, false
}

// within compares two moments: numbers of seconds since 1970, or texts of RFC 3339.
func within(want value.Value, got []byte, tolerance time.Duration) outcome {
	v, _ := value.First(value.OfBytes(got).S())
	a, ok1 := seconds(want)
	b, ok2 := seconds(v)
	switch {
	case !ok1 || !ok2:
		return wrongType
	case math.Abs(a-b) <= tolerance.Seconds()+1e-15*math.Abs(a): // what a double rounds
		return same
	}
	return wrongValue
}

// layouts are those of moments in text.
var layouts = []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700", "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999 -0700", "02/Jan/2006:15:04:05 -0700"}

// seconds returns a moment in seconds since 1970.
func seconds(v value.Value) (float64, bool) {
	if f, ok := v.Number(); ok && v.K != value.Bool {
		return f, true
	}
	if v.K != value.String {
		return 0, false
	}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, v.S()); err == nil {
			return float64(t.UnixNano()) / 1e9, true
		}
	}
	return 0, false
}

// extra calls f with the path of each member that no path of only covers.
func extra(m []byte, prefix string, only []string, f func(path string)) {
	for _, e := range appendMembers(make(members, 0, 16), m) {
		path := prefix + string(e.name)
		covered, inside := false, false
		for _, o := range only {
			covered = covered || o == path
			inside = inside || strings.HasPrefix(o, path+".")
		}
		switch {
		case covered:
		case inside && msgpack.Read(e.value).Kind == msgpack.Map:
			extra(e.value, path+".", only, f)
		default:
			f(path)
		}
	}
}
