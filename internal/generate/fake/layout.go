// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"regexp"
	"time"
)

// layoutPart is a part of a layout: chunks that change once per second, then digits of
// the fraction of the second.
type layoutPart struct {
	chunks []layoutChunk
	text   []byte // of the chunks

	digits int
	point  byte // before the digits, or 0
	trim   bool // omit zeros at the end, and the point if no digits remain
}

// layoutChunk appends the text of a time: a layout of package time, a literal text, or a
// directive of strftime.
type layoutChunk func(dst []byte, when time.Time) []byte

// goChunk returns the chunk of a layout of package time.
func goChunk(layout string) layoutChunk {
	return func(dst []byte, when time.Time) []byte { return when.AppendFormat(dst, layout) }
}

var (
	word     = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
	elements = regexp.MustCompile(`January|Jan|Monday|Mon|MST|2006|002|__2|_2|0[1-6]|15|PM|pm|Z07(00(00)?)?|-07(00(00)?)?|[1-5]`)
	letters2 = regexp.MustCompile(`[A-Za-z]{2}`)
)

// misspelt reports whether a layout is probably a misspelt name: it is a word with
// adjacent letters that are not elements of a layout of package time.
func misspelt(layout string) bool {
	return word.MatchString(layout) && letters2.MatchString(elements.ReplaceAllString(layout, " "))
}

// ofLayout splits a layout of package time at its fractions of a second.
func ofLayout(layout string) []layoutPart {
	var parts []layoutPart
	start := 0
	for i := 0; i+1 < len(layout); i++ {
		digit := layout[i+1]
		if layout[i] != '.' && layout[i] != ',' || digit != '0' && digit != '9' {
			continue
		}
		end := i + 1
		for end < len(layout) && layout[end] == digit {
			end++
		}
		if n := end - i - 1; n <= 9 && (end == len(layout) || layout[end] < '0' || layout[end] > '9') {
			parts = append(parts, layoutPart{chunks: []layoutChunk{goChunk(layout[start:i])}, digits: n, point: layout[i], trim: digit == '9'})
			start = end
		}
		i = end - 1
	}
	return append(parts, layoutPart{chunks: []layoutChunk{goChunk(layout[start:])}})
}

// set formats the chunks for a second.
func (p *layoutPart) set(when time.Time) {
	p.text = p.text[:0]
	for _, appendTo := range p.chunks {
		p.text = appendTo(p.text, when)
	}
}

// append appends the part for a time nano nanoseconds after the second passed to set.
func (p *layoutPart) append(dst []byte, nano int64) []byte {
	dst = append(dst, p.text...)
	if p.digits == 0 {
		return dst
	}
	at := len(dst)
	if p.point != 0 {
		dst = append(dst, p.point)
	}
	for d := range p.digits {
		dst = append(dst, byte('0'+nano/pow10[8-d]%10))
	}
	if p.trim {
		for dst[len(dst)-1] == '0' {
			dst = dst[:len(dst)-1]
		}
		if len(dst) == at+1 {
			dst = dst[:at]
		}
	}
	return dst
}

var pow10 = [...]int64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8}
