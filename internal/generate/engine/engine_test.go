// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tinylib/msgp/msgp"
	"pgregory.net/rapid"

	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/generate/jsonbody"
	"github.com/gdummy/gdummy/internal/testenv"
)

// epoch is where the tests' wall clock starts.
var epoch = time.Unix(1_700_000_000, 0)

// world is a host with its own clock, which Wait advances.
type world struct {
	now    time.Time
	until  time.Time                           // when Wait returns false
	jitter func(d time.Duration) time.Duration // the actual duration of a wait of d
	events []byte
	slices []slice
	waits  int
}

type slice struct {
	at      time.Duration // after epoch
	records int
	size    int
}

func (w *world) clock() time.Time { return w.now }

func (w *world) Wait(t time.Time) bool {
	w.waits++
	if d := t.Sub(w.now); d > 0 {
		if w.jitter != nil {
			d = w.jitter(d)
		}
		w.now = w.now.Add(d)
	}
	return w.now.Before(w.until)
}

func (w *world) Buffer() []byte { return nil }

func (w *world) Emit(_ string, records int, events []byte) {
	w.slices = append(w.slices, slice{w.now.Sub(epoch), records, len(events)})
	w.events = append(w.events, events...)
}

// failer is the common part of rapid.T and testing.TB that the helpers use.
type failer interface {
	Helper()
	Fatal(args ...any)
}

// run runs an engine with the given options for d, and returns it.
func run(t failer, w *world, d time.Duration, given ...string) *Engine {
	t.Helper()
	w.now = epoch
	w.until = epoch.Add(d)
	e := New(config(t, given...), Options{Form: event.V2, Now: w.clock})
	for w.now.Before(w.until) && !e.Finished() {
		e.Run(w)
	}
	return e
}

// readable lists events as "time after epoch, metadata, body".
func readable(t failer, events []byte) []string {
	t.Helper()
	var lines []string
	for len(events) > 0 {
		ev, rest, err := event.Decode(events)
		if err != nil {
			t.Fatal(err)
		}
		var meta, text bytes.Buffer
		if _, err := msgp.UnmarshalAsJSON(&meta, ev.Metadata); err != nil {
			t.Fatal(err)
		}
		if _, err := msgp.UnmarshalAsJSON(&text, ev.Body); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, fmt.Sprintf("%s %s %s", time.Unix(0, ev.Time).Sub(epoch), &meta, &text))
		events = rest
	}
	return lines
}

