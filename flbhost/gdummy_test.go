// SPDX-License-Identifier: Apache-2.0

package flbhost_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gdummy/gdummy/internal/config/option"
	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/prove/ledger"
)

// Tests of this module's plugins at the C boundary: built as users build them, and loaded
// by the host in the poses of all releases that differ.

// Two instances emit the same bytes in every pose, with their own threads or the engine's,
// whether records are appended when due or returned once per second.
func TestGdummyRecords(t *testing.T) {
	t.Parallel()
	for _, v := range poses() {
		for _, threaded := range []string{"on", "off"} {
			t.Run(fmt.Sprintf("%v threaded %s", v, threaded), func(t *testing.T) {
				t.Parallel()
				if v.bare && threaded == "off" && v.version < v410 {
					t.Skip("### SKIPPED: this version has no append for instances that share a thread; TestGdummyShared tests them")
				}
				raw := filepath.Join(t.TempDir(), "raw")
				r := load(t, v, gdummyPackage, "--output", "raw:"+raw, "--threaded", threaded, "--records", "850", "PLUGIN",
					"-i", "-p", "rate=500", "-p", "samples=250", "-p", `dummy={"a":1}`, "-p", "fixed_timestamp=on", "-p", "start_time_sec=1000",
					"-i", "-p", "rate=200", "-p", "samples=100", "-p", `dummy={"b":[2.5]}{"c":null}`, "-p", "copies=3", "-p", "fixed_timestamp=on", "-p", "start_time_sec=2000")
				r.wantClean(t)
				for i, want := range [][]byte{
					events(t, form(v), 1000, 250, `{"a":1}`),
					events(t, form(v), 2000, 600, `{"b":[2.5]}{"c":null}`),
				} {
					if got := readFile(t, fmt.Sprintf("%s.%d", raw, i)); !bytes.Equal(got, want) {
						t.Errorf("instance %d: %d bytes, want %d, or others", i, len(got), len(want))
					}
				}
			})
		}
	}
}

// If neither a context nor an append identifies instances that share a thread, they must
// not mix: they emit nothing, and log the reason.
func TestGdummyShared(t *testing.T) {
	t.Parallel()
	r := load(t, variant{version: v400, bare: true}, gdummyPackage, "--threaded", "off", "--seconds", "3", "--output", "null", "PLUGIN",
		"-i", "-p", "rate=50", "-i", "-p", "rate=50")
	r.wantClean(t)
	for i, in := range r.report.Instances {
		if in.Records != 0 {
			t.Errorf("instance %d: %d records", i, in.Records)
		}
	}
	r.wantLine(t, "threaded off")
}

// On the engine's thread, an input whose rate is never reached must return. Otherwise
// nothing else runs, and no signal ends the process.
func TestGdummySharedUnlimited(t *testing.T) {
	t.Parallel()
	for _, v := range []variant{{version: v200}, {version: v400}, {version: v511}, {version: v511, bare: true}} {
		for _, rate := range []string{"unlimited", "1G"} {
			t.Run(fmt.Sprint(v, " ", rate), func(t *testing.T) {
				t.Parallel()
				r := load(t, v, gdummyPackage, "--threaded", "off", "--seconds", "3.5", "--output", "null", "PLUGIN",
					"-i", "-p", "rate="+rate, "-i", "-p", "rate=20")
				r.wantClean(t)
				for i, in := range r.report.Instances {
					if in.Records < 20 {
						t.Errorf("instance %d: %d records", i, in.Records)
					}
				}
			})
		}
	}
}

// An invalid configuration fails the start, or if the release does not support that, the
// input remains idle.
func TestGdummyInitFails(t *testing.T) {
	t.Parallel()
	for _, v := range poses() {
		t.Run(v.String(), func(t *testing.T) {
			t.Parallel()
			r := load(t, v, gdummyPackage, "--seconds", "2.2", "--output", "null", "PLUGIN", "-i", "-p", `dummy={"a" 1}`, "-p", "copies=0")
			if v.version >= v403 {
				r.wantCode(t, 3)
			} else {
				r.wantClean(t)
				r.wantLine(t, "this input stays idle")
			}
			r.wantLine(t, `option dummy: line 1, column 6: `)
			r.wantLine(t, `  | {"a" 1}`)
			r.wantLine(t, `option copies: invalid value "0": expected a whole number`)
		})
	}
}

