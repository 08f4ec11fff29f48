// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gdummy/gdummy/internal/prove/ledger"
)

// The rate changes three times under load, and pauses, while the file is a ConfigMap's: a
// link into a directory that is replaced. Every record arrives, the ledger has each change,
// and none is scheduled during the pause.
func TestControl(t *testing.T) {
	for _, threaded := range []string{"on", "off"} {
		t.Run("threaded "+threaded, func(t *testing.T) {
			onEachHost(t, func(t *testing.T, h host) { testControl(t, h, threaded) })
		})
	}
}

func testControl(t *testing.T, h host, threaded string) {
	dir := t.TempDir()
	version := 0
	publish := func(text string) {
		t.Helper()
		version++
		name := fmt.Sprintf("..%d", version)
		link := filepath.Join(dir, "..tmp")
		for _, err := range []error{
			os.Mkdir(filepath.Join(dir, name), 0o755), os.WriteFile(filepath.Join(dir, name, "pace"), []byte(text), 0o644),
			os.Symlink(name, link), os.Rename(link, filepath.Join(dir, "..data")),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	publish("rate 2k\n")
	if err := os.Symlink("..data/pace", filepath.Join(dir, "pace")); err != nil {
		t.Fatal(err)
	}
	p := h.start(t, launch{config: input("name gdummy", "tag a", "rate 1", "catch_up full", "threaded "+threaded, "control "+filepath.Join(dir, "pace"), "ledger ledger") + toFiles})
	path := filepath.Join(p.dir, "ledger")
	changes := func() (all []ledger.Event) {
		l, err := ledger.ReadFile(path)
		if err != nil || len(l.Streams) != 1 {
			return nil
		}
		for _, e := range l.Streams[0].Events {
			if e.Change != nil {
				all = append(all, e)
			}
		}
		return all
	}
	for i, text := range []string{"", "rate 20k\n", "rate 20k\npause\n", "rate 500\n", "# as configured\n"} {
		if i > 0 {
			publish(text)
		}
		p.await(fmt.Sprintf("change %d", i), 20*time.Second, func() bool { return len(changes()) > i })
		p.await("records or time after it", 20*time.Second, func() bool {
			return time.Since(changes()[i].Time) > time.Second
		})
	}
	publish("rate 5x\n")
	p.awaitLog(`option control: `+filepath.Join(dir, "pace")+`: line 1, column 7: rate: invalid value "5x"`, 20*time.Second)
	p.stop()
	if n := strings.Count(p.log(), `invalid value "5x"`); n != 1 {
		t.Errorf("the error is logged %d times, want once", n)
	}

	all := changes()
	var states []string
	for i, e := range all {
		states = append(states, e.Change.State)
		if i == 0 {
			continue
		}
		before := all[i-1].Change
		paused := strings.HasSuffix(before.State, "pause")
		if n := e.Change.Scheduled - before.Scheduled; (n == 0) != paused || e.Change.Record < before.Record {
			t.Errorf("%s, from record %d to %d: %d records were scheduled", before.State, before.Record, e.Change.Record, n)
		}
		if paused && e.Change.Record != e.Change.Scheduled {
			t.Errorf("%d of %d records that were due are not made after a pause", e.Change.Scheduled-e.Change.Record, e.Change.Scheduled)
		}
	}
	want := []string{"rate 2k", "rate 20k", "rate 20k; pause", "rate 500", "as configured"}
	if diff := cmp.Diff(want, states); diff != "" {
		t.Errorf("changes in the ledger (-want +got):\n%s", diff)
	}
	v := audit(t, "--ledger", path, p.out())
	if !v.Clean || !v.Known || v.Sent != v.Arrived || v.Shortfall != 0 {
		t.Errorf("verdict: clean %t, known %t, %d sent, %d arrived, a shortfall of %d, want a clean one: %v", v.Clean, v.Known, v.Sent, v.Arrived, v.Shortfall, v.Faults)
	}
	out, err := exec.Command(gdummyCmd, "audit", "--ledger", path, p.out()).Output()
	if note := "instance 0; at last: as configured, from record "; err != nil || !strings.Contains(string(out), note) {
		t.Errorf("the audit prints %s (%v), want a note with %q", out, err, note)
	}
}
