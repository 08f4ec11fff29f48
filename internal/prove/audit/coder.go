// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// coder reads or writes the values of a part, so that its format is in one place. Numbers
// are varints of package encoding/binary. After an error, what it reads is 0.
type coder struct {
	b       []byte
	reading bool
	err     error
}

var errShort = errors.New("unexpected end")

func (c *coder) fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf(format, args...)
	}
}

// check reports an error of what was read.
func (c *coder) check(ok bool, what string) {
	if c.reading && !ok {
		c.fail("invalid %s", what)
	}
}

func (c *coder) uint(v *uint64) {
	if !c.reading {
		c.b = binary.AppendUvarint(c.b, *v)
		return
	}
	n, size := binary.Uvarint(c.b)
	if size <= 0 && c.err == nil {
		c.err = errShort
	}
	if c.err != nil {
		*v = 0
		return
	}
	*v, c.b = n, c.b[size:]
}

func (c *coder) int(v *int64) {
	n := uint64(*v<<1) ^ uint64(*v>>63)
	c.uint(&n)
	*v = int64(n>>1) ^ -int64(n&1)
}

func (c *coder) bool(v *bool) {
	n := uint64(0)
	if *v {
		n = 1
	}
	c.uint(&n)
	c.check(n <= 1, "boolean")
	*v = n == 1
}

// size reads or writes the length of a list whose elements need a byte each at least.
func (c *coder) size(n int) int {
	v := uint64(n)
	c.uint(&v)
	if c.reading && v > uint64(len(c.b)) {
		c.fail("a list of %d elements in %d bytes", v, len(c.b))
	}
	if c.err != nil {
		return 0
	}
	return int(v)
}

func (c *coder) text(v *string) {
	n := c.size(len(*v))
	if !c.reading {
		c.b = append(c.b, *v...)
		return
	}
	*v, c.b = string(c.b[:n]), c.b[n:]
}

// list reads or writes a list, and calls each with its elements.
func list[T any](c *coder, v *[]T, each func(*T)) {
	n := c.size(len(*v))
	if c.reading {
		*v = nil
	}
	for i := 0; i < n && c.err == nil; i++ {
		if c.reading {
			var zero T
			*v = append(*v, zero)
		}
		each(&(*v)[i])
	}
}

// span reads or writes a range by its distance from the previous one, and returns the
// number after its end.
func (c *coder) span(v *span, previous uint64) (next uint64) {
	gap, more := v.from-previous, v.to-v.from
	c.uint(&gap)
	c.uint(&more)
	c.check(gap <= endOfNumbers && more <= endOfNumbers, "range")
	if c.err != nil {
		return previous
	}
	*v = span{previous + gap, previous + gap + more}
	return v.to + 1
}

// maxRuns is the number of ranges up to which a block has ranges instead of a bitmap.
const maxRuns = 2048

// set reads or writes a set: the ranges of full blocks, then the other blocks.
func (c *coder) set(s *set) {
	next := uint64(0)
	list(c, &s.full, func(sp *span) {
		from := next
		next = c.span(sp, next)
		c.check(next <= endOfNumbers>>blockBits && (from == 0 || sp.from > from), "block")
		if c.reading && c.err == nil {
			s.count += (sp.to - sp.from + 1) << blockBits
			s.m.used += spanCost
		}
	})
	var keys []uint64
	if !c.reading {
		keys = s.keys(0, endOfNumbers)
	}
	next = 0
	list(c, &keys, func(key *uint64) {
		sp := span{*key, *key}
		from := next
		next = c.span(&sp, next)
		*key = sp.from
		c.check(sp.from == sp.to && sp.to < endOfNumbers>>blockBits && (from == 0 || sp.from >= from) && !s.isFull(sp.from), "block")
		if c.err == nil {
			c.block(s, *key)
		}
	})
	if c.reading && s.m.frozen {
		c.fail("it needs more memory")
	}
}

// block reads or writes a block: ranges, or none and a bitmap.
func (c *coder) block(s *set, key uint64) {
	bm := new(bitmap)
	var runs []span
	if !c.reading {
		s.copyBits(key, bm)
		runs = bm.spans()
	}
	next := uint64(0)
	list(c, &runs, func(r *span) {
		next = c.span(r, next)
		c.check(r.to < blockSize, "number")
		if c.reading && c.err == nil {
			for v := r.from; v <= r.to; v++ {
				bm[v>>6] |= 1 << (v & 63)
			}
		}
	})
	if len(runs) == 0 {
		c.bits(bm)
	}
	if c.reading && c.err == nil {
		u := united{span: span{key, key}, fresh: bm}
		n := u.count(0, endOfNumbers)
		c.check(n > 0 && n < blockSize, "block")
		if c.err == nil {
			s.addBits(&u, n)
			if b := s.blocks[key]; b != nil && b.bits != nil {
				s.m.pack(b)
			}
		}
	}
}

func (c *coder) bits(bm *bitmap) {
	if !c.reading {
		for _, w := range bm {
			c.b = binary.LittleEndian.AppendUint64(c.b, w)
		}
		return
	}
	if len(c.b) < words*8 {
		c.err = errShort
		return
	}
	for i := range bm {
		bm[i] = binary.LittleEndian.Uint64(c.b[i*8:])
	}
	c.b = c.b[words*8:]
}
