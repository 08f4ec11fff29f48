// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gdummy/gdummy/internal/config/conf"
	"github.com/gdummy/gdummy/internal/config/option"
	"github.com/gdummy/gdummy/internal/config/render"
	"github.com/gdummy/gdummy/internal/files"
	"github.com/gdummy/gdummy/internal/generate/engine"
	"github.com/gdummy/gdummy/internal/prove/expect"
	"github.com/gdummy/gdummy/internal/prove/ledger"
	"github.com/gdummy/gdummy/internal/wire/agent"
	"github.com/gdummy/gdummy/internal/wire/receive"
)

// trial is one run of a file of expectations in one Fluent Bit.
type trial struct {
	file    *expect.File
	binary  agent.Binary
	library string // of the plugin; "" is the one that the configuration loads
	limit   time.Duration
	stop    <-chan struct{}
	survey  bool // what arrives is observed, not judged
	bar     *progress

	rendering
	config  *render.Config
	leftOut []string // inputs that nothing feeds
	dir     string
	main    string // the copy of the configuration
	judge   *expect.Judge
	servers []io.Closer
	truths  map[string]expect.Truth // by the input's name
	feeds   []*feed                 // of inputs that read a file
	fed     map[string]expect.Truth // of the feeds, by the input's name
}

// trialResult is how a trial ended.
type trialResult struct {
	sinks   []expect.Result
	changes []string
	leftOut []string
	notes   []string
	took    time.Duration
	err     error
	log     []string // of Fluent Bit, if err is not nil
}

// run runs the trial.
func (t *trial) run() (r trialResult) {
	began := time.Now()
	defer func() { r.took, r.changes, r.leftOut = time.Since(began), t.changes, t.leftOut }()
	if t.bar != nil {
		defer t.bar.hide()
	}
	if t.dir, r.err = os.MkdirTemp("", "gdummy-test-"); r.err != nil {
		return r
	}
	defer os.RemoveAll(t.dir)
	defer func() {
		for _, s := range t.servers {
			s.Close()
		}
	}()
	if r.err = t.prepare(); r.err != nil {
		return r
	}
	args := []string{"-c", t.main}
	if t.library != "" {
		args = append(args, "-e", t.library)
	}
	a, err := agent.Start(t.binary, args...)
	if err != nil {
		r.err = err
		return r
	}
	defer a.Kill()
	ended := t.wait(a)
	if r.err = t.judge.Err(); r.err != nil {
		return r
	}
	if ended != nil {
		r.err, r.log = errors.Join(ended, lines(t.unset())), a.Errors()
		return r
	}
	r.sinks = t.judge.Verdict()
	r.notes = t.notes(r.sinks)
	return r
}

// notes explains records without an identity, if their offset may have been removed.
func (t *trial) notes(sinks []expect.Result) (notes []string) {
	foreign := func(f expect.Failure) bool { return f.Kind == expect.Foreign }
	if !slices.ContainsFunc(sinks, func(r expect.Result) bool { return slices.ContainsFunc(r.Failures, foreign) }) {
		return nil
	}
	for _, f := range t.feeds {
		notes = append(notes, fmt.Sprintf("the member %s identifies the records of %s: a filter that removes it, such as a parser without reserve_data, makes them no identity", f.key, f.label))
	}
	return notes
}

// lines returns lines as an error, or nil without any.
func lines(all []string) error {
	if len(all) == 0 {
		return nil
	}
	return errors.New(strings.Join(all, "\n"))
}

// prepare writes the copy of the configuration.
func (t *trial) prepare() (err error) {
	if t.config, err = render.Read(t.file.Pipeline); err != nil {
		return err
	}
	t.judge = expect.NewJudge(t.file.Sinks)
	if t.survey {
		t.judge.Survey()
	}
	if err := t.inputs(); err != nil {
		return err
	}
	if err := t.outputs(); err != nil {
		return err
	}
	t.filters()
	t.service()
	if t.main, err = t.config.Write(t.dir); err != nil {
		return err
	}
	t.truths, err = truthsOf(t.main, t.file.Pipeline)
	maps.Copy(t.truths, t.fed)
	if len(t.feeds) > 0 {
		t.judge.Place = t.place
		for _, f := range t.feeds {
			t.judge.Places = append(t.judge.Places, f.key)
		}
	}
	return err
}

// paceOptions are the options that decide when and how many records are due.
var paceOptions = []string{
	"rate", "bytes_rate", "interval_sec", "interval_nsec", "load_profile", "control", "samples", "duration", "start_delay",
	"replay_speed", "shuffle_within", "repeat", "late", "skew", "on_finish", "audit", "audit_in", "ledger", "flush_on_startup",
}

