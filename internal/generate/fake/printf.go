package fake

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gdummy/gdummy/internal/generate/value"
)

// verb is one % of a format, with the text before it.
type verb struct {
	before string
	verb   byte // 0 at the end of the format
	minus  bool
	zero   bool
	plus   bool
	space  bool
	sharp  bool
	width  int
	prec   int // -1 without
	gen    Gen
}

// buildPrintf takes the format apart. It follows package fmt.
func buildPrintf(c *Call) (Gen, error) {
	const most = 1000
	format := c.str(0)
	gens := c.gens(1)
	var verbs []verb
	var before strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			before.WriteByte(format[i])
			continue
		}
		v := verb{prec: -1}
		i++
	flags:
		for ; i < len(format); i++ {
			switch format[i] {
			case '-':
				v.minus = true
			case '0':
				v.zero = true
			case '+':
				v.plus = true
			case ' ':
				v.space = true
			case '#':
				v.sharp = true
			default:
				break flags
			}
		}
		number := func() int {
			n := 0
			for ; i < len(format) && format[i] >= '0' && format[i] <= '9'; i++ {
				n = min(n*10+int(format[i]-'0'), most+1)
			}
			return n
		}
		v.width = number()
		if i < len(format) && format[i] == '.' {
			i++
			v.prec = number()
		}
		if v.width > most || v.prec > most {
			return nil, argErr(0, "printf: a width or precision is above %d", most)
		}
		if i == len(format) {
			return nil, argErr(0, "printf: the format ends with %%")
		}
		v.verb = format[i]
		if v.verb == '%' {
			before.WriteByte('%')
			continue
		}
		if strings.IndexByte("sdvqxXobcefgtEG", v.verb) < 0 {
			return nil, argErr(0, "printf: there is no verb %%%c, expected one of %%s %%d %%v %%q %%x %%X %%o %%b %%c %%e %%f %%g %%t", v.verb)
		}
		if len(verbs) >= len(gens) {
			return nil, argErr(0, "printf: the format has more verbs than there are values (%d)", len(gens))
		}
		arg := c.Args[len(verbs)+1]
		_, isNumber := arg.Value.Number()
		if of, takes := arg.Kinds, takes(v.verb); !of.mayBe(takes) && !(arg.Const && arg.Value.K == value.String && isNumber && takes.mayBe(numeric)) {
			hint := ""
			if of == kinds(value.String) && takes&numeric != 0 {
				hint = "; %s takes it, toint and tofloat the text of a number"
			}
			return nil, argErr(len(verbs)+1, "printf: %%%c takes %s, found %s%s", v.verb, takes, of, hint)
		}
		v.gen = gens[len(verbs)]
		v.before = before.String()
		before.Reset()
		verbs = append(verbs, v)
	}
	if len(verbs) < len(gens) {
		return nil, argErr(len(verbs)+1, "printf: the format has %d verbs, but there are %d values", len(verbs), len(gens))
	}
	rest := before.String()
	values := make([]value.Value, len(verbs))
	return func(r *Record) value.Value {
		for i := range verbs {
			values[i] = verbs[i].gen(r)
		}
		start := len(r.Scratch)
		b := r.Scratch
		for i := range verbs {
			b = append(b, verbs[i].before...)
			b = verbs[i].append(b, values[i])
		}
		r.Scratch = append(b, rest...)
		return r.text(start)
	}, nil
}

// takes are the types that a verb can write; none are all.
func takes(verb byte) Kinds {
	switch verb {
	case 'd', 'o', 'b', 'c', 'e', 'f', 'g', 'E', 'G':
		return numeric
	case 'x', 'X':
		return numeric | kinds(value.String)
	case 't':
		return kinds(value.Bool)
	}
	return 0
}

// misfit writes a value that the verb can't, as package fmt does.
func (p *verb) misfit(dst []byte, v value.Value) []byte {
	dst = append(dst, '%', '!', p.verb, '(')
	switch v.K {
	case value.Nil, value.Omit:
		return append(dst, "<nil>)"...)
	case value.Raw, value.Row:
	default:
		dst = append(append(dst, [...]string{value.Bool: "bool", value.Int: "int", value.Float: "float64", value.String: "string"}[v.K]...), '=')
	}
	return append(v.AppendText(dst), ')')
}

