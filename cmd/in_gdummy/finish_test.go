// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"
	"time"
)

// A finished run ends when the engine has ingested all records: its queue is empty, and its
// count is the number delivered. Otherwise it ends 3 s after the last change of the count.
func TestSettling(t *testing.T) {
	type look struct {
		at       time.Duration
		pending  int
		ingested int // -1: no count
		want     bool
	}
	for name, looks := range map[string][]look{
		"all is there":               {{0, 0, 100, true}},
		"more than all, by a filter": {{0, 0, 150, true}},
		"the queue is not empty":     {{0, 1, 100, false}, {10 * time.Second, 1, 100, false}, {11 * time.Second, 0, 100, true}},
		"the count lags behind":      {{0, 0, 90, false}, {time.Second, 0, 90, false}, {2 * time.Second, 0, 100, true}},
		"a busy engine: the count moves every two seconds": {
			{0, 0, 10, false}, {2 * time.Second, 0, 20, false}, {4 * time.Second, 0, 30, false}, {6 * time.Second, 0, 100, true},
		},
		"a processor drops the rest": {{0, 0, 50, false}, {2999 * time.Millisecond, 0, 50, false}, {3 * time.Second, 0, 50, true}},
		"no count at all":            {{0, 0, -1, false}, {3 * time.Second, 0, -1, true}},
		"the time counts from the last look at a queue that was not empty": {
			{0, 0, 50, false}, {2 * time.Second, 1, 50, false}, {4 * time.Second, 0, 50, false}, {7 * time.Second, 0, 50, true},
		},
	} {
		var s settling
		start := time.Unix(1_700_000_000, 0)
		for i, l := range looks {
			ingested := func() (uint64, bool) { return uint64(max(l.ingested, 0)), l.ingested >= 0 }
			if got := s.done(start.Add(l.at), l.pending, 100, ingested); got != l.want {
				t.Errorf("%s: look %d, after %v: %v, want %v", name, i, l.at, got, l.want)
			}
		}
	}
}
