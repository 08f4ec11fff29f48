// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"cmp"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/gdummy/gdummy/internal/files"
	"github.com/gdummy/gdummy/internal/recordid"
)

// Field is a name and a value in the line open.
type Field = [2]string

// Options configures a [Writer]. Origin is what the records depend on, see
// engine.Origin.
type Options struct {
	Run      recordid.Run
	Instance uint16
	Name     string // of the instance
	Key      string // of the field that has the identity
	Place    string // body or metadata
	Version  string // of gdummy
	Origin   []Field

	Interval time.Duration    // between lines; 0 means DefaultInterval
	Sync     time.Duration    // between syncs; 0 means DefaultSync, a negative value never
	Now      func() time.Time // nil means time.Now
}

// Uncounted is the value of an ingested total that is unknown.
const Uncounted = math.MaxUint64

// File is the destination of a ledger.
type File interface {
	io.Writer
	Sync() error
	Close() error
}

// Writer writes the lines of one instance. It is not safe for concurrent use.
type Writer struct {
	file   File
	o      Options
	path   string // absolute; "" if it is not known
	opened time.Time

	accepted, refused records
	ingested, short   uint64    // totals
	written           uint64    // the ingested total in the last line
	seen              time.Time // time of the last Tick: later records were generated after it
	torn              bool      // the last write failed midway
	nextLine          time.Time
	nextSync          time.Time
	syncing           atomic.Bool
	buf               []byte
}

// records counts the records that the host accepted, or those that it refused.
type records struct {
	total   uint64
	pending []Range   // not written yet
	since   time.Time // when the first of pending was generated, at the earliest
}

// Open opens a ledger for appending, creates it if it does not exist, and writes the
// line open. It searches for the ledger as [files.Path.Append] does and returns its
// absolute path.
func Open(name string, files files.Path, o Options) (w *Writer, path string, err error) {
	f, err := files.Append(name)
	if err != nil {
		return nil, "", err
	}
	path = f.Name()
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	if w, err = New(f, o); err != nil {
		return nil, "", errors.Join(err, f.Close())
	}
	w.path = path
	return w, path, nil
}

// torn reports whether a file ends within a line: a previous writer crashed.
func torn(file File) bool {
	f, ok := file.(*os.File)
	if !ok {
		return false
	}
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil || size == 0 {
		return false
	}
	last := make([]byte, 1)
	_, err = f.ReadAt(last, size-1)
	return err == nil && last[0] != '\n'
}

// New writes the line open to an open file.
func New(f File, o Options) (*Writer, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Interval, o.Sync = cmp.Or(o.Interval, DefaultInterval), cmp.Or(o.Sync, DefaultSync)
	now := o.Now()
	w := &Writer{file: f, o: o, opened: now, torn: torn(f), seen: now, ingested: Uncounted, written: Uncounted}
	w.nextLine, w.nextSync = now.Add(o.Interval), now.Add(max(o.Sync, 0))
	return w, w.open()
}

// open writes the line open.
func (w *Writer) open() error {
	b := w.begin(w.opened, wordOpen)
	b = fmt.Appendf(b, " name=%q key=%q in=%s version=%q", w.o.Name, w.o.Key, w.o.Place, w.o.Version)
	for _, f := range w.o.Origin {
		b = fmt.Appendf(b, " %s=%q", f[0], f[1])
	}
	return w.end(b)
}

// Accepted notes that the host accepted n records, the first of which has number from.
func (w *Writer) Accepted(from, n uint64) { w.note(&w.accepted, from, n) }

// Refused notes that the host refused n records, the first of which has number from.
func (w *Writer) Refused(from, n uint64) { w.note(&w.refused, from, n) }

func (w *Writer) note(r *records, from, n uint64) {
	if n == 0 {
		return
	}
	r.total += n
	if last := len(r.pending) - 1; last >= 0 {
		if r.pending[last].To+1 == from {
			r.pending[last].To += n
			return
		}
		_ = w.flush(w.o.Now()) // there is a gap between; what cannot be written stays pending
	}
	if len(r.pending) == 0 {
		r.since = w.seen
	}
	r.pending = append(r.pending, Range{from, from + n - 1})
}

// Totals notes how many records the engine has ingested since the start, or
// [Uncounted], and how many were dropped because they were late.
func (w *Writer) Totals(ingested, shortfall uint64) { w.ingested, w.short = ingested, shortfall }

// Tick writes a line if one is due. After an error, the next line includes what could
// not be written.
func (w *Writer) Tick() error {
	now := w.o.Now()
	w.seen = now
	if now.Before(w.nextLine) {
		return nil
	}
	w.nextLine = now.Add(w.o.Interval)
	if err := w.restore(); err != nil {
		return err
	}
	err := w.flush(now)
	if w.o.Sync > 0 && !now.Before(w.nextSync) {
		w.nextSync = now.Add(w.o.Sync)
		w.sync()
	}
	return err
}

