// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"encoding/json"
	"math/bits"
	"time"
)

// maxPoints is the maximum number of points in a timeline. Beyond it, points are
// merged in pairs.
const maxPoints = 600

// Timeline counts arrivals over time: by arrival time if it is known, else by emission
// time.
type Timeline struct {
	First  time.Time `json:"first,omitzero"` // time of the first record; Last, of the last
	Last   time.Time `json:"last,omitzero"`
	Start  time.Time `json:"start,omitzero"`
	Width  int64     `json:"width"` // of a point, in nanoseconds
	Points []Point   `json:"points"`
}

// Point counts the arrivals of one period.
type Point struct {
	Arrived    uint64    `json:"arrived"`
	MaxLatency int64     `json:"max_latency"` // in nanoseconds, 0 if unknown
	Mean       int64     `json:"mean_latency"`
	timed      uint64    // number of arrivals whose latency is known
	sum        [2]uint64 // of their latencies: the high and the low 64 bits
}

// add adds other arrivals. Mean is set by export only.
func (p *Point) add(o Point) {
	p.Arrived += o.Arrived
	p.MaxLatency = max(p.MaxLatency, o.MaxLatency)
	p.timed += o.timed
	low, carry := bits.Add64(p.sum[1], o.sum[1], 0)
	p.sum = [2]uint64{p.sum[0] + o.sum[0] + carry, low}
}

// MarshalJSON implements json.Marshaler. It omits unknown latencies.
func (p Point) MarshalJSON() ([]byte, error) {
	type known Point
	if p.timed > 0 {
		return json.Marshal(known(p))
	}
	return json.Marshal(struct {
		Arrived uint64 `json:"arrived"`
	}{p.Arrived})
}

// timeline collects points.
type timeline struct {
	first, last int64
	start       int64 // a multiple of width
	width       int64
	points      []Point

	at, from, to int64 // index of the last point, and its period; to is 0 if there is none
}

// farthest is the latest time in a timeline; later times count there. It leaves room
// for calculations without overflow.
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
	if t < l.from || t >= l.to {
		i := (t - l.start) / l.width
		if t < l.start || i >= int64(len(l.points)) {
			i = l.reach(t)
		}
		l.at, l.from, l.to = i, l.start+i*l.width, l.start+(i+1)*l.width
	}
	p := &l.points[l.at]
	p.Arrived++
	if latency >= 0 {
		p.timed++
		p.MaxLatency = max(p.MaxLatency, latency)
		low, carry := bits.Add64(p.sum[1], uint64(latency), 0)
		p.sum = [2]uint64{p.sum[0] + carry, low}
	}
}

// merge adds another timeline. Each starts at a multiple of its width, and the widths
// differ by a power of two, so that no point must be divided.
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
		at := l.reach(o.start + int64(i)*o.width)
		l.points[at].add(p)
	}
}

// reach extends the timeline to time t and returns the index of its point.
func (l *timeline) reach(t int64) int64 {
	l.from, l.to = 0, 0
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

// halve merges points in pairs.
func (l *timeline) halve() {
	l.from, l.to = 0, 0
	width := 2 * l.width
	start := l.start - mod(l.start, width)
	points := make([]Point, 0, maxPoints)
	for i, p := range l.points {
		j := int((l.start + int64(i)*l.width - start) / width)
		for len(points) <= j {
			points = append(points, Point{})
		}
		points[j].add(p)
	}
	l.start, l.width, l.points = start, width, points
}

// mod returns the nonnegative remainder of a/b.
func mod(a, b int64) int64 {
	if m := a % b; m < 0 {
		return m + b
	} else {
		return m
	}
}

// Brief returns the number of records and the period in which they arrived. ok reports
// that it is shorter than a second, so that it has no rate.
func (t Timeline) Brief() (records uint64, span time.Duration, ok bool) {
	for _, p := range t.Points {
		records += p.Arrived
	}
	span = t.Last.Sub(t.First)
	return records, span, span < time.Second
}

// Rate returns the arrivals per second: the mean from the first to the last record, and
// that of the busiest point.
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
	// Only total-1 records arrive after the first.
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
			mean, _ := bits.Div64(p.sum[0], p.sum[1], p.timed)
			p.Mean = int64(mean)
		}
		t.Points[i] = p
	}
	return t
}
