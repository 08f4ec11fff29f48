// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// SIGHUP reloads the configuration twenty times. Go's globals survive that, so the resources
// that an instance leaks add up. Each reload must produce the records of the new
// configuration. In the end there are metrics, and threads, descriptors and memory have not
// grown.
func TestHotReload(t *testing.T) {
	for _, threaded := range []string{"on", "off"} {
		t.Run("threaded "+threaded, func(t *testing.T) {
			onEachHost(t, func(t *testing.T, h host) {
				h.since(t, v2_2_0, "hot reload outside a signal handler")
				testHotReload(t, h, threaded)
			})
		})
	}
}

func testHotReload(t *testing.T, h host, threaded string) {
	// The cost of a reload without gdummy: some hosts leak descriptors.
	const early = 3
	_, base := reload(t, h, "dummy", threaded, early, early+4)
	p, growth := reload(t, h, "gdummy", threaded, early, 20)
	t.Logf("dummy, 4 reloads: %+v; gdummy, %d reloads: %+v", base, 20-early, growth)
	// The Go runtime may have started a thread or two more by then.
	if growth.threads > 4 {
		t.Errorf("%d more threads", growth.threads)
	}
	if allowed := base.fds*(20-early)/4 + 4; growth.fds > allowed {
		t.Errorf("%d more descriptors, expected at most %d", growth.fds, allowed)
	}
	if allowed := max(base.rssKB, 0)*(20-early)/4 + 6000; growth.rssKB > allowed {
		t.Errorf("%d KB more memory, expected at most %d", growth.rssKB, allowed)
	}
	p.stop()
}

// reload runs two inputs and sends SIGHUP for each of n reloads, waiting for the records of
// each configuration. It returns how much the process has grown since reload number early.
func reload(t *testing.T, h host, plugin, threaded string, early, n int) (*process, usage) {
	t.Helper()
	port := freePort(t)
	config := func(generation int) string {
		return httpService(port) +
			input("name "+plugin, fmt.Sprintf("tag a%d", generation), fmt.Sprintf(`dummy {"generation":%d}`, generation), "rate 100", "threaded "+threaded) +
			input("name "+plugin, fmt.Sprintf("tag b%d", generation), fmt.Sprintf(`dummy {"other":%d}`, generation), "rate 20", "threaded "+threaded) +
			toFiles
	}
	p := h.start(t, launch{config: config(0), args: hotReload(h)})
	come := func(generation int) {
		there := func() bool {
			return len(p.records(fmt.Sprintf("a%d", generation))) > 0 && len(p.records(fmt.Sprintf("b%d", generation))) > 0
		}
		// v4.0.3 sometimes hangs in a reload while threaded inputs, including its
		// dummy, have chunks: the last line is "pending chunk count". v3.2.10 does with
		// inputs that are not threaded. If dummy alone hangs, the test has no reference.
		if h.version == (version{4, 0, 3}) && threaded == "on" || plugin == "dummy" {
			for deadline := time.Now().Add(20 * time.Second); !there(); time.Sleep(10 * time.Millisecond) {
				if time.Now().After(deadline) {
					t.Skipf("### SKIPPED: %s hangs in reload %d of %s: a defect of the host, also with its dummy: set FLUENT_BIT to another version", h.version, generation, plugin)
				}
			}
		}
		p.await(fmt.Sprintf("records of generation %d", generation), 20*time.Second, there)
		p.allBodies(fmt.Sprintf("a%d", generation), fmt.Sprintf(`{"generation": %d}`, generation))
		p.allBodies(fmt.Sprintf("b%d", generation), fmt.Sprintf(`{"other": %d}`, generation))
	}
	come(0)
	var then usage
	for generation := 1; generation <= n; generation++ {
		p.write("fluent-bit.conf", config(generation))
		p.hangUp()
		come(generation)
		if generation == early {
			then = p.settledUsage(t)
		}
	}
	now := p.settledUsage(t)
	if plugin == "gdummy" {
		name := `fluentbit_gdummy_records_total{name="gdummy.0"}`
		p.await("the metrics of the last generation", 20*time.Second, func() bool { return p.metrics(port)[name] > 0 })
	}
	return p, usage{threads: now.threads - then.threads, fds: now.fds - then.fds, rssKB: now.rssKB - then.rssKB}
}

