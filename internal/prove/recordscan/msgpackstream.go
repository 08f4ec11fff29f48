// SPDX-License-Identifier: Apache-2.0

package recordscan

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/gdummy/gdummy/internal/msgpack"
	"github.com/gdummy/gdummy/internal/recordid"
)

// Msgpack scans the records in b and returns the rest: nothing, or an incomplete record.
// After broken input it continues at the next event, or at the next map whose sum
// matches, which may be in a later call.
func (s *Scanner) Msgpack(b []byte) (rest []byte) {
	rest = s.pack(b, false)
	s.wanted = 2 * len(rest)
	if !s.lost {
		s.wanted = max(s.wanted, longRecord)
	}
	return rest
}

// longRecord is the size, in bytes, from which an incomplete record is examined: its
// length may be wrong.
const longRecord = 1 << 20

// finish scans the rest of Msgpack at the end of a source.
func (s *Scanner) finish(rest []byte) {
	s.pack(rest, true)
	s.lost = false
}

// pack scans the records in b and returns the rest. whole reports that nothing follows.
func (s *Scanner) pack(b []byte, whole bool) (rest []byte) {
	budget := scanBudget(len(b))
	for len(b) > 0 {
		if s.lost {
			if b = s.seek(b, &budget, whole); s.lost {
				return b
			}
			continue
		}
		if len(s.landing.starts) > 0 && s.landing.at(len(b)) {
			return b
		}
		if skip := listHeader(b); skip > 0 {
			b = b[skip:]
			continue
		}
		n, err := s.packed(&s.doc, b, 0)
		if err == nil {
			well, more := s.accept(b, n, whole)
			if more {
				return b
			}
			if well {
				b = b[n:]
				continue
			}
		}
		large, next := s.doc.large, nextEvent(b)
		if err == msgpack.ErrShort && !whole && s.mayEnd(b) && (next == len(b) || !s.isEvent(b[next:])) {
			return b // unless an event within the record shows that its length is wrong
		}
		s.brokenPack(large)
		switch budget -= n; {
		case budget < 0:
			s.raw(b, Unchecked)
			return nil
		case next == len(b):
			s.lost = true
			b = b[min(len(b), 2):] // after its own sign
		default:
			s.salvageIDs(b[1:next], &budget)
			b = b[next:]
		}
	}
	return nil
}

// accept judges the record in b[:n], and reports it if its length is plausible. more
// reports that this depends on input after b.
func (s *Scanner) accept(b []byte, n int, whole bool) (well, more bool) {
	again := func(how reading) { s.packed(&s.doc, b[:n], how) }
	st := s.judge(again)
	if st != Intact {
		if well, more = s.endsWell(b, n, st, whole); !well {
			return false, more
		}
	}
	if st == Damaged {
		again(0)
		s.report(b[:n], again)
	} else {
		s.deliver(b[:n])
	}
	return true, false
}

// brokenPack counts an unreadable part of the input. large reports that it is only too
// large to be checked, so that its identities are unchecked rather than damaged.
func (s *Scanner) brokenPack(large bool) {
	if s.left = Damaged; large {
		s.left = Unchecked
		return
	}
	s.broken++
}

// endsWell reports whether the length of b[:n], a record that is not intact, is plausible.
// more reports that this depends on input after b.
func (s *Scanner) endsWell(b []byte, n int, st State, whole bool) (well, more bool) {
	// A wrong length may include the beginning of an event, or another identity, in a
	// string or a name.
	if nextEvent(b[:min(len(b), n+len(eventSign))]) < n || !s.hasAll(b[:n]) {
		return false, false
	}
	follows := b[n:]
	switch d := &s.doc; {
	case st == Enriched:
		return true, false
	case len(d.nodes) == 0, isEventHead(b) && !d.event:
		return false, false // no body
	case d.binary:
		return false, false // an identity is in a string that is not text
	case len(follows) == 0:
		return whole, !whole
	case isMap(b[0]) != isMap(follows[0]):
		return false, false // the two parts of an event
	case isEventHead(follows):
		return true, false
	}
	_, err := s.packed(&s.peek, follows, 0)
	return err != msgpack.ErrInvalid || s.peek.large, false
}

