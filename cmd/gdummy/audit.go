// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/gdummy/gdummy/internal/config/units"
	"github.com/gdummy/gdummy/internal/files"
	"github.com/gdummy/gdummy/internal/prove/audit"
	"github.com/gdummy/gdummy/internal/prove/ledger"
	"github.com/gdummy/gdummy/internal/prove/recordscan"
	"github.com/gdummy/gdummy/internal/prove/report"
	"github.com/gdummy/gdummy/internal/prove/source"
	"github.com/gdummy/gdummy/internal/recordid"
	"github.com/gdummy/gdummy/internal/wire/arrivals"
)

// leastMemory is the smallest --memory, in bytes.
const leastMemory = 1_000_000

// auditFlags are the flags of `gdummy audit`.
type auditFlags struct {
	ledgers arrivals.Ledgers
	sources []string
	expect  string // file of expectations
	path    string
	arrived string // path of the field with the arrival time
	memory  int64
	json    bool
	html    string
	limits  audit.Limits
	live    listenFlags
	runs    []recordid.Run // --run ID
	last    bool           // --run last
	collect collectFlags
	parts   partFlags

	keys []string // names under which identities were sent
}

func (f *auditFlags) table() []flagRow {
	return slices.Concat([]flagRow{
		{section: "What was sent", name: "ledger", arg: "FILE", help: "a ledger of what was sent, or a pattern of several; may be repeated",
			example: "--ledger 'run.ledger*' out", set: appendTo(&f.ledgers.Names)},
		{name: "run", arg: "ID", help: "count only the run ID, as in a verdict or a ledger, or the newest run and those at\nthe same time (last); an ID may be repeated", without: "all",
			example: "--run last --ledger run.ledger out", set: f.setRun},
		{name: "expect", arg: "FILE", help: "compare the records with the expectations in FILE, as gdummy test does; a source is\nSINK=SOURCE, and an address SINK=ADDRESS, if FILE has several sinks",
			example: "--expect shop.test.yaml --ledger run.ledger orders=out", set: setString(&f.expect)},

		{section: "What arrived", name: "key", arg: "PATH", help: "look for identities only at PATH: names of fields joined by dots",
			example: "--key log.gdummy --ledger run.ledger nested", set: setString(&f.path)},
		{name: "arrived-at", arg: "PATH", help: "the field of records in files that has their arrival time: seconds, ms, us or ns\nsince 1970, or RFC 3339, as the receiving system wrote it; it makes latency known,\nand within of --expect",
			example: "--arrived-at event.ingested --ledger run.ledger ingested", set: setString(&f.arrived)},
		{name: "memory", arg: "SIZE", help: "use at most about SIZE of memory for what arrived", without: "256M",
			example: "--memory 1G --ledger run.ledger out", set: func(text string) (err error) {
				if f.memory, err = units.ParseSize(text); err == nil && f.memory < leastMemory {
					err = errors.New("at least 1M")
				}
				return err
			}},
	}, f.live.table(), f.collect.table(&f.ledgers.Dir), f.parts.table(), []flagRow{
		{section: "The verdict", name: "json", help: "print the verdict as JSON",
			example: "--json --ledger run.ledger out", set: setBool(&f.json)},
		{name: "html", arg: "FILE", help: "also write the verdict as a page to FILE",
			example: "--html report.html --ledger run.ledger out", set: setString(&f.html)},
	}, limitTable(&f.limits))
}

// setRun accepts the ID of a run, or last.
func (f *auditFlags) setRun(text string) error {
	if text == "last" {
		f.last = true
		return nil
	}
	run, err := recordid.ParseRun(text)
	if err != nil {
		return fmt.Errorf("%w, as a verdict or a ledger shows it, or last", err)
	}
	f.runs = append(f.runs, run)
	return nil
}

func auditCommand() ([]flagRow, runner) {
	f := auditFlags{memory: audit.DefaultMemory, limits: noLimits}
	f.live.seed, f.live.seedText = 1, "1"
	return f.table(), f.start
}

