// SPDX-License-Identifier: Apache-2.0

package clock

import (
	"math"
	"math/big"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gdummy/gdummy/internal/generate/pace"
)

var start = time.Date(2024, 2, 28, 23, 0, 0, 0, time.UTC).UnixNano()

// The times of a few records in words that can be checked by hand.
func TestAt(t *testing.T) {
	profile := func(text string) *pace.Profile {
		p, err := pace.ParseProfile(text)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	for _, tt := range []struct {
		why   string
		clock *Clock
		want  map[uint64]time.Duration
	}{
		{"every 10 s, from the start on", Even(start, pace.FixedRate{Num: 10e9, Den: 1}, Layout{}),
			map[uint64]time.Duration{0: 0, 1: 10 * time.Second, 8640: 24 * time.Hour}},
		{"a third of a second", Even(start, pace.FixedRate{Num: 1e9, Den: 3}, Layout{}),
			map[uint64]time.Duration{1: 333333333, 2: 666666666, 3: time.Second, 3e9: 1e9 * time.Second}},
		{"three records a tick", Even(start, pace.FixedRate{Num: 10e9, Den: 1}, Layout{PerTick: 3}),
			map[uint64]time.Duration{0: 0, 1: 1, 2: 2, 3: 10 * time.Second, 5: 10*time.Second + 2}},
		{"500 a second: the first is due after 2 ms", Along(start, pace.FixedRate{Num: 1e9, Den: 500}, Speed{1, 1}, Layout{}),
			map[uint64]time.Duration{0: 2 * time.Millisecond, 499: time.Second}},
		{"500 a second, a day in a minute", Along(start, pace.FixedRate{Num: 1e9, Den: 500}, Speed{1440, 1}, Layout{}),
			map[uint64]time.Duration{0: 2880 * time.Millisecond, 29999: 24 * time.Hour}},
		{"half as fast", Along(start, pace.FixedRate{Num: 1e9, Den: 500}, Speed{1, 2}, Layout{}),
			map[uint64]time.Duration{0: time.Millisecond, 999: time.Second}},
		{"along a profile", Along(start, profile("10 for 1s; 100"), Speed{1, 1}, Layout{}),
			map[uint64]time.Duration{0: 100 * time.Millisecond, 9: time.Second, 10: 1010 * time.Millisecond}},
		{"from position 7 on, three lanes of two", Along(start, pace.FixedRate{Num: 1e9, Den: 1}, Speed{1, 1}, Layout{Origin: 7, PerTick: 2, Lanes: 3}),
			map[uint64]time.Duration{7: time.Second, 9: time.Second, 10: time.Second + 1, 12: time.Second + 1, 13: 2 * time.Second}},
	} {
		for position, want := range tt.want {
			if got := time.Duration(tt.clock.At(position) - start); got != want {
				t.Errorf("%s: position %d is at %v, want %v", tt.why, position, got, want)
			}
		}
	}
}

// draw returns any clock.
func draw(t *rapid.T) *Clock {
	l := Layout{
		Origin:  rapid.SampledFrom([]uint64{0, 0, 5, 1e12}).Draw(t, "origin"),
		PerTick: rapid.Uint64Range(1, 5).Draw(t, "per tick"),
		Lanes:   rapid.Uint64Range(1, 4).Draw(t, "lanes"),
	}
	at := rapid.Int64Range(0, Last).Draw(t, "start")
	rate := pace.FixedRate{Num: rapid.Uint64Range(1, 1e12).Draw(t, "num"), Den: rapid.Uint64Range(1, 1e6).Draw(t, "den")}
	switch rapid.IntRange(0, 3).Draw(t, "kind") {
	case 0:
		return Even(at, rate, l)
	case 1:
		return Along(at, rate, Speed{1, 1}, l)
	case 2:
		return Along(at, rate, Speed{rapid.Uint64Range(1, 1e5).Draw(t, "speed"), rapid.Uint64Range(1, 1e3).Draw(t, "slowness")}, l)
	}
	p, err := pace.ParseProfile(rapid.SampledFrom([]string{"100", "ramp 0 to 500 for 10s; 500", "5 for 1s; idle for 3s; repeat", "poisson 20", "poisson 700M", "3M, jitter 100%", "5 for 2s"}).Draw(t, "profile"))
	if err != nil {
		t.Fatal(err)
	}
	return Along(at, p, Speed{rapid.Uint64Range(1, 1e3).Draw(t, "speed"), rapid.Uint64Range(1, 1e3).Draw(t, "slowness")}, l)
}

// A walk visits the same times as calls for each position alone, from anywhere and
// with any stride.
func TestWalk(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := draw(t)
		position := c.origin + rapid.OneOf(rapid.Uint64Range(0, 100), rapid.Uint64Range(0, 1e15)).Draw(t, "position")
		stride := rapid.Uint64Range(1, 12).Draw(t, "stride")
		w := c.Walk(position, stride)
		last := int64(-1)
		times := make([]int64, 50)
		half := rapid.IntRange(0, 50).Draw(t, "half")
		w.Fill(times[:half])
		w.Fill(times[half:])
		for i, got := range times {
			want := c.At(position + uint64(i)*stride)
			if got != want {
				t.Fatalf("position %d is at %d alone, and at %d in a walk", position+uint64(i)*stride, want, got)
			}
			if got < 0 || got > Last || got < last && c.perTick == 1 {
				t.Fatalf("position %d is at %d, the one before at %d", position+uint64(i)*stride, got, last)
			}
			last = got
		}
	})
}

