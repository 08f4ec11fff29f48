// SPDX-License-Identifier: Apache-2.0

package recordscan

import (
	"bytes"
	"encoding/base64"

	"github.com/gdummy/gdummy/internal/recordid"
)

// OpenTelemetry's JSON represents a map as a list of keys and values, and a value as a
// map with one member that is named after its kind:
//
//	{"key":"n","value":{"intValue":"1"}}
//
// With the reading pairs, these are parsed as the maps and values that they represent.
// Parsing fails if something only resembles them.

// isPairs reports whether an identity is in a value of OpenTelemetry.
func (d *doc) isPairs() bool {
	if d.valued {
		return true
	}
	for i := range d.found {
		if string(d.found[i].name) == "stringValue" {
			return true
		}
	}
	return false
}

// front returns the first name in the map at the current position, or nil if there is
// another value or an empty map.
func (j *jsonReader) front() []byte {
	b := bytes.TrimLeft(j.b[j.pos:], " \t\r\n")
	if len(b) == 0 || b[0] != '{' {
		return nil
	}
	if b = bytes.TrimLeft(b[1:], " \t\r\n"); len(b) == 0 || b[0] != '"' {
		return nil
	}
	const longest = len(`kvlistValue"`)
	i := bytes.IndexByte(b[1:min(len(b), 1+longest)], '"')
	return b[1 : 1+max(i, 0)]
}

// isKind reports whether name is the kind of a value.
func isKind(name []byte) bool {
	switch string(name) {
	case "stringValue", "intValue", "doubleValue", "boolValue", "bytesValue", "arrayValue", "kvlistValue":
		return true
	}
	return false
}

// expect skips white space and one byte.
func (j *jsonReader) expect(c byte) bool {
	if j.space() != c {
		return false
	}
	j.pos++
	return true
}

// called skips the given name and the colon after it.
func (j *jsonReader) called(name string) bool {
	if j.space() != '"' {
		return false
	}
	s, ok := j.string()
	return ok && string(s) == name && j.expect(':')
}

// kind parses a value with its kind. The value belongs to the member name of map n. id
// reports that it is an identity. An empty map is null.
func (j *jsonReader) kind(n int32, name []byte, depth int) (h uint64, id, ok bool) {
	d := j.doc
	if depth > maxDepth || !j.expect('{') {
		return 0, false, false
	}
	if j.space() == '}' {
		j.pos++
		return recordid.HashNull, false, true
	}
	if j.space() != '"' {
		return 0, false, false
	}
	kind, ok := j.string()
	if !ok || !j.expect(':') {
		return 0, false, false
	}
	var text []byte // of the value, if it is a string
	if j.space() == '"' {
		if text, ok = j.string(); !ok {
			return 0, false, false
		}
	}
	switch string(kind) {
	case "stringValue":
		ok = text != nil
		h, id = d.hashString(text), d.string(text, n, name)
	case "intValue":
		if text == nil {
			h, ok = j.number()
			break
		}
		i := jsonReader{doc: d, b: text}
		h, ok = i.number()
		ok = ok && i.pos == len(text)
	case "doubleValue":
		h, ok = j.number()
	case "boolValue":
		if h, ok = recordid.HashTrue, j.literal("true"); !ok {
			h, ok = recordid.HashFalse, j.literal("false")
		}
	case "bytesValue":
		start := len(d.text)
		t, err := base64.StdEncoding.AppendDecode(d.text, text)
		d.text = t
		h, ok = recordid.HashBytes(t[start:]), err == nil
	case "arrayValue", "kvlistValue":
		h, ok = j.many(n, name, depth+1, kind[0] == 'k')
	default:
		ok = false
	}
	return h, id, ok && j.expect('}')
}

// many parses the elements of a map or an array: {"values":[...]}, or {} for none.
func (j *jsonReader) many(n int32, name []byte, depth int, mapping bool) (uint64, bool) {
	if !j.expect('{') {
		return 0, false
	}
	if j.space() == '}' {
		j.pos++
		if mapping {
			node, base := j.doc.open(n, name)
			return j.doc.close(node, base, len(j.doc.parts)), true
		}
		return recordid.HashArray, true
	}
	if !j.called("values") || j.space() != '[' {
		return 0, false
	}
	if mapping {
		h, ok := j.pairs(n, name, depth)
		return h, ok && j.expect('}')
	}
	j.pos++
	h := recordid.HashArray
	parts := len(j.doc.parts)
	for first := true; j.space() != ']'; first = false {
		if !first && !j.expect(',') {
			return 0, false
		}
		found := len(j.doc.found)
		v, _, ok := j.kind(n, name, depth)
		if !ok {
			return 0, false
		}
		j.doc.part(found)
		h = recordid.HashElement(h, v)
	}
	if len(j.doc.parts) > parts && j.doc.isRepeated(n, name, parts) {
		j.doc.together(parts)
	} else {
		j.doc.list(parts)
	}
	j.pos++
	return h, j.expect('}')
}

// pairs parses a list of keys and values as a map.
func (j *jsonReader) pairs(parent int32, name []byte, depth int) (uint64, bool) {
	d := j.doc
	n, base := d.open(parent, name)
	parts := len(d.parts)
	j.pos++
	for first := true; j.space() != ']'; first = false {
		if !first && !j.expect(',') || !d.room() || !j.expect('{') || !j.called("key") || j.space() != '"' {
			return 0, false
		}
		key, ok := j.string()
		if !ok || !j.expect(',') || !j.called("value") {
			return 0, false
		}
		m := member{name: key, lo: int32(len(d.nodes))}
		found := len(d.found)
		if m.value, m.id, ok = j.kind(n, key, depth+1); !ok || !j.expect('}') {
			return 0, false
		}
		m.hi = int32(len(d.nodes))
		m.hash = recordid.HashMember(key, m.value)
		d.stack = append(d.stack, m)
		d.part(found)
	}
	j.pos++
	return d.close(n, base, parts), true
}

// parted matches the sum of a record that Fluent Bit's opentelemetry output has split:
// one member became the body, the others attributes (logs_body_key_attributes).
func (s *Scanner) parted(f *finding) State {
	d := &s.doc
	nd := d.nodes[f.node]
	if d.how&pairs == 0 || nd.parent < 0 || string(nd.name) != "attributes" {
		return Damaged
	}
	b := d.member(nd.parent, "body")
	if b == nil || s.effort < 0 {
		return Unchecked
	}
	body := *b
	nodes, members := len(d.nodes), len(d.members)
	for _, key := range []string{"log", "message"} {
		body.name = []byte(key)
		body.hash = recordid.HashMember(body.name, body.value)
		d.members = append(append(d.members, d.members[nd.first:nd.first+nd.count]...), body)
		d.nodes = append(d.nodes, node{parent: nd.parent, first: int32(members), count: nd.count + 1})
		st := s.matchSum(f, int32(nodes), nil)
		d.nodes, d.members = d.nodes[:nodes], d.members[:members]
		if st != Damaged {
			return max(st, Enriched)
		}
	}
	return Unchecked // another member may be the body
}
