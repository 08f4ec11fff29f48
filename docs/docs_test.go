// SPDX-License-Identifier: Apache-2.0

package docs_test

import (
	"bytes"
	"cmp"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/goccy/go-yaml"

	"github.com/gdummy/gdummy/docs/session"
)

// pages returns the pages of this checkout, by their paths from its root.
func pages(t *testing.T) map[string]*session.Page {
	t.Helper()
	paths, err := session.Pages("..")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]*session.Page{}
	for _, path := range paths {
		p, err := session.Read(path)
		if err != nil {
			t.Fatal(err)
		}
		name, err := filepath.Rel("..", path)
		if err != nil {
			t.Fatal(err)
		}
		found[name] = p
	}
	if len(found) < 30 {
		t.Fatalf("only %d pages", len(found))
	}
	return found
}

// generated are the pages that come from tables in the code, whose examples other
// tests run.
var generated = []string{
	"docs/reference/broken.md", "docs/reference/commands.md", "docs/reference/formats.md", "docs/reference/functions.md",
	"docs/reference/load-profiles.md", "docs/reference/options.md", "THIRD_PARTY.md",
}

// A block in a page is run by a test, or needs what tests do not have, or is nothing
// that can be run. e2e runs those that can be.
func TestBlocks(t *testing.T) {
	for name, p := range pages(t) {
		if slices.Contains(generated, name) {
			continue
		}
		for i, b := range p.Blocks {
			switch b.Language {
			case "console":
				for _, c := range b.Commands {
					if out, err := exec.Command("bash", "-n", "-c", c.Text).CombinedOutput(); err != nil {
						t.Errorf("%s:%d: %v: %s", name, b.Line, err, out)
					}
				}
			case "yaml":
				var any any
				if err := yaml.Unmarshal([]byte(b.Text), &any); err != nil {
					t.Errorf("%s:%d: %v", name, b.Line, err)
				}
				fallthrough
			case "ini", "json", "csv":
				if b.Needs == "" && !used(p.Blocks[i+1:], b.File) {
					t.Errorf("%s:%d: no command below uses the file %q", name, b.Line, b.File)
				}
			case "template": // followed by its output; package template runs it
			case "output", "ebnf", "text", "go":
			case "dockerfile", "sh":
				if b.Needs == "" {
					t.Errorf("%s:%d: a %s is not run: expected needs=", name, b.Line, b.Language)
				}
			default:
				t.Errorf("%s:%d: unknown kind of block %q", name, b.Line, b.Language)
			}
		}
	}
}

