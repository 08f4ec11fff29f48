// SPDX-License-Identifier: Apache-2.0

package load

import (
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gdummy/gdummy/internal/wire/agent"
)

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
