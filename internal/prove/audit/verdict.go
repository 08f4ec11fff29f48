// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gdummy/gdummy/internal/prove/ledger"
)

// Counts holds the counts of a verdict. The package comment defines them.
type Counts struct {
	Sent       uint64 `json:"sent"`
	Accepted   Booked `json:"accepted,omitzero"`
	Ingested   Booked `json:"ingested,omitzero"`
	Arrived    uint64 `json:"arrived"`
	Lost       uint64 `json:"lost"`
	Duplicates uint64 `json:"duplicates"`
	Repeated   uint64 `json:"repeated"` // arrivals of intended repeats
	Reordered  uint64 `json:"reordered"`
	Damaged    uint64 `json:"damaged"`
	Enriched   uint64 `json:"enriched"`
	Foreign    uint64 `json:"foreign"`
	Unknown    uint64 `json:"unknown"`

	Unchecked uint64 `json:"unchecked"`
	Withheld  uint64 `json:"withheld"`
	Refused   Booked `json:"refused,omitzero"`
	Shortfall Booked `json:"shortfall,omitzero"`
	Unsent    Booked `json:"unsent,omitzero"`
	Broken    uint64 `json:"broken"`

	// ByReceiver counts the lost records that our receiver refused.
	ByReceiver uint64 `json:"lost_by_receiver"`

	// Distance is the largest distance of a reordered record.
	Distance uint64 `json:"max_distance"`
}

// Booked is a count that only a ledger has. The zero value means unknown.
type Booked struct {
	N     uint64 // 0 if unknown
	Known bool
}

// Known returns a known count.
func Known(n uint64) Booked { return Booked{n, true} }

// add adds another count. Unknown counts are ignored.
func (b *Booked) add(o Booked) { b.N, b.Known = b.N+o.N, b.Known || o.Known }

// IsZero reports whether the count is unknown. JSON omits it then.
func (b Booked) IsZero() bool { return !b.Known }

// MarshalJSON implements json.Marshaler.
func (b Booked) MarshalJSON() ([]byte, error) { return strconv.AppendUint(nil, b.N, 10), nil }

// String returns the count with commas, or "-" if it is unknown.
func (b Booked) String() string {
	if !b.Known {
		return "-"
	}
	return Grouped(b.N)
}

func (c *Counts) add(o Counts) {
	c.Sent += o.Sent
	c.Accepted.add(o.Accepted)
	c.Ingested.add(o.Ingested)
	c.Arrived += o.Arrived
	c.Lost += o.Lost
	c.Duplicates += o.Duplicates
	c.Repeated += o.Repeated
	c.Reordered += o.Reordered
	c.Damaged += o.Damaged
	c.Enriched += o.Enriched
	c.Foreign += o.Foreign
	c.Unknown += o.Unknown
	c.Unchecked += o.Unchecked
	c.Withheld += o.Withheld
	c.Refused.add(o.Refused)
	c.Shortfall.add(o.Shortfall)
	c.Unsent.add(o.Unsent)
	c.Broken += o.Broken
	c.ByReceiver += o.ByReceiver
	c.Distance = max(c.Distance, o.Distance)
}

// Column is a column of a table of counts.
type Column struct {
	Name   string
	Get    func(*Counts) Booked
	Always bool // show the column even if all its counts are 0
	Fault  bool // a count above the limit is a fault
}

// Columns returns the columns of a table of counts in their order.
func Columns() []Column {
	return []Column{
		{"sent", func(c *Counts) Booked { return Known(c.Sent) }, true, false},
		{"accepted", func(c *Counts) Booked { return c.Accepted }, true, false},
		{"ingested", func(c *Counts) Booked { return c.Ingested }, false, false},
		{"arrived", func(c *Counts) Booked { return Known(c.Arrived) }, true, false},
		{"lost", func(c *Counts) Booked { return Known(c.Lost) }, true, true},
		{"by receiver", func(c *Counts) Booked { return Known(c.ByReceiver) }, false, true},
		{"duplicates", func(c *Counts) Booked { return Known(c.Duplicates) }, true, true},
		{"repeated", func(c *Counts) Booked { return Known(c.Repeated) }, false, false},
		{"reordered", func(c *Counts) Booked { return Known(c.Reordered) }, true, false},
		{"damaged", func(c *Counts) Booked { return Known(c.Damaged) }, true, true},
		{"enriched", func(c *Counts) Booked { return Known(c.Enriched) }, false, false},
		{"unchecked", func(c *Counts) Booked { return Known(c.Unchecked) }, false, false},
		{"withheld", func(c *Counts) Booked { return Known(c.Withheld) }, false, true},
		{"refused", func(c *Counts) Booked { return c.Refused }, false, false},
		{"shortfall", func(c *Counts) Booked { return c.Shortfall }, false, true},
		{"unsent", func(c *Counts) Booked { return c.Unsent }, false, false},
		{"unknown", func(c *Counts) Booked { return Known(c.Unknown) }, true, false},
	}
}

