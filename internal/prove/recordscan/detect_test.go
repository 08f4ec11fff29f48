// SPDX-License-Identifier: Apache-2.0

package recordscan

import "testing"

// The search for a name ends at each place where data may be cut.
func TestHasName(t *testing.T) {
	event := []byte("\x92\x92\xd7\x00\x00\x00\x00\x01\x00\x00\x00\x02\x80\x81\xa1a\x01")
	for n := range event {
		if hasName(event[:n]) {
			t.Errorf("hasName(% x) = true, want false: the map is the metadata, which is empty", event[:n])
		}
	}
	for data, want := range map[string]bool{
		"\x81\xa1a\x01":                 true,
		"\x92\x81\xa1a\x01":             true,
		"\xdd\x00\x00\x00\x01\x81\xa1a": true,
		"\x81\xa1":                      false,
		"\xdd\x00":                      false,
		"\xd7":                          false,
		"\xd8\x00":                      false,
		"\x81\xa1\x00":                  false,
		"":                              false,
	} {
		if got := hasName([]byte(data)); got != want {
			t.Errorf("hasName(% x) = %v, want %v", data, got, want)
		}
	}
}
