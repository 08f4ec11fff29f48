// SPDX-License-Identifier: Apache-2.0

package layout_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// promises are the sentences of SECURITY.md on what others cannot do, and the tests that hold
// them: a directory and the name of a function, or a file with a story.
var promises = []struct{ sentence, test string }{
	{"write files, run programs, open connections, read environment variables", "internal/layout TestTemplateReach"},
	{"loop without an end, grow without bounds, or nest deeper than Fluent Bit can read", "internal/generate/template TestHostile"},
	{"break the structure of a record", "internal/generate/template TestProperties"},
	{"It cannot make\n`gdummy audit` write a file", "cmd/gdummy audit_untrusted"},
	{"write outside of what the flags name", "cmd/gdummy audit_untrusted"},
	{"take memory: decompression is bounded", "internal/prove/recordscan TestBombs"},
	{"get them into the page of `--html` unescaped", "internal/prove/report TestWrite"},
	{"or from a ledger into the printed verdict", "cmd/gdummy audit_untrusted"},
	{"binds to the loopback interface unless the address names another", "internal/wire/receive TestListenRefuses"},
	{"take more than 256 MB or 256 connections together with all others", "internal/wire/receive TestUnderAttack"},
	{"keep the audit from ending", "internal/wire/receive TestSlowClientsBlockNoOthers"},
	{"read what others have sent", "internal/wire/receive TestReturnsNoRecords"},
	{"and then requires TLS", "internal/wire/collect TestAddresses"},
	{"store or read anything without the token", "internal/wire/collect TestRefused"},
	{"write outside of the directory of `--collect-dir`", "internal/wire/collect TestRefused"},
	{"take the memory of more than 64 requests", "internal/wire/collect TestBodiesInMemory"},
	{"It opens no connection and starts no program", "internal/layout TestPluginReach"},
	{"writes to three places of Fluent Bit's\nstructures", "flbhost TestForeignAllocator"},
	{"in versions that were tested", "flbhost TestUnknownVersions"},
	{"A panic is recovered", "flbhost TestPanics"},
	{"`FLB_PLAIN_CALLBACKS=on` reduces it to plain callbacks", "flbhost TestPlainCallbacks"},
	{"Dependencies are pinned in `go.sum`; [THIRD_PARTY.md](THIRD_PARTY.md) lists them", "internal/layout TestThirdParty"},
	{"Workflows pin actions by commit", "internal/layout TestPinnedActions"},
}

// Each promise of SECURITY.md has a test, and each row of "it cannot" is a promise.
func TestThreatModel(t *testing.T) {
	page, err := os.ReadFile("../../SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(page)
	for _, p := range promises {
		if !strings.Contains(text, p.sentence) {
			t.Errorf("SECURITY.md does not have %q", p.sentence)
		}
		dir, name, _ := strings.Cut(p.test, " ")
		if !hasTest(t, dir, name) {
			t.Errorf("%q: no test %s", p.sentence, p.test)
		}
	}
	for line := range strings.Lines(text) {
		cells := strings.Split(strings.Trim(line, "| \n"), " | ")
		if len(cells) != 2 || !strings.HasPrefix(line, "| ") || strings.HasSuffix(cells[1], "it cannot") {
			continue
		}
		held := func(sentence string) bool { return strings.Contains(cells[1], sentence) }
		if !slices.ContainsFunc(promises, func(p struct{ sentence, test string }) bool { return held(p.sentence) }) {
			t.Errorf("no test holds %q", cells[1])
		}
	}
}

func hasTest(t *testing.T, dir, name string) bool {
	t.Helper()
	if _, err := os.Stat(filepath.Join("../..", dir, "testdata", name+".txtar")); err == nil {
		return true
	}
	files, err := filepath.Glob(filepath.Join("../..", dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(source), "func "+name+"(t *testing.T)") {
			return true
		}
	}
	return false
}

// far reports whether a package reaches the network, other programs or the environment.
// net/netip and net/url only parse.
func far(path string) bool {
	return path == "net" || path == "net/http" || path == "os/exec" || path == "plugin" || path == "os/user"
}

// The plugin links no package that opens connections or starts programs.
func TestPluginReach(t *testing.T) {
	for _, path := range goList(t, "-deps", module+"/cmd/in_gdummy") {
		if far(path) {
			t.Errorf("the plugin links %s", path)
		}
	}
	if !slices.ContainsFunc(goList(t, "-deps", module+"/cmd/gdummy"), far) {
		t.Error("the command links none either: the test does not see them")
	}
}

// Templates, their functions and their values have neither files nor environment: what they
// read, package files opens.
func TestTemplateReach(t *testing.T) {
	for _, pkg := range []string{"template", "fake", "value", "seed", "lives"} {
		for _, path := range goList(t, "-f", `{{range .Imports}}{{println .}}{{end}}`, module+"/internal/generate/"+pkg) {
			if far(path) || path == "os" || path == "syscall" {
				t.Errorf("package %s imports %s", pkg, path)
			}
		}
	}
	names := regexp.MustCompile(`os\.(Getenv|LookupEnv|Environ|ExpandEnv|Create|WriteFile|Mkdir\w*|Remove\w*|Rename)\b`)
	err := filepath.WalkDir("../generate", func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		if call := names.Find(source); call != nil {
			t.Errorf("%s calls %s", path, call)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Workflows name actions by the hash of a commit: a tag may be moved.
func TestPinnedActions(t *testing.T) {
	uses := regexp.MustCompile(`(?m)^\s*(?:- )?uses:\s*(\S+)`)
	pinned := regexp.MustCompile(`^[\w./-]+@[0-9a-f]{40}$`)
	files, _ := filepath.Glob("../../.github/workflows/*.yml")
	n := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range uses.FindAllStringSubmatch(string(text), -1) {
			if n++; !pinned.MatchString(m[1]) && !strings.HasPrefix(m[1], "./") {
				t.Errorf("%s uses %s", filepath.Base(file), m[1])
			}
		}
	}
	if n == 0 {
		t.Error("no workflow uses an action: the test does not see them")
	}
}

// Every test that the page of faults names exists.
func TestFaultsPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/reference/faults.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for line := range strings.Lines(string(page)) {
		named := regexp.MustCompile("`([\\w/]+) (Test\\w+)`").FindAllStringSubmatch(line, -1)
		if strings.HasPrefix(line, "| ") && !strings.HasPrefix(line, "| fault") && len(named) == 0 {
			t.Errorf("no test: %s", line)
		}
		for _, m := range named {
			if rows++; !hasTest(t, m[1], m[2]) {
				t.Errorf("no test %s %s", m[1], m[2])
			}
		}
	}
	if rows < 20 {
		t.Errorf("the page names %d tests", rows)
	}
}
