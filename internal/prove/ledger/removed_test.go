// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A ledger that was removed is created again, with all records since the start: by the next
// line, or as soon as its directory exists again. One that was renamed is continued.
func TestRemoved(t *testing.T) {
	c := &clock{start}
	dir := filepath.Join(t.TempDir(), "ledgers")
	path := filepath.Join(dir, "run.ledger")
	w := (*Writer)(nil)
	made := uint64(0)
	tick := func() error {
		w.Accepted(made, 10)
		made += 10
		c.add(time.Second)
		return w.Tick()
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	has := func(path string, n uint64) {
		t.Helper()
		l, err := ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		s := l.Streams[0]
		if len(l.Streams) != 1 || s.Next() != n || s.Accepted[0].From != 0 || s.Listed().Accepted != n || !s.Opened.Equal(start) || s.Name == "" {
			t.Errorf("%+v, want the records before %d", *s, n)
		}
	}
	must(os.Mkdir(dir, 0o755))
	var err error
	w, _, err = Open(path, nil, options(c))
	must(err)
	must(tick())
	has(path, 10)

	must(os.Remove(path))
	must(tick())
	has(path, 20)

	must(os.RemoveAll(dir))
	for range 2 {
		if err := tick(); err == nil || !strings.Contains(err.Error(), path+" was removed: ") {
			t.Errorf("without its directory: %v", err)
		}
	}
	must(os.Mkdir(dir, 0o755))
	must(tick())
	has(path, 50)

	must(os.Rename(path, path+".1"))
	must(tick())
	has(path+".1", 60)

	must(os.Remove(path + ".1"))
	if err := w.Close(Unsent{}); err == nil || !strings.Contains(err.Error(), path+" was removed") {
		t.Errorf("removed before the end: %v", err)
	}
}
