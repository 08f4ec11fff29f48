// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// The scripts in testdata call the command as in a shell.
func TestMain(m *testing.M) {
	// With the race detector, each command would take a second to exit.
	if os.Getenv("GORACE") == "" {
		os.Setenv("GORACE", "atexit_sleep_ms=10")
	}
	testscript.Main(m, map[string]func(){"gdummy": main})
}

// Every script shows what users see; `go test ./cmd/gdummy -update` renews the expected
// output.
func TestStories(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireUniqueNames:  true,
		RequireExplicitExec: true,
		UpdateScripts:       *update,
		Setup:               func(e *testscript.Env) error { e.Setenv("GORACE", os.Getenv("GORACE")); return nil },
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "await": await},
	})
}

// await waits until a file contains a text: `await message printed`.
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: await text file")
	}
	path := ts.MkAbs(args[1])
	for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		got, err := os.ReadFile(path)
		if bytes.Contains(got, []byte(args[0])) {
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("%s does not have %q: %s (%v)", args[1], args[0], got, err)
		}
	}
}

// exits runs a command and compares its exit code: `exits 2 gdummy --nonsense`.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits code command [args...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	err = ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		got = exit.ExitCode()
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("it ended with code %d, expected %d", got, want)
	}
}

// Every row of the table is complete.
func TestCommandsAreComplete(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range commands() {
		if c.name == "" || c.help == "" || c.begin == nil || seen[c.name] {
			t.Errorf("the row of command %q is incomplete or a duplicate", c.name)
		}
		seen[c.name] = true
	}
}
