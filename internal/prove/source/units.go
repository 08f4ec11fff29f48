// SPDX-License-Identifier: Apache-2.0

package source

import (
	"bytes"
	"io"
	"os"

	"github.com/gdummy/gdummy/internal/prove/audit"
	"github.com/gdummy/gdummy/internal/prove/recordscan"
	"github.com/gdummy/gdummy/internal/recordid"
)

// fileUnit is a file, or chunks of one.
type fileUnit struct {
	src    *fileSource
	direct bool // it is read when it is its turn, by the audit itself

	// layout is Whole if the unit is the file. Otherwise starts are the beginnings of its
	// chunk and of those after it.
	layout recordscan.Layout
	starts []int64

	// compressed reports that chunks are of what the file has, unpacked. unpacked is that
	// from starts[0] on, at least up to starts[1], until it is read. If end is not nil, the
	// file ends there, with this error, and has size bytes.
	compressed bool
	unpacked   []byte
	end        error

	finished chan struct{} // closed when the following are set
	fork     *audit.Auditor
	broken   uint64
	hint     recordscan.Hint // for the next unit; see [recordscan.Scanner.Hint]
	own      bool
	missed   bool
	chunks   int   // number of those in starts that were read
	size     int64 // of the file, if it was read to its end
	err      error
}

// toEnd reports whether the file was read to its end.
func (u *fileUnit) toEnd() bool { return u.err != nil || u.chunks == len(u.starts) }

// fileSource is a file that is audited.
type fileSource struct {
	name string
	skip int  // number of units that are already read
	done bool // all are
}

// unitReader reads units, one at a time, into the audit to.
type unitReader struct {
	f      *Files
	scan   *recordscan.Scanner
	to     *audit.Auditor
	broken uint64 // of the scanner before the unit
	taken  int64  // records since they were added to f.records
	size   int64  // bytes of the unit
}

func (f *Files) reader() *unitReader {
	r := &unitReader{f: f}
	o := f.options
	o.Take = func(id recordid.ID, st recordscan.State, arrival int64) {
		r.taken++
		r.to.Take(id, st, arrival)
	}
	r.scan = recordscan.New(o)
	return r
}

// counted returns a reader of in that counts what is read.
func (r *unitReader) counted(in io.Reader) io.Reader {
	return CountReads(in, func(n int) {
		r.size += int64(n)
		r.f.done.Add(int64(n))
		r.f.records.Add(r.taken)
		r.taken = 0
	})
}

// fork reads a unit into a fork.
func (r *unitReader) fork(u *fileUnit) {
	u.fork = r.f.a.Fork(r.f.memory)
	r.into(u, u.fork, recordscan.Hint{})
	if u.unpacked != nil {
		r.f.release(u.unpacked)
		u.unpacked = nil
	}
}

// into reads a unit into an audit. The hint is that of the units before.
func (r *unitReader) into(u *fileUnit, to *audit.Auditor, hint recordscan.Hint) {
	r.to, u.err, r.size = to, nil, 0
	r.scan.SetHint(hint)
	if u.compressed {
		r.unpacked(u)
	} else if file, err := os.Open(u.src.name); err != nil {
		u.err = err
	} else {
		r.file(u, file)
		file.Close()
	}
	u.hint, u.own, u.missed = r.scan.Hint()
	u.broken = r.spoiled()
	r.f.records.Add(r.taken)
	r.taken = 0
}

// file reads a unit from its file.
func (r *unitReader) file(u *fileUnit, file *os.File) {
	var err error
	if u.layout == recordscan.Whole {
		err = r.scan.Read(r.counted(file))
	} else if _, err = file.Seek(u.starts[0], io.SeekStart); err == nil {
		u.chunks, err = r.scan.ReadChunks(r.counted(file), u.layout, u.starts)
	}
	if err != nil {
		u.err = cutError(u.src.name, err)
	}
	if u.size = r.size; u.layout != recordscan.Whole {
		u.size += u.starts[0]
	}
}

// unpacked reads a unit of a compressed file. What follows it is unpacked again. So is a unit
// that is read again, with all that follows.
func (r *unitReader) unpacked(u *fileUnit) {
	in := []io.Reader{bytes.NewReader(u.unpacked)}
	if u.unpacked == nil {
		u.starts = u.starts[:1]
	}
	if u.end == nil || u.unpacked == nil {
		again := &unpackedAgain{name: u.src.name, from: u.starts[0] + int64(len(u.unpacked)), count: r.counted}
		defer again.Close()
		in = append(in, again)
	} else if u.end != io.EOF {
		in = append(in, readerFunc(func([]byte) (int, error) { return 0, u.end }))
	}
	var err error
	if u.chunks, err = r.scan.ReadChunks(io.MultiReader(in...), u.layout, u.starts); err != nil {
		u.err = cutError(u.src.name, err)
	}
	if r.size > 0 {
		u.size = r.size
	}
}

// spoiled returns the number of unreadable parts since the last call.
func (r *unitReader) spoiled() uint64 {
	before := r.broken
	r.broken = r.scan.Broken()
	return r.broken - before
}

// unpackedAgain reads what a compressed file has from an offset on.
type unpackedAgain struct {
	name  string
	from  int64
	count func(io.Reader) io.Reader

	file *os.File
	z    io.ReadCloser
}

// Read implements io.Reader.
func (a *unpackedAgain) Read(b []byte) (int, error) {
	if a.z == nil {
		if a.file != nil {
			return 0, io.EOF
		}
		var err error
		if a.file, err = os.Open(a.name); err != nil {
			return 0, err
		}
		if a.z, _ = recordscan.Unpack(a.count(a.file)); a.z == nil {
			return 0, io.ErrUnexpectedEOF // the file has changed
		}
		if _, err = io.CopyN(io.Discard, a.z, a.from); err != nil {
			return 0, err
		}
	}
	return a.z.Read(b)
}

// Close closes the file, if it was opened.
func (a *unpackedAgain) Close() {
	if a.z != nil {
		a.z.Close()
	}
	if a.file != nil {
		a.file.Close()
	}
}
