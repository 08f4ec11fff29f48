// SPDX-License-Identifier: Apache-2.0

package source

import (
	"errors"
	"io"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/gdummy/gdummy/internal/prove/audit"
	"github.com/gdummy/gdummy/internal/prove/recordscan"
)

const (
	// chunkSize is the size, in bytes, of the chunks of a large file. Those of a compressed
	// file, which are in memory, have a quarter of it.
	chunkSize = 16 << 20

	// maxBuffers is the maximum number of chunks in memory.
	maxBuffers = 12

	// leastShare is the memory, in bytes, below which an audit does not use several
	// processors.
	leastShare = 1 << 20
)

// Files audits files on several processors. Each file, or each chunk of a large file, is
// audited by a fork, and the forks are joined in the order of the files: the verdict is that
// of one audit of all files, one after another.
type Files struct {
	a       *audit.Auditor
	options recordscan.Options // without Take
	workers int
	memory  int64 // of a fork
	chunk   int64 // size of the chunks of a large file

	buffers chan []byte // for chunks of compressed files; those that are not made yet are nil
	quit    chan struct{}

	done, records atomic.Int64 // bytes and records that were read
}

// NewFiles returns an audit of files with the memory that an audit may have. Forks
// together have a part of it.
func NewFiles(a *audit.Auditor, o recordscan.Options, memory int64, parallel bool) *Files {
	f := &Files{a: a, options: o, workers: runtime.GOMAXPROCS(0), chunk: chunkSize}
	f.memory = memory / int64(4*f.ahead())
	if !parallel || f.memory < leastShare {
		f.workers = 1
	}
	return f
}

// ahead is the maximum number of units that are read and not joined.
func (f *Files) ahead() int { return 2 * f.workers }

// buffer returns a buffer for a chunk. ok is false if no more chunks are read.
func (f *Files) buffer() (b []byte, ok bool) {
	select {
	case b = <-f.buffers:
		if b == nil {
			b = make([]byte, max(f.chunk/4, 64))
		}
		return b, true
	case <-f.quit:
		return nil, false
	}
}

// release returns a buffer, unless it is unusually large.
func (f *Files) release(b []byte) {
	if b = b[:cap(b)]; int64(len(b)) >= f.chunk {
		b = nil
	}
	f.buffers <- b
}

// start divides sources into units, and starts goroutines that read them. At most f.ahead()
// units are read and not joined: the caller receives from joined for each one that is.
func (f *Files) start(sources []string) (units <-chan *fileUnit, joined <-chan struct{}) {
	f.buffers, f.quit = make(chan []byte, maxBuffers), make(chan struct{})
	for range min(f.ahead()+1, maxBuffers) {
		f.buffers <- nil
	}
	order, next := make(chan *fileUnit, f.ahead()+1), make(chan *fileUnit, f.ahead())
	unjoined := make(chan struct{}, f.ahead())
	p := planner{f: f, scan: recordscan.New(f.options), emit: func(u *fileUnit) bool {
		u.finished = make(chan struct{})
		if !u.direct {
			select {
			case unjoined <- struct{}{}:
			case <-f.quit:
				return false
			}
			next <- u // there is room for all that are not joined
		}
		select {
		case order <- u:
			return true
		case <-f.quit:
			return false
		}
	}}
	go func() {
		defer close(next)
		defer close(order)
		p.sources(sources)
	}()
	for range f.workers {
		go func() {
			r := f.reader()
			for u := range next {
				select {
				case <-f.quit:
				default:
					r.fork(u)
				}
				close(u.finished)
			}
		}()
	}
	return order, unjoined
}

// Records returns how many records have been read. It may be called at any time.
func (f *Files) Records() uint64 { return uint64(f.records.Load()) }

// Run audits sources; that of "-" is stdin. It calls progress repeatedly with the number
// of bytes read so far, and ended after each source, with its size and its error. It stops if
// ended returns false.
func (f *Files) Run(stdin io.Reader, sources []string, progress func(done int64), ended func(name string, size int64, err error) bool) error {
	units, joined := f.start(sources)
	defer close(f.quit)
	direct, hint := f.reader(), recordscan.Hint{}
	for u := range units {
		if u.direct {
			f.direct(direct, stdin, u, hint, progress)
		} else {
			f.wait(u, progress)
			<-joined
			if u.src.done || u.src.skip > 0 {
				u.src.skip--
				continue
			}
			err := audit.ErrInexact
			if !u.missed || hint.IsEmpty() {
				err = f.a.Join(u.fork)
			}
			if errors.Is(err, audit.ErrInexact) {
				direct.into(u, f.a, hint)
				u.own = true
			} else if err != nil {
				return err
			}
			u.src.skip = u.chunks - 1
		}
		if u.fork = nil; u.own {
			hint = u.hint
		}
		f.a.Broken(u.broken)
		if u.src.done = u.direct || u.toEnd(); u.src.done && !ended(u.src.name, u.size, u.err) {
			return nil
		}
	}
	return nil
}

// direct reads a unit when it is its turn.
func (f *Files) direct(r *unitReader, stdin io.Reader, u *fileUnit, hint recordscan.Hint, progress func(done int64)) {
	r.to, r.size = f.a, 0
	r.scan.SetHint(hint)
	u.err = Read(stdin, r.scan, u.src.name, func(in io.Reader) io.Reader {
		return CountReads(r.counted(in), func(int) { progress(f.done.Load()) })
	})
	u.hint, u.own, _ = r.scan.Hint()
	u.broken, u.size = r.spoiled(), r.size
}

// reportEvery is the time between two reports of the progress while a unit is awaited.
const reportEvery = 200 * time.Millisecond

// wait waits for a unit, and reports the progress.
func (f *Files) wait(u *fileUnit, progress func(done int64)) {
	tick := time.NewTicker(reportEvery)
	defer tick.Stop()
	for {
		select {
		case <-u.finished:
			return
		case <-tick.C:
			progress(f.done.Load())
		}
	}
}
