// SPDX-License-Identifier: Apache-2.0

package session

import (
	"fmt"
	"html"
	"strings"
	"unicode/utf8"
)

// The measures of a picture, in pixels.
const (
	fontSize   = 14
	lineHeight = 20
	charWidth  = 8.43 // of a monospaced font of that size
	margin     = 16
	titleBar   = 28
)

// SVG draws the commands of a page, and what they print, as a terminal. It is light or
// dark as its reader's browser is.
func (p *Page) SVG() []byte {
	type line struct{ class, text string }
	var lines []line
	add := func(class, text string) {
		for l := range strings.Lines(text) {
			lines = append(lines, line{class, strings.TrimRight(l, " \n")})
		}
	}
	for _, b := range p.Blocks {
		if !b.Console() {
			continue
		}
		for _, c := range b.Commands {
			if len(lines) > 0 {
				lines = append(lines, line{})
			}
			add("command", "$ "+c.Text)
			for l := range strings.Lines(c.Output) {
				class := "output"
				switch {
				case strings.HasPrefix(l, "clean"):
					class = "good"
				case strings.HasPrefix(l, "FAULTS"):
					class = "bad"
				}
				add(class, l)
			}
		}
	}
	columns := 0
	for _, l := range lines {
		columns = max(columns, utf8.RuneCountInString(l.text))
	}
	width, height := int(float64(columns)*charWidth)+2*margin, titleBar+len(lines)*lineHeight+2*margin
	var svg strings.Builder
	fmt.Fprintf(&svg, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="A terminal session with gdummy">
<!-- Drawn from docs/images/session.md; make images renews both. -->
<style>
.window { fill: #f6f8fa; stroke: #d0d7de } .bar { fill: #d0d7de }
text { font: %dpx ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; white-space: pre }
.command { fill: #0550ae; font-weight: 600 } .output { fill: #1f2328 } .good { fill: #116329; font-weight: 600 } .bad { fill: #a40e26; font-weight: 600 }
@media (prefers-color-scheme: dark) {
.window { fill: #0d1117; stroke: #30363d } .bar { fill: #30363d }
.command { fill: #79c0ff } .output { fill: #e6edf3 } .good { fill: #56d364 } .bad { fill: #ff7b72 }
}
</style>
<rect class="window" x="0.5" y="0.5" width="%d" height="%d" rx="8"/>
`, width, height, width, height, fontSize, width-1, height-1)
	for i := range 3 {
		fmt.Fprintf(&svg, "<circle class=\"bar\" cx=\"%d\" cy=\"%d\" r=\"5\"/>\n", margin+6+i*18, titleBar/2+2)
	}
	for i, l := range lines {
		if l.text != "" {
			fmt.Fprintf(&svg, "<text class=\"%s\" x=\"%d\" y=\"%d\" xml:space=\"preserve\">%s</text>\n", l.class, margin, titleBar+margin+i*lineHeight+fontSize, html.EscapeString(l.text))
		}
	}
	svg.WriteString("</svg>\n")
	return []byte(svg.String())
}
