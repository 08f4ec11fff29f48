// SPDX-License-Identifier: Apache-2.0

package expect

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/generate/jsonbody"
	"github.com/gdummy/gdummy/internal/msgpack"
	"github.com/gdummy/gdummy/internal/prove/ledger"
	"github.com/gdummy/gdummy/internal/recordid"
)

// shop is a template with variables of all kinds.
const shop = `{{- $event := weighted "order" 1 "view" 3 -}}{{- $card := credit_card -}}{{- $pin := int 100 999 -}}
{{- $total := lognormal 3 1 | round 2 -}}{{- $ip := ipv4 -}}{{- $name := printf "%s & ü" (name) -}}{{- $n := seq -}}
{"event": {{ $event }}, "card": {{ $card }}, "pin": {{ $pin }}, "total": {{ $total }}, "client": {"ip": {{ $ip }}, "name": {{ $name }}}, "n": {{ $n }},
 "at": "{{ now "rfc3339_ms" }}", "tags": ["a", {{ $n }}], "big": 9007199254740993}`

// pipeline sends records of the shop through f, which returns what arrives of each, and
// judges that.
func pipeline(t *testing.T, expectations string, n int, f func(k int, event string, sent []byte) []string) []Result {
	t.Helper()
	run := send(t, shopTruth, 3*n)[0]
	run.book.Accepted[0].To = uint64(n - 1)
	run.book.Accepted = run.book.Accepted[:1]
	j := judging(t, expectations, run.book)
	rest := run.events
	for k := range n {
		ev, next, err := event.Decode(rest)
		if err != nil {
			t.Fatal(err)
		}
		rest = next
		name, _ := field(ev.Body, "event")
		for _, text := range f(k, string(name[1:]), ev.Body) {
			arrives(t, j, ev, text)
		}
	}
	return j.Verdict()
}

// arrives lets a record arrive with another body, which is JSON or, behind a %, MessagePack.
func arrives(t *testing.T, j *Judge, ev event.Event, text string) {
	t.Helper()
	body := []byte(strings.TrimPrefix(text, "%"))
	if !strings.HasPrefix(text, "%") {
		b, err := jsonbody.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		body = b[0]
	}
	j.Arrive(0, event.Append(nil, event.V2, ev.Time, ev.Metadata, body), time.Unix(0, ev.Time).Add(time.Second))
}

// kinds returns the failures of the only sink, with their counts.
func kinds(results []Result) (all []string) {
	for _, f := range results[0].Failures {
		all = append(all, strings.TrimSpace(fmt.Sprintf("%d %s %s", f.Count, f.Kind, f.Field)))
	}
	return all
}

// planting is a pipeline with planted faults, and the failures that have to be found.
type planting struct {
	why, expect string
	pipe        func(k int, event string, sent []byte) []string
	want        []string
}

// planted is how many records a planting has.
const planted = 400

// expectPlanted holds what is found in each pipeline against what was planted: exactly as
// often, and nothing else.
func expectPlanted(t *testing.T, plantings []planting) {
	t.Helper()
	for _, p := range plantings {
		got := kinds(pipeline(t, p.expect, planted, p.pipe))
		slices.Sort(got)
		slices.Sort(p.want)
		if diff := cmp.Diff(p.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", p.why, diff)
		}
	}
}

// mapped is a pipeline that makes one record of each.
func mapped(f func(k int, sent []byte) string) func(int, string, []byte) []string {
	return func(k int, _ string, sent []byte) []string { return []string{f(k, sent)} }
}

func asSent(_ int, sent []byte) string { return "%" + string(sent) }

// raw returns a member as JSON.
func raw(sent []byte, path string) string {
	v, _ := member(sent, path)
	return (&Judge{}).text(v)
}

func text(sent []byte, path string) string { return strings.Trim(raw(sent, path), `"`) }

// shopTruth is what the records of the shop are made of.
var shopTruth = Truth{Options: func(name string) (string, bool) {
	text, ok := map[string]string{"template": shop, "rate": "10k", "seed": "7", "audit_in": "metadata"}[name]
	return text, ok
}}

// judging returns a judge with expectations of a run of the shop.
func judging(t *testing.T, expectations string, book *ledger.Stream) *Judge {
	t.Helper()
	file, err := Parse([]byte("pipeline: x\nsinks:\n" + expectations))
	if err != nil {
		t.Fatal(err)
	}
	j := NewJudge(file.Sinks)
	if err := j.Add(book, shopTruth); err != nil {
		t.Fatal(err)
	}
	return j
}

