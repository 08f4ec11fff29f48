// SPDX-License-Identifier: Apache-2.0

// Package replay reads records from files, to be sent again.
//
// The normal path is [Open], which detects the formats of the files, then a [Reader] of
// the [Set], on which [Reader.Seek] makes record n the [Reader.Current] one. Records
// are numbered from 0, and record n is always the same. Reading them in order costs the
// least; for an earlier record, the files are read again from their start.
//
// # Terms
//
// A pass is all files once. The time of a record is the one in its file. Its offset is
// the time from record 0 to it, by the spacing of these times. A broken line is one that
// is not in the format of its file: it is reported, and is not a record.
//
// # Limits
//
// A Reader holds one record of each file that overlaps in time with others, and a
// buffer for it. A record has at most [MaxRecord] bytes. Files must not change while
// they are read, see [ChangedError].
package replay

import (
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/msgpack"
)

// MaxRecord is the size of the largest record, in bytes of its file.
const MaxRecord = 16 << 20

// Options are what to replay.
type Options struct {
	Files  []string // paths, in the order of records that have the same time
	Format Format
	Key    string   // the name of the field with a line of text
	Time   TimeSpec // where records have their time

	// MaxGap is the longest time from one record to the next, in offsets; 0 is no
	// limit.
	MaxGap time.Duration

	// FirstLine, if not nil, matches the first line of each record of text. The lines
	// up to the next one that matches belong to the record.
	FirstLine *regexp.Regexp

	From, To int64   // only records with times in [From, To); To 0 means no end
	Sample   float64 // share of the records, from 0 to 1
	Seed     uint64  // of the sample

	Loop bool // begin again at the end

	// Follow waits for more at the end of the files.
	Follow bool
}

// Format is the format of a file.
type Format string

// The formats.
const (
	Auto    Format = "auto" // by the name and the beginning of each file
	NDJSON  Format = "ndjson"
	Text    Format = "text"
	CSV     Format = "csv"
	MsgPack Format = "msgpack"
)

// Record is a record of a file.
type Record struct {
	Body     []byte // MessagePack: a map
	Metadata []byte // the same; nil if the file has none
	Time     int64  // in nanoseconds since 1970
	Offset   int64  // nanoseconds since record 0
	File     string
	Line     uint64 // where it begins in the file, from 1

	place place // of its time in Body
}

// PutTime overwrites the time in a copy of the body with t, in the same layout, offset
// from UTC and width. It does nothing where the record has no time.
func (r *Record) PutTime(body []byte, t int64) {
	if r.place.size > 0 {
		r.place.put(body, t)
	}
}

// State reports whether a record was found.
type State uint8

// The states of a record.
const (
	Ready   State = iota // it can be had
	Waiting              // it may come, because the file is followed
	Ended                // there is none, or an error
)

// Set has the files of a replay.
type Set struct {
	options Options
	files   []*file
}

// Open opens all files, detects their formats, and returns them as a Set, closed.
func Open(o Options) (*Set, error) {
	if o.Follow && len(o.Files) > 1 {
		return nil, fmt.Errorf("follow needs one file, found %d", len(o.Files))
	}
	s := &Set{options: o}
	for _, name := range o.Files {
		f, err := examine(name, &s.options)
		if err != nil {
			return nil, err
		}
		s.files = append(s.files, f)
	}
	return s, nil
}

// Timed reports whether records have times, and thus a spacing to replay.
func (s *Set) Timed() bool {
	return len(s.files) > 0 && !slices.ContainsFunc(s.files, func(f *file) bool { return !f.timed })
}

// HasMember reports whether the first record of a file has a member of that name.
func (s *Set) HasMember(name string) bool {
	return slices.ContainsFunc(s.files, func(f *file) bool {
		at, _ := msgpack.Member(f.body, name)
		return at > 0
	})
}

// Sums returns a text for each file, by name, that changes with the file.
func (s *Set) Sums() map[string]string {
	sums := map[string]string{}
	for _, f := range s.files {
		sums[f.name] = fmt.Sprintf("%016x+%d", f.state.head, f.state.info.Size())
	}
	return sums
}

// errorAt returns an error at a line of a file.
func errorAt(file string, line uint64, err error) error {
	return fmt.Errorf("%s, line %d: %w", file, line, err)
}

// inRange reports whether an event can have a time.
func inRange(t int64) bool { return t >= 0 && t <= event.MaxTime }
