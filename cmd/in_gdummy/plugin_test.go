// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gdummy/gdummy/flb/flbtest"
	"github.com/gdummy/gdummy/internal/prove/ledger"
)

// fluent-bit --help lists the plugin with its ancestor's words, and with what it does.
func TestDescription(t *testing.T) {
	if want := "dummy Go! Synthetic records at an exact rate, with proof of delivery"; plugin.Description != want {
		t.Errorf("description %q, want %q", plugin.Description, want)
	}
}

var runs atomic.Int32

// The plugin in simulated time: an hour at a tenth of a record per second, on each kind of
// host. The records of a pause of ten minutes are dropped and counted, except the last one
// due. A reload continues the stream of records.
func TestAnHour(t *testing.T) {
	for name, section := range map[string]flbtest.Section{
		"appended": {}, "returned once a second": {Buffered: true}, "engine's thread": {ThreadedOff: true}, "legacy events": {Legacy: true},
	} {
		synctest.Test(t, func(t *testing.T) {
			section.Alias = fmt.Sprint(name, runs.Add(1)) // a reload continues the stream of a name
			section.Properties = map[string]string{"rate": "0.1", "template": `{"n":{{ seq }}}`, "seed": "1"}
			h := flbtest.New(t, plugin)
			if err := h.Start(section); err != nil {
				t.Fatal(err)
			}
			h.Advance(30*time.Minute + 5*time.Second) // between two records
			h.Pause()
			h.Advance(10 * time.Minute)
			h.Resume()
			h.Advance(20 * time.Minute)
			made, short := h.Metrics()["gdummy_records_total"], h.Metrics()["gdummy_shortfall_records_total"]
			events := h.Events()
			if len(events) != 301 || made != 301 || short != 59 {
				t.Errorf("%s: %d events, %v made, shortfall %v; want 301, 301 and 59", name, len(events), made, short)
			}
			if err := h.Reload(section); err != nil {
				t.Fatal(err)
			}
			h.Advance(time.Minute + time.Second) // until the last record is collected
			var got, want []string
			for i, e := range h.Events() {
				got, want = append(got, fmt.Sprint(e.Body)), append(want, fmt.Sprintf("map[n:%d]", i))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: records (-want +got):\n%s", name, diff)
			}
			if n := len(h.Events()) - len(events); n != 6 {
				t.Errorf("%s: %d records in a minute after the reload, want 6", name, n)
			}
			if !slices.ContainsFunc(h.Log(), func(l string) bool { return strings.Contains(l, "the stream continues with record ") }) {
				t.Errorf("%s: the log does not have the continuation of the stream", name)
			}
		})
	}
}

// An engine that refuses every append for a minute delays records. None is lost or repeated:
// with catch_up full all of them come; without, those that are dropped are counted, and the
// ledger has exactly what was accepted.
func TestRefusedForAMinute(t *testing.T) {
	for catchUp, rate := range map[string]string{"full": "500", "limit": "500", "none": "0.5"} {
		synctest.Test(t, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "run.ledger")
			h := flbtest.New(t, plugin)
			if err := h.Start(flbtest.Section{Alias: fmt.Sprint("refused", runs.Add(1)), Properties: map[string]string{
				"rate": rate, "catch_up": catchUp, "ledger": path, "template": `{"n":{{ seq }}}`, "seed": "1",
			}}); err != nil {
				t.Fatal(err)
			}
			h.Advance(10 * time.Second)
			h.Refuse(true)
			h.Advance(time.Minute)
			h.Refuse(false)
			h.Advance(10 * time.Second)
			m := h.Metrics()
			h.Stop()
			made, short := m["gdummy_records_total"], m["gdummy_shortfall_records_total"]
			if scheduled := m["gdummy_scheduled_records_total"]; made+short != scheduled || (short > 0) == (catchUp == "full") || m["gdummy_refused_slices_total"] == 0 {
				t.Errorf("catch_up %s: %v made, shortfall %v, %v scheduled, %v refused", catchUp, made, short, scheduled, m["gdummy_refused_slices_total"])
			}
			var got, want []string
			for i, e := range h.Events() {
				got, want = append(got, fmt.Sprint(e.Body["n"])), append(want, fmt.Sprint(i))
			}
			if diff := cmp.Diff(want, got); diff != "" || float64(len(got)) < made {
				t.Errorf("catch_up %s: %d records of %v (-want +got):\n%s", catchUp, len(got), made, diff)
			}
			l, err := ledger.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if s := l.Streams[0]; !s.Whole() || s.End.Accepted != uint64(len(got)) || s.End.Refused != 0 {
				t.Errorf("catch_up %s: the ledger has %+v of %d records", catchUp, s.End, len(got))
			}
		})
	}
}
