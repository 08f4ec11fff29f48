// SPDX-License-Identifier: Apache-2.0

package printer

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/generate/engine"
)

// sleeper is an output with slow writes.
type sleeper time.Duration

func (s sleeper) Write(p []byte) (int, error) {
	time.Sleep(time.Duration(s))
	return len(p), nil
}

// A run reports what caused its shortfall: the output, or generating records.
func TestLateness(t *testing.T) {
	for name, c := range map[string]struct {
		write, generate time.Duration // for each write, for each record
		startAt         string
		want            string // empty without a shortfall
	}{
		"in time":          {time.Millisecond, 100 * time.Microsecond, "", ""},
		"a slow output":    {3 * time.Second, 100 * time.Microsecond, "", "the output was too slow"},
		"slow generation":  {time.Millisecond, 5 * time.Millisecond, "", "generating records was too slow"},
		"both, the output": {8 * time.Second, 1500 * time.Microsecond, "", "the output was too slow"},
		"a late start":     {time.Millisecond, 100 * time.Microsecond, "-20s", "the run started after start_at"},
		"a long ended run": {time.Millisecond, 100 * time.Microsecond, "1999-01-01T00:00:00Z", "the run started after start_at"},
		"late and slow":    {3 * time.Second, 100 * time.Microsecond, "-10s", "13999 because the output was too slow, 9000 because the run started after start_at"},
	} {
		synctest.Test(t, func(t *testing.T) {
			config, _, err := engine.Configure(func(name string) (string, bool) {
				text, ok := map[string]string{"rate": "1000", "duration": "30s", "start_at": c.startAt, "catch_up": "limit"}[name]
				return text, ok && text != ""
			}, nil)
			if err != nil {
				t.Fatal(err)
			}
			print := Format{append: func(_ *Printer, dst []byte, _ string, _ event.Event) ([]byte, error) {
				time.Sleep(c.generate)
				return append(dst, "a record of some hundred bytes, so that there is something to write before all of a slice is generated\n"...), nil
			}}
			e := engine.New(config, engine.Options{Form: event.V2})
			p := New(sleeper(c.write), config, Options{Format: print, Tag: "a", Shortfall: func() uint64 { return e.Counts().Shortfall }})
			e.Run(p)
			p.End()
			if got := p.Causes(); got != c.want || (e.Counts().Shortfall > 0) != (c.want != "") {
				t.Errorf("%s: shortfall %d: %q, want %q", name, e.Counts().Shortfall, got, c.want)
			}
		})
	}
}

// A shortfall is attributed to what took longest since no record was late. Sleeping too
// long is neither the output's fault nor that of generating.
func TestLatenessCauses(t *testing.T) {
	var l lateness
	at := func(ms int64) time.Time { return time.UnixMilli(ms) }
	l.woke(at(0), at(0))
	l.generated(at(5000), 0, true) // on time: the time does not count
	l.woke(at(6010), at(6000))
	l.generated(at(6030), 0, false)
	l.wrote(at(6030), at(8030))
	l.woke(at(8030), at(8030))
	l.generated(at(8031), 1000, true)
	l.woke(at(13031), at(9031))
	l.generated(at(13032), 1500, true)
	l.woke(at(14000), at(14000))
	l.generated(at(16000), 1501, false)
	if want := "1000 because the output was too slow, 1 because generating records was too slow, 500 because the process was not scheduled in time"; l.String() != want {
		t.Errorf("%q, want %q", l.String(), want)
	}
}
