// SPDX-License-Identifier: Apache-2.0

// Command release builds what a release consists of, for Linux on amd64 and arm64:
//
//	go -C release run . -out DIR
//
// DIR gets, for each architecture, an archive and packages for Debian and for rpm; a list
// of all components (an SBOM in the form of CycloneDX); a description of the build; and
// SHA256SUMS. "make release" writes them to build/release.
//
// # Reproducibility
//
// The same commit produces the same bytes, in any folder and at any time, with the same
// versions of Go and of the C compilers: BUILD.json names them. The version and all times
// come from the commit, by git or, in a tarball of the source, from commit.txt. Paths,
// host names and the environment do not appear in any file.
//
// # The C library
//
// The plugin is linked against the glibc of Debian 11 (sysroot.sh), so that it runs with
// that one and all later ones. It needs no symbol newer than 2.17, but 2.28 is the oldest
// that is guaranteed. The command is linked statically.
package main

import (
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	out := flag.String("out", "../build/release", "the directory to write to")
	sysroots := flag.String("sysroots", "../build/sysroot", "the directory for the C libraries to link against")
	flag.Parse()
	if err := release("..", *out, *sysroots); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

// release builds the source in root into out.
func release(root, out, sysroots string) error {
	src, err := readSource(root)
	if err != nil {
		return err
	}
	fmt.Printf("release: %s of %s\n", src.Version, src.Time.Format("2006-01-02"))
	if root, err = filepath.Abs(root); err != nil {
		return err
	}
	if sysroots, err = filepath.Abs(sysroots); err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "gdummy-release-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if err := os.RemoveAll(out); err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o777); err != nil {
		return err
	}
	b := &builder{root: root, work: work, sysroots: sysroots, src: src}
	for _, t := range targets {
		if err := b.build(t); err != nil {
			return fmt.Errorf("%s: %w", t.arch, err)
		}
	}
	if err := b.describe(); err != nil {
		return err
	}
	for _, t := range targets {
		if err := b.pack(t, out); err != nil {
			return fmt.Errorf("%s: %w", t.arch, err)
		}
	}
	if err := b.writeBOM(filepath.Join(out, "gdummy-"+src.Version+".cdx.json")); err != nil {
		return err
	}
	if err := copyFile(filepath.Join(work, buildInfo), filepath.Join(out, "gdummy-"+src.Version+".build.json")); err != nil {
		return err
	}
	return writeSums(out)
}

// writeSums writes SHA256SUMS, in the form of sha256sum.
func writeSums(dir string) error {
	files, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var b strings.Builder
	for _, f := range files {
		text, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "%x  %s\n", sha256.Sum256(text), f.Name())
	}
	if b.Len() == 0 {
		return errors.New("there is nothing to sum up")
	}
	return os.WriteFile(filepath.Join(dir, "SHA256SUMS"), []byte(b.String()), 0o666)
}

func copyFile(from, to string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, text, 0o666)
}
