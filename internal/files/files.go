// SPDX-License-Identifier: Apache-2.0

// Package files finds the files that a configuration names, and recognizes their
// formats.
//
// # Finding
//
// The normal path is [Path.Open] or [Path.Append] on the Path of a configuration,
// [Beside]. An absolute name is used as is. A relative name is searched for in the
// working directory, then in each directory of the Path. The first file that can be
// opened is used. A directory of that name, or a file that cannot be read, does not
// end the search, but the error lists it.
//
// # Recognizing
//
// [PackingOf] recognizes compression and archive formats, and [Foreign] other formats
// that are not text. [NotText] and [NotLines] describe why a file is not the text
// that it should be. All of them examine the first bytes only.
package files

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// Path lists the directories to search for a relative name after the working
// directory. A nil Path means the working directory alone.
type Path []string

// Beside returns the Path of a configuration file: its directory.
func Beside(file string) Path { return Path{filepath.Dir(file)} }

// Open opens a file for reading. The error is an [*Error].
func (p Path) Open(name string) (io.ReadCloser, error) { return p.open(name, os.O_RDONLY, false) }

// ReadFile returns the contents of a file and its path, which is relative if its
// directory is. If the file cannot be found, the error is an [*Error].
func (p Path) ReadFile(name string) (text []byte, path string, err error) {
	f, err := p.open(name, os.O_RDONLY, false)
	if err != nil {
		return nil, "", err
	}
	defer f.Close()
	text, err = io.ReadAll(f)
	return text, f.Name(), err
}

// Stat returns the path of the first file of a name that exists, and what it is. A symbolic
// link is followed. The error is that of the last possible path if none exists.
func (p Path) Stat(name string) (path string, info fs.FileInfo, err error) {
	for _, path = range p.candidates(name) {
		if info, err = os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	return path, info, err
}

// Glob returns the paths of the files that match a name or a pattern, sorted: those
// in the first directory that has any. A file whose name is the pattern itself comes
// before others. The error is an [*Error] if no file matches.
func (p Path) Glob(pattern string) ([]string, error) {
	failed := &Error{Name: pattern}
	for _, path := range p.candidates(pattern) {
		info, err := os.Stat(path)
		if err == nil && !info.IsDir() {
			return []string{path}, nil
		}
		if err == nil {
			err = &fs.PathError{Op: "open", Path: path, Err: syscall.EISDIR}
		}
		failed.tried = append(failed.tried, attempt{absolute(path), err})
		matches, err := filepath.Glob(path)
		if err != nil {
			return nil, fmt.Errorf("invalid pattern %q: %w", pattern, err)
		}
		matches = slices.DeleteFunc(matches, func(m string) bool {
			info, err := os.Stat(m)
			return err != nil || info.IsDir()
		})
		if len(matches) > 0 {
			return matches, nil
		}
	}
	return nil, failed
}

// Append opens a file for appending and reading. If the file does not exist, Append
// creates it in the working directory. The error is an [*Error].
func (p Path) Append(name string) (*os.File, error) {
	return p.open(name, os.O_RDWR|os.O_APPEND, true)
}

func (p Path) open(name string, flag int, create bool) (*os.File, error) {
	failed := &Error{Name: name}
	for _, path := range p.candidates(name) {
		f, err := openFile(path, flag)
		if err == nil {
			return f, nil
		}
		failed.tried = append(failed.tried, attempt{absolute(path), err})
	}
	if create {
		f, err := openFile(name, flag|os.O_CREATE)
		if err == nil {
			return f, nil
		}
		failed.tried[0].err = err
	}
	return nil, failed
}

// candidates returns the possible paths of a file, without duplicates. The first is
// in the working directory.
func (p Path) candidates(name string) []string {
	paths := []string{name}
	if filepath.IsAbs(name) {
		return paths
	}
	for _, dir := range p {
		if path := filepath.Join(dir, name); absolute(path) != absolute(name) {
			paths = append(paths, path)
		}
	}
	return paths
}

// openFile opens a file that is not a directory.
func openFile(path string, flag int) (*os.File, error) {
	f, err := os.OpenFile(path, flag, 0o644)
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err == nil && info.IsDir() {
		f.Close()
		return nil, &fs.PathError{Op: "open", Path: path, Err: syscall.EISDIR}
	}
	return f, nil
}

// absolute returns the absolute form of a path, or the path itself if the working
// directory no longer exists.
func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// Error reports that a file cannot be opened at any of its possible paths.
type Error struct {
	Name  string
	tried []attempt
}

type attempt struct {
	path string // absolute
	err  error
}

// reason returns the error without the path.
func (a attempt) reason() error {
	if pe, ok := errors.AsType[*fs.PathError](a.err); ok {
		return pe.Err
	}
	return a.err
}

// Error returns one line. For a relative name it lists every path tried, with the
// reason unless the file does not exist.
func (e *Error) Error() string {
	if filepath.IsAbs(e.Name) {
		return fmt.Sprintf("cannot open %q: %v", e.Name, e.tried[0].reason())
	}
	var tried []string
	for _, a := range e.tried {
		text := a.path
		if !errors.Is(a.err, fs.ErrNotExist) {
			text += fmt.Sprintf(" (%v)", a.reason())
		}
		tried = append(tried, text)
	}
	return fmt.Sprintf("cannot open %q: tried %s", e.Name, strings.Join(tried, ", "))
}

// Unwrap returns the reason of each attempt.
func (e *Error) Unwrap() []error {
	errs := make([]error, len(e.tried))
	for i, a := range e.tried {
		errs[i] = a.err
	}
	return errs
}
