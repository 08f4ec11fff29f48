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

	"github.com/tinylib/msgp/msgp"

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

// The times of events are those at which records come, those of the file, or those of the
// file moved; and on request the times in the records are the same.
func TestReplayStamps(t *testing.T) {
	path := replayFile(t, 0, 1500, 4000)
	const first = 1795867200_000 // ms
	at := func(ms ...int64) (times []int64) {
		for _, m := range ms {
			times = append(times, m*int64(time.Millisecond))
		}
		return times
	}
	now := epoch.UnixMilli()
	for _, tt := range []struct {
		options string
		events  []int64
		bodies  []int64 // ms
	}{
		{"replay_speed 10", at(now, now+150, now+400), []int64{first, first + 1500, first + 4000}},
		{"replay_speed 10 replay_restamp on", at(now, now+150, now+400), []int64{now, now + 150, now + 400}},
		{"replay_stamp keep rate 10 replay_restamp on", at(first, first+1500, first+4000), []int64{first, first + 1500, first + 4000}},
		{"replay_stamp shift replay_speed 10", at(now, now+1500, now+4000), []int64{first, first + 1500, first + 4000}},
		{"replay_stamp shift start_time_sec 1600000000 replay_restamp on", at(1600000000_000, 1600000001_500, 1600000004_000), []int64{1600000000_000, 1600000001_500, 1600000004_000}},
		{"replay_stamp shift first_seq 1", at(now, now+2500), []int64{first + 1500, first + 4000}},
	} {
		var w world
		run(t, &w, time.Minute, strings.Fields("replay "+path+" replay_time time "+tt.options)...)
		var events, bodies []int64
		for b := w.events; len(b) > 0; {
			ev, rest, err := event.Decode(b)
			if err != nil {
				t.Fatal(err)
			}
			b = rest
			events = append(events, ev.Time)
			ms, _, err := msgp.ReadInt64Bytes(ev.Body[bytes.Index(ev.Body, []byte("time"))+4:])
			if err != nil {
				t.Fatal(err)
			}
			bodies = append(bodies, ms)
		}
		if !slices.Equal(events, tt.events) || !slices.Equal(bodies, tt.bodies) {
			t.Errorf("%s: events %v, bodies %v; want %v, %v", tt.options, events, bodies, tt.events, tt.bodies)
		}
	}
}

// A reload continues with the next record, and with the shift of the times.
func TestReplayReload(t *testing.T) {
	given := []string{"replay", replayFile(t, 0, 1000, 2000, 3000), "replay_time", "time", "replay_stamp", "shift", "replay_speed", "10"}
	var w world
	e := run(t, &w, 150*time.Millisecond, given...)
	if n := e.Counts().Records; n != 2 {
		t.Fatalf("%d records before the reload, want 2", n)
	}
	w.until = w.now.Add(time.Minute)
	w.now = w.now.Add(10 * time.Second)
	c := config(t, given...)
	c.Template.First += 2
	again := New(c, Options{Form: event.V2, Now: w.clock, Clock: e.Clock()})
	again.Run(&w)
	var times []time.Duration
	for b := w.events; len(b) > 0; {
		ev, rest, err := event.Decode(b)
		if err != nil {
			t.Fatal(err)
		}
		times, b = append(times, time.Duration(ev.Time-epoch.UnixNano())), rest
	}
	if want := []time.Duration{0, time.Second, 2 * time.Second, 3 * time.Second}; !slices.Equal(times, want) {
		t.Errorf("times %v, want %v", times, want)
	}
}

// Tags and metadata can have the name of the file.
func TestReplayFileName(t *testing.T) {
	w := byTag{world: world{now: epoch, until: epoch.Add(time.Minute)}, tags: map[string]int{}}
	c := config(t, "replay", replayFile(t, 0, 1, 2), "rate", "10", "tag_template", "app.{{ replay_file }}.{{ seq }}", "metadata_template", `{"file":"{{ replay_file }}"}`)
	e := New(c, Options{Form: event.V2, Now: w.clock, Mark: &MarkOptions{}})
	e.Run(&w)
	if len(w.tags) != 3 || w.tags["app.replay.ndjson.1"] != 1 {
		t.Errorf("tags %v", w.tags)
	}
	ev, _, err := event.Decode(w.events)
	if err != nil || string(ev.Metadata) != "\x81\xa4file\xadreplay.ndjson" {
		t.Errorf("metadata %q, %v", ev.Metadata, err)
	}
}

// byTag is a world that counts records by their tags.
type byTag struct {
	world
	tags map[string]int
}

func (w *byTag) Emit(tag string, records int, events []byte) {
	w.tags[tag] += records
	w.world.Emit(tag, records, events)
}