// start checks the flags, and runs what they ask for.
func (f *auditFlags) start(s stream, args []string) int {
	f.sources, f.ledgers.Log = args, s.logf
	collects := f.collect.address != ""
	switch live := len(f.live.addresses) > 0; {
	case len(f.sources) == 0 && f.parts.merge:
		return s.usageError("expected a source: files that --part wrote, or directories of them")
	case len(f.sources) == 0 && !live && !collects:
		return s.usageError("expected a source: files, directories, - for standard input, or --listen")
	case !live && (f.live.faults != nil || f.live.sharedKey != ""):
		return s.usageError("--fault and --shared-key require --listen")
	case !live && !collects && (f.live.wait.UntilComplete || f.live.wait.Idle > 0 || f.live.wait.First > 0 || f.live.cert != ""):
		return s.usageError("--until-ledger-complete, --idle, --first-within and --tls-cert require --listen or --collect")
	case live && f.arrived != "":
		return s.usageError("--arrived-at and --listen are mutually exclusive: a listener measures arrival times itself")
	case f.live.wait.UntilComplete && len(f.ledgers.Names) == 0 && !collects:
		return s.usageError("--until-ledger-complete requires --ledger")
	case f.live.seeded && f.live.faults == nil:
		return s.usageError("--seed requires --fault")
	case f.last && len(f.runs) > 0:
		return s.usageError("--run last and --run ID are mutually exclusive")
	case (f.live.cert == "") != (f.live.key == ""):
		return s.usageError("--tls-cert and --tls-key require each other")
	}
	if wrong := f.withCollect(); wrong != "" {
		return s.usageError("%s", wrong)
	}
	if wrong := f.withParts(); wrong != "" {
		return s.usageError("%s", wrong)
	}
	if f.parts.merge {
		return f.mergeParts(s)
	}
	if f.expect != "" {
		if wrong := f.withExpect(); wrong != "" {
			return s.usageError("%s", wrong)
		}
		return f.runExpect(s)
	}
	return f.run(s)
}

func auditHelp(w io.Writer) {
	fmt.Fprint(w, `
Sources are files, patterns, directories, or - for standard input, with the output of
Fluent Bit or of a system behind it: JSON of any shape or MessagePack, also in gzip,
zstd, xz, bzip2, lz4, snappy, zip, tar and UTF-16. A source in another format is an
error. Records have identities if the input has the option audit. The ledger of the
option ledger distinguishes losses at the end from an early stop. Standard input is
read to its end: Ctrl-C in a pipeline stops the writer, and the verdict follows.

Latency requires arrival times: --listen measures them; in files, the receiving system
must have written them (--arrived-at). The date that outputs of Fluent Bit write is the
time at which a record was due, not its arrival.

--part and --merge divide an audit: each process audits some of the sources, and the
last one prints the verdict of one audit of everything, exactly. A run that was sent out
of order or with broken records on purpose needs its ledger for --part, too.

With --listen, point an output of Fluent Bit at the address. A record that --fault
refuses is lost if it is not sent again, and the verdict counts it as refused by the
receiver; a record that --fault drop acknowledges and discards is withheld. Ctrl-C
stops listening, too. An address without a host accepts connections of this machine
only.

--collect stores the ledgers that gdummy ledger push sends, of any number of machines.
With --until-ledger-complete, it waits for all shards of each stream. A shard without a
ledger is a fault. Without --listen and without sources, it only stores ledgers.

A listener does not count runs of a ledger that ended before it started, unless some of
their records arrive. --run selects the runs that count.

Exit codes: 0 clean; 1 faults: more lost, withheld, duplicate or damaged records or more
shortfall than the limits allow, nothing to audit, pieces that could not be read while
no ledger proves that all records arrived, or a ledger that no longer exists at the end;
2 wrong usage, unreadable files, or a verdict or page that could not be written.
`)
}

