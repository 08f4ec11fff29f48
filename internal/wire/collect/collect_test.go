// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gdummy/gdummy/internal/prove/ledger"
	"github.com/gdummy/gdummy/internal/recordid"
)

const token = "a-token-of-24-characters"

// failer is the common part of rapid.T and testing.TB.
type failer interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// writer appends lines to a ledger, each complete at once.
type writer struct {
	*ledger.Writer
	path string
	next uint64
	now  time.Time
}

func newWriter(t failer, path string, run uint64) *writer {
	t.Helper()
	w := &writer{path: path, now: time.Unix(1700000000, 0)}
	var err error
	w.Writer, _, err = ledger.Open(path, nil, ledger.Options{
		Run: recordid.Run(run), Name: "gdummy.0", Key: "gdummy", Place: "body", Now: func() time.Time { return w.now }, Sync: -1,
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// write appends n lines.
func (w *writer) write(t failer, n int) {
	t.Helper()
	for range n {
		w.now = w.now.Add(time.Second)
		w.Accepted(w.next, 10)
		w.next += 11
		if err := w.Tick(); err != nil {
			t.Fatal(err)
		}
	}
}

func serve(t failer, address, dir string) *Server {
	t.Helper()
	s, err := Listen(address, Options{Dir: dir, Token: token})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func pusher(t failer, to string, paths ...string) *Pusher {
	t.Helper()
	p, err := NewPusher(PushOptions{To: to, Token: token, Name: "shard-3", Paths: paths, Every: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// expectSame compares the ledgers of a collector with those that were written.
func expectSame(t failer, dir string, paths ...string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.ledger"))
	if err != nil || len(files) != len(paths) {
		t.Fatalf("%d ledgers are stored, want %d (%v)", len(files), len(paths), err)
	}
	for _, path := range paths {
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		id, _ := identify(want)
		got, err := os.ReadFile(filepath.Join(dir, "shard-3."+id+".ledger"))
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%s: %d bytes are stored (%v), want %d", path, len(got), err, len(want))
		}
	}
}

// push pushes until all is confirmed, which is after a few looks at most.
func push(t failer, p *Pusher) {
	t.Helper()
	var err error
	for range 20 {
		if err = p.Push(context.Background()); err == nil {
			return
		}
	}
	t.Fatal(err)
}

func TestAddresses(t *testing.T) {
	for address, want := range map[string]string{
		"https://collector:9443": "", "http://127.0.0.1:9443": "", "http://localhost:1": "", "http://[::1]:1": "",
		"http://collector:9443":   "http shows the token",
		"https://collector":       "expected https://HOST:PORT",
		"collector:9443":          "expected https://HOST:PORT",
		"https://collector:1/x":   "expected https://HOST:PORT",
		"https://a:b@collector:1": "expected https://HOST:PORT",
	} {
		_, err := parseAddress(address)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", address, err, want)
		}
	}
}

func TestToken(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	for _, tt := range []struct{ file, variable, want, fault string }{
		{token + "\n", "", token, ""}, {"", token, token, ""}, {token, "other" + token, token, ""},
		{"", "", "", "expected --token-file"}, {"short", "", "", "expected at least 16"}, {"a token with some spaces", "", "", "visible"},
	} {
		name := ""
		if tt.file != "" {
			name = file
			if err := os.WriteFile(file, []byte(tt.file), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		t.Setenv(TokenVariable, tt.variable)
		got, err := Token(name)
		if got != tt.want || (err == nil) != (tt.fault == "") || err != nil && !strings.Contains(err.Error(), tt.fault) {
			t.Errorf("%+v: got %q, %v", tt, got, err)
		}
	}
}
