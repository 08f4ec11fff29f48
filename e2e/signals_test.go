// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gdummy/gdummy/internal/prove/ledger"
)

// Storms of one signal, and the end in every phase of a run. Two kinds of signal at the same
// time are not sent: Fluent Bit's own handlers deadlock when one interrupts another.

// storm sends a signal n times, at random moments of a span.
func (p *process) storm(s syscall.Signal, n int, span time.Duration) {
	p.t.Helper()
	r := rand.New(rand.NewPCG(uint64(s), uint64(n)))
	for range n {
		if !p.running() {
			return
		}
		_ = p.cmd.Process.Signal(s) // it may have exited by now
		time.Sleep(time.Duration(r.Int64N(2 * int64(span) / int64(n))))
	}
}

// stormSize is the number of signals of a storm.
func stormSize(short, full int) int {
	if testing.Short() {
		return short
	}
	return full
}

// survivesStorm reports whether a dummy instead of gdummy survives the same storm, for hosts
// that do not.
func survivesStorm(t *testing.T, h host, s syscall.Signal, n int, span time.Duration) bool {
	t.Helper()
	p := h.start(t, launch{alone: true, plugins: []string{}, args: hotReload(h),
		config: service + input("name dummy", "tag a", "rate 100") + toFiles})
	p.await("records of dummy", 20*time.Second, func() bool { return len(p.records("a")) > 0 })
	p.storm(s, n, span)
	from := len(p.records("a"))
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end) && p.running(); time.Sleep(50 * time.Millisecond) {
		if len(p.records("a")) > from+50 {
			return true
		}
	}
	return false
}

// A storm of a signal that does not end Fluent Bit loses no record and repeats none.
func TestSignalStorm(t *testing.T) {
	onEachHost(t, func(t *testing.T, h host) {
		for _, s := range []syscall.Signal{syscall.SIGCONT, syscall.SIGPIPE, syscall.SIGURG} {
			t.Run(s.String(), func(t *testing.T) {
				t.Parallel()
				n := stormSize(200, 5000)
				records := 2000 * max(n/1000, 3)
				p := h.start(t, launch{config: service +
					input("name gdummy", "tag a", "rate 2000", fmt.Sprint("max_records ", records), "ledger ledger", "catch_up full") + toFiles})
				p.await("the ledger", 20*time.Second, func() bool { _, err := ledger.ReadFile(filepath.Join(p.dir, "ledger")); return err == nil })
				p.storm(s, n, time.Duration(n)*5*time.Millisecond)
				if !p.running() {
					t.Fatalf("the process has ended (code %d, %v)", p.exitCode, p.signal)
				}
				p.awaitRecords(records)
				p.awaitOut(records)
				p.stop()
				audit(t, "--ledger", p.dir+"/ledger", p.out()).expect(t, all(uint64(records)))
			})
		}
	})
}

// A storm of SIGHUP is as many reloads as Fluent Bit can do. The stream continues in each of
// them.
func TestReloadStorm(t *testing.T) {
	onEachHost(t, func(t *testing.T, h host) {
		h.since(t, v2_2_0, "hot reload by a signal")
		n := stormSize(30, 1000)
		span := time.Duration(n) * 50 * time.Millisecond
		p := h.start(t, launch{args: hotReload(h), config: service +
			input("name gdummy", "tag a", "rate 500", `template {"n":{{ seq }}}`, "seed 1") + toFiles})
		p.await("records", 20*time.Second, func() bool { return len(p.records("a")) > 100 })
		p.storm(syscall.SIGHUP, n, span)
		hangs := func() bool {
			from := len(p.records("a"))
			for end := time.Now().Add(30 * time.Second); time.Now().Before(end) && p.running(); time.Sleep(50 * time.Millisecond) {
				if len(p.records("a")) > from+200 {
					return false
				}
			}
			return true
		}
		if hangs() {
			if !survivesStorm(t, h, syscall.SIGHUP, n, span) {
				t.Skipf("### SKIPPED: %s does not survive %d SIGHUP: a defect of the host, also with its dummy: set FLUENT_BIT to another version", h.version, n)
			}
			t.Fatalf("no records after the storm (running: %v, code %d, %v)", p.running(), p.exitCode, p.signal)
		}
		if p.reloads() == 0 {
			t.Error("no reload")
		}
		p.stop()
		last := -1
		for _, r := range p.records("a") {
			var n int
			if _, err := fmt.Sscanf(render(r.body), `{"n": %d}`, &n); err != nil {
				t.Fatalf("%v: %s", err, render(r.body))
			}
			if n <= last || n > last+1 && !h.version.before(v4_1_0) { // before, a reload drops what is in the queue
				t.Fatalf("record %d follows record %d", n, last)
			}
			last = n
		}
		t.Logf("%d signals, %d reloads, %d records", n, p.reloads(), last+1)
	})
}

