// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"time"

	"github.com/gdummy/gdummy/internal/generate/pace"
)

// emit emits at most one slice of the records that are due, and reports whether
// more are due.
func (e *Engine) emit(h Host, now time.Time) (more bool) {
	elapsed := int64(now.Sub(e.start))
	t := elapsed - e.plan.delay
	due := e.plan.due(t)
	e.giveUp(t, due)
	if !e.owes(due) {
		e.ended = e.ended || t >= e.plan.end
		if e.plan.sched != nil && !e.Finished() && !e.has(e.counts.Records) {
			e.spent = max(e.spent, due) // nothing to emit
		}
		return false
	}
	if e.part == 0 {
		e.refresh(now)
	}
	e.clock.set(now, elapsed)

	e.limitSlice(h)
	buf := h.Buffer()
	before := e.counts.Records
	// Deferred, because a function of a template may panic: the records before that one are
	// complete and counted. The next call makes it again.
	defer func() {
		e.counts.Bytes += uint64(len(buf))
		e.emitSlice(h, buf, int(e.counts.Records-before))
	}()
	for len(buf) < e.slice && e.owes(due) {
		buf = e.appendTick(buf, elapsed, due)
		if e.plan.stepwise {
			due = e.plan.due(t)
		}
	}
	return e.owes(due)
}

func (e *Engine) emitSlice(h Host, events []byte, records int) {
	if e.tagged != nil {
		e.tagged.Split(events, h.Emit)
	} else {
		h.Emit("", records, events)
	}
}

// limitSlice sets the size of the next slices.
func (e *Engine) limitSlice(h Host) {
	e.slice = e.full
	if s, ok := h.(sizing); ok {
		e.slice = min(e.slice, s.SliceSize())
	}
}

// refresh lets the source look at the environment, a few times a second.
func (e *Engine) refresh(now time.Time) {
	if !now.Before(e.refreshNext) {
		e.refreshNext = now.Add(refreshInterval)
		e.source.Refresh(e.counts.Records)
	}
}

// owes reports whether a tick, or the rest of one, is to be emitted now.
func (e *Engine) owes(due uint64) bool {
	return (e.startup || e.spent < due) && !e.Finished() && e.has(e.counts.Records)
}

// appendRun appends many ticks at once, each of one record, at a fixed rate. It is
// the hot path of high rates.
func (e *Engine) appendRun(dst []byte, elapsed int64, due uint64) []byte {
	n := min(due-e.spent, uint64(len(e.times)), e.plan.records-e.counts.Records, e.plan.samples-e.counts.Ticks)
	walk := e.plan.sched.(pace.FixedRate).Walk(e.spent)
	overdue := uint64(0) // number of late records: the first ones
	for i := range n {
		at := e.plan.delay + walk.Next()
		if elapsed-at > int64(late) {
			overdue++
		}
		e.times[i] = at
	}
	e.clock.stamp(e.times[:n])
	e.due = moments{list: e.times[:n]}
	dst, done := e.bulk.AppendMany(dst, e.form, &e.due, e.counts.Records, n, e.slice)
	if done > 0 {
		e.clock.used(e.times[done-1])
	}
	e.spent += done
	e.counts.Records += done
	e.counts.Ticks += done
	e.counts.Late += min(done, overdue)
	return dst
}

// appendTick appends the rest of the current tick, as long as the slice has room. Where it
// can, it appends many of the ticks that are due.
func (e *Engine) appendTick(dst []byte, elapsed int64, due uint64) []byte {
	if e.steady && !e.startup && e.source.RecordsPerTick() == 1 {
		return e.appendRun(dst, elapsed, due)
	}
	at := e.plan.delay
	switch {
	case e.startup:
		at = 0
	case e.plan.sched == nil:
		at = elapsed
	default:
		at += e.plan.sched.At(e.spent + 1)
	}
	e.due.first, e.due.gap, e.due.list = e.clock.at(at), e.clock.gap, nil
	all := e.source.RecordsPerTick() * e.copies
	want := all - e.part
	if e.plan.sched == nil && !e.startup {
		// At an unlimited rate, as many ticks are due as the slice has room for.
		want = pace.Unbounded
		if left := e.plan.samples - e.counts.Ticks; left < pace.Unbounded/all {
			want = left*all - e.part
		}
	}
	want = min(want, e.plan.records-e.counts.Records)
	size := len(dst)
	n := uint64(0)
	if e.bulk != nil {
		dst, n = e.bulk.AppendMany(dst, e.form, &e.due, e.counts.Records, want, e.slice)
	} else {
		for ; n < want && len(dst) < e.slice && e.has(e.counts.Records+n); n++ {
			dst = e.source.Append(dst, e.form, e.due.at(n), e.counts.Records+n)
		}
	}
	if n > 0 {
		e.clock.used(e.due.at(n - 1))
	}
	e.counts.Records += n
	if elapsed-at > int64(late) {
		e.counts.Late += n
	}
	e.part += n
	e.cost += uint64(len(dst) - size)
	if e.part >= all {
		e.finishTicks(e.part / all)
		e.part %= all
	}
	return dst
}

// finishTicks records n complete ticks: one, or many at an unlimited rate.
func (e *Engine) finishTicks(n uint64) {
	switch {
	case e.startup:
		e.startup = false
	case e.plan.bytes:
		e.spent += e.cost
	case e.plan.sched != nil:
		e.spent += n
	}
	e.counts.Ticks += n
	e.cost = 0
}

// giveUp drops the units that a stall has delayed by more than the maximum backlog.
// The last tick due is never dropped: at one tick per hour, a delay of a second is
// no reason to lose it.
func (e *Engine) giveUp(t int64, due uint64) {
	if e.plan.sched == nil || e.plan.maxBacklog == pace.Never || e.part > 0 || e.Finished() {
		return
	}
	keep := min(e.plan.sched.Due(min(t-e.plan.maxBacklog, e.plan.end)), due-min(due, 1))
	if keep <= e.spent {
		return
	}
	skipped := keep - e.spent
	e.spent = keep
	if !e.plan.bytes {
		e.counts.Shortfall += skipped * e.copies * e.source.RecordsPerTick()
	} else if e.counts.Bytes > 0 {
		// Convert bytes to records by their mean size so far.
		e.counts.Shortfall += uint64(float64(skipped) * float64(e.counts.Records) / float64(e.counts.Bytes))
	}
}
