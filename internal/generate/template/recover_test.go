package template

import (
	"errors"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// piece is a token of the JSON of a template, outside of its actions, or one that
// is an action.
type piece struct {
	at, end int
	kind    byte // the character, '"' for a string, '0' for a word, 'a' for an action
	name    bool // a string that a colon follows
	inText  bool // the string has an action in it
}

// pieces takes a template apart.
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

// planted is a mistake: what stands from at to end becomes with.
type planted struct {
	at, end int
	with    string
	why     string
}

// plants are the mistakes that can be made at a piece.
func plants(text string, all []piece, i int) []planted {
	p := all[i]
	token := text[p.at:p.end]
	instead := func(why, with string) planted { return planted{p.at, p.end, with, why} }
	switch p.kind {
	case ',':
		return []planted{instead("a comma is missing", " "), instead("a comma too many", ",,"), instead("a semicolon", ";")}
	case ':':
		return []planted{instead("a colon is missing", " "), instead("a colon too many", "::"), instead("an equals sign", "="), instead("an arrow", " => ")}
	case '0':
		return []planted{
			instead("a word", "yes"), instead("words", "not yet"), instead("a number with a zero", "007"), instead("a number with a plus", "+1"),
			instead("single quotes", "'it is, so'"), instead("Python", "None"), instead("no value", ""),
		}
	case '"':
		found := []planted{
			instead("a quotation mark is missing before", token[1:]), instead("a quotation mark is missing behind", token[:len(token)-1]),
			instead("a quotation mark too many", token+`"`), instead("no escape", `"\d`+token[1:]), instead("a tab", "\"\t"+token[1:]),
			instead("quotation marks are missing", token[1:len(token)-1]),
		}
		if !p.inText {
			found = append(found, instead("a line feed", "\"a\nb"+token[1:]))
			if !p.name {
				found = append(found, instead("quotation marks within", `"say "hi" again`+token[1:]))
			}
		}
		return found
	case '}', ']':
		found := []planted{instead("a comma before it", ","+token), instead("one bracket too many", token+token)}
		if i < len(all)-1 {
			found = append(found, instead("the wrong bracket", map[byte]string{'}': "]", ']': "}"}[p.kind]))
		}
		return append(found, instead("a bracket is missing", ""))
	case '{', '[':
		found := []planted{instead("a comma behind it", token+",")}
		if i > 0 {
			found = append(found, instead("a comment", token+" // so, \"it\" is\n"), instead("the bracket is missing", " "))
		}
		return found
	}
	return nil
}

// apply plants mistakes that stand in order.
func apply(text string, ps ...planted) string {
	for i := len(ps) - 1; i >= 0; i-- {
		text = text[:ps[i].at] + ps[i].with + text[ps[i].end:]
	}
	return text
}

// mistakesOf compiles a template and returns its mistakes.
func mistakesOf(t testing.TB, text string) Errors {
	t.Helper()
	_, err := compile(text)
	var errs Errors
	if err != nil && !errors.As(err, &errs) {
		t.Fatal(err)
	}
	return errs
}

// whole are templates whose JSON is of all sorts.
var whole = []string{
	`{"a": 1, "b": [1, 2, {"c": "x", "d": [true, null]}, -3.5], "e": {"f": "y", "g": {}, "h": []}, "i": "z"}`,
	"{\n  \"a\": 1,\n  \"b\": [\n    1,\n    {\"c\": \"x\", \"d\": false}\n  ],\n  \"e\": {\n    \"f\": \"y\"\n  },\n  \"i\": \"z\"\n}\n",
	`{"user": {{ username }}, "text": "about {{ int 1 9 }} of {{ word }}", "n": [{{ int 1 9 }}, {{ name }}], "{{ word }}": {"x": "{{ uuid }}"}, "k": 7}`,
	"{{ weight 2 }}{\"a\": {{ seq }}, \"b\": [1, {\"c\": \"x\"}]}\n{{ weight 1 }}{\"a\": {\"d\": \"y\"}, \"z\": 3}\n",
	`{"a": {{ if bool }}"x"{{ else }}{"y": [1]}{{ end }}, "b": [{{ range 3 }}{"c": 5, "d": "e"},{{ end }}], {{ if bool }}"f": 6,{{ end }} "g": "h"}`,
}

// One mistake in the JSON is one message, whatever it is and wherever it stands.
func TestOneMistake(t *testing.T) {
	tried := 0
	for _, text := range whole {
		if errs := mistakesOf(t, text); len(errs) > 0 {
			t.Fatalf("%s\n%v", text, errs)
		}
		all := pieces(text)
		for i := range all {
			for _, p := range plants(text, all, i) {
				broken := apply(text, p)
				errs := mistakesOf(t, broken)
				if len(errs) == 0 && strings.Contains(" a comma is missing, quotation marks are missing, no value,", " "+p.why+",") {
					continue // there are templates in which they may be missing
				}
				tried++
				if len(errs) != 1 {
					t.Errorf("%s at %d is told as %d mistakes:\n%s\n%v", p.why, p.at, len(errs), broken, errs)
				}
			}
		}
	}
	if tried < 800 {
		t.Errorf("%d mistakes were made", tried)
	}
}

// Two mistakes that stand apart are both told, as each of them is alone. What
// brackets are meant by cannot always be guessed once another mistake is near.
func TestTwoMistakes(t *testing.T) {
	place := regexp.MustCompile(`line \d+, column \d+`)
	rnd := rand.New(rand.NewPCG(1, 2))
	tried, missed := map[bool]int{}, map[bool]int{} // with brackets, and without
	for _, text := range whole {
		all := pieces(text)
		for range 1200 {
			i := rnd.IntN(len(all))
			j := i + 5
			if j >= len(all) {
				continue
			}
			j += rnd.IntN(len(all) - j)
			ps, qs := plants(text, all, i), plants(text, all, j)
			if len(ps) == 0 || len(qs) == 0 {
				continue
			}
			p, q := ps[rnd.IntN(len(ps))], qs[rnd.IntN(len(qs))]
			first, second := mistakesOf(t, apply(text, p)), mistakesOf(t, apply(text, q))
			if len(first) != 1 || len(second) != 1 {
				continue
			}
			both := mistakesOf(t, apply(text, p, q))
			var got []string
			for _, e := range both {
				got = append(got, place.ReplaceAllString(e.Problem, "X"))
			}
			want := []string{place.ReplaceAllString(first[0].Problem, "X"), place.ReplaceAllString(second[0].Problem, "X")}
			if len(both) == 0 {
				continue // a bracket is missing, and one is too many
			}
			brackets := strings.Contains(p.why+q.why, "bracket")
			tried[brackets]++
			if !slices.Equal(got, want) {
				missed[brackets]++
			}
		}
	}
	if tried[false] < 2500 || tried[true] < 1200 {
		t.Errorf("few were tried: %v", tried)
	}
	if missed[false]*100 > tried[false] || missed[true]*100 > 20*tried[true] {
		t.Errorf("of %v pairs with and without brackets %v were not told as they are", tried, missed)
	}
}

// Nobody reads a thousand mistakes, and telling them costs time.
func TestMistakesEnd(t *testing.T) {
	for _, piece := range []string{`{{ emial }}, `, `{{ ( }}, `, `yes, `} {
		errs := mistakesOf(t, `{"a": [`+strings.Repeat(piece, 1000)+`1]}`)
		if len(errs) != MaxMistakes+1 || errs[MaxMistakes].Problem != "there are more mistakes than the 100 that are told" {
			t.Errorf("%s: %d mistakes are told, the last is %v", piece, len(errs), errs[len(errs)-1])
		}
	}
}
