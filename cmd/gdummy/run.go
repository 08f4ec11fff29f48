// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gdummy/gdummy/internal/config/conf"
	"github.com/gdummy/gdummy/internal/config/option"
	"github.com/gdummy/gdummy/internal/config/units"
	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/generate/engine"
	"github.com/gdummy/gdummy/internal/generate/format"
	"github.com/gdummy/gdummy/internal/prove/tracking"
)

// defaultTag is what Fluent Bit calls the records of the first gdummy input
// that has no tag.
const defaultTag = "gdummy.0"

// runFlags are what `gdummy run` was told.
type runFlags struct {
	props    properties
	format   formatFlag
	output   string
	records  int64
	duration time.Duration
	tag      string
}

func (f *runFlags) table() []flagRow {
	return []flagRow{
		{name: "p", arg: "key=value", help: "set an option, as in fluent-bit; may be repeated; --key value sets it, too",
			example: `-p rate=1k -p 'dummy={"level":"info"}' --records 3`, set: f.props.set, words: propertyWords},
		{name: "format", arg: "NAME", help: "how records are printed, one of NAME\n" + formatHelp(),
			example: "--format json --records 1", set: f.format.set, words: func(string) []string { return formatNames() }},
		{name: "output", arg: "FILE", help: "write to FILE instead of standard output",
			example: "--output records.msgpack --format msgpack --records 1", set: setString(&f.output)},
		{name: "records", arg: "N", help: "end after N records, as -p max_records=N",
			example: "--records 3 -p rate=1k", set: setCount(&f.records, 1)},
		{name: "duration", arg: "D", help: "end after the time D, as -p duration=D: 30s, 5m",
			example: "--duration 500ms -p rate=10", set: func(text string) (err error) {
				f.duration, err = units.ParseDuration(text)
				return err
			}},
		{name: "tag", arg: "TAG", help: "the tag of the records", without: defaultTag,
			example: "--tag app.web --records 1", set: setString(&f.tag)},
	}
}

// options are the flags of the options that have none in the table: the names with
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

// optionFlag is the flag of an option, but for what it sets.
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
	r.example = r.dashed() + "=" + quoted(o.Example)
	return r
}

// quoted is a text in a shell.
func quoted(text string) string {
	if text != "" && strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=") == "" {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// runHelp is what the help of run and docs/reference/commands.md have below the flags.
const runHelp = `Without an option that says how fast records come (rate, bytes_rate, interval_sec,
interval_nsec, load_profile), they come as fast as the output takes them if the run has
an end (--records, --duration, samples, max_records) or the output is not a terminal,
and one a second on a terminal. It ends at Ctrl-C, and where its output is closed.
`

func moreOfRun(w io.Writer) {
	fmt.Fprint(w, "\n"+runHelp+"\nThe option format is -p format=NAME; `gdummy doc options` explains all options.\n")
}

func run(s stream, args []string) int {
	f := runFlags{format: formats[0], output: "-"}
	fs := flags("run", append(f.table(), f.options()...))
	if code, ok := parse(s, fs, args); !ok {
		return code
	}
	if fs.NArg() > 0 {
		return usageError(s, "run", "%s", strayWord(fs.Arg(0)))
	}

	config, code := f.props.config(s)
	if config == nil {
		return code
	}
	// Whichever end comes first.
	if f.records > 0 && (config.MaxRecords <= 0 || f.records < config.MaxRecords) {
		config.MaxRecords = f.records
	}
	if f.duration > 0 && (config.Duration <= 0 || f.duration < config.Duration) {
		config.Duration = f.duration
	}
	if t, _ := f.props.lookup("tag"); f.tag == "" {
		f.tag = t
	}
	if f.tag == "" {
		f.tag = defaultTag
	}

	out := s.out
	if f.output != "-" {
		file, err := os.Create(f.output)
		if err != nil {
			fmt.Fprintf(s.err, "gdummy run: %v\n", err)
			return exitUsage
		}
		defer file.Close()
		out = file
	}

	if !config.Paced() && (config.Bounded() || !isTerminal(out)) {
		config.Rate = option.PerSecond{Unlimited: true}
	}

	// A closed pipe comes back from Write, instead of ending the process.
	signal.Ignore(syscall.SIGPIPE)
	stop := interrupted()

	h := &runHost{out: out, format: f.format, tag: f.tag, stop: stop}
	if isFile(out) {
		total := int64(-1)
		if config.MaxRecords > 0 {
			total = config.MaxRecords
		}
		h.progress = newProgress(s.err, total, nil)
		s.err = h.progress
	}
	evidence, err := tracking.Start(&config.Config, tracking.Options{Name: defaultTag, Version: current(), Metadata: true})
	if err != nil {
		fmt.Fprintf(s.err, "gdummy run: %v\n", err)
		return exitUsage
	}
	e := engine.New(config, engine.Options{
		Form: event.V2,
		Mark: evidence.Mark(),
		Log:  func(line string) { fmt.Fprintln(s.err, "gdummy run: "+line) },
	})
	warn := func(err error) {
		if err != nil {
			fmt.Fprintf(s.err, "gdummy run: option ledger: %v\n", err)
		}
	}
	h.waiting = func() uint64 {
		short := e.Counts().Shortfall
		warn(evidence.Update(h.written, nil, h.written, short))
		return short
	}
	h.late.since = time.Now()
	e.Run(h)
	h.end()
	c := e.Counts()
	warn(evidence.Close(h.printed, h.refusals, h.written, c.Shortfall))
	fmt.Fprintf(s.err, "gdummy run: asked %d records (%s), delivered %d, shortfall %d, refused %d, in %s\n",
		c.Records+c.Shortfall, e.PerSecond(), h.written, c.Shortfall, c.Records-h.written, c.Elapsed.Round(time.Millisecond))
	if c.Shortfall > 0 {
		fmt.Fprintf(s.err, "gdummy run: warning: %d of %d records were given up: %s\n", c.Shortfall, c.Records+c.Shortfall, &h.late)
	}
	switch {
	case h.err == nil, errors.Is(h.err, syscall.EPIPE):
		return exitFine
	}
	fmt.Fprintf(s.err, "gdummy run: %v\n", h.err)
	return exitUsage
}

// interrupted returns a channel that is closed at the first SIGINT or SIGTERM. The
// second one ends the process at once, even while a write hangs.
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
			return fmt.Sprintf("%q is not a flag; options are given as -p %s or --%s=%s", word, quoted(word), optionFlag(o).name, quoted(value))
		}
	}
	return fmt.Sprintf("%q is not a flag, nor the value of one; values with spaces need quotes", word)
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

