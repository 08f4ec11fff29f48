// Package jsonbody turns the JSON that a user wrote into the MessagePack bodies
// of records.
//
// The normal path is [Parse]: a text of one or more JSON objects, concatenated
// or separated by white space, gives one body each. What the text says is kept
// as it stands: the order of members, duplicate names, and numbers. An integer
// that fits int64 or uint64 stays an integer, every other number becomes a
// double. This is what Fluent Bit's own JSON packer does.
//
// Like that packer, Parse keeps what RFC 8259 does not allow in strings: control
// characters that are not escaped, such as a tab or a line feed, and bytes that
// are not UTF-8. [ParseStrict] refuses the former; it is for files.
//
// Errors are of type [*diag.Error], with line and column.
package jsonbody

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/tinylib/msgp/msgp"

	"github.com/gdummy/gdummy/internal/config/diag"
)

// MaxDepth is how deep the maps and arrays of a body may nest. Fluent Bit's reader
// of MessagePack has a stack of 32 places (64 from 4.1.0 on); what is nested
// deeper makes all that follows it in a chunk unreadable. The event around the body
// takes one place, and a second one where the metadata stands.
const MaxDepth = 31

// MaxMetadataDepth is how deep the maps and arrays of metadata may nest.
const MaxMetadataDepth = MaxDepth - 1

// Parse reads the JSON objects in text and returns the MessagePack of each,
// in order. On an error it also returns the bodies that stood before it: a
// caller that forgives mistakes may go on with them.
func Parse(text string) ([][]byte, error) { return parse(text, MaxDepth, false) }

// ParseStrict is Parse, but refuses control characters in strings.
func ParseStrict(text string) ([][]byte, error) { return parse(text, MaxDepth, true) }

// ParseMetadata reads the one JSON object in text, the metadata of an event, and
// returns its MessagePack as the only element of a list.
func ParseMetadata(text string) ([][]byte, error) {
	maps, err := parse(text, MaxMetadataDepth, false)
	if err == nil && len(maps) > 1 {
		err = fmt.Errorf("%d JSON objects were given, expected one", len(maps))
	}
	return maps, err
}

func parse(text string, maxDepth int, strict bool) ([][]byte, error) {
	var bodies [][]byte
	var firstErr error
	masked, broken := text, []span(nil)
	if !strict {
		masked, broken = mask(text)
	}
	dec := newDecoder(masked)
	for {
		start := dec.InputOffset()
		var sizes []int
		kind, err := measure(dec, text, maxDepth, &sizes)
		if err == io.EOF {
			break
		}
		if err != nil {
			if firstErr == nil {
				firstErr = unclosedLine(err, text, broken)
			}
			return bodies, firstErr
		}
		value := text[start:dec.InputOffset()]
		if kind != '{' {
			if firstErr == nil {
				at := int(start) + len(value) - len(strings.TrimLeft(value, " \t\r\n"))
				firstErr = diag.Errorf(text, at, "expected a JSON object, found %s", kindName(kind))
			}
			continue
		}
		b, err := encode(newDecoder(masked[start:dec.InputOffset()]), value, sizes)
		if err != nil {
			return bodies, fmt.Errorf("body: second reading: %w", err)
		}
		bodies = append(bodies, b)
	}
	if firstErr == nil && len(bodies) == 0 {
		firstErr = diag.Errorf(text, len(text), "expected a JSON object, found nothing")
	}
	return bodies, firstErr
}

// span is a part of a text.
type span struct{ from, to int }

// mask returns the text with a space for each control character in a string, which
// the decoder would refuse, and the strings that have a line feed in them.
func mask(text string) (masked string, broken []span) {
	var b []byte
	open, lines := -1, false // where the string began, and whether it has a line feed
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"' && open < 0:
			open, lines = i, false
		case c == '"':
			if lines {
				broken = append(broken, span{open, i + 1})
			}
			open = -1
		case open < 0:
		case c == '\\':
			i++ // what follows stays as it is: a control character here is a mistake
		case c < ' ' && c != 0: // which would end the text in C
			if b == nil {
				b = []byte(text)
			}
			b[i] = ' '
			lines = lines || c == '\n'
		}
	}
	if b == nil {
		return text, nil
	}
	return string(b), broken
}

