// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"sync/atomic"
	"syscall"
	"time"
)

// finishers counts the inputs of this process with on_finish exit that have not finished.
// Instances share it; they run on different threads.
var finishers atomic.Int32

// stopProcess sends SIGTERM to the process, after which Fluent Bit flushes its records within
// its grace period.
func stopProcess() error { return syscall.Kill(os.Getpid(), syscall.SIGTERM) }

// settling waits until the engine has ingested the last records of a finished run. At SIGTERM
// Fluent Bit pauses its inputs, and discards the records in the queue of a paused input.
//
// The queue must be empty, and the engine's count must reach the number of delivered records:
// on a host whose queue is not visible, a count that does not change may only mean that the
// engine is busy. If processors drop records, the count never reaches that number, so the wait
// ends once the count stops changing.
type settling struct {
	count uint64
	moved time.Time // time of the last change of count
}

// settleTime is the time without a change of the engine's count after which the rest is
// assumed to be dropped. The engine's timer fires every 250 ms, on a busy machine much later.
const settleTime = 3 * time.Second

// done reports whether the engine has ingested the delivered records.
// pending is the number of slices in the queue, ingested the engine's count.
func (s *settling) done(now time.Time, pending int, delivered uint64, ingested func() (uint64, bool)) bool {
	if pending > 0 {
		s.moved = time.Time{}
		return false
	}
	n, _ := ingested() // 0 without a count yet
	if n >= delivered {
		return true
	}
	if s.moved.IsZero() || n != s.count {
		s.count, s.moved = n, now
	}
	return now.Sub(s.moved) >= settleTime
}
