// SPDX-License-Identifier: Apache-2.0

package disorder

import (
	"fmt"
	"strings"
	"time"

	"github.com/gdummy/gdummy/internal/config/units"
	"github.com/gdummy/gdummy/internal/generate/seed"
)

// Skew is how far the clocks of hosts are off, each by a constant of its own.
type Skew struct {
	Key    string        // the field whose value is the host, or a variable if it starts with $
	Within time.Duration // evenly distributed from -Within to Within
}

// ParseSkew parses a rule such as "host within 5s".
func ParseSkew(text string) (s Skew, err error) {
	words := strings.Fields(text)
	if len(words) != 3 || !strings.EqualFold(words[1], "within") || strings.HasSuffix(words[0], ",") || words[0] == "$" {
		return s, fmt.Errorf("invalid value %q: expected a field or a variable, and a time, such as host within 5s or $host within 5s", text)
	}
	if s.Within, err = units.ParseDuration(words[2]); err != nil {
		return Skew{}, err
	}
	if s.Within == 0 {
		return Skew{}, fmt.Errorf("invalid value %q: expected a time above 0", words[2])
	}
	s.Key = words[0]
	return s, nil
}

// String returns the rule as an option.
func (s Skew) String() string { return "skew " + s.Key + " within " + units.FormatDuration(s.Within) }

// Skewed returns how far the clock of a host is ahead, in nanoseconds.
func (p *Plan) Skewed(host []byte) int64 {
	r := seed.At(seed.Combine(p.key, seed.Text(host)), ofSkew)
	return int64(r.Below(2*uint64(p.Rules.Skew.Within)+1)) - int64(p.Rules.Skew.Within)
}
