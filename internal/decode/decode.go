// Package decode finds the identities of records in what came out of a
// pipeline, whatever became of the records on the way.
//
// The normal path is [New] and then, for each source, [Scanner.Read]: it tells
// text from MessagePack and both from what gzip and zstd made of them, and
// hands every record to Options.Take. Who has the bytes already, such as the
// body of a request, calls [Scanner.Text] or [Scanner.Msgpack].
//
// # What is read
//
// JSON in lines, concatenated, in arrays, indented; behind the tag that Fluent
// Bit's file output writes before it; as events, [time, body] and
// [[time, metadata], body]; inside a string of other JSON. MessagePack of
// events and maps, one behind the other or in arrays. In any other text
// (CSV, LTSV, templates, Fluent Bit's own way of printing events) identities
// are found, but what stands around them cannot be checked.
//
// # Terms
//
// A record is one event, or one map that stands alone or in an array. One that
// has no identity is foreign. A finding is one identity in a record.
package decode

import (
	"bytes"
	"errors"
	"strings"

	"github.com/gdummy/gdummy/internal/ident"
)

// State says what became of a record.
type State uint8

// The states of records.
const (
	Intact    State = iota + 1 // the body is what was sent
	Enriched                   // so it is, with other members, or moved elsewhere
	Unchecked                  // the format does not keep what can be checked
	Damaged                    // the body is not what was sent
	Foreign                    // there is no identity
)

// String returns the state's name.
func (s State) String() string {
	switch s {
	case Intact:
		return "intact"
	case Enriched:
		return "enriched"
	case Unchecked:
		return "unchecked"
	case Damaged:
		return "damaged"
	case Foreign:
		return "foreign"
	}
	return "unknown"
}

// Options say what is looked for.
type Options struct {
	// Take gets each finding, and for each foreign record a zero ID. arrival is
	// what the record itself says of when it arrived, see Arrival; 0 if nothing.
	Take func(id ident.ID, s State, arrival int64)

	// Keys are the names that the member with the identity had when it was
	// sent; none is the default one. They matter where members were renamed
	// with a prefix.
	Keys []string

	// Path, if not empty, is the one place where identities count: names of
	// members, from the outermost, joined by dots.
	Path string

	// Arrival, if not empty, is the place of a member in which somebody behind
	// the pipeline wrote down when the record arrived: names joined by dots. See
	// Time for its forms.
	Arrival string

	// MaxRecord is the size, in bytes, of the largest record, and of the longest
	// line; 0 is 64 MB. MaxBytes is how many bytes, not compressed, one source
	// may have; 0 is without end.
	MaxRecord int
	MaxBytes  int64

	// Plain takes compressed data for what it is not: a stream without end is not
	// expanded.
	Plain bool

	// Reserve, if not nil, is asked before a buffer for input grows by n bytes.
	// If it returns false, the source is too large.
	Reserve func(n int) bool
}

// ErrTooLarge says that a source has more than MaxBytes.
var ErrTooLarge = errors.New("the data is too large")

// Limits of what is read.
const (
	maxRecord = 64 << 20

	maxDepth  = 128
	maxParts  = 1 << 18 // maps and members of one record that is checked
	maxString = 3       // depth of JSON in strings of JSON
)

// envelope are the members that outputs of Fluent Bit put around a record;
// their presence does not make it enriched.
var envelope = []string{"date", "@timestamp", "timestamp", "time", "__internal__"}

// Scanner reads one source after the other.
type Scanner struct {
	take    func(ident.ID, State, int64)
	asIs    bool
	reserve func(n int) bool
	keys    []string
	path    []string
	broken  uint64

	maxRecord int
	maxBytes  int64
	depth     int // of compression within compression

	doc    doc
	peek   doc      // scratch
	extras [][]byte // names of the members that were last found to be added

	lost   bool // in MessagePack, behind something broken: where is the next event?
	effort int  // members that may yet be looked at for the record

	order   []int    // scratch of fit
	hashes  []uint64 // likewise, of all members
	ordered []uint64 // likewise, in that order
	addends addends
	pending pending
	buf     []byte
}

