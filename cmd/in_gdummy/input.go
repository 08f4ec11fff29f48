// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/gdummy/gdummy/flb"
	"github.com/gdummy/gdummy/internal/config/option"
	"github.com/gdummy/gdummy/internal/config/units"
	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/files"
	"github.com/gdummy/gdummy/internal/generate/engine"
	"github.com/gdummy/gdummy/internal/prove/ledger"
	"github.com/gdummy/gdummy/internal/prove/tracking"
)

// pendingInterval is how often a run that has finished checks whether the engine
// has ingested its last records.
const pendingInterval = 20 * time.Millisecond

// reportInterval is how often a shortfall is logged.
const reportInterval = 10 * time.Second

// input runs an engine in an instance of the plugin.
type input struct {
	inst   *flb.Instance
	engine *engine.Engine
	exit   bool // on_finish exit
	proof  *tracking.Proof

	ingested     uint64 // may be ledger.Uncounted
	ingestedNext time.Time
	seenIngest   bool   // the engine has ingested records
	maxInFlight  uint64 // bytes
	pending      int    // number of slices at the last check
	settling     settling
	ledgerError  string // the last one that was logged

	records, bytes, ticks, scheduled, late, shortfall, refused, memoryWait *flb.Counter

	key     string // of the stream, if a reload continues it
	resumed uint64 // number of records before a reload

	counted        engine.Counts // totals in the metrics
	countedRefused uint64
	countedWait    time.Duration
	reported       engine.Counts // totals at the last report
	reportedWait   time.Duration
	summed         bool // the summary was logged
	done           bool // finish was called
}

// options is the option table as Fluent Bit lists it.
func options() []flb.Option {
	opts := make([]flb.Option, len(option.Table))
	for i, o := range option.Table {
		t := flb.String
		switch o.Kind {
		case option.Integer:
			t = flb.Integer
		case option.Boolean:
			t = flb.Boolean
		}
		opts[i] = flb.Option{
			Name: o.Name, Type: t, Default: cmp.Or(o.DefaultText, o.Default), Help: o.Help,
			FollowsEnvironment: o.FollowsEnvironment, Unchecked: true, // engine.Configure does that
		}
	}
	return opts
}

// settings holds the parsed options of a section. They outlive the instance: an input whose
// section has an error after a hot reload continues with the last valid ones.
type settings struct {
	config    engine.Config
	following map[string]string // options with ${VAR}, as written
	drawn     string            // the seed, if the section has none
	files     files.Path        // where to search for the section's files
}

// Init implements flb.Input.
func (in *input) Init(inst *flb.Instance) error {
	s, err := readSettings(inst)
	if err != nil {
		return err
	}
	inst.Keep(s)
	return in.start(inst, s)
}

// Restore implements flb.Restorer.
func (in *input) Restore(inst *flb.Instance, kept any) error {
	return in.start(inst, kept.(*settings))
}

// readSettings parses the section of an instance.
func readSettings(inst *flb.Instance) (*settings, error) {
	s := &settings{following: map[string]string{}}
	empty, repeated := listed(inst.Properties())
	for _, name := range repeated {
		inst.Logf(flb.Warn, "option %s: set more than once; the first value is used", name)
	}
	lookup := func(name string) (string, bool) {
		text, ok := inst.Property(name)
		switch {
		case ok:
		case empty[name]:
			return "", true
		case name == "stream_id":
			id := strings.TrimPrefix(inst.Name(), "gdummy.")
			if inst.Renamed() {
				inst.Logf(flb.Warn, "option stream_id: %q, so that the records differ from those of the other input of this name", id)
			}
			return id, true
		case name == "seed":
			withKept(inst.Name(), func(k *kept) {
				if k.seed == "" {
					k.seed = strconv.FormatUint(uint64(rand.Uint32()), 10)
				}
				s.drawn = k.seed
			})
			return s.drawn, true
		default:
			return "", false
		}
		if o, found := option.Find(name); found && o.FollowsEnvironment {
			if expanded, could := inst.Expand(text); could && expanded != text {
				s.following[name] = text
				return expanded, true
			}
		}
		return text, true
	}
	s.files = searchPath()
	c, warnings, err := engine.Configure(lookup, s.files)
	if errs, ok := errors.AsType[option.Errors](err); ok {
		for _, e := range errs {
			if e.Empty {
				e.Hint = "Fluent Bit logs variables that are not set, in lines with [env]"
			}
		}
	}
	if err != nil {
		return nil, err
	}
	for _, w := range warnings {
		for _, line := range w.Lines() {
			inst.Log(flb.Warn, line)
		}
	}
	s.config = *c
	return s, nil
}

