// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/gdummy/gdummy/internal/config/option"
	"github.com/gdummy/gdummy/internal/config/units"
	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/generate/control"
)

// steered is a host on which the control file changes at given times.
type steered struct {
	world
	path    string
	script  []instruction
	changes []Change
	when    []time.Duration // of the changes, after epoch
	log     []string
}

// scheduled returns how many records were due until the end.
func (s *steered) scheduled(e *Engine) uint64 {
	return e.Counts().Records + e.Counts().Shortfall + e.owed(int64(min(s.now.Sub(epoch), time.Duration(e.plan.end)))-e.plan.delay)
}

// instruction is a text that the control file has from a time on.
type instruction struct {
	at   time.Duration
	text string
}

func (s *steered) Wait(t time.Time) bool {
	ok := s.world.Wait(t)
	s.write()
	return ok
}

// write writes what the file has now. Each version has a time of its own.
func (s *steered) write() {
	for len(s.script) > 0 && s.now.Sub(epoch) >= s.script[0].at {
		at := epoch.Add(time.Duration(len(s.script)) * time.Hour)
		if os.WriteFile(s.path, []byte(s.script[0].text), 0o644) != nil || os.Chtimes(s.path, at, at) != nil {
			panic("cannot write " + s.path)
		}
		s.script = s.script[1:]
	}
}

// steerFor runs an engine for d while the control file changes. If stall is not 0, each
// 37th wait is longer by it.
func steerFor(t failer, dir string, d, stall time.Duration, script []instruction, given ...string) (*Engine, *steered) {
	t.Helper()
	s := &steered{path: filepath.Join(dir, "control"), script: script}
	n := 0
	s.jitter = func(d time.Duration) time.Duration {
		if n++; n%37 == 0 {
			d += stall
		}
		return d
	}
	os.Remove(s.path)
	s.now, s.until = epoch, epoch.Add(d)
	s.write()
	e := New(config(t, append(given, "control", s.path)...), Options{
		Form: event.V2, Now: s.clock,
		Log: func(line string) { s.log = append(s.log, strings.ReplaceAll(line, s.path, "FILE")) },
		Changed: func(c Change) {
			s.changes, s.when = append(s.changes, c), append(s.when, s.now.Sub(epoch))
		},
	})
	for s.now.Before(s.until) && !e.Finished() {
		e.Run(s)
	}
	return e, s
}

