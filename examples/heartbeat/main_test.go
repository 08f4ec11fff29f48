// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gdummy/gdummy/flb/flbtest"
	"github.com/google/go-cmp/cmp"
)

// A record at each interval, at its exact time, also over a reload.
func TestHeartbeat(t *testing.T) {
	name, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		h := flbtest.New(t, plugin)
		start := time.Now()
		if err := h.Start(flbtest.Section{Properties: map[string]string{"interval": "400ms"}}); err != nil {
			t.Fatal(err)
		}
		h.Advance(1500 * time.Millisecond)
		if err := h.Reload(flbtest.Section{Tag: "beat"}); err != nil {
			t.Fatal(err)
		}
		h.Advance(time.Second)
		event := func(tag string, after time.Duration, beat int64) flbtest.Event {
			return flbtest.Event{Tag: tag, Time: start.Add(after), Metadata: map[string]any{}, Body: map[string]any{"host": name, "beat": beat}}
		}
		want := []flbtest.Event{
			event("heartbeat.0", 400*time.Millisecond, 1),
			event("heartbeat.0", 800*time.Millisecond, 2),
			event("heartbeat.0", 1200*time.Millisecond, 3),
			event("beat", 2500*time.Millisecond, 1), // the default, a second
		}
		if diff := cmp.Diff(want, h.Events()); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	})
}

func TestIntervals(t *testing.T) {
	for value, want := range map[string]string{
		"soon": `option interval: invalid value "soon": expected a time span`,
		"0":    `option interval: invalid value "0": expected at least 1ms`,
		"":     `option interval: the value is empty`,
	} {
		err := flbtest.New(t, plugin).Start(flbtest.Section{Properties: map[string]string{"interval": value}})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("interval %q: %v, want %s", value, err, want)
		}
	}
}
