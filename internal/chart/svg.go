// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"bytes"
	"fmt"
	"html"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/gdummy/gdummy/internal/config/units"
)

// The layout of the SVG, in pixels.
const (
	svgWidth, svgHeight   = 800, 360
	plotLeft, plotRight   = 64, 776
	plotTop, plotBottom   = 80, 312
	plotWidth, plotHeight = plotRight - plotLeft, plotBottom - plotTop
	titleLength           = 88 // in characters; a longer title is cut
)

const svgStyle = `
  svg { color-scheme: light dark }
  text { font: 12px system-ui, sans-serif; fill: #57606a }
  .paper { fill: #ffffff }
  .title { font-size: 14px; font-weight: 600; fill: #1f2328 }
  .grid { stroke: #d8dee4; stroke-width: 1 }
  .axis { stroke: #818b98; stroke-width: 1 }
  .range { fill: #54aeff; fill-opacity: .35 }
  .area { fill: #0969da; fill-opacity: .25 }
  .mean { fill: none; stroke: #0969da; stroke-width: 1.5; stroke-linejoin: round }
  @media (prefers-color-scheme: dark) {
    text { fill: #9198a1 }
    .paper { fill: #0d1117 }
    .title { fill: #f0f6fc }
    .grid { stroke: #2a313c }
    .axis { stroke: #656c76 }
    .range { fill: #388bfd; fill-opacity: .4 }
    .area { fill: #4493f8; fill-opacity: .25 }
    .mean { stroke: #4493f8 }
  }
`

// SVG returns the chart as a self-contained SVG that follows the reader's choice of
// a light or a dark colour scheme.
func (c *Chart) SVG() []byte {
	columns := c.columns(plotWidth)
	axis := NewAxis(highest(columns), 6)
	x := func(i float64) string { return coordinate(plotLeft + i) }
	y := func(rate float64) string { return coordinate(plotBottom - rate/axis.Top()*plotHeight) }
	name := c.Series.String()

	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%[1]d" height="%[2]d" role="img" aria-labelledby="title desc">`+"\n", svgWidth, svgHeight)
	fmt.Fprintf(&b, "<title id=\"title\">%s</title>\n", html.EscapeString(name))
	fmt.Fprintf(&b, "<desc id=\"desc\">Rate in records per second over %s: %d records, mean %s/s, peak %s/s.</desc>\n",
		units.FormatDuration(time.Duration(c.To)), c.Total, FormatRate(c.Mean), FormatRate(c.Peak))
	fmt.Fprintf(&b, "<style>%s</style>\n", svgStyle)
	fmt.Fprintf(&b, "<rect class=\"paper\" width=\"%d\" height=\"%d\"/>\n", svgWidth, svgHeight)
	fmt.Fprintf(&b, "<text class=\"title\" x=\"%d\" y=\"24\">%s</text>\n", plotLeft, html.EscapeString(shorten(name, titleLength)))
	fmt.Fprintf(&b, "<text x=\"%d\" y=\"44\">%d records in %s, mean %s/s, peak %s/s</text>\n", plotLeft,
		c.Total, units.FormatDuration(time.Duration(c.To)), FormatRate(c.Mean), FormatRate(c.Peak))

	for i := 0; i <= axis.Count; i++ {
		rate := axis.Step * float64(i)
		class := "grid"
		if i == 0 {
			class = "axis"
		}
		fmt.Fprintf(&b, "<line class=\"%s\" x1=\"%d\" x2=\"%d\" y1=\"%s\" y2=\"%[4]s\"/>\n", class, plotLeft, plotRight, y(rate))
		fmt.Fprintf(&b, "<text x=\"%d\" y=\"%s\" text-anchor=\"end\" dominant-baseline=\"middle\">%s</text>\n",
			plotLeft-8, y(rate), FormatRate(rate))
	}
	step := int64(TimeStep(time.Duration(c.To), 9))
	for at := int64(0); ; at += step {
		px := x(float64(at) / float64(c.To) * plotWidth)
		fmt.Fprintf(&b, "<line class=\"axis\" x1=\"%s\" x2=\"%[1]s\" y1=\"%d\" y2=\"%d\"/>\n", px, plotBottom, plotBottom+5)
		fmt.Fprintf(&b, "<text x=\"%s\" y=\"%d\" text-anchor=\"middle\">%s</text>\n", px, plotBottom+20, units.FormatDuration(time.Duration(at)))
		if at > c.To-step {
			break
		}
	}
	fmt.Fprintf(&b, "<text x=\"%d\" y=\"%d\">records/s</text>\n", plotLeft-52, plotTop-14)
	fmt.Fprintf(&b, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">time</text>\n", plotRight, plotBottom+38)

	// The range from the lowest to the highest rate of each pixel, where it is
	// visible.
	var path strings.Builder
	for i, col := range columns {
		if col.high > col.low && (col.high-col.low)/axis.Top()*plotHeight > 1 {
			fmt.Fprintf(&path, "M%s %sH%sV%sH%sZ", x(float64(i)), y(col.high), x(float64(i+1)), y(col.low), x(float64(i)))
		}
	}
	if path.Len() > 0 {
		fmt.Fprintf(&b, "<path class=\"range\" d=\"%s\"/>\n", path.String())
		fmt.Fprintf(&b, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">line: mean of each pixel; shade: lowest to highest rate in it</text>\n", plotRight, plotTop-14)
	}

	// The mean rate. Points between two equal neighbours are omitted.
	type point struct{ x, y string }
	points := []point{{x(0), y(columns[0].mean)}}
	for i, col := range columns {
		points = append(points, point{x(float64(i) + 0.5), y(col.mean)})
	}
	points = append(points, point{x(plotWidth), y(columns[len(columns)-1].mean)})
	path.Reset()
	for i, p := range points {
		if i > 0 && i < len(points)-1 && points[i-1].y == p.y && points[i+1].y == p.y {
			continue
		}
		verb := "L"
		if i == 0 {
			verb = "M"
		}
		path.WriteString(verb + p.x + " " + p.y)
	}
	fmt.Fprintf(&b, "<path class=\"area\" d=\"%sV%dH%dZ\"/>\n", path.String(), plotBottom, plotLeft)
	fmt.Fprintf(&b, "<path class=\"mean\" d=\"%s\"/>\n", path.String())
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// coordinate formats a position in pixels, rounded to a tenth.
func coordinate(f float64) string {
	return strconv.FormatFloat(math.Round(f*10)/10, 'f', -1, 64)
}

func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return s[:n-3] + "..."
}
