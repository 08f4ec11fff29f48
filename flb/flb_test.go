// SPDX-License-Identifier: Apache-2.0

package flb_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gdummy/gdummy/flb"
	"github.com/gdummy/gdummy/flb/flbtest"
	"github.com/google/go-cmp/cmp"
	"github.com/tinylib/msgp/msgp"
)

// script is an Input made of functions; those that are nil do nothing.
type script struct {
	init    func(*flb.Instance) error
	collect func(*flb.Emitter) error
	pause   func()
	resume  func()
	close   func(reload bool) error
}

func (s *script) Init(in *flb.Instance) error {
	if s.init == nil {
		return nil
	}
	return s.init(in)
}

func (s *script) Collect(e *flb.Emitter) error {
	if s.collect == nil {
		for e.Wait(flb.Never) {
		}
		return nil
	}
	return s.collect(e)
}

func (s *script) Pause() {
	if s.pause != nil {
		s.pause()
	}
}

func (s *script) Resume() {
	if s.resume != nil {
		s.resume()
	}
}

func (s *script) Close(reload bool) error {
	if s.close == nil {
		return nil
	}
	return s.close(reload)
}

// scripted returns a plugin whose instances are s.
func scripted(s *script, options ...flb.Option) flb.Plugin {
	return flb.Plugin{Name: "script", Description: "A test", Options: options, New: func() flb.Input { return s }}
}

// emit emits one record {"n": n}.
func emit(e *flb.Emitter, n int) {
	b := e.AppendEvent(e.Buffer(), time.Now(), nil)
	b = msgp.AppendInt(msgp.AppendString(msgp.AppendMapHeader(b, 1), "n"), n)
	e.Emit("", 1, b)
}

// numbers returns the n of all records.
func numbers(h *flbtest.Host) []int {
	var all []int
	for _, e := range h.Events() {
		all = append(all, int(e.Body["n"].(int64)))
	}
	return all
}

