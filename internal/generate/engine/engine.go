// SPDX-License-Identifier: Apache-2.0

// Package engine is one configured generator of records.
//
// An [Engine] computes when records are due and what they contain. It has no
// clock, no thread and no output of its own: its [Host], which is Fluent Bit's
// input thread or the command, provides them. The normal path is [New], then
// repeated calls of [Engine.Run]. Run emits the records that are due, asks the
// host to wait until the next ones are, and returns when the host needs its
// thread.
//
// # Terms
//
// A tick is one step of the schedule. It produces copies × bodies records. The
// first is due when the tick is, and each of the others 1 ns later: that is the moment
// of the record, from which [Timing] computes its time. The host receives events in
// slices: a part of a tick, or many ticks together. Records that were due are scheduled,
// records that were emitted are delivered. The shortfall is the records that were dropped
// because a stall delayed them too long.
package engine

import (
	"fmt"
	"time"

	"github.com/gdummy/gdummy/internal/config/option"
	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/generate/pace"
	"github.com/gdummy/gdummy/internal/generate/replay"
)

// Host provides the thread, the buffer and the output of an engine.
type Host interface {
	// Wait waits until t and returns true, or returns false if Run should end.
	Wait(t time.Time) bool

	// Buffer returns an empty slice to append events to, valid until Emit.
	Buffer() []byte

	// Emit receives events with the given number of records. If tag is empty,
	// the host uses its own.
	Emit(tag string, records int, events []byte)
}

// sizing is a Host that limits the size of slices. SliceSize returns a number of bytes
// that the next slice should not exceed by more than one record.
type sizing interface {
	SliceSize() int
}

// Source makes the records of an engine.
type Source interface {
	// RecordsPerTick returns the number of records in a tick, before copies: at
	// least 1.
	RecordsPerTick() uint64

	// Append appends record k, which was due at a moment in nanoseconds since
	// 1970, as one event. Records are numbered from 0, without gaps. Calls with the
	// same k and moment append the same bytes, in any order of calls, unless Refresh
	// changes the records.
	Append(dst []byte, form event.Form, due int64, k uint64) []byte

	// Refresh is called between ticks, at most a few times per second. A source
	// that depends on the environment reads it again and uses it for record k
	// and all later ones.
	Refresh(k uint64)
}

// bulkSource is a Source that can append many records at once. AppendMany appends the
// records k, k+1, … up to n of them, as long as dst is shorter than limit bytes, and
// returns how many it appended.
type bulkSource interface {
	AppendMany(dst []byte, form event.Form, due *moments, k, n uint64, limit int) ([]byte, uint64)
}

// moments are those at which consecutive records were due: each a gap after the one before,
// unless they are listed.
type moments struct {
	first, gap int64
	list       []int64
}

// at returns the moment of the i-th record, from 0.
func (m *moments) at(i uint64) int64 {
	if m.list != nil {
		return m.list[i]
	}
	return m.first + int64(i)*m.gap
}

// from returns the moments of the i-th record and those after it.
func (m *moments) from(i uint64) moments {
	if m.list != nil {
		return moments{list: m.list[i:]}
	}
	return moments{first: m.at(i), gap: m.gap}
}

// Sizes of slices, in bytes.
const (
	MaxSlice = 64 << 10
	MinSlice = 4 << 10
)

// grain is the minimum time between two slices: at high rates, a slice for each
// tick would cost too much. A record emitted later than late after it was due is
// counted as late.
const (
	grain = 10 * time.Millisecond
	late  = 2 * grain
)

// followInterval is the time between two looks for more in a file that is followed.
const followInterval = 200 * time.Millisecond

// refreshInterval is the minimum time between two calls of Source.Refresh.
const refreshInterval = 200 * time.Millisecond

