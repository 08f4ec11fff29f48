// SPDX-License-Identifier: Apache-2.0

package recordscan

import (
	"bufio"
	"bytes"
	"io"

	"github.com/gdummy/gdummy/internal/files"
	"github.com/gdummy/gdummy/internal/recordid"
)

// A large source can be scanned in chunks, by several scanners at the same time. Where a
// chunk begins is a guess: [Scanner.ReadChunks] reads past the beginnings of the following
// chunks until it is at one of them and needs nothing of what precedes it. The result
// is therefore that of a scan of the whole source, whatever the guess.

// Layout is how a source can be divided into chunks.
type Layout uint8

// The layouts.
const (
	Whole  Layout = iota // it cannot be divided
	Lines                // chunks begin after a newline
	Packed               // chunks begin with a record of MessagePack
)

// LayoutOf returns the layout of a source that begins with head.
func LayoutOf(head []byte) Layout {
	switch {
	case len(head) == 0, !isJSON(head) && (files.PackingOf(head) != files.Unpacked || foreignFormat(head) != ""):
		return Whole
	case IsMsgpack(head):
		return Packed
	}
	return Lines
}

// Unpack returns a reader of the contents of a compressed source, and their layout, or nil and
// Whole if they cannot be divided: the source is not compressed, or is an archive.
func Unpack(r io.Reader) (io.ReadCloser, Layout) {
	b := bufio.NewReaderSize(r, 1<<16)
	head, _ := b.Peek(headSize)
	p := files.PackingOf(head)
	if isJSON(head) || p == files.Unpacked {
		return nil, Whole
	}
	z, err := New(Options{}).expand(p, b)
	if z == nil || err != nil {
		return nil, Whole
	}
	plain := bufio.NewReaderSize(z, headSize)
	if head, err := plain.Peek(headSize); err == nil {
		if l := LayoutOf(head); l != Whole {
			return readCloser{plain, z}, l
		}
	}
	z.Close()
	return nil, Whole
}

const (
	// maxBoundary is the distance, in bytes, in which a chunk must begin.
	maxBoundary = 1 << 20

	// boundarySize is the number of bytes in which a chunk of MessagePack usually begins.
	boundarySize = 16 << 10
)

// Chunks returns the offsets at which chunks of a source of total bytes begin, the first of
// which is 0. They are about size bytes apart.
func (s *Scanner) Chunks(r io.ReaderAt, l Layout, total, size int64) (starts []int64, err error) {
	starts = []int64{0}
	buf := make([]byte, boundarySize)
	for near := size; near < total; near += size {
		for n := boundarySize; n <= maxBoundary; n *= 4 {
			if n > len(buf) {
				buf = make([]byte, n)
			}
			got, err := r.ReadAt(buf[:n], near)
			if err != nil && err != io.EOF {
				return nil, err
			}
			if i := s.start(buf[:got], l); i >= 0 {
				if at := near + int64(i); at < total && at > starts[len(starts)-1] {
					starts = append(starts, at)
				}
				break
			}
		}
	}
	return starts, nil
}

// start returns the offset of the first chunk that may begin in b, or -1.
func (s *Scanner) start(b []byte, l Layout) int {
	if l == Packed {
		return s.packedStart(b)
	}
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		return i + 1
	}
	return -1
}

// LastStart returns the offset of the last chunk that may begin in b, which is the beginning
// of a chunk, or 0.
func (s *Scanner) LastStart(b []byte, l Layout) int {
	if l == Lines {
		return bytes.LastIndexByte(b, '\n') + 1
	}
	for n := boundarySize; n < 4*len(b); n *= 4 {
		from := max(len(b)-n, 1)
		if i := s.packedStart(b[from:]); i >= 0 {
			return from + i
		}
	}
	return 0
}

