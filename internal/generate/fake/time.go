// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"strings"
	"time"

	"github.com/gdummy/gdummy/internal/config/units"

	"github.com/gdummy/gdummy/internal/generate/value"
)

// layouts are named layouts of package time.
var layouts = []struct{ name, layout string }{
	{"rfc3339", "2006-01-02T15:04:05Z07:00"},
	{"rfc3339_ms", "2006-01-02T15:04:05.000Z07:00"},
	{"rfc3339_us", "2006-01-02T15:04:05.000000Z07:00"},
	{"rfc3339_ns", "2006-01-02T15:04:05.000000000Z07:00"},
	{"date", "2006-01-02"},
	{"time", "15:04:05"},
	{"datetime", "2006-01-02 15:04:05"},
	{"datetime_ms", "2006-01-02 15:04:05.000"},
	{"apache", "02/Jan/2006:15:04:05 -0700"},
	{"syslog", "Jan _2 15:04:05"},
	{"klog", "0102 15:04:05.000000"},
	{"ctime", "Mon Jan _2 15:04:05 2006"},
	{"rfc1123", "Mon, 02 Jan 2006 15:04:05 MST"},
	{"rfc2822", "Mon, 02 Jan 2006 15:04:05 -0700"},
	{"kitchen", "3:04PM"},
}

// epochs are the named layouts of integers.
var epochs = []struct {
	name string
	unit int64
}{
	{"unix", 1e9}, {"unix_ms", 1e6}, {"unix_us", 1e3}, {"unix_ns", 1},
}

var times = []Func{
	{
		Name: "now", Section: secTime, Follows: TheTime, Result: "string, integer or number", Example: `now "rfc3339"`,
		Doc: "The record's time. LAYOUT is one of the names below, a layout of Go (`2006-01-02`) or one of strftime (`%d.%m.%Y`). " +
			"ZONE is UTC, Local, an offset such as +02:00 or a name such as Europe/Berlin. OFFSET is added to the time (`-1h30m`), " +
			"and a random time of at most JITTER is added or subtracted.\n\n" + layoutDoc(),
		Args: []Arg{
			{Name: "LAYOUT", Type: Text, Optional: true, Default: "rfc3339_ms"},
			{Name: "ZONE", Type: Text, Optional: true, Default: "UTC"},
			{Name: "OFFSET", Type: Text, Optional: true, Default: "0s"},
			{Name: "JITTER", Type: Text, Optional: true, Default: "0s"},
		},
		build: func(c *Call) (Gen, error) {
			return buildTime(c, 0, func(r *Record) int64 { return r.T })
		},
	},
	{
		Name: "time_of", Section: secTime, Result: "string, integer or number", Example: `time_of "2026-11-01T08:30:00Z" "rfc1123" "Europe/Berlin"`,
		Doc: "TIME in the same layouts as now. TIME is a number of seconds since 1970-01-01, or a text: `2026-11-01`, `2026-11-01 08:30`, `2026-11-01T08:30:00.5`, or " +
			"with an offset (`Z`, `+01:00`). Without an offset it is a time in ZONE. A value that is not a time is null.",
		Args: []Arg{
			{Name: "TIME", Dynamic: true, Kinds: moments},
			{Name: "LAYOUT", Type: Text, Optional: true, Default: "rfc3339_ms"},
			{Name: "ZONE", Type: Text, Optional: true, Default: "UTC"},
			{Name: "OFFSET", Type: Text, Optional: true, Default: "0s"},
			{Name: "JITTER", Type: Text, Optional: true, Default: "0s"},
		},
		build: func(c *Call) (Gen, error) {
			at, valid, err := c.moment(0, 2)
			if err != nil {
				return nil, err
			}
			gen, err := buildTime(c, 1, at)
			if err != nil || valid == nil {
				return gen, err
			}
			c.Text, c.Pack, c.Kinds = nil, nil, c.Kinds|kinds(value.Nil)
			return func(r *Record) value.Value {
				if !valid(r) {
					return value.Null
				}
				return gen(r)
			}, nil
		},
	},
	{
		Name: "add_time", Section: secTime, Result: "integer or number", Example: `time_of (add_time "2026-02-27" "36h") "rfc3339"`,
		Doc: "The time SPAN after TIME, in seconds since 1970-01-01, for time_of. TIME is that of time_of, in ZONE if it has no offset. SPAN is a number of seconds or a text such as `-1h30m` or `2d`; " +
			"a day is always 24 hours. A value that is not a time or a span is null.",
		Args: []Arg{
			{Name: "TIME", Dynamic: true, Kinds: moments}, {Name: "SPAN", Dynamic: true, Kinds: moments}, {Name: "ZONE", Type: Text, Optional: true, Default: "UTC"},
		},
		Pure: true,
		build: func(c *Call) (Gen, error) {
			at, valid, err := c.moment(0, 2)
			if err != nil {
				return nil, err
			}
			span, err := c.span(1)
			if err != nil {
				return nil, err
			}
			return func(r *Record) value.Value {
				if valid != nil && !valid(r) {
					return value.Null
				}
				t := at(r)
				d, ok := span(r)
				if sum := t + d; ok && (sum > t) == (d > 0) {
					return inSeconds(sum)
				}
				return value.Null
			}, nil
		},
	},
}

// moments are the types of times and time spans.
var moments = numeric | kinds(value.String, value.Nil)

