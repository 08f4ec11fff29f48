// SPDX-License-Identifier: Apache-2.0

package testrun

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gdummy/gdummy/internal/config/option"
	"github.com/gdummy/gdummy/internal/config/render"
	"github.com/gdummy/gdummy/internal/files"
	"github.com/gdummy/gdummy/internal/generate/engine"
	"github.com/gdummy/gdummy/internal/prove/expect"
	"github.com/gdummy/gdummy/internal/prove/ledger"
	"github.com/gdummy/gdummy/internal/wire/agent"
	"github.com/gdummy/gdummy/internal/wire/pipeline"
	"github.com/gdummy/gdummy/internal/wire/receive"
)

// inputs replaces inputs as the file requires, and makes the gdummy inputs those of a test.
func (t *trial) inputs() error {
	labels := render.Labels(t.config.Inputs)
	t.fed = map[string]expect.Truth{}
	for _, in := range t.file.Inputs {
		i, err := t.labelled("input", labels, in.Input)
		if err != nil {
			return fmt.Errorf("%sinputs: %w", in.Places.Of("input"), err)
		}
		if in.Via == expect.ViaFile {
			if err := t.feedInput(t.config.Inputs[i], labels[i], in); err != nil {
				return fmt.Errorf("%s%w", in.Places.Of("via"), err)
			}
			continue
		}
		if err := t.checkOptions(in); err != nil {
			return err
		}
		t.ReplaceInput(t.config.Inputs[i], labels[i], in)
	}
	n := len(t.feeds)
	for i, s := range t.config.Inputs {
		if _, ok := t.fed[labels[i]]; ok {
			continue
		}
		if s.Plugin() != option.Plugin {
			s.Drop()
			t.Changef("input %s is left out: nothing feeds it", labels[i])
			t.leftOut = append(t.leftOut, labels[i])
			continue
		}
		for _, name := range pipeline.PaceOptions {
			t.Remove(s, labels[i], name)
		}
		s.Set("rate", "unlimited")
		s.Set("max_records", strconv.FormatUint(t.file.Records, 10))
		place := "metadata"
		if t.inBody() {
			place = "body"
		}
		s.Set("audit_in", place)
		s.Set("ledger", filepath.Join(t.dir, "ledger"))
		t.Changef("input %s: %d records as fast as possible, with an identity in the %s", labels[i], t.file.Records, place)
		if _, ok := s.Get("seed"); !ok {
			s.Set("seed", t.file.Seed)
			t.Changef("input %s: seed %s", labels[i], t.file.Seed)
		}
		s.SetDefault("alias", labels[i])
		n++
	}
	if len(labels) == 0 {
		return fmt.Errorf("%s has no input", t.file.Pipeline)
	}
	if n == 0 {
		return fmt.Errorf("%s has no gdummy input: replace one with `inputs:`, such as `- input: %s` with `format: nginx`", t.file.Pipeline, labels[0])
	}
	return nil
}

// labelled returns the number of the input or output with a label.
func (t *trial) labelled(kind string, labels []string, label string) (int, error) {
	i := slices.Index(labels, label)
	switch {
	case i < 0:
		return 0, fmt.Errorf("no %s %q in %s: expected one of %s", kind, label, t.file.Pipeline, strings.Join(labels, ", "))
	case slices.Contains(labels[i+1:], label):
		return 0, fmt.Errorf("%s has two %ss named %q: expected an alias of its own for each", t.file.Pipeline, kind, label)
	}
	return i, nil
}

// checkOptions returns an error for wrong options of an input that replaces another.
func (t *trial) checkOptions(in expect.Input) error {
	given := map[string]string{}
	for _, o := range in.Options {
		if !option.IsCore(o[0]) {
			given[o[0]] = o[1]
		}
	}
	_, _, err := engine.Configure(func(name string) (string, bool) { text, ok := given[name]; return text, ok }, files.Beside(t.file.Pipeline))
	var errs option.Errors
	if !errors.As(err, &errs) {
		return err
	}
	var lines []string
	for _, e := range errs {
		lines = append(lines, fmt.Sprintf("%sinputs: %s: %v", in.Places.Of(e.Option), in.Input, e))
	}
	return errors.New(strings.Join(lines, "\n"))
}

// outputs points the outputs of the sinks at receivers, and the others at nothing.
func (t *trial) outputs() error {
	labels := render.Labels(t.config.Outputs)
	ports := make([][]int, len(labels)) // the sinks of each output
	for n, s := range t.file.Sinks {
		i, err := t.labelled("output", labels, s.Output)
		if err != nil {
			return fmt.Errorf("%ssink %s: %w", s.Places.Of("output", "name"), s.Name, err)
		}
		for _, from := range s.From {
			if _, err := t.labelled("input", render.Labels(t.config.Inputs), from); err != nil {
				return fmt.Errorf("%ssink %s: from: %w", s.Places.Of("from"), s.Name, err)
			}
		}
		ports[i] = append(ports[i], n)
	}
	for i, s := range t.config.Outputs {
		if slices.ContainsFunc(ports[i], func(n int) bool { return t.file.Sinks[n].Through }) {
			if err := t.throughOutput(s, labels[i], ports[i]); err != nil {
				return err
			}
			continue
		}
		if len(ports[i]) == 0 {
			t.NullOutput(s, labels[i], ", since no sink looks at it")
			continue
		}
		sinks := ports[i]
		server, err := receive.Listen("forward://127.0.0.1:0", nil, receive.Options{
			Events: func(_ string, events []byte, arrival time.Time) {
				for _, n := range sinks {
					t.judge.Arrive(n, events, arrival)
				}
			},
		})
		if err != nil {
			return err
		}
		t.servers = append(t.servers, server)
		t.ForwardOutput(s, labels[i], server.Addr())
	}
	return nil
}