func upTo(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

func start(t *testing.T, s *script, section flbtest.Section, options ...flb.Option) *flbtest.Host {
	t.Helper()
	h := flbtest.New(t, scripted(s, options...))
	if err := h.Start(section); err != nil {
		t.Fatal(err)
	}
	return h
}

// count returns how many log lines contain a text.
func count(h *flbtest.Host, text string) (n int) {
	for _, line := range h.Log() {
		if strings.Contains(line, text) {
			n++
		}
	}
	return n
}

// Events carry the metadata they are given, if the host's have any.
func TestAppendEvent(t *testing.T) {
	for _, section := range []flbtest.Section{{}, {Legacy: true}, {Buffered: true}, {ThreadedOff: true}} {
		synctest.Test(t, func(t *testing.T) {
			h := start(t, &script{collect: func(e *flb.Emitter) error {
				meta := msgp.AppendBool(msgp.AppendString(msgp.AppendMapHeader(nil, 1), "m"), true)
				for _, m := range [][]byte{nil, meta} {
					e.Emit("", 1, msgp.AppendMapHeader(e.AppendEvent(e.Buffer(), time.Unix(7, 8), m), 0))
				}
				return nil
			}}, section)
			h.Advance(time.Second)
			want := []flbtest.Event{
				{Tag: "script.0", Time: time.Unix(7, 8), Metadata: map[string]any{}, Body: map[string]any{}},
				{Tag: "script.0", Time: time.Unix(7, 8), Metadata: map[string]any{"m": true}, Body: map[string]any{}},
			}
			if section.Legacy {
				want[1].Metadata = map[string]any{}
			}
			if got := h.Events(); len(got) < 2 {
				t.Errorf("%+v: %d events", section, len(got))
			} else if diff := cmp.Diff(want, got[:2]); diff != "" {
				t.Errorf("%+v: events (-want +got):\n%s", section, diff)
			}
		})
	}
	h := start(t, &script{collect: func(e *flb.Emitter) error { e.AppendEvent(nil, time.Now(), []byte("{}")); return nil }}, flbtest.Section{})
	for count(h, "panic in Collect: flb: the metadata of an event must be a MessagePack map") == 0 {
		time.Sleep(time.Millisecond)
	}
}

// AppendEvent, Wait and Emit do not allocate.
func TestAllocations(t *testing.T) {
	result := make(chan float64, 1)
	start(t, &script{collect: func(e *flb.Emitter) error {
		meta := msgp.AppendMapHeader(nil, 0)
		buf := make([]byte, 0, 100)
		select {
		case result <- testing.AllocsPerRun(100, func() { buf = msgp.AppendMapHeader(e.AppendEvent(buf[:0], time.Now(), meta), 0) }):
		default:
		}
		return nil
	}}, flbtest.Section{})
	if n := <-result; n != 0 {
		t.Errorf("%v allocations for an event", n)
	}
}

// A Collect that fails each time is logged less and less often, and each kind of error
// by itself; one that begins again is logged at once.
func TestFailuresBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		h := start(t, &script{collect: func(e *flb.Emitter) error {
			switch s := time.Since(begin); {
			case s < 10*time.Minute:
				return fmt.Errorf("cannot open file %d: no such file", int(s.Seconds()))
			case s >= 30*time.Minute && s < 30*time.Minute+30*time.Second:
				panic("broken")
			case s >= time.Hour && s < time.Hour+1500*time.Millisecond:
				return errors.New("cannot open file 7: no such file")
			}
			return nil
		}}, flbtest.Section{})
		h.Advance(2 * time.Hour)
		var at []string
		for _, line := range h.Log() {
			if strings.Contains(line, "cannot open") || strings.Contains(line, "panic in") {
				at = append(at, line)
			}
		}
		want := []string{
			"[error] cannot open file 0: no such file",
			"[error] cannot open file 2: no such file (1 more since this was last logged)",
			"[error] cannot open file 6: no such file (3 more since this was last logged)",
			"[error] cannot open file 14: no such file (7 more since this was last logged)",
			"[error] cannot open file 30: no such file (15 more since this was last logged)",
			"[error] cannot open file 62: no such file (31 more since this was last logged)",
			"[error] cannot open file 126: no such file (63 more since this was last logged)",
			"[error] cannot open file 254: no such file (127 more since this was last logged)",
			"[error] cannot open file 510: no such file (255 more since this was last logged)",
			"[error] panic in Collect: broken; the instance continues",
			"[error] panic in Collect: broken; the instance continues (1 more since this was last logged)",
			"[error] panic in Collect: broken; the instance continues (3 more since this was last logged)",
			"[error] panic in Collect: broken; the instance continues (7 more since this was last logged)",
			"[error] cannot open file 7: no such file",
		}
		if diff := cmp.Diff(want, at); diff != "" {
			t.Errorf("log (-want +got):\n%s", diff)
		}
		if m := h.Metrics(); m["plugin_panics_total"] != 30 || m["plugin_operation_failed_total"] != 632 {
			t.Errorf("metrics %v, want 30 panics of 632 failures", m)
		}
	})
}

// Kinds of failure that alternate are logged less and less often, even if there are more
// than are distinguished.
func TestAlternatingFailures(t *testing.T) {
	for kinds, want := range map[int]int{8: 8 * 9, 12: 9 * 9} {
		synctest.Test(t, func(t *testing.T) {
			n := 0
			h := start(t, &script{collect: func(e *flb.Emitter) error {
				n++
				return fmt.Errorf("cannot open %c", 'a'+n%kinds)
			}}, flbtest.Section{})
			h.Advance(10 * time.Minute)
			var lines []string
			for _, line := range h.Log() {
				if strings.Contains(line, "cannot open") {
					lines = append(lines, line)
				}
			}
			if len(lines) != want {
				t.Errorf("%d kinds, %d failures: logged %d times, want %d:\n%s", kinds, n, len(lines), want, strings.Join(lines, "\n"))
			}
			note := " of other kinds since one of them was last logged)"
			if got := slices.ContainsFunc(lines, func(l string) bool { return strings.HasSuffix(l, note) }); got != (kinds > 8) {
				t.Errorf("%d kinds: a line with %q: %v", kinds, note, got)
			}
		})
	}
}

