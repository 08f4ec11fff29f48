// SPDX-License-Identifier: Apache-2.0

package capacity

import (
	"math"
	"slices"
	"time"
)

const (
	// leastGrowth is by how many seconds a lag has to grow, since the phases of a flush
	// and of a window drift.
	leastGrowth = 0.05

	// From manyWindows on, bursts of some seconds are distinguished from growth by the floor of the
	// lag, and leastFloor is how fast that has to grow: a pipeline whose lag grows by 1 %
	// of the time holds 99 % of the rate. With fewer, leastSlope is how fast the lag has to
	// grow, and noiseFactor by how much of its noise.
	manyWindows = 12
	leastFloor  = 0.01
	leastSlope  = 0.02
	noiseFactor = 2.5

	// certainFloor is how fast the floor grows in a trial that need not be completed, and
	// certainWindows by how many windows the lag grows in one without a floor yet.
	certainFloor   = 0.05
	certainWindows = 2
)

// Growth returns how fast a lag grows, in seconds per second, and whether that is more
// than its noise. The lags are those of windows of the given width.
//
// The growth of many windows is that of their floor, from the first third to the last:
// bursts and flushes fill a backlog, and it empties again. That of a few is the median of
// the slopes between all pairs (Theil and Sen). Its noise is the mean deviation from it
// without the largest one. A stall of one window changes neither.
func Growth(lags []time.Duration, width time.Duration) (slope float64, grows bool) {
	span := float64(len(lags)-1) * width.Seconds()
	switch {
	case len(lags) < 3:
		return 0, false
	case len(lags) >= manyWindows:
		slope = floorGrowth(lags, width)
		return slope, slope*span > max(leastFloor*span, leastGrowth)
	}
	var slopes []float64
	for i := range lags {
		for j := range i {
			slopes = append(slopes, (lags[i]-lags[j]).Seconds()/(float64(i-j)*width.Seconds()))
		}
	}
	slope = median(slopes)
	rest := make([]float64, len(lags)) // without the slope
	for i, l := range lags {
		rest[i] = l.Seconds() - slope*width.Seconds()*float64(i)
	}
	middle := median(rest)
	for i, r := range rest {
		rest[i] = math.Abs(r - middle)
	}
	slices.Sort(rest)
	noise := 0.0
	for _, r := range rest[:len(rest)-1] {
		noise += r / float64(len(rest)-1)
	}
	return slope, slope*span > max(leastSlope*span, leastGrowth+noiseFactor*noise)
}

// floorGrowth returns the growth of the floor of a lag, in seconds per second.
func floorGrowth(lags []time.Duration, width time.Duration) float64 {
	third := len(lags) / 3
	first, last := slices.Min(lags[:third]), slices.Min(lags[len(lags)-third:])
	return (last - first).Seconds() / (float64(len(lags)-third) * width.Seconds())
}

// Hopeless reports whether a lag grows so fast, until the last of its windows, that the end
// of the trial need not be awaited.
func Hopeless(lags []time.Duration, width time.Duration) bool {
	n := len(lags)
	if n >= manyWindows {
		return floorGrowth(lags, width) > certainFloor
	}
	return n >= 3 && lags[n-1]-lags[0] > certainWindows*width && lags[n-1] > lags[n-2] && lags[n-2] > lags[n-3]
}
