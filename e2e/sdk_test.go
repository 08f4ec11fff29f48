// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"cmp"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"
)

var exampleInputs sync.Map // of the example's name, to func() (so string, err error)

// exampleInputSO builds an example input, once.
func exampleInputSO(t *testing.T, name string) string {
	t.Helper()
	build, _ := exampleInputs.LoadOrStore(name, sync.OnceValues(func() (string, error) {
		so := filepath.Join(foreignDir, name+".so")
		out, err := exec.Command("go", "build", "-buildmode=c-shared", "-o", so, "../examples/"+name).CombinedOutput()
		if err != nil {
			err = fmt.Errorf("%w\n%s", err, out)
		}
		return so, err
	}))
	so, err := build.(func() (string, error))()
	if err != nil {
		t.Fatal(err)
	}
	return so
}

// lines returns the field line of the records of a tag.
func (p *process) lines(tag string) []string {
	p.t.Helper()
	var all []string
	for _, r := range p.records(tag) {
		m, _, err := msgp.ReadMapStrIntfBytes(r.body, nil)
		if err != nil {
			p.t.Fatal(err)
		}
		all = append(all, m["line"].(string))
	}
	return all
}

// wantLines checks that lines are numbered from 0 to n-1, in order. It returns the number of
// repeated lines.
func wantLines(t *testing.T, lines []string, n int) (repeated int) {
	t.Helper()
	last := -1
	for _, l := range lines {
		var i int
		if _, err := fmt.Sscanf(l, "%d", &i); err != nil || i > last+1 {
			t.Fatalf("line %q follows line %d", l, last)
		}
		if i <= last {
			repeated++
		}
		last = i
	}
	if last != n-1 {
		t.Errorf("the last line is %d, want %d", last, n-1)
	}
	return repeated
}

// reload reloads the configuration, if the host supports it.
func (p *process) reload() {
	p.t.Helper()
	if p.host.version.before(v2_1_0) || p.host.version == (version{4, 0, 3}) { // which does not complete a reload of threaded inputs
		return
	}
	n := p.reloads()
	p.hangUp()
	p.await("the reload", 30*time.Second, func() bool { return p.reloads() > n })
}

// Each line over TCP arrives once and in order, in spite of a pause by mem_buf_limit and a hot
// reload. An idle connection does not delay the exit.
func TestTCPLinesExample(t *testing.T) {
	onEachHost(t, func(t *testing.T, h host) {
		const n = 20000
		s := newSink(t)
		port := freePort(t)
		limit := "mem_buf_limit 200k"
		if h.version.before(v2_1_9) {
			limit = "mem_buf_limit 0" // these hosts lose pending records at a pause
		}
		p := h.start(t, launch{plugins: []string{exampleInputSO(t, "tcp-lines")}, args: hotReload(h),
			config: service + "    scheduler.base 1\n    scheduler.cap 1\n" +
				input("name tcp_lines", "tag tcp", limit, fmt.Sprintf("address 127.0.0.1:%d", port)) + s.output("*")})
		dial := func() (conn net.Conn) {
			t.Helper()
			p.await("the listener", 20*time.Second, func() (ok bool) {
				var err error
				conn, err = net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
				return err == nil
			})
			return conn
		}
		sent := 0
		send := func() (done chan error) {
			done = make(chan error, 1)
			conn, from := dial(), sent
			sent += n
			go func() {
				defer conn.Close()
				for i := from; i < from+n; i++ {
					if _, err := fmt.Fprintln(conn, i); err != nil {
						done <- err
						return
					}
				}
				done <- nil
			}()
			return done
		}
		done := send()
		if !h.version.before(v2_1_9) {
			p.awaitLog("paused (mem buf overlimit", 30*time.Second)
		}
		s.open.Store(true)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		p.await("the lines", time.Minute, func() bool { return s.count() >= sent })
		p.reload()
		if err := <-send(); err != nil {
			t.Fatal(err)
		}
		p.await("the lines after the reload", time.Minute, func() bool { return s.count() >= sent })
		idle := dial()
		defer idle.Close()
		p.stop()
		s.mu.Lock()
		defer s.mu.Unlock()
		var lines []string
		for _, r := range s.recs {
			m, _, err := msgp.ReadMapStrIntfBytes(r.body, nil)
			if err != nil {
				t.Fatal(err)
			}
			lines = append(lines, m["line"].(string))
		}
		// Chunks that the server refused first arrive after later ones.
		slices.SortFunc(lines, func(a, b string) int { return cmp.Or(len(a)-len(b), strings.Compare(a, b)) })
		if repeated := wantLines(t, lines, sent); repeated > 0 || s.err != nil {
			t.Errorf("%d lines are repeated, error %v", repeated, s.err)
		}
	})
}

// Each line of a growing file arrives, in order, in spite of a hot reload and a restart.
func TestFollowFileExample(t *testing.T) {
	onEachHost(t, func(t *testing.T, h host) {
		const n = 20000
		dir := t.TempDir()
		f, err := os.Create(filepath.Join(dir, "app.log"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		l := launch{dir: dir, plugins: []string{exampleInputSO(t, "follow-file")}, args: hotReload(h),
			config: service + input("name follow_file", "tag file", "path app.log", "position_file app.pos") + toFiles}
		written := 0
		write := func(p *process) {
			t.Helper()
			for range n {
				fmt.Fprintln(f, written)
				written++
			}
			p.await("the lines", time.Minute, func() bool {
				lines := p.lines("file")
				return len(lines) > 0 && lines[len(lines)-1] == fmt.Sprint(written-1)
			})
		}
		p := h.start(t, l)
		write(p)
		p.reload()
		write(p)
		p.stop()
		p = h.start(t, l)
		write(p)
		p.stop()
		if repeated := wantLines(t, p.lines("file"), written); repeated > n {
			t.Errorf("%d of %d lines are repeated", repeated, written)
		}
	})
}
