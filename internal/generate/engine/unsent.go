// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"math/bits"

	"github.com/gdummy/gdummy/internal/generate/pace"
	"github.com/gdummy/gdummy/internal/recordid"
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
// sizes of records, on how fast an unlimited rate is, or on how long a pause is; also after
// an error of a replay.
func (e *Engine) Unsent() Unsent {
	switch {
	case e.Err() != nil:
		return Unsent{Ends: true}
	case e.Finished():
		return Unsent{Ends: true, Known: true}
	case !e.plan.bounded && e.plan.end == pace.Never:
		return Unsent{}
	}
	n := uint64(recordid.MaxSeq + 1)
	rest := func(ticks uint64) { // of which the current one is the first
		if hi, records := bits.Mul64(ticks, e.copies*e.source.RecordsPerTick()); hi == 0 {
			n = min(n, records-min(records, e.part))
		}
	}
	if e.plan.records < pace.Unbounded {
		n = min(n, e.plan.records-e.counts.Records)
	}
	if e.plan.samples < pace.Unbounded {
		rest(e.plan.samples - e.counts.Ticks)
	}
	known := e.replay == nil || e.replay.reader.Options().Loop
	if e.plan.end < pace.Never {
		paused := e.steering != nil && e.steering.state.Paused
		if e.plan.sched == nil || e.plan.bytes || e.plan.stepwise || paused {
			known = false
		} else {
			due := max(e.plan.due(e.plan.end), e.spent)
			if e.startup {
				due++
			}
			rest(due - e.spent)
		}
	}
	if !known || n > recordid.MaxSeq {
		return Unsent{Ends: true}
	}
	return Unsent{Ends: true, Known: true, N: n}
}
