// SPDX-License-Identifier: Apache-2.0

package flb

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// A failure that lasts is logged at once, then 2, 4, 8 … seconds later, at most
	// maxFailureInterval apart.
	minFailureInterval = 2 * time.Second
	maxFailureInterval = 5 * time.Minute

	// maxFailures is how many kinds of failure are kept apart.
	maxFailures = 8
)

// failureLog decides which failures of Collect and of goroutines are logged. A file that cannot be
// opened fails each time, once a second, and must not fill the log.
type failureLog struct {
	mu    sync.Mutex
	kinds map[string]*failure
}

// failure is one kind of failure: those whose texts differ in their digits only.
type failure struct {
	last       time.Time // when the failure was last seen
	next       time.Time // when it is logged again
	interval   time.Duration
	suppressed int // since it was last logged
}

// add records a failure and reports whether to log it, and how many of its kind were
// not logged since the last time.
func (l *failureLog) add(now time.Time, text string) (suppressed int, log bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	kind := withoutDigits(text)
	f := l.kinds[kind]
	if f == nil {
		if l.kinds == nil {
			l.kinds = map[string]*failure{}
		}
		if len(l.kinds) == maxFailures {
			l.dropOldest()
		}
		f = &failure{}
		l.kinds[kind] = f
	}
	if now.Sub(f.last) > 2*max(f.interval, minFailureInterval) {
		*f = failure{next: now} // it had ended, or is new
	}
	f.last = now
	if now.Before(f.next) {
		f.suppressed++
		return 0, false
	}
	suppressed, f.suppressed = f.suppressed, 0
	f.interval = min(max(2*f.interval, minFailureInterval), maxFailureInterval)
	f.next = now.Add(f.interval)
	return suppressed, true
}

func (l *failureLog) dropOldest() {
	oldest := ""
	for kind, f := range l.kinds {
		if oldest == "" || f.last.Before(l.kinds[oldest].last) {
			oldest = kind
		}
	}
	delete(l.kinds, oldest)
}

// withoutDigits returns text with each run of digits replaced by one "0".
func withoutDigits(text string) string {
	var b strings.Builder
	in := false
	for i := range len(text) {
		digit := text[i] >= '0' && text[i] <= '9'
		switch {
		case !digit:
			b.WriteByte(text[i])
		case !in:
			b.WriteByte('0')
		}
		in = digit
	}
	return b.String()
}

// logFailure logs the lines of a failure, unless it was logged recently.
func (in *Instance) logFailure(kind string, lines []string) {
	suppressed, log := in.failures.add(time.Now(), kind)
	if !log || len(lines) == 0 {
		return
	}
	if suppressed > 0 {
		lines = slices.Clone(lines)
		lines[0] += fmt.Sprintf(" (%d more since this was last logged)", suppressed)
	}
	in.logLines(lines)
}
