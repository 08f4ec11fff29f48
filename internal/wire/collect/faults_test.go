// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/gdummy/gdummy/internal/prove/ledger"
	"github.com/gdummy/gdummy/internal/testenv"
)

// link is a link to a collector that cuts the next connection.
type link struct {
	*testenv.Link
	mu       sync.Mutex
	up, down int64 // bytes to and from the collector until the cut; -1 is never
}

func newLink(t failer, to string) *link {
	t.Helper()
	l := &link{up: -1, down: -1}
	var err error
	l.Link, err = testenv.NewLink(to, func() (up, down int64) {
		l.mu.Lock()
		defer l.mu.Unlock()
		up, down = l.up, l.down
		l.up, l.down = -1, -1
		return up, down
	})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func (l *link) set(up, down int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.up, l.down = int64(up), int64(down)
}

// A ledger arrives whole and once, even if a link cuts a request or its answer at any byte.
func TestCutAnywhere(t *testing.T) {
	s := serve(t, "http://127.0.0.1:0", t.TempDir())
	defer s.Close()
	link := newLink(t, s.Addr().String())
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
		if err := w.Close(ledger.Unsent{}); err != nil {
			t.Fatal(err)
		}
		push(t, p)
		p.client.CloseIdleConnections()
		if data, err := os.ReadFile(path); err == nil {
			size = len(data)
		}
	}
	expectSame(t, s.o.Dir, paths...)
	if n := link.Cuts(); n < 200 {
		t.Errorf("%d connections were cut, want 200 or more", n)
	}
}

// faultyWorld is what the actions of TestFaults change.
type faultyWorld struct {
	source, stored string // directories
	collector      *Server
	address        string // of the collector
	link           *link
	pusher         *Pusher
	writers        []*writer
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
		w := &faultyWorld{source: filepath.Join(dir, "source"), stored: filepath.Join(dir, "stored")}
		if err := os.Mkdir(w.source, 0o777); err != nil {
			t.Fatal(err)
		}
		w.collector = serve(t, "http://127.0.0.1:0", w.stored)
		w.address = w.collector.String()
		defer func() { w.collector.Close() }()
		w.link = newLink(t, w.collector.Addr().String())
		defer w.link.Close()
		w.newPusher(t)
		defer func() { w.pusher.client.CloseIdleConnections() }()
		w.newLedger(t)
		t.Repeat(map[string]func(*rapid.T){
			"a new ledger":          w.newLedger,
			"lines":                 func(t *rapid.T) { w.pick(t).write(t, rapid.SampledFrom([]int{1, 3, 5000}).Draw(t, "lines")) },
			"half a line":           w.halfLine,
			"push":                  w.push,
			"another pusher":        w.newPusher,
			"renamed":               w.rename,
			"the collector crashes": w.crash,
		})
		w.link.set(-1, -1)
		w.pusher.check = true
		push(t, w.pusher)
		var paths []string
		for _, ledger := range w.writers {
			paths = append(paths, ledger.path)
		}
		expectSame(t, w.stored, paths...)
	})
}

// pick returns one of the ledgers.
func (w *faultyWorld) pick(t *rapid.T) *writer { return rapid.SampledFrom(w.writers).Draw(t, "ledger") }

func (w *faultyWorld) newLedger(t *rapid.T) {
	if n := len(w.writers); n < 4 {
		w.writers = append(w.writers, newWriter(t, filepath.Join(w.source, fmt.Sprint(n)), uint64(n+1)))
	}
}

func (w *faultyWorld) newPusher(t *rapid.T) {
	if w.pusher != nil {
		w.pusher.client.CloseIdleConnections()
	}
	w.pusher = pusher(t, "http://"+w.link.Addr().String(), w.source)
}

func (w *faultyWorld) halfLine(t *rapid.T) {
	f, err := os.OpenFile(w.pick(t).path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString("2026-11-01T00:00:00Z acc"); err != nil {
		t.Fatal(err)
	}
}

// push pushes over a link that is cut.
func (w *faultyWorld) push(t *rapid.T) {
	w.pusher.client.CloseIdleConnections()
	cut := rapid.OneOf(rapid.IntRange(0, 2000), rapid.IntRange(0, 1e6)).Draw(t, "cut")
	if rapid.Bool().Draw(t, "up") {
		w.link.set(cut, -1)
	} else {
		w.link.set(-1, cut)
	}
	_ = w.pusher.Push(context.Background())
}

func (w *faultyWorld) rename(t *rapid.T) {
	ledger := w.pick(t)
	to := ledger.path + "r"
	if err := os.Rename(ledger.path, to); err != nil {
		t.Fatal(err)
	}
	ledger.path = to
}

// crash starts another collector on a disk that lost some of what was confirmed.
func (w *faultyWorld) crash(t *rapid.T) {
	w.collector.Close()
	files, _ := filepath.Glob(filepath.Join(w.stored, "*"))
	for _, file := range files {
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
	w.collector = serve(t, w.address, w.stored)
}
