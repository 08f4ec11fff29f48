// SPDX-License-Identifier: Apache-2.0

package recordscan

import (
	"bytes"
	"math"
	"math/big"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/gdummy/gdummy/internal/recordid"
)

// Programs may rewrite values without changing their meaning: integers as doubles and
// doubles as integers, text as an array of its bytes, HTML's special characters in
// strings of JSON as escapes. A body that matches once this is undone is not damaged.
// Since that takes time, only findings that would otherwise be damaged are reconsidered.

// large is the size from which some programs write integers and doubles alike, while
// Fluent Bit distinguishes them. For smaller numbers, see [doc.float].
const large = 1e16

// maxPicked is the maximum number of possibly rewritten values whose combinations are all
// tried. A record may have both rewritten and original ones.
const maxPicked = 4

// other counts a value that may be rewritten, and reports whether to replace it.
func (d *doc) other() bool {
	n := d.choices
	d.choices++
	return d.how&rewritten != 0 && n < maxPicked && d.pick>>n&1 != 0
}

// integer returns the hash of an integer.
func (d *doc) integer(size uint64, negative bool) uint64 {
	if size >= large && d.how&(probe|rewritten) != 0 && mayBeDouble(size) && d.other() {
		h, _ := recordid.HashFloat(float64(size))
		if negative {
			h, _ = recordid.HashFloat(-float64(size))
		}
		return h
	}
	h, ambiguous := recordid.HashInteger(size, negative, d.how&coarse != 0)
	d.ambiguous = d.ambiguous || ambiguous
	return h
}

// mayBeDouble reports whether an integer has no more significant digits than a double.
func mayBeDouble(size uint64) bool {
	for size >= 1e17 {
		if size%10 != 0 {
			return false
		}
		size /= 10
	}
	return true
}

// float returns the hash of a double. A body that is not coarse has no doubles from 1e15
// to 1e16; such a number was an integer.
func (d *doc) float(f float64) uint64 {
	h, ambiguous := recordid.HashFloat(f)
	if ambiguous {
		d.ambiguous = true
		if d.how&coarse == 0 && f == math.Trunc(f) {
			h, _ = recordid.HashInteger(uint64(math.Abs(f)), f < 0, false)
		}
	}
	return h
}

// double is like float for a number that may be large. text is its representation, or nil
// if f is exact.
func (d *doc) double(f float64, text []byte) uint64 {
	if size := math.Abs(f); size >= large && size < 1<<64 && d.how&(probe|rewritten) != 0 && d.other() {
		n, exact := uint64(size), true
		if text != nil {
			n, exact = wholeNumber(bytes.TrimPrefix(text, []byte{'-'}))
		}
		if exact {
			h, _ := recordid.HashInteger(n, f < 0, d.how&coarse != 0)
			return h
		}
	}
	return d.float(f)
}

// maxNumber is the maximum length of a number that wholeNumber reads, whose time is the square
// of the length.
const maxNumber = 512

// wholeNumber returns the integer below 2^64 that text represents, with a fraction or an
// exponent.
func wholeNumber(text []byte) (n uint64, ok bool) {
	if len(text) > maxNumber {
		return 0, false
	}
	r, ok := new(big.Rat).SetString(string(text))
	if !ok || !r.IsInt() || !r.Num().IsUint64() {
		return 0, false
	}
	return r.Num().Uint64(), true
}

// numbers examines an array of numbers from list to the current position, whose hash is
// h: they may be the bytes of a text, as journald writes it. It returns the hash to use.
func (j *jsonReader) numbers(h uint64, list int, n int32, name []byte) uint64 {
	d := j.doc
	start, value := len(d.text), 0
	for i, c := range j.b[list+1 : j.pos] {
		switch {
		case isDigit(c):
			value = value*10 + int(c-'0')
			if value > math.MaxUint8 {
				return h
			}
		case c == ',' || c == ']':
			if c := j.b[list+i]; !isDigit(c) && c > ' ' {
				return h
			}
			d.text = append(d.text, byte(value))
			value = 0
		case c > ' ':
			return h
		}
	}
	text := d.text[start:len(d.text):len(d.text)]
	if len(text) >= recordid.Size {
		d.blob(text, n, name)
	}
	if d.how&(probe|rewritten) != 0 && isJournal(name) && d.other() {
		return d.hashString(text)
	}
	return h
}

