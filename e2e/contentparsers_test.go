// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Fluent Bit's own parsers find every field of our access logs again: in an input that
// parses by itself, and in a filter. One that is renamed is found, so that the test could
// fail. See TestParsers for the other formats, whose fields are not variables.
func TestContentOfParsers(t *testing.T) {
	conf := os.Getenv("FLUENT_BIT_PARSERS")
	if conf == "" {
		t.Skip("SKIPPED: FLUENT_BIT_PARSERS is not set to a parsers.conf, such as /etc/fluent-bit/parsers.conf: FLUENT BIT'S PARSERS WERE NOT TESTED")
	}
	const input, filter = "web", "filtered"
	onEachHost(t, func(t *testing.T, h host) {
		h.since(t, v2_1_0, "metadata")
		for _, tt := range []struct{ format, parser, fields string }{
			{"nginx", "nginx", "remote user method path code size referer agent"},
			{"apache_combined", "apache2", "host user method path code size referer agent"},
			{"apache_common", "apache2", "host user method path code size"},
		} {
			t.Run(tt.format, func(t *testing.T) {
				dir := t.TempDir()
				test := "pipeline: fluent-bit.yaml\nrecords: 2k\ninputs:\n"
				for _, in := range []string{input, filter} {
					test += fmt.Sprintf("  - {input: %s, format: %s, irregular: 0%%", in, tt.format)
					if in == input {
						test += ", via: file"
					}
					test += "}\n"
				}
				test += "sinks:\n"
				for _, out := range []string{input, filter} {
					test += "  - output: " + out + "\n    from: " + out + "\n    fields:\n      '@time': $time | within \"1ms\"\n"
					for _, name := range strings.Fields(tt.fields) {
						test += fmt.Sprintf("      %s: $%[1]s | as text\n", name)
					}
				}
				write := func(name, text string) {
					t.Helper()
					if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				write("app.test.yaml", test)
				write("fluent-bit.yaml", fmt.Sprintf(`service:
  parsers_file: %s
pipeline:
  inputs:
    - {name: tail, alias: %[2]s, tag: %[2]s, path: /var/log/*, parser: %[4]s}
    - {name: tail, alias: %[3]s, tag: %[3]s, path: /var/log/*}
  filters:
    - {name: parser, match: %[3]s, key_name: log, parser: %[4]s}
  outputs:
    - {name: es, alias: %[2]s, match: %[2]s}
    - {name: es, alias: %[3]s, match: %[3]s}
`, conf, input, filter, tt.parser))
				if got := testContent(t, h, dir, "app.test.yaml").found(t); len(got) > 0 {
					t.Errorf("failures: %q", got)
				}
				write("app.test.yaml", strings.ReplaceAll(test, "method: $method", "method: $path"))
				got := testContent(t, h, dir, "app.test.yaml").found(t)
				if strings.Join(got, "; ") != "filtered: wrong value method; web: wrong value method" {
					t.Errorf("a wrong expectation: %q", got)
				}
			})
		}
	})
}
