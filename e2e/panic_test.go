// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

// After SIGHUP and SIGCONT, Fluent Bit installs its handler of SIGSEGV again. If Go's were not
// restored, a nil dereference in Go would end the process. Each panic is logged with its
// stack and counted, and the instance continues.
func TestNilDereference(t *testing.T) {
	onEachHost(t, func(t *testing.T, h host) {
		port := freePort(t)
		p := h.start(t, launch{plugins: []string{crashSO}, config: httpService(port) +
			input("name crash", "tag a") + toFiles,
			args: hotReload(h)})
		bodies := func() int { return len(p.records("a")) }
		panics := func() int { return strings.Count(p.log(), "panic in Collect: ") }

		p.await("records after a panic", 20*time.Second, func() bool { return panics() >= 1 && bodies() >= 3 })
		p.send(syscall.SIGCONT)
		p.awaitLog("Fluent Bit Dump", 10*time.Second)
		n, r := panics(), bodies()
		p.await("a panic and records after SIGCONT", 20*time.Second, func() bool { return panics() >= n+1 && bodies() >= r+2 })

		hup := !h.version.before(v2_1_0) // earlier hosts exit on SIGHUP
		if hup {
			p.hangUp()
			p.await("the reload", 20*time.Second, func() bool { return p.reloads() == 1 })
			n, r = panics(), bodies()
			p.await("two panics and records after SIGHUP", 20*time.Second, func() bool { return panics() >= n+2 && bodies() >= r+4 })
		}

		// After a reload the counter is that of the new instance.
		p.await("the counter of panics", 10*time.Second, func() bool {
			return p.metrics(port)[`fluentbit_plugin_panics_total{name="crash.0"}`] >= 2
		})
		m := p.metrics(port)
		if failed, panicked := m[`fluentbit_plugin_operation_failed_total{name="crash.0"}`], m[`fluentbit_plugin_panics_total{name="crash.0"}`]; failed != panicked {
			t.Errorf("%v failed operations, %v panics, expected the same number", failed, panicked)
		}
		log := p.log()
		for _, want := range []string{
			"[error] [input:crash:crash.0] panic in Collect: runtime error: invalid memory address or nil pointer dereference",
			"main.(*crash).Collect",
			"testdata/crash/main.go:",
		} {
			if !strings.Contains(log, want) {
				t.Errorf("the log does not have %q", want)
			}
		}
		if hup {
			p.stop()
			return
		}
		p.send(syscall.SIGHUP)
		p.awaitExit(5 * time.Second)
		if p.exitCode != 0 || p.signal != 0 {
			t.Errorf("after SIGHUP: exit code %d, signal %v; expected a clean exit", p.exitCode, p.signal)
		}
	})
}

// A panic in Init refuses the start or, in versions that do not support that, leaves the input
// idle. It is logged.
func TestPanicInInit(t *testing.T) {
	onEachHost(t, func(t *testing.T, h host) {
		p := h.start(t, launch{plugins: []string{crashSO}, config: service +
			input("name crash", "tag a", "at init") + input("name crash", "tag b") + toFiles})
		p.awaitLog("panic in Init: runtime error: invalid memory address or nil pointer dereference; the input is not set up", 10*time.Second)
		if !h.version.before(v4_0_3) {
			p.awaitRefusal()
			return
		}
		p.await("the other input's records", 10*time.Second, func() bool { return len(p.records("b")) > 0 })
		if n := len(p.records("a")); n > 0 {
			t.Errorf("%d records of an input without Init", n)
		}
		p.stop()
	})
}

// hotReload enables reloading by SIGHUP.
func hotReload(h host) []string {
	if h.version.before(v2_1_0) {
		return nil
	}
	return []string{"-Y"}
}

// reloads counts the completed hot reloads.
func (p *process) reloads() int {
	// The banner is printed at each start of the engine, including reloads.
	return strings.Count(p.log(), "[fluent bit] version=") - 1
}

// hangUp sends SIGHUP, and waits until Fluent Bit begins to reload. It refuses a signal that
// comes before it has seen the end of the last reload, which it looks for once a second.
func (p *process) hangUp() {
	p.t.Helper()
	begun := func() int { return strings.Count(p.log(), "reloading instance pid=") }
	refused := func() int { return strings.Count(p.log(), "reloading in progress") }
	n, r, sent := begun(), refused(), time.Now()
	p.send(syscall.SIGHUP)
	p.await("a reload", 30*time.Second, func() bool {
		if refused() > r && time.Since(sent) > time.Second {
			r, sent = refused(), time.Now()
			p.send(syscall.SIGHUP)
		}
		return begun() > n
	})
}

// httpService is service with the HTTP server for metrics.
func httpService(port int) string {
	return service + fmt.Sprintf("    http_server on\n    http_listen 127.0.0.1\n    http_port   %d\n", port)
}

var client = &http.Client{Timeout: 2 * time.Second}