// isJournal reports whether a name may be that of a journald field: capital letters,
// digits and underscores. Their values are text or bytes, never numbers.
func isJournal(name []byte) bool {
	for _, c := range name {
		if !isDigit(c) && c != '_' && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return len(name) > 0
}

// hashString returns the hash of a string.
func (d *doc) hashString(s []byte) uint64 {
	if d.how&(probe|unescaped|plainHTML|html) != 0 {
		s = d.undone(s)
	}
	return recordid.HashString(s)
}

// undone undoes the escaping of a string, according to the reading.
func (d *doc) undone(s []byte) []byte {
	if bytes.Contains(s, []byte(`\u`)) || bytes.Contains(s, []byte(`\/`)) {
		d.hints |= unescaped | plainHTML
		if d.how&(unescaped|plainHTML) != 0 {
			return d.unescape(s, d.how&unescaped == 0)
		}
	}
	if t := bytes.TrimLeft(s, " \t\r\n"); len(t) > 0 && (t[0] == '{' || t[0] == '[') && bytes.ContainsAny(t, "<>&") {
		d.hints |= html
		if d.how&html != 0 {
			start := len(d.text)
			for _, c := range s {
				switch c {
				case '<', '>', '&':
					d.text = append(append(d.text, `\u00`...), "0123456789abcdef"[c>>4], "0123456789abcdef"[c&15])
				default:
					d.text = append(d.text, c)
				}
			}
			return d.text[start:]
		}
	}
	return s
}

// unescape undoes the escapes that JSON does not require.
func (d *doc) unescape(s []byte, htmlOnly bool) []byte {
	start := len(d.text)
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			d.text = append(d.text, s[i])
			continue
		}
		r, ok := hex4(s[min(len(s), i+2):])
		switch n := s[i+1]; {
		case n == '/' && !htmlOnly:
			i++
			d.text = append(d.text, '/')
			continue
		case n != 'u' || !ok || r < ' ' || r == '"' || r == '\\',
			htmlOnly && r != '<' && r != '>' && r != '&' && r != '\'' && r != 0x2028 && r != 0x2029:
			d.text = append(d.text, s[i], n)
			i++
			continue
		}
		i += 5
		if utf16.IsSurrogate(r) && len(s) > i+6 && s[i+1] == '\\' && s[i+2] == 'u' {
			low, _ := hex4(s[i+3:])
			if c := utf16.DecodeRune(r, low); c != utf8.RuneError {
				r = c
				i += 6
			}
		}
		d.text = utf8.AppendRune(d.text, r)
	}
	return d.text[start:]
}

// reconsider verifies damaged findings again, with readings that undo how other programs
// may have rewritten the record.
func (s *Scanner) reconsider(again func(reading)) {
	d := &s.doc
	base := d.how
	s.subsetSum.few = true
	defer func() { s.subsetSum.few = false }()
	r := reconsideration{s: s, again: again, foreign: d.foreign}
	s.states = s.states[:0]
	for i := range d.found {
		f := &d.found[i]
		s.states = append(s.states, f.state)
		if f.state == Damaged {
			r.damaged++
			r.coarse = r.coarse || f.id.Sum.Coarse
		}
	}
	r.try(base | unfolded | probe)
	choices := d.choices
	for _, escapes := range []reading{0, unescaped, plainHTML, html} {
		if escapes&^r.hints != 0 {
			continue
		}
		for d.pick = 0; d.pick < 1<<min(choices, maxPicked); d.pick++ {
			if escapes != 0 || d.pick > 0 {
				r.try(base | unfolded | rewritten | escapes)
			}
		}
	}
	if len(d.found) != len(s.states) {
		again(base)
	}
	for i := range d.found {
		f := &d.found[i]
		if f.state = s.states[i]; f.state == Damaged && choices > maxPicked {
			f.state = Unchecked // not all combinations were tried
		}
	}
	d.foreign = r.foreign
}

