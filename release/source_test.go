// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const someCommit = "0123456789abcdef0123456789abcdef01234567"

func TestVersion(t *testing.T) {
	for _, tt := range []struct{ tag, want, deb string }{
		{"v1.2.3", "v1.2.3", "1.2.3"},
		{"v1.2.3-5-gabcdef012345", "v1.2.3+5.gabcdef012345", "1.2.3+5.gabcdef012345"},
		{"v1.2.3-rc.1", "v1.2.3-rc.1", "1.2.3~rc.1"},
		{"v1.2.3-rc.1-5-gabcdef012345", "v1.2.3-rc.1+5.gabcdef012345", "1.2.3~rc.1+5.gabcdef012345"},
		{"", "v0.0.0+g0123456789ab", "0.0.0+g0123456789ab"},
	} {
		got, err := versionOf(tt.tag, someCommit)
		if err != nil || got != tt.want {
			t.Errorf("versionOf(%q) = %q, %v, want %q", tt.tag, got, err, tt.want)
		}
		if got := packageVersion(got); got != tt.deb {
			t.Errorf("packageVersion(%q) = %q, want %q", tt.want, got, tt.deb)
		}
	}
	for _, tag := range []string{"release", "v1", "v1.2.3 4", "1.2.3"} {
		if v, err := versionOf(tag, someCommit); err == nil {
			t.Errorf("versionOf(%q) = %q, want an error", tag, v)
		}
	}
}

func TestParseSource(t *testing.T) {
	got, err := parseSource("commit " + someCommit + "\ntime 1700000000\ntag v1.2.3\n")
	want := source{someCommit, "v1.2.3", time.Unix(1700000000, 0).UTC()}
	if err != nil || *got != want {
		t.Errorf("parseSource: %+v, %v, want %+v", got, err, want)
	}
	for _, text := range []string{"", "commit " + someCommit, "time 1700000000", "commit $Format:%H$\ntime $Format:%ct$\ntag \n"} {
		if got, err := parseSource(text); err == nil {
			t.Errorf("parseSource(%q) = %+v, want an error", text, got)
		}
	}
}

// A checkout and the tarball of its commit are the same source; a checkout with changes is
// none.
func TestReadSource(t *testing.T) {
	const when = "2024-02-03T04:05:06Z"
	dir := t.TempDir()
	run := func(args ...string) {
		t.Helper()
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a",
			"GIT_COMMITTER_EMAIL=a@example.com", "GIT_COMMITTER_DATE="+when, "GIT_AUTHOR_DATE="+when)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
	if err := os.MkdirAll(filepath.Join(dir, "release"), 0o777); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"release/commit.txt", ".gitattributes"} {
		if err := copyFile(filepath.Join("..", name), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(filepath.Join(dir, "release", "commit.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "$Format:") {
		t.Skip("### SKIPPED: this is a tarball, which has no placeholders in commit.txt")
	}
	run("git", "init", "-q")
	run("git", "add", ".")
	run("git", "commit", "-q", "-m", "first")
	run("git", "tag", "v1.2.3")
	run("git", "commit", "-q", "--allow-empty", "-m", "second")
	run("sh", "-c", "mkdir tarball && git archive HEAD | tar -x -C tarball")

	checkout, err := readSource(dir)
	if err != nil {
		t.Fatal(err)
	}
	tarball, err := readSource(filepath.Join(dir, "tarball"))
	if err != nil {
		t.Fatal(err)
	}
	if *checkout != *tarball {
		t.Errorf("the checkout is %+v, the tarball %+v", checkout, tarball)
	}
	if want := "v1.2.3+1.g" + checkout.Commit[:12]; checkout.Version != want || checkout.Time.Format(time.RFC3339) != when {
		t.Errorf("version %s of %s, want %s of %s", checkout.Version, checkout.Time, want, when)
	}

	if err := os.WriteFile(filepath.Join(dir, ".gitattributes"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if got, err := readSource(dir); err == nil || !strings.Contains(err.Error(), ".gitattributes") {
		t.Errorf("with a changed file: %+v, %v, want an error that names it", got, err)
	}
}
