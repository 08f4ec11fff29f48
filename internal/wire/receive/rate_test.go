// SPDX-License-Identifier: Apache-2.0

package receive

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tinylib/msgp/msgp"

	"github.com/gdummy/gdummy/internal/event"
)

// The fault rate limits all connections together, to the record: a second connection
// does not add to it, and idle time is not made up.
func TestRateIsExact(t *testing.T) {
	for _, kind := range []string{"http", "forward", "tcp"} {
		inBubble(t, kind, Options{Faults: &Faults{Rate: 100}}, defaultLimits, func(t *testing.T, p *pipes, _ *Server, k *sink) {
			time.Sleep(time.Hour)
			start := time.Now()
			for i := range 2 {
				data, each := events(t, event.V2, 200*i, 200)
				text := msgp.AppendBytes(msgp.AppendString(msgp.AppendArrayHeader(nil, 2), "tag"), data)
				switch kind {
				case "http":
					text = append(fmt.Appendf(nil, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", len(data)), data...)
				case "tcp":
					text = lines(each)
				}
				c := p.dial(t)
				defer c.Close()
				go c.Write(text)
				synctest.Wait()
			}
			taken := func() int {
				synctest.Wait()
				k.mu.Lock()
				defer k.mu.Unlock()
				return len(k.taken)
			}
			for n := taken(); n < 400 && time.Since(start) < time.Minute; n = taken() {
				if most := int(100 * time.Since(start).Seconds()); n > most {
					t.Fatalf("%s: %d records after %v, want at most %d", kind, n, time.Since(start), most)
				}
				time.Sleep(10 * time.Millisecond)
			}
			if n, took := taken(), time.Since(start).Round(10*time.Millisecond); n != 400 || took != 4*time.Second {
				t.Errorf("%s: %d records in %v, want 400 in 4s", kind, n, took)
			}
		})
	}
}

// A record that waits when the receiver ends was not taken.
func TestRateIsARefusal(t *testing.T) {
	inBubble(t, "forward", Options{Faults: &Faults{Rate: 1}}, defaultLimits, func(t *testing.T, p *pipes, s *Server, k *sink) {
		data, _ := events(t, event.V2, 0, 20)
		c := p.dial(t)
		defer c.Close()
		go c.Write(msgp.AppendBytes(msgp.AppendString(msgp.AppendArrayHeader(nil, 2), "tag"), data))
		synctest.Wait()
		s.Close()
		if got := len(k.refused["rate=1/s"]); got != 20 || len(k.taken) != 0 {
			t.Errorf("%d records refused and %d taken, want 20 and 0", got, len(k.taken))
		}
	})
}