// A thousand reloads and pauses cause no leaks and no invalid memory accesses, as checked by
// the sanitizers in the host.
func TestGdummyReloads(t *testing.T) {
	t.Parallel()
	for _, v := range []variant{
		{version: v511, flags: sanitizers},
		{version: v400, flags: sanitizers},
		{version: v511},
	} {
		if _, err := v.host(t); err != nil {
			t.Logf("### SKIPPED: %v: the compiler has no sanitizers (Debian: apt-get install libasan8 libubsan1): %v", v, err)
			continue
		}
		t.Run(v.String(), func(t *testing.T) {
			t.Parallel()
			r := load(t, v, gdummyPackage, "-q", "--reloads", "1000", "--pauses", "1000", "--output", "null", "PLUGIN",
				"-i", "-p", "rate=1000", "-i", "-p", "rate=2000", "-p", `dummy={"b":2}`)
			r.wantClean(t)
			if strings.Contains(r.stderr, "Sanitizer") {
				t.Error(r.stderr)
			}
			if r.report.Reloads != 1000 || r.report.Pauses != 1000 {
				t.Errorf("%d reloads, %d pauses", r.report.Reloads, r.report.Pauses)
			}
		})
	}
}

// Across hot reloads, no two records of an input have the same time, including those with
// a start time, whose clock continues.
func TestGdummyReloadTimes(t *testing.T) {
	t.Parallel()
	for _, v := range []variant{{version: v511}, {version: v400}} {
		t.Run(v.String(), func(t *testing.T) {
			t.Parallel()
			raw := filepath.Join(t.TempDir(), "raw")
			r := load(t, v, gdummyPackage, "-q", "--reloads", "20", "--output", "raw:"+raw, "PLUGIN",
				"-i", "-p", "rate=unlimited", "-p", "max_in_flight=256k",
				"-i", "-p", "rate=1000", "-p", "copies=3", "-p", "start_time_sec=1000", "-p", "flush_on_startup=on")
			r.wantClean(t)
			for i := range 2 {
				last, n := int64(-1), 0
				for rest := readFile(t, fmt.Sprintf("%s.%d", raw, i)); len(rest) > 0; n++ {
					var ev event.Event
					var err error
					if ev, rest, err = event.Decode(rest); err != nil {
						t.Fatal(err)
					}
					if ev.Time <= last {
						t.Fatalf("instance %d: record %d has the time %d, the one before %d", i, n, ev.Time, last)
					}
					last = ev.Time
				}
				if n < 20 {
					t.Errorf("instance %d: %d records, expected some of each of 21 generations", i, n)
				}
			}
		})
	}
}

// A shortfall is logged when it occurs, not only at the end.
func TestGdummyShortfallLog(t *testing.T) {
	t.Parallel()
	r := load(t, variant{version: v511}, gdummyPackage, "--output", "null", "--script", "at 1.5 pause 0; at 5 resume 0; at 13.5 exit", "PLUGIN",
		"-i", "-p", "rate=100", "-p", "copies=5")
	r.wantClean(t)
	re := regexp.MustCompile(`\[ warn\] \[input:gdummy:gdummy\.0\] scheduled 500/s, held (\d+)[.\d]*/s over 1[0-3]s: (\d+) records dropped because they were late`)
	m := re.FindStringSubmatch(r.stderr)
	if m == nil {
		t.Fatalf("the shortfall is not logged:\n%s", r.stderr)
	}
	summary := regexp.MustCompile(`\[ warn\] \[input:gdummy:gdummy\.0\] scheduled \d+ records \(500/s\), delivered \d+, shortfall (\d+), refused 0`).FindStringSubmatch(r.stderr)
	if summary == nil || summary[1] != m[2] {
		t.Errorf("the summary has another shortfall than %s:\n%s", m[2], r.stderr)
	}
}

