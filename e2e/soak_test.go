// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

var soak = flag.Duration("soak", 0, "how long TestSoak runs; 0 means 20s, or 6s with -short")

// A long run with everything on: templates, files, a load profile, disorder and damage on
// purpose, a replay in a loop, steering, pauses by mem_buf_limit, signals and hot reloads.
// Threads, descriptors, memory, and the goroutines and the heap of the plugin stay flat, ledgers
// are whole, and every record that was accepted arrives. Not SIGCONT: Fluent Bit's handler prints lists that its other threads
// change meanwhile. No record is too deep: Fluent Bit drops the rest of the chunk after it.
func TestSoak(t *testing.T) {
	d := *soak
	if d == 0 {
		d = 20 * time.Second
		if testing.Short() {
			d = 6 * time.Second
		}
	}
	onEachHost(t, func(t *testing.T, h host) {
		h.since(t, v2_2_0, "hot reload by a signal")
		dir, port := t.TempDir(), freePort(t)
		write(t, dir, "pace", "rate 300\n")
		write(t, dir, "names.csv", "name,weight\nfirst,3\nsecond,1\n")
		write(t, dir, "replayed", strings.Repeat("{\"replayed\":true}\n", 100))
		config := "[SERVICE]\n    flush 0.2\n    grace 15\n    log_level info\n" + often + strings.Join([]string{
			input("name gdummy", "alias steady", "tag a", "rate 2000", "ledger ledger", "mem_buf_limit 300k",
				`template {"n":{{ seq }},"id":"{{ uuid }}","who":"{{ name }}","row":"{{ (row "names.csv").name }}","at":"{{ now }}"}`),
			input("name gdummy", "alias format", "tag b", "format apache_combined", "load_profile sine 50 to 400 every 20s", "ledger ledger"),
			input("name gdummy", "alias odd", "tag c", "rate 200", "shuffle_within 500ms", "repeat 1% within 1000", "ledger ledger"),
			input("name gdummy", "alias broken", "tag g", "rate 100", "broken 1%: utf8_start, nul, control, crlf, cut_json, type, big_number, duplicate, no_name, empty", "ledger ledger"),
			input("name gdummy", "alias replay", "tag d", "replay replayed", "loop on", "rate 200", "ledger ledger"),
			input("name gdummy", "alias steered", "tag e", "rate 100", "control pace", "ledger ledger"),
			input("name gdummy", "alias shared", "tag f", "rate 100", "threaded off", "ledger ledger"),
		}, "") + toHTTP(port, "format json", "retry_limit no_limits")

		a := startAuditFor(t, d+lifetime, "--listen", httpAt(port), "--ledger", dir+"/ledger", "--until-ledger-complete", "--idle", "20s")
		p := h.start(t, launch{dir: dir, args: hotReload(h), config: config, life: d + lifetime, env: []string{goDebug(d)}})
		p.awaitMore()
		reloads := h.version != version{4, 0, 3} && !h.version.before(v4_1_0) // before, a reload drops what is in the queue
		var first, last soaked
		began := time.Now()
		for i := 0; time.Since(began) < d; i++ {
			switch i % 10 {
			case 1, 6:
				write(t, dir, "pace", fmt.Sprintf("rate %d\n", 100+i%7*100))
			case 3:
				p.storm(syscall.SIGURG, 20, 100*time.Millisecond)
			case 5:
				p.storm(syscall.SIGPIPE, 20, 100*time.Millisecond)
			case 8:
				if reloads {
					p.send(syscall.SIGHUP)
				}
			}
			p.awaitMore()
			if i%10 == 9 || first.rssKB == 0 {
				if last = (soaked{p.settledUsage(t), p.goUsage()}); time.Since(began) > d/10 && first.rssKB == 0 {
					first = last
				}
			}
		}
		if first.rssKB == 0 {
			first = last
		}
		t.Logf("%+v after a tenth of %v, %+v at the end", first, d, last)
		if last.threads > first.threads+8 || last.fds > first.fds+8 || last.rssKB > first.rssKB+first.rssKB/4+20_000 ||
			last.goroutines > first.goroutines+4 || last.heapMB > first.heapMB+8 {
			t.Errorf("%+v, want about %+v", last, first)
		}
		p.stop()
		v := a.verdict()
		if v.Duplicates > 0 || v.Damaged > 0 || v.Foreign > 0 || v.Unknown > 0 || v.Accepted == 0 {
			t.Errorf("%+v\n%q", v.counts, v.Faults)
		}
		for _, s := range v.Streams {
			// The queue of an input that is paused when the engine reloads or stops: TestReloadWhilePaused.
			paused := slices.ContainsFunc(s.Events[max(len(s.Events)-3, 0):], func(e ledgerEvent) bool { return e.Word == "pause" })
			// Before 4.0.3, an engine that stops also drops what it has ingested since its last flush.
			r := s.LostRanges
			unflushed := h.version.before(v4_0_3) && len(r) == 1 && r[0].To == s.Accepted-1
			if s.Lost > 0 && !unflushed && (!paused || s.Lost > s.Accepted-s.Ingested) {
				t.Errorf("run %s of %s lost %d", s.Run, s.Name, s.Lost)
			}
			if !s.Closed {
				t.Errorf("run %s of %s is not closed", s.Run, s.Name)
			}
			if s.Lost+s.Duplicates+s.Damaged+s.Unknown > 0 {
				t.Logf("run %s of %s: %+v, lost %+v, %v", s.Run, s.Name, s.counts, s.LostRanges, s.Events)
			}
		}
		t.Logf("%d records in %d runs", v.Arrived, len(v.Streams))
	})
}

// soaked is what must stay flat.
type soaked struct {
	usage
	goUsage
}

// goUsage is what the Go runtime of the plugin reports. An instance that a reload leaves behind
// keeps its part of the heap.
type goUsage struct {
	goroutines, heapMB int
}

// goDebug makes the runtime write its goroutines up to 200 times in d, and its live heap at each
// collection, to standard error.
func goDebug(d time.Duration) string {
	return fmt.Sprintf("GODEBUG=scheddetail=1,gctrace=1,schedtrace=%d", max(500, (d/200).Milliseconds()))
}

var (
	goSchedule  = regexp.MustCompile(`(?m)^SCHED \d+ms: `)
	goroutine   = regexp.MustCompile(`(?m)^  G\d+: status=[1-5]\(.* lockedm=nil$`) // neither dead nor of a thread of Fluent Bit
	goCollected = regexp.MustCompile(`(?m)^gc \d+ @.* \d+->\d+->(\d+) MB, `)
)

// goUsage returns the newest figures: the last schedule may be incomplete, and there are several
// runtimes if other libraries are loaded.
func (p *process) goUsage() (u goUsage) {
	text, err := os.ReadFile(p.stderr)
	if err != nil {
		p.t.Fatal(err)
	}
	schedules := goSchedule.Split(string(text), -1)
	for _, s := range schedules[max(1, len(schedules)-4):] {
		u.goroutines = max(u.goroutines, len(goroutine.FindAllString(s, -1)))
	}
	collected := goCollected.FindAllStringSubmatch(string(text), -1)
	for _, m := range collected[max(0, len(collected)-4):] {
		n, _ := strconv.Atoi(m[1])
		u.heapMB = max(u.heapMB, n)
	}
	return u
}
