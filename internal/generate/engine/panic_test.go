// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tinylib/msgp/msgp"

	"github.com/gdummy/gdummy/internal/event"
)

// failing is a source that panics at record k a number of times.
type failing struct {
	Source
	k     uint64
	times int
}

func (f *failing) Append(dst []byte, form event.Form, due int64, k uint64) []byte {
	if k == f.k && f.times > 0 {
		f.times--
		panic("planted")
	}
	return f.Source.Append(dst, form, due, k)
}

// A panic while record k is made loses no record and repeats none: those before it are
// emitted, and what is counted is what was emitted. The next call makes the record again.
// As long as it panics, nothing after it is emitted.
func TestPanic(t *testing.T) {
	const bad, times = 1234, 3
	for _, given := range [][]string{
		{"rate", "1k"},
		{"rate", "1k", "catch_up", "full"},
		{"rate", "50k", "catch_up", "full"},
		{"rate", "100", "copies", "7", "catch_up", "full"},
		{"rate", "unlimited", "max_records", "5000"},
		{"bytes_rate", "100k", "catch_up", "full"},
		{"load_profile", "1k for 1m", "catch_up", "full"},
		{"rate", "1k", "catch_up", "full", "tag_template", "t.{{ seq }}"},
	} {
		t.Run(fmt.Sprint(given), func(t *testing.T) {
			w := planner{world: new(world)}
			w.now, w.until = epoch, epoch.Add(time.Minute)
			e := New(config(t, append(given, "seed", "1", "template", `{"n": {{ seq }}}`)...), Options{Form: event.V2, Now: w.clock})
			f := &failing{Source: e.source, k: bad, times: times}
			e.source, e.bulk, e.steady = f, nil, false
			panics := 0
			for w.now.Before(w.until) && !e.Finished() {
				func() {
					defer func() {
						if r := recover(); r != nil {
							panics++
							w.now = w.now.Add(time.Second) // as Collect does
						}
					}()
					e.Run(&w)
				}()
				if n := uint64(len(numbersOf(t, w.events))); n != e.Counts().Records || panics > 0 && panics < times && n > bad {
					t.Fatalf("%d records after %d panics, %d are counted", n, panics, e.Counts().Records)
				}
			}
			if panics != times {
				t.Errorf("%d panics, want %d", panics, times)
			}
			want := make([]uint64, e.Counts().Records)
			for i := range want {
				want[i] = uint64(i)
			}
			if len(want) <= bad {
				t.Fatalf("%d records: the one that panics was never made", len(want))
			}
			if diff := cmp.Diff(want, numbersOf(t, w.events)); diff != "" {
				t.Errorf("records (-want +got):\n%s", diff)
			}
		})
	}
}

// numbersOf returns the n of events.
func numbersOf(t *testing.T, events []byte) (all []uint64) {
	t.Helper()
	for len(events) > 0 {
		ev, rest, err := event.Decode(events)
		if err != nil {
			t.Fatal(err)
		}
		n, _, err := msgp.ReadUint64Bytes(ev.Body[len("\x81\xa1n"):])
		if err != nil {
			t.Fatal(err)
		}
		all, events = append(all, n), rest
	}
	return all
}
