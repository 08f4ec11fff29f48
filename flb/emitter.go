// SPDX-License-Identifier: Apache-2.0

package flb

import (
	"bytes"
	"time"

	"github.com/gdummy/gdummy/flb/internal/host"
	"github.com/gdummy/gdummy/internal/event"
)

// SliceSize is the size, in bytes, that events emitted together should never exceed by
// much: larger ones make the engine's allocator slow, much smaller ones cost more per
// record. See also Emitter.SliceSize.
const SliceSize = 64 << 10

// Never is a time that Wait never reaches: with it, Wait returns true when it is woken
// only.
var Never = time.Unix(1<<40, 0)

const (
	// retryAfter is the time after which a refused slice is offered again.
	retryAfter = 20 * time.Millisecond

	// sharedTurn is how long a Collect may use a thread that is the engine's own:
	// meanwhile nothing else runs, not even the exit.
	sharedTurn = 100 * time.Millisecond

	// maxHeld is how many bytes one Collect may gather on a host that accepts them
	// only when it returns.
	maxHeld = 64 << 20
)

// Emitter passes records to Fluent Bit. It belongs to one instance and may be used only
// within Collect.
type Emitter struct {
	in *Instance

	began time.Time // Collect

	buf  []byte // allocated by the host, and reused
	held int    // bytes in buf that are delivered when Collect returns

	memory memoryWait

	refused  []refusal // slices that the engine did not accept, in order
	refusals uint64    // number of times it refused one
	lost     uint64    // records that it never accepted
	accepted accepted
}

// accepted is what the engine accepted into its queue.
type accepted struct {
	records uint64
	slices  int
	sums    [128]uint64 // records up to each of the last slices
}

func (a *accepted) add(records int) {
	a.records += uint64(records)
	a.sums[a.slices%len(a.sums)] = a.records
	a.slices++
}

// before returns how many records there were before the last slices; 0 if that is no
// longer known.
func (a *accepted) before(slices int) uint64 {
	if slices >= len(a.sums) || slices >= a.slices {
		return 0
	}
	return a.sums[(a.slices-slices-1)%len(a.sums)]
}

// AppendEvent appends all of an event but its body, in the form that the host reads:
// one MessagePack map, the body, must follow. metadata is a MessagePack map, or nil for
// none; hosts before 2.1 have no place for it, and there it is left out (see
// Instance.HasMetadata). t must lie between 1970 and 2106. AppendEvent panics if
// metadata does not begin a map.
func (e *Emitter) AppendEvent(dst []byte, t time.Time, metadata []byte) []byte {
	if len(metadata) == 0 {
		metadata = event.EmptyMap
	} else if !beginsMap(metadata[0]) {
		panic("flb: the metadata of an event must be a MessagePack map")
	}
	form := event.Legacy
	if e.in.facts.Metadata {
		form = event.V2
	}
	return event.AppendHead(dst, form, t.UnixNano(), metadata)
}

// beginsMap reports whether a MessagePack map begins with b: fixmap, map 16 or map 32.
func beginsMap(b byte) bool { return b&0xf0 == 0x80 || b == 0xde || b == 0xdf }

// Wait waits until t and returns true. It also returns true as soon as Wake was called
// or a file descriptor of Watch is ready. It returns false as soon as the engine needs
// the thread: because the next Collect is due, the input is to pause, or Fluent Bit
// stops.
//
// Wait waits longer while too much is in flight or the process has grown too much (see
// Instance.SetMaxInFlight and SetMaxMemory). With a time that has passed it only
// checks. On a host that calls the plugin on the engine's own thread (`threaded off`)
// it never waits, and returns false once Collect has used that thread for 100 ms.
func (e *Emitter) Wait(t time.Time) bool {
	h := e.in.host
	if !e.in.facts.OwnThread && time.Since(e.began) >= sharedTurn {
		return false
	}
	if !e.in.facts.Appends && e.held >= int(min(maxHeld, e.memory.limit/4)) { // the buffer and the host's copy are memory, too
		return false
	}
	for len(e.refused) > 0 {
		if !e.in.facts.OwnThread || h.Wait(retryAfter, false) == host.Wanted {
			return false
		}
		e.retry()
	}
	for {
		d := time.Until(t)
		switch h.Wait(d, true) {
		case host.Wanted:
			return false
		case host.Woken:
			e.in.wake.pending.Store(false)
			if !e.waitMemory() {
				e.in.Wake() // the next Wait returns true
				return false
			}
			return true
		}
		if d <= 0 || time.Until(t) <= 0 {
			return e.waitMemory()
		}
	}
}

// SliceSize returns the size, in bytes, that the next slice should not exceed by much: at
// most the constant SliceSize, and less for an engine whose filters are slow. While the
// engine ingests what is in flight it does nothing else, and the slices set how long that
// takes.
//
// It is 1, for a slice of one record, if the process has reached its memory limit and
// the slices emitted since then amount to a sixteenth of it. Otherwise the process would
// grow without limit while an output is down for days.
func (e *Emitter) SliceSize() int {
	if !e.memory.since.IsZero() && short.bytes.Load() >= e.memory.limit/16 {
		return 1
	}
	if !e.in.Streams() {
		return SliceSize
	}
	return e.in.host.SliceSize()
}

// Pending returns how many slices the engine has not yet ingested. Their records are
// neither lost nor safe: the engine may drop what waits while it is paused, or in the
// last moments of a shutdown.
func (e *Emitter) Pending() int {
	if !e.in.facts.Appends {
		return 0
	}
	return e.in.host.Pending() + len(e.refused)
}

