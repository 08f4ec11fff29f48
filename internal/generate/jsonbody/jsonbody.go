// SPDX-License-Identifier: Apache-2.0

// Package jsonbody converts JSON to the MessagePack bodies of records.
//
// The normal path is [Parse]. It converts each of one or more JSON objects,
// concatenated or separated by white space, to a body. The order of members and
// duplicate names are kept. An integer that fits int64 or uint64 stays an integer,
// and any other number becomes a double. Fluent Bit's own JSON packer does the same.
//
// Like that packer, Parse accepts two things in strings that RFC 8259 does not
// allow: unescaped control characters, such as a tab or a newline, and bytes that
// are not UTF-8. [ParseStrict] rejects the former.
//
// Errors are of type [*diag.Error], with line and column.
package jsonbody

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/tinylib/msgp/msgp"

	"github.com/gdummy/gdummy/internal/config/diag"
)

// MaxDepth is the maximum nesting depth of maps and arrays in a body. Fluent Bit's
// MessagePack decoder has a stack of 32 entries (64 since 4.1.0). A deeper value
// makes the rest of its chunk unreadable. The event that contains the body uses one
// entry, and the pair of time and metadata another.
const MaxDepth = 31

// MaxMetadataDepth is the maximum nesting depth of maps and arrays in metadata.
const MaxMetadataDepth = MaxDepth - 1

// Parse parses the JSON objects in text and returns the MessagePack of each, in
// order. On an error it also returns the bodies before the error, for callers that
// tolerate errors.
func Parse(text string) ([][]byte, error) { return parse(text, MaxDepth, false) }

// ParseStrict is like Parse, but rejects control characters in strings. Use it for
// files.
func ParseStrict(text string) ([][]byte, error) { return parse(text, MaxDepth, true) }

// ParseMetadata parses the single JSON object in text, the metadata of an event, and
// returns its MessagePack as the only element of a slice.
func ParseMetadata(text string) ([][]byte, error) {
	maps, err := parse(text, MaxMetadataDepth, false)
	if err == nil && len(maps) > 1 {
		err = fmt.Errorf("expected one JSON object, found %d", len(maps))
	}
	return maps, err
}

func parse(text string, maxDepth int, strict bool) ([][]byte, error) {
	var bodies [][]byte
	masked, broken := text, []span(nil)
	if !strict {
		masked, broken = mask(text)
	}
	r := reader{text: text, maxDepth: maxDepth, dec: jsontext.NewDecoder(strings.NewReader(masked),
		jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))}
	var first error
	for {
		start := int(r.dec.InputOffset())
		b, kind, err := r.value()
		switch {
		case err == io.EOF:
			if first == nil && len(bodies) == 0 {
				first = diag.Errorf(text, len(text), "expected a JSON object, found nothing")
			}
			return bodies, first
		case err != nil && first == nil:
			return bodies, unclosedLine(err, text, broken)
		case err != nil:
			return bodies, first
		case kind == '{':
			bodies = append(bodies, b)
		case first == nil:
			at := start + len(text[start:]) - len(strings.TrimLeft(text[start:], " \t\r\n"))
			first = diag.Errorf(text, at, "expected a JSON object, found %s", kindNames[kind])
		}
	}
}

// span is a part of a text.
type span struct{ from, to int }

