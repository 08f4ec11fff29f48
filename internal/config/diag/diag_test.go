// SPDX-License-Identifier: Apache-2.0

package diag

import (
	"strings"
	"testing"
)

// The mark is under the column, even if only a part of a long line is shown.
func TestExcerpt(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{`{"a":x}`, "{\"a\":x}\n     ^"},
		{"{\"a\":1,\n\t\"b\":x}", " \"b\":x}\n     ^"},
		{"{\r\nx\r\n}", "x\n^"},
		{`{"日本":x}`, "{\"日本\":x}\n      ^"},
		{
			`{"a":"` + strings.Repeat("0123456789", 10) + `",x` + strings.Repeat(".", 60) + `}`,
			"...234567890123456789012345678901234567890123456789\",x...........................\n" + strings.Repeat(" ", 53) + "^",
		},
	} {
		if got := Errorf(tt.text, strings.Index(tt.text, "x"), "bad").Excerpt(); got != tt.want {
			t.Errorf("excerpt of %q:\n%s\nwant\n%s", tt.text, got, tt.want)
		}
	}
}

// A position has a line and a column in characters. An offset outside of the text is
// moved to its end.
func TestErrorf(t *testing.T) {
	const text = "é=1\nü= 2"
	for _, tt := range []struct {
		offset int
		want   string
	}{
		{-1, "line 1, column 1: bad 7"}, {2, "line 1, column 2: bad 7"}, {4, "line 1, column 4: bad 7"}, {5, "line 2, column 1: bad 7"},
		{len(text), "line 2, column 5: bad 7"}, {99, "line 2, column 5: bad 7"},
	} {
		e := Errorf(text, tt.offset, "bad %d", 7)
		if e.Error() != tt.want {
			t.Errorf("Errorf at %d = %q, want %q", tt.offset, e, tt.want)
		}
	}
	e := Errorf(text, 0, "bad")
	e.In = "f.conf"
	if got, want := e.Error(), "f.conf: line 1, column 1: bad"; got != want {
		t.Errorf("with a file: %q, want %q", got, want)
	}
}