func TestRecords(t *testing.T) {
	for _, tt := range []struct {
		name  string // why the row exists
		given []string
		run   time.Duration
		want  []string
	}{
		{
			"nothing given: the dummy input's record, once a second, first after a second",
			nil, 2500 * time.Millisecond,
			[]string{`1s {} {"message":"dummy"}`, `2s {} {"message":"dummy"}`},
		},
		{
			"a tick has copies × objects records: the first has its time, each other 1 ns more",
			[]string{"dummy", `{"a":1}{"b":2}`, "copies", "2", "metadata", `{"m":0}`}, 1500 * time.Millisecond,
			[]string{`1s {"m":0} {"a":1}`, `1.000000001s {"m":0} {"b":2}`, `1.000000002s {"m":0} {"a":1}`, `1.000000003s {"m":0} {"b":2}`},
		},
		{
			"samples counts ticks, not records",
			[]string{"copies", "2", "samples", "1"}, 5 * time.Second,
			[]string{`1s {} {"message":"dummy"}`, `1.000000001s {} {"message":"dummy"}`},
		},
		{
			"times are those at which records were due: 100 ms apart at 10 per second",
			[]string{"rate", "10", "samples", "3"}, 5 * time.Second,
			[]string{`100ms {} {"message":"dummy"}`, `200ms {} {"message":"dummy"}`, `300ms {} {"message":"dummy"}`},
		},
		{
			"3 per second is a third of a second each, without drift",
			[]string{"rate", "3", "samples", "3"}, 5 * time.Second,
			[]string{`333.333333ms {} {"message":"dummy"}`, `666.666666ms {} {"message":"dummy"}`, `1s {} {"message":"dummy"}`},
		},
		{
			"a rate below one",
			[]string{"rate", "0.4", "samples", "2"}, 10 * time.Second,
			[]string{`2.5s {} {"message":"dummy"}`, `5s {} {"message":"dummy"}`},
		},
		{
			"an interval beats the rate",
			[]string{"rate", "100", "interval_sec", "2", "interval_nsec", "500000000", "samples", "1"}, 10 * time.Second,
			[]string{`2.5s {} {"message":"dummy"}`},
		},
		{
			"a negative interval sets both aside",
			[]string{"rate", "2", "interval_sec", "-1", "interval_nsec", "5", "samples", "1"}, 10 * time.Second,
			[]string{`500ms {} {"message":"dummy"}`},
		},
		{
			"flush_on_startup adds one tick at once, and it counts as a sample",
			[]string{"flush_on_startup", "on", "samples", "2"}, 10 * time.Second,
			[]string{`0s {} {"message":"dummy"}`, `1s {} {"message":"dummy"}`},
		},
		{
			"start_time is where the records' clock starts; then it runs on",
			[]string{"start_time_sec", "1700001000", "start_time_nsec", "5", "samples", "2"}, 10 * time.Second,
			[]string{`16m41.000000005s {} {"message":"dummy"}`, `16m42.000000005s {} {"message":"dummy"}`},
		},
		{
			"either half of start_time alone leaves the other 0",
			[]string{"start_time_sec", "1700001000", "fixed_timestamp", "on", "samples", "2"}, 10 * time.Second,
			[]string{`16m40s {} {"message":"dummy"}`, `16m40s {} {"message":"dummy"}`},
		},
		{
			"fixed_timestamp alone is the time of the start",
			[]string{"fixed_timestamp", "on", "samples", "2"}, 10 * time.Second,
			[]string{`0s {} {"message":"dummy"}`, `0s {} {"message":"dummy"}`},
		},
		{
			"fixed_timestamp is the only way to records with the same time",
			[]string{"fixed_timestamp", "on", "copies", "2", "samples", "1"}, 10 * time.Second,
			[]string{`0s {} {"message":"dummy"}`, `0s {} {"message":"dummy"}`},
		},
		{
			"records due together: each 1 ns after the last, and the next tick has its own time again",
			[]string{"load_profile", "1G for 1ns; 100M for 20ns", "copies", "3"}, 10 * time.Second,
			[]string{
				`1ns {} {"message":"dummy"}`, `2ns {} {"message":"dummy"}`, `3ns {} {"message":"dummy"}`,
				`11ns {} {"message":"dummy"}`, `12ns {} {"message":"dummy"}`, `13ns {} {"message":"dummy"}`,
				`21ns {} {"message":"dummy"}`, `22ns {} {"message":"dummy"}`, `23ns {} {"message":"dummy"}`,
			},
		},
		{
			"max_records may end a tick in its middle",
			[]string{"copies", "3", "max_records", "4"}, 10 * time.Second,
			[]string{`1s {} {"message":"dummy"}`, `1.000000001s {} {"message":"dummy"}`, `1.000000002s {} {"message":"dummy"}`, `2s {} {"message":"dummy"}`},
		},
		{
			"a duration includes the tick at its end",
			[]string{"rate", "2", "duration", "1s"}, 10 * time.Second,
			[]string{`500ms {} {"message":"dummy"}`, `1s {} {"message":"dummy"}`},
		},
		{
			"start_delay moves all ticks, and the duration with them",
			[]string{"rate", "2", "duration", "1s", "start_delay", "3s"}, 10 * time.Second,
			[]string{`3.5s {} {"message":"dummy"}`, `4s {} {"message":"dummy"}`},
		},
		{
			"a load profile: 1 in the first second, none in the next two, 2 in the last; then the run is over",
			[]string{"load_profile", "1 for 1s; idle for 2s; 2 for 1s"}, 10 * time.Second,
			[]string{`1s {} {"message":"dummy"}`, `3.5s {} {"message":"dummy"}`, `4s {} {"message":"dummy"}`},
		},
		{
			"bytes_rate: a record as soon as the next byte is due (28 bytes each: 1, 29, 57 of 28 a second)",
			[]string{"bytes_rate", "28", "max_records", "3"}, 10 * time.Second,
			[]string{`35.714285ms {} {"message":"dummy"}`, `1.035714285s {} {"message":"dummy"}`, `2.035714285s {} {"message":"dummy"}`},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var w world
			run(t, &w, tt.run, tt.given...)
			if diff := cmp.Diff(tt.want, readable(t, w.events)); diff != "" {
				t.Errorf("records (-want +got):\n%s", diff)
			}
		})
	}
}

