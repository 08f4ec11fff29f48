package pace

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gdummy/gdummy/internal/body"
	"github.com/gdummy/gdummy/internal/spell"
)

// ParseProfile reads a load profile: segments, separated by semicolons, commas
// or line ends, and after them modifiers. [Kinds] has the forms of both:
//
//	ramp 0 to 1k for 2m; constant 1k for 10m; ramp 1k to 0 for 30s; repeat
//
// A mistake comes back as [*body.SyntaxError]. A profile is exact, so a number
// that it would have to round is a mistake too.
func ParseProfile(text string) (*Profile, error) {
	r := reader{text: text}
	p, err := r.profile()
	if err != nil {
		return nil, err
	}
	return p, nil
}

// token is a word of the text.
type token struct {
	text string
	at   int // offset in bytes
}

type reader struct {
	text string
}

// draft is a segment or modifier as it was read, and where.
type draft struct {
	segment
	name   token
	values [8]token // of the clauses, by their index; empty if not given
	end    int      // offset behind it
}

func (d *draft) value(word string) token {
	i, _ := d.kind.clause(word)
	return d.values[i]
}

func (r *reader) errorf(at int, format string, args ...any) error {
	return r.nearest("", at, format, args...)
}

// nearest is errorf for a word that was probably meant to be near.
func (r *reader) nearest(near string, at int, format string, args ...any) error {
	at = min(max(at, 0), len(r.text))
	start := strings.LastIndexByte(r.text[:at], '\n') + 1
	line, _, _ := strings.Cut(r.text[start:], "\n")
	return &body.SyntaxError{
		Line:    strings.Count(r.text[:start], "\n") + 1,
		Column:  utf8.RuneCountInString(r.text[start:at]) + 1,
		Offset:  at,
		Text:    strings.TrimSuffix(line, "\r"),
		Near:    near,
		Problem: fmt.Sprintf(format, args...),
	}
}

