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
		to := c.To
		if i+1 < n {
			to = int64(float64(i+1) / float64(n) * float64(c.To))
		}
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

// highest returns the highest rate in columns.
func highest(columns []column) float64 {
	top := 0.0
	for _, c := range columns {
		top = max(top, c.mean, c.high)
	}
	return top
}
