// SPDX-License-Identifier: Apache-2.0

package expect

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gdummy/gdummy/internal/config/option"
	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/generate/template"
	"github.com/gdummy/gdummy/internal/generate/value"
	"github.com/gdummy/gdummy/internal/prove/ledger"
	"github.com/gdummy/gdummy/internal/recordid"
)

// Judge compares records that arrive with their expectations. Its methods may be called by
// several goroutines.
type Judge struct {
	// Resolve, if not nil, is called when a record of an unknown run arrives. It
	// returns the runs with known ledgers, and the sources of their records.
	Resolve func() ([]*ledger.Stream, []Truth, error)

	// Place, if not nil, returns the identity of a body without one.
	Place func(body []byte) (recordid.ID, bool)
	// Places are names of members that a body for Place has.
	Places []string

	// Key, if not empty, is the only place where identities count: the names of
	// members, outermost first, joined by dots, as in [recordscan.Options].
	Key string
	// ArrivedAt, if not empty, is the path of the member that has the time at which a
	// record arrived, in a form that [recordscan.Time] accepts.
	ArrivedAt string

	mu      sync.Mutex
	sinks   []*sink
	runs    map[runID]*run
	names   []*run // in the order of the ledger
	match   matcher
	find    finder
	right   []string // paths of members that are as expected
	members members  // of the record that is judged
	only    []string // scratch space
	looked  []byte   // scratch space of texts
	found   [][]form
	last    time.Time // of the last arrival
	err     error     // of Resolve, or of an expression
}

type runID struct {
	run      recordid.Run
	instance uint16
}

// run has the records of one input.
type run struct {
	name   string
	marked string // the member with the identity, if it is in the body
	book   *ledger.Stream
	maker  *Maker
	plans  []plan // of each sink
	number int    // the expression of the record's number, for a survey, or -1
	blocks []int64
}

// plan has the indexes of a sink's expressions in the maker of a run, or -1.
type plan struct {
	applies bool
	arrive  int
	fields  int
	absent  int
}

// sink has what arrived at one output.
type sink struct {
	Sink
	beside   []int // the sinks of the same output, with this one
	seen     map[*run]*tally
	arrived  uint64
	foreign  uint64
	failures map[failureKey]*Failure
	order    []*Failure
	surveys  map[*run]*survey // nil without Survey
}

// tally is how often each record of a run arrived.
type tally struct {
	counts  []uint8
	records uint64 // different ones that count
}

// has reports whether a record arrived.
func (t *tally) has(seq uint64) bool { return seq < uint64(len(t.counts)) && t.counts[seq] > 0 }

type failureKey struct {
	kind  Kind
	field string
}

// NewJudge makes the judge of a file's sinks.
func NewJudge(sinks []Sink) *Judge {
	j := &Judge{runs: map[runID]*run{}}
	for _, s := range sinks {
		j.sinks = append(j.sinks, &sink{Sink: s, seen: map[*run]*tally{}, failures: map[failureKey]*Failure{}})
	}
	for _, s := range j.sinks {
		for m, other := range j.sinks {
			if other.Output == s.Output {
				s.beside = append(s.beside, m)
			}
		}
	}
	return j
}

// Add adds the run of an input, whose records are expected at the sinks. If it is known
// already, the ledger replaces what was known of it.
func (j *Judge) Add(book *ledger.Stream, truth Truth) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.add(book, truth)
}

// resolve calls Resolve and adds its runs.
func (j *Judge) resolve() {
	if j.Resolve == nil || j.err != nil {
		return
	}
	books, truths, err := j.Resolve()
	for i := range books {
		if err == nil {
			err = j.add(books[i], truths[i])
		}
	}
	j.err = err
}

// Err returns the error that ended the judgment, or nil.
func (j *Judge) Err() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.err
}

// Refuse ends the judgment with an error.
func (j *Judge) Refuse(err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err == nil {
		j.err = err
	}
}

