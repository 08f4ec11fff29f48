// SPDX-License-Identifier: Apache-2.0

package flb_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gdummy/gdummy/flb"
	"github.com/gdummy/gdummy/flb/flbtest"
	"github.com/google/go-cmp/cmp"
	"github.com/tinylib/msgp/msgp"
	"golang.org/x/sys/unix"
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

var everyType = []flb.Option{
	{Name: "count", Type: flb.Integer, Default: "10k", Min: "1", Max: "2M"},
	{Name: "ratio", Type: flb.Double, Default: "0.5", Max: "1"},
	{Name: "wait", Type: flb.Duration, Default: "1m30s", Min: "1ms"},
	{Name: "room", Type: flb.Size, Default: "64KiB"},
	{Name: "loud", Type: flb.Boolean, Default: "on"},
	{Name: "path", Type: flb.String, Default: "/var/log"},
	{Name: "mode", Type: flb.String, Default: "fast", OneOf: []string{"fast", "slow"}},
	{Name: "keys", Type: flb.Strings, Default: "a, b"},
	{Name: "own", Type: flb.Integer, Unchecked: true},
	{Name: "unset", Type: flb.Integer},
}

// Options have the values of the section or their defaults, in the zero Instance too.
func TestOptions(t *testing.T) {
	read := func(in *flb.Instance) string {
		return fmt.Sprintln(in.Int("count"), in.Float("Ratio"), in.Duration("wait"), in.Size("room"), in.Bool("loud"),
			in.String("path"), in.String("mode"), in.Strings("keys"), in.Int("unset"))
	}
	for _, tt := range []struct {
		set  map[string]string
		want string
	}{
		{nil, "10000 0.5 1m30s 65536 true /var/log fast [a b] 0"},
		{map[string]string{"COUNT": "2M", "ratio": "1e-3", "wait": "5", "room": "1M", "loud": "no", "path": "x", "mode": "slow", "keys": "c,,d", "unset": "-3", "own": "what"},
			"2000000 0.001 5s 1000000 false x slow [c d] -3"},
		{map[string]string{"path": "", "keys": ""}, "10000 0.5 1m30s 65536 true  fast [] 0"}, // set, to nothing
	} {
		got := ""
		start(t, &script{init: func(in *flb.Instance) error { got = read(in); return nil }}, flbtest.Section{Properties: tt.set}, everyType...)
		if got != tt.want+"\n" {
			t.Errorf("%v: %s, want %s", tt.set, got, tt.want)
		}
	}
}

// All errors of a section are reported at once, each with its option, and Init is not called.
func TestOptionErrors(t *testing.T) {
	s := &script{init: func(*flb.Instance) error { t.Error("Init is called"); return nil }}
	options := append([]flb.Option{{Name: "need", Required: true}}, everyType...)
	options = append(options, flb.Option{Name: "none", OneOf: []string{"gzip", "zstd"}}) // an empty value is none of them
	h := flbtest.New(t, scripted(s, options...))
	err := h.Start(flbtest.Section{Properties: map[string]string{
		"count": "0", "ratio": "nan", "wait": "soon", "room": "1X", "loud": "maybe", "mode": "fats", "keys": "z", "unset": "", "none": "",
	}})
	want := []string{
		`option need: a value is required`,
		`option count: invalid value "0": expected 1 to 2M`,
		`option ratio: invalid value "nan": expected a number, such as 0.5`,
		`option wait: invalid value "soon": expected a time span, such as 10 (seconds), 500ms, 1h30m or 2d`,
		`option room: invalid value "1X": unknown unit "X": expected a size in bytes, such as 64k, 4M or 1GiB`,
		`option loud: invalid value "maybe": expected on or off`,
		`option mode: invalid value "fats": expected fast or slow; did you mean fast?`,
		`option unset: the value is empty`,
		`option none: invalid value "": expected gzip or zstd`,
	}
	if err == nil {
		t.Fatal("the start succeeds")
	}
	if diff := cmp.Diff(want, strings.Split(err.Error(), "\n")); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
}

