// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gdummy/gdummy/internal/generate/seed"
	"github.com/gdummy/gdummy/internal/testenv"
)

// reporter is the common part of testing.TB and rapid.T.
type reporter interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

func mustClock(t reporter, machine string) *clock {
	t.Helper()
	m, err := parseMachine(machine)
	if err != nil {
		t.Fatal(err)
	}
	c, err := newClock(m, new(clockCache))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const epoch = int64(1700000000_000000000)

// visit is a state of a life, from begin to end.
type visit struct {
	s, previous, next int // next is -1 at the end of a life
	step              int64
	life              [2]int64
	lasted            float64
	closing           bool // the last state of a window, which takes the remaining time
}

// follow visits n states of a key in the order of time. It checks that each begins at
// the end of the one before, and that no life is cut off. States of less than a
// nanosecond may be missing.
func follow(t reporter, c *clock, key uint64, at int64, n int, brief bool) []visit {
	t.Helper()
	var visits []visit
	was := c.find(key, at)
	for len(visits) < n && was.until < math.MaxInt64/2 {
		is := c.find(key, was.until)
		last := len(c.next[was.s]) == 0
		if brief {
			last = is.life != was.life || is.window != was.window
		}
		switch {
		case is.since != was.until || is.until <= is.since || is.began > is.since:
			t.Fatalf("%+v is followed by %+v", was, is)
		case last && is.began != is.since, last && !brief && (is.s != 0 || is.step != 0 || is.previous != -1):
			t.Fatalf("the first state of a life is %+v", is)
		case !last && (is.began != was.began || is.life != was.life || is.window != was.window):
			t.Fatalf("a life is cut off: %+v is followed by %+v", was, is)
		}
		v := visit{was.s, was.previous, is.s, was.step, [2]int64{was.window, was.life}, float64(was.until - was.since), was.window != is.window}
		if last {
			v.next = -1
		}
		visits = append(visits, v)
		was = is
	}
	return visits[min(1, len(visits)):]
}

// Dwell times and transitions have the given distributions. By chance, the distance of
// n draws from a distribution exceeds 1.95/√n once in a thousand runs. The seeds are
// fixed.
func TestDwell(t *testing.T) {
	testenv.SkipRace(t)
	for _, machine := range []string{
		"created 5m: paid 9, cancelled 1; paid 2h..6h: shipped; shipped 1d..3d: delivered; delivered 2h; cancelled 1h",
		"login 5s: browse; browse 1m: browse 7, buy 2, logout 1; buy 30s..90s: browse; logout 1h",
		"up 3d: down; down 5m..10m: up 9, dead 1; dead 1h",
		"a 1s; ",
		"a 1s: b 1, c 1; b 1d; c 1m..1d",
		"fast 1m: slow 1, end 99; slow 10h: end; end 1m",
		"open 60s ± 10s: closed; closed 2m",
	} {
		c := mustClock(t, machine)
		times := map[int][]float64{}
		ways := map[[2]int]float64{}
		from := map[int]float64{}
		const n = 60_000
		for _, v := range follow(t, c, 17, math.MinInt64/2, n, false) {
			d := c.dwell[v.s]
			times[v.s] = append(times[v.s], v.lasted)
			if !d.Mean && (v.lasted < d.Low-1e3 || v.lasted > d.High+1e3) {
				t.Errorf("%s: %s lasts %v", machine, c.states[v.s], time.Duration(v.lasted))
			}
			if v.next >= 0 {
				from[v.s]++
				ways[[2]int{v.s, v.next}]++
			}
		}
		for s, draws := range times {
			d := c.dwell[s]
			cdf := func(x float64) float64 { return 1 - math.Exp(-x/d.High) }
			if d.Deviation > 0 {
				cdf = func(x float64) float64 { return math.Erfc(((d.Low+d.High)/2-x)/d.Deviation/math.Sqrt2) / 2 }
			} else if !d.Mean {
				cdf = func(x float64) float64 { return (x - d.Low) / (d.High - d.Low) }
			}
			if dist, bound := testenv.Kolmogorov(draws, cdf), 1.95/math.Sqrt(float64(len(draws)))+0.003; dist > bound {
				t.Errorf("%s: the distribution of %s is off by %.4f in %d draws, expected at most %.4f", machine, c.states[s], dist, len(draws), bound)
			}
		}
		for s := range c.states {
			for i, to := range c.next[s] {
				p := c.odds[s][i] / c.sum[s]
				if share := ways[[2]int{s, to}] / from[s]; math.Abs(share-p) > 4*math.Sqrt(p*(1-p)/from[s]) {
					t.Errorf("%s: %v of %v ways from %s lead to %s, expected %v", machine, share, from[s], c.states[s], c.states[to], p)
				}
			}
		}
	}
}

// At any moment, the probability of a state is its share of the time.
func TestOccupancy(t *testing.T) {
	c := mustClock(t, "created 10m: paid 3, cancelled 1; paid 20m..60m: shipped; shipped 1h; cancelled 2h")
	const n = 40_000
	var counts [4]float64
	for key := range uint64(n) {
		counts[c.find(key, epoch).s]++
	}
	weights := []float64{10, 30, 30, 45} // minutes of created, paid, cancelled and shipped in a life
	for s, w := range weights {
		p := w / 115
		if share := counts[s] / n; math.Abs(share-p) > 4*math.Sqrt(p*(1-p)/n)+0.004 {
			t.Errorf("%v of the keys are in %s, expected %v", share, c.states[s], p)
		}
	}
}

// The position of a key does not depend on earlier queries, in any order.
func TestClockForgets(t *testing.T) {
	const machine = "login 5s: browse; browse 1m: browse 7, buy 2, logout 1; buy 30s..90s: browse; logout 1h"
	asked := mustClock(t, machine)
	// Another clock shares the cache.
	m, err := parseMachine("a 1m: b; b 1h..2h")
	if err != nil {
		t.Fatal(err)
	}
	other, err := newClock(m, asked.recent)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		at := rapid.Int64Range(math.MinInt64/4, math.MaxInt64/2).Draw(t, "at")
		key := rapid.Uint64Range(0, 300).Draw(t, "key")
		if a, b := asked.find(key, at), mustClock(t, machine).find(key, at); a != b {
			t.Fatalf("got %+v, want %+v as with an empty cache", a, b)
		}
		if a, b := other.find(key, at), mustClock(t, "a 1m: b; b 1h..2h").find(key, at); a != b {
			t.Fatalf("got %+v, want %+v as with an empty cache", a, b)
		}
		// All moments of a state return it.
		m := asked.find(key, at)
		if m.since > at || m.until <= at || m != asked.find(key, m.since) || m != asked.find(key, m.until-1) {
			t.Fatalf("time %d: got %+v", at, m)
		}
	})
}

