// SPDX-License-Identifier: Apache-2.0

// Package unpack decompresses files, on the goroutine that reads them.
//
// The normal path is [New] with the format that [files.PackingOf] has recognized.
//
// # Limits
//
// A dictionary or window has at most [MaxDictionary] bytes, whatever the header of a file
// requests.
package unpack

import (
	"bufio"
	"compress/bzip2"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/mikelolasagasti/xz"

	"github.com/gdummy/gdummy/internal/files"
)

// MaxDictionary is the maximum size of a dictionary or window, in bytes. It is more than
// xz -9 and zstd --ultra need.
const MaxDictionary = 128 << 20

// Supported reports whether New decompresses a format.
func Supported(p files.Packing) bool {
	return p == files.Gzip || p == files.Zstd || p == files.XZ || p == files.Bzip2
}

// New returns a reader that decompresses r, which is in a supported format. window is the
// maximum window of zstd, in bytes, which is allocated at once. Close the reader to release
// its memory; r stays open.
func New(p files.Packing, r *bufio.Reader, window uint64) (io.ReadCloser, error) {
	switch p {
	case files.Gzip:
		z := &members{r: r, z: new(gzip.Reader)}
		return io.NopCloser(z), z.reset()
	case files.Zstd:
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(window))
		if err != nil {
			return nil, err
		}
		return z.IOReadCloser(), nil
	case files.XZ:
		_, _ = r.Peek(xzHeaders) // NewReader returns an error of what the first read has
		z, err := xz.NewReader(r, MaxDictionary)
		return io.NopCloser(xzReader{z}), plainXZ(err)
	case files.Bzip2:
		return io.NopCloser(bzip2.NewReader(r)), nil
	}
	return nil, fmt.Errorf("%v is not supported", p)
}

// members reads all members of a gzip file, and the zeros after them with which tapes and
// blocks are padded.
type members struct {
	r *bufio.Reader
	z *gzip.Reader
}

func (m *members) reset() error {
	if err := m.z.Reset(m.r); err != nil {
		return err
	}
	m.z.Multistream(false)
	return nil
}

// Read implements io.Reader.
func (m *members) Read(p []byte) (int, error) {
	for {
		n, err := m.z.Read(p)
		if n > 0 || err != io.EOF {
			if err == io.EOF {
				err = nil // the next call returns it
			}
			return n, err
		}
		c := byte(0)
		for err = nil; err == nil && c == 0; {
			c, err = m.r.ReadByte()
		}
		if err != nil {
			return 0, err
		}
		if err := m.r.UnreadByte(); err != nil {
			return 0, err
		}
		if err := m.reset(); err != nil {
			return 0, fmt.Errorf("after the end of gzip: %w", err)
		}
	}
}

// xzHeaders is the maximum size of the headers of a stream and a block, in bytes.
const xzHeaders = 12 + 1024

// ErrDictionary reports a block of xz that needs too much memory. [New] returns it if that
// is the first block.
var ErrDictionary = fmt.Errorf("xz with a dictionary of more than %d MB", MaxDictionary>>20)

// xzReader is a reader of xz with the errors of plainXZ. Package ulikunitz/xz is not used
// because it allocates what the header of a block requests, up to 4 GB.
type xzReader struct{ *xz.Reader }

// Read implements io.Reader.
func (x xzReader) Read(p []byte) (int, error) {
	n, err := x.Reader.Read(p)
	return n, plainXZ(err)
}

// plainXZ returns an error of package xz as the other formats have it.
func plainXZ(err error) error {
	switch err {
	case xz.ErrBuf:
		return io.ErrUnexpectedEOF
	case xz.ErrMemlimit:
		return ErrDictionary
	}
	return err
}
