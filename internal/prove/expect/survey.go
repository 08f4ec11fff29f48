// SPDX-License-Identifier: Apache-2.0

package expect

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/generate/value"
	"github.com/gdummy/gdummy/internal/msgpack"
	"github.com/gdummy/gdummy/internal/recordid"
)

// Observation is what arrived at an output, from inputs whose records are alike, to write
// expectations from.
type Observation struct {
	Output   string
	From     []string // the inputs, in the order of the ledger; none if nothing arrived
	All      bool     // whether these are all inputs
	Shared   bool     // whether the output has other observations
	Sent     uint64   // records of these inputs
	Arrived  uint64   // different ones of them
	Arrive   string   // the condition that they have in common, if some did not arrive
	Lines    uint64   // records in sequence that became one; 1 without
	Joined   uint64   // those that have the identities of several
	Copies   uint64   // of each; 0 if it differs
	Foreign  uint64   // records without an identity
	Members  []ObservedMember
	Unused   []string // variables whose values no member has
	TopLevel []string // names of members
}

// Name returns the name of a sink.
func (o *Observation) Name() string {
	if o.Shared {
		return o.Output + "/" + strings.Join(o.From, "+")
	}
	return o.Output
}

// explained reports whether the observation describes which records arrive.
func (o *Observation) explained() bool {
	return o.Copies > 0 && (o.Arrive != "" || o.Lines > 1 || o.Arrived == o.Sent)
}

// alike reports whether the same expectations describe both.
func (o *Observation) alike(p *Observation) bool {
	return o.explained() && p.explained() && o.Arrive == p.Arrive && o.Lines == p.Lines && o.Copies == p.Copies &&
		slices.EqualFunc(o.Members, p.Members, func(a, b ObservedMember) bool { a.Example = b.Example; return a == b }) &&
		slices.Equal(o.TopLevel, p.TopLevel) && slices.Equal(o.Unused, p.Unused)
}

// ObservedMember is a member of the records that arrived.
type ObservedMember struct {
	Path     string
	Value    string // an expression that has its value in all records, or ""
	Always   bool   // whether all records have it
	Constant bool   // whether Value has no variable
	Example  string // JSON
}

// survey has what a judge learns about the records of one input at one sink.
type survey struct {
	records uint64
	joined  uint64 // of several identities
	members map[string]*surveyed
	order   []string
	top     []string // names of members, in the order of their arrival
}

// surveyed is a member of the records of a sink.
type surveyed struct {
	seen    uint64
	example []byte             // MessagePack
	varies  bool               // from the example
	fits    map[string]outcome // variables that have its value: same, or wrongType if only as text
}

// Survey makes the judge remember what arrives, for [Judge.Observe]. It is called before
// anything arrives.
func (j *Judge) Survey() {
	for _, s := range j.sinks {
		s.surveys = map[*run]*survey{}
	}
}

// look adds a record that arrived to the survey. The maker of its run has computed it.
func (j *Judge) look(to *sink, r *run, ev event.Event) {
	s := to.surveys[r]
	if s == nil {
		s = &survey{members: map[string]*surveyed{}}
		to.surveys[r] = s
	}
	s.records++
	if identities(ev.Metadata) > 1 {
		s.joined++
	}
	vars := r.maker.variables()
	if r.number >= 0 {
		vars[numberExpression] = r.maker.Value(r.number, nil)
	}
	for i := range j.members {
		if name := string(j.members[i].name); name != r.marked && !slices.Contains(s.top, name) {
			s.top = append(s.top, name)
		}
	}
	s.compare(j, TimePath, value.OfFloat(float64(ev.Time)/1e9).Append(nil), &Field{Tolerance: timeTolerance}, vars)
	s.walk(ev.Body, "", func(path string, v []byte) {
		if path[strings.LastIndexByte(path, '.')+1:] != r.marked {
			s.compare(j, path, v, new(Field), vars)
		}
	})
}

// numberExpression is the number of a record, which a survey knows like a variable.
const numberExpression = "seq"

// timeTolerance is how much the time of a record may differ from a variable, which may have
// milliseconds.
const timeTolerance = time.Millisecond

