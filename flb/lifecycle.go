// SPDX-License-Identifier: Apache-2.0

package flb

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gdummy/gdummy/flb/internal/host"
)

// Simulate returns the calls that a host makes for an instance of p. Package flbtest
// uses it, and nothing else can: host.Host is internal.
func Simulate(p Plugin, h host.Host) host.Calls { return calls{newInstance(p, h)} }

// calls are the calls of a host, each of them with panics recovered.
type calls struct{ in *Instance }

func (c calls) Init() bool {
	if !c.in.begin() {
		c.in.join()
		c.in.release()
		return false
	}
	return true
}

// begin sets the instance up, and reports whether it is to live. A start may be
// refused; a running agent must not end because of an error in one of its sections.
func (in *Instance) begin() bool {
	if in.Renamed() {
		in.Logf(Warn, "another input has the name %q: this one is %q in the log and the metrics; give each an alias of its own", in.given, in.Name())
	}
	good := in.setUp("Init", in.init)
	in.accepted.Set(oneIf(good))
	switch {
	case good:
		in.host.History().Keep(in.name, host.Kept{Config: in.config, Values: in.values, Tag: in.facts.Tag, TagKnown: in.facts.TagKnown})
	case in.reload && in.restore():
		in.Log(Error, "hot reload: this section has an error; the input continues with its last good configuration")
	case in.reload:
		in.Log(Error, "hot reload: this section has an error, and the input has no earlier configuration to continue with: it idles until a reload corrects it")
		in.input = idle{}
	case !in.facts.CanRefuse:
		in.Log(Error, "this input stays idle: this version of Fluent Bit cannot refuse a start")
		in.input = idle{}
	default:
		return false
	}
	return true
}

