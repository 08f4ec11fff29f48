// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/generate/pace"
)

// busy is a world in which time passes at an unlimited rate, too. It keeps no records.
type busy struct{ world }

func (b *busy) Wait(t time.Time) bool {
	if !t.After(b.now) {
		t = b.now.Add(10 * time.Millisecond)
	}
	return b.world.Wait(t)
}

func (b *busy) Emit(string, int, []byte) {}

// An engine that is stopped at any moment and then continued emits the records that it had
// called unsent.
func TestUnsent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		given := []string{"catch_up", "full"}
		option := func(name string, values ...string) {
			if v := rapid.SampledFrom(append(values, "")).Draw(t, name); v != "" {
				given = append(given, name, v)
			}
		}
		switch rapid.SampledFrom([]string{"rate", "interval", "profile"}).Draw(t, "pace") {
		case "rate":
			option("rate", "0.7", "3", "200", "3333.3")
		case "interval":
			option("interval_sec", "2")
		case "profile":
			given = append(given, "load_profile", rapid.SampledFrom([]string{
				"ramp 0 to 500 for 4s", "constant 50 for 1s; ramp 50 to 0 for 2s; idle for 1s", "poisson 400", "sine 10 to 90 every 2s for 5s; jitter 10%",
			}).Draw(t, "load_profile"))
		}
		option("duration", "1500ms", "3s", "1ns")
		option("copies", "3", "5000") // the larger tick is more than a slice
		option("samples", "1", "40")
		option("max_records", "1", "100", "1001")
		option("start_delay", "700ms")
		if rapid.Bool().Draw(t, "sharded") {
			given = append(given, "shard", "1/3", "seed", "1", "template", `{"n":{{ seq }}}`)
			option("split", "on")
		} else {
			option("flush_on_startup", "on")
			option("dummy", `{"a":1}{"b":2}`)
		}
		stop := time.Duration(rapid.Int64Range(1, 6e9).Draw(t, "stop"))

		w := &busy{world{now: epoch, until: epoch.Add(stop)}}
		c := config(t, given...)
		e := New(c, Options{Form: event.V2, Now: w.clock})
		for w.now.Before(w.until) && !e.Finished() {
			e.Run(w)
		}
		u, before := e.Unsent(), e.Counts()
		if ends := c.Bounded() || e.plan.end < pace.Never; u.Ends != ends || u.Known != ends {
			t.Fatalf("%q: %+v", given, u)
		}
		if !u.Ends {
			return
		}
		w.until = epoch.Add(24 * time.Hour)
		for w.now.Before(w.until) && !e.Finished() {
			e.Run(w)
		}
		after := e.Counts()
		if got := after.Records - before.Records; got != u.N {
			t.Fatalf("%q, stopped after %v and %d records: %d more followed, want %d", given, stop, before.Records, got, u.N)
		}
		if u := e.Unsent(); u != (Unsent{Ends: true, Known: true}) {
			t.Fatalf("%q: %+v at the end", given, u)
		}
	})
}

// The number of unsent records is unknown where it depends on more than the configuration.
func TestUnsentUnknown(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const lines = "{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n"
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	z.Write([]byte(lines))
	z.Close()
	file, cut, paused := write("in.ndjson", lines), write("cut.gz", packed.String()[:packed.Len()-8]), write("pace", "pause\n")
	for _, c := range []struct {
		stop, more time.Duration // when it is stopped, and how long it then runs
		given      []string
		want       Unsent // when it is stopped
	}{
		{time.Second, 9 * time.Second, []string{"rate", "unlimited", "duration", "5s"}, Unsent{Ends: true}},
		{time.Second, 9 * time.Second, []string{"bytes_rate", "1k", "duration", "5s"}, Unsent{Ends: true}},
		{time.Second, 9 * time.Second, []string{"rate", "2", "replay", file}, Unsent{Ends: true}},
		{1200 * time.Millisecond, 9 * time.Second, []string{"rate", "2", "replay", file, "loop", "on", "max_records", "9"}, Unsent{Ends: true, Known: true, N: 7}},
		{time.Second, 0, []string{"rate", "2", "replay", file, "loop", "on"}, Unsent{}},
		{time.Second, 0, []string{"rate", "2", "replay", file, "follow", "on"}, Unsent{}},
		{time.Second, 0, []string{"rate", "2", "replay", file, "follow", "on", "max_records", "9"}, Unsent{Ends: true}},
		{time.Second, 0, []string{"replay", cut, "rate", "unlimited"}, Unsent{Ends: true}},
		{time.Second, 0, []string{"rate", "unlimited"}, Unsent{}},
		{time.Second, 0, []string{"rate", "unlimited", "load_profile", "constant 100", "start_time", "now"}, Unsent{}},
		{time.Second, 0, []string{"load_profile", "sine 10 to 90 every 2s", "shuffle_within", "1s"}, Unsent{}},
		{time.Second, 0, []string{"template", ordersText}, Unsent{}},
		{time.Second, 0, []string{"rate", "10", "duration", "100s", "control", paused}, Unsent{Ends: true}},
		{time.Second, 0, []string{"rate", "10", "max_records", "100", "control", paused}, Unsent{Ends: true, Known: true, N: 100}},
		{time.Second, 0, []string{"load_profile", "constant 10 for 100s", "control", paused}, Unsent{Ends: true}},
		{time.Second, 0, []string{"rate", "10000", "copies", "1000000", "duration", "876000h"}, Unsent{Ends: true}},
	} {
		w := &busy{world{now: epoch, until: epoch.Add(c.stop)}}
		e := New(config(t, c.given...), Options{Form: event.V2, Now: w.clock})
		e.Run(w)
		if got := e.Unsent(); got != c.want {
			t.Errorf("%q: %+v, want %+v", c.given, got, c.want)
		}
		if c.more == 0 {
			continue
		}
		w.until = w.until.Add(c.more)
		e.Run(w)
		if got := e.Unsent(); got != (Unsent{Ends: true, Known: true}) {
			t.Errorf("%q: %+v at the end", c.given, got)
		}
	}
}

// The rest of a tick that was emitted in part is unsent.
func TestUnsentPart(t *testing.T) {
	w := &busy{world{now: epoch, until: epoch.Add(1005 * time.Millisecond)}}
	e := New(config(t, "rate", "1", "samples", "3", "copies", "5000"), Options{Form: event.V2, Now: w.clock})
	e.Run(w)
	if u, n := e.Unsent(), e.Counts().Records; n == 0 || n >= 5000 || u.N+n != 15000 {
		t.Errorf("%+v after %d records, want 15000 together", u, n)
	}
}
