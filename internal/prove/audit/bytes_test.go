// SPDX-License-Identifier: Apache-2.0

package audit_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/generate/engine"
	"github.com/gdummy/gdummy/internal/generate/jsonbody"
	"github.com/gdummy/gdummy/internal/prove/audit"
	"github.com/gdummy/gdummy/internal/prove/ledger"
	"github.com/gdummy/gdummy/internal/prove/recordscan"
	"github.com/gdummy/gdummy/internal/recordid"
	"github.com/gdummy/gdummy/internal/testenv"
)

// Faults of a record's bytes.
type fault int

const (
	none     fault = iota
	changed        // a flipped bit in a value: damaged
	broken         // a flipped bit in the syntax: damaged
	nameless       // a flipped bit in the identity: foreign, and its number is missing
	added          // a field was added: enriched
)

// copyOf is a record in a file.
type copyOf struct {
	stream, seq int // of the plan; -1 is a foreign record
	fault       fault
}

// source generates distinct bodies.
type source struct{}

// bodies returns the bodies of the first records, generated once.
var bodies = func() (all [][]byte) {
	for k := range 40 {
		b, err := jsonbody.Parse(fmt.Sprintf(`{"message":"msg-%06d","n":%d,"f":%g,"é\t":{"a":[1,"x\"",null]}}`, k, k*k, float64(k)*0.1))
		if err != nil {
			panic(err)
		}
		all = append(all, b[0])
	}
	return all
}()

func (s source) RecordsPerTick() uint64 { return 1 }
func (s source) Refresh(uint64)         {}
func (s source) Append(dst []byte, form event.Form, t int64, k uint64) []byte {
	return event.Append(dst, form, t, event.EmptyMap, bodies[k])
}

// pack holds the records of a case's streams, from the real generator.
type pack struct {
	runs  []recordid.Run
	inst  []uint16
	event [][][]byte
}

// shape is a file format.
type shape int

const (
	jsonLines shape = iota
	jsonArray
	fileOutput
	msgpack
	csv
	wrapped // an array in an object, as in the batches of many services
	shapes
)

// text formats one record with its fault.
func (p *pack) text(t testing.TB, r *rand.Rand, sh shape, c copyOf) []byte {
	if c.stream < 0 {
		if sh == msgpack {
			return event.Append(nil, event.V2, 1e18, event.EmptyMap, []byte{0x81, 0xa1, 'x', 1})
		}
		return []byte(`{"x":"of somebody else"}`)
	}
	ev := bytes.Clone(p.event[c.stream][c.seq])
	if sh != msgpack {
		e, _, err := event.Decode(ev)
		if err != nil {
			t.Fatal(err)
		}
		if ev, err = event.AppendJSON(nil, e); err != nil {
			t.Fatal(err)
		}
		ev = bytes.TrimSpace(ev)
	}
	id := bytes.Index(ev, []byte(recordid.Prefix))
	switch c.fault {
	case changed:
		ev[bytes.Index(ev, []byte("msg-"))+4+r.IntN(6)] ^= 1 << r.IntN(2)
	case broken:
		if sh == msgpack {
			ev[bytes.Index(ev, []byte("message"))-1] = 0xc1
			break
		}
		var quotes []int
		for i, b := range ev {
			// Escaped quotes are text, not syntax.
			if b == '"' && ev[i-1] != '\\' {
				quotes = append(quotes, i)
			}
		}
		ev[quotes[r.IntN(len(quotes))]] ^= 1
	case nameless:
		for {
			at, b := id+r.IntN(recordid.Size), byte(1)<<r.IntN(7)
			ev[at] ^= b
			c := ev[at]
			letter := c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
			if _, ok := recordid.Parse(ev[id : id+recordid.Size]); letter && !ok {
				break
			}
			ev[at] ^= b
		}
	case added:
		if sh == msgpack {
			t.Fatal("fields can be added to JSON only")
		}
		at := bytes.IndexByte(ev, '{') + 1
		ev = slices.Insert(ev, at, []byte(`"host":"web1",`)...)
	}
	switch sh {
	case fileOutput:
		return append(append([]byte("a.tag: [1732300000.000000001, "), ev...), ']')
	case csv:
		return []byte(fmt.Sprintf(`1732300000.5,"msg",%s`, ev[id-1:id+recordid.Size+1]))
	}
	return ev
}

// file formats copies as one file, which may be compressed.
func (p *pack) file(t testing.TB, r *rand.Rand, sh shape, copies []copyOf) []byte {
	var b bytes.Buffer
	for i, c := range copies {
		switch {
		case sh == wrapped && i == 0:
			b.WriteString(`{"records":[`)
		case sh == jsonArray && i == 0:
			b.WriteByte('[')
		case sh == jsonArray, sh == wrapped:
			b.WriteByte(',')
		}
		b.Write(p.text(t, r, sh, c))
		if sh != msgpack && sh != jsonArray && sh != wrapped {
			b.WriteByte('\n')
		}
	}
	if sh == wrapped && len(copies) > 0 {
		b.WriteString("]}\n")
	}
	if sh == jsonArray {
		b.WriteByte(']')
	}
	return b.Bytes()
}

