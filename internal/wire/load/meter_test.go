// SPDX-License-Identifier: Apache-2.0

package load

import (
	"math"
	"testing"
	"time"

	"github.com/gdummy/gdummy/internal/prove/audit"
	"github.com/gdummy/gdummy/internal/prove/recordscan"
	"github.com/gdummy/gdummy/internal/recordid"
	"github.com/gdummy/gdummy/internal/wire/receive"
)

// A meter counts each record once, and the lag grows with the clock where nothing arrives.
func TestMeter(t *testing.T) {
	m, err := newMeter(nil, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer m.server.Close()
	origin := time.Unix(1700000000, 0)
	take := func(due, arrival time.Duration, seqs ...uint64) {
		var found []receive.Finding
		for _, seq := range seqs {
			found = append(found, receive.Finding{ID: recordid.ID{Run: 7, Seq: seq, Time: origin.Add(due).UnixNano()}, State: recordscan.Intact})
		}
		m.Take(found, origin.Add(arrival).UnixNano())
	}
	take(0, 500*time.Millisecond, 0, 1, 2)
	take(time.Second, 1400*time.Millisecond, 3, 3)
	take(2*time.Second, 4100*time.Millisecond, 4)
	if got := m.distinct(); got != 5 {
		t.Errorf("distinct() = %d, want 5", got)
	}
	want := []time.Duration{500 * time.Millisecond, 400 * time.Millisecond, 1400 * time.Millisecond, 2400 * time.Millisecond, 2100 * time.Millisecond}
	got := m.lags(0, 5*time.Second)
	if len(got) != len(want) {
		t.Fatalf("lags = %v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("lags = %v, want %v", got, want)
			break
		}
	}
	if n, spread := m.arrived(time.Second, 3*time.Second); n != 2 || quantile(spread, 99).Round(10*time.Millisecond) != 400*time.Millisecond {
		t.Errorf("from 1 s to 3 s: %d records with a p99 of %v, want 2 and 400ms", n, quantile(spread, 99))
	}
}

// The first record to arrive may be a later one: a run began when its record 0 was due.
func TestStartOf(t *testing.T) {
	at := func(run recordid.Run, seq uint64, due time.Duration) receive.Finding {
		return receive.Finding{ID: recordid.ID{Run: run, Seq: seq, Time: time.Unix(1700000000, 0).Add(due).UnixNano()}}
	}
	for name, c := range map[string]struct {
		found []receive.Finding
		want  time.Duration
	}{
		"from the start":  {[]receive.Finding{at(7, 0, time.Second), at(7, 1, 2*time.Second)}, time.Second},
		"a later chunk":   {[]receive.Finding{at(7, 4000, 5*time.Second), at(7, 4001, 5*time.Second+time.Millisecond), at(7, 5000, 6*time.Second)}, time.Second},
		"out of order":    {[]receive.Finding{at(7, 12, 3*time.Second), at(7, 10, 2*time.Second)}, -3 * time.Second},
		"another run too": {[]receive.Finding{at(7, 10, 2*time.Second), at(8, 500, time.Hour), at(7, 20, 3*time.Second)}, time.Second},
		"one record":      {[]receive.Finding{at(7, 0, time.Second)}, time.Second},
	} {
		if got := time.Unix(0, startOf(c.found)).Sub(time.Unix(1700000000, 0)); got.Round(time.Microsecond) != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// The rate at which records arrive does not depend on how they are grouped, nor on which
// windows a group falls into.
func TestMeterRate(t *testing.T) {
	const rate = 5000
	for name, c := range map[string]struct{ first, every time.Duration }{
		"many messages":            {0, 20 * time.Millisecond},
		"once a second":            {100 * time.Millisecond, time.Second},
		"every two seconds":        {100 * time.Millisecond, 2 * time.Second},
		"every two seconds, later": {1900 * time.Millisecond, 2 * time.Second},
		"every 1.3 seconds":        {0, 1300 * time.Millisecond},
	} {
		m := &meter{width: time.Second, audit: audit.New(audit.Options{})}
		origin := time.Unix(1700000000, 0)
		m.start(origin)
		seq := uint64(0)
		for at := c.first; at < 12*time.Second; at += c.every {
			var found []receive.Finding
			for range int(rate * c.every.Seconds()) {
				found = append(found, receive.Finding{ID: recordid.ID{Run: 7, Seq: seq, Time: origin.UnixNano()}, State: recordscan.Intact})
				seq++
			}
			m.Take(found, origin.Add(at).UnixNano())
		}
		if got := m.rate(3*time.Second, 8*time.Second); math.Abs(got-rate) > rate/100 {
			t.Errorf("%s: %.0f records/s, want %d", name, got, rate)
		}
		if got := m.rate(8*time.Second, 18*time.Second); got > 0.6*rate {
			t.Errorf("%s: %.0f records/s with a stall after 4 of 10 s, want at most %.0f", name, got, 0.6*rate)
		}
		if got := m.rate(20*time.Second, 25*time.Second); got != 0 {
			t.Errorf("%s: %.0f records/s after the end, want 0", name, got)
		}
	}
}
