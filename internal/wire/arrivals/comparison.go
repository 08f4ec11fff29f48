// SPDX-License-Identifier: Apache-2.0

package arrivals

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/gdummy/gdummy/internal/prove/expect"
	"github.com/gdummy/gdummy/internal/prove/ledger"
	"github.com/gdummy/gdummy/internal/prove/source"
	"github.com/gdummy/gdummy/internal/recordid"
	"github.com/gdummy/gdummy/internal/wire/pipeline"
)

// Options are those of [Compare].
type Options struct {
	File      *expect.File
	Sources   []string // SINK=SOURCE
	Addresses []string // SINK=ADDRESS, to listen at
	Key       string   // where identities are, or ""
	ArrivedAt string   // where arrival times are, or ""
	Version   string   // of gdummy

	Ledgers *Ledgers
	Runs    []recordid.Run // those that count; all if there are none, without Last
	Last    bool           // the last run counts

	Stdin io.Reader
	Log   func(format string, args ...any)

	// Reading is called before sources are read. arrived returns the number of records
	// until now. Sources are read through wrap, and ended is called at the end.
	Reading func(sources []string, arrived func() uint64) (wrap func(io.Reader) io.Reader, ended func())

	// Listening is called before it listens at addresses, which ends when the context does.
	Listening func() (ctx context.Context, stop context.CancelFunc)

	// The following are those of a listener.
	TLS       *tls.Config
	SharedKey string
	Wait      Wait
}

// comparison compares what arrived from a pipeline that runs elsewhere with a file of
// expectations.
type comparison struct {
	Options
	truths map[string]expect.Truth
	judge  *expect.Judge

	growing bool // the writer of standard input or of a listener may still be sending
}

// Compare passes everything that arrived to a judge, and returns its verdict.
func Compare(o Options) ([]expect.Result, error) {
	c := comparison{Options: o}
	if err := c.run(); err != nil {
		return nil, err
	}
	return c.judge.Verdict(), nil
}

// run passes everything that arrived to the judge.
func (c *comparison) run() error {
	sources, err := c.placesOf(c.Sources, "SOURCE")
	if err != nil {
		return err
	}
	addresses, err := c.placesOf(c.Addresses, "ADDRESS")
	if err != nil {
		return err
	}
	if err := c.checkWithin(sources); err != nil {
		return err
	}
	c.ask(sources, addresses)
	if c.truths, err = pipeline.Truths(c.File.Pipeline, c.File.Pipeline, c.Version); err != nil {
		return err
	}
	c.judge = expect.NewJudge(c.File.Sinks)
	c.judge.Key, c.judge.ArrivedAt = c.Key, c.ArrivedAt
	c.growing = len(addresses) > 0 || slices.ContainsFunc(sources, func(p sinkPlaces) bool { return slices.Contains(p.names, "-") })
	if !c.growing {
		if err := c.add(); err != nil {
			return err
		}
	}
	c.judge.Resolve = c.books
	for _, p := range sources {
		if err := c.readAll(p); err != nil {
			return err
		}
	}
	if len(addresses) > 0 {
		if err := c.receive(addresses); err != nil {
			return err
		}
	}
	if err := c.judge.Err(); err != nil || !c.growing {
		return err
	}
	return c.add()
}

// sinkPlaces are the sources or addresses at which the records of the same sinks arrive,
// which are known by their numbers.
type sinkPlaces struct {
	names []string
	sinks []int
}

// placesOf returns the sources or addresses of the sinks, SINK=SOURCE. SINK is the name of
// a sink, or an output, which may have several; it is not needed if there is one output.
func (c *comparison) placesOf(args []string, what string) (all []sinkPlaces, err error) {
	var names []string
	byName, outputs := map[string][]int{}, map[string][]int{}
	for n, s := range c.File.Sinks {
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
			sinks, source = outputs[c.File.Sinks[0].Output], arg
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
func (c *comparison) ask(sources, addresses []sinkPlaces) {
	places := slices.Concat(sources, addresses)
	number := make([]int, len(c.File.Sinks))
	var asked []expect.Sink
	for n, sink := range c.File.Sinks {
		if !slices.ContainsFunc(places, func(p sinkPlaces) bool { return slices.Contains(p.sinks, n) }) {
			c.Log("sink %s is not judged: it has no source", sink.Name)
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
	c.File.Sinks = asked
}

// checkWithin returns an error if arrival times are required and unknown, or known and not
// required.
func (c *comparison) checkWithin(sources []sinkPlaces) error {
	used := false
	for _, p := range sources {
		for _, n := range p.sinks {
			sink := &c.File.Sinks[n]
			if used = used || sink.Within > 0; sink.Within > 0 && c.ArrivedAt == "" {
				return fmt.Errorf("%ssink %s: within: the arrival times in %s are unknown: use --listen, or --arrived-at if the receiving system wrote them", sink.Places.Of("within"), sink.Name, source.Name(p.names[0]))
			}
		}
	}
	if c.ArrivedAt != "" && !used {
		return fmt.Errorf("--arrived-at %s: expected a sink with within, which compares arrival times", c.ArrivedAt)
	}
	return nil
}

// books returns the runs of the ledgers that count.
func (c *comparison) books() (books []*ledger.Stream, truths []expect.Truth, err error) {
	ledgers, _, err := c.Ledgers.Read(c.growing)
	if err != nil {
		return nil, nil, err
	}
	for _, b := range c.selected(ledger.Merge(ledgers)) {
		truth, ok := c.truths[b.Name]
		if !ok {
			return nil, nil, fmt.Errorf("the ledger has an input %q, which %s does not have", b.Name, c.File.Pipeline)
		}
		books, truths = append(books, b), append(truths, truth)
	}
	return books, truths, nil
}

// selected returns the runs that count. The last one counts with those that were active when
// it began.
func (c *comparison) selected(all []*ledger.Stream) []*ledger.Stream {
	var last time.Time
	for _, st := range all {
		if st.First.After(last) {
			last = st.First
		}
	}
	return slices.DeleteFunc(all, func(st *ledger.Stream) bool {
		if c.Last {
			return st.Last.Before(last)
		}
		return len(c.Runs) > 0 && !slices.Contains(c.Runs, st.Run)
	})
}

// add passes the ledgers to the judge.
func (c *comparison) add() error {
	books, truths, err := c.books()
	for i := range books {
		if err == nil {
			err = c.judge.Add(books[i], truths[i])
		}
	}
	if err == nil && len(books) == 0 {
		err = errors.New("the ledgers have no run that counts")
	}
	return err
}

// complete reports whether the ledgers are closed and all that they have arrived.
func (c *comparison) complete() (bool, error) {
	books, truths, err := c.books()
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	for i := range books {
		if books[i].Closed.IsZero() {
			return false, nil
		}
		if err == nil {
			err = c.judge.Add(books[i], truths[i])
		}
	}
	return err == nil && len(books) > 0 && c.judge.Complete(), err
}
