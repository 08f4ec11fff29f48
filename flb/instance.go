package flb

// #include <stdlib.h>
// #include "host.h"
import "C"

import (
	"fmt"
	"strings"
	"time"
	"unsafe"
)

// Instance is one configured input: its properties, its log and its metrics.
type Instance struct {
	c       *C.struct_instance
	input   Input
	emitter Emitter
	started bool // Collect was called
	preRun  bool // PreRun was called, before that

	dropsNoticed bool

	routesChecked int // how often

	given  string // name, by the host
	tag    string
	tagged bool // the tag could be read
	reload bool // the instance is that of a hot reload
	config any  // for Restore

	counters map[string]*Counter // by subsystem and name
	accepted *gauge              // whether the section is the one that counts

	succeeded, failed, panics uint64 // since the last count
	succeededTotal            *Counter
	failedTotal               *Counter
	panicsTotal               *Counter
}

func newInstance(c *C.struct_instance) *Instance {
	in := &Instance{c: c, given: C.GoString(c.name), counters: map[string]*Counter{}}
	procsAdd(1)
	if in.tagged = c.tag != nil; in.tagged {
		in.tag = C.GoString(c.tag)
	}
	unique, reload := loads.join(in.given, in.prefix())
	in.reload = reload
	if unique != in.given {
		C.free(unsafe.Pointer(c.name))
		c.name = C.CString(unique)
	}
	in.emitter.in = in
	in.emitter.append = in.canAppend()
	// The names that Go inputs have always used, then those of this package.
	in.succeededTotal = in.counter("plugin", "operation_succeeded_total", "Total number of succeeded operations")
	in.failedTotal = in.counter("plugin", "operation_failed_total", "Total number of failed operations")
	in.panicsTotal = in.counter("plugin", "panics_total", "Total number of panics that were recovered")
	in.accepted = in.gauge("plugin", "config_last_reload_successful",
		"1 if the instance runs with its section; 0 if that has an error, and the instance continues with an earlier configuration or idles")
	return in
}

// prefix begins the names of instances without an alias.
func (in *Instance) prefix() string { return C.GoString(&in.c.plugin[0]) + "." }

// release gives back what the instance holds on the C side.
func (in *Instance) release() {
	procsAdd(-1)
	in.emitter.releaseMemoryWait()
	in.emitter.release()
}

func (in *Instance) canAppend() bool { return C.host_features().append != 0 }

// Name returns the name of the instance: its alias, or the plugin's name with
// a number, as in "gdummy.0". No other instance has it: where several sections have
// one alias, the second is "alias#2", the third "alias#3", in the order of the
// configuration.
func (in *Instance) Name() string { return C.GoString(in.c.name) }

// Renamed reports whether Name is not the one that the host gave, because an earlier
// instance has that.
func (in *Instance) Renamed() bool { return in.Name() != in.given }

// Keep keeps what Init has read of the configuration, so that a Restorer can continue
// with it after a hot reload in which its section has an error. It counts once Init
// has returned nil. config must not change afterwards: neither by this instance nor by
// the one that gets it.
func (in *Instance) Keep(config any) { in.config = config }

// HasMetadata says whether the host's events have metadata (Fluent Bit 2.1 and
// later). If so, an event is [[time, metadata], body], otherwise [time, body].
// Time is a MessagePack extension of type 0 with eight bytes, seconds and
// nanoseconds since 1970, both big-endian; metadata and body are maps. Anything
// else makes the rest of the chunk unreadable.
func (in *Instance) HasMetadata() bool { return C.host_features().v2_events != 0 }

// Streams says whether records reach the engine at the moment they are
// emitted. Otherwise those of one Collect go together when it returns, once a
// second.
func (in *Instance) Streams() bool { return in.emitter.append && in.c.own_thread != 0 }

// DefaultMaxInFlight is the bound that holds unless SetMaxInFlight sets another.
const DefaultMaxInFlight = 4_000_000

// SetMaxInFlight bounds the size, in bytes, of what was emitted and not yet taken
// in by the engine: Emitter.Wait does not return before there is room. The engine
// takes slices in groups of some fifty, so that the bound holds only if they are
// small enough: of at most a sixtieth of it.
func (in *Instance) SetMaxInFlight(bytes int64) {
	in.c.flow.max_bytes = C.uint64_t(bytes)
}

// Emitter returns the instance's emitter. Outside of Collect only its numbers
// may be asked for.
func (in *Instance) Emitter() *Emitter { return &in.emitter }

// Property returns the value of a property of the `[INPUT]` section, and
// whether it is set. Names are not case-sensitive; of several the first
// counts. Properties that Fluent Bit keeps for itself, such as tag or
// mem_buf_limit, read as not set.
func (in *Instance) Property(name string) (value string, ok bool) {
	key := C.CString(name)
	defer C.free(unsafe.Pointer(key))
	v := C.host_property(in.c, key)
	if v == nil {
		return "", false
	}
	return C.GoString(v), true
}