// Engine makes the records of one instance.
type Engine struct {
	now    func() time.Time
	form   event.Form
	plan   plan
	source Source
	bulk   bulkSource // source, or nil
	tagged tagged     // source, or nil
	steady bool       // a fixed rate in ticks, without copies, of a bulk source
	replay *replayed  // the source below its marks, or nil
	times  [256]int64
	due    moments // of the next records, for bulk
	full   int     // size of a slice, in bytes
	slice  int     // size of the current slice, in bytes
	copies uint64
	origin Origin

	start       time.Time
	refreshNext time.Time
	ended       bool          // the duration is over, and all records due are emitted
	finished    time.Duration // after the start; 0 while more records will be due
	progress

	steering *steering // nil without the option control

	ahead struct {
		slices []event.Slice
		before []progress // the progress before each slice
	}
}

// progress is the state that changes when a record is appended. Restoring a copy
// undoes records that were appended ahead of their time but not emitted.
type progress struct {
	clock stamper

	// startup reports whether the tick of flush_on_startup is still to be
	// emitted. It is due immediately and spends no units.
	startup bool
	spent   uint64 // units
	part    uint64 // records of the current tick appended so far
	cost    uint64 // their size, in bytes
	counts  Counts
}

// Counts are totals since the start.
type Counts struct {
	Records   uint64 // emitted
	Bytes     uint64 // of MessagePack
	Ticks     uint64 // complete
	Late      uint64 // records emitted more than 20 ms after they were due
	Shortfall uint64 // records dropped after a stall
	Elapsed   time.Duration
}

// Options are the settings of an engine that its host decides.
type Options struct {
	Form event.Form

	// Now is the clock; nil means time.Now. Differences between its times use
	// their monotonic clock readings, if any.
	Now func() time.Time

	// Clock, if not zero, is the clock of the engine that this one replaces in a
	// hot reload. No record gets the same moment as a record of that engine.
	Clock Clock

	// CallInterval is the normal time between two calls of Run, which is not a
	// stall: a second if the host calls Run once per second, or 0 if Run rarely
	// returns.
	CallInterval time.Duration

	// Mark, if not nil, configures the identities of the records.
	Mark *MarkOptions

	// Log receives warnings; nil discards them.
	Log func(line string)

	// Changed, if not nil, is called when the option control has changed the pace.
	Changed func(Change)

	// Env returns the options dummy and metadata with the current environment;
	// nil if they cannot change.
	Env func() (dummy, metadata string)
}

// New returns an engine that starts now.
func New(c *Config, o Options) *Engine {
	e := &Engine{
		form:   o.Form,
		plan:   newPlan(c, o.CallInterval),
		copies: uint64(c.Copies),
		full:   SliceFor(c.MaxInFlight),
		now:    o.Now,
	}
	if e.now == nil {
		e.now = time.Now
	}
	e.start = e.now()
	if c.StartAt != nil {
		e.plan.delay = c.StartAt.From(e.start) - e.start.UnixNano()
		if !o.Clock.began.IsZero() { // a reload: what was due has been sent
			e.plan.delay = max(e.plan.delay, 0)
		}
	}
	timing := e.setClock(c, o)
	e.origin = originOf(c, timing)
	e.startup = c.FlushOnStartup
	numbers := newNumbering(c)
	if timing.moves() {
		numbers = numbering{step: 1} // the source gets positions
	}
	timer := newTimer(timing, numbers)
	e.source = c.unmarked(timer, o)
	tags, _ := e.source.(tagger)
	if e.replay, _ = e.source.(*replayed); e.replay != nil {
		if c.timeline {
			e.plan.follow(newTimeline(c, e.replay))
			e.plan.stepwise = true
			e.startup = false
		}
		if c.Replay.Stamp != option.StampNow {
			e.clock.replayTiming(e.replay, c)
			e.origin = originOf(c, e.replay.Timing)
		}
	}
	if c.broken != nil {
		e.source = newBreaking(e.source, e.origin.Damage()) // before the sums of the bodies
	}
	if o.Mark != nil {
		e.source = Mark(e.source, *o.Mark)
	}
	if c.Program != nil && c.Program.HasTag() {
		e.source = &tagging{Source: e.source, tagger: tags, index: map[string]int{}}
	}
	e.tagged, _ = e.source.(tagged)
	if timing.moves() {
		e.source = &moving{e.source, newNumbering(c), timing}
	}
	e.bulk, _ = e.source.(bulkSource)
	if c.Control != "" {
		e.steering = newSteering(c, e, o)
	}
	e.plan.split(c)
	if e.plan.delay < 0 && e.plan.due(-e.plan.delay) > 0 && o.Log != nil {
		o.Log(e.plan.lateness(c))
	}
	_, fixed := e.plan.sched.(pace.FixedRate)
	e.steady = fixed && !e.plan.bytes && e.copies == 1 && e.bulk != nil
	if (e.plan.sched != nil || e.steering != nil) && !e.plan.bytes && e.tagged == nil && e.replay == nil {
		e.ahead.slices = make([]event.Slice, 0, maxAhead)
		e.ahead.before = make([]progress, 0, maxAhead)
	}
	return e
}

