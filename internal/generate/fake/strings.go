// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gdummy/gdummy/internal/generate/value"
)

// onText returns the row of a function that converts a text.
func onText(name, doc, example string, appendTo func(dst []byte, s string) []byte) Func {
	return onValue(name, doc, example, func(dst []byte, v value.Value) []byte { return appendTo(dst, v.S()) })
}

// onValue is onText for a text as a value.
func onValue(name, doc, example string, appendTo func(dst []byte, v value.Value) []byte) Func {
	return Func{
		Name: name, Section: secStrings, Result: "string", Pure: true, Example: example, Doc: doc,
		Args: []Arg{{Name: "TEXT", Dynamic: true}},
		build: func(c *Call) (Gen, error) {
			return c.textsFrom(c.Args[0].Gen, func(dst []byte, _ *Record, v value.Value) []byte { return appendTo(dst, v) }), nil
		},
	}
}

// concat builds the concatenation of all arguments. If spaced, two adjacent values that
// are not strings are separated by a space.
func (c *Call) concat(spaced bool) Gen {
	args := c.Args
	return c.textsOfArgs(func(dst []byte, r *Record) []byte {
		start, before := len(dst), value.String
		for i := range args {
			a := &args[i]
			if len(dst)-start > maxScratch {
				return dst[:start]
			}
			if a.Text != nil {
				dst, before = a.Text(dst, r), value.String
				continue
			}
			v := a.Gen(r)
			if spaced && before != value.String && v.K != value.String {
				dst = append(dst, ' ')
			}
			dst, before = v.AppendText(dst), v.K
		}
		return dst
	})
}

// onCase returns the row of a function that changes the case of the 26 letters from
// first on, and applies other to a text that is not ASCII.
func onCase(name, doc, example string, first uint64, other func(rune) rune) Func {
	return onValue(name, doc, example, func(dst []byte, v value.Value) []byte { return appendCase(dst, v, first, other) })
}

// appendCase appends a text in the other case. It converts eight bytes at once, and a
// short text without branches, which would be mispredicted: letters are at random
// places.
func appendCase(dst []byte, v value.Value, first uint64, other func(rune) rune) []byte {
	at, n := len(dst), len(v.S())
	var seen uint64 // bitwise or of all bytes of the text
	switch b := v.Block(); {
	case b != nil && cap(dst)-at >= value.Reach:
		d := dst[at : at+value.Reach]
		w0, w1 := binary.LittleEndian.Uint64(b[0:]), binary.LittleEndian.Uint64(b[8:])
		w2, w3 := binary.LittleEndian.Uint64(b[16:]), binary.LittleEndian.Uint64(b[24:])
		binary.LittleEndian.PutUint64(d[0:], turn(w0, first))
		binary.LittleEndian.PutUint64(d[8:], turn(w1, first))
		binary.LittleEndian.PutUint64(d[16:], turn(w2, first))
		binary.LittleEndian.PutUint64(d[24:], turn(w3, first))
		dst = dst[:at+n]
		if seen = w0 | w1 | w2 | w3; seen&notASCII != 0 {
			// The other byte may be after the text.
			seen = 0
			for _, c := range dst[at:] {
				seen |= uint64(c)
			}
		}
	default:
		dst = append(dst, v.S()...)
		d := dst[at:]
		for len(d) >= 8 {
			x := binary.LittleEndian.Uint64(d)
			seen |= x
			binary.LittleEndian.PutUint64(d, turn(x, first))
			d = d[8:]
		}
		for i, c := range d {
			seen |= uint64(c)
			d[i] = byte(turn(uint64(c), first))
		}
	}
	if seen&notASCII != 0 {
		dst = dst[:at]
		for _, c := range v.S() {
			dst = utf8.AppendRune(dst, other(c))
		}
	}
	return dst
}

// notASCII is the highest bit of each of eight bytes.
const notASCII = 0x8080808080808080

// turn changes the case of the bytes of x that are one of the 26 letters from first on.
func turn(x, first uint64) uint64 {
	const ones, high = 0x0101010101010101, notASCII
	low := x &^ high
	from := low + (0x80-first)*ones     // has the highest bit of bytes >= first
	after := low + (0x80-first-26)*ones // has the highest bit of bytes >= first+26
	return x ^ (from&^after&high&^x)>>2
}

// onTwo returns the row of a predicate on two texts.
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