// Compressors are created once: creating them dominates the run time.
var (
	gzipWriter    = gzip.NewWriter(nil)
	zstdWriter, _ = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<12))
)

func squeeze(r *rand.Rand, data []byte) []byte {
	switch r.IntN(10) {
	case 0:
		var b bytes.Buffer
		gzipWriter.Reset(&b)
		gzipWriter.Write(data)
		gzipWriter.Close()
		return b.Bytes()
	case 1:
		return zstdWriter.EncodeAll(data, nil)
	}
	return data
}

// The whole path, in bytes: records of several runs and instances from the real
// generator, with a ledger that may be cut; lost, duplicated, reordered, with flipped
// bits; in files of different formats, some of which end within a record. Every count
// is exact.
func TestPlantedInBytes(t *testing.T) {
	for seed := range uint64(testenv.Rounds(10000)) {
		planted(t, seed, true)
	}
}

// The same without faults has a clean verdict.
func TestCleanInBytes(t *testing.T) {
	for seed := range uint64(testenv.Rounds(1000)) {
		if v := planted(t, seed, false); len(audit.Limits{Unchecked: -1, Unknown: -1}.Faults(v)) > 0 || v.Broken > 0 || v.Unknown > 0 {
			t.Fatalf("seed %d: %+v", seed, v.Counts)
		}
	}
}

