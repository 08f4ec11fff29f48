package template

import (
	"strings"
	"testing"

	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/value"
)

// TestCardinalityDraws: two equal calls know the same values, but do not draw
// the same one.
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

// TestRecordIsBounded: what composes text again and again ends at some megabytes.
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
