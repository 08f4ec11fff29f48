// SPDX-License-Identifier: Apache-2.0

package recordscan

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/gdummy/gdummy/internal/recordid"
)

// Any subset with the sum is found. If there is none, none is found.
func TestSubsetSum(t *testing.T) {
	var f subsetSum
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 24).Draw(t, "members")
		hashes := make([]uint64, n)
		for i := range hashes {
			hashes[i] = rapid.Uint64().Draw(t, "hash") * 0x9e3779b97f4a7c15
		}
		set := rapid.Uint64Range(1, 1<<n-1).Draw(t, "added")
		k := bits.OnesCount64(set)
		want := uint64(0)
		for i, h := range hashes {
			if set>>i&1 == 1 {
				want += h
			}
		}
		got := f.find(hashes, k, want&recordid.SumMask)
		if choices(n, k) > maxChoices {
			return // too many subsets: a match may be chance
		}
		sum := uint64(0)
		for _, i := range got {
			sum += hashes[i]
		}
		if len(got) != k || sum&recordid.SumMask != want&recordid.SumMask || !slices.IsSorted(got) {
			t.Fatalf("%v of %d, want %b", got, n, set)
		}
	})
}

// If no subset has the sum, none is found, and the effort is limited.
func TestNoSubsetSum(t *testing.T) {
	var f subsetSum
	hashes := make([]uint64, 40)
	for i := range hashes {
		hashes[i] = uint64(2*i+2) << 20 // even, so that every sum is even
	}
	for n := range len(hashes) {
		for k := range n + 2 {
			if got := f.find(hashes[:n], k, 1); got != nil {
				t.Fatalf("%d of %d: %v", k, n, got)
			}
		}
	}
	// Small subsets, and those of all but a few, need few choices: 0, 1 or 2 of 16.
	for _, k := range []int{2, 30} {
		f.find(hashes[:32], k, 1)
		if n := len(f.left) + len(f.right); n != 2*(1+16+120) {
			t.Errorf("%d of 32: %d choices", k, n)
		}
	}
	// Sixteen consecutive hashes are found among any number.
	want := uint64(0)
	for _, h := range hashes[20:36] {
		want += h
	}
	if got := f.find(hashes, 16, want&recordid.SumMask); len(got) != 16 || got[0] != 20 || got[15] != 35 {
		t.Errorf("%v", got)
	}
}

// Added members of a large map are found if their number is plausible.
func TestHugeMaps(t *testing.T) {
	for _, c := range []struct {
		name           string
		before, behind int // number of members around those that were sent
		message, want  string
	}{
		{"whole", 0, 0, "dummy", "1 intact"},
		{"with many", 3000, 3000, "dummy", "1 enriched"},
		{"with very many, behind", 0, 50000, "dummy", "1 unchecked"},
		{"damaged", 0, 0, "other", "1 damaged"},
		{"damaged, with many", 3000, 3000, "other", "1 damaged"},
		{"damaged, with very many", 25000, 25000, "other", "1 unchecked"},
	} {
		var b strings.Builder
		b.WriteString("{")
		for i := range c.before {
			fmt.Fprintf(&b, `"b%d":%d,`, i, i)
		}
		fmt.Fprintf(&b, `"message":"%s","gdummy":"%s"`, c.message, id(t, 1, `{"message":"dummy"}`))
		for i := range c.behind {
			fmt.Fprintf(&b, `,"c%d":%d`, i, i)
		}
		b.WriteString("}")
		got, _ := scan(Options{}, b.String())
		if fmt.Sprint(got) != "["+c.want+"]" {
			t.Errorf("%s: %v, want %s", c.name, got, c.want)
		}
	}
}

func TestChoices(t *testing.T) {
	for _, c := range []struct{ n, k, want int }{
		{5, 0, 1}, {5, 1, 5}, {5, 2, 10}, {5, 5, 1}, {22, 10, 646646}, {23, 10, 1144066},
	} {
		if got := choices(c.n, c.k); got != c.want {
			t.Errorf("%d of %d: %d, want %d", c.k, c.n, got, c.want)
		}
	}
	if choices(32, 16) <= maxChoices || choices(1000, 500) <= maxChoices {
		t.Error("choices does not report an excessive number")
	}
}