// New makes a scanner.
func New(o Options) *Scanner {
	s := &Scanner{take: o.Take, asIs: o.Plain, reserve: o.Reserve, keys: o.Keys, maxRecord: o.MaxRecord, maxBytes: o.MaxBytes}
	if s.maxRecord <= 0 {
		s.maxRecord = maxRecord
	}
	if len(s.keys) == 0 {
		s.keys = []string{ident.DefaultKey}
	}
	if o.Path != "" {
		s.path = strings.Split(o.Path, ".")
	}
	if o.Arrival != "" {
		s.doc.stamp = strings.Split(o.Arrival, ".")
	}
	return s
}

// Broken returns how many pieces of the input could not be read: cut lines, bad
// JSON, bad MessagePack. The identities in them count as damaged records.
func (s *Scanner) Broken() uint64 { return s.broken }

// doc is one record, taken apart.
type doc struct {
	nodes   []node   // its maps, in the order in which they open
	members []member // of all maps; those of one map stand together
	stack   []member // members of maps that are still open
	found   []finding
	text    []byte // unescaped strings

	event bool  // nodes[body] is the body of an event
	body  int32 // the metadata's nodes come before it

	// coarse is how numbers are read; ambiguous says that it matters.
	coarse, ambiguous bool

	strings int // depth of strings in strings

	stamp   []string // where the time of arrival stands; nil if nowhere
	arrival int64    // that time

	large bool // there are more than maxParts parts
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
	id   ident.ID
	node int32 // the map that has it as a member, or -1
	name []byte
}

func (d *doc) reset(coarse bool) {
	d.nodes, d.members, d.stack, d.found, d.text = d.nodes[:0], d.members[:0], d.stack[:0], d.found[:0], d.text[:0]
	d.event, d.body, d.strings = false, 0, 0
	d.arrival, d.large = 0, false
	d.coarse, d.ambiguous = coarse, false
}

// trim gives back what an unusually large record has left behind.
func (d *doc) trim() {
	const most = 4096
	if cap(d.nodes)+cap(d.members)+cap(d.stack)+cap(d.found) > 4*most || cap(d.text) > 64*most {
		d.nodes, d.members, d.stack, d.found, d.text = nil, nil, nil, nil, nil
	}
}

// room says whether the record may have another part.
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

// close ends a map and returns its hash as a value.
func (d *doc) close(n int32, base int) uint64 {
	total := uint64(0)
	for i := base; i < len(d.stack); i++ {
		total += d.stack[i].hash
	}
	count := len(d.stack) - base
	d.nodes[n].first, d.nodes[n].count = int32(len(d.members)), int32(count)
	d.members = append(d.members, d.stack[base:]...)
	d.stack = d.stack[:base]
	return ident.Map(total, count)
}

// string notes an identity in a string, and returns whether it is one as a
// whole.
func (d *doc) string(s []byte, n int32, name []byte) bool {
	if len(s) < ident.Size {
		return false
	}
	if len(s) == ident.Size {
		id, ok := ident.Parse(s)
		if ok {
			d.found = append(d.found, finding{id, n, name})
		}
		return ok
	}
	if bytes.Contains(s, []byte(ident.Prefix)) {
		d.inside(s, n, name)
	}
	return false
}

// inside looks for records in a string.
func (d *doc) inside(s []byte, n int32, name []byte) {
	if t := bytes.TrimLeft(s, " \t\r\n"); d.strings < maxString && len(t) > 0 && (t[0] == '{' || t[0] == '[') {
		nodes, members, stack, found := len(d.nodes), len(d.members), len(d.stack), len(d.found)
		d.strings++
		j := jsonReader{doc: d, b: t}
		_, ok := j.value(n, name, 1)
		d.strings--
		if ok && len(bytes.TrimRight(t[j.pos:], " \t\r\n\x00")) == 0 {
			return
		}
		d.nodes, d.members, d.stack, d.found = d.nodes[:nodes], d.members[:members], d.stack[:stack], d.found[:found]
	}
	for {
		id, end := ident.Find(s)
		if end < 0 {
			return
		}
		d.found = append(d.found, finding{id, -1, name})
		s = s[end:]
	}
}

