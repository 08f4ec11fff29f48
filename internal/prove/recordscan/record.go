// SPDX-License-Identifier: Apache-2.0

package recordscan

import (
	"bytes"
	"unicode/utf8"

	"github.com/gdummy/gdummy/internal/recordid"
)

// doc is a parsed record.
type doc struct {
	nodes   []node   // its maps, in the order of their beginnings
	members []member // of all maps; those of a map are consecutive
	stack   []member // members of maps that are still open
	found   []finding
	text    []byte // unescaped strings

	groups []group // groups of findings; inner ones first
	starts []int32 // of the parts of groups
	parts  []int32 // of maps and arrays that are still open
	tuples []tuple // arrays that belong to one record

	event bool  // nodes[body] is the body of an event
	body  int32 // the nodes of the metadata precede it

	foreign int    // elements without an identity in lists of records
	lists   []list // lists of records, if the only record in them is not damaged

	how       reading
	hints     reading // readings of escapes that would change a value
	choices   int     // number of values that may represent another one
	pick      uint32  // bit mask of the choices to replace
	ambiguous bool    // the reading coarse would change a number

	strings int // depth of strings within strings

	place   string // see Options.Path
	stamp   string // see Options.Arrival
	arrival int64  // the time at stamp

	inJSON, inMsgpack memo // of the records before
	ids               recordid.Parser

	large  bool // there are more than maxParts parts
	binary bool // an identity is in a string that is not text
	valued bool // an identity is in a value of OpenTelemetry, but not at place
}

// reading is a way to parse values.
type reading uint16

const (
	coarse reading = 1 << iota // numbers that Fluent Bit writes ambiguously are rounded
	pairs                      // OpenTelemetry's lists of keys and values are maps

	// Readings that undo how other programs rewrite values. See
	// [Scanner.reconsider].
	probe     // note what could be undone in doc.hints and doc.choices
	unfolded  // parse JSON in strings even if it has no identity
	rewritten // replace the values in doc.pick
	unescaped // undo escapes of JSON in the text of a string
	plainHTML // undo escapes of HTML's special characters only
	html      // escape HTML's special characters
)

// list is an array of maps, one of which has an identity.
type list struct {
	lo, hi int32 // the maps of that element: nodes[lo:hi]
	others int   // number of other elements
}

