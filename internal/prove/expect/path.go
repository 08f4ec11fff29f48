// SPDX-License-Identifier: Apache-2.0

package expect

import (
	"bytes"
	"time"

	"github.com/gdummy/gdummy/internal/generate/jsonbody"
	"github.com/gdummy/gdummy/internal/msgpack"
	"github.com/gdummy/gdummy/internal/prove/recordscan"
)

// place is what a judge knows of the place of a value in what arrived: the rest of the
// paths of the judge below it, and the arrival time beside or above it.
type place struct {
	key       string // of the identity; "" is anywhere
	arrivedAt string // of the arrival time; "" is not below
	arrival   time.Time
	time      int64 // of the record; noTime is unknown
	otlp      bool  // it is a log record of OpenTelemetry
}

// root returns the place of a whole value that arrived.
func (j *Judge) root(arrival time.Time) place {
	return place{key: j.Key, arrivedAt: j.ArrivedAt, arrival: arrival, time: noTime}
}

// with returns the place with the arrival time in the value, if it has one.
func (p place) with(v []byte) place {
	if p.arrivedAt == "" {
		return p
	}
	eachAt(v, p.arrivedAt, func(v []byte) bool {
		at := recordscan.PackedTime(v)
		if at != 0 {
			p.arrival = time.Unix(0, at)
		}
		return at == 0
	})
	return p
}

// below returns the place of the value of a member, and whether an identity may be there.
func (p place) below(name []byte) (q place, ok bool) {
	q = p
	q.arrivedAt, _ = cutName(p.arrivedAt, name)
	if p.key == "" {
		return q, true
	}
	q.key, ok = cutName(p.key, name)
	return q, ok && q.key != ""
}

// mayBe reports whether an identity may be the value of a member.
func (p place) mayBe(name []byte) bool { return p.key == "" || p.key == string(name) }

// cutName returns the rest of a path below a member, and whether the path leads to it.
func cutName(path string, name []byte) (rest string, ok bool) {
	n := len(name)
	switch {
	case len(path) < n || path[:n] != string(name):
		return "", false
	case len(path) == n:
		return "", true
	case path[n] != '.' || len(path) == n+1:
		return "", false
	}
	return path[n+1:], true
}

// eachAt calls f with each value at a path that is neither a map nor an array, until f
// returns false. The elements of an array are at its path, and JSON in a text has members.
func eachAt(v []byte, path string, f func(v []byte) bool) (more bool) {
	switch h := msgpack.Read(v); h.Kind {
	case msgpack.Map:
		for _, m := range appendMembers(make(members, 0, 16), v) {
			if rest, ok := cutName(path, m.name); ok && !eachAt(m.value, rest, f) {
				return false
			}
		}
	case msgpack.Array:
		for _, e := range appendElements(make([][]byte, 0, 16), v) {
			if !eachAt(e, path, f) {
				return false
			}
		}
	default:
		if path == "" {
			return f(v)
		}
		if text := v[min(h.Size, len(v)):]; h.Kind == msgpack.String && bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
			maps, _ := jsonbody.Parse(string(text))
			for _, m := range maps {
				if !eachAt(m, path, f) {
					return false
				}
			}
		}
	}
	return true
}

// texts returns where identities are looked for in a value: in all of it, or in the texts
// at a path.
func (j *Judge) texts(v []byte, path string) []byte {
	if path == "" {
		return v
	}
	j.looked = j.looked[:0]
	eachAt(v, path, func(v []byte) bool {
		j.looked = append(append(j.looked, v...), '\n')
		return true
	})
	return j.looked
}