// Any machine is either rejected, or its states are found in few steps and no life is
// cut off.
func TestHostileClocks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 6).Draw(t, "states")
		span := rapid.SampledFrom([]string{"1ns", "1ms", "1s", "1h", "1d", "3650d", "0s..1s", "1h..1h", "1s..100d", "59m..61m", "0s..3650d", "1ns..1ns"})
		weight := rapid.SampledFrom([]string{"1", "1e9", "1e-9", "1e-12", "7", "1e300"})
		var rules []string
		for s := range n {
			rule := fmt.Sprintf("s%d %s", s, span.Draw(t, "dwell"))
			var to []string
			for range rapid.IntRange(0, 3).Draw(t, "ways") * min(n-1-s, 1) {
				to = append(to, fmt.Sprintf("s%d %s", rapid.IntRange(max(s-1, 0), n-1).Draw(t, "to"), weight.Draw(t, "weight")))
			}
			if len(to) > 0 {
				rule += ": " + strings.Join(to, ", ")
			}
			rules = append(rules, rule)
		}
		m, err := parseMachine(strings.Join(rules, "; "))
		if err != nil {
			t.Fatal(err)
		}
		c, err := newClock(m, new(clockCache))
		if err != nil {
			return
		}
		if c.window <= 0 || c.budget > 40_000 {
			t.Fatalf("the window is %d ns and %d states long", c.window, c.budget)
		}
		key := rapid.Uint64().Draw(t, "key")
		for _, v := range follow(t, c, key, rapid.Int64Range(math.MinInt64/2, 0).Draw(t, "at"), 50, true) {
			if d := c.dwell[v.s]; !d.Mean && !v.closing && (v.lasted < d.Low*(1-1e-9)-2e3 || v.lasted > d.High*(1+1e-9)+2e3) {
				t.Fatalf("%s lasts %v of %v", c.states[v.s], v.lasted, d)
			}
			if d := c.dwell[v.s]; v.closing && v.lasted < d.least()*(1-1e-9)-2e3 {
				t.Fatalf("%s lasts only %v", c.states[v.s], v.lasted)
			}
		}
		if m := c.find(key, epoch); m.count > c.budget+n {
			t.Fatalf("%d states visited, want at most the budget", m.count)
		}
	})
}

