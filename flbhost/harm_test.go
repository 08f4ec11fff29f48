// SPDX-License-Identifier: Apache-2.0

package flbhost_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// The plugin never harms a host with unknown layouts, allocators or versions, or with other
// Go libraries. See --layout, --alloc and FLBHOST_SAYS.

// sanctioned are the words that gdummy may write to the context of an instance: remote_context and proxy
// from 4.1 on, and only proxy before.
func sanctioned(version, instances int) int {
	if version >= v410 {
		return 2 * instances
	}
	return instances
}

// twoInputs are two inputs, until a number of records.
var twoInputs = []string{"--output", "null", "--records", "300", "PLUGIN",
	"-i", "-p", "rate=200", "-p", "samples=150", "-i", "-p", "rate=200", "-p", "samples=150"}

func runTwoInputs(t *testing.T, v variant, more ...string) result {
	t.Helper()
	r := load(t, v, gdummyPackage, append(more, twoInputs...)...)
	r.wantClean(t)
	for i, in := range r.report.Instances {
		if in.Records != 150 {
			t.Errorf("instance %d: %d records, want 150\n%s", i, in.Records, r.stderr)
		}
	}
	return r
}

func (r result) wantWritten(t *testing.T, words int) {
	t.Helper()
	if r.report.Written != words {
		t.Errorf("%d words were written in structures of the host, want %d", r.report.Written, words)
	}
}

// Members are inserted, removed, exchanged and added in a host with the version 5.1.1. If
// the members to write cannot be verified, nothing is written, and everything works as on a
// host that does not pass the instance.
func TestUnknownLayouts(t *testing.T) {
	t.Parallel()
	for layout, written := range map[string]int{
		"context-before":  0,
		"context-null":    0,
		"context-between": 0,
		"context-less":    0,
		"proxy-before":    0,
		// The known members have their usual offsets.
		"context-behind": 4,
		"proxy-behind":   4,
		"loop-before":    4,
	} {
		t.Run(layout, func(t *testing.T) {
			t.Parallel()
			r := runTwoInputs(t, variant{version: v511}, "--layout", layout, "--alloc", "behind")
			r.wantWritten(t, written)
			if written == 0 {
				r.wantLine(t, "pause and resume: off: the layout is not known")
			}
		})
		// The same under the sanitizers, with structures from malloc.
		t.Run(layout+" sanitized", func(t *testing.T) {
			t.Parallel()
			v := variant{version: v511, flags: sanitizers}
			if _, err := v.host(t); err != nil {
				t.Skipf("### SKIPPED: the compiler has no sanitizers (Debian: apt-get install libasan8 libubsan1): %v", err)
			}
			runTwoInputs(t, v, "--layout", layout).wantWritten(t, written)
		})
	}
	t.Run("plugin-before", func(t *testing.T) {
		t.Parallel()
		r := load(t, variant{version: v511}, gdummyPackage, "--layout", "plugin-before", "--alloc", "behind",
			"--output", "null", "--seconds", "5", "PLUGIN", "-i")
		r.wantCode(t, 3)
		r.wantLine(t, "this host passes unknown functions to the plugin: the input cannot start")
		r.wantWritten(t, 0)
	})
}

// In an untested or unknown version nothing is written to the host. Features that only read
// still work.
func TestUnknownVersions(t *testing.T) {
	t.Parallel()
	for says, line := range map[string]string{
		"0x05010c": "the host is Fluent Bit 5.1.12; records: appended with their number; backlog: seen in the ring; " +
			"pause and resume: off: not tried with this version; signals: kept; metrics: on; environment: as it was at the start; options: not listed",
		"0": "the host is Fluent Bit of an unknown version; ",
	} {
		for _, threaded := range []string{"on", "off"} {
			t.Run(says+" threaded "+threaded, func(t *testing.T) {
				t.Parallel()
				r := runTwoInputs(t, variant{version: v511, flags: []string{"-DFLBHOST_SAYS=" + says}}, "--threaded", threaded, "--alloc", "behind")
				r.wantWritten(t, 0)
				if threaded == "on" {
					r.wantLine(t, line)
				}
			})
		}
	}
}

