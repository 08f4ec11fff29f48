// SPDX-License-Identifier: Apache-2.0

package control

import "testing"

// No control file makes its parser panic, and each error is within the file.
func FuzzParse(f *testing.F) {
	f.Add("rate 5k\nscale 0.5\n# a comment\n")
	f.Add("load_profile ramp 0 to 1k for 2m; repeat\npause\n")
	f.Add("rate \nrate 1\nunknown x")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse("pace", text)
		if (s == nil) != (err != nil) {
			t.Fatalf("%v, %v", s, err)
		}
		if err == nil {
			_ = s.String()
			return
		}
		for _, e := range err.(Errors) {
			if e.Offset < 0 || e.Offset > len(text) {
				t.Fatalf("%v: byte %d of %d", e, e.Offset, len(text))
			}
		}
	})
}
