// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/testenv"
)

// planner is a world that emits slices at future times.
type planner struct {
	*world
	stop  func() bool // reports whether to stop before the next slice; nil for never
	calls int
}

func (p *planner) Schedules() bool { return true }

func (p *planner) EmitAt(events []byte, slices []event.Slice) int {
	p.calls++
	start, from := p.now, 0
	for i, s := range slices {
		if p.stop != nil && p.stop() {
			return i
		}
		if !p.Wait(start.Add(s.Due)) {
			return i
		}
		slices[i].Emitted = p.now.Sub(start)
		p.Emit("", s.Records, events[from:s.End])
		from = s.End
	}
	return len(slices)
}

// runPlanner is like run, for a planner.
func runPlanner(t failer, p *planner, d time.Duration, given ...string) *Engine {
	t.Helper()
	p.now, p.until = epoch, epoch.Add(d)
	e := New(config(t, given...), Options{Form: event.V2, Now: p.clock})
	for p.now.Before(p.until) && !e.Finished() {
		e.Run(p)
	}
	return e
}

// Slices that are appended ahead have the same bytes and times as slices appended
// when they are due, however often the host stops early.
func TestAhead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		given := []string{"catch_up", "full"}
		switch rapid.IntRange(0, 3).Draw(t, "pace") {
		case 0:
			given = append(given, "rate", fmt.Sprint(rapid.SampledFrom([]float64{0.5, 3, 9, 10, 11, 33, 100, 128.5, 1000, 5000}).Draw(t, "rate")))
		case 1:
			given = append(given, "load_profile", rapid.SampledFrom([]string{"ramp 0 to 200 for 2s", "constant 100 for 1s; constant 7 for 1s", "poisson 80 for 3s"}).Draw(t, "profile"))
		case 2:
			given = append(given, "rate", "50", "template", `{"n": {{ seq }}, "x": {{ int 1 1000 }}}`, "seed", "1")
		case 3:
			given = append(given, "rate", "20", "duration", "1500ms", "start_delay", "70ms")
		}
		if rapid.Bool().Draw(t, "copies") {
			given = append(given, "copies", "3")
		}
		if rapid.Bool().Draw(t, "bodies") && given[2] != "template" && len(given) < 6 {
			given = append(given, "dummy", `{"a":1}{"b":2}{"c":3}`)
		}
		if rapid.Bool().Draw(t, "finite") {
			given = append(given, "max_records", fmt.Sprint(rapid.IntRange(1, 60).Draw(t, "records")))
		}
		const d = 2500 * time.Millisecond
		w, p := new(world), &planner{world: new(world)}
		if rapid.Bool().Draw(t, "stops") {
			p.stop = func() bool { return rapid.IntRange(0, 4).Draw(t, "stop") == 0 }
		}
		a, b := run(t, w, d, given...), runPlanner(t, p, d, given...)
		if diff := cmp.Diff(readable(t, w.events), readable(t, p.events)); diff != "" {
			t.Fatalf("%v: emitted when due (-) and ahead (+):\n%s", given, diff)
		}
		if diff := cmp.Diff(w.slices, p.slices, cmp.AllowUnexported(slice{})); diff != "" {
			t.Fatalf("%v: slices when due (-) and ahead (+):\n%s", given, diff)
		}
		want, got := a.Counts(), b.Counts()
		if want.Elapsed = got.Elapsed; want != got { // the end may be detected earlier
			t.Fatalf("%v: %+v when due, %+v ahead", given, want, got)
		}
	})
}

// At 100 records per second a call covers twenty records. Marked records, a rate in
// bytes and an unlimited rate are not appended ahead.
func TestAheadCalls(t *testing.T) {
	for _, tt := range []struct {
		given []string
		calls int
	}{
		{[]string{"rate", "100"}, 5},
		{[]string{"rate", "5000"}, 5},
		{[]string{"rate", "5"}, 0},
		{[]string{"bytes_rate", "10k"}, 0},
		{[]string{"rate", "unlimited", "max_records", "10"}, 0},
	} {
		p := &planner{world: new(world)}
		runPlanner(t, p, time.Second, tt.given...)
		if p.calls != tt.calls {
			t.Errorf("%v: %d calls of EmitAt in a second, want %d", tt.given, p.calls, tt.calls)
		}
	}
}