// properties are the options of -p, in order.
type properties []property

type property struct {
	key, value string
	vars       []conf.Variable
}

// set adds one.
func (p *properties) set(text string) error {
	key, value, ok := strings.Cut(text, "=")
	if key = strings.TrimSpace(key); !ok || key == "" {
		return fmt.Errorf("expected key=value")
	}
	value, vars := conf.Expand(value, conf.Process)
	*p = append(*p, property{key, value, vars})
	return nil
}

// lookup returns the first value that a property was given: that is the one
// that counts in Fluent Bit.
func (p properties) lookup(key string) (string, bool) {
	if kv := p.first(key); kv != nil {
		return kv.value, true
	}
	return "", false
}

// first returns the first property of a name, or nil.
func (p properties) first(key string) *property {
	for i := range p {
		if strings.EqualFold(p[i].key, key) {
			return &p[i]
		}
	}
	return nil
}

// firstCounts is said of an option's second value.
const firstCounts = "the first value counts, and Fluent Bit 5.1.1 and later refuse to start"

// unset names the variables of a value that are not set in the mistake that
// follows from it.
func unset(e *option.Error, vars []conf.Variable) {
	var names []string
	for _, v := range vars {
		if name := "${" + v.Name + "}"; !v.Set && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	switch len(names) {
	case 0:
	case 1:
		e.Problem = names[0] + " is not set: " + e.Problem
	default:
		e.Problem = strings.Join(names, ", ") + " are not set: " + e.Problem
	}
}

// config makes the configuration, or tells all that is wrong and returns the
// exit code.
func (p properties) config(s stream) (*engine.Config, int) {
	wrong := false
	tell := func(kind string, lines []string) {
		for i, line := range lines {
			if i == 0 {
				line = "gdummy run: " + kind + line
			}
			fmt.Fprintln(s.err, line)
		}
	}
	for i, kv := range p {
		if o, ok := option.Find(kv.key); ok {
			if p.first(kv.key) != &p[i] {
				tell("warning: ", []string{fmt.Sprintf("option %s: it is given more than once; %s", o.Name, firstCounts)})
			}
			continue
		}
		if option.IsCore(kv.key) {
			if !strings.EqualFold(kv.key, "tag") {
				tell("note: ", []string{fmt.Sprintf("option %s: it is Fluent Bit's own, and means nothing here", kv.key)})
			}
			continue
		}
		unknown := option.Unknown(kv.key, kv.value, append(option.Names(), "tag"), func(name string) bool {
			_, ok := p.lookup(name)
			return ok
		})
		tell("", unknown.Lines())
		wrong = true
	}
	drawn := ""
	config, warnings, err := engine.Configure(func(name string) (string, bool) {
		text, ok := p.lookup(name)
		if !ok && name == "seed" {
			drawn = strconv.FormatUint(uint64(rand.Uint32()), 10)
			return drawn, true
		}
		return text, ok
	}, nil)
	var errs option.Errors
	if errors.As(err, &errs) {
		for _, e := range errs {
			if kv := p.first(e.Option); kv != nil {
				unset(e, kv.vars)
			}
			tell("", e.Lines())
		}
	} else if err != nil {
		tell("", []string{err.Error()})
	}
	for _, w := range warnings {
		tell("warning: ", w.Lines())
	}
	if wrong || err != nil {
		return nil, exitUsage
	}
	if drawn != "" && config.Program != nil {
		fmt.Fprintf(s.err, "gdummy run: the seed is %s\n", drawn)
	}
	return config, exitFine
}

// formatFlag is a way to print records.
type formatFlag struct {
	name, help string
	append     func(h *runHost, dst []byte, tag string, ev event.Event) ([]byte, error)
}

// formats are the ways to print records; the first one is the default.
var formats = []formatFlag{
	{"fluentbit", "what Fluent Bit's stdout output prints", func(h *runHost, dst []byte, tag string, ev event.Event) ([]byte, error) {
		return event.AppendText(dst, h.index, tag, ev)
	}},
	{"json", "one JSON object a line, as Fluent Bit's json_lines", func(_ *runHost, dst []byte, _ string, ev event.Event) ([]byte, error) {
		return event.AppendJSON(dst, ev)
	}},
	{"msgpack", "the events themselves, in MessagePack", nil},
}

func formatHelp() string {
	var b strings.Builder
	for i, f := range formats {
		fmt.Fprintf(&b, "  %-10s %s", f.name, f.help)
		if i == 0 {
			b.WriteString(" (default)")
		}
		if i < len(formats)-1 {
			b.WriteByte('\n')
		}
	}
	return b.String()
}

func formatNames() []string {
	var names []string
	for _, f := range formats {
		names = append(names, f.name)
	}
	return names
}

// set selects a format by its name.
func (f *formatFlag) set(name string) error {
	for _, known := range formats {
		if known.name == name {
			*f = known
			return nil
		}
	}
	err := fmt.Errorf("expected one of %s", strings.Join(formatNames(), ", "))
	if _, ok := format.Find(name); ok {
		err = fmt.Errorf("%w; a format of records is -p format=%s", err, name)
	}
	return err
}

// writeSize is how many bytes are gathered before they are written.
const writeSize = 64 << 10

// runHost prints what an engine emits.
type runHost struct {
	out    io.Writer
	format formatFlag
	tag    string
	stop   <-chan struct{}

	waiting func() (short uint64) // called now and then; how many records were given up
	late    lateness

	progress *progress // nil unless it writes to a file

	index            uint64    // of the next record
	printed, written uint64    // records
	events           []byte    // of Buffer
	buf              []byte    // printed, but not written
	unwritten        []byte    // the same, when writing has failed
	wrote            time.Time // when something was last written
	err              error     // of writing: nothing is printed any more
}

// Wait implements engine.Host.
func (h *runHost) Wait(t time.Time) bool {
	now := time.Now()
	d := t.Sub(now)
	h.late.generated(now, h.waiting(), d > 0)
	if h.progress != nil {
		h.progress.update(int64(h.written))
	}
	if d > 0 || len(h.buf) >= writeSize {
		h.flush() // here, where all of a slice is printed, whatever its tags
	}
	defer func() { h.late.woke(time.Now(), later(later(t, now), h.wrote)) }()
	if h.err != nil {
		return false
	}
	if d = time.Until(t); d <= 0 {
		select {
		case <-h.stop:
			return false
		default:
			return true
		}
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-h.stop:
		return false
	case <-timer.C:
		return true
	}
}

// Buffer implements engine.Host.
func (h *runHost) Buffer() []byte { return h.events[:0] }

// Emit implements engine.Host.
func (h *runHost) Emit(tag string, records int, events []byte) {
	if tag == "" {
		h.events = events // grown, perhaps
	}
	if h.err != nil {
		return
	}
	if tag == "" {
		tag = h.tag
	}
	for range records {
		if h.err = h.print(tag, &events); h.err != nil {
			return
		}
	}
	h.printed += uint64(records)
}

// print takes the first of the events and prints it.
func (h *runHost) print(tag string, events *[]byte) (err error) {
	if h.format.append == nil {
		n, err := event.Size(*events)
		if err != nil {
			return err
		}
		h.buf = append(h.buf, (*events)[:n]...)
		*events = (*events)[n:]
		return nil
	}
	var ev event.Event
	if ev, *events, err = event.Decode(*events); err != nil {
		return err
	}
	h.buf, err = h.format.append(h, h.buf, tag, ev)
	h.index++
	return err
}

// flush writes what is printed.
func (h *runHost) flush() {
	begin := time.Now()
	if h.err == nil && len(h.buf) > 0 {
		if _, h.err = h.out.Write(h.buf); h.err == nil {
			h.written = h.printed
		} else {
			h.unwritten = h.buf
		}
	}
	h.buf = h.buf[:0]
	h.wrote = time.Now()
	h.late.wrote(begin, h.wrote)
}

// end writes the rest of a run.
func (h *runHost) end() {
	h.late.generated(time.Now(), h.waiting(), false)
	h.flush()
}

// later returns the later of two times.
func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// refusals are the records that could not be written, for the ledger.
func (h *runHost) refusals(f func(records int, events []byte)) {
	if n := h.printed - h.written; n > 0 {
		f(int(n), h.unwritten)
	}
}
