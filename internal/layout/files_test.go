// SPDX-License-Identifier: Apache-2.0

package layout_test

import (
	"bytes"
	"fmt"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// root is the top of the repository.
const root = "../.."

// tracked returns the files that git has and that match one of the patterns, with their
// text. It fails the test if there are fewer than a number of them.
func tracked(t *testing.T, atLeast int, patterns ...string) iter.Seq2[string, []byte] {
	list := exec.Command("git", append([]string{"ls-files", "-z", "--"}, patterns...)...)
	list.Dir = root
	out, err := list.Output()
	if err != nil {
		t.Skipf("### SKIPPED: this is not a git checkout, which lists the files (%v)", err)
	}
	return func(yield func(string, []byte) bool) {
		files := 0
		for name := range strings.SplitSeq(strings.TrimRight(string(out), "\x00"), "\x00") {
			text, err := os.ReadFile(filepath.Join(root, name))
			if os.IsNotExist(err) {
				continue // deleted, and not committed yet
			} else if err != nil {
				t.Fatal(err)
			}
			files++
			if !yield(name, text) {
				return
			}
		}
		if files < atLeast {
			t.Errorf("only %d files were read", files)
		}
	}
}

// Pages that a source names exist.
func TestNamedPages(t *testing.T) {
	page := regexp.MustCompile(`\bdocs/[a-z0-9_/-]+\.md\b`)
	for name, text := range tracked(t, 400, "*.go", "*.c", "*.h", "*.sh", "Makefile", ".github/*", ".ci/*") {
		for _, at := range page.FindAllIndex(text, -1) {
			named := string(text[at[0]:at[1]])
			if _, err := os.Stat(filepath.Join(root, named)); err != nil {
				t.Errorf("%s:%d: %s does not exist", name, bytes.Count(text[:at[0]], []byte("\n"))+1, named)
			}
		}
	}
}

// The numbers of formats, and of examples with a configuration, in pages are those of the
// repository.
func TestCounts(t *testing.T) {
	count := func(pattern string) string {
		files, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(len(files))
	}
	want := map[string]string{"formats": count("internal/generate/format/*.tmpl"), "examples": count("examples/*/fluent-bit.*")}
	named := regexp.MustCompile(`\b(\d+) \[?(formats|examples)\b`)
	found := map[string]int{}
	for name, text := range tracked(t, 3, "README.md", "CHANGELOG.md", "docs/tutorial.md") {
		for _, m := range named.FindAllStringSubmatch(string(text), -1) {
			found[m[2]]++
			if m[1] != want[m[2]] {
				t.Errorf("%s: %s %s, want %s", name, m[1], m[2], want[m[2]])
			}
		}
	}
	if found["formats"] < 3 || found["examples"] < 3 {
		t.Errorf("pages with numbers: %v, want 3 of each", found)
	}
}
