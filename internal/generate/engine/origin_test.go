// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"strings"
	"testing"

	"github.com/gdummy/gdummy/internal/event"
)

// A ledger is untrusted: with any origin in it, neither the parser nor the calls of an audit
// on the result panic or take long.
func FuzzOrigin(f *testing.F) {
	for _, given := range [][]string{
		{"rate", "10"},
		{"shuffle_within", "500ms", "rate", "100", "repeat", "1% within 1000"},
		{"late", "1% by 10s", "rate", "100", "start_time", "-24h"},
		{"skew", "host within 5s", "rate", "100", "template", `{"host":"{{ pick "a" "b" }}"}`},
		{"load_profile", "ramp 0 to 100 for 1m", "start_time", "-1h", "broken", "1%"},
	} {
		c, _, err := Configure(func(name string) (string, bool) {
			for i := 0; i < len(given); i += 2 {
				if given[i] == name {
					return given[i+1], true
				}
			}
			return "", false
		}, nil)
		if err != nil {
			f.Fatal(given, err)
		}
		fields := map[string]string{}
		for _, field := range New(c, Options{Form: event.V2}).Origin().Fields() {
			fields[field[0]] = field[1]
		}
		f.Add(text(fields))
	}
	f.Fuzz(func(t *testing.T, lines string) {
		fields := map[string]string{}
		for line := range strings.SplitSeq(lines, "\n") {
			name, value, _ := strings.Cut(line, "=")
			fields[name] = value
		}
		o, err := ParseOrigin(fields)
		if err != nil {
			return
		}
		for _, n := range []uint64{0, 1, 1000, 1 << 40, 1<<64 - 1} {
			if o.Moves() {
				o.Deliveries(n)
			}
			_ = o.Timing.String()
		}
		o.Damage()
		o.Fields()
	})
}

func text(fields map[string]string) string {
	var b strings.Builder
	for name, value := range fields {
		b.WriteString(name + "=" + value + "\n")
	}
	return b.String()
}
