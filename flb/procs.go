package flb

import (
	"os"
	"runtime"
	"sync"
)

// procs keeps GOMAXPROCS at the number of instances, up to maxProcs.
//
// An input's thread spends its time waiting in C, between short turns in Go. The
// runtime's monitor thread gives up on such a wait, and goes to sleep itself, after
// 40 µs if there is no idle processor besides, but only after 10 ms if there is one:
// until then it looks every 20 µs. At a hundred turns a second that was a third of all
// the CPU time the plugin cost (Go 1.26, runtime.retake). No more processors than
// inputs lose nothing, for nothing else runs in this library. With fewer than inputs,
// threads take them from one another: 128 inputs at 100 records a second cost 1.35
// times as much with 2 as with 32.
var procs = struct {
	mu   sync.Mutex
	live int
}{}

const maxProcs = 32

// procsAdd counts instances that begin (1) or end (-1).
func procsAdd(n int) {
	procs.mu.Lock()
	defer procs.mu.Unlock()
	procs.live += n
	if os.Getenv("GOMAXPROCS") != "" {
		return // whoever has set it knows better
	}
	if want := min(max(procs.live, 1), maxProcs); want != runtime.GOMAXPROCS(0) {
		runtime.GOMAXPROCS(want)
	}
}
