// SPDX-License-Identifier: Apache-2.0

package capacity

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// within is the error that a search may have, as a share of the planted capacity, and
// mostOf the share of searches that must keep it.
const (
	within = 0.07
	mostOf = 0.95
)

// worlds are what is wrong with the machines of the simulator.
var worlds = []struct {
	name string
	set  func(*plant)

	confirmed float64 // at least this share is confirmed
	noisy     float64 // at most this share is called noisy
}{
	{"calm", func(p *plant) { p.jitter, p.outliers = 0.01, 0 }, 0.99, 0.01},
	{"shared", func(*plant) {}, 0.95, 0.15},
	{"outliers", func(p *plant) { p.outliers = 0.12 }, 0.95, 0.30},
	{"bursts", func(p *plant) { p.bursts = 0.5 }, 0.95, 0.25},
	{"drift", func(p *plant) { p.drift = -0.08 }, 0.90, 0.20},
	{"leak", func(p *plant) { p.leak = 0.05 }, 0.90, 0.15},
	{"knee", func(p *plant) { p.knee, p.kneeAt = -0.06, 150*time.Second }, 0.90, 0.25},
	{"expensive", func(p *plant) { p.start = 8 * time.Second }, 0.90, 0.20},
}

// tally counts the outcomes of searches.
type tally struct {
	n, good, covered, noisy, confirmed, trials int
	margin, bias, elapsed                      float64
}

func (c *tally) add(r Result, want float64) {
	c.n++
	count := func(n *int, yes bool) {
		if yes {
			*n++
		}
	}
	count(&c.good, math.Abs(r.Rate/want-1) <= within)
	count(&c.covered, r.Low <= want && want <= r.High)
	count(&c.noisy, r.Noisy)
	count(&c.confirmed, r.Confirmed >= 0)
	c.trials += len(r.Trials)
	c.margin += r.Margin()
	c.bias += r.Rate/want - 1
	c.elapsed += r.Elapsed.Seconds()
}

func (c *tally) share(n int) float64 { return float64(n) / float64(c.n) }

func (c *tally) log(t *testing.T) {
	f := float64(c.n)
	t.Logf("%d searches: %.1f%% within %.0f%%, interval holds the rate in %.1f%%, noisy %.1f%%, confirmed %.1f%%; means: %.1f trials, %.0f s, interval ± %.1f%%, bias %+.1f%%",
		c.n, 100*c.share(c.good), 100*within, 100*c.share(c.covered), 100*c.share(c.noisy), 100*c.share(c.confirmed),
		float64(c.trials)/f, c.elapsed/f, 100*c.margin/f, 100*c.bias/f)
}

// number returns the number of searches of a world.
func number() int {
	if testing.Short() {
		return 1000 / len(worlds)
	}
	return 10000 / len(worlds)
}

// Ten thousand searches with the defaults find the planted capacity, whatever is wrong
// with the machine.
func TestSimulator(t *testing.T) {
	for _, w := range worlds {
		t.Run(w.name, func(t *testing.T) {
			var c tally
			for seed := range number() {
				p := machine(uint64(seed))
				w.set(p)
				s := Search{Now: p.now}
				r, err := s.Run(context.Background(), p)
				if err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
				if k := r.Confirmed; k >= 0 {
					if by := r.Trials[k]; by.Purpose != Confirm || !by.Held || by.Rate < 0.9*r.Rate {
						t.Errorf("seed %d: %v records/s confirmed by %+v", seed, r.Rate, by)
					}
				}
				c.add(r, p.sustained(DefaultHold, r.Elapsed))
			}
			c.log(t)
			if got := c.share(c.good); got < mostOf {
				t.Errorf("within %v of the planted capacity: got %.3f of the searches, want %v", within, got, mostOf)
			}
			if got := c.share(c.covered); got < 0.93 {
				t.Errorf("planted capacity in the interval: got %.3f of the searches, want %v", got, confidence)
			}
			if got := c.share(c.confirmed); got < w.confirmed {
				t.Errorf("confirmed: got %.3f of the searches, want %v", got, w.confirmed)
			}
			if got := c.share(c.noisy); got > w.noisy {
				t.Errorf("called noisy: got %.3f of the searches, want at most %v", got, w.noisy)
			}
		})
	}
}