// The version is detected in each release, and the features used are logged once per
// process, for any number of instances and reloads.
func TestHostIsDescribed(t *testing.T) {
	t.Parallel()
	for _, v := range poses() {
		t.Run(v.String(), func(t *testing.T) {
			t.Parallel()
			r := load(t, v, gdummyPackage, "--reloads", "2", "--script", "at 2.5 exit", "--output", "null", "PLUGIN", "-i", "-i")
			r.wantClean(t)
			said := strings.Count(r.stderr, "the host is Fluent Bit "+strings.TrimSuffix(v.String(), "-bare")+"; ")
			if all := strings.Count(r.stderr, "the host is "); said != 1 || all != 1 {
				t.Errorf("the host was described %d times, %d of them with this version\n%s", all, said, r.stderr)
			}
		})
	}
}

// FLB_PLAIN_CALLBACKS restricts the plugin to the documented callbacks.
func TestPlainCallbacks(t *testing.T) {
	t.Parallel()
	for _, version := range []int{v200, v220, v400, v511} {
		t.Run(variant{version: version}.String(), func(t *testing.T) {
			t.Parallel()
			host, err := variant{version: version}.host(t)
			if err != nil {
				t.Fatal(err)
			}
			report := filepath.Join(t.TempDir(), "report.json")
			cmd := exec.Command(host, append([]string{"--report", report, "--metrics", "--alloc", "behind", "--script", "at 1.2 hup"}, replace(twoInputs, "PLUGIN", goPlugin(t, gdummyPackage))...)...)
			cmd.Env = append(os.Environ(), "FLB_PLAIN_CALLBACKS=on")
			r := runCommand(t, cmd, report)
			r.wantClean(t)
			r.wantWritten(t, 0)
			r.wantLine(t, fmt.Sprintf("the host is Fluent Bit %v, and FLB_PLAIN_CALLBACKS is set; records: returned once a second; backlog: none; "+
				"pause and resume: off; signals: off; metrics: off; environment: as it was at the start; options: not listed", variant{version: version}))
			for i, in := range r.report.Instances {
				if in.Records != 150 || in.Handed == 0 || in.Appends > in.Collects {
					t.Errorf("instance %d: %d records, %d of %d appends handed over in %d collects", i, in.Records, in.Handed, in.Appends, in.Collects)
				}
			}
			if strings.Contains(r.stderr, "fluentbit_gdummy_") {
				t.Errorf("unexpected metrics of the plugin:\n%s", r.stderr)
			}
		})
	}
}

func replace(args []string, what, with string) []string {
	out := slices.Clone(args)
	for i, a := range out {
		if a == what {
			out[i] = with
		}
	}
	return out
}

// Structures may come from a separate allocator of the host. The plugin does not ask malloc
// for their sizes, which would read memory before them, and accesses nothing after them.
func TestForeignAllocator(t *testing.T) {
	t.Parallel()
	for _, version := range []int{v200, v210, v400, v410, v423, v511} {
		for _, where := range []string{"before", "behind"} {
			t.Run(fmt.Sprint(variant{version: version}, " ", where), func(t *testing.T) {
				t.Parallel()
				r := runTwoInputs(t, variant{version: version}, "--alloc", where)
				r.wantWritten(t, sanctioned(version, 2))
				r.wantLine(t, "backlog: seen in the ring; pause and resume: by a proxy of each input")
			})
		}
	}
}

// The list of options and ${VAR} at run time work with any allocator.
func TestForeignAllocatorOptions(t *testing.T) {
	t.Parallel()
	r := load(t, variant{version: v511}, gdummyPackage, "--alloc", "before", "--seconds", "2", "PLUGIN", "-i", "-p", "dumy={}")
	r.wantCode(t, 3)
	r = load(t, variant{version: v511}, gdummyPackage, "--alloc", "before", "--records", "1", "PLUGIN", "-i")
	r.wantClean(t)
	r.wantLine(t, "environment: followed; options: listed")
}

