// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"os"
	"path/filepath"
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

// The quota is the smallest of the group and those above it, in either version of control
// groups, or in both at once.
func TestQuota(t *testing.T) {
	root := t.TempDir()
	for path, text := range map[string]string{
		"pod/cpu.max":                        "50000 100000\n",
		"pod/app/cpu.max":                    "max 100000\n",
		"free/cpu.max":                       "max 100000\n",
		"cpu,cpuacct/cpu.cfs_quota_us":       "-1\n",
		"cpu,cpuacct/cpu.cfs_period_us":      "100000\n",
		"cpu,cpuacct/box/cpu.cfs_quota_us":   "150000\n",
		"cpu,cpuacct/box/cpu.cfs_period_us":  "100000\n",
		"cpu,cpuacct/box/a/cpu.cfs_quota_us": "20000\n", "cpu,cpuacct/box/a/cpu.cfs_period_us": "200000\n",
	} {
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for text, want := range map[string]float64{
		"0::/pod/app\n": 0.5, "0::/pod\n": 0.5, "0::/free\n": 0, "0::/\n": 0, "0::/gone\n": 0, "": 0, "broken\n": 0,
		"4:memory:/box/a\n3:cpu,cpuacct:/box\n0::/\n": 1.5, "3:cpu,cpuacct:/box/a\n": 0.1, "3:cpu,cpuacct:/\n0::/pod/app\n": 0.5,
	} {
		file := filepath.Join(root, "cgroup")
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if got := quotaOf(root, file); got != want {
			t.Errorf("%q: %v cores, want %v", text, got, want)
		}
	}
}
