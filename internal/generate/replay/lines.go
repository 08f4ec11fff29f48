// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"bytes"
	"errors"
	"io"
)

// errLong is the error of a record with more than MaxRecord bytes.
var errLong = errors.New("longer than 16 MiB")

// lines cuts what it reads into lines. Its buffer grows to the longest line.
type lines struct {
	r          io.Reader
	buf        []byte
	start, end int    // of what is read and not used
	line       uint64 // number of the last line
	eof        bool
}

// bufferSize is the size of a buffer at first, in bytes.
const bufferSize = 64 << 10

// reset begins with the first line of r.
func (l *lines) reset(r io.Reader) {
	*l = lines{r: r, buf: l.buf}
	if l.buf == nil {
		l.buf = make([]byte, bufferSize)
	}
}

// next returns the next line with the LF at its end, which it adds to a last line
// that has none. The line is valid until the next call. The error is io.EOF after the
// last line, and errLong for a line that is too long, which is skipped.
func (l *lines) next() ([]byte, error) {
	searched := l.start
	for {
		if i := bytes.IndexByte(l.buf[searched:l.end], '\n'); i >= 0 {
			line := l.buf[l.start : searched+i+1]
			l.start = searched + i + 1
			l.line++
			return line, nil
		}
		searched = l.end
		if l.eof {
			return l.last()
		}
		if l.end-l.start > MaxRecord {
			return nil, l.skip()
		}
		moved := l.start
		if err := l.fill(); err != nil {
			return nil, err
		}
		searched -= moved - l.start
	}
}

// fill reads more, behind what is there.
func (l *lines) fill() error {
	if l.start > 0 {
		copy(l.buf, l.buf[l.start:l.end])
		l.start, l.end = 0, l.end-l.start
	}
	if l.end == len(l.buf) {
		l.buf = append(l.buf, make([]byte, len(l.buf))...)
	}
	n, err := l.r.Read(l.buf[l.end:])
	l.end += n
	if l.eof = err == io.EOF; l.eof {
		return nil
	}
	return err
}

// last returns what the file ends with, behind its last LF.
func (l *lines) last() ([]byte, error) {
	if l.start == l.end {
		return nil, io.EOF
	}
	line := append(l.buf[l.start:l.end], '\n')
	l.start, l.end = 0, 0
	l.line++
	return line, nil
}

// skip skips the rest of a line that is too long.
func (l *lines) skip() error {
	l.line++
	for {
		l.start, l.end = 0, 0
		if l.eof {
			return errLong
		}
		if err := l.fill(); err != nil {
			return err
		}
		if i := bytes.IndexByte(l.buf[:l.end], '\n'); i >= 0 {
			l.start = i + 1
			return errLong
		}
	}
}
