// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"fmt"
	"math"
	"testing"

	"github.com/gdummy/gdummy/internal/generate/seed"
	"github.com/gdummy/gdummy/internal/testenv"
)

// shares runs windows of a machine. It returns the share of each transition among those
// from the same state, and the number of the latter.
func shares(t *testing.T, machine string, windows int) (m *machine, ways map[[2]int]float64, from map[int]float64) {
	t.Helper()
	m, err := parseMachine(machine)
	if err != nil {
		t.Fatal(err)
	}
	ways, from = map[[2]int]float64{}, map[int]float64{}
	for key := range uint64(windows) {
		rnd := seed.At(seed.Mix(key), 3)
		s := 0
		for left := int(m.window) - 1; left > 0; left-- {
			if len(m.next[s]) == 0 {
				s = 0
				continue
			}
			to := m.follow(s, left-1, &rnd)
			if to < 0 {
				t.Fatalf("%s: no transition from %s with %d visits left", machine, m.states[s], left)
			}
			ways[[2]int{s, to}]++
			from[s]++
			s = to
		}
		if len(m.next[s]) > 0 {
			t.Fatalf("%s: a life is cut off in %s", machine, m.states[s])
		}
	}
	for way := range ways {
		ways[way] /= from[way[0]]
	}
	return m, ways, from
}

// Each transition has the frequency of its weight, although lives must fill windows. The
// test detects a weight that is off by 2 %, as it does for another machine.
func TestWays(t *testing.T) {
	testenv.SkipRace(t)
	for _, tt := range []struct{ machine, wrong string }{
		{"login: browse; browse: browse 7, buy 2, logout 1; buy: browse", "login: browse; browse: browse 7, buy 2, logout 1.02; buy: browse"},
		{"created: paid 3, cancelled 1; paid: packed; packed: packed 1, shipped 1; shipped: delivered", "created: paid 3, cancelled 1.02; paid: packed; packed: packed 1, shipped 1; shipped: delivered"},
		{"a: b 1, c 1; b: a 1, c 1", "a: b 1.02, c 1; b: a 1, c 1"},
		{"enter: view; view: view 12, search 3, cart 2, leave 3; search: view 4, leave 1; cart: view 3, checkout 2, leave 1; checkout: paid 8, failed 2; failed: checkout 1, leave 1; paid: leave",
			"enter: view; view: view 12, search 3, cart 2, leave 3.06; search: view 4, leave 1; cart: view 3, checkout 2, leave 1; checkout: paid 8, failed 2; failed: checkout 1, leave 1; paid: leave"},
	} {
		off := func(machine string) (worst float64, where string) {
			m, _, _ := shares(t, tt.machine, 1)
			_, ways, from := shares(t, machine, 40_000)
			for s := range m.states {
				sum := 0.0
				for _, w := range m.odds[s] {
					sum += w
				}
				for i, to := range m.next[s] {
					p := m.odds[s][i] / sum
					got := ways[[2]int{s, to}]
					if p < 1 && math.Abs(got-p)/math.Sqrt(p*(1-p)/from[s]) > worst {
						worst = math.Abs(got-p) / math.Sqrt(p*(1-p)/from[s])
						where = fmt.Sprintf("from %s to %s: %.4f and not %.4f", m.states[s], m.states[to], got, p)
					}
				}
			}
			return worst, where
		}
		if worst, where := off(tt.machine); worst > 4 {
			t.Errorf("%s: %s, %.1f standard deviations away", tt.machine, where, worst)
		}
		if worst, _ := off(tt.wrong); worst < 4 {
			t.Errorf("%s is not distinguished from %s", tt.wrong, tt.machine)
		}
	}
}

// Lives end even if they are longer than a window, or are unlikely to fill one.
func TestLongLives(t *testing.T) {
	for _, machine := range []string{
		"a: a 999, b 1", "a: a 1e100, b 1e-100", "a: b; b: c 1, a 1e9", "a: b 1, c 1e12; b: d; c: a 1e9, d 1",
	} {
		if _, ways, _ := shares(t, machine, 200); len(ways) == 0 {
			t.Errorf("%s: no transitions", machine)
		}
	}
}

// States have the given dwell times: the test detects a mean or a weight that is off by
// 2 %.
func TestDwellTimes(t *testing.T) {
	testenv.SkipRace(t)
	means := func(machine string) (up, down, way float64) {
		c := mustClock(t, machine)
		var n, sum [3]float64
		ways := 0.0
		for _, v := range follow(t, c, 5, math.MinInt64/2, 240_000, false) {
			n[v.s]++
			sum[v.s] += v.lasted
			if v.s == 0 && v.next == 1 {
				ways++
			}
		}
		return sum[0] / n[0] / 3600e9, sum[1] / n[1] / 1200e9, ways / n[0]
	}
	right := func(up, down, way float64) bool {
		return math.Abs(up-1) < 0.012 && math.Abs(down-1) < 0.006 && math.Abs(way-0.5) < 0.006
	}
	if up, down, way := means("up 1h: down 1, broken 1; down 10m..30m; broken 1h"); !right(up, down, way) {
		t.Errorf("up and down last %.4f and %.4f times the given times, %.4f of the transitions lead down", up, down, way)
	}
	for _, wrong := range []string{
		"up 3672s: down 1, broken 1; down 10m..30m; broken 1h", "up 1h: down 1, broken 1; down 612s..1836s; broken 1h", "up 1h: down 104, broken 100; down 10m..30m; broken 1h",
	} {
		if right(means(wrong)) {
			t.Errorf("%s is not distinguished from the correct machine", wrong)
		}
	}
}
