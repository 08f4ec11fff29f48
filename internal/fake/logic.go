package fake

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tinylib/msgp/msgp"

	"github.com/gdummy/gdummy/internal/value"
)

// compare makes a comparison of Go's templates.
func compare(name, doc, example string, holds func(order int) bool) Func {
	return Func{
		Name: name, Section: secLogic, Result: "boolean", Pure: true, Example: example, Doc: doc,
		Args: []Arg{{Name: "A", Dynamic: true}, {Name: "B", Dynamic: true}},
		build: func(c *Call) (Gen, error) {
			a, b := c.Args[0].Gen, c.Args[1].Gen
			return func(r *Record) value.Value {
				order, ok := value.Compare(a(r), b(r))
				return value.OfBool(ok && holds(order))
			}, nil
		},
	}
}

// arithmetic makes a function of two numbers. Of integers the result is an
// integer, unless it does not fit one.
func arithmetic(name, doc, example string, ints func(a, b int64) (int64, bool), floats func(a, b float64) float64) Func {
	return Func{
		Name: name, Section: secLogic, Result: "integer or number", Pure: true, Example: example, Doc: doc,
		Args: []Arg{{Name: "A", Type: Number, Dynamic: true}, {Name: "B", Type: Number, Dynamic: true}},
		build: func(c *Call) (Gen, error) {
			a, b := c.Args[0].Gen, c.Args[1].Gen
			return func(r *Record) value.Value {
				x, y := a(r), b(r)
				if x.K == value.Int && y.K == value.Int && ints != nil {
					if i, ok := ints(int64(x.N), int64(y.N)); ok {
						return value.OfInt(i)
					}
				}
				f, ok := x.Number()
				g, ok2 := y.Number()
				h := floats(f, g)
				if !ok || !ok2 || math.IsNaN(h) || math.IsInf(h, 0) {
					return value.Null
				}
				return value.OfFloat(h)
			}, nil
		},
	}
}

// onText makes a function that appends something made of one text.
func onText(name, doc, example string, appendTo func(dst []byte, s string) []byte) Func {
	return Func{
		Name: name, Section: secStrings, Result: "string", Pure: true, Example: example, Doc: doc,
		Args: []Arg{{Name: "TEXT", Dynamic: true}},
		build: func(c *Call) (Gen, error) {
			return c.textsOf(c.Args[0].Gen, func(dst []byte, r *Record, s string) []byte {
				return appendTo(dst, s)
			}), nil
		},
	}
}

// asText returns the text of a value.
func asText(r *Record, v value.Value) string {
	if v.K == value.String {
		return v.S
	}
	start := len(r.Scratch)
	r.Scratch = v.AppendText(r.Scratch)
	return r.text(start).S
}

// appendLower and appendUpper append s in lower and in upper case.
func appendLower(dst []byte, s string) []byte {
	at := len(dst)
	if dst = append(dst, s...); !turnCase(dst[at:], s, 'A') {
		dst = dst[:at]
		for _, c := range s {
			dst = utf8.AppendRune(dst, unicode.ToLower(c))
		}
	}
	return dst
}

func appendUpper(dst []byte, s string) []byte {
	at := len(dst)
	if dst = append(dst, s...); !turnCase(dst[at:], s, 'a') {
		dst = dst[:at]
		for _, c := range s {
			dst = utf8.AppendRune(dst, unicode.ToUpper(c))
		}
	}
	return dst
}

// turnCase writes s to dst, which is as long, with the 26 letters from first on
// in the other case, and says whether all of s is ASCII. Eight letters are turned
// at once: letters at random places make branches hard to predict.
func turnCase(dst []byte, s string, first uint64) bool {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	src := value.Bytes(s)
	seen := uint64(0)
	turn := func(x uint64) uint64 {
		seen |= x
		low := x &^ high
		from := low + (0x80-first)*ones      // the highest bit of a byte says: not before the first
		behind := low + (0x80-first-26)*ones // behind the last
		return x ^ (from&^behind&high)>>2
	}
	n := len(src)
	if n < 8 {
		var b [8]byte
		copy(b[:], src)
		binary.LittleEndian.PutUint64(b[:], turn(binary.LittleEndian.Uint64(b[:])))
		copy(dst, b[:n])
		return seen&high == 0
	}
	for i := 0; i+8 < n; i += 8 {
		binary.LittleEndian.PutUint64(dst[i:], turn(binary.LittleEndian.Uint64(src[i:])))
	}
	binary.LittleEndian.PutUint64(dst[n-8:], turn(binary.LittleEndian.Uint64(src[n-8:])))
	return seen&high == 0
}

