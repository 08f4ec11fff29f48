// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// strftimeNumbers are the directives of strftime that are numbers: their values, and
// how they are padded unless a flag changes it.
var strftimeNumbers = map[string]struct {
	value func(t time.Time) int
	width int
	pad   byte
}{
	"Y": {time.Time.Year, 4, '0'},
	"C": {func(t time.Time) int { return t.Year() / 100 }, 2, '0'},
	"y": {func(t time.Time) int { return t.Year() % 100 }, 2, '0'},
	"m": {func(t time.Time) int { return int(t.Month()) }, 2, '0'},
	"d": {time.Time.Day, 2, '0'},
	"e": {time.Time.Day, 2, ' '},
	"j": {time.Time.YearDay, 3, '0'},
	"H": {time.Time.Hour, 2, '0'},
	"k": {time.Time.Hour, 2, ' '},
	"I": {hour12, 2, '0'},
	"l": {hour12, 2, ' '},
	"M": {time.Time.Minute, 2, '0'},
	"S": {time.Time.Second, 2, '0'},
	"s": {func(t time.Time) int { return int(t.Unix()) }, 1, '0'},
	"u": {func(t time.Time) int { return (int(t.Weekday())+6)%7 + 1 }, 1, '0'},
	"w": {func(t time.Time) int { return int(t.Weekday()) }, 1, '0'},
	"U": {func(t time.Time) int { return (t.YearDay() + 6 - int(t.Weekday())) / 7 }, 2, '0'},
	"W": {func(t time.Time) int { return (t.YearDay() + 6 - (int(t.Weekday())+6)%7) / 7 }, 2, '0'},
	"V": {func(t time.Time) int { _, w := t.ISOWeek(); return w }, 2, '0'},
	"G": {func(t time.Time) int { y, _ := t.ISOWeek(); return y }, 4, '0'},
	"g": {func(t time.Time) int { y, _ := t.ISOWeek(); return y % 100 }, 2, '0'},
}

func hour12(t time.Time) int { return (t.Hour()+11)%12 + 1 }

// strftimeTexts are the directives that are texts, as layouts of package time.
var strftimeTexts = map[string]string{
	"b": "Jan", "h": "Jan", "B": "January", "a": "Mon", "A": "Monday", "p": "PM", "P": "pm", "Z": "MST",
	"z": "-0700", ":z": "-07:00", "::z": "-07:00:00", "n": "\n", "t": "\t", "%": "%",
}

// strftimeShort are the directives that are short for others, those of the C locale.
var strftimeShort = map[string]string{
	"F": "%Y-%m-%d", "T": "%H:%M:%S", "D": "%m/%d/%y", "R": "%H:%M", "r": "%I:%M:%S %p",
	"c": "%a %b %e %H:%M:%S %Y", "x": "%m/%d/%y", "X": "%H:%M:%S",
}

// strftimeFractions are the digits of the directives that are fractions of a second.
var strftimeFractions = map[string]int{"f": 6, "L": 3, "N": 9}

// timeDirective is a directive of strftime: %, flags, a width, a modifier, which has no
// effect in the C locale, and letters.
type timeDirective struct {
	flags  string // of -, _, 0, ^ and #
	width  int    // 0 if there is none
	letter string // with its colons
}

var directiveAt = regexp.MustCompile(`^([-_0^#]*)(\d{0,3})[EO]?(:*.)`)

// cutDirective cuts the directive that a text begins with, after its %.
func cutDirective(s string) (d timeDirective, rest string) {
	m := directiveAt.FindStringSubmatch(s)
	if m == nil {
		return d, s
	}
	width, _ := strconv.Atoi(m[2])
	return timeDirective{m[1], width, m[3]}, s[len(m[0]):]
}

