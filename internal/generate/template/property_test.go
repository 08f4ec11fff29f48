// SPDX-License-Identifier: Apache-2.0

package template

import (
	"flag"
	"fmt"
	"strings"
	"testing"

	"github.com/tinylib/msgp/msgp"
	"pgregory.net/rapid"

	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/testenv"
)

// A promise describes the expected output of a piece of a template: it reads a value
// from MessagePack, and returns the rest and any difference.
type promise func(b []byte) (rest []byte, problem string)

// is promises a value of a type.
func is(want msgp.Type) promise {
	return func(b []byte) ([]byte, string) {
		got := msgp.NextType(b)
		if got == msgp.UintType {
			got = msgp.IntType
		}
		rest, err := msgp.Skip(b)
		if err != nil || got != want {
			return nil, fmt.Sprintf("%v (%v), want %v", got, err, want)
		}
		return rest, ""
	}
}

// text promises a string that begins and ends with something.
func text(prefix, suffix string) promise {
	return func(b []byte) ([]byte, string) {
		s, rest, err := msgp.ReadStringBytes(b)
		if err != nil || !strings.HasPrefix(s, prefix) || !strings.HasSuffix(s, suffix) {
			return nil, fmt.Sprintf("%q (%v), want %s...%s", s, err, prefix, suffix)
		}
		return rest, ""
	}
}

// members promises an object with these members, in this order. Those with true in
// maybe are optional.
func members(names []string, values []promise, maybe []bool) promise {
	return func(b []byte) ([]byte, string) {
		n, b, err := msgp.ReadMapHeaderBytes(b)
		if err != nil {
			return nil, err.Error()
		}
		for i, name := range names {
			if n > 0 {
				got, rest, err := msgp.ReadStringBytes(b)
				if err != nil {
					return nil, err.Error()
				}
				if got == name {
					problem := ""
					if b, problem = values[i](rest); problem != "" {
						return nil, name + ": " + problem
					}
					n--
					continue
				}
			}
			if !maybe[i] {
				return nil, fmt.Sprintf("member %s is missing, or not in order", name)
			}
		}
		if n > 0 {
			return nil, fmt.Sprintf("%d extra members", n)
		}
		return b, ""
	}
}

// elements promises an array of least to most elements that repeat values in order.
func elements(values []promise, least, most int) promise {
	return func(b []byte) ([]byte, string) {
		n, b, err := msgp.ReadArrayHeaderBytes(b)
		if err != nil || int(n) < least || int(n) > most {
			return nil, fmt.Sprintf("%d elements (%v), expected %d to %d", n, err, least, most)
		}
		for i := range int(n) {
			problem := ""
			if b, problem = values[i%len(values)](b); problem != "" {
				return nil, fmt.Sprintf("element %d: %s", i, problem)
			}
		}
		return b, ""
	}
}

// typed are actions and the types of their values.
var typed = []struct {
	action string
	want   msgp.Type
}{
	{`seq`, msgp.IntType}, {`int -5 500000`, msgp.IntType}, {`status`, msgp.IntType}, {`zipf 100`, msgp.IntType}, {`now "unix"`, msgp.IntType}, {`len (words 3)`, msgp.IntType},
	{`uniform 0 1`, msgp.Float64Type}, {`lognormal 3 1 | round 2`, msgp.Float64Type}, {`walk 0 9`, msgp.Float64Type}, {`now "unix_float"`, msgp.Float64Type},
	{`bool`, msgp.BoolType}, {`eq (mod seq 2) 0`, msgp.BoolType}, {`not (bool 0.9)`, msgp.BoolType},
	{`username`, msgp.StrType}, {`now`, msgp.StrType}, {`per (mod seq 5) (uuid)`, msgp.StrType}, {`printf "%05d|%s" seq (word)`, msgp.StrType}, {`sentence 9`, msgp.StrType}, {`cardinality 3 (hex 4)`, msgp.StrType},
	{`list 1 (name) (bool)`, msgp.ArrayType}, {`dict "a" (int 1 9) "b" (word)`, msgp.MapType}, {`row "users.csv"`, msgp.MapType}, {`index (list 1) 9`, msgp.NilType},
}

