// SPDX-License-Identifier: Apache-2.0

// Package arrivals takes what arrives from a pipeline that runs elsewhere, in files and at
// listeners, until nothing more does.
//
// [Compare] compares it with a file of expectations. An [Auditor] counts it for several
// listeners at once. [Wait], [Poll] and [EachTick] decide when all has arrived.
package arrivals

import (
	"context"
	"fmt"
	"time"

	"github.com/gdummy/gdummy/internal/prove/audit"
)

// EachTick calls f five times a second, until it returns true or an error, or the context
// is done.
func EachTick(ctx context.Context, f func(now time.Time) (done bool, err error)) error {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-tick.C:
			if done, err := f(now); done || err != nil {
				return err
			}
		}
	}
}

// defaultFirst is the default of --first-within, with --idle.
const defaultFirst = 5 * time.Minute

// Wait decides when to stop waiting for arrivals.
type Wait struct {
	Idle  time.Duration // 0 means no limit
	First time.Duration // limit of the first arrival; 0 means defaultFirst, or no limit without Idle
	Began time.Time
}

// Over returns the reason to stop waiting, or "". last is the time of the last arrival,
// zero if there was none; active reports whether a request is being received.
func (w *Wait) Over(now, last time.Time, active bool) string {
	first := w.First
	if first == 0 && w.Idle > 0 {
		first = max(defaultFirst, w.Idle)
	}
	switch {
	case active:
	case last.IsZero() && first > 0 && now.Sub(w.Began) >= first:
		return fmt.Sprintf("no arrival within %v (--first-within)", first)
	case !last.IsZero() && w.Idle > 0 && now.Sub(last) >= w.Idle:
		return fmt.Sprintf("no arrival for %v (--idle)", w.Idle)
	}
	return ""
}

// Poll schedules the reading of ledgers. After a day they are so long that reading
// them continuously would occupy a core.
type Poll struct {
	next  time.Time
	waits int
}

// Due reports whether to read. It does not wait if many more records of unknown runs have
// arrived.
func (l *Poll) Due(now time.Time, waits int) bool {
	return !now.Before(l.next) || waits >= l.waits+audit.MaxWaiting/8
}

// Done notes when a read began and ended. Reading takes at most a twentieth of the time.
func (l *Poll) Done(began, ended time.Time, waits int) {
	l.next, l.waits = ended.Add(19*ended.Sub(began)), waits
}
