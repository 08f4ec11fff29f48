// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gdummy/gdummy/internal/prove/expect"
)

// CI systems show a case for each sink, and for a run without a verdict why.
func TestJUnit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "report.xml")
	err := writeJUnit(path, []testRun{
		{name: "checkout", Seconds: 1.5, Sinks: []expect.Result{
			{Sink: "orders", Expected: 10, Arrived: 10},
			{Sink: "archive", Expected: 5, Arrived: 6, Failures: []expect.Failure{
				{Kind: expect.Leaked, Count: 1, Examples: []expect.Example{{Input: "gdummy.0", Seq: 7, Sent: `{"a":"<b>"}`}}},
				{Kind: expect.WrongType, Field: "status", Count: 2},
			}},
		}},
		{name: "broken", File: "broken.test.yaml", Error: "no input", Log: []string{"[error] x"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := `<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
  <testsuite name="checkout" tests="2" failures="1" errors="0" time="1.500">
    <testcase name="orders" classname="checkout" time="1.500"></testcase>
    <testcase name="archive" classname="checkout" time="1.500">
      <failure message="leaked, wrong type status">    leaked: 1 record arrived, and should not have&#xA;        record 7 of gdummy.0&#xA;            sent     {&#34;a&#34;:&#34;&lt;b&gt;&#34;}&#xA;    wrong type status: 2 records&#xA;</failure>
    </testcase>
  </testsuite>
  <testsuite name="broken" tests="1" failures="0" errors="1" time="0.000">
    <testcase name="broken" classname="broken.test.yaml" time="0.000">
      <error message="no input">[error] x</error>
    </testcase>
  </testsuite>
</testsuites>
`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The verdict lists the inputs that nothing feeds.
func TestLeftOut(t *testing.T) {
	var b strings.Builder
	new(testFlags).print(&b, &testRun{name: "app", Seconds: 1, LeftOut: []string{"cpu.0", "mem"}, Sinks: []expect.Result{{Sink: "out", Arrived: 7}}})
	const want = "ok    app/out 7 records 1.0s\n      app without the inputs cpu.0, mem, which nothing feeds\n"
	if got := b.String(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
