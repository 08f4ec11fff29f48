// SPDX-License-Identifier: Apache-2.0

package audit

import "time"

// ReloadGrace is how long after a reload a run of the same name is waited for: a
// reload may drop an input, and then none follows.
const ReloadGrace = 5 * time.Second

// Complete reports whether all ledgers have come to an orderly end, and all that
// was accepted has arrived or was withheld. A run that a reload ended is complete
// when the next one of its name has begun, or ReloadGrace after it was first seen
// here.
func (a *Auditor) Complete(now time.Time) bool {
	sel := a.selection()
	n := 0
	for _, id := range sel.order {
		ls := sel.book[id]
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
		if s == nil || s.arrived.count+a.acknowledged(s) < accepted || a.tally(s, ls, new(Receiver)).Lost > 0 {
			return false
		}
	}
	return n > 0
}

// followed reports whether a run came after one that a reload ended, or will not
// come any more.
func (a *Auditor) followed(id streamID, now time.Time) bool {
	for _, ls := range a.books {
		if (streamID{ls.Run, ls.Instance}) != id {
			continue
		}
		for _, next := range a.books {
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
