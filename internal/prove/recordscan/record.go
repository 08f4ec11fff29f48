// SPDX-License-Identifier: Apache-2.0

package recordscan

import (
	"bytes"
	"unicode/utf8"

	"github.com/gdummy/gdummy/internal/recordid"
)

// doc is one record, taken apart.
type doc struct {
	nodes   []node   // its maps, in the order in which they open
	members []member // of all maps; those of one map stand together
	stack   []member // members of maps that are still open
	found   []finding
	text    []byte // unescaped strings

	groups []group // of findings that stand beside one another; inner ones first
	starts []int32 // of the parts of groups
	parts  []int32 // of maps and arrays that are still open
	tuples []tuple // arrays of one record

	event bool  // nodes[body] is the body of an event
	body  int32 // the metadata's nodes come before it

	foreign int    // elements of lists of records that have no identity
	lists   []list // that are lists of records if the one record in them is whole

	how       reading
	hints     reading // which ways to read escapes would matter
	choices   int     // values that may be another one each
	pick      uint32  // those of them, by their bits, that are
	ambiguous bool    // there are numbers that are other ones if they are read coarsely

	strings int // depth of strings in strings

	place   string // the only one where identities count; "" if they do anywhere
	stamp   string // where the time of arrival stands; "" if nowhere
	arrival int64  // that time

	large  bool // there are more than maxParts parts
	binary bool // an identity stands in a string that is no text
	valued bool // one stands elsewhere than at place, where OpenTelemetry has values
}

// reading is a way to read values.
type reading uint16

const (
	coarse reading = 1 << iota // numbers that Fluent Bit writes ambiguously are rounded
	pairs                      // lists of keys and values, as OpenTelemetry has them, are maps

	// Ways to undo what other programs do to values when they write them again. See
	// [Scanner.reconsider].
	probe     // what could be undone is noted in doc.hints and doc.choices
	unfolded  // JSON in strings is read even if it has no identity
	rewritten // values are what doc.pick says
	unescaped // escapes of JSON in the text of a string are undone
	plainHTML // those of HTML's characters only
	html      // there are such, where these characters are
)

// list is an array of maps, of which one has an identity.
type list struct {
	lo, hi int32 // that one is nodes[lo:hi]
	others int   // elements
}

// node is one map.
type node struct {
	parent       int32  // the map around it, -1 at the outermost
	name         []byte // of the member of parent that holds it
	first, count int32  // in doc.members
}

// member is one member of a map.
type member struct {
	name   []byte
	value  uint64 // hash of the value
	hash   uint64 // of both
	lo, hi int32  // the maps inside the value: nodes[lo:hi]
	id     bool   // the value is an identity
}

// finding is one identity in a record.
type finding struct {
	id   recordid.ID
	node int32 // the map that has it as a member, or -1
	name []byte

	state State // of its record, once it was judged; 0 for a copy

	// See [Scanner.merge].
	class  int32 // of findings of one identity; 0 if there is one only
	record int32 // the finding that stands for the record
	next   int32 // the next record of that class in the group
	loose  bool  // it stands in no list
}

func (d *doc) reset(how reading) {
	d.nodes, d.members, d.stack, d.found, d.text = d.nodes[:0], d.members[:0], d.stack[:0], d.found[:0], d.text[:0]
	d.event, d.body, d.strings = false, 0, 0
	d.foreign, d.lists = 0, d.lists[:0]
	d.groups, d.starts, d.parts = d.groups[:0], d.starts[:0], d.parts[:0]
	d.arrival, d.large, d.binary, d.valued = 0, false, false, false
	d.how, d.ambiguous, d.hints, d.choices = how, false, 0, 0
	d.tuples = d.tuples[:0]
}

// trim gives back what an unusually large record has left behind.
func (d *doc) trim() {
	const most = 4096
	if cap(d.nodes)+cap(d.members)+cap(d.stack)+cap(d.found) > 4*most || cap(d.text) > 64*most {
		d.nodes, d.members, d.stack, d.found, d.text, d.lists = nil, nil, nil, nil, nil, nil
		d.groups, d.starts, d.parts, d.tuples = nil, nil, nil, nil
	}
}

