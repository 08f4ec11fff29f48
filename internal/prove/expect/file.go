// SPDX-License-Identifier: Apache-2.0

package expect

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/gdummy/gdummy/internal/config/option"
	"github.com/gdummy/gdummy/internal/config/units"
)

// File is a file of expectations.
type File struct {
	Path     string
	Pipeline string // the configuration, as a path from the working directory
	Records  uint64 // of each gdummy input
	Seed     string // of those that have none
	Inputs   []Input
	Sinks    []Sink
}

// Input replaces an input of the configuration.
type Input struct {
	Input   string // its alias, or PLUGIN.N
	Via     string // ViaFile: it stays, and reads a file; "" is replaced
	Form    string // of the lines of the file: FormCRI, FormDocker or ""
	Options [][2]string
	Parser  string // of the input, which does not run; only for a first file
	Places  Places
}

// The values of via and form of an Input.
const (
	ViaFile    = "file"
	FormCRI    = "cri"
	FormDocker = "docker"
)

// Sink has the expectations for the records at one output.
type Sink struct {
	Name   string
	Output string // its alias, or PLUGIN.N
	// Through reports that the plugin of the output stays, so that its protocol is tested
	// as well. Records have their identities in the body.
	Through bool
	From    []string // the inputs whose records are meant; nil is all
	Arrive  string   // an expression; "" is all records
	Fields  []Field
	Absent  []string // expressions
	Only    []string // paths of members; nil is any
	Within  time.Duration
	Lines   uint64 // that arrive as one record
	Copies  uint64 // of each record
	Share   *Share // of the records; nil is all
	Places  Places
}

// TimePath is the path of a Field that is the time of the record.
const TimePath = "@time"

// Field is the expected value of one member.
type Field struct {
	Path      string        // of the member, or TimePath
	Value     string        // an expression
	Tolerance time.Duration // within "1ms"
	As        string        // text or number; "" is the type as well
}

// Share is how many of all records may arrive, from 0 to 1.
type Share struct{ Value, Tolerance float64 }

// Defaults of a file.
const (
	DefaultRecords = 10_000
	DefaultSeed    = "1"
)

// The YAML of a file.
type (
	yamlFile struct {
		Pipeline string          `yaml:"pipeline"`
		Records  string          `yaml:"records"`
		Seed     string          `yaml:"seed"`
		Inputs   []yaml.MapSlice `yaml:"inputs"`
		Sinks    []yamlSink      `yaml:"sinks"`
	}
	yamlSink struct {
		Name    string        `yaml:"name"`
		Output  string        `yaml:"output"`
		Through string        `yaml:"through"`
		From    any           `yaml:"from"`
		Arrive  string        `yaml:"arrive"`
		Fields  yaml.MapSlice `yaml:"fields"`
		Absent  any           `yaml:"absent"`
		Only    any           `yaml:"only"`
		Within  string        `yaml:"within"`
		Lines   string        `yaml:"lines"`
		Copies  string        `yaml:"copies"`
		Share   string        `yaml:"share"`
	}
)

// ReadFile reads a file of expectations.
func ReadFile(path string) (*File, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	f, err := parse(text, path)
	if err != nil {
		return nil, inFile(path, err)
	}
	f.Path = path
	if !filepath.IsAbs(f.Pipeline) {
		f.Pipeline = filepath.Join(filepath.Dir(path), f.Pipeline)
	}
	info, err := os.Stat(f.Pipeline)
	if err == nil && info.IsDir() {
		err = fmt.Errorf("%s is a directory", f.Pipeline)
	}
	if err != nil {
		return nil, inFile(path, newDocument(text).place("$", fmt.Errorf("pipeline: %w: expected a configuration of Fluent Bit, as a path from this file", err)))
	}
	return f, nil
}

// Parse parses the text of a file of expectations.
func Parse(text []byte) (*File, error) { return parse(text, "line") }

// parse parses the text of the file with a name.
func parse(text []byte, name string) (*File, error) {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	var y yamlFile
	if err := unmarshal(text, &y); err != nil {
		return nil, plainYAMLError(err)
	}
	d := newDocument(text)
	f := &File{Pipeline: y.Pipeline, Records: DefaultRecords, Seed: DefaultSeed}
	if f.Pipeline == "" {
		return nil, fmt.Errorf("pipeline: expected the path of a configuration of Fluent Bit")
	}
	if y.Seed != "" {
		f.Seed = y.Seed
	}
	if err := count(&f.Records, "records", y.Records); err != nil {
		return nil, d.place("$", err)
	}
	for i, m := range y.Inputs {
		in, err := parseInput(m)
		if err != nil {
			return nil, inElement(d, fmt.Sprintf("inputs[%d]", i), err)
		}
		in.Places = d.places(name, fmt.Sprintf("$.inputs[%d]", i), in.keys()...)
		f.Inputs = append(f.Inputs, in)
	}
	if len(y.Sinks) == 0 {
		return nil, fmt.Errorf("sinks: expected at least one output to look at")
	}
	for i, s := range y.Sinks {
		sink, err := parseSink(s)
		if err != nil {
			return nil, inElement(d, fmt.Sprintf("sinks[%d]", i), err)
		}
		sink.Places = d.places(name, fmt.Sprintf("$.sinks[%d]", i), sink.keys()...)
		if slices.ContainsFunc(f.Sinks, func(o Sink) bool { return o.Name == sink.Name }) {
			return nil, inElement(d, fmt.Sprintf("sinks[%d]", i), fmt.Errorf("second sink named %q", sink.Name))
		}
		f.Sinks = append(f.Sinks, sink)
	}
	return f, nil
}

