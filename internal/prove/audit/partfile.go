// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/cespare/xxhash/v2"
)

// A file has one part or more. Each is
//
//	signature  "gdummy audit part 1\n"; the number is the version
//	sizes      of about and state, 8 bytes each, in bytes
//	about      what the part covers: see Part.about
//	state      what arrived: see Auditor.state
//	sum        XXH64 of all of the above, 8 bytes
//
// Integers of a fixed size are little-endian.

const (
	partName    = "gdummy audit part "
	partVersion = "1\n"
	partHead    = len(partName) + len(partVersion) + 16

	// maxAbout is the maximum size of about, in bytes.
	maxAbout = 64 << 20
)

// Errors of files of parts.
var (
	ErrNoPart    = errors.New("not a part of an audit; gdummy audit --part writes one")
	ErrTruncated = errors.New("the part is truncated")
	ErrDamaged   = errors.New("the part is damaged: its checksum is wrong")
)

// IsPart reports whether text is the beginning of a part.
func IsPart(text []byte) bool { return bytes.HasPrefix(text, []byte(partName)) }

// Append appends the part as in a file.
func (p *Part) Append(dst []byte) ([]byte, error) {
	state, err := p.load()
	if err != nil {
		return dst, err
	}
	c := coder{}
	p.about(&c)
	start := len(dst)
	dst = append(dst, partName+partVersion...)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(len(c.b)))
	dst = binary.LittleEndian.AppendUint64(dst, uint64(len(state)))
	dst = append(append(dst, c.b...), state...)
	return binary.LittleEndian.AppendUint64(dst, xxhash.Sum64(dst[start:])), nil
}

// ReadParts reads what the parts in a file of the given size cover, and checks their sums.
// The file must stay open until they are merged.
func ReadParts(r io.ReaderAt, size int64) (parts []*Part, err error) {
	for at := int64(0); at < size || at == 0; {
		p, n, err := readPart(io.NewSectionReader(r, at, size-at))
		if err != nil {
			return nil, err
		}
		parts = append(parts, p)
		at += n
	}
	return parts, nil
}

// readPart reads the part at the beginning of r, and returns its size.
func readPart(r *io.SectionReader) (*Part, int64, error) {
	head := make([]byte, partHead)
	n, err := r.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return nil, 0, err
	}
	switch head := head[:n]; {
	case len(head) == 0 || !bytes.HasPrefix(head, []byte(partName)[:min(len(head), len(partName))]):
		return nil, 0, ErrNoPart
	case len(head) < len(partName)+len(partVersion):
		return nil, 0, ErrTruncated
	case !bytes.HasPrefix(head[len(partName):], []byte(partVersion)):
		version, _, _ := bytes.Cut(head[len(partName):], []byte("\n"))
		return nil, 0, fmt.Errorf("the part has version %q of the format: expected 1", version)
	case len(head) < partHead:
		return nil, 0, ErrTruncated
	}
	about, state := binary.LittleEndian.Uint64(head[partHead-16:]), binary.LittleEndian.Uint64(head[partHead-8:])
	rest := uint64(r.Size()) - uint64(partHead)
	if about > rest || state > rest-about || rest-about-state < 8 {
		return nil, 0, ErrTruncated
	}
	body := int64(about + state)
	sum := xxhash.New()
	if _, err := io.Copy(sum, io.NewSectionReader(r, 0, int64(partHead)+body)); err != nil {
		return nil, 0, err
	}
	tail := make([]byte, 8)
	if _, err := io.ReadFull(io.NewSectionReader(r, int64(partHead)+body, 8), tail); err != nil {
		return nil, 0, err
	}
	if binary.LittleEndian.Uint64(tail) != sum.Sum64() {
		return nil, 0, ErrDamaged
	}
	if about > maxAbout {
		return nil, 0, fmt.Errorf("the part names sources in %d bytes: expected at most %d", about, maxAbout)
	}
	text := make([]byte, about)
	if _, err := io.ReadFull(io.NewSectionReader(r, int64(partHead), int64(about)), text); err != nil {
		return nil, 0, err
	}
	p := &Part{load: func() ([]byte, error) {
		b := make([]byte, state)
		_, err := io.ReadFull(io.NewSectionReader(r, int64(partHead)+int64(about), int64(state)), b)
		return b, err
	}}
	c := coder{b: text, reading: true}
	if p.about(&c); c.err != nil {
		return nil, 0, fmt.Errorf("the part is invalid: %w", c.err)
	}
	return p, int64(partHead) + body + 8, nil
}