// A host that calls Run once per second, slightly late, is not a stall: nothing is
// dropped between two calls, with any catch_up.
func TestCallIntervalIsNotAStall(t *testing.T) {
	for _, catchUp := range []string{"full", "limit", "none"} {
		w := world{now: epoch, until: epoch, jitter: func(time.Duration) time.Duration { return 0 }} // never waits
		e := New(config(t, "rate", "100", "catch_up", catchUp), Options{Form: event.V2, Now: w.clock, CallInterval: time.Second})
		for turn := range 10 {
			late := time.Duration(turn%3) * 10 * time.Millisecond
			w.now = epoch.Add(time.Duration(turn+1)*time.Second + late)
			e.Run(&w)
		}
		if c := e.Counts(); c.Records != 1000 || c.Shortfall != 0 {
			t.Errorf("%s: %d records, shortfall %d; want 1000 and 0", catchUp, c.Records, c.Shortfall)
		}
	}
}

// A stall is a wait that takes much longer than it should.
func TestCatchUp(t *testing.T) {
	for _, tt := range []struct {
		catchUp   string
		given     []string
		records   uint64
		shortfall uint64
	}{
		// 10 s at 100/s with a stall of 4 s in the middle.
		{"full", []string{"rate", "100"}, 1000, 0},
		{"limit", []string{"rate", "100"}, 700, 300},
		{"none", []string{"rate", "100"}, 610, 390},
		// The last tick is never dropped, however rare ticks are.
		{"none", []string{"interval_sec", "3"}, 3, 0},
		{"limit", []string{"rate", "100", "copies", "5"}, 3500, 1500},
		// Dropped bytes are counted in records of 28 bytes.
		{"limit", []string{"bytes_rate", "2800"}, 700, 300},
	} {
		t.Run(fmt.Sprint(tt.catchUp, tt.given), func(t *testing.T) {
			stalled := false
			w := world{}
			w.jitter = func(d time.Duration) time.Duration {
				if !stalled && w.now.Sub(epoch) >= 3*time.Second {
					stalled = true
					return 4 * time.Second
				}
				return d
			}
			e := run(t, &w, 10*time.Second, append(tt.given, "catch_up", tt.catchUp, "duration", "10")...)
			for !e.Finished() {
				w.until = w.until.Add(time.Second)
				e.Run(&w)
			}
			c := e.Counts()
			if c.Records != tt.records || c.Shortfall != tt.shortfall {
				t.Errorf("delivered %d, shortfall %d; want %d and %d", c.Records, c.Shortfall, tt.records, tt.shortfall)
			}
		})
	}
}

// The records are the same, byte for byte, however long each wait takes.
func TestPartition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		given := []string{
			"rate", rapid.SampledFrom([]string{"0.3", "1", "7", "333.3", "1000", "54321"}).Draw(t, "rate"),
			"copies", rapid.SampledFrom([]string{"1", "3", "40"}).Draw(t, "copies"),
			"dummy", `{"a":1}{"b":"two"}`,
			"catch_up", "full", "start_time_sec", "1000", "duration", "3s",
			"max_in_flight", rapid.SampledFrom([]string{"256k", "4M"}).Draw(t, "max_in_flight"),
		}
		if given[1] == "54321" {
			given[3] = "1"
		}
		var even world
		want := run(t, &even, time.Minute, given...)

		seed := rapid.Uint64().Draw(t, "seed")
		r := rand.New(rand.NewPCG(seed, 0))
		uneven := world{jitter: func(d time.Duration) time.Duration {
			return d + time.Duration(r.Int64N(int64(400*time.Millisecond)))*time.Duration(r.IntN(2))
		}}
		got := run(t, &uneven, time.Minute, given...)
		if !bytes.Equal(even.events, uneven.events) {
			t.Fatalf("got %d bytes, want %d, or different ones", len(uneven.events), len(even.events))
		}
		w, g := want.Counts(), got.Counts()
		w.Late, g.Late, w.Elapsed, g.Elapsed = 0, 0, 0, 0
		if w != g {
			t.Fatalf("counts %+v, want %+v", g, w)
		}
	})
}

// No record has a time in the future, and each is emitted within 20 ms.
func TestPunctual(t *testing.T) {
	for _, rate := range []string{"0.5", "10", "333", "10k", "1M"} {
		var w world
		e := run(t, &w, 2100*time.Millisecond, "rate", rate)
		if late := e.Counts().Late; late != 0 {
			t.Errorf("rate %s: %d records late", rate, late)
		}
		rest := w.events
		for i, s := range w.slices {
			for range s.records {
				var ev event.Event
				var err error
				if ev, rest, err = event.Decode(rest); err != nil {
					t.Fatal(err)
				}
				if at := time.Unix(0, ev.Time).Sub(epoch); at > s.at || s.at-at > late {
					t.Fatalf("rate %s: a record of %s was emitted at %s, in slice %d", rate, at, s.at, i)
				}
			}
		}
	}
}

