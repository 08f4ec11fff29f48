package audit

import (
	"math/bits"
	"slices"
)

// Numbers are kept in blocks of 65536.
const (
	blockBits = 16
	blockSize = 1 << blockBits
	words     = blockSize / 64

	// maxList is how many numbers a block may list instead of having a bit map.
	maxList = 512

	// blockCost is what a block costs beside its bits or list, in bytes: the
	// struct, and its share of the map.
	blockCost = 128
)

// set is a set of sequence numbers that costs a bit for each number at worst,
// and next to nothing where the numbers are all there.
type set struct {
	m      *memory
	blocks map[uint64]*block
	cur    *block
	curKey uint64
	count  uint64
}

// block is 65536 numbers: full, a bit map, a list, or frozen.
type block struct {
	n    uint32 // members
	bits *[words]uint64

	// list are the members or, with holes, all that are not.
	list  []uint16
	holes bool

	frozen bool   // which members there are is forgotten
	late   uint32 // numbers that came after that

	used uint64 // when it was last looked up
}

// memory bounds what all sets together may use.
type memory struct {
	limit  int64
	used   int64
	tick   uint64
	sets   []*set
	free   []*[words]uint64
	frozen bool // something was forgotten
}

func newSet(m *memory) *set {
	s := &set{m: m, blocks: map[uint64]*block{}}
	m.sets = append(m.sets, s)
	return s
}

// result says what adding a number to a set came to.
type result uint8

const (
	added result = iota
	present
	undecided // the number may have been there before: its block is forgotten
)

// add adds a number.
func (s *set) add(v uint64) result {
	key := v >> blockBits
	b := s.cur
	if b == nil || key != s.curKey {
		b = s.block(key)
	}
	if b.bits == nil {
		switch {
		case b.n == blockSize:
			return present
		case b.frozen:
			b.late++
			return undecided
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
	}
	return added
}

// block looks a block up, or makes it.
func (s *set) block(key uint64) *block {
	b := s.blocks[key]
	if b == nil {
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
	return b
}

// unpack gives a block its bits.
func (s *set) unpack(b *block) {
	m := s.m
	if m.used > m.limit {
		m.reclaim(b)
	}
	if n := len(m.free); n > 0 {
		b.bits = m.free[n-1]
		m.free = m.free[:n-1]
		clear(b.bits[:])
	} else {
		b.bits = new([words]uint64)
	}
	m.used += words * 8
	if b.holes {
		for i := range b.bits {
			b.bits[i] = ^uint64(0)
		}
	}
	for _, v := range b.list {
		b.bits[v>>6] ^= 1 << (v & 63)
	}
	m.used -= int64(cap(b.list)) * 2
	b.list, b.holes = nil, false
}

// drop takes the bits of a block away.
func (m *memory) drop(b *block) {
	m.free = append(m.free, b.bits)
	if len(m.free) > 64 {
		m.free = m.free[:64]
	}
	b.bits = nil
	m.used -= words * 8
}

// pack replaces the bits of a block by a list, if that is short.
func (m *memory) pack(b *block) {
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

// reclaim makes room: blocks with few members or few holes are packed; if that
// is not enough, those that were not used for longest are forgotten but for
// their count.
func (m *memory) reclaim(keep *block) {
	var open, lists []*block
	for _, s := range m.sets {
		for _, b := range s.blocks {
			if b.bits != nil && b != keep && b != s.cur {
				m.pack(b)
			}
			switch {
			case b == keep || b == s.cur:
			case b.bits != nil:
				open = append(open, b)
			case b.list != nil:
				lists = append(lists, b)
			}
		}
	}
	target := m.limit - m.limit/4
	for _, blocks := range [][]*block{open, lists} {
		slices.SortFunc(blocks, func(a, b *block) int {
			if a.used < b.used {
				return -1
			}
			return 1
		})
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
	if m.used > target {
		// Blocks that say nothing but how many they were cost too much already:
		// numbers all over the place. What is left is bounded by hostile input
		// only, which the number of streams and blocks bounds.
		m.limit = m.used + m.used/4
	}
}

// gap is a run of numbers that are not in a set.
type gap struct {
	from, to uint64 // both included
	missing  uint64 // to-from+1, or less where the block is forgotten
	late     uint64 // how many of them may have arrived

	// vague says that the numbers are a part of a block that is forgotten, and
	// that all of missing may be in its other part.
	vague bool
}

// missing calls f for each gap in from..to, in order. Gaps that touch are one,
// except around blocks that are forgotten.
func (s *set) missing(from, to uint64, f func(gap)) {
	var g gap
	open := false
	flush := func() {
		if open {
			f(g)
			open = false
		}
	}
	miss := func(a, b uint64) {
		if open && g.to+1 == a {
			g.to, g.missing = b, g.missing+b-a+1
			return
		}
		flush()
		g, open = gap{from: a, to: b, missing: b - a + 1}, true
	}
	for _, key := range s.keys(from, to) {
		first := max(from, key<<blockBits)
		last := min(to, key<<blockBits+blockSize-1)
		// Blocks that do not exist, before this one.
		if first > from {
			miss(from, first-1)
		}
		from = last + 1
		b := s.blocks[key]
		switch {
		case b.n == blockSize:
		case b.frozen:
			flush()
			width := last - first + 1
			holes := min(uint64(blockSize-b.n), width)
			f(gap{from: first, to: last, missing: holes, late: min(uint64(b.late), holes), vague: width < blockSize})
		default:
			s.blockMissing(b, key, first, last, miss)
		}
	}
	if from <= to {
		miss(from, to)
	}
	flush()
}

// keys returns the numbers of the blocks in from..to, ascending.
func (s *set) keys(from, to uint64) []uint64 {
	var keys []uint64
	for k := range s.blocks {
		if k >= from>>blockBits && k <= to>>blockBits {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	return keys
}

func (s *set) blockMissing(b *block, key, first, last uint64, miss func(a, b uint64)) {
	bm := b.bits
	if bm == nil {
		tmp := new([words]uint64)
		if b.holes {
			for i := range tmp {
				tmp[i] = ^uint64(0)
			}
		}
		for _, v := range b.list {
			tmp[v>>6] ^= 1 << (v & 63)
		}
		bm = tmp
	}
	base := key << blockBits
	for v := first; v <= last; {
		i := v - base
		w := ^bm[i>>6] >> (i & 63) // holes, from v on
		if w == 0 {
			v = v&^63 + 64
			continue
		}
		v += uint64(bits.TrailingZeros64(w))
		if v > last {
			return
		}
		i = v - base
		n := uint64(bits.TrailingZeros64(bm[i>>6] >> (i & 63)))
		end := v + n - 1
		if n == 64 || i&63+n > 63 {
			end = v | 63
		}
		end = min(end, last)
		miss(v, end)
		v = end + 1
	}
}
