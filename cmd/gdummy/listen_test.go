// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// both is a buffer for concurrent use.
type both struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *both) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *both) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// A listening audit ends when the ledger's records have arrived, and reports the losses.
func TestListen(t *testing.T) {
	dir := t.TempDir()
	ledger, out := filepath.Join(dir, "ledger"), filepath.Join(dir, "out")
	if code := gdummy(stream{out: new(both), err: new(both)}, []string{"run", "--records", "500", "--format", "json", "--output", out, "-p", "rate=unlimited", "-p", "ledger=" + ledger}); code != 0 {
		t.Fatal(code)
	}
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		flag []string
		send []byte
		code int
		want string
	}{
		{"all", []string{"--until-ledger-complete"}, data, 0, "clean: 500 of 500"},
		{"some", []string{"--idle", "300ms"}, data[:len(data)*9/10], 1, "lost"},
		{"refused", []string{"--idle", "300ms", "--fault", "status=503"}, data, 1, "FAULTS: 500 lost; 0 of 500 records arrived; the receiver refused all of the lost, for status=503\n"},
		{"refused, and forgiven", []string{"--idle", "300ms", "--fault", "status=503", "--max-lost", "500"}, data, 0,
			"clean: 0 of 500 records arrived; 500 lost, within the limit; the receiver refused all of the lost, for status=503\n"},
		{"thrown away", []string{"--idle", "300ms", "--fault", "drop=100%", "--max-lost", "500"}, data, 1, "FAULTS: 500 withheld; 0 of 500 records arrived\n"},
		{"thrown away, and forgiven", []string{"--idle", "300ms", "--fault", "drop=100%", "--max-withheld", "500", "--seed", "a b"}, data, 0,
			"clean: 0 of 500 records arrived; 500 withheld, within the limit\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			addr := l.Addr().String()
			l.Close()
			var stdout, stderr both
			done := make(chan int)
			page := filepath.Join(dir, "page.html")
			go func() {
				done <- gdummy(stream{out: &stdout, err: &stderr},
					append([]string{"audit", "--listen", "http://" + addr, "--ledger", ledger, "--html", page}, c.flag...))
			}()
			for end := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
				resp, err := http.Post("http://"+addr, "application/json", bytes.NewReader(c.send))
				if err == nil {
					resp.Body.Close()
					break
				}
				if time.Now().After(end) {
					t.Fatal(err)
				}
			}
			if code := <-done; code != c.code || !strings.Contains(stdout.String(), c.want) {
				t.Errorf("code %d, want %d\n%s%s", code, c.code, stdout.String(), stderr.String())
			}
			if text, err := os.ReadFile(page); err != nil || !bytes.HasPrefix(text, []byte("<!doctype html>")) {
				t.Errorf("no page: %v", err)
			}
		})
	}
	// Wrong usage.
	for _, args := range [][]string{
		{"--idle", "1s", out}, {"--first-within", "1s", out}, {"--listen", "x://y"}, {"--listen", "tcp://:0", "--until-ledger-complete"}, {"--listen", "tcp://:0", "--fault", "x"},
		{"--listen", "tcp://:0", "--idle", "-5s"}, {"--listen", "tcp://:0", "--idle", "0"}, {"--listen", "tcp://:0", "--seed", "3"},
		{"--listen", "tcp://:0", "--fault", "status=503@10%, status=429@10%"}, {"--max-p99", "-1s", out}, {"--seed", "3", out},
		{"--run", "last", "--run", "0123456789ab", out}, {"--run", "first", out},
		{"--listen", "tcp://:0", "--tls-cert", "x"}, {"--listen", "tcp://:0", "--shared-key", "x"},
	} {
		var stderr both
		if code := gdummy(stream{out: new(both), err: &stderr}, append([]string{"audit"}, args...)); code != exitUsage {
			t.Errorf("%v: code %d: %s", args, code, fmt.Sprint(stderr.String()))
		}
	}
}

// hear starts an audit at a free port, calls do with its address until that returns no
// error, and returns the exit code and output of the audit.
func hear(t *testing.T, do func(addr string) error, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	var out, log both
	done := make(chan int)
	go func() {
		done <- gdummy(stream{out: &out, err: &log}, append([]string{"audit", "--listen", "http://" + addr}, args...))
	}()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if err := do(addr); err == nil {
			break
		} else if time.Now().After(end) {
			t.Fatal(err)
		}
	}
	return <-done, out.String(), log.String()
}

