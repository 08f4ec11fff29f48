// SPDX-License-Identifier: Apache-2.0

// Package flbtest runs an input of package flb in a unit test, without Fluent Bit and
// without a C compiler.
//
// A [Host] makes the calls that Fluent Bit makes, in the same order: Init, Collect once
// a second, Pause, Resume, and Close. It records the events, log lines and metrics of
// the input, and checks the events.
//
//	func TestInterval(t *testing.T) {
//		synctest.Test(t, func(t *testing.T) {
//			h := flbtest.New(t, plugin)
//			if err := h.Start(flbtest.Section{Properties: map[string]string{"interval": "250ms"}}); err != nil {
//				t.Fatal(err)
//			}
//			h.Advance(time.Second)
//			if n := len(h.Events()); n != 4 {
//				t.Errorf("%d events in a second, want 4", n)
//			}
//		})
//	}
//
// # Time
//
// Within a bubble of testing/synctest, as above, time is simulated: hours pass in
// milliseconds, and the events of a test are the same each time. Outside of a bubble a
// Host runs in real time; [Host.Await] waits for events. Inputs that use sockets need
// that, since a bubble does not notice when the network is idle.
//
// # Limitations
//
// A Host has no filters and no outputs. It ingests what is emitted within a millisecond.
// Its memory does not grow, and it never loses conditional routes. What only a real
// Fluent Bit can show, such as the behaviour of a version, needs one.
package flbtest

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gdummy/gdummy/flb"
	"github.com/gdummy/gdummy/flb/internal/host"
	"github.com/gdummy/gdummy/internal/event"
	"github.com/tinylib/msgp/msgp"
)

// Section is an `[INPUT]` section, and the kind of host that runs it. The zero Section
// sets no properties and runs on a current Fluent Bit.
type Section struct {
	// Properties are the plugin's properties. One without a value is listed, but not
	// set, as in Fluent Bit.
	Properties map[string]string

	Alias string // empty: the plugin's name and ".0"
	Tag   string // empty: the plugin's name and ".0"

	// ThreadedOff runs the input on the engine's thread: Emitter.Wait never waits.
	ThreadedOff bool

	// Legacy is a host without metadata, as before 2.1.
	Legacy bool

	// Buffered is a host that accepts records only when Collect returns.
	Buffered bool
}

// Event is one record that the input emitted.
type Event struct {
	Tag      string
	Time     time.Time
	Metadata map[string]any
	Body     map[string]any // integers are int64, or uint64 above its range
}

// Host runs one input. Its methods are called by the test; New and the goroutines of the
// input must be in the same bubble, if there is one.
type Host struct {
	t       tester
	plugin  flb.Plugin
	history host.History

	mu      sync.Mutex
	run     *run // nil: no instance runs
	refuse  bool
	events  []Event
	lines   []string
	metrics map[string]float64
}

// New returns a Host for a plugin. When the test ends, the Host stops.
//
// In Example functions t is nil: then a failure panics, log lines are only in Log, and
// the example must call Stop.
func New(t testing.TB, p flb.Plugin) *Host {
	h := &Host{t: example{}, plugin: p, metrics: map[string]float64{}}
	if t != nil {
		h.t = t
		t.Cleanup(h.Stop)
	}
	return h
}

// tester is what a Host uses of a testing.TB.
type tester interface {
	Helper()
	Log(args ...any)
	Error(args ...any)
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// example is the tester of Example functions.
type example struct{}

func (example) Helper()                           {}
func (example) Log(...any)                        {}
func (example) Error(args ...any)                 { panic(fmt.Sprint(args...)) }
func (example) Errorf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
func (example) Fatal(args ...any)                 { panic(fmt.Sprint(args...)) }
func (example) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

// Start starts an instance and returns once its Init has, with the errors that it logged
// if that failed. It is the error of a start that Fluent Bit refuses.
func (h *Host) Start(s Section) error {
	h.t.Helper()
	if h.current() != nil {
		h.t.Fatal("flbtest: Start: an instance runs already")
	}
	return h.start(s, false)
}

// Reload ends the instance and starts another one, as a hot reload does. If Init of the
// new one fails, Reload returns its errors, and the instance continues with the previous
// configuration, or idles, as package flb does in Fluent Bit.
func (h *Host) Reload(s Section) error {
	h.t.Helper()
	h.end(true)
	return h.start(s, true)
}

// Stop ends the instance, as Fluent Bit does when it exits. It returns once Close has.
// Without an instance it does nothing.
func (h *Host) Stop() {
	h.t.Helper()
	h.end(false)
}

// Pause pauses the instance, as Fluent Bit does at mem_buf_limit. It returns once the
// input has been notified.
func (h *Host) Pause() {
	h.t.Helper()
	h.do(func(r *run) { r.pause() })
}

// Resume reverts Pause.
func (h *Host) Resume() {
	h.t.Helper()
	h.do(func(r *run) {
		r.paused = false
		r.tick = time.Now().Add(tickInterval)
		r.calls.Resume()
	})
}

// Refuse makes the host refuse what is emitted from now on, or accept it again.
func (h *Host) Refuse(yes bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.refuse = yes
}

// Advance lets d pass and waits until nothing happens any more. It may be called in a
// bubble of testing/synctest only.
func (h *Host) Advance(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// Await waits until n events have been emitted in all, and returns them. It fails the
// test if they do not come within a minute.
func (h *Host) Await(n int) []Event {
	h.t.Helper()
	for end := time.Now().Add(awaitTimeout); ; time.Sleep(time.Millisecond) {
		events := h.Events()
		if len(events) >= n {
			return events
		}
		if time.Now().After(end) {
			h.t.Fatalf("flbtest: %d events after %v, want %d", len(events), awaitTimeout, n)
		}
	}
}

// Events returns the events accepted so far, in order, over all reloads.
func (h *Host) Events() []Event {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.events[:len(h.events):len(h.events)]
}

// Log returns the lines logged so far, each with its level: "[error] disk is full".
func (h *Host) Log() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.lines[:len(h.lines):len(h.lines)]
}

// Metrics returns the metrics of the last instance, by name without "fluentbit_".
// Counters of package flb, such as plugin_panics_total, are among them.
func (h *Host) Metrics() map[string]float64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return maps.Clone(h.metrics)
}

