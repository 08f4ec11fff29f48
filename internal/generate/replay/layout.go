// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"
)

// layout is a time as text: the directives of strftime, and literal bytes.
type layout struct {
	items []item
	text  string
}

// item is a directive, or the byte of a literal if directive is 0.
type item struct {
	directive byte
	literal   byte
}

// layouts are names of layouts. A nil layout is ISO 8601.
var layouts = map[string]string{
	"iso": "", "apache": "%d/%b/%Y:%H:%M:%S %z", "syslog": "%b %e %H:%M:%S",
}

// composed are directives that expand to others.
var composed = map[byte]string{'F': "%Y-%m-%d", 'T': "%H:%M:%S", 'D': "%m/%d/%y", 'R': "%H:%M", 'n': "\n", 't': "\t"}

// parseLayout reads a layout.
func parseLayout(text string) (*layout, error) {
	l := &layout{text: text}
	if err := l.add(text); err != nil {
		return nil, fmt.Errorf("layout %q%w", text, err)
	}
	if !l.has("s") && !(l.has("d", "e", "j") && l.has("H", "I")) {
		return nil, fmt.Errorf("layout %q has no day and hour, such as %%d and %%H, nor %%s", text)
	}
	return l, nil
}

// add adds the items of a text.
func (l *layout) add(text string) error {
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c != '%' {
			l.items = append(l.items, item{literal: c})
			continue
		}
		if i++; i == len(text) {
			return errors.New(" ends in %")
		}
		switch c = text[i]; {
		case c == '%':
			l.items = append(l.items, item{literal: c})
		case composed[c] != "":
			if err := l.add(composed[c]); err != nil {
				return err
			}
		case strings.IndexByte("YymdeHIMSpbBhaAzZjfLNs", c) >= 0:
			l.items = append(l.items, item{directive: c})
		default:
			return fmt.Errorf(": unknown directive %%%c: expected one of strftime, such as %%Y, %%m, %%d, %%H, %%M, %%S, %%b, %%z, %%L or %%s", c)
		}
	}
	return nil
}

// has reports whether the layout has one of the directives.
func (l *layout) has(directives ...string) bool {
	for _, it := range l.items {
		for _, d := range directives {
			if it.directive == d[0] {
				return true
			}
		}
	}
	return false
}

// fields are the parts of a time.
type fields struct {
	year, month, day     uint // year 0: none
	yearDay              uint // 0: none
	hour, minute, second uint
	half                 bool // hour is one of 12
	pm                   bool
	nano                 int64
	offset               int64 // from UTC, in nanoseconds
	epoch                int64 // seconds since 1970, or -1
}

