// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// parsedFormat is a format of lines that one of Fluent Bit's own parsers reads.
type parsedFormat struct {
	format, parser string
	fields         string // members, which have the names of the variables
	others         string // other expectations, in YAML
	typed          bool   // members have the types of the variables, otherwise they are text
	lines          bool   // a record has several lines, which a file would separate
}

var parsedFormats = []parsedFormat{
	{format: "nginx", parser: "nginx", fields: "remote user method path code size referer agent", others: `'@time': $time | within "1ms", host: '"-"'`},
	{format: "apache_combined", parser: "apache", fields: "host user method path code size referer agent", others: `'@time': $time | within "1ms"`},
	{format: "apache_combined", parser: "apache2", fields: "host user method path code size referer agent", others: `'@time': $time | within "1ms"`},
	{format: "apache_common", parser: "apache", fields: "host user method path code size", others: `'@time': $time | within "1ms"`},
	{format: "apache_common", parser: "apache2", fields: "host user method path code size", others: `'@time': $time | within "1ms"`},
	{format: "apache_error", parser: "apache_error", fields: "time level pid client message"},
	{format: "nginx_json", parser: "json", fields: "remote_addr remote_user request_method request_uri server_protocol status body_bytes_sent request_time http_referer http_user_agent request_id", others: `'@time': $time | within "1ms"`, typed: true},
	{format: "docker_json", parser: "docker", fields: "log stream time", others: `'@time': $time | within "1ms"`, typed: true},
	{format: "cri", parser: "cri", fields: "time stream logtag message", others: `'@time': $time | within "1ms"`},
	{format: "syslog_rfc3164", parser: "syslog-rfc3164", fields: "pri time host ident pid message"},
	{format: "syslog_rfc5424", parser: "syslog-rfc5424", fields: "pri time host ident pid msgid extradata message", others: `'@time': $time | within "1ms"`},
	{
		format: "envoy", parser: "envoy",
		fields: "start_time method path protocol code response_flags bytes_received bytes_sent duration x_envoy_upstream_service_time x_forwarded_for user_agent request_id authority upstream_host",
		others: `'@time': $start_time | within "1ms"`,
	},
	{format: "logfmt", parser: "logfmt", fields: "ts level msg service method path status duration_ms"},
	{format: "mysql_slow", parser: "mysql_slow", fields: "user dbhost dbhost_address message", lines: true},
}

// name returns the name of a test of a format: that of its input and of its sink.
func (f parsedFormat) name() string { return f.format + "-" + f.parser }

// sink returns the expectations at an output. The member of one variable has the name of
// another if it is wrong.
func (f parsedFormat) sink(output string, wrong bool) string {
	fields := strings.Fields(f.fields)
	text := fmt.Sprintf("  - output: %s\n    from: %[1]s\n    fields: {%s", output, f.others)
	if f.others != "" {
		text += ", "
	}
	for i, name := range fields {
		value := "$" + name
		if wrong && i == 1 {
			value = "$" + fields[0]
		}
		if !f.typed {
			value += " | as text"
		}
		if f.parser == "mysql_slow" {
			// The parser requires an address: without one, the line stays as it is.
			value = fmt.Sprintf(`ternary $%s (omit) (ne $dbhost_address "") | as text`, strings.TrimSuffix(value[1:], " | as text"))
		}
		text += fmt.Sprintf("%s: '%s', ", name, value)
	}
	text += "}\n"
	if !f.lines {
		also := ""
		if strings.Contains(f.others, "host:") {
			also = ", host"
		}
		text += fmt.Sprintf("    only: [%s%s]\n", strings.Join(fields, ", "), also)
	}
	return text
}

// Fluent Bit's own parsers find every field of our formats again, in an input that parses
// by itself and in a filter, and nothing else. A field that is expected elsewhere is found,
// in each, so that the test could fail. See TestIrregularParsers for the irregular lines.
func TestContentOfParsers(t *testing.T) {
	files, extra := parserFiles(t)
	onEachHost(t, func(t *testing.T, h host) {
		h.since(t, v2_1_0, "metadata")
		dir := t.TempDir()
		var inputs, filters, outputs, replaced, sinks, wrong strings.Builder
		var want []string
		for _, f := range parsedFormats {
			if f.parser == "mysql_slow" && extra == "" {
				continue
			}
			for _, at := range []string{"filter", "file"} {
				if f.lines && at == "file" {
					continue
				}
				alias := f.name() + "-" + at
				outputs.WriteString(input("name es", "alias "+alias, "match "+alias))
				if at == "file" {
					inputs.WriteString(input("name tail", "alias "+alias, "tag "+alias, "path /var/log/*", "parser "+f.parser))
					fmt.Fprintf(&replaced, "  - {input: %s, via: file, format: %s, irregular: 0%%}\n", alias, f.format)
				} else {
					inputs.WriteString(input("name tail", "alias "+alias, "tag "+alias, "path /var/log/*"))
					fmt.Fprintf(&filters, "[FILTER]\n  name parser\n  match %s\n  key_name log\n  parser %s\n", alias, f.parser)
					fmt.Fprintf(&replaced, "  - {input: %s, format: %s, irregular: 0%%}\n", alias, f.format)
				}
				sinks.WriteString(f.sink(alias, false))
				wrong.WriteString(f.sink(alias, true))
				want = append(want, fmt.Sprintf("%s: wrong value %s", alias, strings.Fields(f.fields)[1]))
			}
		}
		write := func(name, text string) {
			t.Helper()
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		write("fluent-bit.conf", "[SERVICE]\n"+files+inputs.String()+filters.String()+strings.ReplaceAll(outputs.String(), "[INPUT]", "[OUTPUT]"))
		test := "pipeline: fluent-bit.conf\nrecords: 2k\ninputs:\n" + replaced.String() + "sinks:\n"
		write("app.test.yaml", test+sinks.String())
		if got := testContent(t, h, dir, "app.test.yaml").found(t); len(got) > 0 {
			t.Errorf("failures: %q", got)
		}
		write("app.test.yaml", test+wrong.String())
		slices.Sort(want)
		if got := testContent(t, h, dir, "app.test.yaml").found(t); !slices.Equal(got, want) {
			t.Errorf("wrong expectations: found %q, want %q", got, want)
		}
	})
}
