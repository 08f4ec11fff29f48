// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/gdummy/gdummy/internal/config/diag"
	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/generate/jsonbody"
)

// cursor reads the records of a file. It opens the file when its first record is
// needed.
type cursor struct {
	file    *file
	options *Options
	report  func(line string)
	index   int // of the file in the set

	opened     *os.File // nil if it is not open
	content    io.ReadCloser
	in         stream
	scan       scanner
	key        []byte // of a line of text, in MessagePack
	names      []byte // of the columns of CSV, in MessagePack
	columns    []int  // where each of names ends
	comma      byte
	joined     []byte // lines that make one record
	joins      bool   // the first line of the next record is read
	joinsAt    uint64 // its number
	unfinished bool   // joined may get further lines
	first      []byte // that line; the cell of a row

	rec     Record // the last one read
	timed   bool   // it has a time
	pending bool   // the reader has not come to rec yet
	highest int64  // the latest time so far; at first, that of the first record

	broken   uint64 // lines
	most     uint64 // broken lines, after which the file ends; 0 means no limit
	reported uint64 // the last line that was read
}

func newCursor(f *file, o *Options, index int, report func(line string)) *cursor {
	return &cursor{
		file: f, options: o, report: report, index: index, rec: Record{File: f.name},
		key: appendString([]byte{0x81}, []byte(o.Key)),
	}
}

// before reports whether the next record of c precedes that of d, or for a file that is
// not open, whether it may.
func (c *cursor) before(d *cursor) bool {
	return c.highest < d.highest || c.highest == d.highest && c.index < d.index
}

// rewind goes before the first record.
func (c *cursor) rewind() {
	c.close()
	c.pending, c.highest = false, c.file.first
}

func (c *cursor) close() {
	if c.opened != nil {
		c.content.Close()
		c.opened = nil
	}
}

// start opens the file and reads what precedes its records.
func (c *cursor) start() (err error) {
	if c.opened, c.content, err = c.file.open(); err != nil {
		return err
	}
	if err := c.unchanged(); err != nil {
		return err
	}
	c.in.reset(c.content)
	c.joins, c.unfinished = false, false
	if c.file.format != CSV {
		return nil
	}
	if err = c.header(); err != nil && err != io.EOF {
		err = errorAt(c.file.name, 1, err)
	}
	return err
}

// errWaiting is the error of a followed file without a further record yet.
var errWaiting = errors.New("waiting")

// follow is called at the end of a file that may grow. It begins with the first line of
// the file that has replaced it, or of the file itself if it was truncated.
func (c *cursor) follow() error {
	now, err := os.Stat(c.file.name)
	if err != nil {
		return errWaiting // between two files
	}
	was, err := c.opened.Stat()
	if err != nil {
		return errorAt(c.file.name, c.in.line, err)
	}
	at, err := c.opened.Seek(0, io.SeekCurrent)
	change := ""
	switch {
	case err != nil:
		return errorAt(c.file.name, c.in.line, err)
	case !os.SameFile(was, now):
		change = "replaced by another file"
	case now.Size() < at:
		change = "truncated"
	default:
		return errWaiting
	}
	c.report(fmt.Sprintf("%s, line %d: the file was %s: it is read from its first line", c.file.name, c.in.line, change))
	c.close()
	c.reported = 0
	return c.start()
}

// refresh returns an error if the file that is being read has changed.
func (c *cursor) refresh() error {
	if c.options.Follow || c.opened == nil {
		return nil
	}
	now, err := os.Stat(c.file.name)
	if s := c.file.state.info; err == nil && os.SameFile(s, now) && s.Size() == now.Size() && s.ModTime().Equal(now.ModTime()) {
		return nil
	}
	return c.unchanged()
}

// unchanged returns an error if the file has changed.
func (c *cursor) unchanged() error {
	if c.options.Follow {
		return nil
	}
	r, err := os.Open(c.file.name)
	if err != nil {
		return &ChangedError{c.file.name, "it cannot be opened any more"}
	}
	defer r.Close()
	_, now, err := readHead(r)
	if err != nil {
		return err
	}
	if change := c.file.state.change(now); change != "" {
		return &ChangedError{c.file.name, fmt.Sprintf("%s, at line %d", change, c.in.line)}
	}
	return nil
}

