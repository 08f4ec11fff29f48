// SPDX-License-Identifier: Apache-2.0

// Package engine is one configured generator of records.
//
// An [Engine] knows when records are due and what they look like; it has no
// clock, no thread and no output of its own. Those belong to its [Host]: Fluent
// Bit's input thread, or the command. The normal path is [New], then [Engine.Run]
// again and again: it emits what is due, asks the host to wait for the next
// moment, and returns when the host wants its thread back.
//
// # Terms
//
// A tick is one firing of the clock. Each gives copies × bodies records. The first
// has the time at which the tick was due, each of the others 1 ns more. Events go
// to the host in slices: pieces of a tick, or many ticks together. What was due is
// asked for, what was emitted is delivered; what a stall has made late and nobody
// makes up is the shortfall.
package engine

import (
	"fmt"
	"time"

	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/generate/pace"
)

// Host is where an engine runs.
type Host interface {
	// Wait waits until t and returns true, or returns false if Run should end.
	Wait(t time.Time) bool

	// Buffer returns an empty slice to append events to, valid until Emit.
	Buffer() []byte

	// Emit hands over events, which hold the given number of records. An empty
	// tag is the host's own.
	Emit(tag string, records int, events []byte)
}

// sparing is a Host that can be short of memory: then a slice is to be one record.
type sparing interface {
	Sparing() bool
}

// Source makes the records of an engine.
type Source interface {
	// RecordsPerTick returns how many records a tick has, before copies: at least 1.
	RecordsPerTick() uint64

	// Append appends record k as one event with time t, in nanoseconds since
	// 1970. Records are numbered from 0 on, without gaps. Calls for the same k
	// and t append the same bytes, in whatever order they are made, unless a
	// Refresh changes the records from some k on.
	Append(dst []byte, form event.Form, t int64, k uint64) []byte

	// Refresh is called between ticks, a few times a second at most. A source
	// whose text depends on the environment reads it again, for the records from
	// k on.
	Refresh(k uint64)
}

// bulkSource is a Source that can append many records at once, with the times t, t+step,
// and so on: up to n of them, as long as dst is shorter than limit bytes. It returns
// how many.
type bulkSource interface {
	AppendMany(dst []byte, form event.Form, t, step int64, k, n uint64, limit int) ([]byte, uint64)
}

// runSource is a Source that can append records from k on, with the given times, in
// one go, as long as dst is shorter than limit bytes. It returns how many.
type runSource interface {
	AppendRun(dst []byte, form event.Form, times []int64, k uint64, limit int) ([]byte, int)
}

// Sizes of slices, in bytes.
const (
	MaxSlice = 64 << 10
	MinSlice = 4 << 10
)

// grain is the time between two slices at rates at which a slice for each tick
// would be a waste. Late is what was handed over later than twice that.
const (
	grain = 10 * time.Millisecond
	late  = 2 * grain
)

// refreshInterval is how often a source may look at the environment.
const refreshInterval = 200 * time.Millisecond

// Engine makes the records of one instance.
type Engine struct {
	now    func() time.Time
	form   event.Form
	plan   plan
	source Source
	bulk   bulkSource // source, or nil
	tagged tagged     // source, or nil
	runner runSource  // source, or nil; set only if a tick is a record of an even rate
	times  [256]int64
	full   int // size of a slice, in bytes
	slice  int // of the current one
	copies uint64

	start       time.Time
	refreshNext time.Time
	ended       bool          // the duration is over, and what was due is out
	finished    time.Duration // after the start; 0 as long as there is more to come
	progress

	ahead struct {
		slices []event.Slice
		before []progress // of each slice
	}
}

// progress is what emitting a record changes: a record that was appended ahead of its
// time and not emitted is taken back by what was saved.
type progress struct {
	clock stamper

	// startup is the tick of flush_on_startup: it comes at once and spends
	// nothing.
	startup bool
	spent   uint64 // units
	part    uint64 // records of the current tick that are out
	cost    uint64 // units that those have spent
	counts  Counts
}

// Counts are totals since the start.
type Counts struct {
	Records   uint64 // emitted
	Bytes     uint64 // of MessagePack
	Ticks     uint64 // complete
	Late      uint64 // records emitted more than 20 ms after they were due
	Shortfall uint64 // records given up after a stall
	Elapsed   time.Duration
}

