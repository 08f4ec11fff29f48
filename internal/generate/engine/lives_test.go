// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gdummy/gdummy/internal/config/option"
	"github.com/gdummy/gdummy/internal/event"
)

// ordersText is a template whose records are transitions.
const ordersText = `{{ $o := transitions 40 "created 2s: paid 9, cancelled 1; paid 1s..5s: shipped; shipped 4s: delivered" }}` +
	`{"k": {{ seq }}, "o": {{ $o }}, "t": {{ now "unix_ns" }}, "x": {{ int 0 99 }}}`

// sequence returns the first n records of a stream of transitions, made at once.
func sequence(t failer, n int, more ...string) (times []int64, bodies []string) {
	w := &world{now: epoch}
	given := append([]string{"template", ordersText, "rate", "unlimited", "start_time", "2023-11-14T22:13:20Z", "max_records", fmt.Sprint(n)}, more...)
	run(t, w, time.Minute, given...)
	return read(t, w.events)
}

// Records are due at the moments of the transitions, which are their times, in one
// input or in many shards, at any speed, and also if a reload interrupts the stream.
func TestTransitions(t *testing.T) {
	const n = 600
	times, bodies := sequence(t, n)
	if !slices.IsSorted(times) || len(times) != n || times[0] < epoch.UnixNano() {
		t.Fatalf("%d records, in order %v", len(times), slices.IsSorted(times))
	}
	rapid.Check(t, func(t *rapid.T) {
		shards := rapid.IntRange(1, 3).Draw(t, "shards")
		shard := rapid.IntRange(0, shards-1).Draw(t, "shard")
		speed := rapid.SampledFrom([]string{"1", "1", "3", "1440", "0.25"}).Draw(t, "speed")
		delay := rapid.SampledFrom([]string{"0", "0", "1500ms"}).Draw(t, "delay")
		given := []string{"template", ordersText, "shard", fmt.Sprintf("%d/%d", shard, shards), "time_speed", speed,
			"start_time", "2023-11-14T22:13:20Z", "max_records", fmt.Sprint(n / shards), "start_delay", delay}
		check := func(w *world, from int) int {
			at, body := read(t, w.events)
			for j := range at {
				k := (from+j)*shards + shard
				if at[j] != times[k] || body[j] != bodies[k] {
					t.Fatalf("record %d is %q at %d, in sequence %q at %d", k, body[j], at[j], bodies[k], times[k])
				}
			}
			return len(at)
		}
		// The engine runs for a while, is replaced, and continues until the end.
		w := &world{now: epoch}
		c := config(t, given...)
		first := New(c, Options{Form: event.V2, Now: w.clock})
		w.until = epoch.Add(time.Duration(rapid.Int64Range(0, int64(time.Minute)).Draw(t, "until")))
		for w.now.Before(w.until) && !first.Finished() {
			first.Run(w)
		}
		done := check(w, 0)
		if late := first.Counts().Late; late > 0 {
			t.Fatalf("%d records were late", late)
		}
		w.events = nil
		w.now = w.now.Add(time.Duration(rapid.Int64Range(0, int64(time.Second)).Draw(t, "pause")))
		c = config(t, given...)
		c.Template.First += int64(done * shards)
		c.MaxRecords = int64(n/shards - done)
		if c.MaxRecords == 0 {
			return
		}
		second := New(c, Options{Form: event.V2, Now: w.clock, Clock: first.Clock()})
		for w.until = epoch.Add(time.Hour); w.now.Before(w.until) && !second.Finished(); {
			second.Run(w)
		}
		if more := check(w, done); done+more != n/shards || second.Counts().Shortfall > 0 {
			t.Fatalf("%d and %d records, want %d, none left out", done, more, n/shards)
		}
		if delay != "0" {
			return // the second engine waits again
		}
		// The last was emitted when it was due, on the clock on the wall.
		last := time.Duration(times[(n/shards-1)*shards+shard] - epoch.UnixNano())
		wall := time.Duration(float64(last) * float64(c.TimeSpeed.Den) / float64(c.TimeSpeed.Num))
		if off := w.now.Sub(epoch) - wall; off < -time.Microsecond || off > 2*grain && w.now.Sub(epoch)-off > second.start.Sub(epoch) {
			t.Fatalf("the last record came %v after it was due", off)
		}
	})
}

// Lives whose number follows a profile are one stream, too: in shards, and from any record.
func TestTransitionsAlongProfile(t *testing.T) {
	const n = 600
	text := strings.Replace(ordersText, "transitions 40", `transitions "bursts 90 on 10s off 20s base 1"`, 1)
	times, bodies := sequence(t, n, "template", text)
	if !slices.IsSorted(times) || len(times) != n {
		t.Fatalf("%d records, in order %v", len(times), slices.IsSorted(times))
	}
	for shard := range 3 {
		at, body := sequence(t, n/3, "template", text, "shard", fmt.Sprintf("%d/3", shard))
		for i := range at {
			if k := 3*i + shard; at[i] != times[k] || body[i] != bodies[k] {
				t.Fatalf("record %d is %q at %d, in sequence %q at %d", k, body[i], at[i], bodies[k], times[k])
			}
		}
	}
	busy := 0
	for _, at := range times {
		if (at-epoch.UnixNano())%30e9 < 12e9 {
			busy++
		}
	}
	if busy < n*6/10 {
		t.Errorf("%d of %d records are in the bursts and the two seconds after", busy, n)
	}
}

