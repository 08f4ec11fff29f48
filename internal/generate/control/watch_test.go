// SPDX-License-Identifier: Apache-2.0

package control

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// looks calls Look and compares the states and errors: "-" is neither. An error is
// compared by its beginning, after "error ".
func looks(t *testing.T, w *Watch, what string, want ...string) {
	t.Helper()
	for i, want := range want {
		s, err := w.Look()
		got := "-"
		switch {
		case err != nil:
			got = "error " + err.Error()
		case s != nil:
			got = s.String()
		}
		if got != want && !(strings.HasPrefix(want, "error ") && strings.HasPrefix(got, want)) {
			t.Fatalf("%s, look %d: %q, want %q", what, i+1, got, want)
		}
	}
}

// put writes a file in place. Each call has a time of its own: two in the same tick of the
// file system's clock would have equal ones.
func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	tick = tick.Add(time.Second)
	if err := os.Chtimes(path, tick, tick); err != nil {
		t.Fatal(err)
	}
}

var tick = time.Unix(1_700_000_000, 0)

func TestWatch(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "c")
	w := NewWatch(path, nil)
	looks(t, w, "no file", "as configured", "-", "-")
	put(t, path, "rate 5")
	looks(t, w, "a new file is read when it rests", "-", "rate 5", "-", "-")
	put(t, path, "")
	looks(t, w, "one that is being written", "-")
	put(t, path, "rate 6")
	looks(t, w, "is not read", "-", "rate 6", "-")
	put(t, path, "rate 6x")
	looks(t, w, "an error is reported once", "-", "error "+path+": line 1, column 7: rate: invalid value", "-", "-")
	put(t, path, "rate 6x")
	looks(t, w, "even if the file is written again", "-", "-", "-")
	put(t, path, "rate 6y")
	looks(t, w, "another one is another", "-", "error "+path+": line 1, column 7", "-")
	put(t, path, "rate 6x")
	looks(t, w, "and the first is new after that", "-", "error "+path+": line 1, column 7", "-")
	put(t, path, "rate 6")
	looks(t, w, "a corrected file", "-", "rate 6", "-")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	looks(t, w, "a file that is gone", "-", "as configured", "-")

	w = NewWatch(path, nil)
	put(t, path, "pause")
	looks(t, w, "the first look does not wait", "pause", "-", "-")
}

// A path that is not a regular file is an error, and no check waits for it: a FIFO has no
// writer here.
func TestWatchStrange(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "c")
	w := NewWatch(path, nil)
	put(t, path, "rate 5")
	looks(t, w, "a file", "rate 5", "-")
	for _, tt := range []struct {
		what string
		make func() error
		want string
	}{
		{"a FIFO", func() error { return syscall.Mkfifo(path, 0o644) }, ": not a regular file"},
		{"a directory", func() error { return os.Mkdir(path, 0o755) }, ": not a regular file"},
		{"too much", func() error { return os.WriteFile(path, make([]byte, MaxSize+1), 0o644) }, ": 65537 bytes: expected at most 65536"},
		{"a loop", func() error { return os.Symlink(path, path) }, ""},
	} {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if err := tt.make(); err != nil {
			t.Fatal(tt.what, ": ", err)
		}
		want := "error " + path + tt.want
		if tt.want == "" {
			want = "error stat " + path
		}
		if tt.what == "a directory" { // the error of before
			looks(t, w, tt.what, "-", "-", "-")
			continue
		}
		looks(t, w, tt.what, "-", want, "-", "-")
	}
}

// A ConfigMap of Kubernetes changes by the rename of a symbolic link to a directory: the
// path of the file, and the link that it is, stay.
func TestWatchConfigMap(t *testing.T) {
	dir := t.TempDir()
	publish := func(version, text string) {
		t.Helper()
		if err := os.Mkdir(filepath.Join(dir, version), 0o755); err != nil {
			t.Fatal(err)
		}
		put(t, filepath.Join(dir, version, "pace"), text)
		if err := os.Symlink(version, filepath.Join(dir, "..data_tmp")); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")); err != nil {
			t.Fatal(err)
		}
	}
	publish("..1", "rate 5\n")
	if err := os.Symlink("..data/pace", filepath.Join(dir, "pace")); err != nil {
		t.Fatal(err)
	}
	w := NewWatch(filepath.Join(dir, "pace"), nil)
	looks(t, w, "the first version", "rate 5", "-", "-")
	publish("..2", "rate 6\n")
	looks(t, w, "a version of the same size", "-", "rate 6", "-")
	publish("..3", "rate 6\n")
	looks(t, w, "a version of the same text", "-", "-", "-")
	publish("..4", "# nothing\n")
	looks(t, w, "an empty version", "-", "as configured", "-")
}

// A relative name is looked up in the working directory, then beside the configuration.
func TestWatchPath(t *testing.T) {
	here, conf := t.TempDir(), t.TempDir()
	t.Chdir(here)
	w := NewWatch("c", []string{conf})
	put(t, filepath.Join(conf, "c"), "rate 5")
	looks(t, w, "beside the configuration", "rate 5", "-")
	put(t, "c", "rate 6")
	looks(t, w, "in the working directory", "-", "rate 6", "-")
}
