// SPDX-License-Identifier: Apache-2.0

package template

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gdummy/gdummy/internal/generate/value"
)

// compileShare compiles a text with a share of irregular records; nil is that of the
// text.
func compileShare(text string, share *float64) (*Program, error) {
	return Compile(Config{Body: Text{Name: "template", Text: text}, Seed: 1, Stream: "0", Irregular: share})
}

// Irregular objects have shares of all records, which the option scales; the others
// share the rest by their weights.
func TestIrregular(t *testing.T) {
	const text = `{{ weight 3 }}{"kind": "a"} {{ weight 1 }}{"kind": "b"} {{ irregular 0.06 }}{"kind": "c"} {{ irregular 0.02 }}{"kind": "d"}`
	share := func(s float64) *float64 { return &s }
	for _, tt := range []struct {
		share *float64
		want  map[string]float64
	}{
		{nil, map[string]float64{"a": 0.69, "b": 0.23, "c": 0.06, "d": 0.02}},
		{share(0), map[string]float64{"a": 0.75, "b": 0.25}},
		{share(0.4), map[string]float64{"a": 0.45, "b": 0.15, "c": 0.3, "d": 0.1}},
		{share(1), map[string]float64{"c": 0.75, "d": 0.25}},
	} {
		p, err := compileShare(text, tt.share)
		if err != nil {
			t.Fatal(err)
		}
		const n = 40_000
		seen, irregular := map[string]float64{}, 0
		for k := range uint64(n) {
			kind := strings.Clone(value.OfRaw(p.AppendBody(nil, 0, k)).Field("kind").S())
			seen[kind]++
			if p.Irregular() {
				irregular++
			}
			if odd := kind == "c" || kind == "d"; odd != p.Irregular() {
				t.Fatalf("record %d is of the kind %s, and irregular: %v", k, kind, p.Irregular())
			}
		}
		if len(seen) != len(tt.want) {
			t.Errorf("the kinds are %v, want %v", seen, tt.want)
		}
		for kind, want := range tt.want {
			if got := seen[kind] / n; math.Abs(got-want) > 5*math.Sqrt(want*(1-want)/n) {
				t.Errorf("kind %s has the share %v, want %v", kind, got, want)
			}
		}
	}
}

