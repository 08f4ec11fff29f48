// SPDX-License-Identifier: Apache-2.0

// Package chart draws a rate over time.
//
// The normal path is [New], which measures a [Series] over a period, and then
// [Chart.Text] for a terminal, [Chart.SVG] for a file or [Chart.Table] for the
// numbers.
//
// A chart has few columns, and a burst may be shorter than a column. Each column
// therefore shows its mean rate and, behind it, the range from its lowest to its
// highest rate.
package chart

import (
	"math"
	"strconv"
	"strings"
)

// Series is a rate over time. Times are in nanoseconds since its start, rates in
// records per second.
type Series interface {
	String() string
	RateAt(t int64) float64                    // the rate at t
	Records(from, to int64) float64            // the integral of the rate
	Bounds(from, to int64) (low, high float64) // the lowest and the highest rate
	Due(t int64) uint64                        // records until t
	End() (t int64, ok bool)                   // its end; ok is false if it has none
	Cycle() int64                              // the period that it repeats forever, or 0
}

// Chart is a series from time 0 to To.
type Chart struct {
	Series Series
	To     int64 // nanoseconds, above 0

	Total uint64  // records due at To
	Mean  float64 // records per second
	Peak  float64 // highest rate, in records per second
}

// New measures a series from time 0 to the time to, in nanoseconds.
func New(s Series, to int64) *Chart {
	_, peak := s.Bounds(0, to)
	return &Chart{
		Series: s,
		To:     to,
		Total:  s.Due(to),
		Mean:   s.Records(0, to) / (float64(to) / 1e9),
		Peak:   peak,
	}
}

// column holds the rates of one period, in records per second.
type column struct{ low, mean, high float64 }

// columns divides the chart's time into n columns.
func (c *Chart) columns(n int) []column {
	columns := make([]column, n)
	from := int64(0)
	for i := range columns {
		to := c.moment(float64(i+1) / float64(n))
		col := &columns[i]
		if to == from { // more columns than nanoseconds
			col.mean = c.Series.RateAt(from)
			col.low, col.high = col.mean, col.mean
			continue
		}
		col.mean = c.Series.Records(from, to) / (float64(to-from) / 1e9)
		col.low, col.high = c.Series.Bounds(from, to)
		from = to
	}
	return columns
}

func (c *Chart) moment(part float64) int64 {
	if part >= 1 {
		return c.To
	}
	return int64(part * float64(c.To))
}

// highest returns the highest rate in columns.
func highest(columns []column) float64 {
	top := 0.0
	for _, c := range columns {
		top = max(top, c.mean, c.high)
	}
	return top
}

// scale is an axis with marks at 0, step, 2*step, up to count*step.
type scale struct {
	step  float64
	count int
}

func (s scale) top() float64 { return s.step * float64(s.count) }

// rates returns an axis of rates up to at least top, with 3 to 6 marks above 0.
func rates(top float64) scale {
	if top <= 0 {
		return scale{1, 1}
	}
	unit := math.Pow(10, math.Floor(math.Log10(top/6)))
	for {
		for _, step := range []float64{1, 2, 5} {
			step = tidy(step * unit)
			if n := int(math.Ceil(top/step - 1e-9)); n <= 6 {
				return scale{step, max(n, 1)}
			}
		}
		unit *= 10
	}
}

// tidy removes the rounding error of a number with few digits.
func tidy(f float64) float64 {
	v, err := strconv.ParseFloat(strconv.FormatFloat(f, 'g', 6, 64), 64)
	if err != nil {
		return f
	}
	return v
}

// times returns the step, in nanoseconds, between the marks of a time axis that
// has at most n of them.
func times(to int64, n int) int64 {
	const minute, hour, day = 60e9, 3600e9, 86400e9
	for unit := int64(1); unit < 1e9; unit *= 10 {
		for _, step := range []int64{unit, 2 * unit, 5 * unit} {
			if to/step <= int64(n) {
				return step
			}
		}
	}
	for _, step := range []int64{1e9, 2e9, 5e9, 10e9, 15e9, 30e9,
		minute, 2 * minute, 5 * minute, 10 * minute, 15 * minute, 30 * minute,
		hour, 2 * hour, 3 * hour, 6 * hour, 12 * hour} {
		if to/step <= int64(n) {
			return step
		}
	}
	for unit := int64(day); ; unit *= 10 {
		for _, step := range []int64{unit, 2 * unit, 5 * unit} {
			if to/step <= int64(n) {
				return step
			}
		}
	}
}

// FormatRate formats a rate with about three digits: 950, 1.25k, 0.1.
func FormatRate(rate float64) string {
	unit := ""
	for _, u := range []struct {
		name string
		size float64
	}{{"G", 1e9}, {"M", 1e6}, {"k", 1e3}} {
		if rate >= u.size*0.9995 {
			rate, unit = rate/u.size, u.name
			break
		}
	}
	switch {
	case rate >= 100:
		return strconv.FormatFloat(rate, 'f', 0, 64) + unit
	case rate > 0 && rate < 0.01:
		return strconv.FormatFloat(rate, 'g', 3, 64)
	}
	places := 2
	if rate < 1 {
		places = 3
	}
	s := strconv.FormatFloat(rate, 'f', places, 64)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".") + unit
}