// Lines that become one record count once, also if two lines of the ledger have them.
func TestLinesOfLedger(t *testing.T) {
	book := send(t, shopTruth, 100)[0].book
	book.Accepted = []ledger.Entry{{Range: ledger.Range{From: 0, To: 6}}, {Range: ledger.Range{From: 7, To: 12}}, {Range: ledger.Range{From: 10, To: 99}}}
	got := judging(t, "  - output: a\n    lines: 5\n", book).Verdict()
	if diff := cmp.Diff([]string{"20 missing"}, kinds(got)); diff != "" || got[0].Expected != 20 {
		t.Errorf("%d expected, want 20 (-want +got):\n%s", got[0].Expected, diff)
	}
}

// An identity with an invented number needs no memory.
func TestInventedNumber(t *testing.T) {
	sent := send(t, shopTruth, 10)[0]
	j := judging(t, "  - output: a\n    arrive: 'false'\n", sent.book)
	invented := recordid.ID{Run: sent.book.Run, Instance: sent.book.Instance, Seq: 1 << 30, Time: 1}
	body, err := jsonbody.Parse(`{"a":"` + string(invented.Append(nil)) + `"}`)
	if err != nil {
		t.Fatal(err)
	}
	j.Arrive(0, event.Append(nil, event.V2, 1, event.EmptyMap, body[0]), time.Unix(1, 0))
	if diff := cmp.Diff([]string{"1 unchecked"}, kinds(j.Verdict())); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if n := len(j.names[0].blocks); n > 100 {
		t.Errorf("%d moments for 1 record", n)
	}
}

// Records that are missing, and those that arrive too often or too late, are found.
func TestPlantedArrivals(t *testing.T) {
	expectPlanted(t, []planting{
		{"as sent", "  - output: a\n    fields: {event: $event, card: $card, total: $total, client.ip: $ip, client.name: $name, n: $n, tags: list \"a\" $n, big: 9007199254740993}\n    only: [event, card, pin, total, client, n, at, tags, big]\n",
			mapped(asSent), nil},
		{"one of them missing", "  - output: a\n", func(k int, _ string, sent []byte) []string {
			if k == 7 {
				return nil
			}
			return []string{asSent(k, sent)}
		}, []string{"1 missing"}},
		{"one of them twice", "  - output: a\n", func(k int, _ string, sent []byte) []string {
			return slices.Repeat([]string{asSent(k, sent)}, 1+k/(planted-1))
		}, []string{"1 duplicate"}},
		{"late", "  - output: a\n    within: 500ms\n", mapped(asSent), []string{"400 late"}},
		{"in time", "  - output: a\n    within: 1s\n", mapped(asSent), nil},
		{"five lines are one", "  - output: a\n    lines: 5\n", func(k int, _ string, sent []byte) []string {
			if k%5 != 0 {
				return nil
			}
			return []string{asSent(k, sent)}
		}, nil},
		{"five lines are two", "  - output: a\n    lines: 5\n", func(k int, _ string, sent []byte) []string {
			if k%5 != 0 && k%5 != 3 {
				return nil
			}
			return []string{asSent(k, sent)}
		}, []string{"80 duplicate"}},
		{"two copies", "  - output: a\n    copies: 2\n", func(k int, _ string, sent []byte) []string { return slices.Repeat([]string{asSent(k, sent)}, 2) }, nil},
		{"one copy of two", "  - output: a\n    copies: 2\n", mapped(asSent), []string{"400 missing"}},
		{"a share", "  - output: a\n    share: 10% ± 1%\n", func(k int, _ string, sent []byte) []string {
			return slices.Repeat([]string{asSent(k, sent)}, (9-k%10)/9)
		}, nil},
		{"a share that is too large", "  - output: a\n    share: 10% ± 1%\n", func(k int, _ string, sent []byte) []string { return slices.Repeat([]string{asSent(k, sent)}, k%2) }, []string{"1 wrong share"}},
		{"what arrived in a condition", "  - output: a\n    arrive: lt .n 400\n", mapped(asSent), nil},
		{"nothing is expected", "  - output: a\n    arrive: false\n", func(int, string, []byte) []string { return nil }, []string{"1 nothing expected"}},
	})
}

