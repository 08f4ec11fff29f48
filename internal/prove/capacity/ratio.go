// SPDX-License-Identifier: Apache-2.0

package capacity

import (
	"math"
	"slices"
)

// Metric is what a comparison compares.
type Metric string

// The metrics. A ratio is that of B to A.
const (
	Throughput Metric = "throughput" // records that arrive per second, above capacity
	CPU        Metric = "cpu"        // CPU time a record, at a fixed rate
	Latency    Metric = "latency"    // p99, at a fixed rate
)

// Ratio is the ratio of B to A in one metric.
type Ratio struct {
	Metric Metric  `json:"metric"`
	Rate   float64 `json:"rate"` // asked for

	A     float64 `json:"a"` // median of the trials of A: records per second, or nanoseconds
	B     float64 `json:"b"`
	Pairs int     `json:"pairs"`

	Ratio       float64 `json:"ratio"`      // 0 without pairs
	Low         float64 `json:"low"`        // 0 if there are too few pairs for an interval
	High        float64 `json:"high"`       // 0 if there are too few pairs for an interval
	Confidence  float64 `json:"confidence"` // of the interval
	Significant bool    `json:"significant"`
}

// Known reports whether there are enough pairs for an interval.
func (r *Ratio) Known() bool { return r.Low > 0 }

// Margin returns half the width of the interval, as a share of the ratio, or +Inf
// without an interval.
func (r *Ratio) Margin() float64 {
	if !r.Known() {
		return math.Inf(1)
	}
	return max(r.High-r.Ratio, r.Ratio-r.Low) / r.Ratio
}

// estimate computes the ratio from the values of A and B, of which a pair has one each,
// and the interval with the given confidence, or no interval if there are too few pairs.
// Values that are not above 0 are unknown.
//
// The ratio is the median of the ratios of each B to each A (Hodges and Lehmann), which
// some disturbed trials hardly move. The interval is that of the rank-sum test of Mann
// and Whitney. It is exact for any number of trials and any kind of noise, as long as
// it disturbs A and B alike, which their order, A B B A, is for.
func (r *Ratio) estimate(a, b []float64, confidence float64) {
	unknown := func(v float64) bool { return v <= 0 }
	a, b = slices.DeleteFunc(slices.Clone(a), unknown), slices.DeleteFunc(slices.Clone(b), unknown)
	r.A, r.B, r.Pairs, r.Confidence = median(a), median(b), min(len(a), len(b)), confidence
	if r.Pairs == 0 {
		return
	}
	ratios := make([]float64, 0, len(a)*len(b))
	for _, x := range a {
		for _, y := range b {
			ratios = append(ratios, y/x)
		}
	}
	slices.Sort(ratios)
	r.Ratio = median(ratios)
	k := rankSum(len(a), len(b), 1-confidence)
	if k == 0 {
		return
	}
	r.Low, r.High = ratios[k-1], ratios[len(ratios)-k]
	r.Significant = r.Low > 1 || r.High < 1
}

// rankSum returns the rank k of the lower end of an interval of the ratio of n values to
// m others: the k-th smallest of all n·m ratios. The upper end is the k-th largest. It
// returns 0 if there are too few values for an interval that misses with a probability
// of at most alpha.
//
// The interval misses if fewer than k of the pairs are on one side, where each order of
// the n + m values is equally likely. The number of orders with u such pairs is the
// coefficient of q^u in the product of (1 - q^(m+i)) / (1 - q^i) for i from 1 to n.
func rankSum(n, m int, alpha float64) int {
	orders := make([]float64, n*m+1)
	orders[0] = 1
	for i := 1; i <= n; i++ {
		for u := len(orders) - 1; u >= m+i; u-- {
			orders[u] -= orders[u-m-i]
		}
		for u := i; u < len(orders); u++ {
			orders[u] += orders[u-i]
		}
	}
	all := 0.0
	for _, count := range orders {
		all += count
	}
	below := 0.0
	for u, count := range orders {
		if below += count / all; 2*below > alpha {
			return u
		}
	}
	return 0
}

// median returns the median of v, or 0 if v is empty.
func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(v))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