// post sends data to an audit.
func post(data []byte) func(addr string) error {
	return func(addr string) error {
		resp, err := http.Post("http://"+addr, "application/json", bytes.NewReader(data))
		if err == nil {
			resp.Body.Close()
		}
		return err
	}
}

// generate generates n records with a ledger, and returns them.
func generate(t *testing.T, n int, ledger string) []byte {
	t.Helper()
	out := filepath.Join(t.TempDir(), "out")
	if code := gdummy(stream{out: new(both), err: new(both)}, []string{"run", "--records", fmt.Sprint(n), "--format", "json", "--output", out, "-p", "rate=unlimited", "-p", "ledger=" + ledger}); code != 0 {
		t.Fatal(code)
	}
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// If the same commands run again with the same ledger, the first run is not lost, and the
// audit ends.
func TestListenAgain(t *testing.T) {
	ledger := filepath.Join(t.TempDir(), "ledger")
	generate(t, 2000, ledger)
	second := generate(t, 500, ledger)
	code, out, _ := hear(t, post(second), "--ledger", ledger, "--until-ledger-complete")
	if code != 0 || !strings.HasPrefix(out, "clean: 500 of 500 records arrived\n") || !strings.Contains(out, "note: a run of the ledgers ended before") {
		t.Errorf("code %d:\n%s", code, out)
	}
	// A run that is requested counts.
	first, _, _ := strings.Cut(strings.SplitAfterN(slurp(t, ledger), "run=", 2)[1], " ")
	code, out, _ = hear(t, post(second), "--ledger", ledger, "--idle", "300ms", "--run", first)
	if code != 1 || !strings.HasPrefix(out, "FAULTS: 2,000 lost; 0 of 2,000 records arrived\n") {
		t.Errorf("code %d:\n%s", code, out)
	}
}

func slurp(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// A verdict is printed even if the page cannot be written, or the ledger no longer exists.
func TestVerdictInSpiteOfErrors(t *testing.T) {
	dir := t.TempDir()
	ledger, page := filepath.Join(dir, "ledger"), filepath.Join(dir, "sub", "page.html")
	data := generate(t, 500, ledger)
	if err := os.Mkdir(filepath.Dir(page), 0o755); err != nil {
		t.Fatal(err)
	}
	code, out, log := hear(t, func(addr string) error {
		err := post(data)(addr)
		if err == nil {
			err = os.RemoveAll(filepath.Dir(page))
		}
		return err
	}, "--ledger", ledger, "--until-ledger-complete", "--html", page)
	if code != 2 || !strings.HasPrefix(out, "clean: 500 of 500") || !strings.Contains(log, "cannot write the page") {
		t.Errorf("no page: code %d:\n%s%s", code, out, log)
	}
	code, out, log = hear(t, post(data), "--ledger", ledger+".absent", "--idle", "300ms")
	if code != 1 || !strings.HasPrefix(out, "FAULTS: cannot read the ledger: ") || !strings.Contains(out, "; 500 of 500 records arrived; a run has no ledger") || !strings.Contains(log, "does not exist yet") {
		t.Errorf("no ledger: code %d:\n%s%s", code, out, log)
	}
	code, out, _ = hear(t, func(string) error { return nil }, "--first-within", "300ms")
	if code != 1 || !strings.HasPrefix(out, "FAULTS: nothing was audited: the input has no records\n") {
		t.Errorf("nothing: code %d:\n%s", code, out)
	}
}

// The exit code is not 0 if the verdict cannot be written.
func TestVerdictNotWritten(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	if code := gdummy(stream{out: new(both), err: new(both)}, []string{"run", "--records", "10", "--format", "json", "--output", out, "-p", "rate=unlimited", "-p", "audit=on"}); code != 0 {
		t.Fatal(code)
	}
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skipf("### SKIPPED: no /dev/full, which Linux has: %v", err)
	}
	defer full.Close()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	r.Close()
	for name, to := range map[string]*os.File{"a full disk": full, "a closed pipe": w} {
		for _, flags := range [][]string{{}, {"--json"}} {
			var stderr both
			code := gdummy(stream{out: to, err: &stderr}, append([]string{"audit", out}, flags...))
			if code != exitUsage || !strings.Contains(stderr.String(), "cannot write the verdict") {
				t.Errorf("%s, %v: code %d: %s", name, flags, code, stderr.String())
			}
		}
	}
}

// The writer of a pipe into an audit may begin its ledger after the audit has started.
func TestPiped(t *testing.T) {
	ledger := filepath.Join(t.TempDir(), "ledger")
	r, w := io.Pipe()
	var out, log both
	done := make(chan int)
	go func() {
		done <- gdummy(stream{in: r, out: &out, err: &log}, []string{"audit", "--ledger", ledger, "-"})
	}()
	// The audit reads the first byte after it searched for the ledger.
	if _, err := io.WriteString(w, " "); err != nil {
		t.Fatal(err)
	}
	data := generate(t, 500, ledger)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	w.Close()
	if code := <-done; code != 0 || !strings.HasPrefix(out.String(), "clean: 500 of 500 records arrived\n") || !strings.Contains(log.String(), "does not exist yet") {
		t.Errorf("code %d:\n%s%s", code, out.String(), log.String())
	}
	// A ledger that is never written.
	var late both
	if code := gdummy(stream{in: bytes.NewReader(data), out: &late, err: new(both)}, []string{"audit", "--ledger", ledger + ".absent", "-"}); code != 1 ||
		!strings.HasPrefix(late.String(), "FAULTS: cannot read the ledger: stat "+ledger+".absent: no such file or directory; 500 of 500 records arrived") {
		t.Errorf("code %d:\n%s", code, late.String())
	}
}

// The counts are integers in the verdict and in each stream, even if they are 0. Those that
// only a ledger has are absent without one.
func TestJSONIntegers(t *testing.T) {
	ledger, records := filepath.Join(t.TempDir(), "ledger"), filepath.Join(t.TempDir(), "records")
	if err := os.WriteFile(records, generate(t, 1000, ledger), 0o644); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"sent": "1000", "accepted": "1000", "ingested": "1000", "arrived": "1000", "refused": "0", "shortfall": "0",
		"lost": "0", "duplicates": "0", "reordered": "0", "damaged": "0", "enriched": "0", "foreign": "0", "unknown": "0", "unchecked": "0",
		"withheld": "0", "broken": "0", "lost_by_receiver": "0"}
	booked := []string{"accepted", "ingested", "refused", "shortfall"}
	for _, c := range []struct {
		args          []string
		empty, ledger bool
	}{{[]string{"--ledger", ledger, records}, false, true}, {[]string{records}, false, false}, {[]string{os.DevNull}, true, false}} {
		var out both
		gdummy(stream{out: &out, err: new(both)}, append([]string{"audit", "--json"}, c.args...))
		var got map[string]json.RawMessage
		if err := json.Unmarshal([]byte(out.String()), &got); err != nil {
			t.Fatal(err)
		}
		var all []map[string]json.RawMessage
		if err := json.Unmarshal(got["streams"], &all); err != nil {
			t.Fatal(err)
		}
		for i, of := range append(all, got) {
			for name, n := range want {
				switch {
				case !c.ledger && slices.Contains(booked, name):
					n = ""
				case c.empty:
					n = "0"
				}
				if string(of[name]) != n {
					t.Errorf("%v, %d: %s is %q, want %q", c.args, i, name, of[name], n)
				}
			}
		}
	}
}

// Ctrl-C interrupts all commands of a pipeline: the audit reads its input to the end and
// prints a verdict.
func TestPipedInterrupted(t *testing.T) {
	ledger := filepath.Join(t.TempDir(), "ledger")
	data := generate(t, 500, ledger)
	cmd := exec.Command("gdummy", "audit", "--ledger", ledger, "-")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var out, log both
	cmd.Stdout, cmd.Stderr = &out, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	defer stop.Stop()
	// More than the capacity of a pipe: once it is written, it has been read.
	if _, err := in.Write(append(bytes.Repeat([]byte(" "), 1<<20), data[:len(data)/2]...)); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(30 * time.Second); !strings.Contains(log.String(), "Ctrl-C again"); {
		if time.Now().After(end) {
			t.Fatal("no message that the audit continues")
		}
		time.Sleep(5 * time.Millisecond)
	}
	if _, err := in.Write(data[len(data)/2:]); err != nil {
		t.Fatal(err)
	}
	in.Close()
	if err := cmd.Wait(); err != nil || !strings.HasPrefix(out.String(), "clean: 500 of 500 records arrived\n") {
		t.Errorf("%v\n%s%s", err, out.String(), log.String())
	}
}
