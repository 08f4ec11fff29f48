// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"testing"
	"time"
)

func TestMetrics(t *testing.T) {
	m := parseMetrics(`# HELP fluentbit_input_records_total Number of input records
# TYPE fluentbit_input_records_total counter
fluentbit_input_records_total{name="gdummy.0"} 15000
fluentbit_input_records_total{name="gdummy.01"} 7
fluentbit_output_latency_seconds_sum{name="a b",output="x"} 3.5
fluentbit_storage_chunks 4
broken
`)
	for _, c := range []struct {
		name, of string
		want     float64
	}{
		{"input_records_total", "gdummy.0", 15000},
		{"input_records_total", "gdummy.01", 7},
		{"output_latency_seconds_sum", "a b", 3.5},
		{"input_records_total", "", 15007},
		{"storage_chunks", "", 4},
		{"storage_chunks", "gdummy.0", 0},
	} {
		got := m.Of(c.name, c.of)
		if c.of == "" {
			got = m.Sum(c.name)
		}
		if got != c.want {
			t.Errorf("%s of %q: %v, want %v", c.name, c.of, got, c.want)
		}
	}
}

// The name of a thread may contain spaces and parentheses.
func TestStat(t *testing.T) {
	name, cpu, err := parseStat("12 (a) (b c) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20 0\n")
	if name != "a) (b c" || cpu != 3*time.Second || err != nil {
		t.Errorf("%q, %v, %v; want %q, 3s, nil", name, cpu, err, "a) (b c")
	}
	for _, bad := range []string{"", "12", "12 (x) S 1", "12 (x) S 1 2 3 4 5 6 7 8 9 10 x 50 0"} {
		if name, cpu, err := parseStat(bad); err == nil {
			t.Errorf("%q: %q, %v, want an error", bad, name, cpu)
		}
	}
}