// Tag returns the tag of the section.
func TestTag(t *testing.T) {
	for tag, want := range map[string]string{"app.log": "app.log", "": "script.0"} {
		var got string
		var ok bool
		start(t, &script{init: func(in *flb.Instance) error {
			got, ok = in.Tag()
			return nil
		}}, flbtest.Section{Tag: tag})
		if got != want || !ok {
			t.Errorf("Tag() of a section with the tag %q = %q, %v, want %q, true", tag, got, ok, want)
		}
	}
	if tag, ok := new(flb.Instance).Tag(); tag != "" || ok {
		t.Errorf("Tag() of the zero Instance = %q, %v, want \"\", false", tag, ok)
	}
}

// An input is notified of each pause once, and does not collect while it is paused.
func TestPauseOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls []string
		note := func(call string) func() { return func() { calls = append(calls, call) } }
		n := 0
		h := start(t, &script{
			collect: func(e *flb.Emitter) error { emit(e, n); n++; return nil },
			pause:   note("pause"), resume: note("resume"),
			close: func(reload bool) error { calls = append(calls, fmt.Sprint("close ", reload)); return nil },
		}, flbtest.Section{})
		h.Advance(1500 * time.Millisecond)
		h.Pause()
		h.Advance(time.Minute)
		h.Resume()
		h.Advance(1500 * time.Millisecond)
		if err := h.Reload(flbtest.Section{}); err != nil {
			t.Fatal(err)
		}
		h.Stop()
		if got, want := strings.Join(calls, ", "), "pause, resume, pause, close true, pause, close false"; got != want {
			t.Errorf("calls: %s; want %s", got, want)
		}
		if diff := cmp.Diff(upTo(4), numbers(h)); diff != "" {
			t.Errorf("records (-want +got):\n%s", diff)
		}
	})
}

// What the host refuses is offered again, in order, and nothing else is emitted meanwhile.
func TestRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, next := 0, time.Now()
		h := start(t, &script{collect: func(e *flb.Emitter) error {
			for e.Wait(next) {
				emit(e, n)
				n++
				next = next.Add(100 * time.Millisecond)
			}
			return nil
		}}, flbtest.Section{})
		h.Advance(950 * time.Millisecond)
		h.Refuse(true)
		h.Advance(5 * time.Second)
		if got := len(h.Events()); got != 10 {
			t.Errorf("%d events while the host refuses, want 10", got)
		}
		h.Refuse(false)
		h.Advance(5 * time.Second)
		if diff := cmp.Diff(upTo(110), numbers(h)); diff != "" {
			t.Errorf("records (-want +got):\n%s", diff)
		}
	})
}

// restorer continues with what it kept.
type restorer struct {
	script
	run func(context.Context) error // on a goroutine, after Restore
}

func (r *restorer) Restore(in *flb.Instance, kept any) error {
	if r.run != nil {
		in.Go(r.run)
		in.Logf(flb.Info, "restored %v", kept)
		return nil
	}
	in.Logf(flb.Info, "restored %v, wait %v", kept, in.Duration("wait"))
	return nil
}

// A reload with an error continues with the last good section, whose options count again.
func TestRestore(t *testing.T) {
	p := flb.Plugin{Name: "script", Options: everyType, New: func() flb.Input {
		return &restorer{script: script{init: func(in *flb.Instance) error { in.Keep(in.Int("count")); return nil }}}
	}}
	h := flbtest.New(t, p)
	if err := h.Start(flbtest.Section{Properties: map[string]string{"count": "7", "wait": "3s"}}); err != nil {
		t.Fatal(err)
	}
	err := h.Reload(flbtest.Section{Properties: map[string]string{"count": "none"}})
	if err == nil || count(h, "[info] restored 7, wait 3s") != 1 || h.Metrics()["plugin_config_last_reload_successful"] != 0 {
		t.Errorf("Reload returns %v, metrics %v", err, h.Metrics())
	}
	if err := h.Reload(flbtest.Section{}); err != nil {
		t.Error(err)
	}
}
