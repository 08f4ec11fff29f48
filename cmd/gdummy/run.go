// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/gdummy/gdummy/internal/config/option"
	"github.com/gdummy/gdummy/internal/config/units"
	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/files"
	"github.com/gdummy/gdummy/internal/generate/engine"
	"github.com/gdummy/gdummy/internal/generate/format"
	"github.com/gdummy/gdummy/internal/generate/printer"
	"github.com/gdummy/gdummy/internal/prove/tracking"
)

// defaultTag is the tag in Fluent Bit of the first gdummy input without the property tag.
const defaultTag = "gdummy.0"

// runFlags holds the flags of `gdummy run`.
type runFlags struct {
	props    properties
	format   printer.Format
	output   string
	records  int64
	duration time.Duration
	tag      string
}

func (f *runFlags) table() []flagRow {
	return []flagRow{
		{name: "p", arg: "key=value", help: "set an option, as in fluent-bit; may be repeated; --key value does the same",
			example: `-p rate=1k -p 'dummy={"level":"info"}' --records 3`, set: f.props.set, words: propertyWords},
		{name: "format", arg: "NAME", help: "the format of the output, one of\n" + formatHelp(),
			example: "--format json --records 1", set: f.setFormat, words: func(string) []string { return formatNames() }},
		{name: "output", arg: "FILE", help: "write to FILE instead of standard output",
			example: "--output records.msgpack --format msgpack --records 1", set: setString(&f.output)},
		{name: "records", arg: "N", help: "stop after N records, as -p max_records=N",
			example: "--records 3 -p rate=1k", set: setCount(&f.records, 1)},
		{name: "duration", arg: "D", help: "stop after the time D, such as 30s or 5m, as -p duration=D",
			example: "--duration 500ms -p rate=10", set: func(text string) (err error) {
				f.duration, err = units.ParseDuration(text)
				return err
			}},
		{name: "tag", arg: "TAG", help: "the tag of the records", without: defaultTag,
			example: "--tag app.web --records 1", set: setString(&f.tag)},
	}
}

func formatHelp() string {
	var b strings.Builder
	for i, f := range printer.Formats {
		fmt.Fprintf(&b, "  %-10s %s", f.Name, f.Help)
		if i == 0 {
			b.WriteString(" (default)")
		}
		if i < len(printer.Formats)-1 {
			b.WriteByte('\n')
		}
	}
	return b.String()
}

func formatNames() []string {
	return namesOf(printer.Formats, func(f printer.Format) string { return f.Name })
}

// setFormat selects a format by name.
func (f *runFlags) setFormat(name string) error {
	if i := slices.Index(formatNames(), name); i >= 0 {
		f.format = printer.Formats[i]
		return nil
	}
	err := fmt.Errorf("expected one of %s", strings.Join(formatNames(), ", "))
	if _, ok := format.Find(name); ok {
		err = fmt.Errorf("%w; for records in the format %s, use -p format=%[2]s", err, name)
	}
	return err
}

// options returns the flags of the options that are not in the table. Their names have
// dashes, as in --max-records.
func (f *runFlags) options() []flagRow {
	var rows []flagRow
	for _, section := range option.Sections() {
		heading := "Options: " + section
		for i := range option.Table {
			o := &option.Table[i]
			r := optionFlag(o)
			if o.Section != section || slices.ContainsFunc(f.table(), func(own flagRow) bool { return own.name == r.name }) {
				continue
			}
			r.section, heading = heading, ""
			r.set = func(text string) error { return f.props.set(o.Name + "=" + text) }
			rows = append(rows, r)
		}
	}
	return rows
}

// optionFlag returns the flag of an option without its set function.
func optionFlag(o *option.Option) flagRow {
	r := flagRow{
		name: strings.ReplaceAll(o.Name, "_", "-"), option: o.Name, arg: strings.ToUpper(o.Kind.String()),
		help: strings.Join(wrap(o.Help, 80), "\n"), without: cmp.Or(o.DefaultText, o.Default, "none"),
		words: func(string) []string { return optionWords(o) },
	}
	if o.Kind == option.Boolean {
		r.arg = ""
	}
	if o.Name == "rate" {
		r.without = "see below"
	}
	for _, other := range o.With {
		name, value, _ := strings.Cut(other, "=")
		r.example += "--" + strings.ReplaceAll(name, "_", "-") + "=" + quoted(value) + " "
	}
	r.example += r.dashed() + "=" + quoted(o.Example)
	return r
}