// inputs replaces inputs as the file requires, and makes the gdummy inputs those of a test.
func (t *trial) inputs() error {
	labels := render.Labels(t.config.Inputs)
	t.fed = map[string]expect.Truth{}
	for _, in := range t.file.Inputs {
		i := slices.Index(labels, in.Input)
		if i < 0 {
			return fmt.Errorf("%sinputs: no input %q in %s: expected one of %s", in.Places.Of("input"), in.Input, t.file.Pipeline, strings.Join(labels, ", "))
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
		t.replaceInput(t.config.Inputs[i], labels[i], in)
	}
	n := len(t.feeds)
	for i, s := range t.config.Inputs {
		if _, ok := t.fed[labels[i]]; ok {
			continue
		}
		if s.Plugin() != plugin {
			s.Drop()
			t.change("input %s is left out: nothing feeds it", labels[i])
			t.leftOut = append(t.leftOut, labels[i])
			continue
		}
		for _, name := range paceOptions {
			t.remove(s, labels[i], name)
		}
		s.Set("rate", "unlimited")
		s.Set("max_records", strconv.FormatUint(t.file.Records, 10))
		place := "metadata"
		if t.inBody() {
			place = "body"
		}
		s.Set("audit_in", place)
		s.Set("ledger", filepath.Join(t.dir, "ledger"))
		t.change("input %s: %d records as fast as possible, with an identity in the %s", labels[i], t.file.Records, place)
		if _, ok := s.Get("seed"); !ok {
			s.Set("seed", t.file.Seed)
			t.change("input %s: seed %s", labels[i], t.file.Seed)
		}
		if s.Text("alias") == "" {
			s.Set("alias", labels[i])
		}
		n++
	}
	if n == 0 {
		return fmt.Errorf("%s has no gdummy input: replace one with `inputs:`, such as `- input: %s` with `format: nginx`", t.file.Pipeline, first(labels, "tail.0"))
	}
	return nil
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

func first(list []string, other string) string {
	if len(list) > 0 {
		return list[0]
	}
	return other
}

// outputs points the outputs of the sinks at receivers, and the others at nothing.
func (t *trial) outputs() error {
	labels := render.Labels(t.config.Outputs)
	ports := make([][]int, len(labels)) // the sinks of each output
	for n, s := range t.file.Sinks {
		i := slices.Index(labels, s.Output)
		if i < 0 {
			return fmt.Errorf("%ssink %s: no output %q in %s: expected one of %s", s.Places.Of("output", "name"), s.Name, s.Output, t.file.Pipeline, strings.Join(labels, ", "))
		}
		for _, from := range s.From {
			if inputs := render.Labels(t.config.Inputs); !slices.Contains(inputs, from) {
				return fmt.Errorf("%ssink %s: from: no input %q in %s: expected one of %s", s.Places.Of("from"), s.Name, from, t.file.Pipeline, strings.Join(inputs, ", "))
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
			t.nullOutput(s, labels[i], ", since no sink looks at it")
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
		t.forwardOutput(s, labels[i], server)
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
			t.change("filter %s: dummy_meta on, instead of metadata of a cluster", labels[i])
		}
	}
}

// testFlush is how often Fluent Bit flushes in a test, in seconds.
const testFlush = "0.1"

// service keeps a test apart from what else runs on the machine.
func (t *trial) service() {
	t.config.SetService("flush", testFlush)
	t.change("service: flush %s", testFlush)
	t.isolate(t.config, t.dir, "http_server", "http_listen", "http_port")
}

// truthsOf reads a configuration, to know where the records of each gdummy input come
// from, by the input's name. Its files are beside pipeline.
func truthsOf(path, pipeline string) (map[string]expect.Truth, error) {
	config, err := conf.Read(path, conf.Disk)
	if err != nil {
		return nil, err
	}
	if len(config.Errors) > 0 {
		return nil, config.Errors[0]
	}
	env := config.Lookup(conf.Process)
	truths := map[string]expect.Truth{}
	n := 0
	for _, in := range config.Inputs {
		option := func(name string) (string, bool) {
			p, ok := in.Property(name)
			if !ok {
				return "", false
			}
			return p.Value.Expand(env).Text, true
		}
		if name, _ := option("name"); !strings.EqualFold(name, plugin) {
			continue
		}
		label := fmt.Sprintf("%s.%d", plugin, n)
		n++
		if alias, ok := option("alias"); ok {
			label = alias
		}
		truths[label] = expect.Truth{Version: version, Files: files.Beside(pipeline), Options: option}
	}
	return truths, nil
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
		case <-t.stop:
			return fmt.Errorf("interrupted")
		case <-a.Done():
			return fmt.Errorf("the process of Fluent Bit %s ended", t.binary.Version)
		case now := <-tick.C:
			if t.bar != nil {
				t.bar.update(int64(t.judge.Arrived()))
			}
			last := t.judge.Last()
			switch {
			case t.judge.Err() != nil:
				return nil
			case now.Sub(began) > t.limit:
				return fmt.Errorf("no verdict within %v (--timeout)", t.limit)
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
