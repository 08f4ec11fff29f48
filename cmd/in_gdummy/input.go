// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gdummy/gdummy/flb"
	"github.com/gdummy/gdummy/internal/config/option"
	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/files"
	"github.com/gdummy/gdummy/internal/generate/engine"
	"github.com/gdummy/gdummy/internal/prove/ledger"
	"github.com/gdummy/gdummy/internal/prove/tracking"
)

// pendingInterval is how often a run that has finished looks whether the engine
// has taken in the last of it.
const pendingInterval = 20 * time.Millisecond

// reportInterval is how often a shortfall is written to the log.
const reportInterval = 10 * time.Second

// input joins an engine to an instance of the plugin.
type input struct {
	inst   *flb.Instance
	engine *engine.Engine
	exit   bool // on_finish exit
	proof  *tracking.Proof

	ingested     uint64 // or ledger.Uncounted
	ingestedNext time.Time
	seenIngest   bool   // the engine was seen to take something in
	maxInFlight  uint64 // bytes
	pending      int    // slices, when that was last looked at
	settling     settling
	proofProblem string // the last one that was logged

	records, bytes, ticks, asked, late, shortfall, refused, memoryWait *flb.Counter

	key     string // of the template, if there is one
	resumed uint64 // records before a reload

	counted        engine.Counts // what the metrics have
	countedRefused uint64
	countedWait    time.Duration
	reported       engine.Counts // what the log has
	reportedWait   time.Duration // likewise, for memory
	summed         bool          // the summary was logged
	done           bool          // the finish was announced
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
			FollowsEnvironment: o.FollowsEnvironment, Unchecked: true, // option.Parse does that
		}
	}
	return opts
}

