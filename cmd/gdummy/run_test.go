// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"
)

// A run ends with a line about what was requested and achieved, and reports a shortfall
// immediately, even in a very short run.
func TestSummary(t *testing.T) {
	for _, c := range []struct {
		args string
		want string
	}{
		{"--records 3 -p rate=1k", "gdummy run: scheduled 3 records (1000/s), delivered 3, shortfall 0, refused 0, in "},
		{"--records 3 -p rate=unlimited", "gdummy run: scheduled 3 records (unlimited), delivered 3, shortfall 0, refused 0, in "},
	} {
		var log both
		if code := gdummy(stream{out: new(both), err: &log}, append([]string{"run"}, strings.Fields(c.args)...)); code != 0 || !strings.HasPrefix(log.String(), c.want) || strings.Count(log.String(), "\n") != 1 {
			t.Errorf("%s: code %d: %s", c.args, code, log.String())
		}
	}
}
