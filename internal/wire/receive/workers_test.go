// SPDX-License-Identifier: Apache-2.0

package receive

import (
	"bytes"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tinylib/msgp/msgp"

	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/prove/recordscan"
)

// With the fault workers, delays of several connections add up: eight requests of a second
// each take eight seconds with one worker, four with two, and one without a limit.
func TestWorkersAreExact(t *testing.T) {
	for _, kind := range []string{"http", "forward"} {
		for workers, want := range []time.Duration{time.Second, 8 * time.Second, 4 * time.Second, 3 * time.Second} {
			faults := &Faults{Workers: workers, Delay: time.Second, Delayed: 1}
			inBubble(t, kind, Options{Faults: faults}, defaultLimits, func(t *testing.T, p *pipes, _ *Server, k *sink) {
				start := time.Now()
				for i := range 8 {
					go p.dial(t).Write(request(t, kind, i))
				}
				taken := func() int {
					synctest.Wait()
					k.mu.Lock()
					defer k.mu.Unlock()
					return len(k.taken)
				}
				for taken() < 8 && time.Since(start) < time.Minute {
					time.Sleep(100 * time.Millisecond)
				}
				if took := time.Since(start); taken() != 8 || took != want {
					t.Errorf("%s, %d workers: %d records in %v, want 8 in %v", kind, workers, taken(), took, want)
				}
			})
		}
	}
}

// request returns a request with the record i.
func request(t *testing.T, kind string, i int) []byte {
	data, _ := events(t, event.V2, i, 1)
	if kind == "http" {
		return append(fmt.Appendf(nil, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", len(data)), data...)
	}
	return msgp.AppendBytes(msgp.AppendString(msgp.AppendArrayHeader(nil, 2), "tag"), data)
}

// A request that waits for a worker when its client or the receiver ends is refused, and
// leaves no place taken.
func TestWorkersRefuse(t *testing.T) {
	for _, kind := range []string{"http", "forward"} {
		faults := &Faults{Workers: 1, Delay: time.Minute, Delayed: 1}
		inBubble(t, kind, Options{Faults: faults}, defaultLimits, func(t *testing.T, p *pipes, s *Server, k *sink) {
			var conns []*duplex
			for i := range 3 {
				c := p.dial(t)
				conns = append(conns, c)
				go c.Write(request(t, kind, i))
				synctest.Wait()
			}
			conns[1].Close()
			if kind == "http" { // whose server looks for the end of the connection
				synctest.Wait()
				if got := len(k.refused["workers=1"]); got != 1 {
					t.Errorf("%s: %d records are refused after their client ended, want 1", kind, got)
				}
			}
			time.Sleep(59 * time.Second)
			s.Close()
			if got := len(k.refused["workers=1"]); got != 2 || len(k.taken) != 0 || len(k.refused["delay=1m0s"])+len(k.refused["delay=1m"]) != 1 {
				t.Errorf("%s: refused %v, taken %d; want 2 that wait for a worker, and 1 in its delay", kind, k.refused, len(k.taken))
			}
		})
	}
}

// A client that closes its own direction after a complete request is answered, although
// net/http reports it as gone.
func TestHalfClosedClient(t *testing.T) {
	for _, kind := range []string{"http", "forward"} {
		inBubble(t, kind, Options{Faults: &Faults{Workers: 1}}, defaultLimits, func(t *testing.T, p *pipes, s *Server, k *sink) {
			for i := range 50 {
				c := p.dial(t)
				go func() {
					_, _ = c.Write(request(t, kind, i))
					_ = c.CloseWrite()
				}()
				answer, _ := io.ReadAll(c) // the server closes it
				c.Close()
				if kind == "http" && !bytes.HasPrefix(answer, []byte("HTTP/1.1 200 ")) {
					t.Fatalf("request %d: answer %q, want one with status 200", i, answer)
				}
			}
			if n := k.count(recordscan.Intact); n != 50 {
				t.Errorf("%s: %d records, want 50", kind, n)
			}
			gone := make(chan struct{})
			close(gone)
			for range 50 {
				if !s.enlist(gone) {
					t.Fatalf("%s: refused, although a worker is free", kind)
				}
				b := s.take(gone)
				if b == nil {
					t.Fatalf("%s: not parsed, although a worker is free", kind)
				}
				s.give(b)
				s.leave()
			}
		})
	}
}