// node is one map.
type node struct {
	parent       int32  // the enclosing map, or -1
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

// finding is an identity in a record.
type finding struct {
	id   recordid.ID
	node int32 // the map that has it as a member, or -1
	name []byte

	state State // set by judge; 0 for a copy

	// See [Scanner.merge].
	class  int32 // of findings with the same identity; 0 if there is only one
	record int32 // the finding that represents the record
	next   int32 // the next record of that class in the group
	loose  bool  // it is not in a list
}

func (d *doc) reset(how reading) {
	d.nodes, d.members, d.stack, d.found, d.text = d.nodes[:0], d.members[:0], d.stack[:0], d.found[:0], d.text[:0]
	d.event, d.body, d.strings = false, 0, 0
	d.inJSON.named, d.inMsgpack.named = 0, 0
	d.foreign, d.lists = 0, d.lists[:0]
	d.groups, d.starts, d.parts = d.groups[:0], d.starts[:0], d.parts[:0]
	d.arrival, d.large, d.binary, d.valued = 0, false, false, false
	d.how, d.ambiguous, d.hints, d.choices = how, false, 0, 0
	d.tuples = d.tuples[:0]
}

// trim releases the memory of an unusually large record.
func (d *doc) trim() {
	const most = 4096
	if cap(d.nodes)+cap(d.members)+cap(d.stack)+cap(d.found) > 4*most || cap(d.text) > 64*most {
		d.nodes, d.members, d.stack, d.found, d.text, d.lists = nil, nil, nil, nil, nil, nil
		d.groups, d.starts, d.parts, d.tuples = nil, nil, nil, nil
	}
}

// room reports whether the record may have another map or member.
func (d *doc) room() bool {
	if len(d.nodes)+len(d.members)+len(d.stack) < maxParts {
		return true
	}
	d.large = true
	return false
}

// open begins a map. It returns the index of its node and the start of its members on the
// stack.
func (d *doc) open(parent int32, name []byte) (n int32, base int) {
	d.nodes = append(d.nodes, node{parent: parent, name: name})
	return int32(len(d.nodes) - 1), len(d.stack)
}

// close ends a map and returns its hash as a value. parts is the number of parts at its
// beginning.
func (d *doc) close(n int32, base, parts int) uint64 {
	d.together(parts)
	total := uint64(0)
	for i := base; i < len(d.stack); i++ {
		total += d.stack[i].hash
	}
	count := len(d.stack) - base
	d.nodes[n].first, d.nodes[n].count = int32(len(d.members)), int32(count)
	if len(d.members) == 0 && base == 0 {
		d.members, d.stack = d.stack, d.members // faster than to copy them
	} else {
		d.members = append(d.members, d.stack[base:]...)
		d.stack = d.stack[:base]
	}
	if d.nodes[n].parent < 0 {
		return 0 // not used
	}
	return recordid.HashMap(total, count)
}

// string adds the identities in a string, and reports whether the whole string is one.
func (d *doc) string(s []byte, n int32, name []byte) bool {
	if d.how&unfolded != 0 && len(s) > 1 && s[0] == '{' && !bytes.Contains(s, []byte(recordid.Prefix)) {
		d.inside(s, n, name)
		return false
	}
	if len(s) < recordid.Size {
		return false
	}
	if len(s) == recordid.Size {
		id, ok := d.ids.Parse(s)
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

// blob adds the identities in bytes that are not a string.
func (d *doc) blob(s []byte, n int32, name []byte) {
	if bytes.Contains(s, []byte(recordid.Prefix)) {
		was := d.binary
		d.inside(s, n, name)
		d.binary = was
	}
}

// inside adds the identities in a string: in one or more JSON values, or else in text.
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

// at reports whether the member name of map n is at place, which is a path as in
// [Options].
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

// elements describes the elements of an array, and which have an identity.
type elements struct {
	kinds  uint8 // bit mask of the kinds of all elements
	having uint8 // bit mask of the kinds of elements with an identity
	alike  bool  // two elements with an identity are of the same kind
	with   int   // number of elements with an identity
	lo, hi int32 // the maps of the last element with an identity: nodes[lo:hi]
	parts  int   // number of parts in the document when the array began
	first  int32 // number of nodes in the document when the array began
	shape  uint8 // kinds of the last elements, two bits each
}

// tuple is an array that belongs to one record, such as an event. Its maps are
// nodes[lo:hi].
type tuple struct {
	lo, hi int32
	line   bool // it is a line of Loki with labels: a time, a text and a map
}

// elements begins an array.
func (d *doc) elements() elements {
	return elements{parts: len(d.parts), first: int32(len(d.nodes))}
}

// add adds element i of an array at a depth. The document had lo nodes and found findings
// before it.
func (e *elements) add(d *doc, i, depth int, kind byte, lo int32, found int) {
	e.shape = e.shape<<2 | kind
	e.kinds |= 1 << kind
	if depth == 0 {
		// [time, body] and [[time, metadata], body] are events.
		d.event, d.body = i == 1 && kind == kindMap, lo
	}
	if len(d.found) == found {
		return
	}
	d.part(found)
	e.alike = e.alike || e.having>>kind&1 != 0
	e.having |= 1 << kind
	e.with++
	e.lo, e.hi = lo, int32(len(d.nodes))
}

// maxTuple is the maximum length of a tuple: the message [tag, time, record, option] of
// the forward protocol.
const maxTuple = 4

// end ends the array, which belongs to the member name of map n, and determines whether
// it is a list of records.
//
// It is, unless the array is short and its elements with an identity are of different
// kinds: an event, with an identity in both metadata and body, or a line with labels.
// OpenTelemetry's attributes are not a list of records, nor are several values of a
// member that are all the same identity.
//
// Elements without an identity count as foreign records if several others have one. If
// only one has, the array may be a list within a record; that is decided when the body
// is verified.
func (e *elements) end(d *doc, n int32, name []byte, count int) {
	if e.with == 0 {
		return
	}
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

// isAttribute reports whether nodes[n] is an attribute of OpenTelemetry:
// {"key":"a","value":{"stringValue":"b"}}.
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

// isRepeated reports whether all parts from the given one on are values of the member
// name of map n with the same identity.
func (d *doc) isRepeated(n int32, name []byte, parts int) bool {
	first := d.parts[parts]
	for i := first; int(i) < len(d.found); i++ {
		if f := &d.found[i]; f.node != n || !bytes.Equal(f.name, name) || f.id != d.found[first].id {
			return false
		}
	}
	return true
}

// Kinds of values.
const (
	kindOther byte = iota
	kindString
	kindMap
	kindArray
)