func TestControl(t *testing.T) {
	for _, tt := range []struct {
		name    string // why the row exists
		given   []string
		script  []instruction
		run     time.Duration
		records uint64
		want    []Change
	}{
		{
			"no file: as configured",
			[]string{"rate", "10"}, nil, 3 * time.Second, 30, nil,
		}, {
			"a file that is there is in force from the start, not from the first look on",
			[]string{"rate", "10", "start_delay", "1s"}, []instruction{{0, "rate 1k"}}, 2 * time.Second, 1000,
			[]Change{{0, 0, "rate 1k"}},
		}, {
			// A version at 2 s is found at 2 s, and read at 2.2 s.
			"what was due before a change stays: 22 records at 10 a second, then 1000 a second",
			[]string{"rate", "10"}, []instruction{{2 * time.Second, "rate 1k"}}, 3 * time.Second, 22 + 800,
			[]Change{{22, 22, "rate 1k"}},
		}, {
			"a pause makes no record, and resuming none of those that were not due",
			[]string{"rate", "100"}, []instruction{{time.Second, "pause"}, {3 * time.Second, "resume"}}, 4 * time.Second, 120 + 80,
			[]Change{{120, 120, "pause"}, {120, 120, "as configured"}},
		}, {
			"a scale multiplies the configured pace",
			[]string{"rate", "100"}, []instruction{{time.Second, "scale 0.5"}}, 3 * time.Second, 120 + 90,
			[]Change{{120, 120, "scale 0.5"}},
		}, {
			// At 2.2 s the ramp is at 220 a second; scaled by 2, it continues at 440.
			"a load profile continues where it is when it is scaled",
			[]string{"load_profile", "ramp 0 to 1000 for 10s"}, []instruction{{2 * time.Second, "scale 2"}}, 10 * time.Second, 242 + 2*(5000-242),
			[]Change{{242, 242, "scale 2"}},
		}, {
			"the configured load profile ends the run, when it is in force",
			[]string{"load_profile", "100 for 2s"}, []instruction{{time.Second, "rate 10"}, {5 * time.Second, ""}}, time.Hour, 120 + 40,
			[]Change{{120, 120, "rate 10"}, {160, 160, "as configured"}},
		}, {
			"that of the file does not: after it, no record is due until the file changes",
			[]string{"rate", "1"}, []instruction{{0, "load_profile 100 for 1s"}, {5 * time.Second, "rate 10"}}, 6200 * time.Millisecond, 110,
			[]Change{{0, 0, "load_profile constant 100 for 1s"}, {100, 100, "rate 10"}},
		}, {
			"the load profile of the file starts when it is in force, and only a new one starts again",
			[]string{"rate", "0.1"}, []instruction{
				{800 * time.Millisecond, "load_profile ramp 0 to 1000 for 10s"}, {1800 * time.Millisecond, "load_profile ramp 0 to 1000 for 10s\npause"},
				{2800 * time.Millisecond, "load_profile ramp 0 to 1000 for 10s"},
			}, 4 * time.Second, 50 + 250,
			[]Change{{0, 0, "load_profile ramp 0 to 1k for 10s"}, {50, 50, "load_profile ramp 0 to 1k for 10s; pause"}, {50, 50, "load_profile ramp 0 to 1k for 10s"}},
		}, {
			// The epoch is at 22:13:20.
			"a profile by the time of day starts at the time of the change; scaled, it stays there",
			[]string{"rate", "10"}, []instruction{
				{800 * time.Millisecond, "load_profile daily 22:00 100, 22:13:23 1k"}, {2800 * time.Millisecond, "scale 0.1\nload_profile daily 22:00 100, 22:13:23 1k"},
			}, 4 * time.Second, 10 + 200 + 100,
			[]Change{{10, 10, "load_profile daily 22:00 100, 22:13:23 1k"}, {210, 210, "load_profile daily 22:00 100, 22:13:23 1k; scale 0.1"}},
		}, {
			"the same as configured",
			[]string{"load_profile", "daily 22:00 100, 22:13:23 1k"}, []instruction{{time.Second, "scale 0.5"}}, 4 * time.Second, 120 + 90 + 500,
			[]Change{{120, 120, "scale 0.5"}},
		}, {
			"limits stay those of the configuration",
			[]string{"rate", "1", "max_records", "50"}, []instruction{{0, "rate 100"}}, time.Hour, 50,
			[]Change{{0, 0, "rate 100"}},
		}, {
			"records in ticks",
			[]string{"rate", "10", "copies", "3"}, []instruction{{time.Second, "rate 100"}}, 2 * time.Second, 3 * (12 + 80),
			[]Change{{36, 36, "rate 100"}},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e, s := steerFor(t, t.TempDir(), tt.run, 0, tt.script, tt.given...)
			if got := s.scheduled(e); got != tt.records || e.Counts().Shortfall != 0 {
				t.Errorf("%d records and a shortfall of %d, want %d and 0; changes at %v", got, e.Counts().Shortfall, tt.records, s.when)
			}
			if diff := cmp.Diff(tt.want, s.changes); diff != "" {
				t.Errorf("changes at %v (-want +got):\n%s", s.when, diff)
			}
			if len(s.log) > 0 {
				t.Errorf("logged: %q", s.log)
			}
		})
	}
}

