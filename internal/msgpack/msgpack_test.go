// SPDX-License-Identifier: Apache-2.0

package msgpack

import (
	"bytes"
	"math"
	"testing"

	"github.com/tinylib/msgp/msgp"
)

// The headers of all kinds of values, at the limits of each form, as msgp writes them.
func TestRead(t *testing.T) {
	text := func(n int) string { return string(make([]byte, n)) }
	for _, tt := range []struct {
		name string
		b    []byte
		want Header
	}{
		{"nil", msgp.AppendNil(nil), Header{Kind: Nil, Size: 1}},
		{"false", msgp.AppendBool(nil, false), Header{Kind: False, Size: 1}},
		{"true", msgp.AppendBool(nil, true), Header{Kind: True, Size: 1}},
		{"0", msgp.AppendInt(nil, 0), Header{Kind: Integer, Size: 1}},
		{"127", msgp.AppendInt(nil, 127), Header{Kind: Integer, Size: 1, N: 127}},
		{"-1", msgp.AppendInt(nil, -1), Header{Kind: Integer, Negative: true, Size: 1, N: 1}},
		{"-32", msgp.AppendInt(nil, -32), Header{Kind: Integer, Negative: true, Size: 1, N: 32}},
		{"-33", msgp.AppendInt(nil, -33), Header{Kind: Integer, Negative: true, Size: 2, N: 33}},
		{"int8 1", []byte{0xd0, 1}, Header{Kind: Integer, Size: 2, N: 1}},
		{"-129", msgp.AppendInt(nil, -129), Header{Kind: Integer, Negative: true, Size: 3, N: 129}},
		{"-32769", msgp.AppendInt(nil, -32769), Header{Kind: Integer, Negative: true, Size: 5, N: 32769}},
		{"least", msgp.AppendInt64(nil, math.MinInt64), Header{Kind: Integer, Negative: true, Size: 9, N: 1 << 63}},
		{"uint8", msgp.AppendUint64(nil, 200), Header{Kind: Integer, Size: 2, N: 200}},
		{"uint16", msgp.AppendUint64(nil, 60000), Header{Kind: Integer, Size: 3, N: 60000}},
		{"uint32", msgp.AppendUint64(nil, 1<<32-1), Header{Kind: Integer, Size: 5, N: 1<<32 - 1}},
		{"uint64", msgp.AppendUint64(nil, math.MaxUint64), Header{Kind: Integer, Size: 9, N: math.MaxUint64}},
		{"float32", msgp.AppendFloat32(nil, 0.5), Header{Kind: Float, Size: 5, N: math.Float64bits(0.5)}},
		{"float64", msgp.AppendFloat64(nil, -0.1), Header{Kind: Float, Size: 9, N: math.Float64bits(-0.1)}},
		{"str", msgp.AppendString(nil, text(31)), Header{Kind: String, Size: 1, N: 31}},
		{"str8", msgp.AppendString(nil, text(32)), Header{Kind: String, Size: 2, N: 32}},
		{"str16", msgp.AppendString(nil, text(256)), Header{Kind: String, Size: 3, N: 256}},
		{"str32", msgp.AppendString(nil, text(1<<16)), Header{Kind: String, Size: 5, N: 1 << 16}},
		{"bin8", msgp.AppendBytes(nil, make([]byte, 3)), Header{Kind: Binary, Size: 2, N: 3}},
		{"bin16", msgp.AppendBytes(nil, make([]byte, 256)), Header{Kind: Binary, Size: 3, N: 256}},
		{"bin32", msgp.AppendBytes(nil, make([]byte, 1<<16)), Header{Kind: Binary, Size: 5, N: 1 << 16}},
		{"fixext8", []byte{0xd7, 0, 1, 2, 3, 4, 5, 6, 7, 8}, Header{Kind: Extension, Size: 2, N: 8}},
		{"fixext16", append([]byte{0xd8, 0}, make([]byte, 16)...), Header{Kind: Extension, Size: 2, N: 16}},
		{"ext8", []byte{0xc7, 3, 5, 1, 2, 3}, Header{Kind: Extension, Size: 3, N: 3}},
		{"ext16", []byte{0xc8, 0, 1, 5, 1}, Header{Kind: Extension, Size: 4, N: 1}},
		{"ext32", []byte{0xc9, 0, 0, 0, 1, 5, 1}, Header{Kind: Extension, Size: 6, N: 1}},
		{"array", msgp.AppendArrayHeader(nil, 15), Header{Kind: Array, Size: 1, N: 15}},
		{"array16", msgp.AppendArrayHeader(nil, 16), Header{Kind: Array, Size: 3, N: 16}},
		{"array32", msgp.AppendArrayHeader(nil, 1<<16), Header{Kind: Array, Size: 5, N: 1 << 16}},
		{"map", msgp.AppendMapHeader(nil, 15), Header{Kind: Map, Size: 1, N: 15}},
		{"map16", msgp.AppendMapHeader(nil, 16), Header{Kind: Map, Size: 3, N: 16}},
		{"map32", msgp.AppendMapHeader(nil, 1<<16), Header{Kind: Map, Size: 5, N: 1 << 16}},
		{"unused byte", []byte{0xc1}, Header{Kind: Invalid, Size: 1}},
		{"nothing", nil, Header{Kind: Incomplete}},
	} {
		if got := Read(tt.b); got != tt.want {
			t.Errorf("Read(%s) = %+v, want %+v", tt.name, got, tt.want)
		}
		for n := range tt.want.Size {
			if got := Read(tt.b[:n]); got.Kind != Incomplete {
				t.Errorf("Read(%d bytes of %s) = %+v, want Incomplete", n, tt.name, got)
			}
		}
		rest, err := Skip(append(bytes.Clone(tt.b), 0xc0))
		if tt.want.Values() == 0 && tt.want.Kind > Incomplete && (err != nil || len(rest) != 1) {
			t.Errorf("Skip(%s) leaves %d bytes, %v; want 1", tt.name, len(rest), err)
		}
	}
}

