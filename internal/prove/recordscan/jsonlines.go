// SPDX-License-Identifier: Apache-2.0

package recordscan

import (
	"bytes"

	"github.com/gdummy/gdummy/internal/recordid"
)

// row is the state of scanning a line of JSON.
type row struct {
	open      bool // the line continues
	list      bool // the line is a list of records
	salvaging bool // a value could not be parsed: records may begin anywhere after it

	object bool // that value is an object: records in it are in a list
	large  bool // that value is not broken, but too large
	plain  bool // the line is not JSON
	behind bool // the last thing found was a record
	found  bool // there was an identity
}

// values scans the JSON values in text and returns the rest: nothing if whole is set, or
// else an incomplete value. It skips commas and the brackets of lists of records between
// values.
func (s *Scanner) values(text []byte, whole bool) (rest []byte) {
	budget := scanBudget(len(text))
	if s.row.salvaging {
		return s.salvage(text, 0, budget, whole, [2]int{})
	}
	for {
		j := jsonReader{doc: &s.doc, b: text}
		c := j.space()
		if j.pos == len(text) {
			return nil
		}
		if c == '[' {
			is := j.isList(&s.peek)
			if !whole && j.cut {
				return text
			}
			if is {
				s.row.list = true
				c = ','
			}
		}
		if c == ',' || c == ']' {
			text = text[j.pos+1:]
			continue
		}
		text = text[j.pos:]
		j.b, j.pos = text, 0
		ok := s.read(&j, 0)
		switch {
		case ok && (c == '{' || c == '[') && (len(s.doc.found) > 0 || ends(text[j.pos:])):
			value := text[:j.pos]
			s.report(value, func(how reading) { s.readAgain(value, how) })
			text = text[j.pos:]
		case !ok && !whole && j.ended():
			return text
		default:
			s.row.salvaging, s.row.object, s.row.large = true, c == '{', s.doc.large
			if !s.row.large {
				s.broken++
			}
			return s.salvage(text, 1, budget-j.pos, whole, [2]int{j.list, j.elem})
		}
	}
}

// ends reports whether a value may end before text: nothing, another value or a bracket
// follows, with or without a comma.
func ends(text []byte) bool {
	text = bytes.TrimLeft(text, " \t\r\n")
	if len(text) > 0 && text[0] == ',' {
		text = bytes.TrimLeft(text[1:], " \t\r\n")
	}
	return len(text) == 0 || text[0] == '{' || text[0] == '[' || text[0] == ']'
}

// scanBudget returns the number of bytes that may be parsed without success in n bytes
// of broken input. What remains after that is not checked.
func scanBudget(n int) int { return 1<<20 + 8*n }

// salvager finds records in text that is not valid JSON as a whole: valid objects that
// have an identity or are between records. Identities elsewhere are those of broken
// records.
type salvager struct {
	s      *Scanner
	text   []byte
	budget int
	whole  bool   // no more text follows
	list   [2]int // the range of list elements that precede the broken one

	from  int  // the end of the last record
	short int  // the first incomplete object after from, or -1
	seen  bool // there is an identity in text[from:upTo]
	upTo  int
}

// salvage scans the records in text from at on, and returns the rest that needs more
// text.
func (s *Scanner) salvage(text []byte, at, budget int, whole bool, list [2]int) (rest []byte) {
	v := salvager{s: s, text: text, budget: budget, whole: whole, list: list, short: -1}
	for {
		i := bytes.IndexByte(text[at:], '{')
		if i < 0 {
			return v.end()
		}
		at += i
		n, ok := v.object(at)
		switch {
		case ok && v.isRecord(at):
			v.report(at, n)
			at += n
		case ok:
			at += n
		case v.budget < 0:
			s.remains(text[v.from:], Unchecked)
			return nil
		default:
			at++
		}
	}
}

// object parses the object at the given offset and returns its size. An invalid one is
// charged to the budget.
func (v *salvager) object(at int) (size int, ok bool) {
	j := jsonReader{doc: &v.s.doc, b: v.text[at:]}
	if v.s.read(&j, 0) {
		return j.pos, true
	}
	n := j.pos
	if j.ended() {
		n = len(v.text) - at
		if v.short < 0 {
			v.short = at
		}
	}
	v.budget -= n + 1
	return 0, false
}

// before returns the text between the last record and an object.
func (v *salvager) before(at int) []byte { return bytes.TrimRight(v.text[v.from:at], " \t\r\n") }