// ofStrftime parses a layout of strftime. It returns the first unknown directive, if
// there is one.
func ofStrftime(layout string) (parts []layoutPart, unknown string) {
	var p layoutPart
	for layout != "" {
		before, rest, found := strings.Cut(layout, "%")
		if found && rest == "" {
			before, found = layout, false // a % at the end is literal
		}
		p.chunks = append(p.chunks, func(dst []byte, _ time.Time) []byte { return append(dst, before...) })
		if !found {
			break
		}
		d, after := cutDirective(rest)
		unknown = layout[len(before) : len(layout)-len(after)]
		layout = after
		if digits := d.fraction(); digits > 0 {
			p.digits = digits
			parts = append(parts, p)
			p = layoutPart{}
			continue
		}
		chunk := d.chunk()
		if chunk == nil {
			return nil, unknown
		}
		p.chunks = append(p.chunks, chunk)
	}
	return append(parts, p), ""
}

// fraction returns the number of digits of a fraction of a second, or 0 for another
// directive. As in GNU date and in Ruby, a width is that number.
func (d timeDirective) fraction() int {
	digits := strftimeFractions[d.letter]
	if digits == 0 || d.flags != "" || d.width > 9 {
		return 0
	}
	return cmp.Or(d.width, digits)
}

// chunk returns the chunk of a directive, or nil if the directive is unknown.
func (d timeDirective) chunk() layoutChunk {
	write := d.plain()
	if write == nil || d.width == 0 && !strings.ContainsAny(d.flags, "^#") {
		return write
	}
	_, number := strftimeNumbers[d.letter]
	pad := byte(' ')
	if strings.Contains(d.flags, "0") {
		pad = '0'
	}
	return func(dst []byte, when time.Time) []byte {
		start := len(dst)
		dst = write(dst, when)
		d.setCase(dst[start:])
		if number {
			return dst
		}
		return insert(dst, start, d.width-(len(dst)-start), pad)
	}
}

// setCase changes a text, which is ASCII, to upper case for the flags ^ and #; #
// changes what is in upper case anyway to lower case.
func (d timeDirective) setCase(text []byte) {
	first, last := byte('a'), byte('z')
	switch {
	case strings.Contains(d.flags, "#") && (d.letter == "p" || d.letter == "Z"):
		first, last = 'A', 'Z'
	case !strings.ContainsAny(d.flags, "^#"):
		return
	}
	for i, c := range text {
		if c >= first && c <= last {
			text[i] = c ^ 0x20
		}
	}
}

// plain returns the chunk of a directive without its case, and without its width unless
// it is a number.
func (d timeDirective) plain() layoutChunk {
	if layout, ok := strftimeTexts[d.letter]; ok {
		return goChunk(layout)
	}
	if short, ok := strftimeShort[d.letter]; ok {
		parts, _ := ofStrftime(short)
		return func(dst []byte, when time.Time) []byte {
			parts[0].set(when)
			return append(dst, parts[0].text...)
		}
	}
	n, ok := strftimeNumbers[d.letter]
	if !ok {
		return nil
	}
	width, pad := n.width, n.pad
	for _, flag := range d.flags {
		switch flag {
		case '-':
			width = 1
		case '_':
			width, pad = n.width, ' '
		case '0':
			width, pad = n.width, '0'
		}
	}
	width = max(width, d.width)
	return func(dst []byte, when time.Time) []byte { return appendPadded(dst, n.value(when), width, pad) }
}

// appendPadded appends a number of at least so many digits. Zeros follow its sign.
func appendPadded(dst []byte, n, width int, pad byte) []byte {
	start := len(dst)
	dst = strconv.AppendInt(dst, int64(n), 10)
	gap := width - (len(dst) - start)
	if n < 0 && pad == '0' {
		start++
	}
	return insert(dst, start, gap, pad)
}

// insert inserts a character n times at an index.
func insert(dst []byte, at, n int, c byte) []byte {
	if n <= 0 {
		return dst
	}
	end := len(dst)
	dst = slices.Grow(dst, n)[:end+n]
	copy(dst[at+n:], dst[at:end])
	for i := range n {
		dst[at+i] = c
	}
	return dst
}
