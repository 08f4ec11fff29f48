// SPDX-License-Identifier: Apache-2.0

// Package printer writes the records that an engine emits to an output, and explains why
// records are missing.
//
// The normal path is [New], the engine's Run with the Printer as its host, and [Printer.End].
package printer

import (
	"io"
	"slices"
	"time"

	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/generate/engine"
)

// Format is an output format of records.
type Format struct {
	Name, Help string
	append     func(p *Printer, dst []byte, tag string, ev event.Event) ([]byte, error) // nil for events as they are
}

// Formats lists the output formats. The first one is the default.
var Formats = []Format{
	{"fluentbit", "as the stdout output of Fluent Bit", func(p *Printer, dst []byte, tag string, ev event.Event) ([]byte, error) {
		return event.AppendText(dst, p.index, tag, ev)
	}},
	{"json", "one JSON object a line, as json_lines of Fluent Bit", func(_ *Printer, dst []byte, _ string, ev event.Event) ([]byte, error) {
		return event.AppendJSON(dst, ev)
	}},
	{"msgpack", "the events in MessagePack", nil},
}

// writeSize is the number of bytes that are buffered before they are written.
const writeSize = 64 << 10

// Options are those of a Printer.
type Options struct {
	Format Format
	Tag    string          // of records that have none of their own
	Stop   <-chan struct{} // ends the run

	Shortfall func() uint64        // of the engine until now; called again and again
	Progress  func(written uint64) // called again and again, or nil
}

// Printer prints the records that an engine emits. It implements [engine.Host].
type Printer struct {
	Options
	out  io.Writer
	late lateness

	index            uint64    // of the next record
	printed, written uint64    // number of records
	events           []byte    // result of Buffer
	buf              []byte    // printed, but not written
	unwritten        []byte    // events of buf, after a write error
	wrote            time.Time // time of the last write
	err              error     // write error, after which nothing is printed
}

// New returns a printer to out of a run of a configuration that begins now.
func New(out io.Writer, config *engine.Config, o Options) *Printer {
	p := &Printer{Options: o, out: out}
	p.late.begin(config, time.Now())
	return p
}

// Written returns the number of records that were written.
func (p *Printer) Written() uint64 { return p.written }

// Printed returns the number of records that the engine emitted before an error.
func (p *Printer) Printed() uint64 { return p.printed }

// Err returns the error of a write, after which nothing more was written.
func (p *Printer) Err() error { return p.err }

// Causes returns the causes of the shortfall.
func (p *Printer) Causes() string { return p.late.String() }

// Wait implements engine.Host.
func (p *Printer) Wait(t time.Time) bool {
	now := time.Now()
	d := t.Sub(now)
	p.late.generated(now, p.Shortfall(), d > 0)
	if p.Progress != nil {
		p.Progress(p.written)
	}
	if d > 0 || len(p.buf) >= writeSize {
		p.flush() // after a whole slice, whatever its tags
	}
	defer func() { p.late.woke(time.Now(), slices.MaxFunc([]time.Time{t, now, p.wrote}, time.Time.Compare)) }()
	if p.err != nil {
		return false
	}
	if d = time.Until(t); d <= 0 {
		select {
		case <-p.Stop:
			return false
		default:
			return true
		}
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-p.Stop:
		return false
	case <-timer.C:
		return true
	}
}

// Buffer implements engine.Host.
func (p *Printer) Buffer() []byte { return p.events[:0] }

// Emit implements engine.Host.
func (p *Printer) Emit(tag string, records int, events []byte) {
	if tag == "" {
		p.events = events // it may have grown
	}
	if p.err != nil {
		return
	}
	if tag == "" {
		tag = p.Tag
	}
	for range records {
		if p.err = p.print(tag, &events); p.err != nil {
			return
		}
	}
	p.printed += uint64(records)
}

// print prints the first event and returns the others.
func (p *Printer) print(tag string, events *[]byte) (err error) {
	if p.Format.append == nil {
		n, err := event.Size(*events)
		if err != nil {
			return err
		}
		p.buf = append(p.buf, (*events)[:n]...)
		*events = (*events)[n:]
		return nil
	}
	var ev event.Event
	if ev, *events, err = event.Decode(*events); err != nil {
		return err
	}
	p.buf, err = p.Format.append(p, p.buf, tag, ev)
	p.index++
	return err
}

// flush writes the buffer.
func (p *Printer) flush() {
	begin := time.Now()
	if p.err == nil && len(p.buf) > 0 {
		if _, p.err = p.out.Write(p.buf); p.err == nil {
			p.written = p.printed
		} else {
			p.unwritten = p.buf
		}
	}
	p.buf = p.buf[:0]
	p.wrote = time.Now()
	p.late.wrote(begin, p.wrote)
}

// End writes the rest of the buffer at the end of a run.
func (p *Printer) End() {
	p.late.generated(time.Now(), p.Shortfall(), false)
	p.flush()
}

// Refusals calls f with the records that could not be written, for the ledger.
func (p *Printer) Refusals(f func(records int, events []byte)) {
	if n := p.printed - p.written; n > 0 {
		f(int(n), p.unwritten)
	}
}
