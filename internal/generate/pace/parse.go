// SPDX-License-Identifier: Apache-2.0

package pace

import (
	"errors"
	"math/bits"
	"strconv"
	"strings"
	"time"

	"github.com/gdummy/gdummy/internal/config/diag"
	"github.com/gdummy/gdummy/internal/config/units"
)

// ParseProfile parses a load profile: segments, then modifiers, separated by
// semicolons, commas or newlines. [Kinds] lists the syntax of both:
//
//	ramp 0 to 1k for 2m; constant 1k for 10m; ramp 1k to 0 for 30s; repeat
//
// Errors are of type [*diag.Error]. A profile is exact: a number that would
// have to be rounded is an error too.
func ParseProfile(text string) (*Profile, error) {
	r := reader{text: text}
	p, err := r.profile()
	if err != nil {
		return nil, err
	}
	return p, nil
}

// token is a word of the text and its offset.
type token struct {
	text string
	at   int // in bytes
}

type reader struct {
	text string
}

// draft is a parsed segment or modifier, with the positions of its words.
type draft struct {
	segment
	name   token
	values [8]token // of the clauses, by index; empty if omitted
	end    int      // offset of the byte after it
}

func (d *draft) value(word string) token {
	i, _ := d.kind.clause(word)
	return d.values[i]
}

func (r *reader) errorf(at int, format string, args ...any) error {
	return r.nearest("", at, format, args...)
}

// nearest is errorf with a suggestion: the word that was probably meant.
func (r *reader) nearest(near string, at int, format string, args ...any) error {
	e := diag.Errorf(r.text, at, format, args...)
	e.Near = near
	return e
}

// quote quotes s, shortened to 40 bytes.
func quote(s string) string {
	if len(s) > 40 {
		s = strings.ToValidUTF8(s[:37], "") + "..."
	}
	return strconv.Quote(s)
}

func (r *reader) profile() (*Profile, error) {
	if len(r.text) > MaxText {
		return nil, r.errorf(MaxText, "the profile is longer than %d bytes", MaxText)
	}
	p := &Profile{repeat: 1}
	var drafts []draft
	var modifiers []draft
	for at := 0; at < len(r.text); {
		end := at
		if i := strings.IndexAny(r.text[at:], ";,\n"); i >= 0 {
			end += i
		} else {
			end = len(r.text)
		}
		words := split(r.text[at:end], at)
		at = end + 1
		if len(words) == 0 {
			continue
		}
		if n := len(drafts); n > 0 && len(modifiers) == 0 && continues(&drafts[n-1], words) {
			if err := r.more(&drafts[n-1], words); err != nil {
				return nil, err
			}
			continue
		}
		d, err := r.clauses(words)
		if err != nil {
			return nil, err
		}
		if d.kind.modifier {
			for _, m := range modifiers {
				if m.kind == d.kind {
					return nil, r.errorf(d.name.at, "duplicate %s: expected at most one", d.kind.Name)
				}
			}
			modifiers = append(modifiers, d)
			continue
		}
		if len(modifiers) > 0 {
			return nil, r.errorf(d.name.at, "unexpected segment after %s: expected all segments before it", modifiers[0].kind.Name)
		}
		if len(drafts) == MaxSegments {
			return nil, r.errorf(d.name.at, "too many segments: expected at most %d", MaxSegments)
		}
		drafts = append(drafts, d)
	}
	if len(drafts) == 0 {
		at := len(strings.TrimRight(r.text, " \t\r\n"))
		if len(modifiers) > 0 {
			return nil, r.errorf(modifiers[0].name.at, "%s without a segment: expected a segment before it, such as %s", modifiers[0].kind.Name, quote(Kinds[0].Example))
		}
		return nil, r.errorf(at, "expected a segment, such as %s", quote(Kinds[0].Example))
	}
	for _, m := range modifiers {
		if err := r.modify(p, m, drafts); err != nil {
			return nil, err
		}
	}
	if err := r.check(p, drafts, modifiers); err != nil {
		return nil, err
	}
	for i := range drafts {
		p.segments = append(p.segments, drafts[i].segment)
	}
	p.setup()
	return p, nil
}