var (
	months   = []string{"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"}
	weekdays = []string{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"}
)

// find returns the first time in b, and where it begins and ends; end is 0 if there is
// none.
func (l *layout) find(b []byte) (f fields, start, end int) {
	for start < len(b) {
		if first := l.items[0]; first.directive == 0 {
			i := bytes.IndexByte(b[start:], first.literal)
			if i < 0 {
				break
			}
			start += i
		}
		if f, end = l.parse(b, start); end > 0 {
			return f, start, end
		}
		start++
	}
	return f, 0, 0
}

// parse returns the time that begins at start, and its end; 0 if there is none.
func (l *layout) parse(b []byte, start int) (f fields, end int) {
	f = fields{month: 1, day: 1, epoch: -1}
	i := start
	for _, it := range l.items {
		if i = it.parse(b, i, &f); i < 0 {
			return f, 0
		}
	}
	return f, i
}

// parse reads an item at i into f and returns what follows it, or -1.
func (it item) parse(b []byte, i int, f *fields) int {
	var least, most uint
	var to *uint
	width := 2
	switch it.directive {
	case 0:
		if i < len(b) && b[i] == it.literal {
			return i + 1
		}
		return -1
	case 'Y':
		to, least, most, width = &f.year, 1970, 2105, 4
	case 'm':
		to, least, most = &f.month, 1, 12
	case 'd', 'e':
		to, least, most = &f.day, 1, 31
		if i < len(b) && b[i] == ' ' {
			i, width = i+1, 1
		}
	case 'j':
		to, least, most, width = &f.yearDay, 1, 366, 3
	case 'H':
		to, most = &f.hour, 23
	case 'I':
		to, least, most = &f.hour, 1, 12
		f.half = true
	case 'M':
		to, most = &f.minute, 59
	case 'S':
		to, most = &f.second, 60
	default:
		return it.parseText(b, i, f)
	}
	if i+width > len(b) {
		return -1
	}
	*to = decimal(b[i : i+width])
	if *to < least || *to > most {
		return -1
	}
	return i + width
}

// parseText reads an item that is not a number of a fixed width.
func (it item) parseText(b []byte, i int, f *fields) int {
	if i >= len(b) {
		return -1
	}
	rest := b[i:]
	switch it.directive {
	case 'y':
		if len(rest) < 2 || decimal(rest[:2]) > 99 {
			return -1
		}
		if f.year = 1900 + decimal(rest[:2]); f.year < 1969 { // as in POSIX
			f.year += 100
		}
		return i + 2
	case 'b', 'h', 'B':
		m, n := name(rest, months, it.directive == 'B')
		f.month = uint(m + 1)
		return advance(i, n)
	case 'a', 'A':
		_, n := name(rest, weekdays, it.directive == 'A')
		return advance(i, n)
	case 'p':
		if len(rest) < 2 || rest[1]|0x20 != 'm' || rest[0]|0x20 != 'a' && rest[0]|0x20 != 'p' {
			return -1
		}
		f.pm = rest[0]|0x20 == 'p'
		return i + 2
	case 'z':
		offset, n := zone(rest)
		f.offset = offset
		return advance(i, n)
	case 'Z':
		n := 0
		for n < len(rest) && rest[n] >= 'A' && rest[n] <= 'Z' {
			n++
		}
		if z := string(rest[:n]); z != "UTC" && z != "GMT" && z != "Z" {
			return -1
		}
		return i + n
	case 's':
		n, v := 0, int64(0)
		for ; n < len(rest) && n < 10 && rest[n]-'0' < 10; n++ {
			v = v*10 + int64(rest[n]-'0')
		}
		f.epoch = v
		return advance(i, n)
	}
	n, scale := 0, int64(time.Second) // f, L, N: a fraction of a second
	for f.nano = 0; n < len(rest) && n < 9 && rest[n]-'0' < 10; n++ {
		scale /= 10
		f.nano += int64(rest[n]-'0') * scale
	}
	return advance(i, n)
}

// advance returns i+n, or -1 if n is 0.
func advance(i, n int) int {
	if n == 0 {
		return -1
	}
	return i + n
}

// name returns the index of the name at the front of b and its size, or 0 if there is
// none. Names are not case-sensitive, and have three letters unless they are full.
func name(b []byte, names []string, full bool) (index, size int) {
	for i, n := range names {
		if !full {
			n = n[:3]
		}
		if len(b) >= len(n) && strings.EqualFold(string(b[:len(n)]), n) {
			return i, len(n)
		}
	}
	return 0, 0
}

// time returns the time of fields. Without a year, it is in the last year before
// latest, or at most a day after it.
func (f *fields) time(latest int64) int64 {
	if f.epoch >= 0 {
		return f.epoch*int64(time.Second) + f.nano
	}
	year := f.year
	if year == 0 {
		year = uint(time.Unix(0, latest).UTC().Year())
		if f.in(year) > latest+int64(24*time.Hour) {
			year--
		}
	}
	return f.in(year)
}

// in returns the time of fields in a year.
func (f *fields) in(year uint) int64 {
	hour := f.hour
	if f.half {
		if hour %= 12; f.pm {
			hour += 12
		}
	}
	d := int64(0)
	if f.yearDay > 0 {
		d = days(year, 1, 1) + int64(f.yearDay) - 1
	} else {
		d = days(year, f.month, f.day)
	}
	return (d*86400+int64(hour)*3600+int64(f.minute)*60+int64(f.second))*int64(time.Second) + f.nano - f.offset
}

// put overwrites a time in b with t, in the same layout, offset from UTC and width.
// What does not fit the width is left as it is; fixed reports that everything fits.
func (l *layout) put(b []byte, t int64) {
	f := fields{epoch: -1}
	for i, pos := 0, 0; i < len(l.items); i++ { // the offset may come last
		if pos = l.items[i].parse(b, pos, &f); pos < 0 {
			return
		}
	}
	local := time.Unix(0, t+f.offset).UTC()
	pos := 0
	for _, it := range l.items {
		end := it.parse(b, pos, &f)
		it.put(b[pos:end], local, t)
		pos = end
	}
}

// fixed reports whether every time has the same width in the layout.
func (l *layout) fixed() bool { return !l.has("B", "A") }

// put writes an item over its text.
func (it item) put(b []byte, local time.Time, t int64) {
	switch it.directive {
	case 'Y':
		putDecimal(b, local.Year())
	case 'y':
		putDecimal(b, local.Year()%100)
	case 'm':
		putDecimal(b, int(local.Month()))
	case 'd', 'e':
		blank := b[0] == ' ' || it.directive == 'e'
		if putDecimal(b, local.Day()); b[0] == '0' && blank {
			b[0] = ' '
		}
	case 'j':
		putDecimal(b, local.YearDay())
	case 'H':
		putDecimal(b, local.Hour())
	case 'I':
		putDecimal(b, (local.Hour()+11)%12+1)
	case 'M':
		putDecimal(b, local.Minute())
	case 'S':
		putDecimal(b, local.Second())
	case 'b', 'h':
		copy(b, local.Month().String())
	case 'a':
		copy(b, local.Weekday().String())
	case 'p':
		half := "am"
		if local.Hour() >= 12 {
			half = "pm"
		}
		if b[1] == 'M' {
			half = strings.ToUpper(half)
		}
		copy(b, half)
	case 's':
		putDecimal(b, int(t/int64(time.Second)))
	case 'f', 'L', 'N':
		putFraction(b, t)
	}
}

// putDecimal writes the last decimal digits of n over b.
func putDecimal(b []byte, n int) {
	for i := len(b) - 1; i >= 0; i-- {
		b[i] = byte('0' + n%10)
		n /= 10
	}
}

// putFraction writes the first digits of the fraction of a second over b.
func putFraction(b []byte, t int64) {
	nano := t % int64(time.Second)
	for i := range b {
		nano *= 10
		b[i] = byte('0' + nano/int64(time.Second)%10)
		nano %= int64(time.Second)
	}
}
