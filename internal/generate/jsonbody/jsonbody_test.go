// SPDX-License-Identifier: Apache-2.0

package jsonbody

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/tinylib/msgp/msgp"

	"github.com/gdummy/gdummy/internal/config/diag"
)

// parses are texts and their MessagePack in hex, which was compared with that of
// Fluent Bit 5.1.1.
var parses = []struct{ text, want, why string }{
	{`{}`, "80", "the smallest body"},
	{` {"a":1} `, "81a16101", "white space around it"},
	{"\r\n\t{\"a\":1}\r\n", "81a16101", "of every kind"},
	{`{"z":1,"a":2}`, "82a17a01a16102", "the order of members is kept"},
	{`{"a":1,"a":2}`, "82a16101a16102", "names may be there twice"},
	{`{"":0}`, "81a000", "an empty name"},
	{`{"a":{"b":{}}}`, "81a16181a16280", "objects nest"},
	{`{"a":[1,[],{}]}`, "81a16193019080", "arrays too"},
	{`{"a":null,"b":true,"c":false}`, "83a161c0a162c3a163c2", "the three words"},
	{`{"a":1}{"b":2}`, "81a16101 81a16202", "objects in sequence"},
	{"{\"a\":1}\n \t{}", "81a16101 80", "with white space between"},

	{`{"n":0}`, "81a16e00", "the smallest integer"},
	{`{"n":-0}`, "81a16e00", "an integer knows no negative zero"},
	{`{"n":127}`, "81a16e7f", "the last of one byte"},
	{`{"n":128}`, "81a16ecc80", "the first of two"},
	{`{"n":65535}`, "81a16ecdffff", "the last of three"},
	{`{"n":65536}`, "81a16ece00010000", "the first of five"},
	{`{"n":4294967296}`, "81a16ecf0000000100000000", "the first of nine"},
	{`{"n":9223372036854775807}`, "81a16ecf7fffffffffffffff", "the largest int64"},
	{`{"n":9223372036854775808}`, "81a16ecf8000000000000000", "one more is a uint64"},
	{`{"n":18446744073709551615}`, "81a16ecfffffffffffffffff", "the largest uint64"},
	{`{"n":18446744073709551616}`, "81a16ecb43f0000000000000", "one more is a double"},
	{`{"n":-32}`, "81a16ee0", "the last negative of one byte"},
	{`{"n":-33}`, "81a16ed0df", "the first of two"},
	{`{"n":-9223372036854775808}`, "81a16ed38000000000000000", "the smallest int64"},
	{`{"n":-9223372036854775809}`, "81a16ecbc3e0000000000000", "one less is a double"},
	{`{"n":1.0}`, "81a16ecb3ff0000000000000", "a point makes a double"},
	{`{"n":1e2}`, "81a16ecb4059000000000000", "so does an exponent"},
	{`{"n":-0.0}`, "81a16ecb8000000000000000", "which knows a negative zero"},
	{`{"n":0.1}`, "81a16ecb3fb999999999999a", "the nearest double"},
	{`{"n":5e-324}`, "81a16ecb0000000000000001", "the smallest double"},
	{`{"n":1.7976931348623157e308}`, "81a16ecb7fefffffffffffff", "the largest double"},
	{`{"n":1e-999}`, "81a16ecb0000000000000000", "what is too small is zero"},

	{`{"s":"é日😀"}`, "81a173a9c3a9e697a5f09f9880", "characters of two to four bytes"},
	{`{"s":"\u00e9\u65e5\ud83d\ude00"}`, "81a173a9c3a9e697a5f09f9880", "the same as escapes"},
	{`{"s":"\"\\\/\b\f\n\r\t"}`, "81a173a8225c2f080c0a0d09", "the short escapes"},
	{`{"s":"\u0000"}`, "81a173a100", "a zero byte ends no string"},
	{`{"s":"\ud800"}`, "81a173a3efbfbd", "half a pair is replaced"},
	{`{"s":"\ud800x\udc00"}`, "81a173a7efbfbd78efbfbd", "each half, and what stands between is kept"},
	{"{\"s\":\"a\xffb\xc3\"}", "81a173a461ff62c3", "bytes that are not UTF-8 are kept, as dummy keeps them"},
	{"{\"\xff\":{\"s\":[\"\xff\\u00ff\xff\"]}}", "81a1ff81a17391a4ffc3bfff", "in names too, and between escapes"},
	{"{\"s\":\"a\tb\nc\r\x01\x1f\"}", "81a173a861096" + "20a630d011f", "so are control characters"},
	{"{\"s\\\\\t\":\"\\\"\n\\\"\"}", "81a3735c09a3220a22", "behind an escaped backslash and between escaped quotes"},
	{"{\"s\":\"\n\"} {\"t\":\"\n\"}\n", "81a173a10a 81a174a10a", "in each object"},
	{`{"\u006e":1}`, "81a16e01", "escapes in a name"},
}

