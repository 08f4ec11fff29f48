// SPDX-License-Identifier: Apache-2.0

package receive

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/prove/recordscan"
)

// The tests of this file run in a synctest bubble, over pipes: they observe what a server
// does after a while without waiting.

// pipes is a listener of in-memory connections.
type pipes struct {
	accepted chan net.Conn
	closed   chan struct{}
	once     sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.accepted:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *pipes) Addr() net.Addr { return new(net.TCPAddr) }

// duplex is one end of a connection. Each direction is a pipe that can be closed
// separately, as in TCP.
type duplex struct {
	net.Conn          // for writing
	in       net.Conn // for reading
}

func (d *duplex) Read(b []byte) (int, error)         { return d.in.Read(b) }
func (d *duplex) CloseWrite() error                  { return d.Conn.Close() }
func (d *duplex) Close() error                       { return errors.Join(d.Conn.Close(), d.in.Close()) }
func (d *duplex) SetReadDeadline(at time.Time) error { return d.in.SetReadDeadline(at) }
func (d *duplex) SetDeadline(at time.Time) error {
	return errors.Join(d.SetReadDeadline(at), d.SetWriteDeadline(at))
}

// dial connects to the server.
func (p *pipes) dial(t testing.TB) *duplex {
	t.Helper()
	there, received := net.Pipe()
	back, answered := net.Pipe()
	select {
	case p.accepted <- &duplex{back, received}:
	case <-p.closed:
		t.Fatal("the listener is closed")
	}
	return &duplex{there, answered}
}

// post sends body over a new connection and returns the status of the answer.
func (p *pipes) post(t testing.TB, body []byte) (int, error) {
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext:       func(context.Context, string, string) (net.Conn, error) { return p.dial(t), nil },
	}}
	resp, err := client.Post("http://pipe/", "", bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	return resp.StatusCode, resp.Body.Close()
}

// inBubble runs f in a synctest bubble, with a server that is closed after it.
func inBubble(t *testing.T, kind string, o Options, lim limits, f func(t *testing.T, p *pipes, s *Server, k *sink)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p, k := &pipes{accepted: make(chan net.Conn), closed: make(chan struct{})}, newSink()
		s := serveOn(p, kind, k, o, lim)
		defer s.Close()
		f(t, p, s, k)
	})
}

// write writes all of b, and fails the test if the server does not read it.
func write(t testing.TB, c net.Conn, b []byte) {
	t.Helper()
	if _, err := c.Write(b); err != nil {
		t.Fatal(err)
	}
}

// The time limit of a request also holds for a client that sends a byte now and then.
func TestDrip(t *testing.T) {
	lim := tight
	lim.silence, lim.whole = 300*time.Millisecond, 600*time.Millisecond
	for kind, text := range map[string]string{
		"forward": "\x92\xa3tag\xdd\x00\x00\xff\xff" + strings.Repeat("\x92\x01\x80", 100),
		"http":    "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n" + strings.Repeat("{}", 250),
	} {
		inBubble(t, kind, Options{}, lim, func(t *testing.T, p *pipes, s *Server, k *sink) {
			c := p.dial(t)
			defer c.Close()
			start := time.Now()
			go io.Copy(io.Discard, c)
			write(t, c, []byte(text[:40]))
			var err error
			for i := 40; err == nil && i < len(text); i++ {
				time.Sleep(20 * time.Millisecond)
				_, err = c.Write([]byte{text[i]})
			}
			if d := time.Since(start); err == nil || d < lim.whole || d > lim.whole+20*time.Millisecond {
				t.Errorf("%s: the connection was closed after %v (%v), want %v", kind, d, err, lim.whole)
			}
		})
	}
}

// If there are too many connections, the oldest idle one is closed. A connection with a
// complete request is not idle.
func TestOldestIdleIsClosed(t *testing.T) {
	lim := tight
	lim.conns, lim.silence, lim.first = 4, time.Second, time.Minute
	inBubble(t, "forward", Options{}, lim, func(t *testing.T, p *pipes, s *Server, k *sink) {
		g := &good{t: t, s: s, kind: "forward"}
		first := p.dial(t)
		defer first.Close()
		if err := g.once(first, 0, 1); err != nil {
			t.Fatal(err)
		}
		var idle []net.Conn
		for range 3 {
			idle = append(idle, p.dial(t))
			defer idle[len(idle)-1].Close()
			time.Sleep(lim.silence / 10)
		}
		second := p.dial(t)
		defer second.Close()
		if err := errors.Join(g.once(second, 1, 1), g.once(first, 2, 1)); err != nil {
			t.Fatal(err)
		}
		for i, c := range idle {
			c.SetReadDeadline(time.Now().Add(time.Second))
			_, err := c.Read(make([]byte, 1))
			if open := errors.Is(err, os.ErrDeadlineExceeded); open != (i > 0) {
				t.Errorf("idle connection %d is open: %v (%v)", i, open, err)
			}
		}
	})
}