func oneIf(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// setUp creates the Input and calls its Init or Restore. It logs why that fails.
func (in *Instance) setUp(method string, call func(Input) error) (good bool) {
	code := host.CodeOK
	defer func() {
		if good = code == host.CodeOK; !good {
			in.join() // what a failed Init has started
			in.goroutines.ctx = nil
		}
	}()
	defer in.recovered(method, &code)
	if in.facts.CannotIdentify {
		in.Log(Error, "several inputs run on the engine's thread (threaded off), and this host cannot identify them: "+
			"none of them emits records; leave threaded on")
		code = host.CodeError
		return
	}
	in.SetMaxInFlight(DefaultMaxInFlight)
	in.SetMaxMemory(DefaultMaxMemory())
	in.input = in.plugin.New()
	if err := call(in.input); err != nil {
		in.logLines(errorLines(err))
		code = host.CodeError
	}
	return
}

// init checks the options and calls Init.
func (in *Instance) init(i Input) (err error) {
	if err := in.plugin.check(); err != nil {
		return err // Register has checked it; a simulation has not
	}
	if in.values, err = readOptions(in, in.plugin.Options); err != nil {
		return err
	}
	return i.Init(in)
}

// restore returns to the last good configuration, and reports whether it could.
func (in *Instance) restore() bool {
	kept, ok := in.host.History().Find(in.name, in.prefix(), in.facts.Tag, in.facts.TagKnown)
	if !ok {
		return false
	}
	return in.setUp("Restore", func(i Input) error {
		r, ok := i.(Restorer)
		if !ok {
			return errNoRestorer
		}
		in.values, _ = kept.Values.(values)
		return r.Restore(in, kept.Config)
	})
}

var errNoRestorer = errors.New("Keep was called without a Restore")

// idle is the Input of an instance that could not be set up and must live.
type idle struct{}

func (idle) Init(*Instance) error   { return nil }
func (idle) Collect(*Emitter) error { return nil }

// errorLines returns the lines of an error: those of its method Lines, if it has one,
// and otherwise those of its text.
func errorLines(err error) []string {
	if e, ok := err.(interface{ Lines() []string }); ok {
		return e.Lines()
	}
	return strings.Split(err.Error(), "\n")
}

// PreRun collects at once, since the first Collect follows only a second later. On the
// engine's own thread it does not: the engine has not connected its routes yet, and would
// drop the records of conditional ones.
func (c calls) PreRun() {
	c.in.preRun = true
	if c.in.started || !c.in.Streams() {
		return
	}
	c.in.collect()
}

func (c calls) Collect() (code int, data []byte) {
	c.in.checkRoutes()
	code = c.in.collect()
	return code, c.in.emitter.handOver()
}

// Pause notifies the Input once: hosts announce each pause twice.
func (c calls) Pause() {
	c.in.host.Changed()
	c.in.flushLog()
	if c.in.paused {
		return
	}
	c.in.paused = true
	if p, ok := c.in.input.(Pauser); ok {
		c.in.protect("Pause", p.Pause)
	}
}

func (c calls) Resume() {
	c.in.host.Changed()
	c.in.flushLog()
	if !c.in.paused {
		return
	}
	c.in.paused = false
	if p, ok := c.in.input.(Pauser); ok {
		c.in.protect("Resume", p.Resume)
	}
}

func (c calls) Exit(reload bool) {
	in := c.in
	defer in.release()
	in.lastRetry()
	in.noticeDrops(true)
	in.join()
	if closer, ok := in.input.(Closer); ok {
		in.protect("Close", func() {
			if err := closer.Close(reload); err != nil {
				in.logLines(errorLines(err))
			}
		})
	}
	in.count()
	in.flushLog()
}

// protect calls a method of the Input and recovers its panics.
func (in *Instance) protect(method string, call func()) {
	var code int
	defer in.recovered(method, &code)
	call()
}

// checkRoutes warns if the engine will lose the records of conditional routes. It looks
// at the first collects: the engine connects its routes some time after Init.
func (in *Instance) checkRoutes() {
	const collects = 5
	if in.routesChecked >= collects {
		return
	}
	in.routesChecked++
	if in.host.LosesRoutes() {
		in.routesChecked = collects
		in.Log(Warn, "this version of Fluent Bit has no conditional routes for threaded inputs: the outputs of this input's routes get no records; "+
			"set threaded off, or use 5.0.5 or later")
	}
}

// lastRetry logs what is lost because the engine refused it until the end.
func (in *Instance) lastRetry() {
	if in.emitter.retry() {
		return
	}
	for _, r := range in.emitter.refused {
		in.emitter.lost += uint64(r.records)
	}
	in.Logf(Error, "%d records are lost: the engine refused them until the end", in.emitter.lost)
}

// collect calls the Input's Collect and counts the result.
func (in *Instance) collect() (code int) {
	if !in.started {
		in.started = true
		in.host.MemoryBegan()
	}
	in.emitter.began = time.Now()
	in.flushLog()
	in.noticeDrops(false)
	defer in.count()
	defer in.recovered("Collect", &code)
	if !in.emitter.retry() {
		return host.CodeRetry
	}
	if err := in.input.Collect(&in.emitter); err != nil {
		in.failed++
		in.logFailure(err.Error(), errorLines(err))
		return host.CodeError
	}
	return host.CodeOK
}

// noticeDrops warns, when it first sees it and when the instance ends, that the engine
// has dropped records that it had accepted: before 2.1.9 it drops the queue at each
// pause. Hosts before 2.2.0, which have no PreRun, do not announce pauses; on later
// ones processors may drop records, too. A host that never resumes the input does not
// call Collect again: then only the last look finds it.
func (in *Instance) noticeDrops(last bool) {
	if in.preRun || !in.Streams() || in.dropsLogged && !last {
		return
	}
	e := &in.emitter
	var accepted uint64
	if last {
		accepted = e.accepted.records
	} else {
		// The slices in the queue, and the one that the engine is processing, are not counted yet.
		accepted = e.accepted.before(e.Pending() + 1)
	}
	if accepted == 0 {
		return
	}
	ingested, ok := e.Ingested()
	if !ok || ingested >= accepted {
		return
	}
	in.dropsLogged = true
	in.Logf(Warn, "Fluent Bit has dropped %d of the %d records in its queue: versions before 2.1.9 drop what is there when they pause an input "+
		"(mem_buf_limit) or stop, and may never resume it; threaded off loses nothing, a smaller max_in_flight less", accepted-ingested, accepted)
}

// recovered is deferred around every call of an Input's methods: a panic that left a
// callback would abort Fluent Bit.
func (in *Instance) recovered(method string, code *int) {
	r := recover()
	if r == nil {
		return
	}
	*code = host.CodeError
	in.panics.Add(1)
	in.failed++
	after := "the instance continues"
	switch method {
	case "Init", "Restore":
		after = "the input is not set up"
	case "Close":
		after = "the instance ends nevertheless"
	}
	lines := panicLines(fmt.Sprintf("panic in %s: %v; %s", method, r, after))
	if method == "Collect" {
		in.logFailure(lines[0], lines)
		return
	}
	in.logLines(lines)
}
