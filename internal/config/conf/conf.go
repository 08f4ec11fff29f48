// SPDX-License-Identifier: Apache-2.0

// Package conf reads the inputs in configurations of Fluent Bit, with the position of
// each part.
//
// The normal path is [Read]. It reads a file in the classic or the YAML form and all
// files that it includes, by the rules of Fluent Bit 5.1.1 (flb_cf_fluentbit.c,
// flb_cf_yaml.c), and returns the inputs. Fluent Bit stops at the first error, but Read
// reports all errors.
//
// # Terms
//
// An input is one `[INPUT]` section or one element of pipeline.inputs. It has
// properties, each with a name and a value. A value is text without surrounding white
// space, in which [Value.Expand] replaces ${VARIABLE}.
//
// # Limits
//
// Of sections other than inputs, only the syntax is checked. A file has at most 8 MiB
// (YAML: 1 MiB). At most 1000 files and 32 MiB are read.
package conf

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"unicode/utf8"
)

// Pos is a position in a file.
type Pos struct {
	File   string
	Line   int // from 1
	Column int // in characters, from 1
}

// String returns the position in the form of compilers.
func (p Pos) String() string { return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column) }

// Error is an error for which Fluent Bit would not start.
type Error struct {
	Pos     Pos
	Problem string
	Hint    string // what may help, or ""
}

// Error returns the error in one line.
func (e *Error) Error() string { return e.Pos.String() + ": " + e.Problem }

// Config is the content of a file and of all files that it includes.
type Config struct {
	Inputs []*Input
	Errors []*Error
	Notes  []*Error // what Fluent Bit ignores, and what may be a mistake

	// Env are the variables that the files set, with @SET or in the section env. They
	// hide those of the process.
	Env map[string]string
}

// Lookup returns the environment for the expansion of values.
func (c *Config) Lookup(outer Environment) Environment {
	return func(name string) (string, bool) {
		if v, ok := c.Env[name]; ok && v != "" {
			return v, true
		}
		return outer(name)
	}
}

// Input is one configured input.
type Input struct {
	Pos        Pos
	Properties []*Property

	// ConditionalRoute is the position of the first route for logs that tests each
	// record, by a condition or per_record_routing; nil if there is none.
	ConditionalRoute *Pos
}

// Property returns the first property of a name, which is not case-sensitive.
func (in *Input) Property(name string) (*Property, bool) {
	for _, p := range in.Properties {
		if strings.EqualFold(p.Name, name) {
			return p, true
		}
	}
	return nil, false
}

// Property is a property of an input.
type Property struct {
	Name  string // as plugins ask for it
	Pos   Pos
	Value Value

	// NotText describes the value if it is a YAML map, or a list with other elements
	// than text.
	NotText string

	// List is the start of the list that contains the value, or nil. Fluent Bit sets the
	// property once for each element.
	List *Pos

	// Quoted is the text of a map or list in brackets, in quotes and on one line. It is
	// "" for other values.
	Quoted string
}

// Value is a text and its position.
type Value struct {
	Text string

	file *file
	from func(offset int) int // offset in the file of a byte of Text
}

// Pos returns the position of a byte of Text in the file.
func (v *Value) Pos(offset int) Pos {
	return v.file.pos(v.from(min(max(offset, 0), len(v.Text))))
}

// Expanded is a value with its variables replaced.
type Expanded struct {
	Text string
	Vars []Variable

	value *Value
	exp   *expansion
}

// Expand replaces the variables.
func (v *Value) Expand(env Environment) *Expanded {
	e := expand(v.Text, env)
	return &Expanded{Text: e.text, Vars: e.vars, value: v, exp: e}
}

// Pos returns the position of a byte of Text in the file. The value of a variable
// has the position of the variable.
func (e *Expanded) Pos(offset int) Pos { return e.value.Pos(e.exp.origin(offset)) }

// Files opens files.
type Files struct {
	Read func(path string) ([]byte, error)
	Glob func(pattern string) ([]string, error)
}

// Disk are the files of this machine.
var Disk = Files{Read: readFile, Glob: filepath.Glob}

const (
	maxFiles = 1000 // FLB_CF_FILE_NUM_LIMIT
	maxSize  = 8 << 20
	maxTotal = 32 << 20
)

var errSize = errors.New("too large for a configuration file")

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, unwrapPathError(err)
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil {
		return nil, unwrapPathError(err)
	} else if info.IsDir() {
		return nil, errors.New("is a directory")
	}
	b, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	return b, unwrapPathError(err)
}

// unwrapPathError removes the path, which is already in the position of the error.
func unwrapPathError(err error) error {
	if p, ok := errors.AsType[*os.PathError](err); ok {
		return p.Err
	}
	return err
}

