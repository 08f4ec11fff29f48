// SPDX-License-Identifier: Apache-2.0

package flb

// #include <stdlib.h>
// #include "host.h"
import "C"

import (
	"fmt"
	"syscall"
	"time"
	"unsafe"

	"github.com/gdummy/gdummy/flb/internal/host"
)

// The C side has the constants and the layouts of the Go side.
var (
	_ = [1]struct{}{}[C.HOST_LOG_ERROR-Error]
	_ = [1]struct{}{}[C.HOST_LOG_WARN-Warn]
	_ = [1]struct{}{}[C.HOST_LOG_INFO-Info]
	_ = [1]struct{}{}[C.HOST_LOG_DEBUG-Debug]
	_ = [1]struct{}{}[C.HOST_ERROR-host.CodeError]
	_ = [1]struct{}{}[C.HOST_OK-host.CodeOK]
	_ = [1]struct{}{}[C.HOST_RETRY-host.CodeRetry]
	_ = [1]struct{}{}[C.HOST_WAIT_WANTED-int(host.Wanted)]
	_ = [1]struct{}{}[C.HOST_WAIT_PASSED-int(host.Passed)]
	_ = [1]struct{}{}[C.HOST_WAIT_WOKEN-int(host.Woken)]

	_ [C.sizeof_struct_host_slice]byte = [unsafe.Sizeof(Slice{})]byte{}
)

// loads is the history of this library.
var loads host.History

// fluentBit is the Host of an instance that Fluent Bit runs.
type fluentBit struct {
	c          *C.struct_instance
	goroutines int // 1 if the instance runs some
}

// begin returns the Host and counts its instance; end must follow.
func begin(c *C.struct_instance) *fluentBit {
	processorsAdd(1, 0)
	return &fluentBit{c: c}
}

func (f *fluentBit) end() { processorsAdd(-1, -f.goroutines) }

func (f *fluentBit) Facts() host.Facts {
	can := C.host_features()
	facts := host.Facts{
		Plugin:         C.GoString(&f.c.plugin[0]),
		Name:           C.GoString(f.c.name),
		Metadata:       can.v2_events != 0,
		Appends:        can.append != 0,
		OwnThread:      f.c.own_thread != 0,
		EmitsAhead:     f.c.remote_context_at != nil,
		CanRefuse:      f.c.can_refuse != 0,
		CannotIdentify: C.host_cannot_identify(f.c) != 0,
	}
	if facts.TagKnown = f.c.tag != nil; facts.TagKnown {
		facts.Tag = C.GoString(f.c.tag)
	}
	return facts
}

func (f *fluentBit) History() *host.History { return &loads }

func (f *fluentBit) Rename(name string) {
	c := C.host_string(cText(name))
	if c == nil {
		panic("flb: out of memory")
	}
	C.free(unsafe.Pointer(f.c.name))
	f.c.name = c
}

func (f *fluentBit) Property(name string) (value string, ok bool) {
	v := C.host_property(f.c, cText(name))
	if v == nil {
		return "", false
	}
	return C.GoString(v), true
}

func (f *fluentBit) Properties() []host.Listed {
	var buf [16 << 10]byte
	n := C.host_properties(f.c, (*C.char)(unsafe.Pointer(&buf[0])), C.size_t(len(buf)))
	return parseProperties(string(buf[:n]))
}

func (f *fluentBit) Expand(text string) (expanded string, ok bool) {
	v := C.host_translate(f.c, cText(text))
	if v == nil {
		return text, false
	}
	defer C.host_translate_free(v)
	return C.GoString(v), true
}

func (f *fluentBit) LogEnabled(level int) bool { return C.host_log_check(f.c, C.int(level)) != 0 }

func (f *fluentBit) Log(level int, line string) { C.host_log(f.c, C.int(level), cText(line)) }

func (f *fluentBit) OnThread() bool { return C.host_on_thread(f.c) != 0 }

// metric is a counter or a gauge of an instance.
type metric struct {
	c    *C.struct_instance
	kind C.enum_host_metric_kind
	m    unsafe.Pointer
}

func (m metric) Add(value float64) { C.host_metric_update(m.c, m.kind, m.m, C.double(value)) }
func (m metric) Set(value float64) { C.host_metric_update(m.c, m.kind, m.m, C.double(value)) }

