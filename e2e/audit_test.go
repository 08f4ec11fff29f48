// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"bytes"
	"encoding/json"
	"errors"
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

	"github.com/gdummy/gdummy/internal/wire/selfsigned"
)

// verdict is the part of the output of `gdummy audit --json` that tests check.
type verdict struct {
	Clean  bool
	Known  bool
	CutOff int `json:"cut_off"`
	Faults []string
	counts
	Shortfall uint64
	Unchecked uint64
	Exact     bool
	Latency   struct{ Max time.Duration }
	Streams   []struct {
		Run, Name   string
		First, Last time.Time // due times of the records that arrived
		Closed      bool
		counts
		LostRanges []struct {
			From, To, Count uint64
			Since, Until    time.Time
		} `json:"lost_ranges"`
		Events []struct {
			Time time.Time
			Word string
		}
	}
}

// counts holds the counts of a verdict.
type counts struct {
	Sent, Accepted, Ingested, Arrived, Lost, Duplicates, Reordered uint64
	Damaged, Enriched, Foreign, Unknown, Withheld, Refused, Broken uint64
}

// scheduled returns the number of records due in a time at 1000 per second. On a busy
// machine some are dropped, which is counted.
func scheduled(d time.Duration) uint64 { return uint64(d / time.Millisecond) }

// auditing is a running `gdummy audit --json`.
type auditing struct {
	t        *testing.T
	cmd      *exec.Cmd
	out, err bytes.Buffer
}

func startAudit(t *testing.T, args ...string) *auditing {
	t.Helper()
	a := &auditing{t: t, cmd: exec.Command(gdummyCmd, append([]string{"audit", "--json"}, args...)...)}
	a.cmd.Stdout, a.cmd.Stderr = &a.out, &a.err
	if err := a.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop := time.AfterFunc(lifetime, func() { _ = a.cmd.Process.Kill() })
	t.Cleanup(func() {
		stop.Stop()
		_ = a.cmd.Process.Kill() // it has usually exited
	})
	return a
}

// verdict waits for the exit and returns the verdict. The exit code must match.
func (a *auditing) verdict() verdict {
	a.t.Helper()
	err := a.cmd.Wait()
	code := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		a.t.Fatal(err)
	}
	var v verdict
	if err := json.Unmarshal(a.out.Bytes(), &v); err != nil {
		a.t.Fatalf("exit code %d: %v\n%s%s", code, err, a.out.Bytes(), a.err.Bytes())
	}
	if v.Clean != (code == 0) {
		a.t.Errorf("clean: %v, exit code %d", v.Clean, code)
	}
	if !v.Exact {
		a.t.Error("the verdict is not exact")
	}
	return v
}

func audit(t *testing.T, args ...string) verdict {
	t.Helper()
	return startAudit(t, args...).verdict()
}

// expect compares the counts.
func (v verdict) expect(t *testing.T, want counts) {
	t.Helper()
	if v.counts != want {
		t.Errorf("%+v\nexpected\n%+v\n%v", v.counts, want, v.Faults)
	}
}

// all returns the counts of n records without faults.
func all(n uint64) counts {
	return counts{Sent: n, Accepted: n, Ingested: n, Arrived: n}
}

// awaitRecords waits until the ledger reports that the engine accepted n records.
func (p *process) awaitRecords(n int) {
	p.t.Helper()
	path := filepath.Join(p.dir, "ledger")
	p.await(fmt.Sprintf("%d records in the ledger", n), lifetime, func() bool {
		text, _ := os.ReadFile(path)
		return strings.Contains(string(text), fmt.Sprintf(" to=%d ", n-1))
	})
}

// awaitOut waits until the files of the output and the printed text have n identities.
func (p *process) awaitOut(n int) {
	p.t.Helper()
	p.await(fmt.Sprintf("%d records at the output", n), lifetime, func() bool {
		got, _ := os.ReadFile(p.stdout)
		found := bytes.Count(got, []byte("gd1."))
		files, _ := filepath.Glob(p.out() + "/*")
		for _, path := range files {
			got, _ := os.ReadFile(path)
			found += bytes.Count(got, []byte("gd1."))
		}
		return found >= n
	})
}

