// SPDX-License-Identifier: Apache-2.0

package flbhost_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The examples that wait for events other than time, under load, with pauses, reloads and
// exits, in the poses that differ for them.

const (
	tcpLines   = "../examples/tcp-lines"
	followFile = "../examples/follow-file"
)

var waiting = []struct {
	v    variant
	args []string
}{
	{v: variant{version: v200}},
	{v: variant{version: v400}},
	{v: variant{version: v511}},
	{v: variant{version: v511, bare: true}},
	{v: variant{version: v511}, args: []string{"--threaded", "off"}},
	{v: variant{version: v511}, args: []string{"--refuse-every", "3"}},
	{v: variant{version: v511}, args: []string{"--ring", "4", "--drain-ms", "1"}},
	{v: variant{version: v511, flags: sanitizers}},
}

// eachWaiting runs a test in each of these poses, in parallel.
func eachWaiting(t *testing.T, test func(t *testing.T, v variant, args []string)) {
	t.Parallel()
	for _, w := range waiting {
		t.Run(w.v.String()+strings.Join(w.args, ""), func(t *testing.T) {
			t.Parallel()
			if _, err := w.v.host(t); err != nil && w.v.flags != nil {
				t.Skipf("### SKIPPED: the compiler cannot build it: %v", err)
			}
			test(t, w.v, w.args)
		})
	}
}

// running is a host that runs in the background.
type running struct {
	t              *testing.T
	cmd            *exec.Cmd
	report         string
	stdout, stderr string // files
}

func startHost(t *testing.T, v variant, pkg string, args ...string) *running {
	t.Helper()
	host, err := v.host(t)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	r := &running{t: t, report: filepath.Join(dir, "report"), stdout: filepath.Join(dir, "stdout"), stderr: filepath.Join(dir, "stderr")}
	full := []string{"--report", r.report, "--output", "json"}
	for _, a := range args {
		if a == "PLUGIN" {
			a = goPlugin(t, pkg)
		}
		full = append(full, a)
	}
	r.cmd = exec.Command(host, full...)
	stdout, err := os.Create(r.stdout)
	if err != nil {
		t.Fatal(err)
	}
	defer stdout.Close()
	stderr, err := os.Create(r.stderr)
	if err != nil {
		t.Fatal(err)
	}
	defer stderr.Close()
	r.cmd.Stdout, r.cmd.Stderr = stdout, stderr
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return r
}

// await waits until a file of the host's output contains a text n times.
func (r *running) await(name, text string, n int) {
	r.t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		b := readFile(r.t, name)
		if bytes.Count(b, []byte(text)) >= n {
			return
		}
		if time.Now().After(end) {
			r.cmd.Process.Kill()
			r.t.Fatalf("%q occurs %d times after a minute, want %d:\n%s", text, bytes.Count(b, []byte(text)), n, readFile(r.t, r.stderr))
		}
	}
}

// end stops the host, if it is still running, and returns the lines of its records.
func (r *running) end(stop bool) []string {
	r.t.Helper()
	if stop {
		r.cmd.Process.Signal(syscall.SIGTERM)
	}
	res := finish(r.t, r.cmd, new(bytes.Buffer), new(bytes.Buffer))
	res.stderr = string(readFile(r.t, r.stderr))
	if err := json.Unmarshal(readFile(r.t, r.report), &res.report); err != nil {
		r.t.Fatal(err)
	}
	res.wantClean(r.t)
	if strings.Contains(res.stderr, "Sanitizer") || strings.Contains(res.stderr, "panic in") {
		r.t.Error(res.stderr)
	}
	var lines []string
	for record := range strings.Lines(string(readFile(r.t, r.stdout))) {
		var rec struct{ Body struct{ Line string } }
		if err := json.Unmarshal([]byte(record), &rec); err != nil {
			r.t.Fatalf("%v: %s", err, record)
		}
		lines = append(lines, rec.Body.Line)
	}
	return lines
}

var listening = regexp.MustCompile(`listening on (\S+)`)

