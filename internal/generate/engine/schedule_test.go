// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gdummy/gdummy/internal/config/option"
	"github.com/gdummy/gdummy/internal/event"
)

// read returns the times and the bodies of events.
func read(tb failer, events []byte) (times []int64, bodies []string) {
	for len(events) > 0 {
		ev, rest, err := event.Decode(events)
		if err != nil {
			tb.Fatal(err)
		}
		times = append(times, ev.Time)
		bodies = append(bodies, string(ev.Body))
		events = rest
	}
	return times, bodies
}

// scheduledClocks are configurations whose times depend on positions.
var scheduledClocks = [][]string{
	{"rate", "unlimited", "start_time", "2024-02-28T23:00:00Z", "time_step", "10s"},
	{"rate", "300", "start_time", "2024-02-28T23:00:00Z", "time_step", "10s", "copies", "3"},
	{"rate", "unlimited", "time_step", "1ms", "start_time_sec", "1700000000"},
	{"rate", "unlimited", "start_time", "2026-03-29T00:00:00+01:00", "load_profile", "ramp 0 to 500 for 2s; poisson 20", "time_speed", "60"},
	{"rate", "unlimited", "start_time", "0", "end_time", "4000000000", "load_profile", "5 for 1s; idle for 3s; repeat", "copies", "2"},
	{"rate", "unlimited", "start_time", "2026-03-29T00:59:58+01:00", "load_profile", "daily 00:00 5, 01:00 20, 03:00 200; zone Europe/Berlin"},
	{"rate", "unlimited", "start_time", "2026-11-01T00:00:00Z", "time_step", "1ms", "skew", "u within 30s"},
	{"rate", "unlimited", "start_time", "2026-11-01T00:00:00Z", "load_profile", "20 for 3s; ramp 20 to 200 for 1s; 200; jitter 80% seed 3"},
	{"bytes_rate", "100k", "start_time", "-24h", "time_step", "7ns"},
	{"rate", "100", "time_step", "1h", "flush_on_startup", "on"},
	{"rate", "unlimited", "start_time", "2024-02-28T23:00:00Z", "time_step", "100ms", "shuffle_within", "3s", "repeat", "10% within 40", "late", "10% by 1s to 5s"},
	{"rate", "300", "time_step", "10s", "repeat", "5% within 20", "copies", "3"},
	{"rate", "200", "start_time", "-24h", "time_speed", "2", "shuffle_within", "1s", "repeat", "5% within 20"},
}

// Record k has the same time and the same bytes alone and in sequence, in one input
// or in many shards, and if a reload interrupts the stream.
func TestScheduledTimes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		given := append([]string{"template", `{"k":{{ seq }},"t":{{ now "unix_ns" }},"u":{{ int 0 999 }}}`, "max_in_flight", "256k"},
			rapid.SampledFrom(scheduledClocks).Draw(t, "clock")...)
		w := &world{now: epoch, until: epoch.Add(time.Minute)}
		run := func(clock Clock, resumed uint64, more ...string) *Engine {
			c := config(t, append(slices.Clone(given), more...)...)
			c.Template.First += int64(resumed * c.Template.Shards)
			e := New(c, Options{Form: event.V2, Now: w.clock, Clock: clock})
			w.until = w.now.Add(time.Minute)
			e.Run(w)
			return e
		}
		const n = 240
		run(Clock{}, 0, "max_records", fmt.Sprint(n))
		times, bodies := read(t, w.events)
		if len(times) != n {
			t.Fatalf("%d records, want %d", len(times), n)
		}
		moves := slices.Contains(given, "repeat") || slices.Contains(given, "skew")
		for i := 1; i < n; i++ {
			if times[i] <= times[i-1] && !moves {
				t.Fatalf("record %d has the time %d, the previous one %d", i, times[i], times[i-1])
			}
		}
		same := func(what string, k int, at int64, body string) {
			t.Helper()
			if at != times[k] || body != bodies[k] {
				t.Fatalf("%s: record %d is %q at %d, in sequence %q at %d", what, k, body, at, bodies[k], times[k])
			}
		}

		if !slices.Contains(given, "load_profile") && !slices.Contains(given, "-24h") {
			k := rapid.IntRange(0, n-1).Draw(t, "k")
			*w = world{now: epoch}
			run(Clock{}, 0, "max_records", "1", "first_seq", fmt.Sprint(k))
			at, body := read(t, w.events)
			same("alone", k, at[0], body[0])
		}

		shards := rapid.IntRange(1, 4).Draw(t, "shards")
		if !slices.Contains(given, "load_profile") && !slices.Contains(given, "200") { // each shard has a schedule of its own
			for i := range shards {
				*w = world{now: epoch}
				run(Clock{}, 0, "max_records", fmt.Sprint(n/shards), "shard", fmt.Sprintf("%d/%d", i, shards))
				at, body := read(t, w.events)
				if len(at) != n/shards {
					t.Fatalf("%d records in shard %d, want %d", len(at), i, n/shards)
				}
				for j := range at {
					same("shard", i+j*shards, at[j], body[j])
				}
			}
		}

		cut := rapid.IntRange(1, n).Draw(t, "cut")
		*w = world{now: epoch}
		before := run(Clock{}, 0, "samples", fmt.Sprint(cut)).Clock()
		atCut, _ := read(t, w.events)
		cut = len(atCut)
		w.now = w.now.Add(2 * time.Second)
		run(before, uint64(cut), "max_records", fmt.Sprint(n))
		at, body := read(t, w.events)
		for j := range n {
			same("reload", j, at[j], body[j])
		}
	})
}

