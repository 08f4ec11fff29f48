// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/gdummy/gdummy/internal/prove/audit"
	"github.com/gdummy/gdummy/internal/prove/source"
)

const (
	showAfter = time.Second            // shorter operations have no bar
	showEvery = 200 * time.Millisecond // between two updates
)

// progress shows a progress bar on a terminal for an operation of more than a second.
// Other output to the terminal must be written through it, so that lines do not mix with
// the bar.
type progress struct {
	out   io.Writer
	bar   *progressbar.ProgressBar // nil if out is not a terminal
	began time.Time
	next  time.Time // time of the next update
	done  int64
	shown bool

	records func() uint64 // number of records read, or nil if done counts records
}

// newProgress returns the progress of total bytes, or of total records if the function
// records is nil. A total of -1 is unknown.
func newProgress(out io.Writer, total int64, records func() uint64) *progress {
	p := &progress{out: out, began: time.Now(), records: records}
	p.next = p.began.Add(showAfter)
	if !isTerminal(out) || os.Getenv("TERM") == "dumb" {
		return p
	}
	options := []progressbar.Option{
		progressbar.OptionSetWriter(out), progressbar.OptionUseANSICodes(true), progressbar.OptionSetWidth(20),
		progressbar.OptionSetSpinnerChangeInterval(0), // no goroutine
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

// update sets how much is done, and updates the bar if that is due.
func (p *progress) update(done int64) {
	p.done = done
	now := time.Now()
	if p.bar == nil || now.Before(p.next) {
		return
	}
	p.next = now.Add(showEvery)
	p.shown = true
	_ = p.bar.Set64(done) // an error of the terminal does not matter
	if p.records != nil {
		p.bar.Describe(audit.Grouped(uint64(float64(p.records())/now.Sub(p.began).Seconds())) + " records/s")
	}
}

// Write removes the bar and writes to the terminal.
func (p *progress) Write(b []byte) (int, error) {
	p.hide()
	return p.out.Write(b)
}

// hide removes the bar until the next update.
func (p *progress) hide() {
	if p.shown {
		_ = p.bar.Clear()
		p.shown = false
	}
}

// reader returns a reader of r that updates the bar.
func (p *progress) reader(r io.Reader) io.Reader {
	return source.CountReads(r, func(n int) { p.update(p.done + int64(n)) })
}

// isTerminal reports whether w is a terminal.
func isTerminal(w io.Writer) bool {
	file := fileOf(w)
	return file != nil && term.IsTerminal(int(file.Fd()))
}

// isFile reports whether w is a regular file.
func isFile(w io.Writer) bool {
	file := fileOf(w)
	if file == nil {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode().IsRegular()
}

// colour is a colour of a terminal.
type colour string

// The colours, in SGR escape sequences.
const (
	red    colour = "31"
	green  colour = "32"
	yellow colour = "33"
)

// coloured reports whether output to w has colours: w is a terminal, and NO_COLOR is not
// set (https://no-color.org).
func coloured(w io.Writer) bool {
	return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && isTerminal(w)
}

// paint returns text in the colour if on is set.
func (c colour) paint(text string, on bool) string {
	if !on {
		return text
	}
	return "\x1b[" + string(c) + "m" + text + "\x1b[0m"
}