// compare compares a member with the variables.
func (s *survey) compare(j *Judge, path string, v []byte, f *Field, vars map[string]value.Value) {
	m := s.members[path]
	if m == nil {
		m = &surveyed{example: slices.Clone(v), fits: map[string]outcome{}}
		for name, want := range vars {
			m.fits[name] = j.match.compare(f, want, v)
			if line := withNewline + name; want.K == value.String && bytes.HasSuffix(v, []byte("\n")) {
				m.fits[line] = j.match.compare(f, lookup(vars, line), v)
			}
		}
		s.members[path] = m
		s.order = append(s.order, path)
	}
	m.seen++
	m.varies = m.varies || string(m.example) != string(v)
	for name, was := range m.fits {
		want := lookup(vars, name)
		now := j.match.compare(f, want, v)
		textual := now == wrongType && j.match.compare(&Field{As: "text"}, want, v) == same
		switch {
		case now == wrongValue || now == wrongType && !textual || want.K == value.Nil || want.K == value.Omit:
			delete(m.fits, name)
		default:
			m.fits[name] = max(was, now)
		}
	}
}

// withNewline is the beginning of an expression for a variable and a newline, which tail adds
// to records that it joined.
const withNewline = `printf "%s\n" `

// lookup returns the value of a variable, or of one and a newline; Omit if there is none.
func lookup(vars map[string]value.Value, name string) value.Value {
	base, line := strings.CutPrefix(name, withNewline)
	v, ok := vars[base]
	switch {
	case !ok || line && v.K != value.String:
		return value.Omitted
	case line:
		return value.OfString(v.S() + "\n")
	}
	return v
}

// walk calls f with the members of a map that are not maps, and with empty maps.
func (s *survey) walk(b []byte, prefix string, f func(path string, v []byte)) {
	for _, m := range appendMembers(make(members, 0, 16), b) {
		path := prefix + string(m.name)
		if h := msgpack.Read(m.value); h.Kind == msgpack.Map && h.N > 0 {
			s.walk(m.value, path+".", f)
		} else {
			f(path, m.value)
		}
	}
}

// variables returns the values of the variables, such as $status, of the record that Event
// made last.
func (m *Maker) variables() map[string]value.Value {
	vars := map[string]value.Value{}
	if m.config.Program == nil {
		return vars // a replay
	}
	for _, name := range m.config.Program.Variables() {
		if v, ok := m.config.Program.Variable(name); ok {
			vars[name] = v
		}
	}
	return vars
}

// Observe returns what arrived at each sink, after a [Judge.Survey]. Inputs whose records
// are alike have one observation.
func (j *Judge) Observe() (all []Observation) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, s := range j.sinks {
		var of []Observation
		for _, r := range j.names {
			if s.seen[r] == nil {
				continue
			}
			o := j.observe(s, r)
			if i := slices.IndexFunc(of, func(p Observation) bool { return p.alike(&o) }); i >= 0 {
				of[i].From = append(of[i].From, r.name)
				of[i].Arrived += o.Arrived
				of[i].Sent += o.Sent
				of[i].Joined += o.Joined
			} else {
				of = append(of, o)
			}
		}
		if len(of) == 0 {
			of = []Observation{{Output: s.Output, Lines: 1}}
		}
		of[0].Foreign = s.foreign
		for i := range of {
			of[i].All, of[i].Shared = len(of[i].From) == len(j.names), len(of) > 1
		}
		all = append(all, of...)
	}
	return all
}

// observe returns what arrived at a sink of an input.
func (j *Judge) observe(s *sink, r *run) Observation {
	t := s.seen[r]
	o := Observation{
		Output: s.Output, From: []string{r.name}, Arrived: t.records, Sent: r.book.Listed().Accepted, Lines: 1, Copies: copiesOf(t),
	}
	if o.Arrived < o.Sent {
		if o.Lines = linesOf(t, o.Sent); o.Lines == 1 {
			o.Arrive = condition(t, r)
		}
	}
	o.Joined = s.surveys[r].joined
	s.surveys[r].describe(j, &o, r)
	return o
}

// copiesOf returns how often each of the records arrived, or 0 if the numbers differ.
func copiesOf(t *tally) (copies uint64) {
	for _, n := range t.counts {
		switch {
		case n == 0:
		case copies == 0:
			copies = uint64(n)
		case copies != uint64(n):
			return 0
		}
	}
	return copies
}

// maxLines is how many lines that became one record a survey recognizes.
const maxLines = 100

// linesOf returns n if exactly each n-th record arrived, or 1.
func linesOf(t *tally, sent uint64) uint64 {
	for n := uint64(2); n <= maxLines; n++ {
		fits := true
		for seq := uint64(0); seq < sent && fits; seq++ {
			fits = (seq%n == 0) == t.has(seq)
		}
		if fits {
			return n
		}
	}
	return 1
}

