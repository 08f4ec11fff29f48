// SPDX-License-Identifier: Apache-2.0

package capacity

import (
	"context"
	"math"
	"math/rand/v2"
	"time"
)

// A plant is a simulated pipeline with a known capacity: a queue that is served at that
// rate, in virtual time. What is wrong with real machines is wrong with it, too.
type plant struct {
	capacity float64
	random   *rand.Rand
	clock    *time.Time // shared by plants on one machine

	jitter   float64 // deviation of a process's capacity from that of another
	outliers float64 // share of trials in which something else has the machine
	second   float64 // deviation between the seconds of a trial
	bursts   float64 // amplitude of arrivals that come in bursts of a few seconds
	drift    float64 // change of capacity in ten minutes, as a share
	leak     float64 // loss of capacity of a process in a minute, as a share
	knee     float64 // change of capacity once, at kneeAt, as a share
	kneeAt   time.Duration

	headroom float64       // highest rate of the ramp; 0 if unlimited
	start    time.Duration // to start and to end a process
	began    time.Time
	cpu      float64 // nanoseconds a record
	trials   int
	cancel   func(n int) // called before each trial
	deaf     bool        // trials ignore ctx
}

const (
	simWarmup   = 3 * time.Second
	simLatency  = 5.0 // seconds
	simFlush    = 0.4 // seconds that a record takes without a queue
	simRampStep = 2500 * time.Millisecond
)

func (p *plant) now() time.Time { return *p.clock }

func (p *plant) pass(d time.Duration) { *p.clock = p.clock.Add(d) }

// process returns the capacity of a new process.
func (p *plant) process() float64 {
	c := p.capacity * math.Exp(p.jitter*p.random.NormFloat64())
	if p.random.Float64() < p.outliers {
		c *= 0.7 + 0.1*p.random.Float64()
	}
	return c
}

// moved returns the factor of the capacity now.
func (p *plant) moved() float64 {
	at := p.now().Sub(p.began)
	f := 1 + p.drift*at.Minutes()/10
	if p.knee != 0 && at >= p.kneeAt {
		f *= 1 + p.knee
	}
	return f
}

// Ramp doubles the rate until the process does not keep up, and tries once between. The
// buffers of the pipeline hide a small excess for the time of a step.
func (p *plant) Ramp(ctx context.Context, from float64) (low, high float64, err error) {
	p.pass(p.start + simWarmup)
	c := p.process() * p.moved()
	keepsUp := func(rate float64) bool {
		p.pass(simRampStep)
		return rate*(1+0.05*p.random.NormFloat64()) <= 1.05*c
	}
	for rate := from; ; rate *= 2 {
		if ctx.Err() != nil {
			return 0, 0, ctx.Err()
		}
		if !keepsUp(rate) {
			high = rate
			break
		}
		low = rate
		if p.headroom > 0 && rate*2 > p.headroom {
			return low, 0, nil
		}
	}
	if low == 0 {
		return 0, high, nil
	}
	if middle := math.Sqrt(low * high); keepsUp(middle) {
		low = middle
	} else {
		high = middle
	}
	return low, high, nil
}

// Trial serves a queue second by second.
func (p *plant) Trial(ctx context.Context, ask Ask) (Trial, error) {
	p.trials++
	if p.cancel != nil {
		p.cancel(p.trials)
	}
	if ctx.Err() != nil && !p.deaf {
		return Trial{}, ctx.Err()
	}
	p.pass(p.start + simWarmup)
	c := p.process() * p.moved()
	t := Trial{Held: true}
	seconds := int(ask.Hold.Seconds())
	phase := p.random.Float64()
	queue, arrived := 0.0, 0.0
	var lags []time.Duration
	for s := range seconds {
		served := c * (1 - p.leak*float64(s)/60) * max(1+p.second*p.random.NormFloat64(), 0.1)
		in := ask.Rate * (1 + p.bursts*math.Sin(2*math.Pi*(phase+float64(s)/7)))
		out := min(queue+in, served)
		queue += in - out
		arrived += out
		t.Duration = time.Duration(s+1) * time.Second
		latency := time.Duration(min(queue/served+simFlush*math.Exp(0.1*p.random.NormFloat64()), 1e6) * 1e9)
		lags = append(lags, latency)
		t.P99 = max(t.P99, latency)
		if latency.Seconds() > simLatency {
			t.Held, t.Reason = false, Late
		}
		if Hopeless(lags, time.Second) {
			t.Held, t.Reason = false, Backlog
		}
		if !t.Held && !ask.Whole {
			break
		}
	}
	p.pass(t.Duration)
	if _, grows := Growth(lags, time.Second); t.Held && grows {
		t.Held, t.Reason = false, Backlog
	}
	t.Achieved = arrived / t.Duration.Seconds()
	t.CPU = time.Duration(p.cpu * c / p.capacity * arrived)
	return t, nil
}

// sustained returns the planted answer: what holds for the given time, on average over
// a search of a given length.
func (p *plant) sustained(hold, search time.Duration) float64 {
	c := p.capacity * (1 + p.drift*search.Minutes()/20) * (1 - p.leak*hold.Minutes()/2)
	if p.kneeAt < search {
		c *= 1 + p.knee*(1-p.kneeAt.Seconds()/search.Seconds())
	}
	return c
}

// machine returns a plant as measured on a shared machine with two cores.
func machine(seed uint64) *plant {
	clock := time.Unix(0, 0)
	r := rand.New(rand.NewPCG(seed, 1))
	return &plant{
		capacity: 1500 * math.Exp(r.Float64()*math.Log(200)), // to 300k
		random:   r, clock: &clock, began: clock,
		start: 1500 * time.Millisecond, jitter: 0.03, outliers: 0.06, second: 0.05, cpu: 2000,
	}
}