// hasAll reports whether all identities in the bytes of a record were found when it was
// parsed, and those that are values were found as values.
func (s *Scanner) hasAll(b []byte) bool {
	if s.doc.place != "" {
		return true // identities elsewhere are not found
	}
	all, values := 0, 0
	for at := 0; ; all++ {
		_, end := recordid.Find(b[at:])
		if end < 0 {
			break
		}
		at += end
		if head := b[:at-recordid.Size]; bytes.HasSuffix(head, identSign[:2]) {
			values++
		}
	}
	for i := range s.doc.found {
		all--
		if s.doc.found[i].node >= 0 {
			values--
		}
	}
	return all <= 0 && values <= 0
}

// isEvent reports whether b begins with a complete event that is not damaged.
func (s *Scanner) isEvent(b []byte) bool {
	_, err := s.packed(&s.doc, b, 0)
	return err == nil && s.judge(func(how reading) { s.packed(&s.doc, b, how) }) <= Enriched
}

// maxSeek is the maximum distance, in bytes, from an identity to the ends of its record
// for the record to be found within broken input.
const maxSeek = 64 << 10

// seek searches for the next event, or the next map with an identity whose sum matches,
// and reports the identities before it. If s.lost is still set, it returns the rest that
// may be the beginning of either.
func (s *Scanner) seek(b []byte, budget *int, whole bool) (rest []byte) {
	for {
		_, end := recordid.Find(b)
		at := len(b)
		if end >= 0 {
			at = end - recordid.Size
		}
		if next := eventAt(b[:at]); next >= 0 {
			s.lost = false
			return b[next:]
		}
		if end < 0 {
			if whole {
				return nil
			}
			return b[max(0, len(b)-maxSeek):]
		}
		n, short := s.around(b, at, end, budget)
		switch {
		case n > 0:
			s.lost = false
			return b[n:]
		case short && !whole && len(b)-at < maxSeek:
			return b
		}
		s.raw(b[at:end], s.left)
		b = b[end:]
	}
}

// salvageIDs reports the identities in broken input, and the maps whose sum matches.
func (s *Scanner) salvageIDs(b []byte, budget *int) {
	for {
		_, end := recordid.Find(b)
		if end < 0 {
			return
		}
		at := end - recordid.Size
		n, _ := s.around(b, at, end, budget)
		if n == 0 {
			s.raw(b[at:end], s.left)
			n = end
		}
		b = b[n:]
	}
}

// around searches for the map that contains the identity b[at:end] and has its sum. It
// reports that map and returns its end, or 0 if there is none. short reports that the map
// may end after b.
func (s *Scanner) around(b []byte, at, end int, budget *int) (n int, short bool) {
	moved := -1
	id, _ := recordid.Parse(b[at:end])
	for i := max(0, at-maxSeek); i < at && *budget > 0; i++ {
		if !isMap(b[i]) {
			continue
		}
		n, err := s.packed(&s.doc, b[i:], 0)
		*budget -= n
		if err != nil || i+n < end {
			short = short || err == msgpack.ErrShort
			continue
		}
		st := s.judge(func(how reading) { s.packed(&s.doc, b[i:], how) })
		switch {
		case st > Enriched || !slices.ContainsFunc(s.doc.found, func(f finding) bool { return f.id == id }):
			// Another record may be in the remains of this one.
		case st == Intact:
			s.deliver(b[i : i+n])
			return i + n, false
		case moved < 0:
			moved = i
		}
	}
	if moved < 0 {
		if *budget <= 0 {
			s.left = Unchecked
		}
		return 0, short
	}
	b = b[moved:]
	n, _ = s.packed(&s.doc, b, 0)
	s.report(b[:n], func(how reading) { s.packed(&s.doc, b, how) })
	return moved + n, false
}

