// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"os/signal"
	"reflect"
	"slices"
	"syscall"
	"time"

	"github.com/gdummy/gdummy/internal/prove/expect"
	"github.com/gdummy/gdummy/internal/prove/source"
	"github.com/gdummy/gdummy/internal/wire/arrivals"
	"github.com/gdummy/gdummy/internal/wire/pipeline"
)

// withExpect checks that the other flags can be used with --expect; it returns what is
// wrong, or "".
func (f *auditFlags) withExpect() string {
	switch {
	case len(f.ledgers.Names) == 0:
		return "--expect requires --ledger"
	case f.html != "" || f.live.faults != nil || !reflect.DeepEqual(f.limits, noLimits):
		return "--expect: expected none of --html, --fault and the limits"
	}
	return ""
}

// runExpect compares what arrived from a pipeline that runs elsewhere with a file of
// expectations, prints the verdict and returns the exit code.
func (f *auditFlags) runExpect(s stream) int {
	began := time.Now()
	file, err := pipeline.ReadTest(f.expect)
	if err != nil {
		return s.fail(err)
	}
	o, err := f.comparison(s, file)
	if err != nil {
		return s.fail(err)
	}
	sinks, err := arrivals.Compare(o)
	if err != nil {
		return s.fail(err)
	}
	r := testRun{File: f.expect, Sinks: sinks, Seconds: time.Since(began).Seconds(), name: testName(file.Path)}
	if f.json {
		if err := printTestJSON(s.out, []testRun{r}); err != nil {
			return s.fail(fmt.Errorf("cannot write the verdict: %w", err))
		}
	} else {
		new(testFlags).print(s.out, &r)
	}
	if r.failed() {
		return exitFound
	}
	return exitFine
}

// comparison returns the options of a comparison with a file.
func (f *auditFlags) comparison(s stream, file *expect.File) (o arrivals.Options, err error) {
	o = arrivals.Options{
		File: file, Sources: f.sources, Addresses: f.live.addresses, Key: f.path, ArrivedAt: f.arrived, Version: version, Runs: f.runs, Last: f.last,
		Stdin: s.in, Log: s.logf,
		Ledgers: &f.ledgers, SharedKey: f.live.sharedKey, Wait: f.live.wait,
	}
	o.Reading = func(sources []string, arrived func() uint64) (wrap func(io.Reader) io.Reader, ended func()) {
		bar := newProgress(s.err, source.Size(sources), arrived)
		if slices.Contains(sources, "-") {
			bar.bar = nil // the writer of the pipe may write to the terminal, too
			finishPipe(o.Log)
		}
		return bar.reader, bar.hide
	}
	o.Listening = func() (context.Context, context.CancelFunc) {
		return signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	}
	o.TLS, err = f.live.certificate()
	return o, err
}
