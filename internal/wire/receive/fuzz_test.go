// SPDX-License-Identifier: Apache-2.0

package receive

import (
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"

	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/testenv"
)

// For any input, each listener answers or closes the connection at the end of the input,
// and accepts the records of the next client. Thanks to synctest, the result does not
// depend on how busy the machine is.
func FuzzListeners(f *testing.F) {
	data, each := events(f, event.V2, 0, 2)
	post := func(header string, body []byte) []byte {
		return append(fmt.Appendf(nil, "POST / HTTP/1.1\r\nHost: x\r\n%sContent-Length: %d\r\n\r\n", header, len(body)), body...)
	}
	packed := msgp.AppendBytes(msgp.AppendString(msgp.AppendArrayHeader(nil, 2), "tag"), data)
	good := map[string][]byte{"forward": packed, "http": post("", lines(each)), "tcp": lines(each)}
	for i, kind := range kinds {
		f.Add(byte(i), good[kind])
		f.Add(byte(i), good[kind][:len(good[kind])-7])
		f.Add(byte(i), data)
		f.Add(byte(i), gz(lines(each)))
		for _, shape := range attacks(f, kind) {
			if len(shape) < 1<<16 {
				f.Add(byte(i), shape)
			}
		}
	}
	f.Add(byte(1), post("Content-Encoding: gzip\r\n", gz(lines(each))))
	f.Add(byte(1), post("Content-Encoding: snappy\r\n", data))
	f.Add(byte(1), []byte("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"a\":\r\n0\r\n\r\n"))

	// A fuzz worker has ten seconds for an input, so the limit of decompression is low.
	lim := tight
	lim.request, lim.expanded, lim.line = 1<<17, 1<<18, 1<<16
	f.Fuzz(func(t *testing.T, which byte, data []byte) {
		kind := kinds[int(which)%len(kinds)]
		inBubble(t, kind, Options{}, lim, func(t *testing.T, p *pipes, s *Server, k *sink) {
			send := func(data []byte) {
				c, start := p.dial(t), time.Now()
				defer c.Close()
				go func() {
					_, _ = c.Write(data) // the connection may be closed
					_ = c.CloseWrite()
				}()
				_, _ = io.Copy(io.Discard, c)
				// Computing takes no time in the bubble, and no limit was reached.
				if d := time.Since(start); d >= lim.silence {
					t.Fatalf("neither answered nor closed within %v", d)
				}
			}
			send(data)
			before := k.records()
			send(good[kind])
			if n := k.records() - before; n != 2 {
				t.Fatalf("next client: %d records, want 2", n)
			}
			if n := testenv.LastLiveHeap(); n > 256<<20 {
				t.Fatalf("%d bytes reachable", n)
			}
		})
	})
}

// records counts the arrivals of each record.
func (s *sink) records() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, states := range s.states {
		n += states
	}
	return n
}

// Faults are parsed again from their own text.
func FuzzFaults(f *testing.F) {
	f.Add("drop=1%, delay=2s@5%, status=503@10%, reset=1%, slow=1MB/s, rate=5000/s, outage=30s every 5m")
	f.Fuzz(func(t *testing.T, text string) {
		faults, err := ParseFaults(text)
		if err != nil || faults.String() == "" { // those of 0% have no text
			return
		}
		again, err := ParseFaults(faults.String())
		if err != nil || again.String() != faults.String() {
			t.Fatalf("%q: %q is parsed as %v, %v", text, faults, again, err)
		}
	})
}
