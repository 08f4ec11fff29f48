// SPDX-License-Identifier: Apache-2.0

package fake

import "testing"

// Foreign names map to existing functions, and are not names of ours.
func TestForeignNames(t *testing.T) {
	for name, ours := range foreignNames {
		if Find(ours) == nil {
			t.Errorf("%s maps to %s, which does not exist", name, ours)
		}
		if Find(name) != nil {
			t.Errorf("%s is the name of a function", name)
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
