// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

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
