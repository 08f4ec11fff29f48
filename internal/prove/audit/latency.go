// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"cmp"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

const (
	maxLatency = int64(24 * time.Hour)

	// maxOwn is the maximum number of streams with their own statistics.
	maxOwn = 64

	// statsCost is the maximum size of a latencyStats, in bytes: a histogram with
	// three digits up to a day, and a full timeline.
	statsCost = 352 << 10
)

// latencyStats holds latencies over time and their distribution.
type latencyStats struct {
	latency *hdrhistogram.Histogram // nil until the first record with an arrival time
	early   uint64                  // number of records that arrived before they were sent
	timed   uint64                  // number of records with an arrival time
	taken   uint64                  // number of all records
	max     int64                   // latency, exact
	line    timeline
}

// newStats sets the statistics of a stream: its own, or the shared ones if enough streams with
// lower runs and instances have their own. The choice does not depend on the order of
// arrival, so that parts agree on it.
func (a *Auditor) newStats(s *stream) {
	if len(a.own) < a.maxOwn {
		s.stats = new(latencyStats)
		a.own = append(a.own, s)
		return
	}
	if a.shared == nil {
		a.shared = new(latencyStats)
	}
	s.stats = a.shared
	if a.maxOwn == 0 {
		return
	}
	i := 0
	for j, o := range a.own {
		if a.own[i].id.compare(o.id) < 0 {
			i = j
		}
	}
	if highest := a.own[i]; s.id.compare(highest.id) < 0 {
		a.shared.merge(highest.stats)
		highest.stats, s.stats, a.own[i] = a.shared, new(latencyStats), s
	}
}

// compare compares first the runs, then the instances.
func (id streamID) compare(o streamID) int {
	return cmp.Or(cmp.Compare(id.run, o.run), cmp.Compare(id.instance, o.instance))
}

func newHistogram() *hdrhistogram.Histogram { return hdrhistogram.New(1, maxLatency, 3) }

// add adds a record. arrival is 0 if unknown.
func (c *latencyStats) add(sent, arrival int64) {
	c.taken++
	if arrival == 0 {
		c.line.add(sent, -1)
		return
	}
	c.timed++
	latency := arrival - sent
	if latency < 0 {
		c.early++
		latency = 0
	}
	if c.latency == nil {
		c.latency = newHistogram()
	}
	c.max = max(c.max, latency)
	_ = c.latency.RecordValue(min(latency, maxLatency)) // always within the range
	c.line.add(arrival, latency)
}

// addUntimed adds a record whose identity has no moment at which it was due.
func (c *latencyStats) addUntimed(t, arrival int64) {
	c.taken++
	if arrival != 0 {
		t = arrival
	}
	c.line.add(t, -1)
}

// merge adds other statistics.
func (c *latencyStats) merge(o *latencyStats) {
	c.early += o.early
	c.timed += o.timed
	c.taken += o.taken
	c.max = max(c.max, o.max)
	if o.latency != nil {
		if c.latency == nil {
			c.latency = newHistogram()
		}
		c.latency.Merge(o.latency)
	}
	c.line.merge(&o.line)
}

// Latency is the distribution of the time from the moment at which a record was due to
// its arrival, in nanoseconds. In the mean and the percentiles, a latency above a day
// counts as a day.
type Latency struct {
	Count int64        `json:"count"`
	Mean  float64      `json:"mean"`
	Max   int64        `json:"max"`
	At    []Percentile `json:"percentiles"`
	Early uint64       `json:"early"` // records that arrived before they were due: the clocks differ
}

// Percentile is one point of a distribution.
type Percentile struct {
	Percent float64 `json:"percent"`
	Value   int64   `json:"value"`
}

// percents lists the percentiles of a Latency.
var percents = []float64{50, 75, 90, 95, 99, 99.9, 99.99}

// P returns the latency at one of the percentiles, in nanoseconds.
func (l *Latency) P(percent float64) int64 {
	for _, p := range l.At {
		if p.Percent == percent {
			return p.Value
		}
	}
	return 0
}

// export returns the distribution, or nil if no arrival time is known.
func (c *latencyStats) export() *Latency {
	if c.timed == 0 {
		return nil
	}
	h := c.latency
	l := &Latency{Count: h.TotalCount(), Mean: h.Mean(), Max: c.max, Early: c.early}
	for _, p := range percents {
		l.At = append(l.At, Percentile{p, min(h.ValueAtQuantile(p), l.Max, maxLatency)})
	}
	return l
}
