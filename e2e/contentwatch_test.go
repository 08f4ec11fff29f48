// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"bufio"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// With --watch, a test runs again when a file changes, until a signal ends it with the
// exit code of the last run.
func TestContentWatch(t *testing.T) {
	onEachHost(t, func(t *testing.T, h host) {
		h.since(t, v2_1_0, "metadata")
		dir := mistake{}.plant(t, "content")
		cmd := exec.Command(gdummyCmd, "test", "app.test.yaml", "--watch", "--records", "500", "--plugin", gdummySO, "--fluent-bit", h.path)
		cmd.Dir = dir
		out, err := cmd.StdoutPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		stop := time.AfterFunc(lifetime, func() { _ = cmd.Process.Kill() })
		defer stop.Stop()
		lines := bufio.NewScanner(out)
		next := func(want string) {
			t.Helper()
			for lines.Scan() {
				if strings.HasPrefix(lines.Text(), "ok ") || strings.HasPrefix(lines.Text(), "FAIL ") {
					if !strings.HasPrefix(lines.Text(), want+" ") {
						t.Fatalf("%q, want %s", lines.Text(), want)
					}
					return
				}
			}
			t.Fatalf("it ended, want a line %s", want)
		}
		next("ok")
		next("ok")
		mistake{file: parsersFile, old: " size:integer", new: ""}.change(t, dir)
		next("FAIL")
		next("FAIL")
		mistake{file: parsersFile, old: "status:integer", new: "status:integer size:integer"}.change(t, dir)
		next("ok")
		next("ok")
		if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		for lines.Scan() {
			t.Errorf("after the signal: %q", lines.Text())
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("%v, want exit code 0", err)
		}
	})
}
