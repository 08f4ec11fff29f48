// SPDX-License-Identifier: Apache-2.0

package expect

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tinylib/msgp/msgp"

	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/generate/value"
	"github.com/gdummy/gdummy/internal/msgpack"
	"github.com/gdummy/gdummy/internal/testenv"
)

// item is a member of a record, at the top or in a map.
type item struct {
	group, name string
	value       []byte // MessagePack
}

func (it item) path() string {
	if it.group == "" {
		return it.name
	}
	return it.group + "." + it.name
}

// fieldKinds are expressions of templates.
var fieldKinds = []string{
	`int 0 9`, `int -100000 100000`, `normal 10 3`, `bool 0.5`, `username`, `sentence 4`, `path`, `ipv4`, `printf "%s é ü" (name)`, `weighted "a" 9 "b" 1`,
	`hex 40`, `uuid`, `1.5`, `printf "q=%d&r=\"%s\"" (int 1 9) (username)`,
}

var secretKinds = []string{`credit_card`, `hex 16`, `email`, `uuid`, `printf "%s & co" (hex 9)`}

// generated is a pipeline: what its template makes, where each member goes, and which
// records a sink expects.
type generated struct {
	rng      *rand.Rand
	template string
	fields   []item // value is not set; the name in the template is that of sources
	sources  []string
	secrets  []string
	add      []item // members that the pipeline adds
	only     bool
	timed    bool
	routed   bool // sink b expects the records that sink a does not
	divisor  int  // sink a expects the records whose number is divisible by it
}

func generate(rng *rand.Rand) *generated {
	g := &generated{rng: rng, only: rng.IntN(3) > 0, timed: rng.IntN(2) == 0, routed: rng.IntN(2) == 0, divisor: 1 + rng.IntN(3)}
	head, body := "{{- $n := seq -}}", `"n": {{ $n }}`
	g.fields, g.sources = []item{{name: "n"}}, []string{"n"}
	for i := range 2 + rng.IntN(6) {
		name := fmt.Sprintf("f%d", i)
		head += fmt.Sprintf("{{- $%s := %s -}}", name, fieldKinds[rng.IntN(len(fieldKinds))])
		body += fmt.Sprintf(`, "%s": {{ $%[1]s }}`, name)
		it := item{name: name}
		switch rng.IntN(4) {
		case 0:
			it.name = "renamed_" + name
		case 1:
			it.group = fmt.Sprintf("group%d", rng.IntN(2))
		case 2:
			it.name = "dotted.é." + name
		}
		g.fields, g.sources = append(g.fields, it), append(g.sources, name)
	}
	for i := range rng.IntN(3) {
		name := fmt.Sprintf("s%d", i)
		head += fmt.Sprintf("{{- $%s := %s -}}", name, secretKinds[rng.IntN(len(secretKinds))])
		body += fmt.Sprintf(`, "%s": {{ $%[1]s }}`, name)
		g.secrets = append(g.secrets, name)
	}
	if rng.IntN(2) == 0 {
		g.add = []item{{name: "env", value: value.OfString("prod").Append(nil)}}
	}
	g.template = head + "{" + body + "}"
	return g
}

// sinks returns the expectations.
func (g *generated) sinks() []Sink {
	a := Sink{Name: "a", Output: "a", Lines: 1, Copies: 1}
	for i, it := range g.fields {
		a.Fields = append(a.Fields, Field{Path: it.path(), Value: "$" + g.sources[i]})
	}
	for _, it := range g.add {
		a.Fields = append(a.Fields, Field{Path: it.path(), Value: `"prod"`})
	}
	if g.timed {
		a.Fields = append(a.Fields, Field{Path: TimePath, Value: `now "rfc3339_ns"`, Tolerance: time.Microsecond})
	}
	for _, s := range g.secrets {
		a.Absent = append(a.Absent, "$"+s)
	}
	if g.only {
		for _, it := range slices.Concat(g.fields, g.add) {
			a.Only = append(a.Only, it.path())
		}
	}
	a.Within = time.Minute
	b := a
	b.Name, b.Output = "b", "b"
	if g.divisor > 1 {
		a.Arrive = fmt.Sprintf("eq (mod $n %d) 0", g.divisor)
		b.Arrive = fmt.Sprintf("ne (mod $n %d) 0", g.divisor)
	}
	if !g.routed || g.divisor == 1 {
		return []Sink{a}
	}
	return []Sink{a, b}
}

// run returns what the pipeline makes of a record.
func (g *generated) run(sent []byte) (out []item) {
	for i, it := range g.fields {
		it.value, _ = field(sent, g.sources[i])
		out = append(out, it)
	}
	return append(out, g.add...)
}