// moment returns how long after the epoch a time is.
func moment(text string) time.Duration {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		panic(err)
	}
	return t.Sub(epoch)
}

// A running clock has a start, a speed and an end; its times move by the time between
// ticks, times the speed.
func TestRunningClocks(t *testing.T) {
	for _, tt := range []struct {
		why   string
		given []string
		want  []time.Duration // after the epoch
	}{
		{"a start time", []string{"start_time", "2023-11-14T22:13:20Z", "rate", "2", "max_records", "2"},
			[]time.Duration{500 * time.Millisecond, time.Second}},
		{"a profile that follows the time of day: the one of the records", []string{"start_time", "2026-11-01T08:59:58Z", "load_profile", "daily 08:00 1, 09:00 2", "max_records", "4"},
			[]time.Duration{moment("2026-11-01T08:59:59Z"), moment("2026-11-01T09:00:00Z"), moment("2026-11-01T09:00:00.5Z"), moment("2026-11-01T09:00:01Z")}},
		{"without a start time, the one of the wall clock", []string{"load_profile", "daily 22:00 1, 22:13:21 2", "max_records", "3"},
			[]time.Duration{time.Second, 1500 * time.Millisecond, 2 * time.Second}},
		{"after a delay", []string{"start_delay", "2s", "load_profile", "daily 22:00 1, 22:13:22 2", "max_records", "2"},
			[]time.Duration{2500 * time.Millisecond, 3 * time.Second}},
		{"a start of its own", []string{"load_profile", "daily 22:00 1, 22:13:21 2; from 2026-11-01T00:00:00+02:00", "max_records", "2"},
			[]time.Duration{time.Second, 2 * time.Second}},
		{"relative to the start", []string{"start_time", "-24h", "rate", "1", "max_records", "2"},
			[]time.Duration{time.Second - 24*time.Hour, 2*time.Second - 24*time.Hour}},
		{"a speed", []string{"start_time", "-1h", "rate", "1", "time_speed", "60", "max_records", "2"},
			[]time.Duration{time.Minute - time.Hour, 2*time.Minute - time.Hour}},
		{"a speed from now on", []string{"rate", "1", "time_speed", "0.5", "max_records", "2"},
			[]time.Duration{500 * time.Millisecond, time.Second}},
		{"to an end", []string{"start_time", "-2m", "end_time", "now", "rate", "1", "time_speed", "60"},
			[]time.Duration{-time.Minute, 0}},
		{"to an end, on the wall clock", []string{"end_time", "+3s", "rate", "1"},
			[]time.Duration{time.Second, 2 * time.Second, 3 * time.Second}},
		{"a delay does not move the start time", []string{"start_time", "-1h", "rate", "1", "start_delay", "10m", "max_records", "1"},
			[]time.Duration{time.Second - time.Hour}},
		{"copies", []string{"start_time", "-1h", "rate", "1", "time_speed", "3600", "copies", "2", "max_records", "3"},
			[]time.Duration{0, 3600, time.Hour}},
		{"copies of a slow clock", []string{"start_time", "-1h", "rate", "1", "time_speed", "0.3", "copies", "4", "max_records", "5"},
			[]time.Duration{300*time.Millisecond - time.Hour, 300*time.Millisecond + 1 - time.Hour, 300*time.Millisecond + 2 - time.Hour, 300*time.Millisecond + 3 - time.Hour, 600*time.Millisecond - time.Hour}},
		{"steps", []string{"start_time", "-1h", "end_time", "now", "time_step", "20m", "rate", "unlimited"},
			[]time.Duration{-time.Hour, -40 * time.Minute, -20 * time.Minute}},
		{"evenly spread", []string{"start_time", "-1h", "end_time", "now", "max_records", "4", "rate", "10"},
			[]time.Duration{-time.Hour, -45 * time.Minute, -30 * time.Minute, -15 * time.Minute}},
		{"evenly spread, a shard", []string{"start_time", "-1h", "end_time", "now", "max_records", "2", "rate", "unlimited", "shard", "1/2"},
			[]time.Duration{-45 * time.Minute, -15 * time.Minute}},
		{"evenly spread, from another record on", []string{"start_time", "-1h", "end_time", "now", "max_records", "2", "rate", "unlimited", "first_seq", "500"},
			[]time.Duration{-time.Hour, -30 * time.Minute}},
		{"along a profile to its end", []string{"start_time", "-1h", "load_profile", "1 for 2s; idle for 1s", "rate", "unlimited", "time_speed", "60"},
			[]time.Duration{-59 * time.Minute, -58 * time.Minute}},
		{"along a profile to the end time", []string{"start_time", "-1h", "end_time", "now", "load_profile", "1/h", "rate", "unlimited"},
			[]time.Duration{0}},
		{"no time at all", []string{"start_time", "2023-11-14T22:13:20Z", "end_time", "-1s", "rate", "unlimited"}, nil},
	} {
		w := &world{now: epoch, until: epoch.Add(time.Hour)}
		e := New(config(t, tt.given...), Options{Form: event.V2, Now: w.clock})
		e.Run(w)
		times, _ := read(t, w.events)
		got := make([]time.Duration, 0, len(times))
		for _, at := range times {
			got = append(got, time.Duration(at-epoch.UnixNano()))
		}
		if !slices.Equal(got, tt.want) || !e.Finished() {
			t.Errorf("%s: times %v, finished %v; want %v", tt.why, got, e.Finished(), tt.want)
		}
	}
}

