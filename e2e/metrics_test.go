// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"bufio"
	"fmt"
	"regexp"
	"strconv"
	"testing"
	"time"
)

var sample = regexp.MustCompile(`^(\w+(?:\{[^}]*\})?) ([-+.\deE]+)(?: \d+)?$`)

// metrics returns the Prometheus metrics of the process, by name with labels, or nil if there
// are none yet.
func (p *process) metrics(port int) map[string]float64 {
	resp, err := client.Get(fmt.Sprintf("http://127.0.0.1:%d/api/v2/metrics/prometheus", port))
	if err != nil {
		return nil
	}
	defer resp.Body.Close()
	m := map[string]float64{}
	s := bufio.NewScanner(resp.Body)
	for s.Scan() {
		if f := sample.FindStringSubmatch(s.Text()); f != nil {
			m[f[1]], _ = strconv.ParseFloat(f[2], 64)
		}
	}
	return m
}

// The metrics of a finite run are exact: the records that gdummy emitted and the engine
// ingested, and the operations under the names that all Go inputs use.
func TestCounters(t *testing.T) {
	onEachHost(t, func(t *testing.T, h host) {
		port := freePort(t)
		p := h.start(t, launch{config: httpService(port) +
			input("name gdummy", "tag a", "alias first", `dummy {"a":1}{"b":2}`, "rate 100", "samples 250", "copies 3") +
			// With one tick per second, each tick is one operation.
			input("name gdummy", "tag b", `dummy {"message":"x"}`, "samples 3") + toFiles})
		p.await("1500 and 3 records", 20*time.Second, func() bool {
			return len(p.records("a")) >= 1500 && len(p.records("b")) >= 3
		})
		// A V2 event has 1+1+10+1 bytes and a body of 4 or 11.
		overhead := 13.0
		if h.version.before(v2_1_0) {
			overhead = 11
		}
		body := float64(len("\x81\xa7message\xa1x"))
		want := map[string]float64{
			`fluentbit_gdummy_records_total{name="first"}`:                1500,
			`fluentbit_gdummy_bytes_total{name="first"}`:                  1500 * (overhead + 4),
			`fluentbit_gdummy_ticks_total{name="first"}`:                  250,
			`fluentbit_gdummy_shortfall_records_total{name="first"}`:      0,
			`fluentbit_gdummy_memory_wait_seconds_total{name="first"}`:    0,
			`fluentbit_input_records_total{name="first"}`:                 1500,
			`fluentbit_plugin_operation_failed_total{name="first"}`:       0,
			`fluentbit_plugin_panics_total{name="first"}`:                 0,
			`fluentbit_gdummy_records_total{name="gdummy.1"}`:             3,
			`fluentbit_gdummy_bytes_total{name="gdummy.1"}`:               3 * (overhead + body),
			`fluentbit_gdummy_ticks_total{name="gdummy.1"}`:               3,
			`fluentbit_input_records_total{name="gdummy.1"}`:              3,
			`fluentbit_plugin_operation_succeeded_total{name="gdummy.1"}`: 3,
			`fluentbit_plugin_operation_failed_total{name="gdummy.1"}`:    0,
			`fluentbit_plugin_panics_total{name="gdummy.1"}`:              0,
		}
		var got map[string]float64
		differs := func() (out []string) {
			got = p.metrics(port)
			for name, v := range want {
				if g, ok := got[name]; !ok || g != v {
					out = append(out, fmt.Sprintf("%s is %v (there: %v), expected %v", name, g, ok, v))
				}
			}
			return out
		}
		// The server updates its copy every few seconds (5 in older hosts).
		deadline := time.Now().Add(20 * time.Second)
		for len(differs()) > 0 && time.Now().Before(deadline) {
			time.Sleep(100 * time.Millisecond)
		}
		for _, d := range differs() {
			t.Error(d)
		}
		if n := got[`fluentbit_plugin_operation_succeeded_total{name="first"}`]; n < 3 || n > 250 {
			t.Errorf("first: %v operations succeeded, expected one for each emission", n)
		}
		p.stop()
	})
}

// An input with threaded off is called once a second, sometimes a little late. The records
// due in between are delivered, and not dropped as after a stall. Without `samples`, they
// would not be made up.
func TestNoShortfallOnTheEnginesThread(t *testing.T) {
	onEachHost(t, func(t *testing.T, h host) {
		port := freePort(t)
		p := h.start(t, launch{config: httpService(port) +
			input("name gdummy", "tag a", "rate 200", "threaded off") + clock + toFiles})
		p.awaitTicks(6)
		m := p.metrics(port)
		p.stop()
		if n, ok := m[`fluentbit_gdummy_shortfall_records_total{name="gdummy.0"}`]; n != 0 || !ok {
			t.Errorf("shortfall %v (exists: %v), want 0", n, ok)
		}
		recs := p.records("a")
		if len(recs) < 800 {
			t.Errorf("%d records in six seconds, expected 200 in each", len(recs))
		}
		checkSpacing(t, recs, 1, 5*time.Millisecond)
	})
}
