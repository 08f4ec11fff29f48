// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"maps"
	"math/bits"
	"slices"

	"github.com/gdummy/gdummy/internal/recordid"
)

// endOfNumbers is above all numbers of records.
const endOfNumbers = recordid.MaxSeq + 1

// bitmap has a bit for each number of a block.
type bitmap [words]uint64

// runs returns the ranges of a bitmap, or none if they are too many.
func (bm *bitmap) runs() (runs []span) {
	for v := uint64(0); v < blockSize; {
		w := bm[v>>6] >> (v & 63)
		if w == 0 {
			v = v&^63 + 64
			continue
		}
		v += uint64(bits.TrailingZeros64(w))
		n := uint64(bits.TrailingZeros64(^(bm[v>>6] >> (v & 63))))
		if k := len(runs); k > 0 && runs[k-1].to+1 == v {
			runs[k-1].to = v + n - 1
		} else if k == maxRuns {
			return nil
		} else {
			runs = append(runs, span{v, v + n - 1})
		}
		v += n
	}
	return runs
}

// copyBits writes the numbers of a block to a bitmap. Those of a frozen block are
// unknown: none are written.
func (s *set) copyBits(key uint64, to *bitmap) {
	b := s.blocks[key]
	switch {
	case b == nil && !s.isFull(key):
		clear(to[:])
		return
	case b == nil, b.bits == nil && b.holes:
		for i := range to {
			to[i] = ^uint64(0)
		}
	case b.bits != nil:
		*to = *b.bits
		return
	default:
		clear(to[:])
	}
	if b != nil {
		for _, v := range b.list {
			to[v>>6] ^= 1 << (v & 63)
		}
	}
}

// united is what happened to the numbers of a block that were added to a set.
type united struct {
	key       uint64
	fresh     *bitmap // those that are new; nil means the whole block
	again     uint64  // how many the set had
	undecided uint64  // how many it may have had
}

// count returns the number of new numbers from first to last.
func (u *united) count(first, last uint64) (n uint64) {
	low, high := u.key<<blockBits, u.key<<blockBits+blockSize-1
	if last < low || first > high {
		return 0
	}
	first, last = max(first, low)-low, min(last, high)-low
	if u.fresh == nil {
		return last - first + 1
	}
	for i := first >> 6; i <= last>>6; i++ {
		w := u.fresh[i]
		if i == first>>6 {
			w &= ^uint64(0) << (first & 63)
		}
		if i == last>>6 {
			w &= ^uint64(0) >> (63 - last&63)
		}
		n += uint64(bits.OnesCount64(w))
	}
	return n
}

// lowest returns the lowest new number.
func (u *united) lowest() (v uint64, ok bool) {
	if u.fresh == nil {
		return u.key << blockBits, true
	}
	for i, w := range u.fresh {
		if w != 0 {
			return u.key<<blockBits + uint64(i<<6+bits.TrailingZeros64(w)), true
		}
	}
	return 0, false
}

// union adds the numbers of another set from one number on, and calls each for each
// block of them.
func (s *set) union(o *set, from uint64, each func(*united)) {
	for _, sp := range o.full {
		for key := max(sp.from, from>>blockBits); key <= sp.to; key++ {
			s.unite(key, o, from, each)
		}
	}
	for _, key := range o.keys(from, endOfNumbers) {
		s.unite(key, o, from, each)
	}
}

func (s *set) unite(key uint64, o *set, from uint64, each func(*united)) {
	u := united{key: key}
	mine, full := s.blocks[key], o.blocks[key] == nil && from <= key<<blockBits
	if full && mine == nil && !s.isFull(key) {
		s.m.used += blockCost // as of a block that fill removes
		s.count += blockSize
		s.fill(key)
		each(&u)
		return
	}
	in := new(bitmap)
	o.copyBits(key, in)
	if first := key << blockBits; from > first {
		skip := from - first
		clear(in[:skip>>6])
		in[skip>>6] &= ^uint64(0) << (skip & 63)
	}
	u.fresh = in
	n := uint64(0)
	have := new(bitmap)
	s.copyBits(key, have)
	for i := range in {
		u.again += uint64(bits.OnesCount64(in[i] & have[i]))
		in[i] &^= have[i]
		n += uint64(bits.OnesCount64(in[i]))
	}
	if n > 0 {
		s.addBits(&u, n)
	}
	each(&u)
}

// addBits adds the n numbers of u.fresh.
func (s *set) addBits(u *united, n uint64) {
	b, _ := s.block(u.key)
	switch {
	case b == nil:
		s.rejected += n - 1 // one is counted
		u.undecided, u.fresh = n, new(bitmap)
		return
	case b.frozen:
		b.late += uint32(n)
		u.undecided, u.fresh = n, new(bitmap)
		return
	case b.bits == nil && !b.holes && uint64(b.n)+n <= fewFirst:
		for i, w := range u.fresh {
			for ; w != 0; w &= w - 1 {
				s.list(b, uint16(i<<6+bits.TrailingZeros64(w)))
			}
		}
		return
	case b.bits == nil:
		s.unpack(b)
	}
	for i, w := range u.fresh {
		b.bits[i] |= w
	}
	s.count += n
	if b.n += uint32(n); b.n == blockSize {
		s.m.drop(b)
		s.fill(u.key)
	}
}

// remove removes a number that the set contains.
func (s *set) remove(v uint64) {
	key := v >> blockBits
	b := s.blocks[key]
	if b == nil {
		i := s.find(key)
		sp := s.full[i]
		var rest []span
		if sp.from < key {
			rest = append(rest, span{sp.from, key - 1})
		}
		if key < sp.to {
			rest = append(rest, span{key + 1, sp.to})
		}
		s.full = slices.Replace(s.full, i, i+1, rest...)
		s.m.used += int64(len(rest)-1)*spanCost + blockCost
		b = &block{n: blockSize, holes: true, used: s.m.tick}
		s.blocks[key] = b
	}
	if b.bits == nil {
		s.unpack(b)
	}
	b.bits[v&(blockSize-1)>>6] &^= 1 << (v & 63)
	b.n--
	s.count--
}

// clone returns a copy that may be changed. Its memory is not limited.
func (s *set) clone() *set {
	c := *s
	c.m = &memoryBudget{limit: 1 << 62}
	c.blocks, c.full, c.cur = maps.Clone(s.blocks), slices.Clone(s.full), nil
	for key, b := range c.blocks {
		again := *b
		if b.bits != nil {
			again.bits = new(bitmap)
			*again.bits = *b.bits
		}
		again.list = slices.Clone(b.list)
		c.blocks[key] = &again
	}
	return &c
}
