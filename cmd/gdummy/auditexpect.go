// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/signal"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/generate/replay"
	"github.com/gdummy/gdummy/internal/prove/expect"
	"github.com/gdummy/gdummy/internal/prove/ledger"
	"github.com/gdummy/gdummy/internal/wire/receive"
)

// auditExpect compares what arrived from a pipeline that runs elsewhere with a file of
// expectations.
type auditExpect struct {
	*auditFlags
	s      stream
	file   *expect.File
	truths map[string]expect.Truth
	judge  *expect.Judge
}

// withExpect checks that the other flags can be used with --expect; it returns what is
// wrong, or "".
func (f *auditFlags) withExpect() string {
	switch {
	case len(f.ledgers) == 0:
		return "--expect requires --ledger"
	case f.html != "" || f.arrived != "" || f.path != "" || f.live.faults != nil || !reflect.DeepEqual(f.limits, noLimits):
		return "--expect: expected none of --html, --arrived-at, --key, --fault and the limits"
	case slices.Contains(f.sources, "-"):
		return "--expect: expected files or --listen, not standard input"
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
	addresses, err := a.sinksOf(a.live.addresses, "forward://HOST:PORT")
	if err != nil {
		return err
	}
	var asked []expect.Sink
	for n, sink := range a.file.Sinks {
		if len(sources[n])+len(addresses[n]) == 0 {
			fmt.Fprintf(a.s.err, "gdummy audit: sink %s is not judged: it has no source\n", sink.Name)
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
	live := len(a.live.addresses) > 0
	if !live {
		if err := a.add(); err != nil {
			return err
		}
	}
	a.judge.Resolve = a.books
	for n, names := range sources {
		if within := a.file.Sinks[n].Within; within > 0 && len(names) > 0 {
			return fmt.Errorf("sink %s: within: the arrival times in files are unknown: use --listen", a.file.Sinks[n].Name)
		}
		if err := a.read(n, names); err != nil {
			return err
		}
	}
	if live {
		if err := a.receive(addresses); err != nil {
			return err
		}
		if err := a.add(); err != nil {
			return err
		}
	}
	return a.judge.Err()
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
	ledgers, _, err := a.readLedgers(len(a.live.addresses) > 0)
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

// read passes the records in the files of a sink to the judge.
func (a *auditExpect) read(n int, names []string) error {
	files, err := expandSources(names, a.ledgerPaths, "", func(format string, args ...any) {
		fmt.Fprintf(a.s.err, "gdummy audit: "+format+"\n", args...)
	})
	if err != nil || len(files) == 0 {
		return err
	}
	set, err := replay.Open(replay.Options{Files: files, Format: replay.Auto, Key: "log", Sample: 1})
	if err != nil {
		return err
	}
	r := set.NewReader(func(line string) { fmt.Fprintf(a.s.err, "gdummy audit: warning: %s\n", line) })
	defer r.Close()
	for k := uint64(0); r.Seek(k) == replay.Ready; k++ {
		rec := r.Current()
		a.judge.Take(n, event.Event{Time: rec.Time, Metadata: rec.Metadata, Body: rec.Body}, time.Time{})
	}
	return r.Err()
}

// receive passes what arrives at the addresses of the sinks, until a flag or
// Ctrl-C ends it.
func (a *auditExpect) receive(addresses [][]string) error {
	pair, err := a.live.certificate()
	if err != nil {
		return err
	}
	var servers []*receive.Server
	for n, list := range addresses {
		for _, address := range list {
			if !strings.HasPrefix(address, "forward://") {
				return fmt.Errorf("--listen %s: --expect requires forward://HOST:PORT, the protocol that keeps records as they are", address)
			}
			server, err := receive.Listen(address, nil, receive.Options{
				SharedKey: a.live.sharedKey, TLS: pair,
				Log:    func(line string) { fmt.Fprintf(a.s.err, "gdummy audit: %s\n", line) },
				Events: func(_ string, events []byte, arrival time.Time) { a.judge.Arrive(n, events, arrival) },
			})
			if err != nil {
				return err
			}
			defer server.Close()
			servers = append(servers, server)
			fmt.Fprintf(a.s.err, "gdummy audit: listening at %s\n", server)
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	wait := waiting{idle: a.live.idle, first: a.live.first, began: time.Now()}
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	var poll ledgerPoll
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-tick.C:
			if a.judge.Err() != nil {
				return nil
			}
			if why := wait.over(now, a.judge.Last(), slices.ContainsFunc(servers, (*receive.Server).Active)); why != "" {
				fmt.Fprintf(a.s.err, "gdummy audit: %s\n", why)
				return nil
			}
			if a.live.untilComplete && poll.due(now) {
				if done, err := a.complete(); done || err != nil {
					return err
				}
				poll.done(now, time.Now())
			}
		}
	}
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
