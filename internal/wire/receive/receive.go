// SPDX-License-Identifier: Apache-2.0

// Package receive provides receivers for outputs of Fluent Bit: for the forward
// protocol, for HTTP, and for JSON lines over TCP. They report the identities of the
// records that arrive.
//
// The normal path is [Listen], then [Server.Close]. The [Sink] gets an HTTP request or a
// message of the forward protocol when it is complete, before it is acknowledged, and a
// line over TCP when it arrives.
//
// Clients are not trusted: sizes, connections, nesting and time are limited, and a client
// that exceeds a limit loses its connection. If there are too many connections, the
// oldest one without a complete request is closed, so that idle connections do not keep
// others out.
package receive

import (
	"cmp"
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

// Limits for clients.
const (
	MaxRequest  = 32 << 20 // bytes of a request or message as sent
	MaxExpanded = 64 << 20 // bytes of a request or message after decompression
	MaxLine     = 1 << 20  // bytes of a record over TCP
	MaxConns    = 256
	MaxPending  = 256 << 20 // bytes of all incomplete requests
)

// Finding is a record that arrived.
type Finding struct {
	ID    recordid.ID
	State recordscan.State
}

// Sink receives the records that arrive. It is called concurrently.
type Sink interface {
	// Take receives records and their arrival time, in nanoseconds since 1970.
	Take(f []Finding, arrival int64)

	// Refuse receives the known records of a refused request.
	Refuse(r Refusal, f []Finding)

	// Others receives the number of records without an identity, and of unreadable
	// parts.
	Others(foreign, broken uint64)
}

// discard is a Sink that keeps nothing.
type discard struct{}

func (discard) Take([]Finding, int64)     {}
func (discard) Refuse(Refusal, []Finding) {}
func (discard) Others(uint64, uint64)     {}

// Options configures a [Server].
type Options struct {
	// Keys and Path are those of recordscan.Options.
	Keys []string
	Path string

	TLS       *tls.Config // nil means no TLS
	SharedKey string      // of the forward protocol; "" means none

	// Events, if not nil, receives the events of messages of the forward protocol, in
	// MessagePack, instead of the Sink, which may then be nil, before a message is
	// acknowledged. Compressed messages are refused, unless there is Value. events is
	// valid during the call. It is called concurrently. The fault rate has no effect on
	// them.
	Events func(tag string, events []byte, arrival time.Time)

	// Value, if not nil, receives each value that may have records, as that of
	// recordscan.Options, when a request is complete and before it is acknowledged. The
	// Sink receives what has no members. It is called concurrently, and value is valid
	// during the call. The fault rate has no effect on it.
	Value func(value []byte, arrival time.Time)

	Faults *Faults // nil means none
	Seed   uint64  // of the faults

	Now func() time.Time // nil means time.Now
	Log func(line string)
}

// Server is a receiver at one address.
type Server struct {
	o        Options
	kind     string
	listener net.Listener
	sink     Sink
	injector faultInjector
	rate     rateLimit
	places   chan struct{} // of the fault workers, or nil
	start    time.Time
	http     *http.Server

	l       limits
	room    *semaphore.Weighted // for limits.pending
	workers workers
	closing chan struct{} // closed by Close

	mu     sync.Mutex
	conns  map[*guardedConn]bool
	logged map[string]int // how often, see log
	closed bool
	wg     sync.WaitGroup

	requests atomic.Uint64
	active   atomic.Int64
	reading  stopwatch
}

// kinds lists the schemes of addresses.
var kinds = []string{"forward", "http", "tcp"}

// Listen starts a server at an address such as forward://127.0.0.1:24224. The default host
// is 127.0.0.1.
func Listen(address string, sink Sink, o Options) (*Server, error) {
	return listenWith(address, sink, o, defaultLimits)
}

func listenWith(address string, sink Sink, o Options, lim limits) (*Server, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Port() == "" {
		return nil, fmt.Errorf("%q is not an address such as forward://127.0.0.1:24224", address)
	}
	if !slices.Contains(kinds, u.Scheme) {
		return nil, fmt.Errorf("%q: expected forward://, http:// or tcp://", address)
	}
	if o.SharedKey != "" && u.Scheme != "forward" {
		return nil, fmt.Errorf("%q: a shared key requires the forward protocol", address)
	}
	l, err := net.Listen("tcp", net.JoinHostPort(cmp.Or(u.Hostname(), "127.0.0.1"), u.Port()))
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
	if sink == nil {
		sink = discard{}
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
		if o.Faults.Workers > 0 {
			s.places = make(chan struct{}, o.Faults.Workers)
		}
	}
	s.listener = &guarded{Listener: l, s: s}
	if o.TLS != nil {
		s.listener = tls.NewListener(s.listener, o.TLS)
	}
	s.wg.Go(s.serve)
	return s
}

// Addr returns the address at which the server listens.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// String returns the address in the form of Listen.
func (s *Server) String() string { return s.kind + "://" + s.Addr().String() }

// Requests returns the number of requests, messages or connections so far.
func (s *Server) Requests() uint64 { return s.requests.Load() }

// Active reports whether a request or message is incomplete or unanswered.
func (s *Server) Active() bool { return s.active.Load() > 0 }

// Reading returns how long the server has parsed requests and passed their records on. The
// time of requests that are parsed at the same time counts once, and that of faults does
// not count.
func (s *Server) Reading() time.Duration { return s.reading.total() }

// Full reports whether as many requests are handled as the fault workers allows.
func (s *Server) Full() bool { return s.places != nil && len(s.places) == cap(s.places) }

// stopwatch measures the time in which it is started at least once.
type stopwatch struct {
	mu    sync.Mutex
	count int
	since time.Time
	sum   time.Duration
}

func (w *stopwatch) start() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.count++; w.count == 1 {
		w.since = time.Now()
	}
}

