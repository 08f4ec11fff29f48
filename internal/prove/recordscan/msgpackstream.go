// SPDX-License-Identifier: Apache-2.0

package recordscan

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/gdummy/gdummy/internal/msgpack"
	"github.com/gdummy/gdummy/internal/recordid"
)

// Msgpack reads the records at the front of b and returns what is left: nothing,
// or the beginning of a record that ends after b. Where something is broken it
// goes on at the next event, or at the next map whose sum is right; either may
// come with a later call.
func (s *Scanner) Msgpack(b []byte) (rest []byte) {
	rest = s.pack(b, false)
	s.wanted = 2 * len(rest)
	if !s.lost {
		s.wanted = max(s.wanted, longRecord)
	}
	return rest
}

// longRecord is the length, in bytes, from which on a record that has not come as
// a whole is looked at: its length may be wrong.
const longRecord = 1 << 20

// finish reads what Msgpack has left at the end of a source.
func (s *Scanner) finish(rest []byte) {
	s.pack(rest, true)
	s.lost = false
}

// pack reads the records at the front of b. whole reports whether nothing follows.
func (s *Scanner) pack(b []byte, whole bool) (rest []byte) {
	budget := scanBudget(len(b))
	for len(b) > 0 {
		if s.lost {
			if b = s.seek(b, &budget, whole); s.lost {
				return b
			}
			continue
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
			return b // an event within the record would show that its length is wrong
		}
		s.brokenPack(large)
		switch budget -= n; {
		case budget < 0:
			s.raw(b, Unchecked)
			return nil
		case next == len(b) && !whole:
			s.lost = true
			b = b[min(len(b), 2):] // after its own sign
		default:
			s.salvageIDs(b[1:next], &budget)
			b = b[next:]
		}
	}
	return nil
}

// accept judges the record of n bytes that was read at the front of b, and reports it
// if it has the length that it should have. more reports that this depends on what
// follows b.
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
		s.report(again)
	} else {
		s.deliver()
	}
	return true, false
}

// brokenPack counts a piece that could not be read. large reports that it was only too
// large to be checked: the identities in it are not those of damaged records then.
func (s *Scanner) brokenPack(large bool) {
	if s.left = Damaged; large {
		s.left = Unchecked
		return
	}
	s.broken++
}

// endsWell reports whether a record of n bytes that is not intact has, at least, the
// length that it should have. more says that it cannot be known before there is
// more of what follows.
func (s *Scanner) endsWell(b []byte, n int, st State, whole bool) (well, more bool) {
	// Has it swallowed the beginning of an event, or another identity, in a
	// string or as a name?
	if nextEvent(b[:min(len(b), n+len(eventSign))]) < n || !s.hasAll(b[:n]) {
		return false, false
	}
	follows := b[n:]
	switch d := &s.doc; {
	case st == Enriched:
		return true, false
	case len(d.nodes) == 0, isEventHead(b) && !d.event:
		return false, false // it has no body
	case d.binary:
		return false, false // an identity is part of a string that is none
	case len(follows) == 0:
		return whole, !whole
	case isMap(b[0]) != isMap(follows[0]):
		return false, false // the front of an event, and the rest of it
	case isEventHead(follows):
		return true, false
	}
	_, err := s.packed(&s.peek, follows, 0)
	return err != msgpack.ErrInvalid || s.peek.large, false
}

