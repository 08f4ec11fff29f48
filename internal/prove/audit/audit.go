// SPDX-License-Identifier: Apache-2.0

// Package audit counts the records that arrived and compares them with the ledgers:
// which were lost, duplicated, reordered or damaged.
//
// The normal path is [New] with the ledgers of those who sent, [Auditor.Take]
// for everything that came out of the pipeline, and [Auditor.Verdict].
//
// # Terms
//
// A stream is one instance of one run; its records are numbered from 0 on.
//
//	sent        numbers that were given out, as far as can be known
//	accepted    records that the host took, by the ledger
//	ingested    records that the engine counted, by the ledger: before filters
//	arrived     numbers that arrived, each counted once
//	lost        numbers that were accepted (without a ledger: given out) and
//	            did not arrive
//	unknown     numbers that may have arrived or not: given out, but not in the
//	            ledger when it was cut off; or forgotten for lack of memory
//	withheld    numbers that our own receiver acknowledged and threw away on
//	            purpose, and that did not arrive otherwise; what it refused and
//	            what never came again is lost
//	shortfall   records that were due and never made, for the rate was missed,
//	            by the ledger: they have no numbers
//	refused     numbers that the host did not take, by the ledger
//	duplicates  arrivals of numbers that had arrived before
//	reordered   first arrivals behind a higher number; the distance is how much
//	            higher
//	damaged, enriched, unchecked   arrivals in that state, see package recordscan
//	foreign     records without an identity
//
// Nothing arrived and nothing accepted is no clean verdict: nothing was audited.
// Pieces that could not be read are a fault where no ledger proves that all
// arrived.
//
// # Memory
//
// Numbers are kept in blocks of 65536 as bit maps, short lists or, when all of a
// block arrived, as nothing. When that is more than Options.Memory, the blocks
// that were not touched for longest keep their count only. That costs exactness
// only if more of their records arrive: whether such a one is new or a duplicate
// is then unknown, and counted there. When counts alone are more than that, as
// with numbers from all over the place, numbers that would need another block
// are unknown, and so are those that are missing among them.
//
// The first streams have a histogram of latencies and a time line of their own,
// as long as those take no more than a quarter of Options.Memory; the others
// share one.
package audit

import (
	"time"

	"github.com/gdummy/gdummy/internal/prove/ledger"
	"github.com/gdummy/gdummy/internal/prove/recordscan"
	"github.com/gdummy/gdummy/internal/recordid"
)

// DefaultMemory is what an audit may use, in bytes, by default.
const DefaultMemory = 256 << 20

const (
	maxStreams = 10000
	maxJumps   = 4096
	maxRanges  = 1000

	jumpCost = 64 // bytes, with room to grow
)

// Options say what is audited.
type Options struct {
	Ledgers []*ledger.Ledger
	Memory  int64 // in bytes; 0 is DefaultMemory

	// Since is when an audit of what arrives now began; zero is one of files.
	// Runs of the ledgers that ended before it, and of which nothing arrives,
	// do not count.
	Since time.Time

	// Faults are those that our own receiver was told to have, and Seed is what
	// draws them; empty without.
	Faults, Seed string

	// Runs are those that count, and Last says that only those do that were
	// under way when the last one began. Without both, all count.
	Runs []recordid.Run
	Last bool
}

// Auditor takes what arrived. It is not for concurrent use.
type Auditor struct {
	o       Options
	ledgers []*ledger.Ledger
	books   []*ledger.Stream // of all ledgers, merged
	streams map[streamID]*stream
	last    *stream
	mem     *memoryBudget
	surplus uint64 // records of streams beyond maxStreams

	foreign uint64
	broken  uint64

	shared *latencyStats // of the streams that have none of their own; nil if all have
	own    int           // streams that have

	refusals refusals

	reloaded map[streamID]time.Time // when Complete first saw that a reload ended it
}

type streamID struct {
	run      recordid.Run
	instance uint16
}

