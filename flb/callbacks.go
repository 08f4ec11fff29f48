package flb

// #include <stdlib.h>
// #include <string.h>
// #include "host.h"
import "C"

import (
	"errors"
	"fmt"
	"runtime/cgo"
	"runtime/debug"
	"strings"
	"time"
	"unsafe"
)

// These are the Go halves of the functions in symbols.c, which has the C
// signatures that Fluent Bit looks up. Each does no more than: handle, method,
// code.

//export flbGoPreRegister
func flbGoPreRegister(hotReloading C.int) { loads.preRegister(hotReloading != 0) }

//export flbGoRegister
func flbGoRegister(def *C.struct_host_def, options C.int) (code C.int) {
	defer func() {
		if recover() != nil {
			code = C.HOST_ERROR
		}
	}()
	if registered == nil {
		return C.HOST_ERROR
	}
	loads.register()
	def._type = C.HOST_PROXY_INPUT
	def.proxy = C.HOST_PROXY_GOLANG
	def.flags = 0 // not zeroed by hosts below 5.0
	def.name = C.CString(registered.Name)
	def.description = C.CString(registered.Description)
	// Other hosts allocate less: writing config_map there would overwrite the heap.
	if options != 0 && len(registered.Options) > 0 {
		def.config_map = unsafe.Pointer(optionList())
	}
	return C.HOST_OK
}

//export flbGoGivenTwice
func flbGoGivenTwice() {
	if registered == nil {
		return
	}
	line := C.CString("[input:" + registered.Name + "] this library is given twice: it is registered once. " +
		"Leave one of them: -e, plugins_file or plugins")
	defer C.free(unsafe.Pointer(line))
	C.host_warn(line)
}

// cOptions is the option list in the host's layout. It is made once and lives as
// long as the process: after a hot reload the old and the new plugin share it.
var cOptions *C.struct_host_option

func optionList() *C.struct_host_option {
	if cOptions != nil {
		return cOptions
	}
	opts := registered.Options
	mem := C.calloc(C.size_t(len(opts)+1), C.sizeof_struct_host_option)
	list := unsafe.Slice((*C.struct_host_option)(mem), len(opts)+1)
	dynamic := bool(C.host_features().dynamic_env != 0)
	for i, o := range opts {
		list[i]._type = C.int(o.Type)
		list[i].name = C.CString(o.Name)
		list[i].desc = C.CString(o.Help)
		if o.Default != "" {
			list[i].def_value = C.CString(o.Default)
		}
		if o.FollowsEnvironment && dynamic {
			list[i].flags = C.HOST_OPTION_DYNAMIC_ENV
		}
	}
	cOptions = &list[0]
	return cOptions
}

//export flbGoInit
func flbGoInit(c *C.struct_instance) C.int {
	before := C.memory_resident()
	in := newInstance(c)
	if !in.begin() {
		in.release()
		return C.HOST_ERROR
	}
	c.handle = C.uintptr_t(cgo.NewHandle(in))
	C.memory_allow(C.memory_resident() - before) // after a reload: its files and tables
	return C.HOST_OK
}

// begin sets the instance up, and reports whether it is to live. A start may be
// refused; a running agent must not end for a mistake in one of its sections.
func (in *Instance) begin() bool {
	if in.Renamed() {
		in.Logf(Warn, "another input has the name %q: this one is %q in the log and the metrics; give each an alias of its own", in.given, in.Name())
	}
	good := in.setUp("Init", Input.Init)
	in.accepted.set(good)
	switch {
	case good:
		loads.keep(in.Name(), keptConfig{config: in.config, tag: in.tag, tagged: in.tagged})
	case in.reload && in.restore():
		in.Log(Error, "hot reload: this section has an error; the input continues with its last good configuration")
	case in.reload:
		in.Log(Error, "hot reload: this section has an error, and the input has no earlier configuration to continue with: it idles until a reload corrects it")
		in.input = idle{}
	case in.c.can_refuse == 0:
		in.Log(Error, "this input stays idle: this version of Fluent Bit cannot refuse a start")
		in.input = idle{}
	default:
		return false
	}
	return true
}

// setUp makes the Input and calls its Init or Restore. It logs why that fails.
func (in *Instance) setUp(method string, call func(Input, *Instance) error) (good bool) {
	var code C.int = C.HOST_OK
	defer func() { good = code == C.HOST_OK }()
	defer in.recovered(method, &code)
	if C.host_nameless(in.c) != 0 {
		in.Log(Error, "several inputs run on the engine's thread (threaded off), and this host offers no way to tell them apart: "+
			"none of them gives records; leave threaded on")
		code = C.HOST_ERROR
		return
	}
	in.SetMaxInFlight(DefaultMaxInFlight)
	in.SetMaxMemory(DefaultMaxMemory())
	in.input = registered.New()
	if err := call(in.input, in); err != nil {
		for _, line := range errorLines(err) {
			in.Log(Error, line)
		}
		code = C.HOST_ERROR
	}
	return
}

// restore goes back to the last good configuration, and reports whether it could.
func (in *Instance) restore() bool {
	config, ok := loads.find(in.Name(), in.prefix(), in.tag, in.tagged)
	if !ok {
		return false
	}
	return in.setUp("Restore", func(i Input, in *Instance) error {
		r, ok := i.(Restorer)
		if !ok {
			return errNoRestorer
		}
		return r.Restore(in, config)
	})
}

var errNoRestorer = errors.New("Keep was called, and there is no Restore")

// idle is what an instance does that could not be set up and must live.
type idle struct{}

