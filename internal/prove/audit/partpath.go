// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"errors"
	"io"
	"os"
	"path/filepath"
)

// closedFile is the path of a file that is open only while it is read: there may be more
// parts than a process can have open.
type closedFile string

// ReadAt implements io.ReaderAt.
func (c closedFile) ReadAt(b []byte, at int64) (int, error) {
	file, err := os.Open(string(c))
	if err != nil {
		return 0, err
	}
	defer file.Close()
	return io.NewSectionReader(file, 0, 1<<62).ReadAt(b, at)
}

// OpenParts reads what the parts in a file cover. The file must stay until they are merged.
func OpenParts(path string) ([]*Part, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	return ReadParts(closedFile(path), info.Size())
}

// createPart creates the file that becomes path once it is complete.
func createPart(path string) (*os.File, error) {
	return os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
}

// CanWriteParts returns an error if WriteParts cannot create its file.
func CanWriteParts(path string) error {
	file, err := createPart(path)
	if err != nil {
		return err
	}
	return errors.Join(file.Close(), os.Remove(file.Name()))
}

// WriteParts replaces a file by parts. An earlier file stays if that fails.
func WriteParts(path string, parts []*Part) error {
	file, err := createPart(path)
	if err != nil {
		return err
	}
	for _, p := range parts {
		var b []byte
		if b, err = p.Append(nil); err == nil {
			_, err = file.Write(b)
		}
		if err != nil {
			break
		}
	}
	if err == nil {
		err = errors.Join(file.Chmod(0o644), file.Sync())
	}
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		err = errors.Join(err, os.Remove(file.Name()))
	}
	return err
}