// searchPath returns the directories of the files that a section names.
func searchPath() files.Path {
	if main, ok := flb.ConfigFile(); ok {
		return files.Beside(main)
	}
	return nil
}

// listed returns the options that a section lists without a value as the first of
// their name, and those that it lists more than once.
func listed(list []flb.Listed) (empty map[string]bool, repeated []string) {
	empty = map[string]bool{}
	count := map[string]int{}
	for _, p := range list {
		o, ok := option.Find(p.Name)
		if !ok {
			continue
		}
		switch count[o.Name]++; count[o.Name] {
		case 1:
			empty[o.Name] = p.Empty
		case 2:
			repeated = append(repeated, o.Name)
		}
	}
	return empty, repeated
}

// start begins a run with settings, which it does not change.
func (in *input) start(inst *flb.Instance, s *settings) (err error) {
	config := s.config
	in.inst = inst
	in.ingested = ledger.Uncounted
	in.exit = config.OnFinish == option.FinishExit
	in.continueStream(&config, s.drawn)
	in.addCounters()
	inst.SetMaxInFlight(config.MaxInFlight)
	in.maxInFlight = uint64(config.MaxInFlight)
	if config.MaxMemory > 0 {
		inst.SetMaxMemory(config.MaxMemory)
	}
	if err := in.startTracking(&config, s.files); err != nil {
		return err
	}
	in.engine = engine.New(&config, in.engineOptions(&config, s.following))
	if err := in.openLedger(); err != nil {
		return err
	}
	if inst.Streams() {
		inst.Log(flb.Info, "delivery: each record is appended to the engine when it is due")
	} else {
		inst.Log(flb.Info, "delivery: once a second, because the input runs on the engine's thread (threaded off) or the version has no append")
	}
	if in.exit {
		finishers.Add(1) // not before: an idle input must not be waited for
	}
	return nil
}

// continueStream logs the seed, and continues the stream after the records generated before
// a reload.
func (in *input) continueStream(c *engine.Config, drawn string) {
	if !c.HasStream() {
		return
	}
	if drawn != "" && c.UsesSeed() {
		in.inst.Log(flb.Info, "the seed is "+drawn)
	}
	if c.Program != nil && c.Program.HasTag() && !in.inst.Streams() {
		in.inst.Log(flb.Warn, "option tag_template: no effect on this delivery; records have the tag of the input")
	}
	in.key = c.StreamKey()
	withKept(in.inst.Name(), func(k *kept) {
		if k.key != in.key {
			return
		}
		t := &c.Template
		t.First += int64(k.records * t.Shards)
		in.resumed = k.records
		in.inst.Logf(flb.Info, "the stream continues with record %d", uint64(t.First)+t.Shard)
	})
}

// addCounters adds the metrics to those of Fluent Bit.
func (in *input) addCounters() {
	for _, c := range []struct {
		counter    **flb.Counter
		name, help string
	}{
		{&in.records, "records_total", "Total number of records handed to the engine"},
		{&in.bytes, "bytes_total", "Total number of bytes of MessagePack handed to the engine"},
		{&in.ticks, "ticks_total", "Total number of ticks"},
		{&in.scheduled, "scheduled_records_total", "Total number of records that were due"},
		{&in.late, "late_records_total", "Total number of records handed over more than 20 ms after they were due"},
		{&in.shortfall, "shortfall_records_total", "Total number of records dropped because they were late"},
		{&in.refused, "refused_slices_total", "Total number of appends that the engine refused; each is retried"},
		{&in.memoryWait, "memory_wait_seconds_total", "Total time spent waiting because the process has grown by max_memory, in seconds"},
	} {
		*c.counter = in.inst.Counter(c.name, c.help)
	}
}

