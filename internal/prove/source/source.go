// SPDX-License-Identifier: Apache-2.0

// Package source finds and reads the sources of an audit: files, patterns, directories, and
// standard input.
//
// The normal path is [Expand], [UnreadableOf], which is quick, and [NewFiles] and its Run,
// which audits all on several processors. [Read] reads one.
package source

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gdummy/gdummy/internal/prove/audit"
	"github.com/gdummy/gdummy/internal/prove/ledger"
	"github.com/gdummy/gdummy/internal/prove/recordscan"
	"github.com/gdummy/gdummy/internal/prove/report"
)

// ErrCut is the error of a source that ends within a record or an archive. Everything
// before that was read.
var ErrCut = errors.New("cut or damaged")

// Name returns the name of a source in messages.
func Name(source string) string {
	if source == "-" {
		return "standard input"
	}
	return source
}

// cutError is the error of a source that was read in part.
func cutError(name string, err error) error {
	return fmt.Errorf("%s: %w: %w", Name(name), ErrCut, err)
}

// Read scans one source, through the reader that wrap returns. That of "-" is stdin.
func Read(stdin io.Reader, scan *recordscan.Scanner, name string, wrap func(io.Reader) io.Reader) error {
	r := stdin
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return err
		}
		defer file.Close()
		r = file
	}
	if err := scan.Read(wrap(r)); err != nil {
		return cutError(name, err)
	}
	return nil
}

// CountReads returns a reader of in that calls note with the number of bytes of each read. A
// file can still be read at any offset, as zip requires.
func CountReads(in io.Reader, note func(n int)) io.Reader {
	switch in := in.(type) {
	case *os.File:
		return countedFile{in, note}
	case countedFile:
		return countedFile{in.file, func(n int) { in.note(n); note(n) }}
	}
	return readerFunc(func(b []byte) (int, error) {
		n, err := in.Read(b)
		note(n)
		return n, err
	})
}

// readerFunc is a Read method.
type readerFunc func([]byte) (int, error)

// Read implements io.Reader.
func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

// countedFile is a file whose reads are counted.
type countedFile struct {
	file *os.File
	note func(n int)
}

// Read implements io.Reader.
func (c countedFile) Read(b []byte) (int, error) {
	n, err := c.file.Read(b)
	c.note(n)
	return n, err
}

// ReadAt implements io.ReaderAt.
func (c countedFile) ReadAt(b []byte, off int64) (int, error) {
	n, err := c.file.ReadAt(b, off)
	c.note(n)
	return n, err
}

// Stat returns the file's description.
func (c countedFile) Stat() (fs.FileInfo, error) { return c.file.Stat() }

// Clean returns the name of a file in a part, the same for all paths to it that have no
// links: relative if it is below the working directory.
func Clean(path string) string {
	if path == "-" {
		return path
	}
	if dir, err := os.Getwd(); err == nil {
		full := path
		if !filepath.IsAbs(path) {
			full = filepath.Join(dir, path)
		}
		if below, err := filepath.Rel(dir, full); err == nil && filepath.IsLocal(below) {
			return below
		}
	}
	return filepath.Clean(path)
}

// Unreadable is a source in an unsupported format.
type Unreadable struct {
	Source string `json:"source"`
	Entry  string `json:"entry,omitempty"` // of an archive
	Format string `json:"format"`          // its apparent format
}

// UnreadableOf returns the files whose beginning shows that they cannot be read. It is
// called before all others are read, which may take hours.
func UnreadableOf(sources []string) (list []Unreadable) {
	for _, name := range sources {
		if name == "-" {
			continue
		}
		if format := recordscan.Unreadable(Beginning(name)); format != "" {
			list = append(list, Unreadable{Source: name, Format: format})
		}
	}
	return list
}

// Size returns the size of all sources in bytes, or -1 if it is unknown.
func Size(sources []string) int64 {
	size := int64(0)
	for _, name := range sources {
		info, err := os.Stat(name)
		if err != nil || !info.Mode().IsRegular() {
			return -1
		}
		size += info.Size()
	}
	return size
}

// ErrNoMatch is the error of a pattern.
var ErrNoMatch = errors.New("no file matches")

// Beginning returns the beginning of a regular file, or nil. Errors are reported when the
// whole file is read.
func Beginning(name string) []byte {
	if info, err := os.Stat(name); err != nil || !info.Mode().IsRegular() {
		return nil
	}
	file, err := os.Open(name)
	if err != nil {
		return nil
	}
	defer file.Close()
	head := make([]byte, 4<<10)
	n, _ := io.ReadFull(file, head)
	return head[:n]
}

// fileSet collects files, each once.
type fileSet struct {
	names   []string
	infos   []os.FileInfo
	skip    []os.FileInfo // files to skip
	page    string        // the file of --html, or ""; an earlier page is not a source
	ledgers bool          // the files are ledgers or parts
	log     func(format string, args ...any)
}

