// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/gdummy/gdummy/internal/prove/ledger"
)

// store is a directory of ledgers, each in a file NAME.ID.ledger.
type store struct {
	dir   string
	mu    sync.Mutex
	books map[string]*book // by ID
}

// book is a ledger of a store. Its methods require its lock.
type book struct {
	mu    sync.Mutex
	path  string // "" without a file
	known bool   // size and sum are those of the file
	size  int64
	sum   hash.Hash
}

// errFull reports that a store takes no further ledger.
var errFull = fmt.Errorf("more than %d ledgers", MaxLedgers)

// openStore opens a directory, and creates it if it does not exist. It returns an error if no
// file can be created there.
func openStore(dir string) (*store, error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	probe, err := os.CreateTemp(dir, ".gdummy-*")
	if err == nil {
		err = errors.Join(probe.Close(), os.Remove(probe.Name()))
	}
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	s := &store{dir: dir, books: map[string]*book{}}
	for _, e := range entries {
		if m := fileName.FindStringSubmatch(e.Name()); m != nil && e.Type().IsRegular() {
			s.books[m[1]] = &book{path: filepath.Join(dir, e.Name())}
		}
	}
	return s, nil
}

// Files returns the ledgers in a directory: files with the name of one that was stored, and
// others that are ledgers. It calls foreign for any other file.
func Files(dir string, foreign func(path string)) (paths []string, err error) {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		switch info, err := os.Stat(path); {
		case err != nil || !info.Mode().IsRegular():
		case fileName.MatchString(e.Name()), isLedger(path):
			paths = append(paths, path)
		default:
			foreign(path)
		}
	}
	return paths, err
}

// isLedger reports whether a file begins with a line of a ledger.
func isLedger(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, maxFirst)
	n, _ := io.ReadFull(f, head)
	return ledger.Is(head[:n])
}

// find returns the ledger with an ID, or nil.
func (s *store) find(id string) *book {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.books[id]
}

// add returns the ledger with an ID, which it adds if it is not in the store.
func (s *store) add(id string) (*book, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.books[id]
	if b == nil {
		if len(s.books) >= MaxLedgers {
			return nil, errFull
		}
		b = new(book)
		s.books[id] = b
	}
	return b, nil
}

// load makes size and sum known. A file that no longer exists has no bytes.
func (b *book) load() error {
	if b.path != "" {
		if _, err := os.Stat(b.path); errors.Is(err, fs.ErrNotExist) {
			b.path, b.known = "", false
		}
	}
	if b.known {
		return nil
	}
	b.size, b.sum = 0, sha256.New()
	if b.path != "" {
		f, err := os.Open(b.path)
		if err != nil {
			return err
		}
		defer f.Close()
		if b.size, err = io.Copy(b.sum, f); err != nil {
			return err
		}
	}
	b.known = true
	return nil
}

// state returns what is stored, of the first limit bytes if limit is not negative.
func (b *book) state(limit int64) (stored, error) {
	if err := b.load(); err != nil {
		return stored{}, err
	}
	if limit < 0 || limit >= b.size {
		return stored{b.size, hex.EncodeToString(b.sum.Sum(nil))}, nil
	}
	f, err := os.Open(b.path)
	if err != nil {
		return stored{}, err
	}
	defer f.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, io.LimitReader(f, limit))
	return stored{n, hex.EncodeToString(sum.Sum(nil))}, err
}

// cut removes what is stored after size bytes.
func (b *book) cut(size int64) error {
	if err := b.load(); err != nil || size >= b.size {
		return err
	}
	b.known = false
	return os.Truncate(b.path, size)
}

// append appends data and syncs it to the disk. After an error, nothing of it counts as
// stored. path is that of a new file.
func (b *book) append(path string, data []byte) (err error) {
	if err := b.load(); err != nil {
		return err
	}
	created := b.path == ""
	flags := os.O_WRONLY
	if created {
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			return err
		}
		b.path = path
		flags |= os.O_CREATE
	}
	f, err := os.OpenFile(b.path, flags, 0o666)
	if err != nil {
		if created || errors.Is(err, fs.ErrNotExist) {
			b.path, b.known = "", false
		}
		return err
	}
	if info, err := f.Stat(); err != nil || info.Size() != b.size {
		b.known = false // somebody else has changed the file
		return errors.Join(fmt.Errorf("%s: not the size that it had", b.path), err, f.Close())
	}
	_, err = f.WriteAt(data, b.size)
	if err == nil {
		err = f.Sync()
	}
	if err != nil { // such as a full disk: no part of a line remains
		b.known = false
		return errors.Join(err, f.Truncate(b.size), f.Close())
	}
	if err = f.Close(); err == nil && created {
		err = syncDir(filepath.Dir(b.path))
	}
	if err != nil {
		b.known = false
		return err
	}
	b.sum.Write(data)
	b.size += int64(len(data))
	return nil
}

// syncDir makes the names in a directory durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
