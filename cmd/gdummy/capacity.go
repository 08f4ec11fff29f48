// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/gdummy/gdummy/internal/chart"
	"github.com/gdummy/gdummy/internal/config/units"
	"github.com/gdummy/gdummy/internal/prove/capacity"
	"github.com/gdummy/gdummy/internal/prove/report"
	"github.com/gdummy/gdummy/internal/wire/agent"
	"github.com/gdummy/gdummy/internal/wire/load"
	"github.com/gdummy/gdummy/internal/wire/receive"
)

// capacityFlags are the flags of `gdummy capacity`.
type capacityFlags struct {
	binaries   []string
	library    string
	sink       string
	faults     *receive.Faults
	hold       time.Duration
	maxLatency time.Duration
	precision  float64
	budget     time.Duration
	repeat     int
	failIf     []capacity.Condition
	json       bool
	html       string
	verbose    bool
}

func (f *capacityFlags) table() []flagRow {
	return []flagRow{
		{name: "fluent-bit", arg: "FILE", help: "the Fluent Bit to measure in; twice, to compare the second with the first", without: "fluent-bit in PATH",
			example: "fluent-bit.conf --fluent-bit ./fluent-bit", set: appendTo(&f.binaries)},
		{name: "plugin", arg: "FILE", help: "the library of the plugin", without: "as in gdummy test",
			example: "fluent-bit.conf --plugin ./gdummy.so", set: setString(&f.library)},
		{name: "sink", arg: "SINK", help: "where the outputs send: receiver (this command, over forward), null (nowhere),\nor configured (where they send in production, which then gets the load)", without: "receiver",
			example: "fluent-bit.conf --sink null", words: func(string) []string { return load.Sinks }, set: func(text string) error {
				if f.sink = text; slices.Contains(load.Sinks, text) {
					return nil
				}
				return fmt.Errorf("invalid value %q%s", text, units.Hint(text, load.Sinks, strings.Join(load.Sinks, ", ")))
			}},
		{name: "fault", arg: "FAULTS", help: "faults of the receivers, as in gdummy audit, such as rate=5000/s, delay=20ms", without: "none",
			example: "fluent-bit.conf --fault rate=5000/s", set: func(text string) (err error) {
				f.faults, err = receive.ParseFaults(text)
				return err
			}},
		{name: "hold", arg: "D", help: "how long a rate has to hold in a trial, after a warm-up", without: "30s, or 8s to compare",
			example: "fluent-bit.conf --hold 10s", set: setSpan(&f.hold)},
		{name: "max-latency", arg: "D", help: "the 99th percentile of the latency up to which a rate holds", without: "5s",
			example: "fluent-bit.conf --max-latency 2s", set: setSpan(&f.maxLatency)},
		{name: "precision", arg: "PERCENT", help: "how narrow the answer has to be: half the width of its interval", without: "5%",
			example: "fluent-bit.conf --precision 2%", set: func(text string) (err error) {
				if f.precision, err = units.ParseShare(text); err == nil && (f.precision <= 0 || f.precision > 0.5) {
					err = fmt.Errorf("invalid value %q: expected a share above 0%% and up to 50%%", text)
				}
				return err
			}},
		{name: "budget", arg: "D", help: "how long to search; the answer is as precise as that allows", without: "6m, or 10m to compare",
			example: "fluent-bit.conf --budget 2m", set: setSpan(&f.budget)},
		{name: "repeat", arg: "N", help: "how many pairs of trials a comparison has at each rate, if the budget allows it", without: "until --precision",
			example: "fluent-bit.conf new.conf --repeat 10", set: setCount(&f.repeat, capacity.MinPairs)},
		{name: "fail-if", arg: "CONDITION", help: "exit with code 1 if the second is surely worse: slower, costlier or later than a\nshare; may be repeated",
			example: "fluent-bit.conf new.conf --fail-if 'slower than 5%'", set: func(text string) error {
				c, err := capacity.ParseCondition(text)
				f.failIf = append(f.failIf, c)
				return err
			}},
		{name: "json", help: "print the result as one JSON object", example: "fluent-bit.conf --json", set: setBool(&f.json)},
		{name: "html", arg: "FILE", help: "also write the result of one CONFIG as a page to FILE",
			example: "--html capacity.html fluent-bit.conf", set: setString(&f.html)},
		{name: "v", help: "list what differs from the configuration", example: "fluent-bit.conf -v", set: setBool(&f.verbose)},
	}
}

