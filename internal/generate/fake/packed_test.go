// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"io"
	"strings"
	"testing"
)

// oneFile is a Files in which every path has the same text.
type oneFile string

// Open implements Files.
func (f oneFile) Open(string) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader(string(f))), nil
}

// The error for a file that is neither CSV nor NDJSON names its type.
func TestNoTable(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"a.csv", "\x1f\x8b\x08\x00", `"a.csv": it is compressed with gzip, expected text`},
		{"a.ndjson", "\x28\xb5\x2f\xfd", `"a.ndjson": it is compressed with zstd, expected text`},
		{"a.csv", "\xff\xfea\x00,\x00b\x00\n\x00", `"a.csv": it is UTF-16, expected UTF-8; ` + "`iconv -f UTF-16 -t utf-8` converts it"},
		{"a.csv", "name,age\rAda,36\rGrace,85\r", `"a.csv": its lines end in CR alone, expected LF or CRLF`},
		{"a.ndjson", "{\"a\":1}\r{\"a\":2}\r", `"a.ndjson": its lines end in CR alone, expected LF or CRLF`},
		{"a.csv", "\ufeffname,age\r\nAda,36\r\n", ""},
		{"a.ndjson", "\ufeff{\"a\":1}\r\n", ""},
	} {
		e := Env{Files: oneFile(c.text)}
		got := ""
		if _, err := e.table(c.name); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%q: %s, expected %s", c.text, got, c.want)
		}
	}
}