// reconsideration is the progress of reconsider. The states are in Scanner.states, as each
// reading replaces the findings.
type reconsideration struct {
	s       *Scanner
	again   func(reading)
	damaged int     // number of findings that are still damaged
	coarse  bool    // one of them has a coarse sum
	hints   reading // of all readings so far
	foreign int     // number of foreign records
}

// try verifies damaged findings with a reading, coarse or not as their sums are.
func (r *reconsideration) try(how reading) {
	how &^= coarse
	if r.damaged > 0 {
		r.read(how)
	}
	if r.damaged > 0 && r.coarse {
		r.read(how | coarse)
	}
}

// read verifies those damaged findings to which a reading applies.
func (r *reconsideration) read(how reading) {
	s, d := r.s, &r.s.doc
	r.again(how)
	r.hints |= d.hints
	if len(d.found) != len(s.states) {
		r.damaged = 0
		return
	}
	s.effort = 1<<16 + 32*len(d.members)
	for i, st := range s.states {
		f := &d.found[i]
		if st != Damaged || f.id.Sum.Coarse != (how&coarse != 0) {
			continue
		}
		st, body := s.verify(f)
		if st > Enriched {
			if st, body = s.moved(f), -1; st == Damaged {
				continue
			}
		}
		if st == Intact && s.within {
			st = Enriched
		}
		s.states[i] = st
		if body >= 0 {
			before := d.foreign
			d.listed(body)
			r.foreign += d.foreign - before
		}
		r.damaged--
	}
}

// maxMoved is the maximum number of maps examined to find the body of an identity that
// was moved.
const maxMoved = 64

// moved returns the state of a record whose identity was moved from its body to a label
// of the line, or to another place in the same element of a list. If the line is text, or
// lacks members that may have been moved as well, it is unchecked.
func (s *Scanner) moved(f *finding) State {
	d := &s.doc
	if f.node < 0 {
		return Damaged
	}
	lo, hi, line := d.around(f)
	for n := lo; n < hi && n < lo+maxMoved; n++ {
		if n == f.node {
			continue
		}
		if st := s.matchSum(f, n, nil); st <= Enriched {
			return Enriched
		}
	}
	if line == noLine {
		return Damaged
	}
	if line == textLine {
		return Unchecked
	}
	// The number of members is known modulo 16. If fewer than 8 are missing, they may
	// have become labels. Otherwise none is missing, and one was changed.
	if missing := (f.id.Sum.Members - int(d.nodes[line].count)) & 15; missing > 0 && missing < 8 {
		return Unchecked
	}
	return Damaged
}

// Results of around for a line: none, or one that is not JSON.
const (
	noLine   int32 = -1
	textLine int32 = -2
)

// around returns the maps of the record that has a finding, nodes[lo:hi]. If the record
// is a line with labels, as in Loki, it also returns the map that is the line.
func (d *doc) around(f *finding) (lo, hi, line int32) {
	for i := range d.tuples {
		t := &d.tuples[i]
		if f.node < t.lo || f.node >= t.hi {
			continue
		}
		switch {
		case !t.line:
			line = noLine
		case d.within(f.node, t.lo):
			line = textLine
		default:
			line = t.lo
		}
		return t.lo, t.hi, line
	}
	up := d.nodes[f.node].parent
	if up < 0 {
		return 0, 0, noLine
	}
	nd := d.nodes[up]
	hi = up + 1
	for _, m := range d.members[nd.first : nd.first+nd.count] {
		hi = max(hi, m.hi)
	}
	for n := up + 1; n < hi; n++ {
		if n != f.node && d.nodes[n].parent == up && bytes.Equal(d.nodes[n].name, d.nodes[f.node].name) {
			return 0, 0, noLine // an element of a list
		}
	}
	line = noLine
	for _, form := range [][2]string{{"stream", "values"}, {"labels", "line"}} {
		if m := d.member(up, form[1]); m != nil && string(d.nodes[f.node].name) == form[0] {
			if line = textLine; m.lo < m.hi {
				line = m.lo
			}
		}
	}
	return up + 1, hi, line
}

// within reports whether map n is map other, or is in it.
func (d *doc) within(n, other int32) bool {
	for n > other {
		n = d.nodes[n].parent
	}
	return n == other
}
