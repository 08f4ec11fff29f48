// SPDX-License-Identifier: Apache-2.0

package recordscan

import (
	"bytes"
	"io"

	"github.com/gdummy/gdummy/internal/files"
	"github.com/gdummy/gdummy/internal/msgpack"
)

// Read reads a source to its end. The error is the source's; what stands before
// it was read. Of a source with a [FormatError] nothing was.
func (s *Scanner) Read(r io.Reader) error {
	s.row, s.lost = row{}, false // the last source may have been too large
	head := make([]byte, headSize)
	least := 4 // more may come late
	if s.depth > 0 {
		least = len(head)
	}
	n, err := io.ReadAtLeast(r, head, least)
	head = head[:n]
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF && n == 0 {
		return err
	}
	whole, read := r, []io.Reader{bytes.NewReader(head), r}
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		read[1] = failing{err}
	}
	r = io.MultiReader(read...)
	form, err := s.form(head)
	switch {
	case err != nil:
		return err
	case form != files.Unpacked:
		return s.unpack(form, r, whole, head)
	case IsMsgpack(head):
		s.wanted = longRecord
		return s.fill(r, s.Msgpack, s.frames(), s.finish)
	case bytes.HasPrefix(head, byteOrderMark):
		if _, err := io.CopyN(io.Discard, r, int64(len(byteOrderMark))); err != nil {
			return err
		}
	}
	s.wanted = min(longLine, s.maxRecord)
	err = s.fill(r, s.lines, s.newlines, s.line)
	s.end()
	return err
}

// byteOrderMark is that of UTF-8.
var byteOrderMark = []byte("\xef\xbb\xbf")

// form tells how the data that begins with head is packed. It returns an error if
// that, or what it is, is not read.
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

// failing is a reader that fails.
type failing struct{ err error }

// Read implements io.Reader.
func (f failing) Read([]byte) (int, error) { return 0, f.err }

// served reports whether the sources are what clients sent.
func (s *Scanner) served() bool { return s.maxBytes > 0 || s.reserve != nil }

// Size returns how many bytes of memory the scanner keeps for input.
func (s *Scanner) Size() int {
	return cap(s.buf) + cap(s.pretty.text) + cap(s.pieces[0]) + cap(s.pieces[1])
}

// Bytes reads a source that is in memory, as Read does.
func (s *Scanner) Bytes(data []byte) error {
	s.row, s.lost = row{}, false // likewise
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

// frames returns what reports whether a value has come to its end, or never will.
func (s *Scanner) frames() func(b []byte, last int) bool {
	f := msgpack.NewFrame()
	return func(b []byte, last int) bool {
		if last == len(b) { // nothing was left: this is another one
			f = msgpack.NewFrame()
		}
		if s.lost || len(b) >= s.wanted {
			return len(b) >= s.wanted
		}
		_, err := f.Next(b, s.maxRecord)
		return err != msgpack.ErrShort
	}
}

// fill gives what it reads to parse, together with what parse left the last
// time, when ready says that something is complete: a record that comes in
// pieces is not tried for each of them. ready gets what there is, and how much
// of it is behind what it was asked about before. last gets what is left at the
// end.
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
				n, asked = copy(s.buf, rest), 0
			} else {
				asked = n
			}
		}
		if err != nil {
			last(parse(s.buf[:n]))
			if err == io.EOF {
				return nil
			}
			return err
		}
	}
}
