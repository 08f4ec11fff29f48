// SPDX-License-Identifier: Apache-2.0

package layout_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const spdx = "SPDX-License-Identifier: Apache-2.0"

// Every source file that git has begins with the licence in the form of SPDX; in a
// script it follows the line of the interpreter.
func TestSPDX(t *testing.T) {
	const root = "../.."
	list := exec.Command("git", "ls-files", "-z", "--", "*.go", "*.c", "*.h", "*.sh", ".ci/run", "Makefile", ".github/workflows/*")
	list.Dir = root
	out, err := list.Output()
	if err != nil {
		t.Skipf("SKIPPED: this is not a git checkout, which lists the files (%v)", err)
	}
	files := strings.Split(strings.TrimRight(string(out), "\x00"), "\x00")
	if len(files) < 200 {
		t.Fatalf("only %d files", len(files))
	}
	for _, name := range files {
		text, err := os.ReadFile(filepath.Join(root, name))
		if os.IsNotExist(err) {
			continue // deleted, and not committed yet
		} else if err != nil {
			t.Fatal(err)
		}
		lines := strings.SplitN(string(text), "\n", 3)
		if strings.HasPrefix(lines[0], "#!") {
			lines = slices.Delete(lines, 0, 1)
		}
		if lines[0] != "// "+spdx && lines[0] != "# "+spdx {
			t.Errorf("%s does not begin with %q", name, spdx)
		}
	}
}
