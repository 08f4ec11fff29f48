// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"testing"
	"time"

	"github.com/gdummy/gdummy/internal/generate/pace"
)

// A value has the same meaning in every option that accepts it.
func TestOneGrammar(t *testing.T) {
	parse := func(section string) *Config {
		t.Helper()
		c, _, err := Configure(from(section), nil)
		if err != nil {
			t.Fatalf("%s: %v", section, err)
		}
		return c
	}
	profile := func(text string) *pace.Profile {
		t.Helper()
		p, err := pace.ParseProfile(text)
		if err != nil {
			t.Fatalf("load_profile %s: %v", text, err)
		}
		return p
	}
	for text, want := range map[string]time.Duration{
		"1": time.Second, "0.5": time.Second / 2, "500ms": time.Second / 2, "1.5h": 90 * time.Minute, "1d12h": 36 * time.Hour, "1h30m": 90 * time.Minute,
		"7ns": 7, "3µs": 3 * time.Microsecond, "1H": time.Hour, "1e3": 1000 * time.Second,
	} {
		if c := parse("duration " + text + "\nstart_delay " + text); c.Duration != want || c.StartDelay != want {
			t.Errorf("duration %s is %v, start_delay %v, want %v", text, c.Duration, c.StartDelay, want)
		}
		if end, ok := profile("idle for " + text).End(); !ok || end != int64(want) {
			t.Errorf("idle for %s ends at %d, want %d", text, end, want)
		}
	}
	for text, want := range map[string]float64{"10": 10, "10/s": 10, "30/m": 0.5, "36/h": 0.01, "50k": 50e3, "1.5k": 1500, "20M": 20e6, "1e3": 1000, "0.1": 0.1, "60k/m": 1000} {
		if r := parse("rate " + text).Rate; float64(r.Num)/float64(r.Den) != want {
			t.Errorf("rate %s is %d/%d, want %g", text, r.Num, r.Den, want)
		}
		if got := profile(text).RateAt(0); got != want {
			t.Errorf("load_profile %s is %g per second, want %g", text, got, want)
		}
	}
	for text, want := range map[string]int64{"10k": 10e3, "20M": 20e6, "1e6": 1e6, "1.5K": 1500} {
		c := parse("copies " + text + "\nsamples " + text + "\nmax_records " + text + "\nfirst_seq " + text + "\nbytes_rate " + text)
		if c.Copies != want || c.Samples != want || c.MaxRecords != want || c.Template.First != want || c.BytesRate != want {
			t.Errorf("%s is copies %d, samples %d, max_records %d, first_seq %d, bytes_rate %d, want %d",
				text, c.Copies, c.Samples, c.MaxRecords, c.Template.First, c.BytesRate, want)
		}
	}
}