func TestParse(t *testing.T) {
	for _, c := range parses {
		bodies, err := Parse(c.text)
		if err != nil {
			t.Errorf("%s: %q: %v", c.why, c.text, err)
			continue
		}
		var got []string
		for _, b := range bodies {
			got = append(got, hex.EncodeToString(b))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: Parse(%q):\ngot  %s\nwant %s", c.why, c.text, strings.Join(got, " "), c.want)
		}
	}
}

// syntaxErrors are invalid texts and their errors.
var syntaxErrors = []struct {
	text string
	want string
	kept int // bodies before the error
}{
	{``, "line 1, column 1: expected a JSON object, found nothing", 0},
	{" \n ", "line 2, column 2: expected a JSON object, found nothing", 0},
	{`5`, "line 1, column 1: expected a JSON object, found a number", 0},
	{`"x"`, "line 1, column 1: expected a JSON object, found a string", 0},
	{`null`, "line 1, column 1: expected a JSON object, found null", 0},
	{`true`, "line 1, column 1: expected a JSON object, found a boolean", 0},
	{`[{"a":1}]`, "line 1, column 1: expected a JSON object, found an array", 0},
	{"{} \n [1]", "line 2, column 2: expected a JSON object, found an array", 1},
	{`{`, "line 1, column 2: unexpected end of the text: expected '}'", 0},
	{`{"a":[`, "line 1, column 7: unexpected end of the text: expected ']'", 0},
	{`{"a":1,`, "line 1, column 8: unexpected end of the text: expected '}'", 0},
	{`{"a":"x`, `line 1, column 8: unexpected end of the text: expected '"'`, 0},
	{`{"a`, `line 1, column 4: unexpected end of the text: expected '"'`, 0},
	{"{\"a\":1,\n \"b\":}", "line 2, column 6: missing value after object name", 0},
	{`{"a":1,}`, "line 1, column 7: unexpected ',' before the closing bracket", 0},
	{`{"a":[1, ]}`, "line 1, column 8: unexpected ',' before the closing bracket", 0},
	{`{"a":1},{"b":2}`, "line 1, column 8: unexpected ',' between objects: remove it", 1},
	{`{'a':1}`, "line 1, column 2: unexpected single quote: expected '\"'", 0},
	{`{a:1}`, "line 1, column 2: unexpected word a: text needs double quotes", 0},
	{`{"a":True}`, "line 1, column 6: unexpected word True: text needs double quotes", 0},
	{`{"a":.5}`, "line 1, column 6: invalid number: expected a digit or '-' first", 0},
	{`{"a":tru}`, "line 1, column 6: unexpected word tru: text needs double quotes", 0},
	{`{"a":[text]}`, "line 1, column 7: unexpected word text: text needs double quotes", 0},
	{`{"a":0x10}`, "line 1, column 7: invalid character 'x' after object value (expecting ',' or '}')", 0},
	{`{"a" 1}`, "line 1, column 6: invalid character '1' after object name (expecting ':')", 0},
	{`{"a":1]`, "line 1, column 7: invalid character ']' after object value (expecting ',' or '}')", 0},
	{`{"é":"ü" x}`, "line 1, column 10: unexpected word x: text needs double quotes", 0},
	{`{1:2}`, "line 1, column 2: object member name must be a string", 0},
	{`{"a":01}`, "line 1, column 7: invalid character '1' after object value (expecting ',' or '}')", 0},
	{`{"a":"\x"}`, "line 1, column 7: invalid escape sequence `\\x` in string", 0},
	{"{\"a\":\"\\\n\"}", `line 1, column 7: invalid escape sequence "\\\n" in string`, 0},
	{"{\"a\":\"\x00\"}", `line 1, column 7: invalid character '\x00' in string (expecting non-control character)`, 0},
	{"{\"a\":\"\xff\\\xff\"}", `line 1, column 8: invalid escape sequence "\\\xff" in string`, 0},
	{"{\"a\":\"x,\n\"b\":\"\ty\"}", "line 1, column 6: unterminated string: expected '\"' on the same line", 0},
	{"{\"a\":\"x\ny\",}", "line 2, column 3: unexpected ',' before the closing bracket", 0},
	{`{"a":1}}`, "line 1, column 8: invalid character '}' at start of value", 1},
	{`{"a":1e999}`, "line 1, column 6: the number 1e999 does not fit in a double", 0},
	{`{"a":-1e999}`, "line 1, column 6: the number -1e999 does not fit in a double", 0},
	{`{"a":1}{"b":` + strings.Repeat("9", 400) + `}`, "line 1, column 13: the number 99999999999999999999...9999999999 does not fit in a double", 1},
	{nested(MaxDepth + 1), "line 1, column 156: nested too deeply: expected at most 31 levels, the limit of Fluent Bit's MessagePack decoder", 0},
}

func nested(depth int) string {
	return strings.Repeat(`{"a":`, depth) + "1" + strings.Repeat("}", depth)
}

