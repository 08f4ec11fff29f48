// SPDX-License-Identifier: Apache-2.0

package load

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/gdummy/gdummy/internal/chart"
	"github.com/gdummy/gdummy/internal/config/render"
	"github.com/gdummy/gdummy/internal/prove/audit"
	"github.com/gdummy/gdummy/internal/prove/capacity"
)

// hold is the part of a trial that counts.
type hold struct {
	*observed
	ask      capacity.Ask
	from, to time.Duration // since the first record
	expected uint64        // records of all inputs
	t        capacity.Trial
}

// Trial implements capacity.Runner.
func (m *Measurement) Trial(ctx context.Context, ask capacity.Ask) (capacity.Trial, error) {
	h := hold{ask: ask, t: capacity.Trial{Rate: ask.Rate, Hold: ask.Hold}}
	config, err := render.Read(m.Path)
	if err != nil {
		return h.t, err
	}
	width := widthOf(config)
	h.from = 3 * width // the first flush is short, and arrives in the second window or the third
	least := int64(3)
	switch { // without receivers, the backlog is known to a flush and to an update of the metrics
	case m.Sink != SinkReceiver && ask.Whole: // the number that arrives counts, not whether it holds
		least = 5
	case m.Sink != SinkReceiver:
		least = 10
	}
	windows := max(int64((ask.Hold+width-1)/width), least)
	h.to = h.from + time.Duration(windows)*width
	o, err := m.begin(func(share float64) [][2]string {
		n := uint64(math.Ceil(ask.Rate * share * h.to.Seconds()))
		h.expected += n
		return [][2]string{{"rate", decimal(ask.Rate * share)}, {"max_records", strconv.FormatUint(n, 10)}}
	}, variant{without: ask.Without})
	if err != nil {
		return h.t, err
	}
	defer o.end()
	o.plan = pacePlan{{ask.Rate, h.to}}
	h.observed = o
	err = o.await(ctx)
	if err == nil {
		err = h.measure(ctx)
	}
	if err == nil && h.t.Reason == "" {
		err = h.drain(ctx)
	}
	if errors.Is(err, errExited) {
		h.fail(capacity.Exited, "%v", err)
		err = nil
	}
	if err != nil {
		return h.t, err
	}
	h.sum()
	h.t.Held = h.t.Reason == ""
	return h.t, nil
}

// reasons are the reasons by precedence.
var reasons = []capacity.Reason{capacity.Exited, capacity.Lost, capacity.GivenUp, capacity.Shortfall, capacity.Late, capacity.Backlog}

// fail notes that the trial does not hold.
func (h *hold) fail(why capacity.Reason, format string, args ...any) {
	if h.t.Reason == "" || slices.Index(reasons, why) < slices.Index(reasons, h.t.Reason) {
		h.t.Reason, h.t.Detail = why, fmt.Sprintf(format, args...)
	}
}

// measure waits for the end of the hold, or until it is certain that the trial fails.
func (h *hold) measure(ctx context.Context) error {
	for h.since() < h.to {
		if err := h.look(ctx); err != nil {
			return err
		}
		if now := h.since(); now >= h.from && !h.ask.Whole && h.hopeless(now) {
			break
		}
	}
	h.t.Duration = min(h.since(), h.to) - h.from
	return nil
}

// hopeless reports whether the trial can no longer hold.
func (h *hold) hopeless(now time.Duration) bool {
	width := h.in.width
	lags := h.lags(h.from, now, h.ask.Rate)
	if n := len(lags); n > 0 {
		switch last := lags[n-1]; {
		case last > h.m.MaxLatency:
			h.fail(capacity.Late, "records are %s behind", chart.FormatLatency(last))
		case capacity.Hopeless(lags, width):
			h.fail(capacity.Backlog, "%s more behind after %v", chart.FormatLatency(last-lags[0]), time.Duration(n)*width)
		}
	}
	h.losses()
	return h.t.Reason != ""
}

