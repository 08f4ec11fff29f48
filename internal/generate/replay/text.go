// SPDX-License-Identifier: Apache-2.0

package replay

import "io"

// textLine returns the text of the next record, without its last line break: a line, or
// with Options.FirstLine a line that matches it and those up to the next that does. In a
// file that is followed, the last record ends when the next one begins.
func (c *cursor) textLine() ([]byte, error) {
	if c.options.FirstLine == nil {
		line, err := c.line()
		c.rec.Line = c.in.line
		return chomp(line), err
	}
	if !c.unfinished {
		c.joined = c.joined[:0]
	}
	c.unfinished = false
	if c.joins { // the line that ended the record before
		c.joined = append(c.joined, c.first...)
		c.rec.Line = c.joinsAt
		c.joins = false
	}
	for {
		line, err := c.line()
		switch {
		case err == io.EOF && c.options.Follow:
			c.unfinished = true
			return nil, err
		case err == io.EOF && len(c.joined) > 0:
			return chomp(c.joined), nil
		case err != nil:
			return nil, err
		}
		begins := c.options.FirstLine.Match(chomp(line))
		if len(c.joined) > 0 && (begins || len(c.joined)+len(line) > MaxRecord) {
			c.first = append(c.first[:0], line...)
			c.joins, c.joinsAt = true, c.in.line
			return chomp(c.joined), nil
		}
		if len(c.joined) == 0 {
			c.rec.Line = c.in.line
		}
		c.joined = append(c.joined, line...)
	}
}

// chomp returns a line without its line break, LF or CRLF.
func chomp(line []byte) []byte {
	if n := len(line); n > 0 && line[n-1] == '\n' {
		line = line[:n-1]
	}
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	return line
}