// A storm of a signal that ends Fluent Bit ends it as one does.
func TestStopStorm(t *testing.T) {
	onEachHost(t, func(t *testing.T, h host) {
		for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT} {
			t.Run(s.String(), func(t *testing.T) {
				t.Parallel()
				p := h.start(t, launch{config: service + input("name gdummy", "tag a", "rate 1000", "ledger ledger") + toFiles})
				p.await("records", 20*time.Second, func() bool { return len(p.records("a")) > 0 })
				p.storm(s, 20, 200*time.Millisecond)
				if h.version.before(v4_1_0) {
					for end := time.Now().Add(30 * time.Second); p.running(); time.Sleep(50 * time.Millisecond) {
						if time.Now().After(end) { // v3.2.10 did in one of 240 runs of dummy
							t.Skipf("### SKIPPED: %s did not end after several of this signal: a defect of the host, also with its dummy: set FLUENT_BIT to a later version", h.version)
						}
					}
				}
				p.awaitExit(lifetime)
				// A second one of these ends a host at once, also one with dummy.
				if p.signal != 0 || p.exitCode != 0 && p.exitCode != 128+int(s) {
					t.Errorf("exit code %d, signal %v", p.exitCode, p.signal)
				}
				if _, err := ledger.ReadFile(filepath.Join(p.dir, "ledger")); err != nil {
					t.Error(err)
				}
			})
		}
	})
}

// SIGTERM ends a run within three seconds in each of its phases, and with exit code 0: besides
// those of TestSIGTERM, while it starts, while the engine has paused an input, while an input
// waits for memory, and during a hot reload.
func TestSIGTERMInEachPhase(t *testing.T) {
	onEachHost(t, func(t *testing.T, h host) {
		s := newSink(t) // accepts nothing
		blocked := service + "    scheduler.base 1\n    scheduler.cap 1\n"
		for name, c := range map[string]struct {
			config string
			phase  func(p *process)
			reload bool
		}{
			"paused": {config: blocked + input("name gdummy", "tag a", "rate 1000", "mem_buf_limit 100k", "ledger ledger", bigDummy) + s.output("a"),
				phase: func(p *process) { p.awaitLog("paused (mem buf overlimit", 20*time.Second) }},
			"memory": {config: blocked + input("name gdummy", "tag a", "rate unlimited", "max_memory 32M", bigDummy) + s.output("a"),
				phase: func(p *process) { p.awaitLog("memory: the process has grown by", 60*time.Second) }},
			"unlimited": {config: service + input("name gdummy", "tag a", "rate unlimited", "ledger ledger") + "\n[OUTPUT]\n    name null\n    match *\n",
				phase: func(p *process) {
					p.await("the ledger", 20*time.Second, func() bool { return strings.Contains(p.ledgerText(), " from=") })
				}},
			"reloading": {reload: true, config: service + input("name gdummy", "tag a", "rate 1000", "ledger ledger") + toFiles,
				phase: func(p *process) {
					p.await("records", 20*time.Second, func() bool { return len(p.records("a")) > 0 })
					p.send(syscall.SIGHUP)
					p.awaitLog("reloading", 10*time.Second)
				}},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				if c.reload {
					h.since(t, v2_2_0, "hot reload by a signal")
				}
				p := h.start(t, launch{config: c.config, args: hotReload(h)})
				c.phase(p)
				if name == "reloading" {
					testStopInReload(t, p)
					return
				}
				p.stopWithin(3*time.Second + hostGrace)
			})
		}
		t.Run("start", func(t *testing.T) {
			t.Parallel()
			// From the first instruction of the program to the first records.
			for i := range stormSize(8, 40) {
				p := h.start(t, launch{config: service + input("name gdummy", "tag a", "rate 1000") + toFiles})
				time.Sleep(time.Duration(i) * 5 * time.Millisecond)
				p.send(syscall.SIGTERM)
				if took := p.awaitExit(lifetime); took > 3*time.Second {
					t.Errorf("start %d: SIGTERM took %v", i, took)
				}
				// Before it has a handler, the signal ends the process.
				if p.exitCode != 0 && p.signal != syscall.SIGTERM {
					t.Errorf("start %d: exit code %d, signal %v", i, p.exitCode, p.signal)
				}
			}
		})
	})
}

// hostGrace is how long Fluent Bit waits at the end for chunks that cannot be delivered: the
// grace of service.
const hostGrace = time.Second

func (p *process) ledgerText() string {
	text, _ := os.ReadFile(filepath.Join(p.dir, "ledger"))
	return string(text)
}

// testStopInReload stops a process within a reload. Hosts finish the reload first, or lose the
// signal: then a second one must end it.
func testStopInReload(t *testing.T, p *process) {
	t.Helper()
	for range 3 {
		p.send(syscall.SIGTERM)
		select {
		case <-p.exited:
			if p.exitCode != 0 || p.signal != 0 {
				t.Errorf("exit code %d, signal %v", p.exitCode, p.signal)
			}
			return
		case <-time.After(3*time.Second + hostGrace):
		}
	}
	t.Errorf("three SIGTERM during and after a reload do not end the process")
}
