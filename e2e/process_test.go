// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// process is a running Fluent Bit.
type process struct {
	t    *testing.T
	host host
	cmd  *exec.Cmd
	dir  string // its working directory; out/TAG has the records

	stdout, stderr string // paths

	exited   chan struct{}
	exitCode int
	signal   syscall.Signal // the signal that ended it, or 0
}

// lifetime is the maximum lifetime of a process, so that a test that hangs does not leave one
// running.
const lifetime = 3 * time.Minute

// launch describes how to start a Fluent Bit.
type launch struct {
	config  string   // text of a configuration
	yaml    bool     // in YAML
	args    []string // instead of, or in addition to, a configuration
	plugins []string // nil means gdummy
	alone   bool     // no other libraries, even if GDUMMY_E2E_FOREIGN is on
	env     []string
	dir     string        // the working directory; "" means a new one
	life    time.Duration // its maximum; 0 means lifetime
}

// start starts a Fluent Bit, which is stopped at the end of the test.
func (h host) start(t *testing.T, l launch) *process {
	t.Helper()
	p := &process{t: t, host: h, dir: l.dir, exited: make(chan struct{})}
	if p.dir == "" {
		p.dir = t.TempDir()
	}
	if err := os.MkdirAll(p.out(), 0o755); err != nil {
		t.Fatal(err)
	}
	if l.plugins == nil {
		l.plugins = []string{gdummySO}
	}
	var args []string
	if !l.alone {
		l.plugins = withForeign(t, l.plugins)
	}
	for _, so := range l.plugins {
		args = append(args, "-e", so)
	}
	if l.config != "" {
		args = append(args, "-c", p.write(l.configName(), l.config))
	}
	args = append(args, l.args...)
	p.cmd = exec.Command(h.path, args...)
	p.cmd.Dir = p.dir
	p.cmd.Env = append(os.Environ(), l.env...)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.stdout, p.stderr = filepath.Join(p.dir, "stdout"), filepath.Join(p.dir, "stderr")
	for _, path := range []string{p.stdout, p.stderr} {
		to, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		defer to.Close()
		if path == p.stdout {
			p.cmd.Stdout = to
		} else {
			p.cmd.Stderr = to
		}
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill := time.AfterFunc(cmp.Or(l.life, lifetime), p.kill)
	go func() {
		defer close(p.exited)
		_ = p.cmd.Wait()
		kill.Stop()
		status := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
		p.exitCode = p.cmd.ProcessState.ExitCode()
		if status.Signaled() {
			p.signal = status.Signal()
		}
	}()
	t.Cleanup(func() {
		p.kill()
		<-p.exited
		if t.Failed() {
			t.Logf("%s %s\n%s", h.path, strings.Join(args, " "), tail(p.log()))
		}
	})
	return p
}

func (l launch) configName() string {
	if l.yaml {
		return "fluent-bit.yaml"
	}
	return "fluent-bit.conf"
}

// tail returns the end of a log without the banner, for failure messages.
func tail(s string) string {
	if i := strings.Index(s, "[fluent bit] version="); i >= 0 {
		s = s[i:]
	}
	const most = 6000
	if len(s) > most {
		return "... " + s[len(s)-most:]
	}
	return s
}

// write writes a file in the working directory and returns its path.
func (p *process) write(name, text string) string {
	path := filepath.Join(p.dir, name)
	// Atomically: Fluent Bit may be reading it.
	if err := os.WriteFile(path+".new", []byte(text), 0o644); err != nil {
		p.t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		p.t.Fatal(err)
	}
	return path
}

func (p *process) out() string { return filepath.Join(p.dir, "out") }

func (p *process) kill() { _ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) }

func (p *process) send(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatalf("%v: %v", s, err)
	}
}

// log returns the output to stdout and stderr so far.
func (p *process) log() string {
	out, _ := os.ReadFile(p.stdout)
	err, _ := os.ReadFile(p.stderr)
	return string(bytes.ToValidUTF8(append(out, err...), []byte("?")))
}

