// SPDX-License-Identifier: Apache-2.0

package units

import (
	"bytes"
	"fmt"
)

// Kind is a kind of value.
type Kind struct {
	Name     string
	Rule     string // of the grammar
	Help     string
	Examples []Example

	// read parses a value and returns it in its normal form.
	read func(text string) (normal string, err error)
}

// Example is a text of a kind and its meaning.
type Example struct {
	Text    string
	Normal  string // the same value in its normal form; "" for an error
	Meaning string // in words; "" for an error
}

// Kinds has a row for each kind of value. The documentation is generated from it, and
// a test runs its examples.
var Kinds = []Kind{
	{
		Name: "count", Rule: `[ "+" | "-" ] decimal [ multiple ]`,
		Help: "A whole number: options of type integer, `--records`, `--max-lost` and other flags with N.",
		Examples: []Example{
			{"5000", "5k", "5000"}, {"10k", "10k", "10 000"}, {"1.5M", "1.5M", "1 500 000"}, {"1e+06", "1M", "1 000 000, as Helm writes it"}, {"-1", "-1", "where negative values are accepted"},
			{"1m", "", ""}, {"1.5", "", ""}, {"1_000", "", ""}, {"1Ki", "", ""},
		},
		read: func(text string) (string, error) {
			n, err := ParseCount(text, -1e18, 1e18)
			return FormatCount(n), err
		},
	},
	{
		Name: "rate", Rule: `decimal [ multiple ] [ "/s" | "/m" | "/h" ]`,
		Help: "Per second, unless it ends in `/m` (per minute) or `/h` (per hour): rate, and the rates in load profiles. At most 1G per second, and no finer than 0.000001/h.",
		Examples: []Example{
			{"500", "500", "500 per second"}, {"0.1", "0.1", "one every 10 seconds"}, {"50k", "50k", "50 000 per second"}, {"10/s", "10", "10 per second"}, {"30/m", "0.5", "30 per minute, one every 2 seconds"}, {"1/h", "1/h", "one per hour"},
			{"1m", "", ""}, {"10/min", "", ""}, {"1,5k", "", ""}, {"5 per second", "", ""},
		},
		read: func(text string) (string, error) {
			r, err := ParseRate(text)
			return FormatRate(r), err
		},
	},
	{
		Name: "size", Rule: `decimal [ multiple | binary ] [ "B" ]`,
		Help: "Bytes: max_in_flight, `--memory`.",
		Examples: []Example{
			{"4M", "4M", "4 000 000 bytes, as in `mem_buf_limit`"}, {"64KB", "64k", "64 000 bytes"}, {"1MiB", "1048576", "1024 × 1024 bytes"},
			{"4m", "", ""}, {"4 M", "", ""},
		},
		read: func(text string) (string, error) {
			n, err := ParseSize(text)
			return FormatCount(n), err
		},
	},
	{
		Name: "byte rate", Rule: `size [ "/s" | "/m" | "/h" ]`,
		Help: "Bytes per second, unless it ends in `/m` or `/h`: bytes_rate, and `slow` in `--fault`.",
		Examples: []Example{
			{"10M", "10M", "10 000 000 bytes per second"}, {"1MB/s", "1M", "1 000 000 bytes per second"}, {"600MB/m", "10M", "10 000 000 bytes per second"},
			{"10m", "", ""},
		},
		read: func(text string) (string, error) {
			n, err := ParseByteRate(text)
			return FormatCount(n), err
		},
	},
	{
		Name: "time", Rule: `decimal | decimal unit { decimal unit }`,
		Help: "A time span: duration, start_delay, times in load profiles, `--idle`, `delay` and `outage` in `--fault`, dwell times in templates. A number alone is in seconds. At most 36500d, and no finer than a nanosecond.",
		Examples: []Example{
			{"90", "1m30s", "90 seconds"}, {"500ms", "500ms", "half a second"}, {"1h30m", "1h30m", "90 minutes"}, {"1d12h", "36h", "36 hours"}, {"0.5d", "12h", "12 hours"}, {"250us", "250us", "250 microseconds, also written 250µs"},
			{"1M", "", ""}, {"1h30", "", ""}, {"5min", "", ""}, {"2 weeks", "", ""}, {"10k", "", ""},
		},
		read: func(text string) (string, error) {
			d, err := ParseDuration(text)
			return FormatDuration(d), err
		},
	},
	{
		Name: "moment", Rule: `date "T" clock zone | ( "+" | "-" ) time | decimal | "now"`,
		Help: "A point in time: start_time, end_time, start_at. As in RFC 3339, before (`-`) or after (`+`) the start of the run, or in seconds since 1970. From 1970 to 2106.",
		Examples: []Example{
			{"2026-11-01T00:00:00+01:00", "2026-10-31T23:00:00Z", "midnight in Berlin"}, {"2026-11-01T00:00:00.25Z", "2026-11-01T00:00:00.25Z", "with a fraction of a second"},
			{"-24h", "-1d", "a day before the start"}, {"+90s", "+1m30s", "90 seconds after it"}, {"now", "now", "the start"}, {"1700000000", "2023-11-14T22:13:20Z", "seconds since 1970"},
			{"2026-11-01", "", ""}, {"2026-11-01 08:30", "", ""}, {"24h", "", ""}, {"-5", "", ""}, {"2026-02-30T00:00:00Z", "", ""}, {"1969-12-31T23:59:59Z", "", ""},
		},
		read: func(text string) (string, error) {
			m, err := ParseMoment(text)
			return FormatMoment(m), err
		},
	},
	{
		Name: "share", Rule: `decimal "%"`,
		Help:     "A percentage: the chances in `--fault`.",
		Examples: []Example{{"5%", "5%", "one in twenty"}, {"0.1%", "0.1%", "one in a thousand"}, {"0.5", "", ""}},
		read: func(text string) (string, error) {
			p, err := ParseShare(text)
			return fmt.Sprintf("%.12g%%", 100*p), err
		},
	},
}