// Records that arrive against a condition are found, and those that do not arrive in spite
// of it.
func TestPlantedConditions(t *testing.T) {
	const orders = "  - output: a\n    arrive: eq $event \"order\"\n"
	n := 0 // what is planted
	leak := func(k int, event string, sent []byte) []string {
		if event == "view" && k%2 == 0 {
			return nil
		}
		if event == "view" {
			n++
		}
		return []string{asSent(k, sent)}
	}
	drop := func(k int, event string, sent []byte) []string {
		if event == "order" && k < 100 {
			n++
		}
		if event != "order" || k < 100 {
			return nil
		}
		return []string{asSent(k, sent)}
	}
	for want, pipe := range map[string]func(int, string, []byte) []string{"leaked": leak, "missing": drop} {
		n = 0
		got := kinds(pipeline(t, orders, planted, pipe))
		if diff := cmp.Diff([]string{fmt.Sprintf("%d %s", n, want)}, got); diff != "" || n == 0 {
			t.Errorf("%s, %d planted (-want +got):\n%s", want, n, diff)
		}
	}
}

// Wrong members are found, by their types, their values and their names.
func TestPlantedMembers(t *testing.T) {
	expectPlanted(t, []planting{
		{"a number became text", "  - output: a\n    fields: {n: $n}\n", mapped(func(_ int, sent []byte) string {
			return `{"n":"` + raw(sent, "n") + `"}`
		}), []string{"400 wrong type n"}},
		{"a number as text is asked for", "  - output: a\n    fields: {n: $n | as text}\n", mapped(func(_ int, sent []byte) string {
			return `{"n":"` + raw(sent, "n") + `"}`
		}), nil},
		{"an integer became a double", "  - output: a\n    fields: {n: $n}\n", mapped(func(_ int, sent []byte) string {
			return `{"n":` + raw(sent, "n") + `.0}`
		}), []string{"400 wrong type n"}},
		{"a double is asked for", "  - output: a\n    fields: {n: $n | as number}\n", mapped(func(_ int, sent []byte) string {
			return `{"n":` + raw(sent, "n") + `.0}`
		}), nil},
		{"a large integer lost its last digit", "  - output: a\n    fields: {big: 9007199254740993}\n", mapped(func(_ int, _ []byte) string { return `{"big":9007199254740992}` }), []string{"400 wrong value big"}},
		{"a double with 16 digits", "  - output: a\n    fields: {f: 0.30000000000000004}\n", mapped(func(_ int, _ []byte) string { return `{"f":0.3}` }), nil},
		{"1 % of the values", "  - output: a\n    fields: {total: $total}\n", mapped(func(k int, sent []byte) string {
			if k%100 == 3 {
				return `{"total":-1.5}`
			}
			return asSent(k, sent)
		}), []string{"4 wrong value total"}},
		{"no member", "  - output: a\n    fields: {client.ip: $ip}\n", mapped(func(_ int, _ []byte) string { return `{"client":{}}` }), []string{"400 no member client.ip"}},
		{"a name with a dot", "  - output: a\n    fields: {client.ip: $ip}\n", mapped(func(_ int, sent []byte) string { return `{"client.ip":` + raw(sent, "client.ip") + `}` }), nil},
		{"a member too many", "  - output: a\n    only: [event, client.ip]\n", mapped(func(k int, sent []byte) string {
			if k == 5 {
				return `{"event":"x","client":{"ip":1,"port":2},"y":3}`
			}
			return `{"event":"x","client":{"ip":1}}`
		}), []string{"1 extra member client.port", "1 extra member y"}},
		{"a time", "  - output: a\n    fields: {at: $n | within \"1ms\"}\n", mapped(func(_ int, sent []byte) string { return `{"at":` + raw(sent, "n") + `.0005}` }), nil},
		{"a time that is off", "  - output: a\n    fields: {at: $n | within \"1ms\"}\n", mapped(func(_ int, sent []byte) string { return `{"at":` + raw(sent, "n") + `.002}` }), []string{"400 wrong value at"}},
		{"a time in the wrong zone", "  - output: a\n    fields: {at: '\"2026-01-02T03:04:05Z\" | within \"1s\"'}\n", mapped(func(_ int, _ []byte) string { return `{"at":"2026-01-02T03:04:05+01:00"}` }), []string{"400 wrong value at"}},
		{"the time of the record", "  - output: a\n    fields: {'@time': 'now \"rfc3339_ns\"'}\n", mapped(asSent), nil},
		{"the time of the record is off", "  - output: a\n    fields: {'@time': 'add $n 0.5'}\n", mapped(asSent), []string{"400 wrong value @time"}},
	})
}

