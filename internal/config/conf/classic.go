// SPDX-License-Identifier: Apache-2.0

package conf

import (
	"path/filepath"
	"strings"

	"github.com/gdummy/gdummy/internal/files"
)

// classic reads a file in the classic form: sections and commands begin in the first
// column, and all properties of a section have the same indentation.
func (r *reader) classic(f *file) {
	if len(f.text) > maxSize {
		r.errorf(f.pos(0), "%v", errSize)
		return
	}
	if what := files.NotLines([]byte(f.text)); what != "" {
		r.errorf(f.pos(0), "%s", what)
		return
	}
	c := &classicFile{reader: r, file: f}
	for i, start := range f.lines {
		if i == 0 && strings.HasPrefix(f.text, "\ufeff") {
			r.errorf(f.pos(0), "byte order mark at the start of the file: Fluent Bit does not skip it")
			start += len("\ufeff")
		}
		end := len(f.text)
		if i+1 < len(f.lines) {
			end = f.lines[i+1] - 1
		}
		if end > start && f.text[end-1] == '\r' {
			end--
		}
		c.line(start, end)
	}
	c.endSection()
}

// classicFile is the state of reading one file.
type classicFile struct {
	*reader
	file *file

	indent  string // of the first property, which the others must have too
	section bool   // after the first section header
	input   *Input // the current section, if it is an input
	inGroup bool
}

// line reads the line between two offsets of the file.
func (c *classicFile) line(start, end int) {
	line := c.file.text[start:end]
	if line == "" || line[0] == '#' {
		return
	}
	switch {
	case len(line) > 9 && strings.EqualFold(line[:9], "@INCLUDE "):
		c.include(c.file.pos(start+9), line[9:])
	case line[0] == '@' && len(line) > 3:
		c.command(start, line)
	case line[0] == '[':
		c.header(start, line)
	default:
		c.property(start, end)
	}
}

func (c *classicFile) include(pos Pos, path string) {
	if strings.Contains(path, "*") {
		for _, p := range c.glob(pos, c.root, path) {
			c.includeFile(pos, p)
		}
		return
	}
	// Fluent Bit tries the working directory first.
	if !filepath.IsAbs(path) {
		if _, err := c.files.Read(path); err != nil {
			path = filepath.Join(c.root, path)
		}
	}
	c.includeFile(pos, path)
}

func (c *classicFile) includeFile(pos Pos, path string) {
	if f, ok := c.open(pos, path); ok {
		c.classic(f)
	}
}

// command reads a line like @SET name=value.
func (c *classicFile) command(start int, line string) {
	name, args, ok := strings.Cut(line[1:], " ")
	if !ok {
		c.errorf(c.file.pos(start), "command @%s: missing argument", strings.Trim(name, space))
		return
	}
	if !strings.EqualFold(name, "SET") {
		return
	}
	name, value, ok := strings.Cut(strings.Trim(args, space), "=")
	if !ok {
		c.errorf(c.file.pos(start), "command @SET: expected name=value")
		return
	}
	c.config.Env[name] = value
}

// header reads a line like [INPUT].
func (c *classicFile) header(start int, line string) {
	c.endSection()
	c.section, c.inGroup = true, false
	end := strings.IndexByte(line, ']')
	if end < 0 {
		c.errorf(c.file.pos(start), "section name without a closing ']'")
		return
	}
	if isInput(line[1:end]) {
		c.input = &Input{Pos: c.file.pos(start)}
		c.config.Inputs = append(c.config.Inputs, c.input)
	}
}

// isInput reports whether a section of that name is an input: Fluent Bit accepts any
// prefix of the word (get_section_type).
func isInput(name string) bool {
	return name != "" && len(name) <= len("inputs") && strings.EqualFold(name, "inputs"[:len(name)])
}

// endSection checks a complete section.
func (c *classicFile) endSection() {
	if c.input != nil {
		c.named(c.input)
	}
	c.input = nil
}

// named checks that an input has a name.
func (r *reader) named(in *Input) {
	if _, ok := in.Property("name"); !ok {
		r.errorf(in.Pos, "input without the property name")
	}
}

// property reads an indented line.
func (c *classicFile) property(start, end int) {
	line := c.file.text[start:end]
	at := len(line) - len(strings.TrimLeft(line, " \t"))
	if at == 0 {
		c.errorf(c.file.pos(start), "neither a section nor a command: properties must be indented")
		return
	}
	if c.indent == "" {
		c.indent = line[:at]
	}
	if at == len(line) {
		// Fluent Bit also checks the indentation of a line of white space.
		if at != len(c.indent) && at != 2*len(c.indent) || !strings.HasPrefix(line, c.indent) {
			c.errorf(c.file.pos(start), "blank line with an indentation other than that of the lines before it")
		}
		return
	}
	if !c.indented(start, line[:at]) || line[at] == '#' {
		return
	}
	if line[at] == '[' {
		c.group(start+at, line[at:])
		return
	}
	name, rest, ok := strings.Cut(line[at:], " ")
	value := c.file.trimmed(start+at+len(name)+min(1, end-start-at-len(name)), end)
	switch {
	case !ok && strings.Contains(name, "\t"):
		c.errorf(c.file.pos(start+at+strings.IndexByte(name, '\t')), "tab between name and value: expected a space")
		return
	case !ok || strings.Trim(rest, space) == "":
		c.errorf(c.file.pos(start+at), "property %q without a value", strings.Trim(name, space))
		return
	case !c.section:
		c.errorf(c.file.pos(start+at), "property %q outside a section", name)
		return
	}
	if c.input == nil || c.inGroup {
		return
	}
	c.input.Properties = append(c.input.Properties, &Property{
		Name: strings.ToLower(strings.Trim(name, space)), Pos: c.file.pos(start + at), Value: value,
	})
}

// indented checks the indentation of a line.
func (c *classicFile) indented(start int, indent string) bool {
	pos := c.file.pos(start + len(indent))
	switch {
	case indent == c.indent:
		c.inGroup = false
		return true
	case len(indent) == 2*len(c.indent) && strings.HasPrefix(indent, c.indent):
		// Twice the indentation: the content of a group. Without a group, Fluent Bit
		// adds it to the section.
		return true
	case !strings.HasPrefix(indent, c.indent) && len(indent) >= len(c.indent):
		c.errorf(pos, "mixed tabs and spaces: expected the indentation of the lines before it")
	case len(indent) < len(c.indent):
		c.errorf(pos, "indentation too small: expected %d characters, as in the lines before it", len(c.indent))
	default:
		c.errorf(pos, "indentation too large: expected %d characters, as in the lines before it", len(c.indent))
	}
	return false
}

// group reads an indented [name].
func (c *classicFile) group(at int, text string) {
	switch {
	case !strings.Contains(text, "]"):
		c.errorf(c.file.pos(at), "group name without a closing ']'")
	case !strings.Contains(text, " "):
		c.errorf(c.file.pos(at), "indented section: expected it in the first column")
	case !c.section:
		c.errorf(c.file.pos(at), "group outside a section")
	default:
		c.inGroup = true
	}
}