// stream is what arrived of one stream.
type stream struct {
	id      streamID
	arrived *set
	any     bool
	max     uint64
	maxTime int64 // of emission of max

	refused []*set // by reason; nil for those that it did not meet
	given   bool   // there is one at least
	top     uint64 // the highest of them

	duplicates, undecided, reordered, distance uint64
	damaged, enriched, unchecked               uint64
	firstTime, lastTime                        int64 // of emission of what arrived, or else of what was refused

	jumps []jump
	stats *latencyStats
}

// jump is where numbers were skipped, and when those around were sent.
type jump struct {
	from, to     uint64
	since, until int64 // since is 0 if nothing came before
}

// New makes an auditor.
func New(o Options) *Auditor {
	if o.Memory <= 0 {
		o.Memory = DefaultMemory
	}
	a := &Auditor{
		o:        o,
		streams:  map[streamID]*stream{},
		mem:      &memoryBudget{limit: o.Memory},
		reloaded: map[streamID]time.Time{},
	}
	a.SetLedgers(o.Ledgers)
	return a
}

// Take takes one record. arrival is when it arrived, in nanoseconds since 1970;
// 0 if unknown.
func (a *Auditor) Take(id recordid.ID, state recordscan.State, arrival int64) {
	if state == recordscan.Foreign {
		a.foreign++
		return
	}
	s := a.stream(id)
	if s == nil {
		a.surplus++
		return
	}
	switch state {
	case recordscan.Damaged:
		s.damaged++
	case recordscan.Enriched:
		s.enriched++
	case recordscan.Unchecked:
		s.unchecked++
	}
	switch s.arrived.add(id.Seq) {
	case present:
		s.duplicates++
		return
	case undecided:
		s.undecided++
		return
	}
	s.order(id)
	s.stats.add(id.Time, arrival)
}

// order notes where a number that has not arrived before stands among the others.
func (s *stream) order(id recordid.ID) {
	seq := id.Seq
	switch {
	case !s.any:
		s.any = true
		s.firstTime, s.lastTime = id.Time, id.Time
		if seq > 0 {
			s.jumps = append(s.jumps, jump{0, seq - 1, 0, id.Time})
		}
		s.max, s.maxTime = seq, id.Time
	case seq > s.max:
		if m := s.arrived.m; seq > s.max+1 && len(s.jumps) < maxJumps && m.jumps < m.limit/4 {
			m.used += jumpCost
			m.jumps += jumpCost
			s.jumps = append(s.jumps, jump{s.max + 1, seq - 1, s.maxTime, id.Time})
		}
		s.max, s.maxTime = seq, id.Time
	default:
		s.reordered++
		s.distance = max(s.distance, s.max-seq)
	}
	s.firstTime, s.lastTime = min(s.firstTime, id.Time), max(s.lastTime, id.Time)
}

// Foreign notes n records without an identity.
func (a *Auditor) Foreign(n uint64) { a.foreign += n }

// Broken notes n pieces of the input that could not be read.
func (a *Auditor) Broken(n uint64) { a.broken += n }

func (a *Auditor) stream(id recordid.ID) *stream {
	key := streamID{id.Run, id.Instance}
	if a.last != nil && a.last.id == key {
		return a.last
	}
	s := a.streams[key]
	if s == nil {
		if len(a.streams) >= maxStreams {
			return nil
		}
		s = &stream{id: key, arrived: newSet(a.mem), stats: a.newStats()}
		a.streams[key] = s
	}
	a.last = s
	return s
}

// Progress is what one line about a running audit needs.
type Progress struct {
	Arrived, Duplicates, Damaged, Foreign uint64
}

// Progress returns where the audit stands. It costs little.
func (a *Auditor) Progress() Progress {
	p := Progress{Foreign: a.foreign}
	for _, s := range a.streams {
		p.Arrived += s.arrived.count
		p.Duplicates += s.duplicates
		p.Damaged += s.damaged
	}
	return p
}

// SetLedgers replaces the ledgers, when they have grown.
func (a *Auditor) SetLedgers(l []*ledger.Ledger) { a.ledgers, a.books = l, ledger.Merge(l) }
