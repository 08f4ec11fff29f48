// SPDX-License-Identifier: Apache-2.0

package flbhost_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gdummy/gdummy/internal/prove/ledger"
)

// Faults of the files that an input uses, while it runs.

// ledgered is a host with one input that writes a ledger at 100 records per second.
type ledgered struct {
	t      *testing.T
	cmd    *exec.Cmd
	ledger string
	log    string // path of what the host logs
}

func startWithLedger(t *testing.T, path string, more ...string) *ledgered {
	t.Helper()
	host, err := variant{version: v511}.host(t)
	if err != nil {
		t.Fatal(err)
	}
	r := &ledgered{t: t, ledger: path, log: filepath.Join(t.TempDir(), "log")}
	log, err := os.Create(r.log)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	args := []string{"--output", "null", goPlugin(t, gdummyPackage), "-i", "-p", "rate=100", "-p", "ledger=" + path}
	r.cmd = exec.Command(host, append(args, more...)...)
	r.cmd.Stderr = log
	if os.Getuid() == 0 {
		must(t, os.Chmod(filepath.Dir(host), 0o755))
		// Permissions do not apply to root.
		r.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534, NoSetGroups: true}}
	}
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.cmd.Process.Kill() })
	return r
}

func (r *ledgered) logged() string {
	b, _ := os.ReadFile(r.log)
	return string(b)
}

func (r *ledgered) await(what string, cond func() bool) {
	r.t.Helper()
	for end := time.Now().Add(time.Minute); !cond(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			r.t.Fatalf("not within a minute: %s\n%s", what, r.logged())
		}
	}
}

// accepted returns how many records the ledger has, and -1 without one, or while it is empty.
func (r *ledgered) accepted() int {
	l, err := ledger.ReadFile(r.ledger)
	if err != nil || len(l.Streams) == 0 {
		return -1
	}
	return int(l.Streams[len(l.Streams)-1].Next())
}

func (r *ledgered) awaitMore() {
	r.t.Helper()
	n := r.accepted()
	r.await("more records in the ledger", func() bool { return r.accepted() > n })
}

func (r *ledgered) awaitLog(text string) {
	r.t.Helper()
	r.await("in the log: "+text, func() bool { return strings.Contains(r.logged(), text) })
}

func (r *ledgered) reload() {
	r.t.Helper()
	if err := r.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		r.t.Fatal(err)
	}
}

// stop ends the run, which must be clean.
func (r *ledgered) stop() {
	r.t.Helper()
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		r.t.Fatal(err)
	}
	if err := r.cmd.Wait(); err != nil {
		r.t.Fatalf("%v\n%s", err, r.logged())
	}
}

// wantWhole checks that the ledger has all records of its last run, once.
func (r *ledgered) wantWhole(bad int) {
	r.t.Helper()
	l, err := ledger.ReadFile(r.ledger)
	if err != nil {
		r.t.Fatal(err)
	}
	s := l.Streams[len(l.Streams)-1]
	if !s.Whole() || s.Next() != s.End.Accepted || s.End.Accepted < 100 || l.Bad > bad {
		r.t.Errorf("whole %v, %d records listed of %d, %d bad lines\n%s", s.Whole(), s.Next(), s.End.Accepted, l.Bad, r.logged())
	}
}

