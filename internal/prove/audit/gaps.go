// SPDX-License-Identifier: Apache-2.0

package audit

import "slices"

// gap is a range of numbers that a set does not contain.
type gap struct {
	from, to uint64 // both included
	missing  uint64 // number of missing values: to-from+1, or less in a frozen block
	late     uint64 // number of missing values that may have arrived

	// vague reports that the range is part of a frozen block, and that all missing
	// values may be in the other part of the block.
	vague bool
}

// gaps passes gaps to f. It joins adjacent ones.
type gaps struct {
	f    func(gap)
	last gap
	open bool // last is not passed yet
}

func (g *gaps) flush() {
	if g.open {
		g.f(g.last)
		g.open = false
	}
}

// add adds a range of missing values.
func (g *gaps) add(from, to uint64) {
	if g.open && g.last.to+1 == from {
		g.last.to, g.last.missing = to, g.last.missing+to-from+1
		return
	}
	g.flush()
	g.last, g.open = gap{from: from, to: to, missing: to - from + 1}, true
}

// addApart adds a gap that is not joined with others.
func (g *gaps) addApart(x gap) {
	g.flush()
	g.f(x)
}

// missing calls f for each gap in from..to, in order. It joins adjacent gaps, except
// those of frozen blocks.
func (s *set) missing(from, to uint64, f func(gap)) {
	g := &gaps{f: f}
	full := s.full[s.find(from>>blockBits):]
	for _, key := range s.keys(from, to) {
		first := max(from, key<<blockBits)
		last := min(to, key<<blockBits+blockSize-1)
		full = s.between(from, first, full, g)
		from = last + 1
		if b := s.blocks[key]; b.frozen {
			width := last - first + 1
			holes := min(uint64(blockSize-b.n), width)
			g.addApart(gap{from: first, to: last, missing: holes, late: min(uint64(b.late), holes), vague: width < blockSize})
		} else {
			bm := b.bits
			if bm == nil {
				bm = new(bitmap)
				b.expand(bm)
			}
			base := key << blockBits
			for from, to := range bm.runs(first-base, last-base, ^uint64(0)) {
				g.add(base+from, base+to)
			}
		}
	}
	s.between(from, to+1, full, g)
	g.flush()
}

// between adds the gaps in from..end-1, which contains no blocks but the full spans. It
// returns the full spans after them.
func (s *set) between(from, end uint64, full []span, g *gaps) []span {
	for from < end && len(full) > 0 && full[0].from<<blockBits < end {
		if first := full[0].from << blockBits; first > from {
			s.absent(from, first-1, g)
		}
		from = max(from, min((full[0].to+1)<<blockBits, end))
		full = full[1:]
	}
	if from < end {
		s.absent(from, end-1, g)
	}
	return full
}

// absent adds numbers that are in no block.
func (s *set) absent(from, to uint64, g *gaps) {
	if s.rejected == 0 || to>>blockBits < s.rejectedSpan.from || from>>blockBits > s.rejectedSpan.to {
		g.add(from, to)
		return
	}
	g.addApart(gap{from: from, to: to, missing: to - from + 1, vague: true})
}

// keys returns the keys of the blocks in from..to, ascending.
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

// present calls f for each run of numbers below end that are in the set, ascending.
// Blocks that are forgotten are left out.
func (s *set) present(from, end uint64, f func(from, to uint64)) {
	if from < end {
		s.split(from, end-1, f, func(_, _ uint64) {}, func(_, _, _, _ uint64) {})
	}
}