// run audits what the sources and the listeners have, and returns the exit code.
func (f *auditFlags) run(s stream) int {
	// Write returns an error for a closed pipe, instead of ending the process.
	signal.Ignore(syscall.SIGPIPE)
	live := f.isLive()
	ctx, stop := context.Background(), func() {}
	if live || f.collect.address != "" { // before a line reports that it listens
		ctx, stop = signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	}
	defer func() { stop() }()
	collected := func() time.Time { return time.Time{} }
	if f.collect.address != "" {
		c, err := f.startCollecting(s)
		if err != nil {
			return s.fail(err)
		}
		defer c.Close()
		collected = c.Changed
		if !live {
			if err := f.ledgers.Await(ctx, f.live.wait, c.Changed); err != nil {
				return s.fail(err)
			}
			stop()
			if len(f.sources) == 0 {
				return f.reportCollected(s)
			}
		}
	}
	// The writer of standard input may still be sending.
	growing := live || slices.Contains(f.sources, "-")
	ledgers, sources, err := f.prepare(s.logf, growing)
	if err != nil {
		return s.fail(err)
	}
	if list := source.UnreadableOf(sources); len(list) > 0 {
		return f.refuse(s, list)
	}
	a := audit.New(f.options(ledgers))
	if growing && !live {
		finishPipe(s.logf)
	}
	read, code, err := f.readSources(s, a, sources, growing)
	switch {
	case err != nil:
		return s.fail(err)
	case code >= 0:
		return code
	}
	if live {
		if err := f.listen(ctx, s, a, collected); err != nil {
			return s.fail(err)
		}
	}
	var faults []string
	if growing || f.collect.address != "" {
		// The ledgers have grown. A ledger that no longer exists is a fault: it must
		// not cost the verdict of a long audit.
		ledgers, faults = f.ledgers.Last()
		a.SetLedgers(ledgers)
	}
	if f.parts.file != "" {
		for _, fault := range faults {
			s.log(fault)
		}
		return f.writePart(s, a, read)
	}
	return f.judge(s, a, ledgers, faults)
}

// prepare reads the ledgers, and returns them and the files of the sources. It checks where
// the result is written now, because all that follows may take hours. With growing, the
// writer of a source may still be sending.
func (f *auditFlags) prepare(log func(string, ...any), growing bool) (ledgers []*ledger.Ledger, sources []string, err error) {
	if ledgers, f.keys, err = f.ledgers.Read(growing || f.collect.address != ""); err != nil {
		return nil, nil, err
	}
	if growing && len(f.ledgers.Names) > 0 && len(f.ledgers.Paths) == 0 && f.collect.address == "" {
		log("%s does not exist yet", strings.Join(f.ledgers.Names, ", "))
	}
	if f.html != "" {
		if err := checkPage(f.html, "a ledger", f.ledgers.Paths...); err != nil {
			return nil, nil, err
		}
	}
	if sources, err = source.Expand(f.sources, f.ledgers.Paths, f.html, log); err != nil {
		return nil, nil, err
	}
	if f.parts.file != "" {
		err = checkPart(f.parts.file, slices.Concat(sources, f.ledgers.Paths)...)
	}
	return ledgers, sources, err
}

// judge prints the verdict, to which faults of the ledgers belong, and returns the exit code.
func (f *auditFlags) judge(s stream, a *audit.Auditor, ledgers []*ledger.Ledger, faults []string) int {
	v := a.Verdict()
	v.NoLedgerOf = f.noLedgerOf(ledgers)
	faults = append(faults, f.missing(ledgers)...)
	if n := v.WithoutLedger; n > 0 && f.collect.address != "" && f.limits.Unknown < 0 {
		faults = append(faults, fmt.Sprintf("runs without a ledger: %d", n))
	}
	return f.conclude(s, v, append(f.limits.Faults(v), faults...))
}

// isLive reports whether the audit listens for records.
func (f *auditFlags) isLive() bool { return len(f.live.addresses) > 0 }

// options returns the options of an audit with ledgers.
func (f *auditFlags) options(ledgers []*ledger.Ledger) audit.Options {
	o := audit.Options{Ledgers: ledgers, Memory: f.memory, Runs: f.runs, Last: f.last, Part: f.parts.file != ""}
	if f.isLive() {
		o.Since, o.Follows = time.Now(), len(f.ledgers.Names) > 0 || f.collect.address != ""
		if f.live.faults != nil {
			o.Faults, o.Seed = f.live.faults.String(), f.live.seedText
		}
	}
	return o
}

