// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gdummy/gdummy/internal/generate/damage"
	"github.com/gdummy/gdummy/internal/generate/engine"
	"github.com/gdummy/gdummy/internal/prove/ledger"
	"github.com/gdummy/gdummy/internal/prove/recordscan"
)

// Records that were sent broken on purpose are judged apart: those of them that are lost
// or changed count here, and not as lost or damaged.

// BrokenCounts counts the records that were sent broken, by what happened to them: Sent
// is the sum of the next six.
type BrokenCounts struct {
	Sent      uint64 `json:"sent"`
	AsSent    uint64 `json:"as_sent"`
	Repaired  uint64 `json:"repaired"` // arrived with another content
	Unchecked uint64 `json:"unchecked"`
	Lost      uint64 `json:"lost"`
	Withheld  uint64 `json:"withheld"`
	Unknown   uint64 `json:"unknown"`

	// TookNeighbours counts those in whose run of lost and changed records there are
	// others as well, and Neighbours these others.
	TookNeighbours uint64 `json:"took_neighbours"`
	Neighbours     uint64 `json:"neighbours"`
}

func (c *BrokenCounts) add(o BrokenCounts) {
	c.Sent += o.Sent
	c.AsSent += o.AsSent
	c.Repaired += o.Repaired
	c.Unchecked += o.Unchecked
	c.Lost += o.Lost
	c.Withheld += o.Withheld
	c.Unknown += o.Unknown
	c.TookNeighbours += o.TookNeighbours
	c.Neighbours += o.Neighbours
}

// BrokenKind is one kind of damage.
type BrokenKind struct {
	Kind string `json:"kind"`
	BrokenCounts
}

// BrokenRecords is the verdict on the records that were sent broken.
type BrokenRecords struct {
	BrokenCounts
	Kinds []BrokenKind `json:"kinds"` // those that were sent
}

// export returns the verdict on the kinds.
func (b *brokenTally) export() *BrokenRecords {
	r := &BrokenRecords{Kinds: []BrokenKind{}}
	for _, k := range damage.All() {
		if c := b.kinds[k]; c.Sent > 0 {
			r.add(c)
			r.Kinds = append(r.Kinds, BrokenKind{k.String(), c})
		}
	}
	return r
}

// addBroken adds those of a stream to the total.
func (v *Verdict) addBroken(r *BrokenRecords) {
	if r == nil {
		return
	}
	if v.BrokenRecords == nil {
		v.BrokenRecords = &BrokenRecords{Kinds: []BrokenKind{}}
	}
	total := v.BrokenRecords
	total.add(r.BrokenCounts)
	for _, k := range r.Kinds {
		i := slices.IndexFunc(total.Kinds, func(o BrokenKind) bool { return o.Kind == k.Kind })
		if i < 0 {
			i = len(total.Kinds)
			total.Kinds = append(total.Kinds, BrokenKind{Kind: k.Kind})
		}
		total.Kinds[i].add(k.BrokenCounts)
	}
}

// brokenRecords describes what happened to the records that were sent broken.
func (v *Verdict) brokenRecords() string {
	r := v.BrokenRecords
	if r == nil || r.Sent == 0 {
		return ""
	}
	var parts []string
	for _, c := range []struct {
		n    uint64
		what string
	}{
		{r.AsSent, "arrived as sent"}, {r.Repaired, "repaired"}, {r.Unchecked, "unchecked"}, {r.Lost, "lost"},
		{r.Withheld, "withheld"}, {r.Unknown, "unknown"},
	} {
		if c.n > 0 {
			parts = append(parts, Grouped(c.n)+" "+c.what)
		}
	}
	text := fmt.Sprintf("%s sent broken: %s", Grouped(r.Sent), strings.Join(parts, ", "))
	if r.Neighbours > 0 {
		text += fmt.Sprintf(", with %s others beside them", Grouped(r.Neighbours))
	}
	return text
}

// changes are the numbers of a stream that arrived with another content, or whose
// content could not be checked. They are kept if the stream may have records that were
// sent broken.
type changes struct {
	damaged, unchecked *set
	again              map[uint64]uint64 // further damaged arrivals, by number
}

func newChanges(m *memoryBudget) *changes {
	return &changes{newSet(m), newSet(m), map[uint64]uint64{}}
}

// follow keeps the changes of a stream unless its ledger is known and has no plan.
func (a *Auditor) follow(s *stream) {
	for _, ls := range a.merged {
		if (streamID{ls.Run, ls.Instance}) == s.id {
			if ls.Open["broken"] == "" {
				return
			}
			s.changes = newChanges(a.mem)
			return
		}
	}
	if !a.o.Since.IsZero() { // its ledger may be read later
		s.changes = newChanges(a.mem)
	}
}

