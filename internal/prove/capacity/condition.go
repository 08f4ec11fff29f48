// SPDX-License-Identifier: Apache-2.0

package capacity

import (
	"fmt"
	"strings"

	"github.com/gdummy/gdummy/internal/config/units"
)

// Condition is a condition on which a comparison fails, such as "slower than 5%": B is
// slower than A by more than 5 %.
type Condition struct {
	Word string  // one of conditions
	Than float64 // a share
}

// conditions are the words of a Condition and what each compares.
var conditions = []struct {
	word   string
	metric Metric
	higher bool // a higher ratio is worse
}{
	{"slower", Throughput, false},
	{"costlier", CPU, true},
	{"later", Latency, true},
}

const expectedCondition = `expected "slower than 5%", "costlier than 5%" or "later than 5%"`

// ParseCondition parses a condition.
func ParseCondition(text string) (Condition, error) {
	fields := strings.Fields(text)
	if len(fields) != 3 || fields[1] != "than" {
		return Condition{}, fmt.Errorf("invalid condition %q: %s", text, expectedCondition)
	}
	var words []string
	for _, c := range conditions {
		words = append(words, c.word)
		if c.word != fields[0] {
			continue
		}
		than, err := units.ParseShare(fields[2])
		if err != nil {
			return Condition{}, fmt.Errorf("invalid condition %q: %w", text, err)
		}
		return Condition{Word: c.word, Than: than}, nil
	}
	return Condition{}, fmt.Errorf("invalid condition %q%s", text, units.Hint(fields[0], words, strings.TrimPrefix(expectedCondition, "expected ")))
}

// String returns the condition as ParseCondition reads it.
func (c Condition) String() string {
	return fmt.Sprintf("%s than %s%%", c.Word, trim(100*c.Than))
}

// Met reports whether the interval of a ratio is entirely beyond the condition. known is
// false if it is not met, and a ratio that could meet it has no interval or is missing.
func (c Condition) Met(ratios []Ratio) (met, known bool) {
	known = true
	any := false
	for _, kind := range conditions {
		if kind.word != c.Word {
			continue
		}
		for _, r := range ratios {
			if r.Metric != kind.metric {
				continue
			}
			any = true
			known = known && r.Known()
			met = met || r.Known() && (kind.higher && r.Low > 1+c.Than || !kind.higher && r.High < 1-c.Than)
		}
	}
	return met, met || known && any
}
