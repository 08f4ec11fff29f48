// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gdummy/gdummy/internal/event"
)

// Records follow the wall clock when it is set. Smaller deviations do not change the
// intervals between them.
func TestClockStep(t *testing.T) {
	s, _ := newStamper(config(t), epoch, 0, Clock{})
	due := func(mono time.Duration, wall time.Duration) time.Duration {
		s.set(epoch.Add(wall), int64(mono))
		return time.Duration(s.due(int64(mono)) - epoch.UnixNano())
	}
	for _, c := range []struct {
		why              string
		mono, wall, want time.Duration
	}{
		{"a slip of 100 µs", time.Second, time.Second + 100*time.Microsecond, time.Second},
		{"a step of an hour", 2 * time.Second, 2*time.Second + time.Hour, 2*time.Second + time.Hour},
		{"a step back", 3 * time.Second, 3*time.Second - time.Hour, 3*time.Second - time.Hour},
	} {
		if got := due(c.mono, c.wall); got != c.want {
			t.Errorf("%s: due at %v, want %v", c.why, got, c.want)
		}
	}
}

// stepped is a host whose wall clock is set occasionally. It keeps the times of the
// records, and for each the latest time of the wall clock so far.
type stepped struct {
	r     *rand.Rand
	e     *Engine
	wall  time.Time
	peak  int64 // the latest time of the wall clock so far, in nanoseconds since 1970
	left  int   // waits
	buf   []byte
	times []int64
	peaks []int64
	fail  func(err error)
}

func (w *stepped) clock() time.Time {
	w.peak = max(w.peak, w.wall.UnixNano())
	return w.wall
}

// step sets the wall clock. A test cannot construct times with a monotonic clock
// reading. Instead it moves the start too, so that the time since then is the same.
func (w *stepped) step(d time.Duration) {
	w.wall = w.wall.Add(d)
	w.e.start = w.e.start.Add(d)
	w.e.clock.began = w.e.clock.began.Add(d)
}

func (w *stepped) Wait(t time.Time) bool {
	d := max(t.Sub(w.clock()), time.Duration(w.r.Int64N(3000)))
	if w.r.IntN(20) == 0 {
		d += time.Duration(w.r.Int64N(int64(3 * time.Second))) // a stall
	}
	w.wall = w.wall.Add(d)
	if w.r.IntN(8) == 0 {
		limit := []time.Duration{time.Microsecond, time.Millisecond, 2 * time.Second, time.Hour}[w.r.IntN(4)]
		w.step(time.Duration(w.r.Int64N(2*int64(limit))) - limit)
	}
	w.left--
	return w.left > 0
}

func (w *stepped) Buffer() []byte { return w.buf[:0] }

func (w *stepped) Emit(_ string, records int, events []byte) {
	for range records {
		ev, rest, err := event.Decode(events)
		if err != nil {
			w.fail(err)
			return
		}
		w.times = append(w.times, ev.Time)
		w.peaks = append(w.peaks, w.peak)
		events = rest
	}
	if len(events) > 0 {
		w.fail(fmt.Errorf("%d bytes more than %d records", len(events), records))
	}
}

