// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"io"
	"os"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/gdummy/gdummy/internal/prove/audit"
	"github.com/gdummy/gdummy/internal/prove/recordscan"
	"github.com/gdummy/gdummy/internal/recordid"
)

const (
	// chunkSize is the size, in bytes, of the chunks of a large file.
	chunkSize = 16 << 20

	// leastShare is the memory, in bytes, below which an audit does not use several
	// processors.
	leastShare = 1 << 20
)

// filesAudit audits files on several processors. Each file, or each chunk of a large file
// of lines, is audited by a fork, and the forks are joined in the order of the files: the
// verdict is that of one audit of all files, one after another.
type filesAudit struct {
	a       *audit.Auditor
	options recordscan.Options // without Take
	workers int
	memory  int64 // of a fork
	chunk   int64 // size of the chunks of a large file

	done, records atomic.Int64 // bytes and records that were read
	stop          atomic.Bool
}

// fileUnit is a file or a chunk.
type fileUnit struct {
	name     string
	lines    bool  // the file is read in chunks
	from, to int64 // of a chunk; the last one of a file has no end, and to is 0
	direct   bool  // it is not a file: it is read when it is its turn

	finished chan struct{} // closed when the following are set
	fork     *audit.Auditor
	broken   uint64
	toEnd    bool // a record continues in the next chunk: the unit has the rest of the file
	err      error
}

// newFilesAudit returns an audit of files with the memory that an audit may have. Forks
// together have a part of it.
func newFilesAudit(a *audit.Auditor, o recordscan.Options, memory int64, parallel bool) *filesAudit {
	f := &filesAudit{a: a, options: o, workers: runtime.GOMAXPROCS(0), chunk: chunkSize}
	f.memory = memory / int64(4*f.ahead())
	if !parallel || f.memory < leastShare {
		f.workers = 1
	}
	return f
}

// ahead is the maximum number of units that are read and not joined.
func (f *filesAudit) ahead() int { return 2 * f.workers }

// plan divides sources into units.
func (f *filesAudit) plan(sources []string) (units []*fileUnit, err error) {
	for _, name := range sources {
		info, err := os.Stat(name)
		if f.workers == 1 || name == "-" || err != nil || !info.Mode().IsRegular() {
			units = append(units, &fileUnit{name: name, direct: true})
			continue
		}
		if info.Size() < 2*f.chunk || !recordscan.IsLines(beginning(name)) {
			units = append(units, &fileUnit{name: name})
			continue
		}
		file, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		starts, err := recordscan.Chunks(file, info.Size(), f.chunk)
		file.Close()
		if err != nil {
			return nil, err
		}
		for i, from := range starts {
			u := &fileUnit{name: name, lines: true, from: from}
			if i+1 < len(starts) {
				u.to = starts[i+1]
			}
			units = append(units, u)
		}
	}
	if len(units) == 1 {
		units[0].direct = true
	}
	return units, nil
}

// start reads units in goroutines, at most f.ahead() before those that are joined, for
// which the caller receives from the channel.
func (f *filesAudit) start(units []*fileUnit) (joined chan struct{}) {
	joined = make(chan struct{}, f.ahead())
	next := make(chan *fileUnit)
	go func() {
		defer close(next)
		for _, u := range units {
			if u.direct {
				continue
			}
			joined <- struct{}{}
			next <- u
		}
	}()
	for range f.workers {
		go func() {
			r := f.reader()
			for u := range next {
				if !f.stop.Load() {
					r.read(u)
				}
				close(u.finished)
			}
		}()
	}
	return joined
}

// unitReader reads units, one at a time, into the audit to.
type unitReader struct {
	f      *filesAudit
	scan   *recordscan.Scanner
	to     *audit.Auditor
	broken uint64 // of the scanner before the unit
	taken  int64  // since they were added to f.records
}

func (f *filesAudit) reader() *unitReader {
	r := &unitReader{f: f}
	o := f.options
	o.Take = func(id recordid.ID, st recordscan.State, arrival int64) {
		r.taken++
		r.to.Take(id, st, arrival)
	}
	r.scan = recordscan.New(o)
	return r
}

