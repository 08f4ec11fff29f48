// SPDX-License-Identifier: Apache-2.0

package receive

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tinylib/msgp/msgp"

	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/prove/audit"
	"github.com/gdummy/gdummy/internal/prove/ledger"
)

// auditSink passes records to an audit, like the command.
type auditSink struct {
	*sink
	a *audit.Auditor
}

func (s auditSink) Take(f []Finding, arrival int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range f {
		s.a.Take(x.ID, x.State, arrival)
	}
}

func (s auditSink) Refuse(r Refusal, f []Finding) {
	s.mu.Lock()
	defer s.mu.Unlock()
	reason := s.a.Refused(r.Why, r.Dropped, r.Partly, r.More)
	for _, x := range f {
		s.a.Refuse(reason, x.ID)
	}
}

// plan configures the faults of a receiver, and a client that sends batches in sequence.
type plan struct {
	kind     string // acked means forward with acknowledgements
	faults   Faults
	seed     uint64
	tries    int // for each batch
	batches  int
	ledger   bool
	patience time.Duration // of the client
}

const perBatch = 5

func drawPlan(r *rand.Rand) plan {
	chance := func() float64 { return []float64{0, 0, 0.2, 0.5, 1}[r.IntN(5)] }
	p := plan{kind: []string{"http", "acked", "forward", "tcp"}[r.IntN(4)], seed: r.Uint64(), tries: 1 + r.IntN(4),
		batches: 1 + r.IntN(12), ledger: r.IntN(2) == 0, patience: 700 * time.Millisecond}
	p.faults = Faults{Drop: chance(), Reset: chance(), Refused: chance()}
	if p.faults.Refused > 0 {
		p.faults.Status = 503
	}
	if p.faults.Delayed = chance(); p.faults.Delayed > 0 {
		p.faults.Delay = []time.Duration{301 * time.Millisecond, 1301 * time.Millisecond}[r.IntN(2)]
	}
	if r.IntN(3) == 0 && p.kind != "tcp" {
		p.faults.Outage = 2003 * time.Millisecond
		p.faults.Every = []time.Duration{0, 4007 * time.Millisecond}[r.IntN(2)]
	}
	return p
}

// want is the expected verdict.
type want struct {
	Counts  audit.Counts
	Refused []audit.Refusal
}

// attempt is the planned result of an attempt to send a batch.
type attempt struct {
	batch  int
	why    string // empty if the batch is taken
	unread bool
	unseen bool // no record of it is known
}

// planned computes the result of a plan, in the time of the client. It draws the same
// random numbers as the server.
func (p plan) planned() (w want, end time.Duration) {
	d := faultInjector{faults: &p.faults, rng: rand.New(rand.NewPCG(p.seed, 0x6764756d6d79))}
	var all []attempt
	now := time.Duration(0)
	for batch := range p.batches {
		for range p.tries {
			a := attempt{batch: batch}
			failed := true
			spent := time.Duration(0)
			if p.faults.down(now) {
				a.why, a.unread, a.unseen = faultOutage, true, true
			} else {
				f := d.draw()
				late := f.delay > p.patience
				spent = min(f.delay, p.patience)
				f.outage = p.faults.down(now + f.delay)
				a.why = f.fault()
				switch p.kind {
				case "http":
					if late {
						a.why = faultDelay
					}
					failed = late || a.why != "" && a.why != faultDrop
				case "acked":
					failed = late || a.why != "" && a.why != faultDrop
				case "forward":
					failed, spent = false, 0 // the client does not wait for an answer
				case "tcp":
					failed = late // the batch could not be written
					a.unseen = late
					a.unread = a.why == faultReset || a.why == faultStatus
				}
			}
			all = append(all, a)
			now += spent + time.Second
			if !failed {
				break
			}
		}
	}
	return p.add(all), now
}