// add notes how one of the records arrived that deliver the same original.
func (c *changes) add(records []uint64, state recordscan.State) {
	switch state {
	case recordscan.Unchecked:
		addFirst(c.unchecked, records)
	case recordscan.Damaged:
		if !addFirst(c.damaged, records) {
			c.again[records[0]]++
		}
	}
}

// brokenTally tallies the records of a stream that were sent broken.
type brokenTally struct {
	damage  *engine.Damage
	plan    *engine.Origin // of a stream that is out of order on purpose, or nil
	kinds   [256]BrokenCounts
	missing []ledger.Range // the records that are lost, broken or not; ascending
	more    bool           // the counts are not complete: there were too many records
}

// maxMissing bounds how many runs of lost records are searched for neighbours.
const maxMissing = 1 << 20

// maxWalk bounds how many records in sequence are searched for broken ones. An identity
// with an invented number can make a run look as if it had more than any real one.
const maxWalk = 1 << 28

// newBrokenTally returns the tally of a stream, or nil if no record was broken.
func newBrokenTally(ls *ledger.Stream, plan *engine.Origin) *brokenTally {
	if ls.Open["broken"] == "" {
		return nil
	}
	origin, err := engine.ParseOrigin(ls.Open)
	d := origin.Damage()
	if err != nil || d == nil {
		return nil
	}
	return &brokenTally{damage: d, plan: plan}
}

// of returns how record k was broken, or 0.
func (b *brokenTally) of(k uint64) damage.Kind {
	if b.plan != nil {
		k = b.plan.Original(k)
	}
	return b.damage.Of(k)
}

// split counts the records of from..to that were sent broken with count, and calls
// others with the rest; with all of them if they are too many.
func (b *brokenTally) split(from, to uint64, count func(*BrokenCounts), others func(from, to uint64)) {
	if to-from >= maxWalk {
		b.more = true
		others(from, to)
		return
	}
	start := from
	for seq := from; seq <= to; seq++ {
		k := b.of(seq)
		if k == 0 {
			continue
		}
		c := &b.kinds[k]
		c.Sent++
		count(c)
		if start < seq {
			others(start, seq-1)
		}
		start = seq + 1
	}
	if start <= to {
		others(start, to)
	}
}

// lose notes that the records of from..to are lost.
func (b *brokenTally) lose(from, to uint64) {
	if n := len(b.missing); n > 0 && b.missing[n-1].To+1 == from {
		b.missing[n-1].To = to
		return
	}
	if b.more = b.more || len(b.missing) >= maxMissing; !b.more {
		b.missing = append(b.missing, ledger.Range{From: from, To: to})
	}
}

// arrive counts the broken records that arrived, below end, and returns how many
// arrivals were damaged because of that.
func (b *brokenTally) arrive(s *stream, end uint64) (damaged uint64) {
	s.arrived.present(0, end, func(from, to uint64) {
		for seq := from; seq <= to; seq++ {
			k := b.of(seq)
			if k == 0 {
				continue
			}
			c := &b.kinds[k]
			c.Sent++
			switch {
			case s.changes.damaged.has(seq):
				c.Repaired++
				damaged += 1 + s.changes.again[seq]
			case s.changes.unchecked.has(seq):
				c.Unchecked++
			default:
				c.AsSent++
			}
		}
	})
	return damaged
}

// neighbours searches around broken records that are lost or changed for other such records.
func (b *brokenTally) neighbours(s *stream, end uint64) {
	run, open := ledger.Range{}, false
	extend := func(from, to uint64) {
		if open && from <= run.To+1 {
			run.To = max(run.To, to)
			return
		}
		if open {
			b.judge(run)
		}
		run, open = ledger.Range{From: from, To: to}, true
	}
	missing := b.missing
	before := func(next uint64) { // the lost records before it
		for len(missing) > 0 && missing[0].From <= next {
			extend(missing[0].From, missing[0].To)
			missing = missing[1:]
		}
	}
	s.changes.damaged.present(0, end, func(from, to uint64) {
		before(from)
		extend(from, to)
		before(to + 1)
	})
	before(end)
	if open {
		b.judge(run)
	}
}

// judge counts the neighbours in a run of lost and changed records. Those of several
// broken records count for the first.
func (b *brokenTally) judge(run ledger.Range) {
	if run.To-run.From >= maxWalk {
		b.more = true
		return
	}
	var first *BrokenCounts
	broken, others := []*BrokenCounts(nil), uint64(0)
	for seq := run.From; seq <= run.To; seq++ {
		switch k := b.of(seq); {
		case k == 0:
			others++
		default:
			if first == nil {
				first = &b.kinds[k]
			}
			broken = append(broken, &b.kinds[k])
		}
	}
	if first == nil || others == 0 {
		return
	}
	first.Neighbours += others
	for _, c := range broken {
		c.TookNeighbours++
	}
}