// Refused returns how many times the engine refused a slice. Each is offered again.
func (e *Emitter) Refused() uint64 { return e.refusals }

// Refusals calls f with the events of each slice that the engine has refused and not
// accepted since, in the order in which they were emitted. f must not keep events.
func (e *Emitter) Refusals(f func(records int, events []byte)) {
	for _, r := range e.refused {
		f(r.records, r.events)
	}
}

// Ingested returns how many records the engine counts as the instance's, before its
// filters, and whether it has a count. It is expensive: call it once a second at most.
// Versions before 5.1.0 may change the list of their metrics at any time before the
// first records were ingested: there, call it only after that.
//
// The engine counts a record again for each conditional route of the record (4.2.0 and
// later; threaded inputs from 5.0.5 on). Ingested therefore never returns more than the
// engine has accepted; with such routes, records that the engine drops later go
// unnoticed.
func (e *Emitter) Ingested() (records uint64, ok bool) {
	n, ok := e.in.host.Ingested()
	if ok && e.in.facts.Appends {
		n = min(n, e.in.host.Taken())
	}
	return n, ok
}

// Lost returns how many records were lost, because the engine refused them until the
// instance ended. It is known in and after Close.
func (e *Emitter) Lost() uint64 { return e.lost }

// Buffer returns an empty slice with room for SliceSize bytes and more, to append
// events to and pass to Emit. Its memory is reused: it is valid until Emit or until
// Collect returns.
func (e *Emitter) Buffer() []byte {
	const room = SliceSize + SliceSize/4
	e.grow(e.held + room)
	return e.buf[e.held:e.held]
}

// grow makes room for n bytes and keeps those that are held.
func (e *Emitter) grow(n int) {
	if n > len(e.buf) {
		e.buf = e.in.host.Grow(e.buf, max(n, 2*len(e.buf)))
	}
}

// Emit passes events, which contain the given number of records, to the engine. tag may
// be empty: then the records get the tag of the `[INPUT]` section, as they all do on a
// host that does not export its append function. events may be in any memory; those of
// Buffer save a copy.
//
// Slices that the engine refuses are kept and offered again: Wait does so until they
// are accepted, and Collect is not called before.
func (e *Emitter) Emit(tag string, records int, events []byte) {
	e.memory.emitted(len(events))
	switch {
	case len(events) == 0:
	case !e.in.facts.Appends:
		e.hold(events)
		e.in.host.MemoryAppended(len(events))
		e.in.succeeded++
	case len(e.refused) > 0 || !e.offer(tag, records, events):
		e.refused = append(e.refused, refusal{tag, records, bytes.Clone(events)})
	}
}

// Slice is a part of a buffer with events, to be emitted at a later moment.
type Slice = event.Slice

// Schedules reports whether EmitAt can emit anything now: it needs a host that accepts
// records as soon as they are emitted, that has accepted all earlier ones, and memory.
// Below 4.1 it always returns false: there, hot reloads of threaded inputs hung now and
// then, and whether EmitAt contributed to this is not known.
func (e *Emitter) Schedules() bool {
	return e.in.facts.EmitsAhead && e.in.Streams() && len(e.refused) == 0 && e.memory.since.IsZero() &&
		e.in.host.MemoryGrowth(e.memory.limit) < e.memory.limit
}

// EmitAt emits slices of events, each when it is due, without returning to Go in
// between: at low rates that call costs more than anything else. It sets Emitted in the
// slices that it has emitted and returns their number: fewer than all if the engine
// needs its thread, as with Wait, or refuses one. The caller keeps the others. The
// records get the tag of the `[INPUT]` section. Wake does not interrupt EmitAt.
func (e *Emitter) EmitAt(events []byte, slices []Slice) int {
	if len(slices) == 0 || !e.Schedules() {
		return 0
	}
	n := e.in.host.EmitAt(events, slices)
	for _, sl := range slices[:n] {
		e.accepted.add(sl.Records)
	}
	if n > 0 {
		e.memory.emitted(slices[n-1].End)
		e.in.succeeded += uint64(n)
	}
	return n
}

// refusal is a slice that the engine refused.
type refusal struct {
	tag     string
	records int
	events  []byte
}

// offer calls the engine's append.
func (e *Emitter) offer(tag string, records int, events []byte) bool {
	if !e.in.host.Append(tag, records, events) {
		e.in.failed++
		e.refusals++
		return false
	}
	e.accepted.add(records)
	e.in.succeeded++
	return true
}

// retry offers again what was refused, in order, and reports whether all of it was
// accepted.
func (e *Emitter) retry() bool {
	for len(e.refused) > 0 {
		r := e.refused[0]
		if !e.offer(r.tag, r.records, r.events) {
			return false
		}
		e.refused = e.refused[1:]
	}
	e.refused = nil
	return true
}

// hold keeps events until Collect returns.
func (e *Emitter) hold(events []byte) {
	n := len(events)
	if len(e.buf) < e.held+n || &events[0] != &e.buf[e.held] {
		e.grow(e.held + n)
		copy(e.buf[e.held:], events)
	}
	e.held += n
}

// handOver returns what was held, for the host to copy.
func (e *Emitter) handOver() []byte {
	n := e.held
	e.held = 0
	return e.buf[:n]
}

func (e *Emitter) release() {
	if e.buf != nil {
		e.in.host.Free(e.buf)
	}
	e.buf, e.held = nil, 0
}