// Read reads the file at path and all files that it includes. It returns an error if the
// file itself cannot be read. All other errors are in the Config.
func Read(path string, files Files) (*Config, error) {
	text, err := files.Read(path)
	if err != nil {
		return nil, err
	}
	return Parse(path, text, FormatOf(path), files), nil
}

// Format is a form of configurations.
type Format uint8

// The forms of configurations.
const (
	Classic Format = iota + 1
	YAML
)

// FormatOf returns the form of a file by its name: like Fluent Bit, YAML if it ends in .yaml
// or .yml.
func FormatOf(path string) Format {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".yaml", ".yml":
		return YAML
	}
	return Classic
}

// Guess returns the form of a text without a file name. The classic form begins with a
// section or a command.
func Guess(text []byte) Format {
	for line := range strings.Lines(yamlText(string(text))) {
		line = strings.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		if line[0] == '[' || line[0] == '@' {
			return Classic
		}
		return YAML
	}
	return Classic
}

// Parse reads a text as the content of a file with the given name, and all files that it
// includes.
func Parse(name string, text []byte, format Format, files Files) *Config {
	r := &reader{files: files, root: filepath.Dir(name), config: &Config{Env: map[string]string{}}, seen: map[string]bool{}}
	r.seen[filepath.Clean(name)] = true
	f := newFile(name, text)
	if format == YAML {
		r.yaml(f)
	} else {
		r.classic(f)
	}
	return r.config
}

// reader collects the content of the files.
type reader struct {
	files  Files
	root   string // directory of the first file
	config *Config
	seen   map[string]bool // paths of files read
	total  int             // bytes of included files
}

func (r *reader) errorf(pos Pos, format string, args ...any) {
	r.wrong(pos, fmt.Sprintf(format, args...), "")
}

// wrong adds an error with a hint.
func (r *reader) wrong(pos Pos, problem, hint string) {
	r.config.Errors = append(r.config.Errors, &Error{pos, problem, hint})
}

// open reads an included file, and reports errors at pos.
func (r *reader) open(pos Pos, path string) (*file, bool) {
	clean := filepath.Clean(path)
	if r.seen[clean] {
		r.errorf(pos, "file %q included a second time", path)
		return nil, false
	}
	if len(r.seen) >= maxFiles {
		r.errorf(pos, "more than %d included files", maxFiles)
		return nil, false
	}
	text, err := r.files.Read(path)
	if err != nil {
		r.errorf(pos, "cannot include %q: %v", path, err)
		return nil, false
	}
	r.seen[clean] = true
	if r.total += len(text); r.total > maxTotal {
		r.errorf(pos, "more than %d bytes of included files", maxTotal)
		return nil, false
	}
	return newFile(path, text), true
}

// glob returns the files that match a pattern.
func (r *reader) glob(pos Pos, dir, pattern string) []string {
	if !filepath.IsAbs(pattern) {
		pattern = filepath.Join(dir, pattern)
	}
	paths, err := r.files.Glob(pattern)
	if err != nil {
		r.errorf(pos, "invalid pattern %q", pattern)
	} else if len(paths) == 0 {
		r.errorf(pos, "no file matches %q", pattern)
	}
	return paths
}

// file is the text of a file, with its lines.
type file struct {
	name  string
	text  string
	lines []int // offsets of lines
}

func newFile(name string, text []byte) *file {
	f := &file{name: name, text: string(text), lines: []int{0}}
	for i := range len(f.text) {
		if f.text[i] == '\n' {
			f.lines = append(f.lines, i+1)
		}
	}
	return f
}

// pos returns the position of the character that contains a byte.
func (f *file) pos(offset int) Pos {
	offset = min(max(offset, 0), len(f.text))
	line := sort.SearchInts(f.lines, offset+1)
	column := 1
	for at := f.lines[line-1]; at < offset; column++ {
		_, n := utf8.DecodeRuneInString(f.text[at:])
		if at += n; at > offset {
			break
		}
	}
	return Pos{f.name, line, column}
}

// offset returns the offset of a position. It is the inverse of pos.
func (f *file) offset(line, column int) int {
	if line < 1 || line > len(f.lines) {
		return len(f.text)
	}
	at := f.lines[line-1]
	for ; column > 1 && at < len(f.text) && f.text[at] != '\n'; column-- {
		_, n := utf8.DecodeRuneInString(f.text[at:])
		at += n
	}
	return at
}

// space is the white space that Fluent Bit removes around values.
const space = " \t\n\v\f\r"

// trimmed returns a part of the file as a value, without surrounding white space.
func (f *file) trimmed(from, to int) Value {
	part := f.text[from:to]
	text := strings.Trim(part, space)
	from += strings.Index(part, text)
	return Value{Text: text, file: f, from: func(offset int) int { return from + offset }}
}
