// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// answer is what gdummy capacity --json prints.
type answer struct {
	Rate, Low, High, Bytes float64
	Culprit                string
	Trials                 []struct {
		Purpose, Reason, Detail       string
		Held                          bool
		Rate, Achieved, CPU, Duration float64
		Evidence                      struct{ Threads json.RawMessage }
	}
}

// trials returns a line for each trial.
func (a *answer) trials() string {
	var b strings.Builder
	for _, t := range a.Trials {
		fmt.Fprintf(&b, "%s at %.0f: %t %s %s, %.0f arrived, %.3f cores, %s\n", t.Purpose, t.Rate, t.Held, t.Reason, t.Detail, t.Achieved, t.CPU/t.Duration,
			bytes.Join(bytes.Fields(t.Evidence.Threads), nil))
	}
	return b.String()
}

// size returns the bytes of a record.
func (a *answer) size() float64 { return a.Bytes / a.Rate }

// spend is a function in Lua that takes 250 µs for a record. It makes up for at most CREDIT
// nanoseconds in which it had no CPU.
const spend = `
    call: spend
    code: |
      local ffi = require("ffi")
      ffi.cdef[[typedef struct {long s, ns;} instant; int clock_gettime(int clock, instant *now); int usleep(unsigned us);]]
      local at, due = ffi.new("instant"), 0
      local function now() ffi.C.clock_gettime(CLOCK, at) return tonumber(at.s) * 1e9 + tonumber(at.ns) end
      function spend(tag, ts, record)
        due = math.max(due, now() - CREDIT) + 250e3
        WAIT
        return 0, ts, record
      end
`

// spending returns the properties of a Lua filter: it computes until a record's time is
// over, on the given clock, or waits for that.
func spending(clock, wait, indent string) string {
	credit := "1e8"
	if clock == ofThread {
		credit = "0"
	}
	text := strings.NewReplacer("CLOCK", clock, "WAIT", wait, "CREDIT", credit).Replace(spend)
	return strings.ReplaceAll(text, "\n", "\n"+indent)
}

const (
	monotonic  = "1"
	ofThread   = "3" // the CPU time of the thread
	untilDue   = "while now() < due do end"
	sleepAhead = "local ahead = due - now() if ahead > 1e6 then ffi.C.usleep(ahead / 1e3) end"

	chunkSize = 2_048_000 // bytes at which Fluent Bit begins another chunk
	quota     = 0.4       // cores
)

// plantedCapacities are pipelines of known capacity. That of most follows from the clock, not
// from the machine.
var plantedCapacities = map[string]struct {
	input, filters, output string // properties, filters, properties
	args                   []string
	quota                  bool // the Fluent Bit has a quota of CPU
	rate                   func(*answer) float64
	culprit                string // an expression
}{
	"a receiver of 5000 records a second": {
		args: []string{"--fault", "rate=5000/s"}, rate: exactly(5000), culprit: `receiver at its limit of 5k records/s`,
	},
	"a slower output behind mem_buf_limit": {
		input: ", mem_buf_limit: 1M",
		args:  []string{"--fault", "rate=3000/s"}, rate: exactly(3000), culprit: `receiver at its limit of 3k records/s`,
	},
	"a throttle filter": {
		filters: "  filters: [{name: throttle, match: '*', rate: 3000, window: 3, interval: 1s}]\n",
		rate:    exactly(3000), culprit: `filter throttle\.0 drops records`,
	},
	"a Lua filter that computes for 250 µs": {
		filters: "  filters:\n  - name: lua\n    match: '*'" + spending(monotonic, untilDue, ""),
		rate:    exactly(4000), culprit: `engine thread (at \d+ %|busy \d+ % of the time \(.*\)), \d+ % of it in filter lua\.0`,
	},
	"a Lua filter that waits for 250 µs": {
		filters: "  filters:\n  - name: lua\n    match: '*'" + spending(monotonic, sleepAhead, ""),
		rate:    exactly(4000), culprit: `engine thread busy \d+ % of the time \(.*blocked\), \d+ % of it in filter lua\.0`,
	},
	"an output of one worker that waits for 250 µs": {
		output: "    workers: 1\n    processors:\n      logs:\n      - name: lua" + spending(monotonic, sleepAhead, "    "),
		rate:   exactly(4000), culprit: `thread of output stdout\.0 busy \d+ % of the time \(.*blocked\)`,
	},
	// Little's law: a worker that takes 450 ms for a request handles two of those that a
	// flush makes in a second. A third begins after two full chunks.
	"a receiver with one worker and a latency of 450 ms": {
		input: `, dummy: '{"message":"` + strings.Repeat("x", 1000) + `"}'`,
		args:  []string{"--fault", "delay=450ms,workers=1"}, rate: func(a *answer) float64 { return 2 * chunkSize / a.size() },
		culprit: `receiver: its worker is busy \d+ % of the time`,
	},
	"a CPU quota": {
		filters: "  filters:\n  - name: lua\n    match: '*'" + strings.ReplaceAll(spending(ofThread, untilDue, ""), "250e3", "500e3"),
		quota:   true,
		rate:    exactly(quota / 500e-6), culprit: `CPU quota of 0\.4 cores at \d+ %`,
	},
}

