// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"math/bits"

	"github.com/gdummy/gdummy/internal/generate/pace"
)

// Unsent is the number of records that an engine has still to emit until its end. The zero
// value is that of an engine without an end.
type Unsent struct {
	Ends  bool   // there is an end
	Known bool   // N is known
	N     uint64 // records, 0 if unknown
}

// Unsent returns how many records will be emitted until the end if nothing stalls and the
// pace does not change. The number is unknown if it depends on the rest of a file, on the
// sizes of records, or on how fast an unlimited rate is.
func (e *Engine) Unsent() Unsent {
	t := int64(e.now().Sub(e.start)) - e.plan.delay
	if e.Finished() || t >= e.plan.end && !e.owes(e.plan.due(t)) {
		return Unsent{Ends: true, Known: true}
	}
	n := pace.Unbounded
	if e.plan.records < pace.Unbounded {
		n = e.plan.records - e.counts.Records
	}
	if e.plan.samples < pace.Unbounded {
		hi, ticks := bits.Mul64(e.plan.samples-e.counts.Ticks, e.copies*e.source.RecordsPerTick())
		if hi == 0 {
			n = min(n, ticks-e.part)
		}
	}
	ends, known := n < pace.Unbounded, true
	if e.replay != nil {
		o := e.replay.reader.Options()
		ends, known = ends || !o.Loop && !o.Follow, o.Loop
	}
	if e.plan.end < pace.Never {
		ends = true
		if e.plan.sched == nil || e.plan.bytes || e.plan.stepwise {
			known = false
		} else {
			n = min(n, e.owed(e.plan.end))
		}
	}
	switch {
	case !ends:
		return Unsent{}
	case !known:
		return Unsent{Ends: true}
	}
	return Unsent{Ends: true, Known: true, N: n}
}