// settings are what a section says, as parsed. They outlive the instance: an input
// whose section has an error after a hot reload continues with the last good ones.
type settings struct {
	config    engine.Config
	following map[string]string // options with ${VAR}, as written
	drawn     string            // the seed, if the section has none
	files     files.Path        // where the section's files are looked for
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
		inst.Logf(flb.Warn, "option %s: it is given more than once; the first value counts", name)
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
				inst.Logf(flb.Warn, "option stream_id: it is %q, so that the records are not those of the other input", id)
			}
			return id, true
		case name == "seed":
			s.drawn = reloads.seed(inst.Name())
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
	var errs option.Errors
	if errors.As(err, &errs) {
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

// searchPath returns where the files of a section are looked for.
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

// start begins a run with settings, which it leaves as they are.
func (in *input) start(inst *flb.Instance, s *settings) (err error) {
	own := s.config
	c := &own
	o := engine.Options{Form: event.Legacy, Log: func(line string) { inst.Log(flb.Warn, line) }}
	if inst.HasMetadata() {
		o.Form = event.V2
	}
	if !inst.Streams() {
		o.Turn = time.Second // Fluent Bit's own interval
	}
	if len(s.following) > 0 {
		o.Env = func() (string, string) {
			now := [2]string{c.Dummy, c.Metadata}
			for i, name := range []string{"dummy", "metadata"} {
				if text, ok := s.following[name]; ok {
					if expanded, could := inst.Expand(text); could {
						now[i] = expanded
					}
				}
			}
			return now[0], now[1]
		}
	}
	if c.Program != nil {
		t := &c.Template
		if s.drawn != "" {
			inst.Log(flb.Info, "the seed is "+s.drawn)
		}
		if c.Program.HasTag() && !inst.Streams() {
			inst.Log(flb.Warn, "tag_template: records can't have tags of their own here; they get that of the input")
		}
		in.key = c.StreamKey()
		if next, ok := reloads.find(inst.Name(), in.key); ok {
			t.First += int64(next * t.Shards)
			in.resumed = next
			inst.Logf(flb.Info, "the stream goes on with record %d", uint64(t.First)+t.Shard)
		}
	}
	in.inst = inst
	in.ingested = ledger.Uncounted
	in.exit = c.OnFinish == option.FinishExit
	in.records = inst.Counter("records_total", "Total number of records handed to the engine")
	in.bytes = inst.Counter("bytes_total", "Total number of bytes of MessagePack handed to the engine")
	in.ticks = inst.Counter("ticks_total", "Total number of ticks")
	in.asked = inst.Counter("asked_records_total", "Total number of records that were due")
	in.late = inst.Counter("late_records_total", "Total number of records handed over more than 20 ms after they were due")
	in.shortfall = inst.Counter("shortfall_records_total", "Total number of records given up because a stall lasted too long")
	in.refused = inst.Counter("refused_slices_total", "Total number of times the engine did not take what it was offered; each is offered again")
	in.memoryWait = inst.Counter("memory_wait_seconds_total", "Total time spent waiting because the process has grown by max_memory, in seconds")
	inst.SetMaxInFlight(c.MaxInFlight)
	in.maxInFlight = uint64(c.MaxInFlight)
	if c.MaxMemory > 0 {
		inst.SetMaxMemory(c.MaxMemory)
	}
	if in.proof, err = tracking.Start(&c.Config, tracking.Options{
		Name: inst.Name(), Version: version, Metadata: inst.HasMetadata(), Files: s.files,
	}); err != nil {
		return err
	}
	if o.Mark = in.proof.Mark(); o.Mark != nil {
		inst.Logf(flb.Info, "audit: this is run %s", in.proof.Run())
	}
	if path := in.proof.Ledger(); path != "" {
		inst.Logf(flb.Info, "ledger: %s", path)
	}
	o.Clock = reloads.clock(inst.Name())
	in.engine = engine.New(c, o)
	if inst.Streams() {
		inst.Log(flb.Info, "delivery: each record is appended to the engine when it is due")
	} else {
		inst.Log(flb.Info, "delivery: once a second, because the engine's own thread or an older way of handing over is in use")
	}
	if in.exit {
		finishers.join() // only now: an input that idles is not waited for
	}
	return nil
}

// Collect implements flb.Input.
func (in *input) Collect(e *flb.Emitter) error {
	defer in.count(e)
	defer in.book(e)
	before := in.engine.Counts().Records
	in.engine.Run(e)
	in.report(e)
	if !in.engine.Finished() || in.done {
		return nil
	}
	if !in.inst.Streams() && in.engine.Counts().Records > before {
		return nil // what this call returns is not handed over yet
	}
	for !in.settled(e) {
		if !e.Wait(time.Now().Add(pendingInterval)) {
			return nil
		}
	}
	in.finish()
	return nil
}

// settled reports whether the engine has taken in all that was handed over.
func (in *input) settled(e *flb.Emitter) bool {
	return in.settling.done(time.Now(), e.Pending(), in.engine.Counts().Records-e.Lost(), e.Ingested)
}

// Close implements flb.Closer.
func (in *input) Close(reload bool) error {
	reloads.keepClock(in.inst.Name(), in.engine.Clock())
	if in.key != "" { // hosts below 2.2 do not say that it is a reload
		reloads.keep(in.inst.Name(), in.key, in.resumed+in.engine.Counts().Records)
	}
	in.summary()
	if reload {
		in.problem(in.proof.Note(ledger.Reload))
	}
	e, c := in.inst.Emitter(), in.engine.Counts()
	in.problem(in.proof.Close(c.Records, e.Refusals, in.taken(e, true), c.Shortfall))
	if in.exit && !in.done {
		finishers.leave()
	}
	return nil
}

// Pause implements flb.Pauser.
func (in *input) Pause() { in.problem(in.proof.Note(ledger.Pause)) }

// Resume implements flb.Pauser.
func (in *input) Resume() { in.problem(in.proof.Note(ledger.Resume)) }

// book brings the ledger up to date.
func (in *input) book(e *flb.Emitter) {
	if in.proof == nil {
		return
	}
	c := in.engine.Counts()
	in.problem(in.proof.Update(c.Records, e.Refusals, in.taken(e, false), c.Shortfall))
}

// taken asks, once a second or now, how many records the engine has taken in.
func (in *input) taken(e *flb.Emitter, now bool) uint64 {
	if in.proof == nil {
		return 0
	}
	pending := e.Pending()
	c := in.engine.Counts()
	// Under load, pending may never be seen to fall: but there is no room for all
	// that was handed over.
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

// problem logs why the ledger could not be written, once.
func (in *input) problem(err error) {
	if err == nil || err.Error() == in.proofProblem {
		return
	}
	in.proofProblem = err.Error()
	in.inst.Log(flb.Error, "option ledger: "+in.proofProblem)
}

// finish says that a finite run is over, now that the engine has all of it.
func (in *input) finish() {
	in.done = true
	in.summary()
	if in.exit && finishers.finish() {
		in.inst.Log(flb.Info, "on_finish exit: every input that asked for it has finished; stopping Fluent Bit")
		if err := stopProcess(); err != nil {
			in.inst.Logf(flb.Error, "on_finish exit: %v", err)
		}
	}
}

// summary is the one line about a run that has ended.
func (in *input) summary() {
	if in.summed {
		return
	}
	in.summed = true
	c := in.engine.Counts()
	level := flb.Info
	if c.Shortfall > 0 || in.inst.Emitter().Lost() > 0 {
		level = flb.Warn // however short the run was
	}
	in.inst.Logf(level, "asked %d records (%s), delivered %d, shortfall %d, refused %d, in %s",
		c.Records+c.Shortfall, in.engine.PerSecond(), c.Records-in.inst.Emitter().Lost(), c.Shortfall, in.inst.Emitter().Lost(),
		c.Elapsed.Round(time.Millisecond))
}

// report logs what was given up, while it is.
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
			why = fmt.Sprintf("; for %s of it they waited for memory (max_memory)", waited.Round(time.Second))
		}
		in.inst.Logf(flb.Warn, "asked %s, held %.6g/s over %s: %d records were given up%s",
			in.engine.PerSecond(), held, span.Round(time.Second), short, why)
	}
	in.reported, in.reportedWait = now, e.MemoryWait()
}

// count brings the metrics up to date.
func (in *input) count(e *flb.Emitter) {
	now := in.engine.Counts()
	in.records.Add(now.Records - in.counted.Records)
	in.bytes.Add(now.Bytes - in.counted.Bytes)
	in.ticks.Add(now.Ticks - in.counted.Ticks)
	in.asked.Add(now.Records + now.Shortfall - in.counted.Records - in.counted.Shortfall)
	in.late.Add(now.Late - in.counted.Late)
	in.shortfall.Add(now.Shortfall - in.counted.Shortfall)
	in.refused.Add(e.Refused() - in.countedRefused)
	wait := e.MemoryWait()
	in.memoryWait.AddSeconds(wait - in.countedWait)
	in.counted, in.countedRefused, in.countedWait = now, e.Refused(), wait
}
