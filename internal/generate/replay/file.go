// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/gdummy/gdummy/internal/config/diag"
	"github.com/gdummy/gdummy/internal/files"
	"github.com/gdummy/gdummy/internal/generate/jsonbody"
)

// file is one of a Set.
type file struct {
	name   string
	format Format
	first  int64 // time of the first record, if records have times
}

// examine finds out what a file is.
func examine(name string, o *Options) (*file, error) {
	r, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	head := make([]byte, 4<<10)
	n, err := io.ReadFull(r, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, err
	}
	head = head[:n]
	f := &file{name: name, format: o.Format}
	if f.format == Auto {
		f.format = formatOf(name, head)
	}
	if what := files.NotLines(head); what != "" {
		return nil, fmt.Errorf("%s: %s", name, what)
	}
	return f, f.readFirst(o)
}

// maxUnusable is how many broken lines a file may begin with.
const maxUnusable = 100

// readFirst reads the first record. A file that begins with nothing but broken lines
// has another format, or has its times elsewhere.
func (f *file) readFirst(o *Options) error {
	var first string
	c := &cursor{file: f, options: o, report: func(line string) {
		if first == "" {
			first = line
		}
	}}
	defer c.close()
	c.most = maxUnusable
	more, err := c.next()
	switch {
	case err != nil:
		return err
	case !more && c.broken > 0:
		return fmt.Errorf("no record in the first %d lines: %s", c.lines.line, first)
	}
	f.first = c.rec.Time
	return nil
}

// formatOf returns the format of a file by its name, or else by its beginning.
func formatOf(name string, head []byte) Format {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".ndjson", ".jsonl", ".json":
		return NDJSON
	}
	if bytes.HasPrefix(bytes.TrimLeft(bytes.TrimPrefix(head, bom), " \t\r\n"), []byte("{")) {
		return NDJSON
	}
	return Text
}

// bom is the byte order mark of UTF-8.
var bom = []byte("\ufeff")

// cursor reads the records of a file. It opens the file when its first record is asked
// for.
type cursor struct {
	file    *file
	options *Options
	report  func(line string)
	index   int // of the file in the set

	opened  *os.File // or nil
	lines   lines
	scan    scanner
	rec     Record // the last one read
	pending bool   // the reader has not come to rec yet
	highest int64  // the latest time so far; at first, that of the first record

	broken   uint64 // lines
	most     uint64 // broken lines, after which the file ends; 0 is no limit
	reported uint64 // the last line that was looked at
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
		c.opened.Close()
		c.opened = nil
	}
}

// next reads the next record into rec, and reports whether there is one.
func (c *cursor) next() (more bool, err error) {
	if c.opened == nil {
		if c.opened, err = os.Open(c.file.name); err != nil {
			return false, err
		}
		c.lines.reset(c.opened)
	}
	for c.most == 0 || c.broken < c.most {
		line, err := c.lines.next()
		switch err {
		case nil:
		case io.EOF:
			return false, nil
		case errLong:
			c.skipped(err)
			continue
		default:
			return false, errorAt(c.file.name, c.lines.line+1, err)
		}
		if c.lines.line == 1 {
			line = bytes.TrimPrefix(line, bom)
		}
		c.rec.Line = c.lines.line
		ok := false
		if c.file.format == NDJSON {
			ok = c.json(line)
		} else {
			ok = c.text(line)
		}
		if ok && c.timed() {
			c.pending = true
			return true, nil
		}
	}
	return false, nil
}

// text makes a record of a line of text.
func (c *cursor) text(line []byte) bool {
	line = line[:len(line)-1]
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	b := append(c.rec.Body[:0], 0x81)
	b = appendString(b, []byte(c.options.Key))
	c.rec.Body = appendString(b, line)
	return true
}

// json makes a record of a line of NDJSON, and reports whether it did.
func (c *cursor) json(line []byte) (ok bool) {
	if c.rec.Body, ok = c.scan.object(c.rec.Body[:0], line); ok {
		return true
	}
	if len(bytes.TrimSpace(line)) == 0 {
		return false
	}
	bodies, err := jsonbody.Parse(string(line))
	switch {
	case err != nil:
		c.skipped(err)
		return false
	case len(bodies) > 1:
		c.skipped(fmt.Errorf("expected one JSON object, found %d", len(bodies)))
		return false
	}
	c.rec.Body = append(c.rec.Body[:0], bodies[0]...)
	return true
}

// timed finds the time of the record, and reports whether the record can be used.
func (c *cursor) timed() bool {
	spec := &c.options.Time
	if !spec.Set() {
		return true
	}
	t, at, size, err := spec.find(c.rec.Body)
	if err != nil {
		c.skipped(err)
		return false
	}
	c.rec.Time, c.rec.at, c.rec.size = t, at, size
	c.highest = max(c.highest, t)
	return true
}

// maxReports is how many broken lines of a file are reported.
const maxReports = 10

// skipped reports the last line as broken, once.
func (c *cursor) skipped(err error) {
	if c.lines.line <= c.reported {
		return
	}
	c.reported = c.lines.line
	c.broken++
	if c.broken > maxReports {
		return
	}
	more := ""
	if c.broken == maxReports {
		more = "; further lines of this file are not reported"
	}
	place := fmt.Sprintf("%s, line %d", c.file.name, c.lines.line)
	var at *diag.Error
	if errors.As(err, &at) {
		place += fmt.Sprintf(", column %d", at.Column)
		err = errors.New(at.Problem)
	}
	c.report(fmt.Sprintf("%s: skipped: %v%s", place, err, more))
}
