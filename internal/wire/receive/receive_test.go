// SPDX-License-Identifier: Apache-2.0

package receive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/s2"
	"github.com/tinylib/msgp/msgp"

	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/msgpack"
	"github.com/gdummy/gdummy/internal/prove/recordscan"
	"github.com/gdummy/gdummy/internal/testenv"
)

func post(t testing.TB, s *Server, body []byte) (int, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, "POST", "http://"+s.Addr().String()+"/any", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	return resp.StatusCode, nil
}

// An error that a client causes again and again is logged the first, the tenth and the
// hundredth time. Another client has lines of its own.
func TestLogRepeated(t *testing.T) {
	var got []string
	s := &Server{kind: "forward", o: Options{Log: func(line string) { got = append(got, line) }}}
	for n := range 120 {
		to := &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 24224}
		from := &net.TCPAddr{IP: net.IPv4(10, 0, 0, 2), Port: 1000 + n}
		s.log(from.String(), &net.OpError{Op: "read", Net: "tcp", Source: to, Addr: from, Err: errors.New("bad record")})
	}
	s.log("10.0.0.3:1", errors.New("bad record"))
	s.log("10.0.0.3:2", errors.New("other"))
	want := []string{
		"forward://10.0.0.2:1000: bad record", "forward://10.0.0.2:1009: bad record (10 times from 10.0.0.2)",
		"forward://10.0.0.2:1099: bad record (100 times from 10.0.0.2)", "forward://10.0.0.3:1: bad record", "forward://10.0.0.3:2: other",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for n := range 2 * maxLogged {
		s.log("10.0.0.4:1", fmt.Errorf("error %d", n))
	}
	if len(s.logged) != maxLogged {
		t.Errorf("%d errors are counted, expected %d", len(s.logged), maxLogged)
	}
}

func TestHTTP(t *testing.T) {
	data, each := events(t, event.V2, 0, 20)
	js := lines(each)
	array := append(append([]byte("["), bytes.ReplaceAll(bytes.TrimSpace(js), []byte("\n"), []byte(","))...), ']')
	for name, b := range map[string][]byte{
		"msgpack": data, "json_lines": js, "json": array,
		"json_stream": bytes.ReplaceAll(js, []byte("\n"), nil), "gzip": gz(js), "msgpack, gzip": gz(data),
	} {
		k := newSink()
		s := listen(t, "http", k, Options{})
		code, err := post(t, s, b)
		if err != nil || code != 200 || k.count(recordscan.Intact) != 20 {
			t.Errorf("%s: %d, %v, %+v", name, code, err, k.states)
		}
	}
	// Decompression bombs.
	lim := defaultLimits
	if testenv.Race() {
		lim = tight
	}
	k := newSink()
	s, err := listenWith("http://127.0.0.1:0", k, Options{}, lim)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	bomb := gz(bytes.Repeat([]byte("{}\n"), int(lim.expanded)/3+1))
	for name, b := range map[string][]byte{"large": make([]byte, lim.request+1), "bomb": bomb, "bomb in a bomb": gz(gz(gz(js)))} {
		if code, err := post(t, s, b); err == nil && code < 400 {
			t.Errorf("%s: %d", name, code)
		}
	}
	if len(k.taken) > 0 {
		t.Errorf("%d records of refused requests were taken", len(k.taken))
	}
}

// No response contains what was sent before, by this client or another.
func TestReturnsNoRecords(t *testing.T) {
	k := newSink()
	s := listen(t, "http", k, Options{})
	if code, err := post(t, s, []byte(`{"secret":"hunter2"}`)); err != nil || code != 200 {
		t.Fatal(code, err)
	}
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"} {
		r, err := http.NewRequest(method, "http://"+s.Addr().String()+"/", strings.NewReader(`{"a":1}`))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		var all bytes.Buffer
		if err := resp.Write(&all); err != nil || strings.Contains(all.String(), "hunter2") {
			t.Errorf("%s returns %q, %v", method, all.String(), err)
		}
		resp.Body.Close()
	}
}

