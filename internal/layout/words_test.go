// SPDX-License-Identifier: Apache-2.0

package layout_test

import (
	"bytes"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// plainWords are constructions that read like a translation, each with what to write
// instead.
var plainWords = []struct{ pattern, instead string }{
	{`there (is|are|was|were) (no|nothing)|(is|are|was|were) no \w+`, `"X has no Y", "without Y" or "is not a Y"`},
	{`tells|told`, `"report", "return", "log" or "distinguish"`},
	{`says|said`, `"report", "describe", "state" or "require"`},
	{`gives|gave`, `"return", "produce", "set" or "have"`},
	{`forgiv(e|es|en|ing)`, `"allow"`},
	{`stands?|stood`, `"is", "appears in", "represents" or "matches"`},
	{`go(es)? on`, `"continue"`},
	{`comes? again`, `"repeat" or "return"`},
	{`by which`, `"that lets X do Y"`},
	{`what becomes of`, `"what happens to"`},
	{`behind one another|one behind the other`, `"in sequence"`},
	{`nobody knows|who knows`, `"unknown"`},
	{`has it that`, `"requires that"`},
	{`whoever`, `the person or the program`},
	{`for (it|there|they|nothing|nobody) (is|are|has|have)`, `"because"`},
}

// plainEnglish are uses of these words that are right.
var plainEnglish = regexp.MustCompile(`(?i)\b(is|are|was) no (longer|more|less)\b|\b(gives|gave) up\b`)

// exempt are pages whose text is not ours or consists of records, and this table.
var exempt = []string{"CODE_OF_CONDUCT.md", "THIRD_PARTY.md", "docs/reference/formats.md", "docs/reference/functions.md", "internal/layout/words_test.go"}

var (
	goComment = regexp.MustCompile(`(?:^|\s)//\s(.*)`)
	cComment  = regexp.MustCompile(`(?:^\s*|(?:^|\s)/)\*\s(.*)`)
	quotation = regexp.MustCompile("`[^`]*`|\"[^\"]*\"")
)

// prose returns the lines of a file that are text: those of a page outside of its blocks,
// and the comments of a source. All others are empty.
func prose(name string, text []byte) []string {
	lines := strings.Split(string(text), "\n")
	block := false
	for i, line := range lines {
		var found []string
		switch filepath.Ext(name) {
		case ".md":
			if strings.HasPrefix(line, "```") {
				block = !block
			} else if !block && !strings.HasPrefix(line, "    ") {
				found = []string{"", line}
			}
		case ".go":
			found = goComment.FindStringSubmatch(line)
		default:
			found = cComment.FindStringSubmatch(line)
		}
		lines[i] = ""
		if found != nil {
			lines[i] = plainEnglish.ReplaceAllString(quotation.ReplaceAllString(found[1], ""), "")
		}
	}
	return lines
}

// Pages and comments are in plain words: subject, verb, object, with the verbs of the
// field. CONTRIBUTING.md has the rule.
func TestPlainWords(t *testing.T) {
	var all []string
	for _, w := range plainWords {
		all = append(all, w.pattern)
	}
	bad := regexp.MustCompile(`(?i)\b(` + strings.Join(all, "|") + `)\b`)
	for name, text := range tracked(t, 400, "*.md", "*.go", "*.c", "*.h") {
		if slices.Contains(exempt, name) || strings.Contains(name, "testdata/") {
			continue
		}
		for i, line := range prose(name, bytes.TrimSpace(text)) {
			if found := bad.FindString(line); found != "" {
				k := slices.IndexFunc(all, func(p string) bool { return regexp.MustCompile(`(?i)^(` + p + `)$`).MatchString(found) })
				t.Errorf("%s:%d: %q: write %s", name, i+1, found, plainWords[k].instead)
			}
		}
	}
}

// Each construction is found in a page and in comments, and not in code or in quotations.
func TestProse(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"a.md", "It tells.\n```console\nIt tells.\n```\n`tells` no\n", "It tells.|||| no|"},
		{"a.go", "x := \"it tells\" // it tells\n//go:build tells\n\t// It gives up.\n", "it tells||It .|"},
		{"a.c", "/* It tells. */\n * It stands.\nint says; /* said */\n", "It tells. */|It stands.|said */|"},
	} {
		if got := strings.Join(prose(test.name, []byte(test.text)), "|"); got != test.want {
			t.Errorf("%s: %q\ngot  %q\nwant %q", test.name, test.text, got, test.want)
		}
	}
}
