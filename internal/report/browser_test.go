package report

import (
	"bytes"
	"context"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/gdummy/gdummy/internal/audit"
)

// In a real browser the page must be light or dark as its reader wishes, have
// what it should at its places, and print. Without Chromium it is skipped.
func TestBrowser(t *testing.T) {
	browser, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("there is no chromium in PATH")
	}
	dir := t.TempDir()
	page := filepath.Join(dir, "page.html")
	var b bytes.Buffer
	v := verdict(120)
	if err := Write(&b, Page{Verdict: v, Faults: audit.Limits{}.Faults(v), Made: start, Version: "1.0"}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(page, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		args = append([]string{"--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--user-data-dir=" + dir}, args...)
		if out, err := exec.CommandContext(ctx, browser, append(args, "file://"+page)...).CombinedOutput(); err != nil {
			t.Skipf("chromium does not run here: %v\n%s", err, out)
		}
	}
	for scheme, paper := range map[string]color.RGBA{"1": {0xff, 0xff, 0xff, 0xff}, "0": {0x15, 0x18, 0x1c, 0xff}} {
		shot := filepath.Join(dir, "shot"+scheme+".png")
		run("--blink-settings=preferredColorScheme="+scheme, "--window-size=1040,2600", "--screenshot="+shot)
		f, err := os.Open(shot)
		if err != nil {
			t.Fatal(err)
		}
		img, err := png.Decode(f)
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		if got := color.RGBAModel.Convert(img.At(2, 2)); got != paper {
			t.Errorf("scheme %s: the paper is %v, want %v", scheme, got, paper)
		}
		// The bars of the first chart, the marks of loss, the headline.
		seen := map[color.Color]int{}
		for y := range img.Bounds().Dy() {
			for x := range img.Bounds().Dx() {
				seen[img.At(x, y)]++
			}
		}
		if seen[img.At(2, 2)] > 9*img.Bounds().Dx()*img.Bounds().Dy()/10 || len(seen) < 50 {
			t.Errorf("scheme %s: %d colours: there is next to nothing on the page", scheme, len(seen))
		}
	}
	pdf := filepath.Join(dir, "page.pdf")
	run("--print-to-pdf="+pdf, "--no-pdf-header-footer")
	if data, err := os.ReadFile(pdf); err != nil || !bytes.HasPrefix(data, []byte("%PDF")) || len(data) < 10000 {
		t.Errorf("it does not print: %d bytes, %v", len(data), err)
	}
}
