// SPDX-License-Identifier: Apache-2.0

// Package audit compares the records that arrived with the ledgers of those that were
// sent. It counts which were lost, duplicated, reordered or damaged.
//
// The normal path is [New] with the senders' ledgers, [Auditor.Take] for each record
// from the pipeline, and [Auditor.Verdict].
//
// # Terms
//
// A stream is one instance of one run. Its records are numbered from 0.
//
//	sent        records that were numbered, as far as is known
//	accepted    records that the host accepted, according to the ledger
//	ingested    records that the engine counted before filters, according to the
//	            ledger
//	arrived     records that arrived, each counted once
//	lost        records that were accepted (without a ledger: numbered) and did not
//	            arrive
//	unknown     records that may or may not have arrived: numbered, but not in the
//	            ledger when it was cut off; or forgotten for lack of memory
//	withheld    records that our receiver acknowledged and discarded on purpose, and
//	            that did not arrive otherwise. Records that it refused without an
//	            acknowledgement, and that were not sent again, are lost
//	shortfall   records that were never generated because they were late, according
//	            to the ledger; they have no numbers
//	refused     records that the host did not accept, according to the ledger
//	duplicates  arrivals of records that had arrived before
//	reordered   first arrivals after a higher number; their distance is the
//	            difference. That of a record that was sent twice on purpose is
//	            unknown: either may have arrived
//	damaged, enriched, unchecked   arrivals in that state, see package recordscan
//	foreign     records without an identity
//
// If nothing arrived and nothing was accepted, nothing was audited: the verdict is not
// clean. Unreadable parts of the input are a fault unless ledgers prove that everything
// arrived.
//
// # Memory
//
// Record numbers are kept in blocks of 65536, as bitmaps or short lists; a complete
// block needs no memory. Beyond Options.Memory, the least recently used blocks are
// reduced to a count. That affects the verdict only if more of their records arrive:
// whether such a record is a duplicate is unknown, and it is counted so. If counts
// alone exceed the limit, as with widely scattered numbers, then records that need
// another block are unknown, and so are the missing ones among them.
//
// The streams with the lowest runs and instances, up to 64, have their own latency
// histogram and timeline, within a quarter of Options.Memory. The others share one.
// Both count every arrival.
//
// # Parts
//
// With Options.Part, [Auditor.Part] returns what was audited as a [Part], a file that
// [Merge] joins with others: its verdict is that of one audit of all their sources. See
// part.go.
package audit

import (
	"time"

	"github.com/gdummy/gdummy/internal/generate/engine"
	"github.com/gdummy/gdummy/internal/prove/ledger"
	"github.com/gdummy/gdummy/internal/prove/recordscan"
	"github.com/gdummy/gdummy/internal/recordid"
)

// DefaultMemory is the default of Options.Memory, in bytes.
const DefaultMemory = 256 << 20

const (
	maxStreams = 10000
	maxJumps   = 4096
	maxRanges  = 1000

	jumpCost = 64 // in bytes, including spare capacity
)

// Options configures an [Auditor].
type Options struct {
	Ledgers []*ledger.Ledger
	Memory  int64 // in bytes; 0 means DefaultMemory

	// Since is the time at which a live audit began, or zero for an audit of files.
	// Runs in ledgers that ended earlier are excluded unless records of them arrive.
	Since time.Time

	// Follows announces that SetLedgers is called while records arrive: those of runs that
	// no ledger has wait for it, see [Auditor.Waiting].
	Follows bool

	// Faults and Seed are those of our receiver; empty without fault injection.
	Faults, Seed string

	// Runs lists the runs to audit. Last selects those that were active when the
	// last one began. Without either, all runs are audited.
	Runs []recordid.Run
	Last bool

	// Part keeps what [Auditor.Part] needs.
	Part bool
}

// Auditor collects the records that arrived. It is not safe for concurrent use.
type Auditor struct {
	o       Options
	ledgers []*ledger.Ledger
	merged  []*ledger.Stream // the streams of all ledgers
	streams map[streamID]*stream
	order   []*stream // in the order of their first arrivals
	last    *stream
	mem     *memoryBudget
	surplus uint64 // number of records in streams beyond maxStreams

	foreign uint64
	broken  uint64

	shared *latencyStats // of the streams without their own; nil if there are none
	own    []*stream     // streams with their own
	maxOwn int           // their maximum number

	refusals refusals

	plans   map[streamID]*engine.Origin // of streams that are out of order on purpose
	known   map[streamID]bool           // whether a ledger has the stream, or is not waited for
	waiting []waiting                   // of streams that are not known yet

	missing []uint64 // shards whose parts are missing

	reloaded map[streamID]time.Time // when Complete first saw that a reload ended the run
}

type streamID struct {
	run      recordid.Run
	instance uint16
}

