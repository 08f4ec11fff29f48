// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

// Situations in which people lost hours to a parser or a filter, in our own words: a test
// finds the bug, and nothing else, and passes with the fix. Files in buggy and fixed are
// those that differ.
func TestSituations(t *testing.T) {
	paths, err := filepath.Glob("testdata/situations/*.txtar")
	if err != nil || len(paths) < 10 {
		t.Fatalf("%d situations, want 10 or more: %v", len(paths), err)
	}
	onEachHost(t, func(t *testing.T, h host) {
		h.since(t, v2_1_0, "metadata")
		for i, path := range paths {
			if testing.Short() && i%3 != 0 {
				continue
			}
			t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
				archive, err := txtar.ParseFile(path)
				if err != nil {
					t.Fatal(err)
				}
				var want []string
				for line := range strings.Lines(string(archive.Comment)) {
					if found, ok := strings.CutPrefix(line, "finds: "); ok {
						want = append(want, strings.TrimSpace(found))
					}
				}
				slices.Sort(want)
				for form, want := range map[string][]string{"buggy": want, "fixed": nil} {
					got := testContent(t, h, situation(t, archive, form), "app.test.yaml").found(t)
					if diff := cmp.Diff(want, got); diff != "" {
						t.Errorf("%s: (-want +got):\n%s", form, diff)
					}
				}
			})
		}
	})
}

// situation writes the files of one form of a situation.
func situation(t *testing.T, archive *txtar.Archive, form string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for _, f := range archive.Files {
		name := f.Name
		if parent, base := filepath.Split(name); parent == form+"/" {
			name = base
		} else if parent != "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, name), f.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
