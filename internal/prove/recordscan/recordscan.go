// SPDX-License-Identifier: Apache-2.0

// Package recordscan finds the identities of records in the output of a pipeline, and
// checks whether the pipeline changed the records.
//
// The normal path is [New] and then [Scanner.Read] for each source. Read detects the
// format and compression of a source, and calls Options.Take for each record. For data
// in memory, such as the body of a request, there are [Scanner.Bytes], [Scanner.Text]
// and [Scanner.Msgpack].
//
// # Formats
//
// The files of this package are named after the formats:
//
//	detect, source, compressed, xz   detection; archives and compression
//	chunks                           division of large sources
//	lines, containerlog              lines, including those split by a container runtime
//	json, jsonlines, jsonindented    JSON in lines, concatenated, in arrays, indented
//	otlpjson                         OpenTelemetry's lists of keys and values
//	stdout                           the output of Fluent Bit's stdout plugin
//	msgpack, msgpackstream           MessagePack of events and maps
//	record, copies                   one record, and several copies of it
//	memo                             what records have in common with those before
//	verify, subsetsum, rewritten     comparison of a record with its identity
//
// In any other text (CSV, LTSV, templates) the scanner finds identities but cannot check
// the rest of a record.
//
// # Broken input
//
// A record whose 35-bit sum matches is intact, wherever it begins. If a value cannot be
// parsed, or is not what was sent, the scanner therefore searches for complete records
// in the value and after it. Only the remaining identities count as damaged records. The
// number of bytes parsed without success is limited.
//
// # Terms
//
// A record is an event, or a map that is on its own or in an array. A record without an
// identity is foreign. A finding is an identity in a record. A map that contains a list
// of records is parsed as a whole, and each finding is judged separately.
package recordscan

import (
	"errors"

	"github.com/gdummy/gdummy/internal/recordid"
)

// State is the result of comparing a record with its identity.
type State uint8

// The states of records.
const (
	Intact    State = iota + 1 // the body is what was sent
	Enriched                   // the body is what was sent, with more fields or nested in another map
	Unchecked                  // the format does not preserve the body
	Damaged                    // the body is not what was sent
	Foreign                    // without an identity
)

// String returns the state's name.
func (s State) String() string {
	return [...]string{"unknown", "intact", "enriched", "unchecked", "damaged", "foreign"}[s]
}

// Options configures a [Scanner].
type Options struct {
	// Take is called for each finding, and with a zero ID for each foreign record.
	// arrival is the arrival time in the record, see Arrival, or 0 if it has none.
	Take func(id recordid.ID, s State, arrival int64)

	// Value, if not nil, is called instead of Take for each value that may have
	// records: a line or another document of JSON, or an event, a map or an array of
	// MessagePack, whose first byte distinguishes them. Nothing is compared. Take is
	// then called for what has no members to compare: the identities in other text,
	// which are unchecked, those in broken input, and foreign lines. The value is
	// valid during the call.
	Value func(value []byte)

	// Keys lists the names under which identities were sent; nil means the default
	// key. They matter if the pipeline adds a prefix to names.
	Keys []string

	// Path, if not empty, is the only place where identities count: the names of
	// fields, outermost first, joined by dots. A name may contain dots: a.b is the
	// field a.b as well as the field b in a.
	Path string

	// Arrival, if not empty, is the path of a field that has the time at which the
	// record left the pipeline, in a form that Time accepts.
	Arrival string

	// MaxRecord is the maximum size, in bytes, of a record, of a line other than
	// JSON with records in it, and of a line that a container runtime split; 0
	// means 64 MB. MaxBytes is the maximum uncompressed size of a source, in bytes;
	// 0 means no limit.
	MaxRecord int
	MaxBytes  int64

	// Plain rejects compressed data, so that endless streams are not expanded.
	Plain bool

	// Reserve, if not nil, is called before an input buffer grows by n bytes. If it
	// returns false, the source is too large.
	Reserve func(n int) bool
}

