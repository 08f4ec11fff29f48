// SPDX-License-Identifier: Apache-2.0

// Command foreign is a Go library that has nothing of this module, loaded beside a
// plugin that has: another runtime in the same process. It dereferences nil and
// recovers, which only works as long as its handler of SIGSEGV is called.
//
// It is an input of Fluent Bit, whose records count what was recovered, and does the
// same on a goroutine while no input of it is configured. Probe is for flbhost.
// The first two skip what would end the process for sure: the time between Fluent
// Bit installing its handlers and somebody putting those of Go back.
package main

/*
#cgo CFLAGS: -D_GNU_SOURCE
#cgo LDFLAGS: -ldl
#include <dlfcn.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/auxv.h>

struct def {
	int type, proxy, flags;
	char *name, *description;
};

static int fluent_bit_handles(void)
{
	struct sigaction now;
	Dl_info program, handler;

	return sigaction(SIGSEGV, NULL, &now) == 0 && dladdr((void *) getauxval(AT_PHDR), &program) &&
	       dladdr((void *) now.sa_sigaction, &handler) && program.dli_fbase == handler.dli_fbase;
}
*/
import "C"

import (
	"encoding/binary"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"
)

var name = "foreign" // another one with -ldflags -X

var nothing *int

var configured atomic.Bool

func recovers() (ok bool) {
	defer func() { ok = recover() != nil }()
	*nothing = 1
	return false
}

//export Probe
func Probe() C.int {
	if !recovers() {
		return 0
	}
	return 1
}

// once, and not for each reload: every dereference may meet Fluent Bit's handlers.
var once sync.Once

func dereference() {
	for range time.Tick(500 * time.Millisecond) {
		if configured.Load() {
			return
		}
		if C.fluent_bit_handles() == 0 {
			recovers()
		}
	}
}

//export FLBPluginRegister
func FLBPluginRegister(def *C.struct_def) C.int {
	def._type, def.proxy, def.flags = 1, 11, 0
	def.name, def.description = C.CString(name), C.CString("recovers from a nil dereference")
	once.Do(func() { go dereference() })
	return 1
}

//export FLBPluginInit
func FLBPluginInit(unsafe.Pointer) C.int {
	configured.Store(true)
	return 1
}

//export FLBPluginInputCallback
func FLBPluginInputCallback(data *unsafe.Pointer, size *C.size_t) C.int {
	*data, *size = nil, 0
	if C.fluent_bit_handles() != 0 || !recovers() {
		return 1
	}
	now := time.Now()
	event := []byte{0x92, 0xd7, 0x00}
	event = binary.BigEndian.AppendUint32(event, uint32(now.Unix()))
	event = binary.BigEndian.AppendUint32(event, uint32(now.Nanosecond()))
	event = append(event, 0x81, 0xa9)
	event = append(event, "recovered\xc3"...)
	*data, *size = C.CBytes(event), C.size_t(len(event))
	return 1
}

//export FLBPluginInputCleanupCallback
func FLBPluginInputCleanupCallback(data unsafe.Pointer) C.int {
	C.free(data)
	return 1
}

//export FLBPluginExit
func FLBPluginExit() C.int { return 1 }

func main() {}