// At high rates ticks share slices; at low rates each tick has its own.
func TestGrain(t *testing.T) {
	for _, tt := range []struct {
		rate   string
		slices int // in one second
	}{
		{"10", 9}, {"50", 49}, {"10k", 99}, {"100k", 99},
	} {
		var w world
		run(t, &w, time.Second, "rate", tt.rate)
		if len(w.slices) != tt.slices {
			t.Errorf("rate %s: %d slices, want %d", tt.rate, len(w.slices), tt.slices)
		}
	}
}

// The environment may change the record while the engine runs.
func TestRefresh(t *testing.T) {
	text := `{"v":1}`
	var warnings []string
	w := world{now: epoch}
	w.jitter = func(d time.Duration) time.Duration {
		switch w.now.Sub(epoch).Truncate(time.Second) {
		case 1 * time.Second:
			text = `{"v":2}{"w":2}`
		case 2 * time.Second:
			text = `{"v":`
		case 3 * time.Second:
			text = `{"v":4}`
		}
		return d
	}
	w.until = epoch.Add(4500 * time.Millisecond)
	e := New(config(t, "dummy", text), Options{
		Form: event.V2, Now: w.clock,
		Env: func() (string, string) { return text, "{}" },
		Log: func(l string) { warnings = append(warnings, l) },
	})
	e.Run(&w)
	want := []string{`1s {} {"v":1}`, `2s {} {"v":2}`, `2.000000001s {} {"w":2}`, `3s {} {"v":1}`, `4s {} {"v":4}`}
	if diff := cmp.Diff(want, readable(t, w.events)); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
	if len(warnings) != 1 || !strings.Contains(warnings[0], "option dummy") {
		t.Errorf("warnings: %q", warnings)
	}
}

// A legacy event has no metadata.
func TestLegacy(t *testing.T) {
	w := world{now: epoch, until: epoch.Add(1500 * time.Millisecond)}
	e := New(config(t, "metadata", `{"m":1}`), Options{Form: event.Legacy, Now: w.clock})
	e.Run(&w)
	b, err := jsonbody.Parse(`{"message":"dummy"}`)
	if err != nil {
		t.Fatal(err)
	}
	want := event.Append(nil, event.Legacy, epoch.Add(time.Second).UnixNano(), nil, b[0])
	if !bytes.Equal(w.events, want) {
		t.Errorf("%x, want %x", w.events, want)
	}
}

// The hot path does not allocate.
func TestAllocs(t *testing.T) {
	for _, given := range [][]string{
		{"rate", "unlimited"},
		{"rate", "1M", "catch_up", "full"},
		{"bytes_rate", "10M", "catch_up", "full"},
		{"rate", "unlimited", "dummy", `{"a":1}{"b":2}`},
	} {
		now := epoch
		e := New(config(t, given...), Options{Form: event.V2, Now: func() time.Time { return now }})
		h := &discard{clock: &now, step: 10 * time.Millisecond, buf: make([]byte, 0, 2*MaxSlice)}
		if n := testenv.AllocsPerRun(100, func() { h.left = 1000; e.Run(h) }); n != 0 {
			t.Errorf("%v: %v allocations", given, n)
		}
	}
}

// Record k is the same in any order of calls, even after the environment has changed:
// then the record of the Refresh has the first body.
func TestRecordsInAnyOrder(t *testing.T) {
	dummy := `{"n":0}{"n":1}{"n":2}`
	f := newFixed(config(t, "dummy", dummy), newTimer(Timing{}, numbering{}), Options{Env: func() (string, string) { return dummy, "{}" }})
	body := func(k uint64) string {
		ev, _, err := event.Decode(f.Append(nil, event.V2, 1, k))
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%q", ev.Body)
	}
	want := map[uint64]string{}
	for _, text := range []string{dummy, `{"m":0}{"m":1}{"m":2}`} {
		const first = 7
		if text != dummy {
			dummy = text
			f.Refresh(first)
			if got, want := body(first), body(first+3); got != want {
				t.Errorf("record %d after Refresh(%d): got %s, want the first body, %s", first, first, got, want)
			}
		}
		for k := uint64(first); k < first+6; k++ {
			want[k] = body(k)
		}
		for k := uint64(first + 5); k >= first; k-- {
			if got := body(k); got != want[k] {
				t.Errorf("record %d made after record %d: got %s, want %s", k, k+1, got, want[k])
			}
		}
	}
}
