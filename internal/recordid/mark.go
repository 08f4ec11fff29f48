// SPDX-License-Identifier: Apache-2.0

package recordid

import (
	"bytes"
	"time"

	"github.com/tinylib/msgp/msgp"

	"github.com/gdummy/gdummy/internal/event"
)

// Source makes records; it is the engine's interface of that name.
type Source interface {
	PerTick() uint64
	Append(dst []byte, form event.Form, t int64, k uint64) []byte
	Refresh(k uint64)
}

// Mark is a source that adds an identity to each record of another.
type Mark struct {
	source Source
	now    func() time.Time

	text   []byte // of the identity; what changes is written over
	id     ID
	member []byte // name and header of the member that holds the identity

	inMetadata bool

	// The body whose sum stands in id: many records are alike. hasLast is
	// false while it is too long to be kept.
	last    []byte
	hasLast bool
}

// MarkOptions say whose records are marked, and where.
type MarkOptions struct {
	Run      Run
	Instance uint16 // at most MaxInstance
	Key      string // of the member that holds the identity; "" is DefaultKey

	// InMetadata puts the identity into the metadata, where the form of the
	// events has one.
	InMetadata bool

	// Now is the clock of the times of emission; nil is time.Now.
	Now func() time.Time
}

// maxCached is the size, in bytes, of the largest body whose sum is kept.
const maxCached = 4096

// NewMark marks what source makes.
func NewMark(source Source, o MarkOptions) *Mark {
	m := &Mark{source: source, now: o.Now, inMetadata: o.InMetadata}
	if m.now == nil {
		m.now = time.Now
	}
	if o.Key == "" {
		o.Key = DefaultKey
	}
	m.id = ID{Run: o.Run, Instance: o.Instance & MaxInstance}
	m.text = m.id.Append(nil)
	m.member = msgp.AppendString(nil, o.Key)
	m.member = append(m.member, 0xd9, Size)
	return m
}

// PerTick is the source's.
func (m *Mark) PerTick() uint64 { return m.source.PerTick() }

// Refresh is the source's.
func (m *Mark) Refresh(k uint64) { m.source.Refresh(k) }

// Append appends record k of the source with its identity. The time of
// emission is read once for each slice, at its first record.
//
// A record that has no room for an identity stays as it is: one whose body is
// no map, or whose number is above MaxSeq.
func (m *Mark) Append(dst []byte, form event.Form, t int64, k uint64) []byte {
	if len(dst) == 0 || m.id.Time == 0 {
		if now := m.now().UnixNano(); now != m.id.Time {
			m.id.Time = max(now, 0)
			put(m.text[30:43], uint64(m.id.Time))
		}
	}
	start := len(dst)
	dst = m.source.Append(dst, form, t, k)
	metadata := start + event.Overhead(form)
	body := metadata
	if form != event.Legacy {
		rest, err := msgp.Skip(dst[metadata:])
		if err != nil {
			return dst
		}
		body = len(dst) - len(rest)
	}
	if k > MaxSeq {
		return dst
	}
	if b := dst[body:]; !m.hasLast || !bytes.Equal(b, m.last) {
		sum, err := SumBody(b)
		if err != nil {
			return dst
		}
		if m.hasLast = len(b) <= maxCached; m.hasLast {
			m.last = append(m.last[:0], b...)
		}
		m.id.Sum = sum
		put(m.text[44:51], sum.Hash)
		put(m.text[51:52], sum.tail())
	}
	m.id.Seq = k
	put(m.text[19:29], k)
	put(m.text[52:55], m.id.check())

	at, end := body, len(dst)
	if m.inMetadata && form != event.Legacy {
		at, end = metadata, body
	}
	return m.insert(dst, at, end)
}

// insert adds the member to the end of the map that is dst[at:end].
func (m *Mark) insert(dst []byte, at, end int) []byte {
	size := len(m.member) + Size
	n, head := mapHeader(dst[at:end])
	n++
	grow := 0
	if head == 1 && n == 16 || head == 3 && n == 1<<16 {
		grow = 2 // a header of 3 bytes instead of 1, or of 5 instead of 3
	}
	behind := len(dst) - end
	dst = append(dst, m.member...)
	dst = append(dst, m.text...)
	if grow > 0 {
		dst = append(dst, 0, 0)
	}
	if grow > 0 || behind > 0 {
		copy(dst[end+grow+size:], dst[end:end+behind])
		copy(dst[at+head+grow:], dst[at+head:end])
		copy(dst[end+grow:], m.member)
		copy(dst[end+grow+len(m.member):], m.text)
	}
	switch head + grow {
	case 1:
		dst[at] = 0x80 | byte(n)
	case 3:
		dst[at], dst[at+1], dst[at+2] = 0xde, byte(n>>8), byte(n)
	default:
		dst[at], dst[at+1], dst[at+2], dst[at+3], dst[at+4] = 0xdf, byte(n>>24), byte(n>>16), byte(n>>8), byte(n)
	}
	return dst
}

// mapHeader returns how many members a map has, and how long its header is. The
// map is one that SumBody or Skip has read.
func mapHeader(b []byte) (n, head int) {
	r := reader{b: b}
	n, _ = r.mapHeader()
	return n, len(b) - len(r.b)
}
