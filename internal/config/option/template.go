package option

import (
	"errors"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"

	"github.com/gdummy/gdummy/internal/files"
	"github.com/gdummy/gdummy/internal/generate/format"

	"github.com/gdummy/gdummy/internal/config/units"
	"github.com/gdummy/gdummy/internal/generate/seed"
	"github.com/gdummy/gdummy/internal/generate/template"
)

const secTemplates = "Templates"

// Template is what the options about templates say.
type Template struct {
	Body, File, Format string // where the body comes from; at most one is set
	Metadata, Tag      string
	Left, Right        string // delimiters

	Seed     uint64
	SeedText string
	Stream   string
	First    uint64 // number of the first record
	Shard    uint64 // the part of the stream that is given, from 0
	Shards   uint64 // of so many

	source string // the text of the body

	// Program is the compiled template, nil without one.
	Program *template.Program
}

// Key returns a text that is the same for equal templates with equal seeds: then
// a stream can go on where it was left.
func (t *Template) Key() string {
	return strings.Join([]string{t.source, t.Metadata, t.Tag, t.SeedText, t.Stream,
		strconv.FormatUint(t.First, 10), strconv.FormatUint(t.Shard, 10), strconv.FormatUint(t.Shards, 10)}, "\x00")
}

// templates are the rows of templates.
var templates = []Option{
	{
		Name: "template", Kind: String, Example: `{"user": {{ username }}, "status": {{ weighted 200 95 500 5 }}}`, Section: secTemplates,
		Help: "The record as a template: JSON with actions, instead of dummy. `gdummy doc templates` explains them, `gdummy doc functions` lists the functions.",
		set:  func(c *Config, text string) error { c.Template.Body = text; return nil },
	},
	{
		Name: "template_file", Kind: String, Example: `shop.tmpl`, Section: secTemplates,
		Help: "A file with the template. A relative name, like those of files that a template reads, is looked for in the working directory, then " +
			"beside the configuration file that Fluent Bit was started with, also if an included file has the option.",
		set: func(c *Config, text string) error { c.Template.File = text; return nil },
	},
	{
		Name: "format", Kind: String, Example: `apache_combined`, Section: secTemplates,
		Help: "A template that comes with gdummy: records in a well-known format. `gdummy doc formats` lists them, `gdummy doc format NAME` prints one.",
		set: func(c *Config, text string) error {
			c.Template.Format = text
			if _, ok := format.Find(text); text != "" && !ok {
				if near := units.Nearest(text, format.Names()); near != "" {
					return &nearError{errf("there is no format %q", text), near}
				}
				return errf("there is no format %q, expected one of %s", text, strings.Join(format.Names(), ", "))
			}
			return nil
		},
	},
	{
		Name: "metadata_template", Kind: String, Example: `{"source": "{{ hostname }}"}`, Section: secTemplates,
		Help: "The metadata of each record as a template, instead of metadata. It knows the variables of the body.",
		set:  func(c *Config, text string) error { c.Template.Metadata = text; return nil },
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
				return errf("expected two different texts with a space between them, found %q", text)
			}
			for _, delim := range d {
				if len(delim) == 1 && strings.Contains("{}[],:", delim) || strings.ContainsFunc(delim, isOfText) {
					return errf("%s would be found in the JSON around the actions as well", delim)
				}
			}
			c.Template.Left, c.Template.Right = d[0], d[1]
			return nil
		},
	},
	{
		Name: "seed", Kind: String, Default: "0", Absent: "random, logged", Example: "october", Section: secTemplates,
		Help: "The seed of all random values: the same seed gives the same records. It is a number (decimal, or hexadecimal as in 0x1f; 010 is 10) or any other text. " +
			"Without one, an input draws one and writes it to the log.",
		set: func(c *Config, text string) error {
			c.Template.SeedText = text
			c.Template.Seed = seed.Parse(text)
			return nil
		},
	},
	{
		Name: "stream_id", Kind: String, Default: "0", Absent: "the alias, else the n of gdummy.n", Example: "edge-7", Section: secTemplates,
		Help: "The name of the stream of records: streams of one seed differ. Without one it is the input's alias, or the n of gdummy.n, with #2 for the second input of that name; for `gdummy run` it is 0.",
		set:  func(c *Config, text string) error { c.Template.Stream = text; return nil },
	},
	{
		Name: "first_seq", Kind: Integer, Default: "0", Example: "1M", Section: secTemplates,
		Help: "The number of the first record in its stream.",
		set: integer(0, 1<<62, func(c *Config) *int64 {
			// An int64 beside the uint64 that numbers are counted in.
			return &c.firstSeq
		}),
	},
	{
		Name: "shard", Kind: String, Default: "0/1", Example: "2/8", Section: secTemplates,
		Help: "Which part of the stream to give: i/n, i from 0, gives each n-th record from the i-th on, so that n inputs share a stream without overlap.",
		set: func(c *Config, text string) error {
			i, n, ok := strings.Cut(text, "/")
			shard, err := strconv.ParseUint(strings.TrimSpace(i), 10, 32)
			shards, err2 := strconv.ParseUint(strings.TrimSpace(n), 10, 32)
			if !ok || err != nil || err2 != nil || shard >= shards {
				return errf("%q is no part of a stream, expected one like 0/4, 1/4, 2/4 or 3/4", text)
			}
			c.Template.Shard, c.Template.Shards = shard, shards
			return nil
		},
	},
}

