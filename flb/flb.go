// Package flb is an SDK for Fluent Bit input plugins written in Go.
//
// Fluent Bit loads a Go plugin as a shared library and talks to it through a
// handful of exported C functions. This package is all of them. What remains to
// be written is an [Input]: something that is configured once and then, again
// and again, waits until records are due and hands them over.
//
//	package main
//
//	import "github.com/gdummy/gdummy/flb"
//
//	func init() {
//		flb.Register(flb.Plugin{
//			Name:        "hello",
//			Description: "says hello",
//			New:         func() flb.Input { return new(hello) },
//		})
//	}
//
//	func main() {}
//
// Built with `go build -buildmode=c-shared -o hello.so`, it is loaded with
// `fluent-bit -e ./hello.so -i hello`. The directory examples/heartbeat of this
// module has a complete one.
//
// # Terms
//
// A plugin is what a shared library registers; an instance is one `[INPUT]`
// section that uses it, with its own configuration and, unless the section says
// `threaded off`, its own thread. Records travel as events (see
// [Instance.HasMetadata]) in MessagePack; events behind one another make a chunk.
//
// # Threads
//
// All methods of one Input are called on one thread, never at the same time. The
// package runs no goroutines, and an Input had better not either: a panic that
// is not recovered on its own goroutine ends Fluent Bit. A panic within one of
// the methods is recovered, logged with its stack and counted, and the instance
// goes on; one within Init counts as its failure.
//
// # Limits
//
// Fluent Bit 2.0 or later on Linux. Its daemon mode (-d) forks after plugins were
// loaded, which the Go runtime does not survive: instances refuse to start there,
// with a message in the log.
package flb

// #include "host.h"
import "C"

// Plugin describes an input plugin.
type Plugin struct {
	Name        string   // as in `-i NAME`: lower case, no spaces
	Description string   // one line
	Options     []Option // what `[INPUT]` sections may set; see Option

	// New makes the Input of one instance. It must not do more than that.
	New func() Input
}

// Input is one instance of a plugin.
type Input interface {
	// Init reads the configuration. An error is logged, line by line, and the
	// engine refuses to start; versions up to 4.0.2 can't, there the instance
	// stays idle. In a hot reload the agent must live: there the instance
	// continues as a Restorer does, or idles. An Init that fails closes what it
	// has opened.
	Init(*Instance) error

	// Collect hands records to e as they become due and returns when e.Wait
	// says so. It is called again at once or, if it returned early, within a
	// second. An error is logged and counted; the instance goes on.
	Collect(e *Emitter) error
}

// Restorer is an Input that can continue with an earlier configuration.
//
// When Init fails in a hot reload, New makes another Input, and Restore is called in
// the place of Init with what the same input last passed to Instance.Keep. An input
// with an alias is the same if its alias is; one without, if its position among the
// plugin's inputs and its tag are. Where nothing was kept, or Restore fails too, the
// instance idles. The metric fluentbit_plugin_config_last_reload_successful is 0
// until a reload in which Init succeeds.
type Restorer interface {
	Restore(in *Instance, kept any) error
}

// Pauser is an Input that wants to know when the engine pauses it (because
// of mem_buf_limit, for example) and resumes it. While paused it is not called.
type Pauser interface {
	Pause()
	Resume()
}

// Closer is an Input that has something to do when its instance ends:
// at exit, or in a hot reload, after which a new instance takes over.
type Closer interface {
	Close(reload bool) error
}

// OptionType is how Fluent Bit checks and lists the value of an option.
type OptionType int

// The types of options. Fluent Bit lists them, but checks no value of a Go
// plugin: an Input parses what it gets.
const (
	String  OptionType = C.HOST_OPTION_STR
	Integer OptionType = C.HOST_OPTION_INT
	Boolean OptionType = C.HOST_OPTION_BOOL
	Double  OptionType = C.HOST_OPTION_DOUBLE
)

// Option is a row of the list that `fluent-bit -i NAME -h` prints, from 5.1.1 on.
// There a plugin with Options has misspelt ones refused by the engine; older
// versions ignore the list and let any name pass.
type Option struct {
	Name    string
	Type    OptionType
	Default string // shown; a value that was not set reads as absent
	Help    string

	// FollowsEnvironment makes the host hand over ${VAR} as written, for
	// Instance.Expand to replace whenever it is asked.
	FollowsEnvironment bool
}

// Level is the severity of a log line.
type Level int

// The levels, as in Fluent Bit's log_level.
const (
	Error Level = C.HOST_LOG_ERROR
	Warn  Level = C.HOST_LOG_WARN
	Info  Level = C.HOST_LOG_INFO
	Debug Level = C.HOST_LOG_DEBUG
)

// registered is the plugin of this library: Fluent Bit asks a library for one.
var registered *Plugin

// Register says what this library's plugin is. It must be called once, from the
// init function of package main: in a shared library, main is never run.
func Register(p Plugin) {
	if registered != nil {
		panic("flb: Register was called twice; a library holds one plugin")
	}
	if p.Name == "" || p.New == nil {
		panic("flb: Register needs a plugin with Name and New")
	}
	registered = &p
}
