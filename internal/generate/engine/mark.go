// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/tinylib/msgp/msgp"

	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/msgpack"
	"github.com/gdummy/gdummy/internal/recordid"
)

// MarkOptions configure the identities of records.
type MarkOptions struct {
	Run      recordid.Run
	Instance uint16 // at most recordid.MaxInstance
	Key      string // name of the field with the identity; "" means recordid.DefaultKey

	// InMetadata puts the identity into the metadata, if the events have metadata.
	InMetadata bool
}

// marking is a source that adds an identity to each record of another.
type marking struct {
	Source
	identity *recordid.Appender
	member   []byte // name of the identity's field and header of its value
	head     []byte // of a map with the field

	inMetadata bool

	// last is the body whose sum is in identity: consecutive records are often
	// equal. hasLast is false if the body was too long to be kept.
	last    []byte
	hasLast bool
}

// maxCached is the size, in bytes, of the largest body whose sum is cached.
const maxCached = 4096

// Mark returns a source that adds an identity to each record of another.
func Mark(source Source, o MarkOptions) Source {
	m := &marking{Source: source, inMetadata: o.InMetadata}
	m.identity = recordid.NewAppender(o.Run, o.Instance)
	m.member = msgp.AppendString(nil, cmp.Or(o.Key, recordid.DefaultKey))
	m.member = append(m.member, 0xd9, recordid.Size)
	return m
}

// Append appends record k of the source with its identity.
//
// A record is not changed if it cannot have an identity: if its body is not a map,
// or if its number is above recordid.MaxSeq.
func (m *marking) Append(dst []byte, form event.Form, due int64, k uint64) []byte {
	m.identity.SetTime(due)
	start := len(dst)
	dst = m.Source.Append(dst, form, due, k)
	meta, body, err := event.Split(dst[start:], form)
	if err != nil || k > recordid.MaxSeq || !m.sum(body) {
		return dst
	}
	at, end := len(dst)-len(body), len(dst)
	if m.inMetadata && form != event.Legacy {
		at, end = at-len(meta), at
	}
	return m.insert(dst, at, end, m.identity.Text(k))
}

// sum stores the sum of a body in the identity. It returns false if the body is not
// a map.
func (m *marking) sum(body []byte) bool {
	if m.hasLast && bytes.Equal(body, m.last) {
		return true
	}
	sum, err := recordid.SumBody(body)
	if err != nil {
		return false
	}
	if m.hasLast = len(body) <= maxCached; m.hasLast {
		m.last = append(m.last[:0], body...)
	}
	m.identity.SetSum(sum)
	return true
}

// insert appends a field with the given text to the map dst[at:end].
func (m *marking) insert(dst []byte, at, end int, text []byte) []byte {
	h := msgpack.Read(dst[at:end])
	if h.Kind != msgpack.Map {
		return dst
	}
	dst = append(append(dst, m.member...), text...)
	if size := len(m.member) + len(text); len(dst)-end > size { // the body follows the metadata
		copy(dst[end+size:], dst[end:])
		copy(dst[end+copy(dst[end:], m.member):], text)
	}
	m.head = msgp.AppendMapHeader(m.head[:0], uint32(h.N)+1)
	if len(m.head) != h.Size {
		return slices.Replace(dst, at, at+h.Size, m.head...)
	}
	copy(dst[at:], m.head)
	return dst
}