// mayEnd reports whether the incomplete value at the beginning of b may still be within
// the maximum size.
func (s *Scanner) mayEnd(b []byte) bool {
	if len(b) >= s.maxRecord {
		return false
	}
	f := msgpack.NewFrame()
	_, err := f.Next(b, s.maxRecord)
	return err != msgpack.ErrTooLarge
}

// packed parses one record and returns its length.
func (s *Scanner) packed(d *doc, b []byte, how reading) (int, error) {
	d.reset(how)
	p := packReader{doc: d, b: b}
	if len(b) == 0 || !isMap(b[0]) && !isArray(b[0]) {
		return 0, msgpack.ErrInvalid // not a record
	}
	if _, _, _, ok := p.value(-1, nil, 0); !ok {
		return p.pos, p.err
	}
	return p.pos, nil
}

// isMap reports whether c is the first byte of a map.
func isMap(c byte) bool { return c&0xf0 == 0x80 || c == 0xde || c == 0xdf }

// isArray reports whether c is the first byte of an array.
func isArray(c byte) bool { return c&0xf0 == 0x90 || c == 0xdc || c == 0xdd }

// IsMsgpack reports whether data begins like records in MessagePack or, in case its first
// bytes are broken, contains an event or an identity in MessagePack.
func IsMsgpack(data []byte) bool {
	data = data[:min(len(data), headSize)]
	return len(data) > 0 && (isPacked(data) || hasEvent(data) || bytes.Contains(data, identSign))
}

// fewBytes is the size below which the first byte decides, unless text follows.
const fewBytes = 64

// headSize is the number of bytes from which a format is detected.
const headSize = 4 << 10

// identSign is the beginning of an identity.
var identSign = append([]byte{0xd9, recordid.Size}, recordid.Prefix...)

// listHeader returns the length of the header if b begins with a list of records, that is,
// an array whose first element is a map or an event. Otherwise it returns 0.
func listHeader(b []byte) int {
	n := 0
	switch c := b[0]; {
	case c >= 0x90 && c < 0xa0:
		n = 1
	case c == 0xdc:
		n = 3
	case c == 0xdd:
		n = 5
	}
	if n == 0 || len(b) <= n {
		return 0
	}
	if isMap(b[n]) {
		return n
	}
	// [[time, begins a list as well as an event with metadata.
	if first := b[n:]; first[0] == 0x92 && (b[0] != 0x92 && bytes.HasPrefix(first, eventSign) || bytes.HasPrefix(first[1:], eventSign)) {
		return n
	}
	return 0
}

// eventSign is the beginning of an event. With metadata it follows the first byte.
var eventSign = []byte("\x92\xd7\x00")

// eventAt returns the position of the first event in b, or -1.
func eventAt(b []byte) int {
	for at := 0; ; {
		i := bytes.Index(b[at:], eventSign)
		if i < 0 {
			return -1
		}
		i += at
		at = i + 1
		if t := b[i+len(eventSign):]; len(t) >= 8 && binary.BigEndian.Uint32(t[4:]) >= 1e9 {
			continue // not a time
		}
		if i > 0 && b[i-1] == 0x92 {
			i-- // with metadata
		}
		return i
	}
}

// isEventHead reports whether b begins with an event.
func isEventHead(b []byte) bool {
	return eventAt(b[:min(len(b), 1+len(eventSign)+8)]) == 0
}

// nextEvent returns the position of the first event after the header of the record at the
// beginning of b, or the length of b.
func nextEvent(b []byte) int {
	if len(b) > 2 {
		if i := eventAt(b[2:]); i == 0 && b[1] == 0x92 {
			return 1
		} else if i >= 0 {
			return 2 + i
		}
	}
	return len(b)
}