// ShortString is Read for strings of up to 31 bytes, and nothing else.
func TestShortString(t *testing.T) {
	text := "0123456789012345678901234567890"
	for _, tt := range []struct {
		b    []byte
		want string
		size int
	}{
		{msgp.AppendString(nil, ""), "", 1},
		{append(msgp.AppendString(nil, text), 'x'), text, 32},
		{msgp.AppendString(nil, text)[:31], "", 0},
		{msgp.AppendString(nil, text+"x"), "", 0},
		{[]byte{0x9f}, "", 0},
		{[]byte{0xc0}, "", 0},
		{nil, "", 0},
	} {
		if s, size := ShortString(tt.b); string(s) != tt.want || size != tt.size {
			t.Errorf("ShortString(% x) = %q, %d; want %q, %d", tt.b, s, size, tt.want, tt.size)
		}
	}
}

// A message that arrives byte by byte is read only once: Next does not notice that the
// bytes it has read are overwritten with an invalid one.
func TestFrameReadsOnce(t *testing.T) {
	msg := append([]byte{0x92, 0xa1, 'x', 0xdd, 0, 0, 3, 0}, bytes.Repeat([]byte{0x92, 1, 0x80}, 3<<8)...)
	f, seen := NewFrame(), bytes.Clone(msg)
	for i := range len(msg) {
		if _, err := f.Next(seen[:i], len(msg)); err != ErrShort {
			t.Fatalf("Next after %d of %d bytes: %v, want %v", i, len(msg), err, ErrShort)
		}
		for j := range f.at {
			seen[j] = 0xc1
		}
	}
	if n, err := f.Next(seen, len(msg)); err != nil || n != len(msg) {
		t.Fatalf("Next = %d, %v; want %d", n, err, len(msg))
	}
}

// A value that Skip accepts is also valid for msgp, with the same size.
func FuzzSkip(f *testing.F) {
	for _, b := range [][]byte{{0x81, 0xa1, 'a', 1}, {0x92, 0xd7, 0}, {0xdd, 255, 255, 255, 255}, {0xc1}, {0xc9, 0, 0, 0, 0, 0}} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		rest, err := Skip(b)
		want, wantErr := msgp.Skip(b)
		if (err == nil) != (wantErr == nil) || err == nil && len(rest) != len(want) {
			t.Fatalf("Skip(% x) leaves %d bytes, %v; msgp %d, %v", b, len(rest), err, len(want), wantErr)
		}
	})
}

// Member finds the first member of a name, and nothing in what is not a complete map.
func TestMember(t *testing.T) {
	m := msgp.AppendMapHeader(nil, 4)
	m = msgp.AppendInt(msgp.AppendInt(m, 1), 2) // a name that is not a string
	m = msgp.AppendString(msgp.AppendString(m, "a"), "first")
	m = msgp.AppendMapHeader(msgp.AppendString(m, "a long name, of more than thirty-one bytes"), 0)
	m = msgp.AppendNil(msgp.AppendString(m, "a"))
	for name, want := range map[string]string{"a": "\xa5first", "a long name, of more than thirty-one bytes": "\x80", "b": "", "": "", "\x01": ""} {
		at, end := Member(append(bytes.Clone(m), "more"...), name)
		if got := string(m[at:end]); got != want || (end > 0) != (want != "") {
			t.Errorf("Member(%q) is % x, from %d to %d; want % x", name, got, at, end, want)
		}
	}
	for n := range m[:bytes.Index(m, []byte("first"))+len("first")] {
		if at, end := Member(m[:n], "a"); at != 0 || end != 0 {
			t.Errorf("Member of %d bytes is from %d to %d, want 0 and 0", n, at, end)
		}
	}
	if at, end := Member(msgp.AppendString(nil, "a"), "a"); at != 0 || end != 0 {
		t.Errorf("Member of a string is from %d to %d, want 0 and 0", at, end)
	}
}
