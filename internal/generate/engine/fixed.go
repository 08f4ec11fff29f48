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

// AppendMany implements bulkSource.
func (f *fixed) AppendMany(dst []byte, form event.Form, due int64, k, n uint64, limit int) ([]byte, uint64) {
	if t, step, ok := f.timer.span(due); ok && len(f.bodies) == 1 {
		start := len(dst)
		dst, n = f.repeat(dst, form, t, n, limit)
		if step > 0 && n > 1 {
			event.SetTimes(dst[start:], form, (len(dst)-start)/int(n), t, step)
		}
		return dst, n
	}
	done := uint64(0)
	for ; done < n && len(dst) < limit; done++ {
		dst = f.Append(dst, form, due+int64(done), k+done)
	}
	return dst, done
}

// AppendRun implements runSource: it is used while there is one body.
func (f *fixed) AppendRun(dst []byte, form event.Form, due []int64, k uint64, limit int) ([]byte, int) {
	start := len(dst)
	dst, n := f.repeat(dst, form, f.time(due[0], k), uint64(len(due)), limit)
	if n > 1 {
		size := (len(dst) - start) / int(n)
		for i, m := range due[:n] {
			event.SetTime(dst[start+i*size:], form, f.time(m, k+uint64(i)))
		}
	}
	return dst, int(n)
}

// repeat appends the only body up to n times, as long as dst is shorter than limit
// bytes, and returns the number of times. It copies blocks of doubling size: the
// events differ only in their time, which the caller writes afterwards.
func (f *fixed) repeat(dst []byte, form event.Form, t int64, n uint64, limit int) ([]byte, uint64) {
	start := len(dst)
	if n == 0 || start >= limit {
		return dst, 0
	}
	dst = event.Append(dst, form, t, f.metadata, f.bodies[0])
	one := len(dst) - start
	n = min(n, uint64((limit-start+one-1)/one))
	for done := uint64(1); done < n; {
		copies := min(done, n-done)
		dst = append(dst, dst[start:start+int(copies)*one]...)
		done += copies
	}
	return dst, n
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
