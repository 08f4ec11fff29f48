// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// prepare.sh refuses arguments that no run can have before it replaces a file: a token that
// pods already have would be lost.
func TestPrepareArguments(t *testing.T) {
	script, err := os.ReadFile("kubernetes/prepare.sh")
	if err != nil {
		t.Fatal(err)
	}
	const whole = ": expected a whole number from 1 to 999999\n"
	for _, c := range []struct {
		args []string
		code int
		want string // the beginning of what it prints
	}{
		{[]string{"-h"}, 0, "usage: prepare.sh [SHARDS [SECONDS]]\n"},
		{[]string{"--help"}, 0, "usage: "},
		{[]string{"0"}, 2, `prepare.sh: SHARDS: invalid value "0"` + whole + "usage: "},
		{[]string{"abc"}, 2, `prepare.sh: SHARDS: invalid value "abc"` + whole},
		{[]string{""}, 2, `prepare.sh: SHARDS: invalid value ""` + whole},
		{[]string{"-4"}, 2, `prepare.sh: SHARDS: invalid value "-4"` + whole},
		{[]string{"4", "soon"}, 2, `prepare.sh: SECONDS: invalid value "soon"` + whole},
		{[]string{"4", "10000000"}, 2, `prepare.sh: SECONDS: invalid value "10000000"` + whole},
		{[]string{"4", "60", "x"}, 2, `prepare.sh: unexpected argument "x"` + "\n"},
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, "prepare.sh")
		if err := os.WriteFile(path, script, 0o755); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command("sh", append([]string{path}, c.args...)...).CombinedOutput()
		code := 0
		if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
			code = exit.ExitCode()
		} else if err != nil {
			t.Fatal(err)
		}
		if files, _ := os.ReadDir(dir); code != c.code || !strings.HasPrefix(string(out), c.want) || len(files) != 1 {
			t.Errorf("%q: code %d, %d files: %s", c.args, code, len(files), out)
		}
	}
}