// report hands over what was found in the record. again reads the record once
// more, with numbers that Fluent Bit writes ambiguously rounded.
func (s *Scanner) report(again func()) {
	d := &s.doc
	if len(d.found) == 0 {
		if d.isBulkAction() {
			return
		}
		s.take(ident.ID{}, Foreign, 0)
		return
	}
	// Each finding looks at a few maps around it. A record that is made of
	// nothing but identities would take long.
	s.effort = 1<<16 + 32*len(d.members)
	reported := 0
	coarse := false
	for i := range d.found {
		f := &d.found[i]
		if d.ambiguous && f.id.Sum.Coarse {
			coarse = true
			continue
		}
		reported += s.one(i)
	}
	if coarse {
		again()
		for i := range d.found {
			if d.found[i].id.Sum.Coarse {
				reported += s.one(i)
			}
		}
	}
	if reported == 0 {
		s.take(ident.ID{}, Foreign, 0)
	}
}

// one reports one finding, unless it stands at the wrong place or is a copy of
// another in the same record.
func (s *Scanner) one(i int) int {
	d := &s.doc
	f := d.found[i]
	if s.path != nil && !d.at(f, s.path) {
		return 0
	}
	for j := max(0, i-8); j < i; j++ {
		if d.found[j].id == f.id && d.together(d.found[j], f) && (s.path == nil || d.at(d.found[j], s.path)) {
			return 0
		}
	}
	s.take(f.id, s.verify(f), d.arrival)
	return 1
}

// together says whether two findings of one identity belong to one record, rather
// than to two of a list.
func (d *doc) together(a, b finding) bool {
	if a.node < 0 || b.node < 0 || a.node == b.node {
		return true
	}
	if d.event && (a.node < d.body) != (b.node < d.body) {
		return true // the metadata and the body
	}
	x, y := &d.nodes[a.node], &d.nodes[b.node]
	return x.parent != y.parent || !bytes.Equal(x.name, y.name)
}

// at says whether a finding stands at path.
func (d *doc) at(f finding, path []string) bool {
	if f.node < 0 {
		return len(path) > 0 && string(f.name) == path[len(path)-1]
	}
	return d.path(f.node, f.name, path)
}

// path says whether the member name of map n stands at path.
func (d *doc) path(n int32, name []byte, path []string) bool {
	i := len(path) - 1
	if i < 0 || string(name) != path[i] {
		return false
	}
	for ; n >= 0 && d.nodes[n].parent >= 0; n = d.nodes[n].parent {
		if i--; i < 0 || path[i] != string(d.nodes[n].name) {
			return false
		}
	}
	return i == 0
}

// verify finds the members that the sum in an identity was made of: around the
// identity, in the body if it stands in the metadata, or in one of the maps
// around.
func (s *Scanner) verify(f finding) State {
	if f.node < 0 {
		return Unchecked
	}
	d := &s.doc
	if d.event && f.node < d.body {
		if st := s.fit(f, d.body, nil); st != Damaged {
			return st
		}
	}
	outermost := func(n int32) bool { return d.nodes[n].parent < 0 }
	if st := s.fit(f, f.node, nil); st != Damaged {
		if !outermost(f.node) || d.event && f.node < d.body {
			return Enriched
		}
		return st
	}
	// A prefix may have been put before all names.
	for _, key := range s.keys {
		if p, ok := bytes.CutSuffix(f.name, []byte(key)); ok && len(p) > 0 {
			if st := s.fit(f, f.node, p); st != Damaged {
				return Enriched
			}
		}
	}
	for n := f.node; !outermost(n); {
		up := d.nodes[n].parent
		if st := s.fit(f, up, nil); st != Damaged {
			if string(d.nodes[n].name) == "log_metadata" || string(d.nodes[n].name) == "__internal__" {
				return st // where Fluent Bit writes the metadata
			}
			return Enriched
		}
		n = up
	}
	if d.rewritten(f) {
		return Unchecked
	}
	return Damaged
}

