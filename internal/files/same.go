// SPDX-License-Identifier: Apache-2.0

package files

import (
	"os"
	"path/filepath"
)

// ID identifies a file that may not exist. The zero value is the same as no other.
type ID struct {
	info os.FileInfo // nil if it does not exist
	path string      // where it would be created, without links
}

// Identify returns the identity of the file to which a path leads.
func Identify(path string) ID {
	if info, err := os.Stat(path); err == nil {
		return ID{info: info}
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
		return ID{} // it cannot be created
	}
	return ID{path: filepath.Join(dir, filepath.Base(path))}
}

// IdentifyOpen returns the identity of an open file.
func IdentifyOpen(f *os.File) (id ID) {
	if info, err := f.Stat(); err == nil {
		id.info = info
	}
	return id
}

// Same reports whether both are one regular file. Several may write to a device.
func (id ID) Same(other ID) bool {
	if id.info == nil || other.info == nil {
		return id.info == nil && other.info == nil && id.path != "" && id.path == other.path
	}
	return id.info.Mode().IsRegular() && os.SameFile(id.info, other.info)
}
