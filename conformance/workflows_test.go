// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"io"
	"strings"
	"testing"

	"github.com/rhysd/actionlint"

	"github.com/gdummy/gdummy/docs/session"
)

// Workflows of GitHub Actions in pages have no errors, and the linter would find one.
func TestWorkflowsInPages(t *testing.T) {
	paths, err := session.Pages("..")
	if err != nil {
		t.Fatal(err)
	}
	lint := func(text string) []*actionlint.Error {
		t.Helper()
		l, err := actionlint.NewLinter(io.Discard, &actionlint.LinterOptions{})
		if err != nil {
			t.Fatal(err)
		}
		errs, err := l.Lint("workflow.yml", []byte(text), nil)
		if err != nil {
			t.Fatal(err)
		}
		return errs
	}
	found := 0
	for _, path := range paths {
		page, err := session.Read(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range page.Blocks {
			if !strings.HasPrefix(b.Text, "# .github/workflows/") {
				if b.Language == "yaml" && strings.Contains(b.Text, "runs-on:") {
					t.Errorf("%s:%d: a workflow without its path in a first line", path, b.Line)
				}
				continue
			}
			found++
			for _, e := range lint(b.Text) {
				t.Errorf("%s:%d: %v", path, b.Line+e.Line, e)
			}
			for _, wrong := range [][2]string{{"runs-on:", "run-on:"}, {"on: [push", "on: [pushed"}, {"  - uses: actions/checkout@v4", "  - use: actions/checkout@v4"}, {"if: always()", "if: allways()"}} {
				if broken := strings.Replace(b.Text, wrong[0], wrong[1], 1); broken == b.Text || len(lint(broken)) == 0 {
					t.Errorf("%s:%d: no error for %q", path, b.Line, wrong[1])
				}
			}
		}
	}
	if found < 2 {
		t.Errorf("%d workflows, want 2 or more", found)
	}
}
