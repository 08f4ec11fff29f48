// SPDX-License-Identifier: Apache-2.0

package lives

import (
	"math/bits"
	"sort"

	"github.com/gdummy/gdummy/internal/generate/pace"
)

// Curve is a number of lives that changes in cycles. Births follow it: they are evenly
// spread in the time of births, which passes faster while there are to be more lives. A
// cycle of it is as long as a cycle of real time.
type Curve struct {
	cycle int64
	mean  float64 // of the number of lives
	peak  float64
	cell  int64                 // of real time; the last may be longer
	born  [curveCells + 1]int64 // the time of births at the beginning of each cell
}

const (
	curveCells = 1 << 12
	maxCycle   = 1 << 53 // in nanoseconds: 104 days
	maxPeak    = 100     // as a multiple of the mean
	maxCurved  = 1 << 14 // transitions of a block of lives that follow a curve
)

// NewCurve returns the curve of a profile, whose rates are numbers of lives, or nil if it
// does not repeat itself forever, or has no lives at all.
func NewCurve(p *pace.Profile) *Curve {
	cycle := p.Period()
	if cycle < curveCells || cycle > maxCycle {
		return nil
	}
	c := &Curve{cycle: cycle, cell: cycle / curveCells}
	var sums [curveCells + 1]float64
	for i := range curveCells {
		lives := p.RateAt(c.at(i) + (c.at(i+1)-c.at(i))/2)
		c.peak = max(c.peak, lives)
		sums[i+1] = sums[i] + float64(lives*float64(c.at(i+1)-c.at(i)))
	}
	c.mean = sums[curveCells] / float64(cycle)
	if c.mean == 0 {
		return nil
	}
	for i := range curveCells {
		c.born[i] = int64(sums[i] / sums[curveCells] * float64(cycle))
	}
	c.born[curveCells] = cycle
	return c
}

// at returns the beginning of a cell.
func (c *Curve) at(cell int) int64 {
	if cell == curveCells {
		return c.cycle
	}
	return int64(cell) * c.cell
}

// births returns the time of births at a moment.
func (c *Curve) births(moment int64) int64 {
	cycles := floorDiv(moment, c.cycle)
	t := moment - cycles*c.cycle
	i := int(min(t/c.cell, curveCells-1))
	hi, lo := bits.Mul64(uint64(t-c.at(i)), uint64(c.born[i+1]-c.born[i]))
	q, _ := bits.Div64(hi, lo, uint64(c.at(i+1)-c.at(i)))
	return cycles*c.cycle + c.born[i] + int64(q)
}

// moment returns the first moment at which the time of births is x or later.
func (c *Curve) moment(x int64) int64 {
	cycles := floorDiv(x-1, c.cycle)
	x -= cycles * c.cycle // from 1 to cycle
	i := sort.Search(curveCells, func(i int) bool { return c.born[i+1] >= x })
	grown := uint64(c.born[i+1] - c.born[i])
	hi, lo := bits.Mul64(uint64(x-c.born[i]), uint64(c.at(i+1)-c.at(i)))
	lo, carry := bits.Add64(lo, grown-1, 0)
	q, _ := bits.Div64(hi+carry, lo, grown)
	return cycles*c.cycle + c.at(i) + int64(q)
}
