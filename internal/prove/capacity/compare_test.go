// SPDX-License-Identifier: Apache-2.0

package capacity

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// pairs are comparisons on machines of the simulator.
var pairs = []struct {
	name   string
	slower float64 // B than A
	set    func(*plant)
	lowest float64 // share of comparisons with a significant difference in throughput
	most   float64 // share of comparisons with any significant difference
}{
	{"equal, calm", 0, func(p *plant) { p.outliers = 0 }, 0, 0.05},
	{"equal", 0, func(*plant) {}, 0, 0.05},
	{"equal, many outliers", 0, func(p *plant) { p.outliers = 0.12 }, 0, 0.05},
	{"equal, drift, bursts and a leak", 0, func(p *plant) { p.drift, p.bursts, p.leak = -0.2, 0.3, 0.1 }, 0, 0.05},
	{"10% slower", 0.1, func(*plant) {}, 0.95, 1},
	{"10% slower, many outliers", 0.1, func(p *plant) { p.outliers = 0.12 }, 0.9, 1},
	{"10% slower, drift, bursts and a leak", 0.1, func(p *plant) { p.drift, p.bursts, p.leak = -0.2, 0.3, 0.1 }, 0.9, 1},
	{"5% slower", 0.05, func(*plant) {}, 0.75, 1},
}

// twins returns two pipelines on one machine, of which the second is slower.
func twins(seed uint64, slower float64, set func(*plant)) (a, b *plant) {
	a = machine(seed)
	set(a)
	twin := *a
	b = &twin
	b.capacity *= 1 - slower
	b.cpu /= 1 - slower
	return a, b
}

// Equal pairs are called equal, and a difference is found, within ten minutes.
func TestCompareSimulator(t *testing.T) {
	n := 200
	if !testing.Short() {
		n = 2000
	}
	for _, tt := range pairs {
		t.Run(tt.name, func(t *testing.T) {
			found, any, covered, margin, elapsed, trials := 0, 0, 0, 0.0, 0.0, 0
			for seed := range n {
				a, b := twins(uint64(seed), tt.slower, tt.set)
				c, err := Compare(context.Background(), a, b, CompareOptions{Now: a.now})
				if err != nil {
					t.Fatal(err)
				}
				r := c.Ratios[0]
				if r.Significant && r.Ratio < 1 {
					found++
				}
				if r.Low <= 1-tt.slower && 1-tt.slower <= r.High {
					covered++
				}
				for _, r := range c.Ratios {
					if r.Significant {
						any++
						break
					}
				}
				margin += r.Margin()
				elapsed += c.Elapsed.Seconds()
				trials += len(c.A) + len(c.B)
			}
			share := func(k int) float64 { return float64(k) / float64(n) }
			t.Logf("%d comparisons: slower %.1f%%, any difference %.1f%%, interval holds the ratio in %.1f%%; means: %.1f trials, %.0f s, interval ± %.1f%%",
				n, 100*share(found), 100*share(any), 100*share(covered), float64(trials)/float64(n), elapsed/float64(n), 100*margin/float64(n))
			if share(found) < tt.lowest {
				t.Errorf("found slower: got %.3f of the comparisons, want %v", share(found), tt.lowest)
			}
			// Within the error of counting, two standard deviations.
			if share(any) > tt.most+2*math.Sqrt(tt.most*(1-tt.most)/float64(n)) {
				t.Errorf("called different: got %.3f of the comparisons, want at most %v", share(any), tt.most)
			}
			if share(covered) < 0.95-0.02 {
				t.Errorf("planted ratio in the interval: got %.3f of the comparisons, want 0.95 less 0.02", share(covered))
			}
		})
	}
}

