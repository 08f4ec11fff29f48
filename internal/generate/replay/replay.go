// SPDX-License-Identifier: Apache-2.0

// Package replay reads records from files, to be sent again.
//
// The normal path is [Open], which finds out what the files are, then a [Reader] of
// the [Set], on which [Reader.Seek] makes record n the [Reader.Current] one. Records
// are numbered from 0, and record n is the same whenever it is asked for: in order,
// which costs the least, or after any other, for which the files are read again from
// their start.
//
// # Terms
//
// A pass is all files once. The time of a record is the one that it bears in its
// file. Its offset is how long it comes after record 0, by the spacing of these
// times. A broken line is one that is not in the format of its file: it is reported,
// and is no record.
//
// # Limits
//
// A Reader holds one record of each file that overlaps in time with others, and a
// buffer for it. A record has at most [MaxRecord] bytes. Files must not change while
// they are read, see [ChangedError].
package replay

import (
	"fmt"
	"math"
	"time"

	"github.com/gdummy/gdummy/internal/event"
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
}

// Format is what a file has.
type Format string

// The formats.
const (
	Auto   Format = "auto" // by the name and the beginning of each file
	NDJSON Format = "ndjson"
	Text   Format = "text"
)

// Record is a record of a file.
type Record struct {
	Body   []byte // MessagePack: a map
	Time   int64  // in nanoseconds since 1970
	Offset int64  // nanoseconds since record 0
	File   string
	Line   uint64 // where it begins in the file, from 1

	at, size int // of its time in Body
}

// State is whether there is a record.
type State uint8

// The states of a record.
const (
	Ready State = iota // it can be had
	Ended              // there is none, or an error
)

// Set is the files of a replay.
type Set struct {
	options Options
	files   []*file
}

// Open opens all files and finds out what they are, and returns them as a Set, closed.
func Open(o Options) (*Set, error) {
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

// Timed reports whether records have times of their own, so that there is a spacing to
// replay.
func (s *Set) Timed() bool { return s.options.Time.Set() }

// Reader reads the records of a Set. It is not for use by several goroutines at once.
type Reader struct {
	set     *Set
	report  func(line string)
	cursors []*cursor // of all files
	queue   []*cursor // of files with records to come: a heap, the next record first
	current *cursor   // that has the record found last, or nil
	count   uint64    // records found
	began   bool
	closed  bool
	err     error

	highest int64 // the latest time so far
	offset  int64
}

// NewReader returns a reader of the records from the first one on. report receives
// what is to be known about broken lines; nil discards it.
func (s *Set) NewReader(report func(line string)) *Reader {
	if report == nil {
		report = func(string) {}
	}
	r := &Reader{set: s, report: report}
	for i, f := range s.files {
		r.cursors = append(r.cursors, &cursor{file: f, options: &s.options, report: report, index: i, rec: Record{File: f.name}})
	}
	return r
}

// Seek makes record n the current one, and reports whether there is one.
func (r *Reader) Seek(n uint64) State {
	if r.current != nil && n+1 == r.count {
		return Ready
	}
	return r.seek(n)
}

func (r *Reader) seek(n uint64) State {
	if r.err != nil || r.closed {
		return Ended
	}
	if !r.began || n < r.count {
		r.begin()
	}
	for r.count <= n {
		if !r.next() {
			return Ended
		}
	}
	return Ready
}

// Current returns the record that Seek has found, until the next call of Seek.
func (r *Reader) Current() *Record { return &r.current.rec }

// Err returns why the records have ended before their end, or nil.
func (r *Reader) Err() error { return r.err }

// Close closes the files. There are no records afterwards.
func (r *Reader) Close() {
	for _, c := range r.cursors {
		c.close()
	}
	r.current, r.closed = nil, true
}

// begin goes before record 0.
func (r *Reader) begin() {
	r.current, r.count, r.began = nil, 0, true
	r.highest, r.offset = math.MinInt64, 0
	r.queue = append(r.queue[:0], r.cursors...)
	for _, c := range r.queue {
		c.rewind()
	}
	for i := len(r.queue)/2 - 1; i >= 0; i-- {
		r.sift(i)
	}
}

// next goes to the next record, and reports whether there is one.
func (r *Reader) next() bool {
	for len(r.queue) > 0 {
		c := r.queue[0]
		if c.pending {
			c.pending = false
			r.current = c
			r.count++
			r.space(&c.rec)
			return true
		}
		r.current = nil
		more, err := c.next()
		if err != nil {
			r.err = err
			return false
		}
		if !more {
			c.close()
			last := len(r.queue) - 1
			r.queue[0] = r.queue[last]
			r.queue = r.queue[:last]
		}
		r.sift(0)
	}
	r.current = nil
	return false
}

// sift moves a cursor down in the queue, to its place.
func (r *Reader) sift(i int) {
	for {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(r.queue); child++ {
			if r.queue[child].before(r.queue[least]) {
				least = child
			}
		}
		if least == i {
			return
		}
		r.queue[i], r.queue[least] = r.queue[least], r.queue[i]
		i = least
	}
}

// space sets the offset of the record that follows the current one.
func (r *Reader) space(rec *Record) {
	if !r.set.Timed() {
		return
	}
	if r.highest != math.MinInt64 && rec.Time > r.highest {
		gap := rec.Time - r.highest
		if most := int64(r.set.options.MaxGap); most > 0 {
			gap = min(gap, most)
		}
		r.offset += gap
	}
	r.highest = max(r.highest, rec.Time)
	rec.Offset = r.offset
}

// errorAt returns an error at a line of a file.
func errorAt(file string, line uint64, err error) error {
	return fmt.Errorf("%s, line %d: %w", file, line, err)
}

// inRange reports whether an event can have a time.
func inRange(t int64) bool { return t >= 0 && t <= event.MaxTime }
