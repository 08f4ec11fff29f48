// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gdummy/gdummy/internal/wire/selfsigned"
)

// A pusher verifies the certificate of its collector.
func TestTLS(t *testing.T) {
	cert, key, err := selfsigned.Pair("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	s, err := Listen("https://127.0.0.1:0", Options{Dir: dir, Token: token, TLS: &tls.Config{Certificates: []tls.Certificate{pair}}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	path := filepath.Join(t.TempDir(), "ledger")
	newWriter(t, path, 1).write(t, 3)
	p := pusher(t, s.String(), path)
	if err := p.Push(t.Context()); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a certificate of an unknown authority: got %v", err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(cert)
	p, err = NewPusher(PushOptions{To: s.String(), Token: token, Name: "shard-3", Paths: []string{path}, Roots: roots})
	if err != nil {
		t.Fatal(err)
	}
	push(t, p)
	expectSame(t, dir, path)
}

// Run follows a ledger until it is stopped, and pushes what was written until then. Without
// a collector it returns what is not confirmed.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	s := serve(t, "http://127.0.0.1:0", dir)
	path := filepath.Join(t.TempDir(), "ledger")
	stop, ended := make(chan struct{}), make(chan error)
	p := pusher(t, s.String(), path)
	go func() { ended <- p.Run(stop, time.Minute) }()
	w := newWriter(t, path, 1)
	for i := 1; i <= 3; i++ {
		w.write(t, i)
		want, _ := os.ReadFile(path)
		await(t, func() bool {
			files, _ := filepath.Glob(filepath.Join(dir, "*"))
			if len(files) == 0 {
				return false
			}
			got, _ := os.ReadFile(files[0])
			return bytes.Equal(got, want)
		})
	}
	s.Close()
	w.write(t, 100)
	s = serve(t, s.String(), dir)
	close(stop)
	if err := <-ended; err != nil {
		t.Error(err)
	}
	expectSame(t, dir, path)
	s.Close()
	if err := p.Run(stop, 50*time.Millisecond); err != nil {
		t.Errorf("without a collector, which has confirmed all: got %v", err)
	}
	w.write(t, 1)
	if err := pusher(t, s.String(), path).Run(stop, 50*time.Millisecond); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("without a collector: got %v", err)
	}
	if err := pusher(t, s.String(), path+"x").Run(stop, 50*time.Millisecond); err == nil || !strings.Contains(err.Error(), "no ledger in ") {
		t.Errorf("without a ledger: got %v", err)
	}
}

func await(t *testing.T, done func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not within 30 s")
		}
	}
}

// A collector whose disk refuses a ledger logs it, and continues when it can. It creates a
// directory that was removed again.
func TestStoreFails(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "stored")
	s := serve(t, "http://127.0.0.1:0", dir)
	defer s.Close()
	path := filepath.Join(t.TempDir(), "ledger")
	w := newWriter(t, path, 1)
	w.write(t, 3)
	p := pusher(t, s.String(), path)
	for range 2 {
		if err := errors.Join(os.RemoveAll(dir), os.WriteFile(dir, nil, 0o666)); err != nil {
			t.Fatal(err)
		}
		if err := p.Push(t.Context()); err == nil || !strings.Contains(err.Error(), "cannot store") {
			t.Fatalf("without its directory: got %v", err)
		}
		if err := os.Remove(dir); err != nil {
			t.Fatal(err)
		}
		push(t, p)
		expectSame(t, dir, path)
		w.write(t, 3)
		push(t, p)
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		p.check = true // as after a while
		push(t, p)
		expectSame(t, dir, path)
		p.check = false
		w.write(t, 3)
	}
}

// A directory in which no file can be created is an error at the start.
func TestNotWritable(t *testing.T) {
	if _, err := os.Stat("/proc/self"); err != nil {
		t.Skip("### SKIPPED: no /proc, in which nobody can create files")
	}
	if s, err := Listen("http://127.0.0.1:0", Options{Dir: "/proc/self", Token: token}); err == nil {
		s.Close()
		t.Error("want an error")
	}
}