// A ring whose flush_pending never clears must not stop an input forever.
func TestFlushPendingNeverClears(t *testing.T) {
	t.Parallel()
	const n = 200000
	r := load(t, variant{version: v511}, gdummyPackage, "--stick-flush", "--output", "null", "--seconds", "60", "PLUGIN",
		"-i", "-p", "rate=unlimited", "-p", fmt.Sprint("max_records=", n), "-p", "max_in_flight=1M", "-p", "on_finish=exit")
	r.wantClean(t)
	r.wantLine(t, "but its ring does not show it: from now on, its count of records is used")
	r.wantLine(t, "stopping Fluent Bit")
	if got := r.report.Instances[0].Records; got != n {
		t.Errorf("%d records, want %d", got, n)
	}
}

// A library that is loaded twice registers once and logs this, at the start and in each
// reload. A reload itself does not count as loading it twice.
func TestGivenTwice(t *testing.T) {
	t.Parallel()
	for _, version := range []int{v200, v210, v220, v400, v511} {
		for _, inputs := range [][]string{{"-i"}, {"-i", "-i"}} {
			t.Run(fmt.Sprint(variant{version: version}, len(inputs)), func(t *testing.T) {
				t.Parallel()
				const reloads = 3
				args := []string{"--twice", "--reloads", fmt.Sprint(reloads), "--records", "1", "--output", "null", "PLUGIN"}
				for _, input := range inputs { // only the last of them make records
					args = append(args, input, "-p", "start_delay@0=1h", "-p", "start_delay@1=1h", "-p", "start_delay@2=1h")
				}
				r := load(t, variant{version: version}, gdummyPackage, args...)
				r.wantClean(t)
				if r.report.RegisteredTwice != 0 || r.report.Reloads != reloads {
					t.Errorf("registered twice %d times, %d reloads", r.report.RegisteredTwice, r.report.Reloads)
				}
				if n := strings.Count(r.stderr, "[input:gdummy] this library is loaded twice: it is registered once."); n != 1+reloads {
					t.Errorf("logged %d times, want %d\n%s", n, 1+reloads, r.stderr)
				}
				records := 0
				for _, in := range r.report.Instances {
					records += in.Records
				}
				if records == 0 {
					t.Error("no records after the reloads")
				}
			})
		}
	}
}

var foreignBuilds sync.Map

// foreign builds a Go library without code of this module, with the given name.
func foreign(t *testing.T, name string) string {
	t.Helper()
	v, _ := foreignBuilds.LoadOrStore(name, new(built))
	b := v.(*built)
	b.once.Do(func() {
		b.path = filepath.Join(workDir, name+".so")
		cmd := exec.Command("go", "build", "-buildmode=c-shared", "-ldflags", "-X main.name="+name, "-o", b.path, "./testdata/foreign")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			b.err = fmt.Errorf("%w\n%s", err, out)
		}
	})
	if b.err != nil {
		t.Fatalf("build %s: %v", name, b.err)
	}
	return b.path
}

// Other Go libraries recover from a nil dereference, whether they are loaded before or after
// the plugin, and even if the host installs its handlers again. The plugin restores theirs,
// for SIGCONT before the handler returns. An end-to-end test covers the plugin itself.
func TestOtherRuntimes(t *testing.T) {
	t.Parallel()
	one, two := foreign(t, "one"), foreign(t, "two")
	for name, beside := range map[string][]string{
		"before":           {"--before", one},
		"after":            {"--after", one},
		"before and after": {"--before", one, "--after", two},
	} {
		for _, hup := range []string{"", "at 0.7 hup", "at 0.7 cont; at 0.8 cont"} {
			t.Run(name+" "+hup, func(t *testing.T) {
				t.Parallel()
				r := load(t, variant{version: v511}, gdummyPackage, append(slices.Clone(beside), "--script", hup, "--output", "null", "--records", "200", "PLUGIN", "-i", "-p", "rate=100")...)
				r.wantClean(t)
				if r.report.Exposed != 0 {
					t.Errorf("after %d SIGCONT a nil dereference would end the process", r.report.Exposed)
				}
			})
		}
	}
}
