// SPDX-License-Identifier: Apache-2.0

package recordscan

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/recordid"
	"github.com/gdummy/gdummy/internal/testenv"
)

// inChunks scans data in chunks that begin at starts, each by a scanner of its own, and
// returns what scan returns, and the number of chunks that were scanned apart.
func inChunks(data []byte, l Layout, starts []int64) (got []string, broken uint64, apart int) {
	for i := 0; i < len(starts); apart++ {
		s := New(Options{Take: func(id recordid.ID, s State, _ int64) {
			if s == Foreign {
				got = append(got, "foreign")
				return
			}
			got = append(got, fmt.Sprint(id.Seq, " ", s))
		}})
		var in io.Reader = bytes.NewReader(data[starts[i]:])
		if len(data)%3 == 0 {
			in = iotest.OneByteReader(in)
		}
		n, err := s.ReadChunks(in, l, starts[i:])
		if err != nil {
			return append(got, err.Error()), broken, apart
		}
		broken += s.Broken()
		i += n
	}
	return got, broken, apart
}

// chunked are small sources, in which a record may continue in the next line.
func chunked(t testing.TB) map[string][]byte {
	one := id(t, 1, `{"message":"dummy"}`)
	line := func(k uint64) string {
		return `{"message":"dummy","gdummy":"` + id(t, k, `{"message":"dummy"}`) + `"}`
	}
	all := map[string][]byte{
		"lines":     []byte(line(1) + "\n" + line(2) + "\r\n\n{\"a\":1}\n" + line(3)),
		"bom":       []byte("\xef\xbb\xbf" + line(1) + "\n" + line(2) + "\n"),
		"array":     []byte("[" + line(1) + ",\n" + line(2) + ",\n{\"a\":1}]\n" + line(3) + "\n"),
		"indented":  []byte("{\n  \"message\": \"dummy\",\n  \"gdummy\": \"" + one + "\"\n}\n" + line(2) + "\n{\n \"a\": [\n  1\n ]\n}\n" + line(3) + "\n"),
		"container": []byte("2026-11-26T12:00:00.5Z stdout P " + line(1)[:30] + "\n2026-11-26T12:00:00.5Z stdout F " + line(1)[30:] + "\n2026-11-26T12:00:00.5Z stderr F " + line(2) + "\n"),
		"nul":       []byte(line(1) + "\x00" + line(2) + "\x00\n" + line(3) + "\x00"),
		"broken":    []byte(line(1) + "\n" + line(2)[:60] + "\n" + line(3)[20:] + "\n" + line(4) + "\n"),
		"text":      []byte("gdummy.0: [1.5, " + line(1) + "]\nno record\ngdummy.0: [2.5, " + line(2) + "]\n"),
	}
	for _, st := range flipped {
		var b []byte
		for k := range 4 {
			b = append(b, st.make(t, k)...)
		}
		all[st.name] = b
		all[st.name+", list"] = append([]byte{0x94}, b...)
		all[st.name+", cut"] = b[:len(b)-20]
		all[st.name+", foreign"] = slices.Concat(b, event.Append(nil, event.V2, 1732300000e9, event.EmptyMap, []byte{0x81, 0xa1, 'a', 1}), b)
		r := rand.New(rand.NewPCG(1, uint64(len(b))))
		for n := range testenv.Rounds(12) {
			c := bytes.Clone(b)
			c[2+r.IntN(len(c)-2)] ^= byte(1 + r.IntN(255))
			all[fmt.Sprint(st.name, ", broken ", n)] = c
		}
	}
	return all
}

