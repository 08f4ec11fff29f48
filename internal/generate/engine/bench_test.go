// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"testing"
	"time"

	"github.com/gdummy/gdummy/internal/event"
)

// config returns the configuration of the given name, value pairs.
func config(tb failer, given ...string) *Config {
	tb.Helper()
	m := map[string]string{}
	for i := 0; i < len(given); i += 2 {
		m[given[i]] = given[i+1]
	}
	c, _, err := Configure(func(name string) (string, bool) { v, ok := m[name]; return v, ok }, nil)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// discard is a host that discards events and never waits.
type discard struct {
	clock *time.Time
	step  time.Duration
	buf   []byte
	left  int // records until Wait returns false
}

func (d *discard) Wait(t time.Time) bool {
	*d.clock = d.clock.Add(d.step)
	return d.left > 0
}

func (d *discard) Buffer() []byte { return d.buf[:0] }

func (d *discard) Emit(_ string, records int, events []byte) {
	d.left -= records
	d.buf = events
}

// BenchmarkEmit measures the engine alone, with a host that discards events. ns/op is
// per record.
func BenchmarkEmit(b *testing.B) {
	for _, bb := range []struct {
		name  string
		given []string
	}{
		{"unlimited", []string{"rate", "unlimited"}},
		{"rate", []string{"rate", "100M", "catch_up", "full"}},
		{"copies", []string{"rate", "10k", "copies", "10000", "catch_up", "full"}},
		{"two bodies", []string{"rate", "unlimited", "dummy", `{"message":"dummy"}{"message":"other"}`}},
		{"bytes_rate", []string{"bytes_rate", "2800M", "catch_up", "full"}},
	} {
		b.Run(bb.name, func(b *testing.B) {
			now := time.Unix(1700000000, 0)
			e := New(config(b, bb.given...), Options{Form: event.V2, Now: func() time.Time { return now }})
			h := &discard{clock: &now, step: 10 * time.Millisecond, buf: make([]byte, 0, 2*MaxSlice)}
			b.ReportAllocs()
			for b.Loop() {
				h.left = 10000
				e.Run(h)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(e.counts.Records), "ns/record")
			b.ReportMetric(float64(e.counts.Records)/b.Elapsed().Seconds()/1e6, "Mrec/s")
		})
	}
}