// shown returns a reader of in that counts what is read, and updates the progress bar.
func (r *unitReader) shown(in io.Reader, bar *progress) io.Reader {
	in = r.counted(in)
	return readerFunc(func(b []byte) (int, error) {
		n, err := in.Read(b)
		bar.update(r.f.done.Load())
		return n, err
	})
}

// counted returns a reader of in that counts what is read.
func (r *unitReader) counted(in io.Reader) io.Reader {
	return readerFunc(func(b []byte) (int, error) {
		n, err := in.Read(b)
		r.f.done.Add(int64(n))
		r.f.records.Add(r.taken)
		r.taken = 0
		return n, err
	})
}

// read reads a unit into a fork.
func (r *unitReader) read(u *fileUnit) {
	u.fork = r.f.a.Fork(r.f.memory)
	r.into(u, u.fork)
}

// into reads a unit into an audit.
func (r *unitReader) into(u *fileUnit, to *audit.Auditor) {
	r.to, u.err = to, nil
	file, err := os.Open(u.name)
	if err != nil {
		u.err = err
		return
	}
	defer file.Close()
	if u.lines {
		err = r.chunk(u, file)
	} else {
		err = r.scan.Read(r.counted(file))
	}
	if err != nil {
		u.err = cutError(u.name, err)
	}
	u.broken = r.spoiled()
}

// spoiled returns the number of unreadable parts since the last call.
func (r *unitReader) spoiled() uint64 {
	before := r.broken
	r.broken = r.scan.Broken()
	return r.broken - before
}

// chunk reads a chunk and, if a record continues in the next one, the rest of the file.
func (r *unitReader) chunk(u *fileUnit, file *os.File) error {
	if err := r.scan.BeginChunks(file, u.from == 0); err != nil {
		return err
	}
	if u.from > 0 {
		if _, err := file.Seek(u.from, io.SeekStart); err != nil {
			return err
		}
	}
	if u.to > 0 && !u.toEnd {
		at, err := file.Seek(0, io.SeekCurrent)
		if err != nil {
			return err
		}
		whole, err := r.scan.ReadChunk(r.counted(io.LimitReader(file, u.to-at)))
		if err != nil || whole {
			return err
		}
		u.toEnd = true
	}
	_, err := r.scan.ReadChunk(r.counted(file))
	r.scan.EndChunks()
	return err
}

// run audits sources. It calls ended when a source is read, with its error, and stops if
// that returns false.
func (f *filesAudit) run(s stream, sources []string, bar *progress, ended func(name string, size int64, err error) bool) error {
	units, err := f.plan(sources)
	if err != nil {
		return err
	}
	for _, u := range units {
		u.finished = make(chan struct{})
	}
	joined := f.start(units)
	defer f.stop.Store(true)
	direct := f.reader()
	rest := "" // the file whose further units are skipped
	for i, u := range units {
		before := f.done.Load()
		if u.direct {
			direct.to = f.a
			u.err = readSource(s, direct.scan, u.name, func(in io.Reader) io.Reader { return direct.shown(in, bar) })
			u.broken = direct.spoiled()
		} else {
			f.wait(u, bar)
			<-joined
			if u.name == rest {
				continue
			}
			err := f.a.Join(u.fork)
			if errors.Is(err, audit.ErrInexact) {
				direct.into(u, f.a)
			} else if err != nil {
				return err
			}
			if u.fork = nil; u.toEnd || u.err != nil {
				rest = u.name
			}
		}
		f.a.Broken(u.broken)
		if last := i+1 == len(units) || units[i+1].name != u.name; last || u.name == rest {
			if !ended(u.name, f.done.Load()-before, u.err) {
				return nil
			}
		}
	}
	return nil
}

// wait waits for a unit, and updates the progress bar.
func (f *filesAudit) wait(u *fileUnit, bar *progress) {
	tick := time.NewTicker(showEvery)
	defer tick.Stop()
	for {
		select {
		case <-u.finished:
			return
		case <-tick.C:
			bar.update(f.done.Load())
		}
	}
}
