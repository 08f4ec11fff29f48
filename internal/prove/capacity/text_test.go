// SPDX-License-Identifier: Apache-2.0

package capacity

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "renew the golden files")

// golden compares got with a golden file.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// sample returns a result with a trial of each kind.
func sample() Result {
	samples := func(bad bool) []Sample {
		var all []Sample
		for i := range 4 {
			s := Sample{At: time.Duration(i) * time.Second, Rate: 180e3, Achieved: 179e3, P99: 310 * time.Millisecond, CPU: 1.2, Memory: 80e6, Backlog: 9000}
			if bad {
				s.Rate, s.P99, s.Backlog = 200e3, time.Duration(i+1)*2*time.Second, int64(i)*40e3
			}
			all = append(all, s)
		}
		return all
	}
	return Result{
		Rate: 182e3, Low: 176e3, High: 189e3, Bytes: 61.2e6, Confidence: 0.95, Noise: 0.028, Precision: 0.05, Elapsed: 312 * time.Second,
		RampLow: 150e3, RampHigh: 220e3, Confirmed: 3, Culprit: "engine thread at 99 %",
		Trials: []Trial{
			{Rate: 181e3, Held: true, Hold: 30 * time.Second, Duration: 30 * time.Second, Achieved: 181e3, Bytes: 60.8e6, P50: 240 * time.Millisecond, P99: 812 * time.Millisecond,
				CPU: 36 * time.Second, Memory: 84e6, Backlog: 9100, Purpose: Bisect, Took: 36 * time.Second, Samples: samples(false)},
			{Rate: 200e3, Reason: Backlog, Detail: "38k records/s", Hold: 30 * time.Second, Duration: 12 * time.Second, Achieved: 183e3, P50: 2100 * time.Millisecond, P99: 4700 * time.Millisecond,
				CPU: 15 * time.Second, Memory: 512e6, Growth: 38e3, Backlog: 456e3, Purpose: Bisect, Took: 18 * time.Second, Samples: samples(true),
				Evidence: Evidence{Threads: []Thread{{Role: EngineThread, Name: "flb-pipeline", CPU: 0.991}}, Headroom: 410e3}},
			{Rate: 190e3, Reason: Lost, Hold: 30 * time.Second, Duration: 9 * time.Second, Achieved: 150e3, CPU: 11 * time.Second, Memory: 90e6, Purpose: Bisect, Took: 15 * time.Second, Contradicts: true},
			{Rate: 172.9e3, Held: true, Hold: time.Minute, Duration: time.Minute, Achieved: 172.9e3, Bytes: 58e6, P50: 230 * time.Millisecond, P99: 790 * time.Millisecond,
				CPU: 70 * time.Second, Memory: 83e6, Backlog: 8700, Purpose: Confirm, Took: 66 * time.Second},
			{Rate: 91e3, Held: true, Hold: 10 * time.Second, Duration: 10 * time.Second, Achieved: 91e3, P50: 200 * time.Millisecond, P99: 640 * time.Millisecond,
				CPU: 6 * time.Second, Memory: 61e6, Whole: true, Purpose: Cost, Took: 16 * time.Second},
		},
	}
}

