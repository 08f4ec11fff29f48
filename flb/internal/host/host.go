// SPDX-License-Identifier: Apache-2.0

// Package host is the boundary between package flb and the program that runs an
// input.
//
// Two programs do so: Fluent Bit, which flb reaches through C, and the simulation in
// flb/flbtest, which is plain Go. Both implement [Host]; [Calls] is what they call.
// The package is internal, so that methods can be added to Host whenever Fluent Bit
// offers more.
package host

import (
	"time"

	"github.com/gdummy/gdummy/internal/event"
)

// Facts are properties of a host and an instance that never change.
type Facts struct {
	Plugin   string // "heartbeat"
	Name     string // "heartbeat.0", or the alias
	Tag      string // of the section
	TagKnown bool   // the tag could be read

	Metadata       bool // events have metadata (2.1.0 and later)
	Appends        bool // records can be appended while Collect runs
	OwnThread      bool // no other input, and not the engine, uses the thread
	EmitsAhead     bool // EmitAt works (4.1.0 and later)
	CanRefuse      bool // an Init that fails prevents the start (4.0.3 and later)
	CannotIdentify bool // the host cannot identify the inputs of this thread
}

// Listed is a property as a section lists it.
type Listed struct {
	Name  string
	Empty bool // the property has no value
}

// Outcome is how a wait ended.
type Outcome int

// The outcomes of a wait.
const (
	Wanted Outcome = iota // the host needs the thread
	Passed                // the time has passed
	Woken                 // Wake was called, or a watched file descriptor is ready
)

// Counter is a metric that only grows. It is safe for concurrent use.
type Counter interface{ Add(value float64) }

// Gauge is a metric that can be set.
type Gauge interface{ Set(value float64) }

// Host is what an instance needs of the program that runs it. Its methods are called
// on the instance's thread, except those that are documented as safe for concurrent use.
type Host interface {
	Facts() Facts
	History() *History
	Rename(name string) // changes the name in the log and in labels of metrics

	Property(name string) (value string, ok bool)
	Properties() []Listed
	Expand(text string) (expanded string, ok bool)

	LogEnabled(level int) bool // safe for concurrent use
	Log(level int, line string)
	OnThread() bool // reports whether the caller runs on the instance's thread; safe for concurrent use

	Counter(subsystem, name, help string) Counter
	Gauge(subsystem, name, help string) Gauge

	// Wait waits for d, and longer while the host has no room for more records.
	// If wakeable is set, it also ends when it is woken and there is room.
	Wait(d time.Duration, wakeable bool) Outcome
	Wake() error // safe for concurrent use
	Watch(fd int) error
	Unwatch(fd int) error
	RunsGoroutines() // is called once, before the instance's first goroutine

	// Append appends events and reports whether the host accepted them.
	Append(tag string, records int, events []byte) bool
	// EmitAt appends slices, each when it is due, and returns how many.
	EmitAt(events []byte, slices []event.Slice) int

	SetMaxInFlight(bytes int64)
	SliceSize() int                      // bytes that a slice should not exceed by much
	Pending() int                        // slices that the engine has not ingested
	Taken() uint64                       // records appended and no longer pending
	Ingested() (records uint64, ok bool) // the engine's own count
	MemoryBegan()                        // the growth of the process counts from now on
	MemoryGrowth(limit int64) int64      // bytes
	MemoryAppended(bytes int)            // records returned by Collect
	Grow(buf []byte, size int) []byte    // reallocates buf with at least size bytes
	Free(buf []byte)                     // releases a buffer of Grow
	LosesRoutes() bool                   // conditional routes get no records
	Changed()                            // a pause or resume may have changed what Wait watches
}

// Calls are the calls that a host makes for one instance, all on one thread.
type Calls interface {
	Init() bool // reports whether the instance lives; if not, no call follows
	PreRun()
	Collect() (code int, data []byte)
	Pause()
	Resume()
	Exit(reload bool)
}

// The return codes of Collect, as in Fluent Bit.
const (
	CodeError = 0
	CodeOK    = 1
	CodeRetry = 2
)
