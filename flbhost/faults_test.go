// SPDX-License-Identifier: Apache-2.0

package flbhost_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

const crashPackage = "../e2e/testdata/crash"

// A panic in any callback of an input is logged with its stack and counted, and the instance
// continues. The tests in a real Fluent Bit cover Init and Collect.
func TestPanics(t *testing.T) {
	t.Parallel()
	for _, v := range []variant{{version: v220}, {version: v400}, {version: v511}} {
		for at, c := range map[string]struct {
			input []string
			line  string
			later string // in the script
		}{
			"collect":   {nil, "panic in Collect: ", ""},
			"pause":     {[]string{"-p", "at=pause"}, "panic in Pause: ", "at 0.3 pause; at 0.5 resume; "},
			"resume":    {[]string{"-p", "at=resume"}, "panic in Resume: ", "at 0.3 pause; at 0.5 resume; "},
			"close":     {[]string{"-p", "at=close"}, "panic in Close: ", ""},
			"goroutine": {[]string{"-p", "at=goroutine"}, "panic in a goroutine: ", ""},
			"init":      {[]string{"-p", "at@1=init"}, "panic in Init: ", "at 0.3 reload; "},
			"restore":   {[]string{"-p", "at@1=restore"}, "panic in Restore: ", "at 0.3 reload; "},
		} {
			t.Run(fmt.Sprint(v, " ", at), func(t *testing.T) {
				t.Parallel()
				r := load(t, v, crashPackage, append([]string{"--tick", "20", "--output", "json", "--metrics",
					"--script", c.later + "at 1 exit", "PLUGIN", "-i", "-p", "tag=other", "-i", "-p", "tag=a"}, c.input...)...)
				r.wantClean(t)
				const nilDereference = "runtime error: invalid memory address or nil pointer dereference"
				r.wantLine(t, "[input:crash:crash.1] "+c.line+nilDereference)
				r.wantLine(t, "main.(*crash).crash")
				if n := counter(t, r, "plugin_panics_total", "crash.1"); n == 0 {
					t.Error("no panic is counted")
				}
				other, own := len(numbers(t, r, "other")), len(numbers(t, r, "a"))
				if at != "restore" && own < other/2 || own == 0 || other < 10 { // without a restore it idles
					t.Errorf("%d records, and %d of the input beside it", own, other)
				}
			})
		}
	}
}

// Each allocation of the plugin fails in turn. The process lives. Nothing is registered, or an
// input that cannot start refuses the start or idles, with a line in the log; or the input
// continues, and none of its records is lost or repeated.
func TestAllocationFails(t *testing.T) {
	t.Parallel()
	variants := []variant{{version: v511}, {version: v511, bare: true}, {version: v400}}
	if testing.Short() {
		variants = []variant{{version: v511}, {version: v400}}
	}
	for _, v := range variants {
		for name, script := range map[string]string{"": "at 1.1 exit", " reload": "at 0.4 reload; at 1.5 exit"} {
			t.Run(fmt.Sprint(v, name), func(t *testing.T) {
				t.Parallel()
				fails := func(n int) result {
					args := []string{"--output", "json", "--fail-alloc", fmt.Sprint(n), "--script", script, "PLUGIN"}
					for _, tag := range []string{"a", "b"} {
						alias := "x" // of both: the second one gets another
						if v.version < v403 {
							alias += tag // an input that idles leaves its name, and its stream, to the other
						}
						args = append(args, "-i", "-p", "alias="+alias, "-p", "tag="+tag, "-p", "rate=50", "-p", `template={"n":{{ seq }}}`, "-p", "seed=1")
					}
					return load(t, v, gdummyPackage, args...)
				}
				all := fails(1 << 30).report.Allocations
				if all < 7 {
					t.Fatalf("%d allocations: they are not seen", all)
				}
				var outcomes []string
				for n := 1; n <= all; n++ {
					outcomes = append(outcomes, allocationOutcome(t, v, n, fails(n)))
				}
				for _, want := range []string{"not registered", "started"} {
					if !slices.Contains(outcomes, want) {
						t.Errorf("no run is %s: %q", want, outcomes)
					}
				}
				t.Logf("%q", outcomes)
			})
		}
	}
}

// allocationOutcome checks the run in which allocation n failed, and returns what became of it.
func allocationOutcome(t *testing.T, v variant, n int, r result) string {
	t.Helper()
	noMemory := strings.Contains(r.stderr, "out of memory")
	for _, tag := range []string{"a", "b"} {
		if all := numbers(t, r, tag); !v.bare || v.version >= v410 {
			if !slices.Equal(all, upTo(len(all))) {
				t.Errorf("allocation %d: records of %s: %v", n, tag, all)
			}
		}
	}
	switch {
	case r.code == 3 && strings.Contains(r.stderr, "this Go plugin cannot be registered: out of memory"):
		return "not registered"
	case r.code == 1 && r.report.RegisterFaults == 1 && strings.Contains(r.stderr, "this Go plugin cannot be registered: out of memory"):
		return "reload halted"
	case r.code == 3 && noMemory && v.version >= v403:
		return "refused"
	case r.code == 0 && len(numbers(t, r, "a")) >= 10 && len(numbers(t, r, "b")) >= 10:
		r.wantClean(t)
		return "started"
	case r.code == 0 && noMemory && len(numbers(t, r, "a"))+len(numbers(t, r, "b")) >= 10:
		r.wantClean(t)
		return "one idles"
	}
	t.Errorf("allocation %d: exit code %d\n%s", n, r.code, r.stderr)
	return "unexpected"
}

func upTo(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}
