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

// dwell is the distribution of the time in a state.
type dwell lives.Dwell

// unit is the exponential distribution with mean 1.
var unit = seed.NewCurve(seed.Exponential(1))

// standard is the normal distribution with mean 0 and deviation 1.
var standard = seed.NewCurve(seed.Normal(0, 1))

func (d dwell) draw(rnd *seed.Rand) float64 {
	if d.Mean {
		return d.High * unit.Draw(rnd)
	}
	if d.Deviation > 0 {
		return min(max((d.Low+d.High)/2+float64(d.Deviation*standard.Draw(rnd)), d.Low), d.High)
	}
	return d.Low + float64(rnd.Float()*(d.High-d.Low))
}

// least returns the minimum time.
func (d dwell) least() float64 {
	if d.Mean {
		return 0
	}
	return d.Low
}

// moments returns the mean of the time, and of its square.
func (d dwell) moments() (mean, square float64) {
	if d.Mean {
		return d.High, 2 * d.High * d.High
	}
	if d.Deviation > 0 {
		mean = (d.Low + d.High) / 2
		return mean, float64(mean*mean) + float64(d.Deviation*d.Deviation)
	}
	return (d.Low + d.High) / 2, (float64(d.Low*d.Low) + float64(d.Low*d.High) + float64(d.High*d.High)) / 3
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
		return dwell{Low: float64(mean - around), High: float64(mean + around), Deviation: float64(sd)}, nil
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
	return dwell{Mean: !ranged, Low: float64(lo), High: float64(hi)}, nil
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