// The counters are exact, and agree with the summary.
func TestGdummyCounters(t *testing.T) {
	t.Parallel()
	r := load(t, variant{version: v511}, gdummyPackage, "--output", "null", "--metrics", "--seconds", "2.5", "PLUGIN",
		"-i", "-p", "rate=50", "-p", "samples=20", "-p", "copies=3")
	r.wantClean(t)
	for name, want := range map[string]int{
		"gdummy_records_total":             60,
		"gdummy_bytes_total":               60 * 28,
		"gdummy_ticks_total":               20,
		"gdummy_scheduled_records_total":   60,
		"gdummy_shortfall_records_total":   0,
		"gdummy_refused_slices_total":      0,
		"plugin_operation_failed_total":    0,
		"plugin_panics_total":              0,
		"plugin_operation_succeeded_total": r.report.Instances[0].Appends,
	} {
		if got := counter(t, r, name, "gdummy.0"); got != want {
			t.Errorf("%s is %d, want %d", name, got, want)
		}
	}
	r.wantLine(t, "[input:gdummy:gdummy.0] scheduled 60 records (150/s), delivered 60, shortfall 0, refused 0, in ")
}

// The child of a daemon must not hang in a Go runtime without threads.
func TestGdummyDaemon(t *testing.T) {
	t.Parallel()
	for _, v := range []int{v200, v400, v403, v511} {
		t.Run(variant{version: v}.String(), func(t *testing.T) {
			t.Parallel()
			r := load(t, variant{version: v}, gdummyPackage, "--daemon", "--seconds", "2.2", "--output", "null", "PLUGIN", "-i")
			r.wantLine(t, "Fluent Bit runs as a daemon")
			if v >= v403 {
				r.wantCode(t, 3)
			} else {
				r.wantCode(t, 0)
			}
		})
	}
}

// The list that Fluent Bit prints for -h is the table of options.
func TestGdummyConfigMap(t *testing.T) {
	t.Parallel()
	r := load(t, variant{version: v511}, gdummyPackage, "--options", "PLUGIN")
	r.wantCode(t, 0)
	for _, o := range option.Table {
		if !strings.Contains(r.stdout, o.Name) || !strings.Contains(r.stdout, o.Help) {
			t.Errorf("option %s is not listed:\n%s", o.Name, r.stdout)
		}
	}
	r = load(t, variant{version: v511}, gdummyPackage, "--seconds", "2", "PLUGIN", "-i", "-p", "dumy={}")
	r.wantCode(t, 3)
}

// on_finish exit waits for a slow engine on a host with a hidden queue, where chunks in the
// queue are discarded at SIGTERM.
func TestGdummyFinishesWhole(t *testing.T) {
	t.Parallel()
	raw := filepath.Join(t.TempDir(), "raw")
	r := load(t, variant{version: v400}, gdummyPackage, "--hide-ring", "--drain-ms", "900", "--output", "raw:"+raw, "PLUGIN",
		"-i", "-p", "rate=100", "-p", "max_records=8", "-p", "start_time_sec=1000", "-p", "fixed_timestamp=on", "-p", "on_finish=exit")
	r.wantClean(t)
	if want := events(t, event.V2, 1000, 8, `{"message":"dummy"}`); !bytes.Equal(readFile(t, raw+".0"), want) {
		t.Errorf("%d bytes arrived, want %d", len(readFile(t, raw+".0")), len(want))
	}
}

// on_finish exit ends the process once all inputs with it have finished.
func TestGdummyExit(t *testing.T) {
	t.Parallel()
	r := load(t, variant{version: v511}, gdummyPackage, "--output", "null", "--seconds", "60", "PLUGIN",
		"-i", "-p", "rate=100", "-p", "samples=30", "-p", "on_finish=exit",
		"-i", "-p", "rate=100", "-p", "max_records=170", "-p", "on_finish=exit",
		"-i", "-p", "rate=1")
	r.wantClean(t)
	if a, b := r.report.Instances[0].Records, r.report.Instances[1].Records; a != 30 || b != 170 {
		t.Errorf("%d and %d records, want 30 and 170", a, b)
	}
	if n := strings.Count(r.stderr, "stopping Fluent Bit"); n != 1 {
		t.Errorf("the stop was announced %d times", n)
	}
}

