// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"fmt"
	"regexp"
	"testing"
	"time"

	"github.com/elastic/go-grok"
	"github.com/elastic/go-grok/patterns"
	"github.com/leodido/go-syslog/v4/rfc3164"
	"github.com/leodido/go-syslog/v4/rfc5424"
)

// Readers read every irregular line that they read in real life: all but those that
// match unread, and none of those.
func TestIrregularLines(t *testing.T) {
	for name, tt := range map[string]struct {
		read   func(line string) bool
		unread string // "" means none
	}{
		// Programs that Apache starts write what they like.
		"apache_error": {grokked(t, `^(?:%{HTTPD24_ERRORLOG}|%{HTTPD20_ERRORLOG})$`), `^(sh|rm|perl): `},
		// Lines that are not of requests; the pattern knows no path without a name.
		"haproxy": {grokked(t, `^%{HAPROXYHTTPBASE}$`), `: (SSL|Connection closed|Timeout) |^Server | pgsql/|"(GET|POST) / `},
		"syslog_rfc5424": {func(line string) bool {
			_, err := rfc5424.NewParser().Parse([]byte(line))
			return err == nil
		}, ``},
		// RFC 3164 has a priority, and a time before all else.
		"syslog_rfc3164": {func(line string) bool {
			_, err := rfc3164.NewParser().Parse([]byte(line))
			return err == nil
		}, `^[^<]|^<\d+>\d+: `},
	} {
		unread, other := regexp.MustCompile(tt.unread), 0
		var wrong []string
		irregular(t, name, func(_ time.Time, line string) {
			want := tt.unread == "" || !unread.MatchString(line)
			if read := tt.read(line); read != want {
				wrong = append(wrong, fmt.Sprintf("read: %v, want %v: %s", read, want, line))
			}
			if !want {
				other++
			}
		})
		for _, w := range wrong[:min(len(wrong), 8)] {
			t.Errorf("%s: %s", name, w)
		}
		if (other == 0) != (tt.unread == "") || other > records*2/3 {
			t.Errorf("%s: %d of %d lines are not for the reader", name, other, records)
		}
	}
}

// grokked reports whether a pattern of grok matches.
func grokked(t *testing.T, pattern string) func(line string) bool {
	t.Helper()
	g, err := grok.NewWithPatterns(patterns.Default, patterns.Httpd, patterns.HAProxy, patterns.AWS, patterns.Java, patterns.Syslog)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Compile(pattern, true); err != nil {
		t.Fatal(err)
	}
	return func(line string) bool {
		m, err := g.ParseString(line)
		return err == nil && len(m) > 0
	}
}
