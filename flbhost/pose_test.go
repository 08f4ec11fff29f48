// SPDX-License-Identifier: Apache-2.0

package flbhost_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The releases differ in the arguments of Register and Init, in the callbacks that they
// look up, and in the threads on which they call them.
func TestPoses(t *testing.T) {
	t.Parallel()
	const lib = "flb-in-sample.0" // of flb-in-sample.0-w0, the kernel keeps 15 bytes
	tests := []struct {
		version int
		room    int // malloc_usable_size of the definition: as requested, or 8 bytes more
		context string
		collect string
		cleanup string
		more    bool // PreRegister, PreRun, Pause, PreExit
	}{
		{v200, 40, "old", "InputCallback", "InputCleanupCallback", false},
		{v220, 40, "old", "InputCallback", "InputCleanupCallback", true},
		{v400, 40, "old", "InputCallback", "InputCleanupCallback", true},
		{v410, 40, "new", "InputCallbackCtx", "InputCleanupCallbackCtx", true},
		{v423, 40, "new", "InputCallbackCtx", "InputCleanupCallbackCtx", true},
		{v511, 56, "new", "InputCallbackCtx", "InputCleanupCallbackCtx", true},
	}
	for _, test := range tests {
		t.Run(variant{version: test.version}.String(), func(t *testing.T) {
			t.Parallel()
			r := run(t, variant{version: test.version}, "--collects", "1", "--tick", "20", "--output", "null",
				"PLUGIN", "-i", "-p", "form=legacy")
			r.wantCode(t, 0)
			r.wantLine(t, "context "+test.context)

			want := []string{"PreRegister(0) flbhost", fmt.Sprintf("Register(%d) flbhost", test.room),
				"Init " + lib, "PreRun " + lib, "Pause " + lib, "Pause " + lib, "PreExit(0) " + lib, "Exit " + lib,
				"Unregister flbhost"}
			if !test.more {
				want = []string{want[1], want[2], want[7], want[8]}
			}
			var got, collects []string
			for _, c := range r.calls() {
				switch {
				case !collecting(c):
					got = append(got, c.name+" "+c.thread)
				case len(collects) < 4:
					collects = append(collects, c.name+" "+c.thread)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
			wantCollects := []string{test.collect + " " + lib, "Collect " + lib, test.cleanup + " " + lib, "Cleanup " + lib}
			if diff := cmp.Diff(wantCollects, collects); diff != "" {
				t.Errorf("collect (-want +got):\n%s", diff)
			}
		})
	}
}

// With `threaded off`, set for the host or the input, all calls are on the pipeline thread.
func TestThreadedOff(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"--threaded", "off", "PLUGIN", "-i", "-p", "path=records"},
		{"PLUGIN", "-i", "-p", "path=records", "-p", "Threaded=OFF"},
	} {
		r := run(t, variant{version: v511}, append([]string{"--collects", "3", "--tick", "20", "--output", "null"}, args...)...)
		r.wantCode(t, 0)
		for _, c := range r.calls() {
			main := strings.HasPrefix(c.name, "PreRegister") || strings.HasPrefix(c.name, "Register") || c.name == "Unregister"
			if want := map[bool]string{true: "flbhost", false: "flb-pipeline"}[main]; c.thread != want {
				t.Errorf("%s on %s, want %s", c.name, c.thread, want)
			}
		}
		if i := r.report.Instances[0]; i.Records != i.Collects || i.Discarded != 0 {
			t.Errorf("%d records of %d collects", i.Records, i.Collects)
		}
	}
}

// Each input has its own thread, and their Inits run in sequence.
func TestThreads(t *testing.T) {
	t.Parallel()
	r := run(t, variant{version: v511}, "--collects", "30", "--tick", "20", "--output", "null",
		"PLUGIN", "-i", "-i", "-p", "alias=second", "-i", "-p", "path=append")
	r.wantCode(t, 0)
	threads := map[string]string{}
	for _, c := range r.calls() {
		if c.ins == "-1" {
			continue
		}
		if tid, ok := threads[c.ins]; ok && tid != c.tid {
			t.Errorf("instance %s on two threads, %s and %s", c.ins, tid, c.tid)
		}
		threads[c.ins] = c.tid
		if want := "flb-in-sample." + c.ins; c.thread != want {
			t.Errorf("%s on %s, want %s", c.name, c.thread, want)
		}
	}
	if len(threads) != 3 || threads["0"] == threads["1"] || threads["1"] == threads["2"] {
		t.Errorf("threads: %v", threads)
	}
	exits := []string{}
	for _, c := range r.calls() {
		if c.name == "Exit" {
			exits = append(exits, c.ins)
		}
	}
	if diff := cmp.Diff([]string{"2", "1", "0"}, exits); diff != "" {
		t.Errorf("order of Exit (-want +got):\n%s", diff)
	}
	r.wantLine(t, "[input:sample:second] initializing")
}