func TestIrregularErrors(t *testing.T) {
	for text, want := range map[string]string{
		`{{ irregular 0.5 }}{"a": 1}`:                                      "all objects are irregular or have the weight 0, expected a regular one",
		`{"a": 1} {{ irregular 0.6 }}{"b": 1} {{ irregular 0.6 }}{"c": 1}`: "the shares of all irregular objects are 1.2 together, expected at most 1",
		`{"a": 1} {{ irregular 2 }}{"b": 1}`:                               "irregular: expected a share of all records from 0 to 1, as in irregular 0.02",
		`{"a": 1} {{ irregular }}{"b": 1}`:                                 "irregular: expected a share of all records from 0 to 1, as in irregular 0.02",
		`{"a": 1} {{ irregular 0.1 }}{{ weight 2 }}{"b": 1}`:               "second weight for the same object",
		`{"a": {{ irregular 0.1 }}}`:                                       "irregular must precede an object of the body, outside of all objects, actions and fragments",
		`{"a": {{ add (irregular 0.1) 1 }}}`:                               "irregular must be in an action of its own",
		`{"a": 1} {{ irregular 0.1 }}`:                                     "expected a JSON object after this weight, found nothing",
		`{{ weight 0 }}{"a": 1} {{ irregular 0 }}{"b": 1}`:                 "the weights of all objects are 0, expected at least one above 0",
	} {
		_, err := compileShare(text, nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

// A variable has its value whether it was printed at its declaration or not, in metadata
// and tag as well, and the records are the same.
func TestVariables(t *testing.T) {
	const body = `{{ $all := username -}}{{ $twice := int 1 1000 -}}
{{ weight 1 }}{{ $once := ipv4 }}{{ $constant := "GET" }}{{ $n := 1 }}{{ $n = int 5 9 }}{{ $of := upper $all }}
{"a": "{{ $once }} {{ $constant }} {{ $n }} {{ $twice }} {{ $twice }}", "b": {{ $of }}, "c": "{{ $all }}"}
{{ weight 1 }}{{ $once := word }}{{ $all := "other" }}
{"a": "{{ $once }}    ", "b": "", "c": "{{ $all }}"}`
	plain := Config{Body: Text{Name: "template", Text: body}, Seed: 1, Stream: "0"}
	tagged := plain
	tagged.Tag = Text{Name: "tag_template", Text: `{{ $once }}.{{ $all }}.{{ $constant }}`}
	p, err := Compile(plain)
	if err != nil {
		t.Fatal(err)
	}
	q, err := Compile(tagged)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(p.Variables()); got != "[$all $constant $n $of $once $twice]" {
		t.Errorf("the variables are %s", got)
	}
	shapes := map[bool]int{}
	for k := range uint64(200) {
		one := string(p.AppendBody(nil, 5e17, k))
		if two := string(q.AppendBody(nil, 5e17, k)); one != two {
			t.Fatalf("record %d is\n%q, and with a tag\n%q", k, one, two)
		}
		text := func(name string) string {
			v, ok := p.Variable(name)
			if w, ok2 := q.Variable(name); ok != ok2 || string(w.AppendText(nil)) != string(v.AppendText(nil)) {
				t.Errorf("record %d: %s is %s, and with a tag %s", k, name, v.AppendText(nil), w.AppendText(nil))
			}
			return string(v.AppendText(nil))
		}
		_, first := p.Variable("$constant")
		shapes[first]++
		want := fmt.Sprintf("%s %s %s %s %s", text("$once"), text("$constant"), text("$n"), text("$twice"), text("$twice"))
		if !first {
			want = text("$once") + "    "
		}
		v := value.OfRaw([]byte(one))
		if got := v.Field("a").S(); got != want {
			t.Errorf("record %d has %q, want %q", k, got, want)
		}
		if got := v.Field("c").S(); got != text("$all") {
			t.Errorf("record %d has %q, want %q", k, got, text("$all"))
		}
		if got, want := string(q.AppendTag(nil, 5e17, k)), text("$once")+"."+text("$all")+"."+text("$constant"); first && got != want {
			t.Errorf("record %d has the tag %s, want %s", k, got, want)
		}
	}
	if shapes[true] == 0 || shapes[false] == 0 {
		t.Errorf("the shapes are %v", shapes)
	}
	if _, ok := p.Variable("$unknown"); ok {
		t.Error("there is a variable $unknown")
	}
}

// The records are the same whether each variable is computed where it is declared, since
// metadata reads all of them, or only in shapes that need it. Here shapes use the
// variables of all shapes in each way: not at all, in one or in two prints, through
// another variable, in a condition, and after a variable of the same name.
func TestVariablesByShape(t *testing.T) {
	const body = `{{ $a := int 1 1000 }}{{ $b := add $a 1 }}{{ $c := printf "%d-%s" $b (cat "x" $a) }}{{ $d := username }}{{ if gt $d "m" }}{{ $e := 1 }}{{ $f := $e }}{{ end }}
{{ weight 1 }}{"r": "nothing"}
{{ weight 1 }}{"r": "{{ $b }}"}
{{ weight 1 }}{"r": "{{ $c }}"}
{{ weight 1 }}{"r": "{{ $c }} {{ $c }}"}
{{ weight 1 }}{{ $a := 7 }}{"r": "{{ $a }} {{ $b }} {{ $c }}"}
{{ weight 1 }}{{ $g := upper $c }}{{ $h := $g }}{"r": "{{ $h }}"}
{{ weight 1 }}{{ $g := upper $c }}{{ $h := $g }}{"r": "{{ if gt $b 500 }}{{ $h }}{{ end }}"}
{{ weight 1 }}{{ $a := $b }}{{ $b := $a }}{"r": "{{ $b }}"}
{{ irregular 0.1 }}{"r": "{{ $a }}", "s": {{ $a }}}`
	plain := Config{Body: Text{Name: "template", Text: body}, Seed: 1, Stream: "0"}
	fixed := plain
	fixed.Metadata = Text{Name: "metadata_template", Text: `{"m": "{{ $a }}{{ $b }}{{ $c }}{{ $d }}{{ $g }}{{ $h }}"}`}
	p, err := Compile(plain)
	if err != nil {
		t.Fatal(err)
	}
	q, err := Compile(fixed)
	if err != nil {
		t.Fatal(err)
	}
	var seen [9]int
	for k := range uint64(500) {
		one, two := string(p.AppendBody(nil, 5e17, k)), string(q.AppendBody(nil, 5e17, k))
		seen[p.last]++
		if one != two {
			t.Fatalf("record %d of shape %d is\n%q, and with metadata\n%q", k, p.last, one, two)
		}
		for _, name := range p.Variables() {
			v, _ := p.Variable(name)
			w, _ := q.Variable(name)
			if got, want := string(v.AppendText(nil)), string(w.AppendText(nil)); got != want {
				t.Fatalf("record %d of shape %d: %s is %s, and with metadata %s", k, p.last, name, got, want)
			}
		}
	}
	if slices.Contains(seen[:], 0) {
		t.Errorf("records of each shape: %v, want some of all", seen)
	}
}

// A record computes no variable of all shapes that its shape does not use.
func TestUnusedVariables(t *testing.T) {
	p, err := compileShare(`{{ $a := int 1 9 }}{{ $b := add $a 1 }}
{{ weight 1 }}{"r": 1} {{ weight 1 }}{"r": "{{ $b }} {{ $b }}"} {{ weight 1 }}{"r": "{{ $a }}"}`, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []int
	for _, s := range p.shapes {
		n := 0
		for i := s.prologue; i >= 0 && p.steps[i].op != opEnd; i++ {
			n++
		}
		got = append(got, n)
	}
	if want := []int{0, 2, 0}; !slices.Equal(got, want) {
		t.Errorf("variables computed by shape: %d, want %d", got, want)
	}
}
