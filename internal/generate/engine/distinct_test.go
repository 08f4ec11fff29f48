// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gdummy/gdummy/internal/event"
)

// A clock with fewer nanoseconds than records is refused. On any other one the times of
// an input increase from record to record.
func TestDistinctTimes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		copies := rapid.IntRange(1, 4).Draw(t, "copies")
		options := map[string]string{"rate": "unlimited", "start_time": "1700000000", "copies": fmt.Sprint(copies)}
		n := rapid.IntRange(1, 60).Draw(t, "records")
		options["max_records"] = fmt.Sprint(n)
		fits := true
		switch rapid.IntRange(0, 3).Draw(t, "clock") {
		case 0:
			step := rapid.IntRange(1, 6).Draw(t, "step")
			options["time_step"] = fmt.Sprintf("%dns", step)
			fits = step >= copies
		case 1:
			span := rapid.IntRange(1, 80).Draw(t, "span")
			options["end_time"] = fmt.Sprintf("1700000000.%09d", span)
			fits = (n+copies-1)/copies*copies <= span
		case 2:
			rate := rapid.SampledFrom([]int{1000, 500, 333, 250, 200}).Draw(t, "millions a second")
			options["load_profile"] = fmt.Sprintf("%dM", rate)
			fits = 1000 >= rate*copies
		case 3:
			rate := rapid.SampledFrom([]int{801, 800, 400, 266, 200, 20, 1}).Draw(t, "millions a second")
			options["load_profile"] = rapid.SampledFrom([]string{fmt.Sprintf("poisson %dM", rate), fmt.Sprintf("%dM, jitter 100%%", rate)}).Draw(t, "irregular")
			fits = 800 >= rate*copies
		}
		c, _, err := Configure(func(name string) (string, bool) { v, ok := options[name]; return v, ok }, nil)
		if fits != (err == nil) {
			t.Fatalf("%v: error %v, want one: %t", options, err, !fits)
		}
		if !fits {
			return
		}
		w := &world{now: epoch, until: epoch.Add(time.Minute)}
		New(c, Options{Form: event.V2, Now: w.clock}).Run(w)
		times, _ := read(t, w.events)
		for i, at := range times {
			if i > 0 && at <= times[i-1] {
				t.Fatalf("%v: record %d has the time %d, the previous one %d", options, i, at, times[i-1])
			}
		}
		if len(times) != n {
			t.Fatalf("%v: %d records, want %d", options, len(times), n)
		}
	})
}

// Transitions that happen at the same moment have times of their own, in order.
func TestDistinctTransitions(t *testing.T) {
	const n = 100_000
	for _, text := range []string{
		`{"o": {{ transitions 90000 "created 10ms: paid; paid 20ms: shipped" }}}`,
		`{"o": {{ transitions 10 "created 10ms: packed; packed 10s" }}}`,
	} {
		w := &world{now: epoch}
		run(t, w, time.Minute, "template", text, "rate", "unlimited", "start_time", "2023-11-14T22:13:20Z", "max_records", fmt.Sprint(n))
		times, _ := read(t, w.events)
		if len(times) != n {
			t.Fatalf("%s: %d records, want %d", text, len(times), n)
		}
		for i, at := range times[1:] {
			if at <= times[i] {
				t.Fatalf("%s: record %d has the time %d, the previous one %d", text, i+1, at, times[i])
			}
		}
	}
}