// An unsupported body is answered with 415, because of its type or its contents. Anything
// that may be JSON, MessagePack or text is accepted.
func TestUnsupported(t *testing.T) {
	_, each := events(t, event.V2, 0, 3)
	js := string(lines(each))
	binary := "PAR1\x15\x00\x15" + js
	for _, c := range []struct {
		kind, encoding, body string
		want                 int
	}{
		{"", "", js, 200}, {"application/json; charset=utf-8", "", js, 200}, {"application/x-ndjson", "", js, 200}, {"text/plain", "", js, 200},
		{"application/x-www-form-urlencoded", "", js, 200}, {"application/octet-stream", "", js, 200}, {"application/msgpack", "", string(each[0]), 200},
		{"application/vnd.kafka.json.v2+json", "", js, 200}, {"application/vnd.kafka.avro.v2+json", "", js, 200}, {"not a type;;", "", js, 200},
		{"application/gzip", "", string(gz([]byte(js))), 200}, {"", "GZIP", string(gz([]byte(js))), 200}, {"", "x-gzip", string(gz([]byte(js))), 200},
		{"application/x-protobuf", "", js, 415}, {"application/grpc+proto", "", js, 415}, {"avro/binary", "", binary, 415}, {"application/vnd.apache.parquet", "", js, 415},
		{"Application/X-Protobuf", "", js, 415}, {"multipart/form-data; boundary=x", "", js, 415}, {"image/png", "", js, 415}, {"application/zip", "", js, 415},
		{"application/json", "br", js, 415}, {"application/json", "", binary, 415}, {"application/octet-stream", "", "\x0a\x20\x12\x1e\x12\x1c\x09" + js, 415},
		{"", "gzip", string(gz([]byte(binary))), 415}, {"", "", string(bytes.Repeat([]byte("\x01\xff\x10\x80"), 100)), 415},
	} {
		k := newSink()
		s := listen(t, "http", k, Options{})
		r, err := http.NewRequestWithContext(t.Context(), "POST", "http://"+s.Addr().String(), strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", c.kind)
		r.Header.Set("Content-Encoding", c.encoding)
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		s.Close()
		want := 0
		if c.want == 200 {
			want = 3
			if c.kind == "application/msgpack" {
				want = 1
			}
		}
		if resp.StatusCode != c.want || k.count(recordscan.Intact) != want || len(k.states) > 1 || k.broken > 0 {
			t.Errorf("%q, %q: status %d, want %d; %v", c.kind, c.encoding, resp.StatusCode, c.want, k.states)
		}
	}
}

// A body that is a single document with a list of wrapped records has the records of the
// list. A record that is listed twice arrives twice.
func TestWrappedTwice(t *testing.T) {
	_, each := events(t, event.V2, 0, 20)
	var hits [][]byte
	for _, line := range bytes.Split(bytes.TrimSpace(lines(each)), []byte("\n")) {
		hit := []byte(`{"_index":"x","_source":` + string(line) + `}`)
		hits = append(hits, hit, hit)
	}
	body := []byte(`{"hits":{"total":40,"hits":[` + string(bytes.Join(hits, []byte(","))) + `]}}`)
	for _, path := range []string{"", "hits.hits._source.gdummy"} {
		k := newSink()
		s := listen(t, "http", k, Options{Path: path})
		if code, err := post(t, s, body); err != nil || code != http.StatusOK {
			t.Fatal(code, err)
		}
		k.mu.Lock()
		for seq := range uint64(20) {
			if k.taken[seq] != 2 {
				t.Errorf("at %q record %d arrived %d times", path, seq, k.taken[seq])
			}
		}
		if d := cmp.Diff(map[recordscan.State]int{recordscan.Enriched: 40}, k.states); d != "" || k.broken > 0 {
			t.Errorf("at %q: %d broken\n%s", path, k.broken, d)
		}
		k.mu.Unlock()
	}
}

func TestTCP(t *testing.T) {
	_, each := events(t, event.V2, 0, 20)
	k := newSink()
	s := listen(t, "tcp", k, Options{})
	c := dial(t, s)
	js := lines(each)
	c.Write(js[:len(js)-10])
	k.await(t, 19) // as they arrive, not at the end
	c.Write(js[len(js)-10:])
	k.await(t, 20)
}

// A body is decoded according to its encoding or refused, and never treated as text.
func TestContentEncoding(t *testing.T) {
	data, _ := events(t, event.V2, 0, 20)
	for encoding, c := range map[string]struct {
		body []byte
		code int
	}{
		"gzip": {gz(data), 200}, "snappy": {s2.EncodeSnappy(nil, data), 200}, "identity": {data, 200},
		"br": {data, 415}, "deflate": {data, 415}, "snappy ": {data, 400},
	} {
		k := newSink()
		s := listen(t, "http", k, Options{})
		r, err := http.NewRequest("POST", "http://"+s.Addr().String(), bytes.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Encoding", encoding)
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if want := map[bool]int{true: 20}[c.code == 200]; resp.StatusCode != c.code && c.code != 400 || len(k.taken) != want {
			t.Errorf("%s: %d, %d records", encoding, resp.StatusCode, len(k.taken))
		}
	}
}

// A request in progress when the server is closed is neither taken nor answered.
func TestClosedUnanswered(t *testing.T) {
	data, _ := events(t, event.V2, 0, 5)
	for range 20 {
		k := newSink()
		s := listen(t, "http", k, Options{Faults: &Faults{Delay: time.Hour, Delayed: 1}})
		go func() {
			for s.Requests() == 0 {
				time.Sleep(time.Millisecond)
			}
			s.Close()
		}()
		if code, err := post(t, s, data); err == nil {
			t.Fatalf("answered with %d, and %d records were taken", code, k.count(recordscan.Intact))
		}
	}
}

// Faults depend on the seed and are counted separately. Refused records are not taken.
func TestFaults(t *testing.T) {
	f, err := ParseFaults("status=503@30%, drop=20%, delay=1ms@50%")
	if err != nil {
		t.Fatal(err)
	}
	run := func() (codes []int, k *sink) {
		k = newSink()
		s := listen(t, "http", k, Options{Faults: f, Seed: 9})
		for i := range 100 {
			data, _ := events(t, event.V2, i, 1)
			code, err := post(t, s, data)
			if err != nil {
				t.Fatal(err)
			}
			codes = append(codes, code)
		}
		return codes, k
	}
	a, k := run()
	b, _ := run()
	if d := cmp.Diff(a, b); d != "" {
		t.Errorf("faults differ in a second run: %s", d)
	}
	refused := 0
	for _, c := range a {
		if c == 503 {
			refused++
		}
	}
	if refused < 15 || refused > 45 || len(k.taken)+k.withheld != 100 || k.withheld <= refused {
		t.Errorf("%d refused, %d withheld, %d taken", refused, k.withheld, len(k.taken))
	}
}

func TestReset(t *testing.T) {
	k := newSink()
	s := listen(t, "http", k, Options{Faults: &Faults{Reset: 1}})
	data, _ := events(t, event.V2, 0, 1)
	if code, err := post(t, s, data); err == nil {
		t.Errorf("answered %d", code)
	}
	s.Close() // waits for requests that may still use the sink
	if k.withheld != 1 || len(k.taken) != 0 {
		t.Errorf("%+v", k)
	}
}

func TestParseFaults(t *testing.T) {
	got, err := ParseFaults("drop=1%, delay=2s@5%, status=503@10%, reset=1%, slow=1MB/s, rate=300/m, workers=4, outage=30s every 5m")
	if err != nil {
		t.Fatal(err)
	}
	want := &Faults{Drop: 0.01, Delay: 2 * time.Second, Delayed: 0.05, Status: 503, Refused: 0.1, Reset: 0.01,
		Slow: 1_000_000, Rate: 5, Workers: 4, Outage: 30 * time.Second, Every: 5 * time.Minute}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if got, err = ParseFaults("status=500"); err != nil || got.Refused != 1 {
		t.Errorf("%+v, %v", got, err)
	}
	for _, bad := range []string{"", "x", "drop", "drop=1", "drop=101%", "drop=-1%", "drop=NaN%", "status=200", "status=x", "delay=x", "outage=5m every 30s", "slow=0", "rate=0", "rate=x", "rate=-1/s", "workers=0", "workers=x", "workers=1.5", "what=1%", "status=503@10%, status=429"} {
		if _, err := ParseFaults(bad); err == nil {
			t.Errorf("ParseFaults(%q) succeeded", bad)
		}
	}
	if f := want; f.down(4*time.Minute) || !f.down(4*time.Minute+31*time.Second) || f.down(5*time.Minute+time.Second) {
		t.Error("wrong time of the outage")
	}
}

// The server survives any input.
func TestHostile(t *testing.T) {
	for _, kind := range kinds {
		k := newSink()
		s := listen(t, kind, k, Options{})
		data, each := events(t, event.V2, 0, 1)
		for _, b := range [][]byte{
			nil, []byte("x"), []byte("GET / HTTP/1.1\r\n\r\n"), {0xdf, 255, 255, 255, 255}, {0x93, 0xa1, 'x', 0xc6, 255, 255, 255, 255},
			bytes.Repeat([]byte{0x91}, 100000), bytes.Repeat([]byte("{\"a\":"), 100000), bytes.Repeat([]byte("["), 100000),
			append([]byte{0x92, 0xa1, 'x'}, msgp.AppendBytes(nil, bytes.Repeat([]byte{0x91}, 100000))...),
			append([]byte{0x93, 0xa1, 'x', 0xc4, 2, 0x1f, 0x8b}, "\x81\xaacompressed\xa4gzip"...),
			{0x92, 0xa1, 'x', 0xdd, 255, 255, 255, 255}, {0x92, 0xa1}, {0xc1},
		} {
			c := dial(t, s)
			c.Write(b)
			c.(*net.TCPConn).CloseWrite()
			c.SetReadDeadline(time.Now().Add(5 * time.Second))
			if _, err := io.Copy(io.Discard, c); errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: %.20q hangs", kind, b)
			}
			c.Close()
		}
		// The server still works.
		switch kind {
		case "http":
			post(t, s, data)
		case "forward":
			dial(t, s).Write(msgp.AppendBytes(msgp.AppendString(msgp.AppendArrayHeader(nil, 2), "tag"), data))
		default:
			dial(t, s).Write(lines(each))
		}
		k.await(t, 1)
	}
}

func TestListenRefuses(t *testing.T) {
	for _, a := range []string{"", "x", "udp://127.0.0.1:1", "forward://127.0.0.1", "http://:99999"} {
		if s, err := Listen(a, newSink(), Options{}); err == nil {
			s.Close()
			t.Errorf("Listen(%q) succeeded", a)
		}
	}
	s, err := Listen("tcp://:0", newSink(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if !strings.HasPrefix(s.Addr().String(), "127.0.0.1:") {
		t.Errorf("without a host it listens at %s", s.Addr())
	}
}

func FuzzMessage(f *testing.F) {
	data, _ := events(f, event.V2, 0, 2)
	f.Add(msgp.AppendBytes(msgp.AppendString(msgp.AppendArrayHeader(nil, 2), "tag"), data))
	f.Add(append(msgp.AppendArrayHeader(msgp.AppendString(msgp.AppendArrayHeader(nil, 2), "tag"), 2), data...))
	f.Add(append(append([]byte{0x93, 0xa1, 'x'}, data[1:]...), 0x80))
	s := &Server{}
	f.Fuzz(func(t *testing.T, msg []byte) {
		if _, err := msgpack.Skip(msg); err == nil {
			s.message(msg, s.newBatch(recordscan.Options{MaxRecord: 1 << 20, MaxBytes: 1 << 20}))
		}
	})
}
