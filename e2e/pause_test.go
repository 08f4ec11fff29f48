// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// sink is an HTTP server that refuses all chunks until it is opened, and then keeps their
// records.
type sink struct {
	port    int
	open    atomic.Bool
	refused atomic.Int64

	mu   sync.Mutex
	recs []record
	err  error
}

func newSink(t *testing.T) *sink {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &sink{port: l.Addr().(*net.TCPAddr).Port}
	server := &http.Server{Handler: s}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	return s
}

func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if !s.open.Load() {
		s.refused.Add(1)
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	recs, _, decodeErr := decode(body)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		err = decodeErr
	}
	if err != nil && s.err == nil {
		s.err = err
	}
	s.recs = append(s.recs, recs...)
}

func (s *sink) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.recs)
}

// output returns the section of an output that sends a tag to the sink and retries each
// second.
func (s *sink) output(tag string) string {
	return fmt.Sprintf("\n[OUTPUT]\n    name http\n    match %s\n    host 127.0.0.1\n    port %d\n    format msgpack\n    retry_limit no_limits\n", tag, s.port)
}

// An input that reaches its mem_buf_limit is paused, and resumes once its records are
// flushed. In all versions, Fluent Bit stops and starts the collector of the instance that was
// initialized last instead. It must not matter which of two instances has the limit, and the
// other must not be affected. All records arrive.
func TestPauseAndResume(t *testing.T) {
	onEachHost(t, func(t *testing.T, h host) {
		for _, order := range []string{"limited first", "limited last"} {
			t.Run(order, func(t *testing.T) {
				t.Parallel()
				testPauseAndResume(t, h, order == "limited first")
			})
		}
	})
}

func testPauseAndResume(t *testing.T, h host, limitedFirst bool) {
	const samples = 4000
	s := newSink(t)
	// About 100 bytes each: the limit is reached within a second or two.
	limited := input("name gdummy", "tag limited", "alias limited", "mem_buf_limit 100k", "rate 1000",
		fmt.Sprintf("samples %d", samples), fmt.Sprintf(`dummy {"pad":%q}`, xs(80)))
	free := input("name gdummy", "tag free", "alias free", "rate 20", `dummy {"free":true}`)
	inputs := limited + free
	if !limitedFirst {
		inputs = free + limited
	}
	config := service + "    scheduler.base 1\n    scheduler.cap 1\n" + inputs + s.output("limited") +
		strings.Replace(toFiles, "*", "free", 1)
	p := h.start(t, launch{config: config})

	// Older hosts log the number of the input, newer ones its alias.
	limitedName, freeName := `(limited|gdummy\.0)`, `(free|gdummy\.1)`
	if !limitedFirst {
		limitedName, freeName = `(limited|gdummy\.1)`, `(free|gdummy\.0)`
	}
	logged := func(name, what string) func() bool {
		line := regexp.MustCompile(`\[input\] ` + name + what)
		return func() bool { return line.MatchString(p.log()) }
	}
	p.await("the pause", 20*time.Second, logged(limitedName, ` paused \(mem buf overlimit`))
	// The other input continues at its rate, 20 per second, while this one is paused.
	n, from := len(p.records("free")), time.Now()
	p.await("a hundred records of the other input", 20*time.Second, func() bool { return len(p.records("free")) >= n+100 })
	if took := time.Since(from); took > 8*time.Second {
		t.Errorf("a hundred records of the other input took %v, expected 5s", took)
	}
	if s.count() > 0 {
		t.Fatal("the sink accepted records before it was opened")
	}

	s.open.Store(true)
	p.await("the resume", 20*time.Second, logged(limitedName, ` resume \(mem buf overlimit`))
	// Older hosts drop pending records when they pause an input.
	drops := h.version.before(v2_1_9)
	if drops {
		n := s.count()
		p.await("further records of the limited input", 20*time.Second, func() bool { return s.count() > n })
	} else {
		p.await("all records of the limited input", 60*time.Second, func() bool { return s.count() >= samples })
	}
	n = len(p.records("free"))
	p.await("further records of the other input", 10*time.Second, func() bool { return len(p.records("free")) >= n+40 })
	p.stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		t.Errorf("cannot decode a chunk: %v", s.err)
	}
	if drops {
		t.Logf("%s dropped %d records of %d", h.version, samples-len(s.recs), samples)
	} else if len(s.recs) != samples {
		t.Errorf("%d records arrived, expected %d", len(s.recs), samples)
	}
	for i, r := range s.recs {
		if got, want := render(r.body), fmt.Sprintf(`{"pad": %q}`, xs(80)); got != want {
			t.Fatalf("record %d is %s", i, got)
		}
	}
	p.allBodies("free", `{"free": true}`)
	if logged(freeName, ` paused`)() {
		t.Error("the other input was paused, too")
	}
}

