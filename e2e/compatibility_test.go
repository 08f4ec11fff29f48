// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"bufio"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A feature is what a version of Fluent Bit has, and gdummy uses.
type feature struct {
	column string
	since  version
	probe  func(t *testing.T, h host) bool // nil: other tests of this suite cover it
}

// features are the columns of the table in docs/reference/compatibility.md.
var features = []feature{
	{"records when due", version{2, 0, 0}, hostSays("records: appended with their number")},
	{"backlog seen", version{2, 0, 0}, hostSays("backlog: seen in the ring")},
	{"pause of each input", version{2, 0, 0}, hostSays("pause and resume: by a proxy of each input")},
	{"signals kept", version{2, 0, 0}, hostSays("signals: kept")},
	{"metrics", version{2, 0, 0}, hostSays("metrics: on")},
	{"metadata", v2_1_0, func(t *testing.T, h host) bool { return probe(t, h).metadata }},
	{"pause keeps queue", v2_1_9, nil},
	{"reload by SIGHUP", v2_2_0, func(t *testing.T, h host) bool { return probe(t, h).reloads }},
	{"plugins in YAML", v3_2_0, probeYAML},
	{"start refused", v4_0_3, probeRefusal},
	{"reload keeps queue", v4_1_0, nil},
	{"routes if threaded", v5_0_5, nil},
	{"options listed", v5_1_1, hostSays("options: listed")},
	{"`${VAR}` followed", v5_1_1, hostSays("environment: followed")},
}

// releases are the rows: the newest patch of each minor version.
var releases = []version{
	{2, 0, 14}, {2, 1, 10}, {2, 2, 3}, {3, 0, 7}, {3, 1, 10}, {3, 2, 10}, {4, 0, 14}, {4, 1, 2}, {4, 2, 8}, {5, 0, 9}, {5, 1, 1},
}

// probed is what one run of a host shows.
type probed struct {
	line              string // of TestHostLine
	metadata, reloads bool
}

var probes sync.Map // of the host's path, to a func() probed

// probe runs a host once.
func probe(t *testing.T, h host) probed {
	t.Helper()
	run, _ := probes.LoadOrStore(h.path, sync.OnceValue(func() (found probed) {
		p := h.start(t, launch{args: hotReload(h), config: service + input("name gdummy", "tag a", `metadata {"m":1}`, "rate 50") + toFiles})
		p.await("records", 20*time.Second, func() bool { return len(p.records("a")) > 20 })
		p.await("the line of the host", 20*time.Second, func() bool { found.line = described.FindString(p.log()); return found.line != "" })
		found.metadata = strings.HasPrefix(p.records("a")[0].String(), `{"m": 1} `)
		if h.version.before(v2_2_0) { // 2.1 reloads in the handler of the signal, which is not safe
			return found
		}
		p.send(syscall.SIGHUP)
		for end := time.Now().Add(20 * time.Second); time.Now().Before(end) && p.running() && !found.reloads; time.Sleep(20 * time.Millisecond) {
			found.reloads = p.reloads() == 1
		}
		return found
	}))
	return run.(func() probed)()
}

// hostSays returns the probe for a text in the line that describes the host.
func hostSays(text string) func(t *testing.T, h host) bool {
	return func(t *testing.T, h host) bool { return strings.Contains(probe(t, h).line+";", text+";") }
}

// probeYAML reports whether an input runs whose library only the section plugins names.
func probeYAML(t *testing.T, h host) bool {
	p := h.start(t, launch{plugins: []string{}, alone: true, yaml: true, config: "plugins:\n  - " + gdummySO +
		"\nservice: {flush: 0.2, grace: 1}\npipeline:\n  inputs:\n    - {name: gdummy, tag: a, rate: 50}\n  outputs:\n    - {name: file, match: '*', path: out, format: msgpack}\n"})
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end) && p.running(); time.Sleep(20 * time.Millisecond) {
		if len(p.records("a")) > 0 {
			return true
		}
	}
	return false
}

// probeRefusal reports whether an error in a section stops the start.
func probeRefusal(t *testing.T, h host) bool {
	p := h.start(t, launch{config: service + input("name gdummy", "tag a", "copies none") + toFiles})
	select {
	case <-p.exited:
		return p.exitCode != 0
	case <-time.After(10 * time.Second):
		return false
	}
}

// Each host has the features of its version in the table. One command prints the table of
// several:
//
//	FLUENT_BIT=A:B go test ./e2e -run TestCompatibility -count=1 -v
func TestCompatibility(t *testing.T) {
	t.Parallel()
	inputs()
	rows := make([]string, len(hosts))
	t.Cleanup(func() { t.Logf("\n%s%s", tableHead(), strings.Join(rows, "")) })
	for i, h := range hosts {
		t.Run(h.version.String(), func(t *testing.T) {
			t.Parallel()
			row := "| " + h.version.String() + " |"
			for _, f := range features {
				want := !h.version.before(f.since)
				has := want
				if f.probe != nil {
					has = f.probe(t, h)
				}
				if has != want {
					t.Errorf("%s: %v, the table has %v", f.column, has, want)
				}
				row += cell(has)
			}
			rows[i] = row + " this run |\n"
		})
	}
}

func cell(has bool) string {
	if has {
		return " yes |"
	}
	return " – |"
}

func tableHead() string {
	head, line := "| Fluent Bit |", "|---|"
	for _, f := range features {
		head, line = head+" "+f.column+" |", line+"---|"
	}
	return head + " checked |\n" + line + "---|\n"
}

// suites are the runs of this whole suite: a version and a date per line.
const suites = "testdata/suites.txt"

// The page has the table, and for each version whether the whole suite was run, and when.
// `go test ./e2e -run TestCompatibilityPage -update` renews it.
func TestCompatibilityPage(t *testing.T) {
	t.Parallel()
	file, err := os.Open(suites)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	runs := map[string]string{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		name, date, ok := strings.Cut(lines.Text(), " ")
		if _, err := time.Parse(time.DateOnly, date); !ok || err != nil || !slices.ContainsFunc(releases, func(v version) bool { return v.String() == name }) {
			t.Fatalf("%s: line %q: expected a version of the table and a date", suites, lines.Text())
		}
		runs[name] = date
	}
	table := tableHead()
	for _, v := range releases {
		table += "| " + v.String() + " |"
		for _, f := range features {
			table += cell(!v.before(f.since))
		}
		if date := runs[v.String()]; date != "" {
			table += fmt.Sprintf(" the whole suite, %s |\n", date)
		} else {
			table += " by source |\n"
		}
	}
	const page = "../docs/reference/compatibility.md"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), "| Fluent Bit |")
	at := strings.Index(rest, "\n\n")
	if !found || at < 0 {
		t.Fatalf("%s has no table that begins with | Fluent Bit |", page)
	}
	renewed := before + table + rest[at+1:]
	switch {
	case renewed == string(text):
	case *update:
		if err := os.WriteFile(page, []byte(renewed), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s is not up to date; renew it with -update. Its table is:\n%s", page, table)
	}
}
