// SPDX-License-Identifier: Apache-2.0

// Package ledger records which records the host accepted from a generator. It lets
// an audit distinguish losses at the end from an early stop.
//
// The normal path is [Open], then [Writer.Accepted] for every slice that the host
// accepted and frequent calls of [Writer.Tick], which writes a line per interval.
// [Writer.Close] completes the ledger. [Read] reads a ledger in any state, including
// that after a crash.
//
// # The file
//
// A ledger is a text file to which lines are only appended. Several instances and
// runs may share one file. Each line is
//
//	TIME WORD run=RUN instance=N NAME=VALUE ... #SUM
//
// TIME is RFC 3339 in UTC. SUM is the CRC-32C, in hexadecimal, of the text before
// " #". The words are
//
//	open       name, key and place of the identity (body or metadata), version,
//	           and what the records depend on: see engine.Origin
//	accepted   records from=A to=B, generated after since=TIME and before TIME;
//	           the totals ingested, unless unknown, and shortfall
//	refused    records from=A to=B, which the host did not accept
//	pause, resume, reload
//	control    from record=K on the pace is that of state, when scheduled records were due
//	close      totals at an orderly end, and unsent, if the run has an end of its own: how
//	           many records were still to be sent, or unknown
//
// The number of lines grows with time, not with records. A line that is incomplete or
// has a wrong checksum is ignored: its records are unknown. Files may be rotated:
// [Merge] joins the parts of a stream from several of them.
package ledger

import (
	"hash/crc32"
	"slices"
	"time"

	"github.com/gdummy/gdummy/internal/recordid"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// The words of lines.
const (
	wordOpen     = "open"
	wordAccepted = "accepted"
	wordRefused  = "refused"
	wordClose    = "close"
	wordControl  = "control"

	// Pause, Resume and Reload are the words of [Writer.Note].
	Pause  = "pause"
	Resume = "resume"
	Reload = "reload"

	unknown = "unknown" // the value of unsent
)

// DefaultInterval is how often a line is written, and DefaultSync how often the
// file is synced to its disk.
const (
	DefaultInterval = time.Second
	DefaultSync     = 5 * time.Second
)

// Range is a run of records, both ends included.
type Range struct {
	From, To uint64
}

// Len returns how many records a range has.
func (r Range) Len() uint64 { return r.To - r.From + 1 }

// Entry is a range of records and the period in which they were generated.
type Entry struct {
	Range
	Since, Until time.Time
}

// Event is a pause, a resume, a reload, a control, an open or a close.
type Event struct {
	Time   time.Time
	Word   string
	Change *Change // of a control, or nil
}

// Change is a change of the pace by the option control, see engine.Change.
type Change struct {
	Record    uint64 `json:"record"`    // the first record that was emitted after it, from 0
	Scheduled uint64 `json:"scheduled"` // records that were due by then since the start
	State     string `json:"state"`     // what is in force since then, in the words of a control file
}

// maxState is the maximum size of a state, in bytes. A longer one is cut.
const maxState = maxLine / 4

// Stream is the contents of a ledger for one instance in one run.
type Stream struct {
	Run            recordid.Run
	Instance       uint16
	Name, Key      string
	Place          string            // of the identity: body or metadata
	Open           map[string]string // all fields of the line open; nil without one
	Opened, Closed time.Time         // times of the lines open and close; zero without one
	First, Last    time.Time         // times of the first and the last line

	Accepted  []Entry // ascending
	Refused   []Range // ascending, with gaps between them
	Ingested  uint64
	Counted   bool // Ingested is known
	Shortfall uint64
	Events    []Event

	// End holds the totals of the line close, and Unsent what else it has; zero without one.
	End    Totals
	Unsent Unsent
}

// Unsent is the number of records that were still to be sent when a run was closed: 0 if
// it reached its end. The zero value is that of a run that has no end, for lack of
// option duration and the like.
type Unsent struct {
	Ends  bool   // the run has an end
	Known bool   // N is known
	N     uint64 // records, 0 if unknown
}

// Totals counts the records that the host accepted and refused.
type Totals struct {
	Accepted, Refused uint64
}

// Next returns the number that follows the last record in the ledger.
func (s *Stream) Next() uint64 {
	next := uint64(0)
	if n := len(s.Accepted); n > 0 {
		next = s.Accepted[n-1].To + 1
	}
	if n := len(s.Refused); n > 0 {
		next = max(next, s.Refused[n-1].To+1)
	}
	return next
}

// Given returns how many records were numbered according to the ledger: those before
// Next, or more if the totals of the line close include lines that are missing.
func (s *Stream) Given() uint64 { return max(s.Next(), s.End.Accepted+s.End.Refused) }

// Listed counts the records in the ranges.
func (s *Stream) Listed() (t Totals) {
	next := uint64(0) // follows the last record counted
	for _, e := range s.Accepted {
		if e.To >= next {
			t.Accepted += e.To - max(e.From, next) + 1
			next = e.To + 1
		}
	}
	for _, r := range s.Refused {
		t.Refused += r.Len()
	}
	return t
}

// Whole reports whether the ledger was closed, and its ranges have all records that
// the line close counts.
func (s *Stream) Whole() bool {
	got := s.Listed()
	return !s.Closed.IsZero() && got.Accepted >= s.End.Accepted && got.Refused >= s.End.Refused
}

// StoppedEarly reports whether the run was closed before its own end.
func (s *Stream) StoppedEarly() bool { return s.Unsent.Ends && !s.AtEnd() }

// AtEnd reports whether the run reached its own end.
func (s *Stream) AtEnd() bool { return s.Unsent == Unsent{Ends: true, Known: true} }

// Reloaded reports whether a reload ended the run: another run follows.
func (s *Stream) Reloaded() bool {
	return !s.Closed.IsZero() && slices.ContainsFunc(s.Events, func(e Event) bool { return e.Word == Reload })
}
