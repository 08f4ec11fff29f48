// SPDX-License-Identifier: Apache-2.0

package pace

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
)

//go:embed load-profiles.tmpl
var page string

// Markdown returns the documentation of load profiles: the page
// docs/reference/load-profiles.md.
func Markdown() []byte {
	var rows, names [2][]string // of segments, of modifiers
	var rules []string
	for i := range Kinds {
		k, group := &Kinds[i], 0
		if k.modifier {
			group = 1
		}
		rows[group] = append(rows[group], fmt.Sprintf("| `%s` | %s | `%s` |\n", cell(k.Syntax()), cell(k.Help), k.Example))
		names[group] = append(names[group], k.Name)
		rules = append(rules, k.rule())
	}
	return []byte(strings.NewReplacer(
		"{{segments}}", strings.Join(rows[0], ""), "{{modifiers}}", strings.Join(rows[1], ""),
		"{{segment}}", strings.Join(names[0], " | "), "{{modifier}}", strings.Join(names[1], " | "),
		"{{rules}}", strings.Join(rules, ""),
		"{{MaxSegments}}", strconv.Itoa(MaxSegments), "{{MaxText}}", strconv.Itoa(MaxText),
	).Replace(page))
}

// rule returns the rule of the grammar, in EBNF.
func (k *Kind) rule() string {
	name := `"` + k.Name + `"`
	if k == &Kinds[0] { // the word is optional
		name = "[ " + name + " ]"
	}
	rule := fmt.Sprintf("%-9s = %s", k.Name, name)
	for _, c := range k.Clauses {
		text := strings.ToLower(c.Value.String())
		switch c.Value {
		case Phase:
			text = "phase"
		case Entries:
			text = "times"
		}
		if c.Word != "" {
			text = `"` + c.Word + `" ` + text
		}
		if c.Optional {
			text = "[ " + text + " ]"
		}
		rule += " " + text
	}
	return rule + " ;\n"
}

// cell escapes text for a cell of a table.
func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
