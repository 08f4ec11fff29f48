// SPDX-License-Identifier: Apache-2.0

package fake_test

import (
	"fmt"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/gdummy/gdummy/internal/generate/template"
	"github.com/gdummy/gdummy/internal/generate/value"
)

// body returns the value v of record k.
func body(p *template.Program, k uint64) value.Value { return bodyAt(p, exampleTime, k).Field("v") }

// bodyAt returns record k at a time.
func bodyAt(p *template.Program, t int64, k uint64) value.Value {
	return value.OfRaw(p.AppendBody(nil, t, k))
}

// The occurrences of a key are numbered from 0 without gaps, a block has each key as
// often as it should, and a record alone is the record in sequence.
func TestKeyed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var call string
		var block int
		want := map[string]int{} // how often a block has each key
		switch n := rapid.IntRange(1, 40).Draw(t, "n"); rapid.SampledFrom([]string{"even", "zipf", "weighted"}).Draw(t, "kind") {
		case "even":
			call, block = fmt.Sprintf("keyed %d", n), n
			for i := range n {
				want[fmt.Sprint(i+1)] = 1
			}
		case "weighted":
			call = "keyed_weighted"
			for i := range n {
				w := rapid.IntRange(1, 9).Draw(t, "w")
				call += fmt.Sprintf(` "k%d" %d`, i, w)
				want[fmt.Sprintf(`"k%d"`, i)] = w
				block += w
			}
		default:
			s := rapid.Float64Range(0.1, 3).Draw(t, "s")
			call = fmt.Sprintf("keyed %d %v", n, s)
			sum := 0.0
			for i := range n {
				sum += math.Pow(float64(i+1), -s)
			}
			for i := range n {
				w := max(1, int(math.Round(16*float64(n)*math.Pow(float64(i+1), -s)/sum)))
				want[fmt.Sprint(i+1)] = w
				block += w
			}
		}
		p, alone := mustCompile(t, `{"v": {{ `+call+` }}}`), mustCompile(t, `{"v": {{ `+call+` }}}`)
		counts := map[string]int{}
		lone := uint64(rapid.IntRange(0, 3*block-1).Draw(t, "lone"))
		for k := range uint64(3 * block) {
			row := body(p, k)
			key := string(row.Field("key").AppendJSON(nil))
			if got := row.Field("nth").Int(); got != int64(counts[key]) {
				t.Fatalf("%s: record %d has %s the %dth time, want %d", call, k, key, got, counts[key])
			}
			counts[key]++
			if k == lone {
				if a, b := string(row.AppendJSON(nil)), string(body(alone, k).AppendJSON(nil)); a != b {
					t.Fatalf("%s: record %d is %s, and %s alone", call, k, a, b)
				}
			}
			if (k+1)%uint64(block) == 0 {
				for key, n := range want {
					if counts[key] != n*int(k+1)/block {
						t.Fatalf("%s: %s came %d times in %d records, want %d a block of %d", call, key, counts[key], k+1, n, block)
					}
				}
			}
		}
	})
}

// A number that is not how often a key came before has no value.
func TestNegativeNth(t *testing.T) {
	for _, call := range []string{`grow 5 "a" (sub seq 2)`, `grow 5.5 "a" (sub seq 2)`, `wander 1 2 0.1 "a" (sub seq 2)`, `drift 1 2 0.1 "a" (sub seq 2)`} {
		p := mustCompile(t, `{"v": {{ `+call+` }}}`)
		for k := range uint64(4) {
			if v := body(p, k); (v.K == value.Nil) != (k < 2) {
				t.Errorf("%s: record %d has %s", call, k, v.AppendJSON(nil))
			}
		}
	}
}

// A counter's steps are above 0 and below twice the mean.
func TestGrow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		mean := rapid.IntRange(1, 1000).Draw(t, "mean")
		p := mustCompile(t, fmt.Sprintf(`{{ $h := keyed 3 }}{"v": {"k": {{ $h.key }}, "i": {{ grow %d $h.key $h.nth }}, "f": {{ grow %d.5 $h.key $h.nth }}}}`, mean, mean))
		ints, floats := map[int64]int64{}, map[int64]float64{}
		for k := range uint64(900) {
			v := body(p, k)
			key, i, f := v.Field("k").Int(), v.Field("i").Int(), v.Field("f").Float()
			if k >= 3 {
				if step := i - ints[key]; step <= 0 || step >= 2*int64(mean) {
					t.Fatalf("a counter with the mean %d grows by %d", mean, step)
				}
				if step := f - floats[key]; step <= 0 || step >= 2*float64(mean)+1 {
					t.Fatalf("a counter with the mean %d.5 grows by %v", mean, step)
				}
			}
			ints[key], floats[key] = i, f
		}
		if n := ints[1]; n < 299*int64(mean) || n >= 300*int64(mean) {
			t.Errorf("a counter with the mean %d is at %d after 300 steps", mean, n)
		}
	})
}