// Inputs that start at different times begin together, with the same times of records.
func TestStartAt(t *testing.T) {
	for _, late := range []time.Duration{0, 13 * time.Second, time.Minute} {
		w := &world{now: epoch.Add(late), until: epoch.Add(3 * time.Hour)}
		New(config(t, "start_at", "2023-11-14T22:14:20Z", "start_time", "2024-02-29T00:00:00Z", "rate", "1", "max_records", "2"),
			Options{Form: event.V2, Now: w.clock}).Run(w)
		began := max(late, time.Minute)
		times, _ := read(t, w.events)
		first := time.Date(2024, 2, 29, 0, 0, 1, 0, time.UTC).UnixNano()
		if !slices.Equal(times, []int64{first, first + 1e9}) {
			t.Errorf("started after %v: times %v, want %d and a second later", late, times, first)
		}
		if got := w.slices[0].at; got != began+time.Second {
			t.Errorf("started after %v: the first record comes after %v, want %v", late, got, began+time.Second)
		}
	}
}

// A run that has no record because its end is not after its start logs it, where the
// configuration alone does not show it.
func TestNoTime(t *testing.T) {
	for _, c := range []struct {
		given []string
		want  string
	}{
		{[]string{"start_time", "2030-01-01T00:00:00Z", "end_time", "now", "rate", "unlimited"},
			"option end_time: 2023-11-14T22:13:20Z is not after the start time 2030-01-01T00:00:00Z: there are no records"},
		{[]string{"end_time", "2020-01-01T00:00:00Z", "rate", "1"},
			"option end_time: 2020-01-01T00:00:00Z is not after the start time 2023-11-14T22:13:20Z: there are no records"},
	} {
		var logged []string
		New(config(t, c.given...), Options{
			Form: event.V2, Now: func() time.Time { return epoch }, Log: func(line string) { logged = append(logged, line) },
		})
		if len(logged) != 1 || logged[0] != c.want {
			t.Errorf("%q: logged %q, want %q", c.given, logged, c.want)
		}
	}
}

const unscheduled = "the records have no scheduled time: expected time_step, a rate other than unlimited, a load_profile, or start_time with end_time and max_records"

