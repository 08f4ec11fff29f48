// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"encoding/json"
	"time"
)

// maxPoints is how many points a timeline has at most; each then covers twice
// the time.
const maxPoints = 600

// Timeline is what arrived over time: by arrival if that is known, else by
// emission.
type Timeline struct {
	First  time.Time `json:"first,omitzero"` // record, and last
	Last   time.Time `json:"last,omitzero"`
	Start  time.Time `json:"start,omitzero"`
	Width  int64     `json:"width"` // of a point, in nanoseconds
	Points []Point   `json:"points"`
}

// Point is what arrived in one span of time.
type Point struct {
	Arrived    uint64 `json:"arrived"`
	MaxLatency int64  `json:"max_latency"` // in nanoseconds, 0 if unknown
	sum        int64
	Mean       int64  `json:"mean_latency"`
	timed      uint64 // of Arrived, those whose latency is known
}

// MarshalJSON implements json.Marshaler. It leaves out latencies that are unknown.
func (p Point) MarshalJSON() ([]byte, error) {
	type known Point
	if p.timed > 0 {
		return json.Marshal(known(p))
	}
	return json.Marshal(struct {
		Arrived uint64 `json:"arrived"`
	}{p.Arrived})
}

// timeline gathers points.
type timeline struct {
	first, last int64
	start       int64 // a multiple of width
	width       int64
	points      []Point
}

// farthest is the last time that a line has; what is later stands there. There
// is room above it for all that is calculated.
const farthest = 1 << 62

func (l *timeline) add(t, latency int64) {
	t = min(max(t, 0), farthest)
	if l.points == nil {
		l.width = int64(time.Second)
		l.start = t - mod(t, l.width)
		l.points = make([]Point, 1, maxPoints)
		l.first, l.last = t, t
	}
	l.first, l.last = min(l.first, t), max(l.last, t)
	i := (t - l.start) / l.width
	if t < l.start || i >= int64(len(l.points)) {
		i = l.reach(t)
	}
	p := &l.points[i]
	p.Arrived++
	if latency >= 0 {
		p.timed++
		p.MaxLatency = max(p.MaxLatency, latency)
		p.sum += latency
	}
}

// merge adds another line. Both begin at multiples of their widths, of which one
// is the other one's times a power of two: nothing is cut.
func (l *timeline) merge(o *timeline) {
	if o.points == nil {
		return
	}
	if l.points == nil {
		*l = *o
		l.points = append(make([]Point, 0, maxPoints), o.points...)
		return
	}
	l.first, l.last = min(l.first, o.first), max(l.last, o.last)
	for l.width < o.width {
		l.halve()
	}
	for i, p := range o.points {
		if p.Arrived == 0 {
			continue
		}
		t := o.start + int64(i)*o.width
		at := (t - l.start) / l.width
		if t < l.start || at >= int64(len(l.points)) {
			at = l.reach(t)
		}
		q := &l.points[at]
		q.Arrived += p.Arrived
		q.MaxLatency = max(q.MaxLatency, p.MaxLatency)
		q.sum += p.sum
		q.timed += p.timed
	}
}

// reach makes room for time t and returns the index of its point.
func (l *timeline) reach(t int64) int64 {
	for {
		end := l.start + int64(len(l.points))*l.width
		from, to := min(l.start, t-mod(t, l.width)), max(end, t-mod(t, l.width)+l.width)
		n := (to - from) / l.width
		if n > maxPoints {
			l.halve()
			continue
		}
		if front := (l.start - from) / l.width; front > 0 {
			l.points = append(make([]Point, front, maxPoints), l.points...)
			l.start = from
		}
		for int64(len(l.points)) < n {
			l.points = append(l.points, Point{})
		}
		return (t - l.start) / l.width
	}
}

// halve makes points cover twice the time.
func (l *timeline) halve() {
	width := 2 * l.width
	start := l.start - mod(l.start, width)
	points := make([]Point, 0, maxPoints)
	for i, p := range l.points {
		j := int((l.start + int64(i)*l.width - start) / width)
		for len(points) <= j {
			points = append(points, Point{})
		}
		q := &points[j]
		q.Arrived += p.Arrived
		q.MaxLatency = max(q.MaxLatency, p.MaxLatency)
		q.sum += p.sum
		q.timed += p.timed
	}
	l.start, l.width, l.points = start, width, points
}

// mod is the remainder that is never negative.
func mod(a, b int64) int64 {
	if m := a % b; m < 0 {
		return m + b
	} else {
		return m
	}
}

// Brief returns how many records arrived, if that took less than a second: they have
// no rate.
func (t Timeline) Brief() (records uint64, span time.Duration, ok bool) {
	for _, p := range t.Points {
		records += p.Arrived
	}
	span = t.Last.Sub(t.First)
	return records, span, span < time.Second
}

// Rate returns how many records arrived in a second: on the average from the
// first to the last, and in the busiest point.
func (t Timeline) Rate() (mean, peak float64) {
	total := uint64(0)
	for _, p := range t.Points {
		total += p.Arrived
		peak = max(peak, float64(p.Arrived))
	}
	if total == 0 {
		return 0, 0
	}
	peak *= float64(time.Second) / float64(t.Width)
	// Of n records that come evenly, n-1 come after the first.
	if span := t.Last.Sub(t.First).Seconds(); span >= 1 {
		return min(float64(total-1)/span, peak), peak
	}
	return min(float64(total), peak), peak
}

func (l *timeline) export() Timeline {
	t := Timeline{Width: l.width, Points: make([]Point, len(l.points))}
	if len(l.points) > 0 {
		t.Start = time.Unix(0, l.start).UTC()
		t.First, t.Last = time.Unix(0, l.first).UTC(), time.Unix(0, l.last).UTC()
	}
	for i, p := range l.points {
		if p.timed > 0 {
			p.Mean = p.sum / int64(p.timed)
		}
		t.Points[i] = p
	}
	return t
}
