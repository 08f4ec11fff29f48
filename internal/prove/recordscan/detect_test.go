// SPDX-License-Identifier: Apache-2.0

package recordscan

import "testing"

// The search for a name ends at each place where data may be cut.
func TestHasName(t *testing.T) {
	event := []byte("\x92\x92\xd7\x00\x00\x00\x00\x01\x00\x00\x00\x02\x80\x81\xa1a\x01")
	for n := range event {
		if got, want := hasName(event[:n]), n == len(event)-1; got != want {
			t.Errorf("hasName(% x) = %v, want %v: the first map is the metadata, which is empty", event[:n], got, want)
		}
	}
	for data, want := range map[string]bool{
		"\x81\xa1a\x01":                 true,
		"\x92\x81\xa1a\x01":             true,
		"\xdd\x00\x00\x00\x01\x81\xa1a": true,
		// Filters of Fluent Bit 4.2 write arrays with long headers.
		"\xdd\x00\x00\x00\x02\xdd\x00\x00\x00\x02\xd7\x00\x00\x00\x00\x01\x00\x00\x00\x02\x80\x84\xa5level": true,
		"\x80\x80":     false,
		"\x81\xa1":     false,
		"\xdd\x00":     false,
		"\xd7":         false,
		"\xd8\x00":     false,
		"\x81\xa1\x00": false,
		"":             false,
	} {
		if got := hasName([]byte(data)); got != want {
			t.Errorf("hasName(% x) = %v, want %v", data, got, want)
		}
	}
}
