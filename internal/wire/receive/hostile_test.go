// SPDX-License-Identifier: Apache-2.0

package receive

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/tinylib/msgp/msgp"

	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/prove/recordscan"
	"github.com/gdummy/gdummy/internal/testenv"
)

// tight holds limits that a test can reach.
var tight = limits{
	request: 1 << 20, expanded: 2 << 20, line: 1 << 18, conns: 24, pending: 4 << 20, parsed: 2,
	first: 2 * time.Second, idle: 20 * time.Second, silence: time.Second, whole: 3 * time.Second,
}

// good is a correct client: it sends the records 0 to n-1 in small requests, and resends
// those that are not acknowledged.
type good struct {
	t    *testing.T
	s    *Server
	kind string
	tls  bool
	key  string

	times []int // how many times run sent each record
}

func (g *good) dial() (net.Conn, error) {
	c, err := net.Dial("tcp", g.s.Addr().String())
	if err != nil {
		return nil, err
	}
	if g.tls {
		c = tls.Client(c, &tls.Config{InsecureSkipVerify: true})
	}
	c.SetDeadline(time.Now().Add(10 * time.Second))
	if g.key != "" {
		if err := g.handshake(c); err != nil {
			c.Close()
			return nil, err
		}
	}
	return c, nil
}

func (g *good) handshake(c net.Conn) error {
	m := g.s.newMessages(c)
	helo, err := m.next()
	if err != nil {
		return err
	}
	i := bytes.Index(helo, []byte("nonce")) + 5
	nonce, _, err := msgp.ReadBytesBytes(helo[i:], nil)
	if err != nil {
		return err
	}
	ping := msgp.AppendArrayHeader(nil, 6)
	for _, p := range []string{"PING", "host", "salt", keyDigest([]byte("salt"), []byte("host"), nonce, g.key), "", ""} {
		ping = msgp.AppendString(ping, p)
	}
	if _, err := c.Write(ping); err != nil {
		return err
	}
	_, err = m.next()
	return err
}

// once sends n records, the first of which has number from, and waits for their
// acknowledgement.
func (g *good) once(c net.Conn, from, n int) error {
	data, each := events(g.t, event.V2, from, n)
	// It waits until the server's limits end the connection.
	if err := c.SetDeadline(time.Time{}); err != nil {
		return err
	}
	switch g.kind {
	case "forward":
		msg := msgp.AppendBytes(msgp.AppendString(msgp.AppendArrayHeader(nil, 3), "tag"), data)
		msg = append(msg, "\x81\xa5chunk\xa1x"...)
		if _, err := c.Write(msg); err != nil {
			return err
		}
		_, err := io.ReadFull(c, make([]byte, 7))
		return err
	case "http":
		body := lines(each)
		if _, err := fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body); err != nil {
			return err
		}
		answer := make([]byte, 256)
		n, err := c.Read(answer)
		if err == nil && !bytes.HasPrefix(answer[:n], []byte("HTTP/1.1 200")) {
			return errors.New(string(answer[:n]))
		}
		return err
	}
	_, err := c.Write(lines(each))
	return err
}

// run sends all records in steps.
func (g *good) run(n, step int, pause time.Duration) error {
	g.times = make([]int, n)
	var c net.Conn
	defer func() {
		if c != nil {
			c.Close()
		}
	}()
	for from := 0; from < n; {
		var err error
		for try := 0; c == nil; try++ {
			if c, err = g.dial(); err != nil {
				c = nil
				if try == 500 {
					return err
				}
				time.Sleep(10 * time.Millisecond)
			}
		}
		for i := range step {
			g.times[from+i]++
		}
		if err := g.once(c, from, step); err != nil {
			c.Close()
			c = nil
			if g.kind == "tcp" {
				return err // the result is unknown
			}
			continue
		}
		from += step
		time.Sleep(pause)
	}
	return nil
}