// stream holds the arrivals of one stream.
type stream struct {
	id      streamID
	arrived *set
	any     bool
	max     uint64
	maxTime int64 // when max was due

	refused []*set // records that our receiver refused, by reason; may be nil
	given   bool   // refused has a record
	top     uint64 // the highest number in refused

	duplicates, undecided, reordered, distance uint64
	damaged, enriched, unchecked               uint64
	due                                        period // of those that arrived
	refusedDue                                 period // of refused

	changes *changes // nil if no record can have been sent broken

	jumps     []jump
	moreJumps bool // there are others
	stats     *latencyStats

	plan     *engine.Origin // nil unless it is out of order on purpose
	repeated uint64         // arrivals of intended repeats

	late *late // nil unless a part is made

	// planSum is the hash of the plan of a stream in a part; below is the distance up
	// to which lags of its parts may be missing.
	planSum, below uint64
}

// period is the moments at which records were due.
type period struct {
	any         bool
	first, last int64
}

func (p *period) add(t int64) {
	if !p.any {
		*p = period{true, t, t}
	}
	p.first, p.last = min(p.first, t), max(p.last, t)
}

func (p *period) merge(o period) {
	if o.any {
		p.add(o.first)
		p.add(o.last)
	}
}

// jump is a gap in the numbers, with the emission times of its neighbours.
type jump struct {
	from, to     uint64
	since, until int64 // since is 0 without an earlier record
}

// New returns an auditor.
func New(o Options) *Auditor {
	if o.Memory <= 0 {
		o.Memory = DefaultMemory
	}
	a := &Auditor{
		o:        o,
		streams:  map[streamID]*stream{},
		mem:      &memoryBudget{limit: o.Memory},
		reloaded: map[streamID]time.Time{},
		plans:    map[streamID]*engine.Origin{},
		known:    map[streamID]bool{},
	}
	a.maxOwn = int(min(maxOwn, o.Memory/4/statsCost))
	a.SetLedgers(o.Ledgers)
	return a
}

// Take adds one record. arrival is its arrival time in nanoseconds since the Unix
// epoch, or 0 if it is unknown.
func (a *Auditor) Take(id recordid.ID, state recordscan.State, arrival int64) {
	if state == recordscan.Foreign {
		a.foreign++
		return
	}
	if a.wait(id, state, arrival) {
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
	s.due.add(id.Time)
	if s.plan != nil {
		s.takeMoved(id, state, arrival)
		return
	}
	s.stats.add(id.Time, arrival)
	if s.changes != nil {
		s.changes.add([]uint64{id.Seq}, state)
	}
	switch s.arrived.add(id.Seq) {
	case present:
		s.duplicates++
	case undecided:
		s.undecided++
	default:
		s.order(id, true)
	}
}

// order tracks the order of arrival for a record that has not arrived before. A record
// has a distance only if it is single: if it was not repeated on purpose.
func (s *stream) order(id recordid.ID, single bool) {
	seq := id.Seq
	switch {
	case !s.any:
		s.any = true
		if seq > 0 {
			s.jump(jump{0, seq - 1, 0, id.Time})
		}
		s.max, s.maxTime = seq, id.Time
	case seq > s.max:
		if seq > s.max+1 {
			s.jump(jump{s.max + 1, seq - 1, s.maxTime, id.Time})
		}
		s.max, s.maxTime = seq, id.Time
	default:
		s.reordered++
		if single {
			s.distance = max(s.distance, s.max-seq)
		}
		if s.late != nil {
			s.late.add(seq, s.max, single)
		}
	}
}

// jump adds a jump unless there are too many.
func (s *stream) jump(j jump) {
	if m := s.arrived.m; len(s.jumps) < maxJumps && m.jumps < m.limit/4 {
		m.used += jumpCost
		m.jumps += jumpCost
		s.jumps = append(s.jumps, j)
		return
	}
	s.moreJumps = true
}

// Foreign adds n records without an identity.
func (a *Auditor) Foreign(n uint64) { a.foreign += n }

// Broken adds n unreadable parts of the input.
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
		s = &stream{id: key, arrived: newSet(a.mem), plan: a.plans[key]}
		if a.o.Part {
			s.late = &late{numbers: newSet(a.mem)}
		}
		a.newStats(s)
		a.streams[key] = s
		a.order = append(a.order, s)
		a.follow(s)
	}
	a.last = s
	return s
}

// Progress holds the counts of a running audit.
type Progress struct {
	Arrived, Duplicates, Damaged, Foreign uint64
}

// Progress returns the counts so far. It is cheap.
func (a *Auditor) Progress() Progress {
	p := Progress{Foreign: a.foreign}
	for _, s := range a.streams {
		p.Arrived += s.arrived.count
		p.Duplicates += s.duplicates
		p.Damaged += s.damaged
	}
	return p
}

// SetLedgers replaces the ledgers. Call it when they have grown.
func (a *Auditor) SetLedgers(l []*ledger.Ledger) {
	a.ledgers, a.merged = l, ledger.Merge(l)
	a.learn()
	a.release(false)
}
