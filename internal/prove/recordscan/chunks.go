// SPDX-License-Identifier: Apache-2.0

package recordscan

import (
	"bytes"
	"errors"
	"io"

	"github.com/gdummy/gdummy/internal/files"
)

// IsLines reports whether a source that begins with head is read in lines, so that it can
// be read in chunks: see [Chunks].
func IsLines(head []byte) bool {
	return len(head) > 0 && (isJSON(head) || files.PackingOf(head) == files.Unpacked && foreignFormat(head) == "") && !IsMsgpack(head)
}

// maxBoundary is the distance, in bytes, in which a line must end for a chunk to end there.
const maxBoundary = 1 << 20

// Chunks returns the offsets at which chunks of lines begin, the first of which is 0. They
// are about size bytes apart, and each but the first follows a newline.
func Chunks(r io.ReaderAt, total, size int64) (starts []int64, err error) {
	starts = []int64{0}
	buf := make([]byte, 4096)
	for near := size; near < total; near += size {
		for at := near; at < min(total, near+maxBoundary); at += int64(len(buf)) {
			n, err := r.ReadAt(buf, at)
			if err != nil && err != io.EOF {
				return nil, err
			}
			if i := bytes.IndexByte(buf[:n], '\n'); i >= 0 {
				if start := at + int64(i) + 1; start < total && start > starts[len(starts)-1] {
					starts = append(starts, start)
				}
				break
			}
		}
	}
	return starts, nil
}

// ReadChunk scans one of [Chunks] of a source, or what follows the last one it scanned. It
// reports whether the chunk is complete in itself: a scan of the next one needs nothing of
// it. If it is not, the caller passes what follows, and
// calls [Scanner.EndChunks] after the last chunk.
func (s *Scanner) ReadChunk(r io.Reader) (whole bool, err error) {
	s.wanted = min(longLine, s.maxRecord)
	err = s.fill(r, s.lines, s.newlines, s.line)
	return !s.row.open && !s.pretty.started() && len(s.pieces[0])+len(s.pieces[1]) == 0, err
}

// BeginChunks prepares for the first chunk, or for one that follows a complete one. It
// removes a byte order mark from the beginning of the source.
func (s *Scanner) BeginChunks(r io.ReadSeeker, first bool) error {
	s.row, s.lost = row{}, false
	s.EndChunks() // of a source that failed
	if !first {
		return nil
	}
	head := make([]byte, len(byteOrderMark))
	n, err := io.ReadFull(r, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	if !bytes.Equal(head[:n], byteOrderMark) {
		_, err = r.Seek(0, io.SeekStart)
		return err
	}
	return nil
}

// EndChunks reports what is incomplete at the end of a source.
func (s *Scanner) EndChunks() { s.end() }
