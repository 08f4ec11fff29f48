// SPDX-License-Identifier: Apache-2.0

// Package testrun runs a file of expectations in a Fluent Bit: on a copy of the pipeline
// whose gdummy inputs send as many records as the file requires, and whose outputs send to
// receivers that judge what arrives.
//
// The normal path is [Run]. [WriteFirst] writes a first file from what arrives in a run, and
// [Watch] waits until a file changes on which tests depend.
package testrun

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/gdummy/gdummy/internal/config/render"
	"github.com/gdummy/gdummy/internal/prove/expect"
	"github.com/gdummy/gdummy/internal/wire/agent"
	"github.com/gdummy/gdummy/internal/wire/pipeline"
)

// Options are those of a run. The zero value of a field is its default.
type Options struct {
	Binary   agent.Binary
	Library  string        // of the plugin, as with --plugin
	Records  uint64        // of each input; 0 is the number in the file
	Limit    time.Duration // until the verdict
	Stop     <-chan struct{}
	Version  string               // of gdummy; "" is a development version
	Progress func(arrived uint64) // called again and again, or nil
}

// Result is how a run ended.
type Result struct {
	Sinks   []expect.Result
	Changes []string // what differs from the configuration
	LeftOut []string // inputs that nothing feeds
	Notes   []string
	Took    time.Duration
	Err     error    // why the verdict is missing
	Log     []string // errors that Fluent Bit logged, if Err is not nil
}

// trial is one run of a file of expectations in one Fluent Bit.
type trial struct {
	Options
	pipeline.Editor
	file   *expect.File
	survey bool // what arrives is observed, not judged

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

// Run runs a file of expectations in a Fluent Bit, on a copy of its pipeline.
func Run(file *expect.File, o Options) Result {
	t := trial{file: file, Options: o}
	if o.Records > 0 {
		file.Records = o.Records
	}
	err := o.Binary.RequireMetadata()
	if err == nil {
		err = file.CheckLines()
	}
	if err == nil {
		t.Library, err = pipeline.Library(o.Library, file.Pipeline)
	}
	if err != nil {
		return Result{Err: err}
	}
	return t.run()
}

// run runs the trial.
func (t *trial) run() (r Result) {
	began := time.Now()
	defer func() { r.Took, r.Changes, r.LeftOut = time.Since(began), t.Changes, t.leftOut }()
	if t.dir, r.Err = os.MkdirTemp("", "gdummy-test-"); r.Err != nil {
		return r
	}
	defer os.RemoveAll(t.dir)
	defer func() {
		for _, s := range t.servers {
			s.Close()
		}
	}()
	if r.Err = t.prepare(); r.Err != nil {
		return r
	}
	a, err := pipeline.Start(t.Binary, t.main, t.Library)
	if err != nil {
		r.Err = err
		return r
	}
	defer a.Kill()
	ended := t.wait(a)
	if r.Err = t.judge.Err(); r.Err != nil {
		return r
	}
	if ended != nil {
		r.Err, r.Log = errors.Join(ended, lines(t.unset()), lines(t.missing())), a.Errors()
		return r
	}
	r.Sinks = t.judge.Verdict()
	r.Notes = t.notes(r.Sinks)
	return r
}

// notes explains records without an identity, if their offset may have been removed.
func (t *trial) notes(sinks []expect.Result) (notes []string) {
	foreign := func(f expect.Failure) bool { return f.Kind == expect.Foreign }
	if !slices.ContainsFunc(sinks, func(r expect.Result) bool { return slices.ContainsFunc(r.Failures, foreign) }) {
		return nil
	}
	for _, f := range t.feeds {
		notes = append(notes, fmt.Sprintf("the member %s identifies the records of %s: behind a filter that removes it, such as a parser without reserve_data, they have no identity", f.key, f.label))
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
	t.truths, err = pipeline.Truths(t.main, t.file.Pipeline, t.Version)
	maps.Copy(t.truths, t.fed)
	if len(t.feeds) > 0 {
		t.judge.Place = t.place
		for _, f := range t.feeds {
			t.judge.Places = append(t.judge.Places, f.key)
		}
	}
	return err
}
