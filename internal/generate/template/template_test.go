// SPDX-License-Identifier: Apache-2.0

package template

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/generate/fake"
	"github.com/gdummy/gdummy/internal/generate/jsonbody"
	"github.com/gdummy/gdummy/internal/generate/value"
	"github.com/gdummy/gdummy/internal/testenv"
)

var update = flag.Bool("update", false, "renew the golden files")

// compile compiles a template with the seed 1 and the files of the examples.
func compile(text string) (*Program, error) {
	return Compile(Config{Body: Text{Name: "template", Text: text}, Seed: 1, Stream: "0", Files: exampleFiles})
}

func mustCompile(t testing.TB, text string) *Program {
	t.Helper()
	p, err := compile(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// record returns record k of a program as JSON. Records are one second apart.
func record(p *Program, k uint64) string {
	return string(value.OfRaw(p.AppendBody(nil, exampleTime+int64(k)*1e9, k)).AppendJSON(nil))
}

// cases reads a file of cases: after a line of === a template, and after a line of ---
// its expected output. A template may begin with a line with # and the reason.
func cases(t testing.TB, path string) []string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimPrefix(string(text), "===\n"), "\n===\n")
}

// golden runs every case of a file, and compares or renews the expected output. It
// returns the number of cases.
func golden(t *testing.T, path string, run func(text string) string) int {
	t.Helper()
	var renewed []string
	all := cases(t, path)
	for _, c := range all {
		given, want, _ := strings.Cut(c, "\n---\n")
		why, text := "", given
		if rest, ok := strings.CutPrefix(given, "# "); ok {
			why, text, _ = strings.Cut(rest, "\n")
		}
		got := strings.TrimRight(run(text), "\n")
		renewed = append(renewed, given+"\n---\n"+got)
		if want = strings.TrimRight(want, "\n"); !*update && got != want {
			t.Errorf("%s (%s):\n%s", text, why, cmp.Diff(want, got))
		}
	}
	if *update {
		if err := os.WriteFile(path, []byte("===\n"+strings.Join(renewed, "\n===\n")+"\n"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return len(all)
}

// The exact records of templates.
func TestTemplates(t *testing.T) {
	n := golden(t, "testdata/templates.txt", func(text string) string {
		p, err := compile(text)
		if err != nil {
			return "ERROR " + err.Error()
		}
		first := record(p, 0)
		if second := record(p, 1); second != first {
			return strings.Join([]string{first, second, record(p, 2)}, "\n")
		}
		return first
	})
	if n != 114 {
		t.Errorf("%d templates, want 114", n)
	}
}

// All errors are reported at once, with their positions.
func TestErrors(t *testing.T) {
	golden(t, "testdata/errors.txt", func(text string) string {
		_, err := compile(text)
		var errs Errors
		if !errors.As(err, &errs) {
			return fmt.Sprintf("NO ERRORS: %v", err)
		}
		var b strings.Builder
		for _, e := range errs {
			e.In = "" // always the same
			b.WriteString(e.Error() + "\n" + e.Excerpt() + "\n")
		}
		return b.String()
	})
}

// The variables of each shape are in scope in the metadata and the tag.
func TestMetadataAndTag(t *testing.T) {
	p, err := Compile(Config{
		Body:     Text{Name: "template", Text: `{{ $k := seq }}{{ weight 1 }}{"a": "{{ $u := cat "a" $k }}{{ $u }}"}{{ weight 1 }}{"b": "{{ $u := cat "b" $k }}{{ $u }}"}`},
		Metadata: Text{Name: "metadata_template", Text: `{"user": {{ $u }}, "k": {{ $k }}}`},
		Tag:      Text{Name: "tag_template", Text: `app.{{ $u }}`},
		Seed:     1,
	})
	if err != nil {
		t.Fatal(err)
	}
	shapes := map[byte]int{}
	for k := range uint64(50) {
		ev, rest, err := event.Decode(p.Append(nil, event.V2, exampleTime, k))
		if err != nil || len(rest) > 0 {
			t.Fatal(err, len(rest))
		}
		body := string(value.OfRaw(ev.Body).AppendJSON(nil))
		user := body[6 : len(body)-2]
		shapes[user[0]]++
		if got, want := string(value.OfRaw(ev.Metadata).AppendJSON(nil)), fmt.Sprintf(`{"user":%q,"k":%d}`, user, k); got != want {
			t.Errorf("metadata %s, want %s", got, want)
		}
		// AppendTag does not depend on the record appended before.
		want := "app." + user
		if got := string(p.AppendTag(nil, exampleTime, k)); got != want {
			t.Errorf("AppendTag of record %d after it: got %s, want %s", k, got, want)
		}
		p.Append(nil, event.V2, exampleTime, k+1)
		if got := string(p.AppendTag(nil, exampleTime, k)); got != want {
			t.Errorf("AppendTag of record %d after the next one: got %s, want %s", k, got, want)
		}
	}
	if shapes['a'] == 0 || shapes['b'] == 0 {
		t.Errorf("one of the shapes did not occur: %v", shapes)
	}
}

// If a variable is a row of different files in two shapes, the metadata can use the
// columns of both. A column that a record lacks is null.
func TestSameNameInShapes(t *testing.T) {
	p, err := Compile(Config{
		Body: Text{Name: "template", Text: `{{ weight 1 }}{"a": {{ $r := row "a.csv" }}{{ $r.x }}, {{ $n := 1 }}"b": {{ $n }}}` +
			`{{ weight 1 }}{"a": {{ $r := row "b.csv" }}{{ $r.y }}, {{ $n := "t" }}"b": {{ $n }}}`},
		Metadata: Text{Name: "metadata_template", Text: `{"x": {{ $r.x }}, "y": {{ $r.y }}, "n": "{{ printf "%v" $n }}", "less": {{ lt $n 2 }}}`},
		Seed:     1, Files: exampleFS{"a.csv": "x\n1\n", "b.csv": "y\n2\n"},
	})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for k := range uint64(30) {
		ev, _, err := event.Decode(p.Append(nil, event.V2, exampleTime, k))
		if err != nil {
			t.Fatal(err)
		}
		seen[string(value.OfRaw(ev.Body).AppendJSON(nil))+" "+string(value.OfRaw(ev.Metadata).AppendJSON(nil))] = true
	}
	want := map[string]bool{
		`{"a":"1","b":1} {"x":"1","y":null,"n":"1","less":true}`:    true,
		`{"a":"2","b":"t"} {"x":null,"y":"2","n":"t","less":false}`: true,
	}
	if !maps.Equal(seen, want) {
		t.Errorf("records are %v, want %v", seen, want)
	}
}

// The example of every function compiles, does not allocate, and depends on k only,
// not on the records made before.
func TestFunctions(t *testing.T) {
	for i := range fake.Table {
		f := &fake.Table[i]
		t.Run(f.Name, func(t *testing.T) {
			text := exampleText(f)
			if !f.Form {
				text = `{"v": {{ ` + f.Example + ` }}, "s": "<{{ ` + f.Example + ` }}>"}`
			} else if !strings.Contains(text, f.Name+" ") {
				t.Errorf("the example does not use the function: %s", text)
			}
			p := mustCompile(t, text)
			inTurn := make([]string, 200)
			for k := range inTurn {
				inTurn[k] = record(p, uint64(k))
			}
			alone := mustCompile(t, text)
			for i := range inTurn {
				k := uint64(i*77) % uint64(len(inTurn))
				if got := record(alone, k); got != inTurn[k] {
					t.Fatalf("record %d is %s out of order, and %s in order", k, got, inTurn[k])
				}
			}
			var dst []byte
			k := uint64(0)
			if n := testenv.AllocsPerRun(1000, func() {
				dst = p.Append(dst[:0], event.V2, exampleTime, k)
				k++
			}); n > 0 {
				t.Errorf("%v allocations per record, want 0", n)
			}
		})
	}
}

// Results have the documented types.
func TestResults(t *testing.T) {
	kinds := map[string][]value.Kind{
		"integer": {value.Int}, "number": {value.Float}, "boolean": {value.Bool}, "string": {value.String},
		"array": {value.Raw}, "object": {value.Raw},
	}
	for _, f := range fake.Table {
		want, ok := kinds[f.Result]
		if !ok || f.Form || strings.Contains(f.Example, "|") {
			continue
		}
		p := mustCompile(t, `{"v": {{ `+f.Example+` }}}`)
		for k := range uint64(100) {
			v := value.OfRaw(p.AppendBody(nil, exampleTime, k)).Field("v")
			if v.K != want[0] {
				t.Errorf("%s: record %d has a %v, want %v", f.Name, k, v.K, want[0])
				break
			}
		}
	}
}

// The template of the documented speed does not allocate.
func TestAllocations(t *testing.T) {
	p := mustCompile(t, sixFields)
	var dst []byte
	k := uint64(0)
	if n := testenv.AllocsPerRun(5000, func() {
		dst = p.Append(dst[:0], event.V2, exampleTime+int64(k)*1000, k)
		k++
	}); n > 0 {
		t.Errorf("%v allocations per record, want 0", n)
	}
}

// Records depend on the seed and the stream, and on nothing else.
func TestSeeds(t *testing.T) {
	make1 := func(seed uint64, stream string) string {
		p, err := Compile(Config{Body: Text{Name: "template", Text: `{"v": {{ hex 16 }}}`}, Seed: seed, Stream: stream})
		if err != nil {
			t.Fatal(err)
		}
		return record(p, 3)
	}
	if first, again := make1(1, "a"), make1(1, "a"); first != again {
		t.Error("records of the same seed and stream differ")
	}
	if make1(1, "a") == make1(1, "b") || make1(1, "a") == make1(2, "a") {
		t.Error("records of different streams or seeds are equal")
	}
}

// A padded record has exactly the requested size.
func TestPad(t *testing.T) {
	for size := 8; size < 70_000; size += 1 + size/7 {
		p := mustCompile(t, fmt.Sprintf(`{"a": {{ int 0 1000 }}, "p": {{ pad %d }}, "z": "{{ word }}"}`, size))
		for k := range uint64(5) {
			b := p.AppendBody(nil, exampleTime, k)
			if n, err := event.Size(append([]byte{0x92, 0xd7, 0, 0, 0, 0, 0, 0, 0, 0, 0}, b...)); err != nil || n != len(b)+11 {
				t.Fatalf("size %d: the record is invalid: %v", size, err)
			}
			if len(b) != size && size > 25 {
				t.Errorf("size %d, record %d: %d bytes", size, k, len(b))
			}
		}
	}
}

// No text makes the compiler or a record panic, hang or exhaust memory.
func FuzzCompile(f *testing.F) {
	for _, path := range []string{"testdata/templates.txt", "testdata/errors.txt"} {
		for _, c := range cases(f, path) {
			text, _, _ := strings.Cut(c, "\n---\n")
			f.Add(text)
		}
	}
	f.Add(`{{ $x := "ab" }}{"a": [{{ range 10000 }}{{ $x = cat $x $x }}{{ end }}]}`)
	f.Add(`{{ $x := list }}{"a": [{{ range 10000 }}{{ $x = list $x }}{{ end }}], "b": {{ $x }}}`)
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 2000 {
			return
		}
		watch := time.AfterFunc(20*time.Second, func() { panic("more than 20 s: " + text) })
		defer watch.Stop()
		before := allocated()
		defer func() {
			if used := allocated() - before; used > 2<<30 {
				t.Errorf("allocated %d MB, want at most 2048", used>>20)
			}
		}()
		p, err := compile(text)
		if err != nil {
			var errs Errors
			if !errors.As(err, &errs) || len(errs) == 0 {
				t.Fatalf("%v is not of type Errors", err)
			}
			for _, e := range errs {
				if e.Line < 1 || e.Column < 1 || e.Problem == "" {
					t.Fatalf("error without position or problem: %+v", *e)
				}
			}
			return
		}
		for k := range uint64(3) {
			b := p.Append(nil, event.V2, exampleTime, k)
			if n, err := event.Size(b); err != nil || n != len(b) {
				t.Fatalf("record %d has %d bytes, its event %d: %v", k, len(b), n, err)
			}
			if again := p.Append(nil, event.V2, exampleTime, k); string(again) != string(b) {
				t.Fatalf("record %d is not reproducible", k)
			}
		}
	})
}

// A template without actions produces the same bytes as the option dummy.
func TestLiteral(t *testing.T) {
	var document func(depth int) *rapid.Generator[string]
	document = func(depth int) *rapid.Generator[string] {
		return rapid.Custom(func(t *rapid.T) string {
			kind := rapid.IntRange(0, 6).Draw(t, "kind")
			if depth == 0 {
				kind = rapid.IntRange(0, 1).Draw(t, "brackets")
			} else if depth > 4 && kind < 2 {
				kind = 2
			}
			space := rapid.SampledFrom([]string{"", " ", "\n\t"}).Draw(t, "space")
			switch kind {
			case 0, 1:
				n := rapid.IntRange(0, 20).Draw(t, "n")
				var parts []string
				for range n {
					part := document(depth+1).Draw(t, "part")
					if kind == 0 || depth == 0 {
						part = string(value.AppendQuoted(nil, rapid.String().Draw(t, "name"))) + space + ":" + part
					}
					parts = append(parts, space+part+space)
				}
				if kind == 0 || depth == 0 {
					return "{" + strings.Join(parts, ",") + "}"
				}
				return "[" + strings.Join(parts, ",") + "]"
			case 2:
				return fmt.Sprint(rapid.Int64().Draw(t, "int"))
			case 3:
				return strconv.FormatFloat(rapid.Float64Range(-1e300, 1e300).Draw(t, "float"), 'g', -1, 64)
			case 4:
				return rapid.SampledFrom([]string{"true", "false", "null", "0", "-0", "1E5", "18446744073709551615"}).Draw(t, "word")
			}
			return string(value.AppendQuoted(nil, rapid.String().Draw(t, "string")))
		})
	}
	rapid.Check(t, func(t *rapid.T) {
		text := document(0).Draw(t, "text")
		if strings.Contains(text, "{{") {
			t.Skip("### SKIPPED: rapid draws another one: the text has an action")
		}
		want, err := jsonbody.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		p, err := compile(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.AppendBody(nil, exampleTime, 0); string(got) != string(want[0]) {
			t.Fatalf("%s\ngot  %x\nwant %x", text, got, want[0])
		}
	})
}

// Text that is not UTF-8 is an error at its first invalid byte.
func TestEncoding(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"{\"a\": \"Zo\xeb\"}", "template: line 1, column 10: byte 0xeb is not UTF-8"},
		{"{\n\"a\": {{ upper \"\xff\" }}}", "template: line 2, column 16: byte 0xff is not UTF-8"},
		{"\xff\xfe{\x00}\x00", "template: line 1, column 1: byte 0xff is not UTF-8"},
	} {
		_, err := compile(tt.text)
		var errs Errors
		if !errors.As(err, &errs) || len(errs) != 1 || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%q: %v, want %s", tt.text, err, tt.want)
		}
	}
	if got := record(mustCompile(t, "{\"a\": \"\ufffd\"}"), 0); got != "{\"a\":\"\ufffd\"}" {
		t.Errorf("the replacement character: got %s", got)
	}
}