// Options of the clock that contradict one another are errors.
func TestClockConflicts(t *testing.T) {
	for section, want := range map[string]string{
		"start_time now\nstart_time_sec 5":                                 "option start_time: start_time and start_time_sec are mutually exclusive",
		"start_at +5s\nstart_delay 5s":                                     "option start_at: start_at and start_delay are mutually exclusive",
		"time_step 1s\ntime_speed 2":                                       "option time_step: time_step and time_speed are mutually exclusive",
		"time_step 0":                                                      `option time_step: invalid value "0": expected a time above 0; with fixed_timestamp, all records have the same time`,
		"time_step 0ms\nrate unlimited":                                    `option time_step: invalid value "0ms": expected a time above 0; with fixed_timestamp, all records have the same time`,
		"time_step 1s\nfixed_timestamp on":                                 "option time_step: time_step and fixed_timestamp are mutually exclusive",
		"time_speed 2\nfixed_timestamp on":                                 "option time_speed: time_speed and fixed_timestamp are mutually exclusive",
		"end_time +1h\nfixed_timestamp on":                                 "option end_time: end_time and fixed_timestamp are mutually exclusive",
		"end_time -1h":                                                     "option end_time: -1h is not after the start time, now",
		"start_time_sec 1700000000\nend_time 2023-11-14T22:13:20Z":         "option end_time: 2023-11-14T22:13:20Z is not after the start time, 2023-11-14T22:13:20Z",
		"load_profile 5\nrate 5":                                           "option load_profile: load_profile and rate are mutually exclusive",
		"load_profile 5\nrate unlimited":                                   "option load_profile: with rate unlimited, the times of the records follow load_profile: it requires start_time",
		"load_profile 5\nrate unlimited\nstart_time -1h\nmax_records 1":    "",
		"fixed_timestamp off\ntime_step 1s\nmax_records 1\nstart_time now": "",
		"shuffle_within 30s\nrate unlimited":                               "option shuffle_within: " + unscheduled,
		"repeat 1% within 100\nbytes_rate 1M":                              "option repeat: " + unscheduled,
		"late 1% by 5s\nrate unlimited":                                    "option late: with rate unlimited, it requires start_time or time_step",
		"shuffle_within 30s\nrate unlimited\nstart_time -1h\nend_time now": "option shuffle_within: " + unscheduled,
		"shuffle_within 30s\nrate unlimited\ntime_step 1s":                 "",
		"shuffle_within 30s\nrate 5":                                       "",
		"repeat 1% within 1":                                               `option repeat: invalid value "1": expected a whole number from 2 to 1000000000000`,
		"repeat 1%":                                                        `option repeat: invalid value "1%": expected a share and a number of records, such as 1% within 1000`,
		"late 5% by 5m to 10s":                                             `option late: invalid value "5% by 5m to 10s": expected the shorter time first`,
		"repeat 1% within 9\nfixed_timestamp on":                           "option repeat: repeat and fixed_timestamp are mutually exclusive",
		"time_speed 2000001":                                               `option time_speed: invalid value "2000001": expected at most 2M, and at most 6 decimals`,
		"time_speed 0.0000001":                                             `option time_speed: invalid value "0.0000001": expected at most 2M, and at most 6 decimals`,
	} {
		_, _, err := Configure(from(section), nil)
		got := ""
		if errs, ok := errors.AsType[option.Errors](err); ok {
			got = errs.Error()
		}
		if got != want {
			t.Errorf("%q:\n got %s\nwant %s", section, got, want)
		}
	}
}

