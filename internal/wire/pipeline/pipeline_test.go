// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"strings"
	"testing"
)

// A file of the test has a path like those that the input reads.
func TestSamplePath(t *testing.T) {
	for pattern, want := range map[string]string{
		"":                                   "/gdummy.log",
		"/var/log/app.log":                   "/var/log/app.log",
		"app.log":                            "/app.log",
		"/var/log/app/*.log, /var/log/x.log": "/var/log/app/gdummy.log",
		"/var/lib/docker/containers/*/*-json.log": "/var/lib/docker/containers/gdummy/gdummy-json.log",
		"/var/log/containers/*.log":               "/var/log/containers/gdummy_default_gdummy-" + strings.Repeat("0", 64) + ".log",
		"${DIR}/a?c[0-9].log":                     "/gdummy/a0c0.log",
		"../x/*":                                  "/x/gdummy",
	} {
		if got := SamplePath(pattern); got != want {
			t.Errorf("%q: %q, want %q", pattern, got, want)
		}
	}
}
