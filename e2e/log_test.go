// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Messages of an input go through Fluent Bit's logger. With a log_file, none are on stdout or
// stderr, including panics with their stacks.
func TestNothingBehindTheLogger(t *testing.T) {
	onEachHost(t, func(t *testing.T, h host) {
		for _, plugin := range []string{"gdummy", "crash"} {
			t.Run(plugin, func(t *testing.T) {
				t.Parallel()
				so, expect := gdummySO, "[ warn] [input:gdummy:gdummy.0] option copies: "
				if plugin == "crash" {
					so, expect = crashSO, "[error] [input:crash:crash.0] panic in Collect: "
				}
				p := h.start(t, launch{plugins: []string{so}, config: service + "    log_file fluent-bit.log\n" +
					input("name "+plugin, "tag a", "strict off", "copies 0", "rate 50", "log_level debug") + toFiles})
				var log string
				p.await("the line in the log file", 10*time.Second, func() bool {
					b, _ := os.ReadFile(filepath.Join(p.dir, "fluent-bit.log"))
					log = string(b)
					return strings.Contains(log, expect)
				})
				p.await("records", 10*time.Second, func() bool { return len(p.records("a")) > 0 })
				p.stop()
				for _, path := range []string{p.stdout, p.stderr} {
					b, err := os.ReadFile(path)
					if err != nil {
						t.Fatal(err)
					}
					for _, word := range []string{plugin, "panic", "goroutine", "copies"} {
						if strings.Contains(string(b), word) {
							t.Errorf("%s has %q:\n%s", filepath.Base(path), word, b)
						}
					}
				}
			})
		}
	})
}

// Messages have the instance's name, and log_level applies to each instance separately.
func TestLogLevels(t *testing.T) {
	onEachHost(t, func(t *testing.T, h host) {
		bad := []string{"strict off", "copies 0", "rate 20"} // a warning
		p := h.start(t, launch{config: service +
			input(append(bad, "name gdummy", "tag a", "alias loud")...) +
			input(append(bad, "name gdummy", "tag b", "alias quiet", "log_level error")...) +
			input(append(bad, "name gdummy", "tag c", "log_level warn")...) +
			input("name gdummy", "tag d", "alias broken", "strict off", "log_level off", "copies 0") + toFiles})
		for _, tag := range []string{"a", "b", "c"} {
			p.await("records of "+tag, 10*time.Second, func() bool { return len(p.records(tag)) > 0 })
		}
		p.stop()
		log := p.log()
		for _, want := range []string{
			"[ warn] [input:gdummy:loud] option copies: invalid value \"0\": expected a whole number",
			"[ info] [input:gdummy:loud] ",
			"[ warn] [input:gdummy:gdummy.2] option copies: invalid value \"0\": expected a whole number",
		} {
			if !strings.Contains(log, want) {
				t.Errorf("the log does not have %q", want)
			}
		}
		// The plugin cannot suppress the host's own messages about an input.
		ours := regexp.MustCompile(`(?m)^.*\[(?: warn| info|debug)\] \[input:gdummy:(quiet|broken)\] (option|delivery|scheduled|\s).*$`)
		if m := ours.FindAllString(log, -1); m != nil {
			t.Errorf("in spite of its log_level:\n%s", strings.Join(m, "\n"))
		}
		if m := regexp.MustCompile(`(?m)^.*\[ info\] \[input:gdummy:gdummy.2\] (option|delivery|scheduled).*$`).FindAllString(log, -1); m != nil {
			t.Errorf("in spite of log_level warn:\n%s", strings.Join(m, "\n"))
		}
	})
}

var daemonPID = regexp.MustCompile(`\[fluent bit\] version=.* pid=(\d+)`)

// Fluent Bit's daemon mode forks after loading the plugin, which Go does not support. Instead
// of a hang that SIGTERM would not end, there is a message in the log, and the start is
// refused if possible.
func TestDaemonIsRefused(t *testing.T) {
	onEachHost(t, func(t *testing.T, h host) {
		dir := t.TempDir()
		log := filepath.Join(dir, "fluent-bit.log")
		p := h.start(t, launch{dir: dir, args: []string{"-d", "-l", log, "-i", "gdummy", "-o", "null"}})
		p.awaitExit(10 * time.Second)
		if p.exitCode != 0 {
			t.Errorf("the parent's exit code is %d", p.exitCode)
		}
		await := func(what string, cond func() bool) {
			t.Helper()
			for deadline := time.Now().Add(10 * time.Second); !cond(); time.Sleep(10 * time.Millisecond) {
				if time.Now().After(deadline) {
					b, _ := os.ReadFile(log)
					t.Fatalf("not within 10s: %s\n%s", what, b)
				}
			}
		}
		pid := 0
		await("the daemon's log", func() bool {
			b, _ := os.ReadFile(log)
			if m := daemonPID.FindSubmatch(b); m != nil {
				pid, _ = strconv.Atoi(string(m[1]))
			}
			return pid > 0
		})
		gone := func() bool { return syscall.Kill(pid, 0) != nil }
		t.Cleanup(func() {
			if !gone() {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		})
		await("the message", func() bool {
			b, _ := os.ReadFile(log)
			return strings.Contains(string(b), "[error] [input:gdummy:gdummy.0] Fluent Bit runs as a daemon (-d): ")
		})
		if h.version.before(v4_0_3) {
			await("the start", func() bool {
				b, _ := os.ReadFile(log)
				return startedLine.Match(b)
			})
			_ = syscall.Kill(pid, syscall.SIGTERM)
		}
		await("the end of the daemon", gone)
	})
}
