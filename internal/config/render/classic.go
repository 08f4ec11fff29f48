// SPDX-License-Identifier: Apache-2.0

package render

import (
	"os"
	"path/filepath"
	"strings"
)

// classicFile is a classic file with the files that it includes in its place.
type classicFile struct{ parts []classicPart }

// classicPart is a section or, without one, a line outside of all.
type classicPart struct {
	line    string
	section *Section
}

// classicProps are the properties of a section.
type classicProps struct {
	header string
	lines  []classicLine
}

// classicLine is a property or, without a name, a line of another kind.
type classicLine struct{ name, text, line string }

func (p *classicProps) find(name string) int {
	for i, l := range p.lines {
		if l.name != "" && strings.EqualFold(l.name, name) {
			return i
		}
	}
	return -1
}

func (p *classicProps) get(name string) (string, bool) {
	if i := p.find(name); i >= 0 {
		return p.lines[i].text, true
	}
	return "", false
}

func (p *classicProps) set(name, text string) {
	line := classicLine{name: name, text: text}
	if i := p.find(name); i >= 0 {
		p.lines[i] = line
		return
	}
	p.lines = append(p.lines, line)
}

func (p *classicProps) replace(name string, f func(string) string) {
	for i, l := range p.lines {
		if l.name != "" && strings.EqualFold(l.name, name) {
			p.lines[i] = classicLine{name: l.name, text: f(l.text)}
		}
	}
}

func (p *classicProps) remove(name string) {
	for i := p.find(name); i >= 0; i = p.find(name) {
		p.lines = append(p.lines[:i], p.lines[i+1:]...)
	}
}

func (p *classicProps) names() (names []string) {
	for _, l := range p.lines {
		if l.name != "" {
			names = append(names, strings.ToLower(l.name))
		}
	}
	return names
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
	var props *classicProps
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
			props = &classicProps{header: line}
			f.parts = append(f.parts, classicPart{section: &Section{Kind: strings.ToLower(strings.TrimSpace(name)), props: props}})
		case line[0] == '@' || props == nil:
			f.parts = append(f.parts, classicPart{line: line})
		case trimmed[0] == '[':
			props.lines = append(props.lines, classicLine{line: line}) // a group
		default:
			name, value := trimmed, ""
			if i := strings.IndexAny(trimmed, " \t"); i >= 0 {
				name, value = trimmed[:i], strings.TrimSpace(trimmed[i:])
			}
			props.lines = append(props.lines, classicLine{name: name, text: value})
		}
	}
	return nil
}

func (c *Config) classicInclude(f *classicFile, pattern string, depth int) error {
	if depth >= maxIncludes {
		return os.ErrInvalid
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
		switch {
		case p.section == nil:
			b.WriteString(p.line + "\n")
		case !p.section.gone:
			props := p.section.props.(*classicProps)
			b.WriteString(props.header + "\n")
			for _, l := range props.lines {
				if l.name == "" {
					b.WriteString(l.line + "\n")
				} else {
					b.WriteString("    " + l.name + " " + l.text + "\n")
				}
			}
		}
	}
	return b.String()
}

func (f *classicFile) addService(c *Config) {
	s := &Section{Kind: "service", props: &classicProps{header: "[SERVICE]"}}
	f.parts = append([]classicPart{{section: s}}, f.parts...)
	c.Service = append(c.Service, s)
}