// readSources audits files and standard input, and returns those that were read. A code
// that is not negative ends the command. With growing, a writer may still be sending.
func (f *auditFlags) readSources(s stream, a *audit.Auditor, sources []string, growing bool) (read []audit.Source, code int, err error) {
	reader := source.NewFiles(a, recordscan.Options{Keys: f.keys, Path: f.path, Arrival: f.arrived}, f.memory, !growing)
	bar := newProgress(s.err, source.Size(sources), reader.Records)
	if growing {
		bar.bar = nil // the writer of the pipe may write to the terminal, too
	} else {
		s.err = bar
	}
	defer bar.hide()
	code = -1
	err = reader.Run(s.in, sources, bar.update, func(name string, size int64, err error) bool {
		if err != nil {
			var format *recordscan.FormatError
			switch {
			case errors.As(err, &format):
				code = f.refuse(s, []source.Unreadable{{Source: name, Entry: format.Entry, Format: format.Format}})
			case !errors.Is(err, source.ErrCut):
				code = s.fail(err)
			}
			if code >= 0 {
				return false
			}
			s.logf("warning: %v", err)
			a.Broken(1)
		}
		read = append(read, audit.Source{Name: source.Clean(name), Size: uint64(size)})
		return true
	})
	return read, code, err
}

// refuse reports sources in unsupported formats, instead of a verdict.
func (f *auditFlags) refuse(s stream, list []source.Unreadable) int {
	for _, u := range list {
		s.logf("cannot read %s: %v", source.Name(u.Source), &recordscan.FormatError{Format: u.Format, Entry: u.Entry})
	}
	if !f.json {
		return exitUsage
	}
	if err := encodeJSON(s.out, refusedReport{Unreadable: list}); err != nil {
		s.logf("cannot write the verdict: %v", err)
	}
	return exitUsage
}

// conclude prints the verdict and returns the exit code.
func (f *auditFlags) conclude(s stream, v *audit.Verdict, faults []string) int {
	var b bytes.Buffer
	if f.json {
		printJSON(&b, v, faults)
	} else {
		printVerdict(&b, v, faults, coloured(s.out))
	}
	code := exitFine
	if len(faults) > 0 {
		code = exitFound
	}
	if _, err := s.out.Write(b.Bytes()); err != nil {
		code = s.fail(fmt.Errorf("cannot write the verdict: %w", err))
	}
	if f.html != "" {
		err := writePage(f.html, func(w io.Writer) error {
			return report.Write(w, report.Page{Verdict: v, Faults: faults, Made: time.Now(), Version: current()})
		})
		if err != nil {
			code = s.fail(fmt.Errorf("cannot write the page: %w", err))
		}
	}
	return code
}

// checkPage returns an error if the page of --html cannot be written or would overwrite one
// of the files that are read, of the given kind, such as "a ledger".
func checkPage(path, kind string, read ...string) error {
	return checkWritable("html", "page", path, kind, read...)
}

// checkWritable returns an error if the file of a flag cannot be written or would overwrite
// one of the files that are read. What is written is a word, such as "page".
func checkWritable(flag, what, path, kind string, read ...string) error {
	info, err := os.Stat(path)
	absent := errors.Is(err, fs.ErrNotExist)
	switch {
	case absent:
	case err != nil:
		return fmt.Errorf("cannot write the %s: %w", what, err)
	case !info.Mode().IsRegular() && !info.IsDir():
		return nil // a pipe would wait for its reader
	}
	if !absent && overwrites(path, read) {
		return fmt.Errorf("--%s %s: the %s would overwrite %s", flag, path, what, kind)
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o666)
	if err != nil {
		return fmt.Errorf("cannot write the %s: %w", what, err)
	}
	err = file.Close()
	if absent {
		err = errors.Join(err, os.Remove(path)) // until it is written
	}
	return err
}

// overwrites reports whether a file is one of those that are read.
func overwrites(path string, read []string) bool {
	id := files.Identify(path)
	return slices.ContainsFunc(read, func(name string) bool { return id.Same(files.Identify(name)) })
}

// writePage writes a page to a file.
func writePage(path string, write func(io.Writer) error) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(file)
	if err = write(w); err == nil {
		err = w.Flush()
	}
	return errors.Join(err, file.Close())
}
