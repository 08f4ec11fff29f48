// SPDX-License-Identifier: Apache-2.0

package expect

import (
	"testing"
	"time"

	"github.com/gdummy/gdummy/internal/event"
)

// Ten fields and two secrets: what a record costs that arrives as it should.
func BenchmarkJudge(b *testing.B) {
	const text = `{{- $a := int 1 1000 -}}{{- $b := username -}}{{- $c := ipv4 -}}{{- $d := normal 10 3 -}}{{- $e := path -}}{{- $f := weighted 200 9 500 1 -}}
{{- $g := hex 16 -}}{{- $h := level -}}{{- $i := seq -}}{{- $j := bool 0.5 -}}{{- $card := credit_card -}}{{- $pin := hex 12 -}}
{"a": {{ $a }}, "b": {{ $b }}, "c": {{ $c }}, "d": {{ $d }}, "e": {{ $e }}, "f": {{ $f }}, "g": {{ $g }}, "h": {{ $h }}, "i": {{ $i }}, "j": {{ $j }}, "x": "{{ if false }}{{ $card }}{{ $pin }}{{ end }}"}`
	truth := Truth{Options: func(name string) (string, bool) {
		text, ok := map[string]string{"template": text, "rate": "100k", "seed": "7", "audit_in": "metadata"}[name]
		return text, ok
	}}
	s := Sink{Name: "a", Absent: []string{"$card", "$pin"}, Lines: 1, Copies: 1}
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"} {
		s.Fields = append(s.Fields, Field{Path: name, Value: "$" + name})
	}
	run := send(b, truth, 3000)[0]
	j := NewJudge([]Sink{s})
	if err := j.Add(run.book, truth); err != nil {
		b.Fatal(err)
	}
	records := 0
	for rest := run.events; len(rest) > 0; records++ {
		size, err := event.Size(rest)
		if err != nil {
			b.Fatal(err)
		}
		rest = rest[size:]
	}
	now := time.Now()
	b.ReportAllocs()
	b.ResetTimer()
	for n := 0; n < b.N; n += records {
		clear(j.sinks[0].seen)
		j.Arrive(0, run.events, now)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rec/s")
	if f := j.sinks[0].order; len(f) > 0 {
		b.Fatalf("%+v", f[0])
	}
}
