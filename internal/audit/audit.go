// Package audit says what became of records: how many arrived, which were lost,
// and what happened to the others on the way.
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
//	unknown     numbers of which it cannot be said: given out, but not in the
//	            ledger when it was cut off; or forgotten for lack of memory
//	withheld    numbers that our own receiver refused on purpose, and that did
//	            not arrive later
//	refused     numbers that the host did not take, by the ledger
//	duplicates  arrivals of numbers that had arrived before
//	reordered   first arrivals behind a higher number; the distance is how much
//	            higher
//	damaged, enriched, unchecked   arrivals in that state, see package decode
//	foreign     records without an identity
//
// # Memory
//
// Numbers are kept in blocks of 65536 as bit maps, short lists or, when all of a
// block arrived, as nothing. When that is more than Options.Memory, the blocks
// that were not touched for longest keep their count only. That costs exactness
// only if more of their records arrive: whether such a one is new or a duplicate
// is then unknown, and counted there.
package audit

import (
	"fmt"
	"slices"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/gdummy/gdummy/internal/decode"
	"github.com/gdummy/gdummy/internal/ident"
	"github.com/gdummy/gdummy/internal/ledger"
)

// DefaultMemory is what an audit may use, in bytes, unless told otherwise.
const DefaultMemory = 256 << 20

const (
	maxStreams = 10000
	maxJumps   = 4096
	maxRanges  = 1000
	maxLatency = int64(24 * time.Hour)
)

// Options say what is audited.
type Options struct {
	Ledgers []*ledger.Ledger
	Memory  int64 // in bytes; 0 is DefaultMemory
}

// Auditor takes what arrived. It is not for concurrent use.
type Auditor struct {
	ledgers []*ledger.Ledger
	streams map[streamID]*stream
	last    *stream
	mem     *memory
	surplus uint64 // records of streams beyond maxStreams

	foreign uint64
	broken  uint64
	latency *hdrhistogram.Histogram
	early   uint64 // arrived before they were sent
	line    timeline
}

type streamID struct {
	run      ident.Run
	instance uint16
}

// stream is what arrived of one stream.
type stream struct {
	id       streamID
	arrived  *set
	withheld *set
	any      bool
	max      uint64
	maxTime  int64 // of emission of max

	duplicates, undecided, reordered, distance uint64
	damaged, enriched, unchecked               uint64
	firstTime, lastTime                        int64 // of emission

	jumps []jump
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
	return &Auditor{
		ledgers: o.Ledgers,
		streams: map[streamID]*stream{},
		mem:     &memory{limit: o.Memory},
		latency: hdrhistogram.New(1, maxLatency, 3),
	}
}

// Take takes one record. arrival is when it arrived, in nanoseconds since 1970;
// 0 if nobody knows.
func (a *Auditor) Take(id ident.ID, state decode.State, arrival int64) {
	if state == decode.Foreign {
		a.foreign++
		return
	}
	s := a.stream(id)
	if s == nil {
		a.surplus++
		return
	}
	switch state {
	case decode.Damaged:
		s.damaged++
	case decode.Enriched:
		s.enriched++
	case decode.Unchecked:
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
	when, latency := id.Time, int64(-1)
	if arrival != 0 {
		when, latency = arrival, arrival-id.Time
		if latency < 0 {
			a.early++
			latency = 0
		}
		_ = a.latency.RecordValue(min(latency, maxLatency)) // it is within its range
	}
	a.line.add(when, latency)
}

// order notes where a number that has not arrived before stands among the others.
func (s *stream) order(id ident.ID) {
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
		if seq > s.max+1 && len(s.jumps) < maxJumps {
			s.jumps = append(s.jumps, jump{s.max + 1, seq - 1, s.maxTime, id.Time})
		}
		s.max, s.maxTime = seq, id.Time
	default:
		s.reordered++
		s.distance = max(s.distance, s.max-seq)
	}
	s.firstTime, s.lastTime = min(s.firstTime, id.Time), max(s.lastTime, id.Time)
}

