// SPDX-License-Identifier: Apache-2.0

// Package receive is what an output of Fluent Bit can be pointed at: receivers
// of the forward protocol, of HTTP and of JSON lines over TCP, which hand over
// the identities of the records that arrive.
//
// The normal path is [Listen], then [Server.Close]. Everything that arrives goes
// to the [Sink]: a request of HTTP or a message of the forward protocol when it
// has arrived as a whole and is about to be acknowledged, a line of TCP when it
// is there.
//
// Clients are not trusted: sizes, connections, nesting and time are bounded, and
// a client that breaks the rules loses its connection. So does, where there are
// too many, the one that has been there for longest without a complete request:
// those who only hold connections do not keep others out.
package receive

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/gdummy/gdummy/internal/prove/recordscan"
	"github.com/gdummy/gdummy/internal/recordid"
)

// Limits of what clients may do.
const (
	MaxRequest  = 32 << 20 // bytes of a request or message, as they are sent
	MaxExpanded = 64 << 20 // bytes of what it has in it, not compressed
	MaxLine     = 1 << 20  // bytes of a record over TCP
	MaxConns    = 256
	MaxPending  = 256 << 20 // bytes of all requests that have begun to come
)

// Finding is one record that arrived.
type Finding struct {
	ID    recordid.ID
	State recordscan.State
}

// Sink takes what arrives. It is called by many goroutines.
type Sink interface {
	// Take takes records that arrived, in nanoseconds since 1970.
	Take(f []Finding, arrival int64)

	// Refuse takes the records of a request that was not taken, as far as they
	// are known.
	Refuse(r Refusal, f []Finding)

	// Others takes how many records had no identity, and how many pieces could
	// not be read.
	Others(foreign, broken uint64)
}

// Options say what is received, and how.
type Options struct {
	// Keys and Path are those of decode.Options.
	Keys []string
	Path string

	TLS       *tls.Config // nil is none
	SharedKey string      // of the forward protocol; "" is none

	// Events, if not nil, takes the events of messages of the forward protocol, in
	// MessagePack, instead of the Sink: those of a message when it is about to be
	// acknowledged. events is valid during the call. It is called by many goroutines.
	Events func(tag string, events []byte, arrival time.Time)

	Faults *Faults // nil is none
	Seed   uint64  // of the faults

	Now func() time.Time // nil is time.Now
	Log func(line string)
}

// Server is one listener.
type Server struct {
	o        Options
	kind     string
	listener net.Listener
	sink     Sink
	injector faultInjector
	start    time.Time
	http     *http.Server

	l       limits
	room    *semaphore.Weighted // for limits.pending
	workers workers
	closing chan struct{} // closed by Close

	mu     sync.Mutex
	conns  map[*guardedConn]bool
	closed bool
	wg     sync.WaitGroup

	requests atomic.Uint64
	active   atomic.Int64
}

// Kinds are the schemes of addresses.
var kinds = []string{"forward", "http", "tcp"}

// Listen listens at an address, such as forward://127.0.0.1:24224. A host that
// is left out is 127.0.0.1.
func Listen(address string, sink Sink, o Options) (*Server, error) {
	return listenWith(address, sink, o, defaultLimits)
}

func listenWith(address string, sink Sink, o Options, lim limits) (*Server, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Port() == "" {
		return nil, fmt.Errorf("%q is not an address such as forward://127.0.0.1:24224", address)
	}
	known := false
	for _, k := range kinds {
		known = known || k == u.Scheme
	}
	if !known {
		return nil, fmt.Errorf("%q: expected forward://, http:// or tcp://", address)
	}
	if o.SharedKey != "" && u.Scheme != "forward" {
		return nil, fmt.Errorf("%q: a shared key requires the forward protocol", address)
	}
	host := u.Hostname()
	if host == "" {
		host = "127.0.0.1"
	}
	l, err := net.Listen("tcp", net.JoinHostPort(host, u.Port()))
	if err != nil {
		return nil, err
	}
	return serveOn(l, u.Scheme, sink, o, lim), nil
}

// serveOn serves the clients of a listener.
func serveOn(l net.Listener, kind string, sink Sink, o Options, lim limits) *Server {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = func(string) {}
	}
	s := &Server{
		o: o, kind: kind, sink: sink, start: o.Now(),
		injector: faultInjector{faults: o.Faults, rng: rand.New(rand.NewPCG(o.Seed, 0x6764756d6d79))},
		l:        lim,
		room:     semaphore.NewWeighted(lim.pending),
		workers:  workers{places: make(chan struct{}, lim.parsed)},
		closing:  make(chan struct{}),
		conns:    map[*guardedConn]bool{},
	}
	if o.Faults != nil {
		s.l = lim.slowed(o.Faults.Slow)
	}
	s.listener = &guarded{Listener: l, s: s}
	if o.TLS != nil {
		s.listener = tls.NewListener(s.listener, o.TLS)
	}
	s.wg.Add(1)
	go func() {
		defer s.wg.Done()
		s.serve()
	}()
	return s
}

// Addr is where the server listens.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// String returns the address as Listen takes it.
func (s *Server) String() string { return s.kind + "://" + s.Addr().String() }

// Requests returns how many requests, messages or connections have come.
func (s *Server) Requests() uint64 { return s.requests.Load() }

// Active reports whether a request or message has begun to come and has no answer
// yet.
func (s *Server) Active() bool { return s.active.Load() > 0 }

