// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// The capacity of these pipelines is planted: it follows from the clock, not from the
// machine. An instrument is tested with known weights.
var plantedCapacities = map[string]struct {
	filter  string
	args    []string
	rate    float64
	culprit string
}{
	"a receiver of 5000/s": {"", []string{"--fault", "rate=5000/s"}, 5000, "receiver at its limit of 5k records/s"},
	"a throttle filter":    {"throttle, match: '*', rate: 3000, window: 3, interval: 1s", nil, 3000, "filter throttle.0 drops records"},
}

const capacityPipeline = "pipeline:\n  inputs: [{name: gdummy, rate: 10}]\n  outputs: [{name: stdout, match: '*'}]\n"

func TestPlantedCapacity(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED in short mode: a search takes minutes")
	}
	onEachHost(t, func(t *testing.T, h host) {
		h.since(t, v3_2_0, "metadata that survives filters")
		for name, planted := range plantedCapacities {
			t.Run(name, func(t *testing.T) {
				dir := t.TempDir()
				text := capacityPipeline
				if planted.filter != "" {
					text += "  filters: [{name: " + planted.filter + "}]\n"
				}
				path := filepath.Join(dir, "fluent-bit.yaml")
				if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
					t.Fatal(err)
				}
				page := filepath.Join(dir, "page.html")
				args := append([]string{"capacity", path, "--json", "--html", page, "--hold", "5s", "--budget", "2m", "--plugin", gdummySO, "--fluent-bit", h.path}, planted.args...)
				cmd := exec.Command(gdummyCmd, args...)
				cmd.Env = append(os.Environ(), "TMPDIR="+dir)
				var log bytes.Buffer
				cmd.Stderr = &log
				out, err := cmd.Output()
				if err != nil {
					t.Fatalf("%v\n%s", err, &log)
				}
				var got struct {
					Rate    float64
					Culprit string
				}
				if err := json.Unmarshal(out, &got); err != nil {
					t.Fatalf("%v: %s", err, out)
				}
				if got.Rate < 0.93*planted.rate || got.Rate > 1.07*planted.rate || got.Culprit != planted.culprit {
					t.Errorf("%.0f records/s, limited by %q; want %.0f ± 7 %%, limited by %q\n%s", got.Rate, got.Culprit, planted.rate, planted.culprit, out)
				}
				if text, err := os.ReadFile(page); err != nil || !bytes.Contains(text, []byte(planted.culprit)) {
					t.Errorf("the page is %q, %v; want one that names the %s", text, err, planted.culprit)
				}
				leavesNothing(t, dir)
			})
		}
	})
}

// leavesNothing checks that a directory has no working directory of a trial.
func leavesNothing(t *testing.T, dir string) {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(dir, "gdummy-capacity-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}

// An interrupted search ends its Fluent Bit and removes its files. Without a trial, it
// has no answer.
func TestCapacityInterrupted(t *testing.T) {
	onEachHost(t, func(t *testing.T, h host) {
		h.since(t, v3_2_0, "metadata that survives filters")
		dir := t.TempDir()
		path := filepath.Join(dir, "fluent-bit.yaml")
		if err := os.WriteFile(path, []byte(capacityPipeline), 0o666); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(gdummyCmd, "capacity", path, "--plugin", gdummySO, "--fluent-bit", h.path)
		cmd.Env = append(os.Environ(), "TMPDIR="+dir)
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
			if !interrupted && strings.Contains(string(log), ": ramp") {
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
		if code := cmd.ProcessState.ExitCode(); code != 2 || !interrupted {
			t.Errorf("exit code %d, interrupted %v; want 2, true\n%s", code, interrupted, log)
		}
		leavesNothing(t, dir)
		if left := fluentBitsOf(t, dir); len(left) > 0 {
			t.Errorf("processes are left: %v", left)
		}
	})
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