// Secrets are found, also within texts of several encodings.
func TestPlantedSecrets(t *testing.T) {
	expectPlanted(t, []planting{
		{"a secret", "  - output: a\n    absent: [$card]\n", mapped(asSent), []string{"400 secret found $card"}},
		{"a secret in a text", "  - output: a\n    absent: [$card]\n", mapped(func(_ int, sent []byte) string { return `{"log":"card=` + text(sent, "card") + `;"}` }), []string{"400 secret found $card"}},
		{"a secret in JSON in a text", "  - output: a\n    absent: [$name]\n", mapped(func(_ int, sent []byte) string {
			return `{"log":"{\"name\":\"` + strings.ReplaceAll(text(sent, "client.name"), "&", `\\u0026`) + `\"}"}`
		}), []string{"400 secret found $name"}},
		{"a secret in a URL", "  - output: a\n    absent: [$name]\n", mapped(func(_ int, sent []byte) string {
			return `{"log":"/?q=` + strings.NewReplacer(" ", "+", "&", "%26", "ü", "%C3%BC", "'", "%27").Replace(text(sent, "client.name")) + `"}`
		}), []string{"400 secret found $name"}},
		{"a short secret is none within a number", "  - output: a\n    absent: [$pin]\n", mapped(func(_ int, sent []byte) string { return `{"log":"x` + raw(sent, "pin") + `9"}` }), nil},
		{"a short secret between spaces", "  - output: a\n    absent: [$pin]\n", mapped(func(_ int, sent []byte) string { return `{"log":"pin ` + raw(sent, "pin") + ` ok"}` }), []string{"400 secret found $pin"}},
	})
}

