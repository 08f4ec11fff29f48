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

	"github.com/gdummy/gdummy/internal/decode"
	"github.com/gdummy/gdummy/internal/ledger"
)

// errCut says that a source ended where it should not have. What stood before
// was read.
var errCut = errors.New("cut or damaged")

// readSource reads one source.
func readSource(s stream, scan *decode.Scanner, name string) error {
	if name == "-" {
		if err := scan.Read(s.in); err != nil {
			return fmt.Errorf("standard input: %w: %w", errCut, err)
		}
		return nil
	}
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := scan.Read(file); err != nil {
		return fmt.Errorf("%s: %w: %w", name, errCut, err)
	}
	return nil
}

var errNoMatch = errors.New("no file matches")

// isLedger says whether a file is a ledger, by its beginning.
func isLedger(name string, info os.FileInfo) bool {
	if !info.Mode().IsRegular() {
		return false // what is read of a pipe is gone
	}
	file, err := os.Open(name)
	if err != nil {
		return false // whoever reads it says so
	}
	defer file.Close()
	head := make([]byte, 4<<10)
	n, _ := io.ReadFull(file, head)
	return ledger.Is(head[:n])
}

// files gathers files, each once.
type files struct {
	names []string
	infos []os.FileInfo
	skip  []os.FileInfo // not even if they are named
	books bool          // ledgers are what is looked for
	log   func(format string, args ...any)
}

// expandLedgers makes files out of names, patterns and directories, each once.
func expandLedgers(names []string) ([]string, error) {
	f := files{log: func(string, ...any) {}, books: true}
	return f.expand(names)
}

// expandSources makes files out of names, patterns and directories, each once,
// without those of skip. Links to files count as the files, as in
// /var/log/containers; what else a directory has is told to log, and so are
// ledgers. One that is named is a mistake.
func expandSources(names, skip []string, log func(format string, args ...any)) ([]string, error) {
	f := files{log: log}
	for _, name := range skip {
		if info, err := os.Stat(name); err == nil {
			f.skip = append(f.skip, info)
		}
	}
	return f.expand(names)
}

func (f *files) expand(names []string) ([]string, error) {
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

// add adds a file, or those in a directory. named says that it is not one of a
// pattern.
func (f *files) add(name string, named bool) error {
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		if named && f.isBook(name, info) {
			return fmt.Errorf("%s is a ledger, which says what was sent, not what arrived; right would be: --ledger %s", name, name)
		}
		f.file(name, info)
		return nil
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
			f.log("warning: %v: it is left out", err)
		case info.IsDir():
			f.log("warning: %s is a link to a directory: it is left out", path)
		case !info.Mode().IsRegular():
			f.log("warning: %s is no file: it is left out", path)
		default:
			f.file(path, info)
		}
		return nil
	})
}

// isBook says whether a file is a ledger among what arrived, and not to be skipped
// anyway.
func (f *files) isBook(name string, info os.FileInfo) bool {
	return !f.books && !among(f.skip, info) && isLedger(name, info)
}

// file adds a file, unless it is there or to be skipped.
func (f *files) file(name string, info os.FileInfo) {
	switch {
	case among(f.skip, info), among(f.infos, info):
	case f.isBook(name, info):
		f.log("warning: %s is a ledger: it is left out; --ledger %s makes it count", name, name)
	default:
		f.names, f.infos = append(f.names, name), append(f.infos, info)
	}
}

func among(infos []os.FileInfo, info os.FileInfo) bool {
	return slices.ContainsFunc(infos, func(other os.FileInfo) bool { return os.SameFile(info, other) })
}

// readLedgers reads ledgers, and returns under which names they say that
// identities were sent.
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
