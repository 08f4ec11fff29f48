// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/gdummy/gdummy/internal/generate/engine"
)

// checkFiles returns an error if a file that a run writes is one that it reads, or if its
// output and its ledger are one file. It opens none of them.
func (f *runFlags) checkFiles(config *engine.Config, out io.Writer) error {
	output, written := "--output "+f.output, fileAt(f.output)
	if f.output == "-" {
		output, written = "standard output", openFile(out)
	}
	ledger := fileAt(config.Ledger)
	if config.Ledger != "" && written.same(ledger) {
		return fmt.Errorf("%s: the same file as that of option ledger: expected another one", output)
	}
	for option, names := range config.FilesRead() {
		for _, name := range names {
			read := fileAt(name)
			if written.same(read) {
				return fmt.Errorf("%s: the run would overwrite %s, which option %s reads: expected another file", output, name, option)
			}
			if config.Ledger != "" && ledger.same(read) {
				return fmt.Errorf("option ledger: the run would write to %s, which option %s reads: expected another file", name, option)
			}
		}
	}
	return nil
}

// fileID identifies a file that may not exist. The zero value is the same as no other.
type fileID struct {
	info os.FileInfo // nil if it does not exist
	path string      // where it would be created, without links
}

// fileAt returns the identity of the file to which a path leads.
func fileAt(path string) fileID {
	if info, err := os.Stat(path); err == nil {
		return fileID{info: info}
	}
	const links = 40 // as many as Linux follows
	for range links {
		to, err := os.Readlink(path)
		if err != nil {
			break
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(path), to)
		}
		path = to
	}
	dir, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err == nil {
		dir, err = filepath.Abs(dir)
	}
	if err != nil {
		return fileID{} // it cannot be created
	}
	return fileID{path: filepath.Join(dir, filepath.Base(path))}
}

// openFile returns the identity of the file to which a writer writes.
func openFile(w io.Writer) (id fileID) {
	if file := fileOf(w); file != nil {
		if info, err := file.Stat(); err == nil {
			id.info = info
		}
	}
	return id
}

// same reports whether both are one regular file. Several may write to a device.
func (id fileID) same(other fileID) bool {
	if id.info == nil || other.info == nil {
		return id.info == nil && other.info == nil && id.path != "" && id.path == other.path
	}
	return id.info.Mode().IsRegular() && os.SameFile(id.info, other.info)
}
