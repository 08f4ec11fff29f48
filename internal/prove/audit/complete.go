// SPDX-License-Identifier: Apache-2.0

package audit

import "time"

// ReloadGrace is how long [Auditor.Complete] waits for the next run of an input after
// a reload. A reload that removes the input has no next run.
const ReloadGrace = 5 * time.Second

// Complete reports whether all ledgers are closed, and all accepted records have
// arrived or were withheld. A run that a reload ended is complete once the next run of
// the same name has begun, or ReloadGrace after Complete first saw it.
func (a *Auditor) Complete(now time.Time) bool {
	sel := a.selection()
	n := 0
	for _, id := range sel.order {
		ls := sel.ledger[id]
		if ls == nil {
			continue
		}
		n++
		if !ls.Whole() || ls.Reloaded() && !a.followed(id, now) {
			return false
		}
		accepted := ls.Listed().Accepted
		if accepted == 0 {
			continue
		}
		s := a.streams[id]
		if s == nil || s.plan == nil && s.arrived.count+a.acknowledged(s) < accepted || a.tally(s, ls, new(Receiver)).Lost > 0 {
			return false
		}
	}
	return n > 0
}

// followed reports whether another run followed one that a reload ended, or is no
// longer expected.
func (a *Auditor) followed(id streamID, now time.Time) bool {
	for _, ls := range a.merged {
		if (streamID{ls.Run, ls.Instance}) != id {
			continue
		}
		for _, next := range a.merged {
			if next.Name == ls.Name && next.Run != ls.Run && !next.Opened.Before(ls.Closed) {
				return true
			}
		}
	}
	seen, ok := a.reloaded[id]
	if !ok {
		seen = now
		a.reloaded[id] = now
	}
	return now.Sub(seen) >= ReloadGrace
}
