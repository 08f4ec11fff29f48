// SPDX-License-Identifier: Apache-2.0

// Package recordscan finds the identities of records in what came out of a
// pipeline, whatever became of the records on the way.
//
// The normal path is [New] and then, for each source, [Scanner.Read]: it tells
// text from MessagePack and both from what gzip and zstd made of them, and
// hands every record to Options.Take. Who has the bytes already, such as the
// body of a request, calls [Scanner.Text] or [Scanner.Msgpack].
//
// # What is read
//
// JSON in lines, concatenated, in arrays, indented; behind the tag that Fluent
// Bit's file output writes before it, and behind any other text; as events,
// [time, body] and [[time, metadata], body]; inside a string of other JSON.
// Fluent Bit's own way of printing events, as far as it can be undone.
// OpenTelemetry's lists of keys and values. MessagePack of events and maps, one
// behind the other or in arrays. In any other text (CSV, LTSV, templates)
// identities are found, but what stands around them cannot be checked.
//
// # What is broken
//
// A sum of 35 bits tells a record in the midst of anything: what can be read and
// has it is right, wherever it begins. So where a value cannot be read, or where
// it was read and is not what was sent, the records in it and behind it are those
// that can be read by themselves, and only the identities that are left over are
// those of damaged records. How much may be read in budget is bounded.
//
// # Terms
//
// A record is one event, or one map that stands alone or in an array. One that
// has no identity is foreign. A finding is one identity in a record. A map with
// a list of records in it is read as one: each finding is judged by itself.
package recordscan

import (
	"errors"

	"github.com/gdummy/gdummy/internal/recordid"
)

// State says what became of a record.
type State uint8

// The states of records.
const (
	Intact    State = iota + 1 // the body is what was sent
	Enriched                   // so it is, with other members, or moved elsewhere
	Unchecked                  // the format does not keep what can be checked
	Damaged                    // the body is not what was sent
	Foreign                    // there is no identity
)

// String returns the state's name.
func (s State) String() string {
	switch s {
	case Intact:
		return "intact"
	case Enriched:
		return "enriched"
	case Unchecked:
		return "unchecked"
	case Damaged:
		return "damaged"
	case Foreign:
		return "foreign"
	}
	return "unknown"
}

// Options say what is looked for.
type Options struct {
	// Take gets each finding, and for each foreign record a zero ID. arrival is
	// what the record itself says of when it arrived, see Arrival; 0 if nothing.
	Take func(id recordid.ID, s State, arrival int64)

	// Keys are the names that the member with the identity had when it was
	// sent; none is the default one. They matter where members were renamed
	// with a prefix.
	Keys []string

	// Path, if not empty, is the one place where identities count: names of
	// members, from the outermost, joined by dots. Names may have dots as well:
	// a.b is the member a.b, and b in a.
	Path string

	// Arrival, if not empty, is the place, likewise, of a member in which
	// somebody behind the pipeline wrote down when the record arrived. See Time
	// for its forms.
	Arrival string

	// MaxRecord is the size, in bytes, of the largest record, of the longest line
	// that is not JSON with records in it, and of one that a container runtime cut
	// in pieces; 0 is 64 MB. MaxBytes is how many bytes, not compressed, one source
	// may have; 0 is without end.
	MaxRecord int
	MaxBytes  int64

	// Plain takes compressed data for what it is not: a stream without end is not
	// expanded.
	Plain bool

	// Reserve, if not nil, is asked before a buffer for input grows by n bytes.
	// If it returns false, the source is too large.
	Reserve func(n int) bool
}

// ErrTooLarge says that a source has more than MaxBytes.
var ErrTooLarge = errors.New("the data is too large")