// isOfText says whether a character is one of those that the JSON of templates
// has everywhere.
func isOfText(c rune) bool {
	return c == '"' || c == '\\' || unicode.IsLetter(c) || unicode.IsDigit(c)
}

// compile compiles the template, if there is one. Files are looked for in the Path.
func (c *Config) compile(in files.Path) []*Error {
	t := &c.Template
	t.First = uint64(c.firstSeq)
	var from []string
	for _, s := range []struct{ name, text string }{
		{"template", t.Body}, {"template_file", t.File}, {"format", t.Format},
	} {
		if s.text != "" {
			from = append(from, s.name)
		}
	}
	conflict := func(name, problem, want string) []*Error {
		o, _ := Find(name)
		e := o.error("", errors.New(problem))
		e.Want = want
		return []*Error{e}
	}
	if len(from) > 0 && c.given["dummy"] {
		from = append(from, "dummy")
	}
	var errs []*Error // all of them: what is wrong in the template as well
	if len(from) > 1 {
		errs = conflict(from[0], from[0]+" and "+from[1]+" both say what the records are", "only one of the two")
	}
	if t.Metadata != "" && c.given["metadata"] {
		errs = append(errs, conflict("metadata_template", "metadata_template and metadata both say what the metadata is", "only one of the two")...)
	}
	conf := template.Config{
		Metadata: template.Text{Name: "metadata_template", Text: t.Metadata},
		Tag:      template.Text{Name: "tag_template", Text: t.Tag},
		Left:     t.Left, Right: t.Right, Seed: t.Seed, Stream: t.Stream, Files: in,
	}
	file := ""
	switch {
	case t.Body != "":
		conf.Body = template.Text{Name: "template", Text: t.Body}
	case t.File != "":
		text, path, err := in.ReadFile(t.File)
		if err != nil {
			return append(errs, conflict("template_file", err.Error(), "")...)
		}
		if what := files.NotLines(text); what != "" {
			return append(errs, conflict("template_file", strconv.Quote(t.File)+": "+what, "")...)
		}
		file = path
		conf.Body = template.Text{Name: "template_file", Text: strings.TrimPrefix(string(text), "\ufeff")}
	case t.Format != "":
		f, ok := format.Find(t.Format)
		if !ok {
			return errs // told already
		}
		conf.Body = template.Text{Name: "format", Text: f.Text, Left: "{{", Right: "}}"}
	case t.Metadata != "" || t.Tag != "":
		conf.Body = template.Text{Name: "dummy", Text: c.Dummy.Text}
		conf.Bodies = c.Dummy.Bodies
	default:
		return errs
	}
	if t.Metadata == "" && len(c.Metadata.Bodies) > 0 {
		conf.LiteralMetadata = c.Metadata.Bodies[0]
	}
	p, err := template.Compile(conf)
	if err == nil {
		if len(errs) == 0 {
			t.Program = p
			t.source = conf.Body.Text
		}
		return errs
	}
	var mistakes template.Errors
	if !errors.As(err, &mistakes) {
		return append(errs, conflict(from[0], err.Error(), "")...)
	}
	for _, m := range mistakes {
		o, _ := Find(m.In)
		e := &Error{Option: m.In, Where: m.SyntaxError, Problem: m.Problem, option: o}
		if origin := c.origins[m.In]; origin != nil {
			e.Offset = origin(m.Offset)
		}
		if m.In == "template_file" {
			e.File, e.Offset = filepath.Clean(file), 0
		}
		errs = append(errs, e)
	}
	return errs
}
