// SPDX-License-Identifier: Apache-2.0

package option

import (
	"slices"
	"testing"
)

// A misspelt name of our own wins over one of Fluent Bit's.
func TestIsCore(t *testing.T) {
	for _, name := range []string{"tag", "Tag", "mem_buf_limit", "storage.type", "net.keepalive", "OAuth2.issuer", "threaded", "tls.verify", "alias"} {
		if !IsCore(name) {
			t.Errorf("IsCore(%s) = true", name)
		}
	}
	for _, name := range []string{"", "rate", "tags", "network", "storage"} {
		if IsCore(name) {
			t.Errorf("IsCore(%s) = false", name)
		}
	}
}

// The value of a JSON string, and the origin of each byte.
func TestDecode(t *testing.T) {
	for _, tt := range []struct {
		quoted, value string
		origins       []int
	}{
		{`"a\"b"`, `a"b`, []int{1, 2, 4, 5}},
		{"\"{\\\"\xff\\\":\t1}\"", "{\"\xff\":\t1}", []int{1, 2, 4, 5, 7, 8, 9, 10, 11}},
		{`"\u00e9!"`, "é!", []int{1, 1, 7, 8}},
		{`"\ud83d\ude00"`, "\U0001f600", []int{1, 1, 1, 1, 13}},
		{`"\ud83d"`, "\ufffd", []int{1, 1, 1, 7}},
		{`""`, "", []int{1}},
	} {
		value, origins, ok := decode(tt.quoted)
		if !ok || value != tt.value || !slices.Equal(origins, tt.origins) {
			t.Errorf("decode(%s) = %q, %v, %v, want %q, %v", tt.quoted, value, origins, ok, tt.value, tt.origins)
		}
	}
	for _, quoted := range []string{`"a"b"`, "\"{\\\"\xff\":\t1}\"", `"\q"`, `"\u12"`, `"\u12x4"`, `"a\"`} {
		if value, _, ok := decode(quoted); ok {
			t.Errorf("decode(%s) = %q, want no value", quoted, value)
		}
	}
}
