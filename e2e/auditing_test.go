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
	"strconv"
	"strings"
	"testing"
	"time"
)

// verdict is the part of the output of `gdummy audit --json` that tests check.
type verdict struct {
	Clean  bool
	Known  bool
	CutOff int `json:"cut_off"`
	Faults []string
	counts
	Shortfall uint64
	Unsent    uint64
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
		Events []ledgerEvent
	}
}

// ledgerEvent is a word in the ledger, and its time.
type ledgerEvent struct {
	Time time.Time
	Word string
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
	return startAuditFor(t, lifetime, args...)
}

func startAuditFor(t *testing.T, life time.Duration, args ...string) *auditing {
	t.Helper()
	a := &auditing{t: t, cmd: exec.Command(gdummyCmd, append([]string{"audit", "--json"}, args...)...)}
	a.cmd.Stdout, a.cmd.Stderr = &a.out, &a.err
	if err := a.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop := time.AfterFunc(life, func() { _ = a.cmd.Process.Kill() })
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
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
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
