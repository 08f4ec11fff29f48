// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The error for a template file that is not text, or has no lines, names its kind.
func TestTemplateFileIsText(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.tmpl")
	for text, want := range map[string]string{
		"\x1f\x8b\x08\x00":          "it is compressed with gzip, expected text",
		"\xff\xfe{\x00}\x00":        "it is UTF-16, expected UTF-8; `iconv -f UTF-16 -t utf-8` converts it",
		"\ufeff{\"a\": {{ seq }}}":  "",
		"{\"a\":\r{{ seq }}}\r":     "its lines end in CR alone, expected LF or CRLF",
		"{\"a\":\r\n{{ seq }}}\r\n": "",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, _, err := Configure(func(name string) (string, bool) { return path, name == "template_file" }, nil)
		switch {
		case want == "" && err != nil:
			t.Errorf("%q: %v", text, err)
		case want != "" && (err == nil || !strings.HasSuffix(err.Error(), `a.tmpl": `+want)):
			t.Errorf("%q: %v, expected %s", text, err, want)
		}
	}
}
