package receive

import (
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"

	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/testenv"
)

// Whatever bytes come to whichever listener: it answers or hangs up as soon as
// there are no more, and still takes the records of who comes next.
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

	var servers []*Server
	sink := newSink()
	for _, kind := range kinds {
		s, err := listenWith(kind+"://127.0.0.1:0", sink, Options{}, tight)
		if err != nil {
			f.Fatal(err)
		}
		f.Cleanup(func() { s.Close() })
		servers = append(servers, s)
	}
	// send sends bytes, and waits for the end.
	send := func(s *Server, data []byte) error {
		c, err := net.Dial("tcp", s.Addr().String())
		if err != nil {
			return err
		}
		defer c.Close()
		tcp := c.(*net.TCPConn)
		if err := errors.Join(tcp.SetLinger(0), c.SetDeadline(time.Now().Add(20*time.Second))); err != nil {
			return err
		}
		if _, err := c.Write(data); err == nil {
			_ = tcp.CloseWrite() // it may have hung up
		}
		_, err = io.Copy(io.Discard, c)
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() {
			return errors.New("it neither answers nor hangs up")
		}
		return nil
	}
	f.Fuzz(func(t *testing.T, which byte, data []byte) {
		s := servers[int(which)%len(servers)]
		if err := send(s, data); err != nil {
			t.Fatal(err)
		}
		before := sink.records()
		if err := send(s, good[s.kind]); err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(10 * time.Second); sink.records() < before+2; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("who comes next is not heard")
			}
		}
		if n := testenv.LastLiveHeap(); n > 256<<20 {
			t.Fatalf("%d bytes are reachable", n)
		}
	})
}

// records is how many records came, each time they did.
func (s *sink) records() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, states := range s.states {
		n += states
	}
	return n
}