// hasAll reports whether all identities in the bytes of the record were found in it,
// and those that are values as such.
func (s *Scanner) hasAll(b []byte) bool {
	if s.doc.place != "" {
		return true // others are not looked for
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

// isEvent reports whether b begins with an event that is there as a whole and right.
func (s *Scanner) isEvent(b []byte) bool {
	_, err := s.packed(&s.doc, b, 0)
	return err == nil && s.judge(func(how reading) { s.packed(&s.doc, b, how) }) <= Enriched
}

// maxSeek is how far before and behind an identity its record may reach, in
// bytes, to be found again within broken bytes.
const maxSeek = 64 << 10

// seek looks, behind something broken, for the next event or the next map that
// has an identity and the right sum, and reports the identities before. With
// s.lost still set it returns what may be the beginning of what it looks for.
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

// salvageIDs reports the identities in a piece that is broken, and the maps that are
// right.
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

// around looks for the map around the identity b[at:end] that its sum was made
// of, reports it, and returns where it ends; 0 if there is none. short says that
// there may be one that ends after b.
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
			// Another record may stand in what is left of this one.
		case st == Intact:
			s.deliver()
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
	s.report(func(how reading) { s.packed(&s.doc, b, how) })
	return moved + n, false
}

// mayEnd reports whether the value at the front of b, which is not complete, can be
// short enough.
func (s *Scanner) mayEnd(b []byte) bool {
	if len(b) >= s.maxRecord {
		return false
	}
	f := msgpack.NewFrame()
	_, err := f.Next(b, s.maxRecord)
	return err != msgpack.ErrTooLarge
}

// packed takes one record apart and returns its length.
func (s *Scanner) packed(d *doc, b []byte, how reading) (int, error) {
	d.reset(how)
	p := packReader{doc: d, b: b}
	if len(b) == 0 || !isMap(b[0]) && !isArray(b[0]) {
		return 0, msgpack.ErrInvalid // what else there is is no record
	}
	if _, _, _, ok := p.value(-1, nil, 0); !ok {
		return p.pos, p.err
	}
	return p.pos, nil
}

// isMap reports whether a byte is the header of a map.
func isMap(c byte) bool { return c&0xf0 == 0x80 || c == 0xde || c == 0xdf }

// isArray reports whether a byte is the header of an array.
func isArray(c byte) bool { return c&0xf0 == 0x90 || c == 0xdc || c == 0xdd }

// IsMsgpack reports whether data begins as MessagePack of records does, or, where
// its first bytes are broken, has what only that has.
func IsMsgpack(data []byte) bool {
	data = data[:min(len(data), headSize)]
	return len(data) > 0 && (isPacked(data) || hasEvent(data) || bytes.Contains(data, identSign))
}

// fewBytes is how many bytes tell too little: the first one counts then, and that
// what is behind it is no text.
const fewBytes = 64

// headSize is how many bytes may tell what a source is.
const headSize = 4 << 10

// identSign is how an identity begins.
var identSign = append([]byte{0xd9, recordid.Size}, recordid.Prefix...)

// listHeader returns the length of the header of an array whose first element
// is a map or an event: a list of records; 0 if b begins otherwise.
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
	// [[time, is the front of a list as well as of an event with metadata.
	if first := b[n:]; first[0] == 0x92 && (b[0] != 0x92 && bytes.HasPrefix(first, eventSign) || bytes.HasPrefix(first[1:], eventSign)) {
		return n
	}
	return 0
}

// eventSign is how an event begins, or, where it has metadata, goes on.
var eventSign = []byte("\x92\xd7\x00")

// eventAt returns where the first event in b begins, or -1.
func eventAt(b []byte) int {
	for at := 0; ; {
		i := bytes.Index(b[at:], eventSign)
		if i < 0 {
			return -1
		}
		i += at
		at = i + 1
		if t := b[i+len(eventSign):]; len(t) >= 8 && binary.BigEndian.Uint32(t[4:]) >= 1e9 {
			continue // that is no time
		}
		if i > 0 && b[i-1] == 0x92 {
			i-- // with metadata
		}
		return i
	}
}

// isEventHead reports whether an event begins at the front of b.
func isEventHead(b []byte) bool {
	return eventAt(b[:min(len(b), 1+len(eventSign)+8)]) == 0
}

// nextEvent returns where, behind the head of the record at the front of b, the
// next event begins, or the length of b.
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
