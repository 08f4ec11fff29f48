// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/gdummy/gdummy/internal/prove/expect"
	"github.com/gdummy/gdummy/internal/prove/ledger"
)

// auditExpect compares what arrived from a pipeline that runs elsewhere with a file of
// expectations.
type auditExpect struct {
	*auditFlags
	s      stream
	file   *expect.File
	truths map[string]expect.Truth
	judge  *expect.Judge

	growing bool // the writer of standard input or of a listener may still be sending
}

// withExpect checks that the other flags can be used with --expect; it returns what is
// wrong, or "".
func (f *auditFlags) withExpect() string {
	switch {
	case len(f.ledgers) == 0:
		return "--expect requires --ledger"
	case f.html != "" || f.arrived != "" || f.path != "" || f.live.faults != nil || !reflect.DeepEqual(f.limits, noLimits):
		return "--expect: expected none of --html, --arrived-at, --key, --fault and the limits"
	}
	return ""
}

// runExpect returns the exit code.
func (f *auditFlags) runExpect(s stream) int {
	began := time.Now()
	file, err := readTest(f.expect)
	if err == nil {
		a := auditExpect{auditFlags: f, s: s, file: file}
		err = a.run()
		if err == nil {
			r := testRun{File: f.expect, Sinks: a.judge.Verdict(), Seconds: time.Since(began).Seconds(), name: testName(file.Path)}
			return a.conclude(&r)
		}
	}
	fmt.Fprintf(s.err, "gdummy audit: %v\n", err)
	return exitUsage
}

// conclude prints the verdict and returns the exit code.
func (a *auditExpect) conclude(r *testRun) int {
	if a.json {
		if err := printTestJSON(a.s.out, []testRun{*r}); err != nil {
			fmt.Fprintf(a.s.err, "gdummy audit: cannot write the verdict: %v\n", err)
			return exitUsage
		}
	} else {
		new(testFlags).print(a.s.out, r)
	}
	if r.failed() {
		return exitFound
	}
	return exitFine
}

// run passes everything that arrived to the judge.
func (a *auditExpect) run() error {
	sources, err := a.sinksOf(a.sources, "SOURCE")
	if err != nil {
		return err
	}
	addresses, err := a.sinksOf(a.live.addresses, "ADDRESS")
	if err != nil {
		return err
	}
	var asked []expect.Sink
	for n, sink := range a.file.Sinks {
		if len(sources[n])+len(addresses[n]) == 0 {
			a.log("sink %s is not judged: it has no source", sink.Name)
			continue
		}
		sources[len(asked)], addresses[len(asked)] = sources[n], addresses[n]
		asked = append(asked, sink)
	}
	a.file.Sinks = asked
	sources, addresses = sources[:len(asked)], addresses[:len(asked)]
	if a.truths, err = truthsOf(a.file.Pipeline, a.file.Pipeline); err != nil {
		return err
	}
	a.judge = expect.NewJudge(asked)
	a.growing = len(a.live.addresses) > 0 || slices.ContainsFunc(sources, func(names []string) bool { return slices.Contains(names, "-") })
	if !a.growing {
		if err := a.add(); err != nil {
			return err
		}
	}
	a.judge.Resolve = a.books
	for n, names := range sources {
		if within := a.file.Sinks[n].Within; within > 0 && len(names) > 0 {
			return fmt.Errorf("%ssink %s: within: the arrival times in files are unknown: use --listen", a.file.Sinks[n].Places.Of("within"), a.file.Sinks[n].Name)
		}
		if err := a.readAll(n, names); err != nil {
			return err
		}
	}
	if len(a.live.addresses) > 0 {
		if err := a.receive(addresses); err != nil {
			return err
		}
	}
	if err := a.judge.Err(); err != nil || !a.growing {
		return err
	}
	return a.add()
}

// log prints a line to standard error.
func (a *auditExpect) log(format string, args ...any) {
	fmt.Fprintf(a.s.err, "gdummy audit: "+format+"\n", args...)
}

// sinksOf returns the sources of each sink: those of SINK=SOURCE, and all without a SINK
// if there is one sink.
func (a *auditExpect) sinksOf(args []string, what string) ([][]string, error) {
	of := make([][]string, len(a.file.Sinks))
	var names []string
	for _, s := range a.file.Sinks {
		names = append(names, s.Name)
	}
	for _, arg := range args {
		name, source, _ := strings.Cut(arg, "=")
		n := slices.Index(names, name)
		switch {
		case n >= 0:
		case len(names) == 1:
			n, source = 0, arg
		default:
			return nil, fmt.Errorf("%q: expected SINK=%s, where SINK is one of %s", arg, what, strings.Join(names, ", "))
		}
		of[n] = append(of[n], source)
	}
	return of, nil
}

// books returns the runs of the ledgers that count.
func (a *auditExpect) books() (books []*ledger.Stream, truths []expect.Truth, err error) {
	ledgers, _, err := a.readLedgers(a.growing)
	if err != nil {
		return nil, nil, err
	}
	runs := slices.Clone(a.runs)
	if a.last {
		for _, l := range ledgers {
			last := slices.MaxFunc(l.Streams, func(x, y *ledger.Stream) int { return x.Opened.Compare(y.Opened) })
			runs = append(runs, last.Run)
		}
	}
	for _, b := range ledger.Merge(ledgers) {
		if len(runs) > 0 && !slices.Contains(runs, b.Run) {
			continue
		}
		truth, ok := a.truths[b.Name]
		if !ok {
			return nil, nil, fmt.Errorf("the ledger has an input %q, which %s does not have", b.Name, a.file.Pipeline)
		}
		books, truths = append(books, b), append(truths, truth)
	}
	return books, truths, nil
}

// add passes the ledgers to the judge.
func (a *auditExpect) add() error {
	books, truths, err := a.books()
	for i := range books {
		if err == nil {
			err = a.judge.Add(books[i], truths[i])
		}
	}
	if err == nil && len(books) == 0 {
		err = errors.New("the ledgers have no run that counts")
	}
	return err
}

// complete reports whether the ledgers are closed and all that they have arrived.
func (a *auditExpect) complete() (bool, error) {
	books, truths, err := a.books()
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	for i := range books {
		if books[i].Closed.IsZero() {
			return false, nil
		}
		if err == nil {
			err = a.judge.Add(books[i], truths[i])
		}
	}
	return err == nil && len(books) > 0 && a.judge.Complete(), err
}
