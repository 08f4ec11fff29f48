// SPDX-License-Identifier: Apache-2.0

// Package ledger is the book in which a generator writes down what it has
// handed over, so that an audit can tell loss at the end from an early end.
//
// The normal path is [Open], then [Writer.Accepted] for every slice that the
// host took and [Writer.Tick] often: it writes one line per interval. [Close]
// ends the book in order. [Read] reads it, in whatever state a crash left it.
//
// # The file
//
// A ledger is text that is only ever appended to. Several instances and many
// runs may share one file. Each line is
//
//	TIME WORD run=RUN instance=N NAME=VALUE ... #SUM
//
// TIME is RFC 3339 in UTC, SUM the CRC-32C, in hexadecimal, of all before the
// space in front of it. The words:
//
//	open       name, key and place of the identity (body or metadata), version
//	accepted   records from=A to=B, made since=TIME and before the line; next
//	           to it, as totals, what the engine has ingested, unless that is
//	           unknown, and the shortfall
//	refused    records from=A to=B that the host did not take
//	pause, resume, reload
//	close      totals at an orderly end
//
// The number of lines grows with time, not with records. A line that is incomplete, or
// whose checksum is wrong, is ignored: the records that it covered are unknown. Files
// may be rotated: [Merge] joins the parts of a stream in several of them.
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

	// Pause, Resume and Reload are what [Writer.Note] writes down.
	Pause  = "pause"
	Resume = "resume"
	Reload = "reload"
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

// Entry is a range of records and when they were made.
type Entry struct {
	Range
	Since, Until time.Time
}

// Event is a pause, a resume, a reload, an open or a close.
type Event struct {
	Time time.Time
	Word string
}

// Stream is what a ledger says of one instance in one run.
type Stream struct {
	Run            recordid.Run
	Instance       uint16
	Name, Key      string
	Place          string    // of the identity: body or metadata
	Opened, Closed time.Time // zero if that line is absent
	First, Last    time.Time // of the first and the last line

	Accepted  []Entry // ascending
	Refused   []Range // ascending, apart from one another
	Ingested  uint64
	Counted   bool // Ingested is known
	Shortfall uint64
	Events    []Event

	// End are the totals that the line close has; zero without one.
	End Totals
}

// Totals are how many records the host took, and how many it did not.
type Totals struct {
	Accepted, Refused uint64
}

// Next returns the number of the first record of which the ledger says nothing.
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

// Given returns how many numbers were given out, as far as the ledger says:
// those up to Next, or more if the line close has totals of lines that are gone.
func (s *Stream) Given() uint64 { return max(s.Next(), s.End.Accepted+s.End.Refused) }

// Listed returns how many records the ranges have.
func (s *Stream) Listed() (t Totals) {
	next := uint64(0) // behind what was counted
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

// Whole reports whether the ledger came to an orderly end, and its ranges have all
// that the line close says.
func (s *Stream) Whole() bool {
	got := s.Listed()
	return !s.Closed.IsZero() && got.Accepted >= s.End.Accepted && got.Refused >= s.End.Refused
}

// Reloaded reports whether the run was ended by a reload: another one is to follow.
func (s *Stream) Reloaded() bool {
	return !s.Closed.IsZero() && slices.ContainsFunc(s.Events, func(e Event) bool { return e.Word == Reload })
}
