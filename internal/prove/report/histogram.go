// SPDX-License-Identifier: Apache-2.0

package report

import (
	"time"

	"github.com/gdummy/gdummy/internal/chart"
	"github.com/gdummy/gdummy/internal/prove/audit"
)

// maxBins is the maximum number of bins: a screen cannot resolve more.
const maxBins = 600

// histogram counts records over time in bins of equal width. It covers every arrival,
// loss and event whose time is known.
type histogram struct {
	start time.Time
	width time.Duration
	bins  []bin
}

// bin holds the counts of one period.
type bin struct {
	arrived  uint64
	lost     float64 // a range that spans several bins counts in proportion
	max, sum float64 // latency, in nanoseconds
}

// newHistogram returns the histogram of tl and streams. It has no bins if no time is
// known.
func newHistogram(tl audit.Timeline, streams []audit.Stream) histogram {
	var e extent
	c := histogram{width: max(time.Duration(tl.Width), time.Second)}
	if n := len(tl.Points); n > 0 {
		e.include(tl.Start, tl.Start.Add(c.width*time.Duration(n)-1))
	}
	for i := range streams {
		for _, l := range streams[i].LostRanges {
			e.include(l.Since, l.Until)
		}
		for _, event := range streams[i].Events {
			e.include(event.Time)
		}
	}
	if e.from.IsZero() {
		return histogram{}
	}
	for {
		// A multiple of the width, like the points of the timeline.
		c.start = e.from.Add(-time.Duration(e.from.UnixNano() % int64(c.width)))
		if e.to.Sub(c.start)/c.width < maxBins {
			break
		}
		c.width *= 2
	}
	c.bins = make([]bin, e.to.Sub(c.start)/c.width+1)
	for i, p := range tl.Points {
		b := &c.bins[c.index(tl.Start.Add(time.Duration(tl.Width)*time.Duration(i)))]
		b.arrived += p.Arrived
		b.max = max(b.max, float64(p.MaxLatency))
		b.sum += float64(p.Mean) * float64(p.Arrived)
	}
	for i := range streams {
		for _, l := range streams[i].LostRanges {
			c.lose(l)
		}
	}
	return c
}

// brief reports whether all arrivals and losses fall within less than a second, so
// that it has no rate.
func brief(tl audit.Timeline, streams []audit.Stream) bool {
	var e extent
	e.include(tl.First, tl.Last)
	for i := range streams {
		for _, l := range streams[i].LostRanges {
			e.include(l.Since, l.Until)
		}
	}
	return !e.from.IsZero() && e.to.Sub(e.from) < time.Second
}

// extent is the period from the first of several times to the last. It is zero without any.
type extent struct{ from, to time.Time }

// include extends the period to known times.
func (e *extent) include(times ...time.Time) {
	for _, t := range times {
		if t.IsZero() {
			continue
		}
		if e.from.IsZero() || t.Before(e.from) {
			e.from = t
		}
		if t.After(e.to) {
			e.to = t
		}
	}
}

// index returns the index of the bin that contains a time.
func (c *histogram) index(t time.Time) int {
	return min(max(int(t.Sub(c.start)/c.width), 0), len(c.bins)-1)
}

// lose distributes a lost range over the bins in which it was sent.
func (c *histogram) lose(l audit.Loss) {
	since, until := l.Since, l.Until
	switch {
	case since.IsZero() && until.IsZero():
		return
	case since.IsZero():
		since = until
	case until.IsZero():
		until = since
	}
	first, last := c.index(since), c.index(until)
	total := until.Sub(since)
	if first == last || total <= 0 {
		c.bins[first].lost += float64(l.Count)
		return
	}
	for i := first; i <= last; i++ {
		begin := c.start.Add(c.width * time.Duration(i))
		end := begin.Add(c.width)
		if begin.Before(since) {
			begin = since
		}
		if end.After(until) {
			end = until
		}
		c.bins[i].lost += float64(l.Count) * float64(end.Sub(begin)) / float64(total)
	}
}

// span returns the duration that the histogram covers.
func (c *histogram) span() time.Duration { return c.width * time.Duration(len(c.bins)) }

// place returns the position of a time in the histogram, from 0 to 1.
func (c *histogram) place(t time.Time) float64 { return float64(t.Sub(c.start)) / float64(c.span()) }

const day = 24 * time.Hour

// maxTicks is the maximum number of ticks of a time axis.
const maxTicks = 7

// tick is a labelled position on an axis, from 0 to 1.
type tick struct {
	At   float64
	Text string
}

// ticks returns the ticks of the time axis. No two have the same label.
func (c *histogram) ticks() []tick {
	step := max(chart.TimeStep(c.span(), maxTicks-1), time.Second)
	format := "15:04:05"
	switch {
	case step >= 365*day:
		format = "2006"
	case step >= day:
		format = "2006-01-02"
	case c.span() > day:
		format = "01-02 15:04"
	case step >= time.Minute:
		format = "15:04"
	}
	var all []tick
	for t := c.start.Truncate(step); !t.After(c.start.Add(c.span())); t = t.Add(step) {
		if at := c.place(t); at >= 0 {
			all = append(all, tick{at, t.UTC().Format(format)})
		}
	}
	return all
}