// unmarshal reads YAML. It recovers from panics of the YAML package.
func unmarshal(text []byte, y *yamlFile) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the YAML parser failed: %v", p)
		}
	}()
	return yaml.UnmarshalWithOptions(text, y, yaml.Strict())
}

// keysOf returns the keys of a struct of YAML.
func keysOf(v any) (keys []string) {
	t := reflect.TypeOf(v)
	for i := range t.NumField() {
		keys = append(keys, t.Field(i).Tag.Get("yaml"))
	}
	return keys
}

// inElement adds its place to an error in an element of a list.
func inElement(d document, element string, err error) error {
	var placed *placedError
	if placedErr := d.place("$."+element, err); errors.As(placedErr, &placed) {
		return &placedError{placed.line, fmt.Errorf("%s: %w", element, err)}
	}
	return fmt.Errorf("%s: %w", element, err)
}

// keys returns the keys with places.
func (in *Input) keys() (keys []string) {
	keys = []string{"input", "via", "form"}
	for _, o := range in.Options {
		keys = append(keys, o[0])
	}
	return keys
}

func (s *Sink) keys() (keys []string) {
	keys = []string{"output", "name", "through", "from", "arrive", "absent", "within", "lines"}
	for _, f := range s.Fields {
		keys = append(keys, "fields."+f.Path)
	}
	return keys
}

// count parses a whole number of at least 1, such as 100k. An empty text is allowed.
func count(to *uint64, name, text string) error {
	if text == "" {
		return nil
	}
	n, err := units.ParseCount(text, 1, 1<<40)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	*to = uint64(n)
	return nil
}

func parseInput(m yaml.MapSlice) (in Input, err error) {
	for _, item := range m {
		name, text := fmt.Sprint(item.Key), scalarText(item.Value)
		switch name {
		case "input":
			in.Input = text
			continue
		case "via":
			in.Via = text
			continue
		case "form":
			in.Form = text
			continue
		}
		if _, ok := option.Find(name); !ok && !option.IsCore(name) {
			return in, fmt.Errorf("%s: unknown option%s", name, units.Hint(name, option.Names(), ""))
		}
		in.Options = append(in.Options, [2]string{name, text})
	}
	switch {
	case in.Input == "":
		return in, fmt.Errorf("input: expected the alias of an input, or its plugin and number, such as tail.0")
	case in.Via != "" && in.Via != ViaFile:
		return in, fmt.Errorf("via: invalid value %q: expected file", in.Via)
	case in.Form != "" && in.Form != FormCRI && in.Form != FormDocker:
		return in, fmt.Errorf("form: invalid value %q: expected cri or docker", in.Form)
	case in.Form != "" && in.Via == "":
		return in, fmt.Errorf("input %s: form requires via: file", in.Input)
	case len(in.Options) == 0:
		return in, fmt.Errorf("input %s: expected options of gdummy, such as format", in.Input)
	}
	return in, nil
}

func scalarText(v any) string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

// CheckLines returns an error if the records of an input end within the lines of one.
func (f *File) CheckLines() error {
	for _, s := range f.Sinks {
		if f.Records%s.Lines != 0 {
			return fmt.Errorf("%ssink %s: lines: %d: expected a number that divides the %d records of an input; %d records would do", s.Places.Of("lines"), s.Name, s.Lines, f.Records, (f.Records/s.Lines+1)*s.Lines)
		}
	}
	return nil
}