// packedStart returns the offset of a record in b that is complete and not damaged, or -1. b
// need not begin with a record: an identity in b must precede the record.
func (s *Scanner) packedStart(b []byte) int {
	_, from := recordid.Find(b)
	for budget := 1 << 20; from >= 0 && budget > 0; {
		_, n := recordid.Find(b[from:])
		if n < 0 {
			return -1
		}
		end := from + n
		// The outermost value is the record.
		for i := max(from, end-recordid.Size-maxSeek); i < end-recordid.Size && budget > 0; i++ {
			if !isMap(b[i]) && !isEventHead(b[i:]) {
				continue
			}
			n, err := s.packed(&s.doc, b[i:], 0)
			budget -= n
			if err == nil && i+n >= end && s.judge(func(how reading) { s.packed(&s.doc, b[i:], how) }) <= Enriched {
				return i
			}
		}
		from = end
	}
	return -1
}

// ReadChunks scans the chunk that begins at starts[0], and those after it until the scan of
// the next one needs nothing of them. r is the source from starts[0] on. It returns how many
// chunks it has scanned. If these are all, it has read the source to its end.
func (s *Scanner) ReadChunks(r io.Reader, l Layout, starts []int64) (n int, err error) {
	s.row, s.lost = row{}, false
	if l == Packed {
		return s.packedChunks(r, starts)
	}
	at := starts[0]
	if at == 0 {
		head := make([]byte, len(byteOrderMark))
		got, err := io.ReadFull(r, head)
		if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
			return len(starts), err
		}
		if bytes.Equal(head, byteOrderMark) {
			at += int64(got)
		} else {
			r = io.MultiReader(bytes.NewReader(head[:got]), r)
		}
	}
	for n, to := range starts[1:] {
		s.wanted = min(longLine, s.maxRecord)
		if err = s.fill(io.LimitReader(r, to-at), s.lines, s.newlines, s.line); err != nil {
			s.end()
			return len(starts), err
		}
		if !s.row.open && !s.pretty.started() && len(s.pieces[0])+len(s.pieces[1]) == 0 {
			return n + 1, nil
		}
		at = to
	}
	s.wanted = min(longLine, s.maxRecord)
	err = s.fill(r, s.lines, s.newlines, s.line)
	s.end()
	return len(starts), err
}

// landing is where a scan of chunks of MessagePack may end.
type landing struct {
	starts []int64 // of the chunks ahead
	end    int64   // offset of the end of the input buffer in the source
	landed bool    // the scan is at starts[0]
}

// at notes that a record ends with rest bytes in the buffer after it, and reports whether a
// chunk begins there.
func (l *landing) at(rest int) bool {
	pos := l.end - int64(rest)
	for len(l.starts) > 0 && l.starts[0] < pos {
		l.starts = l.starts[1:]
	}
	l.landed = len(l.starts) > 0 && l.starts[0] == pos
	return l.landed
}

// packedChunks is ReadChunks for MessagePack.
func (s *Scanner) packedChunks(r io.Reader, starts []int64) (int, error) {
	s.landing = landing{starts: starts[1:], end: starts[0]}
	l := &s.landing
	defer func() { *l = landing{} }()
	left := 0 // number of bytes in the buffer that were scanned before
	parse := func(b []byte) []byte {
		l.end += int64(len(b) - left)
		rest := s.Msgpack(b)
		left = len(rest)
		return rest
	}
	s.wanted = longRecord
	err := s.fill(r, parse, s.frames(), s.finish)
	if l.landed {
		return len(starts) - len(l.starts), nil
	}
	return len(starts), err
}

// Hint is what a scanner has learned that helps with the following records: the names of the
// members that the pipeline adds.
type Hint struct{ names [][]byte }

// IsEmpty reports whether nothing was learned.
func (h Hint) IsEmpty() bool { return len(h.names) == 0 }

// SetHint sets the hint for the next records.
func (s *Scanner) SetHint(h Hint) {
	s.setExtras(append([][]byte(nil), h.names...))
	s.hinted, s.missed = true, false
}

// Hint returns the hint for the records after those that were scanned since SetHint. own
// reports that it does not depend on that of SetHint. missed reports that with another hint of
// SetHint, the records could be in other states.
func (s *Scanner) Hint() (h Hint, own, missed bool) {
	return Hint{append([][]byte(nil), s.extras...)}, !s.hinted, s.missed
}
