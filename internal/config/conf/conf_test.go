// SPDX-License-Identifier: Apache-2.0

package conf

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "renew the golden files")

// memory are files of a test.
func memory(files map[string]string) Files {
	return Files{
		Read: func(path string) ([]byte, error) {
			if text, ok := files[path]; ok {
				return []byte(text), nil
			}
			return nil, errors.New("no such file")
		},
		Glob: func(pattern string) ([]string, error) {
			var paths []string
			for path := range files {
				if ok, err := filepath.Match(pattern, path); err != nil {
					return nil, err
				} else if ok {
					paths = append(paths, path)
				}
			}
			return paths, nil
		},
	}
}

// dump returns a configuration as text.
func dump(c *Config) string {
	var b strings.Builder
	for _, in := range c.Inputs {
		fmt.Fprintf(&b, "input at %v\n", in.Pos)
		for _, p := range in.Properties {
			fmt.Fprintf(&b, "  %s at %d:%d", p.Name, p.Pos.Line, p.Pos.Column)
			if p.NotText != "" {
				fmt.Fprintf(&b, " is %s at %v\n", p.NotText, p.Value.Pos(0))
				continue
			}
			first, last := p.Value.Pos(0), p.Value.Pos(len(p.Value.Text)-1)
			fmt.Fprintf(&b, " = %q from %d:%d to %d:%d\n", p.Value.Text, first.Line, first.Column, last.Line, last.Column)
		}
	}
	for _, m := range c.Errors {
		fmt.Fprintln(&b, m)
	}
	return b.String()
}

// configs are texts with the reason for each.
var configs = []struct {
	why, text string
	format    Format
}{
	{"the shortest", "[INPUT]\n name x\n", Classic},
	{"no line feed at the end", "[INPUT]\n name x", Classic},
	{"carriage returns", "[INPUT]\r\n  name x\r\n  rate 5\r\n", Classic},
	{"names in capitals, values untouched", "[INPUT]\n    Name Gdummy\n    RATE   5  \n", Classic},
	{"a beginning of the word is enough for Fluent Bit", "[INP]\n name x\n[inputs]\n name y\n[INPUTX]\n name z\n[]\n name z\n", Classic},
	{"quotes are kept", "[INPUT]\n name x\n dummy '{\"a\": 1}'\n tag \"x\"\n", Classic},
	{"comments and empty lines", "# one\n\n[INPUT]\n # two\n name x\n\n \n  \n rate 5 # not a comment\n", Classic},
	{"an empty line with another indentation stops Fluent Bit", "[INPUT]\n  name x\n     \n \n  rate 5\n   # a comment too\n", Classic},
	{"one that is the first sets the indentation", "  \n[INPUT]\n name x\n", Classic},
	{"a tab is not a separator", "[INPUT]\n name x\n rate\t5\n", Classic},
	{"tabs indent as well", "[INPUT]\n\tname x\n\trate 5\n", Classic},
	{"indentation must be even", "[INPUT]\n  name x\n rate 5\n   copies 2\n\ttag y\n", Classic},
	{"twice the indentation is a group's content", "[INPUT]\n  name x\n  [group a]\n    rate 5\n  rate 6\n", Classic},
	{"not indented", "[INPUT]\nname x\n", Classic},
	{"without a section", " name x\n", Classic},
	{"without a value", "[INPUT]\n name\n name \n name x\n", Classic},
	{"without a name", "[INPUT]\n tag x\n[OUTPUT]\n match *\n", Classic},
	{"a section that is not closed", "[INPUT\n name x\n", Classic},
	{"an indented section", "[INPUT]\n name x\n [OUTPUT]\n name y\n", Classic},
	{"values from a command", "@SET A=b=c\n@set D=\n@SET\n@SET x\n@NONSENSE x\n[INPUT]\n name ${A}\n", Classic},
	{"characters of several bytes count as one", "[INPUT]\n name é\n dummy {\"日本\": 1}\n", Classic},
	{"bytes that are no UTF-8", "[INPUT]\n name \xff\xfe\n", Classic},

	{"the shortest", "pipeline:\n  inputs:\n    - name: x\n", YAML},
	{"in one line", "{pipeline: {inputs: [{name: x, rate: 5}]}}", YAML},
	{"names of sections in capitals", "Pipeline:\n  INPUTS:\n    - Name: x\n      fixedTimestamp: on\n      interval_Sec: 5\n", YAML},
	{"scalars are text, whatever YAML sees in them", "pipeline:\n  inputs:\n  - name: x\n    a: 0x10\n    b: 1.50\n    c: on\n    d: null\n    e: ~\n    f:\n    g: 2024-01-01\n    h: .inf\n    i: 1_000\n", YAML},
	{"quotes", "pipeline:\n  inputs:\n  - name: 'x'\n    a: 'it''s'\n    b: \"t\\tn\\n\\u00e9\\\"\"\n    c: '  y  '\n", YAML},
	{"over several lines", "pipeline:\n  inputs:\n  - name: x\n    a: one\n      two\n\n      three\n    b: 'one\n      two'\n    c: \"one\\\n      two\"\n", YAML},
	{"blocks", "pipeline:\n  inputs:\n  - name: x\n    a: |\n      one\n        two\n\n      three\n    b: >-\n      one\n      two\n\n      three\n        four\n    c: |2\n        one\n", YAML},
	{"a map or list instead of text", "pipeline:\n  inputs:\n  - name: x\n    a: {b: c}\n    b:\n      c: d\n    c: [1, 2]\n    d: [{e: f}]\n", YAML},
	{"a property twice", "pipeline:\n  inputs:\n  - name: x\n    rate: 1\n    rate: 2\n", YAML},
	{"not a list, not maps", "pipeline:\n  inputs:\n    name: x\n", YAML},
	{"elements that are no maps", "pipeline:\n  inputs:\n  - x\n  - [y]\n  -\n", YAML},
	{"a pipeline that is text", "pipeline: x\n", YAML},
	{"something else in a pipeline", "pipeline:\n  input:\n  - name: x\n", YAML},
	{"an environment of both forms", "env:\n  A: b\n---\nenv:\n  - name: C\n    value: d\npipeline:\n  inputs:\n  - name: ${A}${C}\n", YAML},
	{"aliases are unknown to Fluent Bit", "pipeline:\n  inputs:\n  - name: &n x\n    tag: *n\n", YAML},
	{"tags are not looked at", "pipeline:\n  inputs:\n  - name: !!str 5\n    rate: !!int '5'\n", YAML},
	{"a list that is not closed", "pipeline: [\n", YAML},
	{"a quote that is not closed", "pipeline:\n  inputs:\n  - name: \"x\n", YAML},
	{"a tab for indentation", "pipeline:\n\tinputs:\n", YAML},
	{"nothing", "", YAML},
	{"characters of several bytes count as one", "pipeline:\n  inputs:\n  - {日本: é, name: \"é\\u00e9x\"}\n", YAML},
	{"nested without end", strings.Repeat("[", 100000), YAML},
	{"nested without end in another way", strings.Repeat("- ", 100000), YAML},
}

