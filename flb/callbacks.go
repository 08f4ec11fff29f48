// SPDX-License-Identifier: Apache-2.0

package flb

// #include <stdlib.h>
// #include "host.h"
import "C"

import (
	"fmt"
	"runtime/cgo"
	"strings"
	"unsafe"

	"github.com/gdummy/gdummy/flb/internal/host"
)

// These are the Go halves of the functions in symbols.c, which has the C signatures
// that Fluent Bit looks up. Each converts its arguments and calls one method.

// instance is what the handle of a C instance refers to.
type instance struct {
	host.Calls
	host *fluentBit
}

func fromHandle(h C.uintptr_t) instance { return cgo.Handle(h).Value().(instance) }

// guard is deferred in each of them: a panic that left one would abort Fluent Bit. The
// panics of an Input never get here, see recovered.
func guard(callback string, code *C.int) {
	r := recover()
	if r == nil {
		return
	}
	*code = C.HOST_ERROR
	for _, line := range panicLines(fmt.Sprintf("panic in %s: %v", callback, r)) {
		C.host_print(C.HOST_LOG_ERROR, cText("[input:"+registered.Name+"] "+line))
	}
}

// cText returns text with a NUL behind it, in Go's memory: for functions that do not keep
// it. C.CString allocates in C, and ends the process without memory.
func cText(text string) *C.char {
	b := make([]byte, len(text)+1)
	copy(b, text)
	return (*C.char)(unsafe.Pointer(&b[0]))
}

//export flbGoPreRegister
func flbGoPreRegister(hotReloading C.int) {
	defer guard("PreRegister", new(C.int))
	loads.PreRegister(hotReloading != 0)
}

//export flbGoRegister
func flbGoRegister(def *C.struct_host_def, options C.int) (code C.int) {
	if registered == nil {
		return C.HOST_ERROR
	}
	defer guard("Register", &code)
	loads.Register()
	// Hosts before 5.1.1 allocate less: writing config_map there would overwrite the heap.
	if options != 0 && len(registered.Options) > 0 {
		list := optionList()
		if list == nil {
			return C.HOST_ERROR
		}
		def.config_map = unsafe.Pointer(list)
	}
	def._type = C.HOST_PROXY_INPUT
	def.proxy = C.HOST_PROXY_GOLANG
	def.flags = 0 // not zeroed by hosts below 5.0
	def.name = C.host_string(cText(registered.Name))
	def.description = C.host_string(cText(registered.Description))
	if def.name == nil || def.description == nil {
		C.free(unsafe.Pointer(def.name))
		C.free(unsafe.Pointer(def.description))
		return C.HOST_ERROR
	}
	return C.HOST_OK
}

//export flbGoGivenTwice
func flbGoGivenTwice() {
	if registered == nil {
		return
	}
	C.host_print(C.HOST_LOG_WARN, cText("[input:"+registered.Name+"] this library is loaded twice: it is registered once. "+
		"Keep one of -e, plugins_file and plugins"))
}

// cOptions is the option list in the host's layout. It is created once and lives as
// long as the process: after a hot reload the old and the new plugin share it.
var cOptions *C.struct_host_option

// cTypes are the host's types. It does not check values of Go plugins, but parses the
// defaults, with a grammar of its own for times and sizes: those are listed as texts.
var cTypes = map[OptionType]C.int{Integer: C.HOST_OPTION_INT, Boolean: C.HOST_OPTION_BOOL, Double: C.HOST_OPTION_DOUBLE}

// optionList returns the list, or nil without memory. The list and its texts are
// one allocation.
func optionList() *C.struct_host_option {
	if cOptions != nil {
		return cOptions
	}
	opts := registered.Options
	head, size := (len(opts)+1)*C.sizeof_struct_host_option, 0
	for _, o := range opts {
		size += len(o.Name) + len(o.Help) + len(o.Default) + len("\x00\x00\x00")
	}
	mem := C.calloc(1, C.size_t(head+size))
	if mem == nil {
		return nil
	}
	list := unsafe.Slice((*C.struct_host_option)(mem), len(opts)+1)
	texts := unsafe.Slice((*byte)(unsafe.Add(mem, head)), size)
	text := func(s string) *C.char {
		at := (*C.char)(unsafe.Pointer(&texts[0]))
		texts = texts[copy(texts, s)+1:]
		return at
	}
	dynamic := C.host_features().dynamic_env != 0
	for i, o := range opts {
		list[i]._type = cTypes[o.Type] // HOST_OPTION_STR for the others
		list[i].name = text(o.Name)
		list[i].desc = text(o.Help)
		if o.Default != "" {
			list[i].def_value = text(o.Default)
		}
		if o.FollowsEnvironment && dynamic {
			list[i].flags = C.HOST_OPTION_DYNAMIC_ENV
		}
	}
	cOptions = &list[0]
	return cOptions
}

//export flbGoInit
func flbGoInit(c *C.struct_instance) (code C.int) {
	defer guard("Init", &code)
	before := C.memory_resident()
	h := begin(c)
	defer func() {
		if c.handle == 0 {
			h.end()
		}
	}()
	calls := Simulate(*registered, h)
	if !calls.Init() {
		return C.HOST_ERROR
	}
	c.handle = C.uintptr_t(cgo.NewHandle(instance{calls, h}))
	C.memory_allow(C.memory_resident() - before) // after a reload: its files and tables
	return C.HOST_OK
}

//export flbGoPreRun
func flbGoPreRun(h C.uintptr_t) {
	defer guard("PreRun", new(C.int))
	fromHandle(h).PreRun()
}

//export flbGoCollect
func flbGoCollect(h C.uintptr_t, data *unsafe.Pointer, size *C.size_t) (code C.int) {
	defer guard("Collect", &code)
	c, held := fromHandle(h).Collect()
	if len(held) > 0 {
		*data, *size = unsafe.Pointer(unsafe.SliceData(held)), C.size_t(len(held))
	}
	return C.int(c)
}

//export flbGoPause
func flbGoPause(h C.uintptr_t) {
	defer guard("Pause", new(C.int))
	fromHandle(h).Pause()
}

//export flbGoResume
func flbGoResume(h C.uintptr_t) {
	defer guard("Resume", new(C.int))
	fromHandle(h).Resume()
}

//export flbGoExit
func flbGoExit(h C.uintptr_t, byReload C.int) {
	defer guard("Exit", new(C.int))
	in := fromHandle(h)
	defer cgo.Handle(h).Delete()
	defer in.host.end()
	in.Exit(byReload != 0)
}

// parseProperties parses what host_properties writes.
func parseProperties(text string) []host.Listed {
	var list []host.Listed
	for entry := range strings.SplitSeq(strings.TrimSuffix(text, "\x00"), "\x00") {
		if entry != "" {
			list = append(list, host.Listed{Name: entry[1:], Empty: entry[0] == '-'})
		}
	}
	return list
}
