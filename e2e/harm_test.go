// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Three Go libraries in one process, each with its own runtime, dereference nil: one with
// package flb, and two without, loaded before and after it. All recover, also after SIGCONT
// and SIGHUP, after which Fluent Bit installs its handlers again.
func TestOtherGoLibraries(t *testing.T) {
	libraries, err := foreignLibraries()
	if err != nil {
		t.Fatal(err)
	}
	for name, plugins := range map[string][]string{
		"last":    {libraries[0], libraries[1], crashSO},
		"first":   {crashSO, libraries[0], libraries[1]},
		"between": {libraries[0], crashSO, libraries[1]},
	} {
		t.Run(name, func(t *testing.T) {
			onEachHost(t, func(t *testing.T, h host) {
				p := h.start(t, launch{plugins: plugins, alone: true, config: service +
					input("name crash", "tag crash") + input("name one", "tag one") + input("name two", "tag two") + toFiles,
					args: hotReload(h)})
				all := func(what string) {
					t.Helper()
					n := len(p.records("crash")) // a panic follows every second record
					one, two := len(p.records("one")), len(p.records("two"))
					p.await(what+": all three recover", 30*time.Second, func() bool {
						return len(p.records("crash")) >= n+4 && len(p.records("one")) >= one+2 && len(p.records("two")) >= two+2
					})
				}
				all("at the start")
				p.betweenCollects()
				p.send(syscall.SIGCONT)
				p.awaitLog("Fluent Bit Dump", 10*time.Second)
				all("after SIGCONT")
				if !h.version.before(v2_1_0) && h.version != (version{4, 0, 3}) { // which does not complete a reload of threaded inputs
					p.betweenCollects()
					p.hangUp()
					p.await("the reload", 20*time.Second, func() bool { return p.reloads() == 1 })
					all("after SIGHUP")
				}
				p.stop()
			})
		})
	}
}

// A plugin with package flb that no input uses keeps the handlers of a library that was
// loaded after it, too.
func TestOtherGoLibrariesWithoutInput(t *testing.T) {
	libraries, err := foreignLibraries()
	if err != nil {
		t.Fatal(err)
	}
	onEachHost(t, func(t *testing.T, h host) {
		p := h.start(t, launch{plugins: []string{crashSO, libraries[1]}, alone: true, args: hotReload(h), config: service + input("name two", "tag two") + toFiles})
		recovers := func(what string) {
			t.Helper()
			n := len(p.records("two"))
			p.await(what+": the other library recovers", 30*time.Second, func() bool { return len(p.records("two")) >= n+2 })
		}
		recovers("at first") // before its start has ended, Fluent Bit ignores signals
		p.betweenCollects()
		p.send(syscall.SIGCONT)
		p.awaitLog("Fluent Bit Dump", 10*time.Second)
		recovers("after SIGCONT")
		if !h.version.before(v2_1_0) && h.version != (version{4, 0, 3}) {
			p.betweenCollects()
			p.hangUp()
			p.await("the reload", 20*time.Second, func() bool { return p.reloads() == 1 })
			recovers("after SIGHUP")
		}
		p.stop()
	})
}

// betweenCollects waits for a time without a collect of a Go input: collects begin at whole
// seconds since the boot. A fault while Fluent Bit installs its handlers ends the process.
func (p *process) betweenCollects() {
	p.t.Helper()
	p.await("the middle of a second", 10*time.Second, func() bool {
		uptime, err := os.ReadFile("/proc/uptime")
		if err != nil {
			p.t.Fatal(err)
		}
		var seconds float64
		if _, err := fmt.Sscan(string(uptime), &seconds); err != nil {
			p.t.Fatal(err)
		}
		_, part := math.Modf(seconds)
		return part > 0.3 && part < 0.6
	})
}

