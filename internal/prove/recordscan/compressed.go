// SPDX-License-Identifier: Apache-2.0

package recordscan

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"github.com/gdummy/gdummy/internal/files"
	"github.com/gdummy/gdummy/internal/unpack"
)

// wired reports whether requests, too, may have this packing.
func wired(p files.Packing) bool { return p == files.Gzip || p == files.Zstd }

// IsCompressed reports whether data begins like gzip or zstd.
func IsCompressed(data []byte) bool { return wired(files.PackingOf(data)) }

// maxPackings is the maximum number of nested packings in a file, such as a compressed
// archive of compressed files; maxServed is that in a request.
const (
	maxPackings = 4
	maxServed   = 2
)

// unpack scans the contents of a packed source. whole is the original reader, of which
// some has been read.
func (s *Scanner) unpack(p files.Packing, r, whole io.Reader) error {
	if s.depth == maxPackings || s.served() && s.depth == maxServed {
		return fmt.Errorf("packed more than %d times", s.depth)
	}
	s.depth++
	defer func() { s.depth-- }()
	b := bufio.NewReaderSize(r, 1<<16)
	switch p {
	case files.Zip:
		return s.zip(whole)
	case files.Tar:
		return s.tar(b)
	}
	z, err := s.expand(p, b)
	if err == unpack.ErrDictionary {
		return &FormatError{Format: err.Error()}
	}
	if err != nil {
		return err
	}
	defer z.Close()
	return s.Read(z)
}

// expand returns a reader of what compressed data has, or nil for archives.
func (s *Scanner) expand(p files.Packing, b *bufio.Reader) (io.ReadCloser, error) {
	if unpack.Supported(p) {
		z, err := unpack.New(p, b, s.window())
		if err != nil {
			return nil, err
		}
		return readCloser{s.bounded(z), z}, nil
	}
	switch p {
	case files.LZ4:
		return io.NopCloser(lz4.NewReader(b)), nil
	case files.Snappy:
		return io.NopCloser(s2.NewReader(b)), nil
	case files.UTF16:
		return io.NopCloser(newUTF16(b)), nil
	}
	return nil, nil
}

// readCloser is a reader of what must be closed.
type readCloser struct {
	io.Reader
	io.Closer
}

// bounded limits r to the maximum size of a source; beyond it, Read returns ErrTooLarge.
// Data that is packed twice may be large in between.
func (s *Scanner) bounded(r io.Reader) io.Reader {
	if s.maxBytes <= 0 {
		return r
	}
	return &boundedReader{r, s.maxBytes}
}

type boundedReader struct {
	r    io.Reader
	left int64
}

// Read implements io.Reader.
func (b *boundedReader) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return n, ErrTooLarge
	}
	return n, err
}

// window returns the maximum window of zstd, which is allocated at once.
func (s *Scanner) window() uint64 {
	if s.served() {
		return 8 << 20
	}
	return unpack.MaxDictionary
}

// sized is a file with a size, as zip requires: its directory is at its end.
type sized interface {
	io.ReaderAt
	Stat() (fs.FileInfo, error)
}

// zip scans the files in a zip archive. It continues after an error in one of them.
func (s *Scanner) zip(r io.Reader) error {
	var at io.ReaderAt
	size := int64(0)
	switch r := r.(type) {
	case *bytes.Reader:
		at, size = r, r.Size()
	case sized:
		if info, err := r.Stat(); err == nil && info.Mode().IsRegular() {
			at, size = r, info.Size()
		}
	}
	if at == nil {
		return &FormatError{Format: "zip inside another format, or read from a pipe"}
	}
	z, err := zip.NewReader(at, size)
	if err != nil {
		return err
	}
	z.RegisterDecompressor(zstd.ZipMethodWinZip, zstd.ZipDecompressor(zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(unpack.MaxDictionary)))
	for _, file := range z.File {
		if !file.Mode().IsRegular() {
			continue
		}
		const encrypted = 1
		if file.Flags&encrypted != 0 {
			return &FormatError{Format: "an encrypted file", Entry: file.Name}
		}
		f, ferr := file.Open()
		if errors.Is(ferr, zip.ErrAlgorithm) {
			return &FormatError{Format: "compression by zip's method " + strconv.Itoa(int(file.Method)), Entry: file.Name}
		}
		if ferr == nil {
			ferr = s.Read(onlyReader{f})
			f.Close()
		}
		if ferr = s.wrong(ferr, file.Name, &err); ferr != nil {
			return ferr
		}
	}
	return err
}

// tar scans the files in a tar archive. It continues after an error in one of them.
func (s *Scanner) tar(r io.Reader) (err error) {
	t := tar.NewReader(r)
	for {
		h, terr := t.Next()
		if terr == io.EOF {
			return err
		}
		if terr != nil {
			return errors.Join(err, terr)
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		if ferr := s.wrong(s.Read(onlyReader{t}), h.Name, &err); ferr != nil {
			return ferr
		}
	}
}

// onlyReader hides the other methods of a reader.
type onlyReader struct{ io.Reader }

// wrong adds the error of an entry to those of the archive, or returns it if it ends the
// scan of the archive.
func (s *Scanner) wrong(err error, entry string, all *error) error {
	var format *FormatError
	switch {
	case errors.As(err, &format):
		name := entry
		if format.Entry != "" {
			name += ": " + format.Entry
		}
		return &FormatError{Format: format.Format, Entry: name}
	case errors.Is(err, ErrTooLarge):
		return err
	case err != nil:
		*all = errors.Join(*all, fmt.Errorf("entry %q: %w", entry, err))
	}
	return nil
}

// newUTF16 returns a reader that converts r from UTF-16 with a byte order mark to UTF-8. It
// returns io.ErrUnexpectedEOF if r ends within a code unit.
func newUTF16(r io.Reader) io.Reader {
	return transform.NewReader(&evenReader{r: r}, unicode.UTF16(unicode.BigEndian, unicode.ExpectBOM).NewDecoder())
}

// evenReader checks that r has an even number of bytes.
type evenReader struct {
	r   io.Reader
	odd bool
}

// Read implements io.Reader.
func (p *evenReader) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	p.odd = p.odd != (n%2 == 1)
	if err == io.EOF && p.odd {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}
