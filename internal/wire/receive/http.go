// SPDX-License-Identifier: Apache-2.0

package receive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"mime"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/klauspost/compress/s2"

	"github.com/gdummy/gdummy/internal/prove/recordscan"
)

// connKey is the key of the connection in a request's context.
type connKey struct{}

func (s *Server) serveHTTP() {
	s.mu.Lock()
	s.http = &http.Server{
		Handler:           http.HandlerFunc(s.request),
		ReadHeaderTimeout: s.l.silence,
		ReadTimeout:       s.l.whole,
		WriteTimeout:      0, // answers are small, and a delay may be long
		IdleTimeout:       s.l.idle,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          log.New(io.Discard, "", 0),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, c)
		},
	}
	s.mu.Unlock()
	_ = s.http.Serve(s.listener) // Close ends it
}

// request handles a request. It accepts any path, and any method with a body.
func (s *Server) request(w http.ResponseWriter, r *http.Request) {
	s.enter()
	defer s.wg.Done()
	s.requests.Add(1)
	s.active.Add(1)
	defer s.active.Add(-1)
	c := guardOf(r.Context().Value(connKey{}).(net.Conn))
	encoding := strings.ToLower(strings.TrimSpace(r.Header.Get("Content-Encoding")))
	if !s.acceptable(w, r, encoding) {
		return
	}
	// The body is parsed once it is complete, so that a slow client does not occupy a
	// worker.
	in := intake{room: s.room, max: s.l.request}
	defer in.close()
	if err := in.all(r.Body, time.Now().Add(s.l.whole)); err != nil {
		if r, ours := s.cause(c, err); ours {
			s.sink.Refuse(r, identities(in.buf[:in.n]))
		}
		refuse(w, err)
		return
	}
	body := in.buf[:in.n]
	f, err := s.handle(r.Context().Done(), func(b *batch) error { return s.scanBody(body, encoding, b) })
	switch {
	case errors.Is(err, errGone):
		unanswered()
	case err != nil:
		s.unreadable(w, r, body, err)
		return
	}
	c.served.Store(true)
	switch {
	case f.reset || f.outage:
		c.reset()
	case f.status != 0:
		w.WriteHeader(f.status)
	default:
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, accepted) // the client sends it again if it is gone
	}
}

// enter adds a request that may use the sink, for which Close waits.
func (s *Server) enter() {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		unanswered()
	}
	s.wg.Add(1)
	s.mu.Unlock()
}

// acceptable reports whether the header of a request allows its body to be read, and
// otherwise refuses it.
func (s *Server) acceptable(w http.ResponseWriter, r *http.Request, encoding string) bool {
	kind := r.Header.Get("Content-Type")
	switch {
	case !known(encoding):
		s.sink.Refuse(Refusal{Why: whyEncoding, Partly: true}, nil)
		s.unsupported(w, r, fmt.Sprintf("Content-Encoding %q: expected gzip, zstd or snappy", encoding))
	case !readable(kind):
		s.sink.Refuse(Refusal{Why: whyBody, Partly: true}, nil)
		s.unsupported(w, r, fmt.Sprintf("Content-Type %q: expected JSON, MessagePack or text", kind))
	case r.ContentLength > int64(s.l.request):
		s.sink.Refuse(Refusal{Why: whyLarge, Partly: true}, nil)
		refuse(w, errLarge)
	default:
		return true
	}
	return false
}

// unreadable refuses a request whose body cannot be parsed.
func (s *Server) unreadable(w http.ResponseWriter, r *http.Request, body []byte, err error) {
	s.sink.Refuse(Refusal{Why: whyUnreadable(err), Partly: true}, identities(body))
	if format, ok := errors.AsType[*recordscan.FormatError](err); ok {
		s.unsupported(w, r, "a body that cannot be read: "+format.Error())
		return
	}
	refuse(w, err)
}

// unanswered closes the connection of a request without an answer. A handler that returns
// would answer with 200.
func unanswered() { panic(http.ErrAbortHandler) }

// scanBody parses a body into b.
func (s *Server) scanBody(body []byte, encoding string, b *batch) error {
	if encoding == "snappy" {
		n, err := s2.DecodedLen(body)
		if err != nil || int64(n) > s.l.expanded {
			return errors.Join(err, errLarge)
		}
		if body, err = s2.Decode(nil, body); err != nil {
			return err
		}
	}
	return b.scan.Bytes(body)
}

// refuse answers a request that is not accepted. It is not acknowledged, so the client
// sends it again.
func refuse(w http.ResponseWriter, err error) {
	switch {
	case errors.Is(err, errLarge) || errors.Is(err, recordscan.ErrTooLarge):
		http.Error(w, "too large", http.StatusRequestEntityTooLarge)
	case errors.Is(err, errBusy):
		http.Error(w, errBusy.Error(), http.StatusServiceUnavailable)
	default:
		http.Error(w, "the body cannot be read", http.StatusBadRequest)
	}
}

// unsupported answers a request whose body has an unsupported format.
func (s *Server) unsupported(w http.ResponseWriter, r *http.Request, why string) {
	s.log(r.RemoteAddr, errors.New(why))
	http.Error(w, why, http.StatusUnsupportedMediaType)
}

// readable reports whether a body with the given Content-Type may have a supported format.
// The body itself decides.
func readable(kind string) bool {
	kind, _, _ = mime.ParseMediaType(kind) // "" if it is invalid or absent
	class, sub, _ := strings.Cut(kind, "/")
	switch class {
	case "image", "audio", "video", "font", "model", "multipart":
		return false
	}
	if strings.HasSuffix(sub, "+json") {
		return true // such as vnd.kafka.avro.v2+json
	}
	for word := range strings.FieldsFuncSeq(sub, func(c rune) bool { return strings.ContainsRune(".-+_", c) }) {
		switch word {
		case "protobuf", "proto", "grpc", "avro", "parquet", "arrow", "orc", "cbor", "bson", "thrift", "pdf", "zip", "7z", "xz", "bzip2", "lz4", "tar":
			return false
		}
	}
	return true
}

// known reports whether an encoding is supported. gzip and zstd are also detected without
// the header.
func known(encoding string) bool {
	switch encoding {
	case "", "identity", "gzip", "x-gzip", "zstd", "snappy":
		return true
	}
	return false
}
