// SPDX-License-Identifier: Apache-2.0

package load

import (
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gdummy/gdummy/internal/prove/capacity"
	"github.com/gdummy/gdummy/internal/wire/agent"
)

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

// A trial does not hold whose rest takes longer than that of another by more than a flush.
func TestJudgeRest(t *testing.T) {
	origin := time.Unix(1700000000, 0)
	m := &Measurement{arriving: map[string]float64{"out": 1, "idle": 0}}
	for _, c := range []struct {
		last time.Duration // of the output, after the end of the hold
		want string
	}{
		{900 * time.Millisecond, ""},
		{2100 * time.Millisecond, ""},
		{2200 * time.Millisecond, "the rest arrived in 2.2s, and in 900ms at another rate"},
		{0, ""},
		{500 * time.Millisecond, ""},
		{1800 * time.Millisecond, "the rest arrived in 1.8s, and in 500ms at another rate"},
	} {
		at := func(after time.Duration) *meter {
			return &meter{origin: origin, last: origin.Add(8*time.Second + after).UnixNano()}
		}
		h := hold{observed: &observed{m: m, in: &instance{outputs: []string{"idle", "out"}, meters: []*meter{at(time.Hour), at(c.last)}, width: time.Second}}, to: 8 * time.Second}
		if h.judgeRest(); h.t.Detail != c.want {
			t.Errorf("%v after the end: %q, want %q", c.last, h.t.Detail, c.want)
		}
	}
}

// Without receivers, the rate of an output is that between the changes of its counter, and
// the lag is what was due and not sent. The counters of gdummy are late.
func TestWithoutReceivers(t *testing.T) {
	const rate = 4000.0
	m := &Measurement{arriving: map[string]float64{"out": 1}}
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
