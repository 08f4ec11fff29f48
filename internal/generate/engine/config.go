// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/gdummy/gdummy/internal/config/option"
	"github.com/gdummy/gdummy/internal/config/units"
	"github.com/gdummy/gdummy/internal/files"
	"github.com/gdummy/gdummy/internal/generate/damage"
	"github.com/gdummy/gdummy/internal/generate/disorder"
	"github.com/gdummy/gdummy/internal/generate/format"
	"github.com/gdummy/gdummy/internal/generate/jsonbody"
	"github.com/gdummy/gdummy/internal/generate/pace"
	"github.com/gdummy/gdummy/internal/generate/replay"
	"github.com/gdummy/gdummy/internal/generate/seed"
	"github.com/gdummy/gdummy/internal/generate/template"
	"github.com/gdummy/gdummy/internal/msgpack"
)

// Config is a configuration with its JSON, load profile and templates compiled.
type Config struct {
	option.Config

	// Program is the compiled template, or nil if the records are those of dummy.
	Program *template.Program

	bodies      [][]byte // of dummy, in MessagePack
	metadata    [][]byte // of metadata, in MessagePack: one map
	profile     *pace.Profile
	disorder    disorder.Rules
	expressions []template.Text
	broken      *damage.Plan // nil if no record is broken
	source      string       // the text of the template's body
	files       *hashedFiles // that templates read; nil without templates
	path        files.Path   // where the option control is searched for

	replay   *replay.Set // nil without a replay
	timeline bool        // records come at the spacing of the times that they have in their files
}

// StreamKey returns a key that is equal for configurations with the same template,
// seed, position in the stream and schedule of times. An engine can continue where
// an engine with an equal key stopped.
func (c *Config) StreamKey() string {
	t := &c.Template
	key := []string{c.source, c.replayKey(), t.Metadata, t.Tag, t.Seed, t.Stream,
		strconv.FormatInt(t.First, 10), strconv.FormatUint(t.Shard, 10), strconv.FormatUint(t.Shards, 10), strconv.FormatBool(t.Split), c.irregular()}
	if c.scheduled() {
		key = append(key, fmt.Sprintf("%+v", kindOf(c)), c.LoadProfile, strconv.FormatInt(c.MaxRecords, 10), c.disorder.String())
	}
	return strings.Join(key, "\x00")
}

// irregular returns the option, or "" if it is not set.
func (c *Config) irregular() string {
	if share := c.Template.Irregular; share != nil {
		return strconv.FormatFloat(*share, 'g', -1, 64)
	}
	return ""
}

// Configure parses and compiles all options. Any error makes it fail with
// [option.Errors], unless `strict off` is set: then an option with an error gets
// its default, as in the dummy input, and the error is returned as a warning.
//
// It searches the Path for template_file and the files that templates read.
func Configure(lookup option.Lookup, in files.Path) (c *Config, warnings option.Errors, err error) {
	return ConfigureWith(lookup, in, nil)
}

// ConfigureWith is Configure with expressions about the records, see
// [template.Config]. If there are any, a template is made of the option dummy, too.
func ConfigureWith(lookup option.Lookup, in files.Path, expressions []template.Text) (c *Config, warnings option.Errors, err error) {
	read, warnings, errs := option.Read(lookup)
	c = &Config{Config: *read, expressions: expressions, path: in}
	errs = append(errs, c.compile(in, errs)...)
	warnings = append(warnings, c.checkIrregular(errs)...)
	errs = append(errs, c.checkIdentity()...)
	if len(errs) == 0 {
		errs = append(errs, c.CheckDisorder()...)
		errs = append(errs, c.checkDistinct()...)
		errs = append(errs, c.checkSplit()...)
	}
	errs = append(errs, c.checkLives()...)
	errs = append(errs, c.checkControl()...)
	slices.SortStableFunc(errs, func(a, b *option.Error) int { return option.Index(a.Option) - option.Index(b.Option) })
	switch {
	case len(errs) == 0:
		return c, warnings, nil
	case c.Strict:
		return nil, nil, errs
	}
	for _, e := range errs {
		e.Fallback = c.reset(e.Option)
	}
	return c, append(warnings, errs...), nil
}

