// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"bytes"
	"errors"
	"io"

	"github.com/gdummy/gdummy/internal/msgpack"
)

// errLong is the error of a record with more than MaxRecord bytes.
var errLong = errors.New("longer than 16 MiB")

// stream cuts what it reads into lines or MessagePack values. Its buffer grows to the
// longest of them.
type stream struct {
	r          io.Reader
	buf        []byte
	start, end int    // of what is read and not used
	line       uint64 // number of the last line or value
	err        error  // of r, for when all that was read before is used
}

// bufferSize is the size of a buffer at first, in bytes.
const bufferSize = 64 << 10

// reset begins with the first line of r.
func (s *stream) reset(r io.Reader) {
	*s = stream{r: r, buf: s.buf}
	if s.buf == nil {
		s.buf = make([]byte, bufferSize)
	}
}

// next returns the next line with the LF at its end, which it adds to a last line that
// has none. The line is valid until the next call. The error is io.EOF after the last
// line, and errLong for a line that is too long, which is skipped.
//
// If partial is false, a last line without LF is not there yet: the error is io.EOF, and
// a later call may find more.
func (s *stream) next(partial bool) ([]byte, error) {
	searched := s.start
	for {
		if i := bytes.IndexByte(s.buf[searched:s.end], '\n'); i >= 0 {
			line := s.buf[s.start : searched+i+1]
			s.start = searched + i + 1
			s.line++
			if len(line) > MaxRecord {
				return nil, errLong
			}
			return line, nil
		}
		searched = s.end
		switch {
		case s.err == io.EOF:
			return s.last(partial)
		case s.err != nil:
			return nil, s.err
		case s.end-s.start > MaxRecord:
			return nil, s.skip()
		}
		moved := s.start
		s.fill()
		searched -= moved - s.start
	}
}

// fill reads more, behind what is there.
func (s *stream) fill() {
	if s.start > 0 {
		copy(s.buf, s.buf[s.start:s.end])
		s.start, s.end = 0, s.end-s.start
	}
	if s.end == len(s.buf) {
		s.buf = append(s.buf, make([]byte, len(s.buf))...)
	}
	n := 0
	n, s.err = s.r.Read(s.buf[s.end:])
	s.end += n
}

// last returns what the file ends with, behind its last LF.
func (s *stream) last(partial bool) ([]byte, error) {
	if s.start == s.end || !partial {
		s.err = nil // a file may grow
		return nil, io.EOF
	}
	line := append(s.buf[s.start:s.end], '\n')
	s.start, s.end = 0, 0
	s.line++
	return line, nil
}

// skip skips the rest of a line that is too long.
func (s *stream) skip() error {
	s.line++
	for {
		s.start, s.end = 0, 0
		switch s.err {
		case nil:
		case io.EOF:
			return errLong
		default:
			return s.err
		}
		s.fill()
		if i := bytes.IndexByte(s.buf[:s.end], '\n'); i >= 0 {
			s.start = i + 1
			return errLong
		}
	}
}

// value returns the next MessagePack value, which is valid until the next call. The error
// is io.EOF after the last one.
func (s *stream) value() ([]byte, error) {
	frame := msgpack.NewFrame()
	for {
		size, err := frame.Next(s.buf[s.start:s.end], MaxRecord)
		if err == nil {
			v := s.buf[s.start : s.start+size]
			s.start += size
			s.line++
			return v, nil
		}
		switch {
		case err == msgpack.ErrTooLarge:
			return nil, errLong
		case err != msgpack.ErrShort:
			return nil, err
		case s.err == io.EOF && s.start < s.end:
			return nil, io.ErrUnexpectedEOF
		case s.err != nil:
			return nil, s.err
		}
		s.fill()
	}
}