// append writes a value as the verb says.
func (p *verb) append(dst []byte, v value.Value) []byte {
	start := len(dst)
	numeric := false
	if !kinds(v.K).mayBe(takes(p.verb)) {
		// The text of a number is taken for the number.
		f, ok := v.Number()
		if v.K != value.String || !ok || p.verb == 't' {
			return p.misfit(dst, v)
		}
		if i := v.Int(); float64(i) == f {
			v = value.OfInt(i)
		} else {
			v = value.OfFloat(f)
		}
	}
	switch p.verb {
	case 'd', 'o', 'b', 'x', 'X', 'c':
		if (p.verb == 'x' || p.verb == 'X') && v.K == value.String {
			for i := range len(v.S()) {
				if p.prec >= 0 && i >= p.prec {
					break
				}
				digits := "0123456789abcdef"
				if p.verb == 'X' {
					digits = "0123456789ABCDEF"
				}
				dst = append(dst, digits[v.S()[i]>>4], digits[v.S()[i]&15])
			}
			break
		}
		i := v.Int()
		if p.verb == 'c' {
			dst = utf8.AppendRune(dst, rune(i))
			break
		}
		numeric = true
		base := 10
		switch p.verb {
		case 'x', 'X':
			base = 16
		case 'o':
			base = 8
		case 'b':
			base = 2
		}
		neg := i < 0
		u := uint64(i)
		if neg {
			u = -u
		}
		dst = p.sign(dst, neg)
		if p.sharp && base == 16 {
			dst = append(dst, '0', p.verb)
		}
		digits := len(dst)
		dst = strconv.AppendUint(dst, u, base)
		if p.verb == 'X' {
			for j := digits; j < len(dst); j++ {
				if dst[j] >= 'a' {
					dst[j] -= 'a' - 'A'
				}
			}
		}
		if p.prec >= 0 {
			dst = insert(dst, digits, p.prec-(len(dst)-digits), '0')
			if p.prec == 0 && u == 0 {
				dst = dst[:start] // as fmt has it: nothing, not even a sign
			}
		}
	case 'e', 'f', 'g', 'E', 'G':
		numeric = true
		f := v.Float()
		prec := p.prec
		if prec < 0 && p.verb != 'g' && p.verb != 'G' {
			prec = 6
		}
		dst = p.sign(dst, f < 0 || f == 0 && math.Signbit(f))
		dst = strconv.AppendFloat(dst, math.Abs(f), p.verb, prec, 64)
	case 't':
		dst = strconv.AppendBool(dst, v.N != 0)
	case 'q':
		at := len(dst)
		if v.K == value.String {
			dst = strconv.AppendQuote(dst, v.S())
		} else {
			dst = v.AppendText(dst)
			s := string(dst[at:])
			dst = strconv.AppendQuote(dst[:at], s)
		}
	default:
		numeric = p.verb == 'v' && (v.K == value.Int || v.K == value.Float)
		dst = v.AppendText(dst)
		if p.verb == 's' && p.prec >= 0 {
			end := start
			for n := 0; n < p.prec && end < len(dst); n++ {
				_, size := utf8.DecodeRune(dst[end:])
				end += size
			}
			dst = dst[:end]
		}
	}
	gap := p.width - utf8.RuneCount(dst[start:])
	if gap <= 0 {
		return dst
	}
	switch {
	case p.minus:
		return insert(dst, len(dst), gap, ' ')
	case p.zero && (!numeric || p.prec < 0 || p.isFloat()):
		at := start
		if numeric && at < len(dst) && (dst[at] == '-' || dst[at] == '+' || dst[at] == ' ') {
			at++
		}
		if p.sharp && (p.verb == 'x' || p.verb == 'X') && numeric {
			at += 2
		}
		return insert(dst, at, gap, '0')
	}
	return insert(dst, start, gap, ' ')
}

func (p *verb) isFloat() bool { return strings.IndexByte("efgEG", p.verb) >= 0 }

func (p *verb) sign(dst []byte, neg bool) []byte {
	switch {
	case neg:
		return append(dst, '-')
	case p.plus:
		return append(dst, '+')
	case p.space:
		return append(dst, ' ')
	}
	return dst
}

// insert puts n times ch at i.
func insert(dst []byte, i, n int, ch byte) []byte {
	if n <= 0 {
		return dst
	}
	end := len(dst)
	for range n {
		dst = append(dst, ch)
	}
	copy(dst[i+n:], dst[i:end])
	for j := range n {
		dst[i+j] = ch
	}
	return dst
}