// A machine on which runs differ by 20 % is called noisy, or the interval is wide enough.
func TestNoisy(t *testing.T) {
	var c tally
	honest := 0
	for seed := range number() {
		p := machine(uint64(seed))
		p.jitter = 0.2
		s := Search{Now: p.now}
		r, err := s.Run(context.Background(), p)
		if err != nil {
			t.Fatal(err)
		}
		c.add(r, p.capacity)
		if r.Noisy || r.Low <= p.capacity && p.capacity <= r.High {
			honest++
		}
	}
	c.log(t)
	if got := c.share(c.noisy); got < 0.6 {
		t.Errorf("called noisy: got %.3f of the searches, want 0.6", got)
	}
	if got := c.share(c.covered); got < 0.7 {
		t.Errorf("planted capacity in the interval: got %.3f of the searches, want 0.7", got)
	}
	if got := c.share(honest); got < 0.75 {
		t.Errorf("noisy, or the interval holds the capacity: got %.3f of the searches, want 0.75", got)
	}
}

// The simulator catches a search that trusts every trial: plain bisection, which a
// single outlier leads astray.
func TestSimulatorCatchesBisection(t *testing.T) {
	good, n := 0, number()
	for seed := range n {
		p := machine(uint64(seed))
		p.outliers = 0.12
		low, high, err := p.Ramp(context.Background(), DefaultFrom)
		for err == nil && high/low > 1+DefaultPrecision {
			var t Trial
			middle := math.Sqrt(low * high)
			if t, err = p.Trial(context.Background(), Ask{Rate: middle, Hold: DefaultHold}); t.Held {
				low = middle
			} else {
				high = middle
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(math.Sqrt(low*high)/p.capacity-1) <= within {
			good++
		}
	}
	if got := float64(good) / float64(n); got >= mostOf {
		t.Errorf("plain bisection passes: within %v of the planted capacity in %.3f of the searches", within, got)
	}
}

// A wider budget narrows the interval.
func TestBudgetDecidesPrecision(t *testing.T) {
	var before float64
	for _, budget := range []time.Duration{2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 16 * time.Minute} {
		var c tally
		for seed := range 100 {
			p := machine(uint64(seed))
			s := Search{Now: p.now, Budget: budget, Precision: 0.02}
			r, err := s.Run(context.Background(), p)
			if err != nil {
				t.Fatal(err)
			}
			c.add(r, p.capacity)
		}
		c.log(t)
		if before > 0 && c.margin >= before {
			t.Errorf("budget %v: mean margin %.3f, want less than %.3f", budget, c.margin/100, before/100)
		}
		before = c.margin
	}
}

// The interval shrinks with trials that agree with each other, to the precision.
func TestIntervalShrinks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		capacity := math.Exp(rapid.Float64Range(math.Log(10), math.Log(1e6)).Draw(t, "ln capacity"))
		low := capacity / rapid.Float64Range(1.01, 3).Draw(t, "below")
		high := capacity * rapid.Float64Range(1.01, 3).Draw(t, "above")
		b := newBelief(low, high, low, 0, DefaultPrecision)
		var widths []float64
		for i := range 20 {
			rate := b.next()
			b.observe(rate, rate <= capacity)
			from, median, to := b.interval(confidence)
			if from > median || median > to {
				t.Fatalf("trial %d: median %v is not from %v to %v", i, median, from, to)
			}
			widths = append(widths, math.Log(to/from))
			if i >= 8 && widths[i] >= widths[i-8] && widths[i] > DefaultPrecision {
				t.Fatalf("trial %d: widths %.3f", i, widths)
			}
		}
		from, _, to := b.interval(confidence)
		if capacity < from*0.98 || capacity > to*1.02 || widths[19] > 2*DefaultPrecision {
			t.Fatalf("capacity %v, interval from %v to %v, widths %.3f", capacity, from, to, widths)
		}
	})
}

