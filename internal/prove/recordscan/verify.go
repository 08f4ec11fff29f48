// SPDX-License-Identifier: Apache-2.0

package recordscan

import (
	"bytes"
	"slices"
	"sort"

	"github.com/gdummy/gdummy/internal/recordid"
)

// report judges the record and delivers its findings. again parses it with another
// reading.
func (s *Scanner) report(record []byte, again func(reading)) {
	if s.value != nil {
		s.value(record)
		return
	}
	s.thorough = !s.lenient
	s.judge(again)
	s.thorough = false
	s.deliver(record)
}

// deliver passes the judged findings of a record to Options.Take.
func (s *Scanner) deliver(record []byte) {
	if s.value != nil {
		s.value(record)
		return
	}
	d := &s.doc
	if len(d.found) == 0 {
		if !d.isBulkAction() {
			s.take(recordid.ID{}, Foreign, 0)
		}
		return
	}
	for i := range d.found {
		if f := &d.found[i]; f.state != 0 {
			s.take(f.id, f.state, d.arrival)
		}
	}
	for range d.foreign {
		s.take(recordid.ID{}, Foreign, 0)
	}
}

// judge determines the state of each finding and returns the worst, or Foreign if there
// are none.
func (s *Scanner) judge(again func(reading)) (worst State) {
	d := &s.doc
	if d.how&pairs == 0 && d.isPairs() {
		if again(pairs); len(d.found) == 0 && d.place != "" {
			again(0) // the path consists of the names in the lists
		}
	}
	if len(d.found) == 0 {
		return Foreign
	}
	s.verifyAll(again)
	if s.thorough && slices.ContainsFunc(d.found, func(f finding) bool { return f.state == Damaged }) {
		s.reconsider(again)
	}
	if len(d.found) > 1 && s.merge() {
		d.keepBest()
	}
	for i := range d.found {
		worst = max(worst, d.found[i].state)
	}
	s.missed = s.missed || s.hinted && worst > Enriched
	return worst
}

// verifyAll determines the state of each finding: of those with a coarse sum with the
// reading coarse, if that makes a difference.
func (s *Scanner) verifyAll(again func(reading)) {
	d := &s.doc
	// Each finding examines a few maps around it, which would take long for a record
	// that consists of identities.
	s.effort = 1<<16 + 32*len(d.members)
	later := false
	for i := range d.found {
		f := &d.found[i]
		if d.ambiguous && f.id.Sum.Coarse {
			later = true
			continue
		}
		s.one(f)
	}
	if !later {
		return
	}
	s.states = s.states[:0]
	for i := range d.found {
		s.states = append(s.states, d.found[i].state)
	}
	again(d.how | coarse)
	for i := range d.found {
		f := &d.found[i]
		if f.id.Sum.Coarse {
			s.one(f)
		} else {
			f.state = s.states[i]
		}
	}
}

// keepBest reduces the copies of a record to one, with the best state of them.
func (d *doc) keepBest() {
	for i := range d.found {
		f := &d.found[i]
		if of := &d.found[f.record]; f.class > 0 && of != f {
			of.state = min(of.state, f.state)
			f.state = 0
		}
	}
}

// one determines the state of one finding.
func (s *Scanner) one(f *finding) {
	d := &s.doc
	st, body := s.verify(f)
	switch {
	case st == Intact && s.within:
		st = Enriched
	case st == Damaged && s.lenient:
		st = Unchecked
	}
	f.state = st
	if body >= 0 && len(d.lists) > 0 {
		d.listed(body)
	}
}

// listed counts the other elements in the lists around a body as foreign records.
func (d *doc) listed(body int32) {
	// Lists are in the order of their ends: inner ones first.
	k := sort.Search(len(d.lists), func(k int) bool { return d.lists[k].hi > body })
	for end := min(len(d.lists), k+maxLists); k < end; k++ {
		if l := &d.lists[k]; l.lo <= body {
			d.foreign += l.others
			l.others = 0
		}
	}
}

