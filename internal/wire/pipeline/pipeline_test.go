// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A file of the test has a path like those that the input reads.
func TestSamplePath(t *testing.T) {
	for pattern, want := range map[string]string{
		"":                                   "/gdummy.log",
		"/var/log/app.log":                   "/var/log/app.log",
		"app.log":                            "/app.log",
		"/var/log/app/*.log, /var/log/x.log": "/var/log/app/gdummy.log",
		"/var/lib/docker/containers/*/*-json.log": "/var/lib/docker/containers/gdummy/gdummy-json.log",
		"/var/log/containers/*.log":               "/var/log/containers/gdummy_default_gdummy-" + strings.Repeat("0", 64) + ".log",
		"${DIR}/a?c[0-9].log":                     "/gdummy/a0c0.log",
		"../x/*":                                  "/x/gdummy",
	} {
		if got := SamplePath(pattern); got != want {
			t.Errorf("%q: %q, want %q", pattern, got, want)
		}
	}
}

// The file of expectations is the one that is named, or that a configuration names; one of
// another pipeline is not taken.
func TestReadTest(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"a.yaml":      "gdummy_test: {file: a.test.yaml}\npipeline:\n  inputs: [{name: gdummy}]\n  outputs: [{name: es}]\n",
		"b.yaml":      "gdummy_test: {file: a.test.yaml}\npipeline:\n  inputs: [{name: gdummy}]\n  outputs: [{name: es}]\n",
		"c.conf":      "[INPUT]\n    name gdummy\n",
		"a.test.yaml": "pipeline: a.yaml\nsinks: [{output: es.0}]\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{
		"a.test.yaml": "", "a.yaml": "", "b.yaml": "expected this one", "c.conf": "configuration without expectations", "d.yaml": "no such file",
	} {
		file, err := ReadTest(filepath.Join(dir, name))
		switch {
		case want != "":
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %q in it", name, err, want)
			}
		case err != nil:
			t.Errorf("%s: %v", name, err)
		case file.Path != filepath.Join(dir, "a.test.yaml") || file.Pipeline != filepath.Join(dir, "a.yaml"):
			t.Errorf("%s: the file %s with the pipeline %s", name, file.Path, file.Pipeline)
		}
	}
}
