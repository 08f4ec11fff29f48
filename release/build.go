// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"compress/gzip"
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// target is an architecture.
type target struct {
	arch string // as Go, Debian and nfpm name it
	libs string // Debian's directory for its libraries, and the prefix of its C compiler
}

var targets = []target{{"amd64", "x86_64-linux-gnu"}, {"arm64", "aarch64-linux-gnu"}}

// builder builds one commit.
type builder struct {
	root     string // of the source
	work     string // a directory of files to pack; what depends on the architecture is in one of that name
	sysroots string
	src      *source
}

// buildInfo is the file that describes the build.
const buildInfo = "BUILD.json"

// path returns the path of a file for an architecture.
func (b *builder) path(t target, name string) string { return filepath.Join(b.work, t.arch, name) }

// environment returns the environment for the go command: nothing in the caller's may
// change what it builds.
func (b *builder) environment(t target, cgo string) []string {
	keep := []string{"PATH", "HOME", "TMPDIR", "GOCACHE", "GOMODCACHE", "GOPATH", "GOPROXY", "GONOSUMDB", "GOSUMDB", "GOPRIVATE", "SSL_CERT_FILE"}
	var env []string
	for _, name := range keep {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return append(env, "LC_ALL=C", "GOENV=off", "GOWORK=off", "GOFLAGS=-mod=readonly", "GOTOOLCHAIN=local",
		"GOOS=linux", "GOARCH="+t.arch, "GOAMD64=v1", "GOARM64=v8.0", "GOEXPERIMENT=", "CGO_ENABLED="+cgo)
}

// compile runs go build for a package.
func (b *builder) compile(t target, pkg, out string, env []string, flags ...string) error {
	// The build ID depends on paths, and the version control system on the folder.
	args := []string{"build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -buildid= -X main.version=" + b.src.Version, "-o", out}
	cmd := exec.Command("go", append(append(args, flags...), pkg)...)
	cmd.Dir, cmd.Env = b.root, env
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build %s: %w\n%s", pkg, err, text)
	}
	return nil
}

// build compiles the plugin and the command.
func (b *builder) build(t target) error {
	if err := os.MkdirAll(b.path(t, ""), 0o777); err != nil {
		return err
	}
	sysroot := filepath.Join(b.sysroots, t.arch)
	fetch := exec.Command(filepath.Join(b.root, "release", "sysroot.sh"), t.arch, sysroot)
	if text, err := fetch.CombinedOutput(); err != nil {
		return fmt.Errorf("sysroot.sh: %w\n%s", err, text)
	}
	// --sysroot does not change where Debian's compiler searches for libraries first.
	compiler := append(b.environment(t, "1"), "CC="+t.libs+"-gcc", "CGO_CFLAGS=-O2 --sysroot="+sysroot,
		"CGO_LDFLAGS=-O2 --sysroot="+sysroot+" -L"+filepath.Join(sysroot, "lib", t.libs)+" -L"+filepath.Join(sysroot, "usr/lib", t.libs))
	if err := b.compile(t, "./cmd/in_gdummy", b.path(t, "gdummy.so"), compiler, "-buildmode=c-shared"); err != nil {
		return err
	}
	return b.compile(t, "./cmd/gdummy", b.path(t, "gdummy"), b.environment(t, "0"))
}

// describe writes the documentation that the command generates, and the description of the build.
func (b *builder) describe() error {
	native := target{arch: runtime.GOARCH}
	self := filepath.Join(b.work, "gdummy")
	if err := b.compile(native, "./cmd/gdummy", self, b.environment(native, "0")); err != nil {
		return err
	}
	run := func(args ...string) ([]byte, error) {
		text, err := exec.Command(self, args...).Output()
		if err != nil {
			err = fmt.Errorf("gdummy %s: %w", strings.Join(args, " "), err)
		}
		return text, err
	}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		script, err := run("completion", shell)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(b.work, "gdummy."+shell), script, 0o666); err != nil {
			return err
		}
	}
	pages, err := run("doc", "man-pages")
	if err != nil {
		return err
	}
	if err := os.Mkdir(filepath.Join(b.work, "man"), 0o777); err != nil {
		return err
	}
	for _, name := range strings.Fields(string(pages)) {
		page, err := run("doc", "man-page", name)
		if err != nil {
			return err
		}
		var z bytes.Buffer
		w, _ := gzip.NewWriterLevel(&z, gzip.BestCompression) // the level is valid
		_, _ = w.Write(page)                                  // a buffer has no errors
		_ = w.Close()
		if err := os.WriteFile(filepath.Join(b.work, "man", name+".gz"), z.Bytes(), 0o666); err != nil {
			return err
		}
	}
	return b.writeInfo(self)
}

// writeInfo writes what is needed to make the same build again.
func (b *builder) writeInfo(self string) error {
	info, err := buildinfo.ReadFile(self)
	if err != nil {
		return err
	}
	sums, err := os.ReadFile(filepath.Join(b.root, "release", "sysroot.sums"))
	if err != nil {
		return err
	}
	compilers := map[string]string{}
	for _, t := range targets {
		version, err := exec.Command(t.libs+"-gcc", "--version").Output()
		if err != nil {
			return fmt.Errorf("%s-gcc: %w", t.libs, err)
		}
		compilers[t.arch], _, _ = strings.Cut(string(version), "\n")
	}
	text, err := json.MarshalIndent(struct {
		Version         string            `json:"version"`
		Commit          string            `json:"commit"`
		SourceDateEpoch int64             `json:"source_date_epoch"`
		Go              string            `json:"go"`
		C               map[string]string `json:"c"`
		Sysroot         []string          `json:"sysroot"`
	}{b.src.Version, b.src.Commit, b.src.Time.Unix(), info.GoVersion, compilers, strings.Split(strings.TrimSpace(string(sums)), "\n")}, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(b.work, buildInfo), append(text, '\n'), 0o666)
}
