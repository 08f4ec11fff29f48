// SPDX-License-Identifier: Apache-2.0

package flb

// #include <stdlib.h>
// #include "host.h"
import "C"

import (
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

//export flbGoPreRegister
func flbGoPreRegister(hotReloading C.int) { loads.PreRegister(hotReloading != 0) }

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
	loads.Register()
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
	line := C.CString("[input:" + registered.Name + "] this library is loaded twice: it is registered once. " +
		"Keep one of -e, plugins_file and plugins")
	defer C.free(unsafe.Pointer(line))
	C.host_warn(line)
}

// cOptions is the option list in the host's layout. It is created once and lives as
// long as the process: after a hot reload the old and the new plugin share it.
var cOptions *C.struct_host_option

// cTypes are the host's types. It does not check values of Go plugins, but parses the
// defaults, with a grammar of its own for times and sizes: those are listed as texts.
var cTypes = map[OptionType]C.int{Integer: C.HOST_OPTION_INT, Boolean: C.HOST_OPTION_BOOL, Double: C.HOST_OPTION_DOUBLE}

func optionList() *C.struct_host_option {
	if cOptions != nil {
		return cOptions
	}
	opts := registered.Options
	mem := C.calloc(C.size_t(len(opts)+1), C.sizeof_struct_host_option)
	list := unsafe.Slice((*C.struct_host_option)(mem), len(opts)+1)
	dynamic := C.host_features().dynamic_env != 0
	for i, o := range opts {
		list[i]._type = cTypes[o.Type] // HOST_OPTION_STR for the others
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
	h := begin(c)
	calls := Simulate(*registered, h)
	if !calls.Init() {
		h.end()
		return C.HOST_ERROR
	}
	c.handle = C.uintptr_t(cgo.NewHandle(instance{calls, h}))
	C.memory_allow(C.memory_resident() - before) // after a reload: its files and tables
	return C.HOST_OK
}

//export flbGoPreRun
func flbGoPreRun(h C.uintptr_t) { fromHandle(h).PreRun() }

//export flbGoCollect
func flbGoCollect(h C.uintptr_t, data *unsafe.Pointer, size *C.size_t) C.int {
	code, held := fromHandle(h).Collect()
	if len(held) > 0 {
		*data, *size = unsafe.Pointer(unsafe.SliceData(held)), C.size_t(len(held))
	}
	return C.int(code)
}

//export flbGoPause
func flbGoPause(h C.uintptr_t) { fromHandle(h).Pause() }

//export flbGoResume
func flbGoResume(h C.uintptr_t) { fromHandle(h).Resume() }

//export flbGoExit
func flbGoExit(h C.uintptr_t, byReload C.int) {
	in := fromHandle(h)
	in.Exit(byReload != 0)
	in.host.end()
	cgo.Handle(h).Delete()
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
