// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/recordid"
)

// replayFile writes lines of NDJSON, one for each time, in milliseconds after some
// second, and returns the file.
func replayFile(t testing.TB, times ...int) string {
	t.Helper()
	var b strings.Builder
	for n, ms := range times {
		fmt.Fprintf(&b, `{"n":%d,"time":%d}`+"\n", n, 1795867200_000+ms)
	}
	path := filepath.Join(t.TempDir(), "replay.ndjson")
	if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// delivered returns when each record arrived, and its event time if that differs, and
// its number in the file.
func delivered(t testing.TB, w *world) []string {
	t.Helper()
	var list []string
	events := w.events
	for _, s := range w.slices {
		for range s.records {
			ev, rest, err := event.Decode(events)
			if err != nil {
				t.Fatal(err)
			}
			events = rest
			list = append(list, fmt.Sprintf("%v %d", time.Duration(ev.Time-epoch.UnixNano()), ev.Body[3]))
		}
	}
	return list
}

// Records come at the spacing of their times, and bear the time at which they come.
func TestReplaySpacing(t *testing.T) {
	path := replayFile(t, 0, 100, 100, 50, 10_100, 10_200)
	for _, tt := range []struct {
		name    string
		options []string
		want    []string
	}{
		{"original", nil, []string{"0s 0", "100ms 1", "100.000001ms 2", "100.000002ms 3", "10.1s 4", "10.2s 5"}},
		{"ten times", []string{"replay_speed 10"}, []string{"0s 0", "10ms 1", "10.000001ms 2", "10.000002ms 3", "1.01s 4", "1.02s 5"}},
		{"half", []string{"replay_speed 0.5"}, []string{"0s 0", "200ms 1", "200.000001ms 2", "200.000002ms 3", "20.2s 4", "20.4s 5"}},
		{"a gap", []string{"max_gap 1", "start_delay 2"}, []string{"2s 0", "2.1s 1", "2.100000001s 2", "2.100000002s 3", "3.1s 4", "3.2s 5"}},
		{"a rate", []string{"rate 10"}, []string{"100ms 0", "200ms 1", "300ms 2", "400ms 3", "500ms 4", "600ms 5"}},
		{"unlimited", []string{"replay_speed unlimited", "fixed_timestamp on"}, []string{"0s 0", "0s 1", "0s 2", "0s 3", "0s 4", "0s 5"}},
		{"a shard", []string{"shard 1/2"}, []string{"100ms 1", "100.000001ms 3", "10.2s 5"}},
		{"from a record on", []string{"first_seq 1", "shard 1/2"}, []string{"0s 2", "10s 4"}},
		{"an end", []string{"max_records 2"}, []string{"0s 0", "100ms 1"}},
		{"a duration", []string{"duration 10"}, []string{"0s 0", "100ms 1", "100.000001ms 2", "100.000002ms 3"}},
		{"a startup", []string{"rate 10", "flush_on_startup on", "samples 2"}, []string{"0s 0", "100ms 1"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var w world
			e := run(t, &w, time.Minute, strings.Fields(strings.Join(append(tt.options, "replay "+path, "replay_time time"), " "))...)
			defer e.Close()
			if got := delivered(t, &w); !slices.Equal(got, tt.want) {
				t.Errorf("%q, want %q", got, tt.want)
			}
			if !e.Finished() || e.Err() != nil || e.Counts().Shortfall > 0 {
				t.Errorf("finished: %v, %v, shortfall %d", e.Finished(), e.Err(), e.Counts().Shortfall)
			}
		})
	}
}

// A stall delays records, and drops none.
func TestReplayStall(t *testing.T) {
	w := world{jitter: func(d time.Duration) time.Duration { return d + 5*time.Second }}
	e := run(t, &w, time.Minute, "replay", replayFile(t, 0, 100, 200, 9000), "replay_time", "time")
	if got := e.Counts(); got.Records != 4 || got.Shortfall > 0 || got.Late != 3 {
		t.Errorf("%+v, want 4 records, 3 of them late", got)
	}
}

// Marks and shards are those of any stream: the shards have all records, each once.
func TestReplayMarked(t *testing.T) {
	times := make([]int, 100)
	path := replayFile(t, times...)
	var seen []int
	for shard := range 3 {
		w := world{now: epoch, until: epoch.Add(time.Minute)}
		e := New(config(t, "replay", path, "rate", "1000", "shard", fmt.Sprintf("%d/3", shard)),
			Options{Form: event.V2, Now: w.clock, Mark: &MarkOptions{}})
		e.Run(&w)
		for events, k := w.events, uint64(0); len(events) > 0; k++ {
			id, end := recordid.Find(events)
			if end < 0 || id.Seq != k {
				t.Fatalf("shard %d: identity %+v at %d, want number %d", shard, id, end, k)
			}
			ev, rest, err := event.Decode(events)
			if err != nil || !bytes.Contains(ev.Body, []byte("gdummy")) {
				t.Fatal(err)
			}
			seen = append(seen, int(ev.Body[3]))
			events = rest
		}
	}
	slices.Sort(seen)
	for n := range times {
		if len(seen) != len(times) || seen[n] != n {
			t.Fatalf("the shards have %v, want 0 to 99", seen)
		}
	}
}

// An error in a file ends the run, which reports it.
func TestReplayVanishes(t *testing.T) {
	path := replayFile(t, 0, 1)
	c := config(t, "replay", path)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	w := world{now: epoch, until: epoch.Add(time.Minute)}
	e := New(c, Options{Form: event.V2, Now: w.clock})
	e.Run(&w)
	if err := e.Err(); !e.Finished() || err == nil || e.Counts().Records != 0 {
		t.Errorf("finished: %v, %v", e.Finished(), err)
	}
}
