// SPDX-License-Identifier: Apache-2.0

package fake_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/gdummy/gdummy/internal/testenv"
)

// Each value is within its range, and no farther from the one before than a step, early
// and late in a stream. A value alone is the value in sequence, and shards have the
// records of one stream.
func TestWanderAndDrift(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lo := rapid.Float64Range(0.001, 1000).Draw(t, "lo")
		hi := lo * rapid.Float64Range(1.01, 100).Draw(t, "ratio")
		share := rapid.Float64Range(0.0005, 1).Draw(t, "share")
		shift := lo * rapid.SampledFrom([]float64{0, 0, -50, 1e5}).Draw(t, "shift")
		low, high := lo+shift, hi+shift
		step := max(rapid.Float64Range(0.001, 1).Draw(t, "step")*(high-low), max(-low, high)*1e-9)
		first := rapid.SampledFrom([]int64{0, 1020, 1<<20 + 900, 1<<49 - 100}).Draw(t, "first")
		start := rapid.SampledFrom([]string{"", "(per $h.key (uniform 10 20))", "17.25"}).Draw(t, "start")
		text := fmt.Sprintf(`{{ $h := keyed 3 }}{{ $n := add $h.nth %d }}{"v": {"k": {{ $h.key }}, "w": {{ wander %v %v %v $h.key $n %s }}, "d": {{ drift %v %v %v $h.key $n %s }}}}`,
			first, low, high, step, start, lo, hi, share, start)
		p, alone := mustCompile(t, text), mustCompile(t, text)
		wandered, drifted := map[int64]float64{}, map[int64]float64{}
		lone := uint64(rapid.IntRange(0, 899).Draw(t, "lone"))
		shards := []interface {
			AppendBody([]byte, int64, uint64) []byte
		}{mustCompile(t, text), mustCompile(t, text)}
		for k := range uint64(900) {
			v := body(p, k)
			key, w, d := v.Field("k").Int(), v.Field("w").Float(), v.Field("d").Float()
			if w < low || w > high || d < lo || d > hi {
				t.Fatalf("%s: %v and %v are outside of %v to %v and %v to %v", text, w, d, low, high, lo, hi)
			}
			if before, ok := wandered[key]; ok && math.Abs(w-before) > step {
				t.Fatalf("%s: a step from %v to %v", text, before, w)
			}
			if before, ok := drifted[key]; ok && math.Abs(d/before-1) > share {
				t.Fatalf("%s: a step from %v to %v", text, before, d)
			}
			if first == 0 && start == "17.25" && k < 3 && (w != min(max(17.25, low), high) || math.Abs(d/min(max(17.25, lo), hi)-1) > 1e-12) {
				t.Fatalf("%s: it begins with %v and %v", text, w, d)
			}
			wandered[key], drifted[key] = w, d
			want := string(p.AppendBody(nil, exampleTime, k))
			if got := string(shards[k%2].AppendBody(nil, exampleTime, k)); got != want {
				t.Fatalf("%s: record %d of its shard differs", text, k)
			}
			if k == lone && string(alone.AppendBody(nil, exampleTime, k)) != want {
				t.Fatalf("%s: record %d alone differs", text, k)
			}
		}
	})
}

