// SPDX-License-Identifier: Apache-2.0

// Package diag describes errors at a position in a text.
//
// The normal path is [Errorf], which turns a byte offset into a line and a column.
// [Error.Excerpt] shows the line with a mark under the column.
package diag

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Error is an error at a position in a text.
type Error struct {
	In      string // the file or option that the text is from, or ""
	Line    int    // from 1
	Column  int    // in characters, from 1
	Offset  int    // in bytes, within the whole text, from 0
	Text    string // the line, without its end
	Problem string // lower case
	Near    string // the word that was probably meant, or ""
}

// Errorf returns the Error at a byte offset of a text. An offset outside the text is
// moved to its nearer end.
func Errorf(text string, offset int, format string, args ...any) *Error {
	offset = min(max(offset, 0), len(text))
	start := strings.LastIndexByte(text[:offset], '\n') + 1
	line, _, _ := strings.Cut(text[start:], "\n")
	return &Error{
		Line:    strings.Count(text[:start], "\n") + 1,
		Column:  utf8.RuneCountInString(text[start:offset]) + 1,
		Offset:  offset,
		Text:    strings.TrimSuffix(line, "\r"),
		Problem: fmt.Sprintf(format, args...),
	}
}

// Error returns the position and the problem in one line.
func (e *Error) Error() string {
	if e.In != "" {
		return fmt.Sprintf("%s: line %d, column %d: %s", e.In, e.Line, e.Column, e.Problem)
	}
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Problem)
}

// Excerpt returns the line and, on a second line, a mark under the column. Long
// lines are cut around the mark.
func (e *Error) Excerpt() string {
	const before, after = 50, 25
	line := []rune(strings.Map(func(c rune) rune {
		if c < ' ' {
			return ' '
		}
		return c
	}, e.Text))
	at := min(max(e.Column-1, 0), len(line))
	from, to := 0, len(line)
	head, tail := "", ""
	if at > before+3 {
		from, head = at-before, "..."
	}
	if to > at+after+3 {
		to, tail = at+after, "..."
	}
	return head + string(line[from:to]) + tail + "\n" + strings.Repeat(" ", len(head)+at-from) + "^"
}

// Join returns the messages of errs, each on a line of its own.
func Join[E error](errs []E) string {
	lines := make([]string, len(errs))
	for i, e := range errs {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}
