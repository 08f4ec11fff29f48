// SPDX-License-Identifier: Apache-2.0

package clock

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gdummy/gdummy/internal/generate/pace"
)

// crowds are moments of which up to 1,000 in a row are the same.
type crowds []int64

func (c crowds) At(position uint64) int64 { return c[position] }

func (c crowds) Due(t int64) uint64 {
	i, _ := slices.BinarySearch(c, t+1)
	return uint64(i)
}

// However close random moments are together, no two records have the same time, and none
// is later than the records before it require. All times are the same in any order.
func TestSpacing(t *testing.T) {
	const count = 50_000
	random := rand.New(rand.NewPCG(1, 2))
	var moments crowds
	for at := int64(5); len(moments) < count+10_000; at += 1 + random.Int64N(2000) {
		for range 1 + random.IntN(2)*random.IntN(1000) {
			moments = append(moments, at)
		}
	}
	along := func(text string, speed Speed, l Layout) func() *Clock {
		return func() *Clock {
			p, err := pace.ParseProfile(text)
			if err != nil {
				t.Fatal(err)
			}
			return Along(start, p, speed, l)
		}
	}
	for _, tt := range []struct {
		name  string
		clock func() *Clock
		moved int // at least, of the records
	}{
		{"crowds", func() *Clock { return Follow(start, moments, 0) }, count / 2},
		{"poisson 1M", along("poisson 1M", Speed{1, 1}, Layout{}), 10},
		{"poisson 800M", along("poisson 800M", Speed{1, 1}, Layout{}), count / 2},
		{"poisson, slower", along("poisson 1M", Speed{1, 100}, Layout{}), count / 50},
		{"poisson, copies, lanes", along("poisson 20M", Speed{1, 1}, Layout{PerTick: 7, Lanes: 3}), 100},
		{"jitter", along("800M, jitter 100%", Speed{1, 1}, Layout{}), count / 10},
		{"cycles", along("poisson 300M for 10us; 900 for 2us; repeat", Speed{1, 1}, Layout{}), count / 20},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := tt.clock()
			moved := 0
			last := int64(-1)
			var times []int64
			for position := uint64(0); position < count; position++ {
				at := c.At(position)
				times = append(times, at)
				tick, part := c.place(position)
				if part > 0 || position%c.lanes > 0 {
					continue
				}
				want := c.moment(tick)
				if tick > 0 {
					want = max(want, last+int64(c.perTick))
				}
				if at-start != want {
					t.Fatalf("position %d is at %d, want %d", position, at-start, want)
				}
				if last = want; want > c.moment(tick) {
					moved++
				}
			}
			if moved < tt.moved {
				t.Errorf("%d moved, want at least %d", moved, tt.moved)
			}
			for lane := range c.lanes {
				for i := lane + c.lanes; i < count; i += c.lanes {
					if times[i] <= times[i-c.lanes] {
						t.Fatalf("position %d is at %d, the one before at %d", i, times[i], times[i-c.lanes])
					}
				}
			}
			again := tt.clock()
			for range 500 {
				i := random.IntN(count)
				if at := again.At(uint64(i)); at != times[i] {
					t.Fatalf("position %d is at %d alone, and at %d in a row", i, at, times[i])
				}
				end := times[i]
				n := again.End(end)
				if n > 0 && n <= count && times[n-1] > end+int64(c.perTick) || n < count && times[n] < end {
					t.Fatalf("the end at %d is position %d", end, n)
				}
			}
		})
	}
}

func BenchmarkSpacing(b *testing.B) {
	for _, text := range []string{"poisson 1M", "poisson 10M", "poisson 800M"} {
		b.Run(text, func(b *testing.B) {
			p, err := pace.ParseProfile(text)
			if err != nil {
				b.Fatal(err)
			}
			c := Along(start, p, Speed{1, 1}, Layout{})
			position := uint64(0)
			for b.Loop() {
				c.At(position)
				position++
			}
		})
	}
}
