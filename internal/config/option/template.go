// SPDX-License-Identifier: Apache-2.0

package option

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/gdummy/gdummy/internal/config/units"
)

const secTemplates = "Templates"

// Template is the options of templates.
type Template struct {
	Body, File, Format string // the body: at most one is set
	Metadata, Tag      string
	Left, Right        string // delimiters

	Irregular *float64 // the share of irregular records; nil is the usual one
	Broken    string   // the plan of package damage; empty is none

	Seed   string
	Stream string
	First  int64  // number of the first record
	Shard  uint64 // this part of the stream, from 0
	Shards uint64 // number of parts
	Split  bool   // the pace is that of all parts together
}

// templates are the options of templates.
var templates = []Option{
	{
		Name: "template", Kind: String, Example: `{"user": {{ username }}, "status": {{ weighted 200 95 500 5 }}}`, Section: secTemplates,
		Excludes: []string{"template_file", "format", "dummy"},
		Help:     "The record as a template, JSON with actions, instead of dummy. `gdummy doc templates` explains them, `gdummy doc functions` lists the functions.",
		set:      func(c *Config, text string) error { c.Template.Body = text; return nil },
	},
	{
		Name: "template_file", Kind: File, Example: `shop.tmpl`, Section: secTemplates,
		Excludes: []string{"format", "dummy"},
		Help: "A file with the template. A relative name, also of a file that a template reads, is looked up in the working directory, then " +
			"beside the configuration file that Fluent Bit was started with, even if an included file sets the option.",
		set: func(c *Config, text string) error { c.Template.File = text; return nil },
	},
	{
		Name: "format", Kind: String, Example: `apache_combined`, Section: secTemplates,
		Excludes: []string{"dummy"},
		Help:     "A built-in template: records in a well-known format. `gdummy doc formats` lists them, `gdummy doc format NAME` prints one.",
		set:      func(c *Config, text string) error { c.Template.Format = text; return nil },
	},
	{
		Name: "irregular", Kind: String, Default: "", DefaultText: "the usual share of the format", Example: "0.2", Section: secTemplates,
		Help: "The share of records, from 0 to 1 or in percent, that are irregular: the unusual lines that real sources of a format write from time to time. " +
			"A template marks these objects with `irregular`.",
		set: func(c *Config, text string) error {
			c.Template.Irregular = nil
			if text == "" {
				return nil
			}
			share, err := units.ParseFraction(text)
			if err != nil {
				return err
			}
			c.Template.Irregular = &share
			return nil
		},
	},
	{
		Name: "broken", Kind: String, Default: "", Example: "1%: nul 3, utf8_cut 1", Section: secTemplates,
		Excludes: []string{"shuffle_within", "repeat"},
		Help: "Damage on purpose: the share of records, from 0 to 1 or in percent, and the kinds with their weights; without them, all kinds. " +
			"`gdummy doc broken` lists them. An audit counts these records separately.",
		set: func(c *Config, text string) error { c.Template.Broken = text; return nil },
	},
	{
		Name: "metadata_template", Kind: String, Example: `{"source": "{{ hostname }}"}`, Section: secTemplates,
		Excludes: []string{"metadata"},
		Help:     "The metadata of each record as a template, instead of metadata. It can use the variables of the body.",
		set:      func(c *Config, text string) error { c.Template.Metadata = text; return nil },
	},
	{
		Name: "tag_template", Kind: String, Example: `kube.{{ namespace }}`, Section: secTemplates,
		Help: "The tag of each record as a template, on hosts that support it (2.0 and later, threaded). It can use the variables of the body.",
		set:  func(c *Config, text string) error { c.Template.Tag = text; return nil },
	},
	{
		Name: "template_delims", Kind: String, Default: "{{ }}", Example: "[[ ]]", Section: secTemplates,
		Help: "The delimiters of actions: two texts separated by a space. Helm evaluates {{ }} itself.",
		set: func(c *Config, text string) error {
			d := strings.Fields(text)
			if len(d) != 2 || d[0] == d[1] {
				return fmt.Errorf("invalid value %q: expected two different delimiters, separated by a space", text)
			}
			for _, delim := range d {
				if len(delim) == 1 && strings.Contains("{}[],:", delim) || strings.ContainsFunc(delim, isOfText) {
					return fmt.Errorf("invalid value %q: %s also occurs in the JSON around the actions", text, delim)
				}
			}
			c.Template.Left, c.Template.Right = d[0], d[1]
			return nil
		},
	},
	{
		Name: "seed", Kind: String, Default: "0", DefaultText: "random, logged", Example: "october", Section: secTemplates,
		Help: "The seed of all random values: the same seed produces the same records. It is a number (decimal, or hexadecimal as in 0x1f; 010 is 10) or any other text. " +
			"Without one, an input draws one and writes it to the log.",
		set: func(c *Config, text string) error { c.Template.Seed = text; return nil },
	},
	{
		Name: "stream_id", Kind: String, Default: "0", DefaultText: "the alias, or the n of gdummy.n", Example: "edge-7", Section: secTemplates,
		Help: "The name of the stream of records: two streams with the same seed differ. It defaults to the alias of the input, or to the n of gdummy.n, with #2 for a second input of that name; in `gdummy run` to 0.",
		set:  func(c *Config, text string) error { c.Template.Stream = text; return nil },
	},
	{
		Name: "first_seq", Kind: Integer, Default: "0", Example: "1M", Section: secTemplates,
		Help: "The number of the first record in its stream.",
		set:  integer(0, 1<<62, func(c *Config) *int64 { return &c.Template.First }),
	},
	{
		Name: "shard", Kind: String, Default: "0/1", Example: "2/8", Section: secTemplates,
		Help: "Which part of the stream to produce: i/n, with i from 0, is every n-th record, starting with the i-th. n inputs with different i share a stream without overlap.",
		set: func(c *Config, text string) error {
			i, n, ok := strings.Cut(text, "/")
			shard, err := strconv.ParseUint(strings.TrimSpace(i), 10, 32)
			shards, err2 := strconv.ParseUint(strings.TrimSpace(n), 10, 32)
			if !ok || err != nil || err2 != nil || shard >= shards {
				return fmt.Errorf("invalid value %q: expected i/n with 0 <= i < n", text)
			}
			c.Template.Shard, c.Template.Shards = shard, shards
			return nil
		},
	},
	{
		Name: "split", Kind: Boolean, Default: "off", Example: "on", Section: secTemplates, Requires: "shard", With: []string{"shard=2/8"},
		Excludes: []string{"flush_on_startup"},
		Help: "With on, rate, bytes_rate, load_profile, interval_sec, interval_nsec, samples and max_records are those of the whole stream, and this input sends its part of it: together the n inputs send " +
			"what one input without shard sends, each tick at the same moment. Their sum is exact at any moment, also if n does not divide the rate; with bytes_rate, it is exact to a record of each input. With off, each input has all of the rate.",
		set: boolean(func(c *Config) *bool { return &c.Template.Split }),
	},
}

// isOfText reports whether a character occurs in most JSON.
func isOfText(c rune) bool {
	return c == '"' || c == '\\' || unicode.IsLetter(c) || unicode.IsDigit(c)
}
