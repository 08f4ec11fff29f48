// SPDX-License-Identifier: Apache-2.0

package units

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// A moment is absolute, or relative to the start.
func TestMoments(t *testing.T) {
	start := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"2026-11-01T00:00:00+01:00":      time.Date(2026, 10, 31, 23, 0, 0, 0, time.UTC),
		"2024-02-29T23:59:59.999999999Z": time.Date(2024, 2, 29, 23, 59, 59, 999999999, time.UTC),
		"1700000000":                     time.Unix(1700000000, 0),
		"1700000000.5":                   time.Unix(1700000000, 5e8),
		"0":                              time.Unix(0, 0),
		"4294967295":                     time.Unix(4294967295, 0),
		"now":                            start,
		"-24h":                           start.Add(-24 * time.Hour),
		"+1h30m":                         start.Add(90 * time.Minute),
		"-36500d":                        time.Unix(0, 0),           // not before 1970
		"+36500d":                        time.Unix(0, MaxMoment-1), // nor after the last one
	} {
		m, err := ParseMoment(text)
		if got := m.From(start); err != nil || got != want.UnixNano() {
			t.Errorf("ParseMoment(%q) is %v, %v; want %v", text, time.Unix(0, got).UTC(), err, want.UTC())
		}
	}
	const expected = "expected a time, such as 2026-11-01T00:00:00+01:00, -24h (before the start) or 1700000000 (seconds since 1970)"
	for text, want := range map[string]string{
		"":                          `empty value: ` + expected,
		"yesterday":                 `invalid value "yesterday": ` + expected,
		"2026-11-01":                `invalid value "2026-11-01": ` + expected + `; did you mean 2026-11-01T00:00:00Z?`,
		"2026-11-01 08:30":          `invalid value "2026-11-01 08:30": ` + expected + `; did you mean 2026-11-01T08:30:00Z?`,
		"2026-11-01 08:30:15 +0100": `invalid value "2026-11-01 08:30:15 +0100": ` + expected + `; did you mean 2026-11-01T08:30:15+01:00?`,
		"2026-02-29T00:00:00Z":      `invalid value "2026-02-29T00:00:00Z": ` + expected,
		"24h":                       `invalid value "24h": ` + expected + `; did you mean -24h?`,
		"-1":                        `invalid value "-1": missing unit after -1: ` + expected + `; did you mean -1s?`,
		"-5min":                     `invalid value "-5min": unknown unit "min": expected a time span before or after the start, such as -24h or +90s`,
		"1969-12-31T23:59:59Z":      `invalid value "1969-12-31T23:59:59Z": event times have 32 bits: expected a time from 1970-01-01T00:00:00Z to 2106-02-07T06:28:15Z`,
		"4294967296":                `invalid value "4294967296": expected at most 4294967295 seconds since 1970, which is 2106-02-07T06:28:15Z`,
		"0.0000000001":              `invalid value "0.0000000001": expected whole nanoseconds`,
	} {
		if _, err := ParseMoment(text); err == nil || err.Error() != want {
			t.Errorf("%q:\n got %v\nwant %s", text, err, want)
		}
	}
}

// A moment survives its normal form.
func TestMomentRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := Moment{Relative: rapid.Bool().Draw(t, "relative")}
		if m.Relative {
			m.Nanoseconds = rapid.Int64Range(-int64(MaxDuration), int64(MaxDuration)).Draw(t, "offset")
		} else {
			m.Nanoseconds = rapid.Int64Range(0, MaxMoment-1).Draw(t, "time")
		}
		if got, err := ParseMoment(FormatMoment(m)); err != nil || got != m {
			t.Fatalf("%+v is written %s and read as %+v, %v", m, FormatMoment(m), got, err)
		}
	})
}