func exactly(rate float64) func(*answer) float64 { return func(*answer) float64 { return rate } }

const capacityPipeline = "pipeline:\n  inputs: [{name: gdummy, rate: 10}]\n  outputs: [{name: stdout, match: '*'}]\n"

func TestPlantedCapacity(t *testing.T) {
	if testing.Short() {
		t.Skip("### SKIPPED in short mode: a search takes minutes")
	}
	onEachHost(t, func(t *testing.T, h host) {
		h.since(t, v3_2_0, "metadata that survives filters")
		for name, planted := range plantedCapacities {
			t.Run(name, func(t *testing.T) {
				t.Parallel() // most wait for the clock
				dir := t.TempDir()
				program := h.path
				if planted.quota {
					program = withQuota(t, h.path, quota)
				}
				path := filepath.Join(dir, "fluent-bit.yaml")
				text := "pipeline:\n  inputs: [{name: gdummy, rate: 10" + planted.input + "}]\n" + planted.filters +
					"  outputs:\n  - name: stdout\n    match: '*'\n" + planted.output
				if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
					t.Fatal(err)
				}
				page := filepath.Join(dir, "page.html")
				cmd := exec.Command(gdummyCmd, append([]string{"capacity", path, "--json", "--html", page, "--hold", "5s", "--budget", "3m",
					"--plugin", gdummySO, "--fluent-bit", program}, planted.args...)...)
				cmd.Env = append(os.Environ(), "TMPDIR="+dir)
				var log bytes.Buffer
				cmd.Stderr = &log
				out, err := cmd.Output()
				if err != nil {
					t.Fatalf("%v\n%s", err, &log)
				}
				var got answer
				if err := json.Unmarshal(out, &got); err != nil {
					t.Fatalf("%v: %s", err, out)
				}
				want := planted.rate(&got)
				t.Logf("%.0f records/s, from %.0f to %.0f, %+.1f %% of %.0f; %s", got.Rate, got.Low, got.High, 100*(got.Rate/want-1), want, got.Culprit)
				if !(math.Abs(got.Rate-want) <= 0.07*want) {
					t.Errorf("%.0f records/s, want %.0f ± 7 %%\n%s", got.Rate, want, got.trials())
				}
				if !regexp.MustCompile("^" + planted.culprit + "$").MatchString(got.Culprit) {
					t.Errorf("limited by %q, want %s\n%s", got.Culprit, planted.culprit, got.trials())
				}
				if text, err := os.ReadFile(page); err != nil || !bytes.Contains(text, []byte(got.Culprit)) {
					t.Errorf("the page is %q, %v; want one that names the %s", text, err, got.Culprit)
				}
				leavesNothing(t, dir)
			})
		}
	})
}

