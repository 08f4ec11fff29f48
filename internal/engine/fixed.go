package engine

import (
	"github.com/gdummy/gdummy/internal/body"
	"github.com/gdummy/gdummy/internal/event"
	"github.com/gdummy/gdummy/internal/option"
)

// fixed is the source of the options dummy and metadata: the same bodies in
// turn, as long as the environment does not change them.
type fixed struct {
	bodies   [][]byte
	metadata []byte
	next     uint64 // body of the next record

	// What the bodies were at the start stands in for them while the environment
	// makes them something that is no JSON, as in the dummy input.
	initial     [][]byte
	initialMeta []byte

	dummyText, metaText string // what the bodies were read from
	env                 func() (dummy, metadata string)
	warn                func(line string)
}

func newFixed(c *option.Config, o Options) *fixed {
	f := &fixed{
		bodies:    c.Dummy.Bodies,
		metadata:  event.EmptyMap,
		dummyText: c.Dummy.Text,
		metaText:  c.Metadata.Text,
		env:       o.Env,
		warn:      o.Log,
	}
	if len(c.Metadata.Bodies) > 0 {
		f.metadata = c.Metadata.Bodies[0]
	}
	if f.warn == nil {
		f.warn = func(string) {}
	}
	f.initial, f.initialMeta = f.bodies, f.metadata
	return f
}

func (f *fixed) PerTick() uint64 { return uint64(len(f.bodies)) }

func (f *fixed) Append(dst []byte, form event.Form, t int64, _ uint64) []byte {
	b := f.bodies[f.next]
	if f.next++; f.next == uint64(len(f.bodies)) {
		f.next = 0
	}
	return event.Append(dst, form, t, f.metadata, b)
}

// AppendMany implements bulk. One body over and over is copied in blocks that
// double: its events differ in nothing, not even in the time.
func (f *fixed) AppendMany(dst []byte, form event.Form, t int64, k, n uint64, limit int) ([]byte, uint64) {
	start := len(dst)
	done := uint64(0)
	for done < n && len(dst) < limit {
		size := len(dst) - start
		if len(f.bodies) > 1 || done == 0 {
			dst = f.Append(dst, form, t, k+done)
			done++
			continue
		}
		one := size / int(done)
		room := (limit - len(dst) + one - 1) / one
		copies := min(done, n-done, uint64(room))
		dst = append(dst, dst[start:start+int(copies)*one]...)
		done += copies
	}
	return dst, done
}

// AppendRun implements runner: it is used while there is one body.
func (f *fixed) AppendRun(dst []byte, form event.Form, times []int64, _ uint64, limit int) ([]byte, int) {
	b, m := f.bodies[0], f.metadata
	for i, t := range times {
		if len(dst) >= limit {
			return dst, i
		}
		dst = event.Append(dst, form, t, m, b)
	}
	return dst, len(times)
}

func (f *fixed) Follow() {
	if f.env == nil {
		return
	}
	dummy, metadata := f.env()
	if dummy != f.dummyText {
		f.dummyText = dummy
		if b, err := body.Parse(dummy); err == nil {
			f.bodies = b
		} else {
			f.bodies = f.initial
			f.warn("option dummy: the environment makes it bad JSON, the record of the start is used: " + err.Error())
		}
		f.next = 0
	}
	if metadata != f.metaText {
		f.metaText = metadata
		if b, err := body.ParseMetadata(metadata); err == nil {
			f.metadata = b[0]
		} else {
			f.metadata = f.initialMeta
			f.warn("option metadata: the environment makes it something else than one JSON object, that of the start is used")
		}
	}
}
