// SPDX-License-Identifier: Apache-2.0

package unpack

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"
	"slices"

	"github.com/ulikunitz/xz/lzma"
)

// xzReader reads xz: streams of blocks, with optional zeros between streams. Package xz is
// not used because it allocates what the header of a block requests, up to 4 GB.
//
//	stream  header(12) block… index footer(12)
//	block   header LZMA2 padding check
type xzReader struct {
	r      *bufio.Reader
	check  byte // type of the blocks' checksum
	inside bool // within a stream
	blocks uint64
	block  *lzma.Reader2 // nil between blocks
	data   countingReader
	hash   hash.Hash // nil without a checksum
}

// newXZ returns a reader of xz. The error is a [DictionaryError] if the first block needs
// too much memory.
func newXZ(r *bufio.Reader) (*xzReader, error) {
	x := &xzReader{r: r}
	if err := x.stream(); err != nil {
		return nil, noEOF(err)
	}
	return x, x.next()
}

// DictionaryError reports a block that needs too much memory, in bytes.
type DictionaryError int64

// Error implements error.
func (e DictionaryError) Error() string { return "xz: a block has " + e.String() }

// String describes the dictionary of the block.
func (e DictionaryError) String() string {
	return fmt.Sprintf("a dictionary of %d MB, more than the supported %d MB", e>>20, MaxDictionary>>20)
}

// Read implements io.Reader.
func (x *xzReader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for {
		if x.block == nil {
			err := x.next()
			if err != nil {
				return 0, err
			}
			continue
		}
		n, err := x.block.Read(p)
		if x.hash != nil {
			x.hash.Write(p[:n])
		}
		if err == io.EOF {
			err = x.end()
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

// next reads up to the data of the next block, or to the end of the stream. It returns
// io.EOF if no stream follows.
func (x *xzReader) next() error {
	if !x.inside {
		return x.stream()
	}
	size, err := x.r.ReadByte()
	if err != nil {
		return noEOF(err)
	}
	if size == 0 {
		x.inside = false
		return noEOF(x.index())
	}
	head := make([]byte, 4*(int(size)+1))
	head[0] = size
	if _, err := io.ReadFull(x.r, head[1:]); err != nil {
		return noEOF(err)
	}
	if body := len(head) - 4; binary.LittleEndian.Uint32(head[body:]) != crc32.ChecksumIEEE(head[:body]) {
		return errors.New("xz: the checksum of a block's header is wrong")
	}
	dictionary, err := xzDictionary(head[:len(head)-4])
	if err != nil {
		return err
	}
	if dictionary > MaxDictionary {
		return DictionaryError(dictionary)
	}
	if x.hash != nil {
		x.hash.Reset()
	}
	x.data = countingReader{r: x.r}
	x.block, err = lzma.Reader2Config{DictCap: max(int(dictionary), lzma.MinDictCap)}.NewReader2(&x.data)
	return err
}

// stream reads the header of a stream, and the zeros before it.
func (x *xzReader) stream() error {
	var head [12]byte
	for {
		if _, err := io.ReadFull(x.r, head[:4]); err != nil {
			return err // io.EOF at the end
		}
		if !bytes.Equal(head[:4], make([]byte, 4)) {
			break
		}
	}
	if _, err := io.ReadFull(x.r, head[4:]); err != nil {
		return noEOF(err)
	}
	flags := head[6:8]
	if string(head[:6]) != "\xfd7zXZ\x00" || flags[0] != 0 || binary.LittleEndian.Uint32(head[8:]) != crc32.ChecksumIEEE(flags) {
		return errors.New("xz: the header of a stream is damaged")
	}
	x.inside, x.blocks, x.check = true, 0, flags[1]
	switch x.check {
	case 0:
		x.hash = nil
	case 1:
		x.hash = crc32.NewIEEE()
	case 4:
		x.hash = crc64.New(crc64.MakeTable(crc64.ECMA))
	case 10:
		x.hash = sha256.New()
	default:
		return fmt.Errorf("xz: unknown kind of check %d", x.check)
	}
	return nil
}

// xzDictionary returns the memory that a block needs, in bytes, from its header.
func xzDictionary(head []byte) (int64, error) {
	flags, b := head[1], head[2:]
	for _, bit := range []byte{0x40, 0x80} { // compressed size, uncompressed size
		if flags&bit != 0 {
			_, n := binary.Uvarint(b)
			if n <= 0 {
				return 0, errors.New("xz: the header of a block is damaged")
			}
			b = b[n:]
		}
	}
	// One filter, LZMA2, with one byte of properties.
	switch {
	case flags&^0xc0 != 0 || len(b) < 3 || b[0] != 0x21 || b[1] != 1:
		return 0, errors.New("xz: a block has a filter other than LZMA2")
	case b[2] > 40:
		return 0, errors.New("xz: the header of a block is damaged")
	case b[2] == 40:
		return 1<<32 - 1, nil
	}
	return int64(2|b[2]&1) << (b[2]/2 + 11), nil
}

// end reads the padding and checksum after the data of a block.
func (x *xzReader) end() error {
	x.block = nil
	x.blocks++
	var rest [3 + sha256.Size]byte
	padding := int(-x.data.n & 3)
	var sum []byte
	if x.hash != nil {
		if sum = x.hash.Sum(nil); x.check != 10 {
			slices.Reverse(sum) // CRCs are little-endian
		}
	}
	b := rest[:padding+len(sum)]
	if _, err := io.ReadFull(x.r, b); err != nil {
		return noEOF(err)
	}
	if !bytes.Equal(b[:padding], make([]byte, padding)) || !bytes.Equal(b[padding:], sum) {
		return errors.New("xz: the checksum of a block is wrong")
	}
	return nil
}

// index reads the index of a stream after its first byte, and the footer.
func (x *xzReader) index() error {
	damaged := errors.New("xz: the index of a stream is damaged")
	sum := crc32.NewIEEE()
	sum.Write([]byte{0})
	in := &summingReader{x.r, sum, 1}
	n, err := binary.ReadUvarint(in)
	if err == nil && n != x.blocks {
		return damaged
	}
	for i := uint64(0); i < 2*n && err == nil; i++ {
		_, err = binary.ReadUvarint(in)
	}
	for err == nil && in.n%4 != 0 {
		_, err = in.ReadByte()
	}
	if err != nil {
		return err
	}
	var foot [4 + 12]byte // the checksum of the index, and the footer
	if _, err := io.ReadFull(x.r, foot[:]); err != nil {
		return err
	}
	if binary.LittleEndian.Uint32(foot[:]) != sum.Sum32() {
		return damaged
	}
	f := foot[4:]
	if binary.LittleEndian.Uint32(f) != crc32.ChecksumIEEE(f[4:10]) || f[8] != 0 || f[9] != x.check || string(f[10:]) != "YZ" {
		return errors.New("xz: the end of a stream is damaged")
	}
	return nil
}

// countingReader counts the bytes read.
type countingReader struct {
	r io.Reader
	n int64
}

// Read implements io.Reader.
func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// summingReader counts the bytes read and adds them to a checksum.
type summingReader struct {
	r   io.ByteReader
	sum io.Writer
	n   int64
}

// ReadByte implements io.ByteReader.
func (s *summingReader) ReadByte() (byte, error) {
	c, err := s.r.ReadByte()
	if err == nil {
		s.n++
		_, err = s.sum.Write([]byte{c})
	}
	return c, err
}

// noEOF returns io.ErrUnexpectedEOF for io.EOF.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
