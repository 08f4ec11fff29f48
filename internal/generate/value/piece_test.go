// SPDX-License-Identifier: Apache-2.0

package value

import (
	"bytes"
	"strings"
	"testing"
	"unsafe"
)

// What is copied in one move is held against what append does: for all lengths
// around Reach, with and without room for the move.
func TestPiece(t *testing.T) {
	text := strings.Repeat("0123456789", 7)
	for n := range len(text) + 1 {
		s := text[:n]
		want := "head" + s
		for _, room := range []int{4, 4 + n, 3 + Reach, 4 + Reach, 200} {
			if room < 4 {
				continue
			}
			dst := append(make([]byte, 0, room), "head"...)
			if got := string(AppendPiece(dst, Piece(s), n)); got != want {
				t.Errorf("a piece of %d bytes into %d: %q, want %q", n, room, got, want)
			}
			for name, v := range map[string]Value{
				"string": OfString(s), "exact": OfBytes([]byte(s)[:n:n]),
				"wide": OfBytes(append([]byte(s), make([]byte, Reach)...)[:n]),
			} {
				if got := string(v.AppendS(append(make([]byte, 0, room), "head"...))); got != want {
					t.Errorf("a %s of %d bytes into %d: %q, want %q", name, n, room, got, want)
				}
				if v.S() != s {
					t.Errorf("a %s of %d bytes is %q", name, n, v.S())
				}
			}
		}
	}
}

// A block is read only where there is something to read.
func TestBlock(t *testing.T) {
	buf := bytes.Repeat([]byte("x"), 2*Reach)
	for _, tt := range []struct {
		name string
		v    Value
		want bool
	}{
		{"a string", OfString(string(buf[:3])), false},
		{"bytes with too little behind them", OfBytes(buf[: 3 : Reach-1]), false},
		{"bytes with just enough behind them", OfBytes(buf[:3:Reach]), true},
		{"a text of a whole block", OfBytes(buf[:Reach]), true},
		{"a longer text", OfBytes(buf[:Reach+1]), false},
		{"a copy", OfBytes(buf[:3]).Clone(), false},
		{"an object", OfRaw(buf[:3]), false},
		{"a negative integer", OfInt(-1), false},
		{"the lowest integer", OfInt(-1 << 63), false},
		{"a negative number", OfFloat(-1e300), false},
		{"null", Null, false},
	} {
		if got := tt.v.Block() != nil; got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

// A value of more than four words would go through memory at every call: templates
// took a quarter longer with five.
func TestSize(t *testing.T) {
	if n := unsafe.Sizeof(Value{}); n > 4*unsafe.Sizeof(uintptr(0)) {
		t.Errorf("a value has %d bytes", n)
	}
}
