// SPDX-License-Identifier: Apache-2.0

package fake

import "math"

// ofEntropy returns n probabilities with the given entropy, in bits: those of a
// geometric distribution p(i) ~ q^i. The entropy increases with q from 0 to log2(n), so
// bisection finds q.
func ofEntropy(bits float64, n int) []float64 {
	p := make([]float64, n)
	fill := func(q float64) float64 {
		sum, w := 0.0, 1.0
		for i := range p {
			p[i] = w
			sum += w
			w *= q
		}
		h := 0.0
		for i := range p {
			p[i] /= sum
			if p[i] > 0 {
				h -= p[i] * math.Log2(p[i])
			}
		}
		return h
	}
	lo, hi := 0.0, 1.0
	for range 60 {
		q := (lo + hi) / 2
		if fill(q) < bits {
			lo = q
		} else {
			hi = q
		}
	}
	fill((lo + hi) / 2)
	return p
}
