// SPDX-License-Identifier: Apache-2.0

// Package flbhost_test tests the host with a plugin that misbehaves on request
// (testdata/plugin.c), to ensure that it detects all faults.
//
// The host is built in the poses of several Fluent Bit releases, each at most once. Runs
// end after a number of collects or records, and results do not depend on how many there
// were in the end.
package flbhost_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gdummy/gdummy/internal/testenv"
)

// The poses that differ for a plugin.
const (
	v200 = 0x020000
	v210 = 0x020100
	v220 = 0x020200
	v400 = 0x040000
	v403 = 0x040003
	v410 = 0x040100
	v423 = 0x040203
	v500 = 0x050000
	v511 = 0x050101
)

var workDir string

func TestMain(m *testing.M) {
	flag.Parse()
	if testenv.Race() {
		fmt.Println("SKIPPED under the race detector: the host and the plugins are built without it; run this package without -race")
		return
	}
	flag.Set("test.parallel", "8") // the runs mostly wait
	dir, err := os.MkdirTemp("", "flbhost")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	workDir = dir
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// compiler returns the C compiler, and skips the test if there is none.
func compiler(t *testing.T) string {
	t.Helper()
	for _, name := range []string{os.Getenv("CC"), "cc", "gcc", "clang"} {
		if name == "" {
			continue
		}
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("### SKIPPED: NO C COMPILER FOUND, THE HOST IS NOT TESTED (set CC, or install gcc or clang)")
	return ""
}

type built struct {
	once sync.Once
	path string
	err  error
}

// compilers limits the number of compilers that run at the same time.
var compilers = make(chan struct{}, 2)

var builds sync.Map // of the compiler's arguments, to *built

// build runs the compiler once for these arguments.
func build(t *testing.T, args ...string) (string, error) {
	t.Helper()
	cc := compiler(t)
	v, _ := builds.LoadOrStore(strings.Join(args, " "), new(built))
	b := v.(*built)
	b.once.Do(func() {
		compilers <- struct{}{}
		defer func() { <-compilers }()
		dir, err := os.MkdirTemp(workDir, "built")
		if err != nil {
			b.err = err
			return
		}
		b.path = filepath.Join(dir, "flbhost")
		out, err := exec.Command(cc, append(args, "-o", b.path, "-ldl", "-lpthread")...).CombinedOutput()
		if err != nil {
			b.err = fmt.Errorf("%w\n%s", err, out)
		}
	})
	return b.path, b.err
}

// sanitizers are the flags for AddressSanitizer and UndefinedBehaviorSanitizer. What they find
// ends the process.
var sanitizers = []string{"-fsanitize=address,undefined", "-fno-sanitize-recover=all"}

// A variant is a build of the host and the plugin.
type variant struct {
	version int
	bare    bool
	flags   []string // for the compiler, of both
}

func (v variant) String() string {
	s := fmt.Sprintf("%d.%d.%d", v.version>>16, v.version>>8&0xff, v.version&0xff)
	if v.bare {
		s += "-bare"
	}
	return s + strings.Join(v.flags, "")
}

// unit is a file that includes all sources of the host. Compiling it takes a fifth of the
// time of compiling them separately, and there are about thirty variants.
var unit = sync.OnceValues(func() (string, error) {
	sources, err := filepath.Glob("src/*.c")
	if err != nil || len(sources) == 0 {
		return "", fmt.Errorf("no sources (%v)", err)
	}
	var text strings.Builder
	for _, source := range sources {
		fmt.Fprintf(&text, "#include \"%s\"\n", filepath.Base(source))
	}
	path := filepath.Join(workDir, "flbhost.c")
	return path, os.WriteFile(path, []byte(text.String()), 0o666)
})

func (v variant) host(t *testing.T) (string, error) {
	t.Helper()
	source, err := unit()
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"-std=c11", "-Wall", "-Wextra", "-Werror", "-rdynamic", "-Isrc",
		fmt.Sprintf("-DFLBHOST_VERSION=%#x", v.version)}
	if v.bare {
		args = append(args, "-DFLBHOST_BARE")
	}
	args = append(args, v.flags...)
	return build(t, append(args, source)...)
}

func (v variant) plugin(t *testing.T) (string, error) {
	t.Helper()
	args := []string{"-shared", "-fPIC", "-g", "-Wall", "-Wextra", "-Werror"}
	args = append(args, v.flags...)
	return build(t, append(args, "testdata/plugin.c")...)
}

// command prepares a run of the host. The argument PLUGIN is replaced by the plugin, which
// is otherwise appended.
func (v variant) command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	host, err := v.host(t)
	if err != nil {
		t.Fatalf("host %v: %v", v, err)
	}
	plugin, err := v.plugin(t)
	if err != nil {
		t.Fatalf("plugin %v: %v", v, err)
	}
	var full []string
	placed := false
	for _, a := range args {
		if a == "PLUGIN" {
			a, placed = plugin, true
		}
		full = append(full, a)
	}
	if !placed {
		full = append(full, plugin)
	}
	return exec.Command(host, full...)
}

