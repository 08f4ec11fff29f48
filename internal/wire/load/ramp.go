// SPDX-License-Identifier: Apache-2.0

package load

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/gdummy/gdummy/internal/config/render"
)

// The steps of a ramp.
const (
	rampFactor = 2.0
	rampMost   = 20   // steps
	rampSlack  = 0.02 // share of the records that a stall may make a filter drop
	rampWide   = 3    // windows of a step
)

// Ramp implements capacity.Runner. Its first step, at a low rate, shows which share of the
// records arrives at each output when the pipeline keeps up.
func (m *Measurement) Ramp(ctx context.Context, from float64) (low, high float64, err error) {
	rates := []float64{from}
	for len(rates) < rampMost && (m.Headroom == 0 || rates[len(rates)-1] < m.Headroom) {
		next := rates[len(rates)-1] * rampFactor
		if m.Headroom > 0 {
			next = min(next, m.Headroom)
		}
		rates = append(rates, next)
	}
	config, err := render.Read(m.Path)
	if err != nil {
		return 0, 0, err
	}
	step := rampWide * widthOf(config)
	first, idle := step-widthOf(config), step
	if m.Faults != nil {
		idle += 2 * m.Faults.Delay
	}
	if m.Sink != SinkReceiver {
		idle += 3 * updateEvery // until the metrics have what was sent
	}
	plan := pacePlan{{from / 4, first}, {0, idle}}
	for _, rate := range rates {
		plan = append(plan, paceStep{rate, step})
	}
	o, err := m.begin(func(share float64) [][2]string {
		return [][2]string{{"load_profile", plan.profile(share)}}
	}, variant{})
	if err != nil {
		return 0, 0, err
	}
	defer o.end()
	o.plan = plan
	m.arriving, m.dropping = nil, nil
	if err := o.await(ctx); err != nil {
		return 0, 0, err
	}
	if err := o.wait(ctx, first+idle); err != nil {
		return 0, 0, err
	}
	if err := o.baseline(first+idle, plan.due(first)); err != nil {
		return 0, 0, err
	}
	return o.climb(ctx, rates, first+idle, step)
}

// throughput returns how many records per second of those sent arrived from one moment to
// another, of several outputs at the slowest.
func (o *observed) throughput(from, to time.Duration) (least float64) {
	for i, output := range o.in.outputs {
		share := o.m.arriving[output]
		if share == 0 {
			continue
		}
		n := o.at(to).Of("output_proc_records_total", output) - o.at(from).Of("output_proc_records_total", output)
		if len(o.in.meters) > 0 {
			records, _ := o.in.meters[i].arrived(from, to)
			n = float64(records)
		}
		if rate := n / share / (to - from).Seconds(); least == 0 || rate < least {
			least = rate
		}
	}
	return least
}

// pacePlan is when records of all inputs are due, at one rate after another.
type pacePlan []paceStep

type paceStep struct {
	rate float64
	long time.Duration
}

// profile returns the plan as the load profile of an input with a share of the records.
func (p pacePlan) profile(share float64) string {
	var steps []string
	for _, s := range p {
		what := "idle"
		if s.rate > 0 {
			what = decimal(s.rate * share)
		}
		steps = append(steps, fmt.Sprintf("%s for %v", what, s.long))
	}
	return strings.Join(steps, "; ")
}

// due returns how many records are due in the time since the first.
func (p pacePlan) due(since time.Duration) (n float64) {
	for _, s := range p {
		n += s.rate * max(min(since, s.long), 0).Seconds()
		since -= s.long
	}
	return n
}

// decimal formats a rate as an option of gdummy.
func decimal(rate float64) string { return fmt.Sprintf("%.3f", rate) }

// baseline notes which share of the records arrives, and is dropped, at a low rate, at which
// as many are due.
func (o *observed) baseline(moment time.Duration, due float64) error {
	p := o.at(moment)
	sent := p.Sum("gdummy_scheduled_records_total")
	if sent == 0 {
		return o.explain(errors.New("the metrics of Fluent Bit have no records of gdummy"))
	}
	arriving, dropping := map[string]float64{}, map[string]float64{}
	any := false
	for i, output := range o.in.outputs {
		n := p.Of("output_proc_records_total", output)
		if len(o.in.meters) > 0 {
			n = float64(o.in.meters[i].distinct())
		}
		// The metrics of gdummy are late where a CPU is short: what is due is known.
		arriving[output] = arrivingShare(n, due, len(o.in.inputs))
		any = any || arriving[output] > 0
	}
	for _, f := range o.in.filters {
		if n := p.Of("filter_records_total", f); n > 0 {
			dropping[f] = p.Of("filter_drop_records_total", f) / n
		}
	}
	if !any {
		return o.explain(errors.New("no record arrived at an output"))
	}
	o.m.arriving, o.m.dropping = arriving, dropping
	return nil
}

// arrivingShare returns which share of the records that were due arrived: more than 1 if
// filters add some. How many each input has sent is known to one or two.
func arrivingShare(arrived, due float64, inputs int) float64 {
	if math.Abs(arrived-due) <= 2*float64(inputs) {
		return 1
	}
	return arrived / due
}

// climb follows the steps of a ramp until one is too much.
func (o *observed) climb(ctx context.Context, rates []float64, start, step time.Duration) (low, high float64, err error) {
	// At a low rate, records wait for half a flush. At the highest rate that holds, they also
	// wait for the rest of a flush that takes as long as the time to the next one.
	width := o.in.width
	usual := width / 2
	for _, r := range o.in.meters {
		if n, spread := r.arrived(0, start); n > 0 {
			usual = max(usual, quantile(spread, 50))
		}
	}
	excess := width * 7 / 5
	for i, rate := range rates {
		from := start + time.Duration(i)*step
		end := from + step
		for o.since() < end {
			if err := o.look(ctx); errors.Is(err, errExited) {
				return low, rate, nil
			} else if err != nil {
				return low, 0, err
			}
		}
		lags := o.lags(from, end, rate)
		last := lags[len(lags)-1]
		now := o.pages[len(o.pages)-1]
		switch {
		case last > usual+excess, last > o.m.MaxLatency,
			len(o.dropped(o.at(from), now, rampSlack)) > 0,
			now.Sum("output_retries_failed_total") > 0:
			// The step before may have been too much already: what a pipeline that is
			// behind delivers is near what it holds.
			if c := o.throughput(from, end); c > 0 {
				low = min(low, 0.8*c)
			}
			return low, rate, nil
		}
		low = rate
	}
	return low, 0, nil
}
