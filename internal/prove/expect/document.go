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

// Others counts what arrived at a sink beside its records: lines and documents without an
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
// however deep; without one, the whole map, if it has an identity in a text. A text is
// not parsed, except for a line of Loki.
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
	if ev, ok := eventOf(v); ok {
		j.record(n, s, ev, arrival)
		return
	}
	take := func(body []byte) {
		j.record(n, s, event.Event{Time: noTime, Metadata: event.EmptyMap, Body: body}, arrival)
	}
	if _, ok := field(v, "resourceLogs"); ok {
		v = appendPlain(nil, v)
	}
	switch {
	case j.records(v, take):
	case hasIdentity(v):
		take(v)
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

// records calls f with each map in a value that has an identity as a member, or one of
// Places, and reports whether there is one.
func (j *Judge) records(v []byte, f func(body []byte)) (found bool) {
	switch msgpack.Read(v).Kind {
	case msgpack.Map:
		all := appendMembers(make(members, 0, 16), v)
		for _, m := range all {
			if isIdentity(m.value) || slices.Contains(j.Places, string(m.name)) {
				f(v)
				return true
			}
		}
		for _, m := range all {
			found = j.records(m.value, f) || found
		}
	case msgpack.Array:
		for _, e := range appendElements(make([][]byte, 0, 16), v) {
			found = j.line(e, f) || j.records(e, f) || found
		}
	}
	return found
}

// line calls f with each record in an element of an array that is a text of JSON: a line
// of Loki.
func (j *Judge) line(v []byte, f func(body []byte)) (found bool) {
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
		found = j.records(m, f) || found
	}
	return found
}

// isIdentity reports whether a value is an identity.
func isIdentity(v []byte) bool {
	h := msgpack.Read(v)
	if h.Kind != msgpack.String {
		return false
	}
	_, end := recordid.Find(v[h.Size:])
	return end == len(v)-h.Size
}

// hasIdentity reports whether a map has an identity in a text, outside of arrays.
func hasIdentity(m []byte) bool {
	for _, e := range appendMembers(make(members, 0, 16), m) {
		switch h := msgpack.Read(e.value); h.Kind {
		case msgpack.Map:
			if hasIdentity(e.value) {
				return true
			}
		case msgpack.String:
			if _, end := recordid.Find(e.value[h.Size:]); end >= 0 {
				return true
			}
		}
	}
	return false
}

// NamesIdentity reports whether the name of a member of a map is an identity.
func NamesIdentity(m []byte) bool {
	for _, e := range appendMembers(make(members, 0, 16), m) {
		if _, end := recordid.Find(e.name); end >= 0 {
			return true
		}
	}
	return false
}
