// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

var stalled = flag.Duration("stall", 3*time.Second, "how long the process of TestAuditShortfall is stopped")

// A process that stalls misses its rate on every host: the shortfall is in the log and the
// ledger, and a fault in the verdict.
func TestAuditShortfall(t *testing.T) {
	duration := *stalled + 3*time.Second
	due := int(duration / (2 * time.Millisecond))
	summary := regexp.MustCompile(`\[ warn\] \[input:gdummy:gdummy\.0\] scheduled (\d+) records \(500/s\), delivered (\d+), shortfall (\d+), refused 0`)
	onEachHost(t, func(t *testing.T, h host) {
		for catchUp, made := range map[string]time.Duration{"none": 100 * time.Millisecond, "limit": time.Second} { // made up after a stall
			t.Run(catchUp, func(t *testing.T) {
				t.Parallel()
				p := h.start(t, launch{config: service +
					input("name gdummy", "tag a", "rate 500", "duration "+duration.String(), "ledger ledger", "catch_up "+catchUp) + toFiles})
				p.awaitMore()
				p.halt()
				stopped := time.Now()
				p.await("the end of the stall", lifetime, func() bool { return time.Since(stopped) >= *stalled })
				stall := time.Since(stopped)
				p.send(syscall.SIGCONT)
				delivered := p.awaitDelivered()
				p.awaitOut(delivered)
				p.stop()

				m := summary.FindStringSubmatch(p.log())
				if m == nil {
					t.Fatalf("no warning that the rate was missed: %s", p.log())
				}
				n, _ := strconv.Atoi(m[3])
				least := int((stall - made) / (2 * time.Millisecond))
				if m[1] != fmt.Sprint(due) || delivered+n != due || n < least-20 {
					t.Errorf("%s; want %d in total, and a shortfall of at least %d", m[0], due, least)
				}
				text, err := os.ReadFile(p.dir + "/ledger")
				if want := fmt.Sprintf(" shortfall=%d unsent=0 #", n); err != nil || !regexp.MustCompile(` close .*`+want).Match(text) {
					t.Errorf("no%s at the end of the ledger: %s, %v", want, text, err)
				}
				grouped := m[3]
				if i := len(grouped) - 3; i > 0 {
					grouped = grouped[:i] + "," + grouped[i:]
				}
				v := audit(t, "--ledger", p.dir+"/ledger", p.out())
				v.expect(t, all(uint64(delivered)))
				if want := []string{grouped + " short of the rate"}; v.Clean || v.Shortfall != uint64(n) || !slices.Equal(v.Faults, want) {
					t.Errorf("clean %v, shortfall %d, %v; want %v", v.Clean, v.Shortfall, v.Faults, want)
				}
				if v := audit(t, "--max-shortfall", m[3], "--ledger", p.dir+"/ledger", p.out()); !v.Clean {
					t.Errorf("a fault within its limit: %v", v.Faults)
				}
				if v := audit(t, "--max-shortfall", fmt.Sprint(n-1), "--ledger", p.dir+"/ledger", p.out()); v.Clean {
					t.Errorf("a shortfall of %d is not a fault with a limit of %d", n, n-1)
				}
				first, err := exec.Command(gdummyCmd, "audit", "--ledger", p.dir+"/ledger", p.out()).Output()
				var exit *exec.ExitError
				if want := "FAULTS: " + grouped + " short of the rate; "; !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.HasPrefix(string(first), want) {
					t.Errorf("%v: %s; want exit code 1 and %s", err, first, want)
				}
			})
		}
	})
}

func outage() time.Duration {
	if testing.Short() {
		return 5 * time.Second
	}
	return 30 * time.Second
}

// throughOutage returns the verdict on a run of the given duration whose receiver has an
// outage at its begin, with and without retries of the output. Further arguments are those
// of the audit. started is when Fluent Bit was started.
func (h host) throughOutage(t *testing.T, duration time.Duration, retries string, args ...string) (v verdict, started time.Time) {
	t.Helper()
	port, web, dir := freePort(t), freePort(t), t.TempDir()
	a := startAudit(t, append(args, "--listen", httpAt(port), "--ledger", dir+"/ledger", "--fault", "outage="+outage().String())...)
	started = time.Now()
	p := h.start(t, launch{dir: dir, config: httpService(web) + often +
		input("name gdummy", "tag a", "rate 1000", "duration "+duration.String(), "ledger ledger") +
		toHTTP(port, "format json", "retry_limit "+retries)})
	p.awaitOutputs(web, p.awaitDelivered())
	p.send(syscall.SIGTERM)
	p.awaitExit(lifetime)
	return a.verdict(), started
}