// A clock survives its text: the ledger has it.
func TestText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := draw(t)
		again, err := Parse(c.String())
		if err != nil || again.String() != c.String() {
			t.Fatalf("%s is read as %v, %v", c, again, err)
		}
		for range 20 {
			position := c.origin + rapid.OneOf(rapid.Uint64Range(0, 100), rapid.Uint64Range(0, 1e15)).Draw(t, "position")
			if got, want := again.At(position), c.At(position); got != want {
				t.Fatalf("%s: position %d is at %d, and at %d when read again", c, position, want, got)
			}
		}
	})
	for _, text := range []string{"", "even", "even:0:0:1:1:1/1:5/1", "even:0:0:1:1:1/1:5/1:2", "even:0:0:0:1:1/1:5/1:0", "even:-1:0:1:1:1/1:5/1:0",
		"even:0:0:1:1:1/1:5/0:0", "even:0:0:1:1:1/1:5/1:0:7", "profile:0:0:1:1:1/1:often", "odd:0:0:1:1:1/1:5/1:0", "due"} {
		if c, err := Parse(text); err == nil {
			t.Errorf("%q is read as %s", text, c)
		}
	}
}

// End separates the positions up to a time from those after it.
func TestEnd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := draw(t)
		end := c.start + rapid.Int64Range(-5, 1e11).Draw(t, "span")
		n := c.End(end)
		within := func(position uint64) bool {
			tick, _ := c.place(position)
			at := c.due(tick)
			return at < end-c.start || c.lead == 1 && at == end-c.start
		}
		if n > c.origin && !within(n-1) {
			t.Fatalf("position %d is before the end, but at %d", n-1, c.At(n-1))
		}
		if n != pace.Unbounded && within(n) {
			t.Fatalf("position %d is at the end or after it, but at %d", n, c.At(n))
		}
	})
}