// grow draws a piece of a template that produces one value, and its promise.
func grow(t *rapid.T, depth, number int) (string, promise) {
	id := func() int { return rapid.IntRange(0, 99).Draw(t, "id") }
	kind := rapid.IntRange(0, 8).Draw(t, "kind")
	if depth == 0 {
		kind = 0
	} else if depth > 4 && (kind < 2 || kind > 6) {
		kind = 3
	}
	switch kind {
	case 0: // an object
		var names []string
		var values []promise
		var maybe []bool
		var b strings.Builder
		b.WriteString("{ ")
		n := rapid.IntRange(0, 20).Draw(t, "members")
		for i := range n {
			name := fmt.Sprintf("m%d", i)
			value, p := grow(t, depth+1, i)
			written := `"` + name + `"`
			switch rapid.IntRange(0, 5).Draw(t, "name") {
			case 0:
				written = fmt.Sprintf(`"m{{ add %d 0 }}"`, i)
			case 1:
				written = fmt.Sprintf(`{{ cat "m" %d }}`, i)
			}
			optional := true
			switch rapid.IntRange(0, 6).Draw(t, "optional") {
			case 0:
				fmt.Fprintf(&b, "{{ if bool }}%s: %s,{{ end }}", written, value)
			case 1:
				fmt.Fprintf(&b, "{{ if bool 0.3 }}%s: %s,{{ else if bool }}%s: %s,{{ end }}", written, value, written, value)
			case 2:
				fmt.Fprintf(&b, "%s: {{ if bool }}%s{{ else }}{{ omit }}{{ end }},", written, value)
			default:
				fmt.Fprintf(&b, "%s: %s,", written, value)
				optional = false
			}
			names, values, maybe = append(names, name), append(values, p), append(maybe, optional)
		}
		// The last one is always present: the comma before it is not an error.
		names, values, maybe = append(names, "end"), append(values, is(msgp.BoolType)), append(maybe, false)
		return b.String() + `"end": true }`, members(names, values, maybe)
	case 1: // an array
		var all []promise
		var texts []string
		for i := range rapid.IntRange(1, 17).Draw(t, "elements") {
			value, p := grow(t, depth+1, i)
			texts, all = append(texts, value), append(all, p)
		}
		return "[" + strings.Join(texts, ", ") + "]", elements(all, len(all), len(all))
	case 7: // an array of any length
		value, p := grow(t, depth+1, number)
		most := rapid.IntRange(0, 20).Draw(t, "most")
		return fmt.Sprintf("[{{ range int 0 %d }}%s,{{ end }}]", most, value), elements([]promise{p}, 0, most)
	case 8: // one value or another
		value, p := grow(t, depth+1, number)
		other, q := grow(t, depth+1, number)
		return "{{ if bool }}" + value + "{{ else }}" + other + "{{ end }}", func(b []byte) ([]byte, string) {
			if rest, problem := p(b); problem == "" {
				return rest, ""
			}
			return q(b)
		}
	case 2: // a literal
		return fmt.Sprint(id()), is(msgp.IntType)
	case 3: // a string with values in it
		a := rapid.SampledFrom(typed).Draw(t, "action")
		prefix, suffix := fmt.Sprintf("<%d ", id()), strings.Repeat("é", id())
		return `"` + prefix + "{{ " + a.action + " }}" + rapid.SampledFrom([]string{"", "{{ if bool }}x{{ end }}", "{{ range int 0 30 }}yz{{ end }}"}).Draw(t, "more") + suffix + `"`, text(prefix, suffix)
	case 4: // a variable
		a := rapid.SampledFrom(typed).Draw(t, "action")
		if rapid.Bool().Draw(t, "global") {
			return "{{ $g }}", is(msgp.StrType)
		}
		// Declared within a string that it does not change.
		return fmt.Sprintf(`[{{ $v := %s }}{{ $v }}]`, a.action), elements([]promise{is(a.want)}, 1, 1)
	}
	a := rapid.SampledFrom(typed).Draw(t, "action")
	return "{{ " + a.action + " }}", is(a.want)
}

// The records of any template are valid, with members in order and values of the types
// of their actions. Record k does not depend on the records made before it.
func TestProperties(t *testing.T) {
	testenv.SkipRace(t)
	if f := flag.Lookup("rapid.checks"); f.Value.String() == f.DefValue {
		// The templates are large: a few of them contain everything.
		f.Value.Set("25")
		defer f.Value.Set(f.DefValue)
	}
	rapid.Check(t, func(t *rapid.T) {
		var texts []string
		var promises []promise
		for i := range rapid.IntRange(1, 3).Draw(t, "shapes") {
			text, p := grow(t, 0, 0)
			if i == 0 { // in the other shapes $u is null
				text = strings.TrimSuffix(text, "true }") + "{{ $u := word }}true }"
			}
			texts, promises = append(texts, "{{ weight 1 }}"+text), append(promises, p)
		}
		source := "{{ $g := name }}" + strings.Join(texts, "\n")
		conf := Config{
			Body:     Text{Name: "template", Text: source},
			Metadata: Text{Name: "metadata_template", Text: `{"g": "{{ $g }}{{ $u }}", "k": {{ seq }}}`},
			Tag:      Text{Name: "tag_template", Text: `t.{{ $g }}`},
			Seed:     rapid.Uint64().Draw(t, "seed"), Stream: "0", Files: exampleFiles,
		}
		p, err := Compile(conf)
		if err != nil {
			t.Fatalf("%s\n%v", source, err)
		}
		first := rapid.Uint64Range(0, 1<<40).Draw(t, "first")
		const n = 12
		inTurn := make([]string, n)
		for i := range inTurn {
			b := p.Append(nil, event.V2, exampleTime+int64(i), first+uint64(i))
			ev, rest, err := event.Decode(b)
			if err != nil || len(rest) > 0 {
				t.Fatalf("%s\nrecord %d is invalid: %v", source, i, err)
			}
			if rest, problem := members([]string{"g", "k"}, []promise{is(msgp.StrType), is(msgp.IntType)}, []bool{false, false})(ev.Metadata); problem != "" || len(rest) > 0 {
				t.Fatalf("%s\nthe metadata of record %d: %s", source, i, problem)
			}
			problems := ""
			for _, holds := range promises {
				rest, problem := holds(ev.Body)
				if problem == "" && len(rest) == 0 {
					problems = ""
					break
				}
				problems += problem + "; "
			}
			if problems != "" {
				t.Fatalf("%s\nrecord %d: %s", source, i, problems)
			}
			inTurn[i] = string(b) + string(p.AppendTag(nil, exampleTime+int64(i), first+uint64(i)))
		}
		other, err := Compile(conf)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range rapid.Permutation([]int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}).Draw(t, "order") {
			b := other.Append(nil, event.V2, exampleTime+int64(i), first+uint64(i))
			if got := string(b) + string(other.AppendTag(nil, exampleTime+int64(i), first+uint64(i))); got != inTurn[i] {
				t.Fatalf("%s\nrecord %d depends on the order of calls", source, i)
			}
		}
	})
}