// quoted quotes text for a shell.
func quoted(text string) string {
	if text != "" && strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=") == "" {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// runHelp prints the help of run below the flags, which is also in
// docs/reference/commands.md.
const runHelp = `Without a rate (rate, bytes_rate, interval_sec, interval_nsec, load_profile), the run is
as fast as its output if it has an end (--records, --duration, samples, max_records) or
the output is not a terminal; on a terminal it is one record a second. It stops at Ctrl-C
and when its output is closed.
`

func moreOfRun(w io.Writer) {
	fmt.Fprint(w, "\n"+runHelp+"\nThe option format is -p format=NAME; `gdummy doc options` explains all options.\n")
}

func runCommand() ([]flagRow, runner) {
	f := runFlags{format: printer.Formats[0], output: "-"}
	return append(f.table(), f.options()...), f.run
}

func (f *runFlags) run(s stream, args []string) int {
	if len(args) > 0 {
		return s.usageError("%s", strayWord(args[0]))
	}
	config, code := f.props.config(s)
	if config == nil {
		return code
	}
	f.apply(config)
	if err := f.checkFiles(config, s.out); err != nil {
		return s.fail(err)
	}

	out := s.out
	if f.output != "-" {
		file, err := os.Create(f.output)
		if err != nil {
			return s.fail(err)
		}
		defer file.Close()
		out = file
	}
	if !config.Paced() && (config.Bounded() || !isTerminal(out)) {
		config.Rate = option.PerSecond{Unlimited: true}
		if errs := config.CheckDisorder(); len(errs) > 0 {
			return s.fail(errs)
		}
	}
	return f.generate(s, config, out)
}

// checkFiles returns an error if a file that a run writes is one that it reads, or if its
// output and its ledger are one file. It opens none of them.
func (f *runFlags) checkFiles(config *engine.Config, out io.Writer) error {
	output, written := "--output "+f.output, files.Identify(f.output)
	if f.output == "-" {
		output, written = "standard output", files.ID{}
		if file := fileOf(out); file != nil {
			written = files.IdentifyOpen(file)
		}
	}
	ledger := files.Identify(config.Ledger)
	if config.Ledger != "" && written.Same(ledger) {
		return fmt.Errorf("%s: the same file as that of option ledger: expected another one", output)
	}
	for option, names := range config.FilesRead() {
		for _, name := range names {
			read := files.Identify(name)
			if written.Same(read) {
				return fmt.Errorf("%s: the run would overwrite %s, which option %s reads: expected another file", output, name, option)
			}
			if config.Ledger != "" && ledger.Same(read) {
				return fmt.Errorf("option ledger: the run would write to %s, which option %s reads: expected another file", name, option)
			}
		}
	}
	return nil
}

// apply applies the flags that are not options. Of two ends, the earlier one counts.
func (f *runFlags) apply(config *engine.Config) {
	if f.records > 0 && (config.MaxRecords <= 0 || f.records < config.MaxRecords) {
		config.MaxRecords = f.records
	}
	if f.duration > 0 && (config.Duration <= 0 || f.duration < config.Duration) {
		config.Duration = f.duration
	}
	tag, _ := f.props.lookup("tag")
	f.tag = cmp.Or(f.tag, tag, defaultTag)
}

// generate writes the records of a configuration to out, until they end or the user stops
// them, and returns the exit code.
func (f *runFlags) generate(s stream, config *engine.Config, out io.Writer) int {
	// Write returns an error for a closed pipe, instead of ending the process.
	signal.Ignore(syscall.SIGPIPE)
	o := printer.Options{Format: f.format, Tag: f.tag, Stop: interrupted()}
	if isFile(out) {
		total := int64(-1)
		if config.MaxRecords > 0 {
			total = int64(config.Part(config.MaxRecords))
		}
		bar := newProgress(s.err, total, nil)
		o.Progress = func(written uint64) { bar.update(int64(written)) }
		s.err = bar
	}
	evidence, err := tracking.Start(&config.Config, tracking.Options{Name: defaultTag, Tag: f.tag, Version: current(), Metadata: true})
	if err != nil {
		return s.fail(err)
	}
	warn := func(err error) {
		if err != nil {
			s.logf("option ledger: %v", err)
		}
	}
	e := engine.New(config, engine.Options{
		Form: event.V2,
		Mark: evidence.Mark(),
		Log:  s.log,
		Changed: func(c engine.Change) {
			s.logf("control: %s, from record %d on", c.State, c.Record)
			warn(evidence.Change(c))
		},
	})
	if err := evidence.Open(e.Origin()); err != nil {
		return s.fail(err)
	}
	var p *printer.Printer
	o.Shortfall = func() uint64 {
		short := e.Counts().Shortfall
		warn(evidence.Update(p.Written(), nil, p.Written(), short))
		return short
	}
	p = printer.New(out, config, o)
	e.Run(p)
	p.End()
	unsent := e.Unsent()
	e.Close()
	warn(evidence.Close(p.Printed(), p.Refusals, p.Written(), e.Counts().Shortfall, unsent))
	summarize(s, p, e)

	err = p.Err()
	if errors.Is(err, syscall.EPIPE) {
		err = nil
	}
	if err = errors.Join(err, e.Err()); err != nil {
		return s.fail(err)
	}
	return exitFine
}

// summarize prints what a run has written, and warnings about what it has not.
func summarize(s stream, p *printer.Printer, e *engine.Engine) {
	c := e.Counts()
	s.logf("scheduled %s (%s), delivered %d, shortfall %d, refused %d, in %s",
		units.Plural(c.Records+c.Shortfall, "record"), e.PerSecond(), p.Written(), c.Shortfall, c.Records-p.Written(), c.Elapsed.Round(time.Millisecond))
	if n := e.Broken(); n > 0 {
		s.logf("warning: broken lines skipped: %d", n)
	}
	if c.Shortfall > 0 {
		s.logf("warning: shortfall of %d of %d records: %s", c.Shortfall, c.Records+c.Shortfall, p.Causes())
	}
}

// interrupted returns a channel that is closed at the first SIGINT or SIGTERM. The second
// one ends the process immediately, even while a write blocks.
func interrupted() <-chan struct{} {
	signals := make(chan os.Signal, 1)
	stop := make(chan struct{})
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		<-signals
		signal.Reset(syscall.SIGINT, syscall.SIGTERM)
		close(stop)
	}()
	return stop
}

// strayWord explains an argument that is not a flag.
func strayWord(word string) string {
	if name, value, ok := strings.Cut(word, "="); ok {
		if o, known := option.Find(name); known {
			return fmt.Sprintf("unexpected argument %q: set options with -p %s or --%s=%s", word, quoted(word), optionFlag(o).name, quoted(value))
		}
	}
	return fmt.Sprintf("unexpected argument %q: values with spaces need quotes", word)
}

// wrap breaks a text into lines of at most width characters.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}
