// SPDX-License-Identifier: Apache-2.0

package recordscan

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/generate/engine"
	"github.com/gdummy/gdummy/internal/generate/jsonbody"
	"github.com/gdummy/gdummy/internal/recordid"
	"github.com/gdummy/gdummy/internal/testenv"
)

// stream is a format for a sequence of records.
type stream struct {
	name string
	make func(t testing.TB, k int) []byte // record k in the format
}

// varied returns the body of record k: with values of all kinds, some nested, some short.
func varied(k int) string {
	switch k % 4 {
	case 0:
		return `{"message":"dummy"}`
	case 1:
		return fmt.Sprintf(`{"level":"info","n":%d,"f":%g,"ok":true,"none":null}`, k*k*k, float64(k)*0.37)
	case 2:
		return fmt.Sprintf(`{"k8s":{"pod":"p-%d","labels":{"a":"b"}},"list":[1,-200,{"x":%d},[]],"text":"%0*d"}`, k, k, 30+k, k)
	}
	return fmt.Sprintf(`{"a":%d}`, k)
}

func packedStream(name string, form event.Form, inMetadata bool) stream {
	return stream{name, func(t testing.TB, k int) []byte {
		b, err := jsonbody.Parse(varied(k))
		if err != nil {
			t.Fatal(err)
		}
		m := engine.Mark(source{b[0], event.EmptyMap}, engine.MarkOptions{Run: 42, InMetadata: inMetadata})
		return m.Append(nil, form, 1732300000123456789, uint64(k))
	}}
}

// flipped lists the formats in which bytes are changed.
var flipped = []stream{
	packedStream("events", event.V2, false),
	packedStream("events, identity in the metadata", event.V2, true),
	packedStream("old events", event.Legacy, false),
	{"maps", func(t testing.TB, k int) []byte {
		data := packedStream("", event.Legacy, false).make(t, k)
		return data[event.Overhead(event.Legacy):]
	}},
}

// flip changes one byte of data at a time; record k ends at ends[k]. The record with
// the byte may be found at most once, in any state, and its remains may count as a
// limited number of foreign records. All other records must be found as they were sent:
// intact or, if they are nested, enriched.
func flip(t *testing.T, r *rand.Rand, data []byte, ends []int, times, most int) {
	intact, foreign := 0, 0
	for range times {
		at, change := r.IntN(len(data)), byte(1)<<r.IntN(8)
		if r.IntN(2) == 0 {
			change = byte(1 + r.IntN(255))
		}
		hit := 0
		for hit < len(ends)-1 && ends[hit] <= at {
			hit++
		}
		data[at] ^= change
		got := map[uint64][]State{}
		others := 0
		s := New(Options{Take: func(id recordid.ID, s State, _ int64) {
			if s == Foreign {
				others++
				return
			}
			got[id.Seq] = append(got[id.Seq], s)
		}})
		var in io.Reader = bytes.NewReader(data)
		if r.IntN(10) == 0 {
			in = iotest.OneByteReader(in)
		}
		if err := s.Read(in); err != nil {
			t.Fatal(err)
		}
		for k := range uint64(len(ends)) {
			switch is := got[k]; {
			case int(k) == hit:
				if len(is) == 1 && is[0] == Intact {
					intact++
				}
				if len(is) > 1 || others > most-len(is) {
					t.Errorf("byte %d, of record %d, ^ %#02x: it counts as %v and %d foreign\n%q", at, hit, change, is, others, near(data, at))
				}
			case len(is) != 1 || is[0] > Enriched:
				t.Errorf("byte %d, of record %d, ^ %#02x: record %d is %v\n%q", at, hit, change, k, is, near(data, at))
			}
		}
		foreign += others
		data[at] ^= change
	}
	t.Logf("%d times a record was intact in spite of it, %d times foreign", intact, foreign)
}

// near returns the data around data[at].
func near(data []byte, at int) []byte { return data[max(0, at-60):min(len(data), at+60)] }

// A changed byte in MessagePack damages only the record that has it, even if it changes a
// length.
func TestFlippedByte(t *testing.T) {
	for i, st := range flipped {
		t.Run(st.name, func(t *testing.T) {
			t.Parallel()
			var data []byte
			var ends []int
			for k := range 12 {
				data = append(data, st.make(t, k)...)
				ends = append(ends, len(data))
			}
			flip(t, rand.New(rand.NewPCG(1, uint64(i))), data, ends, testenv.Rounds(10_000), 1)
		})
	}
}

// The same for JSON, in every format with several records. Two halves of a line, and
// indented lines whose opening brace is lost, may count as foreign records.
func TestFlippedJSON(t *testing.T) {
	testenv.SkipRace(t)
	for i, sh := range []struct {
		name, front, between, back string
		foreign                    int
		indent                     string // separator of lines; "" means a single line
	}{
		{"lines", "", "\n", "\n", 3, ""},
		{"list", "[", ",", "]", 3, ""},
		{"list over lines", "[\n", ",\n", "\n]\n", 3, ""},
		{"concatenated", "", "", "", 3, ""},
		{"wrapped", `{"records":[`, ",", "]}\n", 3, ""},
		{"in members", `{"entries":[{"x":1,"json":`, `},{"x":2,"json":`, "}]}\n", 3, ""},
		{"events", "a.tag: [1732300000.5, ", "]\na.tag: [1732300000.5, ", "]\n", 3, ""},
		{"list of events", "[[1.5,", "],[1.5,", "]]", 3, ""},
		{"container", "2026-11-26T12:00:00.000000000Z stdout F ", "\n2026-11-26T12:00:00.000000000Z stdout F ", "\n", 3, ""},
		{"text", "Nov 26 12:00:00 host app[1]: ", "\nNov 26 12:00:00 host app[1]: ", "\n", 3, ""},
		{"indented", "", "\n", "\n", 30, "\n"},
		{"indented list", "[\n", ",\n", "\n]\n", 30, "\n"},
		{"indented, wrapped", "{\n  \"records\": [\n    ", ",\n    ", "\n  ]\n}\n", 30, "\n    "},
	} {
		t.Run(sh.name, func(t *testing.T) {
			t.Parallel()
			data := []byte(sh.front)
			var ends []int
			for k := range 8 {
				if k > 0 {
					data = append(data, sh.between...)
				}
				e, _, err := event.Decode(flipped[0].make(t, k))
				if err != nil {
					t.Fatal(err)
				}
				line, err := event.AppendJSON(nil, e)
				if err != nil {
					t.Fatal(err)
				}
				if line = bytes.TrimSpace(line); sh.indent != "" {
					v := jsontext.Value(line)
					if err := v.Indent(jsontext.WithIndentPrefix(sh.indent[1:]), jsontext.WithIndent("  ")); err != nil {
						t.Fatal(err)
					}
					line = v
				}
				data = append(data, line...)
				ends = append(ends, len(data))
			}
			data = append(data, sh.back...)
			flip(t, rand.New(rand.NewPCG(2, uint64(i))), data, ends, 3_000, sh.foreign)
		})
	}
}
