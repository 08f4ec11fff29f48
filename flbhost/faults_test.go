// SPDX-License-Identifier: Apache-2.0

package flbhost_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const crashPackage = "../e2e/testdata/crash"

// A panic in any callback of an input is logged with its stack and counted, and the instance
// continues. The tests in a real Fluent Bit cover Init and Collect.
func TestPanics(t *testing.T) {
	t.Parallel()
	for _, v := range []variant{{version: v220}, {version: v400}, {version: v511}} {
		for at, c := range map[string]struct {
			input []string
			line  string
			later string // in the script
		}{
			"collect":   {nil, "panic in Collect: ", ""},
			"pause":     {[]string{"-p", "at=pause"}, "panic in Pause: ", "at 0.3 pause; at 0.5 resume; "},
			"resume":    {[]string{"-p", "at=resume"}, "panic in Resume: ", "at 0.3 pause; at 0.5 resume; "},
			"close":     {[]string{"-p", "at=close"}, "panic in Close: ", ""},
			"goroutine": {[]string{"-p", "at=goroutine"}, "panic in a goroutine: ", ""},
			"init":      {[]string{"-p", "at@1=init"}, "panic in Init: ", "at 0.3 reload; "},
			"restore":   {[]string{"-p", "at@1=restore"}, "panic in Restore: ", "at 0.3 reload; "},
		} {
			t.Run(fmt.Sprint(v, " ", at), func(t *testing.T) {
				t.Parallel()
				r := load(t, v, crashPackage, append([]string{"--tick", "20", "--output", "json", "--metrics",
					"--script", c.later + "at 1 exit", "PLUGIN", "-i", "-p", "tag=other", "-i", "-p", "tag=a"}, c.input...)...)
				r.wantClean(t)
				const nilDereference = "runtime error: invalid memory address or nil pointer dereference"
				r.wantLine(t, "[input:crash:crash.1] "+c.line+nilDereference)
				r.wantLine(t, "main.(*crash).crash")
				if n := counter(t, r, "plugin_panics_total", "crash.1"); n == 0 {
					t.Error("no panic is counted")
				}
				other, own := len(numbers(t, r, "other")), len(numbers(t, r, "a"))
				if at != "restore" && own < other/2 || own == 0 || other < 10 { // without a restore it idles
					t.Errorf("%d records, and %d of the input beside it", own, other)
				}
			})
		}
	}
}

// Each allocation of the plugin fails in turn. The process lives. Nothing is registered, or an
// input that cannot start refuses the start or idles, with a line in the log; or the input
// continues, and none of its records is lost or repeated.
func TestAllocationFails(t *testing.T) {
	t.Parallel()
	variants := []variant{{version: v511}, {version: v511, bare: true}, {version: v400}}
	if testing.Short() {
		variants = []variant{{version: v511}, {version: v400}}
	}
	for _, v := range variants {
		for name, script := range map[string]string{"": "at 1.1 exit", " reload": "at 0.4 reload; at 1.5 exit"} {
			t.Run(fmt.Sprint(v, name), func(t *testing.T) {
				t.Parallel()
				fails := func(n int) result {
					args := []string{"--output", "json", "--fail-alloc", fmt.Sprint(n), "--script", script, "PLUGIN"}
					for _, tag := range []string{"a", "b"} {
						alias := "x" // of both: the second one gets another
						if v.version < v403 || name != "" {
							alias += tag // an input that idles leaves its name, and its stream, to the other
						}
						args = append(args, "-i", "-p", "alias="+alias, "-p", "tag="+tag, "-p", "rate=50", "-p", `template={"n":{{ seq }}}`, "-p", "seed=1")
					}
					return load(t, v, gdummyPackage, args...)
				}
				all := fails(1 << 30).report.Allocations
				if all < 7 {
					t.Fatalf("%d allocations: they are not seen", all)
				}
				var outcomes []string
				for n := 1; n <= all; n++ {
					outcomes = append(outcomes, allocationOutcome(t, v, n, fails(n)))
				}
				for _, want := range []string{"not registered", "started"} {
					if !slices.Contains(outcomes, want) {
						t.Errorf("no run is %s: %q", want, outcomes)
					}
				}
				t.Logf("%q", outcomes)
			})
		}
	}
}