func TestRead(t *testing.T) {
	const golden = "testdata/configs.txt"
	var b strings.Builder
	for _, c := range configs {
		shown := c.text
		if len(shown) > 1000 {
			shown = shown[:20] + "..."
		}
		fmt.Fprintf(&b, "### %s\n%s\n=>\n%s\n", c.why, strings.ToValidUTF8(shown, "?"), dump(Parse("f", []byte(c.text), c.format, memory(nil))))
	}
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("%s differs (-update renews it):\n%s", golden, diff)
	}
}

// Every character of a value has its position in the file, in all styles of YAML.
func TestPlaces(t *testing.T) {
	for _, text := range []string{
		"a: '{\"b\": 0123456789}'",
		"a: \"{\\\"b\\\": \\u00e9 0123456789}\"",
		"a: \"{\\\"b\\\": \\\n        0123456789}\"",
		"a: one\n      two\n\n      0123456789",
		"a: |\n      {\n        \"b\": 0123456789\n      }",
		"a: |2-\n        one\n      0123456789",
		"a: >\n      one\n      two\n\n      three\n        more\n      0123456789",
		"'é': >-\n\n\n      日本 0123456789\n",
		"a: 'one\n\n      ''two'' 0123456789'",
		"a: !!str 0123456789",
		"a: # why\n      0123456789",
		"a: \"\\n\\ x\n      \\n\n      0123456789\"", // white space that is escaped, folded and trimmed
		"a: x\t\n      0123456789",
	} {
		text = "pipeline:\n  inputs:\n  - name: x\n    " + text + "\n"
		c := Parse("f", []byte(text), YAML, memory(nil))
		if len(c.Errors) > 0 || len(c.Inputs) != 1 || len(c.Inputs[0].Properties) != 2 {
			t.Errorf("%s\ngot: %s", text, dump(c))
			continue
		}
		v := c.Inputs[0].Properties[1].Value
		at := strings.Index(v.Text, "0123456789")
		for i := range 10 {
			if from := v.from(at + i); at < 0 || from >= len(text) || text[from] != v.Text[at+i] {
				t.Errorf("%s\nvalue %q: byte %d has no position", text, v.Text, at+i)
				break
			}
		}
	}
}