// A hot reload registers the new library before the old input ends, and starts the new
// input afterwards.
func TestReload(t *testing.T) {
	t.Parallel()
	const n = 5
	r := run(t, variant{version: v511}, "--reloads", fmt.Sprint(n), "--output", "null", "PLUGIN", "-i")
	r.wantCode(t, 0)
	if r.report.Reloads != n {
		t.Errorf("%d reloads, want %d", r.report.Reloads, n)
	}
	wantMain := []string{"PreRegister(0)", "Register"}
	wantInput := []string{"Init", "PreRun"}
	for range n {
		wantMain = append(wantMain, "PreRegister(1)", "Register", "Unregister")
		wantInput = append(wantInput, "Pause", "Pause", "PreExit(1)", "Exit", "Init", "PreRun")
	}
	wantMain = append(wantMain, "Unregister")
	wantInput = append(wantInput, "Pause", "Pause", "PreExit(0)", "Exit")

	calls := r.calls()
	onMain := func(c call) bool { return c.thread == "flbhost" }
	if diff := cmp.Diff(wantMain, bare(names(calls, onMain))); diff != "" {
		t.Errorf("main thread (-want +got):\n%s", diff)
	}
	onInput := func(c call) bool { return !onMain(c) && once(c) }
	if diff := cmp.Diff(wantInput, names(calls, onInput)); diff != "" {
		t.Errorf("input threads (-want +got):\n%s", diff)
	}
	// Between the threads: Exit, Unregister, Init.
	order := names(calls, func(c call) bool { return c.name == "Exit" || c.name == "Unregister" || c.name == "Init" })
	want := slices.Concat(slices.Repeat([]string{"Init", "Exit", "Unregister"}, n+1))
	if diff := cmp.Diff(want, order); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

// --pauses: each is one Pause and one Resume.
func TestPauses(t *testing.T) {
	t.Parallel()
	const n = 20
	r := run(t, variant{version: v511}, "--pauses", fmt.Sprint(n), "--output", "null", "PLUGIN", "-i")
	r.wantCode(t, 0)
	got := names(r.calls(), func(c call) bool { return c.name == "Pause" || c.name == "Resume" })
	want := append(slices.Repeat([]string{"Pause", "Resume"}, n), "Pause", "Pause") // two at shutdown
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if r.report.Pauses != n {
		t.Errorf("%d pauses, want %d", r.report.Pauses, n)
	}
}

// The bug of all releases: a pause or resume of any input applies to the collector of the
// last one.
func TestPauseAffectsTheLastInput(t *testing.T) {
	t.Parallel()
	r := run(t, variant{version: v511}, "--threaded", "off", "--output", "null",
		"--script", "at 0 pause 1; at 0 resume 0; at 0 resume 1; at 0.2 exit", "PLUGIN", "-i", "-i")
	r.wantCode(t, 0)
	if n := strings.Count(r.stderr, "cannot resume collector"); n != 1 {
		t.Errorf("%d warnings, want 1:\n%s", n, r.stderr)
	}
	r.wantLine(t, "cannot resume collector sample.1:0, already running")
}

// Data appended by a paused input remains in its ring from 2.1.9 on, and is dropped before.
// Its collector continues because of the bug above.
func TestPausedData(t *testing.T) {
	t.Parallel()
	for _, version := range []int{v200, v220} {
		r := run(t, variant{version: version}, "--collects", "80", "--tick", "20", "--output", "null",
			"--script", "at 0 pause 0", "PLUGIN", "-i", "-p", "path=append", "-p", "form=legacy", "-i", "-p", "path=none")
		r.wantCode(t, 0) // some may be ingested before the pause, and 2.0.0 reads legacy events only
		i := r.report.Instances[0]
		if i.Records+i.Dropped+i.Discarded != i.Appends {
			t.Errorf("%x: %d appended, %d ingested, %d dropped, %d discarded", version, i.Appends, i.Records, i.Dropped, i.Discarded)
		}
		if waits := version >= 0x020109; waits && (i.Dropped != 0 || i.Discarded == 0) || !waits && i.Dropped == 0 {
			t.Errorf("%x: %d dropped, %d discarded", version, i.Dropped, i.Discarded)
		}
	}
}

// An append to a full ring is retried for a second. Then the data is dropped.
func TestRingFull(t *testing.T) {
	t.Parallel()
	r := run(t, variant{version: v511}, "--collects", "1", "--tick", "20", "--ring", "1", "--drain-ms", "2400",
		"--metrics", "--output", "null", "PLUGIN", "-i", "-p", "path=append", "-p", "sleeve=3", "-p", "rounds=1")
	r.wantCode(t, 0)
	if i := r.report.Instances[0]; i.Dropped != 1 || i.Appends != 2 || i.Records != 2 {
		t.Errorf("%d dropped, %d appended, %d ingested", i.Dropped, i.Appends, i.Records)
	}
	r.wantLine(t, "could not enqueue records into the ring buffer")
	r.wantLine(t, `fluentbit_input_ring_buffer_retry_failures_total{name="sample.0"} = 1`)
}

// A refused append stores nothing and returns an error.
func TestRefuseEvery(t *testing.T) {
	t.Parallel()
	r := run(t, variant{version: v511}, "--collects", "4", "--tick", "20", "--refuse-every", "3", "--output", "null",
		"PLUGIN", "-i", "-p", "path=append", "-p", "sleeve=5")
	r.wantCode(t, 0)
	i := r.report.Instances[0]
	tried := 5 * i.Collects
	if i.Refused != tried/3 || i.Appends != tried-tried/3 || i.Records != i.Appends {
		t.Errorf("of %d appends %d refused, %d accepted, %d ingested", tried, i.Refused, i.Appends, i.Records)
	}
	if n := strings.Count(r.stderr, "append -1\n"); n != i.Refused {
		t.Errorf("the plugin saw %d refusals, the host made %d", n, i.Refused)
	}
}

// A bare host has no visible symbols. Others have those of their release.
func TestBare(t *testing.T) {
	t.Parallel()
	for _, v := range []variant{{version: v511, bare: true}, {version: v511}, {version: v200}, {version: v200, bare: true}} {
		r := run(t, v, "--collects", "1", "--tick", "20", "--output", "null", "PLUGIN", "-i", "-p", "form=legacy")
		r.wantCode(t, 0)
		r.wantLine(t, map[bool]string{true: "metrics absent", false: "metrics found"}[v.bare])
	}
}

// A hup installs the host's signal handlers over those of the plugin.
func TestHup(t *testing.T) {
	t.Parallel()
	for script, last := range map[string]string{"at 0 hup": "other", "at 1000 hup": "own"} {
		r := runEnv(t, variant{version: v511}, []string{"FAULT_SIGNAL=1"}, "--collects", "50", "--tick", "20",
			"--output", "null", "--script", script)
		r.wantCode(t, 0)
		i := strings.LastIndex(r.stderr, "handler ")
		if i < 0 || !strings.HasPrefix(r.stderr[i:], "handler "+last) {
			t.Errorf("%s: the last handler is not %s", script, last)
		}
	}
}

// --daemon: Register runs in the parent, everything else in a child, whose exit code the
// parent returns.
func TestDaemon(t *testing.T) {
	t.Parallel()
	for fault, code := range map[string]int{"": 0, "leak": 1} {
		r := run(t, variant{version: v511}, "--daemon", "--collects", "2", "--tick", "20", "--output", "json",
			"PLUGIN", "-i", "-p", "fault="+fault)
		r.wantCode(t, code)
		r.wantLine(t, "switching to background mode")
		var registered, unregistered string
		for _, c := range r.calls() {
			switch {
			case strings.HasPrefix(c.name, "Register"):
				registered = c.tid
			case c.name == "Unregister":
				unregistered = c.tid
			}
		}
		if registered == "" || unregistered == "" || registered == unregistered {
			t.Errorf("registered in %q, unregistered in %q", registered, unregistered)
		}
		if !strings.Contains(r.stdout, `{"message":"dummy"}`) {
			t.Errorf("no output: %q", r.stdout)
		}
	}
}

// The ring has the layout of the release.
func TestRingLayout(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		version int
		args    []string
		want    string
	}{
		{v400, nil, "ring head=0 slots=1024 window=409"},
		{v511, []string{"--ring", "100"}, "ring head=40 slots=100 window=40"}, // a mutex before it
		{v511, []string{"--hide-ring"}, "ring absent"},
	} {
		args := append(test.args, "--collects", "1", "--tick", "20", "--output", "null", "PLUGIN", "-i", "-p", "fault=ring")
		r := run(t, variant{version: test.version}, args...)
		r.wantCode(t, 0)
		r.wantLine(t, test.want)
	}
}
