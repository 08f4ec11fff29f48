// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

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
		code := gdummy(stream{out: &out, err: tty}, []string{
			"test",
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