// mask returns the text with each control character in a string, which the decoder
// would reject, replaced by a space. It also returns the strings that contain a
// newline.
func mask(text string) (masked string, broken []span) {
	var b []byte
	open, lines := -1, false // the start of the string, and whether it contains a newline
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
			i++ // keep the escaped character: a control character here is an error
		case c < ' ' && c != 0: // NUL would end the text in C
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

// unclosedLine replaces an error right after a string of several lines. Usually the
// first line of such a string lacks its closing quotation mark.
func unclosedLine(err error, text string, broken []span) error {
	var syn *diag.Error
	if !errors.As(err, &syn) || strings.IndexAny(text[syn.Offset:], ",:]}") == 0 {
		return err
	}
	for _, s := range broken {
		if s.to <= syn.Offset && strings.Trim(text[s.to:syn.Offset], " \t\r\n") == "" {
			return diag.Errorf(text, s.from, "unterminated string: expected '\"' on the same line")
		}
	}
	return err
}

// kindNames are the names of values other than objects.
var kindNames = map[jsontext.Kind]string{'[': "an array", '"': "a string", '0': "a number", 't': "a boolean", 'f': "a boolean", 'n': "null"}

// reader converts JSON to MessagePack.
type reader struct {
	dec      *jsontext.Decoder // of the text, or of the masked text
	text     string
	maxDepth int
}

// container is an object or array that is open.
type container struct {
	at    int // offset of its header
	items int // names and values, or elements
}

// value reads the next value. It returns io.EOF if there is none.
func (r *reader) value() (dst []byte, first jsontext.Kind, err error) {
	var open []container
	for {
		kind := r.dec.PeekKind()
		if first == 0 {
			first = kind
		}
		if len(open) > 0 && kind != '}' && kind != ']' {
			open[len(open)-1].items++
		}
		if kind == '"' {
			if dst, err = r.appendString(dst); err != nil {
				return nil, first, err
			}
		} else if dst, open, err = r.token(dst, open); err != nil {
			return nil, first, err
		}
		if len(open) == 0 {
			return dst, first, nil
		}
	}
}

func (r *reader) appendString(dst []byte) ([]byte, error) {
	v, err := r.dec.ReadValue()
	if err != nil {
		return nil, explain(err, r.dec, r.text)
	}
	end := int(r.dec.InputOffset())
	return msgp.AppendString(dst, unquote(r.text[end-len(v):end])), nil
}

// token reads a token that is not a string. It writes the header of a container at
// the end of it, when the number of items is known.
func (r *reader) token(dst []byte, open []container) ([]byte, []container, error) {
	tok, err := r.dec.ReadToken()
	if err == io.EOF && len(open) == 0 {
		return nil, nil, io.EOF
	}
	if err != nil {
		return nil, nil, explain(err, r.dec, r.text)
	}
	switch kind := tok.Kind(); kind {
	case '{', '[':
		if len(open) == r.maxDepth {
			return nil, nil, diag.Errorf(r.text, int(r.dec.InputOffset())-1, "nested too deeply: expected at most %d levels, the limit of Fluent Bit's MessagePack decoder", r.maxDepth)
		}
		return dst, append(open, container{at: len(dst)}), nil
	case '}', ']':
		c := open[len(open)-1]
		header := msgp.AppendArrayHeader(nil, uint32(c.items))
		if kind == '}' {
			header = msgp.AppendMapHeader(nil, uint32(c.items/2))
		}
		return slices.Insert(dst, c.at, header...), open[:len(open)-1], nil
	case '0':
		var ok bool
		if dst, ok = appendNumber(dst, tok.String()); !ok {
			return nil, nil, diag.Errorf(r.text, int(r.dec.InputOffset())-len(tok.String()), "the number %s does not fit in a double", shorten(tok.String()))
		}
	case 't', 'f':
		dst = msgp.AppendBool(dst, kind == 't')
	case 'n':
		dst = msgp.AppendNil(dst)
	}
	return dst, open, nil
}

// unquote returns the value of a JSON string. Control characters and bytes that are
// not UTF-8 are kept; half of a surrogate pair becomes U+FFFD.
func unquote(quoted string) string {
	var value []byte
	for s := quoted[1 : len(quoted)-1]; s != ""; {
		n := 0 // bytes that RFC 8259 allows in a string
		for n < len(s) && s[n] >= ' ' {
			r, size := utf8.DecodeRuneInString(s[n:])
			if r == utf8.RuneError && size == 1 {
				break
			}
			n += size
		}
		// The only possible error is half of a surrogate pair, which is replaced.
		value, _ = jsontext.AppendUnquote(value, `"`+s[:n]+`"`)
		if s = s[n:]; s != "" {
			value, s = append(value, s[0]), s[1:]
		}
	}
	return string(value)
}

// appendNumber appends a JSON number in the type that Fluent Bit uses, and reports
// whether it fits.
func appendNumber(dst []byte, s string) ([]byte, bool) {
	if u, err := strconv.ParseUint(s, 10, 64); err == nil {
		return msgp.AppendUint64(dst, u), true
	}
	if i, err := strconv.ParseInt(s, 10, 64); err == nil {
		if i == 0 { // -0
			return msgp.AppendUint64(dst, 0), true
		}
		return msgp.AppendInt64(dst, i), true
	}
	f, err := strconv.ParseFloat(s, 64)
	return msgp.AppendFloat64(dst, f), err == nil
}

// explain converts an error of the decoder to one for users of gdummy.
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
		return diag.Errorf(text, len(strings.TrimRight(text, " \t\r\n")), "unexpected end of the text%s", unclosed(dec, text))
	}
	if strings.Contains(syn.Err.Error(), " in literal ") {
		offset = len(strings.TrimRight(text[:offset], letters)) // of the word
	}
	if problem := hint(text, offset, dec.StackDepth()); problem != "" {
		return diag.Errorf(text, offset, "%s", problem)
	}
	return diag.Errorf(text, offset, "%s", clean(syn.Err.Error()))
}

// hint describes the most frequent errors, by the text at their offset.
func hint(text string, offset, depth int) string {
	rest := text[offset:]
	after := strings.TrimLeft(rest[1:], " \t\r\n")
	word := rest[:len(rest)-len(strings.TrimLeft(rest, letters))]
	switch c := rest[0]; {
	case c == ',' && depth == 0:
		return "unexpected ',' between objects: remove it"
	case c == ',' && strings.IndexAny(after, "}]") == 0:
		return "unexpected ',' before the closing bracket"
	case c == '\'':
		return "unexpected single quote: expected '\"'"
	case word != "" && (offset == 0 || strings.IndexByte("0123456789.-\"", text[offset-1]) < 0):
		return fmt.Sprintf("unexpected word %s: text needs double quotes", shorten(word))
	case c == '+' || c == '.':
		return "invalid number: expected a digit or '-' first"
	}
	return ""
}

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"

// unclosed describes what is missing at the end of a text: a quotation mark or a
// bracket.
func unclosed(dec *jsontext.Decoder, text string) string {
	if rest := strings.TrimLeft(text[dec.InputOffset():], " \t\r\n,:"); strings.HasPrefix(rest, `"`) {
		return ": expected '\"'"
	}
	depth := dec.StackDepth()
	if depth == 0 {
		return ""
	}
	kind, _ := dec.StackIndex(depth)
	if kind == '{' {
		return ": expected '}'"
	}
	return ": expected ']'"
}

// clean removes the parts of a message that are about the JSON package.
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
