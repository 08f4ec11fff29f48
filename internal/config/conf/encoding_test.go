// SPDX-License-Identifier: Apache-2.0

package conf

import (
	"encoding/binary"
	"strings"
	"testing"
	"unicode/utf16"
)

// encoded returns a text in UTF-16.
func encoded(order binary.AppendByteOrder, text string) string {
	var b []byte
	for _, c := range utf16.Encode([]rune(text)) {
		b = order.AppendUint16(b, c)
	}
	return string(b)
}

// Files in other encodings are read if Fluent Bit reads them, as libyaml does. Otherwise
// the error names the encoding. Positions are those in the text.
func TestEncodings(t *testing.T) {
	const (
		classic = "[INPUT]\n    name gdummy\n    rate ä5\n"
		yaml    = "pipeline:\n  inputs:\n    - name: gdummy\n      rate: ä5\n"
		mark    = "\ufeff"
		gzip    = "\x1f\x8b\x08\x00\x00\x00\x00\x00"
	)
	cr := func(text string) string { return strings.ReplaceAll(text, "\n", "\r") }
	le, be := binary.LittleEndian, binary.BigEndian
	for _, c := range []struct {
		why, text string
		form      Format
		rate      string // the position of its value; "" if it is not read
		problem   string
	}{
		{"a mark", mark + classic, Classic, "f:3:10", "f:1:1: byte order mark at the start of the file: Fluent Bit does not skip it"},
		{"UTF-16", encoded(le, mark+classic), Classic, "", "f:1:1: it is UTF-16, expected UTF-8; `iconv -f UTF-16 -t utf-8` converts it"},
		{"UTF-16 without a mark", encoded(be, classic), Classic, "", "f:1:1: it is UTF-16, expected UTF-8; `iconv -f UTF-16BE -t utf-8` converts it"},
		{"gzip", gzip + classic, Classic, "", "f:1:1: it is compressed with gzip, expected text"},
		{"CR alone", cr(classic), Classic, "", "f:1:1: its lines end in CR alone, expected LF or CRLF"},
		{"a mark", mark + yaml, YAML, "f:4:13", ""},
		{"UTF-16, little-endian", encoded(le, mark+yaml), YAML, "f:4:13", ""},
		{"UTF-16, big-endian", encoded(be, mark+yaml), YAML, "f:4:13", ""},
		{"UTF-16 without a mark", encoded(le, yaml), YAML, "", "f:1:1: it is UTF-16, expected UTF-8; `iconv -f UTF-16LE -t utf-8` converts it"},
		{"gzip", gzip + yaml, YAML, "", "f:1:1: it is compressed with gzip, expected text"},
		{"CR alone", cr(yaml), YAML, "f:4:13", ""},
		{"UTF-16 and CR alone", encoded(le, mark+cr(yaml)), YAML, "f:4:13", ""},
	} {
		got := Parse("f", []byte(c.text), c.form, Disk)
		rate, problem := "", ""
		for _, in := range got.Inputs {
			if p, ok := in.Property("rate"); ok {
				rate = p.Value.Pos(0).String()
			}
		}
		for _, m := range got.Errors {
			problem += m.Error()
		}
		if rate != c.rate || problem != c.problem {
			t.Errorf("form %d, %s: rate at %q, want %q; error %q, want %q", c.form, c.why, rate, c.rate, problem, c.problem)
		}
	}
	for text, want := range map[string]Format{
		mark + classic: Classic, mark + yaml: YAML, encoded(le, mark+classic): Classic, encoded(be, mark+yaml): YAML,
		"# one\r[INPUT]\r": Classic, "# one\rpipeline:\r": YAML,
	} {
		if got := Guess([]byte(text)); got != want {
			t.Errorf("%q: form %d, want %d", text, got, want)
		}
	}
}

// A value in brackets without quotes that is not YAML is an error with the correct form,
// and the rest of the file is read.
func TestFlowErrors(t *testing.T) {
	const problem = "expected text, found an invalid %s of YAML: text that begins with a bracket needs quotes"
	aMap, aList := strings.Replace(problem, "%s", "map", 1), strings.Replace(problem, "%s", "list", 1)
	for _, c := range []struct{ value, pos, problem, want string }{
		{`{"user": {{ username }}}`, "f:4:17", aMap, `template: '{"user": {{ username }}}'`},
		{`{"user": {{ username }}}  # one`, "f:4:17", aMap, `template: '{"user": {{ username }}}'`},
		{`{"a": {{ x }}, "b": '{{ y }}'}`, "f:4:17", aMap, `template: '{"a": {{ x }}, "b": ''{{ y }}''}'`},
		{"{\n        \"user\": {{ username }},\n        \"n\": {{ seq }}\n      }", "f:4:17", aMap, `template: '{ "user": {{ username }}, "n": {{ seq }} }'`},
		{`[{{ x }}, 2}`, "f:4:17", aList, `template: '[{{ x }}, 2}'`},
		{`{"a": 1`, "f:4:17", aMap, `template: '{"a": 1'`},
		{`{"a": 1}{"b": 2}`, "f:4:17", aMap, `template: '{"a": 1}{"b": 2}'`},
	} {
		text := "pipeline:\n  inputs:\n    - name: gdummy\n      template: " + c.value + "\n      rate: 5\n    - name: gdummy\n"
		got := Parse("f", []byte(text), YAML, Disk)
		if len(got.Errors) != 1 {
			t.Errorf("%s: %v", c.value, got.Errors)
			continue
		}
		if m := got.Errors[0]; m.Pos.String() != c.pos || m.Problem != c.problem || m.Hint != "use "+c.want {
			t.Errorf("%s: %v: %s: %s", c.value, m.Pos, m.Problem, m.Hint)
		}
		rate, ok := got.Inputs[0].Property("rate")
		if _, has := got.Inputs[0].Property("template"); len(got.Inputs) != 2 || !ok || rate.Value.Text != "5" || has {
			t.Errorf("%s: %s", c.value, dump(got))
		}
	}
	// Other errors are not changed.
	got := Parse("f", []byte("pipeline:\n  inputs:\n    - name: gdummy\n      dummy: {\"a\": {{ x }}}\n   rate: [\n"), YAML, Disk)
	if len(got.Errors) != 1 || got.Errors[0].Hint != "" {
		t.Errorf("%v", got.Errors)
	}
}