// awaitOutputs waits until the outputs have delivered or dropped n records, according to
// Fluent Bit's metrics.
func (p *process) awaitOutputs(port, n int) {
	p.t.Helper()
	p.await(fmt.Sprintf("%d records that the outputs are done with", n), lifetime, func() bool {
		done := 0.0
		for name, v := range p.metrics(port) {
			if strings.HasPrefix(name, "fluentbit_output_proc_records_total{") || strings.HasPrefix(name, "fluentbit_output_dropped_records_total{") {
				done += v
			}
		}
		return done >= float64(n)
	})
}

var deliveredLine = regexp.MustCompile(`delivered (\d+), shortfall`)

// awaitDelivered waits for the end of a finite run and returns its number of records.
func (p *process) awaitDelivered() (n int) {
	p.t.Helper()
	p.await("the summary of a run", lifetime, func() bool {
		m := deliveredLine.FindStringSubmatch(p.log())
		if m != nil {
			n, _ = strconv.Atoi(m[1])
		}
		return m != nil
	})
	return n
}

// awaitMore waits until the ledger has more records of the current run.
func (p *process) awaitMore() {
	p.t.Helper()
	lines := func() int {
		text, _ := os.ReadFile(filepath.Join(p.dir, "ledger"))
		return bytes.Count(text[max(bytes.LastIndex(text, []byte(" open ")), 0):], []byte(" from="))
	}
	before := lines()
	p.await("more records in the ledger", lifetime, func() bool { return lines() > before })
}

// toHTTP is an output that sends all records to a port over HTTP.
func toHTTP(port int, properties ...string) string {
	return fmt.Sprintf("\n[OUTPUT]\n    name http\n    match *\n    host 127.0.0.1\n    port %d\n    %s\n",
		port, strings.Join(properties, "\n    "))
}

// toForward is an output that sends all records to a port over the forward protocol.
func toForward(port int, properties ...string) string {
	return fmt.Sprintf("\n[OUTPUT]\n    name forward\n    match *\n    host 127.0.0.1\n    port %d\n    %s\n",
		port, strings.Join(properties, "\n    "))
}

func httpAt(port int) string { return fmt.Sprintf("http://127.0.0.1:%d", port) }

const often = "    scheduler.base 1\n    scheduler.cap 2\n"

const retrying = service + often

// 1. Many records without faults.
func TestAuditClean(t *testing.T) {
	onEachHost(t, func(t *testing.T, h host) {
		n := 10_000_000
		if testing.Short() {
			n = 1_000_000
		}
		port, web := freePort(t), freePort(t)
		dir := t.TempDir()
		a := startAudit(t, "--listen", fmt.Sprintf("forward://127.0.0.1:%d", port), "--ledger", dir+"/ledger", "--until-ledger-complete", "--idle", "60s")
		p := h.start(t, launch{dir: dir, config: httpService(web) +
			input("name gdummy", "tag a", "rate 500k", fmt.Sprint("max_records ", n), "ledger ledger", "catch_up full") +
			toForward(port)})
		p.awaitRecords(n)
		p.awaitOutputs(web, n)
		p.send(syscall.SIGTERM)
		p.awaitExit(lifetime)
		v := a.verdict()
		v.Reordered = 0 // two threads send
		v.expect(t, all(uint64(n)))
	})
}

