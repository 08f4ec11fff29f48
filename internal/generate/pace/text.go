// SPDX-License-Identifier: Apache-2.0

package pace

import (
	"strconv"
	"strings"

	"github.com/gdummy/gdummy/internal/config/units"
)

// String returns the profile in its normal form, with scale and stretch applied.
// Parsing the result yields an equal profile.
func (p *Profile) String() string {
	var b strings.Builder
	for i := range p.segments {
		if i > 0 {
			b.WriteString("; ")
		}
		s := &p.segments[i]
		b.WriteString(s.kind.Name)
		for _, c := range s.kind.Clauses {
			if c.Value == Entries {
				b.WriteString(" " + s.daily.String())
				continue
			}
			v := *c.field(s)
			if c.Optional && v == 0 {
				continue
			}
			b.WriteByte(' ')
			if c.Word != "" {
				b.WriteString(c.Word)
				b.WriteByte(' ')
			}
			switch c.Value {
			case Rate:
				b.WriteString(formatRate(v))
			case Time:
				b.WriteString(formatTime(v))
			case Phase:
				b.WriteString("peak")
			default:
				b.WriteString(strconv.FormatUint(v, 10))
			}
		}
	}
	if p.jitter.share > 0 {
		b.WriteString("; jitter " + p.jitter.text)
		if p.jitter.seed > 0 {
			b.WriteString(" seed " + strconv.FormatUint(p.jitter.seed, 10))
		}
	}
	if p.zone != "" {
		b.WriteString("; zone " + p.zone)
	}
	if p.from != nil {
		b.WriteString("; from " + units.FormatMoment(units.Moment{Nanoseconds: *p.from}))
	}
	switch {
	case p.period > 0 && p.repeat == 0:
		b.WriteString("; repeat")
	case p.repeat > 1:
		b.WriteString("; repeat " + strconv.FormatUint(p.repeat, 10))
	}
	return b.String()
}
