// SPDX-License-Identifier: Apache-2.0

// Package e2e_test runs the plugin in real Fluent Bits.
//
// The environment variable FLUENT_BIT has the path of the program, or several separated by
// colons: then every test runs in each of them, as subtests named by version. The default is
// `fluent-bit` in PATH; without one, the suite is skipped. The plugin is built from this
// tree, into a temporary directory.
//
// Tests read records from chunks: the output `file` with `format msgpack` writes them
// unchanged, so that types, the order of fields and the form of an event are visible. See
// record_test.go.
//
// With GDUMMY_E2E_FOREIGN=on, every Fluent Bit loads two Go libraries without code of this
// module, one before the plugin and one after it. They must not change any result. See
// ../flbhost/testdata/foreign.
//
// Golden files are renewed with `go test ./e2e -update` and a Fluent Bit v5.1.
package e2e_test

import (
	"context"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "renew the golden files from a Fluent Bit v5.1")

// gdummySO and crashSO are the libraries under test, built by TestMain.
var gdummySO, crashSO string

// foreignDir has other libraries, built when needed; see foreignLibraries.
var foreignDir string

// gdummyCmd is the command, built by TestMain.
var gdummyCmd string

// hosts are the Fluent Bits to run.
var hosts []host

// host is one Fluent Bit program.
type host struct {
	path    string
	version version
}

type version [3]int

func (v version) String() string { return fmt.Sprintf("v%d.%d.%d", v[0], v[1], v[2]) }

func (v version) before(w version) bool {
	for i := range v {
		if v[i] != w[i] {
			return v[i] < w[i]
		}
	}
	return false
}

// Versions in which hosts changed.
var (
	v2_1_0 = version{2, 1, 0} // events with metadata; hot reload in a signal handler
	v2_1_9 = version{2, 1, 9} // pending records of a paused input are kept
	v2_2_0 = version{2, 2, 0} // safe hot reload; inputs learn of pauses; filters as processors
	v3_2_0 = version{3, 2, 0} // plugins in YAML
	v4_0_3 = version{4, 0, 3} // a failing Init stops the start
	v4_1_0 = version{4, 1, 0} // a reload does not lose ingested records
	v4_2_4 = version{4, 2, 4} // the multiline filter keeps metadata
	v5_1_0 = version{5, 1, 0} // the dummy input of the golden file
	v5_1_1 = version{5, 1, 1} // lists of options; ${VAR} at run time
)

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	var err error
	if hosts, err = findHosts(); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	if len(hosts) == 0 {
		fmt.Println("SKIPPED: e2e: NO FLUENT BIT. Set FLUENT_BIT to a fluent-bit program (or several, separated by ':') or put one on PATH.")
		return 0
	}
	for _, h := range hosts {
		fmt.Printf("e2e: %s is %s\n", h.path, h.version)
	}
	dir, err := os.MkdirTemp("", "gdummy-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	defer os.RemoveAll(dir)
	foreignDir = dir
	gdummySO = filepath.Join(dir, "gdummy.so")
	crashSO = filepath.Join(dir, "crash.so")
	gdummyCmd = filepath.Join(dir, "gdummy")
	if out, err := exec.Command("go", "build", "-o", gdummyCmd, "../cmd/gdummy").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "e2e: %v\n%s", err, out)
		return 1
	}
	for so, pkg := range map[string]string{gdummySO: "../cmd/in_gdummy", crashSO: "./testdata/crash"} {
		cmd := exec.Command("go", "build", "-buildmode=c-shared", "-o", so, pkg)
		if out, err := cmd.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "e2e: %v: %v\n%s", cmd, err, out)
			return 1
		}
	}
	// These tests mostly wait.
	if f := flag.Lookup("test.parallel"); f.Value.String() == f.DefValue {
		_ = flag.Set("test.parallel", "12")
	}
	return m.Run()
}

var versionLine = regexp.MustCompile(`Fluent Bit v(\d+)\.(\d+)\.(\d+)`)

func findHosts() ([]host, error) {
	paths := filepath.SplitList(os.Getenv("FLUENT_BIT"))
	if len(paths) == 0 {
		if p, err := exec.LookPath("fluent-bit"); err == nil {
			paths = []string{p}
		}
	}
	var found []host
	for _, p := range paths {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		out, err := exec.CommandContext(ctx, p, "--version").CombinedOutput()
		cancel()
		m := versionLine.FindSubmatch(out)
		if err != nil || m == nil {
			return nil, fmt.Errorf("%s --version: %v: %s", p, err, out)
		}
		h := host{path: p}
		for i := range h.version {
			h.version[i], _ = strconv.Atoi(string(m[i+1]))
		}
		found = append(found, h)
	}
	return found, nil
}

// inputs makes go test track the files that results depend on: the sources of the plugin and
// the command, which TestMain builds and runs, and the hosts. Otherwise go test would use
// cached results after a change to them.
var inputs = sync.OnceFunc(func() {
	os.Getenv("FLUENT_BIT")
	for _, dir := range []string{"../cmd", "../flb", "../internal", "testdata"} {
		_ = filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
			_, _ = os.Stat(path) // go test tracks the file
			return err
		})
	}
})

// onEachHost runs a test in every Fluent Bit, in parallel.
func onEachHost(t *testing.T, test func(t *testing.T, h host)) {
	t.Helper()
	t.Parallel()
	inputs()
	for _, h := range hosts {
		t.Run(h.version.String(), func(t *testing.T) {
			t.Parallel()
			test(t, h)
		})
	}
}

// since skips a test on hosts before v, which lack what.
func (h host) since(t *testing.T, v version, what string) {
	t.Helper()
	if h.version.before(v) {
		t.Skipf("### SKIPPED: %s has no %s, which %s added: set FLUENT_BIT to a later version", h.version, what, v)
	}
}

// foreignLibraries returns two Go libraries without code of this module: the inputs one and
// two.
var foreignLibraries = sync.OnceValues(func() (libraries [2]string, err error) {
	for i, name := range []string{"one", "two"} {
		libraries[i] = filepath.Join(foreignDir, name+".so")
		cmd := exec.Command("go", "build", "-buildmode=c-shared", "-ldflags", "-X main.name="+name, "-o", libraries[i], "../flbhost/testdata/foreign")
		if out, err := cmd.CombinedOutput(); err != nil {
			return libraries, fmt.Errorf("%v: %w\n%s", cmd, err, out)
		}
	}
	return libraries, nil
})

// withForeign adds two other Go libraries before and after the plugins, if
// GDUMMY_E2E_FOREIGN is on.
func withForeign(t *testing.T, plugins []string) []string {
	t.Helper()
	if os.Getenv("GDUMMY_E2E_FOREIGN") != "on" {
		return plugins
	}
	libraries, err := foreignLibraries()
	if err != nil {
		t.Fatal(err)
	}
	return slices.Concat(libraries[:1], plugins, libraries[1:])
}

func lines(s string) []string {
	return strings.Split(strings.TrimRight(s, "\n"), "\n")
}
