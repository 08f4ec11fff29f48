// SPDX-License-Identifier: Apache-2.0

package arrivals

import (
	"testing"
	"time"

	"github.com/gdummy/gdummy/internal/prove/audit"
)

// --idle counts from the last arrival, and not while a request is being received. The limit
// of the first arrival is longer.
func TestWait(t *testing.T) {
	begun := time.Unix(1000, 0)
	at := func(seconds float64) time.Time { return begun.Add(time.Duration(seconds * 1e9)) }
	never := time.Time{}
	for _, c := range []struct {
		idle, first time.Duration
		now, last   time.Time
		active      bool
		want        string
	}{
		{0, 0, at(1e6), never, false, ""},
		{0, 0, at(1e6), at(5), false, ""},
		{10 * time.Second, 0, at(299.9), never, false, ""},
		{10 * time.Second, 0, at(300), never, true, ""},
		{10 * time.Second, 0, at(300), never, false, "no arrival within 5m0s (--first-within)"},
		{time.Hour, 0, at(3599), never, false, ""},
		{time.Hour, 0, at(3600), never, false, "no arrival within 1h0m0s (--first-within)"},
		{10 * time.Second, time.Second, at(1), never, false, "no arrival within 1s (--first-within)"},
		{0, time.Second, at(1), never, false, "no arrival within 1s (--first-within)"},
		{0, time.Second, at(1e6), at(0.5), false, ""},
		{10 * time.Second, time.Second, at(109.9), at(100), false, ""},
		{10 * time.Second, time.Second, at(110), at(100), true, ""},
		{10 * time.Second, time.Second, at(110), at(100), false, "no arrival for 10s (--idle)"},
	} {
		w := Wait{Idle: c.idle, First: c.first}
		if got := w.over(c.now, begun, status{last: c.last, active: c.active}); got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
}

// Reading ledgers takes at most a twentieth of the time, however long they are. Short ones
// are read often.
func TestPoll(t *testing.T) {
	for _, c := range []struct {
		took time.Duration
		want int // reads in an hour
	}{{time.Millisecond, 18000}, {190 * time.Millisecond, 948}, {2 * time.Second, 90}} {
		var l poll
		begin := time.Unix(0, 0)
		n := 0
		for now := begin; now.Before(begin.Add(time.Hour)); now = now.Add(200 * time.Millisecond) {
			if l.due(now, 0) {
				n++
				l.done(now, now.Add(c.took), 0)
				now = now.Add(c.took.Truncate(200 * time.Millisecond))
			}
		}
		if n != c.want {
			t.Errorf("reads that take %v: %d in an hour, want %d", c.took, n, c.want)
		}
	}
}

// Ledgers are read early if many records wait for them, and not again for those that still
// wait.
func TestPollWaits(t *testing.T) {
	var l poll
	now := time.Unix(0, 0)
	l.done(now, now.Add(time.Minute), 0)
	for _, c := range []struct {
		waits int
		want  bool
	}{{0, false}, {audit.MaxWaiting/8 - 1, false}, {audit.MaxWaiting / 8, true}} {
		if got := l.due(now.Add(2*time.Minute), c.waits); got != c.want {
			t.Errorf("%d records wait: due %v, want %v", c.waits, got, c.want)
		}
	}
	l.done(now, now.Add(time.Minute), audit.MaxWaiting)
	if l.due(now.Add(2*time.Minute), audit.MaxWaiting) {
		t.Error("due again for the same records")
	}
}
