// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gdummy/gdummy/internal/prove/audit"
	"github.com/gdummy/gdummy/internal/prove/capacity"
	"github.com/gdummy/gdummy/internal/prove/recordscan"
	"github.com/gdummy/gdummy/internal/recordid"
	"github.com/gdummy/gdummy/internal/wire/agent"
	"github.com/gdummy/gdummy/internal/wire/receive"
)

// A meter counts each record once, and the lag grows with the clock where nothing arrives.
func TestMeter(t *testing.T) {
	m, err := newMeter(nil, 1, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer m.server.Close()
	origin := time.Unix(1700000000, 0)
	take := func(due, arrival time.Duration, seqs ...uint64) {
		var found []receive.Finding
		for _, seq := range seqs {
			found = append(found, receive.Finding{ID: recordid.ID{Run: 7, Seq: seq, Time: origin.Add(due).UnixNano()}, State: recordscan.Intact})
		}
		m.Take(found, origin.Add(arrival).UnixNano())
	}
	take(0, 500*time.Millisecond, 0, 1, 2)
	take(time.Second, 1400*time.Millisecond, 3, 3)
	take(2*time.Second, 4100*time.Millisecond, 4)
	if got := m.distinct(); got != 5 {
		t.Errorf("distinct() = %d, want 5", got)
	}
	want := []time.Duration{500 * time.Millisecond, 400 * time.Millisecond, 1400 * time.Millisecond, 2400 * time.Millisecond, 2100 * time.Millisecond}
	got := m.lags(0, 5*time.Second)
	if len(got) != len(want) {
		t.Fatalf("lags = %v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("lags = %v, want %v", got, want)
			break
		}
	}
	if n, spread := m.arrived(time.Second, 3*time.Second); n != 2 || quantile(spread, 99).Round(10*time.Millisecond) != 400*time.Millisecond {
		t.Errorf("from 1 s to 3 s: %d records with a p99 of %v, want 2 and 400ms", n, quantile(spread, 99))
	}
}

// The first record to arrive may be a later one: a run began when its record 0 was due.
func TestStartOf(t *testing.T) {
	at := func(run recordid.Run, seq uint64, due time.Duration) receive.Finding {
		return receive.Finding{ID: recordid.ID{Run: run, Seq: seq, Time: time.Unix(1700000000, 0).Add(due).UnixNano()}}
	}
	for name, c := range map[string]struct {
		found []receive.Finding
		want  time.Duration
	}{
		"from the start":  {[]receive.Finding{at(7, 0, time.Second), at(7, 1, 2*time.Second)}, time.Second},
		"a later chunk":   {[]receive.Finding{at(7, 4000, 5*time.Second), at(7, 4001, 5*time.Second+time.Millisecond), at(7, 5000, 6*time.Second)}, time.Second},
		"out of order":    {[]receive.Finding{at(7, 12, 3*time.Second), at(7, 10, 2*time.Second)}, -3 * time.Second},
		"another run too": {[]receive.Finding{at(7, 10, 2*time.Second), at(8, 500, time.Hour), at(7, 20, 3*time.Second)}, time.Second},
		"one record":      {[]receive.Finding{at(7, 0, time.Second)}, time.Second},
	} {
		if got := time.Unix(0, startOf(c.found)).Sub(time.Unix(1700000000, 0)); got.Round(time.Microsecond) != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestRoles(t *testing.T) {
	for thread, want := range map[string]string{
		"flb-pipeline": "engine flb-pipeline", "flb-in-gdummy.0": "input gdummy.0", "flb-out-null.0-": "output null.0-", "fluent-bit": "other fluent-bit",
	} {
		role, name := roleOf(thread)
		if got := string(role) + " " + name; got != want {
			t.Errorf("roleOf(%q) = %q, want %q", thread, got, want)
		}
	}
}

// A thread is that of the output in the user's configuration, although its name is that of
// the plugin in the copy, and cut.
func TestOutputThreads(t *testing.T) {
	one := []sender{{"forward.0", "es.0"}}
	two := []sender{{"forward.0", "es.0"}, {"null.0", "s3.0"}, {"forward.1", "audit"}}
	for name, c := range map[string]struct {
		threads []string // with identifiers from 9 on
		outputs []sender
		want    map[string]string
	}{
		"one":                   {[]string{"flb-pipeline", "flb-out-forward"}, one, map[string]string{"10": "es.0"}},
		"two workers":           {[]string{"flb-out-forward", "flb-out-forward"}, one, map[string]string{"9": "es.0", "10": "es.0"}},
		"two outputs":           {[]string{"flb-out-forward", "flb-out-forward", "flb-out-null.0-"}, two, map[string]string{"9": "es.0", "10": "audit", "11": "s3.0"}},
		"three for two outputs": {[]string{"flb-out-forward", "flb-out-forward", "flb-out-forward"}, two, map[string]string{}},
		"a short name":          {[]string{"flb-out-s3.0-w1"}, []sender{{"s3.0", "s3.0"}}, map[string]string{"9": "s3.0"}},
		"another output":        {[]string{"flb-out-http.0-"}, one, map[string]string{}},
		"nothing":               {nil, nil, map[string]string{}},
		"a name of 15 bytes":    {[]string{"flb-out-a.1-w12"}, []sender{{"a.1", "a"}, {"a.10", "b"}}, map[string]string{"9": "a"}},
	} {
		var threads []agent.ThreadUsage
		for i, name := range c.threads {
			threads = append(threads, agent.ThreadUsage{ID: strconv.Itoa(9 + i), Name: name})
		}
		if diff := cmp.Diff(c.want, outputThreads(threads, c.outputs)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// The page of --html names what was measured, how, and what was not.
func TestCapacityPage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "page.html")
	r := capacityResult{Config: "a<b>.yaml", Version: "5.1.1", Sink: sinkNull, Faults: "rate=5000/s", Headroom: 90e3, LeftOut: []string{"cpu.0"},
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

// A steady rate is steady in every window, although its counter changes once a second and
// is read at other times.
func TestCount(t *testing.T) {
	const rate = 4000.0
	o := observed{origin: time.Unix(1700000000, 0)}
	value := 0.0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "fluentbit_gdummy_records_total{name=\"gdummy.0\"} %v\n", value)
	}))
	defer server.Close()
	for at := 300 * time.Millisecond; at < 7*time.Second; at += 490 * time.Millisecond {
		// It changes at 0.74 s, 1.74 s, …: the last pages before 3 s and 4 s have the same value.
		value = rate * (at + 260*time.Millisecond).Truncate(time.Second).Seconds()
		page, err := agent.Scrape(t.Context(), strings.TrimPrefix(server.URL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		o.pages = append(o.pages, snapshot{o.origin.Add(at), page})
	}
	if last := o.pages[len(o.pages)-1].Sum("gdummy_records_total"); last != 6*rate {
		t.Fatalf("the last page has %v records, want %v", last, 6*rate)
	}
	for at := time.Second; at < 6*time.Second; at += time.Second {
		got := o.count("gdummy_records_total", at+time.Second) - o.count("gdummy_records_total", at)
		if math.Abs(got-rate) > rate/2 {
			t.Errorf("from %v: %.0f records, want %.0f ± half", at, got, rate)
		}
	}
	if got := (&observed{}).count("gdummy_records_total", time.Second); got != 0 {
		t.Errorf("without pages: %v, want 0", got)
	}
}

// The rate at which records arrive does not depend on how they are grouped, nor on which
// windows a group falls into.
func TestMeterRate(t *testing.T) {
	const rate = 5000
	for name, c := range map[string]struct{ first, every time.Duration }{
		"many messages":            {0, 20 * time.Millisecond},
		"once a second":            {100 * time.Millisecond, time.Second},
		"every two seconds":        {100 * time.Millisecond, 2 * time.Second},
		"every two seconds, later": {1900 * time.Millisecond, 2 * time.Second},
		"every 1.3 seconds":        {0, 1300 * time.Millisecond},
	} {
		m := &meter{width: time.Second, audit: audit.New(audit.Options{})}
		origin := time.Unix(1700000000, 0)
		m.start(origin)
		seq := uint64(0)
		for at := c.first; at < 12*time.Second; at += c.every {
			var found []receive.Finding
			for range int(rate * c.every.Seconds()) {
				found = append(found, receive.Finding{ID: recordid.ID{Run: 7, Seq: seq, Time: origin.UnixNano()}, State: recordscan.Intact})
				seq++
			}
			m.Take(found, origin.Add(at).UnixNano())
		}
		if got := m.rate(3*time.Second, 8*time.Second); math.Abs(got-rate) > rate/100 {
			t.Errorf("%s: %.0f records/s, want %d", name, got, rate)
		}
		if got := m.rate(8*time.Second, 18*time.Second); got > 0.6*rate {
			t.Errorf("%s: %.0f records/s with a stall after 4 of 10 s, want at most %.0f", name, got, 0.6*rate)
		}
		if got := m.rate(20*time.Second, 25*time.Second); got != 0 {
			t.Errorf("%s: %.0f records/s after the end, want 0", name, got)
		}
	}
}

// Metrics that are late do not make a record more than one, and a filter that drops half is
// known to do so.
func TestArrivingShare(t *testing.T) {
	for _, c := range []struct {
		arrived, due float64
		inputs       int
		want         float64
	}{
		{500, 500, 1, 1}, {501, 500, 1, 1}, {1000, 500, 1, 2}, {498, 500, 1, 1}, {497, 500, 1, 0.994}, {496, 500, 2, 1}, {250, 500, 1, 0.5}, {0, 500, 1, 0},
	} {
		if got := arrivingShare(c.arrived, c.due, c.inputs); got != c.want {
			t.Errorf("arrivingShare(%v, %v, %d) = %v, want %v", c.arrived, c.due, c.inputs, got, c.want)
		}
	}
}

// A ramp's plan is what its inputs are asked for, and how many records are due by then.
func TestPacePlan(t *testing.T) {
	p := pacePlan{{250, 2 * time.Second}, {0, 3 * time.Second}, {1000, 3 * time.Second}}
	if got, want := p.profile(0.5), "125.000 for 2s; idle for 3s; 500.000 for 3s"; got != want {
		t.Errorf("profile(0.5) = %q, want %q", got, want)
	}
	for since, want := range map[time.Duration]float64{
		-time.Second: 0, 0: 0, time.Second: 250, 2 * time.Second: 500, 4 * time.Second: 500, 6 * time.Second: 1500, 8 * time.Second: 3500, time.Hour: 3500,
	} {
		if got := p.due(since); got != want {
			t.Errorf("due(%v) = %v, want %v", since, got, want)
		}
	}
}

// Without receivers, the rate of an output is that between the changes of its counter, and
// the lag is what was due and not sent. The counters of gdummy are late.
func TestWithoutReceivers(t *testing.T) {
	const rate = 4000.0
	m := &measured{arriving: map[string]float64{"out": 1}}
	o := observed{m: m, in: &instance{outputs: []string{"out"}, width: time.Second}, origin: time.Unix(1700000000, 0), plan: pacePlan{{1.25 * rate, time.Minute}}}
	text := ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) }))
	defer server.Close()
	for at := 300 * time.Millisecond; at < 13*time.Second; at += 500 * time.Millisecond {
		text = fmt.Sprintf("fluentbit_output_proc_records_total{name=\"out\"} %v\nfluentbit_gdummy_scheduled_records_total{name=\"x\"} 9\n", rate*at.Truncate(time.Second).Seconds())
		page, err := agent.Scrape(t.Context(), strings.TrimPrefix(server.URL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		o.pages = append(o.pages, snapshot{o.origin.Add(at), page})
	}
	if got := o.sending("out", 3*time.Second, 13*time.Second); math.Abs(got-rate) > 1 {
		t.Errorf("sending: %.0f records/s, want %.0f", got, rate)
	}
	if got := o.sending("none", 3*time.Second, 13*time.Second); got != 0 {
		t.Errorf("sending of an output without records: %.0f records/s, want 0", got)
	}
	lags := o.lags(3*time.Second, 13*time.Second, 1.25*rate)
	if slope, grows := capacity.Growth(lags, time.Second); !grows || math.Abs(slope-0.2) > 0.01 {
		t.Errorf("the lag of %v grows by %.3f, %t; want 0.2", lags, slope, grows)
	}
}
