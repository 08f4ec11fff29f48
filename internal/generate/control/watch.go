// SPDX-License-Identifier: Apache-2.0

package control

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"github.com/gdummy/gdummy/internal/files"
)

// Watch looks at a control file, which need not exist.
type Watch struct {
	name string
	path files.Path

	looked   bool
	pending  stamp // at the last look
	settled  stamp // of the file that was read last, if known
	known    bool
	text     string // that was read last
	reported string // the last error that Look returned
}

// NewWatch returns a Watch of the file with a name, which is searched for at each look as
// path does.
func NewWatch(name string, path files.Path) *Watch {
	return &Watch{name: name, path: path}
}

// stamp identifies the contents of a file without reading it.
type stamp struct {
	path string      // "" without a file
	info os.FileInfo // of what a symbolic link leads to
	err  string      // why the file cannot be examined
}

func (s stamp) equal(o stamp) bool {
	if s.info == nil || o.info == nil {
		return s.info == nil && o.info == nil && s.err == o.err
	}
	return os.SameFile(s.info, o.info) && s.info.Size() == o.info.Size() && s.info.ModTime().Equal(o.info.ModTime())
}

// Look returns the state that the file asks for, if that may have changed since the last
// look, or else nil. Without a file it is the zero State. An error that a look has
// returned is not returned again until the file changes: the last state stays in force.
//
// A file that changes is read when two looks have found it the same, so that what is
// half written is not applied. The first look does not wait.
func (w *Watch) Look() (*State, error) {
	now := w.stat()
	first := !w.looked
	w.looked = true
	switch {
	case first:
		w.pending = now // not settled: it may be half written, and is read again
	case w.known && now.equal(w.settled), !now.equal(w.pending):
		w.pending = now
		return nil, nil
	default:
		w.settled, w.known = now, true
	}
	text, err := "", errors.New(now.err)
	if now.err == "" {
		text, err = w.read(now)
	}
	if err == errChanged {
		w.known = false
		return nil, nil
	}
	if err != nil {
		return nil, w.report(err, now.err+err.Error())
	}
	if !first && text == w.text && w.reported == "" {
		return nil, nil
	}
	w.text = text
	s, err := Parse(cmp.Or(now.path, w.name), text)
	if err != nil {
		return nil, w.report(err, "text\x00"+text)
	}
	w.reported = ""
	return s, nil
}

// report returns err, unless the last look that had an error had the same.
func (w *Watch) report(err error, key string) error {
	if key == w.reported {
		return nil
	}
	w.reported = key
	return err
}

func (w *Watch) stat() stamp {
	path, info, err := w.path.Stat(w.name)
	switch {
	case err == nil && !info.Mode().IsRegular():
		return stamp{err: fmt.Sprintf("%s: not a regular file", path)}
	case err == nil && info.Size() > MaxSize:
		return stamp{err: fmt.Sprintf("%s: %d bytes: expected at most %d", path, info.Size(), MaxSize)}
	case err == nil:
		return stamp{path: path, info: info}
	case errors.Is(err, fs.ErrNotExist):
		return stamp{}
	}
	return stamp{err: err.Error()}
}

// errChanged reports that a file has changed while it was read.
var errChanged = errors.New("the file has changed")

// read returns the text of a file, "" if there is none. It never waits for a writer.
func (w *Watch) read(s stamp) (string, error) {
	if s.path == "" {
		return "", nil
	}
	f, err := os.OpenFile(s.path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return "", errChanged
	}
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, MaxSize+1))
	if err != nil {
		return "", err
	}
	if info, err := f.Stat(); err != nil || !(stamp{info: info}).equal(s) || len(text) > MaxSize {
		return "", errChanged
	}
	return strings.TrimPrefix(string(text), "\ufeff"), nil
}
