package receive

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/gdummy/gdummy/internal/decode"
)

// connKey is the key of the connection in a request's context.
type connKey struct{}

func (s *Server) serveHTTP() {
	s.mu.Lock()
	s.http = &http.Server{
		Handler:           http.HandlerFunc(s.request),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       readTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          log.New(io.Discard, "", 0),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, c)
		},
	}
	if s.o.Faults != nil && s.o.Faults.Slow > 0 {
		s.http.ReadTimeout = 0
	}
	s.mu.Unlock()
	_ = s.http.Serve(s.listener) // it ends with Close
}

// request takes one request: any method with a body, any path.
func (s *Server) request(w http.ResponseWriter, r *http.Request) {
	s.requests.Add(1)
	if r.ContentLength > MaxRequest {
		http.Error(w, "too large", http.StatusRequestEntityTooLarge)
		return
	}
	f := s.dice.draw()
	s.parsing <- struct{}{}
	b := s.newBatch(MaxRequest, MaxExpanded)
	err := b.scan.Read(http.MaxBytesReader(w, r.Body, MaxRequest))
	<-s.parsing
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large), errors.Is(err, decode.ErrTooLarge):
		http.Error(w, "too large", http.StatusRequestEntityTooLarge)
		return
	case err != nil:
		// What has not arrived as a whole is not acknowledged, and comes again.
		http.Error(w, "the body cannot be read", http.StatusBadRequest)
		return
	}
	if f.delay > 0 {
		select {
		case <-time.After(f.delay):
		case <-r.Context().Done():
			return // the client has given up: it does not count as arrived
		}
	}
	if s.down() {
		f.reset = true
	}
	s.hand(b, f)
	switch {
	case f.reset:
		if c, ok := r.Context().Value(connKey{}).(net.Conn); ok {
			reset(c)
		}
	case f.status != 0:
		w.WriteHeader(f.status)
	default:
		w.WriteHeader(http.StatusOK)
	}
}