// room reports whether the record may have another part.
func (d *doc) room() bool {
	if len(d.nodes)+len(d.members)+len(d.stack) < maxParts {
		return true
	}
	d.large = true
	return false
}

// open starts a map and returns its number and where its members begin on the
// stack.
func (d *doc) open(parent int32, name []byte) (n int32, base int) {
	d.nodes = append(d.nodes, node{parent: parent, name: name})
	return int32(len(d.nodes) - 1), len(d.stack)
}

// close ends a map and returns its hash as a value. parts is how many there were
// when it began.
func (d *doc) close(n int32, base, parts int) uint64 {
	d.together(parts)
	total := uint64(0)
	for i := base; i < len(d.stack); i++ {
		total += d.stack[i].hash
	}
	count := len(d.stack) - base
	d.nodes[n].first, d.nodes[n].count = int32(len(d.members)), int32(count)
	d.members = append(d.members, d.stack[base:]...)
	d.stack = d.stack[:base]
	if d.nodes[n].parent < 0 {
		return 0 // nobody asks
	}
	return recordid.HashMap(total, count)
}

// string notes an identity in a string, and returns whether it is one as a
// whole.
func (d *doc) string(s []byte, n int32, name []byte) bool {
	if d.how&unfolded != 0 && len(s) > 1 && s[0] == '{' && !bytes.Contains(s, []byte(recordid.Prefix)) {
		d.inside(s, n, name)
		return false
	}
	if len(s) < recordid.Size {
		return false
	}
	if len(s) == recordid.Size {
		id, ok := recordid.Parse(s)
		switch {
		case !ok:
		case d.place == "" || d.at(d.place, n, name):
			d.found = append(d.found, finding{id: id, node: n, name: name})
		default:
			d.valued = d.valued || string(name) == "stringValue"
		}
		return ok
	}
	if bytes.Contains(s, []byte(recordid.Prefix)) {
		d.inside(s, n, name)
	}
	return false
}

// blob looks for records in bytes that are no string.
func (d *doc) blob(s []byte, n int32, name []byte) {
	if bytes.Contains(s, []byte(recordid.Prefix)) {
		was := d.binary
		d.inside(s, n, name)
		d.binary = was
	}
}

// inside looks for records in a string: JSON, of one value or of several in
// sequence, or else text.
func (d *doc) inside(s []byte, n int32, name []byte) {
	parts := len(d.parts)
	if t := bytes.TrimSpace(bytes.TrimRight(s, "\x00")); d.strings < maxString && len(t) > 0 && (t[0] == '{' || t[0] == '[') {
		was := *d
		d.strings++
		j := jsonReader{doc: d, b: t}
		values, ok := 0, true
		for ok && j.space() != 0 {
			found := len(d.found)
			_, ok = j.value(n, name, 1)
			d.part(found)
			values++
		}
		d.strings--
		if ok && j.pos == len(t) {
			if values > 1 {
				d.list(parts)
			}
			d.parts = d.parts[:parts]
			return
		}
		d.nodes, d.members, d.stack, d.found = d.nodes[:len(was.nodes)], d.members[:len(was.members)], d.stack[:len(was.stack)], d.found[:len(was.found)]
		d.lists, d.tuples, d.foreign = d.lists[:len(was.lists)], d.tuples[:len(was.tuples)], was.foreign
		d.groups, d.starts, d.parts = d.groups[:len(was.groups)], d.starts[:len(was.starts)], d.parts[:parts]
	}
	for text := s; ; {
		id, end := recordid.Find(s)
		if end < 0 {
			d.binary = d.binary || len(s) < len(text) && !utf8.Valid(text)
			d.together(parts)
			return
		}
		if d.place == "" || d.at(d.place, n, name) {
			d.parts = append(d.parts, int32(len(d.found)))
			d.found = append(d.found, finding{id: id, node: -1, name: name})
		}
		s = s[end:]
	}
}

