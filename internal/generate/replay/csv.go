// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/tinylib/msgp/msgp"

	"github.com/gdummy/gdummy/internal/generate/jsonbody"
	"github.com/gdummy/gdummy/internal/msgpack"
)

// header reads the names of the columns. The separator is a comma, unless the names are
// separated by semicolons or tabs.
func (c *cursor) header() error {
	line, err := c.row()
	if err != nil {
		return err
	}
	c.comma = ','
	for _, other := range []byte(";\t") {
		if bytes.IndexByte(line, ',') < 0 && bytes.IndexByte(line, other) >= 0 {
			c.comma = other
		}
	}
	c.names, c.columns = c.names[:0], c.columns[:0]
	var cell []byte
	for rest, more := line, true; more; {
		if cell, rest, more, err = splitCell(cell[:0], rest, c.comma); err != nil {
			return err
		}
		c.names = appendString(c.names, cell)
		c.columns = append(c.columns, len(c.names))
	}
	return nil
}

// row returns the next row without its line break, of several lines if a quoted cell has
// any.
func (c *cursor) row() ([]byte, error) {
	line, err := c.line()
	if err != nil {
		return nil, err
	}
	c.rec.Line = c.in.line
	if bytes.Count(line, quote)%2 == 0 {
		return chomp(line), nil
	}
	c.joined = append(c.joined[:0], line...)
	for {
		line, err := c.line()
		switch {
		case err == io.EOF:
			return nil, &brokenError{fmt.Errorf("the quoted cell that begins on line %d is not closed", c.rec.Line)}
		case err != nil:
			return nil, err
		}
		if c.joined = append(c.joined, line...); len(c.joined) > MaxRecord {
			return nil, &brokenError{errLong}
		}
		if bytes.Count(line, quote)%2 == 1 {
			return chomp(c.joined), nil
		}
	}
}

var quote = []byte(`"`)

// csv makes a record of a row: its cells are strings, with the names of the columns.
func (c *cursor) csv() error {
	row, err := c.row()
	if err != nil {
		return err
	}
	if len(row) == 0 {
		return errBlank
	}
	b := append(c.rec.Body[:0], 0)
	n, from := 0, 0
	for more := true; more; n++ {
		if n < len(c.columns) {
			b = append(b, c.names[from:c.columns[n]]...)
			from = c.columns[n]
		}
		if c.first, row, more, err = splitCell(c.first[:0], row, c.comma); err != nil {
			return &brokenError{err}
		}
		b = appendString(b, c.first)
	}
	if n != len(c.columns) {
		return &brokenError{fmt.Errorf("expected %d cells, one for each name in line 1, found %d", len(c.columns), n)}
	}
	c.rec.Body = closeContainer(b, 0, uint32(n), 0x80, msgp.AppendMapHeader)
	return nil
}

// errQuote is the error of a misplaced quotation mark.
var errQuote = errors.New("quotation mark in a cell: quote the whole cell, and double its quotation marks")

// splitCell appends the first cell of a row to dst, and returns the rest of the row, and
// whether another cell follows.
func splitCell(dst, row []byte, comma byte) (cell, rest []byte, more bool, err error) {
	if len(row) == 0 || row[0] != '"' {
		i := bytes.IndexByte(row, comma)
		if more = i >= 0; !more {
			i = len(row)
		}
		if bytes.IndexByte(row[:i], '"') >= 0 {
			return dst, nil, false, errQuote
		}
		dst = append(dst, row[:i]...)
		return dst, row[min(i+1, len(row)):], more, nil
	}
	for row = row[1:]; ; {
		i := bytes.IndexByte(row, '"')
		if i < 0 {
			return dst, nil, false, errQuote
		}
		dst = append(dst, row[:i]...)
		row = row[i+1:]
		switch {
		case len(row) == 0:
			return dst, nil, false, nil
		case row[0] == comma:
			return dst, row[1:], true, nil
		case row[0] != '"':
			return dst, nil, false, errQuote
		}
		dst = append(dst, '"')
		row = row[1:]
	}
}

// shallow reports whether a value nests as little as an event may: at most two levels
// more than a body.
func shallow(v []byte) bool {
	var left [jsonbody.MaxDepth + 2]uint64 // values to come at each level
	depth := 0
	for len(v) > 0 {
		h := msgpack.Read(v)
		v = v[h.Size+int(h.Payload()):]
		if n := h.Values(); n > 0 {
			if depth == len(left) {
				return false
			}
			left[depth] = n
			depth++
			continue
		}
		for depth > 0 {
			if left[depth-1]--; left[depth-1] > 0 {
				break
			}
			depth--
		}
	}
	return true
}
