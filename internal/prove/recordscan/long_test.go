// SPDX-License-Identifier: Apache-2.0

package recordscan

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/gdummy/gdummy/internal/recordid"
	"github.com/gdummy/gdummy/internal/testenv"
)

// pieces is a reader that returns pieces of random sizes.
type pieces struct {
	r    io.Reader
	rand *rand.Rand
}

func (p pieces) Read(b []byte) (int, error) {
	return p.r.Read(b[:min(len(b), 1+p.rand.IntN(3000))])
}

// In a line far longer than a record may be, all records are found, including foreign
// ones, and a broken record does not affect the others.
func TestLongLine(t *testing.T) {
	const n = 500
	for _, c := range []struct {
		name, front, between, back string
		want                       State
	}{
		{"list", "[", ",", "]", Intact},
		{"list of events", "[[1.5, ", "], [1.5, ", "]]", Intact},
		{"concatenated", "", "", "", Intact},
		{"in an object", `{"records":[`, ",", `],"x":{"y":1}}`, Enriched},
	} {
		for _, faults := range []bool{false, true} {
			text := []byte(c.front)
			for k := range uint64(n) {
				if k > 0 {
					text = append(text, c.between...)
				}
				r := fmt.Sprintf(`{"message":"dummy","o":[{"x":1},{"x":2}],"gdummy":"%s"}`, id(t, k, `{"message":"dummy","o":[{"x":1},{"x":2}]}`))
				if faults && k%50 == 7 {
					r = `{"message":"of somebody else"}`
				}
				if faults && k%50 == 30 {
					r = r[:11] + r[12:] // a quote
				}
				text = append(text, r...)
			}
			text = append(append(text, c.back...), "\n{\"a\":1}\n"...)
			for seed := range uint64(20) {
				got := map[State]int{}
				last := -1
				s := New(Options{MaxRecord: 4 << 10, Take: func(id recordid.ID, st State, _ int64) {
					got[st]++
					if st == Foreign {
						return
					}
					if int(id.Seq) <= last {
						t.Errorf("%s: record %d after %d", c.name, id.Seq, last)
					}
					last = int(id.Seq)
				}})
				s.buf = make([]byte, 512)
				if err := s.Read(pieces{bytes.NewReader(text), rand.New(rand.NewPCG(seed, 5))}); err != nil {
					t.Fatal(err)
				}
				want := fmt.Sprint(map[State]int{c.want: n, Foreign: 1})
				broken := s.Broken() > 0
				if faults {
					want = fmt.Sprint(map[State]int{c.want: n - 20, Damaged: 10, Foreign: 11})
				}
				if fmt.Sprint(got) != want || broken != faults {
					t.Errorf("%s, faults %v, seed %d: %v, %d broken, want %v", c.name, faults, seed, got, s.Broken(), want)
				}
				if s.Size() > 32<<10 {
					t.Errorf("%s: %d bytes kept", c.name, s.Size())
				}
			}
		}
	}
}

// An indented object may be larger than a record.
func TestLongObject(t *testing.T) {
	const n = 500
	text := []byte("{\n  \"records\": [\n")
	for k := range uint64(n) {
		text = fmt.Appendf(text, "    {\n      \"message\": \"dummy\",\n      \"gdummy\": \"%s\"\n    },\n", id(t, k, `{"message":"dummy"}`))
	}
	text = append(text, "    {}\n  ]\n}\n{\"a\":1}\n"...)
	got := map[State]int{}
	s := New(Options{MaxRecord: 4 << 10, Take: func(_ recordid.ID, st State, _ int64) { got[st]++ }})
	s.buf = make([]byte, 512)
	if err := s.Read(bytes.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprint(map[State]int{Enriched: n, Foreign: 2}); fmt.Sprint(got) != want || s.Broken() > 0 || s.Size() > 32<<10 {
		t.Errorf("%v, %d broken, %d bytes, want %v", got, s.Broken(), s.Size(), want)
	}
}

// A line of more than 64 MB needs a few megabytes of memory.
func TestHugeLine(t *testing.T) {
	testenv.SkipRace(t)
	record := []byte(`{"message":"dummy","gdummy":"` + id(t, 1, `{"message":"dummy"}`) + `"},`)
	n := (70 << 20) / len(record)
	for _, front := range []string{"[", `{"records":[`} {
		found := 0
		s := New(Options{Take: func(_ recordid.ID, st State, _ int64) {
			if st <= Enriched {
				found++
			}
		}})
		r := io.MultiReader(bytes.NewReader([]byte(front)), &repeat{b: record, n: n}, bytes.NewReader([]byte("{}]")))
		if err := s.Read(r); err != nil {
			t.Fatal(err)
		}
		if most := 2 * longLine; found != n || front == "[" && s.Size() > most || s.Size() > 2*maxRecord {
			t.Errorf("%s: found %d of %d records, %d bytes kept", front, found, n, s.Size())
		}
	}
}

// repeat is a reader that repeats b.
type repeat struct {
	b     []byte
	n, at int
}

func (r *repeat) Read(p []byte) (int, error) {
	if r.n == 0 {
		return 0, io.EOF
	}
	n := copy(p, r.b[r.at:])
	if r.at += n; r.at == len(r.b) {
		r.at = 0
		r.n--
	}
	return n, nil
}