// For chunks that begin anywhere, a scan in chunks finds what a scan of the whole finds.
func TestChunksAnywhere(t *testing.T) {
	apart := map[Layout]int{}
	for name, data := range chunked(t) {
		layout := LayoutOf(data)
		want, wantBroken := scan(Options{}, string(data))
		check := func(starts []int64) {
			t.Helper()
			got, broken, n := inChunks(data, layout, starts)
			apart[layout] += n - 1
			if diff := cmp.Diff(want, got); diff != "" || broken != wantBroken {
				t.Fatalf("%s, in chunks from %d: %d broken, want %d\n%s", name, starts, broken, wantBroken, diff)
			}
		}
		var every []int64
		for at := range int64(len(data)) {
			if every = append(every, at); at > 0 && (layout == Packed || data[at-1] == '\n') {
				check([]int64{0, at})
			}
		}
		r := rand.New(rand.NewPCG(2, uint64(len(data))))
		for range 20 {
			if layout == Lines {
				every = slices.DeleteFunc(every, func(at int64) bool { return at > 0 && data[at-1] != '\n' })
			}
			check(slices.DeleteFunc(slices.Clone(every), func(at int64) bool { return at > 0 && r.IntN(3) == 0 }))
		}
	}
	if apart[Lines] < 100 || apart[Packed] < 1000 {
		t.Errorf("%v chunks were scanned apart", apart)
	}
}

// Where chunks of MessagePack begin, records do.
func TestChunkStarts(t *testing.T) {
	for _, st := range flipped {
		var data []byte
		begins := map[int64]bool{}
		for k := range 2000 {
			begins[int64(len(data))] = true
			data = append(data, st.make(t, k)...)
		}
		if LayoutOf(data) != Packed {
			t.Fatal(st.name)
		}
		s := New(Options{})
		starts, err := s.Chunks(bytes.NewReader(data), Packed, int64(len(data)), 10_000)
		if err != nil || len(starts) != (len(data)+9_999)/10_000 {
			t.Errorf("%s: %v, %d chunks of %d bytes", st.name, err, len(starts), len(data))
		}
		last := s.LastStart(data, Packed)
		if last < len(data)-2*boundarySize {
			t.Errorf("%s: the last chunk begins at %d of %d", st.name, last, len(data))
		}
		for _, at := range append(starts, int64(last)) {
			if !begins[at] {
				t.Errorf("%s: no record begins at %d", st.name, at)
			}
		}
		got, broken, apart := inChunks(data, Packed, starts)
		if len(got) != 2000 || broken > 0 || apart != len(starts) {
			t.Errorf("%s: %d records, %d broken, %d of %d chunks apart", st.name, len(got), broken, apart, len(starts))
		}
	}
}

// A scanner that begins in the middle of a source reports that what it did not learn from the
// records before matters.
func TestHint(t *testing.T) {
	const fields = 40
	var body strings.Builder
	for i := range fields {
		fmt.Fprintf(&body, `"f%d":%d,`, i, i)
	}
	// Additions in several places are found in a small record, but in a large one only if
	// they are known.
	small := `{"host":"a","message":"dummy","zone":"b","gdummy":"` + id(t, 1, `{"message":"dummy"}`) + "\"}\n"
	large := strings.TrimSuffix(body.String(), ",")
	large = `{"host":"a",` + large + `,"zone":"b","gdummy":"` + id(t, 2, "{"+large+"}") + "\"}\n"
	var states []State
	s := New(Options{Take: func(_ recordid.ID, st State, _ int64) { states = append(states, st) }})
	read := func(hint Hint, text string) (Hint, bool, bool) {
		states = nil
		s.SetHint(hint)
		if err := s.Read(strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
		return s.Hint()
	}
	if _, own, missed := read(Hint{}, large); own || !missed || states[0] != Damaged {
		t.Errorf("without a hint: own %v, missed %v, %v", own, missed, states)
	}
	hint, own, missed := read(Hint{}, small+large)
	if !own || missed || hint.IsEmpty() || states[0] != Enriched || states[1] != Enriched {
		t.Errorf("after a small record: own %v, missed %v, %v", own, missed, states)
	}
	if again, own, missed := read(hint, large); !own || missed || states[0] != Enriched || again.IsEmpty() {
		t.Errorf("with a hint: own %v, missed %v, %v", own, missed, states)
	}
}
