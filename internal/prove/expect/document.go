// SPDX-License-Identifier: Apache-2.0

package expect

import (
	"bytes"
	"math"
	"slices"
	"time"

	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/generate/jsonbody"
	"github.com/gdummy/gdummy/internal/generate/value"
	"github.com/gdummy/gdummy/internal/msgpack"
	"github.com/gdummy/gdummy/internal/prove/recordscan"
	"github.com/gdummy/gdummy/internal/recordid"
)

// Document takes a document that an output sent to a sink: events in MessagePack, or JSON
// with records anywhere in it.
func (j *Judge) Document(n int, doc []byte, arrival time.Time) {
	foreign := uint64(0)
	scan := recordscan.New(recordscan.Options{
		Value: func(v []byte) { j.Value(n, v, arrival) },
		Take:  func(recordid.ID, recordscan.State, int64) { foreign++ },
	})
	if err := scan.Bytes(doc); err != nil {
		j.Others(n, foreign, scan.Broken()+1)
		return
	}
	j.Others(n, foreign, scan.Broken())
}

// Others counts what arrived at a sink besides its records: lines and documents without an
// identity, and parts that cannot be read.
func (j *Judge) Others(n int, foreign, broken uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	s := j.sinks[n]
	s.foreign += foreign
	s.arrived += foreign
	for range broken {
		j.fail(s, Broken, "", nil)
	}
}

// noTime is the time of an event whose time is unknown.
const noTime = math.MinInt64