// ErrTooLarge reports that a source has more than MaxBytes.
var ErrTooLarge = errors.New("the data is too large")

// Limits of the input.
const (
	maxRecord = 64 << 20

	maxDepth  = 256
	maxParts  = 1 << 18 // maps and members of a record
	maxString = 3       // depth of JSON within strings of JSON

	maxPrefixes   = 4   // prefixes tried for an identity
	longestPrefix = 256 // bytes of a prefix
	maxLists      = 64  // lists around a record that are examined

	// maxLooks is the maximum number of members examined to find those that were
	// added to a map. Up to 8192 members, every possible number of added ones is tried.
	maxLooks = 1 << 22
)

// envelope lists the members that outputs of Fluent Bit add to a record. They do not
// make it enriched.
var envelope = []string{"date", "@timestamp", "timestamp", "time", "__internal__"}

// Scanner scans one source at a time.
type Scanner struct {
	take    func(recordid.ID, State, int64)
	value   func([]byte) // nil means that records are compared
	asIs    bool
	reserve func(n int) bool
	keys    []string
	broken  uint64

	maxRecord int
	maxBytes  int64
	depth     int // of compression within compression

	doc        doc
	peek       doc                   // scratch
	states     []State               // scratch space of judge
	classes    []class               // scratch space of merge
	seen       map[recordid.ID]int32 // scratch space of merge
	extras     [][]byte              // names of the members that were added to the last record
	extraSizes uint64                // bit mask of their lengths modulo 64
	envelope   bool                  // outputs add all of them
	within     bool                  // the record is nested in one that cannot be parsed
	thorough   bool                  // damaged findings are reconsidered
	lenient    bool                  // a mismatch is unchecked, not damaged

	hinted bool // extras is that of SetHint
	missed bool // while it was, a body did not match

	lost   bool  // in MessagePack: the position of the next event is unknown
	effort int   // number of members that may still be examined for the record
	left   State // state of identities in broken MessagePack

	order     []int    // scratch space of matchSum
	same      []int    // scratch space of matchSum
	hashes    []uint64 // scratch space of matchSum: of all members
	ordered   []uint64 // scratch space of matchSum: hashes in order
	subsetSum subsetSum

	landing landing // in chunks of MessagePack

	row    row       // the current line of JSON
	pretty pretty    // the current object over several lines
	pieces [2][]byte // pieces of long container lines, of stdout and stderr
	wanted int       // size of the input at which to try again
	buf    []byte
}

// New returns a scanner.
func New(o Options) *Scanner {
	s := &Scanner{take: o.Take, value: o.Value, asIs: o.Plain, reserve: o.Reserve, keys: o.Keys, maxRecord: o.MaxRecord, maxBytes: o.MaxBytes}
	if s.maxRecord <= 0 {
		s.maxRecord = maxRecord
	}
	if len(s.keys) == 0 {
		s.keys = []string{recordid.DefaultKey}
	}
	s.doc.place, s.doc.stamp = o.Path, o.Arrival
	return s
}

// Broken returns the number of unreadable parts of the input: truncated lines, invalid
// JSON or MessagePack. Identities in them count as damaged records.
func (s *Scanner) Broken() uint64 { return s.broken }

// raw reports each identity in text, with the state st, and returns their number.
func (s *Scanner) raw(text []byte, st State) (n int) {
	for {
		id, end := recordid.Find(text)
		if end < 0 {
			return n
		}
		s.take(id, st, 0)
		text = text[end:]
		n++
	}
}

// spoil reports an unreadable part of the input.
func (s *Scanner) spoil(text []byte) {
	s.broken++
	s.raw(text, s.spoiled())
}

// spoiled returns the state of identities in an unreadable part. A record that is only
// too large to be checked is not damaged.
func (s *Scanner) spoiled() State {
	if s.doc.large {
		return Unchecked
	}
	return Damaged
}

// Trim releases the memory of unusually large records. Call it between records if
// there are many scanners.
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
