// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Options configures a [Server].
type Options struct {
	Dir   string      // where the ledgers are stored; created if it does not exist
	Token string      // that pushers have
	TLS   *tls.Config // required for https
	Log   func(line string)
}

// Server is a collector at one address.
type Server struct {
	o        Options
	scheme   string
	listener net.Listener
	http     *http.Server
	store    *store
	active   chan struct{} // a place for each body in memory
	changed  atomic.Int64  // when bytes were stored, in nanoseconds since 1970; 0 means never
	wg       sync.WaitGroup
}

// Listen starts a collector at an address such as https://0.0.0.0:9443. The default host
// is 127.0.0.1.
func Listen(address string, o Options) (*Server, error) {
	u, err := parseAddress(address)
	if err != nil {
		return nil, err
	}
	if u.Scheme == "https" && o.TLS == nil {
		return nil, fmt.Errorf("invalid address %q: https requires a certificate: expected --tls-cert and --tls-key", address)
	}
	store, err := openStore(o.Dir)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", net.JoinHostPort(cmp.Or(u.Hostname(), "127.0.0.1"), u.Port()))
	if err != nil {
		return nil, err
	}
	if o.Log == nil {
		o.Log = func(string) {}
	}
	s := &Server{o: o, scheme: u.Scheme, listener: l, store: store, active: make(chan struct{}, maxActive)}
	s.http = &http.Server{
		Handler:           http.HandlerFunc(s.serve),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       time.Minute,
		WriteTimeout:      2 * time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          log.New(io.Discard, "", 0),
	}
	l = &limited{Listener: l, places: make(chan struct{}, MaxConns)}
	if u.Scheme == "https" {
		l = tls.NewListener(l, o.TLS)
	}
	s.wg.Go(func() { _ = s.http.Serve(l) }) // Close ends it
	return s, nil
}

// Addr returns the address at which the server listens.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// String returns the address in the form of [Listen].
func (s *Server) String() string { return s.scheme + "://" + s.Addr().String() }

// Changed returns when bytes were stored last; zero if none were.
func (s *Server) Changed() time.Time {
	if n := s.changed.Load(); n > 0 {
		return time.Unix(0, n)
	}
	return time.Time{}
}

// Close stops the server. It waits for a few seconds for requests that are incomplete.
func (s *Server) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = s.http.Close()
	}
	s.wg.Wait()
	return err
}

// limited is a listener that limits the connections at a time. Others wait to be accepted.
type limited struct {
	net.Listener
	places chan struct{}
}

// Accept implements net.Listener.
func (l *limited) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.places <- struct{}{}
	return &place{Conn: c, leave: sync.OnceFunc(func() { <-l.places })}, nil
}

// place is a connection that has a place.
type place struct {
	net.Conn
	leave func()
}

// Close implements net.Conn.
func (p *place) Close() error {
	p.leave()
	return p.Conn.Close()
}

// refusal is an error with the status of its answer.
type refusal struct {
	status int
	reason string
}

func (r *refusal) Error() string { return r.reason }

func refuse(status int, format string, args ...any) error {
	return &refusal{status, fmt.Sprintf(format, args...)}
}

// errOffset reports an offset that is not the stored size.
var errOffset = errors.New("not the stored size")

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	state, err := s.answer(r)
	status := http.StatusOK
	var refused *refusal
	switch {
	case errors.Is(err, errOffset):
		status = http.StatusConflict
	case errors.As(err, &refused):
		if refused.status == http.StatusUnauthorized {
			w.Header().Set("Connection", "close") // an idle connection has a place that others need
		}
		http.Error(w, refused.reason, refused.status)
		return
	case errors.Is(err, errFull):
		http.Error(w, err.Error(), http.StatusInsufficientStorage)
		return
	case err != nil:
		s.o.Log(fmt.Sprintf("cannot store a ledger: %v", err))
		http.Error(w, "the collector cannot store it: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(state) // the pusher asks again
}

func (s *Server) answer(r *http.Request) (stored, error) {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	given, want := sha256.Sum256([]byte(token)), sha256.Sum256([]byte(s.o.Token))
	if subtle.ConstantTimeCompare(given[:], want[:]) != 1 {
		return stored{}, refuse(http.StatusUnauthorized, "the token is not that of the collector")
	}
	id, ok := strings.CutPrefix(r.URL.Path, route)
	if !ok || !validID.MatchString(id) {
		return stored{}, refuse(http.StatusNotFound, "no such path: expected %sID", route)
	}
	switch r.Method {
	case http.MethodGet:
		limit, err := number(r, "size", -1)
		b := s.store.find(id)
		switch {
		case err != nil:
			return stored{}, err
		case b == nil:
			b = new(book)
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.state(limit)
	case http.MethodPut:
		return s.put(r, id)
	}
	return stored{}, refuse(http.StatusMethodNotAllowed, "expected GET or PUT")
}

// number returns a parameter of a request.
func number(r *http.Request, name string, without int64) (int64, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return without, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, refuse(http.StatusBadRequest, "invalid %s %q: expected a number of bytes", name, text)
	}
	return n, nil
}

// put appends the body of a request to a ledger.
func (s *Server) put(r *http.Request, id string) (stored, error) {
	offset, err := number(r, "offset", 0)
	if err != nil {
		return stored{}, err
	}
	name := r.URL.Query().Get("name")
	if err := CheckName(name); err != nil {
		return stored{}, refuse(http.StatusBadRequest, "%v", err)
	}
	switch n := r.ContentLength; {
	case n < 0:
		return stored{}, refuse(http.StatusLengthRequired, "expected a Content-Length")
	case n > MaxBody:
		return stored{}, refuse(http.StatusRequestEntityTooLarge, "a body of %d bytes: expected at most %d", n, MaxBody)
	}
	select {
	case s.active <- struct{}{}:
		defer func() { <-s.active }()
	case <-r.Context().Done():
		return stored{}, refuse(http.StatusServiceUnavailable, "the client is gone")
	}
	body := make([]byte, r.ContentLength)
	if _, err := io.ReadFull(r.Body, body); err != nil {
		return stored{}, refuse(http.StatusBadRequest, "the body is cut: %v", err)
	}
	if sum := sha256.Sum256(body); hex.EncodeToString(sum[:]) != r.Header.Get(sumHeader) {
		return stored{}, refuse(http.StatusBadRequest, "the body is damaged: its SHA-256 is not the one of %s", sumHeader)
	}
	if offset == 0 {
		if own, ok := identify(body); !ok || own != id {
			return stored{}, refuse(http.StatusBadRequest, "the body does not begin with the first line of ledger %s", id)
		}
	}
	b := s.store.find(id)
	if b == nil && offset > 0 {
		return stored{}, errOffset
	}
	if b, err = s.store.add(id); err != nil {
		return stored{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if r.URL.Query().Get("cut") != "" && len(body) > 0 {
		if err := b.cut(offset); err != nil {
			return stored{}, err
		}
	}
	state, err := b.state(-1)
	switch {
	case err != nil:
		return stored{}, err
	case state.Size != offset:
		return state, errOffset
	case len(body) == 0:
		return state, nil
	}
	created := b.path == ""
	if err := b.append(filepath.Join(s.store.dir, name+"."+id+".ledger"), body); err != nil {
		return stored{}, err
	}
	s.changed.Store(time.Now().UnixNano())
	if created {
		s.o.Log("a new ledger: " + filepath.Base(b.path))
	}
	return b.state(-1)
}