// Any sequence of rates and pauses, over a host that stalls: as many records are scheduled
// as the integral of the rates in force, at each change and at the end. No record is early,
// and each is later than the one before.
func TestControlExact(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		rates := []string{"7"}
		var script []instruction
		at := time.Duration(0)
		for range rapid.IntRange(0, 6).Draw(t, "changes") {
			at += time.Duration(rapid.IntRange(0, 3e9).Draw(t, "after"))
			rate := rapid.SampledFrom([]string{"pause", "0.3", "7", "333.3", "1k/m"}).Draw(t, "rate")
			text := "pause"
			if rate != "pause" {
				text = "rate " + rate
			}
			script = append(script, instruction{at, text})
		}
		stall := rapid.SampledFrom([]time.Duration{0, 500 * time.Millisecond, 3 * time.Second}).Draw(t, "stall")
		catchUp := rapid.SampledFrom([]string{"full", "limit", "none"}).Draw(t, "catch_up")
		e, s := steerFor(t, dir, at+2*time.Second, stall, script, "rate", rates[0], "catch_up", catchUp)
		sum, from, rate := new(big.Rat), time.Duration(0), ratePerNanosecond(rates[0])
		add := func(to time.Duration) uint64 {
			sum.Add(sum, new(big.Rat).Mul(rate, new(big.Rat).SetInt64(int64(to-from))))
			from = to
			return new(big.Int).Div(sum.Num(), sum.Denom()).Uint64()
		}
		for i, c := range s.changes {
			if want := add(s.when[i]); i > 0 && c.Scheduled != want || i == 0 && c.Scheduled != want && c.Scheduled != 0 {
				t.Fatalf("change %d, to %s at %s: %d records scheduled, want %d", i, c.State, s.when[i], c.Scheduled, want)
			}
			if c.Scheduled == 0 && i == 0 {
				sum.SetInt64(0) // in force from the start on
				if s.when[0] > 0 {
					sum.Mul(rate, new(big.Rat).SetInt64(int64(s.when[0])))
				}
			}
			rate = new(big.Rat)
			if r, ok := strings.CutPrefix(c.State, "rate "); ok {
				rate = ratePerNanosecond(r)
			}
		}
		got := e.Counts()
		if want := add(s.now.Sub(epoch)); s.scheduled(e) != want {
			t.Fatalf("%d records, a shortfall of %d, and %d scheduled, want %d after changes at %v: %v", got.Records, got.Shortfall, s.scheduled(e), want, s.when, s.changes)
		}
		if catchUp == "full" && got.Shortfall > 0 {
			t.Fatalf("catch_up full: a shortfall of %d", got.Shortfall)
		}
		events, before := s.events, int64(0)
		for _, sl := range s.slices {
			for range sl.records {
				ev, rest, err := event.Decode(events)
				if err != nil {
					t.Fatal(err)
				}
				if ev.Time <= before || ev.Time > epoch.Add(sl.at).UnixNano() {
					t.Fatalf("a record of %d, after one of %d, is emitted at %d", ev.Time, before, epoch.Add(sl.at).UnixNano())
				}
				events, before = rest, ev.Time
			}
		}
	})
}

func ratePerNanosecond(text string) *big.Rat {
	r, err := units.ParseRate(text)
	if err != nil {
		panic(err)
	}
	return new(big.Rat).Mul(big.NewRat(int64(r), int64(units.Quanta)), big.NewRat(1, 1e9))
}

// rate unlimited has no schedule: what it makes counts for none of the paces around it.
func TestControlUnlimited(t *testing.T) {
	e, s := steerFor(t, t.TempDir(), 3*time.Second, 0, []instruction{{0, "rate 10"}, {time.Second, "rate unlimited"}, {time.Second, "rate unlimited\npause"}, {2 * time.Second, "rate 10"}}, "rate", "unlimited")
	if got := s.scheduled(e); got != 12+8 {
		t.Errorf("10 a second for 1.2 s, a pause, and again for 0.8 s: %d records, want 20", got)
	}
	if len(s.changes) != 3 {
		t.Errorf("changes: %v, want 3", s.changes)
	}
	// A host whose clock does not advance while it takes records, until it has 5000.
	e, s = steerFor(t, t.TempDir(), time.Second, 0, []instruction{{0, "rate 10"}}, "rate", "unlimited", "max_records", "5000")
	if got := s.scheduled(e); got != 10 || e.PerSecond() != "10/s" {
		t.Errorf("rate 10 instead of unlimited for a second: %d records at %s, want 10 at 10/s", got, e.PerSecond())
	}
}

