// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	prove "github.com/gdummy/gdummy/internal/prove/audit"
)

// brokenVerdict holds what `gdummy audit --json` reports about records that were sent broken.
type brokenVerdict struct {
	Arrived, Lost, Damaged uint64
	BrokenRecords          prove.BrokenRecords `json:"broken_records"`
}

// broken returns it from the output of an audit.
func (a *auditing) broken() (v brokenVerdict) {
	a.t.Helper()
	a.verdict()
	if err := json.Unmarshal(a.out.Bytes(), &v); err != nil {
		a.t.Fatal(err)
	}
	return v
}

// small and mild are the kinds of damage that Fluent Bit can read: without large records,
// and with a few of them.
const (
	small = "utf8_start, utf8_inside, utf8_cut, nul, control, crlf, cr, cut_json, type, big_number, duplicate, no_name, empty"
	mild  = small + ", wide 0.2, long 0.3"
)

// The effect of Fluent Bit on each kind of damage, as in docs/how-to/broken-records.md: JSON
// cannot hold all of it, MessagePack can, and no other record suffers.
func TestBrokenRecords(t *testing.T) {
	const records = 4000
	repaired := map[string]bool{"utf8_start": true, "utf8_inside": true, "utf8_cut": true, "duplicate": true}
	run := func(kinds string) string {
		return input("name gdummy", "tag a", "format apache_combined", "seed 1", "rate 2000", fmt.Sprint("max_records ", records), "ledger ledger", "catch_up full", "broken 0.05: "+kinds)
	}
	check := func(t *testing.T, v brokenVerdict, kinds string, asSent func(kind string) bool) {
		t.Helper()
		if want := strings.Count(kinds, ",") + 1; v.Arrived != records || v.Lost+v.Damaged > 0 || len(v.BrokenRecords.Kinds) != want {
			t.Errorf("%d arrived, %d lost, %d damaged; %d kinds were sent broken, want %d", v.Arrived, v.Lost, v.Damaged, len(v.BrokenRecords.Kinds), want)
		}
		for _, k := range v.BrokenRecords.Kinds {
			want := prove.BrokenCounts{Sent: k.Sent, AsSent: k.Sent}
			if !asSent(k.Kind) {
				want.AsSent, want.Repaired = 0, k.Sent
			}
			if k.BrokenCounts != want {
				t.Errorf("%s: %+v, want %+v", k.Kind, k.BrokenCounts, want)
			}
		}
	}
	onEachHost(t, func(t *testing.T, h host) {
		h.since(t, v2_1_0, "records of 10,000 fields in JSON")
		for format, asSent := range map[string]func(kind string) bool{
			"plain":   func(kind string) bool { return !repaired[kind] },
			"msgpack": func(string) bool { return true },
		} {
			t.Run("file, "+format, func(t *testing.T) {
				kinds := mild
				if format == "plain" && h.version.before(v3_2_0) { // which needs minutes to write large records as JSON
					kinds = small
				}
				p := h.start(t, launch{config: service + run(kinds) + "[OUTPUT]\n    name file\n    match *\n    path out\n    format " + format + "\n"})
				p.awaitRecords(records)
				p.awaitOut(records)
				p.stop()
				check(t, startAudit(t, "--ledger", p.dir+"/ledger", p.out()).broken(), kinds, asSent)
			})
		}
		t.Run("forward", func(t *testing.T) {
			port, dir := freePort(t), t.TempDir()
			a := startAudit(t, "--listen", fmt.Sprintf("forward://127.0.0.1:%d", port), "--ledger", dir+"/ledger", "--until-ledger-complete", "--idle", "30s")
			p := h.start(t, launch{dir: dir, config: service + run(mild) + toForward(port)})
			p.awaitRecords(records)
			p.send(syscall.SIGTERM)
			p.awaitExit(lifetime)
			check(t, a.broken(), mild, func(string) bool { return true })
		})
	})
}

// An output that reads its records loses one that is nested too deep, with what follows
// it in its chunk, and nothing else.
func TestBrokenNeighbours(t *testing.T) {
	const records = 4000
	onEachHost(t, func(t *testing.T, h host) {
		p := h.start(t, launch{config: service +
			input("name gdummy", "tag a", "format apache_combined", "seed 1", "rate 2000", fmt.Sprint("max_records ", records), "ledger ledger", "catch_up full", "broken 0.001: deep") + "[OUTPUT]\n    name file\n    match *\n    path out\n"})
		p.awaitRecords(records)
		p.await("the last record", lifetime, func() bool {
			files, _ := filepath.Glob(p.out() + "/*")
			for _, f := range files {
				if text, _ := os.ReadFile(f); strings.Contains(string(text), ".00000003sv.") { // 3999 in base 32
					return true
				}
			}
			return false
		})
		p.stop()
		v := startAudit(t, "--ledger", p.dir+"/ledger", p.out()).broken()
		if len(v.BrokenRecords.Kinds) != 1 {
			t.Fatalf("the kinds are %+v", v.BrokenRecords.Kinds)
		}
		deep := v.BrokenRecords.Kinds[0]
		if deep.Lost != deep.Sent || deep.Sent == 0 || deep.Neighbours != v.Lost || v.Lost == 0 || deep.TookNeighbours == 0 || v.Arrived+v.Lost+deep.Lost != records {
			t.Errorf("%d arrived, %d lost; %+v", v.Arrived, v.Lost, deep)
		}
	})
}