// Trials take turns, A B B A, and both of a pair have the same rate.
func TestTurns(t *testing.T) {
	a, b := twins(1, 0, func(*plant) {})
	var order string
	c, err := Compare(context.Background(), &noted{a, 'A', &order}, &noted{b, 'B', &order}, CompareOptions{Now: a.now, Budget: 5 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	for i, who := range order {
		if want := rune("ABBA"[i%4]); who != want {
			t.Fatalf("trial %d of %q: got %c, want %c", i, order, who, want)
		}
	}
	if len(c.A) != len(c.B) || len(order) != 2*len(c.A) {
		t.Fatalf("%d trials of A, %d of B, %q", len(c.A), len(c.B), order)
	}
	for i := range c.A {
		if c.A[i].Rate != c.B[i].Rate {
			t.Errorf("pair %d: %v and %v records/s", i, c.A[i].Rate, c.B[i].Rate)
		}
	}
}

// With Pairs, a comparison has exactly so many pairs at each rate, and an interval for each
// ratio from MinPairs on; with less budget, it has fewer and reports that.
func TestPairs(t *testing.T) {
	for _, tt := range []struct {
		pairs  int
		budget time.Duration
		known  bool
		stop   Stop
	}{
		{MinPairs - 1, time.Hour, false, ""},
		{MinPairs, time.Hour, true, ""},
		{13, time.Hour, true, ""},
		{13, 3 * time.Minute, false, OutOfBudget},
	} {
		a, b := twins(1, 0, func(*plant) {})
		c, err := Compare(context.Background(), a, b, CompareOptions{Now: a.now, Budget: tt.budget, Pairs: tt.pairs, Margin: 0.5})
		if err != nil {
			t.Fatal(err)
		}
		known := true
		for _, r := range c.Ratios {
			known = known && r.Known()
			if tt.stop == "" && r.Pairs != tt.pairs || r.Pairs > tt.pairs {
				t.Errorf("%d pairs in %v: %s has %d", tt.pairs, tt.budget, r.Metric, r.Pairs)
			}
		}
		if known != tt.known || c.Stopped != tt.stop {
			t.Errorf("%d pairs in %v: intervals known %v, stopped %q; want %v, %q\n%s", tt.pairs, tt.budget, known, c.Stopped, tt.known, tt.stop, c.Table())
		}
	}
}

// noted is a plant that notes its turns.
type noted struct {
	*plant
	name  byte
	order *string
}

func (n *noted) Trial(ctx context.Context, ask Ask) (Trial, error) {
	if !ask.Whole {
		return Trial{}, errors.New("a trial of a comparison may end early")
	}
	*n.order += string(n.name)
	return n.plant.Trial(ctx, ask)
}

// A comparison ends once its intervals are as narrow as asked for.
func TestMargin(t *testing.T) {
	var before time.Duration
	for _, margin := range []float64{0.05, 0.02} {
		a, b := twins(3, 0, func(p *plant) { p.outliers = 0 })
		c, err := Compare(context.Background(), a, b, CompareOptions{Now: a.now, Budget: 10 * time.Hour, Margin: margin, Shares: []float64{}})
		if err != nil || c.Partial || c.Ratios[0].Margin() > margin || c.Elapsed <= before {
			t.Errorf("margin %v: got %v, %v in %v, partial: %v", margin, err, c.Ratios[0].Margin(), c.Elapsed, c.Partial)
		}
		before = c.Elapsed
	}
}

// The budget is kept, and a comparison that is interrupted is partial.
func TestCompareEnds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := twins(rapid.Uint64().Draw(t, "seed"), rapid.Float64Range(0, 0.5).Draw(t, "slower"), func(*plant) {})
		a.start = time.Duration(rapid.Int64Range(0, int64(10*time.Second)).Draw(t, "start"))
		b.start = a.start
		budget := time.Duration(rapid.IntRange(1, 1200).Draw(t, "budget")) * time.Second
		ctx, cancel := context.WithCancelCause(context.Background())
		at := rapid.IntRange(0, 30).Draw(t, "at trial")
		a.cancel = func(n int) {
			if n == at {
				cancel(errors.New("SIGINT"))
			}
		}
		a.cancel(0)
		c, err := Compare(ctx, a, b, CompareOptions{Now: a.now, Budget: budget})
		if err != nil {
			t.Fatal(err)
		}
		if ctx.Err() != nil && (!c.Partial || c.Stopped != Interrupted) {
			t.Fatalf("interrupted at trial %d: partial %v, stopped %q", at, c.Partial, c.Stopped)
		}
		if len(c.A) != len(c.B) {
			t.Fatalf("%d trials of A, %d of B", len(c.A), len(c.B))
		}
		if n := len(c.A); n > 0 {
			last := c.A[n-1].Took + c.B[n-1].Took
			if c.Elapsed-max(c.A[n-1].Took, c.B[n-1].Took) > budget {
				t.Fatalf("the last trial began after the budget of %v: %v, less at most %v", budget, c.Elapsed, last)
			}
		}
	})
}

