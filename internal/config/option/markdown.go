// SPDX-License-Identifier: Apache-2.0

package option

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/gdummy/gdummy/internal/config/units"
)

// Markdown returns the documentation of all options: the page docs/reference/options.md.
func Markdown() []byte {
	var b bytes.Buffer
	b.WriteString("<!-- Made by `gdummy doc options` out of the table in internal/config/option. Changes go there. -->\n\n")
	b.WriteString("# Options\n\n")
	b.WriteString(strings.Join([]string{
		"All that a `gdummy` input may be told: in an `[INPUT]` section, in YAML, on Fluent Bit's command line",
		"(`fluent-bit -i gdummy -p key=value`) and with `gdummy run -p key=value`. Names are not case-sensitive.",
		"Booleans are `on`, `true`, `yes` or `off`, `false`, `no`; numbers and their units are [below](#values).",
		"`gdummy check FILE` finds the mistakes in a configuration before Fluent Bit starts.",
	}, "\n"))
	b.WriteString("\n\n| option | type | default | |\n|---|---|---|---|\n")
	sections := Sections()
	for _, section := range sections {
		for _, o := range Table {
			if o.Section == section {
				fmt.Fprintf(&b, "| [%s](#%s) | %s | %s | %s |\n", cell(o.Name), o.Name, o.Kind, o.DefaultValue(), cell(firstSentence(o.Help)))
			}
		}
	}
	for _, section := range sections {
		fmt.Fprintf(&b, "\n## %s\n", section)
		for _, o := range Table {
			if o.Section != section {
				continue
			}
			b.WriteByte('\n')
			b.Write(o.Markdown())
		}
	}
	b.WriteString("\n## Values\n\n")
	b.Write(units.Markdown())
	b.WriteString("\n## Fluent Bit's own\n\n")
	b.WriteString("These properties work in every input, and so in this one; see Fluent Bit's manual for them.\n")
	names := slices.Clone(Core)
	for _, p := range corePrefixes {
		names = append(names, strings.TrimSuffix(p, ".")+".*")
	}
	slices.Sort(names)
	b.WriteByte('\n')
	line := ""
	for i, n := range names {
		item := "`" + n + "`"
		if i < len(names)-1 {
			item += ", "
		}
		if len(line)+len(item) > 110 {
			b.WriteString(strings.TrimSpace(line) + "\n")
			line = ""
		}
		line += item
	}
	b.WriteString(line + "\n")
	return b.Bytes()
}

// Markdown returns the documentation of the option.
func (o *Option) Markdown() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "### %s\n\n%s\n\n", o.Name, o.Help)
	if o.FollowsEnvironment {
		b.WriteString("Follows the environment: with Fluent Bit 5.1.1 and later, `${NAME}` in it is looked up again while records are made.\n\n")
	}
	fmt.Fprintf(&b, "- type: %s\n- default: %s\n", o.Kind, o.DefaultValue())
	if o.Example != "" {
		fmt.Fprintf(&b, "- example: %s\n", code(o.Name+" "+o.Example))
	}
	return b.Bytes()
}

// Sections are the headings in the order in which they appear in the table, but
// for the checks: their rows stand first because they decide how the others
// are read, and interest few.
func Sections() []string {
	var s []string
	for _, o := range Table {
		if o.Section != secChecks && !slices.Contains(s, o.Section) {
			s = append(s, o.Section)
		}
	}
	return append(s, secChecks)
}

func firstSentence(s string) string {
	if i := strings.Index(s, ". "); i >= 0 {
		return s[:i+1]
	}
	return s
}

// code is text in Markdown's backquotes; an empty one is a dash.
func code(text string) string {
	if text == "" {
		return "–"
	}
	fence := "`"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	if len(fence) > 1 {
		text = " " + text + " "
	}
	return cell(fence + text + fence)
}

// cell makes a text fit a cell of a table.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }
