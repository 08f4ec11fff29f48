// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"slices"

	"github.com/gdummy/gdummy/internal/recordid"
)

// Refusal counts what our receiver refused for one reason: an injected fault or a
// limit of the receiver.
type Refusal struct {
	Why string `json:"why"`

	// Acknowledged reports that the sender received an acknowledgement.
	Acknowledged bool `json:"acknowledged"`

	// Requests counts HTTP requests, messages of the forward protocol, or
	// connections. Partly counts those that were not read completely: their
	// remaining records are unknown.
	Requests uint64 `json:"requests"`
	Partly   uint64 `json:"partly_read"`

	// Records counts the records known to be in the requests, each once. Lost and
	// Withheld count those that did not arrive later. A record that was refused for
	// several reasons counts as lost for the first in the list.
	Records  uint64 `json:"records"`
	Lost     uint64 `json:"lost"`
	Withheld uint64 `json:"withheld"`
}

// Receiver holds the injected faults of our receiver and what it refused.
type Receiver struct {
	Faults  string    `json:"faults"` // in the syntax of --fault; may be empty
	Seed    string    `json:"seed"`   // of the faults
	Refused []Refusal `json:"refused"`

	// AtLeast reports that more of the lost records may have been refused: some
	// numbers were forgotten for lack of memory.
	AtLeast bool `json:"at_least"`
}

// partly returns the number of requests that were not read completely.
func (r *Receiver) partly() (n uint64) {
	for _, x := range r.Refused {
		n += x.Partly
	}
	return n
}

// refusals counts the requests of an audit by reason.
type refusals []Refusal

// reason returns the index of a reason, and adds the reason if it is new.
func (r *refusals) reason(why string, acknowledged bool) int {
	i := slices.IndexFunc(*r, func(x Refusal) bool { return x.Why == why })
	if i < 0 {
		i = len(*r)
		*r = append(*r, Refusal{Why: why, Acknowledged: acknowledged})
	}
	return i
}

// Refused counts a request that our receiver refused, and returns its reason for
// [Auditor.Refuse]. acknowledged reports that the sender received an acknowledgement,
// partly that the request was not read completely, and more that it was counted
// before.
func (a *Auditor) Refused(why string, acknowledged, partly, more bool) (reason int) {
	reason = a.refusals.reason(why, acknowledged)
	r := &a.refusals[reason]
	if !more {
		r.Requests++
		if partly {
			r.Partly++
		}
	}
	return reason
}

// Refuse adds a record of a request that our receiver refused.
func (a *Auditor) Refuse(reason int, id recordid.ID) {
	st := a.stream(id)
	if st == nil {
		return
	}
	records, n := [2]uint64{id.Seq}, 1
	if st.plan != nil {
		if records, n = st.plan.Deliveries(id.Seq); n == 0 {
			return
		}
	}
	for len(st.refused) <= reason {
		st.refused = append(st.refused, nil)
	}
	if st.refused[reason] == nil {
		st.refused[reason] = newSet(a.mem)
	}
	addFirst(st.refused[reason], records[:n])
	st.refusedDue.add(id.Time)
	st.given, st.top = true, max(st.top, records[0])
}

// Expect adds a reason to the verdict, even if nothing is refused for it. A record that
// is refused for several reasons counts for the one added first.
func (a *Auditor) Expect(why string, acknowledged bool) { a.refusals.reason(why, acknowledged) }

// acknowledged returns the number of records of a stream that our receiver
// acknowledged and discarded.
func (a *Auditor) acknowledged(s *stream) (n uint64) {
	for i, set := range s.refused {
		if set != nil && a.refusals[i].Acknowledged {
			n += set.count
		}
	}
	return n
}

// end returns the number of records in a stream, as far as arrivals and refusals show.
func (s *stream) end() (n uint64) {
	if s.any {
		n = s.max + 1
	}
	if s.given {
		n = max(n, s.top+1)
	}
	return n
}

// split divides a range of numbers by whether the set contains them. For forgotten
// blocks it calls vague with the number that it certainly contains, and the number that
// it certainly does not.
func (s *set) split(from, to uint64, in, out func(from, to uint64), vague func(from, to, in, out uint64)) {
	at := from
	s.missing(from, to, func(g gap) {
		if g.from > at {
			in(at, g.from-1)
		}
		at = g.to + 1
		switch width := g.to - g.from + 1; {
		case g.missing == width && g.late == 0 && !g.vague:
			out(g.from, g.to)
		case g.vague:
			vague(g.from, g.to, 0, 0)
		default:
			vague(g.from, g.to, width-g.missing, g.missing-g.late)
		}
	})
	if at <= to {
		in(at, to)
	}
}

// within returns the maximum number of values in the range that the set may contain.
func (s *set) within(from, to uint64) (n uint64) {
	n = to - from + 1
	s.missing(from, to, func(g gap) {
		if !g.vague {
			n -= g.missing - g.late
		}
	})
	return n
}
