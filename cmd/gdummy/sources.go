package main

import (
	"errors"
	"fmt"
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

// files gathers files, each once.
type files struct {
	names []string
	infos []os.FileInfo
	skip  []os.FileInfo // not even if they are named
	log   func(format string, args ...any)
}

// expandSources makes files out of names, patterns and directories, each once,
// without those of skip. Links to files count as the files, as in
// /var/log/containers; what else a directory has is told to log.
func expandSources(names, skip []string, log func(format string, args ...any)) ([]string, error) {
	f := files{log: log}
	for _, name := range skip {
		if info, err := os.Stat(name); err == nil {
			f.skip = append(f.skip, info)
		}
	}
	for _, name := range names {
		if name == "-" {
			if !slices.Contains(f.names, name) {
				f.names = append(f.names, name)
			}
			continue
		}
		matches := []string{name}
		if _, err := os.Stat(name); err != nil && strings.ContainsAny(name, "*?[") {
			if matches, err = filepath.Glob(name); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			if len(matches) == 0 {
				return nil, fmt.Errorf("%s: %w", name, errNoMatch)
			}
		}
		for _, m := range matches {
			if err := f.add(m); err != nil {
				return nil, err
			}
		}
	}
	return f.names, nil
}

// add adds a file, or those in a directory.
func (f *files) add(name string) error {
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	if !info.IsDir() {
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

// file adds a file, unless it is there or to be skipped.
func (f *files) file(name string, info os.FileInfo) {
	same := func(other os.FileInfo) bool { return os.SameFile(info, other) }
	if !slices.ContainsFunc(f.skip, same) && !slices.ContainsFunc(f.infos, same) {
		f.names, f.infos = append(f.names, name), append(f.infos, info)
	}
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
