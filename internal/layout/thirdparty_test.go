// SPDX-License-Identifier: Apache-2.0

package layout_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "renew THIRD_PARTY.md")

// licences maps words of a licence to its SPDX identifier.
var licences = []struct{ words, id string }{
	{"Apache License", "Apache-2.0"},
	{"Mozilla Public License Version 2.0", "MPL-2.0"},
	{"Redistribution and use in source and binary forms", "BSD-3-Clause"},
	{"Permission is hereby granted, free of charge", "MIT"},
	{"Permission to use, copy, modify, and/or distribute this software for any\npurpose with or without fee is hereby granted.", "0BSD"},
}

// dependency is a module that the plugin or the command contains.
type dependency struct{ Path, Version, Dir string }

// dependencies returns the modules that the plugin and the command link, and the Go
// distribution, whose library they contain.
func dependencies(t *testing.T) []dependency {
	t.Helper()
	cmd := exec.Command("go", "list", "-deps", "-json=Module", module+"/cmd/...")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=1", "GOOS=linux")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	list := []dependency{{Path: "Go", Dir: strings.TrimSpace(string(goroot))}}
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct{ Module *dependency }
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if m := p.Module; m != nil && m.Path != module && !slices.Contains(list, *m) {
			list = append(list, *m)
		}
	}
	slices.SortFunc(list[1:], func(a, b dependency) int { return strings.Compare(a.Path, b.Path) })
	return list
}

// THIRD_PARTY.md has the licences of all modules that the plugin and the command
// contain, each under terms that are known.
func TestThirdParty(t *testing.T) {
	list := dependencies(t)
	var table, texts strings.Builder
	for _, m := range list {
		files, err := filepath.Glob(filepath.Join(m.Dir, "*"))
		if err != nil {
			t.Fatal(err)
		}
		id := ""
		fmt.Fprintf(&texts, "\n## %s\n", m.Path)
		for _, file := range files {
			name := strings.ToUpper(filepath.Base(file))
			if !slices.ContainsFunc([]string{"LICENSE", "LICENCE", "COPYING", "NOTICE"}, func(p string) bool { return strings.HasPrefix(name, p) }) {
				continue
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&texts, "\n```text\n%s\n```\n", strings.Trim(strings.ReplaceAll(string(text), "```", "'''"), "\n"))
			for _, l := range licences {
				if id == "" && strings.Contains(string(text), l.words) {
					id = l.id
				}
			}
		}
		if id == "" {
			t.Errorf("%s has no licence that is known", m.Path)
		}
		// Versions are in go.mod: here they would change with each update.
		fmt.Fprintf(&table, "| %s | %s |\n", m.Path, id)
	}
	if len(list) < 10 {
		t.Errorf("only %d modules", len(list))
	}
	want := "# Third-party notices\n\n<!-- `make docs` renews this page. -->\n\n" +
		"`gdummy.so` and `gdummy` contain these, under their licences. Versions are in [go.mod](go.mod).\n\n" +
		"| | licence |\n|---|---|\n" + table.String() + texts.String()
	const path = "../../THIRD_PARTY.md"
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != want {
		t.Errorf("THIRD_PARTY.md is not current (%v); `make docs` renews it", err)
	}
}