// Exactly the records that the host emits late are counted as late.
func TestAheadLate(t *testing.T) {
	p := &planner{world: new(world)}
	p.jitter = func(d time.Duration) time.Duration {
		if p.now.Sub(epoch) == 200*time.Millisecond {
			return d + 45*time.Millisecond
		}
		return d
	}
	// Record k is due at 10 ms × k. The records due at 210, 220 and 230 ms are emitted
	// at 255 ms: these three are more than 20 ms late.
	e := runPlanner(t, p, time.Second, "rate", "100")
	if c := e.Counts(); c.Late != 3 || c.Records != 99 {
		t.Errorf("%d late of %d, want 3 of 99", c.Late, c.Records)
	}
}

// A change of the environment also affects slices that are appended ahead.
func TestAheadRefresh(t *testing.T) {
	p := &planner{world: new(world)}
	p.now, p.until = epoch, epoch.Add(time.Second)
	e := New(config(t, "rate", "100"), Options{Form: event.V2, Now: p.clock, Env: func() (string, string) {
		if p.now.Sub(epoch) < 450*time.Millisecond {
			return `{"v":1}`, "{}"
		}
		return `{"v":2}`, "{}"
	}})
	e.Run(p)
	got := readable(t, p.events)
	first := 0
	for first < len(got) && strings.HasSuffix(got[first], `{"v":1}`) {
		first++
	}
	if len(got) != 99 || first < 45 || first > 45+2*int(lookahead/grain) {
		t.Errorf("of %d records, the first with the new body is %d, want 45 or at most two refreshes later", len(got), first)
	}
}

// The environment may make a record two, each of them in its tick.
func TestAheadSecondBody(t *testing.T) {
	p := &planner{world: new(world)}
	p.now, p.until = epoch, epoch.Add(time.Second)
	e := New(config(t, "rate", "100", "dummy", `{"v":1}`), Options{Form: event.V2, Now: p.clock, Env: func() (string, string) {
		if p.now.Sub(epoch) < 450*time.Millisecond {
			return `{"v":1}`, "{}"
		}
		return `{"v":2}{"w":2}`, "{}"
	}})
	e.Run(p)
	count := map[string]uint64{}
	for _, line := range readable(t, p.events) {
		count[line[strings.LastIndex(line, " ")+1:]]++
	}
	if v, w := count[`{"v":2}`], count[`{"w":2}`]; v < 30 || v != w || count[`{"v":1}`]+v != e.Counts().Ticks {
		t.Errorf("%v in %d ticks, want both bodies in each tick after the change", count, e.Counts().Ticks)
	}
}

// discarding is a planner that discards events.
type discarding struct {
	now time.Time
	buf []byte
}

func (d *discarding) Wait(t time.Time) bool    { d.now = t; return false }
func (d *discarding) Buffer() []byte           { return d.buf[:0] }
func (d *discarding) Emit(string, int, []byte) {}
func (d *discarding) Schedules() bool          { return true }
func (d *discarding) EmitAt(_ []byte, slices []event.Slice) int {
	d.now = d.now.Add(slices[len(slices)-1].Due)
	return len(slices) - 1 // so that Run returns from Wait
}

func TestAheadAllocs(t *testing.T) {
	d := &discarding{now: epoch, buf: make([]byte, 0, MaxSlice)}
	e := New(config(t, "rate", "100"), Options{Form: event.V2, Now: func() time.Time { return d.now }})
	if n := testenv.AllocsPerRun(100, func() { e.Run(d) }); n != 0 {
		t.Errorf("%v allocations per run", n)
	}
}
