// SPDX-License-Identifier: Apache-2.0

package pace

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestBounds(t *testing.T) {
	for _, tt := range []struct {
		spec      string
		from, to  time.Duration
		low, high float64
		why       string
	}{
		{"500", 0, time.Hour, 500, 500, "a rate that does not move"},
		{"bursts 5k on 200ms off 1.8s base 100", 0, time.Minute, 100, 5000, "many bursts"},
		{"bursts 5k on 200ms off 1.8s base 100", 0, 200 * time.Millisecond, 5000, 5000, "within a burst"},
		{"bursts 5k on 200ms off 1.8s base 100", 200 * time.Millisecond, 2 * time.Second, 100, 100, "within a gap"},
		{"bursts 5k on 200ms off 1.8s base 100", time.Second, 2*time.Second + 1, 100, 5000, "the first ns of the next burst"},
		{"ramp 0 to 100 for 10s", 2 * time.Second, 5 * time.Second, 20, 50, "a part of a ramp"},
		{"ramp 100 to 0 for 10s", 0, 20 * time.Second, 0, 100, "all of it and what follows"},
		{"sine 10 to 20 every 1h", 0, time.Hour, 10, 20, "a whole period"},
		{"sine 10 to 20 every 1h", 20 * time.Minute, 40 * time.Minute, 17.5, 20, "around the peak"},
		{"sine 10 to 20 every 1h from peak", 20 * time.Minute, 40 * time.Minute, 10, 12.5, "around the trough"},
		{"sine 10 to 20 every 1h", 5 * time.Minute, 15 * time.Minute, 10.669873, 15, "between the two"},
		{"steps 10 to 30 by 10 every 10s", 5 * time.Second, 15 * time.Second, 10, 20, "two steps of three"},
		{"1 for 1s; 9 for 1s; repeat", 500 * time.Millisecond, 900 * time.Millisecond, 1, 1, "a part of a cycle"},
		{"1 for 1s; 9 for 1s; repeat", 3500 * time.Millisecond, 4500 * time.Millisecond, 1, 9, "across the end of a cycle"},
		{"1 for 1s; 9 for 1s; 5 for 1s; repeat", 5500 * time.Millisecond, 6500 * time.Millisecond, 1, 5, "not the middle"},
		{"1 for 1s; 9 for 1s; 5 for 1s; repeat", 2500 * time.Millisecond, 6500 * time.Millisecond, 1, 9, "the middle of a cycle in between"},
		{"1 for 1s; 9 for 1s; 5 for 1s; repeat", 0, time.Hour, 1, 9, "many cycles"},
		{"9 for 1s", 500 * time.Millisecond, time.Second, 9, 9, "up to the end"},
		{"9 for 1s", 500 * time.Millisecond, 2 * time.Second, 0, 9, "across the end"},
		{"9 for 1s", 2 * time.Second, 3 * time.Second, 0, 0, "after the end"},
	} {
		low, high := mustParse(t, tt.spec).Bounds(int64(tt.from), int64(tt.to))
		if math.Abs(low-tt.low) > 1e-6 || math.Abs(high-tt.high) > 1e-6 {
			t.Errorf("%s: Bounds(%v, %v) = %g, %g, want %g, %g: %s", tt.spec, tt.from, tt.to, low, high, tt.low, tt.high, tt.why)
		}
	}
}

// The chart agrees with the schedule: Records, RateAt and Bounds with Due.
func TestDrawing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := drawProfile(t, plainKinds)
		p := mustParse(t, text)
		from, to := max(drawMoment(t, p), 0), max(drawMoment(t, p), 0)
		from, to = min(from, to), max(from, to)
		records := p.Records(from, to)
		if due := float64(p.Due(to) - p.Due(from)); math.Abs(records-due) > 1+1e-15*due {
			t.Fatalf("%s: from %d to %d: %g records, but %g are due", text, from, to, records, due)
		}
		if from == to {
			return
		}
		low, high := p.Bounds(from, to)
		at := rapid.Int64Range(from, to-1).Draw(t, "between")
		if r := p.RateAt(at); r < low || r > high {
			t.Fatalf("%s: the rate at %d is %g, but from %d to %d it is %g to %g", text, at, r, from, to, low, high)
		}
		mean := records / (float64(to-from) / 1e9)
		slack := 1e-6 + 1e-9*high
		cycles := 1.0
		if p.repeat != 1 {
			cycles += float64(to-from) / float64(p.period)
		}
		for _, s := range p.segments { // what a sine may be off
			slack += cycles * float64(s.b) / quantaPerSecond * float64(s.every) * 0x1p-58 / float64(to-from)
		}
		if mean < low-slack || mean > high+slack {
			t.Fatalf("%s: from %d to %d the mean is %g, but the rate is %g to %g", text, from, to, mean, low, high)
		}
	})
}

func TestExtent(t *testing.T) {
	for _, tt := range []struct {
		spec string
		want time.Duration
		why  string
	}{
		{"500 for 10s", 10 * time.Second, "all of it"},
		{"500 for 10s; repeat 4", 40 * time.Second, "all of it"},
		{"500 for 10s; repeat", 30 * time.Second, "three cycles"},
		{"500", time.Minute, "a minute shows it"},
		{"ramp 0 to 5 for 3h; 5", 4 * time.Hour, "a third more than what moves"},
		{"sine 1 to 5 every 1d", 2 * day, "two periods"},
		{"bursts 1 on 1s off 9s", 50 * time.Second, "five periods"},
	} {
		if got := mustParse(t, tt.spec).Extent(); got != int64(tt.want) {
			t.Errorf("%s: Extent() = %v, want %v: %s", tt.spec, time.Duration(got), tt.want, tt.why)
		}
	}
}
