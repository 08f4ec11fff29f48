// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gdummy/gdummy/internal/wire/collect"
)

// Wrong usage of collectors and pushers has an error with what is expected.
func TestCollectUsage(t *testing.T) {
	t.Setenv(collect.TokenVariable, "")
	dir := t.TempDir()
	for line, want := range map[string]string{
		"audit --collect http://:9443":                                             "--collect and --collect-dir require each other",
		"audit --collect-dir d out":                                                "--collect and --collect-dir require each other",
		"audit --token-file t out":                                                 "--token-file requires --collect",
		"audit --collect http://:9443 --collect-dir d -":                           "--collect and - are mutually exclusive",
		"audit --collect http://:9443 --collect-dir d --merge --ledger x p":        "--collect and --merge are mutually exclusive",
		"audit --collect http://:9443 --collect-dir d --expect e out":              "--collect and --expect are mutually exclusive",
		"audit --collect http://:9443 --collect-dir d --json":                      "--json, --html and --part require a source or --listen",
		"audit --collect https://:9443 --collect-dir d":                            "--collect https:// requires --tls-cert and --tls-key",
		"audit --collect http://:9443 --collect-dir d":                             "no token: expected --token-file or the environment variable GDUMMY_TOKEN",
		"audit --collect http://:9443 --collect-dir d --token-file none":           "open none: no such file",
		"audit --collect http://:9443 --collect http://:9444 --collect-dir d":      "\"http://:9443\" is given already: expected one",
		"audit --idle 2s out":                                                      "require --listen or --collect",
		"audit --fault drop=1% --collect http://:9443 --collect-dir d --idle 1s x": "--fault and --shared-key require --listen",
		"ledger":                                "expected push",
		"ledger pull x":                         "expected push",
		"ledger push --to http://127.0.0.1:1":   "expected a ledger or a directory",
		"ledger push x":                         "expected --to, the address of a collector",
		"ledger push --to http://127.0.0.1:1 x": "no token: expected --token-file",
		"ledger push --name a/b --to x y":       "flag --name: invalid name \"a/b\"",
	} {
		line = strings.ReplaceAll(line, "--collect-dir d", "--collect-dir "+filepath.Join(dir, "d"))
		var out, log both
		if code := gdummy(stream{out: &out, err: &log}, strings.Fields(line)); code != exitUsage || !strings.Contains(log.String(), want) {
			t.Errorf("%s: code %d\n%s\nwant %s", line, code, log.String(), want)
		}
	}
}

// Neither foreign files in the directory of a collector nor its removal costs the verdict.
func TestCollectDirectory(t *testing.T) {
	t.Setenv(collect.TokenVariable, "0123456789abcdef")
	tmp := t.TempDir()
	out, sent, dir := filepath.Join(tmp, "out"), filepath.Join(tmp, "sent"), filepath.Join(tmp, "dir")
	notes, stored := filepath.Join(dir, "notes.txt"), filepath.Join(dir, "x."+strings.Repeat("0", 32)+".ledger")
	var log both
	if code := gdummy(stream{out: new(both), err: &log}, []string{"run", "--format", "json", "--output", out, "--max-records", "10", "-p", "rate=unlimited", "-p", "ledger=" + sent}); code != 0 {
		t.Fatal(log.String())
	}
	for _, tt := range []struct {
		name, file string
		removed    bool
		pushed     bool
		flags      []string
		code       int
		want       string
	}{
		{"a foreign file", notes, false, true, []string{"--until-ledger-complete"}, exitFine, "clean: 10 of 10 records arrived\n"},
		{"a damaged ledger", stored, false, true, []string{"--idle", "10ms"}, exitFound, "FAULTS: cannot read the ledger: "},
		{"removed, and pushed again", notes, true, true, []string{"--until-ledger-complete"}, exitFine, "clean: 10 of 10 records arrived\n"},
		{"removed", notes, true, false, []string{"--first-within", "2s"}, exitFound, "FAULTS: cannot read the ledgers: open "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := errors.Join(os.RemoveAll(dir), os.Mkdir(dir, 0o777), os.WriteFile(tt.file, []byte("hello\n"), 0o666)); err != nil {
				t.Fatal(err)
			}
			var stdout, stderr both
			done := make(chan int)
			go func() {
				done <- gdummy(stream{out: &stdout, err: &stderr}, append([]string{"audit", "--collect", "http://127.0.0.1:0", "--collect-dir", dir, out}, tt.flags...))
			}()
			_, address, started := "", "", false
			for end := time.Now().Add(time.Minute); !started; time.Sleep(time.Millisecond) {
				_, address, started = strings.Cut(stderr.String(), "collecting ledgers at ")
				if time.Now().After(end) {
					t.Fatal(stderr.String())
				}
			}
			if tt.removed {
				if err := os.RemoveAll(dir); err != nil {
					t.Fatal(err)
				}
			}
			if tt.pushed {
				address, _, _ = strings.Cut(address, "\n")
				var log both
				if code := gdummy(stream{out: new(both), err: &log}, []string{"ledger", "push", "--once", "--to", address, sent}); code != exitFine || !strings.Contains(log.String(), "has all of 1 ledger,") {
					t.Errorf("push: code %d\n%s", code, log.String())
				}
			}
			if code := <-done; code != tt.code || !strings.HasPrefix(stdout.String(), tt.want) {
				t.Errorf("code %d, want %d and %q\n%s%s", code, tt.code, tt.want, stdout.String(), stderr.String())
			}
			if warned := strings.Contains(stderr.String(), "warning: skipped "+notes+": not a ledger"); warned != (tt.file == notes && !tt.removed) {
				t.Errorf("a warning: %v\n%s", warned, stderr.String())
			}
		})
	}
}