// add adds the results of the batches.
func (p plan) add(all []attempt) (w want) {
	w.Refused = []audit.Refusal{}
	reasons := map[string]int{}
	for _, fault := range faultNames {
		if name := p.faults.Name(fault); name != "" {
			reasons[fault] = len(w.Refused)
			w.Refused = append(w.Refused, audit.Refusal{Why: name, Acknowledged: fault == faultDrop})
		}
	}
	c := &w.Counts
	total := uint64(p.batches * perBatch)
	highest := -1
	for _, a := range all {
		if !a.unseen {
			highest = max(highest, a.batch)
		}
	}
	if p.ledger {
		c.Sent, c.Accepted, c.Refused, c.Shortfall = total, audit.Known(total), audit.Known(0), audit.Known(0)
	} else {
		c.Sent = uint64(highest+1) * perBatch
	}
	for batch := range p.batches {
		seen := map[string]bool{}
		arrivals := uint64(0)
		for _, a := range all {
			if a.batch != batch {
				continue
			}
			if a.why != "" {
				r := &w.Refused[reasons[a.why]]
				r.Requests++
				if a.unread {
					r.Partly++
				}
			}
			switch {
			case a.unseen:
			case a.why == "":
				arrivals++
			default:
				seen[a.why] = true
			}
		}
		for fault := range seen {
			w.Refused[reasons[fault]].Records += perBatch
		}
		switch {
		case arrivals > 0:
			c.Arrived += perBatch
			c.Duplicates += (arrivals - 1) * perBatch
		case seen[faultDrop]:
			c.Withheld += perBatch
			w.Refused[reasons[faultDrop]].Withheld += perBatch
		case p.ledger || batch <= highest:
			c.Lost += perBatch
			if i := slices.IndexFunc(faultNames, func(f string) bool { return seen[f] }); i >= 0 {
				c.ByReceiver += perBatch
				w.Refused[reasons[faultNames[i]]].Lost += perBatch
			}
		}
	}
	return w
}

// send sends a batch once. It returns nil if the client considers it delivered.
func (p plan) send(t *testing.T, at *pipes, data []byte, each [][]byte) error {
	if p.kind == "http" {
		client := http.Client{Timeout: p.patience, Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext:       func(context.Context, string, string) (net.Conn, error) { return at.dial(t), nil },
		}}
		resp, err := client.Post("http://pipe/", "", bytes.NewReader(data))
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				err = fmt.Errorf("status %d", resp.StatusCode)
			}
		}
		return err
	}
	c := at.dial(t)
	defer c.Close()
	c.SetDeadline(time.Now().Add(p.patience))
	msg := lines(each)
	if p.kind != "tcp" {
		msg = msgp.AppendBytes(msgp.AppendString(msgp.AppendArrayHeader(nil, 3), "tag"), data)
		msg = msgp.AppendMapHeader(msg, 1)
		msg = msgp.AppendString(msgp.AppendString(msg, "chunk"), "abc")
	}
	_, err := c.Write(msg)
	if err == nil && p.kind == "acked" {
		_, err = c.Read(make([]byte, 16))
	}
	return err
}