func capacityHelp(w io.Writer) {
	fmt.Fprint(w, `
CONFIG is a configuration of Fluent Bit. A Fluent Bit runs on a copy of it, on this
machine, and its gdummy and dummy inputs send at rising rates, in proportion to their
own. Other inputs are replaced as in gdummy test. A rate holds if, for the time --hold,
nothing is lost or given up, the latency stays within --max-latency, and no backlog
grows. The answer is the highest rate that holds, its interval with 95 % confidence, and
what limits it.

Outputs send to this command, over the forward protocol, and not to where they send in
production, unless --sink configured is set.

With two CONFIGs, or --fluent-bit twice, the second is compared with the first, in trials
that take turns. The answer is the ratio of what both deliver above their capacity, and
of their CPU time and latency at half of it, each with an interval. The ratio is the
median of the ratios of each trial of B to each of A, which can differ from that of the
medians of A and B beside it.

Ctrl-C ends the search with the answer until then.

Exit codes: 0 there is an answer; 1 no rate holds, or a condition of --fail-if is met;
2 wrong usage, a file that cannot be read, or no answer: also if --fail-if asks for a
ratio whose interval is unknown.
`)
}

func capacityCommand() ([]flagRow, runner) {
	f := capacityFlags{sink: load.SinkReceiver, maxLatency: 5 * time.Second}
	return f.table(), f.run
}

