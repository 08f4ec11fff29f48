// SPDX-License-Identifier: Apache-2.0

package lives

import (
	"cmp"
	"math"
	"slices"
	"sort"

	"github.com/gdummy/gdummy/internal/generate/pace"
	"github.com/gdummy/gdummy/internal/generate/seed"
)

// cursor is the window that was asked for last.
type cursor struct {
	valid   bool
	number  int64 // of the window
	first   int64 // records before it, from the origin of the blocks on
	records []record
}

// record is a transition in a window.
type record struct {
	at    int64
	block int64
	event uint32
}

// load computes a window.
func (c *cursor) load(s *Stream, number int64) {
	if c.valid && c.number == number {
		return
	}
	c.valid, c.number = true, number
	c.records = c.records[:0]
	if s.curve != nil {
		c.follow(s)
	} else {
		c.repeat(s)
	}
	slices.SortFunc(c.records, func(a, b record) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.block, b.block), cmp.Compare(a.event, b.event))
	})
}

// repeat finds the records of a window among the candidates, which are those of all blocks.
func (c *cursor) repeat(s *Stream) {
	block, r := c.number/s.slots, c.number%s.slots
	c.first = s.before(block, r)
	for _, x := range s.candidates[r] {
		b := block - int64(x.ago)
		if s.empty && b < 0 {
			continue
		}
		c.add(s, b, x.event)
	}
}

// follow finds the records of a window if births follow a curve: blocks differ, and all
// events are candidates.
func (c *cursor) follow(s *Stream) {
	c.first = 0
	for i := range s.events {
		first, last := s.along(&s.events[i], c.number)
		c.first += first
		for b := first; b <= last; b++ {
			c.add(s, b, uint32(i))
		}
	}
}

// add adds an event of a block, if it is in the window, or counts it, if it is before.
func (c *cursor) add(s *Stream, block int64, e uint32) {
	switch at := s.moment(block, e); {
	case at < c.number*s.view:
		c.first++
	case at < (c.number+1)*s.view:
		c.records = append(c.records, record{at, block, e})
	}
}

// before returns how many records are certainly before window r of a block.
func (s *Stream) before(block, r int64) int64 {
	if !s.empty || block >= s.most {
		return block*int64(len(s.events)) + s.certain[r]
	}
	sum := int64(0) // blocks before block 0 do not exist
	for i := range s.events {
		first, _ := s.blocks(&s.events[i], r)
		sum += max(block+first, 0)
	}
	return sum
}

// upTo returns how many records are at most before the end of window r of a block.
func (s *Stream) upTo(block, r int64) int64 {
	if !s.empty || block >= s.most {
		return block*int64(len(s.events)) + s.certain[r] + int64(len(s.candidates[r]))
	}
	sum := int64(0)
	for i := range s.events {
		_, last := s.blocks(&s.events[i], r)
		sum += max(block+last+1, 0)
	}
	return sum
}

// near returns about which window record n is in.
func (s *Stream) near(n, windows int64) int64 {
	if s.curve != nil {
		return s.search(n, windows, func(window int64) int64 {
			sum := int64(0)
			for i := range s.events {
				first, last := s.along(&s.events[i], window)
				sum += first + max(last+1, first)
			}
			return sum / 2
		})
	}
	return int64(sort.Search(int(windows), func(i int) bool {
		block, r := int64(i)/s.slots, int64(i)%s.slots
		return (s.before(block, r)+s.upTo(block, r))/2 > n
	}))
}

// search returns the first window up to which there are more than n records, if births
// follow a curve: a transition follows a birth, by at most the length of the longest life.
func (s *Stream) search(n, windows int64, upTo func(window int64) int64) int64 {
	births := int64(min(float64(n)/float64(len(s.events))*float64(s.period), horizon))
	low := max(0, s.curve.moment(births-s.period)/s.view-1)
	high := min(windows, (min(s.curve.moment(births+2*s.period), horizon)+s.longest)/s.view+2)
	return low + int64(sort.Search(int(max(0, high-low)), func(i int) bool { return upTo(low+int64(i)) > n }))
}

// find moves the cursor to the window of record k, and returns the record's place in
// it, or -1 if the record would be later than the horizon.
func (c *cursor) find(s *Stream, k uint64) int {
	windows := int64(horizon) / s.view
	if k > math.MaxInt64/2 {
		return -1
	}
	n := int64(k) + s.origin
	if !c.valid || n < c.first || n > c.first+2*int64(len(c.records)) {
		c.load(s, min(s.near(n, windows), windows-1))
	}
	for tries := 1; n < c.first || n >= c.first+int64(len(c.records)); tries++ {
		next := c.number + 1
		switch {
		case s.curve != nil && tries == 4: // a curve may have no births for a while
			next = s.near(n, windows)
		case s.curve != nil && tries == 8:
			next = s.search(n, windows, func(window int64) int64 {
				c.load(s, window)
				return c.first + int64(len(c.records))
			})
		case n < c.first:
			next = c.number - 1
		}
		if next >= windows {
			return -1
		}
		c.load(s, next)
	}
	return int(n - c.first)
}

// Record returns record k, and false if it is later than any moment of the stream.
func (s *Stream) Record(k uint64) (t Transition, ok bool) {
	i := s.records.find(s, k)
	if i < 0 {
		return t, false
	}
	r := s.records.records[i]
	e := &s.events[r.event]
	p := &s.plans[e.plan]
	life := s.life(r.block, e.plan)
	t = Transition{
		State: int(e.state), Previous: -1, ID: seed.Mix(life), Step: int(e.step), Children: int(e.children), Left: int(e.left),
		Last: e.children == 0, Born: s.birth(r.block, e.plan), At: r.at,
	}
	t.Since = t.Born
	if e.step > 0 {
		parent := p.first + uint32(e.parent)
		t.Previous = int(s.events[parent].state)
		t.Since = s.moment(r.block, parent)
	}
	if t.Last {
		t.Until = r.at + int64(s.dwell(life, e))
	} else {
		t.Until = s.moment(r.block, r.event+1) // the first of its children
	}
	return t, true
}

// At returns the moment of record k, or [pace.Never].
func (s *Stream) At(k uint64) int64 {
	if i := s.records.find(s, k); i >= 0 {
		return s.records.records[i].at
	}
	return pace.Never
}

// Due returns how many records there are up to a moment, inclusive.
func (s *Stream) Due(t int64) uint64 {
	if t < 0 {
		return 0
	}
	c := &s.due
	c.load(s, min(t/s.view, horizon/s.view-1))
	i := sort.Search(len(c.records), func(i int) bool { return c.records[i].at > t })
	return uint64(c.first + int64(i) - s.origin)
}
