// SPDX-License-Identifier: Apache-2.0

package render

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gdummy/gdummy/internal/config/conf"
)

// write writes files into a new directory.
func write(t *testing.T, files map[string]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// render reads main in dir, changes it, and returns the text of the copy.
func render(t *testing.T, dir, main string, change func(c *Config)) string {
	t.Helper()
	c, err := Read(filepath.Join(dir, main))
	if err != nil {
		t.Fatal(err)
	}
	change(c)
	out := t.TempDir()
	path, err := c.Write(out)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(out)
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(out, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if len(entries) > 1 {
			all.WriteString("# " + e.Name() + "\n")
		}
		all.WriteString(strings.ReplaceAll(string(text), dir, "DIR"))
	}
	read, err := conf.Read(path, conf.Disk)
	if err != nil || len(read.Errors) > 0 {
		t.Errorf("the copy has errors: %v %v", err, read.Errors)
	}
	return all.String()
}

// A classic file keeps its order and values; what changes is what was asked for, and
// paths.
func TestClassic(t *testing.T) {
	dir := write(t, map[string]string{
		"main.conf":     "@SET a=b\n[SERVICE]\n    Parsers_File  p.conf\n    Parsers_File q.conf\n    parsers_file /nowhere/parsers.conf\n    Flush 5\n# comment\n[INPUT]\n    Name   tail\n    Path   /var/log/*.log\n\n@INCLUDE sub/*.conf\n[OUTPUT]\n    Name  es\n    Match *\n    Host  ${ES}\n",
		"sub/lua.conf":  "[FILTER]\n    Name lua\n    Match *\n    Script s.lua\n",
		"p.conf":        "",
		"q.conf":        "",
		"s.lua":         "",
		"sub/other.txt": "",
	})
	var missing []string
	got := render(t, dir, "main.conf", func(c *Config) {
		missing = c.Missing
		c.Inputs[0].Set("name", "gdummy")
		c.Inputs[0].Remove("path")
		c.Inputs[0].Set("rate", "5")
		c.SetService("flush", "0.1")
	})
	want := `@SET a=b
[SERVICE]
    Parsers_File DIR/p.conf
    Parsers_File DIR/q.conf
    parsers_file /nowhere/parsers.conf
    flush 0.1
[INPUT]
    name gdummy
    rate 5
[FILTER]
    Name lua
    Match *
    Script DIR/s.lua
[OUTPUT]
    Name es
    Match *
    Host ${ES}
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"parsers_file /nowhere/parsers.conf"}, missing); diff != "" {
		t.Errorf("missing (-want +got):\n%s", diff)
	}
}

// A YAML file keeps what has a structure; includes become copies of their own.
func TestYAML(t *testing.T) {
	dir := write(t, map[string]string{
		"main.yaml": `env:
  A: "1"
includes:
  - inc/*.yaml
plugins:
  - ./x.so
pipeline:
  inputs:
    - name: tail
      tag: app
      processors:
        logs:
          - name: content_modifier
            action: insert
            value: 5
            key: "5"
    - {name: cpu, interval_sec: 1}
  outputs:
    - name: http
      match: '*'
      body: |
        a "quoted"
        line
`,
		"inc/f.yaml": "pipeline:\n  filters:\n    - name: lua\n      match: \"*\"\n      script: s.lua\n",
		"s.lua":      "", "x.so": "",
	})
	got := render(t, dir, "main.yaml", func(c *Config) {
		if diff := cmp.Diff([]string{"tail.0", "cpu.0"}, Labels(c.Inputs)); diff != "" {
			t.Error(diff)
		}
		c.Inputs[0].Set("name", "gdummy")
		c.Inputs[1].Drop()
		c.SetService("flush", "0.1")
	})
	want := `# 1-f.yaml
pipeline:
  filters:
    -
      name: lua
      match: "*"
      script: "DIR/s.lua"
# main.yaml
service:
  flush: "0.1"
env:
  A: "1"
includes:
  - "1-f.yaml"
plugins:
  - "DIR/x.so"
pipeline:
  inputs:
    -
      name: "gdummy"
      tag: app
      processors:
        logs:
          -
            name: content_modifier
            action: insert
            value: 5
            key: "5"
  outputs:
    -
      name: http
      match: "*"
      body: "a \"quoted\"\nline\n"
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A configuration names the file of its expectations, in a section that stays in the copy.
func TestTestOf(t *testing.T) {
	for name, text := range map[string]string{
		"a.yaml": "gdummy_test: {file: a.test.yaml}\npipeline: {}\n",
		"b.yaml": "gdummy_test:\n  file: a.test.yaml\n",
		"c.conf": "[GDUMMY_TEST]\n    File a.test.yaml\n",
	} {
		got := render(t, write(t, map[string]string{name: text}), name, func(c *Config) {
			if c.Test != "a.test.yaml" {
				t.Errorf("%s: Test = %q", name, c.Test)
			}
		})
		if !strings.Contains(got, "a.test.yaml") {
			t.Errorf("%s: the copy is %q", name, got)
		}
	}
}

// Files of any content are rendered or refused.
func FuzzRender(f *testing.F) {
	f.Add("pipeline:\n  inputs:\n    - name: a\n      b: [1, {c: d}]\n", true)
	f.Add("[INPUT]\n    name a\n@SET x=y\n", false)
	f.Fuzz(func(t *testing.T, text string, yaml bool) {
		c := &Config{}
		if yaml {
			if y, err := c.readYAML("x.yaml", []byte(text)); err == nil {
				_ = y.text()
			}
			return
		}
		if strings.Contains(strings.ToUpper(text), "@INCLUDE") {
			return
		}
		if b, err := c.readClassic(text); err == nil {
			_ = b.text()
		}
	})
}

// A filter is found in a section of its own and among processors, in both formats.
func TestHasFilter(t *testing.T) {
	for name, tt := range map[string]struct {
		file, text string
		want       bool
	}{
		"a section":         {"c.conf", "[FILTER]\n    Name MultiLine\n", true},
		"another":           {"c.conf", "[FILTER]\n    name grep\n[INPUT]\n    name multiline\n", false},
		"an element":        {"c.yaml", "pipeline: {filters: [{name: multiline}]}\n", true},
		"a processor":       {"c.yaml", "pipeline: {outputs: [{name: null, processors: {logs: [{name: sql}, {name: multiline}]}}]}\n", true},
		"another processor": {"c.yaml", "pipeline: {inputs: [{name: dummy, processors: {logs: [{name: sql, query: multiline}]}}]}\n", false},
	} {
		c, err := Read(filepath.Join(write(t, map[string]string{tt.file: tt.text}), tt.file))
		if err != nil {
			t.Fatal(err)
		}
		if got := c.HasFilter("multiline"); got != tt.want {
			t.Errorf("%s: got %v, want %v", name, got, tt.want)
		}
	}
}

// A file of YAML may have what Fluent Bit accepts: duplicate keys, which are kept, empty keys,
// a byte order mark. One that nests too deep is an error.
func TestYAMLOfFluentBit(t *testing.T) {
	dir := write(t, map[string]string{
		"a.yaml": "\ufeffservice:\n  parsers_file: p.conf\n  parsers_file: q.conf\nenv: {'': x}\npipeline:\n  inputs: [{name: gdummy}]\n", "p.conf": "", "q.conf": "",
		"deep.yaml": strings.Repeat("[", 100_000),
	})
	got := render(t, dir, "a.yaml", func(c *Config) { c.SetService("flush", "1") })
	want := "service:\n  parsers_file: \"DIR/p.conf\"\n  parsers_file: \"DIR/q.conf\"\n  flush: \"1\"\nenv:\n  \"\": x\npipeline:\n  inputs:\n    -\n      name: gdummy\n"
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	if _, err := Read(filepath.Join(dir, "deep.yaml")); err == nil || !strings.Contains(err.Error(), "nested deeper") {
		t.Errorf("a file that nests deep: %v", err)
	}
}

// The names of properties are those that Fluent Bit knows, however YAML spells them.
func TestNames(t *testing.T) {
	dir := write(t, map[string]string{"a.yaml": "pipeline:\n  outputs:\n    - Name: es\n      Retry_Limit: 5\n      logLevel: info\n      storage.total_limit_size: 1M\n"})
	got := render(t, dir, "a.yaml", func(c *Config) {
		s := c.Outputs[0]
		want := []string{"name", "retry_limit", "log_level", "storage.total_limit_size"}
		if diff := cmp.Diff(want, s.Names()); diff != "" {
			t.Errorf("names (-want +got):\n%s", diff)
		}
		if text, _ := s.Get("retry_limit"); text != "5" {
			t.Errorf("retry_limit is %q, want 5", text)
		}
		s.Remove("log_level")
	})
	if want := "pipeline:\n  outputs:\n    -\n      Name: es\n      Retry_Limit: 5\n      storage.total_limit_size: 1M\n"; got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}