// onTwo makes a test of a text against another.
func onTwo(name, doc, example string, holds func(s, part string) bool) Func {
	return Func{
		Name: name, Section: secStrings, Result: "boolean", Pure: true, Example: example, Doc: doc,
		Args: []Arg{{Name: "PART", Dynamic: true}, {Name: "TEXT", Dynamic: true}},
		build: func(c *Call) (Gen, error) {
			a, b := c.Args[0].Gen, c.Args[1].Gen
			return func(r *Record) value.Value {
				part := asText(r, a(r))
				return value.OfBool(holds(asText(r, b(r)), part))
			}, nil
		},
	}
}

var logic = []Func{
	{
		Name: "eq", Section: secLogic, Result: "boolean", Pure: true, Example: `eq 1 1.0`,
		Doc:  "Whether A equals any of the others. Integers and other numbers compare by value; a number equals no text.",
		Args: []Arg{{Name: "A", Dynamic: true}, {Name: "B", Dynamic: true, Rest: true}},
		build: func(c *Call) (Gen, error) {
			a, others := c.Args[0].Gen, c.gens(1)
			return func(r *Record) value.Value {
				v := a(r)
				for _, o := range others {
					if value.Equal(v, o(r)) {
						return value.OfBool(true)
					}
				}
				return value.OfBool(false)
			}, nil
		},
	},
	{
		Name: "ne", Section: secLogic, Result: "boolean", Pure: true, Example: `ne "a" "b"`,
		Doc:  "Whether A and B differ.",
		Args: []Arg{{Name: "A", Dynamic: true}, {Name: "B", Dynamic: true}},
		build: func(c *Call) (Gen, error) {
			a, b := c.Args[0].Gen, c.Args[1].Gen
			return func(r *Record) value.Value { return value.OfBool(!value.Equal(a(r), b(r))) }, nil
		},
	},
	compare("lt", "Whether A is less than B.", `lt 1 2`, func(o int) bool { return o < 0 }),
	compare("le", "Whether A is less than or equal to B.", `le 2 2`, func(o int) bool { return o <= 0 }),
	compare("gt", "Whether A is greater than B.", `gt "b" "a"`, func(o int) bool { return o > 0 }),
	compare("ge", "Whether A is greater than or equal to B.", `ge 1 2`, func(o int) bool { return o >= 0 }),
	{
		Name: "and", Section: secLogic, Result: "one of the values", Pure: true, Example: `and true (gt 2 1)`,
		Doc:  "The first value that is false, zero, empty or null, else the last one.",
		Args: []Arg{{Name: "VALUE", Dynamic: true, Rest: true}},
		build: func(c *Call) (Gen, error) {
			gens := c.gens(0)
			return func(r *Record) (v value.Value) {
				for _, g := range gens {
					if v = g(r); !v.Truth() {
						return v
					}
				}
				return v
			}, nil
		},
	},
	{
		Name: "or", Section: secLogic, Result: "one of the values", Pure: true, Example: `or "" "default"`,
		Doc:  "The first value that is not false, zero, empty or null, else the last one.",
		Args: []Arg{{Name: "VALUE", Dynamic: true, Rest: true}},
		build: func(c *Call) (Gen, error) {
			gens := c.gens(0)
			return func(r *Record) (v value.Value) {
				for _, g := range gens {
					if v = g(r); v.Truth() {
						return v
					}
				}
				return v
			}, nil
		},
	},
	{
		Name: "not", Section: secLogic, Result: "boolean", Pure: true, Example: `not (eq 1 2)`,
		Doc:  "true for false, zero, empty and null, else false.",
		Args: []Arg{{Name: "VALUE", Dynamic: true}},
		build: func(c *Call) (Gen, error) {
			g := c.Args[0].Gen
			return func(r *Record) value.Value { return value.OfBool(!g(r).Truth()) }, nil
		},
	},
	{
		Name: "ternary", Section: secLogic, Result: "one of the values", Pure: true, Example: `bool 0.5 | ternary "yes" "no"`,
		Doc:  "A if CONDITION holds, else B.",
		Args: []Arg{{Name: "A", Dynamic: true}, {Name: "B", Dynamic: true}, {Name: "CONDITION", Dynamic: true}},
		build: func(c *Call) (Gen, error) {
			a, b, cond := c.Args[0].Gen, c.Args[1].Gen, c.Args[2].Gen
			return func(r *Record) value.Value {
				if cond(r).Truth() {
					return a(r)
				}
				return b(r)
			}, nil
		},
	},
	{
		Name: "default", Section: secLogic, Result: "one of the values", Pure: true, Example: `default "none" ""`,
		Doc:  "VALUE, or FALLBACK if it is false, zero, empty or null.",
		Args: []Arg{{Name: "FALLBACK", Dynamic: true}, {Name: "VALUE", Dynamic: true}},
		build: func(c *Call) (Gen, error) {
			a, b := c.Args[0].Gen, c.Args[1].Gen
			return func(r *Record) value.Value {
				if v := b(r); v.Truth() {
					return v
				}
				return a(r)
			}, nil
		},
	},
	arithmetic("add", "A + B.", `add 1 2`, func(a, b int64) (int64, bool) {
		s := a + b
		return s, (s > a) == (b > 0)
	}, func(a, b float64) float64 { return a + b }),
	arithmetic("sub", "A - B.", `sub 10 4`, func(a, b int64) (int64, bool) {
		s := a - b
		return s, (s < a) == (b > 0)
	}, func(a, b float64) float64 { return a - b }),
	arithmetic("mul", "A × B.", `mul 6 7`, func(a, b int64) (int64, bool) {
		if a == 0 || b == 0 {
			return 0, true
		}
		p := a * b
		return p, p/b == a && !(a == -1 && b == math.MinInt64) && !(b == -1 && a == math.MinInt64)
	}, func(a, b float64) float64 { return a * b }),
	arithmetic("div", "A / B; of integers, the whole part.", `div 7 2`, func(a, b int64) (int64, bool) {
		if b == 0 || b == -1 && a == math.MinInt64 {
			return 0, false
		}
		return a / b, true
	}, func(a, b float64) float64 { return a / b }),
	arithmetic("mod", "What is left of A divided by B.", `mod 17 5`, func(a, b int64) (int64, bool) {
		if b == 0 || b == -1 {
			return 0, b == -1
		}
		return a % b, true
	}, math.Mod),
	arithmetic("min", "The lesser of A and B.", `min 3 5`, func(a, b int64) (int64, bool) { return min(a, b), true }, math.Min),
	arithmetic("max", "The greater of A and B.", `max 3 5`, func(a, b int64) (int64, bool) { return max(a, b), true }, math.Max),
	{
		Name: "round", Section: secLogic, Result: "integer or number", Pure: true, Example: `round 2 3.14159`,
		Doc:  "A number rounded to DIGITS behind the point; without DIGITS, to an integer.",
		Args: []Arg{{Name: "DIGITS NUMBER", Rest: true, Dynamic: true}},
		build: func(c *Call) (Gen, error) {
			switch {
			case len(c.Args) > 2:
				return nil, argErr(2, "round takes a number, or digits and a number")
			case len(c.Args) == 1:
				g := c.Args[0].Gen
				return func(r *Record) value.Value {
					v := g(r)
					f, ok := v.Number()
					if v.K == value.Int || !ok {
						return intOrNull(v)
					}
					return value.OfInt(value.ToInt(math.Round(f)))
				}, nil
			case !c.Args[0].Const || c.Args[0].Value.K != value.Int:
				return nil, argErr(0, "round: DIGITS must be an integer")
			}
			digits, g := c.int(0), c.Args[1].Gen
			return func(r *Record) value.Value {
				f, ok := g(r).Number()
				if !ok {
					return value.Null
				}
				return value.OfFloat(round(f, digits))
			}, nil
		},
	},
	{
		Name: "toint", Section: secLogic, Result: "integer", Pure: true, Example: `toint "42"`,
		Doc:  "VALUE as an integer, cut towards zero; null for what is no number.",
		Args: []Arg{{Name: "VALUE", Dynamic: true}},
		build: func(c *Call) (Gen, error) {
			g := c.Args[0].Gen
			return func(r *Record) value.Value { return intOrNull(g(r)) }, nil
		},
	},
	{
		Name: "tofloat", Section: secLogic, Result: "number", Pure: true, Example: `tofloat 3`,
		Doc:  "VALUE as a floating-point number; null for what is no number.",
		Args: []Arg{{Name: "VALUE", Dynamic: true}},
		build: func(c *Call) (Gen, error) {
			g := c.Args[0].Gen
			return func(r *Record) value.Value {
				if f, ok := g(r).Number(); ok {
					return value.OfFloat(f)
				}
				return value.Null
			}, nil
		},
	},
	{
		Name: "tostring", Section: secLogic, Result: "string", Pure: true, Example: `tostring 42`,
		Doc:  "VALUE as text: strings as they are, everything else as JSON.",
		Args: []Arg{{Name: "VALUE", Dynamic: true}},
		build: func(c *Call) (Gen, error) {
			g := c.Args[0].Gen
			return func(r *Record) value.Value { return value.OfString(asText(r, g(r))) }, nil
		},
	},
	{
		Name: "len", Section: secLogic, Result: "integer", Pure: true, Example: `len "four"`,
		Doc:  "How many bytes a text, elements an array or members an object has.",
		Args: []Arg{{Name: "VALUE", Dynamic: true}},
		build: func(c *Call) (Gen, error) {
			g := c.Args[0].Gen
			return func(r *Record) value.Value { return value.OfInt(int64(g(r).Len())) }, nil
		},
	},
	{
		Name: "index", Section: secLogic, Result: "any", Pure: true, Example: `index (list "a" "b") 1`,
		Doc:  "An element of an array by its number from 0 on, or a member of an object by its name; null if there is none. Further KEYs go deeper.",
		Args: []Arg{{Name: "VALUE", Dynamic: true}, {Name: "KEY", Dynamic: true, Rest: true}},
		build: func(c *Call) (Gen, error) {
			g, keys := c.Args[0].Gen, c.gens(1)
			return func(r *Record) value.Value {
				v := g(r)
				for _, k := range keys {
					v = v.Index(k(r))
				}
				return v
			}, nil
		},
	},
	{
		Name: "list", Section: secLogic, Result: "array", Pure: true, Example: `list 1 "two" 3.0`,
		Doc:  "An array of the values.",
		Args: []Arg{{Name: "VALUE", Dynamic: true, Rest: true, Optional: true}},
		build: func(c *Call) (Gen, error) {
			gens := c.gens(0)
			values := make([]value.Value, len(gens))
			return func(r *Record) value.Value {
				for i, g := range gens {
					values[i] = g(r)
				}
				start := len(r.Scratch)
				b := msgp.AppendArrayHeader(r.Scratch, uint32(len(values)))
				for _, v := range values {
					b = v.Append(b)
				}
				r.Scratch = b
				return raw(r.text(start))
			}, nil
		},
	},
	{
		Name: "dict", Section: secLogic, Result: "object", Pure: true, Example: `dict "id" 7 "tags" (list "a" "b")`,
		Doc:  "An object of names and values.",
		Args: []Arg{{Name: "NAME VALUE", Dynamic: true, Rest: true, Optional: true}},
		build: func(c *Call) (Gen, error) {
			if len(c.Args)%2 != 0 {
				return nil, argErr(len(c.Args)-1, "dict: a value is missing behind the last name")
			}
			gens := c.gens(0)
			values := make([]value.Value, len(gens))
			return func(r *Record) value.Value {
				for i, g := range gens {
					v := g(r)
					if i%2 == 0 {
						v = value.OfString(asText(r, v))
					}
					values[i] = v
				}
				start := len(r.Scratch)
				b := msgp.AppendMapHeader(r.Scratch, uint32(len(values)/2))
				for _, v := range values {
					b = v.Append(b)
				}
				r.Scratch = b
				return raw(r.text(start))
			}, nil
		},
	},
}

