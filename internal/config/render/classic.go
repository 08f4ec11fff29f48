// SPDX-License-Identifier: Apache-2.0

package render

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// classicFile is a classic file with the files that it includes in its place.
type classicFile struct{ parts []classicPart }

// classicPart is a section with the line that begins it or, without a section, a line
// outside of all. The properties without a name are the lines that begin groups.
type classicPart struct {
	line    string
	section *Section
}

func (c *Config) readClassic(text string) (*classicFile, error) {
	f := new(classicFile)
	err := c.classicLines(f, text, 0)
	for _, p := range f.parts {
		if p.section != nil {
			c.add(p.section)
		}
	}
	return f, err
}

// maxIncludes bounds how deep files include each other.
const maxIncludes = 20

// classicLines reads the lines of a file, and those of files that it includes.
func (c *Config) classicLines(f *classicFile, text string, depth int) error {
	var props *node
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		trimmed := strings.TrimSpace(line)
		switch {
		case len(line) > 9 && strings.EqualFold(line[:9], "@INCLUDE "):
			props = nil
			if err := c.classicInclude(f, strings.TrimSpace(line[9:]), depth); err != nil {
				return err
			}
		case trimmed == "" || trimmed[0] == '#':
		case line[0] == '[':
			name, _, _ := strings.Cut(line[1:], "]")
			props = &node{isMap: true}
			f.parts = append(f.parts, classicPart{line: line, section: &Section{Kind: strings.ToLower(strings.TrimSpace(name)), props: props}})
		case line[0] == '@' || props == nil:
			f.parts = append(f.parts, classicPart{line: line})
		case trimmed[0] == '[':
			props.add("", line) // a group
		default:
			name, value := trimmed, ""
			if i := strings.IndexAny(trimmed, " \t"); i >= 0 {
				name, value = trimmed[:i], strings.TrimSpace(trimmed[i:])
			}
			props.add(name, value)
		}
	}
	return nil
}

func (c *Config) classicInclude(f *classicFile, pattern string, depth int) error {
	if depth >= maxIncludes {
		return fmt.Errorf("@INCLUDE %s: files include each other more than %d levels deep", pattern, maxIncludes)
	}
	path, _ := c.find(pattern)
	files := []string{path}
	if strings.Contains(pattern, "*") {
		if !filepath.IsAbs(pattern) {
			pattern = filepath.Join(c.dir, pattern)
		}
		var err error
		if files, err = filepath.Glob(pattern); err != nil {
			return err
		}
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if err := c.classicLines(f, string(text), depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (f *classicFile) text() string {
	var b strings.Builder
	for _, p := range f.parts {
		if p.section != nil && p.section.gone {
			continue
		}
		b.WriteString(p.line + "\n")
		if p.section == nil {
			continue
		}
		for i, name := range p.section.props.keys {
			if text := p.section.props.values[i].text; name == "" {
				b.WriteString(text + "\n")
			} else {
				b.WriteString("    " + name + " " + text + "\n")
			}
		}
	}
	return b.String()
}

func (f *classicFile) addService(c *Config) {
	s := &Section{Kind: "service", props: &node{isMap: true}}
	f.parts = append([]classicPart{{"[SERVICE]", s}}, f.parts...)
	c.Service = append(c.Service, s)
}
