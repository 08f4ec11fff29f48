// SPDX-License-Identifier: Apache-2.0

package expect

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/generate/jsonbody"
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
	file := &File{Pipeline: "fluent-bit.yaml", Records: uint64(n), Inputs: []Input{{Input: "tail.0", Options: [][2]string{{"format", "nginx"}}, Parser: "nginx"}}}
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
  - input: tail.0   # its parser nginx does not run: its records arrive as it would read them
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

// A member that is made of the number of a record, without a variable, has the expression
// seq.
func TestFirstNumber(t *testing.T) {
	for _, tt := range []struct{ option, text, want string }{
		{"template", `{"order": {{ seq }}, "name": "o-{{ seq }}", "text": "{{ seq }}"}`,
			"      # name: no variable has its value, such as \"o-5\"\n      order: seq   # confirm: such as 5\n      text: seq | as text   # confirm: such as \"5\"\n"},
		{"dummy", `{"order": 1}`, "      order: '1'   # confirm: the same in all records\n"},
	} {
		truth := Truth{Options: func(name string) (string, bool) {
			text, ok := map[string]string{tt.option: tt.text, "first_seq": "5", "rate": "10k", "seed": "7", "audit_in": "metadata"}[name]
			return text, ok
		}}
		run := send(t, truth, 30)[0]
		j := NewJudge([]Sink{{Name: "a", Output: "a", Lines: 1, Copies: 1}})
		j.Survey()
		if err := j.Add(run.book, truth); err != nil {
			t.Fatal(err)
		}
		rest := run.events
		for range 10 {
			ev, after, err := event.Decode(rest)
			if err != nil {
				t.Fatal(err)
			}
			rest = after
			arrives(t, j, ev, "%"+string(ev.Body))
		}
		var b strings.Builder
		if err := (&File{Pipeline: "fluent-bit.yaml", Records: 10}).WriteFirst(&b, j.Observe()); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), tt.want) {
			t.Errorf("%s %s: got:\n%s\nwant in it:\n%s", tt.option, tt.text, b.String(), tt.want)
		}
		if _, err := Parse([]byte(b.String())); err != nil {
			t.Error(err)
		}
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
		{"a time of the run", func(int, string) []string { return []string{`{"kubernetes":{"dummy":"Sun Nov 29 17:21:06 2026"}}`} },
			"      # kubernetes.dummy: no variable has its value, such as \"Sun Nov 29 17:21:06 2026\"\n"},
		{"text that tail joined", func(int, string) []string { return []string{"%\x82\xa1a\xa1b\xa3log\xa2x\n"} },
			"      log: '\"x\\n\"'   # confirm: the same in all records\n"},
		{"a variable and a newline", func(k int, event string) []string { return []string{`{"log":"` + event + `\n"}`} },
			"      log: 'printf \"%s\\n\" $event'   # confirm: such as \"view\\n\"\n"},
		{"a number and a newline", func(k int, _ string) []string { return []string{`{"log":"` + strconv.Itoa(k) + `\n"}`} },
			"      # log: no variable has its value, such as \"0\\n\"\n"},
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

// Inputs whose records differ have sinks of their own, which share what arrives at the
// output. The first test then passes, and finds a mistake in the records of one input.
func TestFirstOfInputs(t *testing.T) {
	const n = 60
	type input struct {
		sent
		truth Truth
	}
	var inputs []input
	for _, in := range []struct{ name, template string }{{"shop", shop}, {"app", `{{- $id := seq -}}{"id": {{ $id }}, "env": "prod"}`}, {"twin", shop}} {
		truth := Truth{Options: func(name string) (string, bool) {
			text, ok := map[string]string{"template": in.template, "rate": "10k", "seed": in.name, "audit_in": "metadata"}[name]
			return text, ok
		}}
		run := send(t, truth, 3*n)[0]
		run.book.Name = in.name
		run.book.Accepted[0].To = n - 1
		run.book.Accepted = run.book.Accepted[:1]
		inputs = append(inputs, input{run, truth})
	}
	judge := func(sinks []Sink, change func(in string, k int, body []byte) []byte) *Judge {
		j := NewJudge(sinks)
		if change == nil {
			j.Survey()
		}
		for _, in := range inputs {
			if err := j.Add(in.book, in.truth); err != nil {
				t.Fatal(err)
			}
			rest := in.events
			for k := range n {
				ev, after, err := event.Decode(rest)
				if err != nil {
					t.Fatal(err)
				}
				rest = after
				if change != nil {
					ev.Body = change(in.book.Name, k, ev.Body)
				}
				for m := range sinks {
					j.Arrive(m, event.Append(nil, event.V2, ev.Time, ev.Metadata, ev.Body), time.Unix(0, ev.Time))
				}
			}
		}
		return j
	}
	var b strings.Builder
	first := judge([]Sink{{Name: "es.0", Output: "es.0", Lines: 1, Copies: 1}}, nil)
	if err := (&File{Pipeline: "fluent-bit.yaml", Records: n}).WriteFirst(&b, first.Observe()); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"  - output: es.0\n    name: es.0/shop+twin\n    from: [shop, twin]   # confirm: the records of other inputs differ\n    # confirm: 120 of 120 records arrived\n",
		"  - output: es.0\n    name: es.0/app\n    from: [app]   # confirm: the records of other inputs differ\n    # confirm: 60 of 60 records arrived\n",
		"      env: '\"prod\"'   # confirm: the same in all records\n      id: $id   # confirm: such as 0\n",
		"    only: [env, id]   # confirm: no other member\n",
	}
	for _, text := range want {
		if !strings.Contains(b.String(), text) {
			t.Errorf("got:\n%s\nwant in it:\n%s", b.String(), text)
		}
	}
	file, err := Parse([]byte(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	changed, err := jsonbody.Parse(`{"id":0,"env":"prod"}`)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		why    string
		change func(in string, k int, body []byte) []byte
		want   string
	}{
		{"as it is", func(_ string, _ int, body []byte) []byte { return body }, ""},
		{"one value", func(in string, k int, body []byte) []byte {
			if in == "app" && k == 7 {
				return changed[0]
			}
			return body
		}, "es.0/app: 1 wrong value id"},
	} {
		var got []string
		for _, r := range judge(file.Sinks, tt.change).Verdict() {
			for _, f := range r.Failures {
				got = append(got, fmt.Sprintf("%s: %d %s %s", r.Sink, f.Count, f.Kind, f.Field))
			}
		}
		if diff := cmp.Diff(tt.want, strings.Join(got, "\n")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.why, diff)
		}
	}
	// A record of an input that no sink of the output expects is a leak at each of them.
	var leaked []string
	for _, r := range judge(file.Sinks[:1], func(_ string, _ int, body []byte) []byte { return body }).Verdict() {
		for _, f := range r.Failures {
			leaked = append(leaked, fmt.Sprintf("%s: %d %s", r.Sink, f.Count, f.Kind))
		}
	}
	if diff := cmp.Diff([]string{"es.0/shop+twin: 60 leaked"}, leaked); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
