// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math/rand/v2"
	"strconv"
	"sync"

	"github.com/gdummy/gdummy/internal/generate/engine"
)

// reloadState is what instances leave for those that follow them in a hot reload. Go's
// variables outlive it: Fluent Bit does not unload the library.
type reloadState struct {
	mu    sync.Mutex
	seeds map[string]string // drawn, by the instance's name
	left  map[string]stream // by the instance's name

	clocks map[string]engine.Clock // of the records, by the instance's name
}

// stream is where an instance stopped.
type stream struct {
	key     string // of its template and seed
	records uint64
}

// reloads is the state of this library.
var reloads = reloadState{seeds: map[string]string{}, left: map[string]stream{}, clocks: map[string]engine.Clock{}}

// seed returns the seed of an instance that was given none: it is drawn once, so
// that a reload does not change it.
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

// keep notes how many records an instance has given before a reload.
func (m *reloadState) keep(name, key string, records uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.left[name] = stream{key, records}
}

// find returns what keep noted, if the template and the seed are the same. It stays
// noted until the next keep: the start that asks may fail, and another follow.
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

// clock returns what keepClock noted, or the zero Clock.
func (m *reloadState) clock(name string) engine.Clock {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.clocks[name]
}
