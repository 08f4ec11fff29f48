// SPDX-License-Identifier: Apache-2.0

package replay

import "time"

// isoTime returns the time at the front of b, and how long it is; 0 if there is none:
//
//	2026-11-28T22:13:42.123456789+01:00
//
// The T may be a space, the point a comma, and the fraction may be missing, or the
// offset, which is then UTC, or be Z.
func isoTime(b []byte) (t int64, n int) {
	if len(b) < 19 || b[4] != '-' || b[7] != '-' || b[10] != 'T' && b[10] != ' ' && b[10] != 't' || b[13] != ':' || b[16] != ':' {
		return 0, 0
	}
	year, month, day := decimal(b[0:4]), decimal(b[5:7]), decimal(b[8:10])
	hour, minute, second := decimal(b[11:13]), decimal(b[14:16]), decimal(b[17:19])
	if year < 1970 || year > 2105 || month-1 > 11 || day-1 > 30 || hour > 23 || minute > 59 || second > 60 {
		return 0, 0
	}
	t = (days(year, month, day)*86400 + int64(hour)*3600 + int64(minute)*60 + int64(second)) * int64(time.Second)
	n = 19
	if n+1 < len(b) && (b[n] == '.' || b[n] == ',') && b[n+1]-'0' < 10 {
		scale := int64(time.Second)
		for n++; n < len(b) && b[n]-'0' < 10; n++ {
			scale /= 10
			t += int64(b[n]-'0') * scale
		}
	}
	offset, size := zone(b[n:])
	return t - offset, n + size
}

// putISO overwrites a time with t, with the same offset from UTC and as many digits.
func putISO(b []byte, t int64) {
	end := 19
	for end < len(b) && (b[end] == '.' || b[end] == ',' || b[end]-'0' < 10) {
		end++
	}
	offset, _ := zone(b[end:])
	local := time.Unix(0, t+offset).UTC()
	putDecimal(b[0:4], local.Year())
	putDecimal(b[5:7], int(local.Month()))
	putDecimal(b[8:10], local.Day())
	putDecimal(b[11:13], local.Hour())
	putDecimal(b[14:16], local.Minute())
	putDecimal(b[17:19], local.Second())
	if end > 20 {
		putFraction(b[20:end], t)
	}
}

// zone returns the offset from UTC at the front of b, in nanoseconds, and how long its
// text is: Z, +01:00, +0100, +01, or 0.
func zone(b []byte) (offset int64, n int) {
	switch {
	case len(b) == 0:
		return 0, 0
	case b[0] == 'Z' || b[0] == 'z':
		return 0, 1
	case b[0] != '+' && b[0] != '-' || len(b) < 3 || decimal(b[1:3]) > 23:
		return 0, 0
	}
	n = 3
	minutes := uint(0)
	rest := b[3:]
	if len(rest) > 2 && rest[0] == ':' {
		rest = rest[1:]
	}
	if len(rest) > 1 && decimal(rest[:2]) < 60 {
		minutes = decimal(rest[:2])
		n = len(b) - len(rest) + 2
	}
	offset = int64(decimal(b[1:3])*60+minutes) * int64(time.Minute)
	if b[0] == '-' {
		offset = -offset
	}
	return offset, n
}

// decimal returns the number that decimal digits are, or a high one if they are no
// digits.
func decimal(b []byte) (n uint) {
	for _, c := range b {
		d := uint(c - '0')
		if d > 9 {
			return 1 << 20
		}
		n = n*10 + d
	}
	return n
}

// days returns the number of days from 1970-01-01 to a date of the Gregorian calendar.
// March is the first month of its years, so that leap days are the last days of them.
func days(year, month, day uint) int64 {
	y, m := int64(year), int64(month)
	if m -= 3; m < 0 {
		m += 12
		y--
	}
	return y*365 + y/4 - y/100 + y/400 + (153*m+2)/5 + int64(day) - 1 - 719468
}