// Included files are relative to the first file in the classic form, and to the including
// file in YAML. None is read twice.
func TestIncludes(t *testing.T) {
	files := memory(map[string]string{
		"etc/main.conf":     "@INCLUDE sub/*.conf\n@INCLUDE more.conf\n@INCLUDE more.conf\n@INCLUDE main.conf\n[INPUT]\n name main\n",
		"etc/sub/a.conf":    "[INPUT]\n name a\n@INCLUDE more.conf\n",
		"etc/more.conf":     "[INPUT]\n name more\n",
		"etc/main.yaml":     "includes:\n  - sub/b.yaml\n  - /abs.yaml\n  - {a: b}\n  - \n  - '[*'\n",
		"etc/sub/b.yaml":    "includes: [c.yaml, ../main.yaml]\npipeline:\n  inputs: [{name: b}]\n",
		"etc/sub/c.yaml":    "pipeline:\n  inputs: [{name: c}]\n",
		"/abs.yaml":         "pipeline:\n  inputs: [{name: abs}]\n",
		"deep/deep.yaml":    "includes: [deep/deep.yaml]",
		"here/main.conf":    "@INCLUDE there.conf\n",
		"there.conf":        "[INPUT]\n name working-directory\n",
		"here/there.conf":   "[INPUT]\n name beside\n",
		"missing/main.conf": "@INCLUDE nowhere.conf\n\n@INCLUDE *.none\n",
	})
	for path, want := range map[string]string{
		"etc/main.conf": "input at etc/sub/a.conf:1:1\n  name at 2:2 = \"a\" from 2:7 to 2:7\n" +
			"input at etc/more.conf:1:1\n  name at 2:2 = \"more\" from 2:7 to 2:10\n" +
			"input at etc/main.conf:5:1\n  name at 6:2 = \"main\" from 6:7 to 6:10\n" +
			"etc/main.conf:2:10: file \"etc/more.conf\" included a second time\n" +
			"etc/main.conf:3:10: file \"etc/more.conf\" included a second time\n" +
			"etc/main.conf:4:10: file \"etc/main.conf\" included a second time\n",
		"etc/main.yaml": "input at etc/sub/c.yaml:2:13\n  name at 2:13 = \"c\" from 2:19 to 2:19\n" +
			"input at etc/sub/b.yaml:3:13\n  name at 3:13 = \"b\" from 3:19 to 3:19\n" +
			"input at /abs.yaml:2:13\n  name at 2:13 = \"abs\" from 2:19 to 2:21\n" +
			"etc/sub/b.yaml:1:20: file \"etc/main.yaml\" included a second time\n" +
			"etc/main.yaml:4:5: include: expected the path of a file, found a map\n" +
			"etc/main.yaml:5:4: include: expected the path of a file, found text\n" +
			"etc/main.yaml:6:5: invalid pattern \"etc/[*\"\n",
		"here/main.conf": "input at there.conf:1:1\n  name at 2:2 = \"working-directory\" from 2:7 to 2:23\n",
		"missing/main.conf": "missing/main.conf:1:10: cannot include \"missing/nowhere.conf\": no such file\n" +
			"missing/main.conf:3:10: no file matches \"missing/*.none\"\n",
	} {
		c, err := Read(path, files)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, dump(c)); diff != "" {
			t.Errorf("%s:\n%s", path, diff)
		}
	}
	if _, err := Read("no-such.conf", files); err == nil {
		t.Error("missing file: no error")
	}

	// Includes without end.
	same := Files{Read: func(string) ([]byte, error) { return []byte("includes: [a/b.yaml]"), nil }}
	if c, err := Read("b.yaml", same); err != nil || len(c.Errors) != 1 || !strings.Contains(c.Errors[0].Problem, "more than 1000 included files") {
		t.Errorf("%v, %v", c.Errors, err)
	}
}

