// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
)

// Clients with the token that do not complete their requests take the memory of 64 bodies, and
// not more. Questions are still answered, and everything is free again when they are gone.
func TestBodiesInMemory(t *testing.T) {
	s := serve(t, "http://127.0.0.1:0", t.TempDir())
	defer s.Close()
	var conns []net.Conn
	for range maxActive + 20 {
		c, err := net.Dial("tcp", s.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		conns = append(conns, c)
		fmt.Fprintf(c, "PUT %s%032d?name=a HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\nx", route, 0, token, MaxBody)
	}
	await(t, func() bool { return len(s.active) == maxActive })
	path := filepath.Join(t.TempDir(), "ledger")
	newWriter(t, path, 1)
	p := pusher(t, s.String(), path)
	if got, err := p.get(t.Context(), strings.Repeat("0", 32), -1); err != nil || got.Size != 0 {
		t.Errorf("a question: got %v, %v", got, err)
	}
	if n := len(s.active); n != maxActive {
		t.Errorf("%d bodies, want %d", n, maxActive)
	}
	for _, c := range conns {
		c.Close()
	}
	push(t, p)
	expectSame(t, s.o.Dir, path)
	await(t, func() bool { return len(s.active) == 0 })
}

// A connection without the token is closed after its first request.
func TestNoToken(t *testing.T) {
	s := serve(t, "http://127.0.0.1:0", t.TempDir())
	defer s.Close()
	c, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, "GET %s%032d HTTP/1.1\r\nHost: x\r\n\r\n", route, 0)
	answer, err := io.ReadAll(c)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 401") {
		t.Errorf("got %q, %v", answer, err)
	}
}