// fit says whether the members of a map, or some of them, have the sum in the
// identity. Members that are identities or hold this one do not count. prefix
// is cut from the names of members.
func (s *Scanner) fit(f finding, n int32, prefix []byte) State {
	d := &s.doc
	nd := d.nodes[n]
	ms := d.members[nd.first : nd.first+nd.count]
	total, count, last := uint64(0), 0, -1
	s.hashes = s.hashes[:0]
	if s.effort -= len(ms); s.effort < 0 {
		return Unchecked
	}
	for i := range ms {
		m := &ms[i]
		h := m.hash
		if m.id {
			last = i
		}
		if m.id || m.lo <= f.node && f.node < m.hi {
			s.hashes = append(s.hashes, 0)
			continue
		}
		if len(prefix) > 0 {
			if name, ok := bytes.CutPrefix(m.name, prefix); ok {
				h = ident.Member(name, m.value)
			}
		}
		s.hashes = append(s.hashes, h)
		total += h
		count++
	}
	want := f.id.Sum
	ordered := false
	for added := (count - want.Members) & 15; added <= count; added += 16 {
		if added == 0 {
			if ident.Close(total, count, want.Coarse).Hash == want.Hash {
				return Intact
			}
			continue
		}
		if !ordered {
			s.sort(f, ms, last)
			ordered = true
		}
		if found := s.addends.find(s.ordered, added, want.Excess(total, count-added)); found != nil {
			return s.explained(ms, found)
		}
	}
	return Damaged
}

// sort puts the members that count in the order in which they are suspected of
// having been added: those that were the last time, those that outputs add, and
// those that stand behind the identity, which was the last member when it was
// sent.
func (s *Scanner) sort(f finding, ms []member, last int) {
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

// explained returns the state of a body that is right without the members found,
// which are indices of s.order.
func (s *Scanner) explained(ms []member, found []int) State {
	st := Intact
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
		s.extras = s.extras[:0]
		for _, i := range found {
			s.extras = append(s.extras, bytes.Clone(ms[s.order[i]].name))
		}
	}
	return st
}

// member returns a member of a map by its name, or nil.
func (d *doc) member(n int32, name string) *member {
	nd := d.nodes[n]
	for i := nd.first; i < nd.first+nd.count; i++ {
		if string(d.members[i].name) == name {
			return &d.members[i]
		}
	}
	return nil
}

// rewritten says whether a finding stands in a format that does not keep values
// as they were: GELF, which flattens maps and makes strings of booleans, or the
// lists of keys and values of OpenTelemetry.
func (d *doc) rewritten(f finding) bool {
	if string(f.name) == "stringValue" {
		return true
	}
	return bytes.HasPrefix(f.name, []byte("_")) && d.member(f.node, "version") != nil && d.member(f.node, "short_message") != nil
}

// isBulkAction says whether the record is a line that Elasticsearch's bulk
// format has before each record, and so no record at all.
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

// shadows says whether there is more than one member of a name: most readers keep
// the last of them only.
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

// raw looks for identities in text that is nothing else, and gives them the
// state st. It returns how many it found.
func (s *Scanner) raw(text []byte, st State) int {
	n, _ := s.rawEnd(text, st)
	return n
}

// rawEnd is raw, and returns where the last one ends, too.
func (s *Scanner) rawEnd(text []byte, st State) (n, end int) {
	for {
		id, to := ident.Find(text[end:])
		if to < 0 {
			return n, end
		}
		s.take(id, st, 0)
		end += to
		n++
	}
}

// spoil reports a piece that could not be read as what it seems to be.
func (s *Scanner) spoil(text []byte) {
	s.broken++
	s.raw(text, s.spoiled())
}

// spoiled is what becomes of identities in such a piece. One that is only too
// large to be checked is not damaged for that.
func (s *Scanner) spoiled() State {
	if s.doc.large {
		return Unchecked
	}
	return Damaged
}

// Trim gives back memory that unusually large records have left behind. Who
// keeps many scanners calls it between records.
func (s *Scanner) Trim() {
	s.doc.trim()
	s.peek.trim()
	if cap(s.pending.text) > 1<<16 && len(s.pending.text) == 0 {
		s.pending.text = nil
	}
	if cap(s.hashes) > 4096 {
		s.hashes, s.order = nil, nil
	}
}
