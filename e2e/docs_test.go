// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gdummy/gdummy/docs/session"
)

var updateDocs = flag.Bool("update-docs", false, "renew what pages of documentation show as the output of commands")

// Every command in README and the pages in docs is run, and its output is that of the page
// except for numbers, times and random identities. Package session documents how pages mark
// their blocks.
//
// They run in the newest Fluent Bit of the suite, for which the pages are written.
func TestDocs(t *testing.T) {
	t.Parallel()
	inputs()
	newest := hosts[0]
	for _, h := range hosts {
		if newest.version.before(h.version) {
			newest = h
		}
	}
	newest.since(t, v4_0_3, "starts that an input can refuse")
	paths, err := session.Pages("..")
	if err != nil {
		t.Fatal(err)
	}
	executed := 0
	for _, path := range paths {
		page, err := session.Read(path)
		if err != nil {
			t.Fatal(err)
		}
		if !page.Executable() {
			continue
		}
		executed++
		t.Run(strings.TrimPrefix(path, "../"), func(t *testing.T) {
			t.Parallel()
			_, _ = os.Stat(path) // so that go test does not use a cached result after a change
			runPage(t, newest, page)
		})
	}
	if executed < 10 {
		t.Errorf("%d pages have commands, want 10 or more", executed)
	}
}

// ports lists the ports in pages. Each run replaces them with free ones.
var ports = []string{"9880", "2020", "24224", "5170", "9443"}

var listen = regexp.MustCompile(`--(?:listen|collect) \w+://[^:]*:(\d+)`)

func runPage(t *testing.T, h host, page *session.Page) {
	dir := t.TempDir()
	for name, target := range map[string]string{
		".bin/fluent-bit": h.path, ".bin/gdummy": gdummyCmd, "gdummy.so": gdummySO,
		"build/gdummy": gdummyCmd, "build/gdummy.so": gdummySO, "examples": "../examples",
	} {
		target, err := filepath.Abs(target)
		if err != nil {
			t.Fatal(err)
		}
		link := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, link); err != nil {
			t.Fatal(err)
		}
	}
	var local, shown []string
	for _, port := range ports {
		free := fmt.Sprint(freePort(t))
		local, shown = append(local, port, free), append(shown, free, port)
	}
	ctx, cancel := context.WithTimeout(t.Context(), lifetime)
	defer cancel()
	work := filepath.Join(dir, ".bin/go.work")
	writeWorkspace(t, work, dir)
	r := &session.Runner{
		Dir:   dir,
		Env:   append(os.Environ(), "PATH="+filepath.Join(dir, ".bin")+":"+os.Getenv("PATH"), "NO_COLOR=1", "GOWORK="+work),
		Local: strings.NewReplacer(local...).Replace,
		Shown: strings.NewReplacer(shown...).Replace,
	}
	type terminal struct {
		block   *session.Block
		results chan []session.Result
	}
	var terminals []terminal
	for _, b := range page.Blocks {
		switch {
		case b.Needs != "":
		case b.File != "":
			if err := os.WriteFile(filepath.Join(dir, b.File), []byte(r.Local(b.Text)), 0o644); err != nil {
				t.Fatal(err)
			}
		case b.Console() && b.Terminal > 1:
			other := terminal{b, make(chan []session.Result, 1)}
			terminals = append(terminals, other)
			go func() { other.results <- r.Run(ctx, b) }()
			if m := listen.FindStringSubmatch(r.Local(b.Text)); m != nil {
				awaitListener(t, m[1])
			}
		case b.Console():
			check(t, page, b, r.Run(ctx, b))
		}
	}
	for _, other := range terminals {
		check(t, page, other.block, <-other.results)
	}
	if *updateDocs && !t.Failed() {
		if err := page.Write(); err != nil {
			t.Fatal(err)
		}
	}
}

// writeWorkspace writes a go.work file, so that a module that a page creates in a directory
// uses this checkout. The version that the page downloads may not exist yet.
func writeWorkspace(t *testing.T, path, dir string) {
	t.Helper()
	checkout, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("go %s\n\nuse (\n\t%q\n\t%q\n)\n", strings.TrimPrefix(runtime.Version(), "go"), dir, checkout)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// awaitListener waits until something listens on a port. It does not connect, which a
// receiver would count.
func awaitListener(t *testing.T, port string) {
	t.Helper()
	var n int
	if _, err := fmt.Sscan(port, &n); err != nil {
		t.Fatal(err)
	}
	listening := regexp.MustCompile(fmt.Sprintf(`(?m)^ *\d+: [0-9A-F]+:%04X [0-9A-F]+:0000 0A `, n))
	for deadline := time.Now().Add(lifetime); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		for _, file := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
			if sockets, err := os.ReadFile(file); err == nil && listening.Match(sockets) {
				return
			}
		}
	}
	t.Fatalf("nothing listens on port %s", port)
}

// check compares the output of commands with the page, or renews the page.
func check(t *testing.T, page *session.Page, b *session.Block, results []session.Result) {
	t.Helper()
	for i, r := range results {
		c := &b.Commands[i]
		if r.Err != nil {
			t.Fatalf("%s:%d: $ %s\n%v\n%s%s", page.Path, b.Line, c.Text, r.Err, r.Output, r.Log)
		}
		if *updateDocs {
			c.Renew(r)
		} else if diff := c.Diff(r); diff != "" {
			t.Errorf("%s:%d: $ %s\n%s", page.Path, b.Line, c.Text, diff)
		}
	}
}
