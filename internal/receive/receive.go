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
// a client that breaks the rules loses its connection.
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

	"github.com/gdummy/gdummy/internal/decode"
	"github.com/gdummy/gdummy/internal/ident"
)

// Limits of what one client may do.
const (
	MaxRequest  = 32 << 20 // bytes of a request or message, as they are sent
	MaxExpanded = 64 << 20 // bytes of what it has in it, not compressed
	MaxLine     = 4 << 20  // bytes of a line over TCP
	MaxConns    = 256

	maxParsed = 4 // requests that are in memory as a whole at a time
	idleTime  = 5 * time.Minute
	readTime  = time.Minute // for one request
)

// Finding is one record that arrived.
type Finding struct {
	ID    ident.ID
	State decode.State
}

// Sink takes what arrives. It is called by many goroutines.
type Sink interface {
	// Take takes records that arrived, in nanoseconds since 1970.
	Take(f []Finding, arrival int64)

	// Withhold takes records that were refused on purpose.
	Withhold(f []Finding)

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
	dice     dice
	start    time.Time
	parsing  chan struct{}
	http     *http.Server

	mu     sync.Mutex
	conns  map[net.Conn]bool
	closed bool
	wg     sync.WaitGroup

	requests atomic.Uint64
}

// Kinds are the schemes of addresses.
var kinds = []string{"forward", "http", "tcp"}

// Listen listens at an address, such as forward://127.0.0.1:24224. A host that
// is left out is 127.0.0.1.
func Listen(address string, sink Sink, o Options) (*Server, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Port() == "" {
		return nil, fmt.Errorf("%q is no address, such as forward://127.0.0.1:24224", address)
	}
	known := false
	for _, k := range kinds {
		known = known || k == u.Scheme
	}
	if !known {
		return nil, fmt.Errorf("%q: expected forward://, http:// or tcp://", address)
	}
	if o.SharedKey != "" && u.Scheme != "forward" {
		return nil, fmt.Errorf("%q: only the forward protocol has a shared key", address)
	}
	host := u.Hostname()
	if host == "" {
		host = "127.0.0.1"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = func(string) {}
	}
	l, err := net.Listen("tcp", net.JoinHostPort(host, u.Port()))
	if err != nil {
		return nil, err
	}
	s := &Server{
		o: o, kind: u.Scheme, sink: sink, start: o.Now(),
		dice:    dice{faults: o.Faults, rng: rand.New(rand.NewPCG(o.Seed, 0x6764756d6d79))},
		parsing: make(chan struct{}, maxParsed),
		conns:   map[net.Conn]bool{},
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
	return s, nil
}

// Addr is where the server listens.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Requests returns how many requests, messages or connections have come.
func (s *Server) Requests() uint64 { return s.requests.Load() }

// Close ends the server and all its connections.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed = true
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
		s.mu.Lock()
		full := s.closed || len(s.conns) >= MaxConns
		gc := &guardedConn{Conn: c, s: s}
		if !full {
			s.conns[gc] = true
		}
		s.mu.Unlock()
		if full || s.down() {
			gc.reset()
			continue
		}
		return gc, nil
	}
}

// down says whether there is an outage.
func (s *Server) down() bool {
	return s.o.Faults != nil && s.o.Faults.down(s.o.Now().Sub(s.start))
}

// guardedConn is one connection.
type guardedConn struct {
	net.Conn
	s *Server
}

// Read implements net.Conn. It reads slowly if it is to, and fails in an outage.
func (c *guardedConn) Read(b []byte) (int, error) {
	f := c.s.o.Faults
	if f != nil && f.Slow > 0 {
		b = b[:min(int64(len(b)), max(f.Slow/20, 1))]
		defer func(start time.Time) {
			time.Sleep(time.Until(start.Add(time.Duration(len(b)) * time.Second / time.Duration(f.Slow))))
		}(time.Now())
	}
	n, err := c.Conn.Read(b)
	if c.s.down() {
		c.reset()
		return 0, net.ErrClosed
	}
	return n, err
}

// Close implements net.Conn.
func (c *guardedConn) Close() error {
	c.s.mu.Lock()
	delete(c.s.conns, c)
	c.s.mu.Unlock()
	return c.Conn.Close()
}

// reset closes the connection the hard way.
func (c *guardedConn) reset() {
	if t, ok := c.Conn.(*net.TCPConn); ok {
		_ = t.SetLinger(0) // it is closed all the same
	}
	c.Close()
}

// reset resets a connection that may have TLS around it.
func reset(c net.Conn) {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	if g, ok := c.(*guardedConn); ok {
		g.reset()
		return
	}
	c.Close()
}

// batch gathers what a request has in it.
type batch struct {
	found   []Finding
	foreign uint64 // records
	scan    *decode.Scanner
	seen    uint64 // broken pieces that were told
}

func (s *Server) newBatch(maxRecord int, maxBytes int64) *batch {
	b := new(batch)
	b.scan = decode.New(decode.Options{
		Keys: s.o.Keys, Path: s.o.Path, MaxRecord: maxRecord, MaxBytes: maxBytes,
		Take: func(id ident.ID, st decode.State) {
			if st == decode.Foreign {
				b.foreign++ // there may be very many, and they are all the same
				return
			}
			b.found = append(b.found, Finding{id, st})
		},
	})
	return b
}

// hand gives a batch to the sink.
func (s *Server) hand(b *batch, f fate) {
	if f.refuses() {
		s.sink.Withhold(b.found)
	} else {
		s.sink.Take(b.found, s.o.Now().UnixNano())
		if n := b.scan.Broken(); n > b.seen || b.foreign > 0 {
			s.sink.Others(b.foreign, n-b.seen)
			b.seen = n
		}
	}
	b.found, b.foreign = b.found[:0], 0
}

// tcp reads lines.
func (s *Server) tcp(c net.Conn) error {
	s.requests.Add(1)
	f := s.dice.draw()
	if f.reset || f.status != 0 {
		reset(c)
		return nil
	}
	b := s.newBatch(MaxLine, 0)
	r := &flushing{c: c, flush: func() {
		if len(b.found) > 0 || b.foreign > 0 {
			s.hand(b, f)
		}
	}}
	time.Sleep(f.delay)
	err := b.scan.Read(r)
	s.hand(b, f)
	return err
}

// flushing hands over what was found before it waits for more.
type flushing struct {
	c     net.Conn
	flush func()
}

// Read implements io.Reader.
func (r *flushing) Read(b []byte) (int, error) {
	r.flush()
	if err := r.c.SetReadDeadline(time.Now().Add(idleTime)); err != nil {
		return 0, err
	}
	return r.c.Read(b)
}