// Listed is a property as the section lists it.
type Listed struct {
	Name  string
	Empty bool // it has no value, often because of a variable that is not set
}

// Properties returns the names of the section's properties in their order, those
// without a value and repeated ones included, which Property cannot tell. It
// returns nil where the host's list is not found. Properties that Fluent Bit keeps
// for itself are not among them.
func (in *Instance) Properties() []Listed {
	var buf [16 << 10]byte
	n := C.host_properties(in.c, (*C.char)(unsafe.Pointer(&buf[0])), C.size_t(len(buf)))
	var list []Listed
	for entry := range strings.SplitSeq(strings.TrimSuffix(string(buf[:n]), "\x00"), "\x00") {
		if entry != "" {
			list = append(list, Listed{Name: entry[1:], Empty: entry[0] == '-'})
		}
	}
	return list
}

// Expand returns text with its ${VAR} replaced from the environment that
// Fluent Bit knows at this moment, its env section included, and whether the
// host could be asked (5.1.1 and later; only there does a property with
// FollowsEnvironment still hold ${VAR}).
func (in *Instance) Expand(text string) (expanded string, ok bool) {
	if !strings.Contains(text, "${") {
		return text, true
	}
	raw := C.CString(text)
	defer C.free(unsafe.Pointer(raw))
	v := C.host_translate(in.c, raw)
	if v == nil {
		return text, false
	}
	defer C.host_translate_free(v)
	return C.GoString(v), true
}

// maxLogLine is the length, in bytes, above which Fluent Bit cuts a log line.
const maxLogLine = 3800

// Log writes a line to Fluent Bit's log, if its level is on for the instance.
func (in *Instance) Log(level Level, line string) {
	if C.host_log_check(in.c, C.int(level)) == 0 {
		return
	}
	if len(line) > maxLogLine {
		line = line[:maxLogLine] + " ..."
	}
	s := C.CString(line)
	defer C.free(unsafe.Pointer(s))
	C.host_log(in.c, C.int(level), s)
}

// Logf formats a line as fmt.Sprintf does and logs it.
func (in *Instance) Logf(level Level, format string, args ...any) {
	if C.host_log_check(in.c, C.int(level)) != 0 {
		in.Log(level, fmt.Sprintf(format, args...))
	}
}

// Counter is a counter among Fluent Bit's own metrics. Where the host offers
// none it counts nothing.
type Counter struct {
	in *Instance
	c  unsafe.Pointer
}

// Counter makes the metric fluentbit_PLUGIN_NAME, labelled with the instance's
// name. It may be called in Init only: later, the engine may be reading its
// metrics at the same time.
func (in *Instance) Counter(name, help string) *Counter {
	return in.counter(C.GoString(&in.c.plugin[0]), name, help)
}

// counter returns the counter of a name, which an Init that failed may have made
// already.
func (in *Instance) counter(subsystem, name, help string) *Counter {
	c, ok := in.counters[subsystem+"_"+name]
	if ok {
		return c
	}
	cs := []*C.char{C.CString(subsystem), C.CString(name), C.CString(help)}
	for _, s := range cs {
		defer C.free(unsafe.Pointer(s))
	}
	c = &Counter{in: in, c: C.host_counter(in.c, cs[0], cs[1], cs[2])}
	// The series is made now, while nobody reads it.
	C.host_counter_add(in.c, c.c, 0)
	in.counters[subsystem+"_"+name] = c
	return c
}

// gauge is a yes or no among Fluent Bit's own metrics.
type gauge struct {
	in *Instance
	c  unsafe.Pointer
}

func (in *Instance) gauge(subsystem, name, help string) *gauge {
	cs := []*C.char{C.CString(subsystem), C.CString(name), C.CString(help)}
	for _, s := range cs {
		defer C.free(unsafe.Pointer(s))
	}
	return &gauge{in: in, c: C.host_gauge(in.c, cs[0], cs[1], cs[2])}
}

func (g *gauge) set(yes bool) {
	value := 0.0
	if yes {
		value = 1
	}
	C.host_gauge_set(g.in.c, g.c, C.double(value))
}

// Add adds n to the counter. It costs a call into C: not for every record.
func (c *Counter) Add(n uint64) {
	if n > 0 && c.c != nil {
		C.host_counter_add(c.in.c, c.c, C.double(n))
	}
}

// AddSeconds adds a duration to a counter of seconds.
func (c *Counter) AddSeconds(d time.Duration) {
	if d > 0 && c.c != nil {
		C.host_counter_add(c.in.c, c.c, C.double(d.Seconds()))
	}
}

// count writes what has happened since the last time into the metrics.
func (in *Instance) count() {
	in.succeededTotal.Add(in.succeeded)
	in.failedTotal.Add(in.failed)
	in.panicsTotal.Add(in.panics)
	in.succeeded, in.failed, in.panics = 0, 0, 0
}