// Value takes a value that arrived at a sink, as [recordscan.Options] describes it. A
// zero arrival is unknown.
//
// The record is the body of an event or else the map that has an identity as a member,
// however deep; without one, the whole map, if it has an identity in a text. In a document
// of OpenTelemetry, it is the log record, with its time. A text is not parsed, except for a
// line of Loki.
func (j *Judge) Value(n int, text []byte, arrival time.Time) {
	v, ok := text, true
	if text[0] < 0x80 {
		v, ok = packed(text)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.last = arrival
	s := j.sinks[n]
	if !ok {
		j.fail(s, Broken, "", nil)
		return
	}
	at := j.root(arrival)
	if ev, ok := eventOf(v); ok {
		j.record(n, s, ev, at.with(v))
		return
	}
	take := func(body []byte, at place) {
		j.record(n, s, event.Event{Time: at.time, Metadata: event.EmptyMap, Body: body}, at)
	}
	switch {
	case j.listed(s, v, at, take):
	case j.records(v, at, take):
	case j.inText(v):
		take(v, at.with(v))
	case !isAction(v):
		s.foreign++
		s.arrived++
	}
}

// packed returns a value of JSON, an object or an array, in MessagePack.
func packed(text []byte) ([]byte, bool) {
	if text[0] == '{' {
		maps, err := jsonbody.Parse(string(text))
		return first(maps), err == nil
	}
	maps, err := jsonbody.Parse(`{"":` + string(text) + `}`)
	v, _ := field(first(maps), "")
	return v, err == nil
}

func first(maps [][]byte) []byte {
	if len(maps) == 0 {
		return nil
	}
	return maps[0]
}

// eventOf returns a value as an event, if it is one. In JSON, its time is a number.
func eventOf(v []byte) (ev event.Event, ok bool) {
	h := msgpack.Read(v)
	if h.Kind != msgpack.Array || h.N != 2 {
		return ev, false
	}
	if ev, _, err := event.Decode(v); err == nil {
		return ev, true
	}
	ev.Metadata = event.EmptyMap
	at := v[h.Size:]
	body, err := msgpack.Skip(at)
	if err != nil || msgpack.Read(body).Kind != msgpack.Map {
		return ev, false
	}
	ev.Body = body
	if head := msgpack.Read(at); head.Kind == msgpack.Array && head.N == 2 {
		at = at[head.Size:]
		rest, err := msgpack.Skip(at)
		if err != nil || msgpack.Read(rest).Kind != msgpack.Map {
			return ev, false
		}
		ev.Metadata = rest[:len(rest)-len(body)]
	}
	if kind := msgpack.Read(at).Kind; kind != msgpack.Integer && kind != msgpack.Float {
		return ev, false
	}
	t, _ := value.First(value.OfBytes(at).S())
	seconds, fraction := math.Modf(t.Float())
	ev.Time = int64(seconds)*int64(time.Second) + int64(math.Round(fraction*1e9))
	return ev, math.Abs(seconds) < math.MaxInt64/1e9
}

// isAction reports whether a document is an action of a bulk request, without a record:
// {"create":{...}}.
func isAction(m []byte) bool {
	all := appendMembers(make(members, 0, 4), m)
	if len(all) != 1 {
		return false
	}
	switch string(all[0].name) {
	case "create", "index", "update", "delete":
		return msgpack.Read(all[0].value).Kind == msgpack.Map
	}
	return false
}

// Where documents of OpenTelemetry and Loki have their records: in lists within the elements
// of lists.
var (
	listsOfOTLP = []string{"resourceLogs", "scopeLogs", "logRecords"}
	listsOfLoki = []string{"streams", "values"}
)

// listed calls f with the records of a document of OpenTelemetry or Loki, counts those
// without an identity, and reports whether it is such a document.
func (j *Judge) listed(s *sink, v []byte, at place, f func(body []byte, at place)) (found bool) {
	if j.isRecord(v, at) {
		return false
	}
	take := func(ok bool) {
		if found = true; !ok {
			s.foreign++
			s.arrived++
		}
	}
	elementsAt(v, at, listsOfLoki, func(e []byte, at place, ok bool) { take(ok && j.records(e, at, f)) })
	if _, ok := field(v, listsOfOTLP[0]); ok {
		v = appendPlain(nil, v)
	}
	elementsAt(v, at, listsOfOTLP, func(e []byte, at place, ok bool) {
		if ok = ok && j.identifies(e, at.key); ok {
			at = at.with(e)
			at.time, at.otlp = timeOfOTLP(e), true
			f(e, at)
		}
		take(ok)
	})
	return found
}

// identifies reports whether a value has an identity at a path, or one of Places.
func (j *Judge) identifies(v []byte, path string) bool {
	_, end := recordid.Find(j.texts(v, path))
	return end >= 0 || slices.ContainsFunc(j.Places, func(name string) bool { return bytes.Contains(v, []byte(name)) })
}

// elementsAt calls f with each element of the lists with a name, in the elements of those
// with the names before it. ok reports whether an identity may be there.
func elementsAt(v []byte, at place, names []string, f func(e []byte, at place, ok bool)) {
	at = at.with(v)
	list, _ := field(v, names[0])
	below, ok := at.below([]byte(names[0]))
	for _, e := range appendElements(nil, list) {
		if len(names) == 1 {
			f(e, below, ok)
		} else {
			elementsAt(e, below, names[1:], func(e []byte, at place, inner bool) { f(e, at, ok && inner) })
		}
	}
}

// records calls f with each map in a value that has an identity as a member, or one of
// Places, and reports whether there is one.
func (j *Judge) records(v []byte, at place, f func(body []byte, at place)) (found bool) {
	switch msgpack.Read(v).Kind {
	case msgpack.Map:
		at = at.with(v)
		if j.isRecord(v, at) {
			f(v, at)
			return true
		}
		for _, m := range appendMembers(make(members, 0, 16), v) {
			if below, ok := at.below(m.name); ok {
				found = j.records(m.value, below, f) || found
			}
		}
	case msgpack.Array:
		for _, e := range appendElements(make([][]byte, 0, 16), v) {
			found = j.line(e, at, f) || j.records(e, at, f) || found
		}
	}
	return found
}

// line calls f with each record in an element of an array that is a text of JSON: a line
// of Loki.
func (j *Judge) line(v []byte, at place, f func(body []byte, at place)) (found bool) {
	h := msgpack.Read(v)
	if h.Kind != msgpack.String {
		return false
	}
	text := bytes.TrimSpace(v[h.Size:])
	if len(text) == 0 || text[0] != '{' {
		return false
	}
	maps, _ := jsonbody.Parse(string(text))
	for _, m := range maps {
		found = j.records(m, at, f) || found
	}
	return found
}

// isRecord reports whether a map has an identity as a member, or one of Places.
func (j *Judge) isRecord(v []byte, at place) bool {
	for _, m := range appendMembers(make(members, 0, 16), v) {
		if at.mayBe(m.name) && isIdentity(m.value) || slices.Contains(j.Places, string(m.name)) {
			return true
		}
	}
	return false
}