// SliceFor returns the size of a slice, in bytes, such that about sixty slices fit
// into maxInFlight: Fluent Bit's engine ingests them in groups of 51.
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

// Origin returns what the records depend on.
func (e *Engine) Origin() Origin { return e.origin }

// Clock returns the state of the records' clock, for the engine that replaces this
// one.
func (e *Engine) Clock() Clock { return e.clock.Clock }

// Finished reports whether all records have been emitted and no more will be due.
func (e *Engine) Finished() bool {
	return e.ended || e.counts.Records >= e.plan.records || e.counts.Ticks >= e.plan.samples ||
		e.replay != nil && e.replay.state(e.counts.Records) == replay.Ended
}

// has reports whether record k can be appended. One that is awaited from a file that is
// followed cannot.
func (e *Engine) has(k uint64) bool { return e.replay == nil || e.replay.state(k) == replay.Ready }

// Err returns why a replay has ended before its end, or nil.
func (e *Engine) Err() error {
	if e.replay == nil {
		return nil
	}
	return e.replay.reader.Err()
}

// Broken returns how many lines of a replay were skipped because they are broken.
func (e *Engine) Broken() uint64 {
	if e.replay == nil {
		return 0
	}
	return e.replay.reader.Broken()
}

// Close closes the files of a replay. The engine must not be used afterwards, but for
// its counts.
func (e *Engine) Close() {
	if e.replay != nil {
		e.replay.reader.Close()
	}
}

// PerSecond returns the configured rate as text, in records or bytes per second,
// or "unlimited".
func (e *Engine) PerSecond() string {
	switch {
	case e.steering != nil && e.steering.state.Paused:
		return "paused"
	case e.plan.sched == nil:
		return "unlimited"
	case e.plan.words != "" && e.plan.shards > 1:
		return fmt.Sprintf("%s, part %d/%d", e.plan.words, e.plan.shard, e.plan.shards)
	case e.plan.words != "":
		return e.plan.words
	case e.plan.bytes:
		return fmt.Sprintf("%.6g bytes/s", e.plan.perSecond/float64(e.plan.shards))
	default:
		return fmt.Sprintf("%.6g/s", e.plan.perSecond*float64(e.copies*e.source.RecordsPerTick())/float64(e.plan.shards))
	}
}

// Run emits the records that are due until Wait returns false or the engine has
// finished.
func (e *Engine) Run(h Host) {
	for !e.Finished() {
		now := e.now()
		e.steer(now, true)
		more := e.emit(h, now)
		e.steer(now, false)
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

// next returns the time until which Run can wait.
func (e *Engine) next(now time.Time, more bool) time.Time {
	if more {
		return now
	}
	at := e.idle(now)
	if e.steering != nil && e.steering.next.Before(at) {
		return e.steering.next
	}
	return at
}

// idle returns the time until which no record is due.
func (e *Engine) idle(now time.Time) time.Time {
	if !e.has(e.counts.Records) {
		return now.Add(followInterval)
	}
	at := int64(0)
	if e.plan.sched != nil {
		at = e.plan.sched.At(e.spent + 1)
	}
	at = min(at, e.plan.end)
	if at > pace.Never-max(e.plan.delay, 0) {
		return now.Add(time.Hour)
	}
	next := e.start.Add(time.Duration(e.plan.delay + at))
	if soon := now.Add(grain); next.Before(soon) {
		return soon
	}
	return next
}
