// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package flb

import (
	"os"
	"runtime"
	"sync"
)

// processors keeps GOMAXPROCS at the number of instances, up to maxProcs, as long as
// none of them runs goroutines.
//
// An input's thread spends its time waiting in C, between short turns in Go. The
// runtime's monitor thread stops observing such a wait, and sleeps, after 40 µs if no
// processor is idle, but only after 10 ms if one is: until then it looks every 20 µs. At a
// hundred turns a second that was a third of the plugin's CPU
// time (Go 1.26, runtime.retake). More processors than inputs gain nothing, since nothing
// else runs in this library. With fewer than inputs, threads compete for them: 128
// inputs at 100 records a second cost 1.35 times as much with 2 as with 32.
//
// Goroutines of Instance.Go need processors of their own: with the first one, GOMAXPROCS
// returns to the runtime's default.
var processors struct {
	mu         sync.Mutex
	live       int // instances
	goroutines int // instances that run goroutines
}

const maxProcs = 32

// processorsAdd counts instances that begin (1) or end (-1), and those that run
// goroutines.
func processorsAdd(instances, goroutines int) {
	p := &processors
	p.mu.Lock()
	defer p.mu.Unlock()
	before := p.goroutines
	p.live += instances
	p.goroutines += goroutines
	switch want := min(max(p.live, 1), maxProcs); {
	case os.Getenv("GOMAXPROCS") != "": // set on purpose
	case p.goroutines > 0 && before == 0:
		runtime.SetDefaultGOMAXPROCS()
	case p.goroutines == 0 && want != runtime.GOMAXPROCS(0):
		runtime.GOMAXPROCS(want)
	}
}