// ExpandLedgers returns the files that match names, patterns and directories, each once.
func ExpandLedgers(names []string) ([]string, error) {
	f := fileSet{log: func(string, ...any) {}, ledgers: true}
	return f.expand(names)
}

// Expand returns the files that match names, patterns and directories, each once,
// without those of skip. In directories it follows links to files, as in
// /var/log/containers, and logs anything else that it skips, including ledgers and parts. It
// returns an error for a ledger or a part that is given by name, and for a source that the
// page would overwrite; page is the file of the page, or "".
func Expand(names, skip []string, page string, log func(format string, args ...any)) ([]string, error) {
	f := fileSet{log: log, page: page}
	for _, name := range skip {
		if info, err := os.Stat(name); err == nil {
			f.skip = append(f.skip, info)
		}
	}
	return f.expand(names)
}

func (f *fileSet) expand(names []string) ([]string, error) {
	for _, name := range names {
		if name == "-" {
			if !slices.Contains(f.names, name) {
				f.names = append(f.names, name)
			}
			continue
		}
		matches, named := []string{name}, true
		if _, err := os.Stat(name); err != nil && strings.ContainsAny(name, "*?[") {
			named = false
			if matches, err = filepath.Glob(name); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			if len(matches) == 0 {
				return nil, fmt.Errorf("%s: %w", name, ErrNoMatch)
			}
		}
		for _, m := range matches {
			if err := f.add(m, named); err != nil {
				return nil, err
			}
		}
	}
	return f.names, nil
}

// add adds a file, or the files in a directory. named reports that it is given by name, not
// by a pattern.
func (f *fileSet) add(name string, named bool) error {
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		if named && f.isLedger(name, info) {
			return fmt.Errorf("%s is a ledger: it has what was sent, not what arrived; use --ledger %s", name, name)
		}
		if named && f.isPart(name, info) {
			return fmt.Errorf("%s is a part of an audit: use --merge %s", name, name)
		}
		return f.file(name, info)
	}
	// WalkDir does not follow links, not even as its root.
	if root, err := filepath.EvalSymlinks(name); err == nil && root != filepath.Clean(name) {
		name = root
	}
	return filepath.WalkDir(name, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return nil
		}
		info, err := os.Stat(path)
		switch {
		case err != nil:
			f.log("warning: skipped: %v", err)
		case info.IsDir():
			f.log("warning: skipped %s: a link to a directory", path)
		case !info.Mode().IsRegular():
			f.log("warning: skipped %s: not a file", path)
		default:
			return f.file(path, info)
		}
		return nil
	})
}

// isLedger reports whether a source is a ledger that is not in skip.
func (f *fileSet) isLedger(name string, info os.FileInfo) bool {
	return !f.ledgers && !among(f.skip, info) && ledger.Is(Beginning(name))
}

// isPart reports whether a source is a part of an audit.
func (f *fileSet) isPart(name string, info os.FileInfo) bool {
	return !f.ledgers && info.Mode().IsRegular() && audit.IsPart(Beginning(name))
}

// file adds a file, unless it is already added or to be skipped.
func (f *fileSet) file(name string, info os.FileInfo) error {
	switch {
	case among(f.skip, info), among(f.infos, info):
	case f.isPage(info):
		if info.Size() > 0 && !report.Is(Beginning(name)) {
			return fmt.Errorf("--html %s: the page would overwrite a source", f.page)
		}
	case f.isLedger(name, info):
		f.log("warning: skipped %s: a ledger; use --ledger %s", name, name)
	case f.isPart(name, info):
		f.log("warning: skipped %s: a part of an audit; use --merge", name)
	default:
		f.names, f.infos = append(f.names, name), append(f.infos, info)
	}
	return nil
}

// isPage reports whether a file is that of --html.
func (f *fileSet) isPage(info os.FileInfo) bool {
	if f.page == "" || !info.Mode().IsRegular() {
		return false
	}
	page, err := os.Stat(f.page)
	return err == nil && os.SameFile(page, info)
}

func among(infos []os.FileInfo, info os.FileInfo) bool {
	return slices.ContainsFunc(infos, func(other os.FileInfo) bool { return os.SameFile(info, other) })
}

// ReadLedgers reads ledgers. It also returns the names of the fields in which identities
// were sent.
func ReadLedgers(paths []string) (ledgers []*ledger.Ledger, keys []string, err error) {
	for _, path := range paths {
		l, err := ledger.ReadFile(path)
		if err != nil {
			return nil, nil, err
		}
		ledgers = append(ledgers, l)
		for _, st := range l.Streams {
			if st.Key != "" && !slices.Contains(keys, st.Key) {
				keys = append(keys, st.Key)
			}
		}
	}
	return ledgers, keys, nil
}