func planted(t *testing.T, seed uint64, faults bool) *audit.Verdict {
	r := rand.New(rand.NewPCG(seed, 99))
	chance := func(percent int) bool { return faults && r.IntN(100) < percent }
	var p pack
	var want audit.Counts
	var book bytes.Buffer
	var all [][]copyOf
	known := []int{} // number of records in the ledger, by stream; -1 without a ledger
	streams := 1 + r.IntN(3)
	for s := range streams {
		run, instance := recordid.Run(seed*8+uint64(s)/2+1), uint16(s%2) // restarts, and several instances of a run
		n := 1 + r.IntN(40)
		clock := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
		now := func() time.Time {
			if chance(2) {
				clock = clock.Add(time.Duration(r.IntN(7200)-3600) * time.Second) // the clock is set
			}
			return clock
		}
		m := engine.Mark(source{}, engine.MarkOptions{Run: run, Instance: instance})
		events := make([][]byte, n)
		for k := range n {
			events[k] = m.Append(nil, event.V2, now().UnixNano(), uint64(k))
			clock = clock.Add(time.Millisecond)
		}
		p.runs, p.inst, p.event = append(p.runs, run), append(p.inst, instance), append(p.event, events)

		k := -1
		if r.IntN(4) > 0 {
			k = n
			w, err := ledger.New(&memFile{&book}, ledger.Options{Run: run, Instance: instance, Name: "gdummy.0", Key: "gdummy", Place: "body", Now: now, Sync: -1})
			if err != nil {
				t.Fatal(err)
			}
			if chance(30) {
				k = r.IntN(n + 1)
			}
			for at := 0; at < k; {
				size := min(1+r.IntN(10), k-at)
				w.Accepted(uint64(at), uint64(size))
				at += size
				w.Totals(uint64(at), 0)
				if err := w.Note(ledger.Pause); err != nil { // writes a line
					t.Fatal(err)
				}
			}
			if k == n {
				if err := w.Close(ledger.Unsent{}); err != nil {
					t.Fatal(err)
				}
			}
			want.Accepted = audit.Known(want.Accepted.N + uint64(k))
			want.Refused, want.Shortfall = audit.Known(0), audit.Known(0)
			if k > 0 {
				want.Ingested = audit.Known(want.Ingested.N + uint64(k))
			}
		}
		known = append(known, k)

		var out []copyOf
		for k := range n {
			c := copyOf{s, k, none}
			switch x := r.IntN(100); {
			case !faults:
			case x < 8:
				continue // lost
			case x < 12:
				c.fault = changed
			case x < 16:
				c.fault = broken
			case x < 20:
				c.fault = nameless
			case x < 24:
				c.fault = added
			}
			out = append(out, c)
			if chance(8) { // a duplicate, maybe undamaged
				d := copyOf{s, k, []fault{none, c.fault}[r.IntN(2)]}
				out = append(out, d)
			}
		}
		for i := range out {
			if chance(10) {
				j := min(len(out)-1, i+r.IntN(8))
				out[i], out[j] = out[j], out[i]
			}
		}
		for i := 0; i < len(out); i++ { // a late duplicate
			if chance(3) {
				out = slices.Insert(out, i+1+r.IntN(len(out)-i), copyOf{s, out[i].seq, none})
			}
		}
		all = append(all, out)
	}

	// All records in sequence, split into files.
	var merged []copyOf
	for len(all) > 0 {
		i := r.IntN(len(all))
		if len(all[i]) == 0 {
			all = slices.Delete(all, i, i+1)
			continue
		}
		n := min(1+r.IntN(5), len(all[i]))
		merged = append(merged, all[i][:n]...)
		all[i] = all[i][n:]
		if chance(5) {
			merged = append(merged, copyOf{-1, 0, none})
		}
	}
	// The ledger as one file, or as two, with or without an overlap.
	lines := bytes.SplitAfter(book.Bytes(), []byte("\n"))
	at := r.IntN(len(lines))
	again := at - r.IntN(at+1)
	var ledgers []*ledger.Ledger
	for _, file := range [][][]byte{lines[again:], lines[:at]} {
		l, err := ledger.Read(bytes.NewReader(bytes.Join(file, nil)))
		if err != nil {
			t.Fatal(err)
		}
		ledgers = append(ledgers, l)
	}
	a := audit.New(audit.Options{Ledgers: ledgers})
	scan := recordscan.New(recordscan.Options{Take: a.Take})
	seen := make([]map[int]bool, streams)
	top := make([]int, streams)
	for s := range streams {
		seen[s], top[s] = map[int]bool{}, -1
	}
	for len(merged) > 0 {
		n := min(len(merged), 1+r.IntN(40))
		copies := slices.Clone(merged[:n])
		merged = merged[n:]
		sh := shape(r.IntN(int(shapes)))
		for i := range copies { // faults that the format cannot have
			switch f := &copies[i].fault; {
			case sh == msgpack && *f == added, sh == csv && *f != nameless:
				*f = none
			}
		}
		data := p.file(t, r, sh, copies)
		cutAt := -1 // size of the truncated last record, in bytes
		if chance(20) && sh != wrapped {
			last := p.text(t, r, sh, copyOf{copies[n-1].stream, copies[n-1].seq, none})
			if copies[n-1].fault == none && copies[n-1].stream >= 0 {
				whole := p.file(t, r, sh, copies[:n-1])
				if sh == jsonArray {
					whole = append(whole[:len(whole)-1], ',')
					if n == 1 {
						whole = []byte("[")
					}
				}
				cutAt = r.IntN(len(last)-1) + 1
				data = append(whole, last[:cutAt]...)
			}
		}
		if err := scan.Read(bytes.NewReader(squeeze(r, data))); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}

		// The expected counts. Foreign records in an object count individually if the
		// object is recognized as a list: it has two identities, an undamaged record,
		// or a syntax error. Otherwise an object without an identity is one foreign
		// record.
		ids, whole, wreck := 0, 0, false
		for _, c := range copies {
			if c.stream >= 0 && c.fault != nameless {
				ids++
			}
			if c.stream >= 0 && (c.fault == none || c.fault == added) {
				whole++
			}
			wreck = wreck || c.stream >= 0 && c.fault == broken
		}
		list := sh != wrapped || ids > 1 || whole > 0 || wreck
		if sh == wrapped && ids == 0 {
			want.Foreign++
		}
		for i, c := range copies {
			f := c.fault
			if i == n-1 && cutAt >= 0 {
				last := p.text(t, r, sh, copyOf{c.stream, c.seq, none})
				if id := bytes.Index(last, []byte(recordid.Prefix)); cutAt < id+recordid.Size {
					// No identity. A truncated record does not count as foreign,
					// except where any line would.
					if plainLine(sh, last[:cutAt]) {
						want.Foreign++
					}
					continue
				}
				f = broken
				if sh == csv {
					f = none
				}
				if sh == fileOutput && cutAt >= len(last)-len("]") {
					f = none // the body is complete
				}
			}
			if c.stream < 0 || f == nameless {
				if list {
					want.Foreign++
				}
				continue
			}
			switch {
			case f == changed || f == broken:
				want.Damaged++
			case f == added, sh == wrapped: // nested under a key
				want.Enriched++
			case sh == csv:
				want.Unchecked++
			}
			switch {
			case seen[c.stream][c.seq]:
				want.Duplicates++
				continue
			case c.seq < top[c.stream]:
				want.Reordered++
				want.Distance = max(want.Distance, uint64(top[c.stream]-c.seq))
			}
			seen[c.stream][c.seq] = true
			top[c.stream] = max(top[c.stream], c.seq)
		}
	}
	for s := range streams {
		want.Arrived += uint64(len(seen[s]))
		sent := max(top[s]+1, known[s])
		want.Sent += uint64(sent)
		for k := range sent {
			switch {
			case seen[s][k]:
			case known[s] < 0 || k < known[s]:
				want.Lost++
			default:
				want.Unknown++
			}
		}
	}
	a.Broken(scan.Broken())
	v := a.Verdict()
	got := v.Counts
	got.Broken = 0 // a fault may cause several
	if d := cmp.Diff(want, got); d != "" || !v.Exact {
		t.Fatalf("seed %d, exact %v:\n%s", seed, v.Exact, d)
	}
	return v
}

// plainLine reports whether a truncated record looks like a line of an unknown format,
// that is, like a foreign record.
func plainLine(sh shape, text []byte) bool {
	switch sh {
	case csv:
		return true
	case fileOutput: // before the JSON begins
		return !strings.Contains(string(text), ": [1")
	}
	return false
}

// memFile is a file in memory.
type memFile struct{ *bytes.Buffer }

func (memFile) Sync() error  { return nil }
func (memFile) Close() error { return nil }
