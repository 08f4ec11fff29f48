// SPDX-License-Identifier: Apache-2.0

package flb

import (
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gdummy/gdummy/flb/internal/cgroup"
	"github.com/gdummy/gdummy/flb/internal/host"
)

// maxMemory is the bound where no control group sets a lower one.
const maxMemory = 256_000_000

// DefaultMaxMemory returns the bound that holds unless SetMaxMemory sets another:
// 256 MB, or a quarter of the memory limit of the process's control group if that is
// less. Outputs and the rest of the process need the remainder.
var DefaultMaxMemory = sync.OnceValue(func() int64 {
	if limit, ok := cgroup.MemoryLimit(os.DirFS("/")); ok {
		return min(maxMemory, limit/4)
	}
	return maxMemory
})

// SetMaxMemory bounds by how many bytes the process may grow after the start of its
// first input: while it has grown by more, Emitter.Wait does not return true. The bound
// applies to the process, since the owner of memory cannot be determined: with several
// instances, each waits until all of them together hold less.
//
// Collect is still called, once a second, and may emit a slice each time.
func (in *Instance) SetMaxMemory(bytes int64) { in.emitter.memory.limit = bytes }

const (
	// A shortage is checked again after a 32nd of its duration, within these bounds:
	// often between two flushes, rarely while an output is down.
	minMemoryNap = time.Millisecond
	maxMemoryNap = 50 * time.Millisecond

	// A shortage that lasts longer is logged.
	logMemoryAfter = 5 * time.Second
	logMemoryEvery = 10 * time.Minute
)

// memoryWait is the state of an emitter's waits for memory.
type memoryWait struct {
	limit int64         // bytes
	since time.Time     // start of the present wait; zero if there is none
	total time.Duration // of the waits before

	// A shortage is one wait, or several with little in between: an output that
	// tries to send uses memory for a moment.
	began, ended time.Time // start of its first wait, end of its last one
	between      int64     // bytes emitted since ended
	logged       time.Time // when a shortage was last logged
	reported     bool      // the present shortage was logged
}

// short counts the instances that wait for memory, and what they emit meanwhile.
var short struct {
	instances atomic.Int32
	bytes     atomic.Int64
}

// waitMemory waits until the process has grown by less than it may and returns
// true, or returns false as Wait does.
func (e *Emitter) waitMemory() bool {
	m := &e.memory
	for {
		growth := e.in.host.MemoryGrowth(m.limit)
		if growth < m.limit {
			e.endMemoryWait()
			if m.reported && m.over() {
				e.logMemoryEnd()
			}
			return true
		}
		now := time.Now()
		if m.since.IsZero() {
			m.since = now
			short.instances.Add(1)
			if m.over() {
				m.began = now
			}
		}
		waited := now.Sub(m.since)
		if now.Sub(m.began) >= logMemoryAfter && !m.reported && (m.logged.IsZero() || now.Sub(m.logged) >= logMemoryEvery) {
			m.reported, m.logged = true, now
			e.in.Logf(Warn, "memory: the process has grown by %d MB since its inputs started, the limit is %d MB (max_memory): "+
				"records wait until the outputs release memory, except for one slice a second", growth/1e6, m.limit/1e6)
		}
		nap := min(max(waited/32, minMemoryNap), maxMemoryNap)
		if !e.in.Streams() || e.in.host.Wait(nap, false) == host.Wanted {
			return false
		}
	}
}

// endMemoryWait records the end of a wait.
func (e *Emitter) endMemoryWait() {
	m := &e.memory
	if m.since.IsZero() {
		return
	}
	m.ended, m.between = time.Now(), 0
	m.total += m.ended.Sub(m.since)
	m.since = time.Time{}
	if short.instances.Add(-1) == 0 {
		short.bytes.Store(0)
	}
}

// over reports whether the last wait ended its shortage.
func (m *memoryWait) over() bool {
	return m.between >= m.limit/8 || time.Since(m.ended) >= logMemoryAfter
}

func (e *Emitter) logMemoryEnd() {
	m := &e.memory
	m.reported = false
	e.in.Logf(Info, "memory: the outputs have released memory after %s: records no longer wait", m.ended.Sub(m.began).Round(time.Second))
}

// releaseMemoryWait ends a wait when the instance ends.
func (e *Emitter) releaseMemoryWait() {
	over := e.in.host.MemoryGrowth(e.memory.limit) < e.memory.limit
	e.endMemoryWait()
	if e.memory.reported && over {
		e.logMemoryEnd()
	}
}

// MemoryWait returns the total time that the emitter has waited for memory.
func (e *Emitter) MemoryWait() time.Duration {
	if e.memory.since.IsZero() {
		return e.memory.total
	}
	return e.memory.total + time.Since(e.memory.since)
}

// emitted counts the bytes that are emitted, during a wait and after it.
func (m *memoryWait) emitted(size int) {
	if m.since.IsZero() {
		m.between += int64(size)
	} else {
		short.bytes.Add(int64(size))
	}
}