// settledUsage waits until the old engine's threads and descriptors are gone.
func (p *process) settledUsage(t *testing.T) usage {
	t.Helper()
	var last, now usage
	var err error
	same := 0
	p.await("threads and descriptors to settle", 20*time.Second, func() bool {
		time.Sleep(50 * time.Millisecond)
		last, now = now, usage{}
		if now, err = p.usage(); err != nil {
			t.Fatal(err)
		}
		if now.threads == last.threads && now.fds == last.fds {
			same++
		} else {
			same = 0
		}
		return same >= 10
	})
	return now
}

// An error in a gdummy section must not end a running agent. After a reload with any error,
// and after a second one, the input continues with its last valid configuration and the same
// stream. A valid configuration then continues from there.
func TestReloadWithError(t *testing.T) {
	onEachHost(t, func(t *testing.T, h host) {
		h.since(t, v2_2_0, "hot reload by a signal")
		threaded := "on"
		if h.version == (version{4, 0, 3}) {
			threaded = "off" // it does not complete a reload of threaded inputs, including dummy
		}
		port := freePort(t)
		config := func(a, b string) string {
			return httpService(port) +
				input("name gdummy", "alias first", "tag a", "rate 100", "seed 7", "threaded "+threaded, a) +
				input("name gdummy", "tag b", "rate 50", `template {"n":{{ seq }},"b":true}`, "threaded "+threaded, b) +
				input("name dummy", "tag c", "rate 50") + toFiles
		}
		dir := t.TempDir()
		write := func(text string) {
			if err := os.WriteFile(filepath.Join(dir, "a.tmpl"), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		const good = `{"n":{{ seq }},"id":"{{ uuid }}"}`
		write(good)
		p := h.start(t, launch{dir: dir, args: hotReload(h), config: config("template_file a.tmpl", "ledger b.ledger")})
		successful := func(name string) (float64, bool) {
			v, ok := p.metrics(port)[fmt.Sprintf("fluentbit_plugin_config_last_reload_successful{name=%q}", name)]
			return v, ok
		}
		come := func(what string) {
			t.Helper()
			counts := map[string]int{}
			for _, tag := range []string{"a", "b", "c"} {
				counts[tag] = len(p.records(tag))
			}
			p.await("records of all inputs "+what, 30*time.Second, func() bool {
				for tag, n := range counts {
					if len(p.records(tag)) < n+20 {
						return false
					}
				}
				return true
			})
		}
		come("at the start")

		bad := 0
		reload := func(what string, a, b string, wantA, wantB float64) {
			t.Helper()
			p.write("fluent-bit.conf", config(a, b))
			p.hangUp()
			bad += 2 - int(wantA) - int(wantB)
			p.await("the errors in the log "+what, 30*time.Second, func() bool {
				return strings.Count(p.log(), "hot reload: this section has an error; the input continues with its last good configuration") == bad
			})
			p.await("the metric "+what, 30*time.Second, func() bool {
				first, ok1 := successful("first")
				second, ok2 := successful("gdummy.1")
				return ok1 && ok2 && first == wantA && second == wantB
			})
			come(what)
		}
		write(`{"n":{{ seq `)
		reload("after a file was broken", "template_file a.tmpl", "ledger none/b.ledger", 0, 0)
		reload("after a second error", "samples few\n    template_file a.tmpl", "copies none", 0, 0)
		write(good)
		reload("after the file was mended", "template_file a.tmpl", "ledger none/b.ledger", 1, 0)
		reload("after all was mended", "template_file a.tmpl", "ledger b.ledger", 1, 1)
		p.stop()

		for _, tag := range []string{"a", "b"} {
			last := -1
			for i, r := range p.records(tag) {
				var n int
				if _, err := fmt.Sscanf(render(r.body), `{"n": %d`, &n); err != nil {
					t.Fatalf("record %d of %s: %v: %s", i, tag, err, render(r.body))
				}
				switch {
				case n <= last:
					t.Fatalf("record %d follows record %d of %s: the stream did not continue", n, last, tag)
				case n > last+1 && !h.version.before(v4_1_0):
					t.Fatalf("record %d follows record %d of %s", n, last, tag)
				}
				last = n
			}
		}
	})
}
