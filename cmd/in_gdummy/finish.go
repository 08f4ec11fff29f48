// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"sync"
	"syscall"
	"time"
)

// finishers are the inputs of this process with on_finish exit. The instances run
// on threads of their own; this is all that they share.
var finishers group

// group counts the inputs that have not finished.
type group struct {
	mu   sync.Mutex
	open int // inputs that run
}

// join adds an input.
func (g *group) join() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open++
}

// leave takes an input away that ends without having finished: at the exit, or in a
// hot reload.
func (g *group) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open--
}

// finish says that an input has finished, and returns whether it was the last.
func (g *group) finish() (last bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open--
	return g.open == 0
}

// stopProcess asks the process to stop as an operator would: Fluent Bit then
// flushes what it has, for as long as its grace says.
func stopProcess() error { return syscall.Kill(os.Getpid(), syscall.SIGTERM) }

// settling watches the engine take in the last of a finished run. At SIGTERM Fluent
// Bit pauses its inputs, and what waits in the queue of a paused input is discarded.
//
// The queue has to be empty, and the engine's own count has to reach what was handed
// over: on a host whose queue can't be seen, that it stands still for a while says
// only that the engine is busy. Processors that drop records keep the count from
// ever reaching that, so that it is waited for only as long as it moves.
type settling struct {
	count uint64
	moved time.Time // when count was first seen
}

// settleTime is how long the engine's count may stand still before the rest is
// believed to be dropped. Its timer fires every 250 ms, on a busy machine much later.
const settleTime = 3 * time.Second

// done reports whether the engine has taken in the records that were delivered.
// pending is the number of slices in the queue, ingested the engine's count.
func (s *settling) done(now time.Time, pending int, delivered uint64, ingested func() (uint64, bool)) bool {
	if pending > 0 {
		s.moved = time.Time{}
		return false
	}
	n, _ := ingested() // no count yet: nothing was taken in
	if n >= delivered {
		return true
	}
	if s.moved.IsZero() || n != s.count {
		s.count, s.moved = n, now
	}
	return now.Sub(s.moved) >= settleTime
}