var stringFuncs = []Func{
	{
		Name: "printf", Section: secStrings, Result: "string", Pure: true, Example: `printf "%05d-%s" 42 "x"`,
		Doc: "A string in the format of Go's fmt: %s %d %v %q %x %X %o %b %c %e %f %g %t and %%, with flags, width and precision. " +
			"%d truncates numbers, %s and %q format anything, and a string with a number is formatted as the number. " +
			"A value that a verb cannot format is an error if its type is known at the start, otherwise it is written as by Go: `%!d(string=x)`.",
		Args:  []Arg{{Name: "FORMAT", Type: Text}, {Name: "VALUE", Dynamic: true, Rest: true, Optional: true}},
		build: buildPrintf,
	},
	{
		Name: "cat", Section: secStrings, Result: "string", Pure: true, Example: `cat "a" 1 true`,
		Doc:   "The texts of the values, concatenated.",
		Args:  []Arg{{Name: "VALUE", Dynamic: true, Rest: true}},
		build: func(c *Call) (Gen, error) { return c.concat(false), nil },
	},
	{
		Name: "print", Section: secStrings, Result: "string", Pure: true, Example: `print "n = " 1 2 true`,
		Doc:   "The texts of the values, concatenated as by Go's print: with a space between two values if neither is a string.",
		Args:  []Arg{{Name: "VALUE", Dynamic: true, Rest: true}},
		build: func(c *Call) (Gen, error) { return c.concat(true), nil },
	},
	{
		Name: "join", Section: secStrings, Result: "string", Pure: true, Example: `join ", " (list "a" "b")`,
		Doc:  "The elements of an array with SEPARATOR between them.",
		Args: []Arg{{Name: "SEPARATOR", Type: Text, Dynamic: true}, {Name: "ARRAY", Dynamic: true, Kinds: kinds(value.Raw)}},
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
	onCase("lower", "TEXT in lower case.", `lower "ABC"`, 'A', unicode.ToLower),
	onCase("upper", "TEXT in upper case.", `upper "abc"`, 'a', unicode.ToUpper),
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
	onText("slug", "TEXT in lower case, with hyphens for everything except letters and digits.", `slug "Ada Lovelace, Countess"`, func(dst []byte, s string) []byte {
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
	onText("urlescape", "TEXT escaped for the query of a URL.", `urlescape "a b&c"`, func(dst []byte, s string) []byte {
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
	onText("quote", "TEXT as a JSON string, in quotes.", `quote "say \"hi\""`, value.AppendQuoted),
	{
		Name: "json", Section: secStrings, Result: "string", Pure: true, Example: `json (dict "a" 1)`,
		Doc:  "VALUE as JSON text, for logs with JSON in a string.",
		Args: []Arg{{Name: "VALUE", Dynamic: true}},
		build: func(c *Call) (Gen, error) {
			g := c.Args[0].Gen
			return c.textsOfArgs(func(dst []byte, r *Record) []byte { return g(r).AppendJSON(dst) }), nil
		},
	},
	{
		Name: "logfmt", Section: secStrings, Result: "string", Pure: true, Example: `logfmt (dict "level" "info" "msg" "it is done" "n" 3)`,
		Doc:   "An object as logfmt: name=value pairs, with values quoted if necessary. Characters not allowed in a name are replaced by _.",
		Args:  []Arg{{Name: "OBJECT", Dynamic: true, Kinds: compound}},
		build: ofOne(logfmt),
	},
	{
		Name: "replace", Section: secStrings, Result: "string", Pure: true, Example: `replace " " "_" "a b c"`,
		Doc:  "TEXT with each OLD replaced by NEW.",
		Args: []Arg{{Name: "OLD", Type: Text}, {Name: "NEW", Type: Text}, {Name: "TEXT", Dynamic: true}},
		build: func(c *Call) (Gen, error) {
			old, repl, g := c.str(0), c.str(1), c.Args[2].Gen
			if old == "" {
				return nil, argErr(0, "replace: OLD must not be empty")
			}
			if len(old) == 1 && len(repl) == 1 {
				return c.textsOf(g, func(dst []byte, _ *Record, s string) []byte {
					start := len(dst)
					dst = append(dst, s...)
					for rest := dst[start:]; ; {
						i := bytes.IndexByte(rest, old[0])
						if i < 0 {
							return dst
						}
						rest[i] = repl[0]
						rest = rest[i+1:]
					}
				}), nil
			}
			return c.textsOf(g, func(dst []byte, _ *Record, s string) []byte {
				start := len(dst)
				for len(dst)-start <= maxScratch {
					i := strings.Index(s, old)
					if i < 0 {
						return append(dst, s...)
					}
					dst = append(append(dst, s[:i]...), repl...)
					s = s[i+len(old):]
				}
				return dst[:start]
			}), nil
		},
	},
	{
		Name: "trunc", Section: secStrings, Result: "string", Pure: true, Example: `trunc 5 "too long"`,
		Doc:  "The first N bytes of TEXT, fewer if that would cut a character.",
		Args: []Arg{{Name: "N", Type: Integer, Dynamic: true}, {Name: "TEXT", Dynamic: true}},
		build: func(c *Call) (Gen, error) {
			size, g := c.Args[0].Gen, c.Args[1].Gen
			return func(r *Record) value.Value {
				s := asText(r, g(r))
				return value.OfString(whole(s, 0, int(min(max(size(r).Int(), 0), int64(len(s))))))
			}, nil
		},
	},
	{
		Name: "line_of", Section: secStrings, Result: "string", Pure: true, Example: `line_of 1 "a\nb"`,
		Doc:  "Line N of TEXT, counted from 0, or an empty text if it has fewer.",
		Args: []Arg{{Name: "N", Type: Integer, Dynamic: true}, {Name: "TEXT", Dynamic: true}},
		build: func(c *Call) (Gen, error) {
			number, g := c.Args[0].Gen, c.Args[1].Gen
			return func(r *Record) value.Value {
				s, n := asText(r, g(r)), number(r).Int()
				for line := range strings.SplitSeq(s, "\n") {
					if n == 0 {
						return value.OfString(line)
					}
					n--
				}
				return value.OfString("")
			}, nil
		},
	},
	onTwo("contains", "Reports whether TEXT contains PART.", `contains "ell" "hello"`, strings.Contains),
	onTwo("hasprefix", "Reports whether TEXT begins with PART.", `hasprefix "he" "hello"`, strings.HasPrefix),
	onTwo("hassuffix", "Reports whether TEXT ends with PART.", `hassuffix "lo" "hello"`, strings.HasSuffix),
}
