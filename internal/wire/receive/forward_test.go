// SPDX-License-Identifier: Apache-2.0

package receive

import (
	"bytes"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"

	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/prove/recordscan"
)

// All modes of the forward protocol, with acknowledgements.
func TestForward(t *testing.T) {
	for _, form := range []event.Form{event.Legacy, event.V2} {
		data, each := events(t, form, 0, 20)
		option := func(extra ...string) []byte {
			o := msgp.AppendMapHeader(nil, uint32(1+len(extra)/2))
			o = msgp.AppendString(o, "chunk")
			o = msgp.AppendString(o, "abc")
			for _, e := range extra {
				o = msgp.AppendString(o, e)
			}
			return o
		}
		head := func(n uint32) []byte {
			return msgp.AppendString(msgp.AppendArrayHeader(nil, n), "a.tag")
		}
		for name, msg := range map[string][]byte{
			"forward":                  append(append(msgp.AppendArrayHeader(head(3), 20), data...), option()...),
			"packed forward":           append(msgp.AppendBytes(head(3), data), option()...),
			"packed forward, a string": append(msgp.AppendString(head(3), string(data)), option()...),
			"compressed":               append(msgp.AppendBytes(head(3), gz(data)), option("compressed", "gzip")...),
			"message":                  append(append(head(4), each[0][1:]...), option()...),
		} {
			want := 20
			if name == "message" {
				want = 1
			}
			k := newSink()
			s := listen(t, "forward", k, Options{})
			c := dial(t, s)
			c.Write(msg)
			ack := make([]byte, 9)
			c.SetReadDeadline(time.Now().Add(5 * time.Second))
			if _, err := io.ReadFull(c, ack); err != nil {
				t.Fatalf("%v, %s: no acknowledgement: %v", form, name, err)
			}
			if string(ack) != "\x81\xa3ack\xa3abc" {
				t.Errorf("%v, %s: acknowledged with %q", form, name, ack)
			}
			if k.count(recordscan.Intact) != want {
				t.Errorf("%v, %s: %+v", form, name, k.states)
			}
		}
	}
}

// packedForward returns a message of n marked records that requests an acknowledgement.
func packedForward(t testing.TB, n int) []byte {
	data, _ := events(t, event.V2, 0, n)
	msg := msgp.AppendBytes(msgp.AppendString(msgp.AppendArrayHeader(nil, 3), "a.tag"), data)
	return append(msg, "\x81\xa5chunk\xa3abc"...)
}

// Events of all messages are handed over as they are, before the acknowledgement, and a
// message that cannot be read ends its connection only.
func TestForwardEvents(t *testing.T) {
	data, each := events(t, event.V2, 0, 3)
	head := func(n uint32) []byte { return msgp.AppendString(msgp.AppendArrayHeader(nil, n), "a.tag") }
	option := msgp.AppendString(msgp.AppendString(msgp.AppendMapHeader(nil, 1), "chunk"), "abc")
	gzipped := msgp.AppendMapHeader(nil, 1)
	gzipped = msgp.AppendString(msgp.AppendString(gzipped, "compressed"), "gzip")
	for name, tt := range map[string]struct {
		msg  []byte
		want string
	}{
		"forward":        {append(append(msgp.AppendArrayHeader(head(3), 3), data...), option...), string(data)},
		"packed forward": {append(msgp.AppendBytes(head(3), data), option...), string(data)},
		"message":        {append(append(head(4), each[0][1:]...), option...), string(each[0])},
		"compressed":     {append(msgp.AppendBytes(head(3), gz(data)), gzipped...), ""},
		"broken":         {msgp.AppendInt(msgp.AppendArrayHeader(nil, 3), 1), ""},
	} {
		got := ""
		s := listen(t, "forward", nil, Options{Events: func(tag string, events []byte, arrival time.Time) {
			if tag != "a.tag" || arrival.IsZero() {
				t.Errorf("%s: tag %q, arrival %v", name, tag, arrival)
			}
			got += string(events)
		}})
		c := dial(t, s)
		c.Write(tt.msg)
		c.SetReadDeadline(time.Now().Add(5 * time.Second))
		ack := make([]byte, 9)
		n, err := io.ReadFull(c, ack)
		if acknowledged := err == nil; acknowledged != (tt.want != "") || got != tt.want {
			t.Errorf("%s: %q, %v; events %q, want %q", name, ack[:n], err, got, tt.want)
		}
	}
}

func TestForwardSharedKey(t *testing.T) {
	data, _ := events(t, event.V2, 0, 5)
	for _, key := range []string{"secret", "wrong"} {
		k := newSink()
		s := listen(t, "forward", k, Options{SharedKey: "secret"})
		c := dial(t, s)
		m := s.newMessages(c)
		helo, err := m.next()
		if err != nil {
			t.Fatal(err)
		}
		i := bytes.Index(helo, []byte("nonce")) + 5
		nonce, _, err := msgp.ReadBytesBytes(helo[i:], nil)
		if err != nil {
			t.Fatal(err)
		}
		ping := msgp.AppendArrayHeader(nil, 6)
		for _, p := range []string{"PING", "host", "salt", keyDigest([]byte("salt"), []byte("host"), nonce, key), "", ""} {
			ping = msgp.AppendString(ping, p)
		}
		c.Write(ping)
		pong, err := m.next()
		if err != nil {
			t.Fatal(err)
		}
		good := bytes.Contains(pong, []byte{0xc3})
		if good != (key == "secret") {
			t.Errorf("key %s: %q", key, pong)
		}
		if good {
			c.Write(msgp.AppendBytes(msgp.AppendString(msgp.AppendArrayHeader(nil, 2), "tag"), data))
			k.await(t, 5)
		}
	}
}

func BenchmarkForward(b *testing.B) {
	counting := &counter{}
	s := listen(b, "forward", counting, Options{})
	const n = 10000
	data, _ := events(b, event.V2, 0, n)
	msg := msgp.AppendBytes(msgp.AppendString(msgp.AppendArrayHeader(nil, 2), "tag"), data)
	c := dial(b, s)
	b.ResetTimer()
	for range b.N {
		if _, err := c.Write(msg); err != nil {
			b.Fatal(err)
		}
	}
	for counting.get() < n*b.N {
		time.Sleep(time.Millisecond)
	}
	b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "rec/s")
}

type counter struct {
	mu sync.Mutex
	n  int
}

func (c *counter) Take(f []Finding, _ int64) { c.mu.Lock(); c.n += len(f); c.mu.Unlock() }

func (c *counter) Refuse(Refusal, []Finding) {}

func (c *counter) Others(uint64, uint64) {}

func (c *counter) get() int { c.mu.Lock(); defer c.mu.Unlock(); return c.n }