// maxChoices is how many values a variable may have for a condition.
const maxChoices = 20

// condition returns an expression that is true for the records that arrived and false
// for those that did not, or "". It has one variable: the one with the fewest values.
func condition(t *tally, r *run) (expression string) {
	type choice struct{ arrived, missing map[string]bool }
	var choices map[string]*choice
	for _, e := range r.book.Accepted {
		for seq := e.From; seq <= e.To; seq++ {
			r.maker.Event(event.V2, recordid.ID{Seq: seq, Time: r.moment(seq)})
			vars := r.maker.variables()
			if choices == nil {
				choices = map[string]*choice{}
				for name := range vars {
					choices[name] = &choice{map[string]bool{}, map[string]bool{}}
				}
			}
			maps.DeleteFunc(choices, func(name string, c *choice) bool {
				v, ok := vars[name]
				text, scalar := literal(v.Append(nil))
				if !ok || !scalar {
					return true
				}
				here, there := c.missing, c.arrived
				if t.has(seq) {
					here, there = there, here
				}
				here[text] = true
				return there[text] || len(here) > maxChoices
			})
		}
	}
	fewest := 0
	for _, name := range slices.Sorted(maps.Keys(choices)) {
		c := choices[name]
		if n := len(c.arrived) + len(c.missing); fewest > 0 && n >= fewest {
			continue
		}
		fewest = len(c.arrived) + len(c.missing)
		if len(c.arrived) <= len(c.missing) {
			expression = equalToOne("eq", "or", name, c.arrived)
		} else {
			expression = equalToOne("ne", "and", name, c.missing)
		}
	}
	return expression
}

// equalToOne returns an expression such as `or (eq $a 1) (eq $a 2)`.
func equalToOne(compare, join, name string, texts map[string]bool) string {
	var parts []string
	for _, text := range slices.Sorted(maps.Keys(texts)) {
		parts = append(parts, compare+" "+name+" "+text)
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return join + " (" + strings.Join(parts, ") (") + ")"
}

// literal returns a scalar as written in a template.
func literal(v []byte) (text string, ok bool) {
	switch h := msgpack.Read(v); h.Kind {
	case msgpack.String:
		return strconv.Quote(string(v[h.Size:])), true
	case msgpack.Integer, msgpack.Float, msgpack.True, msgpack.False:
		got, _ := value.First(string(v))
		return string(got.AppendJSON(nil)), true
	}
	return "", false
}

// dummyMeta is the member of the filter for Kubernetes without a cluster: the time of the run.
const dummyMeta = "kubernetes.dummy"

// describe adds the members.
func (s *survey) describe(j *Judge, o *Observation, r *run) {
	used := map[string]bool{}
	slices.Sort(s.order) // a filter such as lua shuffles members
	slices.Sort(s.top)
	for _, path := range s.order {
		m := s.members[path]
		om := ObservedMember{Path: path, Always: m.seen == s.records, Example: j.text(m.example)}
		name := m.best(path)
		switch {
		case path == TimePath && (name == "" || m.fits[name] != same):
			continue
		case path == TimePath:
			om.Value = fmt.Sprintf("%s | within %q", name, timeTolerance)
		case name != "" && m.fits[name] == same:
			om.Value = name
		case name != "":
			om.Value = name + " | as text"
		case !m.varies && path != dummyMeta:
			om.Value, om.Constant = literal(m.example)
		}
		for name := range m.fits {
			used[strings.TrimPrefix(name, withNewline)] = true
		}
		o.Members = append(o.Members, om)
	}
	o.TopLevel = s.top
	for name := range r.maker.variables() {
		if !used[name] {
			o.Unused = append(o.Unused, name)
		}
	}
	slices.Sort(o.Unused)
}

// best returns the variable that a member is most likely made of, or "": of the same
// type, and of the same name.
func (m *surveyed) best(path string) (best string) {
	last := path[strings.LastIndexByte(path, '.')+1:]
	score := func(name string) int {
		n, word := 0, strings.TrimPrefix(strings.TrimPrefix(name, withNewline), "$")
		if m.fits[name] == same {
			n = 4
		}
		switch {
		case word == last:
			n += 2
		case strings.Contains(last, word), strings.Contains(word, last):
			n++
		}
		return n
	}
	for _, name := range slices.Sorted(maps.Keys(m.fits)) {
		if best == "" || score(name) > score(best) {
			best = name
		}
	}
	return best
}