// 2. A filter drops one record in a hundred: exactly those are lost.
func TestAuditGrep(t *testing.T) {
	var dummy strings.Builder
	for i := range 100 {
		fmt.Fprintf(&dummy, `{"n":"x%02d"}`, i)
	}
	onEachHost(t, func(t *testing.T, h host) {
		p := h.start(t, launch{config: service +
			input("name gdummy", "tag a", "dummy "+dummy.String(), "rate 500", "max_records 20000", "ledger ledger") +
			"[FILTER]\n    name grep\n    match *\n    exclude n ^x07$\n" + toFiles})
		p.awaitRecords(20000)
		p.awaitOut(19800)
		p.stop()
		v := audit(t, "--ledger", p.dir+"/ledger", p.out())
		want := all(20000)
		want.Arrived, want.Lost = 19800, 200
		v.expect(t, want)
		for _, r := range v.Streams[0].LostRanges {
			if r.From != r.To || r.From%100 != 7 {
				t.Errorf("lost %d to %d", r.From, r.To)
			}
		}
		if len(v.Streams[0].LostRanges) != 200 {
			t.Errorf("%d ranges", len(v.Streams[0].LostRanges))
		}
	})
}

// Records that a processor drops are not ingested, but accepted and lost.
func TestAuditProcessor(t *testing.T) {
	var dummy strings.Builder
	for i := range 100 {
		fmt.Fprintf(&dummy, `{"n":"x%02d"}`, i)
	}
	onEachHost(t, func(t *testing.T, h host) {
		h.since(t, v2_2_0, "filters as processors")
		p := h.start(t, launch{yaml: true, config: `
service:
  flush: 0.2
  grace: 1
pipeline:
  inputs:
    - name: gdummy
      tag: a
      dummy: '` + dummy.String() + `'
      rate: 500
      max_records: 20000
      ledger: ledger
      processors:
        logs:
          - name: grep
            exclude: n ^x07$
  outputs:
    - name: file
      match: '*'
      path: out
      format: msgpack
`})
		p.awaitRecords(20000)
		p.awaitOut(19800)
		p.stop()
		want := all(20000)
		want.Ingested, want.Arrived, want.Lost = 19800, 19800, 200
		audit(t, "--ledger", p.dir+"/ledger", p.out()).expect(t, want)
	})
}