// An error in the file is logged once, with its place; the last good state stays.
func TestControlErrors(t *testing.T) {
	e, s := steerFor(t, t.TempDir(), 5*time.Second, 0, []instruction{{0, "rate 10"}, {time.Second, "rate 50\nscal 2"}, {3 * time.Second, "rate 1\nscale 1e-9"}}, "rate", "1")
	want := []string{
		`option control: FILE: line 2, column 1: unknown command "scal": expected rate, load_profile, scale, pause, resume`,
		"  | scal 2",
		"  | ^",
		"  did you mean scale?",
		"option control: the file is not applied; in force: rate 10",
		"option control: FILE: line 2, column 7: scale 1e-9 makes the rate 1 too fine: expected a multiple of 0.000001/h",
		"  | scale 1e-9",
		"  |       ^",
		"option control: the file is not applied; in force: rate 10",
	}
	if diff := cmp.Diff(want, s.log); diff != "" {
		t.Error("log (-want +got):\n" + diff)
	}
	if got := s.scheduled(e); got != 50 {
		t.Errorf("%d records, want 50 at 10 a second", got)
	}
}

// What needs to know the pace in advance excludes the option.
func TestControlExcludes(t *testing.T) {
	for _, tt := range []struct {
		given []string
		want  string
	}{
		{[]string{"bytes_rate", "1M"}, "option control: control and bytes_rate are mutually exclusive"},
		{[]string{"interval_sec", "3"}, "option control: control and interval_sec are mutually exclusive"},
		{[]string{"interval_nsec", "500000000"}, "option control: control and interval_nsec are mutually exclusive"},
		{[]string{"replay", "testdata/orders.ndjson", "replay_time", "time", "replay_speed", "2"}, "option control: control and replay_speed are mutually exclusive" +
			"\noption control: control and replay at the spacing of its records are mutually exclusive: set a rate or a load_profile"},
		{[]string{"replay", "testdata/orders.ndjson", "replay_time", "time", "max_gap", "2s"}, "option control: control and max_gap are mutually exclusive" +
			"\noption control: control and replay at the spacing of its records are mutually exclusive: set a rate or a load_profile"},
		{[]string{"template", ordersText}, "option control: control and transitions are mutually exclusive: the rate follows from the number of lives and their dwell times"},
		{[]string{"time_step", "1s"}, "option control: control and time_step are mutually exclusive"},
		{[]string{"shuffle_within", "1s"}, "option control: control and shuffle_within are mutually exclusive"},
		{[]string{"repeat", "1% within 100"}, "option control: control and repeat are mutually exclusive"},
		{[]string{"late", "1% by 5s"}, "option control: control and late are mutually exclusive"},
		{[]string{"start_time", "2026-01-01T00:00:00Z", "end_time", "2026-01-02T00:00:00Z", "max_records", "10"},
			"option control: control and start_time with end_time and max_records are mutually exclusive: the records are evenly spread between the two times"},
		{[]string{"start_time", "2026-01-01T00:00:00Z", "load_profile", "10", "rate", "unlimited"},
			"option control: control and load_profile with rate unlimited are mutually exclusive: the times of the records follow load_profile"},
		{[]string{"replay", "testdata/orders.ndjson", "replay_time", "time"},
			"option control: control and replay at the spacing of its records are mutually exclusive: set a rate or a load_profile"},
	} {
		m := map[string]string{"control": "f"}
		for i := 0; i < len(tt.given); i += 2 {
			m[tt.given[i]] = tt.given[i+1]
		}
		_, _, err := Configure(func(name string) (string, bool) { v, ok := m[name]; return v, ok }, nil)
		if _, ok := err.(option.Errors); !ok || err.Error() != tt.want {
			t.Errorf("control with %v: %v, want %s", tt.given, err, tt.want)
		}
	}
}

