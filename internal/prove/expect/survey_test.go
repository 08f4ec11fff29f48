// SPDX-License-Identifier: Apache-2.0

package expect

import (
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gdummy/gdummy/internal/event"
)

// observe sends n records of the shop through f, which returns the bodies in which each
// arrives, and returns the first test that a survey writes.
func observe(t *testing.T, n int, f func(k int, event string) []string) string {
	t.Helper()
	truth := Truth{Options: func(name string) (string, bool) {
		text, ok := map[string]string{"template": shop, "rate": "10k", "seed": "7", "audit_in": "metadata"}[name]
		return text, ok
	}}
	run := send(t, truth, 3*n)[0]
	run.book.Accepted[0].To = uint64(n - 1)
	run.book.Accepted = run.book.Accepted[:1]
	j := NewJudge([]Sink{{Name: "a", Output: "a", Lines: 1, Copies: 1}, {Name: "b", Output: "b", Lines: 1, Copies: 1}})
	j.Survey()
	if err := j.Add(run.book, truth); err != nil {
		t.Fatal(err)
	}
	rest := run.events
	for k := range n {
		ev, after, err := event.Decode(rest)
		if err != nil {
			t.Fatal(err)
		}
		rest = after
		name, _ := field(ev.Body, "event")
		for _, text := range f(k, string(name[1:])) {
			if text == "" {
				text = "%" + string(ev.Body)
			}
			arrives(t, j, ev, text)
		}
	}
	var b strings.Builder
	file := &File{Pipeline: "fluent-bit.yaml", Records: uint64(n), Inputs: []Input{{Input: "tail.0", Options: [][2]string{{"format", "nginx"}}}}}
	if err := file.WriteFirst(&b, j.Observe()); err != nil {
		t.Fatal(err)
	}
	if _, err := Parse([]byte(b.String())); err != nil {
		t.Errorf("%v:\n%s", err, b.String())
	}
	return b.String()
}

// A first test has the members with the variables that they are made of, and the condition
// that the records that arrived have in common.
func TestFirst(t *testing.T) {
	got := observe(t, 60, func(_ int, event string) []string {
		if event == "order" {
			return []string{""}
		}
		return nil
	})
	want := `# Written by gdummy test --init from 60 records of each input. It describes what the
# pipeline does now: confirm that each line is what the pipeline is meant to do, and
# remove its comment.
pipeline: fluent-bit.yaml
records: 60
inputs:
  - input: tail.0
    format: nginx   # confirm: these are the records of tail.0
sinks:
  - output: a
    arrive: eq $event "order"   # confirm: 15 of 60 records arrived
    fields:
      # at: no variable has its value, such as "2023-11-14T22:13:20.000Z"
      big: '9007199254740993'   # confirm: the same in all records
      card: $card   # confirm: such as "2223003122003222"
      client.ip: $ip   # confirm: such as "198.19.20.128"
      client.name: $name   # confirm: such as "Corine Rivera & ü"
      event: $event   # confirm: such as "order"
      'n': $n   # confirm: such as 1
      pin: $pin   # confirm: such as 328
      # tags: no variable has its value, such as ["a",1]
      total: $total   # confirm: such as 11.08
    only: [at, big, card, client, event, 'n', pin, tags, total]   # confirm: no other member
  # no record with an identity arrived at b: confirm that none is meant to
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What a first test has for the records of a sink, and for members that are not those that
// were sent.
func TestFirstLines(t *testing.T) {
	for _, tt := range []struct {
		why  string
		pipe func(k int, event string) []string
		want string
	}{
		{"all", func(int, string) []string { return []string{""} }, "    # confirm: 60 of 60 records arrived\n"},
		{"all of one kind but another", func(_ int, event string) []string { return map[string][]string{"view": {""}}[event] },
			"    arrive: eq $event \"view\"   # confirm: 45 of 60 records arrived\n"},
		{"two copies", func(int, string) []string { return []string{"", ""} }, "    copies: 2   # confirm: each record arrived so often\n"},
		{"some twice", func(k int, _ string) []string { return []string{"", ""}[:1+k%2] },
			"    # some records arrived more often than others: repair the pipeline\n"},
		{"each third", func(k int, _ string) []string { return []string{""}[min(1, k%3):] }, "    lines: 3   # confirm: 20 of 60 records arrived\n"},
		{"without a rule", func(k int, _ string) []string { return []string{""}[k*k%7/4:] }, "    share: 71.67% ± 1%   # confirm: or use arrive\n"},
		{"numbers as text", func(k int, _ string) []string { return []string{`{"x":"` + strconv.Itoa(k) + `"}`} },
			"      x: $n | as text   # confirm: such as \"0\"\n"},
		{"not in all", func(k int, _ string) []string { return []string{[]string{`{"x":1}`, `{"y":"a: #"}`}[k%2]} },
			"      # 'y': not in all records, such as \"a: #\"\n"},
		{"constants", func(int, string) []string { return []string{`{"a.b":"x: '#'","c":true,"d":1.5}`} },
			"      a.b: '\"x: ''#''\"'   # confirm: the same in all records\n      c: 'true'   # confirm: the same in all records\n      d: '1.5'   # confirm: the same in all records\n"},
		{"nothing of what was sent", func(int, string) []string { return []string{`{"a":1}`} },
			"    # absent: [$card, $event, $ip, $n, $name, $pin, $total]   # complete: secrets among the variables whose values no member has\n    only: [a]"},
	} {
		t.Run(tt.why, func(t *testing.T) {
			if got := observe(t, 60, tt.pipe); !strings.Contains(got, tt.want) {
				t.Errorf("got:\n%s\nwant in it:\n%s", got, tt.want)
			}
		})
	}
}
