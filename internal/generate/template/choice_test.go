// SPDX-License-Identifier: Apache-2.0

package template

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/gdummy/gdummy/internal/testenv"
)

// assigning draws an if that assigns to $a, $b and $c.
func assigning(t *rapid.T, depth int) string {
	values := []string{`1`, `"x"`, `int 1 9`, `uuid`, `omit`, `$d`, `printf "%s-%d" $d (int 1 9)`, `now "unix_ms"`}
	if rapid.IntRange(0, 9).Draw(t, "depends") == 0 {
		values = []string{`$a`, `cat $b "!"`} // not a choice
	}
	list := func() string {
		var b strings.Builder
		for range rapid.IntRange(0, 3).Draw(t, "statements") {
			if depth > 0 && rapid.Bool().Draw(t, "nested") {
				b.WriteString(assigning(t, depth-1))
				continue
			}
			fmt.Fprintf(&b, "{{ %s = %s }}", rapid.SampledFrom([]string{"$a", "$b", "$c"}).Draw(t, "variable"), rapid.SampledFrom(values).Draw(t, "value"))
		}
		return b.String()
	}
	return fmt.Sprintf("{{ if %s }}%s{{ else }}%s{{ end }}", rapid.SampledFrom([]string{"bool 0.5", "$e", "eq $d \"p\"", "lt (int 0 9) 3"}).Draw(t, "condition"), list(), list())
}

// An if that only assigns has the same effect whether or not it is compiled as a choice:
// an assignment in a loop, which never runs, makes it something else.
func TestChoices(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b strings.Builder
		b.WriteString(`{{ $d := pick "p" "q" }}{{ $e := bool 0.3 }}{{ $a := "" }}{{ $b := int 1 3 }}{{ $c := omit }}`)
		for range rapid.IntRange(1, 3).Draw(t, "ifs") {
			b.WriteString(assigning(t, 2))
		}
		if rapid.Bool().Draw(t, "of all shapes") {
			b.WriteString(`{{ weight 1 }}`)
		}
		object := `{"a": {{ $a }}, "text": "{{ $a }} {{ $b }}", "c": {{ $c }}, {{ if $e }}"b": {{ $b }},{{ end }} "d": {{ $d }}}`
		first := b.String()
		b.WriteString(rapid.SampledFrom([]string{"", assigning(t, 1), `{{ $a := 7 }}` + assigning(t, 1)}).Draw(t, "of the shape"))
		text := b.String() + object + `{{ weight 2 }}` + assigning(t, 1) + object
		if strings.HasSuffix(first, "weight 1 }}") {
			text = strings.Replace(text, object, object+"\n", 1)
		}
		p, err := compile(text)
		if err != nil {
			t.Fatal(err)
		}
		q, err := compile(strings.ReplaceAll(text, object, `{{ range 0 }}{{ $a = 0 }}{{ $b = 0 }}{{ $c = 0 }}{{ end }}`+object))
		if err != nil {
			t.Fatal(err)
		}
		for k := range uint64(40) {
			if got, want := record(p, k), record(q, k); got != want {
				t.Fatalf("record %d of %s\nis %s\nwant %s", k, text, got, want)
			}
			for _, name := range []string{"$a", "$b", "$c", "$d", "$e"} {
				got, has := p.Variable(name)
				want, ok := q.Variable(name)
				if has != ok || got.K != want.K || string(got.AppendJSON(nil)) != string(want.AppendJSON(nil)) {
					t.Fatalf("%s of record %d of %s is %s, want %s", name, k, text, got.AppendJSON(nil), want.AppendJSON(nil))
				}
			}
		}
	})
}

// A variable that an if chooses is not computed in a record that does not print it.
func TestChoiceCosts(t *testing.T) {
	testenv.SkipRace(t)
	p := mustCompile(t, `{{ $p := bool 0.5 }}{{ $unused := "" }}{{ if $p }}{{ $unused = uuid }}{{ end }}{{ $a := 1 }}{{ if $p }}{{ $a = 2 }}{{ end }}{"a": {{ $a }}}`)
	sets := 0
	for _, first := range []int{p.shapes[0].prologue, p.shapes[0].start} {
		for _, s := range p.steps[first:] {
			if s.op == opEnd {
				break
			}
			if s.op == opSet {
				sets++
			}
		}
	}
	if sets != 1 {
		t.Errorf("%d variables are set, want only the condition", sets)
	}
}