// sync syncs the file in the background: the caller must not wait for a disk.
func (w *Writer) sync() {
	if !w.syncing.CompareAndSwap(false, true) {
		return
	}
	file := w.file // restore may change it
	go func() {
		defer w.syncing.Store(false)
		_ = file.Sync() // the last sync, in Close, reports its error
	}()
}

// restore creates the file again if it was removed: what is written to the old one is lost.
// The next line has all records since the start. A file that was only renamed is continued.
func (w *Writer) restore() error {
	old, ok := w.file.(*os.File)
	if !ok || !removed(old) {
		return nil
	}
	f, err := files.Path(nil).Append(w.path)
	if err != nil {
		return fmt.Errorf("%s was removed: %w", w.path, err)
	}
	w.file, w.torn = f, torn(f)
	if err := w.open(); err != nil {
		w.file = old // try again
		return errors.Join(err, f.Close())
	}
	w.written = Uncounted
	if a := &w.accepted; a.total > 0 {
		a.pending, a.since = []Range{{0, a.total - 1}}, w.opened // Refused is called at the end only
	}
	return old.Close()
}

// removed reports whether no directory has a file any more.
func removed(f *os.File) bool {
	info, err := f.Stat()
	if err != nil {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && stat.Nlink == 0
}

// Note writes a line for a pause, a resume or a reload immediately.
func (w *Writer) Note(word string) error {
	now := w.o.Now()
	return errors.Join(w.flush(now), w.end(w.begin(now, word)))
}

// Change writes a line for a change of the pace immediately.
func (w *Writer) Change(c Change) error {
	now := w.o.Now()
	state := c.State
	if len(state) > maxState {
		state = strings.ToValidUTF8(state[:maxState], "") + "..."
	}
	b := fmt.Appendf(w.begin(now, wordControl), " record=%d scheduled=%d state=%q", c.Record, c.Scheduled, state)
	line := slices.Clone(b) // flush uses the same buffer
	return errors.Join(w.flush(now), w.end(line))
}

// Close writes the line close, and syncs and closes the file.
func (w *Writer) Close(unsent Unsent) error {
	now := w.o.Now()
	err := w.flush(now)
	if f, ok := w.file.(*os.File); ok && removed(f) {
		err = errors.Join(err, fmt.Errorf("%s was removed", w.path))
	}
	b := w.begin(now, wordClose)
	b = w.totals(fmt.Appendf(b, " accepted=%d refused=%d", w.accepted.total, w.refused.total))
	switch {
	case unsent.Known:
		b = fmt.Appendf(b, " unsent=%d", unsent.N)
	case unsent.Ends:
		b = fmt.Appendf(b, " unsent=%s", unknown)
	}
	return errors.Join(err, w.end(b), w.file.Sync(), w.file.Close())
}

// totals appends the totals noted last.
func (w *Writer) totals(b []byte) []byte {
	if w.ingested != Uncounted {
		b = fmt.Appendf(b, " ingested=%d", w.ingested)
	}
	return fmt.Appendf(b, " shortfall=%d", w.short)
}

// flush writes the pending ranges and totals. A range stays pending until it is written.
func (w *Writer) flush(now time.Time) error {
	for a := &w.accepted; len(a.pending) > 0 || w.ingested != w.written; w.written = w.ingested {
		b := w.begin(now, wordAccepted)
		if len(a.pending) > 0 {
			b = fmt.Appendf(b, " from=%d to=%d since=%s", a.pending[0].From, a.pending[0].To, stamp(a.since))
		}
		if err := w.end(w.totals(b)); err != nil {
			return err
		}
		a.pending = a.pending[min(1, len(a.pending)):]
	}
	for r := &w.refused; len(r.pending) > 0; r.pending = r.pending[1:] {
		if err := w.end(fmt.Appendf(w.begin(now, wordRefused), " from=%d to=%d", r.pending[0].From, r.pending[0].To)); err != nil {
			return err
		}
	}
	return nil
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

func (w *Writer) begin(now time.Time, word string) []byte {
	return fmt.Appendf(w.buf[:0], "%s %s run=%s instance=%d", stamp(now), word, w.o.Run, w.o.Instance)
}

// end writes a line in a single call, so that lines of several writers do not mix.
func (w *Writer) end(b []byte) error {
	b = fmt.Appendf(b, " #%08x\n", crc32.Checksum(b, castagnoli))
	if w.torn {
		b = slices.Insert(b, 0, '\n')
	}
	w.buf = b
	n, err := w.file.Write(b)
	w.torn = err != nil && (n > 0 || w.torn)
	return err
}
