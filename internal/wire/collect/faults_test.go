// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// proxy is a link that drops: it cuts its first connection after a number of bytes in one
// direction.
type proxy struct {
	net.Listener
	to string

	mu       sync.Mutex
	up, down int // bytes to and from the collector until the cut; -1 is never
	cuts     int
}

func newProxy(t failer, to string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{Listener: l, to: to, up: -1, down: -1}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go p.link(c)
		}
	}()
	return p
}

func (p *proxy) set(up, down int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.up, p.down = up, down
}

func (p *proxy) link(c net.Conn) {
	defer c.Close()
	p.mu.Lock()
	up, down := p.up, p.down
	p.up, p.down = -1, -1
	p.mu.Unlock()
	s, err := net.Dial("tcp", p.to)
	if err != nil {
		return
	}
	defer s.Close()
	done := make(chan bool, 2)
	copyTo := func(to io.Writer, from io.Reader, most int) {
		if most >= 0 {
			from = io.LimitReader(from, int64(most))
		}
		_, _ = io.Copy(to, from)
		done <- true
	}
	go copyTo(s, c, up)
	go copyTo(c, s, down)
	<-done
	p.mu.Lock()
	p.cuts++
	p.mu.Unlock()
}

// A ledger arrives whole and once, even if a link cuts a request or its answer at any byte.
func TestCutAnywhere(t *testing.T) {
	s := serve(t, "http://127.0.0.1:0", t.TempDir())
	defer s.Close()
	link := newProxy(t, s.Addr().String())
	defer link.Close()
	dir := t.TempDir()
	var paths []string
	size := 0
	for cut, run := 0, uint64(1); cut < 1500 || cut < 2*size; run++ {
		path := filepath.Join(dir, fmt.Sprint(run))
		w := newWriter(t, path, run)
		w.write(t, 2)
		paths = append(paths, path)
		if run%2 == 1 {
			link.set(cut, -1)
		} else {
			link.set(-1, cut)
			cut += 1 + cut/40 // each byte of a head at first
		}
		p := pusher(t, "http://"+link.Addr().String(), path)
		push(t, p)
		w.write(t, 2)
		push(t, p)
		p.client.CloseIdleConnections()
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		push(t, p)
		p.client.CloseIdleConnections()
		if data, err := os.ReadFile(path); err == nil {
			size = len(data)
		}
	}
	expectSame(t, s.o.Dir, paths...)
	link.mu.Lock()
	defer link.mu.Unlock()
	if link.cuts < 300 {
		t.Errorf("%d connections ended, want 300 or more", link.cuts)
	}
}

// Each ledger arrives byte for byte and once, after any faults of ledgers, links, pushers
// and collectors.
func TestFaults(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "collect")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		source, stored := filepath.Join(dir, "source"), filepath.Join(dir, "stored")
		if err := os.Mkdir(source, 0o777); err != nil {
			t.Fatal(err)
		}
		s := serve(t, "http://127.0.0.1:0", stored)
		address := s.String()
		defer func() { s.Close() }()
		link := newProxy(t, s.Addr().String())
		defer link.Close()
		p := pusher(t, "http://"+link.Addr().String(), source)
		defer func() { p.client.CloseIdleConnections() }()
		var writers []*writer
		pick := func(t *rapid.T) *writer { return rapid.SampledFrom(writers).Draw(t, "ledger") }
		writers = append(writers, newWriter(t, filepath.Join(source, "0"), 1))
		t.Repeat(map[string]func(*rapid.T){
			"a new ledger": func(t *rapid.T) {
				if n := len(writers); n < 4 {
					writers = append(writers, newWriter(t, filepath.Join(source, fmt.Sprint(n)), uint64(n+1)))
				}
			},
			"lines": func(t *rapid.T) { pick(t).write(t, rapid.SampledFrom([]int{1, 3, 5000}).Draw(t, "lines")) },
			"half a line": func(t *rapid.T) {
				w := pick(t)
				f, err := os.OpenFile(w.path, os.O_APPEND|os.O_WRONLY, 0)
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
				if _, err := f.WriteString("2026-11-01T00:00:00Z acc"); err != nil {
					t.Fatal(err)
				}
			},
			"push": func(t *rapid.T) {
				p.client.CloseIdleConnections()
				cut := rapid.OneOf(rapid.IntRange(0, 2000), rapid.IntRange(0, 1e6)).Draw(t, "cut")
				if rapid.Bool().Draw(t, "up") {
					link.set(cut, -1)
				} else {
					link.set(-1, cut)
				}
				_ = p.Push(context.Background())
			},
			"another pusher": func(t *rapid.T) {
				p.client.CloseIdleConnections()
				p = pusher(t, "http://"+link.Addr().String(), source)
			},
			"renamed": func(t *rapid.T) {
				w := pick(t)
				to := w.path + "r"
				if err := os.Rename(w.path, to); err != nil {
					t.Fatal(err)
				}
				w.path = to
			},
			"the collector crashes": func(t *rapid.T) {
				s.Close()
				files, _ := filepath.Glob(filepath.Join(stored, "*"))
				for _, file := range files { // a crash, or a disk that lost what was confirmed
					if rapid.IntRange(0, 3).Draw(t, "loss") == 0 {
						if err := os.Remove(file); err != nil {
							t.Fatal(err)
						}
						continue
					}
					info, err := os.Stat(file)
					if err != nil {
						t.Fatal(err)
					}
					size := rapid.Int64Range(0, info.Size()).Draw(t, "size")
					if err := os.Truncate(file, size); err != nil {
						t.Fatal(err)
					}
					if err := os.Truncate(file, rapid.Int64Range(size, info.Size()).Draw(t, "with zeros")); err != nil {
						t.Fatal(err)
					}
				}
				s = serve(t, address, stored)
			},
		})
		link.set(-1, -1)
		p.check = true
		push(t, p)
		var paths []string
		for _, w := range writers {
			paths = append(paths, w.path)
		}
		expectSame(t, stored, paths...)
	})
}