// A process that stalls for seconds misses its rate on every host: the shortfall is in the
// log and the ledger, and a fault in the verdict.
func TestAuditShortfall(t *testing.T) {
	const due = 3000
	summary := regexp.MustCompile(`\[ warn\] \[input:gdummy:gdummy\.0\] scheduled (\d+) records \(500/s\), delivered (\d+), shortfall (\d+), refused 0`)
	onEachHost(t, func(t *testing.T, h host) {
		for catchUp, made := range map[string]time.Duration{"none": 100 * time.Millisecond, "limit": time.Second} { // made up after a stall
			t.Run(catchUp, func(t *testing.T) {
				t.Parallel()
				p := h.start(t, launch{config: service +
					input("name gdummy", "tag a", "rate 500", "duration 6s", "ledger ledger", "catch_up "+catchUp) + toFiles})
				p.awaitMore()
				p.halt()
				stopped := time.Now()
				p.await("a stall of seconds", lifetime, func() bool { return time.Since(stopped) >= 3*time.Second })
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
				if want := fmt.Sprintf(" shortfall=%d #", n); err != nil || !regexp.MustCompile(` close .*`+want).Match(text) {
					t.Errorf("no%s at the end of the ledger: %s, %v", want, text, err)
				}
				grouped := m[3]
				if n >= 1000 {
					grouped = m[3][:1] + "," + m[3][1:]
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

// 3. The receiver has an outage, and the output retries: clean, but reordered.
func TestAuditOutageWithRetries(t *testing.T) {
	onEachHost(t, func(t *testing.T, h host) {
		port, web, dir := freePort(t), freePort(t), t.TempDir()
		a := startAudit(t, "--listen", httpAt(port), "--ledger", dir+"/ledger", "--until-ledger-complete", "--idle", "60s",
			"--fault", "outage="+outage().String())
		p := h.start(t, launch{dir: dir, config: httpService(web) + often +
			input("name gdummy", "tag a", "rate 1000", "duration "+(outage()+2*time.Second).String(), "ledger ledger") +
			toHTTP(port, "format json", "retry_limit no_limits")})
		p.awaitOutputs(web, p.awaitDelivered())
		p.send(syscall.SIGTERM)
		p.awaitExit(lifetime)
		v := a.verdict()
		want := all(scheduled(outage()+2*time.Second) - v.Shortfall)
		want.Reordered = v.Reordered // any number
		v.expect(t, want)
	})
}

// 4. The same without retries: the records sent in the outage are lost.
func TestAuditOutageWithoutRetries(t *testing.T) {
	onEachHost(t, func(t *testing.T, h host) {
		port, web, dir := freePort(t), freePort(t), t.TempDir()
		a := startAudit(t, "--listen", httpAt(port), "--ledger", dir+"/ledger", "--idle", (outage() + 6*time.Second).String(),
			"--fault", "outage="+outage().String())
		started := time.Now()
		p := h.start(t, launch{dir: dir, config: httpService(web) + often +
			input("name gdummy", "tag a", "rate 1000", "duration "+(outage()+4*time.Second).String(), "ledger ledger") +
			toHTTP(port, "format json", "retry_limit no_retries")})
		p.awaitOutputs(web, p.awaitDelivered())
		p.send(syscall.SIGTERM)
		p.awaitExit(lifetime)
		v := a.verdict()
		want := all(scheduled(outage()+4*time.Second) - v.Shortfall)
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

// 6. Reloads under load. Before 4.1, Fluent Bit loses records at the end of a run, which it
// accepted and often counted as ingested; from 4.1 on, none. Each ledger is closed.
func TestAuditReload(t *testing.T) {
	onEachHost(t, func(t *testing.T, h host) {
		h.since(t, v2_2_0, "reload by a signal")
		p := h.start(t, launch{args: []string{"-Y"}, config: service +
			input("name gdummy", "tag a", "rate 5000", "ledger ledger") + toFiles})
		runs := func() int {
			text, _ := os.ReadFile(p.dir + "/ledger")
			return strings.Count(string(text), " open ")
		}
		const reloads = 4
		for n := range reloads {
			p.awaitMore()
			p.send(syscall.SIGHUP)
			p.await("another run", 30*time.Second, func() bool { return runs() == n+2 })
		}
		p.awaitMore()
		p.stop()
		v := audit(t, "--ledger", p.dir+"/ledger", p.out())
		want := all(v.Accepted)
		want.Ingested = v.Ingested // the run may end before the metrics are updated
		want.Arrived, want.Lost = v.Accepted-v.Lost, v.Lost
		v.expect(t, want)
		if len(v.Streams) != reloads+1 || v.Lost > 0 && !h.version.before(v4_1_0) {
			t.Errorf("%d runs, %d lost", len(v.Streams), v.Lost)
		}
		for i, s := range v.Streams {
			if !s.Closed {
				t.Errorf("run %d has no close line", i)
			}
			for _, r := range s.LostRanges {
				t.Logf("run %d of %d: lost %d to %d of %d, of which the engine had counted %d", i, reloads+1, r.From, r.To, s.Accepted, s.Ingested)
				if r.To != s.Accepted-1 {
					t.Errorf("run %d lost %d to %d, not at its end", i, r.From, r.To)
				}
			}
		}
	})
}

// With --until-ledger-complete, a reload does not end an audit.
func TestAuditReloadWhileListening(t *testing.T) {
	onEachHost(t, func(t *testing.T, h host) {
		h.since(t, v2_2_0, "reload by a signal")
		port, dir := freePort(t), t.TempDir()
		a := startAudit(t, "--listen", httpAt(port), "--ledger", dir+"/ledger", "--until-ledger-complete", "--idle", "15s")
		p := h.start(t, launch{dir: dir, args: []string{"-Y"}, config: service +
			input("name gdummy", "tag a", "rate 1000", "ledger ledger") + toHTTP(port, "format json", "retry_limit no_limits")})
		runs := func() int {
			text, _ := os.ReadFile(dir + "/ledger")
			return strings.Count(string(text), " open ")
		}
		for n := range 2 {
			p.awaitMore()
			p.send(syscall.SIGHUP)
			p.await("another run", 30*time.Second, func() bool { return runs() == n+2 })
		}
		p.awaitMore()
		p.stop()
		v := a.verdict()
		want := all(v.Accepted)
		want.Ingested, want.Reordered = v.Ingested, v.Reordered
		want.Arrived, want.Lost = v.Accepted-v.Lost, v.Lost
		v.expect(t, want)
		if len(v.Streams) != 3 || v.Lost > 0 && !h.version.before(v4_1_0) {
			t.Fatalf("%d runs, %d lost", len(v.Streams), v.Lost)
		}
		for i, s := range v.Streams {
			if !s.Closed || s.Arrived == 0 {
				t.Errorf("run %d: %+v", i, s)
			}
		}
	})
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

// 8. Two inputs and three outputs: each output has the records that match its tags.
func TestAuditRouting(t *testing.T) {
	onEachHost(t, func(t *testing.T, h host) {
		p := h.start(t, launch{config: service +
			input("name gdummy", "tag a.x", "rate 2000", "max_records 4000", "ledger ledger") +
			input("name gdummy", "tag b.x", "rate 1000", "max_records 2000", "ledger other") +
			"[OUTPUT]\n    name file\n    match a.*\n    path out\n    file a\n" +
			"[OUTPUT]\n    name file\n    match b.*\n    path out\n    file b\n    format plain\n" +
			"[OUTPUT]\n    name stdout\n    match *\n    format json_lines\n"})
		p.awaitRecords(4000)
		p.awaitOut(12000)
		p.stop()
		one, two := p.dir+"/ledger", p.dir+"/other"
		audit(t, "--ledger", one, p.out()+"/a").expect(t, all(4000))
		audit(t, "--ledger", two, p.out()+"/b").expect(t, all(2000))
		audit(t, "--ledger", one, "--ledger", two, p.out()).expect(t, all(6000))
		v := audit(t, "--ledger", one, "--ledger", two, p.stdout)
		v.Foreign = 0 // the banner
		v.expect(t, all(6000))
		want := all(6000)
		want.Arrived, want.Lost = 4000, 2000
		audit(t, "--ledger", one, "--ledger", two, p.out()+"/a").expect(t, want)
	})
}

// 9. Through a second Fluent Bit.
func TestAuditForwarded(t *testing.T) {
	onEachHost(t, func(t *testing.T, h host) {
		port := freePort(t)
		second := h.start(t, launch{config: service + input("name forward", "listen 127.0.0.1", fmt.Sprint("port ", port)) + toFiles})
		first := h.start(t, launch{config: retrying + input("name gdummy", "tag a", "rate 5000", "max_records 10000", "ledger ledger") +
			toForward(port, "retry_limit no_limits")})
		first.awaitRecords(10000)
		second.awaitOut(10000)
		first.send(syscall.SIGTERM)
		first.awaitExit(lifetime)
		second.stop()
		v := audit(t, "--ledger", first.dir+"/ledger", second.out())
		v.Reordered = 0
		v.expect(t, all(10000))
	})
}

// Ctrl-C in a pipeline of the shell interrupts all commands. Fluent Bit flushes its records,
// and a verdict follows.
func TestAuditPiped(t *testing.T) {
	onEachHost(t, func(t *testing.T, h host) {
		dir := t.TempDir()
		cmd := exec.Command("sh", "-c", `trap : INT; "$0" -q -e "$1" -i gdummy -p rate=1000 -p ledger=ledger -o stdout -p format=json_lines | "$2" audit --json --ledger ledger -`,
			h.path, gdummySO, gdummyCmd)
		a := &auditing{t: t, cmd: cmd}
		cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &a.out, &a.err
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		stop := time.AfterFunc(lifetime, func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
		defer stop.Stop()
		for end := time.Now().Add(lifetime); ; time.Sleep(10 * time.Millisecond) {
			text, _ := os.ReadFile(dir + "/ledger")
			if strings.Count(string(text), " from=") >= 3 || time.Now().After(end) {
				break
			}
		}
		if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		v := a.verdict()
		want := all(v.Accepted)
		want.Arrived, want.Lost = v.Accepted-v.Lost, v.Lost
		v.expect(t, want)
		if !v.Known || v.Accepted < 1000 || len(v.Streams) != 1 || !v.Streams[0].Closed {
			t.Fatalf("%+v", v)
		}
		// Versions before 4.1 drop the records in their queue at the end.
		if r := v.Streams[0].LostRanges; v.Lost > 0 && (!h.version.before(v4_1_0) || len(r) != 1 || r[0].To != v.Accepted-1) {
			t.Errorf("lost %+v of %d", r, v.Accepted)
		}
	})
}

// Records arrive undamaged from every output, in each of its formats.
func TestAuditReceivers(t *testing.T) {
	type output struct{ name, properties string }
	// GELF needs a short text, and a level that is a number if there is one.
	const gelf = "gelf_short_message_key level\n    gelf_level_key severity"
	outputs := []output{
		{"http", "format json"},
		{"http", "format json_lines"},
		{"http", "format json_stream"},
		{"http", "format msgpack"},
		{"http", "format json\n    compress gzip"},
		{"tcp", "format json"},
		{"tcp", "format json_lines"},
		{"tcp", "format json_stream"},
		{"tcp", "format msgpack"},
		{"gelf", "mode tcp\n    " + gelf},
		{"http", "format gelf\n    " + gelf},
		{"forward", "retain_metadata_in_forward_mode on"},
		{"forward", "time_as_integer on"},
		{"forward", "compress gzip"},
		{"forward", "require_ack_response on"},
		{"forward", "tag x.$level"}, // a message for each record
	}
	onEachHost(t, func(t *testing.T, h host) {
		web := freePort(t)
		dir, config := t.TempDir(), httpService(web)+often+input("name gdummy", "tag a", `dummy {"level":"info","took":0.25}`, "rate 2000", "max_records 4000", "ledger ledger", "catch_up full")
		outputs := outputs
		if h.version.before(v2_1_0) { // no metadata
			outputs = slices.DeleteFunc(slices.Clone(outputs), func(o output) bool { return strings.Contains(o.properties, "metadata") })
		}
		var audits []*auditing
		for _, o := range outputs {
			port, scheme := freePort(t), o.name
			if scheme == "gelf" {
				scheme = "tcp"
			}
			audits = append(audits, startAudit(t, "--listen", fmt.Sprintf("%s://127.0.0.1:%d", scheme, port), "--ledger", dir+"/ledger", "--until-ledger-complete", "--idle", "20s"))
			config += fmt.Sprintf("\n[OUTPUT]\n    name %s\n    match *\n    host 127.0.0.1\n    port %d\n    retry_limit no_limits\n    %s\n", o.name, port, o.properties)
		}
		p := h.start(t, launch{dir: dir, config: config})
		p.awaitRecords(4000)
		p.awaitOutputs(web, 4000*len(outputs))
		p.stop()
		for i, o := range outputs {
			v := audits[i].verdict()
			v.Reordered = 0 // two threads send
			unchecked := uint64(0)
			if strings.Contains(o.properties, "gelf") { // the body is not preserved
				unchecked = 4000
			}
			if v.counts != all(4000) || v.Unchecked != unchecked || v.Known != (unchecked == 0) || !v.Clean {
				t.Errorf("%s, %s: known %v, unchecked %d, %+v, %v", o.name, o.properties, v.Known, v.Unchecked, v.counts, v.Faults)
			}
		}
	})
}

// With a receiver that injects errors, resets and slowness, all records arrive, and none
// twice.
func TestAuditFaults(t *testing.T) {
	onEachHost(t, func(t *testing.T, h host) {
		for kind, output := range map[string]func(int, ...string) string{"http": toHTTP, "forward": toForward} {
			t.Run(kind, func(t *testing.T) {
				t.Parallel()
				properties := []string{"retry_limit no_limits"}
				if kind == "forward" {
					properties = append(properties, "require_ack_response on") // otherwise the output does not retry
				}
				port, web, dir := freePort(t), freePort(t), t.TempDir()
				a := startAudit(t, "--listen", fmt.Sprintf("%s://127.0.0.1:%d", kind, port), "--ledger", dir+"/ledger", "--until-ledger-complete", "--idle", "30s",
					"--fault", "status=503@25%, reset=25%, delay=300ms@25%")
				p := h.start(t, launch{dir: dir, config: httpService(web) + often + input("name gdummy", "tag a", "rate 1000", "max_records 4000", "ledger ledger") +
					output(port, properties...)})
				p.awaitRecords(4000)
				p.awaitOutputs(web, 4000)
				p.send(syscall.SIGTERM)
				p.awaitExit(lifetime)
				v := a.verdict()
				want := all(4000)
				want.Reordered = v.Reordered
				v.expect(t, want)
				if v.Reordered == 0 {
					t.Error("no retries: no fault was drawn")
				}
			})
		}
	})
}

// TLS, and a shared key that one of two outputs does not know.
func TestAuditSecret(t *testing.T) {
	cert, key, err := selfsigned.Pair()
	if err != nil {
		t.Fatal(err)
	}
	onEachHost(t, func(t *testing.T, h host) {
		dir, secure := t.TempDir(), []string{"tls on", "tls.verify off", "retry_limit no_limits"}
		for name, data := range map[string][]byte{"cert.pem": cert, "key.pem": key} {
			if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		port, web := freePort(t), freePort(t)
		a := startAudit(t, "--listen", fmt.Sprintf("forward://127.0.0.1:%d", port), "--ledger", dir+"/ledger", "--until-ledger-complete", "--idle", "30s",
			"--tls-cert", dir+"/cert.pem", "--tls-key", dir+"/key.pem", "--shared-key", "secret")
		stranger := h.start(t, launch{config: retrying + input("name gdummy", "tag a", "rate 100", "audit on") +
			toForward(port, append(secure, "shared_key another")...)})
		p := h.start(t, launch{dir: dir, config: httpService(web) + often + input("name gdummy", "tag a", "rate 1000", "max_records 2000", "ledger ledger", "catch_up full") +
			toForward(port, append(secure, "shared_key secret", "require_ack_response on")...)})
		p.awaitRecords(2000)
		p.awaitOutputs(web, 2000)
		p.stop()
		stranger.kill()
		v := a.verdict()
		v.Reordered = 0 // two threads send
		v.expect(t, all(2000))
		if !strings.Contains(a.err.String(), "the client has a different shared key") {
			t.Errorf("no client was refused: %s", a.err.String())
		}
		if !v.Clean || !v.Known {
			t.Errorf("clean %v, known %v: %v", v.Clean, v.Known, v.Faults)
		}
	})
}

// 10. A filter that changes a field damages records; one that adds fields, or nests all of
// them, enriches them.
func TestAuditFilters(t *testing.T) {
	filters := map[string]string{
		"a member changed": "name modify\n    match *\n    set level debug",
		"a member renamed": "name modify\n    match *\n    rename level severity",
		"members added":    "name modify\n    match *\n    add host web1\n    add zone eu",
		"nested":           "name nest\n    match *\n    operation nest\n    wildcard *\n    nest_under log",
		"prefixed":         "name modify\n    match *\n    add host web1\n\n[FILTER]\n    name nest\n    match *\n    operation nest\n    wildcard *\n    nest_under log\n\n[FILTER]\n    name nest\n    match *\n    operation lift\n    nested_under log\n    add_prefix log.",
	}
	onEachHost(t, func(t *testing.T, h host) {
		for name, filter := range filters {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				p := h.start(t, launch{config: service +
					input("name gdummy", "tag a", `dummy {"level":"info","took":0.1234567890123456,"ok":true}`, "rate 1000", "max_records 1000", "ledger ledger", "catch_up full") +
					"\n[FILTER]\n    " + filter + "\n" +
					"\n[OUTPUT]\n    name file\n    match *\n    path out\n"})
				p.awaitRecords(1000)
				p.awaitOut(1000)
				p.stop()
				want := all(1000)
				if strings.HasPrefix(name, "a member") {
					want.Damaged = 1000
				} else {
					want.Enriched = 1000
				}
				v := audit(t, "--ledger", p.dir+"/ledger", p.out())
				v.expect(t, want)
				if v.Clean != (want.Damaged == 0) {
					t.Errorf("clean: %v", v.Clean)
				}
			})
		}
	})
}

// Values of every kind, in every format that preserves them: Fluent Bit may write them
// differently, but they are not damaged.
func TestAuditSpelling(t *testing.T) {
	const dummy = `{"s":"a\"\\/\u0001\u00e9\u4e2d\ud83d\ude00\t<>&","i":1,"n":-5,"big":9007199254740993,"u":18446744073709551615,` +
		`"f":0.1,"g":1.0,"h":1e21,"k":123456789.12345678,"l":1e-7,"m":1234567890123456.7,"t":true,"z":null,"a":[1,2.5,"x",{"b":{}}],"w":-0.0}`
	onEachHost(t, func(t *testing.T, h host) {
		p := h.start(t, launch{args: []string{
			"-q", "-f", "0.5", "-i", "gdummy", "-p", "dummy=" + dummy, "-p", "rate=1000", "-p", "max_records=500", "-p", "ledger=ledger", "-p", "tag=a",
			"-o", "file", "-p", "path=out", "-p", "file=default", "-m", "*",
			"-o", "file", "-p", "path=out", "-p", "file=plain", "-p", "format=plain", "-m", "*",
			"-o", "file", "-p", "path=out", "-p", "file=csv", "-p", "format=csv", "-m", "*",
			"-o", "stdout", "-p", "format=json_lines", "-m", "*",
		}})
		p.awaitRecords(500)
		p.awaitOut(4 * 500)
		p.send(syscall.SIGTERM)
		p.awaitExit(lifetime)
		for _, path := range []string{p.out() + "/default", p.out() + "/plain", p.out() + "/csv", p.stdout} {
			v := audit(t, "--ledger", p.dir+"/ledger", path)
			v.Foreign = 0 // the banner
			v.expect(t, all(500))
		}
	})
}

// The formats of stdout and opentelemetry are checked.
func TestAuditRewritten(t *testing.T) {
	const dummy = `{"level":"info","s":"a \"b\" \u00e9\t{}","i":-5,"u":18446744073709551615,"f":0.25,"g":-1e21,"m":1234567890123456.5,` +
		`"t":true,"z":null,"a":[1,null,"x, y",{"b":{}},[]]}`
	onEachHost(t, func(t *testing.T, h host) {
		for _, format := range []string{"msgpack", "otlp_json", "otlp_json_pretty"} {
			t.Run(format, func(t *testing.T) {
				want := all(500)
				if format != "msgpack" {
					h.since(t, version{5, 1, 0}, "the format "+format)
					want.Enriched = 500 // each record is part of a larger one
				}
				t.Parallel()
				p := h.start(t, launch{args: []string{
					"-q", "-f", "0.5", "-i", "gdummy", "-p", "dummy=" + dummy, "-p", "rate=1000", "-p", "max_records=500", "-p", "ledger=ledger", "-p", "catch_up=full",
					"-o", "stdout", "-p", "format=" + format,
				}})
				p.awaitRecords(500)
				p.awaitOut(500)
				p.send(syscall.SIGTERM)
				p.awaitExit(lifetime)
				v := audit(t, "--ledger", p.dir+"/ledger", "--max-unchecked", "0", p.stdout)
				v.Foreign = 0 // the banner
				v.expect(t, want)
				if !v.Clean {
					t.Error(v.Faults)
				}
			})
		}
	})
}
