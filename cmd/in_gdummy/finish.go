package main

import (
	"os"
	"sync"
	"syscall"
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