// Markdown returns the section of the documentation on values.
func Markdown() []byte {
	var b bytes.Buffer
	b.WriteString("Options, load profiles, flags, faults and templates share one grammar. A multiple follows its number without a\n" +
		"space: `k`, `M`, `G` and `T` are powers of 1000, and in sizes `Ki`, `Mi`, `Gi` and `Ti` are powers of 1024. Multiples and units\n" +
		"of time are not case-sensitive, with one exception: a lone `m` is never a million, and a lone `M` never a minute.\n" +
		"Nothing is rounded: a value that cannot be represented exactly is an error.\n\n")
	b.WriteString("| type | | accepted | meaning |\n|---|---|---|---|\n")
	for _, k := range Kinds {
		name, help := k.Name, k.Help
		for _, x := range k.Examples {
			if x.Normal != "" {
				fmt.Fprintf(&b, "| %s | %s | `%s` | %s |\n", name, help, x.Text, x.Meaning)
				name, help = "", ""
			}
		}
	}
	b.WriteString("\n| rejected | as | error |\n|---|---|---|\n")
	for _, k := range Kinds {
		for _, x := range k.Examples {
			if x.Normal == "" {
				_, err := k.read(x.Text)
				fmt.Fprintf(&b, "| `%s` | %s | %s |\n", x.Text, k.Name, err.(*Error).Text())
			}
		}
	}
	b.WriteString("\n```ebnf\n")
	for _, k := range Kinds {
		fmt.Fprintf(&b, "%-9s = %s ;\n", k.Name, k.Rule)
	}
	b.WriteString("factor    = decimal ;\nnumber    = count ;\n(* date, clock and zone: full-date, partial-time and time-offset of RFC 3339 *)\n")
	b.WriteString("\nmultiple  = \"k\" | \"M\" | \"G\" | \"T\" ;\nbinary    = \"Ki\" | \"Mi\" | \"Gi\" | \"Ti\" ;\n")
	b.WriteString("unit      = \"d\" | \"h\" | \"m\" | \"s\" | \"ms\" | \"us\" | \"µs\" | \"ns\" ;\n")
	b.WriteString("decimal   = ( digit { digit } [ \".\" { digit } ] | \".\" digit { digit } ) [ \"e\" [ \"+\" | \"-\" ] digit { digit } ] ;\n```\n")
	return b.Bytes()
}
