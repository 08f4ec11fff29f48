// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"cmp"
	"math/bits"
	"slices"
)

// Numbers are kept in blocks of 65536.
const (
	blockBits = 16
	blockSize = 1 << blockBits
	words     = blockSize / 64

	// maxList is the maximum length of a block's list.
	maxList = 512

	// fewFirst is the number of values that a new block keeps in a list before it
	// gets a bitmap. It is small: a list is for scattered numbers.
	fewFirst = 16

	// maxFree is the maximum number of bitmaps kept for reuse.
	maxFree = 16

	// blockCost is the size of a block without its bitmap or list, in bytes: the
	// struct, and its share of the map.
	blockCost = 128
)

// set is a set of sequence numbers. It needs at most a bit for each number, and nothing
// for complete blocks.
type set struct {
	m      *memoryBudget
	blocks map[uint64]*block // blocks that are neither full nor empty
	full   []span            // full blocks: ascending, with gaps between them
	cur    *block
	curKey uint64
	count  uint64

	// rejected counts the numbers whose block did not fit in memory. rejectedSpan
	// encloses these blocks.
	rejected     uint64
	rejectedSpan span
}

// span is a range of blocks, both ends included.
type span struct{ from, to uint64 }

// block is a set of 65536 numbers: a bitmap, a list, or frozen.
type block struct {
	n    uint32 // number of elements
	bits *bitmap

	// list has the elements or, if holes is set, the numbers that are not.
	list  []uint16
	holes bool

	frozen bool   // only the number of elements is known
	late   uint32 // numbers added after that

	used uint64 // tick of the last lookup
}

// memoryBudget limits the memory of all sets together.
type memoryBudget struct {
	limit     int64
	used      int64
	jumps     int64 // part of used: size of all jumps, at most a quarter of limit
	tick      uint64
	sets      []*set
	free      []*bitmap
	frozen    bool // a block was frozen
	exhausted bool // reclaiming is useless until a block is filled

	scratch *[2]bitmap // of unions
}

func newSet(m *memoryBudget) *set {
	s := &set{m: m, blocks: map[uint64]*block{}}
	m.sets = append(m.sets, s)
	return s
}

// result is the result of adding a number to a set.
type result uint8

const (
	added result = iota
	present
	undecided // the block is frozen: the number may be present
)

// add adds a number.
func (s *set) add(v uint64) result {
	key := v >> blockBits
	b := s.cur
	if b == nil || key != s.curKey {
		var r result
		if b, r = s.block(key); b == nil {
			return r
		}
	}
	if b.bits == nil {
		if b.frozen {
			b.late++
			return undecided
		}
		if b.n < fewFirst && !b.holes {
			return s.list(b, uint16(v))
		}
		s.unpack(b)
	}
	w, bit := v&(blockSize-1)>>6, uint64(1)<<(v&63)
	if b.bits[w]&bit != 0 {
		return present
	}
	b.bits[w] |= bit
	s.count++
	if b.n++; b.n == blockSize {
		s.m.drop(b)
		s.fill(key)
	}
	return added
}

// has reports whether a number is in the set. Those of blocks that are forgotten are not.
func (s *set) has(v uint64) bool {
	key := v >> blockBits
	switch b := s.blocks[key]; {
	case b == nil:
		return s.isFull(key)
	case b.frozen:
		return false
	case b.bits != nil:
		return b.bits[v&(blockSize-1)>>6]&(1<<(v&63)) != 0
	default:
		return slices.Contains(b.list, uint16(v)) != b.holes
	}
}

// list adds a number to a block with few elements.
func (s *set) list(b *block, v uint16) result {
	if slices.Contains(b.list, v) {
		return present
	}
	before := cap(b.list)
	b.list = append(b.list, v)
	s.m.used += int64(cap(b.list)-before) * 2
	b.n++
	s.count++
	return added
}

// block returns a block, and creates it if necessary. If it returns nil, the second
// result is that of adding a number in the block.
func (s *set) block(key uint64) (*block, result) {
	b := s.blocks[key]
	if b == nil {
		if s.isFull(key) {
			return nil, present
		}
		if s.m.used+blockCost > s.m.limit {
			s.m.reclaim(nil)
			if s.m.exhausted = s.m.used+blockCost > s.m.limit; s.m.exhausted {
				// Frozen blocks alone fill the memory: the numbers are
				// widely scattered.
				if s.rejected == 0 {
					s.rejectedSpan = span{key, key}
				}
				s.rejected++
				s.rejectedSpan = span{min(s.rejectedSpan.from, key), max(s.rejectedSpan.to, key)}
				s.m.frozen = true
				return nil, undecided
			}
		}
		b = new(block)
		s.blocks[key] = b
		s.m.used += blockCost
	}
	s.m.tick++
	b.used = s.m.tick
	s.cur, s.curKey = b, key
	if s.m.used > s.m.limit {
		s.m.reclaim(b)
	}
	return b, added
}