// Each tick is delivered when due, also between two collects.
func TestGdummySmooth(t *testing.T) {
	t.Parallel()
	r := load(t, variant{version: v511}, gdummyPackage, "--output", "json", "--records", "45", "PLUGIN", "-i", "-p", "rate=20")
	r.wantClean(t)
	// Once a second would be 3 or 4 slices. How many more there are is up to the machine.
	if n := r.report.Instances[0].Appends; n < 10 {
		t.Errorf("45 records in %d slices: they were not handed over when they were due", n)
	}
}

// The example in examples/heartbeat is a complete plugin.
func TestHeartbeat(t *testing.T) {
	t.Parallel()
	for _, v := range []variant{{version: v200}, {version: v511}, {version: v511, bare: true}} {
		r := load(t, v, "../examples/heartbeat", "--output", "json", "--records", "5", "PLUGIN", "-i", "-p", "interval=100ms")
		r.wantClean(t)
		host, err := os.Hostname()
		if err != nil {
			t.Fatal(err)
		}
		var want []string
		for i := range 5 {
			want = append(want, fmt.Sprintf(`"body":{"host":%q,"beat":%d}}`, host, i+1))
		}
		var got []string
		for _, l := range slices.DeleteFunc(strings.Split(r.stdout, "\n"), func(l string) bool { return l == "" }) {
			got = append(got, l[strings.Index(l, `"body"`):])
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%v: records (-want +got):\n%s", v, diff)
		}
		r = load(t, v, "../examples/heartbeat", "--seconds", "1.2", "PLUGIN", "-i", "-p", "interval=soon")
		r.wantLine(t, `option interval: invalid value "soon": expected a time span`)
	}
}

// With conditional routes the engine counts each record more than once. The ledger counts
// each record once, and only those that were ingested.
func TestGdummyRoutes(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"one route":    {"--routes", "1"},
		"three routes": {"--routes", "3"},
		"threaded off": {"--routes", "1", "--threaded", "off"},
		"dropped":      {"--drop-every", "3"}, // without routes, dropped records are visible
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const n = 5000
			path := filepath.Join(t.TempDir(), "run.ledger")
			r := load(t, variant{version: v511}, gdummyPackage, append(args, "--output", "null", "--seconds", "60", "PLUGIN",
				"-i", "-p", "rate=10000", "-p", fmt.Sprint("max_records=", n), "-p", "ledger="+path, "-p", "on_finish=exit")...)
			r.wantClean(t)
			l, err := ledger.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			s := l.Streams[0]
			if got, want := int(s.Ingested), min(r.report.Instances[0].Records, n); got != want || s.Next() != n {
				t.Errorf("%d records are ingested of %d, want %d", got, s.Next(), want)
			}
		})
	}
}

// With a processor that drops records, the engine's count never reaches the number of
// appended records. If only that count is visible, the input must not stop.
func TestGdummyDropped(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{"seen": nil, "unseen": {"--hide-ring"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const n = 300000
			r := load(t, variant{version: v511}, gdummyPackage, append(args, "--drop-every", "3", "--output", "null", "--seconds", "60", "PLUGIN",
				"-i", "-p", "rate=unlimited", "-p", fmt.Sprint("max_records=", n), "-p", "max_in_flight=1M", "-p", "on_finish=exit")...)
			r.wantClean(t)
			r.wantLine(t, fmt.Sprintf("delivered %d, ", n))
			r.wantLine(t, "stopping Fluent Bit")
			if got := r.report.Instances[0].Records; got <= n/2 || got >= n {
				t.Errorf("the engine counts %d of %d records, expected about two thirds", got, n)
			}
		})
	}
}
