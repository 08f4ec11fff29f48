// SPDX-License-Identifier: Apache-2.0

package expect

import (
	"bytes"
	"time"

	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/generate/jsonbody"
	"github.com/gdummy/gdummy/internal/msgpack"
	"github.com/gdummy/gdummy/internal/recordid"
)

// Document takes a document that an output sent to a sink: events in MessagePack, or JSON
// with records anywhere in it, also as text. A record is the map that has an identity as a
// member.
func (j *Judge) Document(n int, doc []byte, arrival time.Time) {
	doc = bytes.TrimSpace(doc)
	switch {
	case len(doc) == 0:
		return
	case doc[0] >= 0x80:
		if _, _, err := event.Decode(doc); err != nil {
			if h := msgpack.Read(doc); h.Kind == msgpack.Array {
				doc = doc[h.Size:] // events in one array
			}
		}
		j.Arrive(n, doc, arrival)
		return
	case doc[0] == '[':
		doc = append(append([]byte(`{"":`), doc...), '}')
	}
	maps, err := jsonbody.Parse(string(doc))
	j.mu.Lock()
	defer j.mu.Unlock()
	j.last = arrival
	s := j.sinks[n]
	if err != nil {
		j.fail(s, Broken, "", nil)
	}
	for _, m := range maps {
		found := records(m, func(body []byte) {
			j.record(n, s, event.Event{Time: arrival.UnixNano(), Metadata: event.EmptyMap, Body: body}, arrival)
		})
		if !found && !isAction(m) {
			s.foreign++
			s.arrived++
		}
	}
}

// isAction reports whether a document is an action of a bulk request, without a record:
// {"create":{...}}.
func isAction(m []byte) bool {
	all := make(members, 0, 4)
	all.read(m)
	if len(all) != 1 {
		return false
	}
	switch string(all[0].name) {
	case "create", "index", "update", "delete":
		return msgpack.Read(all[0].value).Kind == msgpack.Map
	}
	return false
}

// records calls f with each record in a value, and reports whether there is one.
func records(v []byte, f func(body []byte)) (found bool) {
	h := msgpack.Read(v)
	switch h.Kind {
	case msgpack.Map:
		own := false
		each(v, func(_, inner []byte) bool {
			own = isIdentity(inner)
			return !own
		})
		if own {
			f(v)
			return true
		}
		each(v, func(_, inner []byte) bool {
			found = records(inner, f) || found
			return true
		})
	case msgpack.Array:
		b := v[h.Size:]
		for range h.N {
			rest, err := msgpack.Skip(b)
			if err != nil {
				return found
			}
			found = records(b[:len(b)-len(rest)], f) || found
			b = rest
		}
	case msgpack.String:
		text := bytes.TrimSpace(v[h.Size:])
		if len(text) == 0 || text[0] != '{' {
			return false
		}
		maps, _ := jsonbody.Parse(string(text))
		for _, m := range maps {
			found = records(m, f) || found
		}
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
