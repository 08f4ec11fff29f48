// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gdummy/gdummy/internal/prove/ledger"
	"github.com/gdummy/gdummy/internal/recordid"
	"github.com/gdummy/gdummy/internal/wire/selfsigned"
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

// Wherever a link cuts a request or its answer, the ledger arrives whole and once.
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

// Whatever happens to ledgers, links, pushers and collectors, in the end each ledger has
// arrived byte for byte, and only once.
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

// A request that is wrong is refused, and changes nothing.
func TestRefused(t *testing.T) {
	dir := t.TempDir()
	s := serve(t, "http://127.0.0.1:0", dir)
	defer s.Close()
	path := filepath.Join(t.TempDir(), "ledger")
	w := newWriter(t, path, 7)
	w.write(t, 3)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	id, _ := identify(data)
	sumOf := func(b []byte) string { s := sha256.Sum256(b); return hex.EncodeToString(s[:]) }
	other := strings.Repeat("0", 32)
	big := bytes.Repeat([]byte("x"), MaxBody+1)
	for _, tt := range []struct {
		why, method, path, token, sum string
		body                          []byte
		length                        int64
		status                        int
	}{
		{"no token", "PUT", id + "?name=a", "", sumOf(data), data, 0, 401},
		{"another token", "GET", id, token + "x", "", nil, 0, 401},
		{"no ID", "GET", "x", token, "", nil, 0, 404},
		{"a path outside of the directory", "PUT", "../" + id + "?name=a", token, sumOf(data), data, 0, 404},
		{"another method", "DELETE", id, token, "", nil, 0, 405},
		{"a name with a slash", "PUT", id + "?name=..%2Fa", token, sumOf(data), data, 0, 400},
		{"a hidden name", "PUT", id + "?name=.a", token, sumOf(data), data, 0, 400},
		{"no name", "PUT", id, token, sumOf(data), data, 0, 400},
		{"a damaged body", "PUT", id + "?name=a", token, sumOf(data[1:]), data, 0, 400},
		{"a body that is cut", "PUT", id + "?name=a", token, sumOf(data), data, int64(len(data)) + 5, 400},
		{"a body without a length", "PUT", id + "?name=a", token, sumOf(data), data, -1, 411},
		{"a large body", "PUT", id + "?name=a", token, sumOf(big), big, 0, 413},
		{"another ID", "PUT", other + "?name=a", token, sumOf(data), data, 0, 400},
		{"no ledger", "PUT", other + "?name=a", token, sumOf([]byte("hello\n")), []byte("hello\n"), 0, 400},
		{"a negative offset", "PUT", id + "?name=a&offset=-1", token, sumOf(data), data, 0, 400},
		{"an offset after what is stored", "PUT", id + "?name=a&offset=5", token, sumOf(data), data, 0, 409},
		{"all right", "PUT", id + "?name=a", token, sumOf(data), data, 0, 200},
		{"the same again", "PUT", id + "?name=a", token, sumOf(data), data, 0, 409},
	} {
		r, err := http.NewRequest(tt.method, "http://"+s.Addr().String()+route+tt.path, bytes.NewReader(tt.body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+tt.token)
		r.Header.Set(sumHeader, tt.sum)
		status := 0
		switch {
		case tt.length > 0: // the client would not send it
			status = sendCut(t, s, r, tt.body, tt.length)
		case tt.length < 0:
			r.ContentLength, r.Body = -1, io.NopCloser(bytes.NewReader(tt.body))
			fallthrough
		default:
			resp, err := http.DefaultTransport.RoundTrip(r)
			if err != nil {
				t.Fatal(tt.why, err)
			}
			resp.Body.Close()
			status = resp.StatusCode
		}
		if status != tt.status {
			t.Errorf("%s: status %d, want %d", tt.why, status, tt.status)
		}
		files, _ := filepath.Glob(filepath.Join(filepath.Dir(dir), "*", "*"))
		if stored := len(files) - 1; tt.status < 400 != (stored == 1) && tt.why != "the same again" {
			t.Errorf("%s: the files %v", tt.why, files)
		}
	}
}

// sendCut sends a request whose body is shorter than its length.
func sendCut(t *testing.T, s *Server, r *http.Request, body []byte, length int64) int {
	t.Helper()
	rec := httptest.NewRecorder()
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), length
	s.serve(rec, r)
	return rec.Code
}

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
		t.Errorf("a certificate of nobody known: got %v", err)
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

// A collector whose disk refuses a ledger logs it, and continues when it can.
func TestStoreFails(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "stored")
	s := serve(t, "http://127.0.0.1:0", dir)
	defer s.Close()
	path := filepath.Join(t.TempDir(), "ledger")
	w := newWriter(t, path, 1)
	w.write(t, 3)
	p := pusher(t, s.String(), path)
	for range 2 {
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		if err := p.Push(t.Context()); err == nil || !strings.Contains(err.Error(), "cannot store") {
			t.Fatalf("without its directory: got %v", err)
		}
		if err := os.Mkdir(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		push(t, p)
		expectSame(t, dir, path)
		w.write(t, 3)
	}
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

// No request writes outside of the directory, or crashes the collector.
func FuzzServe(f *testing.F) {
	f.Add("PUT", "/v1/ledgers/0123456789abcdef0123456789abcdef", "name=a&offset=0", []byte("x"))
	f.Add("GET", "/v1/ledgers/0123456789abcdef0123456789abcdef", "size=9223372036854775807", []byte(nil))
	f.Add("PUT", "/v1/ledgers/../../x", "name=../../a&cut=1", []byte("x"))
	f.Fuzz(func(t *testing.T, method, path, query string, body []byte) {
		parent := t.TempDir()
		s := &Server{o: Options{Token: token, Log: func(string) {}}, active: make(chan struct{}, 1)}
		var err error
		if s.store, err = openStore(filepath.Join(parent, "dir")); err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(body)
		r := &http.Request{
			Method: method, URL: &url.URL{Path: path, RawQuery: query}, ContentLength: int64(len(body)), Body: io.NopCloser(bytes.NewReader(body)),
			Header: http.Header{"Authorization": {"Bearer " + token}, sumHeader: {hex.EncodeToString(sum[:])}},
		}
		s.serve(httptest.NewRecorder(), r)
		entries, err := os.ReadDir(parent)
		if err != nil || len(entries) != 1 {
			t.Fatalf("%d entries beside the directory (%v)", len(entries), err)
		}
	})
}