// 3. The receiver has an outage, and the output retries: clean, but reordered.
func TestAuditOutageWithRetries(t *testing.T) {
	onEachHost(t, func(t *testing.T, h host) {
		duration := outage() + 2*time.Second
		v, _ := h.throughOutage(t, duration, "no_limits", "--until-ledger-complete", "--idle", "60s")
		want := all(scheduled(duration) - v.Shortfall)
		want.Reordered = v.Reordered // any number
		v.expect(t, want)
	})
}

// 4. The same without retries: the records sent in the outage are lost.
func TestAuditOutageWithoutRetries(t *testing.T) {
	onEachHost(t, func(t *testing.T, h host) {
		duration := outage() + 4*time.Second
		v, started := h.throughOutage(t, duration, "no_retries", "--idle", (outage() + 6*time.Second).String())
		want := all(scheduled(duration) - v.Shortfall)
		want.Lost, want.Arrived = v.Lost, want.Sent-v.Lost // depends on the times of flushes
		v.expect(t, want)
		r := v.Streams[0].LostRanges
		if len(r) != 1 || r[0].From != 0 || r[0].Count != v.Lost {
			t.Fatalf("lost %d, in %+v; want one range from the first on", v.Lost, r)
		}
		if until := r[0].Until.Sub(started); until < outage()-2*time.Second || until > outage()+2*time.Second {
			t.Errorf("the last lost record was sent after %v, in an outage of %v", until, outage())
		}
	})
}

// halt stops the process, and waits until all its threads have stopped.
func (p *process) halt() {
	p.t.Helper()
	p.send(syscall.SIGSTOP)
	p.await("all threads to stop", lifetime, func() bool {
		states, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", p.cmd.Process.Pid))
		if err != nil {
			p.t.Fatal(err)
		}
		for _, name := range states {
			text, err := os.ReadFile(name)
			if err != nil || !strings.HasPrefix(string(text[bytes.LastIndexByte(text, ')')+1:]), " T ") {
				return false
			}
		}
		return len(states) > 0
	})
}

// 5. After a kill, records in memory are lost, and records in files are delivered once
// Fluent Bit runs again. The ledger has no close line, so the last records are unknown.
func TestAuditKill(t *testing.T) {
	const slice = 65536 / 92 // records
	onEachHost(t, func(t *testing.T, h host) {
		for _, c := range []struct {
			name, storage, rate string
			lines               int // number of ledger lines with records before the kill
		}{
			{"memory", "memory", "1000", 3},
			{"filesystem", "filesystem", "1000", 3},
			{"filesystem under load", "filesystem", "unlimited", 1},
		} {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				port, dir := freePort(t), t.TempDir()
				config := func(records string) string {
					return retrying + "    storage.path chunks\n    storage.sync full\n" +
						input("name gdummy", "tag a", "rate "+c.rate, records, "ledger ledger", "storage.type "+c.storage) +
						toForward(port, "retry_limit no_limits")
				}
				p := h.start(t, launch{dir: dir, config: config("max_records 100000000")})
				p.killAfter(c.lines)
				a := startAudit(t, "--listen", fmt.Sprintf("forward://127.0.0.1:%d", port), "--ledger", dir+"/ledger", "--idle", "6s")
				p = h.start(t, launch{dir: dir, config: config("max_records 1")})
				v := a.verdict()
				p.send(syscall.SIGTERM)
				p.awaitExit(lifetime)
				if len(v.Streams) != 2 || v.Streams[0].Closed || v.Streams[1].Arrived != 1 {
					t.Fatalf("%+v", v)
				}
				// The killed run, and the one that is still running.
				if v.Known || v.CutOff != 2 {
					t.Errorf("known: %v; %d ledgers without a close line, want 2", v.Known, v.CutOff)
				}
				killed := v.Streams[0]
				t.Logf("%s: accepted %d, ingested %d, arrived %d, lost %d, unknown %d", c.name, killed.Accepted, killed.Ingested, killed.Arrived, killed.Lost, killed.Unknown)
				if killed.Ingested == 0 {
					t.Errorf("%s: the ledger has no ingested records", c.name)
				}
				// Records in memory are all lost. With files, ingested records
				// arrive, some of them newer than the ledger's last line. The last
				// records, accepted but still in the ring, are lost.
				want := counts{Sent: killed.Accepted, Accepted: killed.Accepted, Ingested: killed.Ingested, Lost: killed.Accepted}
				if c.storage == "filesystem" {
					kept := min(killed.Arrived, killed.Accepted)
					want.Sent, want.Arrived, want.Lost = max(killed.Accepted, killed.Arrived), killed.Arrived, killed.Accepted-kept
					// The engine counts a slice just before it writes its file.
					if killed.Arrived+slice < killed.Ingested {
						t.Errorf("filesystem: %d arrived, %d ingested", killed.Arrived, killed.Ingested)
					}
				}
				if r := killed.LostRanges; want.Lost == 0 && len(r) > 0 ||
					want.Lost > 0 && (len(r) != 1 || r[0].From != killed.Accepted-want.Lost || r[0].To != killed.Accepted-1) {
					t.Errorf("%s: lost %+v, want the last %d of %d", c.name, r, want.Lost, killed.Accepted)
				}
				want.Reordered = killed.Reordered
				if killed.counts != want {
					t.Errorf("%s: %+v, want %+v", c.name, killed.counts, want)
				}
			})
		}
	})
}