// Close ends the server and all its connections.
func (s *Server) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	close(s.closing)
	open := slices.Collect(maps.Keys(s.conns))
	server := s.http
	s.mu.Unlock()
	err := s.listener.Close()
	for _, c := range open {
		c.Close()
	}
	if server != nil {
		server.Close() // it has the same listener
	}
	s.wg.Wait()
	return err
}

func (s *Server) serve() {
	if s.kind == "http" {
		s.serveHTTP()
		return
	}
	for {
		c, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.wg.Add(1)
		go func() {
			defer s.wg.Done()
			defer c.Close()
			var err error
			if s.kind == "forward" {
				err = s.forward(c)
			} else {
				err = s.tcp(c)
			}
			if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) {
				s.o.Log(fmt.Sprintf("%s://%s: %v", s.kind, c.RemoteAddr(), err))
			}
		}()
	}
}

// guarded bounds the number of connections and keeps a list of them. In an
// outage it resets them.
type guarded struct {
	net.Listener
	s *Server
}

// Accept implements net.Listener.
func (g *guarded) Accept() (net.Conn, error) {
	for {
		c, err := g.Listener.Accept()
		if err != nil {
			var temporary net.Error
			if errors.As(err, &temporary) && temporary.Timeout() {
				continue
			}
			return nil, err
		}
		s := g.s
		gc := &guardedConn{Conn: c, s: s, since: time.Now(), gone: make(chan struct{})}
		s.mu.Lock()
		full := len(s.conns) >= s.l.conns
		var out *guardedConn
		if full {
			out = s.evictOldestIdle()
			full = out == nil
		}
		full = full || s.closed
		if !full {
			s.conns[gc] = true
		}
		s.mu.Unlock()
		if out != nil {
			out.reset()
		}
		switch {
		case full:
			gc.reset()
			s.sink.Refuse(Refusal{Why: whyConns, Partly: true}, nil)
			continue
		case s.down():
			gc.reset()
			r := s.refusal(faultOutage)
			r.Partly = true
			s.sink.Refuse(r, nil)
			continue
		}
		return gc, nil
	}
}

// evictOldestIdle takes the connection out of the list that has been there for longest
// without a complete request, and returns it; nil if there is none. Who just came
// is left alone.
func (s *Server) evictOldestIdle() *guardedConn {
	var out *guardedConn
	for c := range s.conns {
		if !c.served.Load() && (out == nil || c.since.Before(out.since)) {
			out = c
		}
	}
	if out == nil || time.Since(out.since) < s.l.silence/10 {
		return nil
	}
	delete(s.conns, out)
	return out
}

// down reports whether there is an outage.
func (s *Server) down() bool {
	return s.o.Faults != nil && s.o.Faults.down(s.o.Now().Sub(s.start))
}

// guardedConn is one connection.
type guardedConn struct {
	net.Conn
	s      *Server
	since  time.Time
	served atomic.Bool // a request has come as a whole
	cut    atomic.Bool // an outage has ended a request
	once   sync.Once
	gone   chan struct{} // closed with the connection
}

// Read implements net.Conn. It reads slowly if it is to, and fails in an outage.
func (c *guardedConn) Read(b []byte) (int, error) {
	f := c.s.o.Faults
	if f != nil && f.Slow > 0 {
		b = b[:min(int64(len(b)), max(f.Slow/20, 1))]
	}
	start := time.Now()
	n, err := c.Conn.Read(b)
	if f != nil && f.Slow > 0 {
		took := time.Duration(n) * time.Second / time.Duration(f.Slow)
		c.s.pause(time.Until(start.Add(took)))
	}
	if c.s.down() {
		c.reset()
		first := n > 0 && !c.cut.Swap(true)
		if c.s.kind == "tcp" {
			return n, net.ErrClosed // what came is told with the rest
		}
		if first {
			r := c.s.refusal(faultOutage)
			r.Partly = true
			c.s.sink.Refuse(r, identities(b[:n]))
		}
		return 0, net.ErrClosed
	}
	return n, err
}

// Close implements net.Conn.
func (c *guardedConn) Close() error {
	c.s.mu.Lock()
	delete(c.s.conns, c)
	c.s.mu.Unlock()
	c.once.Do(func() { close(c.gone) })
	return c.Conn.Close()
}

// reset closes the connection the hard way.
func (c *guardedConn) reset() {
	if t, ok := c.Conn.(*net.TCPConn); ok {
		_ = t.SetLinger(0) // it is closed all the same
	}
	c.Close()
}

// guardOf returns the guarded connection, which may have TLS around it.
func guardOf(c net.Conn) *guardedConn {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	g, _ := c.(*guardedConn)
	return g
}

// reset resets a connection.
func reset(c net.Conn) {
	if g := guardOf(c); g != nil {
		g.reset()
		return
	}
	c.Close()
}

// goneOf returns what is closed with the connection.
func goneOf(c net.Conn) <-chan struct{} {
	if g := guardOf(c); g != nil {
		return g.gone
	}
	return nil
}

// wasCut reports whether an outage has ended a request of the connection.
func wasCut(c net.Conn) bool {
	g := guardOf(c)
	return g != nil && g.cut.Load()
}

// served notes that a request has come as a whole.
func served(c net.Conn) {
	if g := guardOf(c); g != nil {
		g.served.Store(true)
	}
}

// pause waits, or returns false because the server is closed.
func (s *Server) pause(d time.Duration) bool {
	if d <= 0 {
		return true
	}
	select {
	case <-time.After(d):
		return true
	case <-s.closing:
		return false
	}
}
