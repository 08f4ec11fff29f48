// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gdummy/gdummy/internal/generate/value"
)

// directive is a directive of a format, with the text before it.
type directive struct {
	before string
	text   string // in the syntax of package fmt
	verb   byte
	minus  bool // pad on the right
	zero   bool // pad numbers with zeros
	width  int
	prec   int    // or -1
	put    Append // appends the text of the value as it is, nil if unknown
	fast   bool   // formatted without package fmt, which allocates
	plain  bool   // appends integers and strings as they are
	gen    Gen
}

// directives matches flags, width, precision and verb.
var directives = regexp.MustCompile(`%([-+# 0]*)(\d*)(\.\d*)?(.?)`)

const (
	verbs    = "sdvqxXobcefgtEG"
	maxWidth = 1000
)

// buildPrintf builds printf. The format has the syntax of package fmt.
func buildPrintf(c *Call) (Gen, error) {
	format, gens := c.str(0), c.gens(1)
	var ds []directive
	var before strings.Builder
	texts := directives.Split(format, -1)
	for i, m := range directives.FindAllStringSubmatch(format, -1) {
		before.WriteString(texts[i])
		d, err := parseDirective(m[0], m[1], m[2], m[3], m[4])
		switch {
		case err != nil:
			return nil, err
		case d.verb == '%':
			before.WriteByte('%')
			continue
		case len(ds) >= len(gens):
			return nil, argErr(0, "printf: expected as many values as the format has verbs, found %d", len(gens))
		}
		if err := d.accepts(c.Args[len(ds)+1], len(ds)+1); err != nil {
			return nil, err
		}
		d.gen = gens[len(ds)]
		d.plain = d.fast && (d.verb == 'd' || d.kinds() == 0) && d.width == 0
		if d.width == 0 && d.fast && d.kinds() == 0 {
			d.put = c.Args[len(ds)+1].Text
		}
		d.before = before.String()
		before.Reset()
		ds = append(ds, d)
	}
	if len(ds) < len(gens) {
		return nil, argErr(len(ds)+1, "printf: expected %d values, one for each verb of the format, found %d", len(ds), len(gens))
	}
	rest := before.String() + texts[len(texts)-1]
	return c.textsOfArgs(func(dst []byte, r *Record) []byte {
		for i := range ds {
			d := &ds[i]
			dst = append(dst, d.before...)
			if d.put != nil {
				dst = d.put(dst, r)
			} else {
				dst = d.append(dst, d.gen(r))
			}
		}
		return append(dst, rest...)
	}), nil
}

// parseDirective parses a directive. prec has its point, or is empty.
func parseDirective(text, flags, width, prec, verb string) (directive, error) {
	number := func(digits string) int {
		n, err := strconv.Atoi("0" + digits)
		if err != nil {
			return maxWidth + 1
		}
		return n
	}
	d := directive{
		text: text, minus: strings.Contains(flags, "-"), zero: strings.Contains(flags, "0"),
		width: number(width), prec: -1,
	}
	if prec != "" {
		d.prec = number(prec[1:])
	}
	switch {
	case d.width > maxWidth || d.prec > maxWidth:
		return d, argErr(0, "printf: expected width and precision up to %d", maxWidth)
	case verb == "":
		return d, argErr(0, "printf: expected a verb at the end of the format, found %%")
	case verb == "%":
		d.verb = '%'
		return d, nil
	case !strings.Contains(verbs, verb):
		return d, argErr(0, "printf: unknown verb %%%s: expected %%%s", verb, strings.Join(strings.Split(verbs, ""), ", %"))
	}
	d.verb = verb[0]
	d.fast = !strings.ContainsAny(flags, "+# ")
	switch d.verb {
	case 's', 'v':
		d.fast = d.fast && d.prec < 0 && !d.zero
	case 'd', 'x':
		d.fast = d.fast && d.prec < 0
	case 'f', 'e':
		if d.prec < 0 {
			d.prec = 6
		}
	case 'g':
	default:
		d.fast = false
	}
	return d, nil
}

// kinds returns the types that a verb formats, or 0 for all.
func (d *directive) kinds() Kinds {
	switch d.verb {
	case 'd', 'o', 'b', 'c', 'e', 'f', 'g', 'E', 'G':
		return numeric
	case 'x', 'X':
		return numeric | kinds(value.String)
	case 't':
		return kinds(value.Bool)
	}
	return 0
}

// accepts checks the type of argument i, as far as known. A string with a number is
// valid as a number.
func (d *directive) accepts(arg Operand, i int) error {
	want := d.kinds()
	if arg.Kinds.mayBe(want) {
		return nil
	}
	hint := ""
	if arg.Kinds == kinds(value.String) && want&numeric != 0 {
		if _, ok := arg.Value.Number(); ok && arg.Const {
			return nil
		}
		hint = "; use %s, or toint or tofloat if the string is a number"
	}
	return argErr(i, "printf: %%%c: expected %s, found %s%s", d.verb, want, arg.Kinds, hint)
}

// append appends a formatted value.
func (d *directive) append(dst []byte, v value.Value) []byte {
	if d.plain && (v.K == value.Int || v.K == value.String && d.verb != 'd') {
		return v.AppendText(dst)
	}
	want := d.kinds()
	if v.K == value.String && want&numeric != 0 && !kinds(v.K).mayBe(want) {
		v = asNumber(v)
	}
	start := len(dst)
	switch {
	case want != 0 && (v.K == value.Raw || v.K == value.Row):
		return fmt.Appendf(dst, "%%!%c(%s)", d.verb, v.AppendText(nil))
	case !d.fast || !kinds(v.K).mayBe(want) || d.verb == 'x' && v.K == value.String:
		return fmt.Appendf(dst, d.text, d.goValue(v))
	case want == 0:
		dst = v.AppendText(dst)
	case d.verb == 'd':
		dst = strconv.AppendInt(dst, v.Int(), 10)
	case d.verb == 'x':
		dst = strconv.AppendInt(dst, v.Int(), 16)
	default:
		dst = strconv.AppendFloat(dst, v.Float(), d.verb, d.prec, 64)
	}
	return d.pad(dst, start)
}

// pad pads dst[start:] to the width.
func (d *directive) pad(dst []byte, start int) []byte {
	if d.width == 0 {
		return dst
	}
	gap := d.width - utf8.RuneCount(dst[start:])
	switch {
	case d.minus:
		return insert(dst, len(dst), gap, ' ')
	case !d.zero:
		return insert(dst, start, gap, ' ')
	case dst[start] == '-':
		start++
	}
	return insert(dst, start, gap, '0')
}

// goValue returns the value to pass to package fmt.
func (d *directive) goValue(v value.Value) any {
	switch {
	case v.K == value.Nil || v.K == value.Omit:
		if d.kinds() != 0 {
			return nil
		}
	case d.verb == 's' || d.verb == 'q' || v.K == value.String || v.K == value.Raw || v.K == value.Row:
	case v.K == value.Bool:
		return v.N != 0
	case v.K == value.Int && !d.isFloat(), v.K == value.Float && d.kinds()&numeric != 0 && !d.isFloat():
		return int(v.Int())
	default:
		return v.Float()
	}
	return string(v.AppendText(nil))
}

func (d *directive) isFloat() bool { return strings.IndexByte("efgEG", d.verb) >= 0 }

// asNumber returns the number in a string, or the string if it is not a number.
func asNumber(v value.Value) value.Value {
	f, ok := v.Number()
	if !ok {
		return v
	}
	if i := v.Int(); float64(i) == f {
		return value.OfInt(i)
	}
	return value.OfFloat(f)
}