// filters keeps filters from asking the network: that for Kubernetes has a setting for tests,
// with which it does all but that.
func (t *trial) filters() {
	labels := render.Labels(t.config.Filters)
	for i, s := range t.config.Filters {
		if s.Plugin() == "kubernetes" && !s.On("dummy_meta") {
			s.Set("dummy_meta", "on")
			t.Changef("filter %s: dummy_meta on, instead of metadata of a cluster", labels[i])
		}
	}
}

// testFlush is how often Fluent Bit flushes in a test, in seconds.
const testFlush = "0.1"

// service keeps a test apart from what else runs on the machine.
func (t *trial) service() {
	t.config.SetService("flush", testFlush)
	t.Changef("service: flush %s", testFlush)
	t.Isolate(t.config, t.dir, "http_server", "http_listen", "http_port")
}

// books returns the runs of the ledger, as far as it is written.
func (t *trial) books(whole bool) (books []*ledger.Stream, truths []expect.Truth, err error) {
	for _, f := range t.feeds {
		books, truths = append(books, f.book), append(truths, t.fed[f.label])
	}
	l, err := ledger.ReadFile(filepath.Join(t.dir, "ledger"))
	if err != nil {
		return books, truths, nil // there is none, or none yet
	}
	for _, b := range ledger.Merge([]*ledger.Ledger{l}) {
		truth, ok := t.truths[b.Name]
		if !ok {
			return nil, nil, fmt.Errorf("the ledger has an input %q, which the configuration does not have", b.Name)
		}
		if !whole {
			// The plan, until the ledger has what was sent.
			b.Accepted = []ledger.Entry{{Range: ledger.Range{From: 0, To: t.file.Records - 1}}}
		}
		books, truths = append(books, b), append(truths, truth)
	}
	return books, truths, nil
}

// The times of a trial.
const (
	pollEvery = 20 * time.Millisecond
	quiet     = 350 * time.Millisecond // without arrivals, when all that is expected is here
	patience  = 3 * time.Second        // without arrivals, when something is missing

	multilineFlush = 4 * time.Second // of the multiline parsers that Fluent Bit has
)

// wait waits until everything has arrived, or nothing more does. Its error explains a
// missing verdict.
func (t *trial) wait(a *agent.Agent) error {
	t.judge.Resolve = func() ([]*ledger.Stream, []expect.Truth, error) { return t.books(false) }
	began := time.Now()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	var full time.Time // since when nothing arrives
	for {
		select {
		case <-t.Stop:
			return fmt.Errorf("interrupted")
		case <-a.Done():
			return fmt.Errorf("the process of Fluent Bit %s ended", t.Binary.Version)
		case now := <-tick.C:
			if t.Progress != nil {
				t.Progress(t.judge.Arrived())
			}
			last := t.judge.Last()
			switch {
			case t.judge.Err() != nil:
				return nil
			case now.Sub(began) > t.Limit:
				return fmt.Errorf("no verdict within %v (--timeout)", t.Limit)
			case last.IsZero() && now.Sub(began) < t.patience()+2*time.Second, now.Sub(last) < quiet && !last.IsZero():
				full = time.Time{}
				continue
			}
			if full.IsZero() {
				full = now
				if t.judge.Refresh() == len(t.truths) && t.judge.Complete() {
					return nil
				}
			}
			if now.Sub(full) >= t.patience() && t.sent() {
				a.Stop(10 * time.Second)
				return t.final()
			}
		}
	}
}

// patience returns how long to wait without arrivals when something is missing. A
// multiline parser holds the last record back, in an input or in a filter.
func (t *trial) patience() time.Duration {
	if slices.ContainsFunc(t.feeds, func(f *feed) bool { return f.joins }) || t.config.HasFilter("multiline") {
		return patience + multilineFlush
	}
	return patience
}

// sent reports whether the engine has ingested all records, according to the ledger.
func (t *trial) sent() bool {
	books, _, err := t.books(true)
	if err != nil || len(books) < len(t.truths) {
		return false
	}
	for _, b := range books {
		if b.Listed().Accepted < t.file.Records {
			return false
		}
	}
	return true
}

// final passes the final state of the ledger to the judge.
func (t *trial) final() error {
	books, truths, err := t.books(true)
	for i := range books {
		if err == nil {
			err = t.judge.Add(books[i], truths[i])
		}
	}
	return err
}
