// SPDX-License-Identifier: Apache-2.0

package pace

import (
	"math"
	"testing"
	"time"
)

// The counts of windows of any size have the mean and the variance of a Poisson
// distribution, and neighbouring windows are independent. The bounds are four
// standard deviations of the measured value. The seed is fixed, so every run has
// the same result.
func TestPoissonCounts(t *testing.T) {
	for _, tt := range []struct {
		spec   string
		window time.Duration
		n      int
		why    string
	}{
		{"poisson 1k seed 1", 100 * time.Microsecond, 200000, "windows that are mostly empty"},
		{"poisson 1k seed 1", 10 * time.Millisecond, 200000, "a few in a window"},
		{"poisson 1k seed 2", 10 * time.Millisecond, 200000, "another seed"},
		{"poisson 1k seed 1", time.Second, 20000, "windows that span many leaves"},
		{"poisson 1M seed 1", time.Second, 20000, "windows that are split by the normal distribution"},
		{"poisson 1/h seed 1", 24 * time.Hour, 20000, "a low rate"},
		{"poisson 1G seed 1", 16, 200000, "the highest rate"},
		{"poisson 1k for 3ms; repeat", time.Millisecond, 100000, "cycles do not repeat what was random"},
	} {
		p := mustParse(t, tt.spec)
		mean := p.RateAt(0) * tt.window.Seconds()
		var sum, squares, pairs, last float64
		before := uint64(0)
		for i := 1; i <= tt.n; i++ {
			due := p.Due(int64(i) * int64(tt.window))
			d := float64(due-before) - mean
			sum, squares, pairs = sum+d, squares+d*d, pairs+d*last
			last, before = d, due
		}
		n := float64(tt.n)
		if z := sum / math.Sqrt(n*mean); math.Abs(z) > 4 {
			t.Errorf("%s in %v: the mean is %g off, %.1f standard deviations: %s", tt.spec, tt.window, sum/n, z, tt.why)
		}
		// The variance of d² is mean + 2 mean².
		if z := (squares - n*mean) / math.Sqrt(n*(mean+2*mean*mean)); math.Abs(z) > 4 {
			t.Errorf("%s in %v: the variance is %g, want %g, %.1f standard deviations off: %s", tt.spec, tt.window, squares/n, mean, z, tt.why)
		}
		if z := pairs / math.Sqrt(n*mean*mean); math.Abs(z) > 4 {
			t.Errorf("%s in %v: neighbours correlate by %g, %.1f standard deviations: %s", tt.spec, tt.window, pairs/n/mean, z, tt.why)
		}
	}
}

// The gaps between arrivals have an exponential distribution.
func TestPoissonGaps(t *testing.T) {
	p := mustParse(t, "poisson 1k seed 3")
	const n = 200000
	longer := make([]int, 6)
	last := int64(0)
	for i := uint64(1); i <= n; i++ {
		at := p.At(i)
		for k := range longer {
			if float64(at-last) > float64(k)*1e6/2 {
				longer[k]++
			}
		}
		last = at
	}
	for k, got := range longer {
		share := math.Exp(-float64(k) / 2)
		if z := (float64(got) - n*share) / math.Sqrt(n*share*(1-share)+1); math.Abs(z) > 4 {
			t.Errorf("%d of %d gaps are longer than %g ms, want %.0f, %.1f standard deviations off", got, n, float64(k)/2, n*share, z)
		}
	}
}

// The same seed produces the same arrival times in every version.
func TestPoissonSeed(t *testing.T) {
	want := map[string][3]int64{
		"poisson 10":        {261191189, 1685490603, 100063791181495},
		"poisson 10 seed 7": {81052639, 2050166368, 100143883571034},
		"poisson 10 for 1s seed 7; poisson 10 seed 7": {81052639, 1892386257, 100049325450326},
	}
	for spec, moments := range want {
		p := mustParse(t, spec)
		if got := [3]int64{p.At(1), p.At(20), p.At(1e6)}; got != moments {
			t.Errorf("%q: %v, want %v", spec, got, moments)
		}
	}
}
