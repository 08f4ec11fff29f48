// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/gdummy/gdummy/internal/prove/expect"
	"github.com/gdummy/gdummy/internal/wire/agent"
	"github.com/gdummy/gdummy/internal/wire/pipeline"
	"github.com/gdummy/gdummy/internal/wire/testrun"
)

// testFlags are the flags of `gdummy test`.
type testFlags struct {
	binaries []string
	library  string
	only     *regexp.Regexp
	records  uint64
	timeout  time.Duration
	verbose  bool
	json     bool
	junit    string
	watch    bool
	init     string
}

func (f *testFlags) table() []flagRow {
	return []flagRow{
		{name: "fluent-bit", arg: "FILE", help: "the Fluent Bit to test in; may be repeated, for a verdict of each", without: "fluent-bit in PATH",
			example: "checkout.test.yaml --fluent-bit ./fluent-bit", set: appendTo(&f.binaries)},
		{name: "plugin", arg: "FILE", help: "the library of the plugin", without: "the one that the configuration loads, else gdummy.so\nbeside the command, else that of the package",
			example: "checkout.test.yaml --plugin ./gdummy.so", set: setString(&f.library)},
		{name: "run", arg: "REGEX", help: "report only the sinks whose FILE/SINK matches", example: "checkout.test.yaml --run orders",
			set: func(text string) (err error) {
				f.only, err = regexp.Compile(text)
				return err
			}},
		{name: "records", arg: "N", help: "records of each input, instead of the number in the file", example: "checkout.test.yaml --records 1k",
			set: setCount(&f.records, 1)},
		{name: "timeout", arg: "D", help: "give up after the time D", without: "1m", example: "checkout.test.yaml --timeout 5m", set: setSpan(&f.timeout)},
		{name: "v", help: "list what differs from the configuration", example: "checkout.test.yaml -v", set: setBool(&f.verbose)},
		{name: "json", help: "print the verdicts as one JSON object", example: "checkout.test.yaml --json", set: setBool(&f.json)},
		{name: "junit", arg: "FILE", help: "write the verdicts as JUnit XML, too", example: "checkout.test.yaml --junit report.xml", set: setString(&f.junit)},
		{name: "watch", help: "run again when a file changes, until Ctrl-C", example: "checkout.test.yaml --watch", set: setBool(&f.watch)},
		{name: "init", arg: "CONFIG", help: "write a first test of the configuration CONFIG beside it, from what arrives in a\ntrial run; each of its lines has to be confirmed", example: "--init fluent-bit.yaml", set: setString(&f.init)},
	}
}

func testHelp(w io.Writer) {
	fmt.Fprint(w, `
A FILE has expectations of the records that arrive at the outputs of a pipeline, or is a
configuration that names such a file with gdummy_test: {file: FILE}; see
docs/reference/expectations.md. Fluent Bit runs on a copy of the configuration: its gdummy inputs
send as many records as the file says, as fast as possible, and the outputs at which the
file looks send to this command. Everything between them is as configured. What
else differs is listed with -v. Each record is computed again from its identity, and
compared with what arrived.

Exit codes: 0 all sinks are as expected; 1 at least one is not; 2 wrong usage, a file
that cannot be read, or no verdict, because Fluent Bit did not start or did not finish.
`)
}

func testCommand() ([]flagRow, runner) {
	f := testFlags{timeout: time.Minute}
	return f.table(), f.run
}

func (f *testFlags) run(s stream, args []string) int {
	switch {
	case f.init != "" && (len(args) > 0 || f.watch || f.json || f.junit != "" || len(f.binaries) > 1):
		return s.usageError("--init: expected no FILE, no other --fluent-bit, and none of --watch, --json and --junit")
	case f.init == "" && len(args) == 0:
		return s.usageError("expected a FILE of expectations, or a configuration that names one")
	}
	if f.junit != "" {
		if err := checkWritable("junit", "report", f.junit, "a FILE", args...); err != nil {
			return s.fail(err)
		}
	}
	if len(f.binaries) == 0 {
		f.binaries = []string{"fluent-bit"}
	}
	var binaries []agent.Binary
	for _, name := range f.binaries {
		b, err := agent.Find(name)
		if err != nil {
			return s.fail(fmt.Errorf("--fluent-bit: %w", err))
		}
		binaries = append(binaries, b)
	}
	stop := interrupted()
	if f.init != "" {
		return f.writeFirst(s, binaries[0], stop)
	}
	for {
		watched := testrun.Watch(args)
		code := f.runAll(s, args, binaries, stop)
		if !f.watch {
			return code
		}
		s.log("watching for changes; press Ctrl-C to stop")
		if !watched.Wait(stop) {
			return code
		}
		fmt.Fprintln(s.out)
	}
}

// testRun is one file in one Fluent Bit.
type testRun struct {
	File      string          `json:"file"`
	FluentBit string          `json:"fluent_bit,omitempty"` // the executable
	Version   string          `json:"version,omitempty"`
	Seconds   float64         `json:"seconds"`
	Error     string          `json:"error,omitempty"` // why the test has no verdict
	Log       []string        `json:"log,omitempty"`   // errors that Fluent Bit logged then
	Sinks     []expect.Result `json:"sinks"`
	LeftOut   []string        `json:"inputs_left_out,omitempty"`
	Notes     []string        `json:"notes,omitempty"`
	Changes   []string        `json:"changes,omitempty"`

	name string
}

