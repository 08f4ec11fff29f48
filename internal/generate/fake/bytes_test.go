// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"encoding/hex"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"

	"github.com/gdummy/gdummy/internal/generate/seed"
	"github.com/gdummy/gdummy/internal/generate/value"
)

// Code that works on many bytes at once is compared with code that works on one.

func TestCase(t *testing.T) {
	each := func(f func(rune) rune, s string) string {
		var b strings.Builder
		for _, r := range s {
			b.WriteRune(f(r))
		}
		return b.String()
	}
	check := func(s string) {
		t.Helper()
		// With other bytes after the text, and with and without capacity in dst.
		wide := value.OfBytes(append([]byte(s), strings.Repeat("Zz\xff", value.Reach)...)[:len(s)])
		for _, v := range []value.Value{value.OfString(s), wide} {
			for _, room := range []int{1, 200} {
				if got, want := string(appendCase(append(make([]byte, 0, room), 'X'), v, 'A', unicode.ToLower)), "X"+each(unicode.ToLower, s); got != want {
					t.Fatalf("lower %q: got %q, want %q", s, got, want)
				}
				if got, want := string(appendCase(append(make([]byte, 0, room), 'x'), v, 'a', unicode.ToUpper)), "x"+each(unicode.ToUpper, s); got != want {
					t.Fatalf("upper %q: got %q, want %q", s, got, want)
				}
			}
		}
	}
	all := ""
	for c := range rune(128) {
		all += string(c)
	}
	for n := range len(all) + 1 {
		check(all[:n])
		check(all[n:])
	}
	rapid.Check(t, func(t *rapid.T) { check(rapid.String().Draw(t, "text")) })
}

func TestHex(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v, n := rapid.Uint64().Draw(t, "v"), rapid.IntRange(1, 8).Draw(t, "n")
		b := make([]byte, 8)
		for i := range b {
			b[i] = byte(v >> (56 - 8*i))
		}
		if got, want := string(appendHex([]byte("x"), v, n)), "x"+hex.EncodeToString(b[8-n:]); got != want {
			t.Fatalf("%s, want %s", got, want)
		}
		all := hex.EncodeToString(b)
		want := all[:8] + "-" + all[8:12] + "-" + all[12:] + "-" + all[:4] + "-" + all[4:]
		if got := string(appendUUID(nil, v, v)); got != want {
			t.Fatalf("%s, want %s", got, want)
		}
	})
}

func TestIPv4(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ip := rapid.Uint32().Draw(t, "ip")
		want := "x" + netip.AddrFrom4([4]byte{byte(ip >> 24), byte(ip >> 16), byte(ip >> 8), byte(ip)}).String()
		if got := string(appendIPv4([]byte("x"), ip)); got != want {
			t.Fatalf("%s, want %s", got, want)
		}
	})
}

// A pool returns its texts unchanged, with and without capacity in dst.
func TestPool(t *testing.T) {
	var texts []string
	for n := range 70 {
		texts = append(texts, strings.Repeat(strconv.Itoa(n%10), n))
	}
	p := newPool(texts)
	for i, want := range texts {
		for _, room := range []int{0, 1, 31, 32, 33, 100} {
			dst := append(make([]byte, 0, 1+room), 'x')
			if got := string(p.append(dst, i)); got != "x"+want {
				t.Fatalf("text %d with room %d is %q, want %q", i, room, got, "x"+want)
			}
			if v := p.value(i); string(p.pack(dst, i)) != "x"+string(v.Append(nil)) || v.S() != want {
				t.Fatalf("text %d with room %d: pack differs from append", i, room)
			}
		}
	}
	rnd := seed.At(1, 1)
	seen := map[int]bool{}
	for range 2000 {
		seen[p.draw(&rnd)] = true
	}
	if len(seen) != len(texts) {
		t.Errorf("%d texts were drawn, want all %d", len(seen), len(texts))
	}
}
