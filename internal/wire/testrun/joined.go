// SPDX-License-Identifier: Apache-2.0

package testrun

import (
	"bytes"
	"fmt"
	"sort"
)

// The offset of a record of multiline.parser is that of the line at which the record was
// complete: the line after it, the end of the file or, for a line that no rule matches,
// that line itself. The text therefore decides between two neighbours.

// distinct returns an error if two neighbours cannot be distinguished.
func (f *feed) distinct() error {
	for n := 1; n < len(f.lines); n++ {
		if bytes.Equal(f.lines[n-1], f.lines[n]) && bytes.IndexByte(f.lines[n], '\n') < 0 {
			return fmt.Errorf("via file: records %d and %d have the same line, so that a multiline parser does not show which of them arrived: expected lines that differ, such as with seq", n-1, n)
		}
	}
	return nil
}

// record returns the number of the record of which a body was made, by the offset in it,
// or -1.
func (f *feed) record(offset int64, body []byte) int {
	n := sort.Search(len(f.at), func(i int) bool { return f.at[i] > offset }) - 1
	switch {
	case n < 0 || n == len(f.ids) && !f.joins:
		return -1
	case !f.joins:
		return n
	case offset == f.at[n]:
		if n = f.neighbour(n, body); n < 0 {
			return -1
		}
	}
	// The identity of records that were joined is that of the first.
	for n > 0 && bytes.Contains(body, joint(f.lines[n-1], f.lines[n])) {
		n--
	}
	return n
}

// neighbour returns which of the records n-1 and n a body was made of, or -1.
func (f *feed) neighbour(n int, body []byte) int {
	if n == 0 {
		return 0
	}
	before := lastLine(f.lines[n-1])
	hasBefore := bytes.Contains(body, before)
	if n == len(f.ids) {
		return n - 1
	}
	first := firstLine(f.lines[n])
	hasFirst := bytes.Contains(body, first)
	several := len(first) < len(f.lines[n])
	switch {
	case hasBefore && !hasFirst, several && hasBefore == hasFirst:
		return n - 1
	case hasFirst && !hasBefore:
		return n
	case !hasFirst:
		return -1 // the text is gone
	case bytes.Contains(body, joint(before, first)), len(before) > len(first):
		return n - 1
	case len(before) < len(first):
		return n
	}
	return -1
}

// joint returns the text at which two records were joined.
func joint(a, b []byte) []byte {
	return append(append(bytes.Clone(lastLine(a)), '\n'), firstLine(b)...)
}

func firstLine(text []byte) []byte {
	line, _, _ := bytes.Cut(text, []byte{'\n'})
	return line
}

func lastLine(text []byte) []byte { return text[bytes.LastIndexByte(text, '\n')+1:] }
