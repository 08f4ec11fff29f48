// SPDX-License-Identifier: Apache-2.0

package fake_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// A time is read as it is written, in its own offset or else in ZONE.
func TestTimeLiterals(t *testing.T) {
	for expression, want := range map[string]string{
		`time_of "2026-11-01T00:00:00Z"`:                                  `"2026-11-01T00:00:00.000Z"`,
		`time_of "2026-11-01" "rfc3339" "Europe/Berlin"`:                  `"2026-11-01T00:00:00+01:00"`,
		`time_of "2026-07-01 08:30" "rfc3339" "Europe/Berlin"`:            `"2026-07-01T08:30:00+02:00"`,
		`time_of "2026-07-01T08:30:00.1234567+0530" "rfc3339_ns"`:         `"2026-07-01T03:00:00.123456700Z"`,
		`time_of "2026-07-01 08:30:15,5 -01:00" "rfc3339_ms"`:             `"2026-07-01T09:30:15.500Z"`,
		`time_of "2024-02-29" "unix"`:                                     `1709164800`,
		`time_of "1969-12-31T23:59:59.25Z" "unix_ns"`:                     `-750000000`,
		`time_of (pick "2026-11-01" "2026-11-01") "date"`:                 `"2026-11-01"`,
		`time_of (pick "2026-13-01" "2026-02-29" "08:30" "" nil) "date"`:  `null`,
		`time_of (add_time "2026-02-27" "36h") "datetime"`:                `"2026-02-28 12:00:00"`,
		`time_of (add_time "2024-02-28" 86400) "date"`:                    `"2024-02-29"`,
		`add_time 1700000000 -0.5`:                                        `1699999999.5`,
		`add_time 1700000000 "1d12h"`:                                     `1700129600`,
		`add_time "2026-03-29" "2h" "Europe/Berlin" | time_of | trunc 19`: `"2026-03-29T01:00:00"`,
		`add_time (pick "soon" "") 1`:                                     `null`,
		`add_time 0 (pick "soon" "")`:                                     `null`,
		`time_of (add_time (pick "soon" "") 1)`:                           `null`,
		`time_of (toint (pick "soon" "")) "unix"`:                         `null`,
		`add_time (now "unix") (pick 60 60)`:                              `1700000060`,
	} {
		p := mustCompile(t, `{"v": {{ `+expression+` }}}`)
		if got := record(p, 0); got != `{"v":`+want+`}` {
			t.Errorf("%s: %s, want %s", expression, got, want)
		}
	}
	for expression, want := range map[string]string{
		`time_of "2026-02-30"`:                   `time_of: TIME must be seconds since 1970 or a time such as 2026-11-01T08:30:00Z, found "2026-02-30"`,
		`time_of "2026-11-01T24:00:00Z"`:         `found "2026-11-01T24:00:00Z"`,
		`time_of true`:                           `time_of: TIME must be a number or string, found a boolean`,
		`time_of (bool)`:                         `time_of: TIME must be a number or string, found a boolean`,
		`add_time "2026-11-01" "soon"`:           `add_time: SPAN must be a number of seconds or a time span such as 1h30m, found "soon"`,
		`add_time "2026-11-01" 1 "Mars/Olympus"`: `unknown time zone "Mars/Olympus": expected one such as UTC, +02:00 or Europe/Berlin`,
	} {
		if _, err := compile(`{"v": {{ ` + expression + ` }}}`); err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%s: %v, want %s", expression, err, want)
		}
	}
}

// What package time writes in RFC 3339 is read as the same time.
func TestTimeLiteralsProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ns := rapid.Int64Range(-8e18, 8e18).Draw(t, "ns")
		zone := time.FixedZone("", 60*rapid.IntRange(-14*60, 14*60).Draw(t, "offset"))
		text := time.Unix(0, ns).In(zone).Format(time.RFC3339Nano)
		p, err := compile(fmt.Sprintf(`{"v": {{ time_of %q "unix_ns" }}, "w": {{ time_of (print %q (pick "" "")) "unix_ns" }}}`, text, text))
		if err != nil {
			t.Fatal(err)
		}
		if got, want := record(p, 0), fmt.Sprintf(`{"v":%d,"w":%d}`, ns, ns); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	})
}