func layoutDoc() string {
	var texts []string
	for _, l := range layouts {
		texts = append(texts, "`"+l.name+"` ("+l.layout+")")
	}
	return "Numbers: `unix`, `unix_ms`, `unix_us`, `unix_ns` (integers) and `unix_float`. Texts: " + strings.Join(texts, ", ") + "."
}

// buildTime builds the time that at returns, which evaluates no arguments. The arguments from i on are the layout,
// zone, offset and jitter.
func buildTime(c *Call, i int, at func(*Record) int64) (Gen, error) {
	loc, err := c.zone(i + 1)
	if err != nil {
		return nil, err
	}
	when, jitters, err := c.shifted(i+2, at)
	if err != nil {
		return nil, err
	}
	if gen := c.epoch(c.str(i), when); gen != nil {
		return gen, nil
	}
	parts, err := c.layout(i)
	if err != nil {
		return nil, err
	}
	c.Kinds = kinds(value.String)
	w := &timeWriter{loc: loc, parts: parts}
	w.turn(0)
	if c.Func.Name == "now" && !jitters && len(parts) == 1 && parts[0].digits == 0 {
		return c.wholeSeconds(w, when), nil
	}
	return c.texts(func(dst []byte, r *Record) []byte { return w.append(dst, when(r)) }), nil
}

// shifted adds the offset and the jitter, in the arguments i and i+1, to a time.
func (c *Call) shifted(i int, at func(*Record) int64) (when func(*Record) int64, jitters bool, err error) {
	offset, err := units.ParseOffset(c.str(i))
	if err != nil {
		return nil, false, argErr(i, "%s: OFFSET: %v", c.Func.Name, err)
	}
	jitter, err := units.ParseDuration(c.str(i + 1))
	if err != nil {
		return nil, false, argErr(i+1, "%s: JITTER: %v", c.Func.Name, err)
	}
	if offset == 0 && jitter == 0 {
		return at, false, nil
	}
	place := c.Place
	return func(r *Record) int64 {
		t := at(r) + int64(offset)
		if jitter > 0 {
			rnd := r.rand(place)
			t += int64((2*rnd.Float() - 1) * float64(jitter))
		}
		return t
	}, jitter > 0, nil
}

// epoch builds a time as a number. It returns nil if layout is not a layout of numbers.
func (c *Call) epoch(layout string, when func(*Record) int64) Gen {
	if layout == "unix_float" {
		c.Kinds = kinds(value.Float)
		return func(r *Record) value.Value { return value.OfFloat(float64(when(r)/1000) / 1e6) }
	}
	for _, u := range epochs {
		if u.name == layout {
			c.Kinds = kinds(value.Int)
			return func(r *Record) value.Value { return value.OfInt(floorDiv(when(r), u.unit)) }
		}
	}
	return nil
}

// layout parses the layout in argument i.
func (c *Call) layout(i int) ([]layoutPart, error) {
	layout := c.str(i)
	for _, l := range layouts {
		if l.name == layout {
			return ofLayout(l.layout), nil
		}
	}
	if strings.Contains(layout, "%") {
		parts, unknown := ofStrftime(layout)
		if unknown != "" {
			return nil, argErr(i, "%s: LAYOUT: unknown directive %s", c.Func.Name, unknown)
		}
		return parts, nil
	}
	constant := time.Unix(0, 0).UTC().Format(layout) == layout && time.Unix(1700000000, 0).UTC().Format(layout) == layout
	if !constant && !misspelt(layout) {
		return ofLayout(layout), nil
	}
	return nil, argErr(i, "%s: unknown LAYOUT %q%s", c.Func.Name, layout, units.Hint(layout, layoutNames(), "a name, a layout of Go or one of strftime"))
}

// timeWriter formats times. It caches the text that does not change within a second.
type timeWriter struct {
	loc   *time.Location
	parts []layoutPart
	from  int64 // the second of the parts, in nanoseconds
}

// set sets the parts to the second of a time.
func (w *timeWriter) set(t int64) {
	if uint64(t-w.from) >= uint64(time.Second) {
		w.turn(floorDiv(t, int64(time.Second)))
	}
}

func (w *timeWriter) turn(second int64) {
	w.from = second * int64(time.Second)
	when := time.Unix(second, 0).In(w.loc)
	for i := range w.parts {
		w.parts[i].set(when)
	}
}

func (w *timeWriter) append(dst []byte, t int64) []byte {
	w.set(t)
	for i := range w.parts {
		dst = w.parts[i].append(dst, t-w.from)
	}
	return dst
}

// wholeSeconds builds a time without fractions of seconds. Its text and its MessagePack
// are cached for a second.
func (c *Call) wholeSeconds(w *timeWriter, when func(*Record) int64) Gen {
	c.Text = func(dst []byte, r *Record) []byte { return w.append(dst, when(r)) }
	var packed []byte
	size, packedAt := 0, int64(-1)
	c.Pack = func(dst []byte, r *Record) []byte {
		if w.set(when(r)); packedAt != w.from {
			packed = value.AppendString(packed[:0], string(w.parts[0].text))
			size, packedAt = len(packed), w.from
			packed = append(packed, make([]byte, value.Reach)...)
		}
		return value.AppendPiece(dst, packed, size)
	}
	return func(r *Record) value.Value {
		w.set(when(r))
		return value.OfBytes(w.parts[0].text)
	}
}

// layoutNames returns the names of all layouts.
func layoutNames() []string {
	names := []string{"unix_float"}
	for _, l := range layouts {
		names = append(names, l.name)
	}
	for _, u := range epochs {
		names = append(names, u.name)
	}
	return names
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
