// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gdummy/gdummy/internal/prove/capacity"
	"github.com/gdummy/gdummy/internal/wire/load"
)

// The page of --html names what was measured, how, and what was not.
func TestCapacityPage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "page.html")
	r := capacityResult{Config: "a<b>.yaml", Version: "5.1.1", Sink: load.SinkNull, Faults: "rate=5000/s", Headroom: 90e3, LeftOut: []string{"cpu.0"},
		Result: capacity.Result{Rate: 3000, Low: 2900, High: 3100, Confidence: 0.95, Culprit: "filter throttle.0 drops records", Confirmed: -1}}
	if err := r.writePage(path); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"filter throttle.0 drops records", "from 2.9k to 3.1k records/s",
		"a&lt;b&gt;.yaml in Fluent Bit 5.1.1, --sink null --fault rate=5000/s",
		"<li>gdummy can produce 90k records/s here.</li>", "<li>Latency is known with --sink receiver only.</li>", "<li>input cpu.0 is left out: nothing feeds it</li>",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the page lacks %q:\n%s", want, text)
		}
	}
}

// A comparison that cannot answer the question does not end with 0.
func TestComparisonExitCode(t *testing.T) {
	known := capacity.Ratio{Metric: capacity.Throughput, Ratio: 0.9, Low: 0.88, High: 0.92}
	unknown := capacity.Ratio{Metric: capacity.CPU, Ratio: 1.5}
	slower := func(than float64) capacity.Condition { return capacity.Condition{Word: "slower", Than: than} }
	costlier := capacity.Condition{Word: "costlier", Than: 0.05}
	for name, c := range map[string]struct {
		ratios     []capacity.Ratio
		conditions []capacity.Condition
		code       int
	}{
		"nothing":            {nil, nil, exitUsage},
		"an answer":          {[]capacity.Ratio{known, unknown}, nil, exitFine},
		"no interval":        {[]capacity.Ratio{{Metric: capacity.Throughput, Ratio: 0.5}}, nil, exitUsage},
		"not met":            {[]capacity.Ratio{known, unknown}, []capacity.Condition{slower(0.2)}, exitFine},
		"met":                {[]capacity.Ratio{known, unknown}, []capacity.Condition{slower(0.05)}, exitFound},
		"unknown":            {[]capacity.Ratio{known, unknown}, []capacity.Condition{slower(0.2), costlier}, exitUsage},
		"met and unknown":    {[]capacity.Ratio{known, unknown}, []capacity.Condition{costlier, slower(0.05)}, exitFound},
		"no pair, condition": {nil, []capacity.Condition{slower(0.05)}, exitUsage},
	} {
		r := capacityComparison{Comparison: capacity.Comparison{Ratios: c.ratios}}
		if got := r.judge(c.conditions); got != c.code {
			t.Errorf("%s: exit code %d, failed %q, unknown %q; want %d", name, got, r.Failed, r.Unknown, c.code)
		}
	}
}
