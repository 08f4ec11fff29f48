// SPDX-License-Identifier: Apache-2.0

package option

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

const secTemplates = "Templates"

// Template is the options of templates.
type Template struct {
	Body, File, Format string // where the body comes from
	Metadata, Tag      string
	Left, Right        string // delimiters

	Seed   string
	Stream string
	First  int64  // number of the first record
	Shard  uint64 // this part of the stream, from 0
	Shards uint64 // of so many
}

// templates are the rows of templates.
var templates = []Option{
	{
		Name: "template", Kind: String, Example: `{"user": {{ username }}, "status": {{ weighted 200 95 500 5 }}}`, Section: secTemplates,
		Excludes: []string{"template_file", "format", "dummy"},
		Help:     "The record as a template: JSON with actions, instead of dummy. `gdummy doc templates` explains them, `gdummy doc functions` lists the functions.",
		set:      func(c *Config, text string) error { c.Template.Body = text; return nil },
	},
	{
		Name: "template_file", Kind: File, Example: `shop.tmpl`, Section: secTemplates,
		Excludes: []string{"format", "dummy"},
		Help: "A file with the template. A relative name, like those of files that a template reads, is looked for in the working directory, then " +
			"beside the configuration file that Fluent Bit was started with, also if an included file has the option.",
		set: func(c *Config, text string) error { c.Template.File = text; return nil },
	},
	{
		Name: "format", Kind: String, Example: `apache_combined`, Section: secTemplates,
		Excludes: []string{"dummy"},
		Help:     "A template that comes with gdummy: records in a well-known format. `gdummy doc formats` lists them, `gdummy doc format NAME` prints one.",
		set:      func(c *Config, text string) error { c.Template.Format = text; return nil },
	},
	{
		Name: "metadata_template", Kind: String, Example: `{"source": "{{ hostname }}"}`, Section: secTemplates,
		Excludes: []string{"metadata"},
		Help:     "The metadata of each record as a template, instead of metadata. It knows the variables of the body.",
		set:      func(c *Config, text string) error { c.Template.Metadata = text; return nil },
	},
	{
		Name: "tag_template", Kind: String, Example: `kube.{{ namespace }}`, Section: secTemplates,
		Help: "The tag of each record as a template, where the engine lets the plugin append. It knows the variables of the body.",
		set:  func(c *Config, text string) error { c.Template.Tag = text; return nil },
	},
	{
		Name: "template_delims", Kind: String, Default: "{{ }}", Example: "[[ ]]", Section: secTemplates,
		Help: "What stands around actions: two texts with a space between them. Helm charts replace {{ }} themselves.",
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
		Help: "The seed of all random values: the same seed gives the same records. It is a number (decimal, or hexadecimal as in 0x1f; 010 is 10) or any other text. " +
			"Without one, an input draws one and writes it to the log.",
		set: func(c *Config, text string) error { c.Template.Seed = text; return nil },
	},
	{
		Name: "stream_id", Kind: String, Default: "0", DefaultText: "the alias, else the n of gdummy.n", Example: "edge-7", Section: secTemplates,
		Help: "The name of the stream of records: streams of one seed differ. Without one it is the input's alias, or the n of gdummy.n, with #2 for the second input of that name; for `gdummy run` it is 0.",
		set:  func(c *Config, text string) error { c.Template.Stream = text; return nil },
	},
	{
		Name: "first_seq", Kind: Integer, Default: "0", Example: "1M", Section: secTemplates,
		Help: "The number of the first record in its stream.",
		set:  integer(0, 1<<62, func(c *Config) *int64 { return &c.Template.First }),
	},
	{
		Name: "shard", Kind: String, Default: "0/1", Example: "2/8", Section: secTemplates,
		Help: "Which part of the stream to give: i/n, i from 0, gives each n-th record from the i-th on, so that n inputs share a stream without overlap.",
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
}

// isOfText reports whether a character occurs in most JSON.
func isOfText(c rune) bool {
	return c == '"' || c == '\\' || unicode.IsLetter(c) || unicode.IsDigit(c)
}