func (idle) Init(*Instance) error   { return nil }
func (idle) Collect(*Emitter) error { return nil }

// errorLines returns what an error has to say, a line each. An error that knows
// better how it should look may have a method Lines.
func errorLines(err error) []string {
	if e, ok := err.(interface{ Lines() []string }); ok {
		return e.Lines()
	}
	return strings.Split(err.Error(), "\n")
}

func fromHandle(h C.uintptr_t) *Instance { return cgo.Handle(h).Value().(*Instance) }

//export flbGoPreRun
func flbGoPreRun(h C.uintptr_t) {
	in := fromHandle(h)
	in.preRun = true
	if in.started || !in.canAppend() {
		return
	}
	in.collect()
}

//export flbGoCollect
func flbGoCollect(h C.uintptr_t, data *unsafe.Pointer, size *C.size_t) C.int {
	in := fromHandle(h)
	in.checkRoutes()
	code := in.collect()
	*data, *size = in.emitter.handOver()
	return code
}

//export flbGoPause
func flbGoPause(h C.uintptr_t) {
	in := fromHandle(h)
	var code C.int
	defer in.recovered("Pause", &code)
	C.host_forget_loop(in.c)
	if p, ok := in.input.(Pauser); ok {
		p.Pause()
	}
}

//export flbGoResume
func flbGoResume(h C.uintptr_t) {
	in := fromHandle(h)
	var code C.int
	defer in.recovered("Resume", &code)
	C.host_forget_loop(in.c)
	if p, ok := in.input.(Pauser); ok {
		p.Resume()
	}
}

//export flbGoExit
func flbGoExit(h C.uintptr_t, byReload C.int) {
	in := fromHandle(h)
	defer cgo.Handle(h).Delete()
	defer in.release()
	in.lastRetry()
	in.noticeDrops(true)
	var code C.int
	defer in.recovered("Close", &code)
	if c, ok := in.input.(Closer); ok {
		if err := c.Close(byReload != 0); err != nil {
			for _, line := range errorLines(err) {
				in.Log(Error, line)
			}
		}
	}
}

// checkRoutes says that the engine will lose what conditional routes should carry. It
// looks at the first collects: the engine connects its routes some time after Init.
func (in *Instance) checkRoutes() {
	const collects = 5
	if in.routesChecked >= collects {
		return
	}
	in.routesChecked++
	if C.host_loses_routes(in.c) != 0 {
		in.routesChecked = collects
		in.Log(Warn, "this version of Fluent Bit has no conditional routes for threaded inputs: the outputs of this input's routes get no records; "+
			"set threaded off, or use 5.0.5 or later")
	}
}

// lastRetry says what is lost because the engine did not take it to the end.
func (in *Instance) lastRetry() {
	if in.emitter.retry() {
		return
	}
	for _, r := range in.emitter.refused {
		in.emitter.lost += uint64(r.records)
	}
	in.Logf(Error, "%d records are lost: the engine refused them until the end", in.emitter.lost)
}

// collect calls the Input and counts what came of it.
func (in *Instance) collect() (code C.int) {
	if !in.started {
		in.started = true
		C.memory_began()
	}
	in.emitter.began = time.Now()
	in.noticeDrops(false)
	defer in.count()
	defer in.recovered("Collect", &code)
	if !in.emitter.retry() {
		return C.HOST_RETRY
	}
	if err := in.input.Collect(&in.emitter); err != nil {
		in.failed++
		for _, line := range errorLines(err) {
			in.Log(Error, line)
		}
		return C.HOST_ERROR
	}
	return C.HOST_OK
}

// noticeDrops warns, when it is first seen and when the instance ends, that the engine
// has dropped records that it had taken: before 2.1.9 it drops the queue at each pause.
// Hosts before 2.2.0, which have no PreRun, do not announce pauses; on later ones
// processors may drop records, too. A host that never resumes the input does not call
// Collect again: then only the last look finds it.
func (in *Instance) noticeDrops(last bool) {
	if in.preRun || !in.Streams() || in.dropsNoticed && !last {
		return
	}
	e := &in.emitter
	var taken uint64
	if last {
		taken = e.taken.records
	} else {
		// What is in the queue, and the slice that the engine is at, are not counted yet.
		taken = e.taken.before(e.Pending() + 1)
	}
	if taken == 0 {
		return
	}
	ingested, ok := e.Ingested()
	if !ok || ingested >= taken {
		return
	}
	in.dropsNoticed = true
	in.Logf(Warn, "Fluent Bit has dropped %d of the %d records in its queue: versions before 2.1.9 drop what is there when they pause an input "+
		"(mem_buf_limit) or stop, and may never resume it; threaded off loses nothing, a smaller max_in_flight less", taken-ingested, taken)
}

// recovered is deferred around every call of an Input's methods: a panic that
// left a callback would abort Fluent Bit.
func (in *Instance) recovered(method string, code *C.int) {
	r := recover()
	if r == nil {
		return
	}
	*code = C.HOST_ERROR
	in.panics++
	in.failed++
	after := "the instance goes on"
	switch method {
	case "Init", "Restore":
		after = "the input is not set up"
	case "Close":
		after = "the instance ends all the same"
	}
	in.Log(Error, fmt.Sprintf("panic in %s: %v; %s", method, r, after))
	for line := range strings.SplitSeq(strings.TrimRight(string(debug.Stack()), "\n"), "\n") {
		in.Log(Error, "  "+strings.ReplaceAll(line, "\t", "    "))
	}
}