// With plain callbacks, records are emitted once a second, nothing else of the host is used,
// and a line in the log reports it.
func TestPlainCallbacks(t *testing.T) {
	onEachHost(t, func(t *testing.T, h host) {
		port := freePort(t)
		p := h.start(t, launch{env: []string{"FLB_PLAIN_CALLBACKS=on"}, config: httpService(port) +
			input("name gdummy", "tag a", "rate 50", "samples 100") + toFiles})
		p.await("all records", 20*time.Second, func() bool { return len(p.records("a")) == 100 })
		p.awaitLog(fmt.Sprintf("the host is Fluent Bit %s, and FLB_PLAIN_CALLBACKS is set; records: returned once a second; backlog: none; "+
			"pause and resume: off; signals: off; metrics: off; environment: as it was at the start; options: not listed",
			strings.TrimPrefix(h.version.String(), "v")), 10*time.Second)
		for name := range p.metrics(port) {
			if strings.Contains(name, "gdummy_") {
				t.Errorf("unexpected metric %s", name)
			}
		}
		p.stop()
		if n := len(p.records("a")); n != 100 {
			t.Errorf("%d records, want 100", n)
		}
	})
}

var described = regexp.MustCompile(`the host is Fluent Bit [^\n]*`)

// One line in the log describes the host and what is used of it.
func TestHostLine(t *testing.T) {
	onEachHost(t, func(t *testing.T, h host) {
		p := h.start(t, launch{config: service +
			input("name gdummy", "tag a", "rate 50") + input("name gdummy", "tag b", "rate 50") + toFiles})
		p.await("records", 20*time.Second, func() bool { return len(p.records("a")) > 100 && len(p.records("b")) > 100 })
		p.stop()
		if got := described.FindAllString(p.log(), -1); len(got) != 1 || got[0] != h.line() {
			t.Errorf("the log has %q, want once %q", got, h.line())
		}
	})
}

// A library that is loaded twice registers one plugin: a section has one input, also after a
// reload.
func TestGivenTwice(t *testing.T) {
	onEachHost(t, func(t *testing.T, h host) {
		for name, test := range map[string]struct {
			launch launch
			since  version
		}{
			"-e twice": {launch{plugins: []string{gdummySO, gdummySO},
				config: service + input("name gdummy", "tag a", `dummy {"a":1}`, "rate 50") + toFiles}, version{}},
			"-e and plugins_file": {launch{
				config: service + "    plugins_file plugins.conf\n" + input("name gdummy", "tag a", `dummy {"a":1}`, "rate 50") + toFiles}, version{}},
			"-e and plugins": {launch{yaml: true, config: "plugins:\n  - " + gdummySO + "\nservice:\n  flush: 0.2\n  grace: 1\npipeline:\n  inputs:\n" +
				"    - name: gdummy\n      tag: a\n      dummy: '{\"a\":1}'\n      rate: 50\n  outputs:\n" +
				"    - name: file\n      match: '*'\n      path: out\n      format: msgpack\n"}, v3_2_0},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				h.since(t, test.since, "plugins in YAML")
				test.launch.alone = true
				test.launch.args = hotReload(h)
				test.launch.dir = t.TempDir()
				if err := os.WriteFile(filepath.Join(test.launch.dir, "plugins.conf"), []byte("[PLUGINS]\n    Path "+gdummySO+"\n"), 0o644); err != nil {
					t.Fatal(err)
				}
				p := h.start(t, test.launch)
				const said = "[input:gdummy] this library is loaded twice: it is registered once."
				once := func(n int) {
					t.Helper()
					p.await("records", 20*time.Second, func() bool { return len(p.records("a")) > 20 })
					if got := strings.Count(p.log(), said); got != n {
						t.Errorf("the warning is logged %d times, want %d", got, n)
					}
				}
				once(1)
				if !h.version.before(v2_1_0) && h.version != (version{4, 0, 3}) {
					p.hangUp()
					p.await("the reload", 20*time.Second, func() bool { return p.reloads() == 1 })
					before := len(p.records("a"))
					p.await("records after the reload", 20*time.Second, func() bool { return len(p.records("a")) > before+20 })
					once(2)
				}
				p.stop()
				p.allBodies("a", `{"a": 1}`)
				if strings.Contains(p.log(), "[input:gdummy:gdummy.1]") {
					t.Error("a second input exists")
				}
			})
		}
	})
}
