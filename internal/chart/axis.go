// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// Axis has marks at 0, Step, 2*Step, up to Count*Step.
type Axis struct {
	Step  float64
	Count int
}

// Top returns the value of the last mark.
func (a Axis) Top() float64 { return a.Step * float64(a.Count) }

// NewAxis returns an axis that reaches top, with at most n marks above 0. Its step is 1,
// 2 or 5 times a power of ten.
func NewAxis(top float64, n int) Axis {
	if top <= 0 {
		return Axis{1, 1}
	}
	for unit := math.Pow(10, math.Floor(math.Log10(top/float64(n)))); ; unit *= 10 {
		for _, step := range []float64{1, 2, 5} {
			step = tidy(step * unit)
			if count := int(math.Ceil(top/step - 1e-9)); count <= n {
				return Axis{step, max(count, 1)}
			}
		}
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

// TimeStep returns the step between the marks of a time axis that has at most n of them
// above 0.
func TimeStep(span time.Duration, n int) time.Duration {
	const day = 24 * time.Hour
	steps := []time.Duration{10 * time.Second, 15 * time.Second, 30 * time.Second,
		time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
		time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour}
	unit := time.Duration(1)
	for {
		for _, step := range []time.Duration{unit, 2 * unit, 5 * unit} {
			if span/step <= time.Duration(n) {
				return step
			}
		}
		if unit *= 10; unit != 10*time.Second {
			continue
		}
		for _, step := range steps {
			if span/step <= time.Duration(n) {
				return step
			}
		}
		unit = day
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

// FormatLatency formats a latency with three digits, or whole seconds from 1000 seconds on:
// 950µs, 1.25s, 1m33.3s.
func FormatLatency(d time.Duration) string {
	unit := time.Duration(1)
	for unit < time.Second && d/unit >= 1000 {
		unit *= 10
	}
	return d.Round(unit).String()
}