// Withhold notes a record that our own receiver refused on purpose.
func (a *Auditor) Withhold(id ident.ID) {
	if s := a.stream(id); s != nil {
		if s.withheld == nil {
			s.withheld = newSet(a.mem)
		}
		s.withheld.add(id.Seq)
	}
}

// Foreign notes n records without an identity.
func (a *Auditor) Foreign(n uint64) { a.foreign += n }

// Broken notes n pieces of the input that could not be read.
func (a *Auditor) Broken(n uint64) { a.broken += n }

func (a *Auditor) stream(id ident.ID) *stream {
	key := streamID{id.Run, id.Instance}
	if a.last != nil && a.last.id == key {
		return a.last
	}
	s := a.streams[key]
	if s == nil {
		if len(a.streams) >= maxStreams {
			return nil
		}
		s = &stream{id: key, arrived: newSet(a.mem)}
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
func (a *Auditor) SetLedgers(l []*ledger.Ledger) { a.ledgers = l }

// Complete says whether all ledgers have come to an orderly end, and all that
// was accepted has arrived or was withheld.
func (a *Auditor) Complete() bool {
	n := 0
	for _, l := range a.ledgers {
		for _, ls := range l.Streams {
			if ls.Closed.IsZero() {
				return false
			}
			n++
			accepted := uint64(0)
			for _, e := range ls.Accepted {
				accepted += e.Len()
			}
			s := a.streams[streamID{ls.Run, ls.Instance}]
			switch {
			case accepted == 0:
			case s == nil:
				return false
			case s.arrived.count < accepted && s.withheld == nil:
				return false
			default:
				missing := a.tally(s, ls)
				if missing.Lost > 0 {
					return false
				}
			}
		}
	}
	return n > 0
}

// Counts are the numbers of a verdict; the package comment says what they are.
type Counts struct {
	Sent       uint64 `json:"sent"`
	Accepted   uint64 `json:"accepted"`
	Ingested   uint64 `json:"ingested"`
	Arrived    uint64 `json:"arrived"`
	Lost       uint64 `json:"lost"`
	Duplicates uint64 `json:"duplicates"`
	Reordered  uint64 `json:"reordered"`
	Damaged    uint64 `json:"damaged"`
	Enriched   uint64 `json:"enriched"`
	Foreign    uint64 `json:"foreign"`
	Unknown    uint64 `json:"unknown"`

	Unchecked uint64 `json:"unchecked"`
	Withheld  uint64 `json:"withheld"`
	Refused   uint64 `json:"refused"`
	Shortfall uint64 `json:"shortfall"`
	Broken    uint64 `json:"broken"`

	// Distance is the largest of a record that was reordered.
	Distance uint64 `json:"max_distance"`
}

func (c *Counts) add(o Counts) {
	c.Sent += o.Sent
	c.Accepted += o.Accepted
	c.Ingested += o.Ingested
	c.Arrived += o.Arrived
	c.Lost += o.Lost
	c.Duplicates += o.Duplicates
	c.Reordered += o.Reordered
	c.Damaged += o.Damaged
	c.Enriched += o.Enriched
	c.Foreign += o.Foreign
	c.Unknown += o.Unknown
	c.Unchecked += o.Unchecked
	c.Withheld += o.Withheld
	c.Refused += o.Refused
	c.Shortfall += o.Shortfall
	c.Broken += o.Broken
	c.Distance = max(c.Distance, o.Distance)
}

// Loss is a range of records that were lost, or of which it is unknown.
type Loss struct {
	From  uint64 `json:"from"`
	To    uint64 `json:"to"` // included
	Count uint64 `json:"count"`

	// Since and Until enclose when they were sent; zero if nobody knows.
	Since time.Time `json:"since,omitzero"`
	Until time.Time `json:"until,omitzero"`
}

// Stream is the verdict on one instance in one run.
type Stream struct {
	Run      string `json:"run"`
	Instance uint16 `json:"instance"`
	Name     string `json:"name,omitempty"` // from the ledger
	Ledger   bool   `json:"ledger"`         // there is one
	Closed   bool   `json:"closed"`         // and it came to an orderly end
	Counts

	First time.Time `json:"first,omitzero"` // times of emission of what arrived
	Last  time.Time `json:"last,omitzero"`

	LostRanges    []Loss  `json:"lost_ranges,omitempty"` // the first 1000
	UnknownRanges []Loss  `json:"unknown_ranges,omitempty"`
	inexact       bool    // for lack of memory
	MoreRanges    uint64  `json:"more_ranges,omitempty"` // that are not listed
	Events        []Event `json:"events,omitempty"`
}

// Event is something that the ledger noted: a pause, a reload, an end.
type Event struct {
	Time time.Time `json:"time"`
	Word string    `json:"word"`
	Name string    `json:"name,omitempty"` // of the instance
}

// Latency is how long records took from emission to arrival, in nanoseconds.
type Latency struct {
	Count int64        `json:"count"`
	Mean  float64      `json:"mean"`
	Max   int64        `json:"max"`
	At    []Percentile `json:"percentiles"`
	Early uint64       `json:"early"` // records that arrived before they were sent: the clocks differ
}

// Percentile is one point of a distribution.
type Percentile struct {
	Percent float64 `json:"percent"`
	Value   int64   `json:"value"`
}

// Percents are the points at which the latency is given.
var percents = []float64{50, 75, 90, 95, 99, 99.9, 99.99}

// P returns the latency at a percentile of the list, in nanoseconds.
func (l *Latency) P(percent float64) int64 {
	for _, p := range l.At {
		if p.Percent == percent {
			return p.Value
		}
	}
	return 0
}

// Verdict is what can be said.
type Verdict struct {
	Counts
	Exact    bool     `json:"exact"` // nothing was forgotten that mattered
	Notes    []string `json:"notes,omitempty"`
	Streams  []Stream `json:"streams"`
	Latency  *Latency `json:"latency,omitempty"` // nil if arrivals have no times
	Timeline Timeline `json:"timeline"`
}

// Verdict says what can be said now. More may be taken after it.
func (a *Auditor) Verdict() *Verdict {
	v := &Verdict{Exact: true, Timeline: a.line.export()}
	book := map[streamID]*ledger.Stream{}
	var order []streamID
	for _, l := range a.ledgers {
		if l.Bad > 0 {
			v.note("%d lines of a ledger could not be read; what they said is unknown", l.Bad)
		}
		for _, ls := range l.Streams {
			id := streamID{ls.Run, ls.Instance}
			if book[id] == nil {
				order = append(order, id)
				book[id] = ls
			}
		}
	}
	var others []streamID
	for id := range a.streams {
		if book[id] == nil {
			others = append(others, id)
		}
	}
	slices.SortFunc(others, func(x, y streamID) int {
		if d := a.streams[x].firstTime - a.streams[y].firstTime; d != 0 {
			return int(max(min(d, 1), -1))
		}
		if x.run != y.run {
			if x.run < y.run {
				return -1
			}
			return 1
		}
		return int(x.instance) - int(y.instance)
	})
	for _, id := range append(order, others...) {
		s := a.streams[id]
		if s == nil {
			s = &stream{id: id, arrived: newSet(&memory{limit: 1 << 20})}
		}
		st := a.tally(s, book[id])
		v.add(st.Counts)
		v.Exact = v.Exact && !st.inexact
		switch {
		case !st.Ledger && len(a.ledgers) > 0:
			v.note("run %s, instance %d is in no ledger: what it lost at its end cannot be known", st.Run, st.Instance)
		case !st.Ledger:
			v.note("run %s, instance %d has no ledger: what it lost at its end cannot be known", st.Run, st.Instance)
		case !st.Closed:
			v.note("the ledger of run %s, instance %d has no orderly end: what was sent after its last line is unknown", st.Run, st.Instance)
		}
		v.Streams = append(v.Streams, st)
	}
	v.Foreign += a.foreign
	for _, id := range order {
		if book[id].Place == "metadata" && v.Arrived == 0 && v.Foreign > 0 {
			v.note("identities were sent in the metadata, and none of the records has one: this output does not write metadata (audit_in body helps)")
			break
		}
	}
	v.Broken += a.broken
	v.Unknown += a.surplus
	if a.surplus > 0 {
		v.Exact = false
		v.note("there were more than %d runs; %d records of others are counted as unknown", maxStreams, a.surplus)
	}
	if !v.Exact {
		v.note("memory was short: records that came very late could not be told from duplicates and are counted as unknown; more --memory gives an exact verdict")
	}
	if n := a.latency.TotalCount(); n > 0 {
		l := &Latency{Count: n, Mean: a.latency.Mean(), Max: a.latency.Max(), Early: a.early}
		for _, p := range percents {
			l.At = append(l.At, Percentile{p, min(a.latency.ValueAtQuantile(p), l.Max)})
		}
		v.Latency = l
	}
	if a.early > 0 {
		v.note("%d records arrived before they were sent: the clocks differ, or one was set", a.early)
	}
	return v
}

func (v *Verdict) note(format string, args ...any) {
	if len(v.Notes) < 50 {
		v.Notes = append(v.Notes, fmt.Sprintf(format, args...))
	}
}

// tally compares what arrived of a stream with what the ledger says; ls is nil
// if there is none.
func (a *Auditor) tally(s *stream, ls *ledger.Stream) Stream {
	st := Stream{
		Run: s.id.run.String(), Instance: s.id.instance,
		Counts: Counts{
			Arrived: s.arrived.count, Duplicates: s.duplicates, Unknown: s.undecided,
			Reordered: s.reordered, Distance: s.distance,
			Damaged: s.damaged, Enriched: s.enriched, Unchecked: s.unchecked,
		},
	}
	st.inexact = s.undecided > 0
	if s.any {
		st.First, st.Last = time.Unix(0, s.firstTime).UTC(), time.Unix(0, s.lastTime).UTC()
		st.Sent = s.max + 1
	}
	t := tallying{s: s, st: &st}
	if ls == nil {
		if s.any {
			t.missing(0, s.max, t.lost)
		}
		return st
	}
	st.Ledger, st.Closed, st.Name = true, !ls.Closed.IsZero(), ls.Name
	st.Ingested, st.Shortfall = ls.Ingested, ls.Shortfall
	for _, e := range ls.Events {
		st.Events = append(st.Events, Event{e.Time, e.Word, ls.Name})
	}
	for _, r := range ls.Refused {
		st.Refused += r.Len()
	}
	t.book = ls.Accepted
	next := uint64(0) // what the ledger has been looked at up to
	refused := ls.Refused
	between := func(to uint64) { // next..to-1 were not accepted
		for next < to {
			if len(refused) > 0 && refused[0].To < next {
				refused = refused[1:]
				continue
			}
			end := to
			if len(refused) > 0 && refused[0].From < to {
				if refused[0].From <= next {
					next = min(refused[0].To+1, to)
					continue
				}
				end = refused[0].From
			}
			t.missing(next, end-1, t.unknown)
			next = end
		}
	}
	for i := 0; i < len(ls.Accepted); i++ {
		r := ls.Accepted[i].Range
		for i+1 < len(ls.Accepted) && ls.Accepted[i+1].From <= r.To+1 {
			i++
			r.To = max(r.To, ls.Accepted[i].To)
		}
		between(r.From)
		st.Accepted += r.Len()
		t.missing(r.From, r.To, t.lost)
		next = r.To + 1
	}
	end := ls.Next()
	between(end)
	st.Sent = max(st.Sent, end)
	if s.any && s.max >= end {
		t.missing(end, s.max, t.unknown)
	}
	return st
}

// tallying adds up what is missing.
type tallying struct {
	s    *stream
	st   *Stream
	book []ledger.Entry
}

// missing gives f what did not arrive of from..to, without what was withheld.
func (t *tallying) missing(from, to uint64, f func(gap)) {
	t.s.arrived.missing(from, to, func(g gap) {
		if t.s.withheld == nil || t.s.withheld.count == 0 {
			f(g)
			return
		}
		rest := uint64(0)
		t.s.withheld.missing(g.from, g.to, func(h gap) {
			if g.missing == g.to-g.from+1 {
				f(h)
				rest += h.missing
			}
		})
		if g.missing == g.to-g.from+1 {
			t.st.Withheld += g.missing - rest
			return
		}
		f(g)
	})
}

// lost counts a gap as lost, as far as that is certain; what may have arrived
// late is counted as unknown already.
func (t *tallying) lost(g gap) {
	if g.vague {
		t.unknown(g)
		return
	}
	t.st.Lost += g.missing - g.late
	if g.missing > g.late {
		t.list(&t.st.LostRanges, g, g.missing-g.late)
	}
}

func (t *tallying) unknown(g gap) {
	t.st.inexact = t.st.inexact || g.vague
	t.st.Unknown += g.missing - g.late
	if g.missing > g.late {
		t.list(&t.st.UnknownRanges, g, g.missing-g.late)
	}
}

// list adds a range to a list, or to the range before if they touch.
func (t *tallying) list(to *[]Loss, g gap, count uint64) {
	since, until := t.when(g.from, g.to)
	if n := len(*to); n > 0 && (*to)[n-1].To+1 == g.from {
		l := &(*to)[n-1]
		l.To, l.Count = g.to, l.Count+count
		if !until.IsZero() {
			l.Until = until
		}
		return
	}
	if len(*to) >= maxRanges {
		t.st.MoreRanges++
		return
	}
	*to = append(*to, Loss{From: g.from, To: g.to, Count: count, Since: since, Until: until})
}

// when says when records were sent: by the ledger, whose lines hold the times of
// their first and last record, or by the records around the gap.
func (t *tallying) when(from, to uint64) (since, until time.Time) {
	for _, j := range t.jumpsAt(from) {
		if j.from <= from && to <= j.to {
			until = time.Unix(0, j.until).UTC()
			if j.since != 0 {
				since = time.Unix(0, j.since).UTC()
			}
		}
	}
	i, found := slices.BinarySearchFunc(t.book, from, func(e ledger.Entry, v uint64) int {
		switch {
		case e.To < v:
			return -1
		case e.From > v:
			return 1
		}
		return 0
	})
	if !found {
		return since, until
	}
	bySince, byUntil := at(t.book[i], from), at(t.book[i], min(to, t.book[i].To))
	for i < len(t.book) && t.book[i].From <= to {
		byUntil = at(t.book[i], min(to, t.book[i].To))
		i++
	}
	if since.IsZero() || until.Sub(since) > byUntil.Sub(bySince)+2*time.Second {
		return bySince, byUntil
	}
	return since, until
}

// jumpsAt returns the jump that has from in it, if it is known.
func (t *tallying) jumpsAt(from uint64) []jump {
	i, found := slices.BinarySearchFunc(t.s.jumps, from, func(j jump, v uint64) int {
		switch {
		case j.to < v:
			return -1
		case j.from > v:
			return 1
		}
		return 0
	})
	if !found {
		return nil
	}
	return t.s.jumps[i : i+1]
}

// at is when a record of an entry was sent, if they were sent evenly.
func at(e ledger.Entry, seq uint64) time.Time {
	span := e.Until.Sub(e.Since)
	return e.Since.Add(time.Duration(float64(span) * float64(seq-e.From) / float64(e.Len())))
}
