// SPDX-License-Identifier: Apache-2.0

package fake

import "testing"

// What others call otherwise leads to functions that there are, and hides none.
func TestForeignNames(t *testing.T) {
	for name, ours := range foreignNames {
		if Find(ours) == nil {
			t.Errorf("%s leads to %s, which does not exist", name, ours)
		}
		if Find(name) != nil {
			t.Errorf("%s is a function of ours", name)
		}
	}
	for name, want := range map[string]string{
		"toJson": "; did you mean json?", "emial": "; did you mean email?", "hasPrefix": "; did you mean hasprefix?", "xyzzyxyzzy": "",
	} {
		if got := HintFunc(name); got != want {
			t.Errorf("HintFunc(%q): got %q, want %q", name, got, want)
		}
	}
}
