// SPDX-License-Identifier: Apache-2.0

package main

import (
	"sync"

	"github.com/gdummy/gdummy/internal/generate/engine"
)

// kept is what an instance passes to its successor in a hot reload. It stays until the
// next instance ends: a start may fail, and another follow.
type kept struct {
	seed    string // that was drawn, since the section has none; a reload does not change it
	key     string // of the template and the seed of the stream
	records uint64 // of the stream, generated so far
	clock   engine.Clock
}

// reloads has what was kept, by the instance's name. Go's variables survive a hot reload,
// since Fluent Bit does not unload the library.
var reloads = struct {
	mu   sync.Mutex
	kept map[string]*kept
}{kept: map[string]*kept{}}

// withKept calls f with what the instance of a name, or its predecessor, has kept.
func withKept(name string, f func(*kept)) {
	reloads.mu.Lock()
	defer reloads.mu.Unlock()
	k, ok := reloads.kept[name]
	if !ok {
		k = new(kept)
		reloads.kept[name] = k
	}
	f(k)
}
