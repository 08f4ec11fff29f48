// SPDX-License-Identifier: Apache-2.0

package load

import (
	"context"
	"errors"
	"time"
)

// HeadroomCost is how long MeasureHeadroom takes, with the start and the end of its process.
const HeadroomCost = 10 * time.Second

const (
	headroomWarmUp = time.Second
	headroomHold   = 3 * time.Second
)

// MeasureHeadroom measures how many records per second gdummy produces and the engine takes
// in without filters and outputs.
func (m *Measurement) MeasureHeadroom(ctx context.Context) error {
	o, err := m.begin(func(float64) [][2]string { return [][2]string{{"rate", "unlimited"}} }, variant{bare: true})
	if err != nil {
		return err
	}
	defer o.end()
	if err := o.await(ctx); err != nil {
		return err
	}
	for len(o.pages) == 0 || o.since() < headroomWarmUp+headroomHold+2*time.Second {
		if err := o.look(ctx); err != nil {
			return o.explain(err)
		}
	}
	// The page changes once a second: compare the moments at which it did.
	const name = "gdummy_records_total"
	var changes []snapshot
	for i, p := range o.pages {
		if i > 0 && p.Sum(name) != o.pages[i-1].Sum(name) && p.at.Sub(o.origin) >= headroomWarmUp {
			changes = append(changes, p)
		}
	}
	if len(changes) < 2 {
		return o.explain(errors.New("the metrics of Fluent Bit do not change"))
	}
	a, b := changes[0], changes[len(changes)-1]
	m.Headroom = (b.Sum(name) - a.Sum(name)) / b.at.Sub(a.at).Seconds()
	return nil
}
