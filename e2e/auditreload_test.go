// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"os"
	"strings"
	"testing"
	"time"
)

// 6. Reloads under load. Before 4.1, Fluent Bit loses records at the end of a run, which it
// accepted and often counted as ingested; from 4.1 on, none. Each ledger is closed.
func TestAuditReload(t *testing.T) {
	onEachHost(t, func(t *testing.T, h host) {
		h.since(t, v2_2_0, "reload by a signal")
		p := h.start(t, launch{args: []string{"-Y"}, config: service +
			input("name gdummy", "tag a", "rate 5000", "ledger ledger") + toFiles})
		runs := func() int {
			text, _ := os.ReadFile(p.dir + "/ledger")
			return strings.Count(string(text), " open ")
		}
		const reloads = 4
		for n := range reloads {
			p.awaitMore()
			p.hangUp()
			p.await("another run", 30*time.Second, func() bool { return runs() == n+2 })
		}
		p.awaitMore()
		p.stop()
		v := audit(t, "--ledger", p.dir+"/ledger", p.out())
		want := all(v.Accepted)
		want.Ingested = v.Ingested // the run may end before the metrics are updated
		want.Arrived, want.Lost = v.Accepted-v.Lost, v.Lost
		v.expect(t, want)
		if len(v.Streams) != reloads+1 || v.Lost > 0 && !h.version.before(v4_1_0) {
			t.Errorf("%d runs, %d lost", len(v.Streams), v.Lost)
		}
		for i, s := range v.Streams {
			if !s.Closed {
				t.Errorf("run %d has no close line", i)
			}
			for _, r := range s.LostRanges {
				t.Logf("run %d of %d: lost %d to %d of %d, of which the engine had counted %d", i, reloads+1, r.From, r.To, s.Accepted, s.Ingested)
				if r.To != s.Accepted-1 {
					t.Errorf("run %d lost %d to %d, not at its end", i, r.From, r.To)
				}
			}
		}
	})
}

// With --until-ledger-complete, a reload does not end an audit.
func TestAuditReloadWhileListening(t *testing.T) {
	onEachHost(t, func(t *testing.T, h host) {
		h.since(t, v2_2_0, "reload by a signal")
		port, dir := freePort(t), t.TempDir()
		a := startAudit(t, "--listen", httpAt(port), "--ledger", dir+"/ledger", "--until-ledger-complete", "--idle", "15s")
		p := h.start(t, launch{dir: dir, args: []string{"-Y"}, config: service +
			input("name gdummy", "tag a", "rate 1000", "ledger ledger") + toHTTP(port, "format json", "retry_limit no_limits")})
		runs := func() int {
			text, _ := os.ReadFile(dir + "/ledger")
			return strings.Count(string(text), " open ")
		}
		for n := range 2 {
			p.awaitMore()
			p.hangUp()
			p.await("another run", 30*time.Second, func() bool { return runs() == n+2 })
		}
		p.awaitMore()
		p.stop()
		v := a.verdict()
		want := all(v.Accepted)
		want.Ingested, want.Reordered = v.Ingested, v.Reordered
		want.Arrived, want.Lost = v.Accepted-v.Lost, v.Lost
		v.expect(t, want)
		if len(v.Streams) != 3 || v.Lost > 0 && !h.version.before(v4_1_0) {
			t.Fatalf("%d runs, %d lost", len(v.Streams), v.Lost)
		}
		for i, s := range v.Streams {
			if !s.Closed || s.Arrived == 0 {
				t.Errorf("run %d: %+v", i, s)
			}
		}
	})
}