// losses judges what the metrics count as lost.
func (h *hold) losses() {
	if len(h.pages) == 0 {
		return
	}
	p := h.pages[len(h.pages)-1]
	for _, f := range slices.Sorted(maps.Keys(h.dropped(snapshot{}, p, 0))) {
		h.fail(capacity.Lost, "filter %s drops %s", f, audit.Grouped(uint64(p.Of("filter_drop_records_total", f))))
	}
	if n := p.Sum("input_ring_buffer_retry_failures_total"); n > 0 {
		h.fail(capacity.Lost, "the ring buffer of an input was full %.0f times", n)
	}
	if n := p.Sum("output_retries_failed_total"); n > 0 {
		h.fail(capacity.GivenUp, "%.0f chunks", n)
	}
	if n := p.Sum("gdummy_shortfall_records_total"); n > 0 {
		h.fail(capacity.Shortfall, "%s records", audit.Grouped(uint64(n)))
	}
}

// drain waits until everything that was sent has arrived, and judges what does not.
func (h *hold) drain(ctx context.Context) error {
	h.judge()
	if h.t.Reason != "" {
		return nil
	}
	end := time.Now().Add(h.m.MaxLatency + 2*h.in.width)
	for {
		missing, of, output := h.missing()
		if missing == 0 {
			h.judgeRest()
			return nil
		}
		if time.Now().After(end) {
			h.losses()
			h.fail(capacity.Lost, "%s of %s did not arrive at output %s", audit.Grouped(missing), audit.Grouped(of), output)
			return nil
		}
		if err := h.look(ctx); err != nil {
			return err
		}
	}
}

// judgeRest judges how long the delivery took of what was left at the end of the hold. In
// a short hold with few flushes, the latency need not show that a backlog grows.
func (h *hold) judgeRest() {
	rest := time.Duration(0)
	for i, r := range h.in.meters {
		if h.m.arriving == nil || h.m.arriving[h.in.outputs[i]] > 0 {
			rest = max(rest, r.rest(h.to))
		}
	}
	least := h.m.rest
	if least > 0 && rest > least+h.in.width+h.in.width/4 {
		h.fail(capacity.Backlog, "the rest arrived in %s, and in %s at another rate", chart.FormatLatency(rest), chart.FormatLatency(least))
		return
	}
	if least == 0 || rest > 0 && rest < least {
		h.m.rest = rest
	}
}

// missing returns how many records have not arrived, of how many, at the output that lacks
// most. Where filters drop some at any rate, that is an estimate.
func (h *hold) missing() (missing, of uint64, output string) {
	for i, name := range h.in.outputs {
		share := h.m.arriving[name]
		want := share * float64(h.expected)
		var got float64
		if len(h.in.meters) > 0 {
			got = float64(h.in.meters[i].distinct())
		} else if len(h.pages) > 0 {
			got = h.pages[len(h.pages)-1].Of("output_proc_records_total", name)
		}
		if share < 1 {
			want = 0.9*want - 4*math.Sqrt(want)
		}
		if lack := want - got; lack >= 1 && uint64(lack) > missing {
			missing, of, output = uint64(lack), uint64(share*float64(h.expected)), name
		}
	}
	return missing, of, output
}

// judge judges the latency and the backlog over the hold.
func (h *hold) judge() {
	width := h.in.width
	lags := h.lags(h.from, h.to, h.ask.Rate)
	if len(lags) == 0 {
		return
	}
	if _, spread := h.arrived(); spread.TotalCount() > 0 {
		if p99 := quantile(spread, 99); p99 > h.m.MaxLatency {
			h.fail(capacity.Late, "p99 %s", chart.FormatLatency(p99))
		}
	}
	if last := lags[len(lags)-1]; last > h.m.MaxLatency {
		h.fail(capacity.Late, "records are %s behind", chart.FormatLatency(last))
	}
	if slope, grows := capacity.Growth(lags, width); grows {
		h.fail(capacity.Backlog, "%s more behind each second", chart.FormatLatency(time.Duration(slope*float64(time.Second))))
	}
	h.memory()
}

// memory judges whether the process grows: by a third, and from each third of the hold to
// the next.
func (h *hold) memory() {
	if h.to-h.from < leakHold {
		return
	}
	var memory []float64
	for _, u := range h.uses {
		if at := u.at.Sub(h.origin); at >= h.from && at <= h.to {
			memory = append(memory, float64(u.Memory))
		}
	}
	if len(memory) < 9 {
		return
	}
	third := len(memory) / 3
	a, b, c := slices.Max(memory[:third]), slices.Max(memory[third:2*third]), slices.Max(memory[2*third:])
	if b > a && c > b && c-b > (b-a)/2 && c-a > max(a/3, leakLeast) {
		h.fail(capacity.Backlog, "memory grew from %s to %s MB", audit.Grouped(uint64(a)>>20), audit.Grouped(uint64(c)>>20))
	}
}

