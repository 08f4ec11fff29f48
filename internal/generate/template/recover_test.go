// SPDX-License-Identifier: Apache-2.0

package template

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// piece is a token of a template: a token of its JSON, or an action.
type piece struct {
	at, end int
	kind    byte // the character, '"' for a string, '0' for a word, 'a' for an action
	name    bool // a string before a colon
	inText  bool // the string contains an action
}

// pieces splits a template into tokens.
func pieces(text string) []piece {
	var all []piece
	for i := 0; i < len(text); {
		switch ch := text[i]; {
		case strings.HasPrefix(text[i:], "{{"):
			end := i + strings.Index(text[i:], "}}") + 2
			all = append(all, piece{at: i, end: end, kind: 'a'})
			i = end
		case strings.IndexByte(" \t\r\n", ch) >= 0:
			i++
		case ch == '"':
			j, action := i+1, false
			for text[j] != '"' {
				switch {
				case text[j] == '\\':
					j += 2
				case strings.HasPrefix(text[j:], "{{"):
					action = true
					j += strings.Index(text[j:], "}}") + 2
				default:
					j++
				}
			}
			name := strings.HasPrefix(strings.TrimLeft(text[j+1:], " "), ":")
			all = append(all, piece{at: i, end: j + 1, kind: '"', name: name, inText: action})
			i = j + 1
		case strings.IndexByte("{}[],:", ch) >= 0:
			all = append(all, piece{at: i, end: i + 1, kind: ch})
			i++
		default:
			j := i
			for strings.IndexByte(" \t\r\n,:]}[{\"", text[j]) < 0 {
				j++
			}
			all = append(all, piece{at: i, end: j, kind: '0'})
			i = j
		}
	}
	return all
}

// planted is an error: with replaces the text from at to end.
type planted struct {
	at, end int
	with    string
	why     string
}

// plants returns the possible errors at a piece.
func plants(text string, all []piece, i int) []planted {
	p := all[i]
	token := text[p.at:p.end]
	instead := func(why, with string) planted { return planted{p.at, p.end, with, why} }
	switch p.kind {
	case ',':
		return []planted{instead("a comma is missing", " "), instead("an extra comma", ",,"), instead("a semicolon", ";")}
	case ':':
		return []planted{instead("a colon is missing", " "), instead("an extra colon", "::"), instead("an equals sign", "="), instead("an arrow", " => ")}
	case '0':
		return []planted{
			instead("a word", "yes"), instead("words", "not yet"), instead("a number with a zero", "007"), instead("a number with a plus", "+1"),
			instead("single quotes", "'it is, so'"), instead("Python", "None"), instead("no value", ""),
		}
	case '"':
		found := []planted{
			instead("the opening quotation mark is missing", token[1:]), instead("the closing quotation mark is missing", token[:len(token)-1]),
			instead("an extra quotation mark", token+`"`), instead("an invalid escape", `"\d`+token[1:]), instead("a tab", "\"\t"+token[1:]),
			instead("quotation marks are missing", token[1:len(token)-1]),
		}
		if !p.inText {
			found = append(found, instead("a line feed", "\"a\nb"+token[1:]))
			if !p.name {
				found = append(found, instead("quotation marks inside", `"say "hi" again`+token[1:]))
			}
		}
		return found
	case '}', ']':
		found := []planted{instead("a comma before it", ","+token), instead("an extra bracket", token+token)}
		if i < len(all)-1 {
			found = append(found, instead("the wrong bracket", map[byte]string{'}': "]", ']': "}"}[p.kind]))
		}
		return append(found, instead("a bracket is missing", ""))
	case '{', '[':
		found := []planted{instead("a comma after it", token+",")}
		if i > 0 {
			found = append(found, instead("a comment", token+" // so, \"it\" is\n"), instead("the bracket is missing", " "))
		}
		return found
	}
	return nil
}

// apply plants errors, which are in order.
func apply(text string, ps ...planted) string {
	for i := len(ps) - 1; i >= 0; i-- {
		text = text[:ps[i].at] + ps[i].with + text[ps[i].end:]
	}
	return text
}

// errorsOf compiles a template and returns its errors.
func errorsOf(t testing.TB, text string) Errors {
	t.Helper()
	_, err := compile(text)
	var errs Errors
	if err != nil && !errors.As(err, &errs) {
		t.Fatal(err)
	}
	return errs
}