// Errors of the plugin's author are found by the first start, or by Register.
func TestAuthorErrors(t *testing.T) {
	h := flbtest.New(t, scripted(&script{init: func(in *flb.Instance) error { in.Int("path"); return nil }}, everyType...))
	if err := h.Start(flbtest.Section{}); err == nil || !strings.Contains(err.Error(), "panic in Init: flb: option path has type String") {
		t.Errorf("the wrong type: %v", err)
	}
	for want, o := range map[string]flb.Option{
		"option a: Default: invalid value":               {Name: "a", Type: flb.Integer, Default: "x"},
		"option b: Min: invalid value":                   {Name: "b", Type: flb.Duration, Min: "x"},
		"option c: Min and Max do not apply":             {Name: "c", Max: "3"},
		"option d: OneOf does not apply":                 {Name: "d", Type: flb.Size, OneOf: []string{"1"}},
		`option "": a name must not be empty`:            {},
		"option Port: Fluent Bit keeps properties of":    {Name: "Port"},
		"option net.x: Fluent Bit keeps properties of":   {Name: "net.x"},
		"option e: unknown type 99":                      {Name: "e", Type: 99},
		`option f: Default: invalid value "4": expected`: {Name: "f", Type: flb.Integer, Default: "4", Max: "3"},
		`option g: Default: invalid value "1": expected`: {Name: "g", Type: flb.Boolean, Default: "1"}, // Fluent Bit would not start
	} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.Contains(got, want) {
					t.Errorf("Register(%+v) panics with %q, want %q", o, got, want)
				}
			}()
			flb.Register(scripted(&script{}, o))
		}()
	}
}

// An Init accepts the zero Instance: it has no host, and does not crash.
func TestZeroInstance(t *testing.T) {
	var in flb.Instance
	if _, ok := in.Property("x"); ok || in.Properties() != nil || in.HasMetadata() || in.Streams() || in.Renamed() || in.Name() != "" {
		t.Error("the zero Instance has properties of a host")
	}
	in.Counter("x_total", "help").Add(3)
	in.SetMaxInFlight(1)
	in.SetMaxMemory(1)
	in.Keep(1)
	in.Wake()
	in.Logf(flb.Debug, "a line of %s", "the zero Instance")
	if text, ok := in.Expand("${HOME}"); text != "${HOME}" || ok {
		t.Errorf("Expand returns %q, %v", text, ok)
	}
	if err := errors.Join(in.Watch(0), in.Unwatch(0)); err != nil {
		t.Error(err)
	}
	done := make(chan bool)
	in.Go(func(context.Context) error { close(done); return nil })
	<-done
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

// Wake and a watched file descriptor end a Wait that time does not; none of many wakes
// is lost, and none makes Wait return before there is room.
func TestWake(t *testing.T) {
	for _, section := range []flbtest.Section{{}, {Buffered: true}, {ThreadedOff: true}} {
		synctest.Test(t, func(t *testing.T) {
			const n = 5000
			ch := make(chan int, 10)
			h := start(t, &script{
				init: func(in *flb.Instance) error {
					in.Go(func(ctx context.Context) error {
						for i := range n {
							select {
							case ch <- i:
							case <-ctx.Done():
								return nil
							}
							in.Wake()
						}
						return nil
					})
					return nil
				},
				collect: func(e *flb.Emitter) error {
					for e.Wait(flb.Never) {
						for len(ch) > 0 {
							emit(e, <-ch)
						}
					}
					return nil
				},
			}, section)
			h.Advance(time.Duration(n) * time.Second)
			if diff := cmp.Diff(upTo(n), numbers(h)); diff != "" {
				t.Errorf("%+v: records (-want +got):\n%s", section, diff)
			}
		})
	}
}

func TestWatch(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var in *flb.Instance
	h := start(t, &script{
		init: func(i *flb.Instance) error {
			in = i
			return in.Watch(int(r.Fd()))
		},
		collect: func(e *flb.Emitter) error {
			buf := make([]byte, 100)
			for e.Wait(flb.Never) {
				n, err := r.Read(buf)
				if err != nil { // the end: without Unwatch, Wait would return at once
					return in.Unwatch(int(r.Fd()))
				}
				for _, b := range buf[:n] {
					emit(e, int(b))
				}
			}
			return nil
		},
	}, flbtest.Section{})
	for i := range 5 {
		w.Write([]byte{byte(i)})
		h.Await(i + 1)
	}
	w.Close()
	h.Stop()
	if diff := cmp.Diff(upTo(5), numbers(h)); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
}

// Watch and Unwatch return the errors of epoll. A descriptor that is closed is not watched
// any more, even if another file gets its number.
func TestWatchErrors(t *testing.T) {
	pipe := func() (fds [2]int) {
		if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { unix.Close(fds[0]); unix.Close(fds[1]) })
		return fds
	}
	first, second := pipe()[0], pipe()[0]
	start(t, &script{init: func(in *flb.Instance) error {
		for i, step := range []struct {
			do   func(fd int) error
			want error
		}{
			{in.Unwatch, unix.ENOENT},
			{in.Watch, nil},
			{in.Watch, unix.EEXIST},
			{func(fd int) error { return unix.Dup3(second, fd, unix.O_CLOEXEC) }, nil}, // closes fd
			{in.Watch, nil},
			{in.Unwatch, nil},
			{in.Unwatch, unix.ENOENT},
		} {
			if err := step.do(first); !errors.Is(err, step.want) {
				t.Errorf("step %d: got %v, want %v", i, err, step.want)
			}
		}
		return nil
	}}, flbtest.Section{})
	file, err := os.Open("flb_test.go")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	h := flbtest.New(t, scripted(&script{init: func(in *flb.Instance) error { return in.Watch(int(file.Fd())) }}))
	if err := h.Start(flbtest.Section{}); err == nil || !strings.Contains(err.Error(), "cannot wait for file descriptor") {
		t.Errorf("Watch of a regular file: %v", err)
	}
}

