// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gdummy/gdummy/flb/flbtest"
	"github.com/google/go-cmp/cmp"
)

// A file is followed while it grows, over its replacement, its truncation, a reload, and
// a time without the input. No line is missing, and none is there twice.
func TestFollow(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "app.log")
	section := flbtest.Section{Properties: map[string]string{"path": path, "position_file": filepath.Join(dir, "app.pos")}}
	var want []string
	var events []flbtest.Event
	write := func(flags int, lines ...string) {
		t.Helper()
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|flags, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for _, l := range lines {
			fmt.Fprintln(f, l)
			want = append(want, l)
		}
	}
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		h := flbtest.New(t, plugin)
		do(h.Start(section)) // the file does not exist
		write(os.O_APPEND, "one", "two")
		h.Advance(1500 * time.Millisecond)
		write(os.O_APPEND, "", "a\ttab")
		h.Advance(10 * time.Millisecond) // the change of the file is noticed, not the time
		if n := len(h.Events()); n != len(want) {
			t.Errorf("%d lines 10 ms after they were written, want %d", n, len(want))
		}

		do(h.Reload(section))
		write(os.O_APPEND, "after a reload")
		h.Advance(2 * time.Second)

		write(os.O_APPEND, "the last of the old file")
		do(os.Rename(path, path+".1"))
		write(os.O_APPEND, "the first of the new file")
		h.Advance(2 * time.Second)

		h.Pause()
		write(os.O_APPEND, "while it is paused")
		h.Advance(time.Minute)
		h.Resume()
		h.Advance(2 * time.Second)

		write(os.O_TRUNC, "x") // shorter than before
		h.Advance(2 * time.Second)

		h.Stop()
		write(os.O_APPEND, "while it is stopped")
		do(h.Start(section))
		h.Advance(2 * time.Second)
		h.Stop()
		events = h.Events()
	})

	var got []string
	for _, e := range events {
		got = append(got, e.Body["line"].(string))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}