// The verdict on records that a receiver with faults refused is exact: they are lost by
// that fault if they did not arrive later, withheld if they were acknowledged, and neither
// if they arrived.
func TestRefusedIsNotDelivered(t *testing.T) {
	seen := map[string]int{}
	for seed := range uint64(400) {
		p := drawPlan(rand.New(rand.NewPCG(seed, 7)))
		expected, end := p.planned()
		kind := p.kind
		if kind == "acked" {
			kind = "forward"
		}
		synctest.Test(t, func(t *testing.T) {
			o := audit.Options{}
			if p.ledger {
				n := uint64(p.batches * perBatch)
				st := &ledger.Stream{Run: 7, Closed: time.Now(), End: ledger.Totals{Accepted: n}}
				st.Accepted = []ledger.Entry{{Range: ledger.Range{From: 0, To: n - 1}, Since: time.Now(), Until: time.Now()}}
				o.Ledgers = []*ledger.Ledger{{Streams: []*ledger.Stream{st}}}
			}
			a := audit.New(o)
			for _, name := range p.faults.Names() {
				a.Expect(name, Drops(name))
			}
			at := &pipes{accepted: make(chan net.Conn), closed: make(chan struct{})}
			s := serveOn(at, kind, auditSink{newSink(), a}, Options{Faults: &p.faults, Seed: p.seed}, defaultLimits)
			start := time.Now()
			for batch := range p.batches {
				data, each := events(t, event.V2, batch*perBatch, perBatch)
				for range p.tries {
					err := p.send(t, at, data, each)
					time.Sleep(time.Second)
					if err == nil {
						break
					}
				}
			}
			if took := time.Since(start); took != end {
				t.Errorf("plan %d took %v, planned %v", seed, took, end)
			}
			time.Sleep(time.Minute)
			s.Close()
			v := a.Verdict()
			got := want{Counts: v.Counts, Refused: []audit.Refusal{}}
			if v.Receiver != nil {
				got.Refused = v.Receiver.Refused
				if v.Receiver.AtLeast {
					t.Errorf("plan %d: the verdict is exact in spite of the memory limit", seed)
				}
			}
			got.Counts.Reordered, got.Counts.Distance = 0, 0
			if d := cmp.Diff(expected, got); d != "" {
				t.Errorf("plan %d, %+v:\n%s", seed, p, d)
			}
		})
		if t.Failed() {
			return
		}
		for _, r := range expected.Refused {
			if r.Lost > 0 {
				seen["lost: "+p.kind+" "+r.Why[:4]]++
			}
			if r.Withheld > 0 {
				seen["withheld: "+p.kind]++
			}
		}
		if expected.Counts.Lost > expected.Counts.ByReceiver {
			seen["lost, never seen: "+p.kind]++
		}
		if expected.Counts.Duplicates > 0 {
			seen["duplicates: "+p.kind]++
		}
	}
	if testing.Verbose() {
		t.Log(seen)
	}
	for _, kind := range []string{"lost: http outa", "lost: http rese", "lost: http stat", "lost: http dela", "withheld: http", "lost, never seen: http",
		"lost: acked rese", "lost: forward stat", "lost: tcp rese", "withheld: tcp", "duplicates: acked"} {
		if seen[kind] == 0 {
			t.Errorf("no plan resulted in %q", kind)
		}
	}
}