// at reports whether the member name of map n stands at place, which is the names
// of members, from the outermost, joined by dots. Names may have dots as well.
func (d *doc) at(place string, n int32, name []byte) bool {
	for {
		if len(place) < len(name) || place[len(place)-len(name):] != string(name) {
			return false
		}
		place = place[:len(place)-len(name)]
		if n < 0 || d.nodes[n].parent < 0 {
			return place == ""
		}
		if place == "" || place[len(place)-1] != '.' {
			return false
		}
		place = place[:len(place)-1]
		n, name = d.nodes[n].parent, d.nodes[n].name
	}
}

// elements are those of an array, as they are read: which of them have an
// identity.
type elements struct {
	kinds  uint8 // of all of them, by their bits
	having uint8 // likewise, of those with an identity
	alike  bool  // two of those are of one kind
	with   int
	lo, hi int32 // of the last one with an identity: nodes[lo:hi]
	parts  int   // of the document when the array began
	first  int32 // node of it, if there is one
	shape  uint8 // the kinds of the first elements, two bits each
}

// tuple is an array that one record has, such as an event: its maps are
// nodes[lo:hi].
type tuple struct {
	lo, hi int32
	line   bool // it is a line of Loki's with its labels: a time, a text and a map
}

// elements begins an array.
func (d *doc) elements() elements {
	return elements{parts: len(d.parts), first: int32(len(d.nodes))}
}

// add notes that an element of a kind, before which there were lo maps and so
// many findings, has an identity.
func (e *elements) add(d *doc, kind byte, lo int32, found int) {
	d.part(found)
	e.alike = e.alike || e.having>>kind&1 != 0
	e.having |= 1 << kind
	e.with++
	e.lo, e.hi = lo, int32(len(d.nodes))
}

// maxTuple is how many elements an array of one record has at most: the message
// [tag, time, record, option] of the forward protocol.
const maxTuple = 4

// end notes what the array, which belongs to the member name of map n, is.
//
// An array is a list of records, unless it is short and those of its elements
// that have an identity are of different kinds: an event, which has one in its
// metadata and its body, or a line with labels. A list of attributes as
// OpenTelemetry has it is no list of records, and neither are several values of
// one member that are all the same identity.
//
// Those without an identity count as records of somebody else, if this is a list
// of records: if several of its elements have one. One could be a list within a
// record as well: there the body tells, when it is checked.
func (e *elements) end(d *doc, n int32, name []byte, count int) {
	short := count <= maxTuple && !e.alike
	if short && e.kinds&(e.kinds-1) != 0 {
		const line = kindString<<4 | kindString<<2 | kindMap
		d.tuples = append(d.tuples, tuple{e.first, int32(len(d.nodes)), count == 3 && e.shape == line})
	}
	if short && e.with > 1 || e.kinds == 1<<kindMap && d.isAttribute(e.lo) || n >= 0 && d.isRepeated(n, name, e.parts) {
		d.together(e.parts)
	} else {
		d.list(e.parts)
	}
	others := count - e.with
	switch {
	case others == 0 || e.kinds&(e.kinds-1) != 0 || e.kinds == 1<<kindOther:
	case e.with > 1:
		d.foreign += others
	case e.kinds == 1<<kindMap:
		d.lists = append(d.lists, list{e.lo, e.hi, others})
	}
}

// isAttribute reports whether the map at the front of nodes[n:] is an attribute of
// OpenTelemetry: {"key":"a","value":{"stringValue":"b"}}.
func (d *doc) isAttribute(n int32) bool {
	if int(n)+1 >= len(d.nodes) || d.nodes[n].count != 2 || d.member(n, "key") == nil {
		return false
	}
	v := d.member(n, "value")
	if v == nil || v.lo >= v.hi {
		return false
	}
	nd := d.nodes[v.lo]
	return nd.count == 1 && isKind(d.members[nd.first].name)
}

// isRepeated reports whether the parts from one on, values of the member name of map
// n, are the same identity again and again.
func (d *doc) isRepeated(n int32, name []byte, parts int) bool {
	first := d.parts[parts]
	for i := first; int(i) < len(d.found); i++ {
		if f := &d.found[i]; f.node != n || !bytes.Equal(f.name, name) || f.id != d.found[first].id {
			return false
		}
	}
	return true
}

// kinds of values
const (
	kindOther byte = iota
	kindString
	kindMap
	kindArray
)
