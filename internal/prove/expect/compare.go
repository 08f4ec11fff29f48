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
	all := make(members, 0, 16) // on the stack
	all.read(m)
	return all.member(path)
}

// field returns the value of a member of a map, in MessagePack.
func field(m []byte, name string) (v []byte, ok bool) {
	all := make(members, 0, 16) // on the stack
	all.read(m)
	return all.field(name)
}

// members are the members of one map.
type members []struct{ name, value []byte }

// read reads the members of a map. A value that is not a map, or not MessagePack, has
// none.
func (m *members) read(b []byte) {
	*m = (*m)[:0]
	h := msgpack.Read(b)
	if h.Kind != msgpack.Map {
		return
	}
	b = b[h.Size:]
	for range h.N {
		name, size := msgpack.ShortString(b)
		if size == 0 {
			k := msgpack.Read(b)
			if k.Kind != msgpack.String && k.Kind != msgpack.Binary || uint64(len(b)-k.Size) < k.N {
				return
			}
			size = k.Size + int(k.N)
			name = b[k.Size:size]
		}
		b = b[size:]
		rest, err := msgpack.Skip(b)
		if err != nil {
			return
		}
		*m = append(*m, struct{ name, value []byte }{name, b[:len(b)-len(rest)]})
		b = rest
	}
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

// each calls f with the members of a map until it returns false.
func each(m []byte, f func(name, v []byte) bool) {
	all := make(members, 0, 16) // on the stack
	all.read(m)
	for i := range all {
		if !f(all[i].name, all[i].value) {
			return
		}
	}
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
		if text, ok := scalar(got, h); ok && equalText(m.buf, want, text) {
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
	case equal && (alike || f.As == "number" && isNumber):
		return same
	case equal && isNumber && whole(expected, h):
		return wrongType
	case equal:
		return same
	case alike, isNumber:
		return wrongValue
	}
	text, ok := scalar(got, h)
	if ok && equalText(m.buf, want, text) {
		return wrongType
	}
	if !ok {
		return wrongType
	}
	return wrongValue
}

// whole reports whether an integer was expected and a double arrived.
func whole(want, got msgpack.Header) bool {
	return want.Kind == msgpack.Integer && got.Kind == msgpack.Float
}

func isBool(k msgpack.Kind) bool { return k == msgpack.True || k == msgpack.False }

// equalText reports whether a text is that of a value.
func equalText(_ []byte, want value.Value, text []byte) bool {
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
	case math.Abs(a-b) <= tolerance.Seconds()+1e-9*math.Abs(a)*1e-6:
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
func extra(m []byte, prefix string, only []string, f func(path string, v []byte)) {
	each(m, func(name, v []byte) bool {
		path := prefix + string(name)
		covered, inside := false, false
		for _, o := range only {
			covered = covered || o == path
			inside = inside || strings.HasPrefix(o, path+".")
		}
		switch {
		case covered:
		case inside && msgpack.Read(v).Kind == msgpack.Map:
			extra(v, path+".", only, f)
		default:
			f(path, v)
		}
		return true
	})
}
