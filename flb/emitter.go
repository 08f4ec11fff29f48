package flb

// #include <stdlib.h>
// #include "host.h"
import "C"

import (
	"bytes"
	"time"
	"unsafe"

	"github.com/gdummy/gdummy/internal/event"
)

// SliceSize is the size, in bytes, that events handed over together should not
// exceed by much: larger ones make the engine's allocator slow, much smaller ones
// cost more per record.
const SliceSize = 64 << 10

// retryAfter is how long a refused slice waits before it is offered again.
const retryAfter = 20 * time.Millisecond

// sharedTurn is for how long a Collect may keep a thread that is the engine's own:
// as long as it runs, nothing else does, not even the exit.
const sharedTurn = 100 * time.Millisecond

// maxHeld is how many bytes one Collect may gather on a host that takes them
// only when it returns.
const maxHeld = 64 << 20

// Emitter hands records to Fluent Bit. It belongs to one instance and may be
// used only within Collect.
type Emitter struct {
	in     *Instance
	append bool // the engine's own append can be called

	began time.Time // Collect

	buf  unsafe.Pointer // C memory, kept and used again
	size int            // of buf, in bytes
	held int            // bytes in buf that Collect's return hands over

	memory memoryWait

	refused  []refusal // what the engine did not take, in order
	refusals uint64    // how often it did not
	lost     uint64    // records that it never took
	taken    taken
}

// taken is what the engine took into its queue.
type taken struct {
	records uint64
	slices  int
	sums    [128]uint64 // records up to each of the last slices
}

func (t *taken) add(records int) {
	t.records += uint64(records)
	t.sums[t.slices%len(t.sums)] = t.records
	t.slices++
}

// before returns how many records there were before the last slices; 0 if that is not
// known any more.
func (t *taken) before(slices int) uint64 {
	if slices >= len(t.sums) || slices >= t.slices {
		return 0
	}
	return t.sums[(t.slices-slices-1)%len(t.sums)]
}

// AppendEvent appends the beginning of an event with time t and no metadata, in
// the form that the host reads: one body, a MessagePack map, must follow. See
// Instance.HasMetadata for events that carry more.
func (e *Emitter) AppendEvent(dst []byte, t time.Time) []byte {
	form := event.Legacy
	if e.in.HasMetadata() {
		form = event.V2
	}
	return event.AppendHead(dst, form, t.UnixNano(), event.EmptyMap)
}

// Wait waits until t and returns true, or returns false as soon as the engine
// wants the thread back: because the next Collect is due, the input is to pause,
// or Fluent Bit stops. It waits longer while too much is under way or the process
// has grown too much (see Instance.SetMaxInFlight and SetMaxMemory). With a time
// that has passed it only looks. On a host
// that calls the plugin on the engine's own thread (`threaded off`) it never
// waits, and returns false once Collect has had that thread for 100 ms.
func (e *Emitter) Wait(t time.Time) bool {
	if e.in.c.own_thread == 0 && time.Since(e.began) >= sharedTurn {
		return false
	}
	if !e.append && e.held >= int(min(maxHeld, e.memory.limit/4)) { // the buffer and the host's copy are memory, too
		return false
	}
	for len(e.refused) > 0 {
		if e.in.c.own_thread == 0 || C.host_wait(e.in.c, C.int64_t(retryAfter)) == 0 {
			return false
		}
		e.retry()
	}
	for {
		d := time.Until(t)
		if C.host_wait(e.in.c, C.int64_t(d)) == 0 {
			return false
		}
		if d <= 0 || time.Until(t) <= 0 {
			return e.waitMemory()
		}
	}
}

// Pending returns how many slices the engine has not yet taken in. Their records
// are neither lost nor safe: what waits for a paused input, or in the last moments
// of a shutdown, is the engine's to keep or to drop.
func (e *Emitter) Pending() int {
	if !e.append {
		return 0
	}
	return int(C.flow_pending(e.in.c)) + len(e.refused)
}

// Refused returns how many times the engine did not take a slice when it was
// offered. Each is offered again.
func (e *Emitter) Refused() uint64 { return e.refusals }

// Refusals calls f with the events of each slice that the engine has refused and
// not taken since, in the order in which they were emitted. They are f's only
// while it runs.
func (e *Emitter) Refusals(f func(records int, events []byte)) {
	for _, r := range e.refused {
		f(r.records, r.events)
	}
}

// Ingested returns how many records the engine counts as the instance's, and
// whether it can be asked. Filters come after that. It is not cheap: for once a
// second. Versions before 5.1.0 may change the list of their metrics at any time
// before the first records were taken in: there, only ask after that.
//
// The engine counts a record again for each conditional route that it takes (4.2.0
// and later; threaded inputs from 5.0.5 on). More than it has taken of what was
// emitted is therefore never returned; what the engine drops after that goes
// unnoticed where there are such routes.
func (e *Emitter) Ingested() (records uint64, ok bool) {
	n := C.host_ingested(e.in.c)
	if n < 0 {
		return 0, false
	}
	if e.append {
		return min(uint64(n), uint64(C.flow_taken(e.in.c))), true
	}
	return uint64(n), true
}