func (f *fluentBit) metric(kind C.enum_host_metric_kind, subsystem, name, help string) metric {
	return metric{f.c, kind, C.host_metric(f.c, kind, cText(subsystem), cText(name), cText(help))}
}

func (f *fluentBit) Counter(subsystem, name, help string) host.Counter {
	m := f.metric(C.HOST_COUNTER, subsystem, name, help)
	m.Add(0) // creates the series now, before the engine reads it
	return m
}

func (f *fluentBit) Gauge(subsystem, name, help string) host.Gauge {
	return f.metric(C.HOST_GAUGE, subsystem, name, help)
}

func (f *fluentBit) Wait(d time.Duration, wakeable bool) host.Outcome {
	w := C.int(0)
	if wakeable {
		w = 1
	}
	return host.Outcome(C.host_wait(f.c, C.int64_t(d), w))
}

func (f *fluentBit) Wake() error { return errnoOf(C.host_wake(f.c)) }

func (f *fluentBit) Watch(fd int) error {
	if err := errnoOf(C.host_watch(f.c, C.int(fd))); err != nil {
		return fmt.Errorf("cannot wait for file descriptor %d: %w", fd, err)
	}
	return nil
}

func (f *fluentBit) Unwatch(fd int) error {
	if err := errnoOf(C.host_unwatch(f.c, C.int(fd))); err != nil {
		return fmt.Errorf("cannot stop waiting for file descriptor %d: %w", fd, err)
	}
	return nil
}

// errnoOf returns the error of a C function's result, 0 or an errno.
func errnoOf(n C.int) error {
	if n == 0 {
		return nil
	}
	return syscall.Errno(n)
}

func (f *fluentBit) RunsGoroutines() {
	f.goroutines = 1
	processorsAdd(0, 1)
	C.host_wake_open(f.c)
}

func (f *fluentBit) Append(tag string, records int, events []byte) bool {
	var ctag *C.char
	if tag != "" {
		ctag = (*C.char)(unsafe.Pointer(unsafe.StringData(tag)))
	}
	return C.host_append(f.c, ctag, C.size_t(len(tag)), C.size_t(records), unsafe.Pointer(&events[0]), C.size_t(len(events))) == 0
}

func (f *fluentBit) EmitAt(events []byte, slices []Slice) int {
	return int(C.host_emit_at(f.c, (*C.char)(unsafe.Pointer(&events[0])), (*C.struct_host_slice)(unsafe.Pointer(&slices[0])), C.size_t(len(slices))))
}

func (f *fluentBit) SetMaxInFlight(bytes int64) { f.c.flow.max_bytes = C.uint64_t(bytes) }
func (f *fluentBit) SliceSize() int             { return int(C.flow_slice(f.c)) }
func (f *fluentBit) Pending() int               { return int(C.flow_pending(f.c)) }
func (f *fluentBit) Taken() uint64              { return uint64(C.flow_taken(f.c)) }

func (f *fluentBit) Ingested() (records uint64, ok bool) {
	n := C.host_ingested(f.c)
	if n < 0 {
		return 0, false
	}
	return uint64(n), true
}

func (f *fluentBit) MemoryBegan()                   { C.memory_began() }
func (f *fluentBit) MemoryGrowth(limit int64) int64 { return int64(C.memory_growth(C.int64_t(limit))) }
func (f *fluentBit) MemoryAppended(bytes int)       { C.memory_appended(C.size_t(bytes)) }

// Grow returns C memory: the host copies what Collect returns after Go has returned.
func (f *fluentBit) Grow(buf []byte, size int) []byte {
	p := C.realloc(unsafe.Pointer(unsafe.SliceData(buf)), C.size_t(size))
	if p == nil {
		panic("flb: out of memory")
	}
	return unsafe.Slice((*byte)(p), size)
}

func (f *fluentBit) Free(buf []byte) { C.free(unsafe.Pointer(unsafe.SliceData(buf))) }

func (f *fluentBit) LosesRoutes() bool { return C.host_loses_routes(f.c) != 0 }
func (f *fluentBit) Changed()          { C.host_forget_loop(f.c) }