// whole are valid templates with every part of the JSON grammar.
var whole = []string{
	`{"a": 1, "b": [1, 2, {"c": "x", "d": [true, null]}, -3.5], "e": {"f": "y", "g": {}, "h": []}, "i": "z"}`,
	"{\n  \"a\": 1,\n  \"b\": [\n    1,\n    {\"c\": \"x\", \"d\": false}\n  ],\n  \"e\": {\n    \"f\": \"y\"\n  },\n  \"i\": \"z\"\n}\n",
	`{"user": {{ username }}, "text": "about {{ int 1 9 }} of {{ word }}", "n": [{{ int 1 9 }}, {{ name }}], "{{ word }}": {"x": "{{ uuid }}"}, "k": 7}`,
	"{{ weight 2 }}{\"a\": {{ seq }}, \"b\": [1, {\"c\": \"x\"}]}\n{{ weight 1 }}{\"a\": {\"d\": \"y\"}, \"z\": 3}\n",
	`{"a": {{ if bool }}"x"{{ else }}{"y": [1]}{{ end }}, "b": [{{ range 3 }}{"c": 5, "d": "e"},{{ end }}], {{ if bool }}"f": 6,{{ end }} "g": "h"}`,
}

// A single error in the JSON is reported once, without follow-up errors.
func TestOneError(t *testing.T) {
	tried := 0
	for _, text := range whole {
		if errs := errorsOf(t, text); len(errs) > 0 {
			t.Fatalf("%s\n%v", text, errs)
		}
		all := pieces(text)
		for i := range all {
			for _, p := range plants(text, all, i) {
				broken := apply(text, p)
				errs := errorsOf(t, broken)
				if len(errs) == 0 && strings.Contains(" a comma is missing, quotation marks are missing, no value,", " "+p.why+",") {
					continue // the result may be valid
				}
				tried++
				if len(errs) != 1 {
					t.Errorf("%s at %d: got %d errors, want 1:\n%s\n%v", p.why, p.at, len(errs), broken, errs)
				}
			}
		}
	}
	if tried < 800 {
		t.Errorf("%d errors were planted, want at least 800", tried)
	}
}

// Of two errors in the same object the first is reported. Two errors in different
// objects are both reported, like each alone.
func TestTwoErrors(t *testing.T) {
	const first, second = "{\"n\": {{ seq }}, \"b\": [1, {\"c\": \"x\"}]}", "{\"a\": {\"d\": \"y\"}, \"z\": [3, \"{{ word }}\"]}"
	all, others := pieces(first), pieces(second)
	for _, joint := range []string{"\n", "\n{{ weight 2 }}"} {
		tried := 0
		for i := range all {
			for _, p := range plants(first, all, i) {
				broken := apply(first, p)
				want := errorsOf(t, broken)
				if len(want) != 1 || strings.Contains(broken, "\n") || !strings.HasSuffix(broken, "}") && joint == "\n" {
					continue
				}
				for j := range others {
					for _, q := range plants(second, others, j) {
						alone := errorsOf(t, apply(second, q))
						if len(alone) != 1 || strings.Contains(q.with, "\n") {
							continue
						}
						text := broken + joint + apply(second, q)
						got := errorsOf(t, text)
						tried++
						if len(got) != 2 || got[1].Problem != moved(alone[0].Problem, joint) {
							t.Fatalf("%s and %s in\n%s\ngot\n%v\nwant\n%v\n%v", p.why, q.why, text, got, want, alone)
						}
					}
				}
			}
		}
		if tried < 500 {
			t.Errorf("joined by %q: %d pairs were tried, want at least 500", joint, tried)
		}
	}
	for _, text := range []string{`{"a": yes, "b": no}`, `{"a": 1 "b": [2,]}`, "{\n\"a: 1,\n\"b\": 01\n}"} {
		if got := errorsOf(t, text); len(got) != 1 {
			t.Errorf("%s: got\n%v\nwant only the first error", text, got)
		}
	}
}

// moved returns the error text of an object for the same object after another one.
func moved(problem, joint string) string {
	return inFirstLine.ReplaceAllStringFunc(problem, func(p string) string {
		column, _ := strconv.Atoi(p[strings.LastIndexByte(p, ' ')+1:])
		return fmt.Sprintf("line 2, column %d", column+len(joint)-1)
	})
}

var inFirstLine = regexp.MustCompile(`line 1, column \d+`)

// The number of reported errors is limited.
func TestTooManyErrors(t *testing.T) {
	for _, piece := range []string{`{{ emial }}, `, `{{ ( }}, `} {
		errs := errorsOf(t, `{"a": [`+strings.Repeat(piece, 1000)+`1]}`)
		if len(errs) != MaxErrors+1 || errs[MaxErrors].Problem != "too many errors: the first 100 are shown" {
			t.Errorf("%s: got %d errors, the last is %v", piece, len(errs), errs[len(errs)-1])
		}
	}
}
