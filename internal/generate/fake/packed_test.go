// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"encoding/base64"
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
		{"a.csv", "\x1f\x8b\x08\x00", `"a.csv": cannot decompress gzip: unexpected EOF`},
		{"a.ndjson", "\x28\xb5\x2f\xfd", `"a.ndjson": cannot decompress zstd: unexpected EOF`},
		{"a.csv", "\x04\x22\x4d\x18", `"a.csv": it is compressed with lz4, expected text`},
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

// packedTables are the lines "a,b:int", "x,1" and "y,2", as these programs compress them.
var packedTables = map[string]string{
	"gzip":  "H4sIAAAAAAAAA0vUSbLKzCvhqtAx5KrUMeICAPa8GeMQAAAA",
	"zstd":  "KLUv/QRYgQAAYSxiOmludAp4LDEKeSwyCndoZGQ=",
	"bzip2": "QlpoOTFBWSZTWa7jSygAAATZgAAQAAQwEDAhBGAgADEDQNAgNBoQRvZaHHO8E8XckU4UJCu40soA",
	"xz":    "/Td6WFoAAATm1rRGAgAhARYAAAB0L+WjAQAPYSxiOmludAp4LDEKeSwyCgD3ISIDreVJ1gABKBDlC2xgH7bzfQEAAAAABFla",
}

// A table may be compressed. The name without its last extension decides between CSV and
// NDJSON. A file that is cut is an error, never a shorter table.
func TestPackedTable(t *testing.T) {
	for packing, text := range packedTables {
		data, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		e := Env{Files: oneFile(data)}
		table, err := e.table("t.csv.z")
		if err != nil {
			t.Errorf("%s: %v", packing, err)
			continue
		}
		if len(table.rows) != 2 || table.row(0).Field("a").S() != "x" || table.row(1).Field("b").Int() != 2 {
			t.Errorf("%s: %d rows, of which the first has a = %q and the second b = %d; want 2, \"x\" and 2", packing, len(table.rows),
				table.row(0).Field("a").S(), table.row(1).Field("b").Int())
		}
		e = Env{Files: oneFile(data)}
		if list, err := e.list("t.z"); err != nil || len(list.span) != 3 {
			t.Errorf("%s: as a list: %v, want 3 lines", packing, err)
		}
		for n := range len(data) - 8 {
			if n < 16 {
				continue // too short to have a format
			}
			e := Env{Files: oneFile(data[:n])}
			if _, err := e.table("t.csv.z"); err == nil {
				t.Errorf("%s: the first %d of %d bytes are a table", packing, n, len(data))
			}
		}
		e = Env{Files: oneFile(data)}
		if _, err := e.table("t.ndjson.z"); err == nil || !strings.Contains(err.Error(), `"t.ndjson.z": line 1`) {
			t.Errorf("%s: as NDJSON: %v, want an error in line 1", packing, err)
		}
	}
}