// Goroutines are joined before Close; their panics and errors are logged and counted, and
// the instance continues.
func TestGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var running atomic.Int32
		closed := make(chan int32, 9)
		s := &script{
			init: func(in *flb.Instance) error {
				for i := range 3 {
					running.Add(1)
					in.Go(func(ctx context.Context) error {
						defer running.Add(-1)
						<-ctx.Done()
						time.Sleep(time.Duration(i) * 4 * time.Second) // it has something to finish
						return errors.New("cancelled: not reported")
					})
				}
				in.Go(func(context.Context) error { panic("a bug") })
				in.Go(func(context.Context) error { return errors.New("no such host") })
				return nil
			},
			close: func(bool) error { closed <- running.Load(); return nil },
		}
		h := start(t, s, flbtest.Section{})
		h.Advance(3 * time.Second)
		if m := h.Metrics(); m["plugin_panics_total"] != 1 || m["plugin_operation_failed_total"] != 2 {
			t.Errorf("metrics %v, want 1 panic of 2 failures", m)
		}
		if err := h.Reload(flbtest.Section{}); err != nil {
			t.Fatal(err)
		}
		h.Advance(time.Second)
		h.Stop()
		if a, b := <-closed, <-closed; a != 0 || b != 0 {
			t.Errorf("Close is called with %d and %d goroutines running", a, b)
		}
		for text, want := range map[string]int{
			"[error] panic in a goroutine: a bug; it has ended, the instance continues": 2,
			"[error] no such host":    2,
			"cancelled: not reported": 0,
			"[error] a goroutine of this input has not returned 5s after its context was cancelled": 2,
		} {
			if got := count(h, text); got != want {
				t.Errorf("%q is logged %d times, want %d", text, got, want)
			}
		}
		if !slices.ContainsFunc(h.Log(), func(l string) bool { return strings.Contains(l, "flb_test.go:") }) {
			t.Error("the panic is logged without its stack")
		}
	})
}

// An Init that fails ends the goroutines that it has started.
func TestGoOfFailedInit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := false
		h := flbtest.New(t, scripted(&script{init: func(in *flb.Instance) error {
			in.Go(func(ctx context.Context) error { <-ctx.Done(); ended = true; return nil })
			return errors.New("no")
		}}))
		if err := h.Start(flbtest.Section{}); err == nil || err.Error() != "no" || !ended {
			t.Errorf("Start returns %v, the goroutine has ended: %v", err, ended)
		}
	})
}

// The host is asked once to make room for goroutines, also if Init fails after it has
// started some and Restore starts others: flbtest reports a second time.
func TestGoOfRestore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wait := func(ctx context.Context) error { <-ctx.Done(); return nil }
		var fail error
		p := flb.Plugin{Name: "script", New: func() flb.Input {
			return &restorer{script: script{init: func(in *flb.Instance) error { in.Keep(1); in.Go(wait); return fail }}, run: wait}
		}}
		h := flbtest.New(t, p)
		if err := h.Start(flbtest.Section{}); err != nil {
			t.Fatal(err)
		}
		fail = errors.New("no")
		if err := h.Reload(flbtest.Section{}); err == nil || count(h, "[info] restored 1") != 1 {
			t.Errorf("Reload returns %v and logs %q", err, h.Log())
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