func TestSyntaxErrors(t *testing.T) {
	for _, c := range syntaxErrors {
		bodies, err := Parse(c.text)
		var syn *diag.Error
		if !errors.As(err, &syn) {
			t.Errorf("Parse(%q): error %v, want one with a position", c.text, err)
			continue
		}
		if err.Error() != c.want || len(bodies) != c.kept {
			t.Errorf("Parse(%q):\ngot  %v and %d bodies\nwant %s and %d", c.text, err, len(bodies), c.want, c.kept)
		}
	}
}

// Files must be valid by RFC 8259.
func TestParseStrict(t *testing.T) {
	_, err := ParseStrict("{\"a\":\"\n\"}")
	if want := `line 1, column 7: invalid character '\n' in string (expecting non-control character)`; err == nil || err.Error() != want {
		t.Errorf("%v, expected %s", err, want)
	}
	if b, err := ParseStrict(`{"a":1}`); err != nil || len(b) != 1 {
		t.Errorf("% x, %v", b, err)
	}
}

// Metadata is nested one array deeper in an event than the body, and must be a
// single object.
func TestParseMetadata(t *testing.T) {
	if _, err := ParseMetadata(nested(MaxMetadataDepth)); err != nil {
		t.Error(err)
	}
	for text, want := range map[string]string{
		nested(MaxDepth): "line 1, column 151: nested too deeply: expected at most 30 levels, the limit of Fluent Bit's MessagePack decoder",
		`{}{}`:           "expected one JSON object, found 2",
		`[]`:             "line 1, column 1: expected a JSON object, found an array",
	} {
		if _, err := ParseMetadata(text); err == nil || err.Error() != want {
			t.Errorf("%q: %v, expected %s", text, err, want)
		}
	}
}

// Parse returns valid MessagePack that does not change when it is decoded and
// encoded again, or an error with a position in the text.
func FuzzParse(f *testing.F) {
	for _, c := range parses {
		f.Add(c.text)
	}
	for _, c := range syntaxErrors {
		f.Add(c.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		bodies, err := Parse(text)
		if strict, err := ParseStrict(text); err == nil && !slices.EqualFunc(strict, bodies, bytes.Equal) {
			t.Fatalf("ParseStrict returns % x, Parse % x", strict, bodies)
		}
		for _, b := range bodies {
			again, rest, err := recode(nil, b)
			if err != nil || len(rest) > 0 {
				t.Fatalf("body % x is not MessagePack: %v, %d bytes left", b, err, len(rest))
			}
			if !bytes.Equal(again, b) {
				t.Fatalf("body % x is % x after encoding it again", b, again)
			}
			if b[0]&0xf0 != 0x80 && b[0] != 0xde && b[0] != 0xdf {
				t.Fatalf("body % x is not a map", b)
			}
		}
		if err == nil {
			if len(bodies) == 0 {
				t.Fatal("neither bodies nor an error")
			}
			return
		}
		var syn *diag.Error
		if !errors.As(err, &syn) {
			t.Fatalf("error without a position: %v", err)
		}
		lines := strings.Split(text, "\n")
		if syn.Line < 1 || syn.Line > len(lines) || syn.Offset < 0 || syn.Offset > len(text) {
			t.Fatalf("line %d or offset %d is outside the text of %d lines, %d bytes", syn.Line, syn.Offset, len(lines), len(text))
		}
		if line := lines[syn.Line-1]; syn.Column < 1 || syn.Column > utf8.RuneCountInString(line)+1 {
			t.Fatalf("column %d is outside line %q", syn.Column, line)
		}
		syn.Excerpt()
	})
}

// recode decodes one value and appends it again.
func recode(dst, b []byte) (out, rest []byte, err error) {
	switch typ := msgp.NextType(b); typ {
	case msgp.MapType, msgp.ArrayType:
		var n uint32
		if typ == msgp.MapType {
			n, b, err = msgp.ReadMapHeaderBytes(b)
			dst = msgp.AppendMapHeader(dst, n)
			n *= 2
		} else {
			n, b, err = msgp.ReadArrayHeaderBytes(b)
			dst = msgp.AppendArrayHeader(dst, n)
		}
		for ; n > 0 && err == nil; n-- {
			dst, b, err = recode(dst, b)
		}
		return dst, b, err
	case msgp.StrType:
		s, b, err := msgp.ReadStringBytes(b)
		return msgp.AppendString(dst, s), b, err
	case msgp.IntType:
		v, b, err := msgp.ReadInt64Bytes(b)
		return msgp.AppendInt64(dst, v), b, err
	case msgp.UintType:
		v, b, err := msgp.ReadUint64Bytes(b)
		return msgp.AppendUint64(dst, v), b, err
	case msgp.Float64Type:
		v, b, err := msgp.ReadFloat64Bytes(b)
		return msgp.AppendFloat64(dst, v), b, err
	case msgp.BoolType:
		v, b, err := msgp.ReadBoolBytes(b)
		return msgp.AppendBool(dst, v), b, err
	case msgp.NilType:
		b, err := msgp.ReadNilBytes(b)
		return msgp.AppendNil(dst), b, err
	default:
		return dst, b, fmt.Errorf("a %v", typ)
	}
}