// encode returns a record, with its members in any order.
func (g *generated) encode(items []item) []byte {
	groups := map[string][]item{}
	for _, it := range items {
		groups[it.group] = append(groups[it.group], it)
	}
	top := groups[""]
	delete(groups, "")
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		inner := msgp.AppendMapHeader(nil, uint32(len(groups[name])))
		for _, it := range groups[name] {
			inner = append(msgp.AppendString(inner, it.name), it.value...)
		}
		top = append(top, item{name: name, value: inner})
	}
	g.rng.Shuffle(len(top), func(i, j int) { top[i], top[j] = top[j], top[i] })
	body := msgp.AppendMapHeader(nil, uint32(len(top)))
	for _, it := range top {
		body = append(msgp.AppendString(body, it.name), it.value...)
	}
	return body
}

// arrival is one record on its way to a sink.
type arrival struct {
	sink, other int // other is one that does not expect it, or -1
	items       []item
	sent        []byte
	time        int64
	delay       time.Duration
	copies      int
}

// fault plants a mistake in one record, and returns what has to be reported: KIND FIELD. It
// returns nil if the record is as it should be, which is the case if the mistake does not
// apply to it.
type fault func(g *generated, a *arrival) []string

// extraOf returns the failures for a member that is not expected.
func (g *generated) extraOf(path string) []string {
	if g.only {
		return []string{"extra member " + path}
	}
	return nil
}

// victim returns the index of one field of a kind of value, the same for all records of a
// pipeline, or -1.
func (g *generated) victim(a *arrival, kinds ...msgpack.Kind) int {
	var fit []int
	for i, it := range a.items[:len(g.fields)] {
		if len(kinds) == 0 || slices.Contains(kinds, msgpack.Read(it.value).Kind) {
			fit = append(fit, i)
		}
	}
	if len(fit) == 0 {
		return -1
	}
	return fit[len(g.template)%len(fit)]
}

// leaking adds a member with a secret to a record.
func leaking(encode func(secret string) string) fault {
	return func(g *generated, a *arrival) []string {
		if len(g.secrets) == 0 {
			return nil
		}
		v, _ := field(a.sent, g.secrets[0])
		text, _ := value.First(string(v))
		want := g.extraOf("debug")
		for _, name := range g.secrets {
			if other, _ := field(a.sent, name); bytes.Equal(v, other) { // credit_card has few values
				want = append(want, "secret found $"+name)
			}
		}
		a.items = append(a.items, item{name: "debug", value: value.OfString(encode(string(text.AppendText(nil)))).Append(nil)})
		return want
	}
}

// replaced replaces the value of a field, and returns the failure if that is another one.
func replaced(a *arrival, i int, v []byte, kind string) []string {
	was := a.items[i].value
	if a.items[i].value = v; bytes.Equal(was, v) {
		return nil
	}
	return []string{kind + " " + a.items[i].path()}
}

var faults = map[string]fault{
	"nothing":        func(*generated, *arrival) []string { return nil },
	"a drop":         func(_ *generated, a *arrival) []string { a.copies = 0; return []string{"missing"} },
	"a copy":         func(_ *generated, a *arrival) []string { a.copies = 2; return []string{"duplicate"} },
	"a late arrival": func(_ *generated, a *arrival) []string { a.delay = 61 * time.Second; return []string{"late"} },
	"a wrong route": func(_ *generated, a *arrival) []string {
		if a.other < 0 {
			return nil
		}
		a.sink, a.other = a.other, a.sink
		return []string{"missing", "other: leaked"}
	},
	"a number as text": func(g *generated, a *arrival) []string {
		i := g.victim(a, msgpack.Integer, msgpack.Float)
		v, _ := value.First(string(a.items[i].value))
		return replaced(a, i, value.OfString(string(v.AppendText(nil))).Append(nil), "wrong type")
	},
	"an integer as double": func(g *generated, a *arrival) []string {
		i := g.victim(a, msgpack.Integer)
		v, _ := value.First(string(a.items[i].value))
		return replaced(a, i, msgp.AppendFloat64(nil, v.Float()), "wrong type")
	},
	"one more": func(g *generated, a *arrival) []string {
		i := g.victim(a, msgpack.Integer)
		v, _ := value.First(string(a.items[i].value))
		return replaced(a, i, value.OfInt(v.Int()+1).Append(nil), "wrong value")
	},
	"a constant": func(g *generated, a *arrival) []string {
		i := g.victim(a, msgpack.String)
		if i < 0 {
			return nil
		}
		return replaced(a, i, value.OfString("a").Append(nil), "wrong value")
	},
	"a text that is cut": func(g *generated, a *arrival) []string {
		i := g.victim(a, msgpack.String)
		if i < 0 {
			return nil
		}
		v, _ := value.First(string(a.items[i].value))
		return replaced(a, i, value.OfString(v.S()[:len(v.S())-1]).Append(nil), "wrong value")
	},
	"a member under another name": func(g *generated, a *arrival) []string {
		it := &a.items[g.victim(a)]
		want := []string{"no member " + it.path()}
		it.group, it.name = "", "other_"+it.name
		return append(want, g.extraOf(it.path())...)
	},
	"a member in another map": func(g *generated, a *arrival) []string {
		it := &a.items[g.victim(a)]
		want := []string{"no member " + it.path()}
		it.group = "elsewhere"
		return append(want, g.extraOf("elsewhere")...)
	},
	"no member": func(g *generated, a *arrival) []string {
		i := g.victim(a)
		want := []string{"no member " + a.items[i].path()}
		a.items = slices.Delete(a.items, i, i+1)
		return want
	},
	"a member too many": func(g *generated, a *arrival) []string {
		a.items = append(a.items, item{name: "log", value: value.OfString("x").Append(nil)})
		return g.extraOf("log")
	},
	"two values swapped": func(g *generated, a *arrival) []string {
		x, y := &a.items[1], &a.items[2]
		if msgpack.Read(x.value).Kind != msgpack.String || msgpack.Read(y.value).Kind != msgpack.String || bytes.Equal(x.value, y.value) {
			return nil
		}
		x.value, y.value = y.value, x.value
		return []string{"wrong value " + x.path(), "wrong value " + y.path()}
	},
	"another time": func(g *generated, a *arrival) []string {
		a.time += int64(time.Hour)
		if !g.timed {
			return nil
		}
		return []string{"wrong value " + TimePath}
	},
	"a secret":        leaking(func(s string) string { return s }),
	"a secret inside": leaking(func(s string) string { return "card=" + s + ";" }),
	"a secret in a URL": leaking(func(s string) string {
		return "/?q=" + url.QueryEscape(s)
	}),
	"a secret in base64": leaking(func(s string) string { return base64.StdEncoding.EncodeToString([]byte("xy" + s + "z")) }),
	"a secret in JSON":   leaking(func(s string) string { return fmt.Sprintf(`{"s":%q}`, s) }),
}