// open returns a directory that any user can write to.
func open(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{workDir, filepath.Dir(dir), dir} {
		if err := os.Chmod(d, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// fill appends to a file until the disk is full.
func fill(t *testing.T, path string, with []byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	must(t, err)
	for err == nil {
		_, err = f.Write(with)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	must(t, f.Close())
}

// A full disk under the ledger is logged once, and the input continues. Once there is room,
// the ledger has all records. A start without room is refused.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	t.Run("at the start", func(t *testing.T) {
		t.Parallel()
		r := load(t, variant{version: v511}, gdummyPackage, "--seconds", "5", "PLUGIN", "-i", "-p", "ledger=/dev/full")
		r.wantCode(t, 3)
		r.wantLine(t, "option ledger: write /dev/full: no space left on device")
	})
	t.Run("while it runs", func(t *testing.T) {
		t.Parallel()
		dir := open(t)
		if err := syscall.Mount("gdummy", dir, "tmpfs", 0, "size=64k"); err != nil {
			t.Skipf("### SKIPPED: a disk of 64 KB cannot be mounted here (needs root): %v", err)
		}
		t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
		must(t, os.Chmod(dir, 0o777))
		r := startWithLedger(t, filepath.Join(dir, "run.ledger"))
		r.await("records in the ledger", func() bool { return r.accepted() > 0 })
		filler := filepath.Join(dir, "filler")
		fill(t, filler, make([]byte, 4096))
		fill(t, r.ledger, []byte("\n")) // the rest of its page
		r.awaitLog("option ledger: write " + r.ledger + ": no space left on device")
		must(t, os.Remove(filler))
		r.awaitMore()
		r.stop()
		r.wantWhole(1)
		if n := strings.Count(r.logged(), "no space left on device"); n != 1 {
			t.Errorf("logged %d times, want 1\n%s", n, r.logged())
		}
	})
}

// A directory that is removed under the ledger is logged, and the ledger is whole again once
// the directory exists.
func TestLedgerRemoved(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(open(t), "ledgers")
	must(t, os.Mkdir(dir, 0o777))
	must(t, os.Chmod(dir, 0o777))
	r := startWithLedger(t, filepath.Join(dir, "run.ledger"))
	r.await("records in the ledger", func() bool { return r.accepted() > 0 })
	must(t, os.RemoveAll(dir))
	r.awaitLog("option ledger: " + r.ledger + " was removed: ")
	must(t, os.Mkdir(dir, 0o777))
	must(t, os.Chmod(dir, 0o777))
	r.await("the ledger", func() bool { return r.accepted() > 0 })
	r.awaitMore()
	r.stop()
	r.wantWhole(0)
}

// Without permission for the ledger, an input that runs continues to write it. After a hot
// reload it cannot open it: it idles with an error, as its records could not be proven, until
// a reload with permission. A start is refused.
func TestPermissionLost(t *testing.T) {
	t.Parallel()
	dir := open(t)
	path := filepath.Join(dir, "run.ledger")
	r := startWithLedger(t, path, "-p", "alias=x")
	r.await("records in the ledger", func() bool { return r.accepted() > 0 })
	must(t, os.Chmod(path, 0))
	defer os.Chmod(path, 0o644)
	r.awaitMore()
	r.reload()
	r.awaitLog(idles)
	r.awaitLog("option ledger: ")
	r.awaitLog("permission denied")
	must(t, os.Chmod(path, 0o666))
	r.reload()
	r.await("a second run", func() bool {
		l, err := ledger.ReadFile(path)
		return err == nil && len(l.Streams) == 2 && l.Streams[1].Next() >= 100
	})
	r.stop()
	r.wantWhole(0)
}

// Files of a template that are removed, emptied or exchanged while the input runs change
// nothing: they are read at the start. A hot reload finds them gone, and the input continues
// with what it has; or finds others, and uses them.
func TestTemplateFilesRemoved(t *testing.T) {
	t.Parallel()
	dir := open(t)
	files := filepath.Join(dir, "files")
	write := func(name string) {
		t.Helper()
		must(t, os.MkdirAll(files, 0o755))
		must(t, os.WriteFile(filepath.Join(files, "a.tmpl"), fmt.Appendf(nil, `{"n":{{ seq }},"name":"{{ (row "%s/names.csv").name }}"}`, files), 0o644))
		must(t, os.WriteFile(filepath.Join(files, "names.csv"), []byte("name\n"+name+"\n"), 0o644))
	}
	write("first")
	r := startWithLedger(t, filepath.Join(dir, "run.ledger"), "-p", "alias=x", "-p", "template_file="+filepath.Join(files, "a.tmpl"))
	r.await("records in the ledger", func() bool { return r.accepted() > 0 })
	must(t, os.RemoveAll(files))
	r.awaitMore()
	r.reload()
	r.awaitLog(continues)
	r.await("a second run", func() bool {
		l, err := ledger.ReadFile(r.ledger)
		return err == nil && len(l.Streams) == 2 && l.Streams[1].Next() >= 100
	})
	write("second")
	r.reload()
	r.await("a third run", func() bool {
		l, err := ledger.ReadFile(r.ledger)
		return err == nil && len(l.Streams) == 3 && l.Streams[2].Next() >= 100
	})
	r.stop()
	r.wantWhole(0)
	l, err := ledger.ReadFile(r.ledger)
	must(t, err)
	for i, differs := range []bool{false, true} {
		if a, b := l.Streams[i].Open["files"], l.Streams[i+1].Open["files"]; (a != b) != differs {
			t.Errorf("runs %d and %d: files %q and %q", i+1, i+2, a, b)
		}
	}
}
