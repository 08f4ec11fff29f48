// SPDX-License-Identifier: Apache-2.0

package report

import (
	"strings"
	"testing"
	"time"

	"github.com/gdummy/gdummy/internal/prove/capacity"
)

// searched returns the result of a search with a knee at 182,000 records/s.
func searched() *capacity.Result {
	r := &capacity.Result{Rate: 182e3, Low: 176e3, High: 189e3, Bytes: 61.2e6, Confidence: 0.95, Precision: 0.05,
		Elapsed: 312 * time.Second, Confirmed: 4, Culprit: `engine thread at 99 %, 60 % of it in filter <lua>`}
	details := []string{"", "p99 <6s>", "", "812 of 5,700,000 records did not arrive at output http.0"}
	for i, rate := range []float64{160e3, 200e3, 181e3, 190e3, 172.9e3, 45.5e3, 91e3} {
		t := capacity.Trial{Rate: rate, Held: rate < 182e3, Duration: 30 * time.Second, Achieved: min(rate, 182e3), Bytes: 330 * rate,
			P50: 240 * time.Millisecond, P99: 700 * time.Millisecond, CPU: time.Duration(30 * 6600 * min(rate, 182e3)), Memory: int64(50e6 + 200*rate), Purpose: capacity.Bisect}
		if !t.Held {
			t.Reason, t.Detail, t.P99, t.Memory = capacity.Late, details[i], 5600*time.Millisecond, 500e6
		}
		if i > 4 {
			t.Purpose = capacity.Cost
		}
		for s := range 31 {
			late := 300 * time.Millisecond
			behind := int64(0)
			if !t.Held {
				behind = int64((rate - 182e3) * float64(s))
				late += time.Duration(s) * 170 * time.Millisecond
			}
			t.Samples = append(t.Samples, capacity.Sample{At: time.Duration(s) * time.Second, Rate: rate, Achieved: t.Achieved, P99: late,
				CPU: 1.2, Memory: t.Memory / 31 * int64(s+1), Backlog: behind})
		}
		r.Trials = append(r.Trials, t)
	}
	return r
}

// pageOf returns the page of a result.
func pageOf(t testing.TB, r *capacity.Result) string {
	t.Helper()
	var b strings.Builder
	if err := WriteCapacity(&b, CapacityPage{Result: r, Subject: `<pipeline>.yaml`, Facts: []string{"Outputs are <replaced>."}, Made: start, Version: "1.0"}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// The page of a capacity is well-formed and self-contained, and escapes its input, also
// for results without trials, samples or an answer.
func TestWriteCapacity(t *testing.T) {
	bare := searched()
	for i := range bare.Trials {
		bare.Trials[i] = capacity.Trial{Rate: bare.Trials[i].Rate, Held: bare.Trials[i].Held}
	}
	none := &capacity.Result{High: 3, Confidence: 0.95, Trials: []capacity.Trial{{Rate: 2, Reason: capacity.Lost, P99: time.Second}}}
	for name, r := range map[string]*capacity.Result{"whole": searched(), "bare": bare, "none": none, "interrupted": {Partial: true, Stopped: capacity.Interrupted}} {
		t.Run(name, func(t *testing.T) { wellFormed(t, pageOf(t, r)) })
	}
}

// The page has each chart, the knee and both of its sides.
func TestCapacityPage(t *testing.T) {
	page := pageOf(t, searched())
	for _, want := range []string{
		`<h1 class="good">holds 182k records/s (61.2 MB/s) ± 4 %; engine thread at 99 %, 60 % of it in filter &lt;lua&gt;</h1>`,
		`<p>&lt;pipeline&gt;.yaml; with a probability of 95 %, from 176k to 189k records/s.</p>`,
		`aria-label="latency, p99 by rate"`, `aria-label="CPU time a record by rate"`, `aria-label="memory by rate"`,
		`<rect class="band" x="880.0" width="65.0" y="0" height="1000"/>`, `<line class="event" x1="910.0" x2="910.0" y1="0" y2="1000"/>`,
		`<h2>Last trial that held: 181k records/s</h2>`, `<h2>First trial that did not hold: 190k records/s (no: latency, 812 of 5,700,000 records did not arrive at output http.0)</h2>`,
		`aria-label="records per second over time"`, `aria-label="backlog, in records over time"`, `aria-label="memory over time"`,
		`<tr><td>2</td><td>200k</td><td class="bad">no: latency, p99 &lt;6s&gt;</td><td>30s</td><td>240ms</td><td>5.6s</td><td>6600 ns</td><td>500 MB</td><td>0</td></tr>`,
		`<tr><td>25 %</td><td>45.5k</td><td>6.600</td><td>59.1 MB</td></tr>`, `<tr><td>50 %</td><td>91k</td><td>6.600</td><td>68.2 MB</td></tr>`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	wide := searched()
	wide.High, wide.Stopped = 300e3, capacity.OutOfBudget
	if want := `<h1 class="open">holds 182k records/s (61.2 MB/s) ± 65 %;`; !strings.Contains(pageOf(t, wide), want) {
		t.Errorf("the page of a search that ran out of its budget lacks %s", want)
	}
	if n := strings.Count(page, `class="dot bad"`); n != 3*2 {
		t.Errorf("got %d dots of trials that did not hold, want 6", n)
	}
}
