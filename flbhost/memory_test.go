// SPDX-License-Identifier: Apache-2.0

package flbhost_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// Tests of the option max_memory.

var (
	memoryWaits = regexp.MustCompile(`\[ ?warn\] \[input:gdummy:\S+\] memory: the process has grown by \d+ MB since its inputs started, the limit is 16 MB`)
	memoryEnds  = regexp.MustCompile(`\[ ?info\] \[input:gdummy:\S+\] memory: the outputs have released memory after \d+s`)
	gaveUp      = regexp.MustCompile(`scheduled (\d+) records \(\S+\), delivered (\d+), shortfall (\d+), refused 0`)
)

// While an output accepts nothing, the process grows by at most max_memory, for any number
// of inputs. Each input logs this once, and continues without losses when the output accepts
// records again. catch_up determines what happens to late records.
func TestGdummyMemory(t *testing.T) {
	t.Parallel()
	const (
		limit = 16_000_000
		// The limit is exceeded by the records appended between two readings of the
		// memory, the records in flight, and one slice per second.
		slack = 12_000_000
	)
	record := fmt.Sprintf(`dummy={"message":%q}`, strings.Repeat("x", 1000))
	for _, c := range []struct {
		name   string
		v      variant
		args   []string
		input  []string
		inputs int
		most   int  // maximum size of undelivered records, in bytes
		late   bool // records are dropped
	}{
		{name: "unlimited", v: variant{version: v511}, input: []string{"rate=unlimited", "max_records=60000"}, most: limit + slack},
		{name: "below 4.1", v: variant{version: v403}, input: []string{"rate=unlimited", "max_records=60000"}, most: limit + slack},
		{name: "ring unseen", v: variant{version: v511}, args: []string{"--hide-ring"}, input: []string{"rate=unlimited", "max_records=60000"}, most: limit + slack},
		{name: "two inputs", v: variant{version: v511}, input: []string{"rate=unlimited", "max_records=30000"}, inputs: 2, most: limit + slack},
		{name: "a base above the limit", v: variant{version: v511}, args: []string{"--ballast", "100"},
			input: []string{"rate=unlimited", "max_records=60000"}, most: limit + slack},
		{name: "a rate, all made up", v: variant{version: v511}, input: []string{"rate=20k", "duration=6", "catch_up=full"}, most: limit + slack},
		{name: "a rate", v: variant{version: v511}, input: []string{"rate=20k", "max_records=60000"}, most: limit + slack, late: true},
		{name: "engine's thread", v: variant{version: v511}, args: []string{"--threaded", "off"}, input: []string{"rate=20k", "max_records=60000"}, most: limit + slack, late: true},
		// Without append, a collect returns all records of its second at once.
		{name: "bare", v: variant{version: v511, bare: true}, input: []string{"rate=20k", "max_records=60000"}, most: 3 * limit, late: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			args := append(c.args, "--output", "null", "--metrics", "--hold-until", "memory:", "PLUGIN")
			for range max(c.inputs, 1) {
				args = append(args, "-i", "-p", "max_memory=16M", "-p", "max_in_flight=1M", "-p", "on_finish=exit", "-p", record)
				for _, p := range c.input {
					args = append(args, "-p", p)
				}
			}
			r := load(t, c.v, gdummyPackage, args...)
			r.wantClean(t)
			if r.report.HeldMost > c.most {
				t.Errorf("%d bytes held, want at most %d", r.report.HeldMost, c.most)
			}
			if r.report.HeldMost < limit/2 {
				t.Errorf("%d bytes held, want nearly %d", r.report.HeldMost, limit)
			}
			for _, line := range []*regexp.Regexp{memoryWaits, memoryEnds} {
				if n := len(line.FindAllString(r.stderr, -1)); n != max(c.inputs, 1) {
					t.Errorf("%d lines %s, want one of each input", n, line)
				}
			}
			summaries := gaveUp.FindAllStringSubmatch(r.stderr, -1)
			if len(summaries) != max(c.inputs, 1) {
				t.Fatalf("%d summaries", len(summaries))
			}
			for i, m := range summaries {
				// The warning comes 5 s after the shortage began.
				if c.v.bare { // no metrics
				} else if n := counter(t, r, "gdummy_memory_wait_seconds_total", fmt.Sprintf("gdummy.%d", i)); n < 4 {
					t.Errorf("the metric has %d s of waiting, want 5 or more", n)
				}
				var asked, delivered, shortfall int
				fmt.Sscan(strings.Join(m[1:], " "), &asked, &delivered, &shortfall)
				if asked != delivered+shortfall || c.late != (shortfall > 0) {
					t.Errorf("scheduled %d, delivered %d, shortfall %d", asked, delivered, shortfall)
				}
				if c.inputs < 2 && delivered != r.report.Instances[i].Records {
					t.Errorf("delivered %d, %d arrived", delivered, r.report.Instances[i].Records)
				}
			}
		})
	}
}

// Memory used before the start of the inputs does not count, and inputs wait only if
// necessary.
func TestGdummyMemoryBase(t *testing.T) {
	t.Parallel()
	r := load(t, variant{version: v511}, gdummyPackage, "--output", "null", "--metrics", "--ballast", "200", "--seconds", "3", "PLUGIN",
		"-i", "-p", "rate=1000", "-p", "duration=2", "-p", "max_memory=16M")
	r.wantClean(t)
	if n := r.report.Instances[0].Records; n != 2000 {
		t.Errorf("%d records, want 2000", n)
	}
	if strings.Contains(r.stderr, "memory:") {
		t.Errorf("the input waited for memory:\n%s", r.stderr)
	}
	if !strings.Contains(r.stderr, `fluentbit_gdummy_memory_wait_seconds_total{name="gdummy.0"} = 0`+"\n") {
		t.Errorf("the metric reports waiting for memory:\n%s", r.stderr)
	}
}