// Equal pipelines are not called different, and one that is 10 % slower is found: with
// trials in turn, and an exit code that a build can use.
func TestPlantedComparison(t *testing.T) {
	if testing.Short() {
		t.Skip("### SKIPPED with -short: a comparison takes minutes")
	}
	pipeline := func(took string) string {
		return "pipeline:\n  inputs: [{name: gdummy, rate: 10}]\n  filters:\n  - name: lua\n    match: '*'" +
			strings.ReplaceAll(spending(monotonic, sleepAhead, ""), "250e3", took) + "  outputs: [{name: stdout, match: '*'}]\n"
	}
	for name, c := range map[string]struct {
		took string // by B for a record, in nanoseconds; A takes 250e3
		want float64
		code int
	}{
		"equal":       {"250e3", 1, 0},
		"10 % slower": {"277.8e3", 0.9, 1},
	} {
		t.Run(name, func(t *testing.T) {
			onEachHost(t, func(t *testing.T, h host) {
				h.since(t, v3_2_0, "metadata that survives filters")
				dir := t.TempDir()
				a, b := filepath.Join(dir, "a.yaml"), filepath.Join(dir, "b.yaml")
				for path, text := range map[string]string{a: pipeline("250e3"), b: pipeline(c.took)} {
					if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
						t.Fatal(err)
					}
				}
				cmd := exec.Command(gdummyCmd, "capacity", a, b, "--json", "--hold", "5s", "--budget", "4m", "--fail-if", "slower than 1%", "--plugin", gdummySO, "--fluent-bit", h.path)
				cmd.Env = append(os.Environ(), "TMPDIR="+dir)
				var log bytes.Buffer
				cmd.Stderr = &log
				out, _ := cmd.Output() // the exit code is checked
				var got struct {
					Comparison struct {
						Ratios []struct {
							Metric           string
							Ratio, Low, High float64
							Pairs            int
							Significant      bool
						}
					}
				}
				if err := json.Unmarshal(out, &got); err != nil || len(got.Comparison.Ratios) == 0 {
					t.Fatalf("%v: %s\n%s", err, out, &log)
				}
				r := got.Comparison.Ratios[0]
				t.Logf("%s of B: %.3f of A's, from %.3f to %.3f, after %d pairs", r.Metric, r.Ratio, r.Low, r.High, r.Pairs)
				if r.Low > c.want || r.High < c.want || r.Significant != (c.code == 1) || cmd.ProcessState.ExitCode() != c.code {
					t.Errorf("exit code %d, significant %t; want %.2f in the interval and exit code %d", cmd.ProcessState.ExitCode(), r.Significant, c.want, c.code)
				}
				leavesNothing(t, dir)
			})
		})
	}
}

// withQuota returns a program that runs another in a control group with a quota of CPU, in
// cores. It skips the test where it may not make one.
func withQuota(t *testing.T, program string, cores float64) string {
	t.Helper()
	const period = 100_000 // µs
	limits := map[string]map[string]string{
		"/sys/fs/cgroup":     {"cpu.weight": "10000", "cpu.max": fmt.Sprintf("%.0f %d", cores*period, period)},
		"/sys/fs/cgroup/cpu": {"cpu.shares": "100000", "cpu.cfs_period_us": strconv.Itoa(period), "cpu.cfs_quota_us": fmt.Sprintf("%.0f", cores*period)},
	} // with a weight, so that other load does not keep it below its quota
	var last error
	for root, files := range limits {
		group, err := os.MkdirTemp(root, "gdummy-e2e-")
		if err != nil {
			last = err
			continue
		}
		t.Cleanup(func() { _ = os.Remove(group) }) // its processes have ended
		for _, name := range append([]string{"cgroup.procs"}, slices.Sorted(maps.Keys(files))...) {
			if err == nil {
				_, err = os.Stat(filepath.Join(group, name)) // it may be another file system
			}
			if text := files[name]; err == nil && text != "" {
				err = os.WriteFile(filepath.Join(group, name), []byte(text), 0)
			}
		}
		script := filepath.Join(t.TempDir(), "fluent-bit")
		text := fmt.Sprintf("#!/bin/sh\necho $$ > %s/cgroup.procs || exit 1\nexec %s \"$@\"\n", group, program)
		if err == nil {
			err = os.WriteFile(script, []byte(text), 0o777)
		}
		if err == nil {
			err = exec.Command(script, "--version").Run()
		}
		if err == nil {
			return script
		}
		last = err
	}
	t.Skipf("### SKIPPED: a CPU quota needs a control group that this user may make: %v ###", last)
	return ""
}

