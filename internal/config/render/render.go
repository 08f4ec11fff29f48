// SPDX-License-Identifier: Apache-2.0

// Package render makes changed copies of the configurations of Fluent Bit.
//
// The normal path is [Read], changes of [Config.Inputs], [Config.Outputs] and
// [Config.Service], and [Config.Write] into a directory. A copy works from there: paths
// of other files become absolute, and files that it includes are written beside it. Everything
// else keeps its order and its text.
//
// # Terms
//
// A section is one [INPUT], [FILTER], … of a classic file, or one element of
// pipeline.inputs, … of a YAML file. It has properties: names and texts. In YAML, some
// properties have a structure, such as processors; they are kept as they are.
//
// # Limits
//
// Values that contain ${VARIABLE} are not analysed: a path with one is kept.
package render

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gdummy/gdummy/internal/config/conf"
	"github.com/gdummy/gdummy/internal/config/units"
)

// Config is a configuration with all files that it includes.
type Config struct {
	Inputs, Filters, Outputs []*Section
	Service                  []*Section // usually one
	Plugins                  []string   // paths of the plugins that it loads, as they are written
	Test                     string     // the file of the section gdummy_test, as it is written
	Missing                  []string   // properties with files that do not exist, such as "parsers_file /a"

	path  string
	dir   string // of the first file
	files []*file
}

// Section is a section of the configuration.
type Section struct {
	Kind  string // input, filter, output, service or another
	props *node
	gone  bool
}

// Get returns the text of a property. Names are not case-sensitive.
func (s *Section) Get(name string) (text string, ok bool) {
	if i := s.props.find(name); i >= 0 && s.props.values[i].isText() {
		return s.props.values[i].text, true
	}
	return "", false
}

// Text returns the text of a property, or "".
func (s *Section) Text(name string) string {
	text, _ := s.Get(name)
	return text
}

// On reports whether a property is on.
func (s *Section) On(name string) bool {
	on, _ := units.ParseBool(s.Text(name))
	return on
}

// Set sets a property.
func (s *Section) Set(name, text string) {
	if i := s.props.find(name); i >= 0 {
		s.props.keys[i], s.props.values[i] = name, &node{text: text, quoted: true}
		return
	}
	s.props.add(name, text)
}

// SetDefault sets a property that has no text.
func (s *Section) SetDefault(name, text string) {
	if s.Text(name) == "" {
		s.Set(name, text)
	}
}

// Remove removes a property, if it is there.
func (s *Section) Remove(name string) {
	for i := s.props.find(name); i >= 0; i = s.props.find(name) {
		s.props.keys, s.props.values = slices.Delete(s.props.keys, i, i+1), slices.Delete(s.props.values, i, i+1)
	}
}

// Names returns the names of the properties, in their order.
func (s *Section) Names() (names []string) {
	for _, k := range s.props.keys {
		if k != "" {
			names = append(names, strings.ToLower(conf.PropertyName(k)))
		}
	}
	return names
}

// Drop removes the section from the copy.
func (s *Section) Drop() { s.gone = true }

// Plugin returns the plugin of an input, filter or output, in lower case.
func (s *Section) Plugin() string { return strings.ToLower(s.Text("name")) }

// Labels returns the names of the sections: their alias, or else the
// plugin and the number among the sections of the same plugin, as in Fluent Bit.
func Labels(sections []*Section) []string {
	count := map[string]int{}
	var labels []string
	for _, s := range sections {
		plugin := s.Plugin()
		label := fmt.Sprintf("%s.%d", plugin, count[plugin])
		count[plugin]++
		if alias := s.Text("alias"); alias != "" {
			label = alias
		}
		labels = append(labels, label)
	}
	return labels
}

// HasFilter reports whether a filter of a plugin is in the configuration: in a section, or
// among the processors of an input or output.
func (c *Config) HasFilter(plugin string) bool {
	if slices.ContainsFunc(c.Filters, func(s *Section) bool { return s.Plugin() == plugin }) {
		return true
	}
	return slices.ContainsFunc(slices.Concat(c.Inputs, c.Outputs), func(s *Section) bool {
		i := s.props.find("processors")
		return i >= 0 && s.props.values[i].hasName(plugin)
	})
}

// file is one file of a configuration.
type file struct {
	path string
	out  string // its name in the copy
	body interface {
		text() string
	}
}

// maxFiles bounds the files of a configuration.
const maxFiles = 1000

// Read reads the configuration at path, and all that it includes.
func Read(path string) (*Config, error) {
	c := &Config{path: path, dir: filepath.Dir(path)}
	if _, err := c.read(path); err != nil {
		return nil, err
	}
	return c, nil
}