// Names of faults have the syntax of ParseFaults.
func TestFaultNames(t *testing.T) {
	for text, want := range map[string]string{
		"drop=1%, delay=2s@5%, status=503@10%, reset=1%, slow=1MB/s, outage=30s every 5m": "outage=30s every 5m, reset=1%, status=503@10%, delay=2s@5%, slow=1000000B/s, drop=1%",
		"status=429":                       "status=429",
		"rate=5k/s":                        "rate=5000/s",
		"rate=30/m":                        "rate=0.5/s",
		"workers=2,delay=50ms":             "workers=2, delay=50ms",
		"delay=1500ms":                     "delay=1.5s",
		"outage=1h":                        "outage=1h",
		"outage=90m every 1d":              "outage=1h30m every 1d",
		"drop=0.1%,reset=33.3%":            "reset=33.3%, drop=0.1%",
		"drop=0%, delay=0s, status=500@0%": "",
	} {
		f, err := ParseFaults(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := f.String(); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
		if want == "" {
			continue
		}
		again, err := ParseFaults(want)
		if d := cmp.Diff(f, again); err != nil || d != "" {
			t.Errorf("%s: %v\n%s", want, err, d)
		}
		for _, name := range f.Names() {
			if Drops(name) != (name[:4] == "drop") {
				t.Errorf("%s: drops %v", name, Drops(name))
			}
		}
	}
}

// If a client abandons a receiver that reads too slowly, the records read so far are
// refused by that fault; the others are unknown.
func TestSlowIsRefused(t *testing.T) {
	data, _ := events(t, event.V2, 0, 200)
	msg := msgp.AppendBytes(msgp.AppendString(msgp.AppendArrayHeader(nil, 2), "tag"), data)
	post := append([]byte(fmt.Sprintf("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", len(data))), data...)
	for kind, text := range map[string][]byte{"http": post, "forward": msg} {
		f := &Faults{Slow: 2000}
		inBubble(t, kind, Options{Faults: f}, defaultLimits, func(t *testing.T, p *pipes, s *Server, k *sink) {
			c := p.dial(t)
			c.SetWriteDeadline(time.Now().Add(5050 * time.Millisecond))
			n, err := c.Write(text)
			if err == nil || n < 9000 || n > 11000 {
				t.Fatalf("%s: %d bytes in five seconds, %v", kind, n, err)
			}
			if !s.Active() {
				t.Errorf("%s: Active() = false during a request", kind)
			}
			c.Close()
			time.Sleep(time.Minute)
			synctest.Wait()
			whole := uint64(n) * 200 / uint64(len(text))
			got := k.refused["slow=2000B/s"]
			if d := cmp.Diff([]Refusal{{Why: "slow=2000B/s", Partly: true}}, k.refusals); d != "" || len(k.taken) > 0 {
				t.Errorf("%s: %d taken, %s", kind, len(k.taken), d)
			}
			if uint64(len(got)) < whole-3 || uint64(len(got)) > whole+1 || got[0] != 0 || got[len(got)-1] != uint64(len(got)-1) {
				t.Errorf("%s: %d records are known of %d bytes, want about %d", kind, len(got), n, whole)
			}
			if s.Active() {
				t.Errorf("%s: Active() = true after the request", kind)
			}
		})
	}
}

// A request that a limit refuses has a reason. One that the client aborts has none.
func TestLimitsAreReasons(t *testing.T) {
	data, _ := events(t, event.V2, 0, 20)
	lim := tight
	header := func(n int, more string) string {
		return fmt.Sprintf("POST / HTTP/1.1\r\nHost: x\r\n%sContent-Length: %d\r\n\r\n", more, n)
	}
	for name, c := range map[string]struct {
		kind, text string
		want       []Refusal
		known      int
	}{
		"too large":         {"http", header(lim.request+1, ""), []Refusal{{Why: whyLarge, Partly: true}}, 0},
		"encoding":          {"http", header(len(data), "Content-Encoding: br\r\n") + string(data), []Refusal{{Why: whyEncoding, Partly: true}}, 0},
		"not gzip":          {"http", header(4+len(data), "") + "\x1f\x8bxx" + string(data), []Refusal{{Why: whyBody, Partly: true}}, 20},
		"slow by itself":    {"http", header(len(data)+9, "") + string(data), []Refusal{{Why: whyLate, Partly: true}}, 20},
		"forward, by size":  {"forward", "\x92\xa1x\xc6\x7f\xff\xff\xff", []Refusal{{Why: whyLarge, Partly: true}}, 0},
		"forward, no gzip":  {"forward", "\x93\xa1x\xc4\x02\x1f\x8b\x81\xaacompressed\xa4gzip", []Refusal{{Why: whyBody, Partly: true}}, 0},
		"forward, cut":      {"forward", "\x92\xa1x", nil, 0},
		"forward, all well": {"forward", "\xc0", nil, 0},
	} {
		inBubble(t, c.kind, Options{}, lim, func(t *testing.T, p *pipes, s *Server, k *sink) {
			conn := p.dial(t)
			go func() {
				buf := make([]byte, 1024)
				for {
					if _, err := conn.Read(buf); err != nil {
						return
					}
				}
			}()
			conn.SetWriteDeadline(time.Now().Add(time.Hour))
			conn.Write([]byte(c.text)) // the connection may be closed meanwhile
			if name == "forward, cut" {
				conn.Close()
			}
			time.Sleep(10 * time.Minute)
			synctest.Wait()
			if d := cmp.Diff(c.want, k.refusals); d != "" || k.withheld != c.known || len(k.taken) > 0 {
				t.Errorf("%s: %d known, want %d, %d taken: %s", name, k.withheld, c.known, len(k.taken), d)
			}
			conn.Close()
		})
	}
}
