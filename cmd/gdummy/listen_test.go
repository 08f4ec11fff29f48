package main

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// both is a buffer that two goroutines may use.
type both struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *both) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *both) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// An audit that listens must end when the ledger's records are there, and say
// what a run that is sent to it lost.
func TestListen(t *testing.T) {
	dir := t.TempDir()
	ledger, out := filepath.Join(dir, "ledger"), filepath.Join(dir, "out")
	if code := gdummy(stream{nil, new(both), new(both)}, []string{"run", "--records", "500", "--format", "json", "--output", out, "-p", "rate=unlimited", "-p", "ledger=" + ledger}); code != 0 {
		t.Fatal(code)
	}
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		flag []string
		send []byte
		code int
		want string
	}{
		{"all", []string{"--until-ledger-complete"}, data, 0, "clean: 500 of 500"},
		{"some", []string{"--idle", "300ms"}, data[:len(data)*9/10], 1, "lost"},
		{"refused on purpose", []string{"--idle", "300ms", "--fault", "status=503"}, data, 0, "clean: 0 of 500"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			addr := l.Addr().String()
			l.Close()
			var stdout, stderr both
			done := make(chan int)
			page := filepath.Join(dir, "page.html")
			go func() {
				done <- gdummy(stream{nil, &stdout, &stderr},
					append([]string{"audit", "--listen", "http://" + addr, "--ledger", ledger, "--html", page}, c.flag...))
			}()
			for end := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
				resp, err := http.Post("http://"+addr, "application/json", bytes.NewReader(c.send))
				if err == nil {
					resp.Body.Close()
					break
				}
				if time.Now().After(end) {
					t.Fatal(err)
				}
			}
			if code := <-done; code != c.code || !strings.Contains(stdout.String(), c.want) {
				t.Errorf("code %d, want %d\n%s%s", code, c.code, stdout.String(), stderr.String())
			}
			if text, err := os.ReadFile(page); err != nil || !bytes.HasPrefix(text, []byte("<!doctype html>")) {
				t.Errorf("no page: %v", err)
			}
		})
	}
	// Wrong usage.
	for _, args := range [][]string{
		{"--idle", "1s", out}, {"--listen", "x://y"}, {"--listen", "tcp://:0", "--until-ledger-complete"}, {"--listen", "tcp://:0", "--fault", "x"},
		{"--listen", "tcp://:0", "--tls-cert", "x"}, {"--listen", "tcp://:0", "--shared-key", "x"},
	} {
		var stderr both
		if code := gdummy(stream{nil, new(both), &stderr}, append([]string{"audit"}, args...)); code != exitUsage {
			t.Errorf("%v: code %d: %s", args, code, fmt.Sprint(stderr.String()))
		}
	}
}

// A verdict that nobody can read must not end with 0, whatever it would say.
func TestVerdictNotWritten(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	if code := gdummy(stream{nil, new(both), new(both)}, []string{"run", "--records", "10", "--format", "json", "--output", out, "-p", "rate=unlimited", "-p", "audit=on"}); code != 0 {
		t.Fatal(code)
	}
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	r.Close()
	for name, to := range map[string]*os.File{"a full disk": full, "a closed pipe": w} {
		for _, flags := range [][]string{{}, {"--json"}} {
			var stderr both
			code := gdummy(stream{nil, to, &stderr}, append([]string{"audit", out}, flags...))
			if code != exitUsage || !strings.Contains(stderr.String(), "the verdict could not be written") {
				t.Errorf("%s, %v: code %d: %s", name, flags, code, stderr.String())
			}
		}
	}
}
