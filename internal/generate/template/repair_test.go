// SPDX-License-Identifier: Apache-2.0

package template

import (
	"errors"
	"strings"
	"testing"
)

// A broken action is reported once, without follow-up errors. The test breaks each
// action of each template of the table.
func TestNoFollowUps(t *testing.T) {
	tried := 0
	for _, c := range cases(t, "testdata/templates.txt") {
		given, _, _ := strings.Cut(c, "\n---\n")
		if rest, ok := strings.CutPrefix(given, "# "); ok {
			_, given, _ = strings.Cut(rest, "\n")
		}
		if _, err := compile(given); err != nil {
			continue
		}
		p := &parser{Text: Text{Text: given}, left: "{{", right: "}}"}
		acts, loose := p.actions()
		if len(loose) > 0 || len(p.errs) > 0 {
			t.Errorf("%s: the actions were not found", given)
		}
		type broken struct{ why, text, want string }
		var tries []broken
		for _, a := range acts {
			inner := given[a.start:a.end]
			trimmed := strings.TrimSuffix(inner, " -")
			want := "expected nothing"
			if strings.Contains(inner, "else if") || strings.Contains(inner, "else with") {
				want = "paren"
			}
			switch word := wordAt.FindString(inner[indent(inner):]); word {
			case "end":
				tries = append(tries, broken{"an end is missing", given[:a.start-2] + given[a.end+2:], "expected {{ end }}"})
			case "else", "break", "continue":
				tries = append(tries, broken{"nothing follows " + word, given[:a.start] + trimmed + " ) " + inner[len(trimmed):] + given[a.end:], want})
			default:
				if strings.HasPrefix(inner[indent(inner):], "/*") {
					continue
				}
				tries = append(tries, broken{"an extra parenthesis", given[:a.start] + trimmed + " ) " + inner[len(trimmed):] + given[a.end:], "paren"})
			}
		}
		tries = append(tries,
			broken{"an extra end", given + "{{ end }}", "no if, with, range or define"},
			broken{"an extra else", given + "{{ else }}", "no if, with or range"},
		)
		for _, try := range tries {
			tried++
			_, err := compile(try.text)
			var errs Errors
			if !errors.As(err, &errs) || len(errs) != 1 || !strings.Contains(errs[0].Problem, try.want) {
				t.Errorf("%s:\n%s\n%v", try.why, try.text, err)
			}
		}
	}
	if tried < 300 {
		t.Errorf("%d templates were broken, want at least 300", tried)
	}
}

// The variables of a body with errors are in scope in the metadata and the tag.
func TestErrorsInAllTexts(t *testing.T) {
	for _, tt := range []struct{ body, want string }{
		{`{"a": {{ $u := name }}{{ $u }} {{ $v := int 1 ) }}}`, "template: line 1, column 35: unexpected right paren"},
		{`{"a": "{{ $u := name }}{{ $u }}", "b": {{ $v := int 1 ) }}1}`, "template: line 1, column 43: unexpected right paren"},
		{`{"a": "{{ $u := name }}{{ $v := 1 }}{{ $u }}", "b": yes}`, `template: line 1, column 53: invalid value "yes": text needs quotes`},
		{`{"a": {{ if true }}"{{ $w := 1 }}1"}{{ $u := 1 }}{{ $v := 1 }}`, "template: line 1, column 10: this if is not closed: expected {{ end }}"},
	} {
		_, err := Compile(Config{
			Body:     Text{Name: "template", Text: tt.body},
			Metadata: Text{Name: "metadata_template", Text: `{"u": {{ $u }}, "x": {{ emial }}}`},
			Tag:      Text{Name: "tag_template", Text: `{{ $v }}.{{ ( }}`},
			Seed:     1,
		})
		want := tt.want + "\nmetadata_template: line 1, column 25: unknown function emial; did you mean email?" +
			"\ntag_template: line 1, column 13: unclosed left paren"
		if err == nil || err.Error() != want {
			t.Errorf("%s:\n%v\nwant\n%s", tt.body, err, want)
		}
	}
}