func (j *Judge) add(book *ledger.Stream, truth Truth) error {
	id := runID{book.Run, book.Instance}
	if known := j.runs[id]; known != nil {
		known.book = book
		return nil
	}
	r := &run{name: book.Name, book: book}
	if book.Place != "metadata" {
		r.marked = book.Key
	}
	var texts []template.Text
	expression := func(label, text string) {
		texts = append(texts, template.Text{Name: label, Text: "{{" + text + "}}", Left: "{{", Right: "}}"})
	}
	for _, s := range j.sinks {
		p := plan{applies: len(s.From) == 0 || slices.Contains(s.From, book.Name), arrive: -1}
		if !p.applies {
			r.plans = append(r.plans, p)
			continue
		}
		if s.Arrive != "" {
			p.arrive = len(texts)
			expression(s.Places.Of("arrive")+s.Name+": arrive", s.Arrive)
		}
		p.fields = len(texts)
		for _, f := range s.Fields {
			expression(s.Places.Of("fields."+f.Path, "fields")+s.Name+": fields: "+f.Path, f.Value)
		}
		p.absent = len(texts)
		for _, a := range s.Absent {
			expression(s.Places.Of("absent")+s.Name+": absent", a)
		}
		r.plans = append(r.plans, p)
	}
	r.number = -1
	if _, replays := truth.Options("replay"); j.sinks[0].surveys != nil && !replays {
		r.number = len(texts)
		expression(numberExpression, numberExpression)
	}
	maker, err := NewMaker(book, truth, texts...)
	if errs, ok := errors.AsType[option.Errors](err); ok {
		var lines []string
		for _, e := range errs {
			lines = append(lines, explained(e, texts))
		}
		return errors.New(strings.Join(lines, "\n"))
	}
	if err != nil {
		return err
	}
	r.maker = maker
	j.runs[id] = r
	j.names = append(j.names, r)
	return nil
}

// Arrive takes events that arrived at a sink, by its number. arrival is when.
func (j *Judge) Arrive(n int, events []byte, arrival time.Time) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.last = arrival
	s := j.sinks[n]
	for len(events) > 0 {
		ev, rest, err := event.Decode(events)
		if err != nil {
			j.fail(s, Broken, "", nil)
			size, err := event.Size(events)
			if err != nil {
				return
			}
			events = events[size:]
			continue
		}
		events = rest
		j.record(n, s, ev, j.root(arrival))
	}
}

// arrived is a record that arrived, whose body is at a place.
type arrived struct {
	run *run
	id  recordid.ID
	ev  event.Event
	at  place
}

// record checks one record that arrived, whose body is at a place.
func (j *Judge) record(n int, s *sink, ev event.Event, at place) {
	s.arrived++
	id, ok := j.identity(s, ev, at)
	if !ok {
		s.foreign++
		return
	}
	r := j.runs[runID{id.Run, id.Instance}]
	if r == nil {
		j.resolve()
		r = j.runs[runID{id.Run, id.Instance}]
	}
	if r == nil || !slices.ContainsFunc(s.beside, func(m int) bool { return r.plans[m].applies }) {
		j.fail(s, Leaked, "", &Example{Arrived: j.show(ev.Body)})
		return
	}
	if _, ok := r.maker.Event(event.V2, id); !ok {
		if r.plans[n].applies {
			j.fail(s, Unknown, "", &Example{Seq: id.Seq, Input: r.name, Arrived: j.show(ev.Body)})
		} else {
			s.arrived--
		}
		return
	}
	r.remember(id)
	j.found = j.found[:0]
	a := &arrived{r, id, ev, at}
	switch {
	case r.expects(n, ev.Body):
		if j.count(s, a) {
			j.contents(n, s, a)
		}
	case slices.ContainsFunc(s.beside, func(m int) bool { return r.expects(m, ev.Body) }):
		s.arrived--
	default:
		j.fail(s, Leaked, "", j.example(a))
	}
}

// contents checks the members of a record that a sink expects, and when it arrived.
func (j *Judge) contents(n int, s *sink, a *arrived) {
	p := &a.run.plans[n]
	j.right = j.right[:0]
	j.members = appendMembers(j.members[:0], a.ev.Body)
	if s.surveys != nil {
		j.look(s, a.run, a.ev)
	}
	for i := range s.Fields {
		j.field(s, a, &s.Fields[i], a.run.maker.Value(p.fields+i, a.ev.Body))
	}
	if len(s.Absent) > 0 {
		j.find.begin(a.ev.Body)
	}
	for i, secret := range s.Absent {
		if l, ok := j.find.find(a.run.maker.Value(p.absent+i, a.ev.Body), a.ev.Body, j.right); ok {
			e := j.example(a)
			e.Where, e.Encoding = l.path, l.encoding
			j.fail(s, Secret, secret, e)
		}
	}
	if s.Only != nil {
		j.extra(s, a)
	}
	if s.Within > 0 {
		j.within(s, a)
	}
}

// extra finds the members that should not be there.
func (j *Judge) extra(s *sink, a *arrived) {
	j.only = append(j.only[:0], s.Only...)
	for _, path := range []string{a.at.key, a.at.arrivedAt} {
		if path != "" {
			j.only = append(j.only, path)
		}
	}
	extra(a.ev.Body, "", j.only, func(path string) {
		if path[strings.LastIndexByte(path, '.')+1:] == a.run.marked || a.at.otlp && path == "attributes."+a.run.book.Key {
			return
		}
		j.fail(s, Extra, path, j.example(a))
	})
}

