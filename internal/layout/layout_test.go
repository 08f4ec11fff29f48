// SPDX-License-Identifier: Apache-2.0

// Package layout_test keeps the boundaries between this module's packages.
package layout_test

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/gdummy/gdummy"

// Only package flb uses C, and only a plugin's package main and flb's own packages use
// flb. All of them build without a C compiler.
func TestBoundary(t *testing.T) {
	cmd := exec.Command("go", "list", "-f", `{{.ImportPath}}|{{.Name}}|{{len .CgoFiles}}|{{join .Deps " "}}`, module+"/...")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=1")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for line := range strings.SplitSeq(strings.TrimSpace(string(out)), "\n") {
		f := strings.SplitN(line, "|", 4)
		if len(f) != 4 {
			t.Fatalf("go list printed %q", line)
		}
		path, name, cgo, deps := f[0], f[1], f[2] != "0", strings.Fields(f[3])
		if cgo && path != module+"/flb" {
			t.Errorf(`%s imports "C": only flb may`, path)
		}
		if slices.Contains(deps, module+"/flb") && name != "main" && !strings.HasPrefix(path, module+"/flb/") {
			t.Errorf("%s uses flb, so that it needs C: only a plugin's package main may", path)
		}
		if strings.HasPrefix(path, module+"/internal/") && slices.Contains(deps, module+"/flb") {
			t.Errorf("%s is internal and uses flb", path)
		}
		seen++
	}
	if seen < 10 {
		t.Errorf("only %d packages were checked", seen)
	}
}
