// SPDX-License-Identifier: Apache-2.0

package flb_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gdummy/gdummy/flb"
	"github.com/gdummy/gdummy/flb/flbtest"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

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
