// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// The images build from a release: each Dockerfile passes BuildKit's own lint and the
// rules of hadolint that apply to it, and copies files that the archive has.
func TestDockerfiles(t *testing.T) {
	names, err := filepath.Glob("image/*.Dockerfile")
	if err != nil || len(names) != 2 {
		t.Fatalf("%q, %v, want two Dockerfiles", names, err)
	}
	for _, name := range names {
		for _, problem := range lintDockerfile(t, string(readFile(t, name))) {
			t.Errorf("%s: %s", name, problem)
		}
	}
}

// archived are the paths in the archive of a release that images take.
func archived(t *testing.T) []string {
	t.Helper()
	work := t.TempDir()
	if err := os.Mkdir(filepath.Join(work, "man"), 0o777); err != nil {
		t.Fatal(err)
	}
	b := &builder{root: "..", work: work, src: &source{Version: "v1.2.3"}}
	items, err := b.items(targets[0])
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, it := range items {
		paths = append(paths, it.archive)
	}
	return paths
}

// lintDockerfile returns what is wrong with a Dockerfile.
func lintDockerfile(t *testing.T, text string) (problems []string) {
	t.Helper()
	problem := func(text string) { problems = append(problems, text) }
	ast, err := parser.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	warn := linter.New(&linter.Config{Warn: func(rule, _, _, message string, _ []parser.Range) { problem(rule + ": " + message) }})
	stages, args, err := instructions.Parse(ast.AST, warn)
	if err != nil {
		t.Fatal(err)
	}
	files := archived(t)
	for i, stage := range stages {
		last := i == len(stages)-1
		if stage.BaseName != "scratch" && !pinned(stage.BaseName, args) {
			problem("DL3006, DL3007: " + stage.BaseName + " names no version")
		}
		user, entry := "", false
		for _, c := range stage.Commands {
			switch c := c.(type) {
			case *instructions.AddCommand:
				for _, path := range c.SourcePaths {
					if !strings.HasSuffix(path, ".tar.gz") {
						problem("DL3020: ADD of " + path + ", which COPY does")
					}
				}
			case *instructions.CopyCommand:
				for _, path := range c.SourcePaths {
					if _, file, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/"); !slices.Contains(files, file) {
						problem("the archive has no " + path)
					}
				}
				if c.Chmod == "" {
					problem("COPY keeps the modes of the machine that builds")
				}
			case *instructions.WorkdirCommand:
				if !strings.HasPrefix(c.Path, "/") {
					problem("DL3000: WORKDIR " + c.Path + " is relative")
				}
			case *instructions.UserCommand:
				user = c.User
			case *instructions.EntrypointCommand:
				entry = true
				if c.PrependShell {
					problem("DL3025: ENTRYPOINT runs in a shell")
				}
			case *instructions.CmdCommand:
				if c.PrependShell {
					problem("DL3025: CMD runs in a shell")
				}
			case *instructions.RunCommand:
				problem("RUN needs an emulator for a foreign architecture")
			}
		}
		if last && (user == "" || strings.HasPrefix(user, "root") || strings.HasPrefix(user, "0")) {
			problem("DL3002: the last user is root")
		}
		if last && !entry {
			problem("the image has no ENTRYPOINT")
		}
	}
	return problems
}

// pinned reports whether an image has a tag other than latest, after its arguments are
// replaced by their defaults.
func pinned(image string, args []instructions.ArgCommand) bool {
	for _, a := range args {
		for _, kv := range a.Args {
			if kv.Value != nil {
				image = strings.ReplaceAll(image, "${"+kv.Key+"}", *kv.Value)
			}
		}
	}
	return regexp.MustCompile(`:[0-9]+\.[0-9]+\.[0-9]+[-a-z0-9]*$`).MatchString(image)
}

// Each rule finds its fault.
func TestDockerfileFaults(t *testing.T) {
	const good = `FROM scratch AS release
ARG VERSION
ADD gdummy-${VERSION}.tar.gz /
FROM busybox:1.37.0
COPY --from=release --chmod=0755 /gdummy/gdummy /usr/bin/gdummy
WORKDIR /data
USER 65532:65532
ENTRYPOINT ["/usr/bin/gdummy"]
`
	if problems := lintDockerfile(t, good); len(problems) > 0 {
		t.Errorf("a good one has %q", problems)
	}
	for _, tt := range []struct{ from, to, want string }{
		{"busybox:1.37.0", "busybox", "DL3006"},
		{"busybox:1.37.0", "busybox:latest", "DL3006"},
		{".tar.gz", ".so", "DL3020"},
		{"/gdummy/gdummy ", "/gdummy/other ", "the archive has no /gdummy/other"},
		{" --chmod=0755", "", "COPY keeps the modes"},
		{"WORKDIR /data", "WORKDIR data", "DL3000"},
		{"65532:65532", "root", "DL3002"},
		{"65532:65532", "0", "DL3002"},
		{"USER 65532:65532\n", "", "DL3002"},
		{`["/usr/bin/gdummy"]`, "/usr/bin/gdummy", "DL3025"},
		{`ENTRYPOINT ["/usr/bin/gdummy"]`, "", "the image has no ENTRYPOINT"},
		{"WORKDIR /data", "RUN true", "RUN needs an emulator"},
		{"AS release", "as release", "FromAsCasing"},
	} {
		problems := lintDockerfile(t, strings.Replace(good, tt.from, tt.to, 1))
		if !slices.ContainsFunc(problems, func(p string) bool { return strings.HasPrefix(p, tt.want) }) {
			t.Errorf("%q instead of %q: %q, want one that begins with %q", tt.to, tt.from, problems, tt.want)
		}
	}
}