// The text and the JSON of a result and of a comparison.
func TestGolden(t *testing.T) {
	r := sample()
	golden(t, "result.txt", r.Text())
	c := Comparison{Confidence: 0.95, Elapsed: 590 * time.Second, A: []Trial{}, B: []Trial{}, Ratios: []Ratio{
		{Metric: Throughput, Rate: 250e3, A: 182e3, B: 164e3, Pairs: 14, Ratio: 0.9012, Low: 0.8711, High: 0.9304, Confidence: 0.97, Significant: true},
		{Metric: CPU, Rate: 90e3, A: 6593, B: 6612, Pairs: 6, Ratio: 1.003, Low: 0.98, High: 1.02, Confidence: 0.99},
		{Metric: Latency, Rate: 90e3, Pairs: 0, Confidence: 0.99},
	}}
	golden(t, "comparison.txt", c.Text())
	for name, v := range map[string]any{"result.json": r, "comparison.json": c} {
		text, err := json.MarshalIndent(v, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		golden(t, name, append(text, '\n'))
	}
}

// The line claims no more than is known.
func TestLine(t *testing.T) {
	trials := []Trial{{Rate: 900, Held: true}}
	for _, tt := range []struct {
		result Result
		want   string
	}{
		{Result{Stopped: Interrupted}, "unknown: the search ended before the first trial (interrupted)"},
		{Result{Stopped: Failed}, "unknown: the search ended before the first trial (failed)"},
		{Result{Rate: 1200, Low: 900, High: 1800, Stopped: Interrupted}, "holds probably 900 to 1.8k records/s"},
		{Result{Rate: 1000, Low: 950, High: 1031, Trials: trials}, "holds 1k records/s ± 5 %"},
		{Result{Rate: 1000, Low: 950, High: 1051, Trials: trials}, "holds 1k records/s ± 6 %"},
		{Result{Rate: 900, Low: 850, High: 1000, Trials: trials, AtLeast: true, Bytes: 45e3, Culprit: "gdummy itself"}, "holds at least 900 records/s (45 kB/s); gdummy itself"},
		{Result{High: 2, Trials: []Trial{{Rate: 1.5}}, Culprit: "storage at 98 % of its limit"}, "holds no rate, not even 1.5 records/s; storage at 98 % of its limit"},
	} {
		if got := tt.result.Line(); got != tt.want {
			t.Errorf("line of %+v:\n got %s\nwant %s", tt.result, got, tt.want)
		}
	}
}

// A comparison claims a difference only if it is significant.
func TestComparisonLine(t *testing.T) {
	ratio := func(low, middle, high float64) Ratio {
		return Ratio{Metric: Throughput, Pairs: 9, Low: low, Ratio: middle, High: high, Significant: low > 1 || high > 0 && high < 1}
	}
	for _, tt := range []struct {
		comparison Comparison
		want       string
	}{
		{Comparison{}, "unknown: the comparison ended before the first pair"},
		{Comparison{Ratios: []Ratio{{Pairs: 1, Ratio: 0.5}}}, "unknown: 1 pair is too few for an interval"},
		{Comparison{Ratios: []Ratio{ratio(0.85, 0.9, 0.95)}}, "B is slower than A: its throughput is 90.0 % (85.0 to 95.0 %) of A's"},
		{Comparison{Ratios: []Ratio{ratio(1.02, 1.1, 1.2)}}, "B is faster than A: its throughput is 110.0 % (102.0 to 120.0 %) of A's"},
		{Comparison{Ratios: []Ratio{ratio(0.85, 0.9, 1.01)}}, "no difference found: throughput of B is 90.0 % (85.0 to 101.0 %) of A's"},
		{Comparison{AtLeast: true, Ratios: []Ratio{ratio(0.98, 1, 1.02)}}, "no difference found, but gdummy may have limited both: throughput of B is 100.0 % (98.0 to 102.0 %) of A's"},
	} {
		if got := tt.comparison.Line(); got != tt.want {
			t.Errorf("line of %+v:\n got %s\nwant %s", tt.comparison, got, tt.want)
		}
	}
}

// The last good and the first bad trial are on both sides of the knee.
func TestKnee(t *testing.T) {
	r := sample()
	if good, bad := r.LastGood(), r.FirstBad(); good != &r.Trials[0] || bad != &r.Trials[2] {
		t.Errorf("got %+v and %+v", good, bad)
	}
	for _, r := range []Result{{}, {Trials: []Trial{{Rate: 5}}}} {
		if good := r.LastGood(); good != nil {
			t.Errorf("last good of %+v: got %+v", r, good)
		}
	}
}