// verify searches for the map whose members have the sum of an identity: the map of the
// identity, the body if the identity is in the metadata, or an enclosing map. It returns
// the index of that map, or -1.
func (s *Scanner) verify(f *finding) (State, int32) {
	if f.node < 0 {
		return Unchecked, -1
	}
	d := &s.doc
	if d.event && f.node < d.body {
		if st := s.matchSum(f, d.body, nil); st != Damaged {
			return st, d.body
		}
	}
	outermost := func(n int32) bool { return d.nodes[n].parent < 0 }
	if st := s.matchSum(f, f.node, nil); st != Damaged {
		if !outermost(f.node) || d.event && f.node < d.body {
			st = max(st, Enriched)
		}
		return st, f.node
	}
	if st := s.prefixed(f); st != Damaged {
		return st, f.node
	}
	if st := s.parted(f); st != Damaged {
		return st, f.node
	}
	for n := f.node; !outermost(n); {
		up := d.nodes[n].parent
		if st := s.matchSum(f, up, nil); st != Damaged {
			if string(d.nodes[n].name) == "log_metadata" || string(d.nodes[n].name) == "__internal__" {
				return st, up // Fluent Bit writes metadata here
			}
			return max(st, Enriched), up
		}
		n = up
	}
	if d.flattened(f) {
		return Unchecked, -1
	}
	return Damaged, -1
}

// prefixed matches the sum of a map whose names have a prefix. The name of the identity
// has it, too: before one of the keys, or else up to a punctuation mark that other names
// have at the same position.
func (s *Scanner) prefixed(f *finding) State {
	d := &s.doc
	for _, key := range s.keys {
		if p, ok := bytes.CutSuffix(f.name, []byte(key)); ok && len(p) > 0 {
			if st := s.matchSum(f, f.node, p); st != Damaged {
				return max(st, Enriched)
			}
		}
	}
	nd := d.nodes[f.node]
	tried := 0
	for i := min(len(f.name), longestPrefix+1) - 1; i > 0 && tried < maxPrefixes && s.effort >= 0; i-- {
		p := f.name[:i]
		if c := p[i-1]; isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'z' {
			continue
		}
		s.effort -= int(nd.count)
		for _, m := range d.members[nd.first : nd.first+nd.count] {
			if m.id || !bytes.HasPrefix(m.name, p) {
				continue
			}
			tried++
			if st := s.matchSum(f, f.node, p); st != Damaged {
				return max(st, Enriched)
			}
			break
		}
	}
	return Damaged
}

// matchSum compares the sum of an identity with the members of a map: all of them, or
// all but some that were added. It ignores members that are identities or contain this
// one, and removes prefix from names.
func (s *Scanner) matchSum(f *finding, n int32, prefix []byte) State {
	d := &s.doc
	nd := d.nodes[n]
	ms := d.members[nd.first : nd.first+nd.count]
	total, count, last := uint64(0), 0, -1
	if s.effort -= len(ms); s.effort < 0 {
		return Unchecked
	}
	hashes := slices.Grow(s.hashes[:0], len(ms))[:len(ms)]
	s.hashes = hashes
	for i := range ms {
		m := &ms[i]
		h := m.hash
		if m.id {
			last = i
		}
		if m.id || m.lo <= f.node && f.node < m.hi {
			hashes[i] = 0
			continue
		}
		if len(prefix) > 0 {
			if name, ok := bytes.CutPrefix(m.name, prefix); ok {
				h = recordid.HashMember(name, m.value)
			}
		}
		hashes[i] = h
		total += h
		count++
	}
	want := f.id.Sum
	ordered := false
	looks := 0
	for added := (count - want.Members) & 15; added <= count; added += 16 {
		if added == 0 {
			if recordid.NewSum(total, count, want.Coarse).Hash == want.Hash {
				return Intact
			}
			continue
		}
		if looks += count; looks > maxLooks {
			return Unchecked // an implausible number of added members
		}
		if added == len(s.extras) && s.sameAdded(f, ms, want.Excess(total, count-added)) {
			if s.hinted = false; s.envelope {
				return Intact
			}
			return s.explained(ms, s.same)
		}
		if !ordered {
			s.sort(f, ms, last)
			ordered = true
		}
		if found := s.subsetSum.find(s.ordered, added, want.Excess(total, count-added)); found != nil {
			return s.explained(ms, found)
		}
	}
	return Damaged
}

