// SPDX-License-Identifier: Apache-2.0

package receive

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/tinylib/msgp/msgp"

	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/generate/engine"
	"github.com/gdummy/gdummy/internal/generate/jsonbody"
	"github.com/gdummy/gdummy/internal/prove/recordscan"
	"github.com/gdummy/gdummy/internal/wire/selfsigned"
)

// sink counts the records that it receives.
type sink struct {
	mu       sync.Mutex
	taken    map[uint64]int
	states   map[recordscan.State]int
	refusals []Refusal
	refused  map[string][]uint64 // numbers, by reason
	withheld int                 // all of those
	broken   uint64
	below    uint64 // if not 0, only numbers below it count
}

func newSink() *sink {
	return &sink{taken: map[uint64]int{}, states: map[recordscan.State]int{}, refused: map[string][]uint64{}}
}

func (s *sink) Take(f []Finding, arrival int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range f {
		if s.below > 0 && x.ID.Seq >= s.below {
			continue
		}
		s.taken[x.ID.Seq]++
		s.states[x.State]++
	}
}

func (s *sink) Refuse(r Refusal, f []Finding) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refusals = append(s.refusals, r)
	s.withheld += len(f)
	for _, x := range f {
		s.refused[r.Why] = append(s.refused[r.Why], x.ID.Seq)
	}
}

func (s *sink) Others(foreign, broken uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.states[recordscan.Foreign] += int(foreign)
	s.broken += broken
}

func (s *sink) count(st recordscan.State) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.states[st]
}

func (s *sink) await(t *testing.T, n int) {
	t.Helper()
	for end := time.Now().Add(time.Minute); s.count(recordscan.Intact) < n; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d of %d records after a minute: %+v", s.count(recordscan.Intact), n, s.states)
		}
	}
}

type source struct{ body []byte }

func (s source) RecordsPerTick() uint64 { return 1 }

func (s source) Refresh(uint64) {}

func (s source) Append(dst []byte, form event.Form, t int64, k uint64) []byte {
	return event.Append(dst, form, t, event.EmptyMap, s.body)
}

// events returns n marked events, and the end of each.
func events(t testing.TB, form event.Form, from, n int) (data []byte, each [][]byte) {
	b, err := jsonbody.Parse(`{"message":"dummy","n":1.5}`)
	if err != nil {
		t.Fatal(err)
	}
	m := engine.Mark(source{b[0]}, engine.MarkOptions{Run: 7})
	for k := range n {
		ev := m.Append(nil, form, 1e18, uint64(from+k))
		data = append(data, ev...)
		each = append(each, ev)
	}
	return data, each
}

func listen(t testing.TB, kind string, k Sink, o Options) *Server {
	t.Helper()
	s, err := Listen(kind+"://127.0.0.1:0", k, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func dial(t testing.TB, s *Server) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func lines(each [][]byte) []byte {
	var out []byte
	for _, ev := range each {
		e, _, err := event.Decode(ev)
		if err != nil {
			panic(err)
		}
		if out, err = event.AppendJSON(out, e); err != nil {
			panic(err)
		}
	}
	return out
}

func gz(data []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write(data)
	z.Close()
	return b.Bytes()
}

// TLS works with every protocol, including faults.
func TestTLS(t *testing.T) {
	cert := certificate(t)
	k := newSink()
	s := listen(t, "forward", k, Options{TLS: &tls.Config{Certificates: []tls.Certificate{cert}}})
	c := tls.Client(dial(t, s), &tls.Config{InsecureSkipVerify: true})
	data, _ := events(t, event.V2, 0, 5)
	if _, err := c.Write(msgp.AppendBytes(msgp.AppendString(msgp.AppendArrayHeader(nil, 2), "tag"), data)); err != nil {
		t.Fatal(err)
	}
	k.await(t, 5)
	plain := dial(t, s)
	plain.Write(data)
	plain.SetReadDeadline(time.Now().Add(5 * time.Second))
	io.Copy(io.Discard, plain)
	if k.count(recordscan.Intact) != 5 {
		t.Error("records without TLS were taken")
	}
}

func certificate(t *testing.T) tls.Certificate {
	t.Helper()
	cert, key, err := selfsigned.Pair()
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	return pair
}