// quote shows what was found, shortened.
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
		d, err := r.clauses(words)
		if err != nil {
			return nil, err
		}
		if d.kind.modifier {
			for _, m := range modifiers {
				if m.kind == d.kind {
					return nil, r.errorf(d.name.at, "a second %s, expected at most one", d.kind.Name)
				}
			}
			modifiers = append(modifiers, d)
			continue
		}
		if len(modifiers) > 0 {
			return nil, r.errorf(d.name.at, "a segment after %s, expected all segments before it", modifiers[0].kind.Name)
		}
		if len(drafts) == MaxSegments {
			return nil, r.errorf(d.name.at, "more than %d segments", MaxSegments)
		}
		drafts = append(drafts, d)
	}
	if len(drafts) == 0 {
		at := len(strings.TrimRight(r.text, " \t\r\n"))
		if len(modifiers) > 0 {
			return nil, r.errorf(modifiers[0].name.at, "%s without a segment before it, expected for example %s", modifiers[0].kind.Name, quote(Kinds[0].Example))
		}
		return nil, r.errorf(at, "found nothing, expected a segment, for example %s", quote(Kinds[0].Example))
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

// split returns the words of a part of the text that starts at base.
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

// clauses reads one segment or modifier.
func (r *reader) clauses(words []token) (draft, error) {
	d := draft{name: words[0], end: words[len(words)-1].at + len(words[len(words)-1].text)}
	d.kind = kindOf(strings.ToLower(words[0].text))
	rest := words[1:]
	if d.kind == nil {
		if c := words[0].text[0]; c != '.' && (c < '0' || c > '9') {
			if near := spell.Nearest(words[0].text, kindNames()); near != "" {
				return d, r.nearest(near, words[0].at, "there is no %s", quote(words[0].text))
			}
			return d, r.errorf(words[0].at, "found %s, expected a rate or one of %s", quote(words[0].text), strings.Join(kindNames(), ", "))
		}
		d.kind, rest = &Kinds[0], words
	}
	for first := true; len(rest) > 0; first = false {
		w := rest[0]
		i, ok := d.kind.clause(strings.ToLower(w.text))
		switch {
		case ok:
			rest = rest[1:]
			if d.values[i].text != "" {
				return d, r.errorf(w.at, "a second %s, expected at most one", quote(w.text))
			}
			if len(rest) == 0 {
				return d, r.errorf(d.end, "found nothing after %s, expected %s", quote(w.text), expected(d.kind.Clauses[i].Value))
			}
		case first:
			if i, ok = d.kind.clause(""); !ok {
				return d, r.stray(&d, w)
			}
		default:
			return d, r.stray(&d, w)
		}
		v := rest[0]
		rest = rest[1:]
		d.values[i] = v
		c := d.kind.Clauses[i]
		if c.field == nil {
			continue // a modifier's
		}
		n, err := r.read(c.Value, v)
		if err != nil {
			return d, err
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
		return d, r.errorf(d.end, "%s ends too early, expected %s (%s)", d.kind.Name, what, d.kind.Syntax())
	}
	return d, nil
}

// stray is the mistake of a word that has no place in a segment.
func (r *reader) stray(d *draft, w token) error {
	words := d.kind.words()
	for i, c := range d.kind.Clauses {
		// A value that was not given stands in the way of all words.
		if c.Word == "" && !c.Optional && d.values[i].text == "" {
			return r.errorf(w.at, "found %s, expected %s (%s)", quote(w.text), expected(c.Value), d.kind.Syntax())
		}
	}
	if near := spell.Nearest(w.text, words); near != "" {
		return r.nearest(near, w.at, "%s has no %s", d.kind.Name, quote(w.text))
	}
	if kindOf(strings.ToLower(w.text)) != nil {
		return r.errorf(w.at, "found %s within %s, expected a semicolon or a comma before it", quote(w.text), d.kind.Name)
	}
	if len(words) == 0 {
		return r.errorf(w.at, "found %s, expected the end of %s", quote(w.text), d.kind.Name)
	}
	return r.errorf(w.at, "found %s, expected %s or the end of %s", quote(w.text), strings.Join(words, ", "), d.kind.Name)
}

// expected says what would be right.
func expected(v Value) string {
	switch v {
	case Rate:
		return "a rate such as 500, 1.5k or 30/m"
	case Time:
		return "a time span such as 500ms, 1h30m or 2d"
	case Number:
		return "a whole number such as 3"
	case Factor:
		return "a factor such as 2 or 0.5"
	}
	return "trough or peak"
}

// read reads the value of a segment's clause.
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
	return 0, r.errorf(t.at, "found %s, expected trough or peak", quote(t.text))
}

// decimal is a number as it was written: digits / 10^places.
type decimal struct {
	digits uint64
	scale  uint64 // 10^places
}

// maxDigits is how many digits a number may have: as many as fit.
const maxDigits = 18

// decimal reads the digits at the start of s, and returns what follows.
func (r *reader) decimal(s string, at int) (d decimal, rest string, ok bool, err error) {
	d.scale = 1
	i, count, dot := 0, 0, false
	for ; i < len(s); i++ {
		if s[i] == '.' && !dot {
			dot = true
			continue
		}
		if s[i] < '0' || s[i] > '9' {
			break
		}
		ok = true
		if count == 0 && s[i] == '0' && !dot {
			continue // leading
		}
		if count++; count > maxDigits {
			return d, "", false, r.errorf(at, "found %s, expected at most %d digits", quote(s), maxDigits)
		}
		d.digits = 10*d.digits + uint64(s[i]-'0')
		if dot {
			d.scale *= 10
		}
	}
	return d, s[i:], ok, nil
}

// times returns d*unit, and whether it is whole. It is false also if it does not
// fit.
func (d decimal) times(unit uint64) (n uint64, whole, fits bool) {
	hi, lo := bits.Mul64(d.digits, unit)
	if hi >= d.scale {
		return 0, false, false
	}
	n, rest := bits.Div64(hi, lo, d.scale)
	return n, rest == 0, true
}

// rate returns quanta.
func (r *reader) rate(t token) (uint64, error) {
	d, unit, ok, err := r.decimal(t.text, t.at)
	if err != nil {
		return 0, err
	}
	if !ok {
		return 0, r.errorf(t.at, "found %s, expected %s", quote(t.text), expected(Rate))
	}
	at := t.at + len(t.text) - len(unit)
	suffix, per, isPer := strings.Cut(unit, "/")
	quanta := uint64(quantaPerSecond)
	places := 8
	if isPer {
		switch per {
		case "s":
		case "m":
			quanta, places = quantaPerMinute, 7
		case "h":
			quanta, places = quantaPerHour, 6
		default:
			return 0, r.errorf(at+len(suffix), "a rate per %s, expected /s, /m or /h", quote(per))
		}
	}
	switch suffix {
	case "":
	case "k", "K":
		quanta *= 1e3
	case "M":
		quanta *= 1e6
	case "G", "g":
		quanta *= 1e9
	case "m":
		return 0, r.errorf(at, "a rate in \"m\": expected M for millions, or /m for a rate per minute")
	default:
		return 0, r.errorf(at, "a rate in %s, expected k, M or G, and /s, /m or /h", quote(suffix))
	}
	n, whole, fits := d.times(quanta)
	if !fits || n > quantaPerNanosecond {
		return 0, r.errorf(t.at, "the rate %s is out of range, expected at most 1G per second", t.text)
	}
	if !whole {
		return 0, r.errorf(t.at, "the rate %s is too fine, expected at most %d decimals", t.text, places)
	}
	return n, nil
}

// units of time, in ns. Longer names come before those that they start with.
var units = []struct {
	name string
	ns   uint64
}{
	{"ns", 1}, {"us", 1e3}, {"µs", 1e3}, {"μs", 1e3}, {"ms", 1e6},
	{"s", 1e9}, {"m", 60e9}, {"h", 3600e9}, {"d", 86400e9},
}

// time returns ns, at least 1.
func (r *reader) time(t token) (uint64, error) {
	sum := uint64(0)
	for rest := t.text; rest != ""; {
		at := t.at + len(t.text) - len(rest)
		d, after, ok, err := r.decimal(rest, at)
		if err != nil {
			return 0, err
		}
		if !ok {
			return 0, r.errorf(at, "found %s, expected %s", quote(rest), expected(Time))
		}
		unit := uint64(0)
		if after == "" && rest == t.text {
			unit = 1e9 // a plain number is in seconds
		}
		for _, u := range units {
			if unit == 0 && len(after) >= len(u.name) && strings.EqualFold(after[:len(u.name)], u.name) {
				unit, after = u.ns, after[len(u.name):]
			}
		}
		if unit == 0 {
			return 0, r.errorf(at+len(rest)-len(after), "found %s, expected a unit of time: ns, us, ms, s, m, h or d", quote(after))
		}
		n, whole, fits := d.times(unit)
		if fits && !whole {
			return 0, r.errorf(t.at, "the time span %s is finer than a nanosecond", quote(t.text))
		}
		if sum += n; !fits || n > MaxTime || sum > MaxTime {
			return 0, r.errorf(t.at, "the time span %s is out of range, expected at most 36500d", quote(t.text))
		}
		rest = after
	}
	if sum == 0 {
		return 0, r.errorf(t.at, "the time span %s is empty, expected at least 1ns", quote(t.text))
	}
	return sum, nil
}

func (r *reader) number(t token) (uint64, error) {
	n, err := strconv.ParseUint(t.text, 10, 64)
	if err != nil {
		return 0, r.errorf(t.at, "found %s, expected %s", quote(t.text), expected(Number))
	}
	return n, nil
}

// modify applies a modifier.
func (r *reader) modify(p *Profile, m draft, drafts []draft) error {
	v := m.values[0]
	if m.kind.Name == "repeat" {
		if v.text == "" {
			p.repeat = 0
			return nil
		}
		n, err := r.number(v)
		if err == nil && n == 0 {
			err = r.errorf(v.at, "repeat 0 plays nothing, expected at least 1, or no number for ever")
		}
		p.repeat = n
		return err
	}
	d, rest, ok, err := r.decimal(v.text, v.at)
	if err != nil {
		return err
	}
	if !ok || rest != "" {
		return r.errorf(v.at, "found %s, expected %s", quote(v.text), expected(Factor))
	}
	if d.digits == 0 {
		return r.errorf(v.at, "%s by 0, expected a factor above 0", m.kind.Name)
	}
	for i := range drafts {
		for _, c := range drafts[i].kind.Clauses {
			f := c.field(&drafts[i].segment)
			switch {
			case m.kind.Name == "scale" && c.Value == Rate:
				n, whole, fits := d.times(*f)
				if !fits || n > quantaPerNanosecond {
					return r.errorf(v.at, "scale %s makes the rate %s too high, expected at most 1G per second", v.text, formatRate(*f))
				}
				if !whole {
					return r.errorf(v.at, "scale %s makes the rate %s too fine: rates are in steps of 0.000001/h", v.text, formatRate(*f))
				}
				*f = n
			case m.kind.Name == "stretch" && c.Value == Time && *f != 0:
				n, whole, fits := d.times(*f)
				if !fits || n > MaxTime {
					return r.errorf(v.at, "stretch %s makes the time span %s too long, expected at most 36500d", v.text, formatTime(*f))
				}
				if !whole || n == 0 {
					return r.errorf(v.at, "stretch %s makes the time span %s end within a nanosecond", v.text, formatTime(*f))
				}
				*f = n
			}
		}
	}
	return nil
}

// check holds the segments against one another and against the limits.
func (r *reader) check(p *Profile, drafts, modifiers []draft) error {
	period := uint64(0)
	endless := false
	for i := range drafts {
		d := &drafts[i]
		dur := d.dur
		switch d.kind.shape {
		case stairs:
			if d.by == 0 {
				return r.errorf(d.value("by").at, "steps by 0 lead nowhere, expected a rate above 0")
			}
			n, overflow := d.last()+1, uint64(0)
			if overflow, dur = bits.Mul64(n, d.every); overflow > 0 || dur > MaxTime {
				return r.errorf(d.value("every").at, "%d steps of %s last too long, expected at most 36500d in all", n, formatTime(d.every))
			}
		case wave:
			if d.a > d.b {
				return r.errorf(d.value("").at, "a sine from %s down to %s, expected the lower rate first; \"from peak\" starts at the top",
					formatRate(d.a), formatRate(d.b))
			}
		case pulse:
			if d.every+d.off > MaxTime {
				return r.errorf(d.value("off").at, "on and off last too long, expected at most 36500d together")
			}
		}
		if dur == 0 {
			endless = true
			if i < len(drafts)-1 {
				return r.errorf(d.end, "%s has no end but another segment follows, expected \"for\" and %s", d.kind.Name, expected(Time))
			}
		}
		if period += dur; period > MaxTime {
			return r.errorf(d.name.at, "the profile is longer than 36500d up to here")
		}
	}
	for _, m := range modifiers {
		if m.kind.Name != "repeat" {
			continue
		}
		if endless {
			last := drafts[len(drafts)-1]
			return r.errorf(m.name.at, "repeat never comes, as %s has no end: expected \"for\" and %s in it", last.kind.Name, expected(Time))
		}
		if hi, lo := bits.Mul64(period, p.repeat); hi > 0 || lo > MaxTime {
			return r.errorf(m.values[0].at, "%s times %s is out of range, expected at most 36500d", m.values[0].text, formatTime(period))
		}
	}
	return nil
}

// formatRate writes quanta as a rate that reads back as the same.
func formatRate(n uint64) string {
	per, unit, places := uint64(quantaPerSecond), "", 8
	switch {
	case n%(quantaPerSecond/1e8) == 0:
	case n%(quantaPerMinute/1e7) == 0:
		per, unit, places = quantaPerMinute, "/m", 7
	default:
		per, unit, places = quantaPerHour, "/h", 6
	}
	for _, s := range []struct {
		name string
		size uint64
	}{{"G", 1e9}, {"M", 1e6}, {"k", 1e3}} {
		if n >= per*s.size && n%(per*s.size/100) == 0 {
			return formatDecimal(n, per*s.size, 2) + s.name + unit
		}
	}
	return formatDecimal(n, per, places) + unit
}

// formatDecimal writes n/unit, which has at most so many places.
func formatDecimal(n, unit uint64, places int) string {
	s := strconv.FormatUint(n/unit, 10)
	rest := n % unit
	if rest == 0 {
		return s
	}
	b := append([]byte(s), '.')
	for ; places > 0 && rest > 0; places-- {
		hi, lo := bits.Mul64(rest, 10)
		digit, r := bits.Div64(hi, lo, unit)
		b, rest = append(b, byte('0'+digit)), r
	}
	return string(b)
}

// FormatTime writes a time span, in ns, so that it reads back as the same: 1h30m,
// 1.8s, 500ms, 2d.
func FormatTime(ns int64) string { return formatTime(uint64(max(ns, 0))) }

func formatTime(ns uint64) string {
	if ns == 0 {
		return "0s"
	}
	if ns%86400e9 == 0 {
		return strconv.FormatUint(ns/86400e9, 10) + "d"
	}
	var b strings.Builder
	for _, u := range []struct {
		name string
		ns   uint64
	}{{"h", 3600e9}, {"m", 60e9}} {
		if ns >= u.ns {
			b.WriteString(strconv.FormatUint(ns/u.ns, 10) + u.name)
			ns %= u.ns
		}
	}
	switch {
	case ns == 0:
	case ns >= 1e9 || b.Len() > 0:
		b.WriteString(formatDecimal(ns, 1e9, 9) + "s")
	case ns >= 1e6:
		b.WriteString(formatDecimal(ns, 1e6, 6) + "ms")
	case ns >= 1e3:
		b.WriteString(formatDecimal(ns, 1e3, 3) + "us")
	default:
		b.WriteString(strconv.FormatUint(ns, 10) + "ns")
	}
	return b.String()
}
