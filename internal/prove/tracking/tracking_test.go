// SPDX-License-Identifier: Apache-2.0

package tracking

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gdummy/gdummy/internal/config/option"
	"github.com/gdummy/gdummy/internal/generate/engine"
	"github.com/gdummy/gdummy/internal/prove/ledger"
	"github.com/gdummy/gdummy/internal/recordid"
)

func config(t *testing.T, section map[string]string) *option.Config {
	t.Helper()
	c, _, errs := option.Read(func(name string) (string, bool) {
		text, ok := section[name]
		return text, ok
	})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	return c
}

// Without audit, every method does nothing.
func TestNone(t *testing.T) {
	p, err := Start(config(t, nil), Options{Name: "gdummy.0"})
	if p != nil || err != nil || p.Mark() != nil || p.Run() != "" || p.Update(1, nil, 1, 1) != nil || p.Note(ledger.Pause) != nil || p.Close(1, nil, 1, 0, engine.Unsent{}) != nil {
		t.Errorf("%v, %v", p, err)
	}
}

// The ledger has both the accepted and the refused records.
func TestLedger(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger")
	now := time.Unix(1e9, 0)
	p, err := Start(config(t, map[string]string{"ledger": path, "audit_key": "id", "audit_in": "metadata"}), Options{
		Name: "gdummy.7", Tag: "app", Metadata: true, Random: strings.NewReader("12345678"), Now: func() time.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Open(engine.Origin{Seed: "a b\"", Files: map[string]string{"u s.csv": "01"}}); err != nil {
		t.Fatal(err)
	}
	if m := p.Mark(); m.Instance != 7 || m.Key != "id" || !m.InMetadata || m.Run.String() != p.Run() {
		t.Errorf("%+v", m)
	}
	for i := range uint64(10) {
		now = now.Add(time.Second)
		if err := p.Update(i*100, nil, i*90, i); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(p.Note(ledger.Reload), p.Close(1000, last(50), 950, 9, engine.Unsent{Ends: true, Known: true, N: 200})); err != nil {
		t.Fatal(err)
	}
	l, err := ledger.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s := l.Streams[0]
	total := uint64(0)
	for _, e := range s.Accepted {
		total += e.Len()
	}
	if total != 950 || s.Ingested != 950 || s.Shortfall != 9 || len(s.Refused) != 1 || s.Refused[0] != (ledger.Range{From: 950, To: 999}) ||
		s.Unsent != (ledger.Unsent{Ends: true, Known: true, N: 200}) || s.Closed.IsZero() || s.Run.String() != p.Run() || s.Place != "metadata" {
		t.Errorf("%+v", s)
	}
	if s.Open["seed"] != "a b\"" || s.Open["files"] != "01 u s.csv" || s.Open["tag"] != "app" {
		t.Errorf("the line open has %q", s.Open)
	}
}

// An error of Start names the option.
func TestRefused(t *testing.T) {
	if _, err := Start(config(t, map[string]string{"audit": "on", "audit_in": "metadata"}), Options{}); !errors.Is(err, ErrNoMetadata) {
		t.Errorf("no metadata: %v", err)
	}
	start := func(path string) error {
		p, err := Start(config(t, map[string]string{"ledger": path}), Options{})
		return errors.Join(err, p.Open(engine.Origin{}))
	}
	if err := start(t.TempDir()); err == nil || !strings.HasPrefix(err.Error(), "option ledger: ") {
		t.Errorf("a directory as ledger: %v", err)
	}
	nowhere := filepath.Join(t.TempDir(), "nowhere", "run.ledger")
	if err := start(nowhere); err == nil || err.Error() != `option ledger: cannot open "`+nowhere+`": no such file or directory; the directory must exist` {
		t.Errorf("no directory for the ledger: %v", err)
	}
	if _, err := Start(config(t, map[string]string{"audit": "on"}), Options{Random: strings.NewReader("")}); err == nil {
		t.Error("no random bytes: no error")
	}
}

// A name that does not end in a number is instance 0.
func TestNumber(t *testing.T) {
	for name, want := range map[string]uint16{"gdummy.0": 0, "gdummy.12": 12, "gdummy.1023": 1023, "gdummy.1024": 0, "alias": 0, "": 0, "x.-1": 0, "5": 5} {
		if got := number(name); got != want {
			t.Errorf("%q: %d, want %d", name, got, want)
		}
	}
}

// last returns the refusal of the last n records, without identities.
func last(n int) Refusals {
	return func(f func(int, []byte)) { f(n, nil) }
}

// Records with their own tags are refused tag by tag: the ledger is exact to the
// record, both while they wait and at the end.
func TestRefusedByTag(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger")
	now := time.Unix(1e9, 0)
	p, err := Start(config(t, map[string]string{"ledger": path}), Options{Name: "gdummy.3", Now: func() time.Time { return now }})
	if err := errors.Join(err, p.Open(engine.Origin{})); err != nil {
		t.Fatal(err)
	}
	slice := func(numbers ...uint64) []byte {
		var b []byte
		for _, n := range numbers {
			b = append(recordid.ID{Run: p.mark.Run, Instance: 3, Seq: n}.Append(append(b, "\x81\xa6gdummy\xd97"...)), recordid.ID{Run: 1, Seq: 5}.String()...)
		}
		return b
	}
	waiting := func(f func(int, []byte)) {
		f(3, slice(101, 104, 107))
		f(2, slice(102, 108))
	}
	now = now.Add(time.Second)
	if err := p.Update(110, waiting, 100, 0); err != nil {
		t.Fatal(err)
	}
	read := func() *ledger.Stream {
		l, err := ledger.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return l.Streams[0]
	}
	if s := read(); s.Next() != 101 || len(s.Refused) > 0 {
		t.Errorf("while records wait: %+v", s)
	}
	if err := p.Close(110, waiting, 105, 0, engine.Unsent{}); err != nil {
		t.Fatal(err)
	}
	s := read()
	var accepted, refused []ledger.Range
	for _, e := range s.Accepted {
		accepted = append(accepted, e.Range)
	}
	refused = s.Refused
	want := []ledger.Range{{From: 0, To: 100}, {From: 103, To: 103}, {From: 105, To: 106}, {From: 109, To: 109}}
	if d := cmp.Diff(want, accepted); d != "" {
		t.Errorf("accepted: %s", d)
	}
	if d := cmp.Diff([]ledger.Range{{From: 101, To: 102}, {From: 104, To: 104}, {From: 107, To: 108}}, refused); d != "" {
		t.Errorf("refused: %s", d)
	}
}