// find returns the index of the first full span that does not end before key.
func (s *set) find(key uint64) int {
	i, _ := slices.BinarySearchFunc(s.full, key, func(sp span, key uint64) int { return cmp.Compare(sp.to, key) })
	return i
}

func (s *set) isFull(key uint64) bool {
	i := s.find(key)
	return i < len(s.full) && s.full[i].from <= key
}

// spanCost is the size of a span, in bytes, including spare capacity.
const spanCost = 32

// fill moves a full block to the full spans.
func (s *set) fill(key uint64) {
	delete(s.blocks, key)
	s.m.used -= blockCost
	s.m.exhausted = false
	s.cur = nil
	s.addFull(span{key, key})
}

// addFull adds a span of full blocks to the others, and joins those that touch it.
func (s *set) addFull(sp span) {
	first := s.find(max(sp.from, 1) - 1)
	last := first
	for ; last < len(s.full) && s.full[last].from <= sp.to+1; last++ {
		sp = span{min(sp.from, s.full[last].from), max(sp.to, s.full[last].to)}
	}
	s.m.used += spanCost * int64(1-(last-first))
	s.full = slices.Replace(s.full, first, last, sp)
}

// unpack converts the list of a block to a bitmap.
func (s *set) unpack(b *block) {
	m := s.m
	if m.used > m.limit {
		m.reclaim(b)
	}
	if n := len(m.free); n > 0 {
		b.bits = m.free[n-1]
		m.free = m.free[:n-1]
	} else {
		b.bits = new(bitmap)
	}
	m.used += words * 8
	b.expand(b.bits)
	m.used -= int64(cap(b.list)) * 2
	b.list, b.holes = nil, false
}

// expand writes the list of a block to a bitmap.
func (b *block) expand(to *bitmap) {
	rest := uint64(0) // the numbers that are not in the list
	if b.holes {
		rest = ^uint64(0)
	}
	for i := range to {
		to[i] = rest
	}
	for _, v := range b.list {
		to[v>>6] ^= 1 << (v & 63)
	}
}

// drop removes the bitmap of a block.
func (m *memoryBudget) drop(b *block) {
	m.free = append(m.free, b.bits)
	if len(m.free) > maxFree {
		m.free[maxFree] = nil
		m.free = m.free[:maxFree]
	}
	b.bits = nil
	m.used -= words * 8
}

// pack converts the bitmap of a block to a list, if that is short.
func (m *memoryBudget) pack(b *block) {
	var flip uint64
	n := int(b.n)
	if holes := blockSize - n; holes < n {
		n, flip = holes, ^uint64(0)
	}
	if n > maxList {
		return
	}
	list := make([]uint16, 0, n)
	for i, w := range b.bits {
		for w ^= flip; w != 0; w &= w - 1 {
			list = append(list, uint16(i<<6+bits.TrailingZeros64(w)))
		}
	}
	b.list, b.holes = list, flip != 0
	m.used += int64(n) * 2
	m.drop(b)
}

// reclaim frees memory. It packs blocks with few elements or few holes. If that is not
// enough, it freezes the least recently used blocks.
func (m *memoryBudget) reclaim(keep *block) {
	if m.exhausted {
		return
	}
	var open, lists []*block
	for _, s := range m.sets {
		for _, b := range s.blocks {
			if b.bits != nil && b != keep {
				m.pack(b)
			}
			switch {
			case b == keep:
			case b.bits != nil:
				open = append(open, b)
			case b.list != nil:
				lists = append(lists, b)
			}
		}
	}
	target := m.limit - m.limit/4
	for _, blocks := range [][]*block{open, lists} {
		slices.SortFunc(blocks, func(a, b *block) int { return cmp.Compare(a.used, b.used) })
		for _, b := range blocks {
			if m.used <= target {
				return
			}
			m.frozen = true
			b.frozen = true
			if b.bits != nil {
				m.drop(b)
			}
			m.used -= int64(cap(b.list)) * 2
			b.list, b.holes = nil, false
		}
	}
}
