// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/gdummy/gdummy/internal/prove/audit"
)

const (
	showAfter = time.Second            // what takes less needs no bar
	showEvery = 200 * time.Millisecond // often enough for the eye
)

// progress shows on a terminal how much of something is done, once it has taken a
// second. What else is written to the terminal goes through it, so that no line
// is mixed with the bar.
type progress struct {
	out   io.Writer
	bar   *progressbar.ProgressBar // nil if out is not a terminal
	began time.Time
	next  time.Time // when to show it again
	done  int64
	shown bool

	records func() uint64 // how many were read, or nil if done counts records
}

// newProgress returns the progress of total bytes, if records counts the records in
// them, or else of total records; -1 is an unknown total.
func newProgress(out io.Writer, total int64, records func() uint64) *progress {
	p := &progress{out: out, began: time.Now(), records: records}
	p.next = p.began.Add(showAfter)
	if !isTerminal(out) || os.Getenv("TERM") == "dumb" {
		return p
	}
	options := []progressbar.Option{
		progressbar.OptionSetWriter(out), progressbar.OptionUseANSICodes(true), progressbar.OptionSetWidth(20),
		progressbar.OptionSetSpinnerChangeInterval(0), // no goroutine that draws
		progressbar.OptionShowCount(),
	}
	if records != nil {
		options = append(options, progressbar.OptionShowBytes(true), progressbar.OptionShowDescriptionAtLineEnd())
	} else {
		options = append(options, progressbar.OptionShowIts(), progressbar.OptionSetItsString("records"))
	}
	p.bar = progressbar.NewOptions64(total, options...)
	p.bar.StartWithoutRender()
	return p
}

// update notes that so much is done, and shows it now and then.
func (p *progress) update(done int64) {
	p.done = done
	now := time.Now()
	if p.bar == nil || now.Before(p.next) {
		return
	}
	p.next = now.Add(showEvery)
	p.shown = true
	_ = p.bar.Set64(done) // a terminal that is gone shows nothing
	if p.records != nil {
		p.bar.Describe(audit.Grouped(uint64(float64(p.records())/now.Sub(p.began).Seconds())) + " records/s")
	}
}

// Write writes to the terminal, in place of the bar.
func (p *progress) Write(b []byte) (int, error) {
	p.hide()
	return p.out.Write(b)
}

// hide removes the bar until it is shown again.
func (p *progress) hide() {
	if p.shown {
		_ = p.bar.Clear()
		p.shown = false
	}
}

// reader returns a reader of r that shows how much of all was read.
func (p *progress) reader(r io.Reader) io.Reader {
	return readerFunc(func(b []byte) (int, error) {
		n, err := r.Read(b)
		p.update(p.done + int64(n))
		return n, err
	})
}

// readerFunc is a Read method.
type readerFunc func([]byte) (int, error)

// Read implements io.Reader.
func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

// isTerminal reports whether w is a terminal.
func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// isFile reports whether w is a regular file.
func isFile(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode().IsRegular()
}

// colour is a colour of a terminal.
type colour string

// The colours, as SGR escape sequences have them.
const (
	red    colour = "31"
	green  colour = "32"
	yellow colour = "33"
)

// coloured reports whether text that is written to w may have colours: it is a
// terminal, and nobody objects (https://no-color.org).
func coloured(w io.Writer) bool {
	return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && isTerminal(w)
}

// paint returns a text in a colour if on is set.
func (c colour) paint(text string, on bool) string {
	if !on {
		return text
	}
	return "\x1b[" + string(c) + "m" + text + "\x1b[0m"
}