func (h *Host) current() *run {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.run
}

func (h *Host) start(s Section, reload bool) error {
	h.t.Helper()
	h.history.PreRegister(reload)
	h.history.Register()
	h.mu.Lock()
	h.metrics = map[string]float64{}
	from := len(h.lines)
	h.mu.Unlock()
	r := newRun(h, s)
	lives := make(chan bool, 1)
	go r.serve(lives)
	ok := <-lives
	if ok {
		h.mu.Lock()
		h.run = r
		h.mu.Unlock()
	}
	if ok && h.Metrics()["plugin_config_last_reload_successful"] == 1 {
		return nil
	}
	var errs []string
	for _, line := range h.Log()[from:] {
		if text, isError := strings.CutPrefix(line, "[error] "); isError {
			errs = append(errs, text)
		}
	}
	return errors.New(strings.Join(errs, "\n"))
}

func (h *Host) end(reload bool) {
	h.t.Helper()
	r := h.current()
	if r == nil {
		return
	}
	h.do(func(r *run) {
		r.pause()
		r.calls.Exit(reload)
		r.over = true
	})
	h.mu.Lock()
	h.run = nil
	h.mu.Unlock()
}

// awaitTimeout is how long Await waits.
const awaitTimeout = time.Minute

// doTimeout is how long an input may take to return from Collect.
const doTimeout = time.Minute

// do calls f on the instance's thread, once Collect has returned.
func (h *Host) do(f func(*run)) {
	h.t.Helper()
	r := h.current()
	if r == nil {
		h.t.Error("flbtest: no instance runs")
		return
	}
	done := make(chan struct{})
	r.request(func() {
		defer close(done)
		f(r)
	})
	select {
	case <-done:
	case <-time.After(doTimeout):
		h.t.Errorf("flbtest: the input has not returned for %v: Collect must return when Emitter.Wait returns false", doTimeout)
	}
}

// add records events that the input emitted.
func (h *Host) add(tag string, records int, data []byte, legacy bool) {
	var events []Event
	for rest := data; len(rest) > 0; {
		e, after, err := decode(rest, legacy)
		if err != nil {
			h.t.Errorf("flbtest: event %d of a slice with %d records is malformed, Fluent Bit would drop it and what follows: %v", len(events), records, err)
			break
		}
		e.Tag = tag
		events = append(events, e)
		rest = after
	}
	if records >= 0 && len(events) != records {
		h.t.Errorf("flbtest: a slice was emitted with %d records, but contains %d: the engine would count wrong", records, len(events))
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.events = append(h.events, events...)
}

func decode(b []byte, legacy bool) (e Event, rest []byte, err error) {
	ev, rest, err := event.Decode(b)
	if err != nil {
		return e, rest, err
	}
	if isLegacy := b[1] != 0x92; isLegacy != legacy {
		return e, rest, fmt.Errorf("its form is not that of the host; see Instance.HasMetadata")
	}
	e.Time = time.Unix(0, ev.Time)
	if e.Metadata, err = decodeMap(ev.Metadata); err != nil {
		return e, rest, fmt.Errorf("metadata: %w", err)
	}
	if e.Body, err = decodeMap(ev.Body); err != nil {
		return e, rest, fmt.Errorf("body: %w", err)
	}
	return e, rest, nil
}

func decodeMap(b []byte) (map[string]any, error) {
	m, _, err := msgp.ReadMapStrIntfBytes(b, nil)
	return m, err
}