func raw(v value.Value) value.Value {
	if v.K == value.String {
		v.K = value.Raw
	}
	return v
}

func intOrNull(v value.Value) value.Value {
	if _, ok := v.Number(); !ok {
		return value.Null
	}
	return value.OfInt(v.Int())
}

var stringFuncs = []Func{
	{
		Name: "printf", Section: secStrings, Result: "string", Pure: true, Example: `printf "%05d-%s" 42 "x"`,
		Doc:  "A text in Go's format: %s %d %v %q %x %X %o %b %c %e %f %g %t and %%, with flags, width and precision.",
		Args: []Arg{{Name: "FORMAT", Type: Text}, {Name: "VALUE", Dynamic: true, Rest: true, Optional: true}},
		build: func(c *Call) (Gen, error) {
			return buildPrintf(c)
		},
	},
	{
		Name: "cat", Section: secStrings, Result: "string", Pure: true, Example: `cat "a" 1 true`,
		Doc:  "The texts of the values behind one another.",
		Args: []Arg{{Name: "VALUE", Dynamic: true, Rest: true}},
		build: func(c *Call) (Gen, error) {
			gens := c.gens(0)
			values := make([]value.Value, len(gens))
			return func(r *Record) value.Value {
				for i, g := range gens {
					values[i] = g(r)
				}
				start := len(r.Scratch)
				for _, v := range values {
					if r.full() {
						return value.Null
					}
					r.Scratch = v.AppendText(r.Scratch)
				}
				return r.text(start)
			}, nil
		},
	},
	{
		Name: "join", Section: secStrings, Result: "string", Pure: true, Example: `join ", " (list "a" "b")`,
		Doc:  "The elements of an array with SEPARATOR between them.",
		Args: []Arg{{Name: "SEPARATOR", Type: Text, Dynamic: true}, {Name: "ARRAY", Dynamic: true}},
		build: func(c *Call) (Gen, error) {
			sep, g := c.Args[0].Gen, c.Args[1].Gen
			return func(r *Record) value.Value {
				s := asText(r, sep(r))
				n, isMap, rest := g(r).Items()
				if isMap {
					return value.Null
				}
				start := len(r.Scratch)
				for i := range n {
					if r.full() {
						return value.Null
					}
					if i > 0 {
						r.Scratch = append(r.Scratch, s...)
					}
					var v value.Value
					v, rest = value.First(rest)
					r.Scratch = v.AppendText(r.Scratch)
				}
				return r.text(start)
			}, nil
		},
	},
	onText("lower", "TEXT in lower case.", `lower "ABC"`, appendLower),
	onText("upper", "TEXT in upper case.", `upper "abc"`, appendUpper),
	onText("title", "TEXT with its first letter in upper case.", `title "word"`, func(dst []byte, s string) []byte {
		c, n := utf8.DecodeRuneInString(s)
		if n == 0 {
			return dst
		}
		return append(utf8.AppendRune(dst, unicode.ToUpper(c)), s[n:]...)
	}),
	onText("trim", "TEXT without white space around it.", `trim "  a b "`, func(dst []byte, s string) []byte {
		return append(dst, strings.TrimSpace(s)...)
	}),
	onText("slug", "TEXT in lower case with hyphens for all that is no letter or digit.", `slug "Ada Lovelace, Countess"`, func(dst []byte, s string) []byte {
		start := len(dst)
		for _, c := range s {
			switch {
			case unicode.IsLetter(c) || unicode.IsDigit(c):
				dst = utf8.AppendRune(dst, unicode.ToLower(c))
			case len(dst) > start && dst[len(dst)-1] != '-':
				dst = append(dst, '-')
			}
		}
		if len(dst) > start && dst[len(dst)-1] == '-' {
			dst = dst[:len(dst)-1]
		}
		return dst
	}),
	onText("b64enc", "TEXT in base64.", `b64enc "hello"`, func(dst []byte, s string) []byte {
		return base64.StdEncoding.AppendEncode(dst, value.Bytes(s))
	}),
	onText("sha256", "The SHA-256 of TEXT, in hexadecimal.", `sha256 "hello"`, func(dst []byte, s string) []byte {
		sum := sha256.Sum256(value.Bytes(s))
		return hex.AppendEncode(dst, sum[:])
	}),
	onText("urlescape", "TEXT as it stands in the query of a URL.", `urlescape "a b&c"`, func(dst []byte, s string) []byte {
		for i := range len(s) {
			switch b := s[i]; {
			case b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || strings.IndexByte("-_.~", b) >= 0:
				dst = append(dst, b)
			case b == ' ':
				dst = append(dst, '+')
			default:
				dst = append(dst, '%', "0123456789ABCDEF"[b>>4], "0123456789ABCDEF"[b&15])
			}
		}
		return dst
	}),
	{
		Name: "quote", Section: secStrings, Result: "string", Pure: true, Example: `quote "say \"hi\""`,
		Doc:  "TEXT in quotes, escaped as in JSON.",
		Args: []Arg{{Name: "TEXT", Dynamic: true}},
		build: func(c *Call) (Gen, error) {
			g := c.Args[0].Gen
			return func(r *Record) value.Value {
				s := asText(r, g(r))
				start := len(r.Scratch)
				r.Scratch = value.AppendQuoted(r.Scratch, s)
				return r.text(start)
			}, nil
		},
	},
	{
		Name: "json", Section: secStrings, Result: "string", Pure: true, Example: `json (dict "a" 1)`,
		Doc:  "VALUE as JSON text, for logs that have JSON within a string.",
		Args: []Arg{{Name: "VALUE", Dynamic: true}},
		build: func(c *Call) (Gen, error) {
			g := c.Args[0].Gen
			return func(r *Record) value.Value {
				v := g(r)
				start := len(r.Scratch)
				r.Scratch = v.AppendJSON(r.Scratch)
				return r.text(start)
			}, nil
		},
	},
	{
		Name: "logfmt", Section: secStrings, Result: "string", Pure: true, Example: `logfmt (dict "level" "info" "msg" "it is done" "n" 3)`,
		Doc:  "An object as logfmt: name=value pairs, values in quotes where they need them. What can't be in a name is _ there.",
		Args: []Arg{{Name: "OBJECT", Dynamic: true}},
		build: func(c *Call) (Gen, error) {
			g := c.Args[0].Gen
			return func(r *Record) value.Value {
				v := g(r)
				if v.K == value.Row {
					start := len(r.Scratch)
					r.Scratch = v.Append(r.Scratch)
					v = raw(r.text(start))
				}
				n, isMap, rest := v.Items()
				if !isMap {
					return value.Null
				}
				start := len(r.Scratch)
				for i := range n {
					if i > 0 {
						r.Scratch = append(r.Scratch, ' ')
					}
					var key, member value.Value
					key, rest = value.First(rest)
					member, rest = value.First(rest)
					r.Scratch = appendLogfmtKey(r.Scratch, key.S)
					r.Scratch = append(r.Scratch, '=')
					r.Scratch = appendLogfmt(r.Scratch, member)
				}
				return r.text(start)
			}, nil
		},
	},
	{
		Name: "replace", Section: secStrings, Result: "string", Pure: true, Example: `replace " " "_" "a b c"`,
		Doc:  "TEXT with NEW for each OLD.",
		Args: []Arg{{Name: "OLD", Type: Text}, {Name: "NEW", Type: Text}, {Name: "TEXT", Dynamic: true}},
		build: func(c *Call) (Gen, error) {
			old, repl, g := c.str(0), c.str(1), c.Args[2].Gen
			if old == "" {
				return nil, argErr(0, "replace: OLD is empty")
			}
			return func(r *Record) value.Value {
				s := asText(r, g(r))
				start := len(r.Scratch)
				for {
					i := strings.Index(s, old)
					if i < 0 {
						break
					}
					if r.full() {
						return value.Null
					}
					r.Scratch = append(append(r.Scratch, s[:i]...), repl...)
					s = s[i+len(old):]
				}
				r.Scratch = append(r.Scratch, s...)
				return r.text(start)
			}, nil
		},
	},
	{
		Name: "trunc", Section: secStrings, Result: "string", Pure: true, Example: `trunc 5 "too long"`,
		Doc:  "The first N bytes of TEXT, less if that would cut a character.",
		Args: []Arg{{Name: "N", Type: Integer, Dynamic: true}, {Name: "TEXT", Dynamic: true}},
		build: func(c *Call) (Gen, error) {
			size, g := c.Args[0].Gen, c.Args[1].Gen
			return func(r *Record) value.Value {
				s := asText(r, g(r))
				n := max(size(r).Int(), 0)
				if n >= int64(len(s)) {
					return value.OfString(s)
				}
				for n > 0 && !utf8.RuneStart(s[n]) {
					n--
				}
				return value.OfString(s[:n])
			}, nil
		},
	},
	onTwo("contains", "Whether PART occurs in TEXT.", `contains "ell" "hello"`, strings.Contains),
	onTwo("hasprefix", "Whether TEXT begins with PART.", `hasprefix "he" "hello"`, strings.HasPrefix),
	onTwo("hassuffix", "Whether TEXT ends with PART.", `hassuffix "lo" "hello"`, strings.HasSuffix),
}

