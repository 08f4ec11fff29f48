// SPDX-License-Identifier: Apache-2.0

package receive

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"
	"github.com/tinylib/msgp/msgp"

	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/generate/engine"
	"github.com/gdummy/gdummy/internal/generate/jsonbody"
	"github.com/gdummy/gdummy/internal/msgpack"
	"github.com/gdummy/gdummy/internal/prove/recordscan"
	"github.com/gdummy/gdummy/internal/testenv"
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
func (s source) Refresh(uint64)         {}
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
	got, err := ParseFaults("drop=1%, delay=2s@5%, status=503@10%, reset=1%, slow=1MB/s, rate=300/m, outage=30s every 5m")
	if err != nil {
		t.Fatal(err)
	}
	want := &Faults{Drop: 0.01, Delay: 2 * time.Second, Delayed: 0.05, Status: 503, Refused: 0.1, Reset: 0.01,
		Slow: 1_000_000, Rate: 5, Outage: 30 * time.Second, Every: 5 * time.Minute}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if got, err = ParseFaults("status=500"); err != nil || got.Refused != 1 {
		t.Errorf("%+v, %v", got, err)
	}
	for _, bad := range []string{"", "x", "drop", "drop=1", "drop=101%", "drop=-1%", "drop=NaN%", "status=200", "status=x", "delay=x", "outage=5m every 30s", "slow=0", "rate=0", "rate=x", "rate=-1/s", "what=1%", "status=503@10%, status=429"} {
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
func (c *counter) Others(uint64, uint64)     {}
func (c *counter) get() int                  { c.mu.Lock(); defer c.mu.Unlock(); return c.n }

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
