// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"slices"

	"github.com/gdummy/gdummy/internal/recordid"
)

// Refusal is what our own receiver did not take, for one reason: a fault that was
// asked for, or a limit of its own.
type Refusal struct {
	Why string `json:"why"`

	// Acknowledged says that its sender was told that all is well.
	Acknowledged bool `json:"acknowledged"`

	// Requests are requests of HTTP, messages of the forward protocol, or
	// connections. Partly are those of them that were not read to their end: what
	// else they had in them is not known.
	Requests uint64 `json:"requests"`
	Partly   uint64 `json:"partly_read"`

	// Records are those that are known to have been in them, each counted once.
	// Lost and Withheld are those of them that never came again. A record that
	// was refused for several reasons is lost for the first of them in the list.
	Records  uint64 `json:"records"`
	Lost     uint64 `json:"lost"`
	Withheld uint64 `json:"withheld"`
}

// Receiver is what our own receiver was told to do, and what it refused.
type Receiver struct {
	Faults  string    `json:"faults"` // as --fault reads them; empty without
	Seed    string    `json:"seed"`   // of the faults
	Refused []Refusal `json:"refused"`

	// AtLeast says that more of the lost may have been refused: which ones was
	// forgotten for lack of memory.
	AtLeast bool `json:"at_least"`
}

// partly is how many requests were not read to their end.
func (r *Receiver) partly() (n uint64) {
	for _, x := range r.Refused {
		n += x.Partly
	}
	return n
}

// refusals are the reasons of an audit, and how often there was each.
type refusals []Refusal

// reason returns the index of a reason, which it notes if it is new.
func (r *refusals) reason(why string, acknowledged bool) int {
	i := slices.IndexFunc(*r, func(x Refusal) bool { return x.Why == why })
	if i < 0 {
		i = len(*r)
		*r = append(*r, Refusal{Why: why, Acknowledged: acknowledged})
	}
	return i
}

// Refused notes a request that our own receiver did not take, and returns its
// reason for [Auditor.Refuse]. acknowledged says that it was answered as if it had
// been, partly that not all of it was read, more that it was noted before.
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

// Refuse notes a record of a request that our own receiver did not take.
func (a *Auditor) Refuse(reason int, id recordid.ID) {
	st := a.stream(id)
	if st == nil {
		return
	}
	for len(st.refused) <= reason {
		st.refused = append(st.refused, nil)
	}
	if st.refused[reason] == nil {
		st.refused[reason] = newSet(a.mem)
	}
	st.refused[reason].add(id.Seq)
	if !st.any {
		if !st.given {
			st.firstTime, st.lastTime = id.Time, id.Time
		}
		st.firstTime, st.lastTime = min(st.firstTime, id.Time), max(st.lastTime, id.Time)
	}
	st.given, st.top = true, max(st.top, id.Seq)
}

// Expect notes a reason for which there may be refusals: the verdict has it even
// without. Of those for which a record is refused, the first one noted counts.
func (a *Auditor) Expect(why string, acknowledged bool) { a.refusals.reason(why, acknowledged) }

// acknowledged returns how many records of a stream were acknowledged and thrown
// away.
func (a *Auditor) acknowledged(s *stream) (n uint64) {
	for i, set := range s.refused {
		if set != nil && a.refusals[i].Acknowledged {
			n += set.count
		}
	}
	return n
}

// end returns how many numbers of a stream were given out, as far as what came
// says.
func (s *stream) end() (n uint64) {
	if s.any {
		n = s.max + 1
	}
	if s.given {
		n = max(n, s.top+1)
	}
	return n
}

// split divides a run of numbers by whether they are in the set. Where that is
// forgotten it calls vague, with how many are in it for certain, and how many are
// not.
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

// within returns how many numbers of a run may be in the set at most.
func (s *set) within(from, to uint64) (n uint64) {
	n = to - from + 1
	s.missing(from, to, func(g gap) {
		if !g.vague {
			n -= g.missing - g.late
		}
	})
	return n
}
