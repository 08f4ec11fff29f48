// SPDX-License-Identifier: Apache-2.0

package expect

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/generate/value"
	"github.com/gdummy/gdummy/internal/testenv"
)

// judged returns a judge of ten fields and two secrets, and events that arrive as they
// should.
func judged(b testing.TB) (j *Judge, events []byte, records int) {
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
	j = NewJudge([]Sink{s})
	if err := j.Add(run.book, truth); err != nil {
		b.Fatal(err)
	}
	for rest := run.events; len(rest) > 0; records++ {
		size, err := event.Size(rest)
		if err != nil {
			b.Fatal(err)
		}
		rest = rest[size:]
	}
	return j, run.events, records
}

// What a record costs that arrives as it should, also in time of the processor, which other
// programs do not affect.
func BenchmarkJudge(b *testing.B) {
	j, events, records := judged(b)
	now := time.Now()
	began := processorTime(b)
	b.ReportAllocs()
	b.ResetTimer()
	for n := 0; n < b.N; n += records {
		clear(j.sinks[0].seen)
		j.Arrive(0, events, now)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rec/s")
	b.ReportMetric(float64(b.N)/(processorTime(b)-began).Seconds(), "rec/s/core")
	if f := j.sinks[0].order; len(f) > 0 {
		b.Fatalf("%+v", f[0])
	}
}

// processorTime returns what this process has used.
func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// Records that arrive as they should cost no memory, but for one in a hundred names that
// username makes.
func TestJudgeAllocations(t *testing.T) {
	j, events, records := judged(t)
	j.Arrive(0, events, time.Now())
	j.sinks[0].Copies = 255 // all of them again
	if n := testenv.AllocsPerRun(20, func() { j.Arrive(0, events, time.Time{}) }); n > float64(records)/50 {
		t.Errorf("%v allocations for %d records", n, records)
	}
	if f := j.sinks[0].order; len(f) > 0 {
		t.Fatalf("%+v", f[0])
	}
}

// A text is the number that strconv makes of it.
func TestNumberOf(t *testing.T) {
	for _, text := range []string{"0", "7", "00012", "4111111111111111", "9007199254740993", "9999999999999999999", "99999999999999999999", "-5", "+5", "1.5", "1e3", "1E+3", "e", "", "-", "abc", "12a", "0x10", "1_000", "inf", "é"} {
		v := value.OfString(text)
		want, ok := v.Number()
		if got, is := numberOf(v, []byte(text)); is != (ok && !strings.ContainsAny(text, "x_")) || is && got != want {
			t.Errorf("%q: %v, %v, want %v, %v", text, got, is, want, ok)
		}
	}
}