// Loss is a range of records that are lost or unknown.
type Loss struct {
	From  uint64 `json:"from"`
	To    uint64 `json:"to"` // included
	Count uint64 `json:"count"`

	// Since and Until enclose the time of sending; zero if unknown.
	Since time.Time `json:"since,omitzero"`
	Until time.Time `json:"until,omitzero"`
}

// Stream is the verdict on one instance in one run.
type Stream struct {
	Run      string `json:"run"`
	Instance uint16 `json:"instance"`
	Name     string `json:"name,omitempty"` // from the ledger
	Ledger   bool   `json:"ledger"`         // there is a ledger
	Closed   bool   `json:"closed"`         // the ledger has a close line

	// StoppedEarly reports that the run was stopped before its end, and no other run
	// completed it.
	StoppedEarly bool `json:"stopped_early,omitempty"`
	Counts

	First time.Time `json:"first,omitzero"` // earliest moment at which an arrived record was due; Last, latest
	Last  time.Time `json:"last,omitzero"`

	LostRanges    []Loss  `json:"lost_ranges,omitempty"` // the first 1000
	UnknownRanges []Loss  `json:"unknown_ranges,omitempty"`
	inexact       bool    // for lack of memory, or unplanned
	unplanned     bool    // see stream.unplanned
	MoreRanges    uint64  `json:"more_ranges,omitempty"` // number of ranges that are not listed
	Events        []Event `json:"events,omitempty"`

	// BrokenRecords are those that were sent broken on purpose; nil if there are none.
	BrokenRecords *BrokenRecords `json:"broken_records,omitempty"`

	// Latency and Timeline are those of this stream; nil if it has none of its own.
	Latency  *Latency  `json:"latency,omitempty"`
	Timeline *Timeline `json:"timeline,omitempty"`
}

// Event is an event in a ledger: open, pause, resume, reload, control or close.
type Event struct {
	Time time.Time `json:"time"`
	Word string    `json:"word"`
	Name string    `json:"name,omitempty"` // of the instance

	// Change is the change of the pace of a control; nil for other events.
	Change *ledger.Change `json:"change,omitempty"`
}

// Verdict is the result of an audit.
type Verdict struct {
	Counts
	Exact         bool     `json:"exact"`   // no count is affected by a lack of memory
	Unclosed      int      `json:"cut_off"` // number of streams whose ledger has no close line
	unfinished    int      // those of Unclosed that no other run completed
	WithoutLedger int      `json:"without_ledger"` // number of streams without a ledger
	Notes         []string `json:"notes,omitempty"`
	Streams       []Stream `json:"streams"`
	Other         uint64   `json:"other"`             // arrivals of runs that were not requested
	Latency       *Latency `json:"latency,omitempty"` // nil if no arrival time is known
	Timeline      Timeline `json:"timeline"`

	// BrokenRecords are those that were sent broken on purpose; nil if there are none.
	BrokenRecords *BrokenRecords `json:"broken_records,omitempty"`

	// MissingShards are those whose parts are missing in a merge.
	MissingShards []uint64 `json:"missing_shards,omitempty"`

	// NoLedgerOf lists the shards without a ledger, of streams whose other shards have one.
	// The caller sets it, if it expects all of them.
	NoLedgerOf []string `json:"no_ledger_of,omitempty"`

	Receiver *Receiver `json:"receiver,omitempty"` // nil if it has no faults and refused nothing
}

// Verdict returns the verdict on the records so far. More may be added after it.
func (a *Auditor) Verdict() *Verdict {
	a.release(true)
	v := &Verdict{Exact: true, Streams: []Stream{}}
	sel := a.selection()
	receiver := &Receiver{Faults: a.o.Faults, Seed: a.o.Seed, Refused: slices.Clone(a.refusals)}
	v.noteLedgers(a.ledgers)
	total := a.addStreams(v, &sel, receiver)
	if receiver.Faults != "" || len(receiver.Refused) > 0 {
		v.Receiver = receiver
		v.noteRefusals()
	}
	v.Foreign += a.foreign
	v.Broken += a.broken
	v.Unknown += a.surplus
	v.Exact = v.Exact && a.surplus == 0
	v.Other, v.MissingShards = sel.other, a.missing
	v.Timeline, v.Latency = total.line.export(), total.export()
	v.noteIdentities(&sel)
	v.noteOld(sel.old)
	if len(a.o.Runs) == 0 && !a.o.Last {
		v.noteElsewhere()
	}
	a.noteLimits(v)
	v.noteTimes(total)
	return v
}

