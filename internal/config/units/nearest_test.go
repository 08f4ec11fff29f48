// SPDX-License-Identifier: Apache-2.0

package units

import "testing"

func TestNearest(t *testing.T) {
	names := []string{"constant", "idle", "ramp", "steps", "sine", "for"}
	for _, tt := range []struct{ given, want, why string }{
		{"rmap", "ramp", "two neighbours swapped are one slip"},
		{"sin", "sine", "a letter is missing"},
		{"Constnat", "constant", "case does not matter"},
		{"stepps", "steps", "a letter too many"},
		{"elephant", "", "nothing is like it, and a bad guess is worse than none"},
		{"", "", "nothing given is like nothing"},
	} {
		if got := Nearest(tt.given, names); got != tt.want {
			t.Errorf("Nearest(%q) = %q, want %q: %s", tt.given, got, tt.want, tt.why)
		}
	}
}