func (p *process) running() bool {
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

// await waits until a condition holds. It fails the test if that takes too long or if the
// process exits.
func (p *process) await(what string, within time.Duration, cond func() bool) {
	p.t.Helper()
	deadline := time.Now().Add(within)
	for !cond() {
		if !p.running() {
			if cond() {
				return
			}
			p.t.Fatalf("the process exited (code %d, %v) before: %s", p.exitCode, p.signal, what)
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("not within %v: %s", within, what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func (p *process) awaitLog(text string, within time.Duration) {
	p.t.Helper()
	p.await("in the log: "+text, within, func() bool { return strings.Contains(p.log(), text) })
}

// startedLine matches the last line of a start: the workers of outputs or, if Fluent Bit has
// one, the stream processor.
var startedLine = regexp.MustCompile(`worker #0 started|stream processor started`)

func (p *process) awaitStart() {
	p.t.Helper()
	p.await("in the log: "+startedLine.String(), 10*time.Second, func() bool { return startedLine.MatchString(p.log()) })
}

// awaitExit waits for the exit and returns how long it took.
func (p *process) awaitExit(within time.Duration) time.Duration {
	p.t.Helper()
	start := time.Now()
	select {
	case <-p.exited:
	case <-time.After(within):
		p.t.Fatalf("still running after %v", within)
	}
	return time.Since(start)
}

// stop sends SIGTERM and expects a clean exit.
func (p *process) stop() {
	p.t.Helper()
	p.stopWithin(15 * time.Second) // on a busy machine
}

func (p *process) stopWithin(most time.Duration) {
	p.t.Helper()
	p.send(syscall.SIGTERM)
	took := p.awaitExit(lifetime)
	if p.exitCode != 0 || p.signal != 0 {
		p.t.Errorf("after SIGTERM: exit code %d, signal %v; expected a clean exit", p.exitCode, p.signal)
	}
	if took > most {
		p.t.Errorf("after SIGTERM: exit took %v, expected at most %v", took, most)
	}
}

// service is the first section of most configurations.
const service = `
[SERVICE]
    flush     0.2
    grace     1
    log_level info
`

// toFiles writes every record to out/TAG.
const toFiles = `
[OUTPUT]
    name   file
    match  *
    path   out
    format msgpack
`

// input returns an [INPUT] section from its properties, each "key value".
func input(properties ...string) string {
	return "\n[INPUT]\n    " + strings.Join(properties, "\n    ") + "\n"
}

// lastPort is the last result of freePort. It begins at a different port in each process.
var lastPort = func() *atomic.Int32 {
	p := new(atomic.Int32)
	p.Store(int32(os.Getpid()))
	return p
}()

// freePort returns a free port of the loopback interface, outside of the kernel's range of
// ephemeral ports. It returns each port once, as the listener may start seconds later.
func freePort(t *testing.T) int {
	t.Helper()
	for range 1000 {
		port := 10000 + int(lastPort.Add(1))%20000
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			l.Close()
			return port
		}
	}
	t.Fatal("no free port")
	return 0
}

// usage holds the resources of a process.
type usage struct {
	threads, fds, rssKB int
}

var statusLine = regexp.MustCompile(`(?m)^(Threads|VmRSS):\s+(\d+)`)

func (p *process) usage() (usage, error) {
	dir := fmt.Sprintf("/proc/%d", p.cmd.Process.Pid)
	status, err := os.ReadFile(dir + "/status")
	if err != nil {
		return usage{}, err
	}
	fds, err := os.ReadDir(dir + "/fd")
	if err != nil {
		return usage{}, err
	}
	u := usage{fds: len(fds)}
	for _, m := range statusLine.FindAllSubmatch(status, -1) {
		n, _ := strconv.Atoi(string(m[2]))
		if string(m[1]) == "Threads" {
			u.threads = n
		} else {
			u.rssKB = n
		}
	}
	if u.threads == 0 || u.rssKB == 0 {
		return u, errors.New("/proc has neither threads nor memory")
	}
	return u, nil
}