// In generated pipelines, each of which has one mistake that affects some of its records,
// exactly these failures are reported, for exactly these records, and nothing else.
func TestGeneratedPipelines(t *testing.T) {
	const perFault, records = 30, 150
	names, rounds := slices.Sorted(maps.Keys(faults)), testenv.Rounds(perFault)
	if n := perFault * len(names); n < 500 {
		t.Fatalf("%d pipelines, want 500 or more", n)
	}
	for _, name := range names {
		affected := 0
		for i := range uint64(rounds) {
			rng := rand.New(rand.NewPCG(i, uint64(len(name))))
			affected += checkGenerated(t, fmt.Sprintf("%s, pipeline %d", name, i), generate(rng), faults[name], records)
		}
		if affected == 0 && name != "nothing" && rounds == perFault { // a few pipelines may have none
			t.Errorf("%s: no record was affected", name)
		}
	}
}

// checkGenerated runs a pipeline, and returns how many of its records failed.
func checkGenerated(t *testing.T, why string, g *generated, plant fault, n int) (affected int) {
	t.Helper()
	truth := Truth{Options: func(name string) (string, bool) {
		text, ok := map[string]string{"template": g.template, "rate": "10k", "seed": why, "audit_in": "metadata"}[name]
		return text, ok
	}}
	run := send(t, truth, 3*n)[0]
	run.book.Accepted[0].To = uint64(n - 1)
	run.book.Accepted = run.book.Accepted[:1]
	sinks := g.sinks()
	j := NewJudge(sinks)
	if err := j.Add(run.book, truth); err != nil {
		t.Fatalf("%s: %v\n%s", why, err, g.template)
	}
	every := 1 + g.rng.IntN(5)
	want := map[string]int{}
	rest := run.events
	for k := range n {
		ev, more, err := event.Decode(rest)
		if err != nil {
			t.Fatal(err)
		}
		rest = more
		a := arrival{items: g.run(ev.Body), sent: ev.Body, time: ev.Time, copies: 1, other: -1}
		if len(sinks) > 1 {
			a.other = 1
		}
		if k%g.divisor != 0 {
			if len(sinks) == 1 {
				continue
			}
			a.sink, a.other = 1, 0
		}
		expected, other := a.sink, a.other
		var failures []string
		if k%every == 0 {
			failures = plant(g, &a)
		}
		if len(failures) > 0 {
			affected++
		}
		for _, f := range failures {
			sink := expected
			if f, ok := strings.CutPrefix(f, "other: "); ok {
				want[sinks[other].Name+": "+f]++
				continue
			}
			want[sinks[sink].Name+": "+f]++
		}
		body := g.encode(a.items)
		for range a.copies {
			j.Arrive(a.sink, event.Append(nil, event.V2, a.time, ev.Metadata, body), time.Unix(0, ev.Time).Add(a.delay))
		}
	}
	got := map[string]int{}
	for _, r := range j.Verdict() {
		for _, f := range r.Failures {
			got[r.Sink+": "+strings.TrimSpace(f.Kind.String()+" "+f.Field)] = int(f.Count)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: (-want +got):\n%s%s\n%+v", why, diff, g.template, sinks)
	}
	return affected
}
