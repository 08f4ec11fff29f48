// SPDX-License-Identifier: Apache-2.0

package load

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gdummy/gdummy/internal/wire/agent"
	"github.com/gdummy/gdummy/internal/wire/pipeline"
)

// How often a Fluent Bit is looked at. It updates its metrics once a second.
const (
	glanceEvery = 50 * time.Millisecond // what its threads do
	lookEvery   = 250 * time.Millisecond
	scrapeEvery = 500 * time.Millisecond
	startLimit  = 20 * time.Second // until the first record arrives
)

// observed is a Fluent Bit that runs, and what was seen of it.
type observed struct {
	m     *Measurement
	in    *instance
	agent *agent.Agent

	origin time.Time // when the first record was due; zero before
	plan   pacePlan  // since then
	pages  []snapshot
	uses   []usage
	next   time.Time // of the next page
}

// snapshot is a page of metrics.
type snapshot struct {
	at time.Time
	agent.Metrics
}

// usage is what the process had used.
type usage struct {
	at time.Time
	agent.Usage
	receivers []receiverUse // by output
}

// receiver returns what was observed of a receiver, if anything.
func (u *usage) receiver(i int) (r receiverUse) {
	if i < len(u.receivers) {
		r = u.receivers[i]
	}
	return r
}

// begin starts a Fluent Bit on a copy of the configuration.
func (m *Measurement) begin(p pacing, v variant) (*observed, error) {
	in, err := m.prepare(p, v)
	if err != nil {
		return nil, err
	}
	a, err := pipeline.Start(m.Binary, in.main, m.Library)
	if err != nil {
		in.close()
		return nil, err
	}
	return &observed{m: m, in: in, agent: a}, nil
}

// end ends the Fluent Bit and removes what it left. Outputs that are as configured may
// send the rest.
func (o *observed) end() {
	if o.m.Sink == SinkConfigured {
		o.agent.Stop(5 * time.Second)
	}
	o.agent.Kill()
	o.in.close()
}

var errExited = errors.New("the process of Fluent Bit ended")

// look waits a moment and observes. It returns ctx's error, or errExited.
func (o *observed) look(ctx context.Context) error {
	glance := time.NewTicker(glanceEvery)
	defer glance.Stop()
	for range lookEvery / glanceEvery {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-o.agent.Done():
			return errExited
		case <-glance.C:
		}
		o.agent.Look()
		for _, r := range o.in.meters {
			r.look()
		}
	}
	if u, err := o.agent.Usage(); err == nil {
		of := usage{at: time.Now(), Usage: u}
		for _, r := range o.in.meters {
			of.receivers = append(of.receivers, r.use())
		}
		o.uses = append(o.uses, of)
	}
	now := time.Now()
	if len(o.in.meters) > 0 && now.Before(o.next) {
		return nil // without receivers, the metrics are all that is known
	}
	o.next = now.Add(scrapeEvery)
	if text, err := agent.Scrape(ctx, o.in.address); err == nil && len(text) > 0 {
		o.pages = append(o.pages, snapshot{time.Now(), text})
	}
	if o.origin.IsZero() {
		o.origin = o.began()
	}
	return nil
}

// began returns when the first record was due, or zero if that is unknown.
func (o *observed) began() (first time.Time) {
	for _, r := range o.in.meters {
		if at := r.began(); !at.IsZero() && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	if len(o.in.meters) > 0 || len(o.pages) == 0 {
		for _, r := range o.in.meters {
			r.start(first)
		}
		return first
	}
	last := o.pages[len(o.pages)-1]
	n := last.Sum("gdummy_scheduled_records_total")
	switch {
	case n == 0:
		return first
	case len(o.plan) > 0:
		return last.at.Add(-time.Duration(n / o.plan[0].rate * float64(time.Second)))
	}
	return last.at
}

// await waits for the first record.
func (o *observed) await(ctx context.Context) error {
	limit := time.Now().Add(startLimit + 3*o.in.width)
	for o.origin.IsZero() {
		if err := o.look(ctx); err != nil {
			return o.explain(err)
		}
		if n := o.vanished(); n > 0 {
			return o.explain(fmt.Errorf("no record arrives at an output, of %.0f that the inputs sent: %s", n, expectedRoute))
		}
		if time.Now().After(limit) {
			return o.explain(fmt.Errorf("no record arrived at an output within %v: %s", startLimit+3*o.in.width, expectedRoute))
		}
	}
	return nil
}

const expectedRoute = "expected outputs that match the tags of the inputs, and filters that do not drop everything"

// vanished returns how many records Fluent Bit took in, if it has kept none since two
// flushes and sent none.
func (o *observed) vanished() (n float64) {
	first := time.Time{}
	for _, p := range o.pages {
		n = p.Sum("input_records_total")
		if first.IsZero() && n > 0 {
			first = p.at
		}
		if p.Sum("output_proc_records_total")+p.Sum("output_errors_total")+p.Sum("output_retries_total")+p.Sum("output_retries_failed_total") > 0 {
			return 0
		}
	}
	looked := len(o.pages)
	if looked < 2 || first.IsZero() || o.pages[looked-1].at.Sub(first) < vanishTime+2*o.in.width {
		return 0
	}
	for _, p := range o.pages[looked-2:] {
		if p.Sum("input_storage_chunks") > 0 {
			return 0
		}
	}
	for _, r := range o.in.meters {
		if r.server.Active() {
			return 0
		}
	}
	return n
}

// vanishTime is how long filters may hold records back, such as lines that may continue.
const vanishTime = 3 * time.Second

// explain adds what Fluent Bit logged to an error.
func (o *observed) explain(err error) error {
	if lines := o.agent.Errors(); len(lines) > 0 && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("%w; it logged:\n%s", err, strings.Join(lines[max(len(lines)-10, 0):], "\n"))
	}
	return err
}