// Steps are uniformly distributed, and know nothing of each other, near or far. So sums
// of many have the deviation that sums of independent steps have.
func TestSteps(t *testing.T) {
	const n, bins = 200_000, 50
	for _, first := range []int64{0, 1<<40 + 12345} {
		p := mustCompile(t, fmt.Sprintf(`{"v": {{ wander -1e8 1e8 1 "a" (add seq %d) 0 }}}`, first))
		var steps []float64
		at := body(p, 0).Float()
		if first == 0 && at != 0 {
			t.Errorf("it begins with %v, want 0", at)
		}
		for k := range uint64(n) {
			next := body(p, k+1).Float()
			steps = append(steps, next-at)
			at = next
		}
		var counts [bins]int
		for _, x := range steps {
			counts[min(int((x+1)/2*bins), bins-1)]++
		}
		chi := 0.0
		for _, c := range counts {
			chi += math.Pow(float64(c)-n/bins, 2) / (n / bins)
		}
		if chi > 94 { // once in 10,000 keys
			t.Errorf("steps from %d on are distributed like this (%.1f): %v", first, chi, counts)
		}
		for _, far := range []int{1, 2, 3, 4, 7, 8, 9, 16, 64, 1000, 1024} {
			sum := 0.0
			for i, x := range steps[far:] {
				sum += x * steps[i]
			}
			if r := sum / float64(n-far) * 3; math.Abs(r) > 4/math.Sqrt(n) {
				t.Errorf("steps from %d on that are %d apart have a correlation of %.4f", first, far, r)
			}
		}
	}
	const keys = 5000
	for _, n := range []uint64{1, 2, 3, 5, 8, 100, 1023, 1024, 1025, 1_000_000, 1<<40 + 1} {
		p := mustCompile(t, fmt.Sprintf(`{"v": {{ wander -1e9 1e9 1 seq %d 0 }}}`, n))
		squares, fourth := 0.0, 0.0
		for k := range uint64(keys) {
			x := body(p, k).Float() / math.Sqrt(float64(n)/3)
			squares += x * x / keys
			fourth += x * x * x * x / keys
		}
		if want := 3 - 1.2/float64(n); math.Abs(squares-1) > 0.08 || math.Abs(fourth-want) > 0.6 {
			t.Errorf("sums of %d steps have the variance %.3f and the fourth moment %.3f, want 1 and %.3f", n, squares, fourth, want)
		}
	}
}

// A walk that is mirrored at its limits is everywhere equally often, and so are the
// first values of keys.
func TestWanderIsWide(t *testing.T) {
	for _, call := range []string{`wander 10 20 2 "a" seq`, `wander 10 20 0.01 seq 0`, `wander 10 20 0.01 seq 100000`} {
		const n = 100_000
		p := mustCompile(t, `{"v": {{ `+call+` }}}`)
		var counts [10]int
		for k := range uint64(n) {
			counts[min(int(body(p, k).Float()-10), 9)]++
		}
		for _, c := range counts {
			if math.Abs(float64(c)-n/10) > n/100 {
				t.Errorf("%s is distributed like this: %v", call, counts)
				break
			}
		}
	}
}

// Values do not depend on what is kept of other keys.
func TestWanderOfManyKeys(t *testing.T) {
	const keys, text = 3000, `{{ $key := mod (mul seq 7) 3000 }}{"v": {{ wander 0 100 1 $key (add 1018 (div seq 3000)) }}}`
	p, backwards := mustCompile(t, text), mustCompile(t, text)
	var values []string
	for k := range uint64(12 * keys) {
		values = append(values, string(p.AppendBody(nil, exampleTime, k)))
	}
	for k := range slices.Backward(values) {
		if got := string(backwards.AppendBody(nil, exampleTime, uint64(k))); got != values[k] {
			t.Fatalf("record %d is another backwards", k)
		}
	}
}

// Values with a memory are made without allocating.
func TestWanderAllocations(t *testing.T) {
	p := mustCompile(t, `{{ $h := keyed 100 }}{"w": {{ wander 0 100 1 $h.key $h.nth (per $h.key (int 40 60)) }}, "d": {{ drift 1 100 0.05 $h.key $h.nth }}}`)
	var dst []byte
	k := uint64(0)
	if n := testenv.AllocsPerRun(5000, func() { dst, k = p.AppendBody(dst[:0], exampleTime, k), k+1 }); n > 0 {
		t.Errorf("%v allocations per record, want 0", n)
	}
}

func BenchmarkWander(b *testing.B) {
	for _, n := range []uint64{100, 1_000_000, 1 << 40} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			p := mustCompile(b, fmt.Sprintf(`{"v": {{ wander 0 100 1 "a" (add seq %d) }}}`, n))
			var dst []byte
			b.ReportAllocs()
			for k := range uint64(b.N) {
				dst = p.AppendBody(dst[:0], exampleTime, k)
			}
		})
	}
}
