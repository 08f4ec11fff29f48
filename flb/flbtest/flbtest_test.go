// SPDX-License-Identifier: Apache-2.0

package flbtest

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gdummy/gdummy/flb"
	"github.com/tinylib/msgp/msgp"
)

// input is an Input that does in Collect what a test wants.
type input struct{ collect func(*flb.Emitter) error }

func (*input) Init(*flb.Instance) error       { return nil }
func (i *input) Collect(e *flb.Emitter) error { return i.collect(e) }

func plugin(collect func(*flb.Emitter) error) flb.Plugin {
	return flb.Plugin{Name: "x", New: func() flb.Input { return &input{collect} }}
}

// recorder records the failures that a Host reports.
type recorder struct {
	testing.TB
	mu     sync.Mutex
	errors []string
}

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}

// What would damage a chunk in Fluent Bit fails the test.
func TestBadEvents(t *testing.T) {
	good := func(e *flb.Emitter) []byte { return msgp.AppendMapHeader(e.AppendEvent(nil, time.Unix(1, 0), nil), 0) }
	for name, tt := range map[string]struct {
		emit func(e *flb.Emitter)
		want string
	}{
		"no body":     {func(e *flb.Emitter) { e.Emit("", 1, e.AppendEvent(nil, time.Unix(1, 0), nil)) }, "malformed"},
		"body":        {func(e *flb.Emitter) { e.Emit("", 1, msgp.AppendInt(e.AppendEvent(nil, time.Unix(1, 0), nil), 3)) }, "malformed"},
		"rest":        {func(e *flb.Emitter) { e.Emit("", 1, append(good(e), 1)) }, "malformed"},
		"count":       {func(e *flb.Emitter) { e.Emit("", 2, good(e)) }, "2 records, but contains 1"},
		"other form":  {func(e *flb.Emitter) { e.Emit("", 1, append([]byte{0x92}, good(e)[2:]...)) }, "malformed"},
		"key":         {func(e *flb.Emitter) { e.Emit("", 1, append(good(e)[:len(good(e))-1], 0x81, 1, 1)) }, "malformed"},
		"nothing bad": {func(e *flb.Emitter) { e.Emit("", 1, good(e)) }, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := &recorder{TB: t}
			h := New(r, plugin(func(e *flb.Emitter) error { tt.emit(e); return nil }))
			if err := h.Start(Section{}); err != nil {
				t.Fatal(err)
			}
			h.Stop()
			if all := strings.Join(r.errors, "\n"); tt.want == "" && all != "" || !strings.Contains(all, tt.want) {
				t.Errorf("%s: reported %q, want %q", name, all, tt.want)
			}
		})
	}
}

// A Collect that does not return when Wait returns false is reported.
func TestStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{TB: t}
		release := make(chan bool)
		h := New(r, plugin(func(*flb.Emitter) error { <-release; return nil }))
		if err := h.Start(Section{}); err != nil {
			t.Fatal(err)
		}
		h.Stop()
		if len(r.errors) != 1 || !strings.Contains(r.errors[0], "the input has not returned for 1m0s") {
			t.Errorf("reported %q", r.errors)
		}
		close(release)
	})
}

// An input that emits as fast as it can lets time pass: it waits for the engine.
func TestUnlimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New(t, plugin(func(e *flb.Emitter) error {
			for e.Wait(time.Time{}) {
				body := msgp.AppendMapHeader(e.AppendEvent(e.Buffer(), time.Now(), nil), 1)
				body = msgp.AppendBytes(msgp.AppendString(body, "pad"), make([]byte, flb.SliceSize))
				e.Emit("", 1, body)
			}
			return nil
		}))
		if err := h.Start(Section{}); err != nil {
			t.Fatal(err)
		}
		h.Advance(10 * time.Millisecond)
		perMillisecond := flb.DefaultMaxInFlight/flb.SliceSize + 1
		if n := len(h.Events()); n < 9*perMillisecond || n > 12*perMillisecond {
			t.Errorf("%d events in 10 ms, want about %d", n, 10*perMillisecond)
		}
	})
}
