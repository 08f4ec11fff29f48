// SPDX-License-Identifier: Apache-2.0

package check

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Each kind of finding has its severity, its position and its option, in the order of the
// text. What an input sets is checked as the plugin does it.
func TestRead(t *testing.T) {
	t.Setenv("GDUMMY_SET", "5")
	for _, tt := range []struct {
		why, text string
		inputs    int
		want      []string // severity line:column option
	}{
		{"no error", "[INPUT]\n    name gdummy\n    rate ${GDUMMY_SET}\n", 1, nil},
		{"none of ours", "[INPUT]\n    name tail\n    rate x\n", 0, nil},
		{"a misspelled plugin", "[INPUT]\n    name gdumy\n", 0, []string{"note 2:10 "}},
		{"a wrong value", "[INPUT]\n    name gdummy\n    rate fast\n", 1, []string{"error 3:10 rate"}},
		{"two errors of one input", "[INPUT]\n    name gdummy\n    samples x\n    rat 5\n", 1, []string{"error 3:13 samples", "error 4:5 rat"}},
		{"a value of strict off", "[INPUT]\n    name gdummy\n    strict off\n    copies x\n", 1, []string{"warning 4:12 copies"}},
		{"set twice", "[INPUT]\n    name gdummy\n    rate 5\n    rate 6\n", 1, []string{"warning 4:5 rate"}},
		{"an error with a variable", "[INPUT]\n    name gdummy\n    rate ${GDUMMY_UNSET}x\n", 1, []string{"error 3:25 rate"}},
		{"a variable without an effect", "[INPUT]\n    name gdummy\n    dummy {\"a\":\"${GDUMMY_UNSET}\"}\n", 1, []string{"note 3:17 dummy"}},
		{"a dollar before an action", "[INPUT]\n    name gdummy\n    template {\"a\":\"${{ seq }}\"}\n", 1, []string{"error 3:20 template"}},
		{"a limit that loses records", "[INPUT]\n    name gdummy\n    mem_buf_limit 1M\n", 1, []string{"note 3:5 mem_buf_limit"}},
		{"the same without a thread", "[INPUT]\n    name gdummy\n    threaded off\n    mem_buf_limit 1M\n", 1, nil},
		{"text in brackets", "pipeline:\n  inputs:\n  - name: gdummy\n    dummy: {\"a\": 1}\n", 1, []string{"error 4:12 dummy"}},
	} {
		r, err := Read("-", strings.NewReader(tt.text))
		if err != nil {
			t.Errorf("%s: %v", tt.why, err)
			continue
		}
		var got []string
		counts := map[string]int{}
		for _, f := range r.Findings {
			got = append(got, fmt.Sprintf("%s %d:%d %s", f.Severity, f.Pos.Line, f.Pos.Column, f.Option))
			counts[f.Severity]++
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.why, diff)
		}
		if r.Inputs != tt.inputs || r.Errors != counts[Error] || r.Warnings != counts[Warning] {
			t.Errorf("%s: %d inputs, %d errors and %d warnings of %v, want %d inputs", tt.why, r.Inputs, r.Errors, r.Warnings, got, tt.inputs)
		}
	}
}

// A file that cannot be read is an error, and a finding.
func TestReadAbsent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "absent.conf")
	r, err := Read(path, nil)
	if !errors.Is(err, fs.ErrNotExist) || r.Errors != 1 || len(r.Findings) != 1 || r.Findings[0].Pos.File != path || r.Findings[0].Pos.Line != 0 {
		t.Errorf("%v, %+v", err, r)
	}
}