// unclosedLine explains a mistake right behind a string of several lines: a quote
// is missing in its first line, more likely than that the string was meant.
func unclosedLine(err error, text string, broken []span) error {
	var syn *diag.Error
	if !errors.As(err, &syn) || strings.IndexAny(text[syn.Offset:], ",:]}") == 0 {
		return err
	}
	for _, s := range broken {
		if s.to <= syn.Offset && strings.Trim(text[s.to:syn.Offset], " \t\r\n") == "" {
			return diag.Errorf(text, s.from, "the string that begins here ends in another line: is a '\"' missing?")
		}
	}
	return err
}

func newDecoder(text string) *jsontext.Decoder {
	return jsontext.NewDecoder(strings.NewReader(text),
		jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

func kindName(k jsontext.Kind) string {
	switch k {
	case '[':
		return "an array"
	case '"':
		return "a string"
	case '0':
		return "a number"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	}
	return "something else"
}

// measure reads one value, checks it, and notes how many members or elements
// each object and array in it has, in the order in which they open. It returns
// io.EOF if there is no further value.
func measure(dec *jsontext.Decoder, text string, maxDepth int, sizes *[]int) (jsontext.Kind, error) {
	var open []int // indexes into *sizes
	var first jsontext.Kind
	for {
		tok, err := dec.ReadToken()
		if err != nil {
			if err == io.EOF && first == 0 {
				return 0, io.EOF
			}
			return 0, explain(err, dec, text)
		}
		kind := tok.Kind()
		if first == 0 {
			first = kind
		}
		switch kind {
		case '}', ']':
			open = open[:len(open)-1]
		default:
			if len(open) > 0 {
				(*sizes)[open[len(open)-1]]++
			}
			if kind == '0' {
				if _, err := parseNumber(tok.String()); err != nil {
					return 0, diag.Errorf(text, int(dec.InputOffset())-len(tok.String()),
						"the number %s does not fit a double", shorten(tok.String()))
				}
			}
			if kind == '{' || kind == '[' {
				if len(open) == maxDepth {
					return 0, diag.Errorf(text, int(dec.InputOffset())-1,
						"nested deeper than the %d levels that every Fluent Bit can read", maxDepth)
				}
				open = append(open, len(*sizes))
				*sizes = append(*sizes, 0)
			}
		}
		if len(open) == 0 {
			return first, nil
		}
	}
}

// encode appends what measure has read. dec reads the text, or what mask made of it.
func encode(dec *jsontext.Decoder, text string, sizes []int) ([]byte, error) {
	var dst []byte
	for {
		if dec.PeekKind() == '"' {
			v, err := dec.ReadValue()
			if err != nil {
				return nil, err
			}
			end := int(dec.InputOffset())
			dst = msgp.AppendString(dst, unquote(text[end-len(v):end]))
			continue
		}
		tok, err := dec.ReadToken()
		if err == io.EOF {
			return dst, nil
		}
		if err != nil {
			return nil, err
		}
		switch tok.Kind() {
		case '{':
			// An object's members are counted by names and values.
			dst = msgp.AppendMapHeader(dst, uint32(sizes[0]/2))
			sizes = sizes[1:]
		case '[':
			dst = msgp.AppendArrayHeader(dst, uint32(sizes[0]))
			sizes = sizes[1:]
		case '0':
			n, err := parseNumber(tok.String())
			if err != nil {
				return nil, err
			}
			dst = n.append(dst)
		case 't', 'f':
			dst = msgp.AppendBool(dst, tok.Bool())
		case 'n':
			dst = msgp.AppendNil(dst)
		}
	}
}

// unquote returns the value of a JSON string. Control characters and bytes that are
// not UTF-8 are kept; half of a surrogate pair becomes U+FFFD.
func unquote(quoted string) string {
	var value []byte
	for s := quoted[1 : len(quoted)-1]; s != ""; {
		n := 0 // of the bytes that stand in a string of RFC 8259
		for n < len(s) && s[n] >= ' ' {
			r, size := utf8.DecodeRuneInString(s[n:])
			if r == utf8.RuneError && size == 1 {
				break
			}
			n += size
		}
		// An error is half of a surrogate pair, and is replaced.
		value, _ = jsontext.AppendUnquote(value, `"`+s[:n]+`"`)
		if s = s[n:]; s != "" {
			value, s = append(value, s[0]), s[1:]
		}
	}
	return string(value)
}

// number is a JSON number as Fluent Bit keeps it.
type number struct {
	kind byte // 'i', 'u' or 'f'
	i    int64
	u    uint64
	f    float64
}

func (n number) append(dst []byte) []byte {
	switch n.kind {
	case 'i':
		if n.i >= 0 {
			return msgp.AppendUint64(dst, uint64(n.i))
		}
		return msgp.AppendInt64(dst, n.i)
	case 'u':
		return msgp.AppendUint64(dst, n.u)
	}
	return msgp.AppendFloat64(dst, n.f)
}

func parseNumber(s string) (number, error) {
	if !strings.ContainsAny(s, ".eE") {
		if i, err := strconv.ParseInt(s, 10, 64); err == nil {
			return number{kind: 'i', i: i}, nil
		}
		if u, err := strconv.ParseUint(s, 10, 64); err == nil {
			return number{kind: 'u', u: u}, nil
		}
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsInf(f, 0) {
		return number{}, errors.New("out of range")
	}
	return number{kind: 'f', f: f}, nil
}

// explain turns the reader's error into one that people can use.
func explain(err error, dec *jsontext.Decoder, text string) error {
	offset := int(dec.InputOffset())
	var syn *jsontext.SyntacticError
	switch {
	case errors.As(err, &syn):
		offset = int(syn.ByteOffset)
	case !errors.Is(err, io.ErrUnexpectedEOF):
		return diag.Errorf(text, offset, "%s", clean(err.Error()))
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || strings.TrimSpace(text[min(offset, len(text)):]) == "" {
		return diag.Errorf(text, len(strings.TrimRight(text, " \t\r\n")), "the text ends before the JSON does%s", unclosed(dec, text))
	}
	if strings.Contains(syn.Err.Error(), " in literal ") {
		offset = len(strings.TrimRight(text[:offset], letters)) // of the word
	}
	if problem := hint(text, offset, dec.StackDepth()); problem != "" {
		return diag.Errorf(text, offset, "%s", problem)
	}
	return diag.Errorf(text, offset, "%s", clean(syn.Err.Error()))
}

// hint explains the mistakes that people make most, by what stands at the place.
func hint(text string, offset, depth int) string {
	rest := text[offset:]
	after := strings.TrimLeft(rest[1:], " \t\r\n")
	word := rest[:len(rest)-len(strings.TrimLeft(rest, letters))]
	switch c := rest[0]; {
	case c == ',' && depth == 0:
		return "a ',' between objects: they stand behind one another without one"
	case c == ',' && strings.IndexAny(after, "}]") == 0:
		return "a ',' with nothing behind it"
	case c == '\'':
		return "text stands in double quotes in JSON, not in single ones"
	case word != "" && (offset == 0 || strings.IndexByte("0123456789.-\"", text[offset-1]) < 0):
		return fmt.Sprintf("the word %s stands without double quotes, which only true, false and null may", shorten(word))
	case c == '+' || c == '.':
		return "a number begins with a digit or with '-'"
	}
	return ""
}

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"

// unclosed says what is missing at the end of a text: a quote or a bracket.
func unclosed(dec *jsontext.Decoder, text string) string {
	if rest := strings.TrimLeft(text[dec.InputOffset():], " \t\r\n,:"); strings.HasPrefix(rest, `"`) {
		return ": a '\"' is missing"
	}
	depth := dec.StackDepth()
	if depth == 0 {
		return ""
	}
	kind, _ := dec.StackIndex(depth)
	if kind == '{' {
		return ": a '}' is missing"
	}
	return ": a ']' is missing"
}

// clean drops what the JSON package writes for its own users.
func clean(s string) string {
	s = strings.TrimPrefix(s, "jsontext: ")
	if i := strings.Index(s, " within "); i >= 0 {
		s = s[:i]
	}
	return s
}

func shorten(s string) string {
	if len(s) > 40 {
		return s[:20] + "..." + s[len(s)-10:]
	}
	return s
}
