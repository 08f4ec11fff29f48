// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/gdummy/gdummy/internal/files"
	"github.com/gdummy/gdummy/internal/unpack"
)

// file is one of a Set.
type file struct {
	name    string
	packing files.Packing
	format  Format
	timed   bool   // its records have times
	first   int64  // time of the first record, if it has one
	body    []byte // of the first record
	latest  int64  // when the file was written last
	state   fileState
}

// fileState is compared to detect that a file has changed.
type fileState struct {
	info os.FileInfo
	head uint64 // hash of the first bytes
}

// headSize is the number of bytes at the beginning of a file that identify it and its
// format.
const headSize = 4 << 10

// ChangedError reports that a file has changed since the replay began: record n is no
// longer defined.
type ChangedError struct {
	File   string
	Change string
}

// Error returns the file and the change.
func (e *ChangedError) Error() string {
	return fmt.Sprintf("%s has changed during the replay: %s", e.File, e.Change)
}

// readHead returns the beginning of a file, and its state.
func readHead(r *os.File) (head []byte, s fileState, err error) {
	if s.info, err = r.Stat(); err != nil {
		return nil, s, err
	}
	head = make([]byte, headSize)
	n, err := r.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return nil, s, err
	}
	head = head[:n]
	s.head = xxhash.Sum64(head)
	return head, s, nil
}

// change describes how a file has changed since the state was taken; empty if it has
// not.
func (s *fileState) change(now fileState) string {
	switch before, after := s.info.Size(), now.info.Size(); {
	case !os.SameFile(s.info, now.info):
		return "it was replaced by another file"
	case before != after:
		return fmt.Sprintf("it had %d bytes, and has %d", before, after)
	case s.head != now.head:
		return "its beginning differs"
	case !s.info.ModTime().Equal(now.info.ModTime()):
		return "it was written at " + now.info.ModTime().UTC().Format(time.RFC3339)
	}
	return ""
}

// examine detects the format of a file.
func examine(name string, o *Options) (*file, error) {
	r, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	head, state, err := readHead(r)
	if err != nil {
		return nil, err
	}
	if !state.info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: expected a regular file, which can be read again", name)
	}
	f := &file{name: name, state: state, packing: files.PackingOf(head), format: o.Format, latest: state.info.ModTime().UnixNano()}
	plain := name
	if unpack.Supported(f.packing) {
		if o.Follow {
			return nil, fmt.Errorf("%s: follow needs a file that is not compressed, found %v", name, f.packing)
		}
		plain = strings.TrimSuffix(name, filepath.Ext(name))
		if head, err = f.unpackedHead(); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	if f.format == Auto {
		f.format = formatOf(plain, head)
	}
	if o.Follow && f.format != Text && f.format != NDJSON {
		return nil, fmt.Errorf("%s: follow needs a file of text or NDJSON, found %s", name, f.format)
	}
	if what := files.NotLines(head); what != "" && f.format != MsgPack {
		return nil, fmt.Errorf("%s: %s", name, what)
	}
	if err := o.Time.check(f.format); err != nil && len(head) > 0 {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return f, f.readFirst(o)
}

// unpackedHead returns the beginning of the contents of a compressed file.
func (f *file) unpackedHead() ([]byte, error) {
	_, z, err := f.open()
	if err != nil {
		return nil, err
	}
	defer z.Close()
	head := make([]byte, headSize)
	n, err := io.ReadFull(z, head)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = nil
	}
	return head[:n], err
}

// formatOf returns the format of a file by its name, or else by its beginning.
func formatOf(name string, head []byte) Format {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".ndjson", ".jsonl", ".json":
		return NDJSON
	case ".csv", ".tsv":
		return CSV
	case ".msgpack", ".mp":
		return MsgPack
	}
	text := bytes.TrimLeft(bytes.TrimPrefix(head, bom), " \t\r\n")
	switch {
	case bytes.HasPrefix(text, []byte("{")):
		return NDJSON
	case len(head) > 2 && head[0] == 0x92 && (head[1] == 0x92 || head[1] == 0xd7):
		return MsgPack
	}
	return Text
}

// bom is the byte order mark of UTF-8.
var bom = []byte("\ufeff")

// open opens the file, and returns it and a reader of its decompressed contents.
func (f *file) open() (*os.File, io.ReadCloser, error) {
	r, err := os.Open(f.name)
	if err != nil {
		return nil, nil, err
	}
	if !unpack.Supported(f.packing) {
		return r, r, nil
	}
	z, err := unpack.New(f.packing, bufio.NewReaderSize(r, 64<<10), unpack.MaxDictionary)
	if err != nil {
		r.Close()
		return nil, nil, err
	}
	return r, &packed{z, r}, nil
}

// packed is a compressed file.
type packed struct {
	io.ReadCloser
	file *os.File
}

// Close closes the decompressor and the file.
func (p *packed) Close() error { return errors.Join(p.ReadCloser.Close(), p.file.Close()) }

// maxUnusable is the number of broken lines with which a file may begin.
const maxUnusable = 100

// readFirst reads the first record. A file that begins with nothing but broken lines
// has another format, or has its times elsewhere.
func (f *file) readFirst(o *Options) error {
	var first string
	c := newCursor(f, o, 0, func(line string) {
		if first == "" {
			first = line
		}
	})
	defer c.close()
	c.most = maxUnusable
	more, err := c.next()
	switch {
	case err != nil:
		return err
	case !more && c.broken > 0:
		return fmt.Errorf("no record in the first %d lines: %s", c.in.line, first)
	}
	f.first, f.body = c.rec.Time, c.rec.Body
	f.timed = c.timed || !more && o.Time.Set()
	return nil
}