const (
	leakHold  = 10 * time.Second
	leakLeast = 64 << 20
)

// arrived returns what arrived in the hold at the output that got most.
func (h *hold) arrived() (records float64, spread *hdrhistogram.Histogram) {
	spread = hdrhistogram.New(1, spreadMax, 2)
	to := h.from + max(h.t.Duration, 0)
	if h.t.Duration == 0 {
		to = h.to
	}
	for _, r := range h.in.meters {
		n, s := r.arrived(h.from, to)
		records = max(records, float64(n))
		spread.Merge(s)
	}
	if len(h.in.meters) == 0 {
		for _, name := range h.in.outputs {
			records = max(records, h.sending(name, h.from, to)*(to-h.from).Seconds())
		}
	}
	return records, spread
}

func quantile(h *hdrhistogram.Histogram, q float64) time.Duration {
	if h.TotalCount() == 0 {
		return 0
	}
	return time.Duration(h.ValueAtQuantile(q)) * spreadUnit
}

// sum fills in what the trial measured.
func (h *hold) sum() {
	t := &h.t
	if t.Duration <= 0 {
		return
	}
	width := h.in.width
	end := h.from + t.Duration
	records, spread := h.arrived()
	whole := t.Duration / width * width
	if len(h.in.meters) == 0 || whole == 0 {
		whole = t.Duration
	}
	t.Achieved = records / whole.Seconds()
	if len(h.in.meters) > 0 {
		t.Achieved = 0
		for _, r := range h.in.meters {
			t.Achieved = max(t.Achieved, r.rate(h.from, h.from+whole))
		}
	}
	t.P50, t.P99 = quantile(spread, 50), quantile(spread, 99)
	a, b := h.used(h.from), h.used(end)
	t.CPU = b.CPU - a.CPU
	for _, u := range h.uses {
		t.Memory = max(t.Memory, u.Memory)
	}
	p, q := h.at(h.from), h.at(end)
	if n := q.Sum("gdummy_records_total"); n > 0 {
		t.Bytes = q.Sum("gdummy_bytes_total") / n * t.Achieved
	}
	lags := h.lags(h.from, end, h.ask.Rate)
	if n := len(lags); n > 0 {
		t.Backlog = int64(max(lags[n-1], 0).Seconds() * h.ask.Rate)
		slope, _ := capacity.Growth(lags, width)
		t.Growth = int64(slope * h.ask.Rate)
	}
	for i, lag := range lags {
		t.Samples = append(t.Samples, h.sample(h.from+time.Duration(i)*width, width, lag))
	}
	t.Evidence = h.evidence(a, b, p, q)
}

// sample returns a window of the hold.
func (h *hold) sample(at, width, lag time.Duration) capacity.Sample {
	s := capacity.Sample{At: at + width - h.from, Backlog: int64(max(lag, 0).Seconds() * h.ask.Rate)}
	a, b := h.used(at), h.used(at+width)
	if took := b.at.Sub(a.at).Seconds(); took > 0 {
		s.CPU = (b.CPU - a.CPU).Seconds() / took
	}
	s.Memory = b.Memory
	s.Rate = (h.count("gdummy_records_total", at+width) - h.count("gdummy_records_total", at)) / width.Seconds()
	p, q := h.at(at), h.at(at+width)
	if took := q.at.Sub(p.at).Seconds(); took > 0 {
		for _, name := range h.in.outputs {
			s.Achieved = max(s.Achieved, (q.Of("output_proc_records_total", name)-p.Of("output_proc_records_total", name))/took)
		}
	}
	for _, r := range h.in.meters {
		n, spread := r.arrived(at, at+width)
		s.Achieved = max(s.Achieved, float64(n)/width.Seconds())
		s.P99 = max(s.P99, quantile(spread, 99))
	}
	return s
}