// next reads the next record into rec, and reports whether it found one.
func (c *cursor) next() (more bool, err error) {
	if c.opened == nil {
		switch err := c.start(); err {
		case nil:
		case io.EOF:
			return false, nil
		default:
			return false, err
		}
	}
	for c.most == 0 || c.broken < c.most {
		err := c.read()
		if err == nil {
			c.pending = true
			return true, nil
		}
		var broken *brokenError
		switch {
		case err == io.EOF && c.options.Follow:
			if err := c.follow(); err != nil {
				return false, err
			}
		case err == io.EOF:
			return false, c.unchanged()
		case errors.As(err, &broken):
			c.skipped(broken.error)
		case err != errBlank:
			return false, errorAt(c.file.name, c.in.line+1, err)
		}
	}
	return false, nil
}

// brokenError is the error of a broken line.
type brokenError struct{ error }

// errBlank is the error of a line that is neither a record nor broken.
var errBlank = errors.New("blank")

// read reads a record.
func (c *cursor) read() (err error) {
	c.timed = false
	switch c.file.format {
	case MsgPack:
		err = c.msgpack()
	case CSV:
		err = c.csv()
	case NDJSON:
		err = c.json()
	default:
		return c.text()
	}
	if err != nil || !c.options.Time.Set() {
		return err
	}
	t, p, err := c.options.Time.inBody(c.rec.Body, c.file.latest)
	return c.setTime(t, p, err)
}

// setTime sets the time of the record.
func (c *cursor) setTime(t int64, p place, err error) error {
	switch {
	case err != nil:
		return &brokenError{err}
	case !inRange(t):
		return &brokenError{errors.New("the time is not one from 1970 to 2106")}
	}
	c.rec.Time, c.rec.place, c.timed = t, p, true
	c.highest = max(c.highest, t)
	return nil
}

// line returns the next line, with its LF.
func (c *cursor) line() ([]byte, error) {
	line, err := c.in.next(!c.options.Follow)
	if err == errLong {
		return nil, &brokenError{err}
	}
	if c.in.line == 1 {
		line = bytes.TrimPrefix(line, bom)
	}
	return line, err
}

// text makes a record of a line of text, or of several that belong together.
func (c *cursor) text() error {
	line, err := c.textLine()
	if err != nil {
		return err
	}
	b := append(c.rec.Body[:0], c.key...)
	b = appendString(b, line)
	c.rec.Body = b
	if !c.options.Time.Set() {
		return nil
	}
	t, p, err := c.options.Time.inLine(line, c.file.latest)
	p.at += len(b) - len(line)
	return c.setTime(t, p, err)
}

// json makes a record of a line of NDJSON.
func (c *cursor) json() error {
	line, err := c.line()
	if err != nil {
		return err
	}
	c.rec.Line = c.in.line
	ok := false
	if c.rec.Body, ok = c.scan.object(c.rec.Body[:0], line); ok {
		return nil
	}
	if len(bytes.TrimSpace(line)) == 0 {
		return errBlank
	}
	bodies, err := jsonbody.Parse(string(line))
	switch {
	case err != nil:
		return &brokenError{err}
	case len(bodies) > 1:
		return &brokenError{fmt.Errorf("expected one JSON object, found %d", len(bodies))}
	}
	c.rec.Body = append(c.rec.Body[:0], bodies[0]...)
	return nil
}

// msgpack makes a record of an event, or of a map.
func (c *cursor) msgpack() error {
	v, err := c.in.value()
	if err != nil {
		return err
	}
	c.rec.Line = c.in.line
	if !shallow(v) {
		return &brokenError{fmt.Errorf("nested too deeply: expected at most %d levels", jsonbody.MaxDepth)}
	}
	if c.rec.Metadata = nil; v[0]&0xf0 == 0x80 || v[0]&0xfe == 0xde {
		c.rec.Body = append(c.rec.Body[:0], v...)
		return nil
	}
	ev, rest, err := event.Decode(v)
	if err != nil || len(rest) > 0 {
		return &brokenError{errors.New("expected an event or a map")}
	}
	c.rec.Body = append(c.rec.Body[:0], ev.Body...)
	c.rec.Metadata = ev.Metadata
	if c.options.Time.Set() {
		return nil
	}
	return c.setTime(ev.Time, place{}, nil)
}

// maxReports is how many broken lines of a file are reported.
const maxReports = 10

// skipped reports the last line as broken, once.
func (c *cursor) skipped(err error) {
	if c.in.line <= c.reported {
		return
	}
	c.reported = c.in.line
	c.broken++
	if c.broken > maxReports {
		return
	}
	more := ""
	if c.broken == maxReports {
		more = "; further lines of this file are not reported"
	}
	place := fmt.Sprintf("%s, line %d", c.file.name, c.in.line)
	if at, ok := errors.AsType[*diag.Error](err); ok {
		place += fmt.Sprintf(", column %d", at.Column)
		err = errors.New(at.Problem)
	}
	c.report(fmt.Sprintf("%s: skipped: %v%s", place, err, more))
}
