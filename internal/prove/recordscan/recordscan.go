// SPDX-License-Identifier: Apache-2.0

// Package recordscan finds the identities of records in the output of a pipeline, and
// checks whether the pipeline changed the records.
//
// The normal path is [New] and then [Scanner.Read] for each source. Read detects what a
// source is and how it is packed, and calls Options.Take for each record. For data in
// memory, such as the body of a request, there are [Scanner.Bytes], [Scanner.Text] and
// [Scanner.Msgpack].
//
// # Formats
//
// The files of this package are named by what they read:
//
//	detect, source, compressed, xz   what a source is; archives and compression
//	lines, containerlog              lines, also those that a container runtime splits
//	json, jsonlines, jsonindented    JSON in lines, concatenated, in arrays, indented
//	otlpjson                         OpenTelemetry's lists of keys and values
//	stdout                           what Fluent Bit's stdout output prints
//	msgpack, msgpackstream           MessagePack of events and maps
//	record, copies                   one record, and several copies of it
//	verify, subsetsum, rewritten     whether a record is what was sent
//
// In any other text (CSV, LTSV, templates) identities are found, but the rest of a
// record cannot be checked.
//
// # Broken input
//
// A record whose sum of 35 bits matches is intact, wherever it begins. Where a value
// cannot be read, or is not what was sent, the scanner therefore looks for records that
// can be read by themselves, in the value and after it. Only the identities that are
// left are those of damaged records. The number of bytes read without success is bounded.
//
// # Terms
//
// A record is one event, or one map by itself or in an array. A record without an
// identity is foreign. A finding is one identity in a record. A map with a list of
// records in it is read as one, and each finding is judged by itself.
package recordscan

import (
	"errors"

	"github.com/gdummy/gdummy/internal/recordid"
)

// State says what happened to a record.
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

// ErrTooLarge reports that a source has more than MaxBytes.
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

// spoiled is what happens to identities in such a piece. One that is only too
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
