// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// traceFormats are formats whose records are lines of traces, with a parser that joins them
// and one that does not. That of Fluent Bit for Python sends the last line of the last
// trace once more, by itself, if nothing follows it for some time (seen in v5.1.1).
var traceFormats = []struct {
	format, parser, other string
	lines                 int
}{
	{"java_lines", "java", "go", 8},
	{"python_lines", "traceback", "java", 8},
	{"go_lines", "go", "java", 9},
}

const traceback = `[MULTILINE_PARSER]
    name          traceback
    type          regex
    flush_timeout 500
    rule          "start_state" "/^Traceback /" "cont"
    rule          "cont" "/^(\s+|[\w.]+: )/" "cont"
`

// Fluent Bit's multiline filter makes one record of the lines of a trace, and a parser of
// another language is found. The same expectations hold for an audit of a pipeline that
// runs by itself.
func TestContentOfTraces(t *testing.T) {
	onEachHost(t, func(t *testing.T, h host) {
		h.since(t, v4_2_4, "multiline filter that keeps metadata")
		const events = 100
		for _, right := range []bool{true, false} {
			dir := t.TempDir()
			var inputs, rest, test strings.Builder
			test.WriteString("pipeline: fluent-bit.conf\nrecords: 7200\nsinks:\n")
			var sources, want []string
			for _, f := range traceFormats {
				inputs.WriteString(input("name gdummy", "alias "+f.format, "tag "+f.format, "format "+f.format, "rate 20k", fmt.Sprintf("max_records %d", events*f.lines), "seed 7", "audit_in metadata", "ledger ledger."+f.format))
				parser := f.parser
				if !right {
					parser = f.other
					want = append(want, f.format+": duplicate", f.format+": wrong value log")
				}
				fmt.Fprintf(&rest, "[FILTER]\n    name multiline\n    match %s\n    multiline.key_content log\n    multiline.parser %s\n", f.format, parser)
				fmt.Fprintf(&rest, "[OUTPUT]\n    name file\n    alias %s\n    match %[1]s\n    path out\n    format msgpack\n", f.format)
				fmt.Fprintf(&test, "  - {output: %s, from: %[1]s, lines: %d, fields: {log: $trace}, only: [log]}\n", f.format, f.lines)
				sources = append(sources, f.format+"="+filepath.Join(dir, "out", f.format))
			}
			for name, text := range map[string]string{"parsers.conf": traceback, "fluent-bit.conf": service + "    parsers_file parsers.conf\n" + inputs.String() + rest.String(), "app.test.yaml": test.String()} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			slices.Sort(want)
			if got := testContent(t, h, dir, "app.test.yaml").found(t); !slices.Equal(got, want) {
				t.Errorf("found %q, want %q", got, want)
			}
			p := h.start(t, launch{dir: dir, args: []string{"-c", "fluent-bit.conf"}})
			// The filter holds the last trace until its timeout.
			p.await("all traces", lifetime, func() bool {
				for _, f := range traceFormats {
					if len(p.records(f.format)) < events {
						return false
					}
				}
				return true
			})
			p.send(syscall.SIGTERM)
			p.awaitExit(lifetime)
			got := startAudit(t, append([]string{"--expect", filepath.Join(dir, "app.test.yaml"), "--ledger", filepath.Join(dir, "ledger.*")}, sources...)...).failures()
			if slices.Sort(got); right && len(got) > 0 {
				t.Errorf("an audit found %q", got)
			}
			for _, failure := range want {
				// The last lines may arrive later, and be missing.
				if !slices.Contains(got, failure) {
					t.Errorf("an audit found %q, want %s, too", got, failure)
				}
			}
		}
	})
}