func (w *stopwatch) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.count--; w.count == 0 {
		w.sum += time.Since(w.since)
	}
}

func (w *stopwatch) total() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.count > 0 {
		return w.sum + time.Since(w.since)
	}
	return w.sum
}

// Close stops the server and closes all its connections.
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
		server.Close() // it uses the same listener
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
		s.wg.Go(func() {
			defer c.Close()
			var err error
			if s.kind == "forward" {
				err = s.forward(c)
			} else {
				err = s.tcp(c)
			}
			if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) {
				s.log(c.RemoteAddr().String(), err)
			}
		})
	}
}

// maxLogged is the maximum number of hosts and errors whose repetitions are counted.
const maxLogged = 1000

// log logs an error of a client: the first of a host, the tenth, the hundredth and so on. A
// client that fails tries again, perhaps many times a second.
func (s *Server) log(client string, err error) {
	if e, ok := errors.AsType[*net.OpError](err); ok {
		err = e.Err // without the ports
	}
	host, _, _ := net.SplitHostPort(client)
	key := fmt.Sprintf("%s %v", host, err)
	s.mu.Lock()
	n := s.logged[key] + 1
	if s.logged == nil {
		s.logged = map[string]int{}
	}
	if n > 1 || len(s.logged) < maxLogged {
		s.logged[key] = n
	}
	s.mu.Unlock()
	times := ""
	for rest := n; rest > 1; rest /= 10 {
		if rest%10 > 0 {
			return
		}
		times = fmt.Sprintf(" (%d times from %s)", n, host)
	}
	s.o.Log(fmt.Sprintf("%s://%s: %v%s", s.kind, client, err, times))
}

// guarded is a listener that limits and lists the connections, and resets them during an
// outage.
type guarded struct {
	net.Listener
	s *Server
}

// Accept implements net.Listener. It refuses connections beyond the limit, and during an
// outage.
func (g *guarded) Accept() (net.Conn, error) {
	s := g.s
	for {
		c, err := g.Listener.Accept()
		if err != nil {
			if temporary, ok := errors.AsType[net.Error](err); ok && temporary.Timeout() {
				continue
			}
			return nil, err
		}
		gc := &guardedConn{Conn: c, s: s, since: time.Now(), gone: make(chan struct{})}
		r := Refusal{Why: whyConns}
		if s.admit(gc) {
			if !s.down() {
				return gc, nil
			}
			r = s.refusal(faultOutage)
		}
		gc.reset()
		r.Partly = true
		s.sink.Refuse(r, nil)
	}
}

// admit adds a connection to the list, if necessary in place of an idle one. It reports
// whether there is room.
func (s *Server) admit(c *guardedConn) bool {
	s.mu.Lock()
	var out *guardedConn
	ok := !s.closed
	if ok && len(s.conns) >= s.l.conns {
		out = s.evictOldestIdle()
		ok = out != nil
	}
	if ok {
		s.conns[c] = true
	}
	s.mu.Unlock()
	if out != nil {
		out.reset()
	}
	return ok
}

// evictOldestIdle removes the oldest connection without a complete request from the list
// and returns it. It returns nil if there is none, or if that connection is new.
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

// guardedConn is a connection of a guarded listener.
type guardedConn struct {
	net.Conn
	s      *Server
	since  time.Time
	served atomic.Bool // a request was complete
	cut    atomic.Bool // an outage interrupted a request
	once   sync.Once
	gone   chan struct{} // closed with the connection
}

// Read implements net.Conn. It applies the faults slow and outage.
func (c *guardedConn) Read(b []byte) (int, error) {
	f := c.s.o.Faults
	if f != nil && f.Slow > 0 {
		b = b[:min(int64(len(b)), max(f.Slow/20, 1))]
	}
	start := time.Now()
	n, err := c.Conn.Read(b)
	if f != nil && f.Slow > 0 {
		took := time.Duration(n) * time.Second / time.Duration(f.Slow)
		c.s.pause(time.Until(start.Add(took)), nil)
	}
	if c.s.down() {
		c.reset()
		first := n > 0 && !c.cut.Swap(true)
		if c.s.kind == "tcp" {
			return n, net.ErrClosed // tcp reports these bytes with the rest
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

// reset closes the connection with a reset.
func (c *guardedConn) reset() {
	if t, ok := c.Conn.(*net.TCPConn); ok {
		_ = t.SetLinger(0) // after an error, it is closed without a reset
	}
	c.Close()
}

// guardOf returns the guardedConn of a connection, which may use TLS.
func guardOf(c net.Conn) *guardedConn {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	return c.(*guardedConn)
}

// pause waits for d. It returns false if the server is closed before that, or gone, which
// may be nil, so that a request does not count as arrived.
func (s *Server) pause(d time.Duration, gone <-chan struct{}) bool {
	if d <= 0 {
		return true
	}
	select {
	case <-time.After(d):
		return true
	case <-gone:
	case <-s.closing:
	}
	return false
}