// send sends n lines over each of several connections to the last address in the log.
// Lines contain the number of their sender, from first on, and their own number.
func (r *running) send(first, connections, n int) (wait func()) {
	r.t.Helper()
	all := listening.FindAllSubmatch(readFile(r.t, r.stderr), -1)
	address := string(all[len(all)-1][1])
	var senders sync.WaitGroup
	for sender := first; sender < first+connections; sender++ {
		senders.Go(func() {
			conn, err := net.Dial("tcp", address)
			if err != nil {
				r.t.Error(err)
				return
			}
			defer conn.Close()
			var b []byte
			for i := range n {
				if b = fmt.Appendln(b[:0], sender, i); i%7 == 0 {
					b = fmt.Appendf(b[:0], "%d %d\r\n", sender, i)
				}
				if _, err := conn.Write(b); err != nil {
					r.t.Errorf("line %d: %v", i, err)
					return
				}
			}
		})
	}
	return senders.Wait
}

// wantSequences checks that the lines of each sender are 0 to n-1, in order.
func wantSequences(t *testing.T, lines []string, senders, n int) {
	t.Helper()
	next := map[int]int{}
	for _, l := range lines {
		var sender, i int
		if _, err := fmt.Sscanf(l, "%d %d", &sender, &i); err != nil || i != next[sender] {
			t.Fatalf("line %q, want number %d of this sender", l, next[sender])
		}
		next[sender]++
	}
	if len(next) != senders || len(lines) != senders*n {
		t.Errorf("%d lines of %d senders, want %d of %d", len(lines), len(next), senders*n, senders)
	}
}

// Every line of every connection arrives once and in order, while the input is paused
// and resumed, and after a hot reload. Open connections do not delay the exit.
func TestTCPLines(t *testing.T) {
	eachWaiting(t, func(t *testing.T, v variant, args []string) {
		const connections, n = 4, 5000
		script := ""
		if v.version >= v220 {
			script = "at 0.3 pause 0; at 1.4 resume 0"
		}
		r := startHost(t, v, tcpLines, append(args, "--script", script, "PLUGIN", "-i", "-p", "address=127.0.0.1:0")...)
		r.await(r.stderr, "listening on ", 1)
		wait := r.send(0, connections, n)
		wait()
		r.await(r.stdout, "\n", connections*n)
		r.cmd.Process.Signal(syscall.SIGHUP)
		r.await(r.stderr, "listening on ", 2)
		wait = r.send(connections, connections, n)
		wait()
		r.await(r.stdout, "\n", 2*connections*n)
		idle, err := net.Dial("tcp", string(listening.FindAllSubmatch(readFile(t, r.stderr), -1)[1][1]))
		if err != nil {
			t.Fatal(err)
		}
		defer idle.Close()
		wantSequences(t, r.end(true), 2*connections, n)
	})
}

// Every line of a file that grows arrives, in order, while the input is paused and
// resumed, over reloads, and after a restart of the process. A line is repeated only if
// the engine had not ingested it at the end.
func TestFollowFile(t *testing.T) {
	eachWaiting(t, func(t *testing.T, v variant, args []string) {
		const n = 20000
		dir := t.TempDir()
		path := filepath.Join(dir, "app.log")
		args = append(args, "PLUGIN", "-i", "-p", "path="+path, "-p", "position_file="+filepath.Join(dir, "app.pos"))
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		written := 0
		write := func() {
			for range n {
				fmt.Fprintln(f, written)
				written++
			}
		}
		script := ""
		if v.version >= v220 {
			script = "at 0.3 pause 0; at 1.4 resume 0"
		}
		r := startHost(t, v, followFile, append([]string{"--script", script}, args...)...)
		write()
		r.await(r.stdout, fmt.Sprintf(`"line":"%d"`, written-1), 1)
		r.cmd.Process.Signal(syscall.SIGHUP)
		write()
		r.await(r.stdout, fmt.Sprintf(`"line":"%d"`, written-1), 1)
		lines := r.end(true)
		write()
		r = startHost(t, v, followFile, args...)
		r.await(r.stdout, fmt.Sprintf(`"line":"%d"`, written-1), 1)
		lines = append(lines, r.end(true)...)
		last, repeated := -1, 0
		for _, l := range lines {
			var i int
			fmt.Sscanf(l, "%d", &i)
			switch {
			case i > last+1:
				t.Fatalf("line %d follows line %d", i, last)
			case i <= last:
				repeated++
			}
			last = i
		}
		if last != written-1 || repeated > n {
			t.Errorf("the last line is %d, want %d; %d are repeated", last, written-1, repeated)
		}
	})
}