// isRecord reports whether the object at the given offset is a record, rather than a
// part of a broken one.
func (v *salvager) isRecord(at int) bool {
	if !v.seen {
		_, end := recordid.Find(v.text[max(v.from, v.upTo-recordid.Size):at])
		v.seen, v.upTo = end >= 0, at
	}
	s := v.s
	if len(s.doc.found) > 0 {
		return true
	}
	switch {
	case s.row.plain, s.row.large && !s.row.found, v.short >= 0 && !v.whole:
		return false
	}
	return v.list[0] < at && at < v.list[1] || s.between(v.before(at), v.seen)
}

// report reports the record at the given offset, and the identities before it.
func (v *salvager) report(at, size int) {
	s := v.s
	before := v.before(at)
	s.remains(v.text[v.from:at], s.row.state())
	if len(before) > 0 {
		switch before[len(before)-1] {
		case ':':
			s.within = !s.row.plain
		case ',', '[':
			s.within = s.row.object && !s.row.list
		}
	}
	s.row.found = s.row.found || len(s.doc.found) > 0
	value := v.text[at : at+size]
	s.report(value, func(how reading) { s.readAgain(value, how) })
	s.within = false
	s.row.behind = true
	v.from, v.short = at+size, -1
	v.seen, v.upTo = false, v.from
}

// end reports the identities after the last record, and returns the rest that needs more
// text.
func (v *salvager) end() (rest []byte) {
	s, text := v.s, v.text
	switch {
	case v.whole:
		s.remains(text[v.from:], s.row.state())
		return nil
	case v.short >= 0:
		return text[v.from:]
	}
	// Keep what may be the beginning of an identity or of a record.
	keep := max(v.from, len(text)-64)
	if window := text[max(v.from, keep-recordid.Size):]; keep > v.from {
		if i := bytes.Index(window, []byte(recordid.Prefix)); i >= 0 {
			keep = min(keep, len(text)-len(window)+i)
		}
		s.remains(text[v.from:keep], s.row.state())
	}
	return text[keep:]
}

// state returns the state of an identity that is not in an object.
func (r *row) state() State {
	if r.large || r.plain {
		return Unchecked
	}
	return Damaged
}

// remains reports the identities in text that has no record.
func (s *Scanner) remains(text []byte, st State) {
	n := s.raw(text, st)
	s.row.found = s.row.found || n > 0
	if n > 0 && s.row.behind && !s.row.plain {
		s.broken++ // another one after the last record
	}
	if n > 0 {
		s.row.behind = false
	}
}

// between reports whether an object without an identity is a record: another record must
// end before it. before is the text between the last record and the object, without
// trailing white space; seen reports that it has the identity of a broken record, which
// usually follows the other fields.
func (s *Scanner) between(before []byte, seen bool) bool {
	// [time, is the front of an event.
	if b, ok := bytes.CutSuffix(before, []byte{','}); ok {
		if t := bytes.TrimRight(b, "0123456789."); len(t) < len(b) && bytes.HasSuffix(t, []byte{'['}) {
			before = bytes.TrimRight(t[:len(t)-1], " \t\r\n")
		}
	}
	before = bytes.TrimRight(bytes.TrimSuffix(before, []byte{','}), " \t\r\n")
	if len(before) == 0 || string(before) == "]" {
		return s.row.behind
	}
	c := before[len(before)-1]
	return seen && (c == '}' || c == ']')
}

// isList reports whether the bracket at the current position begins a list of records.
// It uses peek as scratch space, and sets j.cut if the text is too short to decide.
func (j *jsonReader) isList(peek *doc) bool {
	l := jsonReader{b: j.b, pos: j.pos + 1}
	switch c := l.space(); c {
	case '{', ']':
		return true
	case '[':
		// [[time, body], ... is a list, [[time, metadata], body] an event.
		if l.pos+1 >= len(l.b) || !isDigit(l.b[l.pos+1]) {
			j.cut = l.pos+1 >= len(l.b)
			return false
		}
		peek.reset(0)
		l.doc = peek
		if _, ok := l.array(-1, nil, 1); !ok {
			j.cut = l.ended()
			return false
		}
		switch c := l.space(); c {
		case ']':
			return true
		case ',':
			l.pos++
			c = l.space()
			j.cut = c == 0
			return c == '['
		}
	}
	j.cut = l.pos == len(l.b)
	return j.cut
}

// read parses one value.
func (s *Scanner) read(j *jsonReader, how reading) bool {
	s.doc.reset(how)
	_, ok := j.value(-1, nil, 0)
	return ok
}

// readAgain parses a value again. If the value is not valid with the reading pairs, it is
// parsed without.
func (s *Scanner) readAgain(text []byte, how reading) {
	if !s.read(&jsonReader{doc: &s.doc, b: text}, how) {
		s.read(&jsonReader{doc: &s.doc, b: text}, how&^pairs)
		s.doc.how = how
	}
}