// What the file has at the start is in force from the start on, also on a host that calls
// the engine a second later.
func TestControlFromStart(t *testing.T) {
	s := &steered{path: filepath.Join(t.TempDir(), "control"), script: []instruction{{0, "rate 1k"}}}
	s.now, s.until = epoch, epoch.Add(2*time.Second)
	s.write()
	e := New(config(t, "rate", "10", "catch_up", "full", "control", s.path), Options{Form: event.V2, Now: s.clock})
	s.now = epoch.Add(time.Second)
	e.Run(s)
	if got := s.scheduled(e); got != 2000 {
		t.Errorf("%d records in two seconds, want 2000", got)
	}
}

// What is due when the rate becomes unlimited is among the records made then: it is not
// due again at a later rate.
func TestControlUnlimitedBacklog(t *testing.T) {
	s := &steered{}
	s.now = epoch
	e := New(config(t, "rate", "10", "catch_up", "full", "control", "none"), Options{Form: event.V2, Now: s.clock})
	second := int64(time.Second)
	for _, tt := range []struct {
		text string
		at   int64
		want uint64 // owed just after it
	}{{"rate 10", 2 * second, 20}, {"rate unlimited", 2 * second, 0}, {"rate 10", 3 * second, 0}} {
		state, err := control.Parse("f", tt.text)
		if err != nil {
			t.Fatal(err)
		}
		if err := e.change(state, tt.at); err != nil {
			t.Fatal(err)
		}
		if tt.text == "rate unlimited" {
			continue // any number is due
		}
		if got := e.owed(tt.at); got != tt.want {
			t.Errorf("%s at %d s: %d records are due, want %d", tt.text, tt.at/second, got, tt.want)
		}
	}
}

// A control file changes when records are due, and the skew of hosts their times only: with
// both, as many are made at the same moments, each as far off as its host's clock, and what
// counts as a change is the same.
func TestControlSkew(t *testing.T) {
	const template = `{{ $h := keyed 20 }}{"host":"web-{{ $h.key }}"}`
	script := []instruction{{time.Second, "rate 1k"}, {2 * time.Second, "rate 1k\npause"}, {3 * time.Second, "scale 0.5"}}
	made := func(more ...string) (s *steered, times []int64, hosts []string) {
		e, s := steerFor(t, t.TempDir(), 5*time.Second, 0, script, append([]string{"rate", "100", "seed", "1", "template", template}, more...)...)
		if got := s.scheduled(e); got != 120+1000+90 {
			t.Fatalf("%v: %d records, want 1210", more, got)
		}
		times, hosts = read(t, s.events)
		return s, times, hosts
	}
	right, due, hosts := made()
	skewed, times, same := made("skew", "host within 5s")
	if diff := cmp.Diff(hosts, same); diff != "" {
		t.Fatalf("without skew and with it:\n%s", diff)
	}
	if diff := cmp.Diff(right.changes, skewed.changes); diff != "" || len(skewed.changes) != 3 {
		t.Errorf("changes without skew and with it:\n%s", diff)
	}
	if len(right.slices) != len(skewed.slices) {
		t.Errorf("%d slices, without skew %d", len(skewed.slices), len(right.slices))
	}
	skews := map[string]int64{}
	for k, host := range hosts {
		skew := times[k] - due[k]
		if old, ok := skews[host]; ok && old != skew || skew == 0 || skew < -5e9 || skew > 5e9 {
			t.Fatalf("the clock of %s is off by %d ns in record %d, by %d before", host, skew, k, old)
		}
		skews[host] = skew
	}
}

// A control file changes the pace of the whole stream, of which shards with split have
// their parts: their sum is exact.
func TestControlSplit(t *testing.T) {
	sum := uint64(0)
	for i := range 3 {
		e, s := steerFor(t, t.TempDir(), 3*time.Second, 0, []instruction{{0, "rate 700"}},
			"rate", "10", "split", "on", "template", "{}", "shard", fmt.Sprintf("%d/3", i))
		if got, want := e.PerSecond(), "233.333/s"; got != want {
			t.Errorf("rate in words %s, want %s", got, want)
		}
		sum += s.scheduled(e)
	}
	if sum != 2100 {
		t.Errorf("%d records are due in 3 s at 700 a second, want 2100", sum)
	}
}