var droppedLine = regexp.MustCompile(`\[ ?warn\] \[input:gdummy:gdummy\.0\] Fluent Bit has dropped (\d+) of the (\d+) records in its queue`)

// Hosts before 2.1.9 drop the queue of an input that they pause. A warning is logged when it
// happens, and the number of records at the end. With threaded off, which the warning
// suggests, none are lost.
func TestPauseDrops(t *testing.T) {
	onEachHost(t, func(t *testing.T, h host) {
		if !h.version.before(v2_1_9) {
			t.Skipf("### SKIPPED: %s drops nothing when it pauses an input: set FLUENT_BIT to a version before %s", h.version, v2_1_9)
		}
		for _, threaded := range []string{"on", "off"} {
			for _, catchUp := range []string{"limit", "full"} {
				t.Run("threaded "+threaded+", catch_up "+catchUp, func(t *testing.T) {
					t.Parallel()
					// The records of half a second reach the limit; a flush removes them.
					in := []string{"name gdummy", "tag a", "rate 20k", "mem_buf_limit 1M", "ledger ledger", "threaded " + threaded, "catch_up " + catchUp}
					if threaded == "off" {
						in = append(in, "max_records 30000")
					}
					p := h.start(t, launch{config: "[SERVICE]\n    flush 1\n    grace 5\n    log_level info\n" + input(in...) + toFiles})
					if threaded == "off" {
						p.awaitOut(p.awaitDelivered())
						p.stop()
						if n := strings.Count(p.log(), " paused (mem buf overlimit"); n < 2 {
							t.Errorf("%d pauses, expected 2 or more", n)
						}
						audit(t, "--max-shortfall", "1000000", "--ledger", p.dir+"/ledger", p.out()).expect(t, all(30000))
						if droppedLine.MatchString(p.log()) {
							t.Error("the log reports a loss")
						}
						return
					}
					p.await("the warning", 60*time.Second, func() bool { return droppedLine.MatchString(p.log()) })
					p.stop()
					// The engine does not write records that it ingests after SIGTERM.
					v := audit(t, "--ledger", p.dir+"/ledger", p.out())
					dropped := v.Accepted - v.Ingested
					lines := droppedLine.FindAllStringSubmatch(p.log(), -1)
					if len(lines) != 2 {
						t.Fatalf("the log has %q, expected a line while it ran and one at the end", lines)
					}
					if want := []string{fmt.Sprint(dropped), fmt.Sprint(v.Accepted)}; dropped == 0 || v.Lost < dropped || !slices.Equal(lines[1][1:], want) {
						t.Errorf("the log has %q; %d of %d records are not ingested, %d lost", lines[1][0], dropped, v.Accepted, v.Lost)
					}
				})
			}
		}
	})
}

// Fluent Bit does not read the queue of an input that mem_buf_limit pauses, and discards it
// when it reloads or stops. The verdict has these records as lost: at the end of the run, and
// never ingested. The new input continues.
func TestReloadWhilePaused(t *testing.T) {
	onEachHost(t, func(t *testing.T, h host) {
		h.since(t, v4_1_0, "reloads that keep the queue of an input that is not paused")
		// The limit is reached after two seconds, the flush after five. With less grace than
		// that, the engine may also drop what it has ingested last.
		p := h.start(t, launch{args: []string{"-Y"}, config: strings.NewReplacer("0.2", "5", "grace     1", "grace     8").Replace(service) +
			input("name gdummy", "tag a", "rate 150", "mem_buf_limit 300k", "ledger ledger", bigDummy) + toFiles})
		p.await("a pause", 30*time.Second, func() bool { return strings.Contains(p.ledgerText(), " pause ") })
		p.hangUp()
		p.await("another run", 30*time.Second, func() bool { return strings.Count(p.ledgerText(), " open ") == 2 })
		p.awaitMore()
		p.stop()
		v := audit(t, "--ledger", p.dir+"/ledger", p.out())
		if len(v.Streams) != 2 || v.Lost == 0 || v.Lost > v.Accepted-v.Ingested || v.Duplicates+v.Damaged+v.Unknown > 0 {
			t.Fatalf("%d runs, %+v", len(v.Streams), v.counts)
		}
		for i, s := range v.Streams {
			last := s.Events[max(len(s.Events)-2, 0)].Word
			t.Logf("run %d: %d accepted, %d ingested, %d lost; %s before its end", i, s.Accepted, s.Ingested, s.Lost, last)
			for _, r := range s.LostRanges {
				if r.From < s.Ingested || r.To != s.Accepted-1 || len(s.LostRanges) > 1 {
					t.Errorf("run %d lost %d to %d, want records from %d to %d", i, r.From, r.To, s.Ingested, s.Accepted-1)
				}
			}
		}
	})
}