// Variables are expanded by the rules of Fluent Bit, except for its bugs.
func TestExpand(t *testing.T) {
	env := func(name string) (string, bool) {
		v, ok := map[string]string{"A": "1", "LONG": "0123456789", "BRACE": "}"}[name]
		return v, ok
	}
	for _, c := range []struct{ text, want, missed, why string }{
		{"", "", "", "nothing"},
		{"x", "x", "", "no variable"},
		{"${A}", "1", "", "only one"},
		{"a${A}b${LONG}c", "a1b0123456789c", "", "two with text around"},
		{"${NONE}", "", "", "one that is not set"},
		{"${NONE:-x}", "x", "", "a default"},
		{"${A:-x}", "1", "", "a default that is not needed"},
		{"${NONE:-}", "", "", "a default that is empty"},
		{"${NONE:-a:-b}", "a:-b", "", "the first colon ends the name"},
		{"${", "${", "", "no end"},
		{"${}", "${}", "", "no name"},
		{"$A $$ {A}", "$A $$ {A}", "", "not a variable's form"},
		{`{"a":"${A}","b":"${A}"}`, `{"a":"1","b":"1"}`, "", "in JSON"},
		{`{"a":{},"b":"${A}"}`, `{"a":{},"b":"1"}`, "A", "a brace hides it from Fluent Bit"},
		{`{"a":{"b":"${A}"},"c":"${LONG}"}`, `{"a":{"b":"1"},"c":"0123456789"}`, "LONG", "or those behind one"},
	} {
		got, vars := Expand(c.text, env)
		missed := ""
		for _, v := range vars {
			if v.Missed {
				missed += v.Name
			}
			if !strings.HasPrefix(c.text[v.Offset:], "${"+v.Name) {
				t.Errorf("%s: %s is not at %d", c.why, v.Name, v.Offset)
			}
		}
		if got != c.want || missed != c.missed {
			t.Errorf("%s: %q gives %q, missed %q; expected %q, %q", c.why, c.text, got, missed, c.want, c.missed)
		}
	}

	// The position after a variable is correct although the value is longer.
	c := Parse("f", []byte("[INPUT]\n dummy <${LONG}> x\n"), Classic, memory(nil))
	e := c.Inputs[0].Properties[0].Value.Expand(env)
	for at, column := range map[int]int{0: 8, 1: 9, 5: 9, 11: 16, 13: 18} {
		if got := e.Pos(at); got != (Pos{"f", 2, column}) {
			t.Errorf("byte %d of %q is at %v, expected column %d", at, e.Text, got, column)
		}
	}
}

// Variables of the files hide those of the process. An empty variable is not set.
func TestLookup(t *testing.T) {
	c := Parse("f", []byte("@SET A=1\n@SET B=\n"), Classic, memory(nil))
	env := c.Lookup(func(name string) (string, bool) { return "outer " + name, name != "D" })
	for name, want := range map[string]string{"A": "1", "B": "outer B", "C": "outer C"} {
		if got, ok := env(name); !ok || got != want {
			t.Errorf("%s is %q, %v", name, got, ok)
		}
	}
	if _, ok := env("D"); ok {
		t.Error("D is set")
	}
}

func TestGuess(t *testing.T) {
	for text, want := range map[string]Format{
		"": Classic, "# x\n\n[INPUT]": Classic, "@SET a=b": Classic, "  [x]": Classic, "pipeline:": YAML, "---\na: b": YAML, "{}": YAML,
	} {
		if got := Guess([]byte(text)); got != want {
			t.Errorf("Guess(%q): got %v", text, got)
		}
	}
}

// No text makes the reader panic or hang, and every position is within its file.
func FuzzConf(f *testing.F) {
	for _, c := range configs {
		if len(c.text) < 10000 {
			f.Add(c.text, c.format == YAML)
		}
	}
	f.Add("pipeline:\n  inputs:\n  - name: x\n    routes:\n      logs:\n      - condition: {default: true}\n", true)
	f.Add("pipeline: {inputs: [{name: x, routes: {any: [{? [per_record_routing] : yes, per_record_routing: on}]}}]}", true)
	f.Fuzz(func(t *testing.T, text string, isYAML bool) {
		format := Classic
		if isYAML {
			format = YAML
		}
		reads := 0
		files := Files{
			Read: func(string) ([]byte, error) {
				if reads++; reads > 3 {
					return nil, errors.New("enough")
				}
				return []byte(text), nil
			},
			Glob: func(pattern string) ([]string, error) { return []string{pattern + "1", pattern + "2"}, nil },
		}
		decoded := text
		if isYAML {
			decoded = yamlText(text) // of which the positions are
		}
		lines := strings.Split(decoded, "\n")
		within := func(p Pos) {
			t.Helper()
			if p.Line < 1 || p.Line > len(lines) || p.Column < 1 || p.Column > utf8.RuneCountInString(lines[p.Line-1])+1 {
				t.Fatalf("%v is outside of the file", p)
			}
		}
		c := Parse("f", []byte(text), format, files)
		for _, m := range c.Errors {
			within(m.Pos)
		}
		env := c.Lookup(func(name string) (string, bool) { return strings.Repeat(name, 2), len(name)%2 == 0 })
		for _, in := range c.Inputs {
			within(in.Pos)
			if in.ConditionalRoute != nil {
				within(*in.ConditionalRoute)
			}
			for _, p := range in.Properties {
				within(p.Pos)
				for i := range len(p.Value.Text) + 1 {
					within(p.Value.Pos(i))
				}
				e := p.Value.Expand(env)
				for i := range len(e.Text) + 1 {
					within(e.Pos(i))
				}
			}
		}
	})
}