// reset resets an option with an error, and describes the value used instead.
func (c *Config) reset(name string) string {
	if name == "dummy" && len(c.bodies) > 0 {
		return "the objects before the error are used"
	}
	fallback := c.Reset(name)
	switch name {
	case "dummy":
		c.bodies, _ = jsonbody.Parse(c.Dummy)
	case "metadata":
		c.metadata, _ = jsonbody.ParseMetadata(c.Metadata)
	}
	return fallback
}

// compile compiles the options that are JSON, a load profile or a template, except
// those that already have an error.
func (c *Config) compile(in files.Path, failed option.Errors) option.Errors {
	wrong := map[string]bool{}
	for _, e := range failed {
		wrong[e.Option] = true
	}
	var errs option.Errors
	fail := func(name, text string, err error) {
		if !wrong[name] {
			errs = append(errs, c.ErrorIn(name, text, err))
		}
	}
	var err error
	if c.bodies, err = jsonbody.Parse(c.Dummy); err != nil {
		fail("dummy", c.Dummy, err)
	}
	if c.metadata, err = jsonbody.ParseMetadata(c.Metadata); err != nil {
		fail("metadata", c.Metadata, err)
	}
	c.profile = parse("load_profile", c.LoadProfile, pace.ParseProfile, fail)
	if c.profile != nil && c.profile.Daily() && !c.TimeSpeed.One() && !wrong["time_speed"] {
		errs = append(errs, option.Errorf("time_speed", "load_profile follows the time of day: expected no time_speed"))
	}
	c.broken = parse("broken", c.Template.Broken, damage.Parse, fail)
	c.disorder = disorder.Rules{
		Shuffle: c.ShuffleWithin,
		Repeat:  parse("repeat", c.Repeat, disorder.ParseRepeat, fail),
		Late:    parse("late", c.Late, disorder.ParseLate, fail),
		Skew:    parse("skew", c.Skew, disorder.ParseSkew, fail),
	}
	usable := true
	for _, e := range failed {
		switch {
		case !slices.Contains(templateOptions, e.Option):
		case e.Empty:
			c.Reset(e.Option) // YAML's null is not a template; the others are compiled
		default:
			usable = false
		}
	}
	if e := c.checkFormat(); e != nil {
		errs = append(errs, e)
	}
	if e := c.openReplay(in, wrong); e != nil {
		errs = append(errs, e)
	}
	conf, file, e := c.templates(in)
	switch {
	case e != nil:
		return append(errs, e)
	case conf == nil:
		return errs
	}
	return append(errs, c.compileTemplates(conf, file, usable)...)
}

// parse parses the text of an option, if it is set, and calls fail if that has an error.
func parse[T any](name, text string, parse func(string) (T, error), fail func(name, text string, err error)) (value T) {
	if text == "" {
		return value
	}
	value, err := parse(text)
	if err != nil {
		fail(name, text, err)
	}
	return value
}

// checkFormat reports a format that does not exist.
func (c *Config) checkFormat() *option.Error {
	name := c.Template.Format
	if _, ok := format.Find(name); ok || name == "" {
		return nil
	}
	e := option.Errorf("format", "unknown format %q: expected one of %s", name, strings.Join(format.Names(), ", "))
	if e.Meant = units.Nearest(name, format.Names()); e.Meant != "" {
		e.Problem = fmt.Sprintf("unknown format %q", name)
	}
	e.Value = name
	return e
}

// templateOptions are the options that contain or name a template.
var templateOptions = []string{"template", "template_file", "format", "metadata_template", "tag_template"}

