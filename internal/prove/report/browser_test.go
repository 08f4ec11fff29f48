// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"flag"
	"fmt"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gdummy/gdummy/internal/prove/audit"
)

var shots = flag.String("shots", "", "write screenshots of the pages to this directory")

// The widths at which pages are tested, in pixels: a phone in portrait and in
// landscape, a window, and a sheet of A4 with margins of a centimetre.
const (
	phone     = 380
	landscape = 800
	window    = 1280
	sheet     = 718
)

// whole returns a verdict in which every count is large.
func whole() *audit.Verdict {
	v := verdict(120)
	for i := range v.Streams {
		c := &v.Streams[i].Counts
		for _, n := range []*uint64{&c.Enriched, &c.Foreign, &c.Unknown, &c.Unchecked, &c.Withheld, &c.Refused.N, &c.Shortfall.N, &c.Broken} {
			*n = 123_456_789
		}
		c.Sent, c.Ingested = 2_999_999_999, audit.Known(2_888_888_888)
		c.Refused.Known, c.Shortfall.Known = true, true
	}
	v.Counts = v.Streams[0].Counts
	v.Foreign, v.Broken = 1_000_000, 7
	return v
}

// outside returns the elements that overflow the page horizontally, other than those
// in a box with its own scroll bar. On paper no box has one.
const outside = `(() => {
	const width = document.documentElement.clientWidth, out = []
	if (document.scrollingElement.scrollWidth > innerWidth) out.push("the page: " + document.scrollingElement.scrollWidth)
	for (const e of document.body.querySelectorAll("*")) {
		if (e.ownerSVGElement) continue // overflows by the width of a line
		const box = e.closest(".wide")
		if (box && box !== e && getComputedStyle(box).overflowX === "auto") continue
		const r = e.getBoundingClientRect()
		if (r.width > 0 && (r.left < -0.5 || r.right > width + 0.5))
			out.push(e.tagName + "." + e.className + " " + e.textContent.slice(0, 20) + ": " + r.left + " to " + r.right)
	}
	return out.slice(0, 10)
})()`

// faint returns the texts whose contrast is below the minimum of WCAG: 4.5, or 3 for
// large text.
const faint = `(() => {
	const rgb = s => s.match(/[\d.]+/g).map(Number)
	const light = c => { const l = c.slice(0, 3).map(v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * l[0] + 0.7152 * l[1] + 0.0722 * l[2] }
	const behind = e => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] === 1) return c } return [255, 255, 255] }
	const out = []
	for (const e of document.body.querySelectorAll("*")) {
		if (![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())) continue
		const s = getComputedStyle(e), a = light(rgb(s.color)), b = light(behind(e))
		const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), size = parseFloat(s.fontSize)
		if (contrast < (size >= 24 || size >= 18.66 && s.fontWeight >= 600 ? 3 : 4.5)) out.push(e.tagName + "." + e.className + " " + e.textContent.slice(0, 20) + ": " + contrast.toFixed(2))
	}
	return out.slice(0, 10)
})()`

// ink returns the number of colours in the visible part of a page.
func (b *chromium) ink() int {
	b.t.Helper()
	img, err := png.Decode(bytes.NewReader(b.file("Page.captureScreenshot", nil)))
	if err != nil {
		b.t.Fatal(err)
	}
	colours := map[color.Color]bool{}
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			colours[img.At(x, y)] = true
		}
	}
	return len(colours)
}

// In a real browser, the page fits every window and sheet, follows the colour scheme
// with sufficient contrast, and is white on paper.
func TestBrowser(t *testing.T) {
	b := startChromium(t)
	for _, p := range []struct {
		name  string
		v     *audit.Verdict
		pages int // on paper, at most
	}{
		{"faults", verdict(120), 5},
		{"whole", whole(), 5},
		{"nothing", audit.New(audit.Options{}).Verdict(), 1},
		{"many", made(8000, 20, some), 60}, // a hundred ranges for each of twenty runs
		{"lost", made(8000, 1, all), 2},
		{"capacity", nil, 6},
	} {
		path := filepath.Join(t.TempDir(), "page.html")
		var page bytes.Buffer
		if p.v == nil {
			page.WriteString(pageOf(t, searched()))
		} else if err := Write(&page, Page{Verdict: p.v, Faults: audit.Limits{}.Faults(p.v), Made: start, Version: "1.0"}); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, page.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			width         int
			scheme, media string
			paper         string
		}{
			{phone, "light", "screen", "rgb(255, 255, 255)"},
			{phone, "dark", "screen", "rgb(21, 24, 28)"},
			{landscape, "light", "screen", "rgb(255, 255, 255)"},
			{window, "light", "screen", "rgb(255, 255, 255)"},
			{window, "dark", "screen", "rgb(21, 24, 28)"},
			{sheet, "light", "print", "rgb(255, 255, 255)"},
			{sheet, "dark", "print", "rgb(255, 255, 255)"}, // a dark scheme prints on white, too
		} {
			name := fmt.Sprintf("%s-%s-%s-%d", p.name, c.media, c.scheme, c.width)
			b.show("file://"+path, c.width, c.scheme, c.media)
			var got struct {
				Paper          string
				Outside, Faint []string
			}
			b.run("({paper: getComputedStyle(document.body).backgroundColor, outside: "+outside+", faint: "+faint+"})", &got)
			if got.Paper != c.paper {
				t.Errorf("%s: the paper is %s, want %s", name, got.Paper, c.paper)
			}
			if d := cmp.Diff([]string{}, got.Outside); d != "" {
				t.Errorf("%s: overflow: %s", name, d)
			}
			if d := cmp.Diff([]string{}, got.Faint); d != "" {
				t.Errorf("%s: insufficient contrast: %s", name, d)
			}
			if c.width == window && p.name == "faults" {
				if n := b.ink(); n < 50 {
					t.Errorf("%s: %d colours, want at least 50: the page is almost empty", name, n)
				}
			}
			if *shots != "" {
				shot := b.file("Page.captureScreenshot", map[string]any{"captureBeyondViewport": true})
				if err := os.WriteFile(filepath.Join(*shots, name+".png"), shot, 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
		// On paper, every list of ranges is open.
		var rows, shown int
		b.run(`document.querySelectorAll(".ranges td:first-child").length`, &rows)
		b.run(`[...document.querySelectorAll(".ranges td:first-child")].filter(e => e.checkVisibility() && e.getBoundingClientRect().height > 0).length`, &shown)
		if shown != rows {
			t.Errorf("%s: %d of %d ranges are printed", p.name, shown, rows)
		}
		pdf := b.file("Page.printToPDF", map[string]any{"paperWidth": 8.27, "paperHeight": 11.69, "printBackground": false})
		if *shots != "" {
			if err := os.WriteFile(filepath.Join(*shots, p.name+".pdf"), pdf, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if pages := len(regexp.MustCompile(`/Type\s*/Page\b`).FindAll(pdf, -1)); !bytes.HasPrefix(pdf, []byte("%PDF")) || pages < 1 || pages > p.pages {
			t.Errorf("%s: printed %d bytes, %d pages, want 1 to %d pages of PDF", p.name, len(pdf), pages, p.pages)
		}
	}
}