// Times are exact where 64 bits do not hold the products.
func TestExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := Speed{rapid.Uint64Range(1, math.MaxUint64).Draw(t, "num"), rapid.Uint64Range(1, math.MaxUint64).Draw(t, "den")}
		at := rapid.Int64Range(0, math.MaxInt64-1).Draw(t, "t")
		want := new(big.Int).Mul(big.NewInt(at), new(big.Int).SetUint64(s.Num))
		want.Quo(want, new(big.Int).SetUint64(s.Den))
		got := s.Scale(at)
		if !want.IsInt64() {
			want.SetInt64(pace.Never)
		}
		if got != want.Int64() {
			t.Fatalf("%d times %d/%d is %d, want %s", at, s.Num, s.Den, got, want)
		}
		if got == pace.Never {
			return
		}
		if latest := s.Latest(got); latest < at || latest != pace.Never && s.Scale(latest) != got || latest < pace.Never-1 && s.Scale(latest+1) == got {
			t.Fatalf("the latest time with %d is %d, whose is %d", got, latest, s.Scale(latest))
		}
	})
}

// The times of many records cost little, and no memory.
func TestNoAllocations(t *testing.T) {
	c := Even(start, pace.FixedRate{Num: 1e9, Den: 3}, Layout{PerTick: 3})
	times := make([]int64, 256)
	if n := testing.AllocsPerRun(100, func() {
		w := c.Walk(12345, 2)
		w.Fill(times)
		c.At(1e9)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkWalk(b *testing.B) {
	for _, bb := range []struct {
		name   string
		clock  *Clock
		stride uint64
	}{
		{"step", Even(start, pace.FixedRate{Num: 10e9, Den: 1}, Layout{}), 1},
		{"fraction", Even(start, pace.FixedRate{Num: 1e9, Den: 3}, Layout{}), 1},
		{"copies", Even(start, pace.FixedRate{Num: 1e9, Den: 3}, Layout{PerTick: 3}), 1},
		{"shard", Even(start, pace.FixedRate{Num: 1e9, Den: 3}, Layout{PerTick: 3}), 7},
	} {
		b.Run(bb.name, func(b *testing.B) {
			times := make([]int64, 256)
			position := uint64(0)
			for b.Loop() {
				w := bb.clock.Walk(position, bb.stride)
				w.Fill(times)
				position += 256 * bb.stride
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(times)), "ns/record")
		})
	}
}

// doubling are moments of which each is twice the one before.
type doubling struct{}

func (doubling) At(position uint64) int64 { return 1 << min(position, 62) }

func (doubling) Due(t int64) (n uint64) {
	for n < 62 && int64(1)<<n <= t {
		n++
	}
	return n
}

// A clock follows the moments of a stream, from the start or from any record on, and is
// the same after it was written and read.
func TestFollow(t *testing.T) {
	for _, tt := range []struct {
		origin, position uint64
		want             int64 // after the start
	}{{0, 0, 1}, {0, 10, 1024}, {4, 4, 8}, {4, 5, 24}, {4, 0, -7}} {
		c := Follow(start, doubling{}, tt.origin)
		again, err := Parse(c.String())
		if err != nil {
			t.Fatal(err)
		}
		again.Bind(doubling{})
		for _, c := range []*Clock{c, again} {
			if got := c.At(tt.position) - start; got != tt.want {
				t.Errorf("from %d: position %d is at %d, want %d", tt.origin, tt.position, got, tt.want)
			}
			if got := c.End(start + tt.want); got != max(tt.position+1, tt.origin) {
				t.Errorf("from %d: %d positions until %d, want %d", tt.origin, got, tt.want, tt.position+1)
			}
			if from, to := c.Block(tt.position, 1<<40); tt.want >= 0 && (from != tt.origin || to != c.End(start+1<<40-1)) {
				t.Errorf("from %d: the block of %d is from %d to %d", tt.origin, tt.position, from, to)
			}
			w := c.Walk(tt.position, 3)
			times := make([]int64, 2)
			if w.Fill(times); times[0] != c.At(tt.position) || times[1] != c.At(tt.position+3) {
				t.Errorf("from %d: the walk from %d is %d", tt.origin, tt.position, times)
			}
		}
	}
	if last := Follow(start, doubling{}, 0).At(62); last != Last {
		t.Errorf("the last time is %d", last)
	}
}