func parseSink(y yamlSink) (Sink, error) {
	s := Sink{Name: y.Name, Output: y.Output, Arrive: y.Arrive, Lines: 1, Copies: 1}
	s.Name, s.Output = cmp.Or(s.Name, s.Output), cmp.Or(s.Output, s.Name)
	if s.Output == "" {
		return s, fmt.Errorf("output: expected the alias of an output, or its plugin and number, such as es.0")
	}
	if s.Through = y.Through == "output"; y.Through != "" && !s.Through {
		return s, fmt.Errorf("through: invalid value %q: expected output", y.Through)
	}
	for _, list := range []struct {
		key  string
		from any
		to   *[]string
		what string
	}{
		{"from", y.From, &s.From, "an input, or a list of them"},
		{"absent", y.Absent, &s.Absent, "an expression, or a list of them"},
		{"only", y.Only, &s.Only, "a member, or a list of them"},
	} {
		texts, err := parseTexts(list.from)
		if err != nil {
			return s, fmt.Errorf("%s: %w: expected %s", list.key, err, list.what)
		}
		*list.to = texts
	}
	if err := checkExpression(s.Arrive); err != nil {
		return s, fmt.Errorf("arrive: %w", err)
	}
	for _, text := range s.Absent {
		if err := checkExpression(text); err != nil {
			return s, fmt.Errorf("absent: %w", err)
		}
		if strings.HasPrefix(text, ".") {
			return s, fmt.Errorf("absent: invalid value %q: expected a variable, such as $%s: members are what arrived", text, text[1:])
		}
	}
	for _, item := range y.Fields {
		path := fmt.Sprint(item.Key)
		switch item.Value.(type) {
		case yaml.MapSlice, map[string]any, []any:
			return s, fmt.Errorf("fields: %s: expected an expression, found a list or a map; a member within another is %s.NAME", path, path)
		}
		f, err := parseField(path, scalarText(item.Value))
		if err != nil {
			return s, err
		}
		s.Fields = append(s.Fields, f)
	}
	if y.Within != "" {
		d, err := units.ParseDuration(y.Within)
		if err != nil {
			return s, fmt.Errorf("within: %w", err)
		}
		if d <= 0 {
			return s, fmt.Errorf("within: invalid value %q: expected more than 0", y.Within)
		}
		s.Within = d
	}
	if err := count(&s.Lines, "lines", y.Lines); err != nil {
		return s, err
	}
	if err := count(&s.Copies, "copies", y.Copies); err != nil {
		return s, err
	}
	if y.Share != "" {
		share, err := parseShare(y.Share)
		if err != nil {
			return s, err
		}
		s.Share = share
	}
	return s, nil
}

// modifiers are what may follow the expression of a field.
var modifiers = regexp.MustCompile(`\|\s*(?:within\s+"?([^"]*)"?|as\s+(\w+))\s*$`)

func parseField(path, text string) (Field, error) {
	f := Field{Path: path, Value: text}
	for {
		m := modifiers.FindStringSubmatch(f.Value)
		if m == nil {
			break
		}
		f.Value = strings.TrimSpace(strings.TrimSuffix(f.Value, m[0]))
		switch {
		case m[2] == "text" || m[2] == "number":
			f.As = m[2]
		case m[2] != "":
			return f, fmt.Errorf("fields: %s: as %s: expected as text or as number", path, m[2])
		default:
			d, err := units.ParseDuration(m[1])
			if err != nil {
				return f, fmt.Errorf("fields: %s: within: %w", path, err)
			}
			f.Tolerance = d
		}
	}
	if f.Path == TimePath && f.Tolerance == 0 {
		f.Tolerance = time.Microsecond // of a double
	}
	if f.Value == "" {
		return f, fmt.Errorf("fields: %s: expected an expression, such as $status", path)
	}
	if f.Value == "."+path {
		return f, fmt.Errorf("fields: %s: %s is the member itself: expected a variable, such as $%s", path, f.Value, path)
	}
	if err := checkExpression(f.Value); err != nil {
		return f, fmt.Errorf("fields: %s: %w", path, err)
	}
	return f, nil
}

// parseTexts parses a text, or a list of them.
func parseTexts(v any) (texts []string, err error) {
	if v == nil {
		return nil, nil
	}
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	if len(list) == 0 {
		return nil, errors.New("an empty list")
	}
	for _, name := range list {
		text, ok := name.(string)
		if !ok || text == "" {
			return nil, fmt.Errorf("invalid value %v", name)
		}
		texts = append(texts, text)
	}
	return texts, nil
}

var shares = regexp.MustCompile(`^\s*([0-9.]+)\s*%\s*(?:(?:±|\+-|\+/-)\s*([0-9.]+)\s*%\s*)?$`)

func parseShare(text string) (*Share, error) {
	m := shares.FindStringSubmatch(text)
	if m == nil {
		return nil, fmt.Errorf("share: invalid value %q: expected percentages such as 10%% ± 1%%", text)
	}
	var s Share
	for i, to := range []*float64{&s.Value, &s.Tolerance} {
		if m[i+1] == "" {
			continue
		}
		if _, err := fmt.Sscanf(m[i+1], "%g", to); err != nil || *to > 100 {
			return nil, fmt.Errorf("share: invalid value %q: expected percentages such as 10%% ± 1%%", text)
		}
		*to /= 100
	}
	return &s, nil
}
