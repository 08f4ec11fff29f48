// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/generate/jsonbody"
)

// fixed is the source of the options dummy and metadata. It repeats the same bodies
// in order, until the environment changes them.
type fixed struct {
	timer    *timer
	bodies   [][]byte
	metadata []byte
	first    uint64 // number of a record with the first body

	// The values at the start, used while the environment makes the options invalid
	// JSON, as in the dummy input.
	initial     [][]byte
	initialMeta []byte

	dummyText, metaText string // the text of bodies and metadata
	env                 func() (dummy, metadata string)
	warn                func(line string)
}

func newFixed(c *Config, timer *timer, o Options) *fixed {
	f := &fixed{
		timer:     timer,
		bodies:    c.bodies,
		metadata:  event.EmptyMap,
		dummyText: c.Dummy,
		metaText:  c.Metadata,
		env:       o.Env,
		warn:      o.Log,
	}
	if len(c.metadata) > 0 {
		f.metadata = c.metadata[0]
	}
	if f.warn == nil {
		f.warn = func(string) {}
	}
	f.initial, f.initialMeta = f.bodies, f.metadata
	return f
}

func (f *fixed) RecordsPerTick() uint64 { return uint64(len(f.bodies)) }

func (f *fixed) Append(dst []byte, form event.Form, due int64, k uint64) []byte {
	return event.Append(dst, form, f.time(due, k), f.metadata, f.body(k))
}

func (f *fixed) body(k uint64) []byte { return f.bodies[(k-f.first)%uint64(len(f.bodies))] }

// AppendMany implements bulkSource. Once it has appended each body, it copies the events.
func (f *fixed) AppendMany(dst []byte, form event.Form, due *moments, k, n uint64, limit int) ([]byte, uint64) {
	start, cycle := len(dst), uint64(len(f.bodies))
	done := uint64(0)
	for ; done < n && len(dst) < limit; done++ {
		if done == cycle { // at least one record, which may exceed the limit, is left for below
			copies := min((n-done-1)/cycle, uint64((limit-len(dst)-1)/(len(dst)-start)))
			dst, copies = f.copyAll(dst, start, form, due, k, copies)
			done += copies * cycle
		}
		dst = f.Append(dst, form, due.at(done), k+done)
	}
	return dst, done
}

// copyAll appends copies of the events dst[start:], one of each body, with times of their
// own. It returns the number of copies: 0 if their times are not at a fixed distance from
// the moments at which they were due.
func (f *fixed) copyAll(dst []byte, start int, form event.Form, due *moments, k, copies uint64) ([]byte, uint64) {
	cycle, size := uint64(len(f.bodies)), len(dst)-start
	base, slope, ok := f.timer.line(due.at(0), due.at((copies+1)*cycle-1))
	listed := due.list != nil && cycle == 1
	if !listed && (!ok || due.list != nil) {
		return dst, 0
	}
	dst = repeat(dst, start, int(copies))
	if listed {
		for i, m := range due.list[1 : copies+1] {
			at := base + slope*m
			if !ok {
				at = f.time(m, k+1+uint64(i))
			}
			event.SetTime(dst[start+(i+1)*size:], form, at)
		}
		return dst, copies
	}
	for i, at := uint64(0), start; i < cycle && slope > 0; i++ {
		event.SetTimes(dst[at:], form, size, base+due.at(i), int64(cycle)*due.gap)
		one, _ := event.Size(dst[at:])
		at += one
	}
	return dst, copies
}

// repeat appends copies of dst[start:], in blocks of doubling size.
func repeat(dst []byte, start, copies int) []byte {
	for left := copies * (len(dst) - start); left > 0; {
		n := min(left, len(dst)-start)
		dst = append(dst, dst[start:start+n]...)
		left -= n
	}
	return dst
}

// Refresh implements Source. If the environment has changed dummy, record k gets the
// first body.
func (f *fixed) Refresh(k uint64) {
	if f.env == nil {
		return
	}
	dummy, metadata := f.env()
	if dummy != f.dummyText {
		f.dummyText = dummy
		if b, err := jsonbody.Parse(dummy); err == nil {
			f.bodies = b
		} else {
			f.bodies = f.initial
			f.warn("option dummy: invalid JSON after a change of the environment; the initial records are used: " + err.Error())
		}
		f.first = k
	}
	if metadata != f.metaText {
		f.metaText = metadata
		if b, err := jsonbody.ParseMetadata(metadata); err == nil {
			f.metadata = b[0]
		} else {
			f.metadata = f.initialMeta
			f.warn("option metadata: not a single JSON object after a change of the environment; the initial metadata is used")
		}
	}
}
