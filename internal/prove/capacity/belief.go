// SPDX-License-Identifier: Apache-2.0

package capacity

import "math"

// A belief is the probability of each pair of a capacity and a noise, given the trials
// until now: Bayes' rule on a grid.
//
// A trial at rate x of a pipeline with capacity c holds with the probability
//
//	p(x, c, σ) = falseHold + (1 - falseHold - falseFail) · Φ(ln(c/x) / σ)
//
// Φ is the normal distribution, and σ the deviation between trials, which is unknown
// too. falseFail is the share of trials that fail far below the capacity, since
// something else had the machine; falseHold is that of trials that hold far above it.
// One surprising trial therefore never decides: those that follow it do.
type belief struct {
	base float64 // ln of the lowest rate of the grid
	step float64 // between two rates, in ln
	n    int     // number of rates

	p    [len(noises)][]float64 // probabilities, whose sum is 1
	hold [len(noises)][]float64 // p(x, c, σ) by grid steps from x to c, plus n
	sum  []float64              // over all noises
}

// noises are the deviations considered, and noisePrior their probabilities before the
// first trial: on a shared machine two runs of the same pipeline differ by a few
// percent.
var (
	noises     = [...]float64{0.01, 0.025, 0.05, 0.10, 0.20}
	noisePrior = [...]float64{0.20, 0.45, 0.25, 0.08, 0.02}
)

const (
	falseFail = 0.10
	falseHold = 0.01

	gridStep = 0.01

	// The ramp's bracket may be wrong: a rate outside it is as likely as one inside,
	// times outside, and exp(-1) of that for each further tail of the logarithm.
	outside = 0.25
	tail    = 0.3

	// reach is the factor from the bracket to the end of the grid, and deep that
	// below a ramp which found no rate that holds.
	reach = 8.0
	deep  = 4096.0
)

// newBelief returns the belief after a ramp: the rate is probably from low to high. Both
// are 0 as Runner.Ramp returns them. headroom is the highest possible rate, or 0.
func newBelief(low, high, from, headroom, precision float64) *belief {
	bottom := low / reach
	if low <= 0 {
		if high <= 0 {
			high = from
		}
		low, bottom = high/deep, high/deep
	}
	if high <= low {
		high = low * reach
		if headroom > 0 {
			high = max(headroom, low)
		}
	}
	top := high * reach
	if headroom > 0 {
		top = max(min(top, headroom), bottom*2)
	}
	b := &belief{base: math.Log(bottom), step: min(gridStep, precision/5)}
	b.n = int((math.Log(top)-b.base)/b.step) + 1
	b.sum = make([]float64, b.n)

	lo, hi := math.Log(low), math.Log(high)
	for k, sigma := range noises {
		b.p[k] = make([]float64, b.n)
		for i := range b.p[k] {
			x := b.base + float64(i)*b.step
			density := 1.0
			if d := max(lo-x, x-hi); d > 0 {
				density = outside * math.Exp(-d/tail)
			}
			b.p[k][i] = noisePrior[k] * density
		}
		if headroom > 0 { // the last rate of the grid is "or more"
			last := b.base + float64(b.n-1)*b.step
			b.p[k][b.n-1] += noisePrior[k] * outside * tail / b.step * math.Exp(-max(last-hi, 0)/tail)
		}
		b.hold[k] = make([]float64, 2*b.n+1)
		for d := range b.hold[k] {
			z := float64(d-b.n) * b.step / sigma
			b.hold[k][d] = falseHold + (1-falseHold-falseFail)*0.5*math.Erfc(-z/math.Sqrt2)
		}
	}
	b.normalize()
	return b
}

func (b *belief) normalize() {
	total := 0.0
	for i := range b.sum {
		b.sum[i] = 0
	}
	for _, p := range b.p {
		for i, v := range p {
			b.sum[i] += v
			total += v
		}
	}
	for i := range b.sum {
		b.sum[i] /= total
	}
	for _, p := range b.p {
		for i := range p {
			p[i] /= total
		}
	}
}

// rate returns the rate of a place on the grid.
func (b *belief) rate(i int) float64 { return math.Exp(b.base + float64(i)*b.step) }

// observe applies Bayes' rule to a trial.
func (b *belief) observe(rate float64, held bool) {
	x := int(math.Round((math.Log(rate) - b.base) / b.step))
	x = min(max(x, 0), b.n-1)
	for k, p := range b.p {
		likely := b.hold[k][b.n-x:] // likely[i] is for c at i
		for i := range p {
			if held {
				p[i] *= likely[i]
			} else {
				p[i] *= 1 - likely[i]
			}
		}
	}
	b.normalize()
}

// quantile returns the place below which the probability is q.
func (b *belief) quantile(q float64) int {
	sum := 0.0
	for i, p := range b.sum {
		if sum += p; sum >= q {
			return i
		}
	}
	return b.n - 1
}

// next returns the rate at which a trial halves the probability.
func (b *belief) next() float64 { return b.rate(b.quantile(0.5)) }

// interval returns the median and the narrowest interval with the given probability.
func (b *belief) interval(probability float64) (low, median, high float64) {
	from, to, width := 0, b.n-1, b.n
	sum, i := 0.0, 0
	for j := range b.sum {
		sum += b.sum[j]
		for sum-b.sum[i] >= probability {
			sum -= b.sum[i]
			i++
		}
		if sum >= probability && j-i < width {
			from, to, width = i, j, j-i
		}
	}
	return b.rate(from), b.rate(min(max(b.quantile(0.5), from), to)), b.rate(to)
}

// noise returns the expected deviation between trials.
func (b *belief) noise() float64 {
	mean := 0.0
	for k, p := range b.p {
		for _, v := range p {
			mean += noises[k] * v
		}
	}
	return mean
}

// none reports whether probably no rate of the grid holds.
func (b *belief) none() bool { return b.sum[0] > 0.5 }