// read reads one file and returns its name in the copy.
func (c *Config) read(path string) (name string, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	if len(c.files) >= maxFiles {
		return "", fmt.Errorf("%s: more than %d included files", path, maxFiles)
	}
	f := &file{path: path, out: fmt.Sprintf("%d-%s", len(c.files), filepath.Base(path))}
	if len(c.files) == 0 {
		f.out = filepath.Base(path)
	}
	c.files = append(c.files, f)
	if conf.FormatOf(path) == conf.YAML {
		f.body, err = c.readYAML(path, text)
	} else {
		f.body, err = c.readClassic(string(text))
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	return f.out, nil
}

// testSection is the section that names the file of the configuration's expectations.
// Fluent Bit ignores it.
const testSection = "gdummy_test"

// add adds a section to the list of its kind.
func (c *Config) add(s *Section) {
	switch s.Kind {
	case "input":
		c.Inputs = append(c.Inputs, s)
	case "filter":
		c.Filters = append(c.Filters, s)
	case "output":
		c.Outputs = append(c.Outputs, s)
	case "service":
		c.Service = append(c.Service, s)
	case testSection:
		c.Test = s.Text("file")
	}
	c.absolute(s)
}

// paths are the properties that name a file, by the kind of their section. Fluent Bit
// looks for them in the working directory or beside the configuration.
var paths = map[string][]string{
	"service": {"parsers_file", "plugins_file", "streams_file", "sp.streams_file"},
	"filter":  {"script", "wasm_path", "database", "kube_ca_file", "kube_token_file"},
	"output":  {"upstream"},
	"input":   {"wasm_path"},
}

// absolute makes the paths of a section absolute, where a file is beside the
// configuration.
func (c *Config) absolute(s *Section) {
	for i, key := range s.props.keys {
		name := strings.ToLower(conf.PropertyName(key))
		if !slices.Contains(paths[s.Kind], name) {
			continue
		}
		values := []*node{s.props.values[i]}
		if values[0].isList {
			values = values[0].values
		}
		for _, v := range values {
			if v.isText() {
				v.text, v.quoted = c.absolutePath(v.text, name+" "), true
			}
		}
	}
}

// absolutePath returns the path of a file as find does, and notes one that does not exist
// with the property that has it.
func (c *Config) absolutePath(path, property string) string {
	found, ok := c.find(path)
	if !ok {
		c.Missing = append(c.Missing, property+path)
	}
	return found
}

// find returns the path of a file, absolute if it is beside the configuration or in the
// working directory, and whether it exists as far as is known.
func (c *Config) find(path string) (found string, ok bool) {
	if path == "" || strings.Contains(path, "${") {
		return path, true
	}
	if filepath.IsAbs(path) {
		_, err := os.Stat(path)
		return path, err == nil
	}
	for _, dir := range []string{"", c.dir} {
		full := filepath.Join(dir, path)
		if _, err := os.Stat(full); err == nil {
			if abs, err := filepath.Abs(full); err == nil {
				return abs, true
			}
		}
	}
	return path, false
}

// Write writes the copy into a directory, and returns the path of its first file.
func (c *Config) Write(dir string) (path string, err error) {
	for _, f := range c.files {
		if err := os.WriteFile(filepath.Join(dir, f.out), []byte(f.body.text()), 0o600); err != nil {
			return "", err
		}
	}
	return filepath.Join(dir, c.files[0].out), nil
}

// SetService sets a property of the service.
func (c *Config) SetService(name, text string) {
	if len(c.Service) == 0 {
		c.files[0].body.(interface{ addService(c *Config) }).addService(c)
	}
	for _, s := range c.Service[1:] {
		s.Remove(name)
	}
	c.Service[0].Set(name, text)
}

// Files returns the paths of the files of the configuration.
func (c *Config) Files() (paths []string) {
	for _, f := range c.files {
		paths = append(paths, f.path)
	}
	return paths
}

// LoadsPlugin reports whether the configuration loads a plugin whose file has a name
// such as NAME.so.
func (c *Config) LoadsPlugin(name string) bool {
	loads := func(path string) bool { return strings.Contains(filepath.Base(path), name) }
	for _, p := range c.Plugins {
		if loads(p) {
			return true
		}
	}
	for _, s := range c.Service {
		text, err := os.ReadFile(s.Text("plugins_file"))
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			word, path, _ := strings.Cut(strings.TrimSpace(line), " ")
			if strings.EqualFold(word, "path") && loads(strings.TrimSpace(path)) {
				return true
			}
		}
	}
	return false
}
