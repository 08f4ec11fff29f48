// SPDX-License-Identifier: Apache-2.0

package layout_test

import (
	"slices"
	"strings"
	"testing"
)

const spdx = "SPDX-License-Identifier: Apache-2.0"

// Every source file that git has begins with the licence in the form of SPDX; in a
// script it follows the line of the interpreter.
func TestSPDX(t *testing.T) {
	for name, text := range tracked(t, 200, "*.go", "*.c", "*.h", "*.sh", ".ci/run", "Makefile", ".github/workflows/*") {
		lines := strings.SplitN(string(text), "\n", 3)
		if strings.HasPrefix(lines[0], "#!") {
			lines = slices.Delete(lines, 0, 1)
		}
		if lines[0] != "// "+spdx && lines[0] != "# "+spdx {
			t.Errorf("%s does not begin with %q", name, spdx)
		}
	}
}
