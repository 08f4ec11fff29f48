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
	"github.com/gdummy/gdummy/internal/prove/source"
	"github.com/gdummy/gdummy/internal/wire/pipeline"
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
	case f.html != "" || f.live.faults != nil || !reflect.DeepEqual(f.limits, noLimits):
		return "--expect: expected none of --html, --fault and the limits"
	}
	return ""
}

// runExpect returns the exit code.
func (f *auditFlags) runExpect(s stream) int {
	began := time.Now()
	file, err := pipeline.ReadTest(f.expect)
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
	sources, err := a.placesOf(a.sources, "SOURCE")
	if err != nil {
		return err
	}
	addresses, err := a.placesOf(a.live.addresses, "ADDRESS")
	if err != nil {
		return err
	}
	if err := a.checkWithin(sources); err != nil {
		return err
	}
	a.ask(sources, addresses)
	if a.truths, err = pipeline.Truths(a.file.Pipeline, a.file.Pipeline, version); err != nil {
		return err
	}
	a.judge = expect.NewJudge(a.file.Sinks)
	a.judge.Key, a.judge.ArrivedAt = a.path, a.arrived
	a.growing = len(addresses) > 0 || slices.ContainsFunc(sources, func(p sinkPlaces) bool { return slices.Contains(p.names, "-") })
	if !a.growing {
		if err := a.add(); err != nil {
			return err
		}
	}
	a.judge.Resolve = a.books
	for _, p := range sources {
		if err := a.readAll(p); err != nil {
			return err
		}
	}
	if len(addresses) > 0 {
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

// sinkPlaces are the sources or addresses at which the records of the same sinks arrive,
// which are known by their numbers.
type sinkPlaces struct {
	names []string
	sinks []int
}

// placesOf returns the sources or addresses of the sinks, SINK=SOURCE. SINK is the name of
// a sink, or an output, which may have several; it is not needed if there is one output.
func (a *auditExpect) placesOf(args []string, what string) (all []sinkPlaces, err error) {
	var names []string
	byName, outputs := map[string][]int{}, map[string][]int{}
	for n, s := range a.file.Sinks {
		names = append(names, s.Name)
		byName[s.Name] = []int{n}
		outputs[s.Output] = append(outputs[s.Output], n)
	}
	for _, arg := range args {
		name, source, named := strings.Cut(arg, "=")
		sinks := byName[name]
		if sinks == nil {
			sinks = outputs[name]
		}
		switch {
		case named && sinks != nil:
		case len(outputs) == 1:
			sinks, source = outputs[a.file.Sinks[0].Output], arg
		default:
			return nil, fmt.Errorf("%q: expected SINK=%s, where SINK is one of %s", arg, what, strings.Join(names, ", "))
		}
		i := slices.IndexFunc(all, func(p sinkPlaces) bool { return slices.Equal(p.sinks, sinks) })
		if i < 0 {
			i, all = len(all), append(all, sinkPlaces{sinks: sinks})
		}
		all[i].names = append(all[i].names, source)
	}
	return all, nil
}

// ask keeps the sinks that have a source or an address, and logs the others.
func (a *auditExpect) ask(sources, addresses []sinkPlaces) {
	places := slices.Concat(sources, addresses)
	number := make([]int, len(a.file.Sinks))
	var asked []expect.Sink
	for n, sink := range a.file.Sinks {
		if !slices.ContainsFunc(places, func(p sinkPlaces) bool { return slices.Contains(p.sinks, n) }) {
			a.log("sink %s is not judged: it has no source", sink.Name)
			continue
		}
		number[n] = len(asked)
		asked = append(asked, sink)
	}
	for _, p := range [][]sinkPlaces{sources, addresses} {
		for i := range p {
			for k, n := range p[i].sinks {
				p[i].sinks[k] = number[n]
			}
		}
	}
	a.file.Sinks = asked
}

// checkWithin returns an error if arrival times are required and unknown, or known and not
// required.
func (a *auditExpect) checkWithin(sources []sinkPlaces) error {
	used := false
	for _, p := range sources {
		for _, n := range p.sinks {
			sink := &a.file.Sinks[n]
			if used = used || sink.Within > 0; sink.Within > 0 && a.arrived == "" {
				return fmt.Errorf("%ssink %s: within: the arrival times in %s are unknown: use --listen, or --arrived-at if the receiving system wrote them", sink.Places.Of("within"), sink.Name, source.Name(p.names[0]))
			}
		}
	}
	if a.arrived != "" && !used {
		return fmt.Errorf("--arrived-at %s: expected a sink with within, which compares arrival times", a.arrived)
	}
	return nil
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