// tardy is a pipeline whose ramps take as long as those of a busy machine.
type tardy struct{ *plant }

func (t tardy) Ramp(ctx context.Context, from float64) (low, high float64, err error) {
	began := t.now()
	low, high, err = t.plant.Ramp(ctx, from)
	t.pass(max(40*time.Second-t.now().Sub(began), 0))
	return low, high, err
}

// The shortest budget that is allowed suffices for the interval of the throughput.
func TestLeastCompareBudget(t *testing.T) {
	for _, hold := range []time.Duration{2 * time.Second, 8 * time.Second, time.Minute} {
		for seed := range uint64(50) {
			a, b := twins(seed, 0.1, func(p *plant) { p.start = 2500 * time.Millisecond }) // a trial takes 5.5 s more
			c, err := Compare(context.Background(), tardy{a}, tardy{b}, CompareOptions{Now: a.now, Hold: hold, Budget: LeastCompareBudget(hold)})
			if err != nil || !c.Ratios[0].Known() || c.Partial {
				t.Fatalf("hold %v, seed %d: %v: %s", hold, seed, err, c.Text())
			}
		}
	}
}

// The ranks are those of the published tables of the rank-sum test.
func TestRankSum(t *testing.T) {
	for _, tt := range []struct {
		n, m  int
		alpha float64
		want  int // the critical value of U, plus one
	}{
		{3, 3, 0.05, 0}, {4, 4, 0.05, 1}, {5, 5, 0.05, 3}, {5, 8, 0.05, 7}, {8, 8, 0.05, 14}, {10, 10, 0.05, 24}, {20, 20, 0.05, 128},
		{8, 8, 0.01, 8}, {10, 10, 0.01, 17}, {20, 20, 0.01, 106},
	} {
		if got := rankSum(tt.n, tt.m, tt.alpha); got != tt.want {
			t.Errorf("rankSum(%d, %d, %v): got %d, want %d", tt.n, tt.m, tt.alpha, got, tt.want)
		}
	}
}

// The interval has the ranks of the test: with five pairs, the third smallest of the 25
// ratios and the third largest.
func TestInterval(t *testing.T) {
	a := []float64{1, 1, 1, 1, 1}
	b := []float64{1.1, 1.2, 1.3, 1.4, 5}
	var r Ratio
	r.estimate(a, b, 0.95)
	if want := (Ratio{A: 1, B: 1.3, Pairs: 5, Ratio: 1.3, Low: 1.1, High: 5, Confidence: 0.95, Significant: true}); r != want {
		t.Errorf("got  %+v\nwant %+v", r, want)
	}
	a = []float64{1, 2, 4, 8, 16}
	b = []float64{3, 6, 12, 24, 48}
	r = Ratio{}
	r.estimate(a, b, 0.95) // ratios are 3 times 1/16, 1/8 twice, 1/4 three times, …
	if want := (Ratio{A: 4, B: 12, Pairs: 5, Ratio: 3, Low: 3.0 / 8, High: 24, Confidence: 0.95}); r != want {
		t.Errorf("got  %+v\nwant %+v", r, want)
	}
	r = Ratio{}
	r.estimate(a[:4], b[:4], 0.95) // the smallest and the largest of 16
	if want := (Ratio{A: 3, B: 9, Pairs: 4, Ratio: 3, Low: 3.0 / 8, High: 24, Confidence: 0.95}); r != want {
		t.Errorf("got  %+v\nwant %+v", r, want)
	}
}

