// SPDX-License-Identifier: Apache-2.0

package template

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/testenv"
)

// allocated returns the number of bytes allocated so far, freed ones included.
func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// hostile are templates that would exhaust time or memory without limits.
var hostile = []struct{ why, text string }{
	{"fragments that double", func() string {
		var b strings.Builder
		for i := range 40 {
			fmt.Fprintf(&b, `{{ define "f%d" }}[{{ template "f%d" }},{{ template "f%d" }}]{{ end }}`, i, i+1, i+1)
		}
		return b.String() + `{{ define "f40" }}1{{ end }}{"a": {{ template "f0" }}}`
	}()},
	{"fragments as values that double", func() string {
		var b strings.Builder
		for i := range 40 {
			fmt.Fprintf(&b, `{{ define "f%d" }}{{ list (fragment "f%d") (fragment "f%d") }}{{ end }}`, i, i+1, i+1)
		}
		return b.String() + `{{ define "f40" }}1{{ end }}{"a": {{ fragment "f0" }}}`
	}()},
	{"loops within loops", `{"a": [` + strings.Repeat(`{{ range 10000 }}`, 12) + `1,` + strings.Repeat(`{{ end }}`, 12) + `]}`},
	{"loops without output", `{"a": [` + strings.Repeat(`{{ range 10000 }}`, 12) + `{{ $x := 1 }}` + strings.Repeat(`{{ end }}`, 12) + `]}`},
	{"a text that doubles", `{{ $x := "ab" }}{"a": [{{ range 10000 }}{{ $x = cat $x $x }}{{ end }}], "b": {{ $x }}}`},
	{"an array that doubles", `{{ $x := list 1 }}{"a": [{{ range 10000 }}{{ $x = list $x $x }}{{ end }}], "b": {{ $x }}}`},
	{"an array that nests", `{{ $x := list }}{"a": [{{ range 10000 }}{{ $x = list $x }}{{ end }}], "b": {{ $x }}}`},
	{"an object that doubles", `{{ $x := dict }}{"a": [{{ range 10000 }}{{ $x = dict "a" $x "b" $x }}{{ end }}], "b": {{ $x }}}`},
	{"JSON that is quoted again and again", `{{ $x := "\"" }}{"a": [{{ range 10000 }}{{ $x = json $x }}{{ end }}], "b": {{ $x }}}`},
	{"quotes", `{{ $x := "\"" }}{"a": [{{ range 10000 }}{{ $x = quote $x }}{{ end }}], "b": {{ $x }}}`},
	{"a width", `{"a": {{ printf "%999999999d" 1 }}, "b": "{{ printf "%-99999999s" "x" }}"}`},
	{"a precision", `{"a": {{ printf "%.999999999f" 1.5 }}}`},
	{"many widths", `{"a": [{{ range 10000 }}"{{ printf "%9999d" 1 }}",{{ end }}]}`},
	{"a pad", `{"a": {{ pad 999999999 }}}`},
	{"bytes", `{"a": {{ bytes 999999999 }}}`},
	{"hexadecimal", `{"a": {{ hex 999999999 }}}`},
	{"words", `{"a": {{ words 999999999 }}}`},
	{"words in a loop", `{"a": [{{ range 10000 }}{{ words 10000 }},{{ end }}]}`},
	{"a distribution of many", `{"a": {{ zipf 9223372036854775807 1.1 }}}`},
	{"a state machine of many", `{"a": {{ states 9223372036854775807 "a: b" }}}`},
	{"distinct values", `{"a": {{ cardinality 300000 (first_name) }}}`},
	{"distinct values that are long", `{"a": {{ cardinality 1000000 (words 10000) }}}`},
	{"distinct values of distinct values", `{"a": {{ cardinality 200000 (cat (cardinality 200000 (hex 16)) (cardinality 200000 (hex 16))) }}}`},
	{"a replacement that grows", `{{ $x := "a" }}{"a": [{{ range 10000 }}{{ $x = replace "a" "aaaa" $x }}{{ end }}], "b": {{ $x }}}`},
	{"parentheses", `{"a": {{ ` + strings.Repeat("(", 100_000) + "1" + strings.Repeat(")", 100_000) + ` }}}`},
	{"brackets", strings.Repeat(`{"a":[`, 100_000)},
	{"commas", `{"a": 1` + strings.Repeat(`,`, 500_000) + `}`},
	{"wrong brackets", `{"a": [` + strings.Repeat(`}`, 500_000)},
	{"quotation marks", `{"a": "x` + strings.Repeat(`"x`, 500_000)},
	{"ifs", strings.Repeat(`{{ if true }}`, 20_000)},
	{"ends", strings.Repeat(`{{ end }}`, 20_000)},
	{"broken actions", `{"a": [` + strings.Repeat(`{{ ( }},`, 5_000) + `]}`},
	{"actions without an end", strings.Repeat(`{{ `, 20_000)},
	{"quotation marks without an end", strings.Repeat(`{{ "`, 10_000) + strings.Repeat(`}}`, 10_000)},
	{"variables", func() string {
		var b strings.Builder
		for i := range 3000 {
			fmt.Fprintf(&b, `{{ $v%d := %d ) }}`, i, i)
		}
		return b.String() + `{"a": 1}`
	}()},
	{"fragments with variables that are broken", func() string {
		var b strings.Builder
		for i := range 1000 {
			fmt.Fprintf(&b, `{{ define "f%d" }}{{ $v%d := ( }}{{ end }}`, i, i)
		}
		return b.String() + `{"a": 1}`
	}()},
}

// The cost of a hostile template is bounded in time, memory and size of records.
func TestHostile(t *testing.T) {
	testenv.SkipRace(t)
	for _, tt := range hostile {
		t.Run(tt.why, func(t *testing.T) {
			const most = 512 << 20
			var err error
			before := allocated()
			took := testenv.CPUTime(func() {
				var p *Program
				if p, err = compile(tt.text); err != nil {
					return
				}
				for k := range uint64(3) {
					b := p.Append(nil, event.V2, exampleTime, k)
					if n, err := event.Size(b); err != nil || n != len(b) {
						t.Errorf("record %d has %d bytes, its event %d: %v", k, len(b), n, err)
					}
					// The size is checked between steps, and a step may append a value
					// of the maximum size.
					if len(b) > 4*MaxSize {
						t.Errorf("a record has %d bytes", len(b))
					}
				}
			})
			used := allocated() - before
			if used > most {
				t.Errorf("allocated %d MB, want at most 512", used>>20)
			}
			if took > 20*time.Second && !testenv.Instrumented() {
				t.Errorf("took %v, want at most 20s", took)
			}
			t.Logf("%v, %d MB, %.100v", took.Round(time.Millisecond), used>>20, err)
		})
	}
}