// A report is the JSON that the host writes with --report.
type report struct {
	Version         string
	Bare            bool
	ExitCode        int `json:"exit_code"`
	Reloads         int
	Pauses          int
	Starved         int
	MostDrained     int `json:"most_drained"`
	RegisterFaults  int `json:"register_faults"`
	RegisteredTwice int `json:"registered_twice"`
	Exposed         int `json:"exposed"`
	Written         int
	HeldMost        int `json:"held_most"`
	Allocations     int
	WatchesMalloc   bool `json:"watches_malloc"`
	Log             struct{ Error, Warn, Info, Debug, Trace int }
	Instances       []instance
}

type instance struct {
	Records, Output, Bytes, Appends, Collects int
	EmptyCollects                             int `json:"empty_collects"`
	Handed, Cleanups                          int
	NotCleaned                                int `json:"not_cleaned"`
	Refused, Dropped, Discarded               int
	LongestGapMS                              float64 `json:"longest_gap_ms"`
	LongestCollectMS                          float64 `json:"longest_collect_ms"`
	faults
}

// faults are the counters that make the exit code 1.
type faults struct {
	Leaked         int
	CleanedTwice   int `json:"cleaned_twice"`
	Lost           int
	Malformed      int
	WrongCounts    int `json:"wrong_counts"`
	LateAppends    int `json:"late_appends"`
	WrongThread    int `json:"wrong_thread"`
	InitRefused    int `json:"init_refused"`
	MissingSymbols int `json:"missing_symbols"`
}

// A result is the output of a run.
type result struct {
	code   int
	stdout string
	stderr string
	report report
}

// run runs the host until it ends, with a report.
func run(t *testing.T, v variant, args ...string) result {
	t.Helper()
	return runEnv(t, v, nil, args...)
}

func runEnv(t *testing.T, v variant, env []string, args ...string) result {
	t.Helper()
	reportFile := filepath.Join(t.TempDir(), "report.json")
	cmd := v.command(t, append([]string{"--report", reportFile}, args...)...)
	cmd.Env = append(os.Environ(), env...)
	return runCommand(t, cmd, reportFile)
}

// runCommand runs a prepared command that writes a report.
func runCommand(t *testing.T, cmd *exec.Cmd, reportFile string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r := finish(t, cmd, &stdout, &stderr)
	if data, err := os.ReadFile(reportFile); err == nil && len(data) > 0 {
		if err := json.Unmarshal(data, &r.report); err != nil {
			t.Fatalf("report: %v\n%s", err, data)
		}
	}
	return r
}

// finish waits for a started command, with a timeout.
func finish(t *testing.T, cmd *exec.Cmd, stdout, stderr *bytes.Buffer) result {
	t.Helper()
	timer := time.AfterFunc(2*time.Minute, func() { cmd.Process.Kill() })
	err := cmd.Wait()
	if !timer.Stop() {
		t.Fatalf("%v hangs\n%s", cmd.Args, stderr)
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return result{code: cmd.ProcessState.ExitCode(), stdout: stdout.String(), stderr: stderr.String()}
}

func (r result) wantCode(t *testing.T, code int) {
	t.Helper()
	if r.code != code {
		t.Errorf("exit code %d, want %d\n%s", r.code, code, r.stderr)
	}
}

func (r result) wantLine(t *testing.T, text string) {
	t.Helper()
	if !strings.Contains(r.stderr, text) {
		t.Errorf("stderr has no %q:\n%s", text, r.stderr)
	}
}

// A call is one call of a callback, as logged by the plugin.
type call struct {
	name, thread string
	tid          string
	ins          string
}

var traceLine = regexp.MustCompile(`(?m)^trace (\S+) thread=(\S+) tid=(\d+) ins=(-?\d+)$`)

// calls returns the callbacks in order.
func (r result) calls() []call {
	var cs []call
	for _, m := range traceLine.FindAllStringSubmatch(r.stderr, -1) {
		cs = append(cs, call{m[1], m[2], m[3], m[4]})
	}
	return cs
}

// names returns the names of the calls for which keep returns true, in order.
func names(cs []call, keep func(call) bool) []string {
	var ns []string
	for _, c := range cs {
		if keep(c) {
			ns = append(ns, c.name)
		}
	}
	return ns
}

// collecting reports whether a call is repeated at each tick.
func collecting(c call) bool {
	return strings.HasPrefix(c.name, "Input") || c.name == "Collect" || c.name == "Cleanup"
}

func once(c call) bool { return !collecting(c) }
