// SPDX-License-Identifier: Apache-2.0

package agent

import "testing"

// Only a system call that waits for events is waiting.
func TestIsWait(t *testing.T) {
	for line, want := range map[string]bool{
		"232 0x5 0x7f 0x100 0x3e8 0x0 0x0 0x7ffe 0x7f12\n": true, "281 0x5\n": true, "271 0x1\n": true,
		"running\n": false, "-1 0x7f 0x7e\n": false, "230 0x0\n": false, "0 0x3\n": false, "": false, "x": false,
	} {
		if got := isWait(line); got != want {
			t.Errorf("%q: %t, want %t", line, got, want)
		}
	}
}