// startTracking begins the audit of a run, if there is one.
func (in *input) startTracking(c *engine.Config, path files.Path) (err error) {
	tag, _ := in.inst.Tag()
	in.proof, err = tracking.Start(&c.Config, tracking.Options{
		Name: in.inst.Name(), Tag: tag, Version: version, Metadata: in.inst.HasMetadata(), Files: path,
	})
	if err != nil {
		return err
	}
	if run := in.proof.Run(); run != "" {
		in.inst.Logf(flb.Info, "audit: this is run %s", run)
	}
	return nil
}

// openLedger opens the ledger of a run, if there is one.
func (in *input) openLedger() error {
	if err := in.proof.Open(in.engine.Origin()); err != nil {
		return err
	}
	if ledger := in.proof.Ledger(); ledger != "" {
		in.inst.Logf(flb.Info, "ledger: %s", ledger)
	}
	return nil
}

// engineOptions returns what the engine needs from the host. following are the options
// that follow the environment, as written.
func (in *input) engineOptions(c *engine.Config, following map[string]string) engine.Options {
	o := engine.Options{
		Form: event.Legacy,
		Log:  func(line string) { in.inst.Log(flb.Warn, line) },
		Mark: in.proof.Mark(),
	}
	withKept(in.inst.Name(), func(k *kept) { o.Clock = k.clock })
	o.Changed = func(c engine.Change) {
		in.inst.Logf(flb.Info, "control: %s, from record %d on", c.State, c.Record)
		in.logLedgerError(in.proof.Change(c))
	}
	if in.inst.HasMetadata() {
		o.Form = event.V2
	}
	if !in.inst.Streams() {
		o.CallInterval = time.Second // Fluent Bit's own interval
	}
	if len(following) == 0 {
		return o
	}
	expand := func(name, fallback string) string {
		if text, ok := following[name]; ok {
			if expanded, ok := in.inst.Expand(text); ok {
				return expanded
			}
		}
		return fallback
	}
	o.Env = func() (string, string) { return expand("dummy", c.Dummy), expand("metadata", c.Metadata) }
	return o
}

// Collect implements flb.Input.
func (in *input) Collect(e *flb.Emitter) error {
	defer in.count(e)
	defer in.updateLedger(e)
	before := in.engine.Counts().Records
	in.engine.Run(e)
	in.report(e)
	if !in.engine.Finished() || in.done {
		return nil
	}
	if !in.inst.Streams() && in.engine.Counts().Records > before {
		return nil // the records of this call are delivered when it returns
	}
	for !in.settled(e) {
		if !e.Wait(time.Now().Add(pendingInterval)) {
			return nil
		}
	}
	in.finish()
	return nil
}

// settled reports whether the engine has ingested all delivered records.
func (in *input) settled(e *flb.Emitter) bool {
	return in.settling.done(time.Now(), e.Pending(), in.engine.Counts().Records-e.Lost(), e.Ingested)
}

// Close implements flb.Closer.
func (in *input) Close(reload bool) error {
	withKept(in.inst.Name(), func(k *kept) { // at each end: hosts before 2.2 do not report a reload
		k.clock = in.engine.Clock()
		if in.key != "" {
			k.key, k.records = in.key, in.resumed+in.engine.Counts().Records
		}
	})
	unsent := in.engine.Unsent()
	in.engine.Close()
	in.summary()
	if reload {
		in.logLedgerError(in.proof.Note(ledger.Reload))
	}
	e, c := in.inst.Emitter(), in.engine.Counts()
	in.logLedgerError(in.proof.Close(c.Records, e.Refusals, in.countIngested(e, true), c.Shortfall, unsent))
	if in.exit && !in.done {
		finishers.Add(-1)
	}
	return nil
}

// Pause implements flb.Pauser.
func (in *input) Pause() { in.logLedgerError(in.proof.Note(ledger.Pause)) }

// Resume implements flb.Pauser.
func (in *input) Resume() { in.logLedgerError(in.proof.Note(ledger.Resume)) }

// updateLedger writes the current totals to the ledger.
func (in *input) updateLedger(e *flb.Emitter) {
	if in.proof == nil {
		return
	}
	c := in.engine.Counts()
	in.logLedgerError(in.proof.Update(c.Records, e.Refusals, in.countIngested(e, false), c.Shortfall))
}