var someIngested = regexp.MustCompile(` ingested=[1-9]`)

// killAfter kills a Fluent Bit as soon as its ledger has the given number of lines with
// records, and counts ingested ones. The engine may not have ingested those of the last line.
func (p *process) killAfter(lines int) {
	p.t.Helper()
	path := filepath.Join(p.dir, "ledger")
	for end := time.Now().Add(lifetime); ; time.Sleep(20 * time.Microsecond) {
		text, _ := os.ReadFile(path)
		// A busy engine may accept records for seconds before it ingests one.
		if bytes.Count(text, []byte(" from=")) >= lines && someIngested.Match(text) {
			break
		}
		if time.Now().After(end) {
			p.t.Fatalf("want %d lines in the ledger: %s", lines, text)
		}
	}
	p.kill()
	p.awaitExit(lifetime)
}

// 7. With a tenth of the memory for a second of the load, the input is paused, and all
// records arrive late.
func TestAuditPaused(t *testing.T) {
	const (
		records  = 40000
		rate     = 20000
		event    = 92 // bytes of an event with its identity
		limit    = rate * event / 10
		inFlight = 256_000
	)
	onEachHost(t, func(t *testing.T, h host) {
		h.since(t, v2_1_9, "memory for what is under way in a pause")
		port, dir := freePort(t), t.TempDir()
		a := startAudit(t, "--listen", httpAt(port), "--ledger", dir+"/ledger", "--idle", "8s", "--fault", "delay=500ms")
		p := h.start(t, launch{dir: dir, config: retrying +
			input("name gdummy", "tag a", fmt.Sprint("rate ", rate), fmt.Sprint("max_records ", records), "ledger ledger", "catch_up full",
				fmt.Sprint("mem_buf_limit ", limit), fmt.Sprint("max_in_flight ", inFlight)) +
			toHTTP(port, "format json", "retry_limit no_limits")})
		v := a.verdict()
		p.stop()
		want := all(records)
		want.Reordered = v.Reordered
		v.expect(t, want)
		if h.version.before(v2_2_0) { // Go inputs do not learn of pauses
			return
		}
		// Pauses and resumes alternate, and the last one is a resume. The records
		// between two pauses fit in the limit.
		words := ""
		for _, e := range v.Streams[0].Events {
			words += e.Word + " "
		}
		pauses := strings.Count(words, "pause")
		if want := "open " + strings.Repeat("pause resume ", pauses); words != want {
			t.Errorf("events %s, want %s", words, want)
		}
		if least := records * event / (limit + inFlight); pauses < least {
			t.Errorf("%d pauses, want %d or more", pauses, least)
		}
		// Records are due at the rate, and late by the time of the pauses. The last
		// pause but one ended before the last record was made.
		due := v.Streams[0].Last.Sub(v.Streams[0].First)
		if want := (records - 1) * time.Second / rate; due != want {
			t.Errorf("due within %v, want %v", due, want)
		}
		resumed := v.Streams[0].Events[2*pauses-2].Time
		if late := resumed.Sub(v.Streams[0].Last); v.Latency.Max < late || late < due {
			t.Errorf("the largest latency is %v, but the last record was made %v after it was due", v.Latency.Max, late)
		}
		t.Logf("%d pauses, the last record arrived %v after it was due", pauses, v.Latency.Max)
	})
}