// expects reports whether a sink expects the record that the maker made last.
func (r *run) expects(n int, body []byte) bool {
	p := &r.plans[n]
	return p.applies && (p.arrive < 0 || r.maker.Value(p.arrive, body).Truth())
}

// within compares when a record arrived with when it was due.
func (j *Judge) within(s *sink, a *arrived) {
	switch late := a.at.arrival.Sub(time.Unix(0, a.id.Time)); {
	case a.at.arrival.IsZero() && j.ArrivedAt != "":
		e := j.example(a)
		e.Want, e.Got = "a time of arrival", "none"
		j.fail(s, NoMember, j.ArrivedAt, e)
	case !a.at.arrival.IsZero() && late > s.Within:
		e := j.example(a)
		e.Want, e.Got = "within "+s.Within.String(), late.Round(time.Millisecond).String()
		j.fail(s, Late, "", e)
	}
}

// count counts a record, and reports whether it is one more than should arrive.
func (j *Judge) count(s *sink, a *arrived) (ok bool) {
	t := s.seen[a.run]
	if t == nil {
		t = new(tally)
		s.seen[a.run] = t
	}
	at := a.id.Seq / s.Lines
	if at > math.MaxInt32 {
		return true
	}
	for uint64(len(t.counts)) <= at {
		t.counts = append(t.counts, make([]uint8, max(1024, len(t.counts)))...)
	}
	if t.counts[at] == 0 {
		t.records++
	}
	if t.counts[at] < math.MaxUint8 {
		t.counts[at]++
	}
	if uint64(t.counts[at]) > s.Copies {
		j.fail(s, Duplicate, "", j.example(a))
		return false
	}
	return true
}

// field compares the member of one field with the value that is expected.
func (j *Judge) field(s *sink, a *arrived, f *Field, want value.Value) {
	got, ok := j.members.member(f.Path)
	if f.Path == TimePath {
		if a.ev.Time == noTime {
			j.err = fmt.Errorf("%ssink %s: fields: %s: these records have no time but in a member: expected its path", s.Places.Of("fields."+TimePath, "fields"), s.Name, TimePath)
			return
		}
		got, ok = value.OfFloat(float64(a.ev.Time)/1e9).Append(nil), true
	}
	if want.K == value.Omit {
		want = value.Null
	}
	if want.K == value.Nil && !ok {
		return
	}
	kind := WrongValue
	if ok {
		switch j.match.compare(f, want, got) {
		case same:
			j.right = append(j.right, f.Path)
			return
		case wrongType:
			kind = WrongType
		}
	}
	e := j.example(a)
	e.Want, e.Got = j.text(want.Append(nil)), "no member"
	if ok {
		e.Got = j.text(got)
	} else {
		kind = NoMember
	}
	j.fail(s, kind, f.Path, e)
}

// secrets remembers the forms of a record's secrets, of any sink, to mask them.
func (j *Judge) secrets(r *run) {
	j.found = j.found[:0]
	for n, s := range j.sinks {
		for i := range s.Absent {
			if !r.plans[n].applies {
				break
			}
			if v := r.maker.Value(r.plans[n].absent+i, emptyBody); v.K != value.Nil && v.K != value.Omit {
				j.found = append(j.found, new(speller).of(v.AppendText(nil), math.MaxInt))
			}
		}
	}
}

// example shows a record as it was sent, and as it arrived.
func (j *Judge) example(a *arrived) *Example {
	j.secrets(a.run)
	return &Example{Seq: a.id.Seq, Input: a.run.name, Sent: j.show(a.run.maker.last), Arrived: j.show(a.ev.Body)}
}

// show returns a body as JSON, with the secrets masked.
func (j *Judge) show(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	return j.text(b)
}

func (j *Judge) text(b []byte) string {
	v, _ := value.First(string(b))
	return string(mask(v.AppendJSON(nil), j.found))
}

// maxExamples is how many records of each kind of failure are shown.
const maxExamples = 3

// fail records a failure.
func (j *Judge) fail(s *sink, kind Kind, field string, e *Example) {
	key := failureKey{kind, field}
	f := s.failures[key]
	if f == nil {
		f = &Failure{Kind: kind, Field: field}
		s.failures[key] = f
		s.order = append(s.order, f)
	}
	f.Count++
	if e != nil && len(f.Examples) < maxExamples {
		f.Examples = append(f.Examples, *e)
	}
}