// A loop has no end of its own.
func TestReplayLoop(t *testing.T) {
	var w world
	run(t, &w, time.Minute, "replay", replayFile(t, 0, 1000), "replay_time", "time", "loop", "on", "max_records", "5")
	if got, want := delivered(t, &w), []string{"0s 0", "1s 1", "2s 0", "3s 1", "4s 0"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// A file that is followed is waited for, and ticks without a record are none.
func TestReplayFollow(t *testing.T) {
	path := replayFile(t, 0)
	w := world{now: epoch, until: epoch.Add(10 * time.Second)}
	e := New(config(t, "replay", path, "follow", "on", "rate", "10"), Options{Form: event.V2, Now: w.clock})
	e.Run(&w)
	more, err := os.ReadFile(replayFile(t, 0, 1, 2))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, more, 0o644); err != nil {
		t.Fatal(err)
	}
	w.until = epoch.Add(20 * time.Second)
	e.Run(&w)
	want := []string{"100ms 0", "10s 1", "10.1s 2"}
	if got := delivered(t, &w); !slices.Equal(got, want) || e.Finished() || e.Counts().Shortfall > 0 || e.Err() != nil {
		t.Errorf("%q, want %q; finished: %v, %+v, %v", delivered(t, &w), want, e.Finished(), e.Counts(), e.Err())
	}
}

// Options that need times are refused where there are none.
func TestReplayConfig(t *testing.T) {
	path := replayFile(t, 0)
	for section, want := range map[string]string{
		"replay_speed 2":                               "option replay_speed: it requires replay_time, because the records have no times",
		"replay_from 2026-11-01":                       "option replay_from: it requires replay_time, because the records have no times",
		"replay_stamp keep":                            "option replay_stamp: it requires replay_time, because the records have no times",
		"replay_time other":                            "no record in the first 1 lines: " + path + ", line 1: skipped: no member other with the time",
		"replay_speed x":                               `option replay_speed: invalid value "x": expected a factor, such as 10 or 0.5, or unlimited`,
		"replay_speed 0":                               `option replay_speed: invalid value "0": expected a factor, such as 10 or 0.5, or unlimited`,
		"replay_speed 30/m":                            `option replay_speed: invalid value "30/m": expected a factor, such as 10 or 0.5, or unlimited`,
		"replay_from tomorrow":                         `option replay_from: invalid value "tomorrow": expected a date or a time from 1970 to 2105, such as 2026-11-01T08:00:00Z`,
		"replay_first_line (":                          "option replay_first_line: error parsing regexp: missing closing ): `(`",
		"replay_time time\nreplay_speed 2\nrate 5":     "option replay_speed: replay_speed and rate are mutually exclusive",
		"replay_time time %A %d %H\nreplay_restamp on": "option replay_restamp: replay_time has names of different lengths, %A or %B",
		"loop on\nfollow on":                           "option loop: loop and follow are mutually exclusive",
		"dummy {}":                                     "option replay: replay and dummy are mutually exclusive",
		"audit on\naudit_key n":                        `option audit_key: invalid value "n": the record already has a field of this name`,
	} {
		if _, _, err := Configure(from("replay "+path+"\n"+section), nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", section, err, want)
		}
	}
	if _, _, err := Configure(from("max_gap 5"), nil); err == nil || err.Error() != "option max_gap: it requires replay" {
		t.Errorf("max_gap alone: %v", err)
	}
}

func BenchmarkReplay(b *testing.B) {
	for name, line := range map[string]string{
		"ndjson": `{"timestamp":"2026-11-28T22:13:42.123456Z","level":"info","logger":"http.server","msg":"request handled","method":"GET",` +
			`"path":"/api/v1/orders/8812731/items?page=2&sort=asc","status":200,"bytes":18231,"duration_ms":12.75,"remote":"203.0.113.77",` +
			`"user_agent":"Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/130.0","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","retry":false}`,
		"text": "2026-11-28T22:13:42.123Z INFO  [http-nio-8080-exec-12] c.e.shop.OrderController : order 4711 was placed: 3 items, 129.90 EUR, by card, in 12 ms",
	} {
		b.Run(name, func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "x.log")
			if err := os.WriteFile(path, []byte(strings.Repeat(line+"\n", 100_000)), 0o644); err != nil {
				b.Fatal(err)
			}
			e := New(config(b, "replay", path, "rate", "unlimited", "loop", "on"), Options{Form: event.V2})
			defer e.Close()
			buf, n := make([]byte, 0, 2*MaxSlice), uint64(0)
			b.SetBytes(int64(len(line)))
			b.ResetTimer()
			for n < uint64(b.N) {
				_, done := e.bulk.AppendMany(buf, e.form, &moments{first: 1, gap: 1}, n, uint64(b.N)-n, MaxSlice)
				n += done
			}
		})
	}
}

// Late records of a replay have earlier times where they have that of their delivery.
// Their own times are not changed, so late is refused with them.
func TestReplayLate(t *testing.T) {
	path := replayFile(t, 0, 1, 2, 3, 4, 5)
	times := func(more ...string) []int64 {
		w := &world{now: epoch, until: epoch.Add(time.Minute)}
		New(config(t, append([]string{"replay", path, "rate", "10"}, more...)...), Options{Form: event.V2, Now: w.clock}).Run(w)
		at, _ := read(t, w.events)
		return at
	}
	right, late := times(), times("late", "100% by 1h")
	if len(right) != 6 || len(late) != 6 {
		t.Fatalf("%d and %d records, want 6", len(right), len(late))
	}
	for i := range right {
		if got := time.Duration(right[i] - late[i]); got != time.Hour {
			t.Errorf("record %d is %v late, want 1h", i, got)
		}
	}
	for _, stamp := range []string{"keep", "shift"} {
		_, _, err := Configure(from("replay "+path+"\nreplay_time time\nrate 10\nreplay_stamp "+stamp+"\nlate 5% by 1h"), nil)
		want := "option late: with replay_stamp " + stamp + ", the records of a replay have the times of their files: expected replay_stamp now"
		if err == nil || err.Error() != want {
			t.Errorf("replay_stamp %s with late: %v, want %s", stamp, err, want)
		}
	}
}