// runAll runs all files in all Fluent Bits, and returns the exit code.
func (f *testFlags) runAll(s stream, paths []string, binaries []agent.Binary, stop <-chan struct{}) int {
	if err := f.checkOnly(paths); err != nil {
		return s.usageError("%v", err)
	}
	code := exitFine
	var runs []testRun
	for _, path := range paths {
		for _, b := range binaries {
			r := f.runOne(s, path, b, stop)
			if len(binaries) > 1 {
				r.name += "@" + b.Version
			}
			runs = append(runs, r)
			if !f.json {
				f.print(s.out, &r)
			}
			switch {
			case r.Error != "":
				code = exitUsage
			case code == exitFine && r.failed():
				code = exitFound
			}
		}
	}
	if f.json {
		if err := printTestJSON(s.out, runs); err != nil {
			return s.fail(fmt.Errorf("cannot write the verdicts: %w", err))
		}
	}
	if f.junit != "" {
		if err := writeJUnit(f.junit, runs); err != nil {
			return s.fail(fmt.Errorf("cannot write --junit: %w", err))
		}
	}
	return code
}

// checkOnly returns an error if --run matches no sink of any file. A file with an error may
// have any sink; its run reports the error.
func (f *testFlags) checkOnly(paths []string) error {
	if f.only == nil {
		return nil
	}
	var names []string
	for _, path := range paths {
		file, err := pipeline.ReadTest(path)
		if err != nil {
			return nil
		}
		for _, sink := range file.Sinks {
			name := testName(file.Path) + "/" + sink.Name
			if f.only.MatchString(name) {
				return nil
			}
			names = append(names, name)
		}
	}
	return fmt.Errorf("--run %s matches no sink: expected one of %s", f.only, strings.Join(names, ", "))
}

// failed reports whether a sink is not as expected.
func (r *testRun) failed() bool {
	for i := range r.Sinks {
		if !r.Sinks[i].OK() {
			return true
		}
	}
	return false
}

// testName returns the name of a file in verdicts: checkout of checkout.test.yaml.
func testName(path string) string {
	name := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	return strings.TrimSuffix(name, ".test")
}

// options returns the options of a run in a Fluent Bit. hide removes its progress bar.
func (f *testFlags) options(s stream, b agent.Binary, stop <-chan struct{}) (o testrun.Options, hide func()) {
	bar := newProgress(s.err, -1, nil)
	return testrun.Options{
		Binary: b, Library: f.library, Records: f.records, Limit: f.timeout, Stop: stop, Version: version,
		Progress: func(arrived uint64) { bar.update(int64(arrived)) },
	}, bar.hide
}

// runOne runs a file in a Fluent Bit.
func (f *testFlags) runOne(s stream, path string, b agent.Binary, stop <-chan struct{}) testRun {
	r := testRun{File: path, FluentBit: b.Path, Version: b.Version, Sinks: []expect.Result{}, name: testName(path)}
	file, err := pipeline.ReadTest(path)
	if err != nil {
		r.Error = err.Error()
		return r
	}
	r.name = testName(file.Path)
	o, hide := f.options(s, b, stop)
	result := testrun.Run(file, o)
	hide()
	r.Seconds, r.Changes, r.LeftOut, r.Notes = result.Took.Seconds(), result.Changes, result.LeftOut, result.Notes
	if result.Err != nil {
		r.Error, r.Log = result.Err.Error(), result.Log
		return r
	}
	for _, sink := range result.Sinks {
		if f.only == nil || f.only.MatchString(r.name+"/"+sink.Sink) {
			r.Sinks = append(r.Sinks, sink)
		}
	}
	return r
}

// writeFirst writes a first test of the configuration of --init, and returns the exit code.
func (f *testFlags) writeFirst(s stream, b agent.Binary, stop <-chan struct{}) int {
	o, hide := f.options(s, b, stop)
	path, n, err := testrun.WriteFirst(f.init, o)
	hide()
	if err != nil {
		return s.fail(fmt.Errorf("--init %s: %w", f.init, err))
	}
	fmt.Fprintf(s.out, "wrote %s: %d of its lines have to be confirmed\n", path, n)
	return exitFine
}

// print prints the verdict of one run, as go test does.
func (f *testFlags) print(w io.Writer, r *testRun) {
	colours := coloured(w)
	if r.Error != "" {
		fmt.Fprintf(w, "%s %s %.1fs\n", red.paint("ERROR", colours), r.name, r.Seconds)
		for line := range strings.Lines(r.Error) {
			fmt.Fprintf(w, "    %s\n", strings.TrimRight(line, "\n"))
		}
		for _, line := range r.Log {
			fmt.Fprintf(w, "    | %s\n", line)
		}
	}
	for i := range r.Sinks {
		sink := &r.Sinks[i]
		verdict := "ok   "
		if !sink.OK() {
			verdict = red.paint("FAIL ", colours)
		}
		fmt.Fprintf(w, "%s %s/%s %d records %.1fs\n", verdict, r.name, sink.Sink, sink.Arrived, r.Seconds)
		sink.Print(w)
	}
	if len(r.LeftOut) > 0 {
		fmt.Fprintf(w, "      %s without the inputs %s, which nothing feeds\n", r.name, strings.Join(r.LeftOut, ", "))
	}
	for _, n := range r.Notes {
		fmt.Fprintf(w, "      %s\n", n)
	}
	if f.verbose {
		for _, c := range r.Changes {
			fmt.Fprintf(w, "    differs: %s\n", c)
		}
	}
}
