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
// A tick is one firing of the clock. Each gives copies × bodies records, which
// all carry the time at which the tick was due. Events go to the host in slices:
// pieces of a tick, or many ticks together.
package engine

import (
	"time"

	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/option"
	"github.com/gdummy/gdummy/internal/pace"
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

// Source makes the records of an engine.
type Source interface {
	// PerTick returns how many records a tick has, before copies: at least 1.
	PerTick() uint64

	// Append appends record k as one event with time t, in nanoseconds since
	// 1970. Records are numbered from 0 on, without gaps.
	Append(dst []byte, form event.Form, t int64, k uint64) []byte

	// Follow is called between ticks, a few times a second at most: a source
	// whose text depends on the environment looks at it again.
	Follow()
}

// SliceSize is the size, in bytes, at which events are handed over.
const SliceSize = 64 << 10

// maxArrears is how much of the time that was lost in a stall is made up.
const maxArrears = time.Second

// followInterval is how often a source may look at the environment.
const followInterval = 200 * time.Millisecond

// Engine makes the records of one instance.
type Engine struct {
	now   func() time.Time
	form  event.Form
	sched pace.Schedule
	start time.Time

	copies  uint64
	samples uint64 // ticks in all; 0 is without end

	source     Source
	followNext time.Time

	// startup is the tick of flush_on_startup: it comes at once and moves no
	// other.
	startup bool
	tick    uint64 // ticks of the schedule that are done or given up
	done    uint64 // ticks given
	part    uint64 // records of the current tick that are out
	record  uint64 // records that are out

	clock  stamper
	counts Counts
}

// Counts are totals since the start.
type Counts struct {
	Records   uint64 // emitted
	Bytes     uint64 // of MessagePack
	Ticks     uint64 // complete
	Shortfall uint64 // records given up after a stall
}

// Options are what an engine needs beyond its configuration.
type Options struct {
	Form event.Form

	// Now is the clock; nil is time.Now. Times with a monotonic reading are
	// compared by that.
	Now func() time.Time

	// Log takes warnings; nil drops them.
	Log func(line string)

	// Env returns the text of the options dummy and metadata as the
	// environment makes it now; nil if they can't change.
	Env func() (dummy, metadata string)
}

// New makes an engine. Its time starts now.
func New(c *option.Config, o Options) *Engine {
	e := &Engine{
		now: o.Now, form: o.Form,
		sched:   schedule(c),
		copies:  uint64(c.Copies),
		startup: c.FlushOnStartup,
		source:  newFixed(c, o),
	}
	if e.now == nil {
		e.now = time.Now
	}
	if c.Samples > 0 {
		e.samples = uint64(c.Samples)
	}
	e.start = e.now()
	e.clock = newStamper(c, e.start)
	return e
}

// schedule is the dummy input's: intervals beat the rate, unless one of them is
// negative; a rate of at most 1 is 1.
func schedule(c *option.Config) pace.Schedule {
	sec, nsec := c.IntervalSec, c.IntervalNsec
	if sec < 0 || nsec < 0 {
		sec, nsec = 0, 0
	}
	if interval := sec*int64(time.Second) + nsec; interval > 0 {
		return pace.Every{Num: uint64(interval), Den: 1}
	}
	return pace.PerSecond(uint64(max(c.Rate, 1)))
}

// Counts returns the totals since the start.
func (e *Engine) Counts() Counts { return e.counts }

// Finished says whether no record will ever be due again.
func (e *Engine) Finished() bool { return e.samples > 0 && e.done >= e.samples }

// Run emits what is due, and goes on until the host wants its thread back or
// there is nothing left to do.
func (e *Engine) Run(h Host) {
	for {
		now := e.now()
		more := e.emit(h, now)
		next := now
		switch {
		case e.Finished():
			next = now.Add(time.Hour)
		case !more:
			next = e.start.Add(time.Duration(e.sched.At(e.tick + 1)))
		}
		if !h.Wait(next) {
			return
		}
	}
}

// emit hands over at most one slice of the records that are due, and says
// whether more are due.
func (e *Engine) emit(h Host, now time.Time) (more bool) {
	elapsed := int64(now.Sub(e.start))
	due := e.sched.Due(elapsed)
	e.giveUp(elapsed, due)
	if e.Finished() || !e.startup && e.tick >= due {
		return false
	}
	if e.part == 0 && !now.Before(e.followNext) {
		e.followNext = now.Add(followInterval)
		e.source.Follow()
	}
	e.clock.set(now, elapsed)

	buf := h.Buffer()
	records := uint64(0)
	for len(buf) < SliceSize && !e.Finished() && (e.startup || e.tick < due) {
		var n uint64
		buf, n = e.appendTick(buf)
		records += n
	}
	e.counts.Records += records
	e.counts.Bytes += uint64(len(buf))
	h.Emit("", int(records), buf)
	return !e.Finished() && e.tick < due
}

// appendTick appends the rest of the current tick, as far as the slice has room.
func (e *Engine) appendTick(dst []byte) ([]byte, uint64) {
	at := int64(0)
	if !e.startup {
		at = e.sched.At(e.tick + 1)
	}
	t := e.clock.at(at)
	all := e.source.PerTick() * e.copies
	n := uint64(0)
	for e.part < all && len(dst) < SliceSize {
		dst = e.source.Append(dst, e.form, t, e.record)
		e.part++
		e.record++
		n++
	}
	if e.part >= all {
		e.part = 0
		e.done++
		e.counts.Ticks++
		if e.startup {
			e.startup = false
		} else {
			e.tick++
		}
	}
	return dst, n
}

// giveUp skips the ticks that a stall has left too far behind. What was due
// within the last second is made up, and always the last tick.
func (e *Engine) giveUp(elapsed int64, due uint64) {
	old := e.sched.Due(elapsed - int64(maxArrears))
	keep := min(old, due-min(due, 1))
	if keep <= e.tick || e.part > 0 {
		return
	}
	skipped := keep - e.tick
	if e.samples > 0 {
		return // a finite number of ticks is a promise
	}
	e.tick = keep
	e.counts.Shortfall += skipped * e.copies * e.source.PerTick()
}
