// SPDX-License-Identifier: Apache-2.0

package audit

import "github.com/gdummy/gdummy/internal/prove/ledger"

// noteControl adds a note for a stream whose pace the option control has changed.
func (v *Verdict) noteControl(st *Stream, ls *ledger.Stream) {
	if ls == nil {
		return
	}
	n := 0
	var last *ledger.Change
	for _, e := range ls.Events {
		if e.Change != nil {
			n, last = n+1, e.Change
		}
	}
	switch {
	case n == 1:
		v.note("control changed the pace once in run %s, instance %d: %s, from record %s on", st.Run, st.Instance, last.State, Grouped(last.Record))
	case n > 1:
		v.note("control changed the pace %s times in run %s, instance %d; at last: %s, from record %s on", Grouped(uint64(n)), st.Run, st.Instance, last.State, Grouped(last.Record))
	}
}