// Options are what an engine needs beyond its configuration.
type Options struct {
	Form event.Form

	// Now is the clock; nil is time.Now. Times with a monotonic reading are
	// compared by that.
	Now func() time.Time

	// Clock, if not the zero Clock, is that of the engine that this one follows in
	// a hot reload: no record gets a time that one of the other has.
	Clock Clock

	// CallInterval is how long the host may leave Run alone without that being a stall:
	// 0 where it hardly ever does, a second where Run comes once a second.
	CallInterval time.Duration

	// Mark, if not nil, says how records are given an identity.
	Mark *MarkOptions

	// Log takes warnings; nil drops them.
	Log func(line string)

	// Env returns the text of the options dummy and metadata as the
	// environment makes it now; nil if they can't change.
	Env func() (dummy, metadata string)
}

// New makes an engine. Its time starts now.
func New(c *Config, o Options) *Engine {
	e := &Engine{
		now: o.Now, form: o.Form,
		plan:   newPlan(c, o.CallInterval),
		copies: uint64(c.Copies),
		source: newFixed(c, o),
		full:   SliceFor(c.MaxInFlight),
	}
	e.startup = c.FlushOnStartup
	switch {
	case c.Program != nil:
		e.source = newTemplated(c, o.Mark)
	case o.Mark != nil:
		e.source = Mark(e.source, *o.Mark)
	}
	e.bulk, _ = e.source.(bulkSource)
	e.tagged, _ = e.source.(tagged)
	if _, even := e.plan.sched.(pace.FixedRate); even && !e.plan.bytes && e.copies == 1 && e.source.RecordsPerTick() == 1 {
		e.runner, _ = e.source.(runSource)
	}
	if e.plan.sched != nil && !e.plan.bytes && e.tagged == nil && o.Mark == nil {
		e.ahead.slices = make([]event.Slice, 0, maxAhead)
		e.ahead.before = make([]progress, 0, maxAhead)
	}
	if e.now == nil {
		e.now = time.Now
	}
	e.start = e.now()
	e.clock = newStamper(c, e.start, o.Clock)
	return e
}

// SliceFor returns the size of slices of which some sixty may be under way
// together: Fluent Bit's engine takes them in groups of fifty-one.
func SliceFor(maxInFlight int64) int {
	return int(min(max(maxInFlight/64, MinSlice), MaxSlice))
}

// Counts returns the totals since the start.
func (e *Engine) Counts() Counts {
	c := e.counts
	c.Elapsed = e.finished
	if c.Elapsed == 0 {
		c.Elapsed = e.now().Sub(e.start)
	}
	return c
}

// Clock returns the state of the records' clock, for the engine that follows.
func (e *Engine) Clock() Clock { return e.clock.clock() }

// Finished says whether no record will ever be due again.
func (e *Engine) Finished() bool {
	return e.ended || e.counts.Records >= e.plan.records || e.counts.Ticks >= e.plan.samples
}

// PerSecond returns the rate that was asked for, in records (or bytes) per
// second as words; "unlimited" if none was.
func (e *Engine) PerSecond() string {
	switch {
	case e.plan.sched == nil:
		return "unlimited"
	case e.plan.words != "":
		return e.plan.words
	case e.plan.bytes:
		return fmt.Sprintf("%.6g bytes/s", e.plan.perSecond)
	default:
		return fmt.Sprintf("%.6g/s", e.plan.perSecond*float64(e.copies*e.source.RecordsPerTick()))
	}
}

// Run emits what is due, and goes on until the host wants its thread back or the
// engine has finished.
func (e *Engine) Run(h Host) {
	for !e.Finished() {
		now := e.now()
		more := e.emit(h, now)
		ahead := false
		if !more && !e.Finished() {
			ahead, now = e.emitAhead(h, now)
		}
		if e.Finished() {
			e.finished = now.Sub(e.start)
			return
		}
		if !ahead && !h.Wait(e.next(now, more)) {
			return
		}
	}
}

// next returns until when there is nothing to do.
func (e *Engine) next(now time.Time, more bool) time.Time {
	if more {
		return now
	}
	at := int64(0)
	if e.plan.sched != nil {
		at = e.plan.sched.At(e.spent + 1)
	}
	at = min(at, e.plan.end)
	if at > pace.Never-e.plan.delay {
		return now.Add(time.Hour)
	}
	next := e.start.Add(time.Duration(e.plan.delay + at))
	if soon := now.Add(grain); next.Before(soon) {
		return soon
	}
	return next
}