// allocationOutcome checks the run in which allocation n failed, and returns its outcome.
func allocationOutcome(t *testing.T, v variant, n int, r result) string {
	t.Helper()
	noMemory := strings.Contains(r.stderr, "out of memory")
	for _, tag := range []string{"a", "b"} {
		if all := numbers(t, r, tag); !v.bare || v.version >= v410 {
			if !slices.Equal(all, upTo(len(all))) {
				t.Errorf("allocation %d: records of %s: %v", n, tag, all)
			}
		}
	}
	switch {
	case r.code == 3 && strings.Contains(r.stderr, "this Go plugin cannot be registered: out of memory"):
		return "not registered"
	case r.code == 1 && r.report.RegisterFaults == 1 && strings.Contains(r.stderr, "this Go plugin cannot be registered: out of memory"):
		return "reload halted"
	case r.code == 3 && noMemory && v.version >= v403:
		return "refused"
	case r.code == 0 && len(numbers(t, r, "a")) >= 10 && len(numbers(t, r, "b")) >= 10:
		r.wantClean(t)
		return "started"
	case r.code == 0 && noMemory && len(numbers(t, r, "a"))+len(numbers(t, r, "b")) >= 10:
		r.wantClean(t)
		return "one idles"
	}
	t.Errorf("allocation %d: exit code %d\n%s", n, r.code, r.stderr)
	return "unexpected"
}

func upTo(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

// Inputs that the engine pauses and resumes at random moments, under load, lose no record and
// repeat none.
func TestRandomPauses(t *testing.T) {
	t.Parallel()
	const n, seconds = 1000, 6.0
	rounds := 10
	if testing.Short() {
		rounds = 1
	}
	for i := range 3 * rounds {
		v := []variant{{version: v511}, {version: v400}, {version: v220}}[i%3]
		t.Run(fmt.Sprint(v, " ", i/3), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(uint64(v.version), uint64(i)))
			var script strings.Builder
			for range n {
				at, input := r.Float64()*seconds, r.IntN(2)
				fmt.Fprintf(&script, "at %.4f pause %d; at %.4f resume %d; ", at, input, at+r.Float64()*0.01, input)
			}
			fmt.Fprintf(&script, "at %.4f resume; at %.4f exit", seconds+0.1, seconds+1.5)
			res := load(t, v, gdummyPackage, "--output", "json", "--script", script.String(), "PLUGIN",
				"-i", "-p", "tag=a", "-p", "rate=2000", "-p", `template={"n":{{ seq }}}`,
				"-i", "-p", "tag=b", "-p", "rate=unlimited", "-p", fmt.Sprint("max_records=", n*20), "-p", `template={"n":{{ seq }}}`)
			res.wantClean(t)
			if res.report.Pauses < n {
				t.Errorf("%d pauses, want %d", res.report.Pauses, n)
			}
			for _, tag := range []string{"a", "b"} {
				if all := numbers(t, res, tag); len(all) < n || !slices.Equal(all, upTo(len(all))) {
					t.Errorf("%s: %d records, not in sequence", tag, len(all))
				}
			}
		})
	}
}

