// SPDX-License-Identifier: Apache-2.0

package flbhost_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// In every release, the plugin finds files in the working directory and in the directory
// of the configuration file.
func TestGdummyFindsFiles(t *testing.T) {
	t.Parallel()
	so := goPlugin(t, gdummyPackage)
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	here, conf := filepath.Join(dir, "here"), filepath.Join(dir, "conf")
	for _, d := range []string{here, conf} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{"a.tmpl": `{"n": {{ (row "a.csv").n }}}`, "a.csv": "n:int\n7\n", "old.ledger": "", "cr.tmpl": "{\r}\r"} {
		if err := os.WriteFile(filepath.Join(conf, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, v := range []variant{{version: v400}, {version: v511}} {
		start := func(name string, args ...string) result {
			t.Helper()
			host, err := v.host(t)
			if err != nil {
				t.Fatalf("host %v: %v", v, err)
			}
			full := append([]string{"-c", "../conf/fluent-bit.conf", "--records", "2", "--output", "json", "--report", name, so, "-i"}, args...)
			cmd := exec.Command(host, full...)
			cmd.Dir = here
			return runCommand(t, cmd, filepath.Join(here, name))
		}
		r := start("found", "-p", "template_file=a.tmpl", "-p", "seed=1", "-p", "rate=50", "-p", "ledger=old.ledger")
		r.wantClean(t)
		r.wantLine(t, "ledger: "+filepath.Join(conf, "old.ledger"))
		if !strings.Contains(r.stdout, `{"n":7,`) {
			t.Errorf("%v: output %q", v, r.stdout)
		}
		r = start("new", "-p", "rate=50", "-p", "ledger=new.ledger")
		r.wantClean(t)
		r.wantLine(t, "ledger: "+filepath.Join(here, "new.ledger"))

		if v.version < v403 {
			continue // Init cannot fail the start
		}
		r = start("none", "-p", "template_file=none.tmpl")
		r.wantCode(t, 3)
		r.wantLine(t, `option template_file: cannot open "none.tmpl": tried `+filepath.Join(here, "none.tmpl")+", "+filepath.Join(conf, "none.tmpl"))
		r = start("cr", "-p", "template_file=cr.tmpl")
		r.wantCode(t, 3)
		r.wantLine(t, `option template_file: "cr.tmpl": its lines end in CR alone, expected LF or CRLF`)
	}
}