// A ratio without enough pairs has no interval, and claims nothing.
func TestFewPairs(t *testing.T) {
	for n := range 6 {
		a, b := make([]float64, n), make([]float64, n)
		for i := range n {
			a[i], b[i] = 100+float64(i), 50+float64(i)
		}
		var r Ratio
		r.estimate(a, b, 0.95)
		if known := n >= 4; r.Known() != known || r.Significant != known || r.Pairs != n {
			t.Errorf("%d pairs: got %+v", n, r)
		}
	}
	var r Ratio
	r.estimate([]float64{0, 0}, []float64{1, 0}, 0.95)
	if r.Known() || r.Pairs != 0 || r.Ratio != 0 || !math.IsInf(r.Margin(), 1) {
		t.Errorf("unknown values: got %+v", r)
	}
}

func TestCondition(t *testing.T) {
	ratio := func(m Metric, low, high float64) []Ratio {
		return []Ratio{{Metric: m, Ratio: (low + high) / 2, Low: low, High: high}}
	}
	for _, tt := range []struct {
		text   string
		ratios []Ratio
		met    bool
		known  bool
	}{
		{"slower than 5%", ratio(Throughput, 0.85, 0.94), true, true},
		{"slower than 5%", ratio(Throughput, 0.85, 0.96), false, true},
		{"slower than 5%", ratio(Throughput, 1.06, 1.2), false, true},
		{"slower than 5%", ratio(CPU, 0.5, 0.6), false, false},
		{"slower than 5%", []Ratio{{Metric: Throughput, Ratio: 0.5}}, false, false},
		{"slower than 5%", nil, false, false},
		{"costlier than 5%", append(ratio(CPU, 1, 1.02), Ratio{Metric: CPU, Ratio: 1}), false, false},
		{"costlier than 5%", append(ratio(CPU, 1.1, 1.2), Ratio{Metric: CPU, Ratio: 1}), true, true},
		{"slower than 0%", ratio(Throughput, 0.9, 0.999), true, true},
		{"costlier than 12.5%", ratio(CPU, 1.13, 1.2), true, true},
		{"costlier than 12.5%", ratio(CPU, 1.12, 1.2), false, true},
		{"later than 50%", ratio(Latency, 1.6, 3), true, true},
	} {
		c, err := ParseCondition(tt.text)
		if err != nil {
			t.Fatalf("%s: %v", tt.text, err)
		}
		if met, known := c.Met(tt.ratios); met != tt.met || known != tt.known || c.String() != tt.text {
			t.Errorf("%s (%s) of %+v: met %v, known %v; want %v, %v", tt.text, c, tt.ratios, met, known, tt.met, tt.known)
		}
	}
	for text, want := range map[string]string{
		"":                `invalid condition "": expected "slower than 5%", "costlier than 5%" or "later than 5%"`,
		"slower by 5%":    `invalid condition "slower by 5%": expected "slower than 5%", "costlier than 5%" or "later than 5%"`,
		"slow than 5%":    `invalid condition "slow than 5%"; did you mean slower?`,
		"slower than 5":   `invalid condition "slower than 5": invalid value "5": expected a share, such as 5% or 0.1%; did you mean 5%?`,
		"slower than -5%": `invalid condition "slower than -5%": invalid value "-5%": expected 0% to 100%`,
	} {
		if _, err := ParseCondition(text); err == nil || err.Error() != want {
			t.Errorf("%q:\n got %v\nwant %s", text, err, want)
		}
	}
}
