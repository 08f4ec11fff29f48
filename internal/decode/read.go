package decode

import (
	"bytes"
	"errors"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Read reads a source to its end. The error is the source's; what stands before
// it was read.
func (s *Scanner) Read(r io.Reader) error {
	s.row, s.lost = row{}, false // the last source may have been too large
	head := make([]byte, headSize)
	n, err := io.ReadAtLeast(r, head, 4)
	head = head[:n]
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return err
	}
	r = io.MultiReader(bytes.NewReader(head), r)
	switch {
	case s.asIs && IsCompressed(head):
		return errors.New("compressed data is not taken here")
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(r)
		if err != nil {
			return err
		}
		defer z.Close()
		return s.inner(z)
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(s.window()))
		if err != nil {
			return err
		}
		defer z.Close()
		return s.inner(z)
	case IsMsgpack(head):
		s.wanted = longRecord
		return s.fill(r, s.Msgpack, s.frames(), s.finish)
	case bytes.HasPrefix(head, []byte{0xef, 0xbb, 0xbf}):
		if _, err := io.CopyN(io.Discard, r, 3); err != nil {
			return err
		}
	}
	s.wanted = min(longLine, s.maxRecord)
	err = s.fill(r, s.lines, s.newlines, s.line)
	s.end()
	return err
}

// window is the largest that zstd may have: what it needs is given at once.
func (s *Scanner) window() uint64 {
	if s.maxBytes > 0 || s.reserve != nil {
		return 8 << 20
	}
	return 128 << 20
}

// IsCompressed says whether data begins as gzip or zstd does.
func IsCompressed(data []byte) bool {
	return bytes.HasPrefix(data, []byte{0x1f, 0x8b}) || bytes.HasPrefix(data, []byte{0x28, 0xb5, 0x2f, 0xfd})
}

// Size returns how many bytes of memory the scanner keeps for input.
func (s *Scanner) Size() int {
	return cap(s.buf) + cap(s.pretty.text) + cap(s.pieces[0]) + cap(s.pieces[1])
}

// Bytes reads a source that is in memory, as Read does.
func (s *Scanner) Bytes(data []byte) error {
	s.row, s.lost = row{}, false // likewise
	switch {
	case IsCompressed(data):
		return s.Read(bytes.NewReader(data))
	case s.maxBytes > 0 && int64(len(data)) > s.maxBytes:
		return ErrTooLarge
	case IsMsgpack(data):
		s.finish(s.Msgpack(data))
	default:
		s.Text(bytes.TrimPrefix(data, []byte{0xef, 0xbb, 0xbf}))
	}
	return nil
}

// maxCompressed is how often data may be compressed.
const maxCompressed = 2

// inner reads what was compressed.
func (s *Scanner) inner(r io.Reader) error {
	if s.depth == maxCompressed {
		return errors.New("compressed more than twice")
	}
	s.depth++
	defer func() { s.depth-- }()
	return s.Read(r)
}

// frames returns what says whether a value has come to its end, or never will.
func (s *Scanner) frames() func(b []byte, last int) bool {
	f := NewFrame()
	return func(b []byte, last int) bool {
		if last == len(b) { // nothing was left: this is another one
			f = NewFrame()
		}
		if s.lost || len(b) >= s.wanted {
			return len(b) >= s.wanted
		}
		return f.Next(b, s.maxRecord) != ErrShort
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
