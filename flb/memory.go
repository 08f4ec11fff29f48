package flb

// #include "host.h"
import "C"

import (
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gdummy/gdummy/flb/internal/cgroup"
)

// maxMemory is the bound where no control group sets a lower one.
const maxMemory = 256_000_000

// DefaultMaxMemory returns the bound that holds unless SetMaxMemory sets another:
// 256 MB, or a quarter of the memory limit of the process's control group if that
// is less. The rest is for what outputs make of the records, and for everyone else.
var DefaultMaxMemory = sync.OnceValue(func() int64 {
	if limit, ok := cgroup.MemoryLimit(os.DirFS("/")); ok {
		return min(maxMemory, limit/4)
	}
	return maxMemory
})

// SetMaxMemory bounds by how many bytes the process may grow from the start of its
// first input on: while it has grown by more, Emitter.Wait does not return true. The
// bound is on the process and not on the instance, since memory does not say whose
// it is: with several instances, each waits for what all of them hold.
//
// Collect is called all the same, once a second, and may emit a slice each time.
func (in *Instance) SetMaxMemory(bytes int64) { in.emitter.memory.limit = bytes }

const (
	// While memory is short, it is looked at again after a 32nd of the time that
	// this has lasted, within these bounds: often between two flushes, rarely while
	// an output is down.
	minMemoryNap = time.Millisecond
	maxMemoryNap = 50 * time.Millisecond

	// A shortage that lasts is logged.
	logMemoryAfter = 5 * time.Second
	logMemoryEvery = 10 * time.Minute
)

// memoryWait is what an emitter knows of its waiting for memory.
type memoryWait struct {
	limit int64         // bytes
	since time.Time     // since when the process has grown too much; zero if it has not
	total time.Duration // of the waits before

	// A shortage is one wait, or several with little in between: an output that
	// tries to send needs memory for a moment and gives it back.
	began, ended time.Time // its first wait, and the end of its last one
	between      int64     // bytes emitted since the end of the last one
	logged       time.Time // when a shortage was last logged
	saying       bool      // this one was
}

// short is what all instances emit while they have no memory to do so.
var short struct {
	instances atomic.Int32
	bytes     atomic.Int64
}

// waitMemory waits until the process has grown by less than it may and returns
// true, or returns false as Wait does.
func (e *Emitter) waitMemory() bool {
	m := &e.memory
	for {
		growth := int64(C.memory_growth(C.int64_t(m.limit)))
		if growth < m.limit {
			e.endMemoryWait()
			if m.saying && m.over() {
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
		if now.Sub(m.began) >= logMemoryAfter && !m.saying && (m.logged.IsZero() || now.Sub(m.logged) >= logMemoryEvery) {
			m.saying, m.logged = true, now
			e.in.Logf(Warn, "memory: the process has grown by %d MB since its inputs started, the limit is %d MB (max_memory): "+
				"records wait until the outputs release memory, except for one slice a second", growth/1e6, m.limit/1e6)
		}
		nap := min(max(waited/32, minMemoryNap), maxMemoryNap)
		if !e.in.Streams() || C.host_wait(e.in.c, C.int64_t(nap)) == 0 {
			return false
		}
	}
}

// endMemoryWait takes note that nothing waits any more.
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

// over reports whether the last wait was the end of its shortage.
func (m *memoryWait) over() bool {
	return m.between >= m.limit/8 || time.Since(m.ended) >= logMemoryAfter
}

func (e *Emitter) logMemoryEnd() {
	m := &e.memory
	m.saying = false
	e.in.Logf(Info, "memory: the outputs have released memory after %s: records no longer wait", m.ended.Sub(m.began).Round(time.Second))
}

// releaseMemoryWait is called when the instance ends.
func (e *Emitter) releaseMemoryWait() {
	over := int64(C.memory_growth(C.int64_t(e.memory.limit))) < e.memory.limit
	e.endMemoryWait()
	if e.memory.saying && over {
		e.logMemoryEnd()
	}
}

// MemoryWait returns how long the emitter has waited for memory in all.
func (e *Emitter) MemoryWait() time.Duration {
	if e.memory.since.IsZero() {
		return e.memory.total
	}
	return e.memory.total + time.Since(e.memory.since)
}

// Sparing reports whether a Collect should emit as little as it can, one record: the
// process has grown as much as it may, and what was emitted since, a slice at a time,
// comes to a sixteenth of that. Otherwise an output that is down for days would let
// it grow without end.
func (e *Emitter) Sparing() bool {
	return !e.memory.since.IsZero() && short.bytes.Load() >= e.memory.limit/16
}

// emitted counts what is emitted while memory is short.
func (m *memoryWait) emitted(size int) {
	if m.since.IsZero() {
		m.between += int64(size)
	} else {
		short.bytes.Add(int64(size))
	}
}
