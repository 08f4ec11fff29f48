// SPDX-License-Identifier: Apache-2.0

package flbhost_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The plugin reads properties that the host does not pass, those without a value and
// duplicates, from the host's list. If it cannot find the list, or must not search for it,
// an option without a value is missing.
func TestGdummyProperties(t *testing.T) {
	t.Parallel()
	const (
		empty = "option ledger: empty value: set a value, such as "
		dummy = `option dummy: empty value; the default {"message":"dummy"} is used`
		twice = "option rate: set more than once; the first value is used"
	)
	for _, tt := range []struct {
		why   string
		v     variant
		env   string
		args  []string
		props []string
		want  []string // lines of the log
		never []string
		code  int
	}{
		{"empty", variant{version: v511}, "", nil, []string{"rate=50", "ledger="}, []string{empty}, nil, 3},
		{"empty, before starts could be refused", variant{version: v400}, "", nil, []string{"rate=50", "ledger="}, []string{empty, "this input stays idle"}, nil, 0},
		{"an unset variable", variant{version: v511}, "", nil, []string{"ledger=${FLBHOST_UNSET}"}, []string{empty}, nil, 3},
		{"empty without symbols", variant{version: v511, bare: true}, "", nil, []string{"ledger="}, []string{empty}, nil, 3},
		{"empty on the engine's thread", variant{version: v511}, "", []string{"--threaded", "off"}, []string{"ledger="}, []string{empty}, nil, 3},
		{"empty dummy", variant{version: v511}, "", nil, []string{"rate=50", "dummy="}, []string{dummy}, nil, 0},
		{"given twice", variant{version: v400}, "", nil, []string{"rate=50", "Rate=60", "rate="}, []string{twice}, nil, 0},
		{"given twice, first without a value", variant{version: v400}, "", nil, []string{"dummy=", "rate=50", "rate=60"}, []string{dummy, twice}, nil, 0},
		{"all in order", variant{version: v511}, "", nil, []string{"rate=50", "tag=x", "copies=2"}, nil, []string{"option "}, 0},
		{"no properties", variant{version: v511}, "", nil, nil, nil, []string{"option "}, 0},
		{"the list is not found", variant{version: v511}, "", []string{"--hide-properties"}, []string{"rate=50", "ledger="}, nil, []string{"option "}, 0},
		{"the list is not found, twice", variant{version: v400}, "", []string{"--hide-properties"}, []string{"rate=50", "rate=60"}, nil, []string{"option "}, 0},
		{"plain callbacks", variant{version: v511}, "FLB_PLAIN_CALLBACKS=1", nil, []string{"rate=50", "ledger="}, nil, []string{"option "}, 0},
		{"sanitizers", variant{version: v511, flags: sanitizers}, "", nil, []string{"rate=50", "ledger="}, []string{empty}, []string{"Sanitizer"}, 3},
	} {
		t.Run(tt.why, func(t *testing.T) {
			t.Parallel()
			host, err := tt.v.host(t)
			if err != nil && tt.v.flags != nil {
				t.Skipf("### SKIPPED: the compiler has no sanitizers (Debian: apt-get install libasan8 libubsan1): %v", err)
			}
			if err != nil {
				t.Fatal(err)
			}
			args := []string{"--collects", "2", "--output", "null"}
			args = append(append(args, tt.args...), goPlugin(t, gdummyPackage), "-i")
			for _, p := range tt.props {
				args = append(args, "-p", p)
			}
			cmd := exec.Command(host, args...)
			cmd.Dir = t.TempDir()
			cmd.Env = os.Environ()
			if tt.env != "" {
				cmd.Env = append(cmd.Env, tt.env)
			}
			r := runCommand(t, cmd, filepath.Join(cmd.Dir, "none"))
			r.wantCode(t, tt.code)
			for _, line := range tt.want {
				r.wantLine(t, line)
			}
			for _, text := range tt.never {
				if strings.Contains(r.stderr, text) {
					t.Errorf("stderr has %q:\n%s", text, r.stderr)
				}
			}
		})
	}
}