// appendLogfmtKey appends a name: it can't have spaces, quotes or = in it, nor
// be empty.
func appendLogfmtKey(dst []byte, name string) []byte {
	if name == "" {
		return append(dst, '_')
	}
	for _, c := range name {
		if c <= ' ' || c == '=' || c == '"' || c == 0x7f || c == utf8.RuneError {
			c = '_'
		}
		dst = utf8.AppendRune(dst, c)
	}
	return dst
}

func appendLogfmt(dst []byte, v value.Value) []byte {
	if v.K != value.String {
		if v.K != value.Raw {
			return v.AppendJSON(dst)
		}
		return value.AppendQuoted(dst, string(v.AppendJSON(nil)))
	}
	plain := v.S != "" && v.S != "null" && utf8.ValidString(v.S)
	for i := 0; plain && i < len(v.S); i++ {
		c := v.S[i]
		plain = c > ' ' && c != '=' && c != '"' && c != '\\' && c != 0x7f
	}
	if !plain {
		return value.AppendQuoted(dst, v.S)
	}
	return append(dst, v.S...)
}

// special are the words that the compiler itself understands.
var special = []Func{
	{
		Name: "omit", Section: secSpecial, Result: "nothing", Form: true, Example: `omit`,
		Doc: "Leaves the member or element out in whose place it stands: `\"error\": {{ if bool 0.1 }}\"failed\"{{ else }}{{ omit }}{{ end }}`.",
	},
	{
		Name: "fragment", Section: secSpecial, Result: "any", Form: true,
		Doc:  "What the fragment NAME (a `define`) gives, as a value: for json, logfmt, len and others. DOT is the fragment's dot.",
		Args: []Arg{{Name: "NAME", Type: Text}, {Name: "DOT", Optional: true, Dynamic: true}},
	},
	{
		Name: "weight", Section: secSpecial, Result: "nothing", Form: true,
		Doc:  "Stands before one of several objects: it comes up in proportion to N. Without it, the weight is 1.",
		Args: []Arg{{Name: "N", Type: Number}},
	},
	{
		Name: "pad", Section: secSpecial, Result: "string", Form: true,
		Doc: "In the place of a member's value: a string of random letters, as long as makes the whole record SIZE bytes of MessagePack " +
			"(without time and metadata). A record that is longer already gets an empty string.",
		Args: []Arg{{Name: "SIZE", Type: Integer}},
	},
}