// templates returns the texts of the templates, nil if there are none, and the file
// that the body is from.
func (c *Config) templates(in files.Path) (conf *template.Config, file string, failed *option.Error) {
	t := &c.Template
	c.files = &hashedFiles{Path: in, hashes: map[string]string{}}
	conf = &template.Config{
		Metadata: template.Text{Name: "metadata_template", Text: t.Metadata},
		Tag:      template.Text{Name: "tag_template", Text: t.Tag},
		Left:     t.Left, Right: t.Right, Seed: seed.Parse(t.Seed), Stream: t.Stream, Files: c.files, Expressions: c.expressions,
		Irregular: t.Irregular,
	}
	switch {
	case t.Body != "":
		conf.Body = template.Text{Name: "template", Text: t.Body}
	case t.File != "":
		text, path, err := in.ReadFile(t.File)
		if err != nil {
			return nil, "", option.Errorf("template_file", "%v", err)
		}
		if what := files.NotLines(text); what != "" {
			return nil, "", option.Errorf("template_file", "%q: %s", t.File, what)
		}
		file = path
		conf.Body = template.Text{Name: "template_file", Text: strings.TrimPrefix(string(text), "\ufeff")}
	case t.Format != "":
		f, ok := format.Find(t.Format)
		if !ok {
			return nil, "", nil // checkFormat reports it
		}
		conf.Body = template.Text{Name: "format", Text: f.Text, Left: "{{", Right: "}}"}
	case t.Metadata != "" || t.Tag != "" || len(c.expressions) > 0 && c.Replay.Files == "":
		conf.Body = template.Text{Name: "dummy", Text: c.Dummy}
		conf.Bodies = c.bodies
	default:
		return nil, "", nil
	}
	if t.Metadata == "" && len(c.metadata) > 0 {
		conf.LiteralMetadata = c.metadata[0]
	}
	return conf, file, nil
}

// compileTemplates compiles the templates, and installs them if they are usable.
func (c *Config) compileTemplates(conf *template.Config, file string, usable bool) (errs option.Errors) {
	p, err := template.Compile(*conf)
	if err == nil {
		if usable {
			c.Program, c.source = p, conf.Body.Text
		}
		return nil
	}
	var all template.Errors
	if !errors.As(err, &all) {
		return option.Errors{option.Errorf(conf.Body.Name, "%v", err)}
	}
	for _, m := range all {
		if _, ok := option.Find(m.In); !ok { // an expression
			errs = append(errs, &option.Error{Option: m.In, Problem: m.Problem, Meant: m.Near})
			continue
		}
		e := c.ErrorIn(m.In, "", m)
		e.Value, e.Example = "", ""
		if m.In == "template_file" {
			e.File, e.Offset = filepath.Clean(file), 0
		}
		errs = append(errs, e)
	}
	return errs
}

// checkIrregular reports a share of irregular records where there are none. Without a
// usable template the question is open.
func (c *Config) checkIrregular(failed option.Errors) option.Errors {
	if c.Template.Irregular == nil || c.Program == nil && len(failed) > 0 {
		return nil
	}
	if c.Program != nil && c.Program.HasIrregular() {
		return nil
	}
	return option.Errors{option.Errorf("irregular", "no effect: no record is irregular; use a format that has irregular lines, or a template in which {{ irregular SHARE }} precedes an object")}
}

// checkIdentity reports an audit_key that is already the name of a field: most JSON
// parsers keep only one of two fields with the same name.
func (c *Config) checkIdentity() option.Errors {
	if !c.Audit && c.Ledger == "" {
		return nil
	}
	var taken bool
	where := "record"
	switch {
	case c.AuditIn == option.AuditInMetadata && c.Template.Metadata != "":
		taken, where = c.Program != nil && c.Program.HasMetadata(c.AuditKey), "metadata"
	case c.AuditIn == option.AuditInMetadata:
		taken, where = hasMember(c.metadata, c.AuditKey), "metadata"
	case c.replay != nil:
		taken = c.replay.HasMember(c.AuditKey)
	case c.Program != nil:
		taken = c.Program.HasMember(c.AuditKey)
	default:
		taken = hasMember(c.bodies, c.AuditKey)
	}
	if !taken {
		return nil
	}
	return option.Errors{option.Errorf("audit_key", "invalid value %q: the %s already has a field of this name", c.AuditKey, where)}
}

// hasMember reports whether one of the maps has a field with the given name.
func hasMember(bodies [][]byte, name string) bool {
	return slices.ContainsFunc(bodies, func(b []byte) bool {
		_, end := msgpack.Member(b, name)
		return end > 0
	})
}
