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
	block, r := number/s.slots, number%s.slots
	start := number * s.window
	end := start + s.window
	c.first = s.before(block, r)
	c.records = c.records[:0]
	for _, x := range s.candidates[r] {
		b := block - int64(x.ago)
		if s.empty && b < 0 {
			continue
		}
		switch at := s.moment(b, x.event); {
		case at < start:
			c.first++
		case at < end:
			c.records = append(c.records, record{at, b, x.event})
		}
	}
	slices.SortFunc(c.records, func(a, b record) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.block, b.block), cmp.Compare(a.event, b.event))
	})
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

// find moves the cursor to the window of record k, and returns the record's place in
// it, or -1 if the record would be later than the horizon.
func (c *cursor) find(s *Stream, k uint64) int {
	windows := int64(horizon) / s.window
	if k > math.MaxInt64/2 {
		return -1
	}
	n := int64(k) + s.origin
	if !c.valid || n < c.first || n > c.first+2*int64(len(c.records)) {
		number := sort.Search(int(windows), func(i int) bool {
			block, r := int64(i)/s.slots, int64(i)%s.slots
			return (s.before(block, r)+s.upTo(block, r))/2 > n
		})
		c.load(s, min(int64(number), windows-1))
	}
	for n < c.first {
		c.load(s, c.number-1)
	}
	for n >= c.first+int64(len(c.records)) {
		if c.number+1 >= windows {
			return -1
		}
		c.load(s, c.number+1)
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
	c.load(s, min(t/s.window, horizon/s.window-1))
	i := sort.Search(len(c.records), func(i int) bool { return c.records[i].at > t })
	return uint64(c.first + int64(i) - s.origin)
}
