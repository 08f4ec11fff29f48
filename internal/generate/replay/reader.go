// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"errors"
	"math"
	"time"

	"github.com/gdummy/gdummy/internal/generate/seed"
)

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

	pass     pass
	read     uint64 // records read in this pass, with those that are left out
	highest  int64  // the latest time in this pass
	offset   int64  // of the record found last
	shift    int64  // what this pass adds to the times of its records
	finished uint64 // passes
}

// pass has the state of this pass.
type pass struct {
	begun  bool
	n      uint64 // records found
	start  int64  // time of the first one
	offset int64  // its offset
}

// NewReader returns a reader that starts with the first record. report receives messages
// about broken lines; nil discards them.
func (s *Set) NewReader(report func(line string)) *Reader {
	if report == nil {
		report = func(string) {}
	}
	r := &Reader{set: s, report: report}
	for i, f := range s.files {
		r.cursors = append(r.cursors, newCursor(f, &s.options, i, report))
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
		if state := r.next(); state != Ready {
			return state
		}
	}
	return Ready
}

// Current returns the record that Seek has found, until the next call of Seek.
func (r *Reader) Current() *Record { return &r.current.rec }

// Options returns the options of the set.
func (r *Reader) Options() Options { return r.set.options }

// Err returns why the records have ended before their end, or nil.
func (r *Reader) Err() error { return r.err }

// Refresh checks whether the file that is being read has changed, which ends the records.
func (r *Reader) Refresh() {
	if r.current != nil && r.err == nil {
		if err := r.current.refresh(); err != nil {
			r.fail(err)
		}
	}
}

// Broken returns how many broken lines were found.
func (r *Reader) Broken() (n uint64) {
	for _, c := range r.cursors {
		n += c.broken
	}
	return n
}

// Close closes the files. No records follow.
func (r *Reader) Close() {
	for _, c := range r.cursors {
		c.close()
	}
	r.current, r.closed = nil, true
}

// begin goes before record 0.
func (r *Reader) begin() {
	r.count, r.began = 0, true
	r.offset, r.shift, r.finished = 0, 0, 0
	r.rewind()
}

// rewind goes before the first record of a pass.
func (r *Reader) rewind() {
	r.current, r.pass, r.read = nil, pass{}, 0
	r.highest = math.MinInt64
	r.queue = append(r.queue[:0], r.cursors...)
	for _, c := range r.queue {
		c.rewind()
	}
	for i := len(r.queue)/2 - 1; i >= 0; i-- {
		r.sift(i)
	}
}

// fail ends the records with an error.
func (r *Reader) fail(err error) State {
	r.current, r.err = nil, err
	return Ended
}

// next goes to the next record.
func (r *Reader) next() State {
	for {
		if len(r.queue) == 0 {
			if r.current = nil; !r.set.options.Loop {
				return Ended
			}
			if err := r.again(); err != nil {
				return r.fail(err)
			}
		}
		c := r.queue[0]
		if c.pending {
			c.pending = false
			if r.wanted(c) {
				r.found(c)
				return Ready
			}
			continue
		}
		r.current = nil
		more, err := c.next()
		switch {
		case err == errWaiting:
			return Waiting
		case err != nil:
			return r.fail(err)
		case !more:
			c.close()
			last := len(r.queue) - 1
			r.queue[0] = r.queue[last]
			r.queue = r.queue[:last]
		}
		r.sift(0)
	}
}

// wanted reports whether a record is in the window and in the sample.
func (r *Reader) wanted(c *cursor) bool {
	o := &r.set.options
	r.read++
	if c.timed && (c.rec.Time < o.From || o.To > 0 && c.rec.Time >= o.To) {
		return false
	}
	if o.Sample >= 1 {
		return true
	}
	rnd := seed.At(seed.Record(o.Seed, r.read-1), 0)
	return rnd.Float() < o.Sample
}

// found makes the record of c the current one.
func (r *Reader) found(c *cursor) {
	r.current = c
	r.count++
	r.pass.n++
	if !c.timed {
		return
	}
	t := c.rec.Time
	switch {
	case !r.pass.begun: // begin or again has set the offset
	case t > r.highest:
		gap := t - r.highest
		if most := int64(r.set.options.MaxGap); most > 0 {
			gap = min(gap, most)
		}
		r.offset += gap
	}
	if !r.pass.begun {
		r.pass.begun, r.pass.start, r.pass.offset = true, t, r.offset
	}
	r.highest = max(r.highest, t)
	c.rec.Offset = r.offset
	c.rec.Time += r.shift
}

var errNothingToLoop = errors.New("the files have no record to loop over")

// again begins another pass, which follows the previous one after the mean distance of
// two records.
func (r *Reader) again() error {
	p := &r.pass
	if p.n == 0 {
		return errNothingToLoop
	}
	if p.begun {
		r.shift += r.highest - p.start + mean(r.highest-p.start, p.n)
		r.offset += mean(r.offset-p.offset, p.n)
	}
	r.finished++
	r.rewind()
	return nil
}

// mean returns the mean distance of n records in a span, in nanoseconds: a second if they
// have none.
func mean(span int64, n uint64) int64 {
	if span <= 0 {
		return int64(time.Second)
	}
	return max(span/int64(n-1), 1)
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
