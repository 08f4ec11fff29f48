// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"time"

	"github.com/gdummy/gdummy/internal/event"
)

// A call from C into Go and back wakes Go's monitor thread, which then observes the
// thread of the input until that waits in C again. With many inputs this costs more
// than the records. At rates that leave time between slices, the slices of the next
// lookahead are therefore appended together. The host emits each when it is due,
// without a call into Go.
//
// Slices that the host does not emit, because it needs its thread, are undone and
// appended again when they are due: record k is the same each time.
const (
	lookahead = 200 * time.Millisecond
	maxAhead  = int(lookahead/grain) + 1 // slices
)

// scheduling is a Host that can emit slices at future times.
type scheduling interface {
	// Schedules reports whether EmitAt can emit anything now.
	Schedules() bool

	// EmitAt emits slices when they are due. It sets Emitted in each slice that it
	// emits, and returns their number.
	EmitAt(events []byte, slices []event.Slice) int
}

// emitAhead emits the slices of the lookahead, and reports whether the host has
// emitted all of them. It emits none and reports false if there are fewer than two.
// It also returns the time after that.
func (e *Engine) emitAhead(h Host, now time.Time) (all bool, after time.Time) {
	s, ok := h.(scheduling)
	if !ok || e.ahead.slices == nil || e.plan.sched == nil || e.startup || e.part > 0 || !s.Schedules() {
		return false, now
	}
	e.refresh(now)
	elapsed := int64(now.Sub(e.start))
	e.clock.set(now, elapsed)
	e.clock.latest = min(e.clock.latest+int64(lookahead+grain), event.MaxTime)
	e.limitSlice(h)
	emits, start := false, e.progress
	defer func() {
		if !emits { // too few, or a function of a template has panicked
			e.progress = start
		}
	}()
	buf := e.appendAhead(h.Buffer(), elapsed)
	slices, before := e.ahead.slices, e.ahead.before
	if len(slices) < 2 {
		return false, now
	}
	emits = true
	done := s.EmitAt(buf, slices)
	if done < len(slices) {
		e.progress = before[done]
	}
	for i, sl := range slices[:done] {
		e.countLate(before[i].spent, sl, elapsed)
	}
	return done == len(slices), e.now()
}

// appendAhead appends the slices of the lookahead to buf. It stores them in e.ahead,
// with the progress before each.
func (e *Engine) appendAhead(buf []byte, elapsed int64) []byte {
	e.ahead.slices, e.ahead.before = e.ahead.slices[:0], e.ahead.before[:0]
	for moment := elapsed; len(e.ahead.slices) < maxAhead && !e.Finished(); {
		at := e.plan.sched.At(e.spent + 1)
		if at >= e.plan.end || at > elapsed+int64(lookahead)-e.plan.delay {
			break
		}
		// The same time that next returns and Wait waits for.
		moment = max(e.plan.delay+at, moment+int64(grain))
		due := e.plan.due(moment - e.plan.delay)
		before, size := e.progress, len(buf)
		for len(buf) < e.slice && e.owes(due) {
			buf = e.appendTick(buf, moment, due)
		}
		if e.part > 0 || e.owes(due) { // more is due than fits into a slice
			e.progress = before
			return buf[:size]
		}
		e.counts.Bytes += uint64(len(buf) - size)
		e.ahead.before = append(e.ahead.before, before)
		e.ahead.slices = append(e.ahead.slices, event.Slice{
			End: len(buf), Records: int(e.counts.Records - before.counts.Records), Due: time.Duration(moment - elapsed),
		})
	}
	return buf
}

// countLate counts the late records of a slice, whose ticks are those after spent.
func (e *Engine) countLate(spent uint64, s event.Slice, elapsed int64) {
	emitted := elapsed + int64(s.Emitted)
	perTick := e.copies * e.source.RecordsPerTick()
	for n := range uint64(s.Records) / perTick {
		if emitted-e.plan.delay-e.plan.sched.At(spent+n+1) <= int64(late) {
			return // all later ticks are punctual too
		}
		e.counts.Late += perTick
	}
}