// since returns the time since the first record was due.
func (o *observed) since() time.Duration { return time.Since(o.origin) }

// at returns the last page before a moment since the first record, or an empty one.
func (o *observed) at(moment time.Duration) snapshot {
	i, _ := slices.BinarySearchFunc(o.pages, o.origin.Add(moment), func(p snapshot, t time.Time) int { return p.at.Compare(t) })
	if i == 0 {
		return snapshot{}
	}
	return o.pages[i-1]
}

// count returns a counter of the inputs at a moment since the first record. A page changes
// once a second, and is read at other times: the count is interpolated between changes, and
// continued for a second after the last.
func (o *observed) count(name string, moment time.Duration) float64 {
	type point struct{ at, n float64 }
	var a, b point // the changes around the moment, or the last two
	for _, p := range o.pages {
		n, at := p.Sum(name), p.at.Sub(o.origin).Seconds()
		if n == b.n {
			continue
		}
		a, b = b, point{at, n}
		if at >= moment.Seconds() {
			break
		}
	}
	if b.at <= a.at {
		return b.n
	}
	return a.n + (b.n-a.n)*max(min(moment.Seconds(), b.at+1)-a.at, 0)/(b.at-a.at)
}

// sending returns how many records per second an output sent from one moment to another
// since the first record. Its counter changes once a second: the rate is that between the
// first change and the last.
func (o *observed) sending(output string, from, to time.Duration) float64 {
	const name = "output_proc_records_total"
	var first, last, before snapshot
	for _, p := range o.pages {
		changed := len(before.Metrics) > 0 && p.Of(name, output) != before.Of(name, output)
		before = p
		if at := p.at.Sub(o.origin); !changed || at < from || at > to {
			continue
		}
		if first.at.IsZero() {
			first = p
		}
		last = p
	}
	if took := last.at.Sub(first.at); took > 0 {
		return (last.Of(name, output) - first.Of(name, output)) / took.Seconds()
	}
	return 0
}

// used returns the last usage before a moment since the first record.
func (o *observed) used(moment time.Duration) usage {
	i, _ := slices.BinarySearchFunc(o.uses, o.origin.Add(moment), func(u usage, t time.Time) int { return u.at.Compare(t) })
	if i == 0 {
		return usage{}
	}
	return o.uses[i-1]
}

// behind returns how many of the records that were due for an output it had not sent at a
// moment since the first record, or a little before: when its counter changed, which is once
// a second. What gdummy counts as due is late while the engine takes no records.
func (o *observed) behind(moment time.Duration, output string) float64 {
	const name = "output_proc_records_total"
	i, _ := slices.BinarySearchFunc(o.pages, o.origin.Add(moment), func(p snapshot, t time.Time) int { return p.at.Compare(t) })
	if i == 0 {
		return 0
	}
	i--
	sent, at := o.pages[i].Of(name, output), o.pages[i].at
	for i > 0 && o.pages[i-1].Of(name, output) == sent && at.Sub(o.pages[i-1].at) < o.in.width+updateEvery {
		i--
	}
	if since := o.pages[i].at; at.Sub(since) < o.in.width+updateEvery/2 {
		at = since // else it has stalled
	}
	return o.m.arriving[output]*o.plan.due(at.Sub(o.origin)) - sent
}

// updateEvery is how often Fluent Bit updates its metrics.
const updateEvery = time.Second

// lags returns how far the pipeline is behind in each window from one moment to another:
// the age of what arrives, or, without receivers, of what is not yet sent, at the given
// rate. Of several outputs, the latest counts.
func (o *observed) lags(from, to time.Duration, rate float64) (lags []time.Duration) {
	worst := func(i int, lag time.Duration) {
		if i == len(lags) {
			lags = append(lags, lag)
		}
		lags[i] = max(lags[i], lag)
	}
	width := o.in.width
	for n, r := range o.in.meters {
		if o.m.arriving != nil && o.m.arriving[o.in.outputs[n]] == 0 {
			continue
		}
		for i, lag := range r.lags(from, to) {
			worst(i, lag)
		}
	}
	if len(o.in.meters) > 0 {
		return lags
	}
	for i, at := 0, from; at+width <= to; i, at = i+1, at+width {
		for _, output := range o.in.outputs {
			if share := o.m.arriving[output]; share > 0 && rate > 0 {
				worst(i, time.Duration(o.behind(at+width, output)/(share*rate)*float64(time.Second)))
			}
		}
	}
	return lags
}

// dropped returns the filters that dropped more than they do at a low rate, and how much
// more, between two pages.
func (o *observed) dropped(from, to snapshot, slack float64) map[string]float64 {
	all := map[string]float64{}
	for _, f := range o.in.filters {
		records := to.Of("filter_records_total", f) - from.Of("filter_records_total", f)
		drops := to.Of("filter_drop_records_total", f) - from.Of("filter_drop_records_total", f)
		usual, slack := o.m.dropping[f], slack
		if usual > 0 {
			slack = max(slack, 0.02+0.1*usual) // which records a filter drops may be random
		}
		if more := drops - usual*records; more > slack*records {
			all[f] = more
		}
	}
	return all
}

// wait waits until a moment since the first record.
func (o *observed) wait(ctx context.Context, until time.Duration) error {
	for o.since() < until {
		if err := o.look(ctx); err != nil {
			return o.explain(err)
		}
	}
	return nil
}
