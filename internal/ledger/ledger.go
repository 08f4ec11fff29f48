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
//	           to it, as totals, what the engine has ingested and the shortfall
//	refused    records from=A to=B that the host did not take
//	pause, resume, reload
//	close      totals at an orderly end
//
// Lines grow with time, not with records. A line that is torn or whose sum is
// wrong counts for nothing: what it would have said is unknown.
package ledger

import (
	"hash/crc32"
	"slices"
	"time"

	"github.com/gdummy/gdummy/internal/ident"
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
	Run            ident.Run
	Instance       uint16
	Name, Key      string
	Place          string    // of the identity: body or metadata
	Opened, Closed time.Time // zero if that line is absent
	Last           time.Time // of the last line

	Accepted  []Entry // ascending, not overlapping
	Refused   []Range
	Ingested  uint64
	Shortfall uint64
	Events    []Event

	// Total is how many records the line of an orderly end knows of, accepted
	// and refused; 0 if there is none. It may be more than the ranges have, if
	// lines of theirs could not be read.
	Total uint64
}

// Merge returns what two ledgers say of one stream: one that was written to a
// second file when the first was moved away. Both stay as they are.
func Merge(a, b *Stream) *Stream {
	if b.Last.Before(a.Last) {
		a, b = b, a
	}
	m := *b
	if m.Opened.IsZero() {
		m.Name, m.Key, m.Place, m.Opened = a.Name, a.Key, a.Place, a.Opened
	}
	if m.Closed.IsZero() {
		m.Closed = a.Closed
	}
	m.Ingested, m.Shortfall, m.Total = max(a.Ingested, b.Ingested), max(a.Shortfall, b.Shortfall), max(a.Total, b.Total)
	m.Accepted = slices.Concat(a.Accepted, b.Accepted)
	m.Refused = slices.Concat(a.Refused, b.Refused)
	m.Events = slices.Concat(a.Events, b.Events)
	slices.SortStableFunc(m.Accepted, func(x, y Entry) int { return compare(x.From, y.From) })
	m.Accepted = slices.CompactFunc(m.Accepted, func(x, y Entry) bool { return x.Range == y.Range })
	slices.SortStableFunc(m.Refused, func(x, y Range) int { return compare(x.From, y.From) })
	m.Refused = slices.Compact(m.Refused)
	slices.SortStableFunc(m.Events, func(x, y Event) int { return x.Time.Compare(y.Time) })
	m.Events = slices.Compact(m.Events)
	return &m
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
