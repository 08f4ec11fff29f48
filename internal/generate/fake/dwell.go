// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/gdummy/gdummy/internal/config/units"
	"github.com/gdummy/gdummy/internal/generate/lives"
	"github.com/gdummy/gdummy/internal/generate/seed"
)

// maxSpan is the longest dwell time.
const maxSpan = 3650 * 24 * time.Hour

// dwell is the distribution of the time in a state, in nanoseconds: exponential with a
// mean, uniform over a range, or normal in the middle of a range.
type dwell struct {
	mean   bool
	lo, hi float64 // the range; both are the mean if mean is set
	sd     float64 // the deviation, if the time is normally distributed
}

// unit is the exponential distribution with mean 1.
var unit = seed.NewCurve(seed.Exponential(1))

// standard is the normal distribution with mean 0 and deviation 1.
var standard = seed.NewCurve(seed.Normal(0, 1))

func (d dwell) draw(rnd *seed.Rand) float64 {
	if d.mean {
		return d.hi * unit.Draw(rnd)
	}
	if d.sd > 0 {
		return min(max((d.lo+d.hi)/2+float64(d.sd*standard.Draw(rnd)), d.lo), d.hi)
	}
	return d.lo + float64(rnd.Float()*(d.hi-d.lo))
}

// least returns the minimum time.
func (d dwell) least() float64 {
	if d.mean {
		return 0
	}
	return d.lo
}

// moments returns the mean of the time, and of its square.
func (d dwell) moments() (mean, square float64) {
	if d.mean {
		return d.hi, 2 * d.hi * d.hi
	}
	if d.sd > 0 {
		mean = (d.lo + d.hi) / 2
		return mean, float64(mean*mean) + float64(d.sd*d.sd)
	}
	return (d.lo + d.hi) / 2, (float64(d.lo*d.lo) + float64(d.lo*d.hi) + float64(d.hi*d.hi)) / 3
}

// plusMinus separates a mean from its deviation.
var plusMinus = regexp.MustCompile(`\s*(?:±|\+-|\+/-)\s*`)

// parseDwell parses a mean such as 5m, a range such as 2h..6h, or a mean and a deviation
// such as 60s ± 10s.
func parseDwell(text string) (dwell, error) {
	if at := plusMinus.FindStringIndex(text); at != nil {
		mean, err := parseSpan(text[:at[0]])
		if err != nil {
			return dwell{}, err
		}
		sd, err := parseSpan(text[at[1]:])
		switch {
		case err != nil:
			return dwell{}, err
		case sd == 0 || mean < lives.Deviations*sd:
			return dwell{}, fmt.Errorf("invalid dwell time %s: expected a deviation of at most a quarter of the mean, as in 60s ± 10s", text)
		}
		around := lives.Deviations * sd
		return dwell{lo: float64(mean - around), hi: float64(mean + around), sd: float64(sd)}, nil
	}
	low, high, ranged := strings.Cut(text, "..")
	if !ranged {
		high = low
	}
	lo, err := parseSpan(low)
	if err != nil {
		return dwell{}, err
	}
	hi, err := parseSpan(high)
	switch {
	case err != nil:
		return dwell{}, err
	case hi < lo:
		return dwell{}, fmt.Errorf("invalid dwell time %s: expected the shorter time first, as in 2h..6h", text)
	case hi == 0:
		return dwell{}, fmt.Errorf("invalid dwell time %s: expected more than 0", text)
	}
	return dwell{mean: !ranged, lo: float64(lo), hi: float64(hi)}, nil
}

// parseSpan parses a time span. A number without a unit is an error, because it could
// be meant as a weight.
func parseSpan(text string) (time.Duration, error) {
	d, err := units.ParseDuration(text)
	var e *units.Error
	switch {
	case errors.As(err, &e):
		e.Expected = "a mean such as 5m, a range such as 2h..6h or a mean and a deviation such as 60s ± 10s"
		return 0, fmt.Errorf("dwell time %q: %s", text, e.Text())
	case d > 0 && strings.Trim(text, "0123456789.") == "":
		return 0, fmt.Errorf("dwell time %s has no unit: expected ms, s, m, h or d, as in %ss", text, text)
	case d > maxSpan:
		return 0, fmt.Errorf("dwell time %s is too long: expected at most %s", text, units.FormatDuration(maxSpan))
	}
	return d, nil
}
