// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"bytes"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/generate/clock"
)

// A record appended together with others is the same as alone: the audit computes single
// records again. A slice ends after the record that reaches its limit.
func TestFixedMany(t *testing.T) {
	timings := map[string]Timing{
		"plain":         {},
		"an offset":     {Offset: -int64(time.Hour)},
		"before 1970":   {Offset: -epoch.UnixNano() - 300},
		"after 2106":    {Offset: lastMoment - epoch.UnixNano() - 300},
		"one time":      {Fixed: true, Offset: 7},
		"a fast clock":  {Zero: epoch.UnixNano(), Speed: clock.Speed{Num: 3, Den: 1}},
		"a second ends": {Offset: int64(time.Second) - 300},
	}
	bodies := map[string]string{
		"one": `{"a":1}`, "two": `{"a":1}{"message":"longer"}`, "three": `{"a":1}{}{"b":"x"}`,
	}
	for name, timing := range timings {
		for number, dummy := range bodies {
			t.Run(number+", "+name, func(t *testing.T) {
				t.Parallel()
				c := config(t, "dummy", dummy, "metadata", `{"m":1}`)
				rapid.Check(t, func(t *rapid.T) {
					f := newFixed(c, newTimer(timing, newNumbering(c)), Options{})
					form := rapid.SampledFrom([]event.Form{event.Legacy, event.V2}).Draw(t, "form")
					k := rapid.Uint64Range(0, 1<<40).Draw(t, "k")
					n := rapid.Uint64Range(0, 1000).Draw(t, "n")
					limit := rapid.IntRange(0, 10000).Draw(t, "limit")
					due := epoch.UnixNano() - rapid.Int64Range(0, 600).Draw(t, "before")
					want := []byte("x")
					var list []int64
					for i := uint64(0); i < n && len(want) < limit; i++ {
						list = append(list, due+int64(i))
						want = f.Append(want, form, due+int64(i), k+i)
					}
					got, m := f.AppendMany([]byte("x"), form, &moments{first: due, gap: 1}, k, n, limit)
					if m != uint64(len(list)) || !bytes.Equal(got, want) {
						t.Fatalf("AppendMany appends %d records, want %d; the bytes are equal: %v", m, len(list), bytes.Equal(got, want))
					}
					if len(list) == 0 {
						return
					}
					got, m = f.AppendMany([]byte("x"), form, &moments{list: list}, k, uint64(len(list)), limit)
					if m != uint64(len(list)) || !bytes.Equal(got, want) {
						t.Fatalf("with a list, AppendMany appends %d records, want %d; the bytes are equal: %v", m, len(list), bytes.Equal(got, want))
					}
				})
			})
		}
	}
}
