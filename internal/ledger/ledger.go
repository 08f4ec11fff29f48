// Package ledger is the book in which a generator writes down what it has
// handed over, so that an audit can tell loss at the end from an early end.
//
// The normal path is [Open], then [Writer.Accepted] for every slice that the
// host took and [Writer.Tick] often: it writes one line per interval. [Close]
// ends the book in order. [Read] reads it, in whatever state a crash left it.
//
// # The file
//
// A ledger is text that is only ever appended to. Several instances and many
// runs may share one file. Each line is
//
//	TIME WORD run=RUN instance=N NAME=VALUE ... #SUM
//
// TIME is RFC 3339 in UTC, SUM the CRC-32C, in hexadecimal, of all before the
// space in front of it. The words:
//
//	open       name, key and place of the identity (body or metadata), version
//	accepted   records from=A to=B, made since=TIME and before the line; next
//	           to it, as totals, what the engine has ingested and the shortfall
//	refused    records from=A to=B that the host did not take
//	pause, resume, reload
//	close      totals at an orderly end
//
// Lines grow with time, not with records. A line that is torn or whose sum is
// wrong counts for nothing: what it would have said is unknown.
package ledger

import (
	"bufio"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gdummy/gdummy/internal/ident"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// The words of lines.
const (
	wordOpen     = "open"
	wordAccepted = "accepted"
	wordRefused  = "refused"
	wordClose    = "close"

	// Pause, Resume and Reload are what [Writer.Note] writes down.
	Pause  = "pause"
	Resume = "resume"
	Reload = "reload"
)

// DefaultInterval is how often a line is written, and DefaultSync how often the
// file is synced to its disk.
const (
	DefaultInterval = time.Second
	DefaultSync     = 5 * time.Second
)

// Range is a run of records, both ends included.
type Range struct {
	From, To uint64
}

// Len returns how many records a range has.
func (r Range) Len() uint64 { return r.To - r.From + 1 }

// Options say whose ledger it is.
type Options struct {
	Run      ident.Run
	Instance uint16
	Name     string // of the instance
	Key      string // of the member with the identity
	Place    string // body or metadata
	Version  string // of gdummy

	Interval time.Duration    // between lines; 0 is DefaultInterval
	Sync     time.Duration    // between syncs; 0 is DefaultSync, below 0 is never
	Now      func() time.Time // nil is time.Now
}

// File is what a ledger is written to.
type File interface {
	io.Writer
	Sync() error
	Close() error
}

// Writer writes the lines of one instance. It is not for concurrent use.
type Writer struct {
	file File
	o    Options

	pending, refused  Range
	hasPending        bool
	hasRefused        bool
	since             time.Time
	seen              time.Time // when the caller was last here: what it notes came after
	accepted, ingests uint64    // totals
	refusals, short   uint64
	written           uint64 // the ingested total in the last line
	torn              bool   // the last write failed midway
	nextLine          time.Time
	nextSync          time.Time
	syncing           atomic.Bool
	buf               []byte
}

// Open opens the ledger at path for appending, makes it if it is absent, and
// writes the first line.
func Open(path string, o Options) (*Writer, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	torn := false
	if size, err := f.Seek(0, io.SeekEnd); err == nil && size > 0 {
		last := make([]byte, 1)
		if _, err := f.ReadAt(last, size-1); err == nil && last[0] != '\n' {
			torn = true // by a crash of whoever wrote before
		}
	}
	w, err := newWriter(f, o, torn)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return w, nil
}

// New starts a ledger in a file that is open.
func New(f File, o Options) (*Writer, error) { return newWriter(f, o, false) }

func newWriter(f File, o Options, torn bool) (*Writer, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Interval == 0 {
		o.Interval = DefaultInterval
	}
	if o.Sync == 0 {
		o.Sync = DefaultSync
	}
	now := o.Now()
	w := &Writer{file: f, o: o, torn: torn, seen: now}
	w.nextLine, w.nextSync = now.Add(o.Interval), now.Add(max(o.Sync, 0))
	b := w.begin(now, wordOpen)
	b = fmt.Appendf(b, " name=%q key=%q in=%s version=%q", o.Name, o.Key, o.Place, o.Version)
	return w, w.end(b)
}

// Accepted notes that the host took n records from number from on.
func (w *Writer) Accepted(from, n uint64) {
	if n == 0 {
		return
	}
	w.accepted += n
	if w.hasPending && w.pending.To+1 == from {
		w.pending.To += n
		return
	}
	if w.hasPending {
		w.flush(w.o.Now()) // there is a gap between
	}
	w.pending, w.hasPending, w.since = Range{from, from + n - 1}, true, w.seen
}

// Refused notes that the host did not take n records from number from on.
func (w *Writer) Refused(from, n uint64) {
	if n == 0 {
		return
	}
	w.refusals += n
	if w.hasRefused && w.refused.To+1 == from {
		w.refused.To += n
		return
	}
	if w.hasRefused {
		w.flush(w.o.Now())
	}
	w.refused, w.hasRefused = Range{from, from + n - 1}, true
}

// Totals notes how many records the engine says it has ingested, and how many
// were given up, since the start.
func (w *Writer) Totals(ingested, shortfall uint64) { w.ingests, w.short = ingested, shortfall }

// Tick writes a line if one is due. Errors do not end the ledger: what could
// not be written is in the next line.
func (w *Writer) Tick() error {
	now := w.o.Now()
	w.seen = now
	if now.Before(w.nextLine) {
		return nil
	}
	w.nextLine = now.Add(w.o.Interval)
	err := w.flush(now)
	if w.o.Sync > 0 && !now.Before(w.nextSync) {
		w.nextSync = now.Add(w.o.Sync)
		w.sync()
	}
	return err
}

// sync syncs the file beside the caller, who must not wait for disks.
func (w *Writer) sync() {
	if !w.syncing.CompareAndSwap(false, true) {
		return
	}
	go func() {
		defer w.syncing.Store(false)
		_ = w.file.Sync() // the last sync, in Close, reports its error
	}()
}

// Note writes down a pause, a resume or a reload at once.
func (w *Writer) Note(word string) error {
	now := w.o.Now()
	return errors.Join(w.flush(now), w.end(w.begin(now, word)))
}

// Close writes the last line, syncs and closes the file.
func (w *Writer) Close() error {
	now := w.o.Now()
	err := w.flush(now)
	b := w.begin(now, wordClose)
	b = fmt.Appendf(b, " accepted=%d refused=%d ingested=%d shortfall=%d", w.accepted, w.refusals, w.ingests, w.short)
	return errors.Join(err, w.end(b), w.file.Sync(), w.file.Close())
}

// flush writes what is pending.
func (w *Writer) flush(now time.Time) error {
	if w.hasPending || w.ingests != w.written {
		b := w.begin(now, wordAccepted)
		if w.hasPending {
			b = fmt.Appendf(b, " from=%d to=%d since=%s", w.pending.From, w.pending.To, stamp(w.since))
		}
		b = fmt.Appendf(b, " ingested=%d shortfall=%d", w.ingests, w.short)
		if err := w.end(b); err != nil {
			return err
		}
		w.hasPending, w.written = false, w.ingests
	}
	if w.hasRefused {
		b := w.begin(now, wordRefused)
		b = fmt.Appendf(b, " from=%d to=%d", w.refused.From, w.refused.To)
		if err := w.end(b); err != nil {
			return err
		}
		w.hasRefused = false
	}
	return nil
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

func (w *Writer) begin(now time.Time, word string) []byte {
	return fmt.Appendf(w.buf[:0], "%s %s run=%s instance=%d", stamp(now), word, w.o.Run, w.o.Instance)
}

// end writes a line with one call, which keeps it whole beside those of others.
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

// Entry is a range of records and when they were made.
type Entry struct {
	Range
	Since, Until time.Time
}

// Event is a pause, a resume, a reload, an open or a close.
type Event struct {
	Time time.Time
	Word string
}

// Stream is what a ledger says of one instance in one run.
type Stream struct {
	Run            ident.Run
	Instance       uint16
	Name, Key      string
	Place          string    // of the identity: body or metadata
	Opened, Closed time.Time // zero if that line is absent
	Last           time.Time // of the last line

	Accepted  []Entry // ascending, not overlapping
	Refused   []Range
	Ingested  uint64
	Shortfall uint64
	Events    []Event
}

// Next returns the number of the first record of which the ledger says nothing.
func (s *Stream) Next() uint64 {
	next := uint64(0)
	if n := len(s.Accepted); n > 0 {
		next = s.Accepted[n-1].To + 1
	}
	if n := len(s.Refused); n > 0 {
		next = max(next, s.Refused[n-1].To+1)
	}
	return next
}

// Ledger is what was read.
type Ledger struct {
	Streams []*Stream // in the order of their first lines
	Lines   int       // that could be read
	Bad     int       // lines that could not
	Torn    bool      // the last line has no end
}

// ReadFile reads the ledger at path.
func ReadFile(path string) (*Ledger, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	l, err := Read(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return l, nil
}

// ErrNoLedger says that a file has lines, but none of a ledger.
var ErrNoLedger = errors.New("this is no ledger: not one of its lines has a valid sum")

// Read reads a ledger. Lines that are damaged are counted and otherwise left out.
func Read(r io.Reader) (*Ledger, error) {
	l := new(Ledger)
	byID := map[string]*Stream{}
	br := bufio.NewReaderSize(r, 1<<16)
	for {
		line, err := readLine(br)
		if err != nil && err != io.EOF {
			return nil, err
		}
		torn := err == io.EOF
		if line = strings.TrimSuffix(line, "\n"); line != "" {
			switch {
			case l.line(line, byID):
				l.Lines++
			case torn:
				l.Torn = true
			default:
				l.Bad++
			}
		}
		if torn {
			break
		}
	}
	if l.Lines == 0 && l.Bad > 0 {
		return nil, ErrNoLedger
	}
	for _, s := range l.Streams {
		slices.SortStableFunc(s.Accepted, func(a, b Entry) int { return compare(a.From, b.From) })
		slices.SortStableFunc(s.Refused, func(a, b Range) int { return compare(a.From, b.From) })
	}
	return l, nil
}

// maxLine is the size, in bytes, up to which a line may be one of a ledger.
const maxLine = 1 << 14

// readLine reads a line; of one that is too long it returns the beginning.
func readLine(br *bufio.Reader) (string, error) {
	var line []byte
	for {
		part, err := br.ReadSlice('\n')
		if len(line) <= maxLine {
			line = append(line, part...)
		}
		if err != bufio.ErrBufferFull {
			return string(line), err
		}
	}
}

func compare(a, b uint64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// line reads one line and says whether it was whole.
func (l *Ledger) line(line string, byID map[string]*Stream) bool {
	i := strings.LastIndex(line, " #")
	if i < 0 || len(line)-i != 10 {
		return false
	}
	sum, err := strconv.ParseUint(line[i+2:], 16, 32)
	if err != nil || crc32.Checksum([]byte(line[:i]), castagnoli) != uint32(sum) {
		return false
	}
	f, ok := parseFields(line[:i])
	if !ok {
		return false
	}
	run, err := ident.ParseRun(f.text["run"])
	instance := f.number("instance")
	if err != nil || f.err != nil || instance > ident.MaxInstance {
		return false
	}
	id := fmt.Sprint(run, instance)
	s := byID[id]
	if s == nil {
		s = &Stream{Run: run, Instance: uint16(instance)}
		byID[id] = s
		l.Streams = append(l.Streams, s)
	}
	s.Last = f.time
	switch f.word {
	case wordOpen:
		s.Name, s.Key, s.Place, s.Opened = f.text["name"], f.text["key"], f.text["in"], f.time
		s.Events = append(s.Events, Event{f.time, wordOpen})
	case wordAccepted:
		if f.text["from"] != "" {
			e := Entry{Range: f.span(), Until: f.time}
			if e.Since, err = time.Parse(time.RFC3339Nano, f.text["since"]); err != nil {
				return false
			}
			s.Accepted = append(s.Accepted, e)
		}
		s.Ingested, s.Shortfall = f.number("ingested"), f.number("shortfall")
	case wordRefused:
		s.Refused = append(s.Refused, f.span())
	case wordClose:
		s.Closed = f.time
		s.Ingested, s.Shortfall = f.number("ingested"), f.number("shortfall")
		s.Events = append(s.Events, Event{f.time, wordClose})
	default:
		s.Events = append(s.Events, Event{f.time, f.word})
	}
	return f.err == nil
}

// fields are the parts of a line.
type fields struct {
	time time.Time
	word string
	text map[string]string
	err  error
}

func parseFields(line string) (*fields, bool) {
	at, rest, _ := strings.Cut(line, " ")
	word, rest, _ := strings.Cut(rest, " ")
	t, err := time.Parse(time.RFC3339Nano, at)
	if err != nil || word == "" {
		return nil, false
	}
	f := &fields{time: t, word: word, text: map[string]string{}}
	for rest != "" {
		name, after, ok := strings.Cut(rest, "=")
		if !ok {
			return nil, false
		}
		var value string
		if strings.HasPrefix(after, `"`) {
			quoted, err := strconv.QuotedPrefix(after)
			if err != nil {
				return nil, false
			}
			if value, err = strconv.Unquote(quoted); err != nil {
				return nil, false
			}
			rest = strings.TrimPrefix(after[len(quoted):], " ")
		} else {
			value, rest, _ = strings.Cut(after, " ")
		}
		f.text[name] = value
	}
	return f, true
}

func (f *fields) number(name string) uint64 {
	n, err := strconv.ParseUint(f.text[name], 10, 64)
	if err != nil {
		f.err = err
	}
	return n
}

func (f *fields) span() Range {
	r := Range{f.number("from"), f.number("to")}
	if f.err == nil && (r.To < r.From || r.To > ident.MaxSeq) {
		f.err = errors.New("a range that ends before it begins")
	}
	return r
}
