// SPDX-License-Identifier: Apache-2.0

package layout_test

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// rooms are the directories of internal/ from which those further up may import: a
// package imports from its own room, from rooms below it, and from the ground.
var rooms = []string{"config", "generate", "prove", "wire"}

// ground are the packages that every room may import. They import no room, but for
// units, which everything that prints a figure needs.
var ground = []string{"recordid", "event", "msgpack", "chart", "files", "unpack", "testenv"}

// groundImports are the packages outside the ground that it may import.
var groundImports = []string{"config/units"}

// pluginLinks are all packages of this module and all others, outside the standard
// library, that gdummy.so links. Every further one would cost memory in each Fluent
// Bit that loads the plugin.
var pluginLinks = []string{
	"cmd/in_gdummy",
	"flb", "flb/internal/cgroup", "flb/internal/host",
	"internal/config/diag", "internal/config/option", "internal/config/units",
	"internal/event", "internal/files", "internal/msgpack", "internal/recordid", "internal/unpack",
	"internal/generate/clock", "internal/generate/control", "internal/generate/damage", "internal/generate/disorder", "internal/generate/engine", "internal/generate/fake", "internal/generate/format", "internal/generate/jsonbody",
	"internal/generate/lives", "internal/generate/pace", "internal/generate/replay", "internal/generate/seed", "internal/generate/template", "internal/generate/value",
	"internal/prove/ledger", "internal/prove/tracking",

	"github.com/brianvoe/gofakeit/v7", "github.com/brianvoe/gofakeit/v7/data", "github.com/brianvoe/gofakeit/v7/source",
	"github.com/cespare/xxhash/v2",
	"github.com/go-json-experiment/json/*",
	"github.com/klauspost/compress/*", "github.com/mikelolasagasti/xz",
	"github.com/philhofer/fwd", "github.com/tinylib/msgp/msgp",
}

// goList returns a line for each package that go list finds.
func goList(t *testing.T, args ...string) []string {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list"}, args...)...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=1")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

// misplaced returns why a package may not import another one, or "". Both are paths
// within the module.
func misplaced(from, to string) string {
	from, ok := strings.CutPrefix(from, "internal/")
	to, internal := strings.CutPrefix(to, "internal/")
	if !ok || !internal {
		return ""
	}
	room := func(path string) int { return slices.Index(rooms, strings.Split(path, "/")[0]) }
	isGround := func(path string) bool { return slices.Contains(ground, path) }
	switch {
	case isGround(to), slices.Contains(groundImports, to):
		return ""
	case isGround(from):
		return "the ground imports no room"
	case room(from) < 0:
		return "the package is in no room"
	case room(to) > room(from):
		return "imports go wire → prove → generate → config"
	}
	return ""
}

// Imports between the rooms have one direction, so that the packages that generate
// records never depend on those that check them.
func TestRooms(t *testing.T) {
	seen := 0
	for _, line := range goList(t, "-f", `{{.ImportPath}} {{join .Imports " "}}`, module+"/internal/...") {
		packages := strings.Fields(line)
		from := strings.TrimPrefix(packages[0], module+"/")
		for _, path := range packages[1:] {
			to, ours := strings.CutPrefix(path, module+"/")
			if why := misplaced(from, to); ours && why != "" {
				t.Errorf("%s imports %s: %s", from, to, why)
			}
			seen++
		}
	}
	if seen < 100 {
		t.Errorf("%d imports, want at least 100", seen)
	}
}

// The check can fail.
func TestMisplaced(t *testing.T) {
	for _, tt := range []struct {
		from, to string
		ok       bool
	}{
		{"internal/generate/engine", "internal/config/option", true},
		{"internal/generate/engine", "internal/recordid", true},
		{"internal/wire/receive", "internal/prove/recordscan", true},
		{"cmd/gdummy", "internal/wire/receive", true},
		{"internal/wire/testrun", "internal/prove/expect", true},
		{"internal/event", "internal/config/units", true},
		{"internal/config/option", "internal/generate/template", false},
		{"internal/generate/engine", "internal/prove/ledger", false},
		{"internal/prove/audit", "internal/wire/receive", false},
		{"internal/generate/check", "internal/wire/pipeline", false},
		{"internal/chart", "internal/generate/pace", false},
		{"internal/stray", "internal/config/option", false},
	} {
		if why := misplaced(tt.from, tt.to); (why == "") != tt.ok {
			t.Errorf("misplaced(%s, %s) = %q, want allowed: %v", tt.from, tt.to, why, tt.ok)
		}
	}
}

// The command has flags, help and printing, which no other package has; what it does beyond
// that is in packages of its own.
func TestCommand(t *testing.T) {
	printing := []string{"flag", "golang.org/x/term", "github.com/schollz/progressbar/v3"}
	doing := []string{"net", "net/http", "os/exec"}
	seen := 0
	for _, line := range goList(t, "-f", `{{.ImportPath}} {{join .Imports " "}}`, module+"/internal/...", module+"/cmd/gdummy") {
		packages := strings.Fields(line)
		from, foreign := strings.TrimPrefix(packages[0], module+"/"), printing
		if from == "cmd/gdummy" {
			foreign = doing
		}
		for _, path := range packages[1:] {
			if slices.Contains(foreign, path) {
				t.Errorf("%s imports %s", from, path)
			}
			if from == "cmd/gdummy" && slices.Contains(printing, path) {
				seen++
			}
		}
	}
	if seen != len(printing) {
		t.Errorf("cmd/gdummy imports %d of %v", seen, printing)
	}
}

// The plugin stays small: it links exactly the packages listed.
func TestPluginLinks(t *testing.T) {
	used := map[string]bool{}
	for _, path := range goList(t, "-deps", "-f", `{{if not .Standard}}{{.ImportPath}}{{end}}`, module+"/cmd/in_gdummy") {
		path = strings.TrimPrefix(path, module+"/")
		i := slices.IndexFunc(pluginLinks, func(p string) bool {
			prefix, all := strings.CutSuffix(p, "*")
			return p == path || all && (strings.HasPrefix(path, prefix) || path == strings.TrimSuffix(prefix, "/"))
		})
		if i < 0 {
			t.Errorf("the plugin links %s, which is not listed", path)
			continue
		}
		used[pluginLinks[i]] = true
	}
	for _, p := range pluginLinks {
		if !used[p] {
			t.Errorf("%s is listed but not linked", p)
		}
	}
}
