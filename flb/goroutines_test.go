// SPDX-License-Identifier: Apache-2.0

package flb_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gdummy/gdummy/flb"
	"github.com/gdummy/gdummy/flb/flbtest"
)

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
		if !slices.ContainsFunc(h.Log(), func(l string) bool { return strings.Contains(l, "goroutines_test.go:") }) {
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
