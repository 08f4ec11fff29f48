// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"strings"
	"testing"
	"time"

	"github.com/gdummy/gdummy/internal/event"
)

// Each host's clock is off by one constant within the limit, in the event time and in the
// record, and other hosts' clocks by other ones. Nothing else changes.
func TestSkew(t *testing.T) {
	const template = `{{ $h := keyed 20 }}{{ $host := print "web-" $h.key }}{"host":"{{ $host }}","at":{{ now "unix_ns" }},"x":{{ int 0 9 }}}`
	for _, given := range [][]string{
		{"template", template, "skew", "host within 5s"},
		{"template", template, "skew", "$host within 5s"},
		{"template", template, "skew", "host within 5s", "tag_template", "{{ $host }}.{{ now \"unix_ns\" }}"},
		{"dummy", `{"host":"web-1","x":1}{"host":"web-2","x":1}{"x":1}`, "skew", "host within 5s"},
		{"dummy", `{"host":"web-1","x":1}`, "skew", "host within 5s"},
	} {
		made := func(more ...string) (times []int64, bodies []string) {
			w := &world{now: epoch, until: epoch.Add(time.Minute)}
			e := New(config(t, append(append([]string{"rate", "100", "seed", "1", "start_time", "2026-11-01T00:00:00Z", "max_records", "300"}, given[:2]...), more...)...), Options{Form: event.V2, Now: w.clock})
			e.Run(w)
			return read(t, w.events)
		}
		right, sent := made()
		times, bodies := made(given[2:]...)
		if len(times) != 300 || len(right) != 300 {
			t.Fatalf("%v: %d records, without skew %d, want 300", given, len(times), len(right))
		}
		skews := map[string]int64{}
		for k := range times {
			host, _, _ := strings.Cut(bodies[k], "x")
			if at := strings.Index(host, "at"); at >= 0 {
				host = host[:at]
				if sent[k] == bodies[k] {
					t.Fatalf("%v: record %d is the same with and without skew: %q", given, k, bodies[k])
				}
			} else if sent[k] != bodies[k] {
				t.Fatalf("%v: record %d is %q, without skew %q", given, k, bodies[k], sent[k])
			}
			skew := times[k] - right[k]
			if old, ok := skews[host]; ok && old != skew {
				t.Fatalf("%v: the clock of %q is off by %d ns in record %d, by %d before", given, host, skew, k, old)
			}
			if skews[host] = skew; skew < -5e9 || skew > 5e9 || (skew == 0) != !strings.Contains(host, "web") {
				t.Fatalf("%v: the clock of %q is off by %d ns", given, host, skew)
			}
		}
		seen := map[int64]bool{}
		for _, skew := range skews {
			seen[skew] = true
		}
		if len(seen) != len(skews) {
			t.Errorf("%v: %d hosts with %d different clocks", given, len(skews), len(seen))
		}
	}
}

// A skewed record costs no allocation.
func TestSkewAllocations(t *testing.T) {
	c := config(t, "template", `{{ $h := keyed 20 }}{"host":"web-{{ $h.key }}","at":{{ now "unix_ns" }}}`, "skew", "host within 5s", "rate", "100")
	e := New(c, Options{Form: event.V2, Now: func() time.Time { return epoch }})
	dst, k := make([]byte, 0, 1<<20), uint64(0)
	if n := testing.AllocsPerRun(1000, func() {
		dst = e.source.Append(dst[:0], event.V2, int64(k), k)
		k++
	}); n != 0 {
		t.Errorf("%v allocations a record", n)
	}
}
