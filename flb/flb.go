// SPDX-License-Identifier: Apache-2.0

// Package flb is an SDK for Fluent Bit input plugins written in Go.
//
// Fluent Bit loads a Go plugin as a shared library and calls its exported C functions.
// This package contains all of them. A plugin consists of an [Input], which reads its
// options once and then, again and again, waits until records are due and emits them:
//
//	package main
//
//	import (
//		"time"
//
//		"github.com/gdummy/gdummy/flb"
//		"github.com/tinylib/msgp/msgp"
//	)
//
//	var plugin = flb.Plugin{
//		Name:        "hello",
//		Description: "A greeting at each interval",
//		Options:     []flb.Option{{Name: "interval", Type: flb.Duration, Default: "1s", Help: "time between two records"}},
//		New:         func() flb.Input { return new(hello) },
//	}
//
//	type hello struct {
//		interval time.Duration
//		next     time.Time
//	}
//
//	func (h *hello) Init(in *flb.Instance) error {
//		h.interval = in.Duration("interval")
//		h.next = time.Now().Add(h.interval)
//		return nil
//	}
//
//	func (h *hello) Collect(e *flb.Emitter) error {
//		for e.Wait(h.next) {
//			event := e.AppendEvent(e.Buffer(), h.next, nil)
//			event = msgp.AppendMapHeader(event, 1)
//			event = msgp.AppendString(event, "message")
//			event = msgp.AppendString(event, "hello")
//			e.Emit("", 1, event)
//			h.next = h.next.Add(h.interval)
//		}
//		return nil
//	}
//
//	func init() { flb.Register(plugin) }
//
//	func main() {}
//
// Built with `go build -buildmode=c-shared -o hello.so`, it is loaded with
// `fluent-bit -e ./hello.so -i hello -o stdout`. Package flbtest runs an Input in a unit
// test. The guide docs/how-to/own-input.md in this module's repository covers both, and the directory
// examples has complete plugins.
//
// # Terms
//
// A plugin is what a shared library registers. An instance is one `[INPUT]` section that
// uses it, with its own options and, unless the section sets `threaded off`, its own
// thread. Records travel as events in MessagePack (see [Instance.HasMetadata]). A slice
// is a sequence of events that are emitted together.
//
// # Threads
//
// All methods of one Input are called on one thread, never concurrently. An Input that
// waits for time or for file descriptors needs no other; see [Emitter.Wait] and
// [Instance.Watch]. One that waits for anything else starts goroutines with
// [Instance.Go] and wakes its thread with [Instance.Wake]. It must not use the go
// statement: a panic on a goroutine of the Input's own would end Fluent Bit.
//
// A panic within one of the methods is recovered, logged with its stack and counted,
// and the instance continues; a panic within Init counts as its failure.
//
// # Stability
//
// Until version 1.0 the API may change in minor versions; the changelog describes each
// change and how to adapt. From 1.0 on it follows semantic versioning: a plugin that
// builds with 1.x builds with all later 1.x. Not part of the API are texts of log lines
// and errors, the metrics' help texts, [Simulate], and everything in internal packages.
//
// The supported versions of Fluent Bit are 2.0 to 5.1. On versions that have not been
// tested, the package reads the host's structures only where they can be verified and
// never writes to them; what depends on that is then missing, as it is where the
// environment variable FLB_PLAIN_CALLBACKS is set.
//
// # Limitations
//
// Linux only. Fluent Bit's daemon mode (-d) forks after plugins were loaded, which the
// Go runtime does not survive: instances refuse to start there, with an error in the
// log.
//
// The package builds without cgo as well, so that plugins can be tested where there is
// no C compiler. A plugin that Fluent Bit can load needs cgo.
package flb

import (
	"errors"
	"fmt"
	"strings"
)

// Plugin describes an input plugin.
type Plugin struct {
	Name        string   // as in `-i NAME`: lower case, no spaces
	Description string   // one line
	Options     []Option // what `[INPUT]` sections may set

	// New returns the Input of a new instance. It must not do more than that.
	New func() Input
}

// Input is one instance of a plugin.
type Input interface {
	// Init reads the options of the instance, which have been checked. If it returns an
	// error, that is logged, line by line, and the engine refuses to start; versions up
	// to 4.0.2 cannot refuse, and the instance idles. In a hot reload the agent must
	// continue: the instance is then set up by a Restorer, or idles. An Init that fails
	// must close what it has opened; goroutines of Instance.Go are ended for it.
	Init(*Instance) error

	// Collect emits records as they become due and returns when e.Wait returns false.
	// It is called again at once or, if it returned early, within a second. An error is
	// counted and logged, less and less often while it repeats; the instance continues.
	Collect(e *Emitter) error
}

// Restorer is an Input that can continue with an earlier configuration.
//
// When Init fails in a hot reload, New returns another Input, and Restore is called
// instead of Init, with what the same input last passed to Instance.Keep; the options
// have the values of that time. An input with an alias is the same if its alias is the
// same; one without, if its position among the plugin's inputs and its tag are. Where
// nothing was kept, or Restore fails too, the instance idles. The metric
// fluentbit_plugin_config_last_reload_successful is 0 until a reload in which Init
// succeeds.
type Restorer interface {
	Restore(in *Instance, kept any) error
}

// Pauser is an Input that is notified when the engine pauses it (because of
// mem_buf_limit, for example) and resumes it. While it is paused, Collect is not called;
// goroutines of Instance.Go continue. The engine also pauses inputs before it stops or
// reloads. Hosts before 2.2 do not notify plugins, and no host does with several inputs
// of the plugin and `threaded off`.
type Pauser interface {
	Pause()
	Resume()
}

// Closer is an Input that is notified when its instance ends: at exit, or in a hot
// reload, after which a new instance takes over. Hosts before 2.2 report a reload as an
// exit. When Close is called, the goroutines of Instance.Go have ended. Nothing can be
// emitted any more.
type Closer interface {
	Close(reload bool) error
}

// Level is the severity of a log line.
type Level int

// The levels, as in Fluent Bit's log_level.
const (
	Error Level = iota + 1
	Warn
	Info
	Debug
)

// String returns the name of the level, as in Fluent Bit's log.
func (l Level) String() string {
	if l < Error || l > Debug {
		return "unknown"
	}
	return [...]string{Error: "error", Warn: "warn", Info: "info", Debug: "debug"}[l]
}

// registered is the plugin of this library: Fluent Bit asks a library for one.
var registered *Plugin

// Register sets the plugin of this library. Call it once, from the init function of
// package main: in a shared library, main does not run. It panics if there is an error
// in p, so that the library cannot be loaded.
func Register(p Plugin) {
	if registered != nil {
		panic("flb: Register was called twice; a library holds one plugin")
	}
	if err := p.check(); err != nil {
		panic("flb: Register: " + err.Error())
	}
	registered = &p
}

// check reports an error of the plugin's author.
func (p *Plugin) check() error {
	if p.Name == "" || p.New == nil {
		return errors.New("a plugin needs Name and New")
	}
	names := map[string]bool{}
	for i := range p.Options {
		o := &p.Options[i]
		if err := o.check(); err != nil {
			return err
		}
		if name := strings.ToLower(o.Name); names[name] {
			return fmt.Errorf("option %s is listed twice", o.Name)
		} else {
			names[name] = true
		}
	}
	return nil
}
