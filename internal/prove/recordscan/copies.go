// SPDX-License-Identifier: Apache-2.0

package recordscan

import "github.com/gdummy/gdummy/internal/recordid"

// A record may have its identity in several places: in its metadata and its body, or in
// its members and in the text that they were parsed from. A document may have the same
// record several times: as elements of a list, each with the wrapping of some service.
// The two cases differ in the innermost value that contains both places. If it is a list
// of records, there are two records. If it is a map, or an array that belongs to a
// record, there is one.
//
// If a map has an identity outside of lists, then lists in that map are parts of the same
// record. If a map has it in lists only, these are views of the same records, and the
// longest one counts.

// group is a map, an array or a string with identities in several parts, or a list of
// records with identities in one or more.
type group struct {
	lo, hi int32 // its findings: found[lo:hi]
	first  int32 // the beginnings of its parts: starts[first:first+parts]
	parts  int32
	list   bool
}

// part ends a member, an element or the like, which is a part if it has an identity.
// found is the number of findings before it.
func (d *doc) part(found int) {
	if len(d.found) > found {
		d.parts = append(d.parts, int32(found))
	}
}

// together ends a map, or another value whose parts belong to the same record. The first
// of its parts has the given index.
func (d *doc) together(parts int) {
	if len(d.parts) > parts+1 {
		d.group(parts, false)
	}
	d.parts = d.parts[:parts]
}

// list ends a list of records, whose first part has the given index.
func (d *doc) list(parts int) {
	if len(d.parts) > parts {
		d.group(parts, true)
	}
	d.parts = d.parts[:parts]
}

func (d *doc) group(parts int, list bool) {
	of := d.parts[parts:]
	d.groups = append(d.groups, group{
		lo: of[0], hi: int32(len(d.found)),
		first: int32(len(d.starts)), parts: int32(len(of)), list: list,
	})
	d.starts = append(d.starts, of...)
}

// class is an identity that occurs several times.
type class struct {
	group      int32 // the last group that has it; the other fields refer to this group
	loose      bool  // it occurs outside of lists
	head, tail int32 // its records, linked by finding.next
	part       int32 // the last part that has it
	at         int32 // the record of the next occurrence in that part; -1 means a new one
}

// merge determines which findings belong to the same record, and sets finding.record. It
// reports whether any identity occurs several times.
func (s *Scanner) merge() bool {
	d := &s.doc
	if !s.classify() {
		return false
	}
	for n := range d.groups {
		g := &d.groups[n]
		if g.list {
			for i := g.lo; i < g.hi; i++ {
				d.found[i].loose = false
			}
			continue
		}
		s.unite(int32(n), g)
	}
	for i := range d.found {
		f := &d.found[i]
		if f.class > 0 {
			f.record = d.found[f.record].record // an earlier finding, which is resolved
		}
	}
	return true
}

// classify assigns a class to each identity that occurs several times.
func (s *Scanner) classify() bool {
	d := &s.doc
	ascending := true
	for i := 1; i < len(d.found) && ascending; i++ {
		a, b := &d.found[i-1].id, &d.found[i].id
		ascending = a.Run == b.Run && a.Instance == b.Instance && a.Seq < b.Seq
	}
	if ascending {
		return false
	}
	if s.seen == nil {
		s.seen = map[recordid.ID]int32{}
	}
	clear(s.seen)
	s.classes = append(s.classes[:0], class{}) // 0 is none
	for i := range d.found {
		f := &d.found[i]
		f.class, f.record, f.next, f.loose = 0, int32(i), -1, true
		first, is := s.seen[f.id]
		if !is {
			s.seen[f.id] = int32(i)
			continue
		}
		if of := &d.found[first]; of.class == 0 {
			of.class = int32(len(s.classes))
			s.classes = append(s.classes, class{group: -1})
		}
		f.class = d.found[first].class
	}
	if len(s.seen) > 4096 {
		s.seen = nil
	}
	return len(s.classes) > 1
}

// unite joins the findings in a group that belong to the same record.
func (s *Scanner) unite(n int32, g *group) {
	d := &s.doc
	for i := g.lo; i < g.hi; i++ {
		f := &d.found[i]
		if f.class == 0 || f.record != i {
			continue
		}
		c := &s.classes[f.class]
		if c.group != n {
			*c = class{group: n, head: -1, tail: -1, part: -1}
		}
		c.loose = c.loose || f.loose
	}
	for part := range g.parts {
		end := g.hi
		if part+1 < g.parts {
			end = d.starts[g.first+part+1]
		}
		for i := d.starts[g.first+part]; i < end; i++ {
			f := &d.found[i]
			if f.class == 0 || f.record != i {
				continue
			}
			c := &s.classes[f.class]
			if c.loose || c.part != part {
				c.part, c.at = part, c.head
			}
			if c.at >= 0 {
				f.record = c.at
				c.at = d.found[c.at].next
				continue
			}
			f.next, f.loose = -1, c.loose
			if c.tail >= 0 {
				d.found[c.tail].next = i
			} else {
				c.head = i
			}
			c.tail = i
		}
	}
}
