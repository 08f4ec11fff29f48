// SPDX-License-Identifier: Apache-2.0

package lives

import (
	"fmt"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gdummy/gdummy/internal/generate/pace"
)

// drawCurve draws a curve up to a number of lives.
func drawCurve(t *rapid.T, open int64) *Curve {
	every := time.Duration(math.Pow(10, rapid.Float64Range(5, 14.5).Draw(t, "every")))
	low := rapid.Int64Range(0, open).Draw(t, "low")
	text := rapid.SampledFrom([]string{
		"sine %d to %d every %v", "bursts %[2]d on %[3]v off %[3]v base %[1]d", "%d for %[3]v; ramp %[1]d to %[2]d for %[3]v; idle for %[3]v; repeat",
	}).Draw(t, "profile")
	p, err := pace.ParseProfile(fmt.Sprintf(text, low, open, every))
	if err != nil {
		t.Fatal(err)
	}
	return NewCurve(p)
}

// A curve and its inverse agree, and a cycle has as much time of births as real time.
func TestCurve(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawCurve(t, 1000)
		at := rapid.Int64Range(-1<<60, 1<<60).Draw(t, "at")
		if got := c.births(at + c.cycle); got != c.births(at)+c.cycle {
			t.Fatalf("a cycle after %d, it is %d, want %d", at, got, c.births(at)+c.cycle)
		}
		m := c.moment(at)
		if c.births(m) < at || c.births(m-1) >= at {
			t.Fatalf("%d is at %d, where it is %d, after %d", at, m, c.births(m), c.births(m-1))
		}
	})
}

// As many lives are open as the curve has, if they are short.
func TestFollow(t *testing.T) {
	p, err := pace.ParseProfile("sine 10 to 90 every 24h; scale 10")
	if err != nil {
		t.Fatal(err)
	}
	for _, empty := range []bool{false, true} {
		m := &Machine{States: []string{"open", "closed"}, Ways: [][]Way{{to(1, 1)}, {}}, Dwell: []Dwell{{true, 10 * minute, 10 * minute, 0}, {}}}
		s, err := Follow(m, NewCurve(p), empty, 3)
		if err != nil {
			t.Fatal(err)
		}
		open, k := 0, uint64(0)
		if !empty {
			open = 100
		}
		for at := 15 * time.Minute; at < 3*24*time.Hour; at += 15 * time.Minute {
			for ; s.At(k) <= int64(at); k++ {
				if mustRecord(t, s, k).Step == 0 {
					open++
				} else {
					open--
				}
			}
			want := 100 + 800*(1-math.Cos(2*math.Pi*at.Hours()/24))/2
			if math.Abs(float64(open)-want) > 10+5*math.Sqrt(want) {
				t.Fatalf("after %v, %d lives are open, want about %.0f", at, open, want)
			}
		}
		if want := 2.0 / 600 * 500; math.Abs(s.Rate()/want-1) > 0.001 {
			t.Errorf("%v records per second, want %v", s.Rate(), want)
		}
	}
}

// What cannot be is refused, and a profile that does not repeat itself makes no curve.
func TestFollowErrors(t *testing.T) {
	for text, want := range map[string]string{
		"bursts 2000001 on 1s off 1s": "2e+06 lives at most, and 1e+06 on average: expected at most 1000000, and 100 times the average",
		"bursts 128 on 1s off 127s":   "128 lives at most, and 1 on average: expected at most 1000000, and 100 times the average",
		"100":                         "", "100 for 1h": "", "poisson 5": "", "daily 09:00 5, 18:00 1": "", "0 for 1h; repeat": "", "ramp 1 to 2 for 1h; repeat 5": "",
	} {
		p, err := pace.ParseProfile(text)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if c := NewCurve(p); c != nil {
			if _, err := Follow(orders(), c, false, 1); err != nil {
				got = err.Error()
			}
			if want == "" {
				t.Errorf("%s is a curve", text)
			}
		}
		if got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

// Any record of a stream with up to a hundred thousand open lives that follow a curve, alone.
func BenchmarkFollow(b *testing.B) {
	p, err := pace.ParseProfile("sine 10k to 100k every 24h")
	if err != nil {
		b.Fatal(err)
	}
	s, err := Follow(orders(), NewCurve(p), false, 1)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("alone", func(b *testing.B) {
		for i := range uint64(b.N) {
			s.Record(i * 0x9e3779b97f4a7c15 >> 24)
		}
	})
	b.Run("sequence", func(b *testing.B) {
		b.ReportAllocs()
		for k := range uint64(b.N) {
			s.Record(k)
		}
	})
}
