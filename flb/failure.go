// SPDX-License-Identifier: Apache-2.0

package flb

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"sync"
	"time"
)

const (
	// A failure that lasts is logged at once, then 2, 4, 8 … seconds later, at most
	// maxFailureInterval apart.
	minFailureInterval = 2 * time.Second
	maxFailureInterval = 5 * time.Minute

	// maxFailures is the number of kinds of failure that are distinguished. All further
	// kinds together are one kind.
	maxFailures = 8
)

// failureLog decides which failures of Collect and of goroutines are logged. A file that
// cannot be opened fails once per second, and must not fill the log.
type failureLog struct {
	mu     sync.Mutex
	kinds  map[string]*failure
	others failure // of further kinds
}

var digits = regexp.MustCompile("[0-9]+")

// failure is one kind of failure: those whose texts differ in their digits only.
type failure struct {
	last       time.Time // when the failure was last seen
	next       time.Time // when it is logged again
	interval   time.Duration
	suppressed int // since it was last logged
}

// add records a failure and reports whether to log it. note is a text to append to the
// logged line: the number of failures that were not logged since the last time.
func (l *failureLog) add(now time.Time, text string) (note string, log bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f, what := l.find(now, digits.ReplaceAllString(text, "0")), "more since this was"
	if f == &l.others {
		what = "of other kinds since one of them was"
	}
	if f.ended(now) {
		*f = failure{next: now}
	}
	f.last = now
	if now.Before(f.next) {
		f.suppressed++
		return "", false
	}
	if f.suppressed > 0 {
		note = fmt.Sprintf(" (%d %s last logged)", f.suppressed, what)
	}
	f.suppressed = 0
	f.interval = min(max(2*f.interval, minFailureInterval), maxFailureInterval)
	f.next = now.Add(f.interval)
	return note, true
}

// find returns the state of a kind. A new kind replaces one that has ended.
func (l *failureLog) find(now time.Time, kind string) *failure {
	if f := l.kinds[kind]; f != nil {
		return f
	}
	maps.DeleteFunc(l.kinds, func(_ string, f *failure) bool { return f.ended(now) })
	if len(l.kinds) == maxFailures {
		return &l.others
	}
	if l.kinds == nil {
		l.kinds = map[string]*failure{}
	}
	l.kinds[kind] = &failure{}
	return l.kinds[kind]
}

// ended reports whether the failure has not occurred for some time. Up to maxFailures kinds
// may alternate, one per second.
func (f *failure) ended(now time.Time) bool {
	return now.Sub(f.last) > 2*max(f.interval, maxFailures*time.Second)
}

// logFailure logs the lines of a failure, unless it was logged recently.
func (in *Instance) logFailure(kind string, lines []string) {
	note, log := in.failures.add(time.Now(), kind)
	if !log || len(lines) == 0 {
		return
	}
	lines = slices.Clone(lines)
	lines[0] += note
	in.logLines(lines)
}