// A stall leaves no transition out, whatever is dropped otherwise.
func TestTransitionsAfterStall(t *testing.T) {
	times, _ := sequence(t, 400)
	w := &world{now: epoch}
	e := New(config(t, "template", ordersText, "start_time", "2023-11-14T22:13:20Z", "max_records", "400"), Options{Form: event.V2, Now: w.clock})
	w.now = epoch.Add(10 * time.Second)
	for w.until = epoch.Add(time.Hour); !e.Finished(); {
		e.Run(w)
	}
	if at, _ := read(t, w.events); !slices.Equal(at, times) || e.Counts().Shortfall > 0 || e.Counts().Late == 0 {
		t.Errorf("%d records, %d late, shortfall %d; want 400, all at their times", len(at), e.Counts().Late, e.Counts().Shortfall)
	}
}

// A stream that begins at a record continues from the moment of the one before it.
func TestTransitionsFrom(t *testing.T) {
	times, bodies := sequence(t, 300)
	at, body := sequence(t, 100, "first_seq", "200")
	for i := range at {
		if moved := times[200+i] - times[199] + epoch.UnixNano(); at[i] != moved {
			t.Fatalf("record %d is at %d, want %d", 200+i, at[i], moved)
		}
	}
	if id := func(s string) string { return s[:40] }; id(body[0]) != id(bodies[200]) {
		t.Errorf("it begins with %q, want %q", body[0], bodies[200])
	}
	// An end time ends it, as any stream.
	if at, _ := sequence(t, 300, "end_time", "2023-11-14T22:13:22Z"); len(at) == 0 || len(at) == 300 ||
		at[len(at)-1] > epoch.UnixNano()+2e9 || times[len(at)] <= epoch.UnixNano()+2e9 {
		t.Errorf("%d records until the end time", len(at))
	}
}

// The rate follows from the lives: what else would set it, or add or leave out
// records, is an error.
func TestTransitionsConflicts(t *testing.T) {
	const follows = " and transitions are mutually exclusive: the rate follows from the number of lives and their dwell times"
	const moment = " and transitions are mutually exclusive: each transition is one record, at its own moment"
	for section, want := range map[string]string{
		"rate 5":                         "option rate: rate" + follows,
		"rate unlimited":                 "option rate: rate" + follows,
		"rate unlimited\nstart_time -1h": "",
		"bytes_rate 5k":                  "option bytes_rate: bytes_rate" + follows,
		"load_profile 5":                 "option load_profile: load_profile" + follows,
		"interval_sec 5":                 "option interval_sec: interval_sec" + follows,
		"time_step 5s":                   "option time_step: time_step" + follows,
		"time_speed 5":                   "",
		"copies 2":                       "option copies: copies" + moment,
		"flush_on_startup on":            "option flush_on_startup: flush_on_startup" + moment,
		"fixed_timestamp on":             "option fixed_timestamp: fixed_timestamp" + moment,
		"catch_up none":                  "option catch_up: none and transitions are mutually exclusive: no transition is left out",
		"catch_up full\ncopies 1\nmax_records 10": "",
	} {
		_, _, err := Configure(from("template "+ordersText+"\n"+section), nil)
		got := ""
		if errs, ok := errors.AsType[option.Errors](err); ok {
			got = errs.Error()
		}
		if got != want {
			t.Errorf("%q:\n got %s\nwant %s", section, got, want)
		}
	}
}

// The rate in words is the mean of the stream, of one shard, at the speed.
func TestTransitionsRate(t *testing.T) {
	for _, tt := range []struct {
		want  string
		given []string
	}{
		{"transitions, 18.3", nil}, {"transitions, 9.15", []string{"shard", "0/2"}}, {"transitions, 183", []string{"time_speed", "10"}},
	} {
		e := New(config(t, append([]string{"template", ordersText}, tt.given...)...), Options{Now: func() time.Time { return epoch }})
		if got := e.PerSecond(); len(got) < len(tt.want) || got[:len(tt.want)] != tt.want {
			t.Errorf("%v: %s, want %s", tt.given, got, tt.want)
		}
	}
}

// The origin in the ledger makes the same records again.
func TestTransitionsOrigin(t *testing.T) {
	times, bodies := sequence(t, 50)
	given := []string{"template", ordersText, "start_time", "2023-11-14T22:13:20Z", "shard", "1/2"}
	e := New(config(t, given...), Options{Form: event.V2, Now: func() time.Time { return epoch }})
	fields := map[string]string{}
	for _, f := range e.Origin().Fields() {
		fields[f[0]] = f[1]
	}
	o, err := ParseOrigin(fields)
	if err != nil {
		t.Fatal(err)
	}
	source := config(t, given...).Source(o)
	for k := range uint64(25) {
		at, body := read(t, source.Append(nil, event.V2, 0, k))
		if i := 1 + 2*k; at[0] != times[i] || body[0] != bodies[i] {
			t.Fatalf("record %d is %q at %d, want %q at %d", i, body[0], at[0], bodies[i], times[i])
		}
	}
}

// Disorder on purpose moves and repeats transitions, and makes none of its own.
func TestTransitionsDisorder(t *testing.T) {
	const n = 400
	times, bodies := sequence(t, n)
	made := map[string]bool{}
	for i := range bodies {
		made[fmt.Sprint(times[i], bodies[i])] = true
	}
	for _, more := range [][]string{{"shuffle_within", "3s"}, {"repeat", "5% within 50"}} {
		at, body := sequence(t, n, append(more, "end_time", "2023-11-14T22:13:35Z")...)
		moved, seen := 0, map[string]bool{}
		for i := range at {
			record := fmt.Sprint(at[i], body[i])
			if !made[record] {
				t.Fatalf("%v: %s is not a record of the stream", more, record)
			}
			seen[record] = true
			if at[i] != times[i] {
				moved++
			}
		}
		if repeats := len(at) - len(seen); moved == 0 || (more[0] == "repeat") != (repeats > 0) || len(at) < 200 {
			t.Errorf("%v: %d of %d records moved, %d repeats", more, moved, len(at), repeats)
		}
	}
}
