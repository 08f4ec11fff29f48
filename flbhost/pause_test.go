// SPDX-License-Identifier: Apache-2.0

package flbhost_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/gdummy/gdummy/internal/event"
)

// An engine with slow filters is not kept from its other work: however many records fit
// into the bytes that may be in flight, few enough are passed to it at once. The speed of the
// filters is measured, which an input thread that does not run for a while cannot do: on a
// busy machine, the best of three runs counts.
func TestGdummySlowFilter(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"seen":   {},
		"unseen": {"--hide-ring"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const n = 60_000
			best := 0
			for range 3 {
				r := load(t, variant{version: v511}, gdummyPackage, append(args, "--filter-us", "50", "--records", fmt.Sprint(n), "PLUGIN",
					"-i", "-p", "rate=unlimited", "-p", fmt.Sprint("max_records=", n))...)
				r.wantClean(t)
				if got := r.report.MostDrained; best == 0 || got < best {
					best = got
				}
				// 2,000 records take 100 ms, which is the aim.
				if best > 0 && best <= 10_000 {
					return
				}
			}
			t.Errorf("the engine had to ingest %d records at once, want at most 10000", best)
		})
	}
}

// No record is lost, duplicated or reordered by an engine that is slow, refuses appends or
// has a small ring, visible or not. The engine is not starved.
func TestGdummyBackpressure(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"slow":                 {"--drain-ms", "3"},
		"slow, unseen":         {"--drain-ms", "3", "--hide-ring"},
		"refusing":             {"--refuse-every", "3"},
		"refusing, unseen":     {"--refuse-every", "3", "--hide-ring"},
		"small ring":           {"--ring", "128", "--drain-ms", "1"},
		"smallest ring":        {"--ring", "1"},
		"full window":          {"--ring", "4", "--window", "100"}, // a full ring is what starts the engine
		"fast":                 {},
		"fast, unseen":         {"--hide-ring"},
		"refusing, own thread": {"--refuse-every", "2", "--threaded", "off"}, // a retry a second
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			raw := filepath.Join(t.TempDir(), "raw")
			n := 300000
			if slices.Contains(args, "--threaded") {
				n = 5000
			}
			r := load(t, variant{version: v511}, gdummyPackage, append(args, "--output", "raw:"+raw, "--records", fmt.Sprint(n), "PLUGIN",
				"-i", "-p", "rate=unlimited", "-p", fmt.Sprint("max_records=", n), "-p", "max_in_flight=1M", "-p", `dummy={"a":1}{"b":2}{"c":3}`,
				"-p", "fixed_timestamp=on", "-p", "start_time_sec=1000")...)
			r.wantClean(t)
			if r.report.Starved != 0 {
				t.Error("the engine was starved")
			}
			if d := summaryTime(t, r); name == "full window" && d > time.Second {
				t.Errorf("it took %v: the engine waited for its timer", d)
			}
			want := events(t, event.V2, 1000, n, `{"a":1}{"b":2}{"c":3}`)
			if got := readFile(t, raw+".0"); !bytes.Equal(got, want) {
				t.Errorf("%d bytes, want %d, or others", len(got), len(want))
			}
		})
	}
}

// summaryTime returns the duration of the run from its summary.
func summaryTime(t *testing.T, r result) time.Duration {
	t.Helper()
	m := regexp.MustCompile(`refused \d+, in (\S+)`).FindStringSubmatch(r.stderr)
	if m == nil {
		t.Fatalf("no summary:\n%s", r.stderr)
	}
	d, err := time.ParseDuration(m[1])
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// Hosts before 2.1.9 drop the queue when they pause an input. The first loss is logged with
// a workaround, and the number of lost records at the end, even if the input is never
// resumed.
func TestGdummyPauseLoses(t *testing.T) {
	t.Parallel()
	dropped := regexp.MustCompile(`\[ warn\] \[input:gdummy:gdummy\.0\] Fluent Bit has dropped (\d+) of the (\d+) records in its queue: ` +
		`versions before 2\.1\.9 drop what is there when they pause an input \(mem_buf_limit\) or stop, and may never resume it; ` +
		`threaded off loses nothing, a smaller max_in_flight less\n`)
	for _, c := range []struct {
		name, script string
		least        int // lines
	}{
		{"running", "at 5 exit", 2},
		{"never resumed", "at 1.6 pause 0; at 3 exit", 1}, // the first line may come before the pause
	} {
		for v, drops := range map[int]bool{v200: true, v210: true, v220: false, v511: false} {
			t.Run(c.name+" "+variant{version: v}.String(), func(t *testing.T) {
				t.Parallel()
				r := load(t, variant{version: v}, gdummyPackage, "--output", "null", "--drop-every", "2", "--script", c.script, "PLUGIN", "-i", "-p", "rate=1000")
				r.wantCode(t, 0)
				lines := dropped.FindAllStringSubmatch(r.stderr, -1)
				if !drops {
					if lines != nil {
						t.Errorf("it logs a loss:\n%s", r.stderr)
					}
					return
				}
				m := gaveUp.FindStringSubmatch(r.stderr)
				if m == nil {
					t.Fatalf("no summary:\n%s", r.stderr)
				}
				delivered, _ := strconv.Atoi(m[2])
				if len(lines) < c.least || len(lines) > 2 {
					t.Fatalf("%d lines of a loss, expected %d to 2:\n%s", len(lines), c.least, r.stderr)
				}
				last := lines[len(lines)-1]
				if want := []string{strconv.Itoa(delivered - r.report.Instances[0].Records), m[2]}; !slices.Equal(last[1:], want) {
					t.Errorf("dropped %s of %s, expected %s of %s", last[1], last[2], want[0], want[1])
				}
			})
		}
	}
}

// A paused input emits nothing; after it resumes, none of its records is lost, and the
// shortfall of the pause is counted. Of two inputs the right one is paused.
func TestGdummyPause(t *testing.T) {
	t.Parallel()
	for _, v := range []int{v220, v403, v511} {
		t.Run(variant{version: v}.String(), func(t *testing.T) {
			t.Parallel()
			r := load(t, variant{version: v}, gdummyPackage, "--output", "null", "--metrics", "--script", "at 1.5 pause 0; at 4.5 resume 0; at 7 exit", "PLUGIN",
				"-i", "-p", "rate=100", "-p", "samples=0", "-i", "-p", "rate=100", "-p", "duration=6", "-p", "catch_up=full")
			r.wantClean(t)
			if n := r.report.Instances[1].Records; n != 600 {
				t.Errorf("the input that was not paused delivered %d records, want 600", n)
			}
			short := counter(t, r, "gdummy_shortfall_records_total", "gdummy.0")
			gave := counter(t, r, "gdummy_records_total", "gdummy.0")
			asked := counter(t, r, "gdummy_scheduled_records_total", "gdummy.0")
			if short < 150 || short > 350 || gave+short != asked || gave != r.report.Instances[0].Records {
				t.Errorf("delivered %d, shortfall %d, scheduled %d; the host counts %d", gave, short, asked, r.report.Instances[0].Records)
			}
		})
	}
}