// sameAdded reports whether the members that were added to the last record explain the
// excess. They are what the first sums of subsetSum would find.
func (s *Scanner) sameAdded(f *finding, ms []member, excess uint64) bool {
	s.order, s.same = s.order[:0], s.same[:0]
	sum := uint64(0)
	for i := range ms {
		m := &ms[i]
		if s.extraSizes>>(len(m.name)&63)&1 == 0 || !contains(s.extras, m.name) || m.id || m.lo <= f.node && f.node < m.hi {
			continue
		}
		s.same = append(s.same, len(s.order))
		s.order = append(s.order, i)
		sum += s.hashes[i]
	}
	return len(s.order) == len(s.extras) && sum&recordid.SumMask == excess
}

// sort orders the members by how likely they were added: those that were added to the
// last record, those that outputs add, those after the identity, which was the last
// member when it was sent, and then the others.
func (s *Scanner) sort(f *finding, ms []member, last int) {
	s.order, s.ordered = s.order[:0], s.ordered[:0]
	for pass := range 4 {
		for i := range ms {
			m := &ms[i]
			if m.id || m.lo <= f.node && f.node < m.hi {
				continue
			}
			is := 3
			switch {
			case contains(s.extras, m.name):
				is = 0
			case isEnvelope(m.name):
				is = 1
			case i > last:
				is = 2
			}
			if is == pass {
				s.order = append(s.order, i)
				s.ordered = append(s.ordered, s.hashes[i])
			}
		}
	}
}

// explained returns the state of a body whose sum matches without the members found,
// which are indices of s.order.
func (s *Scanner) explained(ms []member, found []int) State {
	st := Intact
	s.hinted = false
	known := len(s.extras) == len(found)
	for _, i := range found {
		name := ms[s.order[i]].name
		if !isEnvelope(name) {
			st = Enriched
			if s.shadows(ms, name) {
				return Damaged
			}
		}
		known = known && contains(s.extras, name)
	}
	if !known {
		extras := s.extras[:0]
		for _, i := range found {
			extras = append(extras, bytes.Clone(ms[s.order[i]].name))
		}
		s.setExtras(extras)
	}
	return st
}

// setExtras sets the names of the members that were added to the last record.
func (s *Scanner) setExtras(names [][]byte) {
	s.extras, s.extraSizes, s.envelope = names, 0, true
	for _, name := range names {
		s.envelope = s.envelope && isEnvelope(name)
		s.extraSizes |= 1 << (len(name) & 63)
	}
}

// member returns the first member of a map with the given name, or nil.
func (d *doc) member(n int32, name string) *member {
	nd := d.nodes[n]
	for i := nd.first; i < nd.first+nd.count; i++ {
		if string(d.members[i].name) == name {
			return &d.members[i]
		}
	}
	return nil
}

// flattened reports whether a finding is in a format that does not preserve values: GELF,
// which flattens maps and converts booleans to strings, or OpenTelemetry's lists of keys
// and values.
func (d *doc) flattened(f *finding) bool {
	if string(f.name) == "stringValue" {
		return true
	}
	return bytes.HasPrefix(f.name, []byte("_")) && d.member(f.node, "version") != nil && d.member(f.node, "short_message") != nil
}

// isBulkAction reports whether the record is an action line of Elasticsearch's bulk
// format, which precedes each record.
func (d *doc) isBulkAction() bool {
	if len(d.nodes) != 2 || d.nodes[0].count != 1 || d.nodes[1].parent != 0 {
		return false
	}
	switch string(d.nodes[1].name) {
	case "create", "index", "update":
		return d.nodes[1].count == 0 || d.member(1, "_index") != nil
	}
	return false
}

// shadows reports whether several members have the given name. Most readers keep only the
// last.
func (s *Scanner) shadows(ms []member, name []byte) bool {
	n := 0
	for i := range ms {
		if bytes.Equal(ms[i].name, name) {
			n++
		}
	}
	return n > 1
}

func contains(names [][]byte, name []byte) bool {
	for _, n := range names {
		if bytes.Equal(n, name) {
			return true
		}
	}
	return false
}

func isEnvelope(name []byte) bool {
	for _, e := range envelope {
		if string(name) == e {
			return true
		}
	}
	return false
}