// emit hands over at most one slice of the records that are due, and says
// whether more are due.
func (e *Engine) emit(h Host, now time.Time) (more bool) {
	elapsed := int64(now.Sub(e.start))
	t := elapsed - e.plan.delay
	due := e.plan.due(t)
	e.giveUp(t, due)
	if !e.owes(due) {
		e.ended = e.ended || t >= e.plan.end
		return false
	}
	if e.part == 0 {
		e.refresh(now)
	}
	e.clock.set(now, elapsed)

	e.slice = e.full
	if s, ok := h.(sparing); ok && s.Sparing() {
		e.slice = 1
	}
	buf := h.Buffer()
	before := e.counts.Records
	for len(buf) < e.slice && e.owes(due) {
		if e.runner != nil && !e.startup && e.source.RecordsPerTick() == 1 {
			buf = e.appendRun(buf, elapsed, due)
		} else {
			buf = e.appendTick(buf, elapsed)
		}
	}
	e.counts.Bytes += uint64(len(buf))
	if e.tagged != nil {
		e.tagged.Split(buf, h.Emit)
	} else {
		h.Emit("", int(e.counts.Records-before), buf)
	}
	return e.owes(due)
}

// follow lets the source look at the environment, a few times a second.
func (e *Engine) refresh(now time.Time) {
	if !now.Before(e.refreshNext) {
		e.refreshNext = now.Add(refreshInterval)
		e.source.Refresh(e.counts.Records)
	}
}

// owes says whether a tick, or the rest of one, is to be emitted now.
func (e *Engine) owes(due uint64) bool {
	return !e.Finished() && (e.startup || e.spent < due)
}

// appendRun appends many ticks at once, where each is one record of an even rate: this
// is what high rates are made of.
func (e *Engine) appendRun(dst []byte, elapsed int64, due uint64) []byte {
	n := min(due-e.spent, uint64(len(e.times)), e.plan.records-e.counts.Records, e.plan.samples-e.counts.Ticks)
	walk := e.plan.sched.(pace.FixedRate).Walk(e.spent)
	overdue := 0 // they come first
	for i := range n {
		at := e.plan.delay + walk.Next()
		if elapsed-at > int64(late) {
			overdue++
		}
		e.times[i] = at
	}
	e.clock.stamp(e.times[:n])
	dst, done := e.runner.AppendRun(dst, e.form, e.times[:n], e.counts.Records, e.slice)
	e.clock.used(e.times[done-1])
	e.spent += uint64(done)
	e.counts.Records += uint64(done)
	e.counts.Ticks += uint64(done)
	e.counts.Late += uint64(min(done, overdue))
	return dst
}

// appendTick appends the rest of the current tick, as far as the slice has room.
func (e *Engine) appendTick(dst []byte, elapsed int64) []byte {
	at := e.plan.delay
	switch {
	case e.startup:
		at = 0
	case e.plan.sched == nil:
		at = elapsed
	default:
		at += e.plan.sched.At(e.spent + 1)
	}
	stamp, step := e.clock.at(at)
	all := e.source.RecordsPerTick() * e.copies
	want := all - e.part
	if e.plan.sched == nil && !e.startup {
		// All the ticks that the slice has room for are due now.
		want = pace.Unbounded
		if left := e.plan.samples - e.counts.Ticks; left < pace.Unbounded/all {
			want = left*all - e.part
		}
	}
	want = min(want, e.plan.records-e.counts.Records)
	size := len(dst)
	n := uint64(0)
	if e.bulk != nil {
		dst, n = e.bulk.AppendMany(dst, e.form, stamp, step, e.counts.Records, want, e.slice)
	} else {
		for ; n < want && len(dst) < e.slice; n++ {
			dst = e.source.Append(dst, e.form, stamp+int64(n)*step, e.counts.Records+n)
		}
	}
	if n > 0 {
		e.clock.used(stamp + int64(n-1)*step)
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

// finishTicks takes note of complete ticks: one, or many at an unlimited rate.
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

// giveUp spends the units that a stall has left too far behind. The last tick that
// is due is never given up: at a rate of one an hour, a second is nothing.
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
		// In records of the size that they had so far.
		e.counts.Shortfall += uint64(float64(skipped) * float64(e.counts.Records) / float64(e.counts.Bytes))
	}
}