// used reports whether a command, or a file that one uses, names a file.
func used(blocks []*session.Block, file string) bool {
	return file != "" && slices.ContainsFunc(blocks, func(b *session.Block) bool {
		return b.Needs == "" && (b.Console() || b.File != "") && strings.Contains(b.Text, file)
	})
}

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ +(.*)$`)
	fenced  = regexp.MustCompile("(?ms)^```.*?^```$")
)

// anchor returns the name that GitHub derives from a heading.
func anchor(heading string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(heading) {
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
			b.WriteRune(r)
		case r == ' ':
			b.WriteByte('-')
		}
	}
	return b.String()
}

// Links within the project lead somewhere.
func TestLinks(t *testing.T) {
	checked := 0
	for name := range pages(t) {
		text := read(t, name)
		for _, m := range link.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
			target := m[1]
			if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			checked++
			file, fragment, _ := strings.Cut(target, "#")
			path := name
			if file != "" {
				path = filepath.Join(filepath.Dir(name), file)
			}
			if _, err := os.Stat(filepath.Join("..", path)); err != nil {
				t.Errorf("%s: %s: %v", name, target, err)
				continue
			}
			if fragment == "" {
				continue
			}
			if !slices.ContainsFunc(heading.FindAllStringSubmatch(read(t, path), -1), func(h []string) bool { return anchor(h[1]) == fragment }) {
				t.Errorf("%s: %s: no such heading", name, target)
			}
		}
	}
	if checked < 100 {
		t.Errorf("only %d links were checked", checked)
	}
}

var update = flag.Bool("update", false, "draw the session in README anew")

// The picture of README's session shows what the session prints; e2e runs that.
func TestSession(t *testing.T) {
	const path = "images/session.svg"
	p, err := session.Read("images/session.md")
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(path, p.SVG(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, p.SVG()) {
		t.Errorf("docs/%s is not current (%v); `make images` renews it", path, err)
	}
}

// metric finds the names of metrics in the code that registers them.
var metric = regexp.MustCompile(`(?m:^\t\t\{&in\.\w+, "(\w+)")|\.(?:[Cc]ounter|[Gg]auge)\("(plugin)", "(\w+)"`)

// The page on metrics has those that are registered, and no others.
func TestMetrics(t *testing.T) {
	var want []string
	for _, m := range metric.FindAllStringSubmatch(read(t, "cmd/in_gdummy/input.go")+read(t, "flb/instance.go"), -1) {
		want = append(want, cmp.Or(m[2], "gdummy")+"_"+m[1]+m[3])
	}
	var got []string
	for _, m := range regexp.MustCompile("(?m)^\\| `fluentbit_(\\w+)` \\|").FindAllStringSubmatch(read(t, "docs/reference/metrics.md"), -1) {
		got = append(got, m[1])
	}
	slices.Sort(want)
	slices.Sort(got)
	if len(want) < 12 || !slices.Equal(got, want) {
		t.Errorf("the page has\n%v, registered are\n%v", got, want)
	}
}

var (
	code = regexp.MustCompile("`([^`]+)`")
	file = regexp.MustCompile(`^[\w/]+\.go$`)
	name = regexp.MustCompile(`^[A-Za-z]\w*$`)
)

// The walks through the code on the design page name functions and types that exist,
// in the files that they name: `Name` in `file.go`. A file that a walk names must exist.
func TestWalk(t *testing.T) {
	_, text, ok := strings.Cut(read(t, "docs/explanation/design.md"), "\n## Walks through the code\n")
	if !ok {
		t.Fatal("no walks")
	}
	text, _, _ = strings.Cut(text, "\n## ")
	checked := 0
	for walk := range strings.SplitSeq(text, "\n### ") {
		declared := map[string][]string{} // by file
		spans := code.FindAllStringSubmatchIndex(walk, -1)
		for _, m := range spans {
			if path := walk[m[2]:m[3]]; file.MatchString(path) {
				declared[path] = declarations(t, path)
			}
		}
		for i, m := range spans {
			word := walk[m[2]:m[3]]
			if !name.MatchString(word) || i+1 == len(spans) || strings.Join(strings.Fields(walk[m[1]:spans[i+1][0]]), " ") != "in" {
				continue
			}
			if path := walk[spans[i+1][2]:spans[i+1][3]]; declared[path] != nil {
				checked++
				if !slices.Contains(declared[path], word) {
					t.Errorf("%s does not declare %s", path, word)
				}
			}
		}
	}
	if checked < 25 {
		t.Errorf("only %d names were looked up", checked)
	}
}

// The design page lists every package of the rooms below internal.
func TestPackagesOfDesign(t *testing.T) {
	page := read(t, "docs/explanation/design.md")
	packages, err := filepath.Glob("../internal/*/*/*.go")
	if err != nil || len(packages) < 100 {
		t.Fatalf("%d files: %v", len(packages), err)
	}
	missing := map[string]bool{}
	for _, file := range packages {
		if name := filepath.Base(filepath.Dir(file)); !strings.Contains(page, " "+name+"/") {
			missing[name] = true
		}
	}
	for name := range missing {
		t.Errorf("the page lacks %s/", name)
	}
}

// declarations returns the names of the functions, methods and types of a file.
func declarations(t *testing.T, path string) (names []string) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", path), nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			names = append(names, d.Name.Name)
		case *ast.GenDecl:
			for _, s := range d.Specs {
				if s, ok := s.(*ast.TypeSpec); ok {
					names = append(names, s.Name.Name)
				}
			}
		}
	}
	return names
}

// The index leads to every page below docs.
func TestIndex(t *testing.T) {
	index := read(t, "docs/README.md") + read(t, "docs/decisions/README.md")
	for name := range pages(t) {
		rest, ok := strings.CutPrefix(name, "docs/")
		if !ok || strings.HasSuffix(rest, "README.md") || rest == "images/session.md" {
			continue
		}
		if !strings.Contains(index, "("+strings.TrimPrefix(rest, "decisions/")+")") {
			t.Errorf("no index links to %s", name)
		}
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
