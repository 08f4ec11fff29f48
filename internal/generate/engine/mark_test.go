// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"encoding/binary"
	"strconv"
	"testing"

	"github.com/tinylib/msgp/msgp"

	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/generate/jsonbody"
	"github.com/gdummy/gdummy/internal/recordid"
	"github.com/gdummy/gdummy/internal/testenv"
)

// list is a source that repeats the given bodies in order.
type list struct {
	bodies   [][]byte
	metadata []byte
}

func (l *list) RecordsPerTick() uint64 { return 1 }
func (l *list) Refresh(uint64)         {}
func (l *list) Append(dst []byte, form event.Form, t int64, k uint64) []byte {
	return event.Append(dst, form, t, l.metadata, l.bodies[k%uint64(len(l.bodies))])
}

func mapOf(n int) []byte {
	b := msgp.AppendMapHeader(nil, uint32(n))
	for i := range n {
		b = msgp.AppendString(b, "k"+strconv.Itoa(i))
		b = msgp.AppendInt(b, i)
	}
	return b
}

// An event stays valid with any size of the map that contains the identity, in the
// body or in the metadata: one wrong byte makes the rest of a chunk unreadable.
func TestMark(t *testing.T) {
	const due = 1732300000_000000005
	wide := []byte{0xde, 0, 1, 0xa1, 'a', 1} // a header longer than necessary
	for _, n := range []int{0, 1, 14, 15, 16, 17, 1<<16 - 1, 1 << 16, -1} {
		b := wide
		if n >= 0 {
			b = mapOf(n)
		}
		for _, form := range []event.Form{event.Legacy, event.V2} {
			for _, meta := range []bool{false, true} {
				src := &list{[][]byte{b}, mapOf(min(max(n, 0), 20))}
				m := Mark(src, MarkOptions{Run: 7, Instance: 3, InMetadata: meta})
				first := m.Append(nil, form, due, 0)
				all := m.Append(first, form, due+1, 1)
				for k, ev := range [][]byte{all[:len(first)], all[len(first):]} {
					if rest, err := msgp.Skip(ev); err != nil || len(rest) > 0 {
						t.Fatalf("n %d, %v, metadata %v: %v, rest %d", n, form, meta, err, len(rest))
					}
					id, end := recordid.Find(ev)
					want, _ := recordid.SumBody(b)
					if end < 0 || id != (recordid.ID{Run: 7, Instance: 3, Seq: uint64(k), Time: due + int64(k), Sum: want}) {
						t.Fatalf("n %d: %+v, %d", n, id, end)
					}
					inBody := !meta || form == event.Legacy
					if inBody != (end == len(ev)) {
						t.Errorf("n %d, %v, metadata %v: the identity ends at %d of %d", n, form, meta, end, len(ev))
					}
				}
			}
		}
	}
}

// The sum of a cached body must not outlive the body.
func TestMarkCache(t *testing.T) {
	src := &list{[][]byte{mapOf(1), mapOf(2), mapOf(2), append(mapOf(1)[:3:3], 9)}, event.EmptyMap}
	m := Mark(src, MarkOptions{})
	for k := range uint64(20) {
		id, _ := recordid.Find(m.Append(nil, event.V2, 1, k))
		if want, _ := recordid.SumBody(src.bodies[k%4]); id.Sum != want {
			t.Errorf("record %d: %v, want %v", k, id.Sum, want)
		}
	}
}

// The exact size of an identity: 64 bytes with the name gdummy, plus the growth of
// the map header if it is the 16th or the 65536th field.
func TestMarkIsSmall(t *testing.T) {
	for n, want := range map[int]int{0: 64, 1: 64, 14: 64, 15: 66, 16: 64, 17: 64, 1<<16 - 2: 64, 1<<16 - 1: 66, 1 << 16: 64} {
		src := &list{[][]byte{mapOf(n)}, event.EmptyMap}
		plain := len(src.Append(nil, event.V2, 1, 0))
		marked := len(Mark(src, MarkOptions{}).Append(nil, event.V2, 1, 0))
		if marked-plain != want {
			t.Errorf("with %d fields the identity has %d bytes, want %d", n, marked-plain, want)
		}
	}
}

func TestMarkDoesNotAllocate(t *testing.T) {
	for _, meta := range []bool{false, true} {
		src := &list{[][]byte{mapOf(1), mapOf(20)}, event.EmptyMap}
		m := Mark(src, MarkOptions{InMetadata: meta})
		buf := make([]byte, 0, 1<<16)
		k := uint64(0)
		if n := testenv.AllocsPerRun(1000, func() { buf = m.Append(buf[:0], event.V2, 1, k); k++ }); n != 0 {
			t.Errorf("metadata %v: %v allocations per record", meta, n)
		}
	}
}

func BenchmarkMark(b *testing.B) {
	dummy, _ := jsonbody.Parse(`{"message":"dummy"}`)
	for _, c := range []struct {
		name   string
		bodies [][]byte
	}{
		{"fixed", dummy},
		{"six_members_in_turn", [][]byte{mapOf(6), binary.BigEndian.AppendUint64([]byte{0x81, 0xa1, 'a', 0xcb}, 0x3ff199999999999a)}},
	} {
		b.Run(c.name, func(b *testing.B) {
			m := Mark(&list{c.bodies, event.EmptyMap}, MarkOptions{})
			buf := make([]byte, 0, 1<<17)
			b.ReportAllocs()
			for k := range uint64(b.N) {
				if len(buf) > 1<<16 {
					buf = buf[:0]
				}
				buf = m.Append(buf, event.V2, 1, k)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rec/s")
		})
	}
}
