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
		ReadHeaderTimeout: s.l.silence,
		ReadTimeout:       s.l.whole,
		WriteTimeout:      0, // answers are short; a delay may be long
		IdleTimeout:       s.l.idle,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          log.New(io.Discard, "", 0),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, c)
		},
	}
	s.mu.Unlock()
	_ = s.http.Serve(s.listener) // it ends with Close
}

// request takes one request: any method with a body, any path.
func (s *Server) request(w http.ResponseWriter, r *http.Request) {
	s.requests.Add(1)
	if r.ContentLength > int64(s.l.request) {
		http.Error(w, "too large", http.StatusRequestEntityTooLarge)
		return
	}
	// It is taken apart when it is there as a whole: whoever is slow keeps
	// nobody waiting.
	in := intake{room: s.room, max: s.l.request}
	defer in.close()
	if err := in.all(r.Body, time.Now().Add(s.l.whole)); err != nil {
		refuse(w, err)
		return
	}
	f := s.dice.draw()
	if f.delay > 0 {
		select {
		case <-time.After(f.delay):
		case <-s.closing:
			return
		case <-r.Context().Done():
			return // the client has given up: it does not count as arrived
		}
	}
	if s.down() {
		f.reset = true
	}
	b := s.take(r.Context().Done())
	if b == nil {
		return // likewise
	}
	if err := s.takeBody(in.buf[:in.n], b, f); err != nil {
		refuse(w, err)
		return
	}
	if c, ok := r.Context().Value(connKey{}).(net.Conn); ok {
		served(c)
	}
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

// takeBody takes a body apart and gives what is in it to the sink.
func (s *Server) takeBody(body []byte, b *batch, f fate) error {
	defer s.give(b)
	if err := b.scan.Bytes(body); err != nil {
		return err
	}
	s.hand(b, f)
	return nil
}

// refuse answers a request that cannot be taken. What has not arrived as a whole
// is not acknowledged, and comes again.
func refuse(w http.ResponseWriter, err error) {
	if errors.Is(err, errLarge) || errors.Is(err, decode.ErrTooLarge) {
		http.Error(w, "too large", http.StatusRequestEntityTooLarge)
		return
	}
	http.Error(w, "the body cannot be read", http.StatusBadRequest)
}
