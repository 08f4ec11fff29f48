// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A test is repeated if a file on which it depends changes or disappears, also while it ran,
// but not for files that pipelines read and write.
func TestWatch(t *testing.T) {
	dir := t.TempDir()
	files := map[string]string{
		"a.test.yaml":     "pipeline: fluent-bit.yaml\nsinks: [{output: es.0}]\ninputs: [{input: tail.0, template_file: t/shop.tmpl}]\n",
		"fluent-bit.yaml": "service:\n  parsers_file: parsers.conf\n  log_file: fb.log\nincludes: [more.yaml]\npipeline:\n  inputs:\n    - name: tail\n      path: app.log\n      db: app.db\n  outputs:\n    - name: es\n",
		"more.yaml":       "pipeline:\n  filters:\n    - name: lua\n      script: \"x.lua\"\n",
		"parsers.conf":    "[PARSER]\n    Name a\n", "x.lua": "", "t/shop.tmpl": `{"u": "{{ (row "users.csv").name }}"}`, "t/users.csv": "name\nAda\n",
		"app.log": "", "app.db": "", "fb.log": "", "other.txt": "",
	}
	for name, text := range files {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	watched := watchedFiles([]string{filepath.Join(dir, "a.test.yaml")})
	var got []string
	for _, path := range watched {
		name, err := filepath.Rel(dir, path)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, name)
	}
	slices.Sort(got)
	if diff := cmp.Diff([]string{"a.test.yaml", "fluent-bit.yaml", "more.yaml", "parsers.conf", "t/shop.tmpl", "t/users.csv", "x.lua"}, got); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
	for _, name := range []string{"t/users.csv", "x.lua", "a.test.yaml"} {
		before := modified(watched)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(files[name]+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if !waitForChange(watched, before, nil) {
			t.Errorf("%s: no change", name)
		}
	}
	before := modified(watched)
	if err := os.Remove(filepath.Join(dir, "more.yaml")); err != nil {
		t.Fatal(err)
	}
	if !waitForChange(watched, before, nil) {
		t.Error("more.yaml: no change")
	}
	before = modified(watched)
	if err := os.WriteFile(filepath.Join(dir, "app.log"), []byte(strings.Repeat("x", 99)), 0o600); err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	close(stop)
	if modified(watched) != before || waitForChange(watched, before, stop) {
		t.Error("app.log counts as a change")
	}
}

// While a test runs, a terminal shows how many records have arrived.
func TestTestProgress(t *testing.T) {
	t.Setenv("TERM", "xterm")
	dir := t.TempDir()
	for name, text := range map[string]string{
		"fluent-bit":      "#!/bin/sh\n[ \"$1\" = --version ] && echo Fluent Bit v5.1.1 || exec sleep 60\n",
		"x.so":            "",
		"fluent-bit.yaml": "pipeline:\n  inputs: [{name: gdummy}]\n  outputs: [{name: es}]\n",
		"a.test.yaml":     "pipeline: fluent-bit.yaml\nsinks: [{output: es.0}]\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	got := onTerminal(t, func(tty *os.File) {
		code := testCommand(stream{out: &out, err: tty}, []string{
			filepath.Join(dir, "a.test.yaml"), "--fluent-bit", filepath.Join(dir, "fluent-bit"), "--plugin", filepath.Join(dir, "x.so"), "--timeout", "1500ms",
		})
		if code != exitUsage {
			t.Errorf("exit code %d, want %d", code, exitUsage)
		}
	})
	if !strings.Contains(got, "(0/-, ") || !strings.HasSuffix(got, clearLine) {
		t.Errorf("the terminal shows %q", got)
	}
	if want := "no verdict within 1.5s (--timeout)"; !strings.Contains(out.String(), want) {
		t.Errorf("%q, want %q in it", out.String(), want)
	}
}
