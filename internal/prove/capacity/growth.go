// SPDX-License-Identifier: Apache-2.0

package capacity

import "slices"

// FloorGrowth returns the growth of a backlog per sample, for samples at equal
// intervals: that of its floor, from the first third to the last. A backlog that bursts
// fill and that empties again has a floor that does not grow. It returns 0 for fewer
// than six samples.
func FloorGrowth(backlog []float64) float64 {
	third := len(backlog) / 3
	if third < 2 {
		return 0
	}
	first := slices.Min(backlog[:third])
	last := slices.Min(backlog[len(backlog)-third:])
	return (last - first) / float64(len(backlog)-third)
}
