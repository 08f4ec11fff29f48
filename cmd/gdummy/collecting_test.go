// SPDX-License-Identifier: Apache-2.0

package main

import (
	"path/filepath"
	"strings"
	"testing"

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
		if code := gdummy(stream{nil, &out, &log}, strings.Fields(line)); code != exitUsage || !strings.Contains(log.String(), want) {
			t.Errorf("%s: code %d\n%s\nwant %s", line, code, log.String(), want)
		}
	}
}