// No two records of an input have the same time, with any rate, copies and objects,
// however late the host is, however its clock is set, and across reloads. Each time
// is the due time, or 1 ns after the previous time if that is later.
func TestTimesIncrease(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		given := rapid.SampledFrom([][]string{
			{"rate", "unlimited"},
			{"rate", "unlimited", "start_time_sec", "1000"},
			{"rate", "1G", "copies", "2", "catch_up", "full"},
			{"rate", "100k"},
			{"rate", "333.3", "copies", "70"},
			{"rate", "10", "copies", "3", "flush_on_startup", "on"},
			{"rate", "50", "dummy", `{"a":1}{"b":2}{"c":3}`, "catch_up", "full"},
			{"rate", "50", "start_time_sec", "1000", "copies", "4", "start_delay", "1s"},
			{"bytes_rate", "3G"},
			{"rate", "333.3", "copies", "70", "time_speed", "0.3"},
			{"rate", "unlimited", "start_time_sec", "1000", "time_speed", "0.7"},
			{"rate", "100k", "start_time", "-24h", "time_speed", "1440", "start_delay", "1s"},
			{"load_profile", "poisson 2M for 1h"},
			{"rate", "1M", "template", `{"k": {{ seq }}}`},
			{"rate", "unlimited", "template", `{"k": {{ seq }}}`},
			{"rate", "20k", "copies", "2", "metadata_template", `{"k": {{ seq }}}`},
		}).Draw(t, "options")
		w := &stepped{
			r: rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0)), wall: epoch,
			buf: make([]byte, 0, 2*MaxSlice), fail: func(err error) { t.Fatal(err) },
		}
		var clock Clock
		for range rapid.IntRange(1, 4).Draw(t, "reloads") {
			w.left = 40
			w.e = New(config(t, append(given, "max_in_flight", "256k")...), Options{Form: event.V2, Now: w.clock, Clock: clock})
			before := len(w.times)
			for w.left > 0 {
				w.e.Run(w)
			}
			clock = w.e.Clock()
			relative := clock.kind.relative
			for i := before; i < len(w.times); i++ {
				if i > 0 && w.times[i] <= w.times[i-1] {
					t.Fatalf("%v: record %d has the time %d, the previous one %d", given, i, w.times[i], w.times[i-1])
				}
				// None is later than the latest time of the clock, except records that
				// would otherwise have the same time.
				if over := w.times[i] - w.peaks[i]; !relative && over > int64(i) {
					t.Fatalf("%v: record %d is %v ahead of the clock", given, i, time.Duration(over))
				}
			}
			w.wall = w.wall.Add(time.Second)
		}
		if len(w.times) == 0 {
			t.Fatalf("%v: no records", given)
		}
	})
}

// A records' clock with a start time continues across a reload, unless the start
// time changes.
func TestReloadKeepsClock(t *testing.T) {
	w := world{now: epoch, until: epoch.Add(2500 * time.Millisecond)}
	start := func(clock Clock, given ...string) *Engine {
		return New(config(t, given...), Options{Form: event.V2, Now: w.clock, Clock: clock})
	}
	first := start(Clock{}, "start_time_sec", "1700001000")
	first.Run(&w)
	w.now, w.until = epoch.Add(2500*time.Millisecond), epoch.Add(4*time.Second)
	second := start(first.Clock(), "start_time_sec", "1700001000")
	second.Run(&w)
	w.now, w.until = epoch.Add(4*time.Second), epoch.Add(5500*time.Millisecond)
	start(second.Clock(), "start_time_sec", "1700002000").Run(&w)

	var got []time.Duration
	for rest := w.events; len(rest) > 0; {
		var ev event.Event
		var err error
		if ev, rest, err = event.Decode(rest); err != nil {
			t.Fatal(err)
		}
		got = append(got, time.Duration(ev.Time-epoch.UnixNano()).Round(time.Millisecond))
	}
	want := []time.Duration{1001 * time.Second, 1002 * time.Second, 1003500 * time.Millisecond, 2001 * time.Second}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("times %v, want %v", got, want)
	}
}

// All records after the latest time that an event can represent have that time: none
// wraps around to 1970.
func TestEndOfTime(t *testing.T) {
	w := world{now: epoch, until: epoch.Add(time.Minute)}
	New(config(t, "start_time_sec", "4294967294", "rate", "1", "copies", "100000", "samples", "3"),
		Options{Form: event.V2, Now: w.clock}).Run(&w)
	last, n := int64(0), 0
	for rest := w.events; len(rest) > 0; n++ {
		var ev event.Event
		var err error
		if ev, rest, err = event.Decode(rest); err != nil {
			t.Fatal(err)
		}
		if ev.Time < last || ev.Time == last && last != event.MaxTime {
			t.Fatalf("record %d has the time %d, the previous one %d", n, ev.Time, last)
		}
		last = ev.Time
	}
	if n != 300_000 || last != event.MaxTime {
		t.Errorf("%d records, the last with time %d; want 300000 and %d", n, last, event.MaxTime)
	}
}
