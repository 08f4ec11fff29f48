// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/msgpack"
)

// TimeSpec is where records have their time. The zero TimeSpec is nowhere.
type TimeSpec struct {
	set    bool
	path   []string // names of members, from the outermost map on; nil is none
	member *layout  // of the member; nil is ISO 8601, or a number
	text   *layout  // in a line of text; nil is ISO 8601
	inText bool     // lines of text have a time
}

// ParseTimeSpec reads where records have their time:
//
//	MEMBER            a member of a map, with dots between the names of nested ones
//	MEMBER LAYOUT     the same, as a text in a layout of strftime
//	LAYOUT            the first place in a line of text that has the layout
//
// A layout is also the name of one: iso, apache or syslog.
func ParseTimeSpec(text string) (s TimeSpec, err error) {
	s.set = true
	first, rest, two := strings.Cut(text, " ")
	_, named := layouts[text]
	if strings.Contains(text, "%") || named {
		s.inText = true
		if s.text, err = layoutOf(text); err != nil {
			return TimeSpec{}, err
		}
	}
	switch {
	case text == "":
		return TimeSpec{}, errors.New("expected the name of a member, or a layout")
	case strings.Contains(first, "%"):
		return s, nil
	case two:
		if s.member, err = layoutOf(rest); err != nil {
			return TimeSpec{}, err
		}
	}
	s.path = strings.Split(first, ".")
	return s, nil
}

// layoutOf returns a layout, or the one of a name.
func layoutOf(text string) (*layout, error) {
	if known, ok := layouts[text]; ok {
		if text = known; text == "" {
			return nil, nil
		}
	}
	if !strings.Contains(text, "%") {
		return nil, fmt.Errorf("invalid layout %q: expected directives of strftime, such as %%Y-%%m-%%d %%H:%%M:%%S, or iso, apache or syslog", text)
	}
	return parseLayout(text)
}

// Set reports whether records have a time.
func (s *TimeSpec) Set() bool { return s.set }

// Fixed reports whether a time can be replaced by any other one of the same width.
func (s *TimeSpec) Fixed() bool {
	return (s.member == nil || s.member.fixed()) && (s.text == nil || s.text.fixed())
}

// check reports an error if records of a format cannot have their time there.
func (s *TimeSpec) check(f Format) error {
	switch {
	case !s.set:
	case f == Text && !s.inText:
		return errors.New("lines of text have no members with the time: expected a layout of strftime, such as %d/%b/%Y:%H:%M:%S %z, or iso, apache or syslog")
	case f != Text && s.path == nil:
		return errors.New("expected the name of the member with the time, before its layout")
	}
	return nil
}

// place is where a time is.
type place struct {
	at, size int     // of its text, or of the number with its header
	layout   *layout // of a text; nil is ISO 8601
	kind     msgpack.Kind
	unit     int64 // of an Integer, in nanoseconds
}

// inLine returns the time of a line of text, and where it is.
func (s *TimeSpec) inLine(line []byte, latest int64) (t int64, p place, err error) {
	p.kind = msgpack.String
	if p.layout = s.text; p.layout != nil {
		f, start, end := p.layout.find(line)
		if end == 0 {
			return 0, p, fmt.Errorf("no time in the layout %s", p.layout.text)
		}
		p.at, p.size = start, end-start
		return f.time(latest), p, nil
	}
	for at := range line {
		if line[at]-'0' < 10 {
			if t, p.size = isoTime(line[at:]); p.size > 0 {
				p.at = at
				return t, p, nil
			}
		}
	}
	return 0, p, errors.New("no time as in ISO 8601, such as 2026-11-28T22:13:42Z")
}

// inBody returns the time of a body, and where in the body it is.
func (s *TimeSpec) inBody(body []byte, latest int64) (t int64, p place, err error) {
	for depth, name := range s.path {
		n, _ := msgpack.Member(body[p.at:], name)
		if n == 0 {
			return 0, p, fmt.Errorf("no member %s with the time", strings.Join(s.path[:depth+1], "."))
		}
		p.at += n
	}
	h := msgpack.Read(body[p.at:])
	p.kind, p.layout = h.Kind, s.member
	p.size = h.Size + int(h.Payload())
	payload := body[p.at+h.Size : p.at+p.size]
	ok := false
	switch {
	case h.Kind != msgpack.String:
		t, p.unit, ok = numberTime(h, payload)
	case s.member != nil:
		f, end := s.member.parse(payload, 0)
		t, ok = f.time(latest), end == len(payload) && end > 0
	default:
		n := 0
		t, n = isoTime(payload)
		ok = n == len(payload) && n > 0
	}
	if h.Kind == msgpack.String {
		p.at, p.size = p.at+h.Size, len(payload)
	}
	if !ok {
		return 0, p, fmt.Errorf("member %s is not a time", strings.Join(s.path, "."))
	}
	return t, p, nil
}

// put overwrites the time in a body with t, in the same width. A number that would get
// another width stays.
func (p *place) put(body []byte, t int64) {
	b := body[p.at : p.at+p.size]
	switch {
	case p.kind == msgpack.String && p.layout != nil:
		p.layout.put(b, t)
	case p.kind == msgpack.String:
		putISO(b, t)
	case p.kind == msgpack.Integer:
		switch n := t / max(p.unit, 1); {
		case p.size == 5 && n < 1<<32 && n >= 1<<16:
			binary.BigEndian.PutUint32(b[1:], uint32(n))
		case p.size == 9 && n >= 1<<32:
			binary.BigEndian.PutUint64(b[1:], uint64(n))
		}
	case p.kind == msgpack.Float && p.size == 9:
		sec, nsec := t/int64(time.Second), t%int64(time.Second)
		binary.BigEndian.PutUint64(b[1:], math.Float64bits(float64(sec)+float64(nsec)/float64(time.Second)))
	case p.kind == msgpack.Extension && p.size == 10:
		event.AppendTime(b[:0], t)
	}
}

// numberTime returns the time of a value that is not text, and the unit of an integer: a
// number since 1970, whose size determines its unit, or an event time.
func numberTime(h msgpack.Header, payload []byte) (t, unit int64, ok bool) {
	switch h.Kind {
	case msgpack.Integer:
		if h.Negative {
			return 0, 0, false
		}
		return epochTime(h.N)
	case msgpack.Float:
		f := math.Float64frombits(h.N)
		if !(f >= 0 && f < 1<<32) {
			return 0, 0, false
		}
		// Of the time of today a double has a quarter of a microsecond.
		sec, frac := math.Modf(f)
		return int64(sec)*int64(time.Second) + int64(math.Round(frac*1e6))*1000, 0, true
	case msgpack.Extension:
		if len(payload) != 8 {
			return 0, 0, false
		}
		sec, nsec := binary.BigEndian.Uint32(payload), binary.BigEndian.Uint32(payload[4:])
		return int64(sec)*int64(time.Second) + int64(nsec), 0, nsec < uint32(time.Second)
	}
	return 0, 0, false
}

// epochTime returns the time of a number of seconds, milliseconds, microseconds or
// nanoseconds since 1970, and the unit. Their size distinguishes them: as seconds,
// times up to 2106 are below 2^32, and as milliseconds times from 1970-02-19 on are
// above.
func epochTime(n uint64) (t, unit int64, ok bool) {
	for _, unit := range [...]uint64{uint64(time.Second), uint64(time.Millisecond), uint64(time.Microsecond), 1} {
		if n < 1<<32*uint64(time.Second)/unit {
			return int64(n * unit), int64(unit), true
		}
	}
	return 0, 0, false
}