// leavesNothing checks that a directory has no working directory of a trial.
func leavesNothing(t *testing.T, dir string) {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(dir, "gdummy-capacity-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}

// An interrupted search ends its Fluent Bit and removes its files. Without a trial, it has
// no answer; with one, it has the answer until then.
func TestCapacityInterrupted(t *testing.T) {
	for name, c := range map[string]struct {
		during string // the step
		code   int
	}{
		"ramp":         {": ramp", 2},
		"second trial": {": trial 2 ", 0},
	} {
		t.Run(name, func(t *testing.T) {
			onEachHost(t, func(t *testing.T, h host) { testInterrupted(t, h, c.during, c.code) })
		})
	}
}

func testInterrupted(t *testing.T, h host, during string, code int) {
	h.since(t, v3_2_0, "metadata that survives filters")
	dir := t.TempDir()
	path := filepath.Join(dir, "fluent-bit.yaml")
	if err := os.WriteFile(path, []byte(capacityPipeline), 0o666); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(gdummyCmd, "capacity", path, "--json", "--hold", "3s", "--fault", "rate=1000/s", "--plugin", gdummySO, "--fluent-bit", h.path)
	cmd.Env = append(os.Environ(), "TMPDIR="+dir)
	var out bytes.Buffer
	cmd.Stdout = &out
	pipe, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	var log []byte
	interrupted := false
	for buf := make([]byte, 4096); ; {
		n, err := pipe.Read(buf)
		log = append(log, buf[:n]...)
		if !interrupted && strings.Contains(string(log), during) {
			interrupted = true
			if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
				t.Fatal(err)
			}
		}
		if err != nil {
			break
		}
	}
	_ = cmd.Wait() // the exit code is checked
	if got := cmd.ProcessState.ExitCode(); got != code || !interrupted {
		t.Errorf("exit code %d, interrupted %v; want %d, true\n%s", got, interrupted, code, log)
	}
	var got struct {
		answer
		Partial bool
		Stopped string
	}
	err = json.Unmarshal(out.Bytes(), &got)
	if answered := len(got.Trials) > 0; err != nil || !got.Partial || got.Stopped != "interrupted" || (got.Rate > 0) != answered || answered != (code == 0) {
		t.Errorf("%v, partial %t, stopped %q, %.0f records/s after %d trials; want a partial answer that was interrupted\n%s", err, got.Partial, got.Stopped, got.Rate, len(got.Trials), &out)
	}
	leavesNothing(t, dir)
	if left := fluentBitsOf(t, dir); len(left) > 0 {
		t.Errorf("processes are left: %v", left)
	}
}

// fluentBitsOf returns the command lines of processes that name a directory.
func fluentBitsOf(t *testing.T, dir string) (found []string) {
	t.Helper()
	paths, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range paths {
		if line, err := os.ReadFile(p); err == nil && strings.Contains(string(line), filepath.Join(dir, "gdummy-capacity-")) {
			found = append(found, strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return found
}
