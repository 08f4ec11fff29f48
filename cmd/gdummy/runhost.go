// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/generate/format"
)

// formatFlag is an output format of records.
type formatFlag struct {
	name, help string
	append     func(h *runHost, dst []byte, tag string, ev event.Event) ([]byte, error)
}

// formats lists the output formats. The first one is the default.
var formats = []formatFlag{
	{"fluentbit", "as the stdout output of Fluent Bit", func(h *runHost, dst []byte, tag string, ev event.Event) ([]byte, error) {
		return event.AppendText(dst, h.index, tag, ev)
	}},
	{"json", "one JSON object a line, as json_lines of Fluent Bit", func(_ *runHost, dst []byte, _ string, ev event.Event) ([]byte, error) {
		return event.AppendJSON(dst, ev)
	}},
	{"msgpack", "the events in MessagePack", nil},
}

func formatHelp() string {
	var b strings.Builder
	for i, f := range formats {
		fmt.Fprintf(&b, "  %-10s %s", f.name, f.help)
		if i == 0 {
			b.WriteString(" (default)")
		}
		if i < len(formats)-1 {
			b.WriteByte('\n')
		}
	}
	return b.String()
}

func formatNames() []string {
	var names []string
	for _, f := range formats {
		names = append(names, f.name)
	}
	return names
}

// set selects a format by name.
func (f *formatFlag) set(name string) error {
	for _, known := range formats {
		if known.name == name {
			*f = known
			return nil
		}
	}
	err := fmt.Errorf("expected one of %s", strings.Join(formatNames(), ", "))
	if _, ok := format.Find(name); ok {
		err = fmt.Errorf("%w; for records in the format %s, use -p format=%[2]s", err, name)
	}
	return err
}

// writeSize is the number of bytes that are buffered before they are written.
const writeSize = 64 << 10

// runHost prints the records that an engine emits.
type runHost struct {
	out    io.Writer
	format formatFlag
	tag    string
	stop   <-chan struct{}

	waiting func() (short uint64) // called periodically; returns the shortfall
	late    lateness

	progress *progress // nil unless the output is a file

	index            uint64    // of the next record
	printed, written uint64    // number of records
	events           []byte    // result of Buffer
	buf              []byte    // printed, but not written
	unwritten        []byte    // events of buf, after a write error
	wrote            time.Time // time of the last write
	err              error     // write error, after which nothing is printed
}

// Wait implements engine.Host.
func (h *runHost) Wait(t time.Time) bool {
	now := time.Now()
	d := t.Sub(now)
	h.late.generated(now, h.waiting(), d > 0)
	if h.progress != nil {
		h.progress.update(int64(h.written))
	}
	if d > 0 || len(h.buf) >= writeSize {
		h.flush() // after a whole slice, whatever its tags
	}
	defer func() { h.late.woke(time.Now(), later(later(t, now), h.wrote)) }()
	if h.err != nil {
		return false
	}
	if d = time.Until(t); d <= 0 {
		select {
		case <-h.stop:
			return false
		default:
			return true
		}
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-h.stop:
		return false
	case <-timer.C:
		return true
	}
}

// Buffer implements engine.Host.
func (h *runHost) Buffer() []byte { return h.events[:0] }

// Emit implements engine.Host.
func (h *runHost) Emit(tag string, records int, events []byte) {
	if tag == "" {
		h.events = events // it may have grown
	}
	if h.err != nil {
		return
	}
	if tag == "" {
		tag = h.tag
	}
	for range records {
		if h.err = h.print(tag, &events); h.err != nil {
			return
		}
	}
	h.printed += uint64(records)
}

// print prints the first event and returns the others.
func (h *runHost) print(tag string, events *[]byte) (err error) {
	if h.format.append == nil {
		n, err := event.Size(*events)
		if err != nil {
			return err
		}
		h.buf = append(h.buf, (*events)[:n]...)
		*events = (*events)[n:]
		return nil
	}
	var ev event.Event
	if ev, *events, err = event.Decode(*events); err != nil {
		return err
	}
	h.buf, err = h.format.append(h, h.buf, tag, ev)
	h.index++
	return err
}

// flush writes the buffer.
func (h *runHost) flush() {
	begin := time.Now()
	if h.err == nil && len(h.buf) > 0 {
		if _, h.err = h.out.Write(h.buf); h.err == nil {
			h.written = h.printed
		} else {
			h.unwritten = h.buf
		}
	}
	h.buf = h.buf[:0]
	h.wrote = time.Now()
	h.late.wrote(begin, h.wrote)
}

// end writes the rest of the buffer at the end of a run.
func (h *runHost) end() {
	h.late.generated(time.Now(), h.waiting(), false)
	h.flush()
}

// later returns the later of two times.
func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// refusals returns the records that could not be written, for the ledger.
func (h *runHost) refusals(f func(records int, events []byte)) {
	if n := h.printed - h.written; n > 0 {
		f(int(n), h.unwritten)
	}
}
