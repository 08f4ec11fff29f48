// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"iter"
	"maps"
	"math/bits"
	"slices"

	"github.com/gdummy/gdummy/internal/recordid"
)

// endOfNumbers is above all numbers of records.
const endOfNumbers = recordid.MaxSeq + 1

// bitmap has a bit for each number of a block.
type bitmap [words]uint64

// runs returns the runs of numbers from first to last that a bitmap has or, if flip is not 0
// but all ones, does not have.
func (bm *bitmap) runs(first, last, flip uint64) iter.Seq2[uint64, uint64] {
	return func(yield func(from, to uint64) bool) {
		for v := first; v <= last; {
			w := (bm[v>>6] ^ flip) >> (v & 63)
			if w == 0 {
				v = v&^63 + 64
				continue
			}
			from := v + uint64(bits.TrailingZeros64(w))
			for v = from; v <= last; { // the run may continue in the next word
				n := uint64(bits.TrailingZeros64(^((bm[v>>6] ^ flip) >> (v & 63))))
				if v += n; n == 0 || v&63 != 0 {
					break
				}
			}
			if from > last || !yield(from, min(last, v-1)) {
				return
			}
		}
	}
}

// spans returns the runs of a bitmap, or none if they are too many.
func (bm *bitmap) spans() (all []span) {
	for from, to := range bm.runs(0, blockSize-1, 0) {
		if len(all) == maxRuns {
			return nil
		}
		all = append(all, span{from, to})
	}
	return all
}

// copyBits writes the numbers of a block to a bitmap. Those of a frozen block are
// unknown: none are written.
func (s *set) copyBits(key uint64, to *bitmap) {
	b := s.blocks[key]
	switch {
	case b == nil:
		b = &block{holes: s.isFull(key)}
	case b.bits != nil:
		*to = *b.bits
		return
	}
	b.expand(to)
}

// united is what happened to the numbers of one block or more that were added to a set.
type united struct {
	span              // of blocks
	fresh     *bitmap // those of one block that are new; nil means all of the span
	common    *bitmap // those of one block that the set had; nil means all or none of the span
	again     uint64  // how many the set had
	undecided uint64  // how many it may have had
}

// noBits is an empty bitmap.
var noBits = new(bitmap)

// count returns the number of new numbers from first to last.
func (u *united) count(first, last uint64) (n uint64) {
	low, high := u.from<<blockBits, u.to<<blockBits+blockSize-1
	if last < low || first > high || u.fresh == noBits {
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

// runs calls f for each range of new numbers up to last.
func (u *united) runs(last uint64, f func(from, to uint64)) {
	low := u.from << blockBits
	switch {
	case u.fresh == noBits || low > last:
	case u.fresh == nil:
		f(low, min(last, u.to<<blockBits+blockSize-1))
	default:
		for from, to := range u.fresh.runs(0, min(last-low, blockSize-1), 0) {
			f(low+from, low+to)
		}
	}
}

// lowest returns the lowest new number.
func (u *united) lowest() uint64 {
	if u.fresh != nil {
		for i, w := range u.fresh {
			if w != 0 {
				return u.from<<blockBits + uint64(i<<6+bits.TrailingZeros64(w))
			}
		}
	}
	return u.from << blockBits
}

// eachAgain calls f with each number that the set had.
func (u *united) eachAgain(f func(uint64)) {
	for i := u.from << blockBits; u.common == nil && i-u.from<<blockBits < u.again; i++ {
		f(i)
	}
	if u.common == nil {
		return
	}
	for i, w := range u.common {
		for ; w != 0; w &= w - 1 {
			f(u.from<<blockBits + uint64(i<<6+bits.TrailingZeros64(w)))
		}
	}
}

// union adds the numbers of another set from one number on, and calls each for all of
// them. The bitmaps of a call are valid during it.
func (s *set) union(o *set, from uint64, each func(united)) {
	for _, sp := range o.full {
		if sp.to < from>>blockBits {
			continue
		}
		if sp.from = max(sp.from, from>>blockBits); sp.from<<blockBits < from {
			s.unite(sp.from, o, from, each)
			sp.from++
		}
		for _, key := range s.keysWithin(sp) {
			s.uniteFull(span{sp.from, key - 1}, each)
			s.unite(key, o, from, each)
			sp.from = key + 1
		}
		s.uniteFull(sp, each)
	}
	for _, key := range o.keys(from, endOfNumbers) {
		s.unite(key, o, from, each)
	}
}

// keysWithin returns the keys of the blocks in a span, ascending.
func (s *set) keysWithin(sp span) (keys []uint64) {
	if sp.to-sp.from >= uint64(len(s.blocks)) {
		return s.keys(sp.from<<blockBits, sp.to<<blockBits)
	}
	for key := sp.from; key <= sp.to; key++ {
		if s.blocks[key] != nil {
			keys = append(keys, key)
		}
	}
	return keys
}

// uniteFull adds the full blocks of a span, in which the set has full blocks only. Nothing
// is added for a span that ends before it begins.
func (s *set) uniteFull(sp span, each func(united)) {
	if sp.to+1 == sp.from {
		return
	}
	at := sp.from
	add := func(to uint64) {
		if at <= to {
			s.count += (to - at + 1) << blockBits
			each(united{span: span{at, to}})
		}
	}
	for i := s.find(sp.from); i < len(s.full) && s.full[i].from <= sp.to; i++ {
		f := s.full[i]
		if f.from > at {
			add(f.from - 1)
		}
		both := span{max(f.from, sp.from), min(f.to, sp.to)}
		each(united{span: both, fresh: noBits, again: (both.to - both.from + 1) << blockBits})
		at = both.to + 1
	}
	add(sp.to)
	s.addFull(sp)
}

// unite adds the numbers that o has in a block, from one number on.
func (s *set) unite(key uint64, o *set, from uint64, each func(united)) {
	if s.m.scratch == nil {
		s.m.scratch = new([2]bitmap)
	}
	in, have := &s.m.scratch[0], &s.m.scratch[1]
	o.copyBits(key, in)
	if first := key << blockBits; from > first {
		skip := from - first
		clear(in[:skip>>6])
		in[skip>>6] &= ^uint64(0) << (skip & 63)
	}
	s.copyBits(key, have)
	u := united{span: span{key, key}, fresh: in, common: have}
	n := uint64(0)
	for i := range in {
		in[i], have[i] = in[i]&^have[i], in[i]&have[i]
		u.again += uint64(bits.OnesCount64(have[i]))
		n += uint64(bits.OnesCount64(in[i]))
	}
	if n > 0 {
		s.addBits(&u, n)
	}
	each(u)
}

// addBits adds the n numbers of u.fresh.
func (s *set) addBits(u *united, n uint64) {
	b, _ := s.block(u.from)
	switch {
	case b == nil:
		s.rejected += n - 1 // one is counted
		u.undecided, u.fresh = n, noBits
		return
	case b.frozen:
		b.late += uint32(n)
		u.undecided, u.fresh = n, noBits
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
		s.fill(u.from)
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
