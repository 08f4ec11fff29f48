// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"
)

// Disorder on purpose goes through each host as planned: with the ledger, the audit finds
// nothing wrong; without it, all repeats are duplicates, and records are reordered.
func TestDisorder(t *testing.T) {
	const n = 6000
	onEachHost(t, func(t *testing.T, h host) {
		dir := t.TempDir()
		p := h.start(t, launch{dir: dir, config: service + input("name gdummy", "tag a", `template {{ $host := int 1 9 }}{"host":{{ $host }},"time":{{ now }}}`,
			"seed 1", "rate unlimited", "start_time 2026-11-01T00:00:00Z", "time_step 1s", fmt.Sprint("max_records ", n),
			"shuffle_within 30s", "repeat 5% within 200", "late 5% by 10s to 10m", "skew $host within 5s", "ledger ledger", "on_finish exit") + toFiles})
		p.awaitExit(lifetime)
		run := func(args ...string) (v struct{ Arrived, Lost, Duplicates, Repeated, Reordered, Damaged uint64 }) {
			a := startAudit(t, args...)
			a.verdict()
			if err := json.Unmarshal(a.out.Bytes(), &v); err != nil {
				t.Fatal(err)
			}
			return v
		}
		known := run("--ledger", filepath.Join(dir, "ledger"), p.out())
		if known.Arrived != n || known.Lost+known.Duplicates+known.Reordered+known.Damaged > 0 || known.Repeated < n/25 || known.Repeated > n/16 {
			t.Errorf("with the ledger: %+v, want %d arrived, about %d repeated and no fault", known, n, n/20)
		}
		unknown := run(p.out())
		if unknown.Duplicates != known.Repeated || unknown.Reordered == 0 {
			t.Errorf("without the ledger: %+v, want %d duplicates, and some reordered", unknown, known.Repeated)
		}
	})
}

// Each record is one transition: no life skips one, or has one twice, and all of them arrive
// in the order of their times.
func TestTransitions(t *testing.T) {
	const n = 2000
	before := map[string]string{"new": "", "paid": "new", "void": "new", "sent": "paid"}
	onEachHost(t, func(t *testing.T, h host) {
		dir := t.TempDir()
		p := h.start(t, launch{dir: dir, config: service + input("name gdummy", "tag a",
			`template {{ $o := transitions 1000 "new 400ms: paid 9, void 1; paid 500ms..900ms: sent" "empty" }}{"id":{{ $o.id }},"state":{{ $o.state }}}`,
			"seed 1", fmt.Sprint("max_records ", n), "ledger ledger", "on_finish exit") + toFiles})
		p.awaitExit(lifetime)
		audit(t, "--ledger", filepath.Join(dir, "ledger"), p.out()).expect(t, all(n))
		recs := p.records("a")
		if len(recs) != n {
			t.Fatalf("%d records, want %d", len(recs), n)
		}
		states, seen := map[string]string{}, map[string]int{}
		for i, r := range recs {
			var body struct {
				ID    json.RawMessage
				State string
			}
			if err := json.Unmarshal([]byte(render(r.body)), &body); err != nil {
				t.Fatal(err)
			}
			id := string(body.ID)
			if want, ok := before[body.State]; !ok || states[id] != want {
				t.Fatalf("record %d: life %s is %q after %q, want it after %q", i, id, body.State, states[id], want)
			}
			if i > 0 && !r.time.After(recs[i-1].time) {
				t.Fatalf("record %d has the time %v, the one before it %v", i, r.time, recs[i-1].time)
			}
			states[id] = body.State
			seen[body.State]++
		}
		for state := range before {
			if seen[state] == 0 {
				t.Errorf("no record has the state %q: %v", state, seen)
			}
		}
	})
}
