// SPDX-License-Identifier: Apache-2.0

package source

import (
	"os"

	"github.com/gdummy/gdummy/internal/prove/recordscan"
)

// planner divides sources into units, in order.
type planner struct {
	f    *Files
	scan *recordscan.Scanner // for the beginnings of chunks
	emit func(*fileUnit) bool
}

// sources emits the units of sources, until emit returns false.
func (p *planner) sources(names []string) {
	total := max(Size(names), 0)
	for _, name := range names {
		if !p.source(&fileSource{name: name}, total, len(names) == 1) {
			return
		}
	}
}

// source emits the units of a source; total is the size of all sources.
func (p *planner) source(src *fileSource, total int64, only bool) bool {
	info, err := os.Stat(src.name)
	if p.f.workers == 1 || src.name == "-" || err != nil || !info.Mode().IsRegular() {
		return p.emit(&fileUnit{src: src, direct: true})
	}
	switch layout := recordscan.LayoutOf(Beginning(src.name)); {
	case layout != recordscan.Whole && info.Size() >= 2*p.f.chunk:
		if starts := p.starts(src.name, layout, info.Size()); len(starts) > 1 {
			for i := range starts {
				if !p.emit(&fileUnit{src: src, layout: layout, starts: starts[i:]}) {
					return false
				}
			}
			return true
		}
	// Several compressed files keep all processors busy, and without this detour.
	case layout == recordscan.Whole && info.Size() >= p.f.chunk/4 && info.Size() > total/int64(p.f.workers):
		if ok, more := p.unpack(src); ok {
			return more
		}
	}
	return p.emit(&fileUnit{src: src, direct: only})
}

// starts returns the beginnings of the chunks of a file, or nil after an error, which is
// reported when the file is read.
func (p *planner) starts(name string, l recordscan.Layout, size int64) []int64 {
	file, err := os.Open(name)
	if err != nil {
		return nil
	}
	defer file.Close()
	starts, err := p.scan.Chunks(file, l, size, p.f.chunk)
	if err != nil {
		return nil
	}
	return starts
}

// unpack emits the units of a compressed file, which it decompresses ahead of their readers.
// ok is false, and nothing is emitted, if the file cannot be divided.
func (p *planner) unpack(src *fileSource) (ok, more bool) {
	file, err := os.Open(src.name)
	if err != nil {
		return false, true
	}
	defer file.Close()
	size := int64(0)
	z, layout := recordscan.Unpack(CountReads(file, func(n int) {
		size += int64(n)
		p.f.done.Add(int64(n))
	}))
	if z == nil {
		p.f.done.Add(-size)
		return false, true
	}
	defer z.Close()
	var carry []byte
	for from := int64(0); ; {
		b, ok := p.f.buffer()
		if !ok {
			return true, false
		}
		if len(b) < len(carry) {
			b = make([]byte, 2*len(carry))
		}
		n := copy(b, carry)
		for cut := 0; cut == 0; {
			if n == len(b) {
				b = append(b, make([]byte, len(b))...)
			}
			got := 0
			for err == nil && n < len(b) {
				got, err = z.Read(b[n:])
				n += got
			}
			if err != nil {
				return true, p.emit(&fileUnit{src: src, layout: layout, starts: []int64{from}, compressed: true, unpacked: b[:n], end: err, size: size})
			}
			if cut = p.scan.LastStart(b, layout); cut == 0 && int64(len(b)) >= p.f.chunk {
				// A long line, or broken data: one unit has all that follows.
				return true, p.emit(&fileUnit{src: src, layout: layout, starts: []int64{from}, compressed: true, unpacked: b})
			}
			if cut > 0 {
				carry = append(carry[:0], b[cut:]...)
				if !p.emit(&fileUnit{src: src, layout: layout, starts: []int64{from, from + int64(cut)}, compressed: true, unpacked: b}) {
					return true, false
				}
				from += int64(cut)
			}
		}
	}
}