// Lost returns how many records were lost, because the engine refused them
// until the instance ended. It is known in and after Close.
func (e *Emitter) Lost() uint64 { return e.lost }

// Buffer returns an empty slice with room for SliceSize bytes and more, to
// append events to and pass to Emit. It lies in memory that is used again: it
// is valid until Emit or until Collect returns.
func (e *Emitter) Buffer() []byte {
	const room = SliceSize + SliceSize/4
	e.grow(e.held + room)
	return unsafe.Slice((*byte)(e.buf), e.size)[e.held:e.held]
}

// grow makes room for n bytes and keeps those that are held.
func (e *Emitter) grow(n int) {
	if n <= e.size {
		return
	}
	n = max(n, 2*e.size)
	p := C.realloc(e.buf, C.size_t(n))
	if p == nil {
		panic("flb: out of memory")
	}
	e.buf, e.size = p, n
}

// Emit hands over events, which hold the given number of records. tag may be
// empty: then records get the tag of the `[INPUT]` section, as they all do on a
// host that does not export its append function. events may be of any memory;
// those of Buffer save a copy.
//
// What the engine refuses is kept and offered again: Wait does so until it is
// taken, and Collect is not called before.
func (e *Emitter) Emit(tag string, records int, events []byte) {
	e.memory.emitted(len(events))
	switch {
	case len(events) == 0:
	case !e.append:
		e.hold(events)
		C.memory_appended(C.size_t(len(events)))
		e.in.succeeded++
	case len(e.refused) > 0 || !e.offer(tag, records, events):
		e.refused = append(e.refused, refusal{tag, records, bytes.Clone(events)})
	}
}

// Slice is a piece of a buffer with events, to be emitted at a moment to come.
type Slice = event.Slice

// The fields of a Slice are those of the C side.
var _ [C.sizeof_struct_host_slice]byte = [unsafe.Sizeof(Slice{})]byte{}

// Schedules reports whether EmitAt can emit anything now: it needs a host that takes
// records at the moment they are emitted, that has taken all earlier ones, and memory.
// Below 4.1 it never can: there, hot reloads of threaded inputs hung now and then, and
// whether this had a part in it is not known.
func (e *Emitter) Schedules() bool {
	return e.in.c.remote_context_at != nil && e.in.Streams() && len(e.refused) == 0 && e.memory.since.IsZero() && int64(C.memory_growth(C.int64_t(e.memory.limit))) < e.memory.limit
}

// EmitAt emits slices of events, each when it is due, without returning to Go in
// between: at low rates that call is what costs most. It sets Emitted in those that it
// has emitted and returns how many these are: fewer than all if the engine wants its
// thread back, as with Wait, or refuses one. The caller keeps the others. The records
// get the tag of the `[INPUT]` section.
func (e *Emitter) EmitAt(events []byte, slices []Slice) int {
	if len(slices) == 0 || !e.Schedules() {
		return 0
	}
	n := int(C.host_emit_at(e.in.c, (*C.char)(unsafe.Pointer(&events[0])), (*C.struct_host_slice)(unsafe.Pointer(&slices[0])), C.size_t(len(slices))))
	for _, sl := range slices[:n] {
		e.taken.add(sl.Records)
	}
	if n > 0 {
		e.memory.emitted(slices[n-1].End)
		e.in.succeeded += uint64(n)
	}
	return n
}

// refusal is a slice that the engine did not take.
type refusal struct {
	tag     string
	records int
	events  []byte
}

// offer calls the engine's append.
func (e *Emitter) offer(tag string, records int, events []byte) bool {
	var ctag *C.char
	if tag != "" {
		ctag = (*C.char)(unsafe.Pointer(unsafe.StringData(tag)))
	}
	if C.host_append(e.in.c, ctag, C.size_t(len(tag)), C.size_t(records), unsafe.Pointer(&events[0]), C.size_t(len(events))) != 0 {
		e.in.failed++
		e.refusals++
		return false
	}
	e.taken.add(records)
	e.in.succeeded++
	return true
}

// retry offers again what was refused, in order, and says whether all of it
// was taken.
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
	if e.size < e.held+n || &events[0] != &unsafe.Slice((*byte)(e.buf), e.size)[e.held] {
		e.grow(e.held + n)
		copy(unsafe.Slice((*byte)(e.buf), e.size)[e.held:], events)
	}
	e.held += n
}

// handOver returns what was held, for the host to copy.
func (e *Emitter) handOver() (unsafe.Pointer, C.size_t) {
	n := e.held
	e.held = 0
	if n == 0 {
		return nil, 0
	}
	return e.buf, C.size_t(n)
}

func (e *Emitter) release() {
	C.free(e.buf)
	e.buf, e.size, e.held = nil, 0, 0
}