// After Close, the sink is not called, whatever requests were in progress.
func TestCloseWaits(t *testing.T) {
	data, _ := events(t, event.V2, 0, 500)
	for closeAfter, want := range map[time.Duration]int{10 * time.Millisecond: 0, 30 * time.Millisecond: 20 * 500} {
		inBubble(t, "http", Options{Faults: &Faults{Delay: 20 * time.Millisecond, Delayed: 1}}, defaultLimits, func(t *testing.T, p *pipes, s *Server, k *sink) {
			for range 20 {
				go p.post(t, data) // fails once the server is closed
			}
			time.Sleep(closeAfter)
			s.Close()
			n := k.count(recordscan.Intact)
			time.Sleep(time.Minute)
			if later := k.count(recordscan.Intact); n != want || later != want {
				t.Errorf("closed after %v: %d records, %d later, want %d", closeAfter, n, later, want)
			}
		})
	}
}

// An outage ends on time.
func TestOutage(t *testing.T) {
	data, _ := events(t, event.V2, 0, 1)
	inBubble(t, "http", Options{Faults: &Faults{Outage: 200 * time.Millisecond}}, defaultLimits, func(t *testing.T, p *pipes, s *Server, k *sink) {
		time.Sleep(199 * time.Millisecond)
		if code, err := p.post(t, data); err == nil {
			t.Errorf("answered %d in an outage", code)
		}
		time.Sleep(time.Millisecond)
		if code, err := p.post(t, data); err != nil || code != 200 || k.count(recordscan.Intact) != 1 {
			t.Errorf("after the outage: status %d, %v, %+v", code, err, k.states)
		}
	})
}

// A message may arrive in two pieces.
func TestForwardInPieces(t *testing.T) {
	inBubble(t, "forward", Options{}, defaultLimits, func(t *testing.T, p *pipes, s *Server, k *sink) {
		msg := packedForward(t, 20)
		c := p.dial(t)
		defer c.Close()
		write(t, c, msg[:len(msg)/2])
		synctest.Wait() // until the server has read it
		if n := k.count(recordscan.Intact); n != 0 {
			t.Errorf("%d records of half a message", n)
		}
		write(t, c, append(bytes.Clone(msg[len(msg)/2:]), 0xc0)) // and a heartbeat
		ack := make([]byte, 9)
		if _, err := io.ReadFull(c, ack); err != nil || string(ack) != "\x81\xa3ack\xa3abc" || k.count(recordscan.Intact) != 20 {
			t.Errorf("acknowledged with %q (%v), %+v", ack, err, k.states)
		}
	})
}

// Connections beyond the limit are closed immediately, and accepted again once others end.
func TestManyConnections(t *testing.T) {
	inBubble(t, "tcp", Options{}, defaultLimits, func(t *testing.T, p *pipes, s *Server, k *sink) {
		open := func() int {
			synctest.Wait()
			s.mu.Lock()
			defer s.mu.Unlock()
			return len(s.conns)
		}
		var conns []net.Conn
		for range MaxConns + 20 {
			conns = append(conns, p.dial(t))
		}
		if n := open(); n != MaxConns {
			t.Errorf("%d connections, want %d", n, MaxConns)
		}
		for _, c := range conns {
			c.Close()
		}
		if n := open(); n != 0 {
			t.Errorf("%d connections after all were closed", n)
		}
		_, each := events(t, event.V2, 0, 1)
		c := p.dial(t)
		defer c.Close()
		write(t, c, lines(each))
		synctest.Wait()
		if n := k.count(recordscan.Intact); n != 1 {
			t.Errorf("%d records, want 1", n)
		}
	})
}

// Records that arrive before a connection is reset are reported as refused. If records are
// dropped, the connection stays open.
func TestTCPFaults(t *testing.T) {
	_, each := events(t, event.V2, 0, 20)
	for name, c := range map[string]struct {
		faults Faults
		taken  int // the others are withheld
	}{
		"reset": {Faults{Reset: 1}, 0}, "status": {Faults{Status: 503, Refused: 1}, 0}, "drop": {Faults{Drop: 1}, 0},
		"outage": {Faults{Outage: time.Minute, Every: time.Minute + 300*time.Millisecond}, 10},
	} {
		inBubble(t, "tcp", Options{Faults: &c.faults}, defaultLimits, func(t *testing.T, p *pipes, s *Server, k *sink) {
			conn := p.dial(t)
			defer conn.Close()
			if c.taken > 0 {
				write(t, conn, lines(each[:c.taken]))
				time.Sleep(400 * time.Millisecond) // the outage begins
			}
			write(t, conn, lines(each[c.taken:]))
			conn.SetReadDeadline(time.Now().Add(time.Second))
			_, err := conn.Read(make([]byte, 1))
			if open := errors.Is(err, os.ErrDeadlineExceeded); open != (name == "drop") {
				t.Errorf("%s: the connection is open: %v (%v)", name, open, err)
			}
			synctest.Wait()
			if len(k.taken) != c.taken || k.withheld != len(each)-c.taken {
				t.Errorf("%s: %d taken, %d withheld, want %d and %d", name, len(k.taken), k.withheld, c.taken, len(each)-c.taken)
			}
		})
	}
}
