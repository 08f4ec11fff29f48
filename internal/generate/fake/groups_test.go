// SPDX-License-Identifier: Apache-2.0

package fake_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Groups follow one another without gaps, and each has the size that all of its records
// say. A block has each size once, and a record alone is the record in sequence.
func TestGroup(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		low := rapid.IntRange(1, 20).Draw(t, "low")
		sizes := rapid.IntRange(1, 12).Draw(t, "sizes")
		before := rapid.IntRange(0, 30).Draw(t, "before")
		text := fmt.Sprintf(`{{ $g := group %d %d (sub seq %d) }}{"v": {{ $g }}, "size": {{ $g.size }}}`, low, low+sizes-1, before)
		p, alone := mustCompile(t, text), mustCompile(t, text)
		block := sizes * (2*low + sizes - 1) / 2
		lone := rapid.IntRange(0, before+3*block-1).Draw(t, "lone")
		seen := map[int64]int{} // by size
		number, index, size := int64(0), int64(0), int64(0)
		for k := range before + 3*block {
			v := bodyAt(p, exampleTime, uint64(k)).Field("v")
			if got := string(v.AppendJSON(nil)); k < before != (got == "null") {
				t.Fatalf("%s: record %d of no group is %s", text, k, got)
			}
			if k == lone && string(v.AppendJSON(nil)) != string(body(alone, uint64(k)).AppendJSON(nil)) {
				t.Fatalf("%s: record %d alone is another", text, k)
			}
			if k < before {
				continue
			}
			if index == 0 {
				size = v.Field("size").Int()
				seen[size]++
			}
			want := fmt.Sprintf(`{"number":%d,"index":%d,"size":%d,"last":%v}`, number, index, size, index == size-1)
			if got := string(v.AppendJSON(nil)); got != want {
				t.Fatalf("%s: record %d is %s, want %s", text, k, got, want)
			}
			if index++; index == size {
				number, index = number+1, 0
			}
			if done := k - before + 1; done%block == 0 {
				for i := range sizes {
					if seen[int64(low+i)] != done/block {
						t.Fatalf("%s: after %d records, groups of each size: %v", text, done, seen)
					}
				}
			}
		}
	})
}

// What cannot be a group is refused.
func TestGroupErrors(t *testing.T) {
	for text, want := range map[string]string{
		`{"a": {{ (group 0 3 seq).index }}}`:    "group: LOW is 0, expected 1 to 1099511627776",
		`{"a": {{ (group 4 3 seq).index }}}`:    "group: HIGH is 3, expected 4 to 1027",
		`{"a": {{ (group 4 1028 seq).index }}}`: "group: HIGH is 1028, expected 4 to 1027",
		`{"a": {{ (group 4 5 seq).sise }}}`:     "unknown column sise; did you mean size?",
	} {
		if _, err := compile(text); err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%s: %v\nwant %s", text, err, want)
		}
	}
}
