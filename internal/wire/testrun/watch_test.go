// SPDX-License-Identifier: Apache-2.0

package testrun

import (
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
	watched := Watch([]string{filepath.Join(dir, "a.test.yaml")})
	var got []string
	for _, path := range watched.paths {
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
		watched.before = modified(watched.paths)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(files[name]+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if !watched.Wait(nil) {
			t.Errorf("%s: no change", name)
		}
	}
	watched.before = modified(watched.paths)
	if err := os.Remove(filepath.Join(dir, "more.yaml")); err != nil {
		t.Fatal(err)
	}
	if !watched.Wait(nil) {
		t.Error("more.yaml: no change")
	}
	watched.before = modified(watched.paths)
	if err := os.WriteFile(filepath.Join(dir, "app.log"), []byte(strings.Repeat("x", 99)), 0o600); err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	close(stop)
	if modified(watched.paths) != watched.before || watched.Wait(stop) {
		t.Error("app.log counts as a change")
	}
}
