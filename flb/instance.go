// SPDX-License-Identifier: Apache-2.0

package flb

import (
	"cmp"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gdummy/gdummy/flb/internal/host"
)

// Instance is one configured input: its options, its log and its metrics.
//
// The zero Instance belongs to no host: its properties are not set, its options have
// their defaults, it writes its log to stderr and its counters count nothing. Tests
// that need more use package flbtest.
//
// Methods must be called on the instance's thread, that is, within the methods of the
// Input, except those that are documented as safe for concurrent use.
type Instance struct {
	host    host.Host // nil in the zero Instance
	facts   host.Facts
	plugin  Plugin
	values  values
	input   Input
	emitter Emitter

	started bool // Collect was called
	preRun  bool // PreRun was called before that
	paused  bool // by the engine

	dropsLogged   bool
	routesChecked int // number of checks

	given  string // name, by the host
	name   string // unique
	reload bool   // the instance belongs to a hot reload
	config any    // for Restore

	goroutines goroutines
	wake       waker
	failures   failureLog

	counters map[string]*Counter // by subsystem and name
	accepted host.Gauge          // whether the instance runs with its section

	succeeded, failed uint64        // since the last count
	panics            atomic.Uint64 // since the last count
	failedElsewhere   atomic.Uint64 // in goroutines, since the last count
	succeededTotal    *Counter
	failedTotal       *Counter
	panicsTotal       *Counter
}

// newInstance returns an instance of a plugin that h runs.
func newInstance(p Plugin, h host.Host) *Instance {
	in := &Instance{host: h, facts: h.Facts(), plugin: p, counters: map[string]*Counter{}}
	in.given = in.facts.Name
	in.name, in.reload = h.History().Join(in.given, in.prefix())
	if in.Renamed() {
		h.Rename(in.name)
	}
	in.emitter.in = in
	// The names that Go inputs have always used, then those of this package.
	in.succeededTotal = in.counter("plugin", "operation_succeeded_total", "Total number of succeeded operations")
	in.failedTotal = in.counter("plugin", "operation_failed_total", "Total number of failed operations")
	in.panicsTotal = in.counter("plugin", "panics_total", "Total number of panics that were recovered")
	in.accepted = h.Gauge("plugin", "config_last_reload_successful",
		"1 if the instance runs with its section; 0 if that has an error, and the instance continues with an earlier configuration or idles")
	return in
}

// prefix begins the names of instances without an alias.
func (in *Instance) prefix() string { return in.facts.Plugin + "." }

// release releases what the instance holds outside of Go's memory.
func (in *Instance) release() {
	in.wake.close()
	in.emitter.releaseMemoryWait()
	in.emitter.release()
}

// Name returns the name of the instance: its alias, or the plugin's name with a
// number, as in "gdummy.0". The name is unique: if several sections have the same
// alias, the second is "alias#2", the third "alias#3", in the order of the
// configuration.
func (in *Instance) Name() string { return in.name }

// Renamed reports whether Name differs from the name that the host uses, because an
// earlier instance has that.
func (in *Instance) Renamed() bool { return in.name != in.given }

// Tag returns the tag of the section, and whether it could be read: the host does not
// hand it to plugins, and an unknown version may store it elsewhere.
func (in *Instance) Tag() (tag string, ok bool) { return in.facts.Tag, in.facts.TagKnown }

// Keep stores what Init has read of the configuration, so that a Restorer can continue
// with it after a hot reload in which its section has an error. It takes effect once
// Init has returned nil. config must not change afterwards, neither by this instance
// nor by the one that Restore passes it to.
func (in *Instance) Keep(config any) { in.config = config }

// HasMetadata reports whether the host's events have metadata (Fluent Bit 2.1 and
// later). If so, an event is [[time, metadata], body], otherwise [time, body].
// Time is a MessagePack extension of type 0 with eight bytes, seconds and
// nanoseconds since 1970, both big-endian; metadata and body are maps. Anything
// else makes the rest of the chunk unreadable. Emitter.AppendEvent appends the right
// form.
func (in *Instance) HasMetadata() bool { return in.facts.Metadata }

// Streams reports whether records reach the engine as soon as they are emitted.
// Otherwise the records of one Collect are delivered together when it returns, once
// a second.
func (in *Instance) Streams() bool { return in.facts.Appends && in.facts.OwnThread }

// DefaultMaxInFlight is the bound that holds unless SetMaxInFlight sets another.
const DefaultMaxInFlight = 4_000_000

// SetMaxInFlight bounds the size, in bytes, of what was emitted and not yet ingested
// by the engine: Emitter.Wait does not return before there is room. The engine
// ingests slices in groups of some fifty, so that the bound holds only if they are
// small enough: at most a sixtieth of it.
func (in *Instance) SetMaxInFlight(bytes int64) {
	if in.host != nil {
		in.host.SetMaxInFlight(bytes)
	}
}

// Emitter returns the instance's emitter. Outside of Collect only its numbers may be
// read.
func (in *Instance) Emitter() *Emitter {
	in.emitter.in = in
	return &in.emitter
}