// An input that starts after start_at sends the ticks since then or counts them as
// shortfall, depending on catch_up, and logs it. Its clock and its end are those of an input
// that was punctual. After a hot reload, a time in the past is now.
func TestLateStart(t *testing.T) {
	const at = "2023-11-14T22:13:20Z" // the epoch
	for _, tt := range []struct {
		catchUp   string
		late      time.Duration
		records   uint64
		shortfall uint64
		first     time.Duration // time of the first record, after the epoch
		logged    string
	}{
		{"full", 0, 100, 0, 100 * time.Millisecond, ""},
		{"limit", 50 * time.Millisecond, 100, 0, 100 * time.Millisecond, ""}, // nothing was due
		{"full", 4 * time.Second, 100, 0, 100 * time.Millisecond, "option start_at: it was 4s ago; catch_up full sends the ticks since then at once"},
		{"limit", 4 * time.Second, 70, 30, 3100 * time.Millisecond, "option start_at: it was 4s ago; catch_up limit skips the ticks since then, but for those of the last second"},
		{"none", 4 * time.Second, 61, 39, 4 * time.Second, "option start_at: it was 4s ago; catch_up none skips the ticks since then"},
		{"full", time.Hour, 100, 0, 100 * time.Millisecond, "option start_at: it was 1h0m0s ago; catch_up full sends the ticks since then at once"},
		{"limit", time.Hour, 1, 99, 10 * time.Second, "option start_at: it was 1h0m0s ago; catch_up limit skips the ticks since then, but for those of the last second"},
	} {
		w := &world{now: epoch.Add(tt.late), until: epoch.Add(3 * time.Hour)}
		logged := ""
		e := New(config(t, "start_at", at, "rate", "10", "duration", "10s", "catch_up", tt.catchUp),
			Options{Form: event.V2, Now: w.clock, Log: func(line string) { logged += line }})
		e.Run(w)
		times, _ := read(t, w.events)
		c := e.Counts()
		if c.Records != tt.records || c.Shortfall != tt.shortfall || time.Duration(times[0]-epoch.UnixNano()) != tt.first || logged != tt.logged {
			t.Errorf("%s, %v late: %d records, %d short, the first at %v, want %d, %d and %v\nlogged %q\n  want %q",
				tt.catchUp, tt.late, c.Records, c.Shortfall, time.Duration(times[0]-epoch.UnixNano()), tt.records, tt.shortfall, tt.first, logged, tt.logged)
		}
		if ended := w.now.Sub(epoch); ended > max(tt.late, 10*time.Second)+grain {
			t.Errorf("%s, %v late: it ends after %v", tt.catchUp, tt.late, ended)
		}
	}

	w := &world{now: epoch, until: epoch.Add(time.Hour)}
	before := New(config(t, "start_at", at, "rate", "10", "max_records", "5"), Options{Form: event.V2, Now: w.clock})
	before.Run(w)
	w.now = w.now.Add(time.Minute)
	after := New(config(t, "start_at", at, "rate", "10", "max_records", "5"), Options{Form: event.V2, Now: w.clock, Clock: before.Clock()})
	after.Run(w)
	times, _ := read(t, w.events)
	if len(times) != 10 || after.Counts().Shortfall > 0 || time.Duration(times[5]-epoch.UnixNano()) != time.Minute+600*time.Millisecond {
		t.Errorf("after a reload: %d records, %d short, at %v", len(times), after.Counts().Shortfall, times)
	}
}

// Shards with split make the records of one input without shards, each at the same
// moment and with the same time, however many there are; also after a change of the pace.
func TestSplit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		given := append([]string{"template", `{"k":{{ seq }},"t":{{ now "unix_ns" }},"u":{{ int 0 999 }}}`}, rapid.SampledFrom([][]string{
			{"rate", "1k", "duration", "600ms"},
			{"rate", "1k", "max_records", "601"},
			{"rate", "7/m", "samples", "5", "start_at", "2023-11-14T22:14:20Z"},
			{"interval_nsec", "333", "samples", "1000"},
			{"load_profile", "ramp 0 to 500 for 1s; 100 for 1s"},
			{"load_profile", "poisson 300 for 1s"},
			{"rate", "300", "start_time", "2024-02-28T23:00:00Z", "time_speed", "60", "max_records", "99"},
			{"rate", "300", "shuffle_within", "1s", "repeat", "5% within 20", "max_records", "400"},
			{"rate", "unlimited", "load_profile", "ramp 10 to 100 for 3s", "start_time", "2024-02-28T23:00:00Z"},
			{"rate", "unlimited", "start_time", "2024-02-28T23:00:00Z", "end_time", "2024-02-29T00:00:00Z", "max_records", "100"},
			{"rate", "unlimited", "start_time", "2024-02-28T23:00:00Z", "time_step", "3ms", "max_records", "100"},
			{"rate", "100", "start_at", "2023-11-14T22:13:10Z", "duration", "12s", "catch_up", "full"},
		}).Draw(t, "load")...)
		make := func(more ...string) map[string]int64 {
			w := &world{now: epoch, until: epoch.Add(time.Hour)}
			e := New(config(t, append(slices.Clone(given), more...)...), Options{Form: event.V2, Now: w.clock})
			e.Run(w)
			if !e.Finished() {
				t.Fatalf("%v does not finish", more)
			}
			times, bodies := read(t, w.events)
			made := map[string]int64{}
			for i, body := range bodies {
				made[body] = times[i]
			}
			return made
		}
		want := make()
		shards := rapid.IntRange(1, 7).Draw(t, "shards")
		got := map[string]int64{}
		n := 0
		for i := range shards {
			part := make("split", "on", "shard", fmt.Sprintf("%d/%d", i, shards))
			if most := (len(want)-1)/shards + 1; len(part) > most && !slices.Contains(given, "repeat") {
				t.Fatalf("%d records in part %d/%d of %d", len(part), i, shards, len(want))
			}
			n += len(part)
			maps.Copy(got, part)
		}
		if !maps.Equal(got, want) || n != len(want) && !slices.Contains(given, "repeat") {
			t.Fatalf("%v: %d records in %d parts, want those of one input, which are %d", given, n, shards, len(want))
		}
	})
}
