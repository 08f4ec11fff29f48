// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"bytes"
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

// process is a Fluent Bit that runs.
type process struct {
	t    *testing.T
	host host
	cmd  *exec.Cmd
	dir  string // its working directory; out/TAG has the records

	stdout, stderr string // paths

	exited   chan struct{}
	exitCode int
	signal   syscall.Signal // that ended it, or 0
}

// lifetime is how long any process may last: a test that hangs must not
// leave one behind.
const lifetime = 3 * time.Minute

// launch is how a Fluent Bit is started.
type launch struct {
	config  string   // text of a configuration
	yaml    bool     // in YAML
	args    []string // instead of, or in addition to, a configuration
	plugins []string // gdummy, if nil
	alone   bool     // nothing beside the plugins, also if the whole suite runs with other libraries
	env     []string
	dir     string // the working directory; a new one, if empty
}

// start starts a Fluent Bit, which ends with the test at the latest.
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
	kill := time.AfterFunc(lifetime, p.kill)
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

// tail keeps the log of a failed test readable: without the banner and in size.
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
	// In one step: Fluent Bit may be reading it.
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

// log returns all that was written to stdout and stderr up to now.
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

// await waits until a condition holds. It fails the test if that takes too long
// or if the process ends before.
func (p *process) await(what string, within time.Duration, cond func() bool) {
	p.t.Helper()
	deadline := time.Now().Add(within)
	for !cond() {
		if !p.running() {
			if cond() {
				return
			}
			p.t.Fatalf("the process ended (code %d, %v) before: %s", p.exitCode, p.signal, what)
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("after %v not yet: %s", within, what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func (p *process) awaitLog(text string, within time.Duration) {
	p.t.Helper()
	p.await("in the log: "+text, within, func() bool { return strings.Contains(p.log(), text) })
}

// startedLine is the last one of a start: the outputs' workers are there. Where Fluent
// Bit is built with a stream processor, that comes after them.
var startedLine = regexp.MustCompile(`worker #0 started|stream processor started`)

func (p *process) awaitStart() {
	p.t.Helper()
	p.await("in the log: "+startedLine.String(), 10*time.Second, func() bool { return startedLine.MatchString(p.log()) })
}

// awaitExit waits for the end and returns how long it took.
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

// stop asks for the end as a service manager does, and expects a clean one.
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
		p.t.Errorf("after SIGTERM: exit took %v, expected %v at most", took, most)
	}
}

// service is the section that most configurations begin with.
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

// input makes an [INPUT] section from its properties, one "key value" each.
func input(properties ...string) string {
	return "\n[INPUT]\n    " + strings.Join(properties, "\n    ") + "\n"
}

// lastPort is the one that freePort has given last. It begins somewhere else in
// each process.
var lastPort = func() *atomic.Int32 {
	p := new(atomic.Int32)
	p.Store(int32(os.Getpid()))
	return p
}()

// freePort returns a port of the loopback interface that nobody listens on. It is
// none of those that the kernel gives away, and given to one test only: what
// listens on it may begin to do so seconds later.
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
	t.Fatal("no port is free")
	return 0
}

// usage is what a process holds.
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
		return u, errors.New("/proc says neither threads nor memory")
	}
	return u, nil
}
