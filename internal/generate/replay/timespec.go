// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/gdummy/gdummy/internal/msgpack"
)

// TimeSpec is where records have their time. The zero TimeSpec is nowhere.
type TimeSpec struct {
	path []string // names of members, from the outermost map on
}

// ParseTimeSpec reads where records have their time: the name of a member. Dots
// separate the names of nested members.
func ParseTimeSpec(text string) (TimeSpec, error) {
	if text == "" {
		return TimeSpec{}, fmt.Errorf("expected the name of a member")
	}
	return TimeSpec{path: strings.Split(text, ".")}, nil
}

// Set reports whether records have a time.
func (s *TimeSpec) Set() bool { return len(s.path) > 0 }

// find returns the time of a body, and where in the body it is.
func (s *TimeSpec) find(body []byte) (t int64, at, size int, err error) {
	for depth, name := range s.path {
		n := member(body[at:], name)
		if n == 0 {
			return 0, 0, 0, fmt.Errorf("no member %s with the time", strings.Join(s.path[:depth+1], "."))
		}
		at += n
	}
	h := msgpack.Read(body[at:])
	at += h.Size
	size = int(h.Payload())
	t, ok := timeOf(h, body[at:at+size])
	if !ok {
		return 0, 0, 0, fmt.Errorf("member %s is not a time", strings.Join(s.path, "."))
	}
	return t, at, size, nil
}

// member returns the offset of the value of a member of the map at the front of b, or
// 0 if there is none.
func member(b []byte, name string) int {
	h := msgpack.Read(b)
	if h.Kind != msgpack.Map {
		return 0
	}
	at := h.Size
	for range h.N {
		key := msgpack.Read(b[at:])
		at += key.Size + int(key.Payload())
		if key.Kind == msgpack.String && string(b[at-int(key.N):at]) == name {
			return at
		}
		rest, err := msgpack.Skip(b[at:])
		if err != nil {
			return 0
		}
		at = len(b) - len(rest)
	}
	return 0
}

// timeOf returns the time that a value has: a text as ISO 8601 has it, or a number
// since 1970, whose size tells its unit.
func timeOf(h msgpack.Header, payload []byte) (t int64, ok bool) {
	switch h.Kind {
	case msgpack.String:
		t, n := isoTime(payload)
		return t, n == len(payload)
	case msgpack.Integer:
		if h.Negative {
			return 0, false
		}
		return epochTime(h.N)
	case msgpack.Float:
		f := math.Float64frombits(h.N)
		sec, frac := math.Modf(f)
		if !(f >= 0 && f < 1<<32) {
			return 0, false
		}
		// Of the time of today a double has a quarter of a microsecond.
		return int64(sec)*int64(time.Second) + int64(math.Round(frac*1e6))*1000, true
	case msgpack.Extension: // an event time
		if len(payload) != 8 {
			return 0, false
		}
		sec, nsec := binary.BigEndian.Uint32(payload), binary.BigEndian.Uint32(payload[4:])
		return int64(sec)*int64(time.Second) + int64(nsec), nsec < uint32(time.Second)
	}
	return 0, false
}

// epochTime returns the time of a number of seconds, milliseconds, microseconds or
// nanoseconds since 1970. They are told apart by their size: as seconds, times up to
// 2106 are below 2^32, and as milliseconds times from 1970-02-19 on are above.
func epochTime(n uint64) (t int64, ok bool) {
	for _, unit := range []uint64{uint64(time.Second), uint64(time.Millisecond), uint64(time.Microsecond), 1} {
		if n < 1<<32*uint64(time.Second)/unit {
			return int64(n * unit), true
		}
	}
	return 0, false
}

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
	if year < 1970 || month-1 > 11 || day-1 > 30 || hour > 23 || minute > 59 || second > 60 || year|month|day|hour|minute|second > 9999 {
		return 0, 0
	}
	t = (days(year, month, day)*86400 + int64(hour)*3600 + int64(minute)*60 + int64(second)) * int64(time.Second)
	n = 19
	if n < len(b)-1 && (b[n] == '.' || b[n] == ',') && b[n+1]-'0' < 10 {
		scale := int64(time.Second)
		for n++; n < len(b) && b[n]-'0' < 10; n++ {
			scale /= 10
			t += int64(b[n]-'0') * scale
		}
	}
	offset, size := zone(b[n:])
	return t - offset, n + size
}

// zone returns the offset from UTC at the front of b, in nanoseconds, and how long its
// text is: Z, +01:00, +0100, +01, or nothing.
func zone(b []byte) (offset int64, n int) {
	switch {
	case len(b) == 0:
		return 0, 0
	case b[0] == 'Z' || b[0] == 'z':
		return 0, 1
	case b[0] != '+' && b[0] != '-' || len(b) < 3:
		return 0, 0
	}
	hours, minutes := decimal(b[1:3]), uint(0)
	n = 3
	rest := b[3:]
	if len(rest) > 2 && rest[0] == ':' {
		rest = rest[1:]
	}
	if len(rest) > 1 && decimal(rest[:2]) < 60 {
		minutes = decimal(rest[:2])
		n = len(b) - len(rest) + 2
	}
	if hours > 23 {
		return 0, 0
	}
	offset = int64(hours*60+minutes) * int64(time.Minute)
	if b[0] == '-' {
		offset = -offset
	}
	return offset, n
}

// decimal returns the number of decimal digits, or a high one if they are no digits.
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