// Hot reloads while the file of the template is exchanged, broken, emptied and removed at any
// moment, and sections have errors in between. Every record is whole and of one of the
// templates, and no reload ends the process.
func TestReloadsWhileFilesChange(t *testing.T) {
	t.Parallel()
	n := 1000
	if testing.Short() {
		n = 100
	}
	for _, v := range []variant{{version: v511}, {version: v400}} {
		t.Run(v.String(), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			file, started := filepath.Join(dir, "a.tmpl"), filepath.Join(dir, "run.ledger")
			const first, second = `{"n":{{ seq }},"of":"first"}`, `{"n":{{ seq }},"of":"second"}`
			must(t, os.WriteFile(file, []byte(first), 0o644))
			done := make(chan struct{})
			var changes sync.WaitGroup
			changes.Go(func() {
				r := rand.New(rand.NewPCG(1, 2))
				for {
					select {
					case <-done:
						return
					case <-time.After(time.Duration(r.IntN(5)) * time.Millisecond):
					}
					if _, err := os.Stat(started); err != nil {
						continue
					}
					switch r.IntN(6) {
					case 0:
						_ = os.Remove(file)
					case 1:
						_ = os.WriteFile(file, []byte(`{"n":{{ seq `), 0o644)
					case 2:
						_ = os.WriteFile(file, nil, 0o644)
					case 3, 4:
						_ = os.WriteFile(file, []byte(first), 0o644)
					case 5:
						_ = os.WriteFile(file, []byte(second), 0o644)
					}
				}
			})
			args := []string{"--output", "json", "--reloads", fmt.Sprint(n), "PLUGIN",
				"-i", "-p", "alias=changing", "-p", "tag=a", "-p", "rate=1000", "-p", "template_file=" + file, "-p", "ledger=" + started,
				"-i", "-p", "alias=steady", "-p", "tag=b", "-p", "rate=1000", "-p", `template={"n":{{ seq }}}`, "-p", "seed=1"}
			for i := 3; i < n; i += 7 {
				args = append(args, "-p", fmt.Sprintf("copies@%d=none", i))
			}
			r := load(t, v, gdummyPackage, args...)
			close(done)
			changes.Wait()
			r.wantClean(t)
			if r.report.Reloads != n {
				t.Errorf("%d reloads, want %d", r.report.Reloads, n)
			}
			wantStream(t, r, "b")
			of := map[string]int{}
			for line := range strings.Lines(r.stdout) {
				var record struct {
					Tag  string
					Body struct{ Of string }
				}
				if err := json.Unmarshal([]byte(line), &record); err != nil {
					t.Fatalf("%v: %s", err, line)
				}
				of[record.Tag+record.Body.Of]++
			}
			if of["b"] == 0 || of["afirst"]+of["asecond"] == 0 || of["b"]+of["afirst"]+of["asecond"] != len(strings.Split(r.stdout, "\n"))-1 {
				t.Errorf("records by tag and template: %v", of)
			}
			if errs := strings.Count(r.stderr, continues); errs < n/7 {
				t.Errorf("%d errors of sections, want %d or more", errs, n/7)
			}
		})
	}
}

// The C of package flb under AddressSanitizer and UndefinedBehaviorSanitizer, in a host that
// is built with both.
func TestSanitizedPlugin(t *testing.T) {
	t.Parallel()
	v := variant{version: v511, flags: sanitizers}
	host, err := v.host(t)
	if err != nil {
		t.Skipf("### SKIPPED: the compiler has no sanitizers (Debian: apt-get install libasan8 libubsan1): %v", err)
	}
	so := filepath.Join(t.TempDir(), "gdummy.so")
	cmd := exec.Command("go", "build", "-buildmode=c-shared", "-o", so, gdummyPackage)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=1", "CGO_CFLAGS=-O1 -g "+strings.Join(sanitizers, " "), "CGO_LDFLAGS="+sanitizers[0])
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, threaded := range []string{"on", "off"} {
		t.Run("threaded "+threaded, func(t *testing.T) {
			t.Parallel()
			report := filepath.Join(t.TempDir(), "report.json")
			r := runCommand(t, exec.Command(host, "--report", report, "--threaded", threaded, "--output", "null", "--metrics", "--reloads", "20", "--pauses", "50",
				"--script", "at 0.5 pause 0; at 0.7 resume 0; at 0.9 hup; at 1 cont; at 2 exit", so,
				"-i", "-p", "alias=x", "-p", "rate=2000", "-p", "copies@3=none", "-p", "dummy={\"a\":\"${HOME}\"}",
				"-i", "-p", "alias=x", "-p", "rate=unlimited", "-p", `template={"n":{{ seq }}}`), report)
			r.wantClean(t)
			for _, s := range []string{"Sanitizer", "runtime error"} {
				if strings.Contains(r.stderr, s) {
					t.Errorf("%s:\n%s", s, r.stderr)
				}
			}
		})
	}
}