// drawSearch draws a machine and a search of it.
func drawSearch(t *rapid.T) (*plant, *Search) {
	p := machine(rapid.Uint64().Draw(t, "seed"))
	p.jitter = rapid.Float64Range(0, 0.3).Draw(t, "jitter")
	p.outliers = rapid.Float64Range(0, 0.5).Draw(t, "outliers")
	p.capacity = math.Exp(rapid.Float64Range(math.Log(0.1), math.Log(1e6)).Draw(t, "ln capacity"))
	p.start = time.Duration(rapid.Int64Range(0, int64(20*time.Second)).Draw(t, "start"))
	s := &Search{
		Hold:   time.Duration(rapid.IntRange(5, 60).Draw(t, "hold")) * time.Second,
		Budget: time.Duration(rapid.IntRange(1, 1200).Draw(t, "budget")) * time.Second,
		Costs:  []float64{0.25, 0.5, 0.75},
		Now:    p.now,
	}
	if rapid.Bool().Draw(t, "headroom") {
		s.Headroom = rapid.Float64Range(100, 1e6).Draw(t, "records per second")
		p.headroom = s.Headroom
	}
	return p, s
}

// No trial starts after the budget ended, and the last one is not longer than a
// confirmation.
func TestBudgetIsKept(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, s := drawSearch(t)
		r, err := s.Run(context.Background(), p)
		if err != nil {
			t.Fatal(err)
		}
		left := r.Elapsed
		for i := len(r.Trials) - 1; i >= 0; i-- {
			left -= r.Trials[i].Took
			if left > s.Budget {
				t.Fatalf("trial %d of %d began %v after the start, with a budget of %v", i+1, len(r.Trials), left, s.Budget)
			}
			if r.Trials[i].Hold > confirmHolds*s.Hold {
				t.Fatalf("trial %d was to last %v, with a hold of %v", i+1, r.Trials[i].Hold, s.Hold)
			}
		}
		if s.Headroom > 0 && (r.High > s.Headroom*1.001 || !r.AtLeast && r.Rate >= 0.8*s.Headroom) {
			t.Fatalf("headroom %v: got %v to %v, at least: %v", s.Headroom, r.Low, r.High, r.AtLeast)
		}
	})
}

// A confirmation for which the budget is too short is shortened, not left out.
func TestShortConfirmation(t *testing.T) {
	short := 0
	for seed := range 50 {
		p := machine(uint64(seed))
		p.outliers = 0
		s := Search{Now: p.now, Budget: 130 * time.Second}
		r, err := s.Run(context.Background(), p)
		if err != nil {
			t.Fatal(err)
		}
		ended := r.Elapsed
		for _, c := range slices.Backward(r.Trials) {
			at := ended
			ended -= c.Took
			if c.Purpose != Confirm || c.Hold <= DefaultHold || c.Hold == confirmHolds*DefaultHold {
				continue
			}
			short++
			if c.Held && at > s.Budget {
				t.Errorf("seed %d: a confirmation of %v ended after %v, with a budget of %v", seed, c.Hold, at, s.Budget)
			}
		}
	}
	if short < 5 {
		t.Errorf("%d confirmations were shortened, want at least 5", short)
	}
}

// A search that is interrupted has a partial result with all trials that ended.
func TestInterrupted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, s := drawSearch(t)
		ctx, cancel := context.WithCancelCause(context.Background())
		at := rapid.IntRange(0, 6).Draw(t, "at trial")
		stop := func(n int) {
			if n == at {
				cancel(errors.New("SIGINT"))
			}
		}
		stop(0)
		p.cancel = stop
		p.deaf = rapid.Bool().Draw(t, "runner ignores ctx")
		r, err := s.Run(ctx, p)
		if err != nil {
			t.Fatalf("got %v", err)
		}
		if ctx.Err() == nil {
			return // it ended before
		}
		ended := max(at-1, 0)
		if p.deaf {
			ended = at
		}
		if !r.Partial || r.Stopped != Interrupted || len(r.Trials) != ended {
			t.Fatalf("at trial %d: partial %v, stopped %q, %d trials", at, r.Partial, r.Stopped, len(r.Trials))
		}
	})
}