// addStreams adds the selected streams and returns their combined statistics.
func (a *Auditor) addStreams(v *Verdict, sel *selection, receiver *Receiver) *latencyStats {
	total := new(latencyStats)
	if a.shared != nil {
		total.merge(a.shared)
	}
	for _, id := range sel.order {
		s, ls := a.streams[id], sel.ledger[id]
		if s == nil {
			none := &memoryBudget{limit: 1 << 20}
			s = &stream{id: id, arrived: newSet(none), changes: newChanges(none)}
		}
		st := a.tally(s, ls, receiver)
		switch {
		case ls == nil:
		case ls.AtEnd():
			st.Unsent = Known(0)
		case sel.completed(ls):
		case ls.StoppedEarly():
			st.StoppedEarly, st.Unsent = true, Booked{ls.Unsent.N, ls.Unsent.Known}
		case !st.Closed:
			v.unfinished++
		}
		if c := s.stats; c != nil && c != a.shared && c.taken > 0 {
			total.merge(c)
			line := c.line.export()
			st.Latency, st.Timeline = c.export(), &line
		}
		v.add(st.Counts)
		v.addBroken(st.BrokenRecords)
		v.Exact = v.Exact && !st.inexact
		if st.unplanned {
			v.note("run %s, instance %d: sent out of order on purpose, and records arrived before its ledger could be read: its counts are not exact; audit what an output has written", st.Run, st.Instance)
		}
		v.noteEnd(&st, ls, len(a.ledgers) > 0)
		v.noteDisorder(&st, ls)
		v.noteControl(&st, ls)
		v.noteDistance(&st, s)
		v.Streams = append(v.Streams, st)
	}
	return total
}

// noteLedgers adds a note for each ledger with unreadable lines.
func (v *Verdict) noteLedgers(ledgers []*ledger.Ledger) {
	for _, l := range ledgers {
		if l.Bad > 0 {
			v.note("%d lines of a ledger could not be read; their content is unknown", l.Bad)
		}
	}
}

// noteEnd counts a stream whose end is unknown, and adds a note. ls is nil without a
// ledger; others reports whether other streams have ledgers.
func (v *Verdict) noteEnd(st *Stream, ls *ledger.Stream, others bool) {
	shard := ""
	if ls != nil && ls.Open["shard"] != "" && ls.Open["shard"] != "0/1" {
		shard = ", shard " + ls.Open["shard"]
	}
	switch {
	case ls == nil && others:
		v.WithoutLedger++
		v.note("run %s, instance %d is in no ledger: losses at its end cannot be detected", st.Run, st.Instance)
	case ls == nil:
		v.WithoutLedger++
		v.note("run %s, instance %d has no ledger: losses at its end cannot be detected", st.Run, st.Instance)
	case !st.Closed:
		v.Unclosed++
		v.note("the ledger of run %s, instance %d%s has no close line: records sent after its last line are unknown", st.Run, st.Instance, shard)
	case st.StoppedEarly && st.Unsent.Known:
		v.note("run %s, instance %d%s was stopped before its end: %s records were still to be sent", st.Run, st.Instance, shard, st.Unsent)
	case st.StoppedEarly:
		v.note("run %s, instance %d%s was stopped before its end", st.Run, st.Instance, shard)
	}
	if ls != nil && st.Closed && !ls.Whole() {
		v.note("the ledger of run %s, instance %d lacks lines: the close line counts %s accepted records, the other lines %s", st.Run, st.Instance, Grouped(ls.End.Accepted), st.Accepted)
	}
}

// noteDistance adds a note if the largest distance of a merged stream is not exact.
func (v *Verdict) noteDistance(st *Stream, s *stream) {
	if st.Distance < s.below {
		v.note("the parts have too many reordered records of run %s, instance %d: the largest distance is from %s to %s", st.Run, st.Instance, Grouped(st.Distance), Grouped(s.below))
	}
}

