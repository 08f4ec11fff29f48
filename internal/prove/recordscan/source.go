// SPDX-License-Identifier: Apache-2.0

package recordscan

import (
	"bufio"
	"bytes"
	"io"

	"github.com/gdummy/gdummy/internal/files"
	"github.com/gdummy/gdummy/internal/msgpack"
)

// Read scans a source to its end. An error is the source's; everything before it has
// been scanned. After a [FormatError], nothing of the source has.
func (s *Scanner) Read(r io.Reader) error {
	s.row, s.lost = row{}, false // the previous source may have failed
	whole, b := r, bufio.NewReaderSize(r, headSize)
	least := 4 // more may take a while
	if s.depth > 0 {
		least = headSize
	}
	_, err := b.Peek(least)
	head, _ := b.Peek(b.Buffered())
	if err != nil && err != io.EOF && len(head) == 0 {
		return err
	}
	form, err := s.form(head)
	switch {
	case err != nil:
		return err
	case form != files.Unpacked:
		return s.unpack(form, b, whole)
	case IsMsgpack(head):
		s.wanted = longRecord
		return s.fill(b, s.Msgpack, s.frames(), s.finish)
	case bytes.HasPrefix(head, byteOrderMark):
		if _, err := b.Discard(len(byteOrderMark)); err != nil {
			return err
		}
	}
	s.wanted = min(longLine, s.maxRecord)
	err = s.fill(b, s.lines, s.newlines, s.line)
	s.end()
	return err
}

// byteOrderMark is the byte order mark in UTF-8.
var byteOrderMark = []byte("\xef\xbb\xbf")

// form returns the packing of data that begins with head. It returns an error if the
// packing or the format is unsupported.
func (s *Scanner) form(head []byte) (files.Packing, error) {
	if isJSON(head) {
		return files.Unpacked, nil
	}
	switch p := files.PackingOf(head); {
	case p == files.Unpacked:
		if name := foreignFormat(head); name != "" {
			return 0, &FormatError{Format: name}
		}
		return files.Unpacked, nil
	case s.asIs:
		return 0, &FormatError{Format: p.String() + ", which is not accepted here"}
	case s.served() && !wired(p):
		return 0, &FormatError{Format: p.String() + ", which is accepted from files only"}
	default:
		return p, nil
	}
}

// served reports whether the sources are requests of clients.
func (s *Scanner) served() bool { return s.maxBytes > 0 || s.reserve != nil }

// Size returns the size of the input buffers, in bytes.
func (s *Scanner) Size() int {
	return cap(s.buf) + cap(s.pretty.text) + cap(s.pieces[0]) + cap(s.pieces[1])
}

// Bytes scans a source in memory, like Read.
func (s *Scanner) Bytes(data []byte) error {
	s.row, s.lost = row{}, false // the previous source may have failed
	form, err := s.form(data[:min(len(data), headSize)])
	switch {
	case err != nil:
		return err
	case form != files.Unpacked:
		return s.Read(bytes.NewReader(data))
	case s.maxBytes > 0 && int64(len(data)) > s.maxBytes:
		return ErrTooLarge
	case IsMsgpack(data):
		s.finish(s.Msgpack(data))
	default:
		s.Text(bytes.TrimPrefix(data, byteOrderMark))
	}
	return nil
}

// frames returns a function that reports whether b has a complete value, or one that is
// invalid.
func (s *Scanner) frames() func(b []byte, last int) bool {
	f := msgpack.NewFrame()
	return func(b []byte, last int) bool {
		if last == len(b) { // a new value: nothing of the last one is left
			f = msgpack.NewFrame()
		}
		if s.lost || len(b) >= s.wanted {
			return len(b) >= s.wanted
		}
		_, err := f.Next(b, s.maxRecord)
		return err != msgpack.ErrShort
	}
}

// fill reads r into the buffer. When ready reports that something is complete, it calls
// parse with the buffer and keeps the rest that parse returns, so that a record that
// arrives in many pieces is not parsed for each. ready receives the buffer and the
// number of bytes that are new to it. last receives the rest at the end of r.
func (s *Scanner) fill(r io.Reader, parse func([]byte) []byte, ready func(b []byte, got int) bool, last func([]byte)) error {
	if s.buf == nil {
		step := 1 << 18
		if s.reserve != nil {
			step = 1 << 15
		}
		s.buf = make([]byte, step)
	}
	n, asked := 0, 0
	total := int64(0)
	for {
		if n == len(s.buf) {
			if s.reserve != nil && !s.reserve(len(s.buf)) {
				return ErrTooLarge
			}
			s.buf = append(s.buf, make([]byte, len(s.buf))...)
		}
		got, err := r.Read(s.buf[n:])
		n += got
		if total += int64(got); s.maxBytes > 0 && total > s.maxBytes {
			return ErrTooLarge
		}
		if got > 0 {
			if ready(s.buf[:n], n-asked) {
				rest := parse(s.buf[:n])
				if s.landing.landed {
					return nil
				}
				n, asked = copy(s.buf, rest), 0
			} else {
				asked = n
			}
		}
		if err != nil {
			if rest := parse(s.buf[:n]); !s.landing.landed {
				last(rest)
			}
			if err == io.EOF || s.landing.landed {
				return nil
			}
			return err
		}
	}
}
