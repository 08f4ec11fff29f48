// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// -q hides the errors of a start, so no command that users may copy has it.
func TestErrorsAreSeen(t *testing.T) {
	var files []string
	for _, pattern := range []string{"../../README.md", "../../Makefile", "../../docs/*.md", "../../docs/*/*.md", "../../scripts/*"} {
		matches, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, matches...)
	}
	if len(files) < 10 {
		t.Fatalf("only %d files: %v", len(files), files)
	}
	quiet := regexp.MustCompile(`(?i)fluent[-_]bit"? .*(-q|--quiet)\b`)
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if line := quiet.Find(text); line != nil {
			t.Errorf("%s: %s", name, line)
		}
	}
}

// Errors in ARGS of `make run` are reported before anything starts.
func TestMakeRunErrors(t *testing.T) {
	for args, want := range map[string]string{
		"rate=5":          `"rate=5" is not an option: expected -p KEY=VALUE, such as ARGS='-p rate=5'`,
		"-p":              "the last option lacks its value: expected -p KEY=VALUE",
		"-p -p rate=5":    `an option lacks its value: expected -p KEY=VALUE, found "-p"`,
		"-p rate=5 -p":    "the last option lacks its value: expected -p KEY=VALUE",
		"-p a=b -p -d":    `an option lacks its value: expected -p KEY=VALUE, found "-d"`,
		"-p rate=5 --x y": `unknown flag "--x": expected -p KEY=VALUE`,
		"-p a=b c -d":     `unknown flag "-d": expected -p KEY=VALUE`,
		"--x":             `unknown flag "--x": expected -p KEY=VALUE`,
		"-prate=5":        `unknown flag "-prate=5": expected -p KEY=VALUE`,
		"-p rate":         `"rate" is not a property: expected -p KEY=VALUE`,
	} {
		cmd := exec.Command("sh", "../../scripts/run.sh", "plugin", "true", "0")
		cmd.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "FLUENT_BIT=") }), "FLUENT_BIT=true", "ARGS="+args)
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 2 || string(out) != "make run: ARGS: "+want+"\n" {
			t.Errorf("%s: %v, %s", args, err, out)
		}
	}
}

// A value with spaces is one value, and a property with spaces one property.
func TestMakeRunProperties(t *testing.T) {
	dir := t.TempDir()
	host := filepath.Join(dir, "host")
	if err := os.WriteFile(host, []byte("#!/bin/sh\nfor arg; do echo \"<$arg>\"; done\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "../../scripts/run.sh", "plugin", "true", "0")
	cmd.Env = append(os.Environ(), "FLUENT_BIT="+host, `ARGS=-p rate=5 --prop dummy={"a": -1, "b": "* c"} -p tag=x`)
	out, err := cmd.Output()
	_, args, ok := strings.Cut(string(out), host+"\n")
	want := "<-e>\n<plugin>\n<-i>\n<gdummy>\n<-p>\n<rate=5>\n<-p>\n<dummy={\"a\": -1, \"b\": \"* c\"}>\n<-p>\n<tag=x>\n<-o>\n<stdout>\n<-f>\n<0.2>\n"
	if err != nil || !ok || args != want {
		t.Errorf("%v, %s", err, out)
	}
}