// A failure of a sink has no number of records, and one of records has.
func TestPrintedFailures(t *testing.T) {
	r := Result{Failures: []Failure{
		{Kind: Nothing, Count: 1},
		{Kind: WrongShare, Count: 1, Examples: []Example{{Want: "10% ± 1%", Got: "50%: 5 of 10"}}},
		{Kind: Missing, Count: 1}, {Kind: WrongType, Field: "a", Count: 2},
	}}
	var b strings.Builder
	r.Print(&b)
	want := "    nothing expected: no record is expected here, so nothing was tested\n" +
		"    wrong share: too many or too few records arrived\n            want     10% ± 1%\n            got      50%: 5 of 10\n" +
		"    missing: 1 record did not arrive\n    wrong type a: 2 records\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A secret is found in base64 wherever it begins, and is not shown.
// A record of several lines is known by the identity that most of them have in common.
func TestIdentityOfLines(t *testing.T) {
	id := func(seqs ...uint64) (text []byte) {
		for _, seq := range seqs {
			text = recordid.ID{Run: 7, Seq: seq}.Append(append(text, 0xd9))
		}
		return text
	}
	for _, tt := range []struct {
		why  string
		seqs []uint64
		want uint64
	}{
		{"the first line", []uint64{16}, 16},
		{"all lines", []uint64{8, 9, 10, 11, 12, 13, 14, 15}, 8},
		{"the line before them instead of the last", []uint64{7, 8, 9, 10, 11, 12, 13, 14}, 8},
		{"two groups", []uint64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, 0},
	} {
		if got := identityOfLines(id(tt.seqs...), 8); got.Run != 7 || got.Seq != tt.want {
			t.Errorf("%s: record %d, want %d", tt.why, got.Seq, tt.want)
		}
	}
}

// Records that end within the lines of one are refused, and a first test has none.
func TestCheckLines(t *testing.T) {
	for text, want := range map[string]string{
		"records: 10k\nsinks: [{output: a, lines: 8}, {output: b}]": "",
		"records: 10k\nsinks: [{output: a, lines: 9}]":              "line:3: sink a: lines: 9: expected a number that divides the 10000 records of an input; 10008 records would do",
	} {
		f, err := Parse([]byte("pipeline: a.yaml\n" + text))
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if err := f.CheckLines(); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
	if n := WholeLines(2000, []Observation{{Lines: 1}, {Lines: 9}, {Lines: 8}}); n != 2016 {
		t.Errorf("%d records, want 2016", n)
	}
}

func TestSecretInBase64(t *testing.T) {
	results := pipeline(t, "  - output: a\n    absent: [$card]\n", 60, func(k int, _ string, sent []byte) []string {
		card, _ := member(sent, "card")
		text := strings.Repeat("x", k%7) + string(card[1:]) + strings.Repeat("y", k%5)
		encoding := base64.StdEncoding
		if k%2 == 0 {
			encoding = base64.RawURLEncoding
		}
		return []string{`{"log":"` + encoding.EncodeToString([]byte(text)) + `"}`}
	})
	f := results[0].Failures
	if len(f) != 1 || f[0].Count != 60 || f[0].Kind != Secret {
		t.Fatalf("%+v, want 60 secrets", f)
	}
	for _, e := range f[0].Examples {
		if e.Encoding != "base64" || e.Where != "log" || !strings.Contains(e.Arrived, "***") || !strings.Contains(e.Sent, `"card":"***"`) {
			t.Errorf("%+v", e)
		}
	}
}

// An expression with an error is reported with the sink and the field.
func TestWrongExpression(t *testing.T) {
	truth := Truth{Options: func(name string) (string, bool) {
		text, ok := map[string]string{"template": shop, "rate": "10k", "seed": "7"}[name]
		return text, ok
	}}
	run := send(t, truth, 3)[0]
	err := NewJudge([]Sink{{Name: "a", Fields: []Field{{Path: "x", Value: "$totl"}}, Arrive: "eqq $n 1", Lines: 1, Copies: 1}}).Add(run.book, truth)
	want := "a: fields: x: unknown variable $totl; did you mean $total?"
	if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "a: arrive: unknown function eqq") {
		t.Errorf("%v, want %s", err, want)
	}
	// A word without quotes is a text or a variable.
	err = NewJudge([]Sink{{Name: "a", Fields: []Field{{Path: "x", Value: "prod"}}, Lines: 1, Copies: 1}}).Add(run.book, truth)
	if want := `a: fields: x: unknown function prod: expected a variable, such as $prod, or a text with quotes of its own: '"prod"'`; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	// The names of a format are those of its source: a name that is not similar to any
	// brings all of them.
	truth.Options = func(name string) (string, bool) {
		text, ok := map[string]string{"format": "nginx", "rate": "10k", "seed": "7"}[name]
		return text, ok
	}
	run = send(t, truth, 3)[0]
	err = NewJudge([]Sink{{Name: "a", Fields: []Field{{Path: "x", Value: "$status"}}, Lines: 1, Copies: 1}}).Add(run.book, truth)
	want = "a: fields: x: unknown variable $status: expected one of $remote, "
	if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), ", $code, ") {
		t.Errorf("%v, want %s", err, want)
	}
}

