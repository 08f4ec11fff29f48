// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Ways in which Fluent Bits are built and configured.

// wantAll checks that a host does everything with the plugin that others of its version do.
func (h host) wantAll(t *testing.T, l launch, threaded string) {
	t.Helper()
	port := freePort(t)
	l.args = hotReload(h)
	l.config = httpService(port) + input("name gdummy", "tag a", "rate 500", "max_records 1000", "ledger ledger", "alias first", "threaded "+threaded) +
		input("name gdummy", "tag b", "rate 50", "alias second", "threaded "+threaded) + toFiles
	p := h.start(t, l)
	p.awaitRecords(1000)
	p.await("all records", 20*time.Second, func() bool { return len(p.records("a")) == 1000 && len(p.records("b")) > 50 })
	want := h.line()
	if threaded == "off" { // it has no ring
		want = strings.Replace(want, "backlog: seen in the ring", "backlog: none", 1)
	}
	if got := described.FindString(p.log()); got != want {
		t.Errorf("the log has %q, want %q", got, want)
	}
	p.await("the metrics", 20*time.Second, func() bool {
		return p.metrics(port)[`fluentbit_gdummy_records_total{name="first"}`] == 1000
	})
	if !h.version.before(v2_2_0) && h.version != (version{4, 0, 3}) { // which does not complete a reload of threaded inputs
		p.send(syscall.SIGHUP)
		p.await("the reload", 20*time.Second, func() bool { return p.reloads() == 1 })
		p.await("the records of the reload", 20*time.Second, func() bool { return len(p.records("a")) == 2000 })
	}
	p.stop()
	if v := audit(t, "--ledger", p.dir+"/ledger", p.out()); v.Lost > 0 || v.Duplicates > 0 || v.Arrived == 0 {
		t.Errorf("%+v", v.counts)
	}
}

// line returns the line that describes the host; see TestHostLine.
func (h host) line() string {
	environment, options := "as it was at the start", "not listed"
	if !h.version.before(v5_1_1) {
		environment, options = "followed", "listed"
	}
	return fmt.Sprintf("the host is Fluent Bit %s; records: appended with their number; backlog: seen in the ring; "+
		"pause and resume: by a proxy of each input; signals: kept; metrics: on; environment: %s; options: %s",
		strings.TrimPrefix(h.version.String(), "v"), environment, options)
}

// A host without symbols but those of its dynamic linker, as packages have it.
func TestStrippedHost(t *testing.T) {
	strip, err := exec.LookPath("strip")
	if err != nil {
		t.Skip("### SKIPPED: the host cannot be stripped (Debian: apt-get install binutils)")
	}
	onEachHost(t, func(t *testing.T, h host) {
		path := filepath.Join(t.TempDir(), "fluent-bit")
		if out, err := exec.Command(strip, "-o", path, h.path).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		host{path: path, version: h.version}.wantAll(t, launch{}, "on")
	})
}

// With another allocator: the official images are built with jemalloc, which then is the
// malloc of the plugin, too.
func TestJemalloc(t *testing.T) {
	libraries, _ := filepath.Glob("/usr/lib/*/libjemalloc.so.2")
	if len(libraries) == 0 {
		t.Skip("### SKIPPED: the host cannot be run with jemalloc (Debian: apt-get install libjemalloc2)")
	}
	onEachHost(t, func(t *testing.T, h host) {
		if program, err := os.ReadFile(h.path); err != nil || strings.Contains(string(program), "__asan_init") {
			t.Skipf("### SKIPPED: %s has the allocator of AddressSanitizer (%v): set FLUENT_BIT to another build", h.version, err)
		}
		h.wantAll(t, launch{env: []string{"LD_PRELOAD=" + libraries[0]}}, "on")
	})
}

// On the engine's thread: records are delivered once a second.
func TestThreadedOff(t *testing.T) {
	onEachHost(t, func(t *testing.T, h host) { h.wantAll(t, launch{}, "off") })
}

// The library is loaded by each way alone.
func TestWaysToLoad(t *testing.T) {
	onEachHost(t, func(t *testing.T, h host) {
		for name, test := range map[string]struct {
			launch launch
			since  version
		}{
			"plugins_file": {launch{config: service + "    plugins_file plugins.conf\n" + input("name gdummy", "tag a", "rate 50") + toFiles}, version{}},
			"plugins": {launch{yaml: true, config: "plugins:\n  - " + gdummySO + "\nservice: {flush: 0.2, grace: 1}\npipeline:\n  inputs:\n" +
				"    - {name: gdummy, tag: a, rate: 50}\n  outputs:\n    - {name: file, match: '*', path: out, format: msgpack}\n"}, v3_2_0},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				h.since(t, test.since, "plugins in YAML")
				test.launch.plugins, test.launch.alone, test.launch.args, test.launch.dir = []string{}, true, hotReload(h), t.TempDir()
				write(t, test.launch.dir, "plugins.conf", "[PLUGINS]\n    Path "+gdummySO+"\n")
				p := h.start(t, test.launch)
				p.await("records", 20*time.Second, func() bool { return len(p.records("a")) > 20 })
				if !h.version.before(v2_2_0) && h.version != (version{4, 0, 3}) {
					p.send(syscall.SIGHUP)
					p.await("the reload", 20*time.Second, func() bool { return p.reloads() == 1 })
					n := len(p.records("a"))
					p.await("records after the reload", 20*time.Second, func() bool { return len(p.records("a")) > n+20 })
				}
				p.stop()
			})
		}
	})
}
