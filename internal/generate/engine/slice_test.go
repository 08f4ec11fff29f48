// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"testing"
	"time"

	"github.com/gdummy/gdummy/internal/event"
)

// frugal is a host that is short of memory from a given time. A wait takes at least
// a millisecond.
type frugal struct {
	world
	from time.Duration // after epoch
}

func (f *frugal) SliceSize() int {
	if f.now.Sub(epoch) >= f.from {
		return 1
	}
	return MaxSlice
}

func (f *frugal) Wait(t time.Time) bool {
	if soon := f.now.Add(time.Millisecond); t.Before(soon) {
		t = soon
	}
	return f.world.Wait(t)
}

// While the host is short of memory, each slice is one record, for every kind of
// source.
func TestHostSliceSize(t *testing.T) {
	for _, given := range [][]string{
		{"rate", "unlimited"},
		{"rate", "unlimited", "dummy", `{"a":1}{"b":2}`},
		{"rate", "unlimited", "template", `{"a": {{ seq }}}`},
		{"rate", "100k"},
		{"rate", "100k", "template", `{"a": {{ seq }}}`, "seed", "1"},
		{"rate", "1k", "copies", "100"},
		{"bytes_rate", "10M"},
	} {
		t.Run(fmt.Sprint(given), func(t *testing.T) {
			f := frugal{from: 100 * time.Millisecond}
			f.now, f.until = epoch, epoch.Add(200*time.Millisecond)
			New(config(t, given...), Options{Form: event.V2, Now: f.clock}).Run(&f)
			before, after := 0, 0
			for _, s := range f.slices {
				switch {
				case s.at < f.from:
					before = max(before, s.records)
				case s.records != 1:
					t.Fatalf("slice of %d records, want 1", s.records)
				default:
					after++
				}
			}
			if before < 10 || after < 10 {
				t.Errorf("%d records in the largest slice before, %d slices after", before, after)
			}
		})
	}
}

// Slices stay close to their size, even if a tick is larger.
func TestSliceSize(t *testing.T) {
	var w world
	run(t, &w, 3*time.Second, "copies", "100000", "samples", "2", "max_in_flight", "1M")
	total := 0
	for _, s := range w.slices {
		total += s.records
		if s.size > 1_000_000/64+28 {
			t.Errorf("slice of %d bytes", s.size)
		}
	}
	if total != 200_000 {
		t.Errorf("%d records, want 200000", total)
	}
}