// The progress has the interval and the time that is left, which on average is about
// right halfway.
func TestProgress(t *testing.T) {
	ratio, n := 0.0, 0
	for seed := range 100 {
		p := machine(uint64(seed))
		var steps []Progress
		s := Search{Now: p.now, Progress: func(p Progress) { steps = append(steps, p) }}
		r, err := s.Run(context.Background(), p)
		if err != nil {
			t.Fatal(err)
		}
		if len(steps) != len(r.Trials)+1 || steps[0].Step != "ramp" || steps[0].Left != DefaultBudget || steps[1].Step != "trial 1" {
			t.Fatalf("%d steps for %d trials: %+v", len(steps), len(r.Trials), steps)
		}
		for i, step := range steps[1:] {
			if step.Rate != r.Trials[i].Rate || step.Low <= 0 || step.High <= step.Low || step.Left < 0 || step.Elapsed+step.Left > DefaultBudget+time.Minute+30*time.Second {
				t.Fatalf("seed %d, step %d: %+v", seed, i+1, step)
			}
			if i > 0 && (step.Last == nil || step.Last.Rate != r.Trials[i-1].Rate) {
				t.Fatalf("seed %d, step %d: last %+v", seed, i+1, step.Last)
			}
		}
		half := steps[len(steps)/2]
		ratio += half.Left.Seconds() / (r.Elapsed - half.Elapsed).Seconds()
		n++
	}
	if ratio /= float64(n); ratio < 0.6 || ratio > 1.5 {
		t.Errorf("time left, of that which it took: got %.2f on average, want about 1", ratio)
	}
}

// broken is a runner that fails.
type broken struct {
	*plant
	at int
}

var errBroken = errors.New("cannot start")

func (b *broken) Trial(ctx context.Context, ask Ask) (Trial, error) {
	if b.trials == b.at {
		return Trial{}, errBroken
	}
	return b.plant.Trial(ctx, ask)
}

// A runner's error ends the search, and what is known is kept.
func TestRunnerFails(t *testing.T) {
	p := machine(1)
	s := Search{Now: p.now}
	r, err := s.Run(context.Background(), &broken{p, 3})
	if !errors.Is(err, errBroken) || r.Stopped != Failed || !r.Partial || len(r.Trials) != 3 || r.Rate == 0 {
		t.Errorf("got %v, stopped %q, %d trials, rate %v", err, r.Stopped, len(r.Trials), r.Rate)
	}
}

// A pipeline that loses records at any rate holds none.
func TestNoRateHolds(t *testing.T) {
	p := machine(1)
	p.capacity, p.jitter, p.outliers = 1e-9, 0, 0
	s := Search{Now: p.now}
	r, err := s.Run(context.Background(), p)
	if err != nil || r.Rate != 0 || r.Low != 0 || r.Confirmed >= 0 {
		t.Errorf("got %v, rate %v, low %v, confirmed %d", err, r.Rate, r.Low, r.Confirmed)
	}
}

// A pipeline that keeps up with everything is at least as fast as gdummy.
func TestAtLeast(t *testing.T) {
	for _, tt := range []struct {
		capacity float64
		atLeast  bool
	}{{1e6, true}, {1e5, true}, {85e3, true}, {60e3, false}} {
		p := machine(1)
		p.capacity, p.headroom, p.jitter, p.outliers = tt.capacity, 100e3, 0.01, 0
		s := Search{Now: p.now, Headroom: p.headroom}
		r, err := s.Run(context.Background(), p)
		want := min(tt.capacity, p.headroom)
		if err != nil || r.AtLeast != tt.atLeast || math.Abs(r.Rate/want-1) > within {
			t.Errorf("capacity %v, headroom %v: got %v, rate %v, at least: %v, want %v", tt.capacity, p.headroom, err, r.Rate, r.AtLeast, tt.atLeast)
		}
	}
}

// Costs are measured at shares of the rate, after it is known, the highest first.
func TestCosts(t *testing.T) {
	p := machine(1)
	s := Search{Now: p.now, Costs: []float64{0.25, 0.5}, Budget: 10 * time.Minute}
	r, err := s.Run(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	n := len(r.Trials)
	for i, share := range []float64{0.5, 0.25} {
		if c := r.Trials[n-len(s.Costs)+i]; c.Purpose != Cost || math.Abs(c.Rate/(share*r.Rate)-1) > 1e-9 {
			t.Errorf("trial at %v for %s, want %v of %v", c.Rate, c.Purpose, share, r.Rate)
		}
	}
}
