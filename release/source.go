// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// source is the commit that is built.
type source struct {
	Commit  string
	Version string // such as v1.2.3, or v1.2.3+5.gabc for the fifth commit after it
	Time    time.Time
}

// placeholder is what git replaces in commit.txt when it archives a commit.
var placeholder = regexp.MustCompile(`\$Format:(.*?)\$`)

// readSource returns the commit of the source in root: in a tarball from commit.txt, in a
// checkout from git, which expands the same placeholders.
func readSource(root string) (*source, error) {
	text, err := os.ReadFile(filepath.Join(root, "release", "commit.txt"))
	if err != nil {
		return nil, err
	}
	if placeholder.Match(text) {
		if text, err = expand(root, string(text)); err != nil {
			return nil, err
		}
	}
	return parseSource(string(text))
}

// expand replaces the placeholders of a text by what git has for the commit that is
// checked out. Changes that are not committed are an error, because they have no commit.
func expand(root, text string) ([]byte, error) {
	changed, err := git(root, "status", "--porcelain", "--untracked-files=no")
	if err != nil {
		return nil, fmt.Errorf("the source is neither a checkout nor a tarball that git made: %w", err)
	}
	if changed != "" {
		return nil, fmt.Errorf("a release is made from a commit, and these files have changed:\n%s", changed)
	}
	format := placeholder.ReplaceAllString(text, "$1")
	out, err := git(root, "show", "--no-patch", "--format="+format, "HEAD")
	return []byte(out), err
}

func git(root string, args ...string) (string, error) {
	cmd := exec.Command("git", append([]string{"-C", root}, args...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	return strings.TrimRight(string(out), "\n"), err
}

// parseSource parses commit.txt after git has expanded it.
func parseSource(text string) (*source, error) {
	lines := map[string]string{}
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		lines[name] = value
	}
	seconds, err := strconv.ParseInt(lines["time"], 10, 64)
	if err != nil {
		return nil, fmt.Errorf("commit.txt: time: %w", err)
	}
	if len(lines["commit"]) < 40 {
		return nil, errors.New("commit.txt: expected a commit")
	}
	version, err := versionOf(lines["tag"], lines["commit"])
	if err != nil {
		return nil, err
	}
	return &source{Commit: lines["commit"], Version: version, Time: time.Unix(seconds, 0).UTC()}, nil
}

// described is the output of git describe for a commit that has no tag of its own.
var described = regexp.MustCompile(`^(v.*)-([0-9]+)-(g[0-9a-f]+)$`)

// versionOf returns the version of a commit, given what git describe prints, or nothing if
// no commit before it has a tag. Versions are in the order of their commits, in the rules
// of SemVer, Debian and rpm.
func versionOf(tag, commit string) (string, error) {
	if tag == "" {
		return "v0.0.0+g" + commit[:12], nil
	}
	if m := described.FindStringSubmatch(tag); m != nil {
		tag = m[1] + "+" + m[2] + "." + m[3]
	}
	if !regexp.MustCompile(`^v[0-9]+\.[0-9]+\.[0-9]+[-+.0-9A-Za-z]*$`).MatchString(tag) {
		return "", fmt.Errorf("tag %q: expected a version, such as v1.2.3", tag)
	}
	return tag, nil
}
