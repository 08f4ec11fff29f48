// SPDX-License-Identifier: Apache-2.0

package expect

import (
	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/msgpack"
	"github.com/gdummy/gdummy/internal/recordid"
)

// identity returns the identity of a record, if it has one: one of its lines, if several
// became one record.
func (j *Judge) identity(s *sink, ev event.Event, at place) (id recordid.ID, ok bool) {
	metadata := j.texts(ev.Metadata, at.key)
	id, end := recordid.Find(metadata)
	lines := s.Lines
	if s.surveys != nil {
		lines = identities(metadata) // probably
	}
	if end >= 0 && lines > 1 {
		id = identityOfLines(metadata, lines)
	}
	if end < 0 {
		id, end = recordid.Find(j.texts(ev.Body, at.key))
	}
	if end < 0 && j.Place != nil {
		return j.Place(ev.Body)
	}
	return id, end >= 0
}

// identities returns the number of identities in metadata.
func identities(metadata []byte) (n uint64) {
	for _, end := recordid.Find(metadata); end >= 0; n++ {
		metadata = metadata[end:]
		_, end = recordid.Find(metadata)
	}
	return n
}

// identityOfLines returns an identity of the lines that became one record, whose metadata
// has those of all. With Fluent Bit's multiline parser python, it has that of the last line
// before them, too.
func identityOfLines(metadata []byte, lines uint64) (id recordid.ID) {
	most := 0
	var of recordid.ID // a group of lines
	for n := 0; ; {
		next, end := recordid.Find(metadata)
		if end < 0 {
			return id
		}
		metadata = metadata[end:]
		if n == 0 || next.Run != of.Run || next.Instance != of.Instance || next.Seq/lines != of.Seq/lines {
			of, n = next, 0
		}
		if n++; n > most {
			id, most = of, n
		}
	}
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

// inText reports whether a map has an identity in a text where identities count.
func (j *Judge) inText(m []byte) bool {
	if j.Key == "" {
		return hasIdentity(m)
	}
	return j.identifies(m, j.Key)
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