// Property returns the text of a property of the `[INPUT]` section, and whether it is
// set. For the values of an Option use Int, Duration and the like. Names are not
// case-sensitive; of several properties with one name the first counts. Properties
// that Fluent Bit keeps for itself, such as tag or mem_buf_limit, read as not set.
func (in *Instance) Property(name string) (value string, ok bool) {
	if in.host == nil {
		return "", false
	}
	return in.host.Property(name)
}

// Listed is a property as the section lists it.
type Listed = host.Listed

// Properties returns the section's properties in their order, including those without
// a value and repeated ones, which Property cannot distinguish. It returns nil where
// the host's list is not found. Properties that Fluent Bit keeps for itself are not
// among them.
func (in *Instance) Properties() []Listed {
	if in.host == nil {
		return nil
	}
	return in.host.Properties()
}

// Expand returns text with its ${VAR} replaced from the environment that Fluent Bit
// has at this moment, its env section included. It reports whether the host could be
// asked: 5.1.1 and later, the only versions in which a property with
// FollowsEnvironment still contains ${VAR}.
func (in *Instance) Expand(text string) (expanded string, ok bool) {
	if !strings.Contains(text, "${") {
		return text, true
	}
	if in.host == nil {
		return text, false
	}
	return in.host.Expand(text)
}

// maxLogLine is the length, in bytes, above which Fluent Bit cuts a log line.
const maxLogLine = 3800

// Log writes a line to Fluent Bit's log, if its level is on for the instance. It is
// safe for concurrent use: lines of goroutines appear within a second.
func (in *Instance) Log(level Level, line string) {
	if in.host == nil {
		fmt.Fprintf(os.Stderr, "[%s] [input:%s] %s\n", level, cmp.Or(in.facts.Plugin, "test"), line)
		return
	}
	if !in.host.LogEnabled(int(level)) {
		return
	}
	if len(line) > maxLogLine {
		line = strings.ToValidUTF8(line[:maxLogLine], "") + " ..."
	}
	if !in.host.OnThread() {
		in.goroutines.log(level, line)
		return
	}
	in.host.Log(int(level), line)
}

// Logf formats a line as fmt.Sprintf does and logs it. It is safe for concurrent use.
func (in *Instance) Logf(level Level, format string, args ...any) {
	if in.host == nil || in.host.LogEnabled(int(level)) {
		in.Log(level, fmt.Sprintf(format, args...))
	}
}

// Counter is a counter among Fluent Bit's own metrics. Its methods are safe for
// concurrent use. Where the host has no metrics it counts nothing.
type Counter struct{ c host.Counter }

// Counter creates the metric fluentbit_PLUGIN_NAME, with the instance's name as its
// label. It may be called in Init only: later, the engine may be reading its metrics
// at the same time.
func (in *Instance) Counter(name, help string) *Counter {
	return in.counter(in.facts.Plugin, name, help)
}

// counter returns the counter of a name, which a failed Init may have created already.
func (in *Instance) counter(subsystem, name, help string) *Counter {
	if in.host == nil {
		return &Counter{}
	}
	c, ok := in.counters[subsystem+"_"+name]
	if !ok {
		c = &Counter{in.host.Counter(subsystem, name, help)}
		in.counters[subsystem+"_"+name] = c
	}
	return c
}

// Add adds n to the counter. It costs a call into C: do not call it for every record.
func (c *Counter) Add(n uint64) {
	if n > 0 && c.c != nil {
		c.c.Add(float64(n))
	}
}

// AddSeconds adds a duration to a counter of seconds.
func (c *Counter) AddSeconds(d time.Duration) {
	if d > 0 && c.c != nil {
		c.c.Add(d.Seconds())
	}
}

// count adds what has happened since the last call to the metrics.
func (in *Instance) count() {
	in.succeededTotal.Add(in.succeeded)
	in.failedTotal.Add(in.failed + in.failedElsewhere.Swap(0))
	in.panicsTotal.Add(in.panics.Swap(0))
	in.succeeded, in.failed = 0, 0
}

// waker wakes the instance's thread, also while that ends.
type waker struct {
	pending atomic.Bool // the host has been woken, and Wait has not returned since
	mu      sync.RWMutex
	closed  bool // the host must not be called any more
}

func (w *waker) close() {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
}

// Wake makes the Wait in progress return true, or the next one if there is none. It is
// safe for concurrent use, and cheap while Wait has not yet returned since the last
// Wake. Wakes are not counted: after one, Collect must process all that has arrived.
//
// With `threaded off` nothing waits: Wake takes effect at the next Collect, within a
// second.
func (in *Instance) Wake() {
	w := &in.wake
	if in.host == nil || w.pending.Swap(true) {
		return
	}
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.closed {
		return
	}
	if err := in.host.Wake(); err != nil {
		w.pending.Store(false)
		in.Logf(Error, "cannot wake the input's thread: %v", err)
	}
}

// Watch makes Wait return true when a file descriptor is ready to be read, has been
// closed by its other end, or has an error; and again until that has been dealt with.
// It fails for descriptors that cannot be waited for, such as those of regular files.
//
// Unwatch must be called before the descriptor is closed.
func (in *Instance) Watch(fd int) error {
	if in.host == nil {
		return nil
	}
	return in.host.Watch(fd)
}

// Unwatch reverts Watch.
func (in *Instance) Unwatch(fd int) error {
	if in.host == nil {
		return nil
	}
	return in.host.Unwatch(fd)
}