// A file of expectations with an error is refused, and the message has the place.
func TestFileErrors(t *testing.T) {
	for text, want := range map[string]string{
		"sinks: [{output: a}]\n": "pipeline: expected the path",
		"pipeline: x\n":          "sinks: expected at least one",
		"pipeline: x\nsinks: [{name: a, output: b}, {name: a}]\n":                             "sinks[1]: second sink named \"a\"",
		"pipeline: x\nsinks: [{output: a, feilds: {}}]\n":                                     "line 2: unknown key \"feilds\": expected one of name, output, through, from, arrive, fields, absent, only, within, lines, copies, share; did you mean fields?",
		"pipeline: x\nrecords: many\nsinks: [{output: a}]\n":                                  "line 2: records: ",
		"pipeline: x\nsinks: [{output: a, share: lots}]\n":                                    "line 2: sinks[0]: share: invalid value \"lots\"",
		"pipeline: x\nsinks: [{output: a, within: soon}]\n":                                   "sinks[0]: within: ",
		"pipeline: x\nsinks:\n  - output: a\n    fields: {b: $c | as date}\n":                 "line 4: sinks[0]: fields: b: as date: expected as text or as number",
		"pipeline: x\ninputs: [{format: nginx}]\nsinks: [{output: a}]\n":                      "inputs[0]: input: expected the alias",
		"pipeline: x\ninputs: [{input: tail.0}]\nsinks: [{output: a}]\n":                      "inputs[0]: input tail.0: expected options",
		"pipeline: x\ninputs: [{input: a, via: pipe, format: b}]\nsinks: [{output: a}]\n":     "line 2: inputs[0]: via: invalid value \"pipe\": expected file",
		"pipeline: x\ninputs: [{input: a, via: file, form: k, format: b}]\nsinks: []\n":       "line 2: inputs[0]: form: invalid value \"k\": expected cri or docker",
		"pipeline: x\ninputs: [{input: a, form: cri, format: b}]\nsinks: [{output: a}]\n":     "input a: form requires via: file",
		"pipeline: x\nsinks: [{output: a, through: wire}]\n":                                  "sinks[0]: through: invalid value \"wire\": expected output",
		"pipeline: x\nrecord: 5\nsinks: [{output: a}]\n":                                      "line 2: unknown key \"record\": expected one of pipeline, records, seed, inputs, sinks; did you mean records?",
		"pipeline: x\ninputs: [{input: a, via: file, fromat: nginx}]\nsinks: [{output: a}]\n": "line 2: inputs[0]: fromat: unknown option; did you mean format?",
		"pipeline: x\nsinks: [{output: a, absent: {}}]\n":                                     "line 2: sinks[0]: absent: invalid value map[]: expected an expression, or a list of them",
		"pipeline: x\nsinks: [{output: a, from: [1]}]\n":                                      "line 2: sinks[0]: from: invalid value 1: expected an input, or a list of them",
		"pipeline: x\nsinks: [{output: a, only: []}]\n":                                       "line 2: sinks[0]: only: an empty list: expected a member, or a list of them",
		"pipeline: x\nsinks: {output: a}\n":                                                   "line 2: expected a list, found a map",
		"pipeline: x\nsinks: [a]\n":                                                           "line 2: expected a map, found a text",
		"pipeline: x\nseed: [1]\nsinks: [{output: a}]\n":                                      "line 2: expected a text or a number, found a list or a map",
		"pipeline: x\nsinks: [{output: a, within: 0s}]\n":                                     "line 2: sinks[0]: within: invalid value \"0s\": expected more than 0",
		"pipeline: x\nsinks: [{output: a, arrive: '{{ eq $a 1 }}'}]\n":                        "line 2: sinks[0]: arrive: invalid value \"{{ eq $a 1 }}\": expected an expression without {{ and }}",
		"pipeline: x\nsinks: [{output: a, arrive: $a == 1}]\n":                                "line 2: sinks[0]: arrive: invalid value \"$a == 1\": expected functions: eq $a 1",
		"pipeline: x\nsinks: [{output: a, absent: .b}]\n":                                     "line 2: sinks[0]: absent: invalid value \".b\": expected a variable, such as $b: members are what arrived",
		"pipeline: x\nsinks: [{output: a, fields: {b: .b}}]\n":                                "line 2: sinks[0]: fields: b: .b is the member itself: expected a variable, such as $b",
		"pipeline: x\nsinks: [{output: a, fields: {b: {c: 1}}}]\n":                            "line 2: sinks[0]: fields: b: expected an expression, found a list or a map; a member within another is b.NAME",
		"pipeline: x\nsinks:\n  - output: a\n    fields: {b: '$c | within \"soon\"'}\n":       "fields: b: within: ",
	} {
		if _, err := Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// Files of any content do not stop the parser, and bodies of any content not the
// comparison.
func FuzzParse(f *testing.F) {
	f.Add([]byte("pipeline: x\nrecords: 1k\nsinks: [{output: a, fields: {b: $c | as text}, share: 1% ± 1%}]\n"))
	f.Fuzz(func(t *testing.T, text []byte) { _, _ = Parse(text) })
}

func FuzzBodies(f *testing.F) {
	f.Add([]byte("\x82\xa1a\x01\xa1b\x81\xa1c\xa6secret"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if rest, err := msgpack.Skip(b); err != nil || len(rest) > 0 {
			return
		}
		_, _ = member(b, "a.b.c")
		extra(b, "", []string{"a.b"}, func(string) {})
		var fi finder
		fi.begin(b)
		_, _ = fi.walk(b, "", 0, false)
	})
}
