// SPDX-License-Identifier: Apache-2.0

package template

import (
	"strings"
	"testing"

	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/generate/fake"
	"github.com/gdummy/gdummy/internal/generate/value"
)

// Two equal calls share their values but draw independently.
func TestCardinalityDraws(t *testing.T) {
	p, err := compile(`{"a": {{ cardinality 10 (username) }}, "b": {{ cardinality 10 (username) }}}`)
	if err != nil {
		t.Fatal(err)
	}
	const n = 20_000
	as, pairs, same := map[string]bool{}, map[[2]string]bool{}, 0
	for k := range uint64(n) {
		v := value.OfRaw(p.AppendBody(nil, 0, k))
		a, b := v.Field("a").S(), v.Field("b").S()
		as[a] = true
		pairs[[2]string{a, b}] = true
		if a == b {
			same++
		}
	}
	if len(as) != 10 || len(pairs) != 100 {
		t.Errorf("%d values and %d pairs, want 10 and 100", len(as), len(pairs))
	}
	if same < n/10-200 || same > n/10+200 { // 5 standard deviations
		t.Errorf("%d of %d pairs are the same, want about a tenth", same, n)
	}
}

// A record that composes text repeatedly is limited to a few megabytes.
func TestRecordIsBounded(t *testing.T) {
	for _, text := range []string{
		`{{ $a := hex 1048576 }}{"a": "` + strings.Repeat("{{ $a }}", 300) + `"}`,
		`{{ $a := hex 1048576 }}{"a": [` + strings.Repeat("{{ $a }}, ", 300) + `1]}`,
		`{{ $a := hex 1048576 }}{"a": [` + strings.Repeat(`"{{ $a }}-{{ $a }}", `, 150) + `1]}`,
		`{"a": [` + strings.Repeat(`{{ hex 1048576 }}, "{{ hex 1048576 }}-{{ hex 1048576 }}", `, 100) + `1]}`,
		`{{ $a := bytes 1048576 0 }}{"a": {{ replace "e" "` + strings.Repeat("y", 1000) + `" $a }}}`,
		`{{ $a := hex 1048576 }}{"a": {{ cat ` + strings.Repeat("$a ", 300) + `}}}`,
		`{{ $a := hex 1048576 }}{"a": {{ join $a (list ` + strings.Repeat("1 ", 300) + `) }}}`,
	} {
		p, err := compile(text)
		if err != nil {
			t.Fatalf("%.60s: %v", text, err)
		}
		dst := p.Append(nil, event.V2, 0, 0)
		if len(dst) > 2*MaxSize {
			t.Errorf("%.60s: a record of %d bytes", text, len(dst))
		}
		if n, err := event.Size(dst); err != nil || n != len(dst) {
			t.Errorf("%.60s: %d bytes, its event %d: %v", text, len(dst), n, err)
		}
		if len(p.rec.Scratch) > 3*MaxSize {
			t.Errorf("%.60s: %d bytes of scratch", text, len(p.rec.Scratch))
		}
	}
}

// Follows is correct in the table: functions that depend on neither the number nor the
// time of a record return the same value for the same key, and are valid in per.
func TestFollows(t *testing.T) {
	for _, f := range fake.Table {
		if f.Form {
			continue
		}
		p := mustCompile(t, `{"v": {{ `+f.Example+` }}}`)
		made := func(k uint64, at int64) string {
			r := &p.rec
			r.K, r.T, r.Key, r.Scratch = k, at, 12345, r.Scratch[:0]
			return string(p.exec(nil, p.shapes[0].start))
		}
		first := made(0, exampleTime)
		numbers, times := false, false
		for i := range 200 {
			numbers = numbers || made(uint64(i*i), exampleTime) != first
			times = times || made(0, exampleTime+int64(i)*100e9) != first // some hours: card_expiry may differ after months
		}
		if want := f.Follows == fake.TheNumber; numbers != want {
			t.Errorf("%s depends on the record's number: got %v, the table has %v", f.Name, numbers, want)
		}
		if want := f.Follows == fake.TheTime; times != want {
			t.Errorf("%s depends on the record's time: got %v, the table has %v", f.Name, times, want)
		}
	}
}

// In a cardinality, seq is the number of the try, so the values are the first ones.
func TestCardinalityOfNumbers(t *testing.T) {
	p := mustCompile(t, `{"a": {{ cardinality 5 (add 100 seq) }}}`)
	seen := map[string]bool{}
	for k := range uint64(200) {
		seen[record(p, 1_000_000+k)] = true
	}
	for _, want := range []string{`{"a":100}`, `{"a":101}`, `{"a":102}`, `{"a":103}`, `{"a":104}`} {
		if !seen[want] {
			t.Errorf("%s did not occur", want)
		}
	}
	if len(seen) != 5 {
		t.Errorf("%d values, want 5", len(seen))
	}
}
