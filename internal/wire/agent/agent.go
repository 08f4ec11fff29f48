// SPDX-License-Identifier: Apache-2.0

// Package agent runs Fluent Bit.
//
// The normal path is [Find], [Start], and [Agent.Stop]. The last lines of the log are
// kept: they have the reason if the process ends by itself.
package agent

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Binary is an executable of Fluent Bit.
type Binary struct {
	Path    string
	Version string // such as 5.1.1
	number  [3]int
}

var versionLine = regexp.MustCompile(`Fluent Bit v(\d+)\.(\d+)\.(\d+)`)

// Find returns the Fluent Bit of a name or path.
func Find(name string) (Binary, error) {
	path, err := exec.LookPath(name)
	if errors.Is(err, exec.ErrNotFound) {
		return Binary{}, fmt.Errorf("%s was not found in PATH: expected the path of a Fluent Bit", name)
	}
	if err != nil {
		return Binary{}, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, path, "--version").CombinedOutput()
	m := versionLine.FindSubmatch(out)
	if m == nil {
		if err == nil {
			err = errors.New("no version of Fluent Bit in its output")
		}
		return Binary{}, fmt.Errorf("%s --version: %w", path, err)
	}
	b := Binary{Path: path}
	for i := range b.number {
		b.number[i], _ = strconv.Atoi(string(m[i+1]))
	}
	b.Version = fmt.Sprintf("%d.%d.%d", b.number[0], b.number[1], b.number[2])
	return b, nil
}

// RequireMetadata returns an error if events have no metadata.
func (b Binary) RequireMetadata() error {
	if b.number[0] > 2 || b.number[0] == 2 && b.number[1] >= 1 {
		return nil
	}
	return fmt.Errorf("version %s of Fluent Bit has no metadata, in which the identity of a record survives parsers: 2.1 or later is required", b.Version)
}

// HasOffsets reports whether the offset_key of tail has the offset of the line in records
// of multiline.parser: v3.2.10 adds the offsets of all lines before it.
func (b Binary) HasOffsets() bool {
	return b.number[0] > 4 || b.number[0] == 4 && b.number[1] >= 2
}

// Agent is a running Fluent Bit. Look and Usage are for one goroutine.
type Agent struct {
	cmd  *exec.Cmd
	log  tail
	done chan struct{}
	seen map[string]seen // by the thread's identifier
}

// Start starts a Fluent Bit with arguments. It has the working directory and the
// environment of this process.
func Start(b Binary, args ...string) (*Agent, error) {
	a := &Agent{cmd: exec.Command(b.Path, args...), done: make(chan struct{}), seen: map[string]seen{}}
	a.cmd.Stdout, a.cmd.Stderr = &a.log, &a.log
	// Ctrl-C on the terminal does not reach it: its caller decides.
	a.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := a.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = a.cmd.Wait() // its log has the reason
		close(a.done)
	}()
	return a, nil
}

// Done is closed when the process has ended.
func (a *Agent) Done() <-chan struct{} { return a.done }

// Stop asks the process to flush what it has and to end, and kills it if that takes
// longer than patience.
func (a *Agent) Stop(patience time.Duration) {
	_ = a.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case <-a.done:
	case <-time.After(patience):
		a.Kill()
	}
}

// Kill ends the process at once.
func (a *Agent) Kill() {
	_ = a.cmd.Process.Kill() // it may have ended
	<-a.done
}

// Errors returns the lines of the log that report errors.
func (a *Agent) Errors() (lines []string) {
	for _, l := range a.log.lines() {
		if strings.Contains(l, "[error]") || strings.Contains(l, "[ error]") {
			lines = append(lines, l)
		}
	}
	return lines
}

// tail keeps the end of what is written to it.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

// tailSize is the number of bytes that a tail keeps.
const tailSize = 64 << 10

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, b...)
	if len(t.buf) > 2*tailSize {
		t.buf = append(t.buf[:0], t.buf[len(t.buf)-tailSize:]...)
	}
	return len(b), nil
}

var colour = regexp.MustCompile("\x1b\\[[0-9;]*m")

func (t *tail) lines() (lines []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for line := range bytes.Lines(colour.ReplaceAll(t.buf, nil)) {
		lines = append(lines, strings.TrimRight(string(line), "\r\n"))
	}
	return lines
}
