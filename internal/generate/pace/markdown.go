// SPDX-License-Identifier: Apache-2.0

package pace

import (
	"bytes"
	"fmt"
	"strings"
)

// Markdown returns the documentation of load profiles: the page
// docs/reference/load-profiles.md.
func Markdown() []byte {
	var b bytes.Buffer
	b.WriteString("<!-- Made by `gdummy doc load-profiles` out of the table in internal/generate/pace. Changes go there. -->\n\n")
	b.WriteString(`# Load profiles

A load profile says in one line how the rate of an input moves:

` + "```yaml" + `
pipeline:
  inputs:
    - name: gdummy
      load_profile: ramp 0 to 1k for 2m; 1k for 10m; ramp 1k to 0 for 30s
` + "```" + `

` + "`gdummy profile 'ramp 0 to 1k for 2m; 1k for 10m; ramp 1k to 0 for 30s'`" + ` draws it, says how many records
it gives and tables them; with ` + "`--svg FILE`" + ` it makes a picture as well.

## Segments

A profile is a list of segments, with semicolons, commas or line ends between them. All but the last need an
end: ` + "`for TIME`" + `, or one that they have by themselves. When the last one ends, nothing more is due.
The clauses of a segment, after its first rate, may stand in any order.

| segment | | example |
|---|---|---|
`)
	row := func(k *Kind) {
		fmt.Fprintf(&b, "| %s | %s | `%s` |\n", cell("`"+k.Syntax()+"`"), cell(k.Help), k.Example)
	}
	for i := range Kinds {
		if !Kinds[i].modifier {
			row(&Kinds[i])
		}
	}
	b.WriteString(`
## Modifiers

These follow the segments, separated as they are, at most one of each, in any order. They apply to the whole.

| modifier | | example |
|---|---|---|
`)
	for i := range Kinds {
		if Kinds[i].modifier {
			row(&Kinds[i])
		}
	}
	fmt.Fprintf(&b, `
## Values

| value | |
|---|---|
| RATE | A rate, as in [all options](options.md#values): `+"`500`, `1.5k`, `30/m`, `0.1`"+`. |
| TIME | A time span, as in [all options](options.md#values): `+"`500ms`, `1h30m`, `2d`, `10`"+`. It is above 0, and a profile that ends does so within 36500d. |
| FACTOR | A number above 0: `+"`2`, `0.5`"+`. |
| NUMBER | A whole number. |

Words are not case-sensitive. A profile has at most %d segments and %d bytes.

## Exactness

How many records are due is the integral of the rate from the start, rounded down. It is computed in whole
numbers of 128 bits, not in floating point, and never as a sum of waits: a profile that repeats for a century gives what
the formula says, to the last record. What can't be kept exactly, such as a rate of more decimals than there
are or a `+"`scale`"+` that makes one, is a mistake; nothing is rounded in silence.

- The record with number n is due at the first nanosecond at which the integral has reached n.
- A sine is exact at every half period. In between it is within a 2⁻⁵⁹ of what a period gives: for a million
  records a second and a period of a day, that is a ten-millionth of a record.
  A profile that cuts a sine short and repeats adds that up.
- Random arrivals are whole records, each at its own nanosecond. The moments depend on the seed and on the segment's
  place in the profile. When a profile repeats, they go on where they stopped, so that no two cycles are
  alike; the same seed gives the same moments again in the next run.

## Grammar

`+"```ebnf\n", MaxSegments, MaxText)
	b.WriteString(grammar())
	b.WriteString("```\n")
	return b.Bytes()
}

// grammar returns the EBNF.
func grammar() string {
	var b strings.Builder
	var segments, modifiers, rules []string
	for i := range Kinds {
		k := &Kinds[i]
		if k.modifier {
			modifiers = append(modifiers, k.Name)
		} else {
			segments = append(segments, k.Name)
		}
		rule := `"` + k.Name + `"`
		var later []string
		for _, c := range k.Clauses {
			text := strings.ToLower(c.Value.String())
			if c.Value == Phase {
				text = "phase"
			}
			if c.Word != "" {
				text = `"` + c.Word + `" ` + text
			}
			if c.Optional {
				text = "[ " + text + " ]"
			}
			if c.Word == "" {
				rule += " " + text
			} else {
				later = append(later, text)
			}
		}
		if k.Name == Kinds[0].Name { // the word may be left out
			rule = strings.Replace(rule, `"`+k.Name+`"`, `[ "`+k.Name+`" ]`, 1)
		}
		rules = append(rules, fmt.Sprintf("%-9s = %s ;\n", k.Name, strings.Join(append([]string{rule}, later...), " ")))
	}
	fmt.Fprintf(&b, "profile   = segment { separator segment } { separator modifier } ;\n")
	fmt.Fprintf(&b, "separator = \";\" | \",\" | newline ;\n")
	fmt.Fprintf(&b, "segment   = %s ;\n", strings.Join(segments, " | "))
	fmt.Fprintf(&b, "modifier  = %s ;\n\n", strings.Join(modifiers, " | "))
	b.WriteString(strings.Join(rules, ""))
	b.WriteString(`
phase     = "trough" | "peak" ;

(* rate, time, factor and number: see options.md, Values *)
`)
	return b.String()
}

// cell writes text for a cell of a table.
func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
