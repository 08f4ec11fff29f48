// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"strings"
)

// printTestJSON prints the verdicts as JSON.
func printTestJSON(w io.Writer, runs []testRun) error {
	return encodeJSON(w, struct {
		Tests []testRun `json:"tests"`
	}{runs})
}

// The elements of JUnit XML.
type (
	junitSuites struct {
		XMLName xml.Name     `xml:"testsuites"`
		Suites  []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Time     string      `xml:"time,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Name    string     `xml:"name,attr"`
		Class   string     `xml:"classname,attr"`
		Time    string     `xml:"time,attr"`
		Failure *junitText `xml:"failure,omitempty"`
		Error   *junitText `xml:"error,omitempty"`
	}
	junitText struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// writeJUnit writes the verdicts as JUnit XML: a suite for each file in each Fluent Bit,
// a case for each sink.
func writeJUnit(path string, runs []testRun) error {
	var all junitSuites
	for i := range runs {
		all.Suites = append(all.Suites, junitOf(&runs[i]))
	}
	text, err := xml.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append([]byte(xml.Header), append(text, '\n')...), 0o666)
}

func junitOf(r *testRun) junitSuite {
	seconds := fmt.Sprintf("%.3f", r.Seconds)
	s := junitSuite{Name: r.name, Time: seconds}
	if r.Error != "" {
		s.Errors = 1
		s.Cases = append(s.Cases, junitCase{Name: r.name, Class: r.File, Time: seconds,
			Error: &junitText{Message: r.Error, Text: strings.Join(r.Log, "\n")}})
	}
	for i := range r.Sinks {
		sink := &r.Sinks[i]
		c := junitCase{Name: sink.Sink, Class: r.name, Time: seconds}
		if !sink.OK() {
			s.Failures++
			var kinds []string
			for _, f := range sink.Failures {
				kinds = append(kinds, strings.TrimSpace(f.Kind.String()+" "+f.Field))
			}
			var b strings.Builder
			sink.Print(&b)
			c.Failure = &junitText{Message: strings.Join(kinds, ", "), Text: b.String()}
		}
		s.Cases = append(s.Cases, c)
	}
	s.Tests = len(s.Cases)
	return s
}