// Errors in machines say what is expected.
func TestMachineErrors(t *testing.T) {
	for machine, want := range map[string]string{
		"":                              "expected at least one state, found none",
		"a: b 0":                        `invalid weight "0": expected a number above 0`,
		"a":                             `invalid rule "a": expected one such as "created: paid 9, cancelled 1"`,
		"a: b; a: c":                    `state "a" has two rules`,
		"a 1s; a 2s":                    `state "a" has two rules`,
		"a x: b":                        `state "a": dwell time "x": expected a mean such as 5m, a range such as 2h..6h or a mean and a deviation such as 60s ± 10s`,
		"a 5: b":                        `state "a": dwell time 5 has no unit: expected ms, s, m, h or d, as in 5s`,
		"a 0s: b; b 1s":                 `state "a": invalid dwell time 0s: expected more than 0`,
		"a -5m: b; b 1s":                `state "a": dwell time "-5m": must not be negative: expected a mean such as 5m, a range such as 2h..6h or a mean and a deviation such as 60s ± 10s`,
		"a 6h..2h: b; b 1s":             `state "a": invalid dwell time 6h..2h: expected the shorter time first, as in 2h..6h`,
		"a 10s ± 5s: b; b 1s":           `state "a": invalid dwell time 10s ± 5s: expected a deviation of at most a quarter of the mean, as in 60s ± 10s`,
		"a 10s ± 0s: b; b 1s":           `state "a": invalid dwell time 10s ± 0s: expected a deviation of at most a quarter of the mean, as in 60s ± 10s`,
		"a 11y: b":                      `state "a": dwell time "11y": unknown unit "y": expected a mean such as 5m, a range such as 2h..6h or a mean and a deviation such as 60s ± 10s; did you mean 4015d?`,
		"a 4000d: b":                    `state "a": dwell time 4000d is too long: expected at most 3650d`,
		"a 5m: b; b: c; c 1d":           `state "b" has no dwell time, but others have: expected one as in "b 5m"`,
		"a 5m: b":                       `state "b" has no dwell time, but others have: expected one as in "b 5m"`,
		"a 5m; b 5m":                    `state "b" is not reachable from "a"`,
		"a 5m: b; b 5m: a":              `a life that reaches state "a" never ends: expected a way to a state without successors`,
		"a 5m: b, c; b 5m: b; c 1s":     `a life that reaches state "b" never ends: expected a way to a state without successors`,
		"a 5m: a 999, b 1; b 1s":        "a life has 1001 states on average, expected at most 128: use a longer dwell time instead of a state that follows itself",
		"a 3000d: b; b 3000d: c; c 1s":  "a life lasts 6000 days on average, expected at most 3650",
		"a 1s: b 1, c 1e-7; b 1s; c 9d": "a life lasts 2.078s on average, but some last more than a hundred times as long: expected lives of similar length",
	} {
		m, err := parseMachine(machine)
		if err == nil {
			_, err = newClock(m, new(clockCache))
		}
		if err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", machine, err, want)
		}
	}
}

// Time spans have the units of Go, and days.
func TestSpans(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"0": 0, "1ns": 1, "250ms": 250 * time.Millisecond, "1h30m": 90 * time.Minute, "2d": 48 * time.Hour, "1d12h": 36 * time.Hour,
		"0.5d": 12 * time.Hour, "3650d": maxSpan,
	} {
		if d, err := parseSpan(text); err != nil || d != want {
			t.Errorf("%s is %v and %v, want %v", text, d, err, want)
		}
	}
}

func TestClockAllocates(t *testing.T) {
	c := mustClock(t, "login 5s: browse; browse 1m: browse 7, buy 2, logout 1; buy 30s..90s: browse; logout 1h")
	r := &Record{Scratch: make([]byte, 0, 1024)}
	if n := testenv.AllocsPerRun(1000, func() {
		r.T += 1e9
		r.Scratch = r.Scratch[:0]
		c.at(r, seed.Mix(uint64(r.T)))
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkClock(b *testing.B) {
	for _, bb := range []struct {
		name string
		keys uint64
	}{{"few", 100}, {"many", 1 << 40}} {
		b.Run(bb.name, func(b *testing.B) {
			c := mustClock(b, "created 5m: paid 9, cancelled 1; paid 2h..6h: shipped; shipped 1d..3d: delivered; delivered 2h; cancelled 1h")
			r := &Record{Scratch: make([]byte, 0, 1024), T: epoch}
			for i := range b.N {
				r.T += 1e6
				r.Scratch = r.Scratch[:0]
				c.at(r, uint64(i)*golden%bb.keys)
			}
		})
	}
}

const golden = 0x9e3779b97f4a7c15