// countIngested returns the number of records that the engine has ingested, now or within
// the last second.
func (in *input) countIngested(e *flb.Emitter, now bool) uint64 {
	if in.proof == nil {
		return 0
	}
	pending := e.Pending()
	c := in.engine.Counts()
	// Under load no check may find pending lower than the one before. More than
	// twice what may be in flight cannot all be pending.
	in.seenIngest = in.seenIngest || pending < in.pending || pending == 0 && c.Records > 0 || c.Bytes > 2*in.maxInFlight
	in.pending = pending
	if t := time.Now(); in.seenIngest && (now || !t.Before(in.ingestedNext)) {
		in.ingestedNext = t.Add(time.Second)
		if n, ok := e.Ingested(); ok {
			in.ingested = n
		}
	}
	return in.ingested
}

// logLedgerError logs an error of the ledger once.
func (in *input) logLedgerError(err error) {
	if err == nil || err.Error() == in.ledgerError {
		return
	}
	in.ledgerError = err.Error()
	in.inst.Log(flb.Error, "option ledger: "+in.ledgerError)
}

// finish ends a finite run after the engine has ingested all its records.
func (in *input) finish() {
	in.done = true
	in.summary()
	if in.exit && finishers.Add(-1) == 0 {
		in.inst.Log(flb.Info, "on_finish exit: all inputs with it have finished; stopping Fluent Bit")
		if err := stopProcess(); err != nil {
			in.inst.Logf(flb.Error, "on_finish exit: %v", err)
		}
	}
}

// summary logs one line about a run that has ended, only once.
func (in *input) summary() {
	if in.summed {
		return
	}
	in.summed = true
	if err := in.engine.Err(); err != nil {
		in.inst.Log(flb.Error, "option replay: "+err.Error())
	}
	if n := in.engine.Broken(); n > 0 {
		in.inst.Logf(flb.Warn, "option replay: broken lines skipped: %d", n)
	}
	c := in.engine.Counts()
	level := flb.Info
	if c.Shortfall > 0 || in.inst.Emitter().Lost() > 0 {
		level = flb.Warn
	}
	in.inst.Logf(level, "scheduled %s (%s), delivered %d, shortfall %d, refused %d, in %s",
		units.Plural(c.Records+c.Shortfall, "record"), in.engine.PerSecond(), c.Records-in.inst.Emitter().Lost(), c.Shortfall, in.inst.Emitter().Lost(),
		c.Elapsed.Round(time.Millisecond))
}

// report logs the shortfall of the last ten seconds, if there is one.
func (in *input) report(e *flb.Emitter) {
	now := in.engine.Counts()
	span := now.Elapsed - in.reported.Elapsed
	if span < reportInterval {
		return
	}
	if short := now.Shortfall - in.reported.Shortfall; short > 0 {
		held := float64(now.Records-in.reported.Records) / span.Seconds()
		why := ""
		if waited := e.MemoryWait() - in.reportedWait; waited >= time.Second {
			why = fmt.Sprintf("; records waited %s for memory (max_memory)", waited.Round(time.Second))
		}
		in.inst.Logf(flb.Warn, "scheduled %s, held %.6g/s over %s: %d records dropped because they were late%s",
			in.engine.PerSecond(), held, span.Round(time.Second), short, why)
	}
	in.reported, in.reportedWait = now, e.MemoryWait()
}

// count updates the metrics.
func (in *input) count(e *flb.Emitter) {
	now := in.engine.Counts()
	in.records.Add(now.Records - in.counted.Records)
	in.bytes.Add(now.Bytes - in.counted.Bytes)
	in.ticks.Add(now.Ticks - in.counted.Ticks)
	in.scheduled.Add(now.Records + now.Shortfall - in.counted.Records - in.counted.Shortfall)
	in.late.Add(now.Late - in.counted.Late)
	in.shortfall.Add(now.Shortfall - in.counted.Shortfall)
	in.refused.Add(e.Refused() - in.countedRefused)
	wait := e.MemoryWait()
	in.memoryWait.AddSeconds(wait - in.countedWait)
	in.counted, in.countedRefused, in.countedWait = now, e.Refused(), wait
}
