// SPDX-License-Identifier: Apache-2.0

// Package arrivals takes what arrives from a pipeline that runs elsewhere, in files and at
// listeners, until nothing more does.
//
// [Compare] compares it with a file of expectations, and [Listen] audits it. [Ledgers] are
// those of what was sent. [Wait] has the limits of waiting.
package arrivals

import (
	"context"
	"fmt"
	"time"

	"github.com/gdummy/gdummy/internal/prove/audit"
)

// defaultFirst is the default of --first-within, with --idle.
const defaultFirst = 5 * time.Minute

// Wait is how long to wait for arrivals.
type Wait struct {
	Idle          time.Duration // since the last arrival; 0 means no limit
	First         time.Duration // until the first arrival; 0 means defaultFirst, or no limit without Idle
	UntilComplete bool          // or until everything in the ledgers has arrived
}

// status is what is known at a moment.
type status struct {
	last   time.Time // of the last arrival, or zero
	active bool      // a request is being received
	waits  int       // number of records of unknown runs, which wait for a ledger
	failed bool      // waiting is pointless
}

// run looks five times a second, until the context is done, a limit is exceeded, which it
// logs, or complete returns true or an error, if that is to be waited for. It calls complete,
// which reads the ledgers, also if records wait for one.
func (w Wait) run(ctx context.Context, log func(format string, args ...any), look func(now time.Time) status, complete func() (bool, error)) error {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	began := time.Now()
	var p poll
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-tick.C:
			s := look(now)
			if s.failed {
				return nil
			}
			if why := w.over(now, began, s); why != "" {
				log("%s", why)
				return nil
			}
			if !p.due(now, s.waits) || !w.UntilComplete && s.waits == 0 {
				continue
			}
			done, err := complete()
			p.done(now, time.Now(), s.waits)
			if w.UntilComplete && (done || err != nil) {
				return err
			}
		}
	}
}

// over returns the reason to stop waiting, which began at a time, or "".
func (w Wait) over(now, began time.Time, s status) string {
	first := w.First
	if first == 0 && w.Idle > 0 {
		first = max(defaultFirst, w.Idle)
	}
	switch {
	case s.active:
	case s.last.IsZero() && first > 0 && now.Sub(began) >= first:
		return fmt.Sprintf("no arrival within %v (--first-within)", first)
	case !s.last.IsZero() && w.Idle > 0 && now.Sub(s.last) >= w.Idle:
		return fmt.Sprintf("no arrival for %v (--idle)", w.Idle)
	}
	return ""
}

// poll schedules the reading of ledgers. After a day they are so long that reading
// them continuously would occupy a core.
type poll struct {
	next  time.Time
	waits int
}

// due reports whether to read. It does not wait if many more records of unknown runs have
// arrived.
func (l *poll) due(now time.Time, waits int) bool {
	return !now.Before(l.next) || waits >= l.waits+audit.MaxWaiting/8
}

// done notes when a read began and ended. Reading takes at most a twentieth of the time.
func (l *poll) done(began, ended time.Time, waits int) {
	l.next, l.waits = ended.Add(19*ended.Sub(began)), waits
}
