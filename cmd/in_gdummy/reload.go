// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math/rand/v2"
	"strconv"
	"sync"

	"github.com/gdummy/gdummy/internal/generate/engine"
)

// reloadState holds the state that instances pass to their successors in a hot reload. Go's
// variables survive it, since Fluent Bit does not unload the library.
type reloadState struct {
	mu    sync.Mutex
	seeds map[string]string // drawn seeds, by the instance's name
	left  map[string]stream // positions, by the instance's name

	clocks map[string]engine.Clock // of the records, by the instance's name
}

// stream is the position at which an instance stopped.
type stream struct {
	key     string // of its template and seed
	records uint64
}

// reloads is the only reloadState.
var reloads = reloadState{seeds: map[string]string{}, left: map[string]stream{}, clocks: map[string]engine.Clock{}}

// seed returns the seed of an instance without the option seed. It is drawn once, so that a
// reload does not change it.
func (m *reloadState) seed(name string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.seeds[name]
	if !ok {
		s = strconv.FormatUint(uint64(rand.Uint32()), 10)
		m.seeds[name] = s
	}
	return s
}

// keep notes how many records an instance generated before a reload.
func (m *reloadState) keep(name, key string, records uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.left[name] = stream{key, records}
}

// find returns the number that keep noted, if template and seed are the same. The number stays
// until the next keep: the start may fail, and another follow.
func (m *reloadState) find(name, key string) (records uint64, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.left[name]
	return s.records, ok && s.key == key
}

// keepClock notes the state of an instance's record clock before a reload.
func (m *reloadState) keepClock(name string, c engine.Clock) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.clocks[name] = c
}

// clock returns the state that keepClock noted, or the zero Clock.
func (m *reloadState) clock(name string) engine.Clock {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.clocks[name]
}
