// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gdummy/gdummy/internal/prove/ledger"
	"github.com/gdummy/gdummy/internal/prove/recordscan"
	"github.com/gdummy/gdummy/internal/prove/report"
)

// errCut is the error of a source that ends within a record or an archive. Everything
// before that was read.
var errCut = errors.New("cut or damaged")

// nameOf returns the name of a source in messages.
func nameOf(source string) string {
	if source == "-" {
		return "standard input"
	}
	return source
}

// readSource reads one source, and shows how far it is.
func readSource(s stream, scan *recordscan.Scanner, name string, bar *progress) error {
	r := s.in
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return err
		}
		defer file.Close()
		r = file
	}
	if err := scan.Read(bar.reader(r)); err != nil {
		return fmt.Errorf("%s: %w: %w", nameOf(name), errCut, err)
	}
	return nil
}

// unreadable is a source in a format that is not read.
type unreadable struct {
	Source string `json:"source"`
	Entry  string `json:"entry,omitempty"` // of an archive
	Format string `json:"format"`          // what it looks like
}

// unreadableOf returns the files whose beginning shows that they cannot be read, before
// hours are spent on others.
func unreadableOf(sources []string) (list []unreadable) {
	for _, name := range sources {
		if name == "-" {
			continue
		}
		if format := recordscan.Unreadable(beginning(name)); format != "" {
			list = append(list, unreadable{Source: name, Format: format})
		}
	}
	return list
}

// sizeOf returns the size of all sources in bytes, or -1 if it is unknown.
func sizeOf(sources []string) int64 {
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

var errNoMatch = errors.New("no file matches")

// beginning returns the beginning of a regular file, or nothing. The error of one that
// cannot be read is reported when all of it is read.
func beginning(name string) []byte {
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
	names []string
	infos []os.FileInfo
	skip  []os.FileInfo // not even if they are named
	page  string        // what --html writes; the one of the last time is no source
	books bool          // the files are ledgers
	log   func(format string, args ...any)
}

// expandLedgers returns the files that names, patterns and directories stand for, each
// once.
func expandLedgers(names []string) ([]string, error) {
	f := fileSet{log: func(string, ...any) {}, books: true}
	return f.expand(names)
}

// expandSources returns the files that names, patterns and directories stand for, each
// once, without those of skip. Links to files count as the files, as in
// /var/log/containers; whatever else a directory contains is logged, and so are
// ledgers. A ledger that is named is an error, and so is a source that the page would
// overwrite; page is its file, or "".
func expandSources(names, skip []string, page string, log func(format string, args ...any)) ([]string, error) {
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
				return nil, fmt.Errorf("%s: %w", name, errNoMatch)
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

// add adds a file, or those in a directory. named reports that it does not come from a
// pattern.
func (f *fileSet) add(name string, named bool) error {
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		if named && f.isBook(name, info) {
			return fmt.Errorf("%s is a ledger: it has what was sent, not what arrived; use --ledger %s", name, name)
		}
		return f.file(name, info)
	}
	// WalkDir does not follow a link, not even the one it begins at.
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

// isBook reports whether a file is a ledger among what arrived, and not to be skipped
// anyway.
func (f *fileSet) isBook(name string, info os.FileInfo) bool {
	return !f.books && !among(f.skip, info) && ledger.Is(beginning(name))
}

// file adds a file, unless it is there or to be skipped.
func (f *fileSet) file(name string, info os.FileInfo) error {
	switch {
	case among(f.skip, info), among(f.infos, info):
	case f.isPage(info):
		if info.Size() > 0 && !report.Is(beginning(name)) {
			return fmt.Errorf("--html %s: the page would overwrite a source", f.page)
		}
	case f.isBook(name, info):
		f.log("warning: skipped %s: a ledger; use --ledger %s", name, name)
	default:
		f.names, f.infos = append(f.names, name), append(f.infos, info)
	}
	return nil
}

// isPage reports whether a file is that of the page.
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

// readLedgers reads ledgers, and returns the names of the fields in which identities
// were sent.
func readLedgers(paths []string) (ledgers []*ledger.Ledger, keys []string, err error) {
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