// Limits of what is read.
const (
	maxRecord = 64 << 20

	maxDepth  = 128
	maxParts  = 1 << 18 // maps and members of one record that is checked
	maxString = 3       // depth of JSON in strings of JSON

	maxPrefixes   = 4   // that are tried for one identity
	longestPrefix = 256 // bytes, of one that is tried
	maxLists      = 64  // around one record that are looked at

	// maxLooks is how many members are looked at to find those that were added to
	// one map. All numbers of them are tried for maps of up to 8192 members.
	maxLooks = 1 << 22
)

// envelope are the members that outputs of Fluent Bit put around a record;
// their presence does not make it enriched.
var envelope = []string{"date", "@timestamp", "timestamp", "time", "__internal__"}

// Scanner reads one source after the other.
type Scanner struct {
	take    func(recordid.ID, State, int64)
	asIs    bool
	reserve func(n int) bool
	keys    []string
	broken  uint64

	maxRecord int
	maxBytes  int64
	depth     int // of compression within compression

	doc      doc
	peek     doc                   // scratch
	states   []State               // scratch of judge
	classes  []class               // scratch of merge
	seen     map[recordid.ID]int32 // likewise
	extras   [][]byte              // names of the members that were last found to be added
	within   bool                  // the record stands in another one that could not be read
	thorough bool                  // what is damaged is looked at again
	lenient  bool                  // what does not fit may have been written in another way

	lost   bool  // in MessagePack, behind something broken: where is the next event?
	effort int   // members that may yet be looked at for the record
	left   State // of identities in MessagePack that stand in nothing that is right

	order     []int    // scratch of matchSum
	hashes    []uint64 // likewise, of all members
	ordered   []uint64 // likewise, in that order
	subsetSum subsetSum

	row    row       // the line of JSON that is being read
	pretty pretty    // the object over several lines that is being read
	pieces [2][]byte // of long lines of a container: its stdout and stderr
	wanted int       // how much there must be before it is read again
	buf    []byte
}

// New makes a scanner.
func New(o Options) *Scanner {
	s := &Scanner{take: o.Take, asIs: o.Plain, reserve: o.Reserve, keys: o.Keys, maxRecord: o.MaxRecord, maxBytes: o.MaxBytes}
	if s.maxRecord <= 0 {
		s.maxRecord = maxRecord
	}
	if len(s.keys) == 0 {
		s.keys = []string{recordid.DefaultKey}
	}
	s.doc.place, s.doc.stamp = o.Path, o.Arrival
	return s
}

// Broken returns how many pieces of the input could not be read: cut lines, bad
// JSON, bad MessagePack. The identities in them count as damaged records.
func (s *Scanner) Broken() uint64 { return s.broken }

// raw looks for identities in text that is nothing else, and gives them the
// state st. It returns how many it found.
func (s *Scanner) raw(text []byte, st State) int {
	n, _ := s.rawEnd(text, st)
	return n
}

// rawEnd is raw, and returns where the last one ends, too.
func (s *Scanner) rawEnd(text []byte, st State) (n, end int) {
	for {
		id, to := recordid.Find(text[end:])
		if to < 0 {
			return n, end
		}
		s.take(id, st, 0)
		end += to
		n++
	}
}

// spoil reports a piece that could not be read as what it seems to be.
func (s *Scanner) spoil(text []byte) {
	s.broken++
	s.raw(text, s.spoiled())
}

// spoiled is what becomes of identities in such a piece. One that is only too
// large to be checked is not damaged for that.
func (s *Scanner) spoiled() State {
	if s.doc.large {
		return Unchecked
	}
	return Damaged
}

// Trim gives back memory that unusually large records have left behind. Who
// keeps many scanners calls it between records.
func (s *Scanner) Trim() {
	s.doc.trim()
	s.peek.trim()
	if cap(s.pretty.text) > 1<<16 && len(s.pretty.text) == 0 {
		s.pretty.text = nil
	}
	for i, p := range s.pieces {
		if cap(p) > 1<<16 && len(p) == 0 {
			s.pieces[i] = nil
		}
	}
	if cap(s.hashes) > 4096 {
		s.hashes, s.order, s.states, s.classes = nil, nil, nil, nil
	}
}