// split returns the words of part, which starts at offset base of the text.
func split(part string, base int) []token {
	var words []token
	for at := 0; at < len(part); {
		if isSpace(part[at]) {
			at++
			continue
		}
		from := at
		for at < len(part) && !isSpace(part[at]) {
			at++
		}
		words = append(words, token{part[from:at], base + from})
	}
	return words
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f' }

// clauses parses one segment or modifier.
func (r *reader) clauses(words []token) (draft, error) {
	d := draft{name: words[0], end: words[len(words)-1].at + len(words[len(words)-1].text)}
	d.kind = kindOf(strings.ToLower(words[0].text))
	rest := words[1:]
	if d.kind == nil {
		if c := words[0].text[0]; c != '.' && c != '+' && (c < '0' || c > '9') {
			if near := units.Nearest(words[0].text, kindNames()); near != "" {
				return d, r.nearest(near, words[0].at, "unknown word %s", quote(words[0].text))
			}
			return d, r.errorf(words[0].at, "invalid segment %s: expected a rate or one of %s", quote(words[0].text), strings.Join(kindNames(), ", "))
		}
		d.kind, rest = &Kinds[0], words
	}
	err := r.fill(&d, rest)
	return d, err
}

// more parses a part of the text that continues a segment.
func (r *reader) more(d *draft, words []token) error {
	if d.values[1].text != "" {
		return r.errorf(words[0].at, "unexpected %s after %s: expected all times of day before it", quote(words[0].text), quote(d.kind.Clauses[1].Word))
	}
	d.end = words[len(words)-1].at + len(words[len(words)-1].text)
	return r.fill(d, words)
}

// fill parses the clauses of a segment or modifier.
func (r *reader) fill(d *draft, rest []token) error {
	if d.kind.shape == clocked && !d.kind.modifier {
		var err error
		if rest, err = r.entries(d, rest); err != nil {
			return err
		}
		d.values[0] = d.name
	}
	for first := true; len(rest) > 0; first = false {
		w := rest[0]
		i, ok := d.kind.clause(strings.ToLower(w.text))
		switch {
		case ok:
			rest = rest[1:]
			if d.values[i].text != "" {
				return r.errorf(w.at, "duplicate %s: expected at most one", quote(w.text))
			}
			if len(rest) == 0 {
				return r.errorf(d.end, "missing value after %s: expected %s", quote(w.text), expected(d.kind.Clauses[i].Value))
			}
		case first:
			if i, ok = d.kind.clause(""); !ok {
				return r.stray(d, w)
			}
		default:
			return r.stray(d, w)
		}
		v := rest[0]
		rest = rest[1:]
		d.values[i] = v
		c := d.kind.Clauses[i]
		if c.field == nil {
			continue // modify parses the value of a modifier
		}
		n, err := r.read(c.Value, v)
		if err != nil {
			return err
		}
		*c.field(&d.segment) = n
	}
	for i, c := range d.kind.Clauses {
		if c.Optional || d.values[i].text != "" {
			continue
		}
		what := expected(c.Value)
		if c.Word != "" {
			what = quote(c.Word) + " and " + what
		}
		return r.errorf(d.end, "incomplete %s: expected %s (%s)", d.kind.Name, what, d.kind.Syntax())
	}
	return nil
}

// stray returns the error for an unexpected word in a segment.
func (r *reader) stray(d *draft, w token) error {
	words := d.kind.words()
	for i, c := range d.kind.Clauses {
		// A missing first value is reported before anything about the word.
		if c.Word == "" && !c.Optional && d.values[i].text == "" {
			return r.errorf(w.at, "unexpected %s: expected %s (%s)", quote(w.text), expected(c.Value), d.kind.Syntax())
		}
	}
	if near := units.Nearest(w.text, words); near != "" {
		return r.nearest(near, w.at, "unknown word %[2]s in %[1]s", d.kind.Name, quote(w.text))
	}
	if kindOf(strings.ToLower(w.text)) != nil {
		return r.errorf(w.at, "unexpected %s in %s: expected a semicolon or a comma before it", quote(w.text), d.kind.Name)
	}
	if len(words) == 0 {
		return r.errorf(w.at, "unexpected %s: expected the end of %s", quote(w.text), d.kind.Name)
	}
	return r.errorf(w.at, "unexpected %s: expected %s or the end of %s", quote(w.text), strings.Join(words, ", "), d.kind.Name)
}

// read parses the value of a segment's clause.
func (r *reader) read(v Value, t token) (uint64, error) {
	switch v {
	case Rate:
		return r.rate(t)
	case Time:
		return r.time(t)
	case Number:
		return r.number(t)
	}
	switch strings.ToLower(t.text) {
	case "trough":
		return 0, nil
	case "peak":
		return 1, nil
	}
	return 0, r.errorf(t.at, "invalid phase %s: expected trough or peak", quote(t.text))
}

// value adds the position in the text to an error in the value t.
func (r *reader) value(t token, err error) error {
	if e, ok := errors.AsType[*units.Error](err); ok {
		return r.errorf(t.at+e.Offset, "invalid value %s: %s", quote(t.text), e.Text())
	}
	return err
}

func (r *reader) number(t token) (uint64, error) {
	n, err := units.ParseUnsigned(t.text)
	return n, r.value(t, err)
}

// rate parses a rate and returns it in quanta.
func (r *reader) rate(t token) (uint64, error) {
	n, err := units.ParseRate(t.text)
	return uint64(n), r.value(t, err)
}

// time parses a time span and returns it in ns, at least 1.
func (r *reader) time(t token) (uint64, error) {
	d, err := units.ParseDuration(t.text)
	if err == nil && d == 0 {
		err = r.errorf(t.at, "invalid time span %s: expected at least 1ns", quote(t.text))
	}
	return uint64(d), r.value(t, err)
}

// modify applies a modifier.
func (r *reader) modify(p *Profile, m draft, drafts []draft) error {
	v := m.values[0]
	switch m.kind.Name {
	case "jitter":
		return r.modifyJitter(p, m, drafts)
	case "zone", "from":
		return r.modifyDaily(p, m, drafts)
	case "repeat":
		if v.text == "" {
			p.repeat = 0
			return nil
		}
		n, err := r.number(v)
		if err == nil && n == 0 {
			err = r.errorf(v.at, "invalid repeat 0: expected at least 1, or no number to repeat forever")
		}
		p.repeat = n
		return err
	}
	d, err := units.ParseFactor(v.text)
	if err != nil {
		return r.value(v, err)
	}
	for i := range drafts {
		s := &drafts[i].segment
		if s.daily != nil && m.kind.Name == "scale" {
			for j := range s.daily.entries {
				if err := r.scale(d, v, &s.daily.entries[j].rate); err != nil {
					return err
				}
			}
		}
		for _, c := range s.kind.Clauses {
			switch {
			case m.kind.Name == "scale" && c.Value == Rate:
				err = r.scale(d, v, c.field(s))
			case m.kind.Name == "stretch" && c.Value == Time:
				err = r.stretch(d, v, c.field(s))
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// scale multiplies a rate by a factor, the value v.
func (r *reader) scale(d units.Factor, v token, f *uint64) error {
	n, whole, fits := d.Times(*f)
	if !fits || n > quantaPerNanosecond {
		return r.errorf(v.at, "scale %s makes the rate %s too high: expected at most 1G per second", v.text, formatRate(*f))
	}
	if !whole {
		return r.errorf(v.at, "scale %s makes the rate %s too fine: expected a multiple of 0.000001/h", v.text, formatRate(*f))
	}
	*f = n
	return nil
}

// stretch multiplies a time span, if there is one, by a factor, the value v.
func (r *reader) stretch(d units.Factor, v token, f *uint64) error {
	if *f == 0 {
		return nil
	}
	n, whole, fits := d.Times(*f)
	if !fits || n > MaxTime {
		return r.errorf(v.at, "stretch %s makes the time span %s too long: expected at most 36500d", v.text, formatTime(*f))
	}
	if !whole || n == 0 {
		return r.errorf(v.at, "stretch %s makes the time span %s a fraction of a nanosecond: expected whole nanoseconds", v.text, formatTime(*f))
	}
	*f = n
	return nil
}

// check checks the segments and the modifiers against the limits.
func (r *reader) check(p *Profile, drafts, modifiers []draft) error {
	if err := r.checkDaily(drafts, modifiers); err != nil {
		return err
	}
	period := uint64(0)
	endless := false
	for i := range drafts {
		d := &drafts[i]
		dur := d.dur
		switch d.kind.shape {
		case stairs:
			if d.by == 0 {
				return r.errorf(d.value("by").at, "invalid step 0: expected a rate above 0")
			}
			n, overflow := d.last()+1, uint64(0)
			if overflow, dur = bits.Mul64(n, d.every); overflow > 0 || dur > MaxTime {
				return r.errorf(d.value("every").at, "%d steps of %s are too long: expected at most 36500d in total", n, formatTime(d.every))
			}
		case wave:
			if d.a > d.b {
				return r.errorf(d.value("").at, "invalid sine from %s to %s: expected the lower rate first (\"from peak\" starts at the higher one)",
					formatRate(d.a), formatRate(d.b))
			}
		case pulse:
			if d.every+d.off > MaxTime {
				return r.errorf(d.value("off").at, "on and off are too long: expected at most 36500d in total")
			}
		}
		if dur == 0 {
			endless = true
			if i < len(drafts)-1 {
				return r.errorf(d.end, "%s has no end, but another segment follows: expected \"for\" and %s", d.kind.Name, expected(Time))
			}
		}
		if period += dur; period > MaxTime {
			return r.errorf(d.name.at, "the profile is too long: expected at most 36500d in total")
		}
	}
	for _, m := range modifiers {
		if m.kind.Name != "repeat" {
			continue
		}
		if endless {
			last := drafts[len(drafts)-1]
			return r.errorf(m.name.at, "repeat is never reached because %s has no end: expected \"for\" and %s in it", last.kind.Name, expected(Time))
		}
		if hi, lo := bits.Mul64(period, p.repeat); hi > 0 || lo > MaxTime {
			return r.errorf(m.values[0].at, "repeat %s times %s is too long: expected at most 36500d in total", m.values[0].text, formatTime(period))
		}
	}
	return nil
}

func formatRate(n uint64) string { return units.FormatRate(units.Rate(n)) }

func formatTime(ns uint64) string { return units.FormatDuration(time.Duration(ns)) }
