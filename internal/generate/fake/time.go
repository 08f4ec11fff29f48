package fake

import (
	"strings"
	"time"
	_ "time/tzdata" // containers have no zones of their own

	"github.com/gdummy/gdummy/internal/config/units"

	"github.com/gdummy/gdummy/internal/generate/value"
)

// layouts are the names of layouts, as package time writes them.
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

// epochs are layouts that give numbers.
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
			"ZONE is UTC, Local, an offset like +02:00 or a name like Europe/Berlin. OFFSET shifts the time (`-1h30m`), " +
			"JITTER moves it by a random time up to so much to either side.\n\n" + layoutDoc(),
		Args: []Arg{
			{Name: "LAYOUT", Type: Text, Optional: true, Default: "rfc3339_ms"},
			{Name: "ZONE", Type: Text, Optional: true, Default: "UTC"},
			{Name: "OFFSET", Type: Text, Optional: true, Default: "0s"},
			{Name: "JITTER", Type: Text, Optional: true, Default: "0s"},
		},
		build: func(c *Call) (Gen, error) {
			return buildTime(c, c.str(0), 1, func(r *Record) int64 { return r.T })
		},
	},
	{
		Name: "time_of", Section: secTime, Result: "string, integer or number", Example: `time_of 1700000000 "rfc3339"`,
		Doc: "The time SECONDS after 1970-01-01, written as now writes the record's.",
		Args: []Arg{
			{Name: "SECONDS", Type: Number, Dynamic: true},
			{Name: "LAYOUT", Type: Text, Optional: true, Default: "rfc3339_ms"},
			{Name: "ZONE", Type: Text, Optional: true, Default: "UTC"},
			{Name: "OFFSET", Type: Text, Optional: true, Default: "0s"},
			{Name: "JITTER", Type: Text, Optional: true, Default: "0s"},
		},
		build: func(c *Call) (Gen, error) {
			g := c.Args[0].Gen
			return buildTime(c, c.str(1), 2, func(r *Record) int64 {
				v := g(r)
				if v.K == value.Int {
					return min(max(v.Int(), -1<<33), 1<<33) * int64(time.Second)
				}
				return value.ToInt(min(max(v.Float(), -1<<33), 1<<33) * 1e9)
			})
		},
	},
}

func layoutDoc() string {
	var b strings.Builder
	b.WriteString("Numbers: `unix`, `unix_ms`, `unix_us`, `unix_ns` (integers) and `unix_float`. Texts:")
	for i, l := range layouts {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(" `" + l.name + "` (" + l.layout + ")")
	}
	return b.String() + "."
}

// zone reads a time zone.
func zone(name string) (*time.Location, error) {
	if t, err := time.Parse("-07:00", name); err == nil {
		_, offset := t.Zone()
		return time.FixedZone("", offset), nil
	}
	return time.LoadLocation(name)
}

// buildTime makes the Gen of a time that at gives; zone, offset and jitter are
// the arguments from i on.
func buildTime(c *Call, layout string, i int, at func(*Record) int64) (Gen, error) {
	name := c.Func.Name
	loc, err := zone(c.str(i))
	if err != nil {
		return nil, argErr(i, "%s: there is no time zone %q, expected one like UTC, +02:00 or Europe/Berlin", name, c.str(i))
	}
	offset, err := units.ParseOffset(c.str(i + 1))
	if err != nil {
		return nil, argErr(i+1, "%s: OFFSET: %v", name, err)
	}
	jitter, err := units.ParseDuration(c.str(i + 2))
	if err != nil {
		return nil, argErr(i+2, "%s: JITTER: %v", name, err)
	}
	if c.Kinds = kinds(value.String); layout == "unix_float" {
		c.Kinds = kinds(value.Float)
	}
	for _, u := range epochs {
		if u.name == layout {
			c.Kinds = kinds(value.Int)
		}
	}
	place := c.Place
	moment := func(r *Record) int64 {
		t := at(r) + int64(offset)
		if jitter > 0 {
			rnd := r.rand(place)
			t += int64((2*rnd.Float() - 1) * float64(jitter))
		}
		return t
	}
	if offset == 0 && jitter == 0 {
		moment = at
	}
	for _, u := range epochs {
		if u.name == layout {
			return func(r *Record) value.Value { return value.OfInt(floorDiv(moment(r), u.unit)) }, nil
		}
	}
	if layout == "unix_float" {
		return func(r *Record) value.Value {
			return value.OfFloat(float64(moment(r)/1000) / 1e6)
		}, nil
	}
	named := false
	for _, l := range layouts {
		if l.name == layout {
			layout, named = l.layout, true
		}
	}
	parts := ofLayout(layout)
	switch {
	case named:
	case strings.Contains(layout, "%"):
		var unknown byte
		if parts, unknown = ofStrftime(layout); unknown != 0 {
			return nil, argErr(i-1, "%s: LAYOUT has %%%c, which is not known", name, unknown)
		}
	case misspelt(layout):
		var names []string
		for _, l := range layouts {
			names = append(names, l.name)
		}
		for _, u := range epochs {
			names = append(names, u.name)
		}
		if near := units.Nearest(layout, append(names, "unix_float")); near != "" {
			return nil, argErr(i-1, "%s: there is no LAYOUT %q; the nearest one is %s", name, layout, near)
		}
		return nil, argErr(i-1, "%s: LAYOUT %q is neither a name nor a layout of Go or strftime", name, layout)
	case time.Unix(0, 0).UTC().Format(layout) == layout && time.Unix(1700000000, 0).UTC().Format(layout) == layout:
		return nil, argErr(i-1, "%s: LAYOUT %q is neither a name nor a layout of Go or strftime", name, layout)
	}
	// What does not change within a second is kept; a template is not used by
	// several goroutines at once.
	second := int64(-1 << 62)
	// The same for all of a record, so it need not be copied.
	whole := len(parts) == 1 && parts[0].digits == 0 && jitter == 0 && name == "now"
	turn := func(t int64) {
		if s := floorDiv(t, int64(time.Second)); s != second {
			second = s
			when := time.Unix(s, 0).In(loc)
			for i := range parts {
				parts[i].turn(when)
			}
		}
	}
	write := func(dst []byte, t int64) []byte {
		turn(t)
		for i := range parts {
			dst = parts[i].append(dst, t-second*int64(time.Second))
		}
		return dst
	}
	c.Text = func(dst []byte, r *Record) []byte { return write(dst, moment(r)) }
	if whole {
		// Packed once a second, too.
		var packed []byte
		size, packedAt := 0, second
		c.Pack = func(dst []byte, r *Record) []byte {
			if turn(moment(r)); packedAt != second {
				packed = value.AppendString(packed[:0], string(parts[0].text))
				size, packedAt = len(packed), second
				packed = append(packed, make([]byte, value.Reach)...)
			}
			return value.AppendPiece(dst, packed, size)
		}
		return func(r *Record) value.Value {
			turn(moment(r))
			return value.OfBytes(parts[0].text)
		}, nil
	}
	return func(r *Record) value.Value {
		t := moment(r)
		start := len(r.Scratch)
		r.Scratch = write(r.Scratch, t)
		return r.text(start)
	}, nil
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