// attacks returns requests of broken or malicious clients.
func attacks(t testing.TB, kind string) [][]byte {
	data, each := events(t, event.V2, 1_000_000, 50)
	js := lines(each)
	var zs bytes.Buffer
	z, err := zstd.NewWriter(&zs)
	if err != nil {
		t.Fatal(err)
	}
	z.Write(bytes.Repeat(data, 500))
	z.Close()
	// Each expands to a multiple of tight.expanded.
	bombs := [][]byte{gz(bytes.Repeat(js, 500)), gz(gz(bytes.Repeat([]byte{0x80}, 1<<23))), zs.Bytes(), gz(bytes.Repeat([]byte(`{"a":[{},`), 1<<19))}
	deep := [][]byte{bytes.Repeat([]byte{0x91}, 1<<19), bytes.Repeat([]byte(`{"a":`), 1<<17), bytes.Repeat([]byte("["), 1<<19),
		bytes.Repeat([]byte("{\n"), 1<<17), bytes.Repeat([]byte(`{"a":[{}`), 1<<16), bytes.Repeat([]byte("gd1."), 1<<17)}
	wide := append([]byte(`{"a":[`), bytes.Repeat([]byte("{},"), 1<<18)...)
	var all [][]byte
	switch kind {
	case "forward":
		head := func(n uint32) []byte { return msgp.AppendString(msgp.AppendArrayHeader(nil, n), "tag") }
		compressed := []byte("\x81\xaacompressed\xa4gzip")
		for _, b := range bombs {
			all = append(all, append(msgp.AppendBytes(head(3), b), compressed...))
		}
		for _, b := range deep {
			all = append(all, msgp.AppendBytes(head(2), b), b)
		}
		all = append(all,
			append(head(2), 0xdd, 255, 255, 255, 255), append(head(2), 0xc6, 255, 255, 255, 255), append(head(2), 0xdf, 127, 255, 255, 255),
			append(append(head(2), 0xdd, 0, 7, 255, 255), bytes.Repeat([]byte{0x92, 1, 0x80}, 1<<17)...), // an endless list
			append(append(msgp.AppendArrayHeader(head(2), 50), data...), data[:7]...),
			bytes.Repeat([]byte{0xc0}, 1<<20), // heartbeats
			append(append(msgp.AppendBytes(head(2), bytes.Repeat([]byte{0}, 600<<10)), bytes.Repeat([]byte{0x92, 0xa0, 0x90}, 1<<17)...), 0xc1),
			msgp.AppendBytes(head(2), data)[:500],
		)
	case "http":
		bodies := append(append(bombs, deep...), wide, js[:len(js)/2], data[:len(data)/2])
		for _, b := range bodies {
			all = append(all, append(fmt.Appendf(nil, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", len(b)), b...))
		}
		all = append(all,
			[]byte("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n{"),
			[]byte("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999\r\n\r\n{"),
			append([]byte("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n"), make([]byte, 1<<21)...),
			append([]byte("GET / HTTP/1.1\r\nX: "), bytes.Repeat([]byte("x"), 1<<20)...),
			[]byte("GET / HT"),
		)
	default:
		all = append(append(append(all, bombs...), deep...), wide, js[:len(js)-20], data[:len(data)-9],
			bytes.Repeat([]byte("x"), 1<<20), []byte{0xdd, 255, 255, 255, 255, 1, 2, 3}, append([]byte{0xdd, 255, 255, 255, 255}, make([]byte, 1<<19)...))

	}
	return all
}

// Under any attack, with slow clients and many connections, the server does not panic,
// and stays within its limits of memory and connections. It counts every record of a
// correct client exactly once, unless the client resent it. After Close, nothing is
// left.
func TestUnderAttack(t *testing.T) {
	cert := certificate(t)
	for _, c := range []struct {
		name, kind string
		o          Options
	}{
		{"forward", "forward", Options{}},
		{"forward with TLS and key", "forward", Options{SharedKey: "secret", TLS: &tls.Config{Certificates: []tls.Certificate{cert}}}},
		{"http", "http", Options{}},
		{"tcp", "tcp", Options{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := runtime.NumGoroutine()
			k := newSink()
			const step = 10
			records := max(testenv.Rounds(300), 4*step)
			k.below = uint64(records)
			s, err := listenWith(c.kind+"://127.0.0.1:0", k, c.o, tight)
			if err != nil {
				t.Fatal(err)
			}
			stop := make(chan struct{})
			var wg sync.WaitGroup
			var peak, conns atomic.Int64
			wg.Go(func() {
				for {
					select {
					case <-stop:
						return
					case <-time.After(5 * time.Millisecond):
					}
					peak.Store(max(peak.Load(), testenv.LastLiveHeap()))
					s.mu.Lock()
					conns.Store(max(conns.Load(), int64(len(s.conns))))
					s.mu.Unlock()
				}
			})
			g := &good{t: t, s: s, kind: c.kind, tls: c.o.TLS != nil, key: c.o.SharedKey}
			shapes := attacks(t, c.kind)
			base := testenv.LiveHeap()
			// The correct client connects before the attackers.
			done := make(chan error, 1)
			go func() { done <- g.run(records, step, 15*time.Millisecond) }()
			k.await(t, step)
			for i := range 12 {
				wg.Go(func() { attack(g, shapes, rand.New(rand.NewPCG(uint64(i), 7)), stop) })
			}
			if err := <-done; err != nil {
				t.Errorf("the good client: %v", err)
			}
			k.await(t, records)
			close(stop)
			wg.Wait()
			s.Close()

			k.mu.Lock()
			for i, times := range g.times {
				// If the machine stalled, the server's time limits may have ended
				// the good client's connection, before or after a request.
				if n := k.taken[uint64(i)]; n < 1 || n > times {
					t.Errorf("record %d arrived %d times, was sent %d times", i, n, times)
				}
			}
			k.mu.Unlock()
			if n := conns.Load(); n > int64(tight.conns) {
				t.Errorf("%d connections, more than %d", n, tight.conns)
			}
			// Incomplete requests, requests being parsed, and the buffers of each
			// connection and each attacker.
			bound := tight.pending + int64(tight.parsed)*(8*tight.expanded) + int64(tight.conns)*(64<<10) + 32<<20
			t.Logf("%d requests, %d connections at most; %d MB of memory at most, %d MB allowed", s.Requests(), conns.Load(), (peak.Load()-base)>>20, bound>>20)
			if n := peak.Load() - base; n > bound {
				t.Errorf("%d bytes of memory, want at most %d", n, bound)
			}
			if !s.room.TryAcquire(tight.pending) {
				t.Error("room was not released")
			}
			for end := time.Now().Add(time.Minute); runtime.NumGoroutine() > before; time.Sleep(10 * time.Millisecond) {
				if time.Now().After(end) {
					buf := make([]byte, 1<<16)
					t.Fatalf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, buf[:runtime.Stack(buf, true)])
				}
			}
		})
	}
}

// attack opens one connection at a time and sends attacks: complete, truncated, mutated,
// in pieces, a byte at a time, or nothing at all.
func attack(g *good, shapes [][]byte, r *rand.Rand, stop chan struct{}) {
	for {
		select {
		case <-stop:
			return
		default:
		}
		var c net.Conn
		var err error
		if r.IntN(4) == 0 { // without TLS or key
			c, err = net.Dial("tcp", g.s.Addr().String())
		} else {
			c, err = g.dial()
		}
		if err != nil {
			time.Sleep(time.Duration(r.IntN(20)) * time.Millisecond)
			continue
		}
		c.SetDeadline(time.Now().Add(1500 * time.Millisecond))
		b := bytes.Clone(shapes[r.IntN(len(shapes))])
		if r.IntN(3) == 0 {
			for range 1 + r.IntN(5) {
				b[r.IntN(len(b))] = byte(r.Uint32())
			}
		}
		switch r.IntN(5) {
		case 0:
			c.Write(b)
		case 1:
			c.Write(b[:r.IntN(len(b))])
		case 2: // pieces
			for len(b) > 0 {
				n := min(len(b), 1+r.IntN(1<<15))
				if _, err := c.Write(b[:n]); err != nil {
					break
				}
				b = b[n:]
			}
		case 3: // a byte at a time
			for i := range min(len(b), 300) {
				if _, err := c.Write(b[i : i+1]); err != nil {
					break
				}
				if i > 100 {
					time.Sleep(time.Millisecond)
				}
			}
		}
		switch r.IntN(3) {
		case 0:
			io.CopyN(io.Discard, c, 64)
		case 1:
			time.Sleep(time.Duration(r.IntN(50)) * time.Millisecond)
		}
		c.Close()
	}
}

// No record of a request that is too large counts, and the next request is parsed
// independently.
func TestTooLargeLeavesNothing(t *testing.T) {
	lim := tight
	lim.parsed = 1
	k := newSink()
	s, err := listenWith("http://127.0.0.1:0", k, Options{}, lim)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	// After a broken event the scanner searches for the next one, without limit.
	garbage := append([]byte("\x92\xd7\x00\x00\x00\x00\x00\x00\x00\x00\x01"), bytes.Repeat([]byte{0xc1}, 3<<20)...)
	if status, err := post(t, s, gz(garbage)); err != nil || status != http.StatusRequestEntityTooLarge {
		t.Fatal(status, err)
	}
	if status, err := post(t, s, []byte("\x81\xa1a\xa1b\x81\xa1a\xa1c")); err != nil || status != http.StatusOK {
		t.Fatal(status, err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if n := k.states[recordscan.Foreign]; n != 2 || k.broken != 0 {
		t.Errorf("%d foreign records and %d unreadable parts, want 2 and 0", n, k.broken)
	}
}

// Four clients with incomplete requests do not block others.
func TestSlowClientsBlockNoOthers(t *testing.T) {
	k := newSink()
	s := listen(t, "http", k, Options{})
	for range 20 {
		fmt.Fprint(dial(t, s), "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{")
	}
	data, _ := events(t, event.V2, 0, 5)
	client := http.Client{Timeout: 2 * time.Second}
	resp, err := client.Post("http://"+s.Addr().String(), "", bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	k.await(t, 5)
}