func (f *capacityFlags) run(s stream, args []string) int {
	compare := len(args) == 2 || len(f.binaries) == 2
	switch {
	case len(args) < 1 || len(args) > 2:
		return s.usageError("expected a CONFIG, or two to compare")
	case len(f.binaries) > 2 || len(args) == 2 && len(f.binaries) == 2:
		return s.usageError("--fluent-bit: expected one, or two with one CONFIG")
	case len(f.failIf) > 0 && !compare:
		return s.usageError("--fail-if: expected two CONFIGs, or --fluent-bit twice")
	case f.repeat > 0 && !compare:
		return s.usageError("--repeat: expected two CONFIGs, or --fluent-bit twice")
	case f.repeat > 0 && f.precision > 0:
		return s.usageError("--repeat and --precision are mutually exclusive: both decide when a comparison ends")
	case f.sink != load.SinkReceiver && slices.ContainsFunc(f.failIf, func(c capacity.Condition) bool { return c.Word == "later" }):
		return s.usageError("--fail-if: later: expected --sink receiver, without which the latency is unknown")
	case f.faults != nil && f.sink != load.SinkReceiver:
		return s.usageError("--fault: expected --sink receiver, whose faults they are")
	}
	if f.html != "" {
		if compare {
			return s.usageError("--html: expected one CONFIG and one --fluent-bit: a comparison has no page")
		}
		if err := checkPage(f.html, "CONFIG", args[0]); err != nil {
			return s.fail(err)
		}
	}
	if err := f.plan(compare); err != nil {
		return s.usageError("%v", err)
	}
	if len(f.binaries) == 0 {
		f.binaries = []string{"fluent-bit"}
	}
	var all []*load.Measurement
	for _, path := range args {
		for _, binary := range f.binaries {
			m, err := f.open(path, binary)
			if err != nil {
				return s.fail(err)
			}
			all = append(all, m)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	stop := interrupted()
	go func() {
		<-stop
		cancel()
	}()
	if len(all) == 2 {
		return f.compare(ctx, s, all[0], all[1])
	}
	return f.search(ctx, s, all[0])
}

// plan sets the times that are not given, and checks that they suffice for an answer.
func (f *capacityFlags) plan(compare bool) error {
	hold, budget, least, headroom := capacity.DefaultHold, capacity.DefaultBudget, capacity.LeastBudget, load.HeadroomCost
	if compare {
		hold, budget, least, headroom = capacity.DefaultCompareHold, capacity.DefaultCompareBudget, capacity.LeastCompareBudget, 2*load.HeadroomCost
	}
	if f.hold == 0 {
		f.hold = hold
	}
	if f.precision == 0 {
		f.precision = capacity.DefaultPrecision
	}
	if f.budget == 0 {
		f.budget = budget
	}
	if n := least(f.hold) + headroom; f.budget < n {
		return fmt.Errorf("--budget: %s is too short for an answer with a --hold of %s: expected %s or more",
			units.FormatDuration(f.budget), units.FormatDuration(f.hold), units.FormatDuration(n))
	}
	return nil
}

// open prepares the measurement of a configuration in a Fluent Bit.
func (f *capacityFlags) open(path, binary string) (*load.Measurement, error) {
	b, err := agent.Find(binary)
	if err != nil {
		return nil, fmt.Errorf("--fluent-bit: %w", err)
	}
	return load.New(path, load.Options{Binary: b, Library: f.library, Sink: f.sink, Faults: f.faults, MaxLatency: f.maxLatency})
}

// capacityResult is what --json prints.
type capacityResult struct {
	Config    string   `json:"config"`
	FluentBit string   `json:"fluent_bit"` // the executable
	Version   string   `json:"version"`
	Sink      string   `json:"sink"`
	Faults    string   `json:"faults,omitempty"`
	Headroom  float64  `json:"headroom"` // records per second that gdummy produces here
	LeftOut   []string `json:"left_out,omitempty"`
	Idle      []string `json:"idle,omitempty"` // outputs that got no records
	Changes   []string `json:"changes"`
	capacity.Result
}

// search searches and prints the answer. It returns the exit code.
func (f *capacityFlags) search(ctx context.Context, s stream, m *load.Measurement) int {
	show := newSteps(s.err, f.budget)
	defer show.hide()
	start := time.Now()
	if code, ok := f.headroom(ctx, s, show, m); !ok {
		return code
	}
	search := capacity.Search{Hold: f.hold, Budget: f.left(start), Precision: f.precision, Headroom: m.Headroom,
		Costs: []float64{0.25, 0.5, 0.75}, Progress: show.step}
	r, err := search.Run(ctx, m)
	show.hide()
	result := capacityResult{Config: m.Path, FluentBit: m.Binary.Path, Version: m.Binary.Version, Sink: m.Sink, Headroom: m.Headroom,
		LeftOut: m.LeftOut, Idle: m.Idle(), Changes: m.Changes, Result: r}
	if m.Faults != nil {
		result.Faults = m.Faults.String()
	}
	if err != nil {
		s.logf("%v", err)
	}
	if err == nil || len(r.Trials) > 0 {
		if f.json {
			if code := f.printJSON(s, result, exitFine); code != exitFine {
				return code
			}
		} else {
			f.print(s.out, &result)
			printChanges(s.out, m, f.verbose)
		}
		if f.html != "" {
			if err := result.writePage(f.html); err != nil {
				return s.fail(fmt.Errorf("cannot write the page: %w", err))
			}
		}
	}
	switch {
	case err != nil, len(r.Trials) == 0, r.Rate == 0 && r.Partial:
		return exitUsage
	case r.Rate == 0:
		return exitFound
	}
	return exitFine
}

// left returns the budget that is left since the start.
func (f *capacityFlags) left(start time.Time) time.Duration {
	return max(f.budget-time.Since(start), time.Second)
}

// print prints the answer and how it was found.
func (f *capacityFlags) print(w io.Writer, r *capacityResult) {
	w.Write(r.Text())
	fmt.Fprintln(w)
	for _, fact := range r.facts() {
		fmt.Fprintln(w, fact)
	}
}

// facts returns sentences about the measurement.
func (r *capacityResult) facts() []string {
	all := []string{fmt.Sprintf("gdummy can produce %s records/s here.", chart.FormatRate(r.Headroom))}
	if r.Sink != load.SinkReceiver {
		all = append(all, "Latency is known with --sink receiver only.")
	}
	return all
}

// writePage writes the result as a page.
func (r *capacityResult) writePage(path string) error {
	subject := fmt.Sprintf("%s in Fluent Bit %s, --sink %s", r.Config, r.Version, r.Sink)
	if r.Faults != "" {
		subject += " --fault " + r.Faults
	}
	facts := r.facts()
	for _, input := range r.LeftOut {
		facts = append(facts, leftOutText(input))
	}
	for _, output := range r.Idle {
		facts = append(facts, idleText(output))
	}
	return writePage(path, func(w io.Writer) error {
		return report.WriteCapacity(w, report.CapacityPage{Result: &r.Result, Subject: subject, Facts: facts, Made: time.Now(), Version: current()})
	})
}

func leftOutText(input string) string {
	return fmt.Sprintf("input %s is left out: nothing feeds it", input)
}

func idleText(output string) string {
	return fmt.Sprintf("output %s gets no records: no tag matches it, or filters drop them all", output)
}

// printChanges prints what was not measured, and, if verbose, what differs from the
// configuration.
func printChanges(w io.Writer, m *load.Measurement, verbose bool) {
	for _, name := range m.LeftOut {
		fmt.Fprintln(w, leftOutText(name))
	}
	for _, name := range m.Idle() {
		fmt.Fprintln(w, idleText(name))
	}
	if verbose {
		for _, c := range m.Changes {
			fmt.Fprintf(w, "differs: %s\n", c)
		}
	}
}

// printJSON prints a result, and returns code if that succeeds.
func (f *capacityFlags) printJSON(s stream, result any, code int) int {
	if err := encodeJSON(s.out, result); err != nil {
		return s.fail(fmt.Errorf("cannot write the result: %w", err))
	}
	return code
}

// headroom measures what gdummy produces, before anything else. It returns the exit code
// if that fails.
func (f *capacityFlags) headroom(ctx context.Context, s stream, show *steps, m *load.Measurement) (code int, ok bool) {
	show.step(capacity.Progress{Step: "headroom of gdummy", Left: f.budget})
	err := m.MeasureHeadroom(ctx)
	if err == nil {
		return exitFine, true
	}
	if errors.Is(err, context.Canceled) {
		err = errors.New("interrupted before there was an answer")
	}
	show.hide()
	return s.fail(err), false
}