// noteIdentities adds a note if the pipeline seems to have removed the identities.
func (v *Verdict) noteIdentities(sel *selection) {
	if v.Arrived > 0 || v.Foreign == 0 || len(sel.ledger) == 0 {
		return
	}
	v.note("no record that arrived has an identity: if they are the records of the ledger, something in the pipeline removed it, and losses cannot be determined")
	for _, ls := range sel.ledger {
		if ls.Place == "metadata" {
			v.note("identities were sent in the metadata, and no record has one: this output does not write metadata (use audit_in body or, for forward before 5.1, retain_metadata_in_forward_mode on)")
			return
		}
	}
}

// noteLimits adds a note for each kind of records that are not counted exactly.
func (a *Auditor) noteLimits(v *Verdict) {
	if v.Other > 0 {
		v.note("%d records of runs that were not requested are not counted", v.Other)
		if a.shared != nil {
			v.note("too many runs for latency and throughput of each: the total includes runs that were not requested")
		}
	}
	if a.surplus > 0 {
		v.note("more than %d runs: %d records of the others are counted as unknown", maxStreams, a.surplus)
	}
	if !v.Exact {
		v.note("not enough memory: records that arrived very late could not be distinguished from duplicates and are counted as unknown; a larger --memory gives an exact verdict")
	}
	if n := len(a.streams) - len(a.own); n > 0 {
		v.note("%d of %d runs and instances have latency and throughput only in the total: %d have their own; a larger --memory allows up to %d", n, len(a.streams), len(a.own), maxOwn)
	}
}

// noteTimes adds notes about records that the latency does not represent.
func (v *Verdict) noteTimes(total *latencyStats) {
	if total.early > 0 {
		v.note("%d records arrived before they were sent: the clocks differ, or one was set", total.early)
	}
	if total.timed > 0 && total.timed < total.taken {
		v.note("%d of %d records carry no arrival time; the latency is that of the others", total.taken-total.timed, total.taken)
	}
}

// noteRefusals adds a note about requests that our receiver did not read completely.
func (v *Verdict) noteRefusals() {
	switch n := v.Receiver.partly(); {
	case n == 1:
		v.note("the receiver refused a request or a connection before reading all of it: records in the rest are not counted as refused")
	case n > 1:
		v.note("the receiver refused %s requests or connections before reading all of them: records in the rest are not counted as refused", Grouped(n))
	}
}

// byReceiver describes how many of the lost records our receiver refused, and why.
func (v *Verdict) byReceiver() string {
	if v.ByReceiver == 0 {
		return ""
	}
	what := Grouped(v.ByReceiver)
	switch {
	case v.ByReceiver == v.Lost && v.Lost > 1:
		what = "all"
	case v.ByReceiver < v.Lost && v.Receiver.AtLeast:
		what = "at least " + what
	}
	var why []string
	for _, r := range v.Receiver.Refused {
		if r.Lost > 0 {
			why = append(why, fmt.Sprintf("%s for %s", Grouped(r.Lost), r.Why))
		}
	}
	if len(why) == 1 {
		_, only, _ := strings.Cut(why[0], " ")
		why[0] = only
	}
	return fmt.Sprintf("the receiver refused %s of the lost, %s", what, strings.Join(why, ", "))
}

// noteElsewhere adds a note about runs that are lost entirely while others arrived.
// Their output may not be among the sources, as when a ledger is reused and the output
// is not.
func (v *Verdict) noteElsewhere() {
	n, run := 0, ""
	for _, st := range v.Streams {
		if st.Ledger && st.Arrived == 0 && st.Lost > 0 {
			n, run = n+1, st.Run
		}
	}
	switch {
	case n == 0 || v.Arrived == 0:
	case n == 1:
		v.note("no record of run %s arrived; if they went elsewhere, exclude the run with --run last, or with --run ID for each run to include", run)
	default:
		v.note("no record of %d runs arrived; if they went elsewhere, exclude the runs with --run last, or with --run ID for each run to include", n)
	}
}

// noteOld adds a note about runs that ended before the audit began.
func (v *Verdict) noteOld(old []*ledger.Stream) {
	const named = 3
	var names []string
	for _, ls := range old {
		if len(names) == named {
			names = append(names, "...")
			break
		}
		names = append(names, ls.Run.String())
	}
	if n := len(old); n == 1 {
		v.note("a run of the ledgers ended before this audit began, and none of its records arrived: it is excluded (--run %s includes it)", names[0])
	} else if n > 1 {
		v.note("%d runs of the ledgers ended before this audit began, and none of their records arrived: they are excluded (--run ID includes one): %s", n, strings.Join(names, ", "))
	}
}

func (v *Verdict) note(format string, args ...any) {
	if len(v.Notes) < 50 {
		v.Notes = append(v.Notes, fmt.Sprintf(format, args...))
	}
}
